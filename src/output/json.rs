//! `--format json`: a stable interface with serde structs of its own, `gatecard/check/v1`.
//!
//! Keys may be added; none is renamed or removed within a version.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{Look, Output, RenderError, binding};
use crate::anchor::OnRecord;
use crate::evidence::evals::Metric;
use crate::ledger::past;
use crate::prompt::PromptId;
use crate::prompt::diff::Difference;
use crate::regression::{self, Kind};
use crate::report::{CoverageReport, Report};
use crate::rules::Origin;
use crate::units::{Digest, Share};
use crate::untrusted::Untrusted;

pub(crate) struct Json;

impl Output for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "the whole report for programs, schema `gatecard/check/v1`"
    }

    fn render(&self, report: &Report, _: Look) -> Result<String, RenderError> {
        let mut text =
            serde_json::to_string_pretty(&Check::of(report)).map_err(|error| RenderError {
                output: "json",
                reason: error.to_string(),
            })?;
        text.push('\n');
        // On GitHub's runner `##[` starts a command anywhere in a line. In JSON it can only
        // stand inside a string, where the escape means the same.
        Ok(text.replace("##[", "##\\u005b"))
    }
}

#[derive(Serialize)]
struct Check<'r> {
    schema: &'static str,
    verdict: &'static str,
    headline: String,
    score: String,
    band: &'static str,
    mode: &'static str,
    base: &'r str,
    merge_base: &'r str,
    head: &'r str,
    policy: Policy<'r>,
    governed: bool,
    scored: bool,
    changes: Vec<Change<'r>>,
    formatting_only: Vec<&'r str>,
    governed_files: Vec<GovernedFile<'r>>,
    categories: Vec<Category<'r>>,
    outcomes: Vec<Outcome<'r>>,
    comparisons: Vec<Comparison<'r>>,
    history: Vec<Card<'r>>,
    coverage: Option<Coverage>,
    approvals: serde_json::Value,
    change_requests: serde_json::Value,
    evidence: Vec<EvidenceFile<'r>>,
    findings: Vec<&'r str>,
    errors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<LedgerOut<'r>>,
    next: &'r str,
}

/// Where the verdict is on record.
#[derive(Serialize)]
struct LedgerOut<'r> {
    branch: &'r str,
    recorded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'r str>,
}

#[derive(Serialize)]
struct Policy<'r> {
    path: &'r str,
    sha256: Digest,
    origin: &'static str,
}

#[derive(Serialize)]
struct Change<'r> {
    id: &'r str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    renamed_from: Option<&'r str>,
    path: &'r str,
    risk: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Digest>,
    facets: &'r [&'static str],
    triggers: &'r [&'static str],
    freshness: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<binding::Binding<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_set: Option<binding::TestSet<'r>>,
    differences: Vec<DifferenceOut<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_approved: Option<LastApproved<'r>>,
}

/// The last version that came to the base branch with a verdict.
#[derive(Serialize)]
struct LastApproved<'r> {
    version: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'r str>,
    at: String,
    by: Vec<Approver<'r>>,
}

#[derive(Serialize)]
struct Approver<'r> {
    login: &'r str,
    group: &'r str,
}

/// A card on record.
#[derive(Serialize)]
struct Card<'r> {
    seq: u64,
    at: String,
    score: String,
    categories: BTreeMap<&'r str, String>,
}

fn card(card: &past::Card) -> Card<'_> {
    let scores = card.scores.iter();
    Card {
        seq: card.seq,
        at: time(card.at),
        score: card.total.to_string(),
        categories: scores
            .map(|(id, score)| (id.as_str(), score.to_string()))
            .collect(),
    }
}

fn last_approved(found: &past::Prior) -> Option<LastApproved<'_>> {
    let last = found.approved.as_ref()?;
    let by = last.by.iter().map(|(login, group)| Approver {
        login: login.for_machines(),
        group: group.for_machines(),
    });
    Some(LastApproved {
        version: last.version,
        label: last.label.as_ref().map(Untrusted::for_machines),
        at: time(last.at),
        by: by.collect(),
    })
}

pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[derive(Serialize)]
struct DifferenceOut<'r> {
    what: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    added_lines: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_lines: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passages: Vec<(&'r str, &'r str)>,
}

