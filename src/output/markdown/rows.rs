//! The rows of the comment's tables: every text sent through its sink, cut to the room there is.

use crate::anchor::OnRecord;
use crate::answers::side_by_side;
use crate::gates::Alike;
use crate::output::{prior, prompts as named, trend, words};
use crate::prompt::diff::Difference;
use crate::regression::{Comparison, Kind, Tested, Unit, p_value};
use crate::report::{ChangeReport, CoverageReport, Report};
use crate::untrusted::{Untrusted, markdown_inline};
use serde::Serialize;

use super::fit::Room;
use super::shown::shown;

/// How many newly failing cases are shown of a prompt.
const CASES: usize = 3;

impl Room {
    /// A name, which may be as long as a path can be.
    pub(super) fn name(self, text: &Untrusted) -> String {
        text.shortened(self.text).inline()
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

shown! {
    /// A gate that is not green.
    Failing {
        /// the gate's id
        gate: &'static str,
        /// whether it is a hard gate
        hard: bool,
        /// the prompts that it is about
        prompt: String,
        /// the outcome's word
        outcome: &'static str,
        /// whether it blocks
        blocks: bool,
        /// the reason code
        code: &'static str,
        /// what was found
        found: String,
        /// what was needed
        needed: String,
        /// what to do
        fix: String,
    }
}

pub(super) fn failing(report: &Report, room: Room) -> Table<Failing> {
    let row = |alike: Alike<'_>| {
        let Alike { outcome, .. } = alike;
        let ruling = &outcome.ruling;
        Failing {
            gate: outcome.gate,
            hard: outcome.hard,
            prompt: named(&alike.prompts, |id| room.name(id)),
            outcome: ruling.state.id(),
            blocks: ruling.blocks,
            code: ruling.code.id(),
            found: room.name(&ruling.found),
            needed: room.name(&ruling.needed),
            fix: room.name(&ruling.remedy()),
        }
    };
    Table::of(report.failing().into_iter(), room, row)
}

shown! {
    /// A gate that is waived.
    Waived {
        /// the gate's id
        gate: &'static str,
        /// the prompts that it is about
        prompt: String,
        /// the reason code
        code: &'static str,
        /// what was found
        found: String,
        /// why it is waived
        reason: String,
        /// who answers for it
        by: String,
        /// the last day
        until: String,
    }
}

pub(super) fn waived(report: &Report, room: Room) -> Table<Waived> {
    let waived = report.waived().into_iter();
    let waived = waived.filter_map(|alike| Some((alike.outcome.waiver.as_ref()?, alike)));
    Table::of(waived, room, |(waiver, Alike { outcome, prompts })| {
        Waived {
            gate: outcome.gate,
            prompt: named(&prompts, |id| room.name(id)),
            code: outcome.ruling.code.id(),
            found: room.name(&outcome.ruling.found),
            reason: room.name(&waiver.reason),
            by: room.name(&waiver.by),
            until: waiver.expires.to_string(),
        }
    })
}

shown! {
    /// A changed prompt.
    Changed {
        /// its id
        id: String,
        /// how it changed, in brackets; empty for a plain modification
        kind: String,
        /// the versions before and after, as code
        version: String,
        /// what of it changed
        facets: String,
        /// how fresh its eval run is, how surely it is tied to it, who could have written it, its age
        freshness: String,
        /// what the change does to the test set, a list of lines
        test_set: Vec<String>,
        /// which version was approved last, by whom and when; none where nothing is on record
        approved: Option<String>,
        /// the differences, a list of lines
        differences: Vec<String>,
    }
}

pub(super) fn changes(report: &Report, room: Room) -> Table<Changed> {
    Table::of(report.changes.iter(), room, |change| Changed {
        id: room.name(&change.id),
        kind: kind(change, room),
        version: version(change),
        facets: change.facets.join(", "),
        freshness: freshness(change, room),
        test_set: change
            .told
            .test_set()
            .iter()
            .map(|line| room.name(line))
            .collect(),
        approved: change
            .prior
            .as_ref()
            .map(|found| prior(found, change.before, |text| room.name(text))),
        differences: change
            .differences
            .iter()
            .flat_map(|difference| told(difference, room))
            .collect(),
    })
}

fn freshness(change: &ChangeReport, room: Room) -> String {
    let told = change.told.words();
    let words = change.freshness.iter().chain(&told);
    let words: Vec<String> = words.map(|each| room.name(each)).collect();
    words.join(", ")
}

shown! {
    /// Another governed file that changed.
    Governed {
        /// the path, as code
        path: String,
        /// what it is
        kind: &'static str,
    }
}

pub(super) fn governed_files(report: &Report, room: Room) -> Table<Governed> {
    Table::of(report.governed_files.iter(), room, |file| Governed {
        path: file.path.shortened(room.text).code(),
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
            let sink = |text: &Untrusted| room.name(text);
            vec![words(what, before.as_ref(), after.as_ref(), sink)]
        }
        Difference::Text {
            what,
            added,
            removed,
            passages,
        } => {
            let mut lines = vec![format!("{} (+{added} −{removed} lines)", room.name(what))];
            for (before, after) in passages {
                let side = |text: &Untrusted, mark: &str| {
                    let text = room.name(text);
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

shown! {
    /// A category of the scorecard.
    CategoryRow {
        /// its name
        title: &'static str,
        /// its weight in percent
        weight: String,
        /// 1 to 5
        score: String,
        /// score times weight
        weighted: String,
        /// what it needs
        threshold: String,
        /// ✓ or ✗
        mark: &'static str,
        /// what it rests on
        evidence: String,
        /// who answers for it
        owner: String,
        /// how its score went, a block a card; empty where nothing is on record
        trend: String,
        /// the policy's note, or none
        note: Option<String>,
    }
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
            threshold: category.threshold.inline(),
            mark: if category.passes { "✓" } else { "✗" },
            evidence: match category.evidence.as_slice() {
                [] => String::from("none"),
                list => {
                    let list: Vec<&str> = list.iter().map(Untrusted::for_machines).collect();
                    let list = Untrusted::from(list.join(", "));
                    list.shortened(room.text.min(160)).inline()
                }
            },
            owner: room.name(&category.owner),
            trend: trend::of_category(report, category.id, category.score),
            note: category.note.as_ref().map(|note| room.name(note)),
        })
        .collect()
}

shown! {
    /// Baseline against candidate of a prompt.
    EvalRow {
        /// its id
        prompt: String,
        /// the metric; empty for whether the cases pass
        metric: String,
        /// how many cases passed at base, or the mean
        baseline: String,
        /// how many pass at head, or the mean
        candidate: String,
        /// in percentage points, or on the metric's own scale
        difference: String,
        /// what `difference` is in: percentage points or nothing
        unit: &'static str,
        /// lower end of its 95 % interval
        low: String,
        /// upper end
        high: String,
        /// the p-value
        p: String,
        /// how many cases were compared
        n: u64,
        /// the smallest drop that would have been seen
        visible: String,
        /// how many cases were not compared
        unpaired: u64,
        /// how many cases have trials that disagree
        flaky: u64,
        /// how many newly fail
        lost: u64,
        /// how many of these are in `worst`
        shown: usize,
        /// the first of them, a list
        worst: Vec<Worst>,
        /// what the failing cases fail, a list
        failing_by: Vec<Cluster>,
    }
}

shown! {
    /// Cases that fail the same.
    Cluster {
        /// the metric or assertion
        metric: String,
        /// how many cases
        count: u64,
        /// the first of them, as code
        first: String,
    }
}

shown! {
    /// A case that newly fails.
    Worst {
        /// its id, as code
        id: String,
        /// what is asked
        input: String,
        /// why it fails
        reason: String,
        /// the answer at base, with `<del>` around what it alone has
        baseline: String,
        /// the answer at head, with `<ins>` around what it alone has
        candidate: String,
    }
}

pub(super) fn evals(report: &Report, room: Room) -> Vec<EvalRow> {
    report
        .comparisons
        .iter()
        .flat_map(|(prompt, comparison)| {
            let tests = comparison.tests.iter();
            tests.map(move |tested| eval(prompt, comparison, tested, room))
        })
        .collect()
}

fn eval(prompt: &Untrusted, comparison: &Comparison, tested: &Tested, room: Room) -> EvalRow {
    let test = &tested.test;
    let (low, high) = test.interval();
    let (base, head) = test.passing();
    let value = |mean: f64, passing: u64| match test.kind {
        Kind::McNemar => format!("{passing} pass"),
        Kind::SignFlip => test.unit.value(mean),
    };
    let own = tested.metric.is_none();
    let worst = if own {
        worst(comparison, room)
    } else {
        Vec::new()
    };
    EvalRow {
        prompt: room.name(prompt),
        metric: match &tested.metric {
            Some(metric) => room.name(&metric.words().into()),
            None => String::new(),
        },
        baseline: value(test.means.0, base),
        candidate: value(test.means.1, head),
        difference: test.unit.signed(test.difference()),
        unit: match test.unit {
            Unit::Share => " pp",
            Unit::Score => "",
        },
        low: test.unit.signed(low),
        high: test.unit.signed(high),
        p: markdown_inline(p_value(test.p).trim_start_matches("= ")),
        n: test.cases,
        visible: tested
            .visible
            .map_or(String::from("none"), |drop| test.unit.drop(drop)),
        unpaired: comparison.unpaired(),
        flaky: comparison.flaky.count,
        lost: test.pairs.lost,
        shown: worst.len(),
        worst,
        failing_by: if own {
            clusters(comparison)
        } else {
            Vec::new()
        },
    }
}

fn clusters(comparison: &Comparison) -> Vec<Cluster> {
    let clusters = comparison.failing_by.iter().take(CASES);
    let rows = clusters.map(|(metric, cases)| {
        let first: Vec<String> = cases
            .first
            .iter()
            .take(CASES)
            .map(Untrusted::code)
            .collect();
        let more = match cases.count.saturating_sub(first.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Cluster {
            metric: Untrusted::from(metric.words()).shortened(80).inline(),
            count: cases.count,
            first: format!("{}{more}", first.join(", ")),
        }
    });
    rows.collect()
}

fn worst(comparison: &Comparison, room: Room) -> Vec<Worst> {
    comparison
        .newly_failing
        .iter()
        .take(CASES)
        .map(|pair| {
            let or = |text: &Option<Untrusted>, other: &str, limit: usize| {
                let text = text.as_ref().map(|text| text.shortened(limit).inline());
                text.unwrap_or_else(|| other.to_owned())
            };
            let short = |text: &Option<Untrusted>| {
                let text = text.as_ref().map(|text| text.shortened(room.text));
                text.map(|text| text.for_machines().to_owned())
            };
            let sides = (short(&pair.baseline), short(&pair.candidate));
            let (baseline, candidate) = match &sides {
                (Some(before), Some(now)) => side_by_side(before, now),
                _ => (
                    or(&pair.baseline, "no answer", room.text),
                    or(&pair.candidate, "no answer", room.text),
                ),
            };
            Worst {
                id: pair.id.shortened(room.text).code(),
                input: or(&pair.input, "", 200),
                reason: or(&pair.reason, "failed", 200),
                baseline,
                candidate,
            }
        })
        .collect()
}

shown! {
    /// A check of a category.
    Reason {
        /// the category's name
        category: &'static str,
        /// what is asked
        check: String,
        /// what was found
        found: String,
        /// points given, of those possible
        points: String,
    }
}

pub(super) fn rationale(report: &Report, room: Room) -> Vec<Reason> {
    report
        .card
        .categories
        .iter()
        .flat_map(|category| {
            category.checks.iter().map(|check| Reason {
                category: category.id.title(),
                check: markdown_inline(&check.about),
                found: room.name(&check.found),
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
            let remedy = category.remedy.as_ref()?;
            let remedy = room.name(remedy);
            Some(format!("To raise {}: {remedy}", category.id.title()))
        })
        .collect()
}

shown! {
    /// What production records.
    CoverageView {
        /// how many LLM calls were judged
        calls: u64,
        /// whether they are those of all prompts
        wide: bool,
        /// how many traces
        traces: u64,
        /// the fields, a list
        fields: Vec<FieldRow>,
        /// latency, tokens and cost in one line
        summary: String,
    }
}

shown! {
    /// A field of a request.
    FieldRow {
        /// its key
        id: &'static str,
        /// how many calls it applies to
        whole: u64,
        /// how many of them have it
        share: String,
    }
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
        markdown_inline(&coverage.cost.to_string()),
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
    let mut lines: Vec<String> = report.findings.iter().map(|line| room.name(line)).collect();
    if !report.formatting.is_empty() {
        let names: Vec<String> = report.formatting.iter().map(|id| room.name(id)).collect();
        lines.push(format!(
            "formatting only, same version: {}",
            names.join(", ")
        ));
    }
    lines
}

/// Where the verdict is on record.
pub(super) fn on_record(on_record: &OnRecord) -> String {
    match &on_record.entry {
        Ok(entry) => format!("ledger {} `{}`", entry.seq, entry.digest.short()),
        Err(not) => format!("not recorded: {}", not.why.shortened(300).inline()),
    }
}

pub(super) fn files(report: &Report, room: Room) -> String {
    let mut table = Table::of(report.evidence.iter(), room, |file| {
        let name = file.path.for_machines().rsplit('/').next();
        let name = Untrusted::from(name.unwrap_or_default());
        let digest = file
            .sha256
            .map_or_else(|| String::from("unreadable"), |digest| digest.short());
        format!(
            "{} `{digest}` {}",
            name.shortened(60).code(),
            file.provenance.id()
        )
    });
    if table.more > 0 {
        table.rows.push(format!("and {} more", table.more));
    }
    table.rows.join(", ")
}
