//! `--format markdown`: the scorecard comment, from `templates/comment.md.j2`.
//!
//! Logic stays here; the template has loops and conditions only. Every text is sent through
//! a Markdown sink before the template sees it. A comment that grows too long loses whole
//! rows and sections, never half of one.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::json;

use super::{Look, Output, RenderError, words};
use crate::gates::Outcome;
use crate::policy::Mode;
use crate::prompt::diff::Difference;
use crate::regression::{Comparison, p_value, points};
use crate::report::{ChangeReport, CoverageReport, Report};
use crate::rules::Origin;
use crate::untrusted::{markdown_code as code, markdown_inline as inline, shorten};
use crate::verdict::Verdict;

const TEMPLATE: &str = include_str!("../../templates/comment.md.j2");

/// What GitHub takes is 65,536 characters; this many bytes leave room for the marker.
const MAX_BYTES: usize = 60_000;

/// How much a comment shows; each step down drops rows and sections.
#[derive(Debug, Clone, Copy)]
struct Room {
    rows: usize,
    cases: usize,
    text: usize,
    rationale: bool,
}

impl Room {
    /// A name, which may be as long as a path can be.
    fn name(self, text: &str) -> String {
        inline(&shorten(text, self.text))
    }
}

const ROOMS: [Room; 4] = [
    Room {
        rows: 50,
        cases: 3,
        text: 600,
        rationale: true,
    },
    Room {
        rows: 50,
        cases: 1,
        text: 200,
        rationale: true,
    },
    Room {
        rows: 20,
        cases: 0,
        text: 120,
        rationale: false,
    },
    Room {
        rows: 5,
        cases: 0,
        text: 60,
        rationale: false,
    },
];

pub(crate) struct Markdown;

impl Output for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn about(&self) -> &'static str {
        "the scorecard comment"
    }

    fn render(&self, report: &Report, _: Look) -> Result<String, RenderError> {
        comment(report)
    }
}

/// Renders the comment, as full as its limit allows.
pub(crate) fn comment(report: &Report) -> Result<String, RenderError> {
    let mut text = String::new();
    for room in ROOMS {
        text = render(report, room)?;
        if text.len() <= MAX_BYTES {
            break;
        }
    }
    Ok(text)
}

fn render(report: &Report, room: Room) -> Result<String, RenderError> {
    let failed = |error: minijinja::Error| RenderError {
        output: "markdown",
        reason: format!("{error:#}"),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_fuel(Some(2_000_000));
    environment
        .add_template("comment.md.j2", TEMPLATE)
        .map_err(failed)?;
    let template = environment.get_template("comment.md.j2").map_err(failed)?;
    let (green, judged) = report.gates();
    let blocking = report.blocking();
    let text = template
        .render(Serde(json!({
            "icon": icon(report),
            "alert": alert(report),
            "headline": report.headline(),
            "green": green,
            "judged": judged,
            "first": blocking.first().map(|outcome| inline(&shorten(&outcome.ruling.found, 400))),
            "next": inline(&shorten(&report.next, 600)),
            "failing": failing(report, room),
            "changes": changes(report, room),
            "governed": report.governed,
            "scored": report.scored,
            "categories": categories(report, room),
            "total": report.card.total.to_string(),
            "band": report.card.band.words(),
            "evals": evals(report, room),
            "rationale": rationale(report, room),
            "remedies": remedies(report, room),
            "coverage": report.coverage.as_ref().map(coverage),
            "findings": findings(report, room),
            "policy": {
                "digest": report.policy.sha256.short(),
                "origin": origin(report),
            },
            "base": report.range.base.short(),
            "head": report.range.head.short(),
            "files": files(report, room),
        })))
        .map_err(failed)?;
    Ok(tidy(&text))
}

/// At most one empty line in a row, none at the ends.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines() {
        let blank = line.trim().is_empty();
        if !(blank && empty) {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        empty = blank;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn icon(report: &Report) -> &'static str {
    match (report.verdict, report.mode) {
        (Verdict::Pass, _) => "✅",
        (_, Mode::Advise | Mode::Observe) => "⚠️",
        (Verdict::Fail | Verdict::Error, Mode::Enforce) => "⛔",
    }
}

fn alert(report: &Report) -> &'static str {
    match (report.verdict, report.mode) {
        (Verdict::Pass, _) => "TIP",
        (_, Mode::Advise | Mode::Observe) => "WARNING",
        (Verdict::Fail | Verdict::Error, Mode::Enforce) => "CAUTION",
    }
}

fn origin(report: &Report) -> &'static str {
    match report.policy.origin {
        Origin::Base => "from the base branch",
        Origin::Bootstrap => "from the head: the first one, nothing enforced",
        Origin::Simulated => "simulated",
    }
}