#[derive(Serialize)]
struct GovernedFile<'r> {
    kind: &'static str,
    path: &'r str,
}

#[derive(Serialize)]
struct Category<'r> {
    id: &'static str,
    title: &'static str,
    score: String,
    weight: String,
    weighted: String,
    threshold: &'r str,
    passes: bool,
    declared: bool,
    owner: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'r str>,
    rationale: Vec<Rationale<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capped: Option<&'static str>,
    evidence: Vec<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'r str>,
}

/// One check of a category.
#[derive(Serialize)]
struct Rationale<'r> {
    check: &'r str,
    found: &'r str,
    points: u64,
    of: u64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
struct Outcome<'r> {
    gate: &'static str,
    hard: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'r str>,
    outcome: &'static str,
    blocks: bool,
    code: &'static str,
    found: &'r str,
    needed: &'r str,
    fix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<Waiver<'r>>,
}

/// What lets a gate be red.
#[derive(Serialize)]
struct Waiver<'r> {
    reason: &'r str,
    by: &'r str,
    expires: String,
}

#[derive(Serialize)]
struct Comparison<'r> {
    prompt: &'r str,
    metric: String,
    paired: u64,
    only_baseline: u64,
    only_candidate: u64,
    changed_cases: u64,
    baseline: u64,
    candidate: u64,
    lost: u64,
    won: u64,
    difference: f64,
    interval: [f64; 2],
    p: f64,
    test: &'static str,
    alpha: f64,
    /// The smallest drop that would have been seen.
    visible_drop: Option<f64>,
    /// Means of base and head, where they are not cases that pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<[f64; 2]>,
    /// A drop of so much must be ruled out, and one of more than this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<[f64; 2]>,
    /// What the random draws started from.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    flaky: u64,
    newly_failing: Vec<&'r str>,
    failing_by: Vec<Cluster<'r>>,
}

/// The failing cases of one metric.
#[derive(Serialize)]
struct Cluster<'r> {
    metric: String,
    count: u64,
    /// The first of them.
    cases: Vec<&'r str>,
}

#[derive(Serialize)]
struct Coverage {
    calls: u64,
    repository_wide: bool,
    traces: u64,
    spans: u64,
    excluded: u64,
    unreadable: u64,
    failed: u64,
    fields: serde_json::Map<String, serde_json::Value>,
    latency_ms: Latency,
    tokens: Tokens,
    cost_usd: String,
    estimated: u64,
}

#[derive(Serialize)]
struct Latency {
    p50: Option<u64>,
    p95: Option<u64>,
}

#[derive(Serialize)]
struct Tokens {
    input: u64,
    output: u64,
}

#[derive(Serialize)]
struct EvidenceFile<'r> {
    path: &'r str,
    sha256: Option<Digest>,
    kind: &'static str,
    tool: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_version: Option<&'r str>,
    provenance: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
}

impl<'r> Check<'r> {
    fn of(report: &'r Report) -> Self {
        Self {
            schema: "gatecard/check/v1",
            verdict: report.verdict.id(),
            headline: report.headline(),
            score: report.card.total.to_string(),
            band: report.card.band.id(),
            mode: report.mode.id(),
            base: report.range.base.as_str(),
            merge_base: report.range.merge_base.as_str(),
            head: report.range.head.as_str(),
            policy: Policy {
                path: report.policy.path.for_machines(),
                sha256: report.policy.sha256,
                origin: match report.policy.origin {
                    Origin::Base => "base",
                    Origin::Bootstrap => "bootstrap",
                    Origin::Simulated => "simulated",
                },
            },
            governed: report.governed,
            scored: report.scored,
            changes: changes(report),
            formatting_only: texts(&report.formatting),
            governed_files: report
                .governed_files
                .iter()
                .map(|file| GovernedFile {
                    kind: file.kind.id(),
                    path: file.path.for_machines(),
                })
                .collect(),
            categories: categories(report),
            outcomes: outcomes(report),
            comparisons: comparisons(report),
            history: report.past.cards.iter().map(card).collect(),
            coverage: report.coverage.as_ref().map(coverage),
            approvals: super::approvals_json(&report.approvals),
            change_requests: super::change_requests_json(&report.approvals),
            evidence: evidence(report),
            findings: texts(&report.findings),
            errors: report
                .evidence
                .iter()
                .filter_map(|file| {
                    let (code, found) = file.problem.as_ref()?;
                    Some(format!(
                        "{}: {}: {}",
                        file.path.for_machines(),
                        code.id(),
                        found.for_machines()
                    ))
                })
                .collect(),
            ledger: report.on_record.as_ref().map(on_record),
            next: report.next.for_machines(),
        }
    }
}

