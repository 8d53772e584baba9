//! The rows of the comment's tables: every text sent through its sink, cut to the room there is.

use crate::gates::Alike;
use crate::output::{prompts as named, words};
use crate::prompt::diff::Difference;
use crate::regression::{Comparison, p_value, points};
use crate::report::{ChangeReport, CoverageReport, Report};
use crate::untrusted::{markdown_code as code, markdown_inline as inline, shorten};
use serde::Serialize;

use super::fit::Room;

/// How many newly failing cases are shown of a prompt.
const CASES: usize = 3;

impl Room {
    /// A name, which may be as long as a path can be.
    pub(super) fn name(self, text: &str) -> String {
        inline(&shorten(text, self.text))
    }
}

/// A table, and how many rows it lacks.
#[derive(Serialize)]
pub(super) struct Table<T> {
    rows: Vec<T>,
    more: usize,
}

impl<T> Table<T> {
    pub(super) fn of<R>(all: impl Iterator<Item = R>, room: Room, row: impl Fn(R) -> T) -> Self {
        let mut all = all.fuse();
        let rows = all.by_ref().take(room.rows).map(row).collect();
        Self {
            rows,
            more: all.count(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Failing {
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

pub(super) fn failing(report: &Report, room: Room) -> Table<Failing> {
    let row = |alike: Alike<'_>| {
        let Alike { outcome, .. } = alike;
        let ruling = &outcome.ruling;
        let fix = ruling.fix.as_deref().unwrap_or_else(|| ruling.code.fix());
        Failing {
            gate: outcome.gate,
            hard: outcome.hard,
            prompt: named(&alike.prompts, |id| room.name(id)),
            outcome: ruling.state.id(),
            blocks: ruling.blocks,
            code: ruling.code.id(),
            found: inline(&shorten(&ruling.found, room.text)),
            needed: inline(&shorten(&ruling.needed, room.text)),
            fix: inline(&shorten(fix, room.text)),
        }
    };
    Table::of(report.failing().into_iter(), room, row)
}

#[derive(Serialize)]
pub(super) struct Waived {
    gate: &'static str,
    prompt: String,
    code: &'static str,
    found: String,
    reason: String,
    by: String,
    until: String,
}

pub(super) fn waived(report: &Report, room: Room) -> Table<Waived> {
    let waived = report.waived().into_iter();
    let waived = waived.filter_map(|alike| Some((alike.outcome.waiver.as_ref()?, alike)));
    Table::of(waived, room, |(waiver, Alike { outcome, prompts })| {
        Waived {
            gate: outcome.gate,
            prompt: named(&prompts, |id| room.name(id)),
            code: outcome.ruling.code.id(),
            found: inline(&shorten(&outcome.ruling.found, room.text)),
            reason: inline(&shorten(&waiver.reason, room.text)),
            by: room.name(&waiver.by),
            until: waiver.expires.to_string(),
        }
    })
}

#[derive(Serialize)]
pub(super) struct Changed {
    id: String,
    kind: String,
    version: String,
    facets: String,
    freshness: String,
    differences: Vec<String>,
}

pub(super) fn changes(report: &Report, room: Room) -> Table<Changed> {
    Table::of(report.changes.iter(), room, |change| Changed {
        id: room.name(&change.id),
        kind: kind(change, room),
        version: version(change),
        facets: change.facets.join(", "),
        freshness: change.freshness.as_deref().map(inline).unwrap_or_default(),
        differences: change
            .differences
            .iter()
            .flat_map(|difference| told(difference, room))
            .collect(),
    })
}

#[derive(Serialize)]
pub(super) struct Governed {
    path: String,
    kind: &'static str,
}

pub(super) fn governed_files(report: &Report, room: Room) -> Table<Governed> {
    Table::of(report.governed_files.iter(), room, |file| Governed {
        path: code(&shorten(file.path.as_str(), room.text)),
        kind: file.kind.id(),
    })
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
            for (before, after) in passages {
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
pub(super) struct CategoryRow {
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

pub(super) fn categories(report: &Report, room: Room) -> Vec<CategoryRow> {
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
pub(super) struct EvalRow {
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
pub(super) struct Worst {
    id: String,
    reason: String,
    baseline: String,
    candidate: String,
}

pub(super) fn evals(report: &Report, room: Room) -> Vec<EvalRow> {
    report
        .comparisons
        .iter()
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
                unpaired: comparison.only_baseline + comparison.only_candidate + comparison.changed,
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
        .take(CASES)
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
pub(super) struct Reason {
    category: &'static str,
    check: String,
    found: String,
    points: String,
}

pub(super) fn rationale(report: &Report, room: Room) -> Vec<Reason> {
    report
        .card
        .categories
        .iter()
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

pub(super) fn remedies(report: &Report, room: Room) -> Vec<String> {
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
pub(super) struct CoverageView {
    calls: u64,
    wide: bool,
    traces: u64,
    fields: Vec<FieldRow>,
    summary: String,
}

#[derive(Serialize)]
pub(super) struct FieldRow {
    id: &'static str,
    whole: u64,
    share: String,
}

pub(super) fn coverage(coverage: &CoverageReport) -> CoverageView {
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

pub(super) fn findings(report: &Report, room: Room) -> Vec<String> {
    let mut lines: Vec<String> = report
        .findings
        .iter()
        .map(|line| inline(&shorten(line, room.text)))
        .collect();
    if !report.formatting.is_empty() {
        let names: Vec<String> = report.formatting.iter().map(|id| room.name(id)).collect();
        lines.push(format!(
            "formatting only, same version: {}",
            names.join(", ")
        ));
    }
    lines
}

pub(super) fn files(report: &Report, room: Room) -> String {
    let mut table = Table::of(report.evidence.iter(), room, |file| {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let digest = file
            .sha256
            .map_or_else(|| String::from("unreadable"), |digest| digest.short());
        format!(
            "{} `{digest}` {}",
            code(&shorten(name, 60)),
            file.provenance.id()
        )
    });
    if table.more > 0 {
        table.rows.push(format!("and {} more", table.more));
    }
    table.rows.join(", ")
}