#[derive(Serialize)]
struct Failing {
    gate: &'static str,
    hard: bool,
    prompt: String,
    outcome: &'static str,
    blocks: bool,
    code: &'static str,
    found: String,
    needed: String,
    fix: String,
}

fn failing(report: &Report, room: Room) -> Vec<Failing> {
    let row = |outcome: &Outcome| {
        let ruling = &outcome.ruling;
        let fix = ruling.fix.as_deref().unwrap_or_else(|| ruling.code.fix());
        Failing {
            gate: outcome.gate,
            hard: outcome.hard,
            prompt: ruling
                .prompt
                .as_ref()
                .map(|id| room.name(id.as_str()))
                .unwrap_or_default(),
            outcome: ruling.state.id(),
            blocks: ruling.blocks,
            code: ruling.code.id(),
            found: inline(&shorten(&ruling.found, room.text)),
            needed: inline(&shorten(&ruling.needed, room.text)),
            fix: inline(&shorten(fix, room.text)),
        }
    };
    report
        .outcomes
        .iter()
        .filter(|outcome| !outcome.ruling.state.is_green())
        .take(room.rows)
        .map(row)
        .collect()
}

#[derive(Serialize)]
struct Changed {
    id: String,
    kind: String,
    version: String,
    facets: String,
    freshness: String,
    differences: Vec<String>,
}

fn changes(report: &Report, room: Room) -> Vec<Changed> {
    report
        .changes
        .iter()
        .take(room.rows)
        .map(|change| Changed {
            id: room.name(&change.id),
            kind: kind(change, room),
            version: version(change),
            facets: change.facets.join(", "),
            freshness: change.freshness.as_deref().map(inline).unwrap_or_default(),
            differences: change
                .differences
                .iter()
                .take(room.rows)
                .flat_map(|difference| told(difference, room))
                .collect(),
        })
        .collect()
}

fn kind(change: &ChangeReport, room: Room) -> String {
    match &change.from {
        Some(from) => format!(" (renamed from {})", room.name(from)),
        None if change.kind == "modified" => String::new(),
        None => format!(" ({})", change.kind),
    }
}

fn version(change: &ChangeReport) -> String {
    let short = |digest: crate::units::Digest| format!("`{}`", digest.short());
    match (change.before, change.after) {
        (Some(before), Some(after)) if before == after => short(after),
        (Some(before), Some(after)) => format!("{} → {}", short(before), short(after)),
        (None, Some(after)) => short(after),
        (Some(before), None) => format!("{} → gone", short(before)),
        (None, None) => String::new(),
    }
}

fn told(difference: &Difference, room: Room) -> Vec<String> {
    match difference {
        Difference::Value {
            what,
            before,
            after,
        } => {
            let sink = |text: &str| inline(&shorten(text, room.text));
            vec![words(what, before.as_deref(), after.as_deref(), sink)]
        }
        Difference::Text {
            what,
            added,
            removed,
            passages,
        } => {
            let mut lines = vec![format!("{} (+{added} −{removed} lines)", room.name(what))];
            for (before, after) in passages.iter().take(room.rows) {
                let side = |text: &str, mark: &str| {
                    let text = inline(&shorten(text, room.text));
                    if text.is_empty() {
                        text
                    } else {
                        format!("{mark}{text}{mark}")
                    }
                };
                let (before, after) = (side(before, "~~"), side(after, "**"));
                let gap = if before.is_empty() || after.is_empty() {
                    ""
                } else {
                    " "
                };
                lines.push(format!("{before}{gap}{after}"));
            }
            lines
        }
    }
}

#[derive(Serialize)]
struct CategoryRow {
    title: &'static str,
    weight: String,
    score: String,
    weighted: String,
    threshold: String,
    mark: &'static str,
    evidence: String,
    owner: String,
    note: Option<String>,
}

fn categories(report: &Report, room: Room) -> Vec<CategoryRow> {
    report
        .card
        .categories
        .iter()
        .map(|category| CategoryRow {
            title: category.id.title(),
            weight: category.weight.to_string(),
            score: category.score.to_string(),
            weighted: category.weighted.to_string(),
            threshold: inline(&category.threshold),
            mark: if category.passes { "✓" } else { "✗" },
            evidence: match category.scored.evidence.as_slice() {
                [] => String::from("none"),
                list => inline(&shorten(&list.join(", "), room.text.min(160))),
            },
            owner: room.name(&category.owner),
            note: category.note.as_deref().map(|note| room.name(note)),
        })
        .collect()
}

#[derive(Serialize)]
struct EvalRow {
    prompt: String,
    baseline: String,
    candidate: String,
    difference: String,
    low: String,
    high: String,
    p: String,
    n: u64,
    unpaired: u64,
    lost: u64,
    shown: usize,
    worst: Vec<Worst>,
}

#[derive(Serialize)]
struct Worst {
    id: String,
    reason: String,
    baseline: String,
    candidate: String,
}