fn on_record(on_record: &OnRecord) -> LedgerOut<'_> {
    let entry = on_record.entry.as_ref();
    LedgerOut {
        branch: on_record.branch.for_machines(),
        recorded: entry.is_ok(),
        seq: entry.ok().map(|entry| entry.seq),
        sha256: entry.ok().map(|entry| entry.digest),
        why: entry.err().map(|not| not.why.for_machines()),
    }
}

fn texts(all: &[Untrusted]) -> Vec<&str> {
    all.iter().map(Untrusted::for_machines).collect()
}

fn changes(report: &Report) -> Vec<Change<'_>> {
    report
        .changes
        .iter()
        .map(|change| Change {
            id: change.id.for_machines(),
            kind: change.kind,
            renamed_from: change.from.as_ref().map(Untrusted::for_machines),
            path: change.path.for_machines(),
            risk: change.risk.id(),
            from: change.before,
            to: change.after,
            facets: &change.facets,
            triggers: &change.triggers,
            freshness: change.freshness.as_ref().map(Untrusted::for_machines),
            binding: change
                .freshness
                .is_some()
                .then(|| binding::of(&change.told)),
            test_set: change.told.drift.as_ref().map(binding::test_set),
            differences: change.differences.iter().map(difference).collect(),
            last_approved: change.prior.as_ref().and_then(last_approved),
        })
        .collect()
}

fn difference(difference: &Difference) -> DifferenceOut<'_> {
    match difference {
        Difference::Value {
            what,
            before,
            after,
        } => DifferenceOut {
            what: what.for_machines(),
            before: before.as_ref().map(Untrusted::for_machines),
            after: after.as_ref().map(Untrusted::for_machines),
            added_lines: None,
            removed_lines: None,
            passages: Vec::new(),
        },
        Difference::Text {
            what,
            added,
            removed,
            passages,
        } => DifferenceOut {
            what: what.for_machines(),
            before: None,
            after: None,
            added_lines: Some(*added),
            removed_lines: Some(*removed),
            passages: passages
                .iter()
                .map(|(before, after)| (before.for_machines(), after.for_machines()))
                .collect(),
        },
    }
}

fn categories(report: &Report) -> Vec<Category<'_>> {
    report
        .card
        .categories
        .iter()
        .map(|category| Category {
            id: category.id.id(),
            title: category.id.title(),
            score: category.score.to_string(),
            weight: category.weight.to_string(),
            weighted: category.weighted.to_string(),
            threshold: category.threshold.for_machines(),
            passes: category.passes,
            declared: false,
            owner: category.owner.for_machines(),
            note: category.note.as_ref().map(Untrusted::for_machines),
            rationale: category
                .checks
                .iter()
                .map(|check| Rationale {
                    check: &check.about,
                    found: check.found.for_machines(),
                    points: check.earned,
                    of: check.possible,
                })
                .collect(),
            capped: category.cap.map(|(_, why)| why),
            evidence: texts(&category.evidence),
            remedy: category.remedy.as_ref().map(Untrusted::for_machines),
        })
        .collect()
}

fn outcomes(report: &Report) -> Vec<Outcome<'_>> {
    report
        .outcomes
        .iter()
        .map(|outcome| Outcome {
            gate: outcome.gate,
            hard: outcome.hard,
            prompt: outcome.prompt().map(PromptId::as_str),
            outcome: outcome.ruling.state.id(),
            blocks: outcome.is_blocking(),
            code: outcome.ruling.code.id(),
            found: outcome.ruling.found.for_machines(),
            needed: outcome.ruling.needed.for_machines(),
            fix: outcome.ruling.remedy().for_machines().to_owned(),
            waiver: outcome.waiver.as_ref().map(|waiver| Waiver {
                reason: waiver.reason.for_machines(),
                by: waiver.by.for_machines(),
                expires: waiver.expires.to_string(),
            }),
        })
        .collect()
}

fn comparisons(report: &Report) -> Vec<Comparison<'_>> {
    let of = |(prompt, comparison)| tests(prompt, comparison);
    report
        .comparisons
        .iter()
        .map(|(prompt, comparison)| (prompt, comparison))
        .flat_map(of)
        .collect()
}

/// The tests of a prompt: that of whether the cases pass comes first.
fn tests<'r>(
    prompt: &'r Untrusted,
    comparison: &'r regression::Comparison,
) -> impl Iterator<Item = Comparison<'r>> {
    comparison.tests.iter().map(move |tested| {
        let test = &tested.test;
        let (baseline, candidate) = test.passing();
        let (low, high) = test.interval();
        let newly = comparison.newly_failing.iter();
        let newly = newly.filter(|_| tested.metric.is_none());
        let clusters = comparison.failing_by.iter();
        let clusters = clusters.filter(|_| tested.metric.is_none());
        let drawn = test.kind == Kind::SignFlip;
        Comparison {
            prompt: prompt.for_machines(),
            metric: tested.label(),
            paired: test.cases,
            only_baseline: comparison.only_baseline.count,
            only_candidate: comparison.only_candidate.count,
            changed_cases: comparison.changed.count,
            baseline,
            candidate,
            lost: test.pairs.lost,
            won: test.pairs.won,
            difference: rounded(test.difference()),
            interval: [rounded(low), rounded(high)],
            p: rounded(test.p),
            test: test.kind.id(),
            alpha: rounded(tested.alpha),
            visible_drop: tested.visible.map(rounded),
            means: drawn.then(|| [rounded(test.means.0), rounded(test.means.1)]),
            margin: tested
                .margin()
                .map(|(margin, drop)| [rounded(margin), rounded(drop)]),
            seed: drawn.then(|| format!("{:016x}", test.seed)),
            flaky: comparison.flaky.count,
            newly_failing: newly.map(|pair| pair.id.for_machines()).collect(),
            failing_by: clusters.map(Cluster::of).collect(),
        }
    })
}

impl<'r> Cluster<'r> {
    fn of((metric, cases): &'r (Metric, regression::Cases)) -> Self {
        Self {
            metric: metric.words(),
            count: cases.count,
            cases: cases.first.iter().map(Untrusted::for_machines).collect(),
        }
    }
}

/// Six decimals: more would only show how a bound was searched for.
fn rounded(number: f64) -> f64 {
    let rounded = (number * 1e6).round() / 1e6;
    if rounded == 0.0 { 0.0 } else { rounded }
}

fn coverage(coverage: &CoverageReport) -> Coverage {
    let share =
        |share: &Share| serde_json::json!({ "applicable": share.whole, "present": share.part });
    Coverage {
        calls: coverage.calls,
        repository_wide: coverage.repository_wide,
        traces: coverage.traces,
        spans: coverage.spans,
        excluded: coverage.excluded,
        unreadable: coverage.unreadable,
        failed: coverage.failed,
        fields: coverage
            .fields
            .iter()
            .map(|(id, found)| ((*id).to_owned(), share(found)))
            .collect(),
        latency_ms: Latency {
            p50: coverage.p50,
            p95: coverage.p95,
        },
        tokens: Tokens {
            input: coverage.tokens.0,
            output: coverage.tokens.1,
        },
        cost_usd: coverage.cost.to_string().trim_start_matches('$').to_owned(),
        estimated: coverage.estimated,
    }
}

fn evidence(report: &Report) -> Vec<EvidenceFile<'_>> {
    report
        .evidence
        .iter()
        .map(|file| EvidenceFile {
            path: file.path.for_machines(),
            sha256: file.sha256,
            kind: file.used_as.id(),
            tool: file.tool,
            tool_version: file.tool_version.as_ref().map(Untrusted::for_machines),
            provenance: file.provenance.id(),
            problem: file.problem.as_ref().map(|(code, _)| code.id()),
        })
        .collect()
}