fn evals(report: &Report, room: Room) -> Vec<EvalRow> {
    report
        .comparisons
        .iter()
        .take(room.rows)
        .map(|(prompt, comparison)| {
            let test = &comparison.as_failures;
            let (baseline, candidate) = test.passing();
            let worst = worst(comparison, room);
            EvalRow {
                prompt: room.name(prompt),
                baseline: format!("{baseline} pass"),
                candidate: format!("{candidate} pass"),
                difference: points(test.pairs.difference()),
                low: points(test.interval.0),
                high: points(test.interval.1),
                p: inline(p_value(test.p).trim_start_matches("= ")),
                n: test.pairs.count(),
                unpaired: comparison.only_baseline + comparison.only_candidate,
                lost: test.pairs.lost,
                shown: worst.len(),
                worst,
            }
        })
        .collect()
}

fn worst(comparison: &Comparison, room: Room) -> Vec<Worst> {
    comparison
        .newly_failing
        .iter()
        .take(room.cases)
        .map(|pair| {
            let output = |text: &Option<String>| {
                inline(&shorten(text.as_deref().unwrap_or("no answer"), room.text))
            };
            Worst {
                id: code(&shorten(&pair.id, room.text)),
                reason: inline(&shorten(
                    pair.candidate.reason.as_deref().unwrap_or("failed"),
                    200,
                )),
                baseline: output(&pair.baseline.output),
                candidate: output(&pair.candidate.output),
            }
        })
        .collect()
}

#[derive(Serialize)]
struct Reason {
    category: &'static str,
    check: String,
    found: String,
    points: String,
}

fn rationale(report: &Report, room: Room) -> Vec<Reason> {
    report
        .card
        .categories
        .iter()
        .filter(|_| room.rationale)
        .flat_map(|category| {
            category.scored.checks.iter().map(|check| Reason {
                category: category.id.title(),
                check: inline(&check.about),
                found: inline(&shorten(&check.found, room.text)),
                points: format!("{} of {}", check.earned, check.possible),
            })
        })
        .collect()
}

fn remedies(report: &Report, room: Room) -> Vec<String> {
    report
        .card
        .categories
        .iter()
        .filter_map(|category| {
            let remedy = category.scored.remedy.as_ref()?;
            let remedy = inline(&shorten(remedy, room.text));
            Some(format!("To raise {}: {remedy}", category.id.title()))
        })
        .collect()
}

#[derive(Serialize)]
struct CoverageView {
    calls: u64,
    wide: bool,
    traces: u64,
    fields: Vec<FieldRow>,
    summary: String,
}

#[derive(Serialize)]
struct FieldRow {
    id: &'static str,
    whole: u64,
    share: String,
}

fn coverage(coverage: &CoverageReport) -> CoverageView {
    let millis =
        |value: Option<u64>| value.map_or_else(|| String::from("unknown"), |ms| format!("{ms} ms"));
    let mut summary = format!(
        "Latency p50 {}, p95 {} · tokens {} in, {} out · cost {} ({} calls estimated) · {} failed calls",
        millis(coverage.p50),
        millis(coverage.p95),
        coverage.tokens.0,
        coverage.tokens.1,
        inline(&coverage.cost.to_string()),
        coverage.estimated,
        coverage.failed,
    );
    if coverage.excluded > 0 {
        summary.push_str(&format!(
            " · {} calls outside the policy's `where`",
            coverage.excluded
        ));
    }
    if coverage.unreadable > 0 {
        summary.push_str(&format!(" · {} unreadable records", coverage.unreadable));
    }
    CoverageView {
        calls: coverage.calls,
        wide: coverage.repository_wide,
        traces: coverage.traces,
        fields: coverage
            .fields
            .iter()
            .map(|(id, share)| FieldRow {
                id,
                whole: share.whole,
                share: share.to_string(),
            })
            .collect(),
        summary,
    }
}

fn findings(report: &Report, room: Room) -> Vec<String> {
    let mut lines: Vec<String> = report
        .findings
        .iter()
        .take(room.rows)
        .map(|line| inline(&shorten(line, room.text)))
        .collect();
    if !report.formatting.is_empty() {
        let names: Vec<String> = report
            .formatting
            .iter()
            .take(room.rows)
            .map(|id| room.name(id))
            .collect();
        lines.push(format!(
            "formatting only, same version: {}",
            names.join(", ")
        ));
    }
    lines
}

fn files(report: &Report, room: Room) -> String {
    let shown: Vec<String> = report
        .evidence
        .iter()
        .take(room.rows)
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            let digest = file
                .sha256
                .map_or_else(|| String::from("unreadable"), |digest| digest.short());
            format!(
                "{} `{digest}` {}",
                code(&shorten(name, 60)),
                file.provenance.id()
            )
        })
        .collect();
    shown.join(", ")
}
