//! The result of a check as the ledger keeps it: every number and name of the report, and none
//! of its sentences.

use chrono::{DateTime, Utc};

use crate::approval::{Approvals, Purpose, Subject};
use crate::gates::{self, TEST_SET};
use crate::git::RepoPath;
use crate::ledger::arithmetic::six;
use crate::ledger::entry::Time;
use crate::ledger::name::bounded;
use crate::ledger::verdict::{
    Approval, Category, Change, Comparison, Coverage, Earned, Evals, Evidence, FieldCount, File,
    Measured, Outcome, Verdict,
};
use crate::regression::{self, Kind, Tested};
use crate::report::{ChangeReport, CoverageReport, EvidenceReport, Report};
use crate::scorecard::CategoryResult;
use crate::untrusted::Untrusted;

/// Takes a report apart.
pub(super) fn of(report: &Report, judged_at: DateTime<Utc>) -> Verdict {
    Verdict {
        verdict: report.verdict.id().to_owned(),
        mode: report.mode.id().to_owned(),
        judged: Time::of(judged_at),
        scored: report.scored,
        points: report.card.total.get(),
        band: report.card.band.id().to_owned(),
        pre_production: report.card.pre_production,
        changes: report.changes.iter().map(change).collect(),
        files: report
            .governed_files
            .iter()
            .map(|file| File {
                kind: file.kind.id().to_owned(),
                path: name(&file.path),
                blob: file.blob.map(|blob| blob.to_string()),
            })
            .collect(),
        categories: report.card.categories.iter().map(category).collect(),
        outcomes: report.outcomes.iter().map(outcome).collect(),
        comparisons: report
            .comparisons
            .iter()
            .flat_map(|(prompt, compared)| {
                let tests = compared.tests.iter();
                tests.map(move |tested| comparison(prompt, compared, tested))
            })
            .collect(),
        coverage: report.coverage.as_ref().map(coverage),
        evidence: report.evidence.iter().map(evidence).collect(),
        approvals: approvals(&report.approvals),
        change_requests: change_requests(&report.approvals),
    }
}

fn name(text: &Untrusted) -> String {
    bounded(text.for_machines())
}

fn words(words: &[&'static str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn change(change: &ChangeReport) -> Change {
    Change {
        id: name(&change.id),
        change: change.kind.to_owned(),
        renamed_from: change.from.as_ref().map(name),
        path: name(&change.path),
        risk: change.risk.id().to_owned(),
        from: change.before,
        to: change.after,
        facets: words(&change.facets),
        triggers: words(&change.triggers),
        evals: change
            .evals
            .iter()
            .map(|counts| Evals {
                side: counts.side.id().to_owned(),
                cases: counts.cases,
                passed: counts.passed,
                failed: counts.failed,
                errored: counts.errored,
            })
            .collect(),
    }
}

fn category(category: &CategoryResult) -> Category {
    let earned = category.checks.iter().map(|check| Earned {
        points: check.earned,
        of: check.possible,
    });
    Category {
        id: category.id.id().to_owned(),
        weight: u64::from(category.weight.hundredths()),
        score: u64::from(category.score.ten_thousandths()),
        passes: category.passes,
        checks: earned.collect(),
        cap: category
            .cap
            .map(|(cap, _)| u64::from(cap.ten_thousandths())),
    }
}

fn outcome(outcome: &gates::Outcome) -> Outcome {
    let ruling = &outcome.ruling;
    Outcome {
        gate: outcome.gate.to_owned(),
        prompt: outcome.prompt().map(|id| bounded(id.as_str())),
        outcome: ruling.state.id().to_owned(),
        code: ruling.code.id().to_owned(),
        blocks: outcome.is_blocking(),
        measured: ruling.measured.as_ref().map(|measured| Measured {
            metric: measured.metric.id().to_owned(),
            observed: measured.observed.clone(),
            threshold: measured.threshold.clone(),
            n: measured.n,
            of: measured.of.as_deref().map(bounded),
        }),
    }
}

fn comparison(
    prompt: &Untrusted,
    compared: &regression::Comparison,
    tested: &Tested,
) -> Comparison {
    let test = &tested.test;
    let (pairs, (low, high)) = (test.pairs, test.interval());
    let drawn = test.kind == Kind::SignFlip;
    Comparison {
        prompt: name(prompt),
        metric: bounded(&tested.label()),
        test: test.kind.id().to_owned(),
        both: pairs.both,
        neither: pairs.neither,
        lost: pairs.lost,
        won: pairs.won,
        only_baseline: compared.only_baseline.count,
        only_candidate: compared.only_candidate.count,
        changed_cases: compared.changed.count,
        difference: six(test.difference()),
        interval: [six(low), six(high)],
        p: six(test.p),
        cases: Some(test.cases),
        means: drawn.then(|| [six(test.means.0), six(test.means.1)]),
        seed: drawn.then(|| format!("{:016x}", test.seed)),
        alpha: Some(six(tested.alpha)),
        visible: tested.visible.map(six),
        margin: tested
            .margin()
            .map(|(margin, drop)| [six(margin), six(drop)]),
        lower: test.lower,
    }
}

fn coverage(coverage: &CoverageReport) -> Coverage {
    let fields = coverage.fields.iter().map(|(field, share)| FieldCount {
        field: (*field).to_owned(),
        present: share.part,
        applicable: share.whole,
    });
    Coverage {
        calls: coverage.calls,
        repository_wide: coverage.repository_wide,
        traces: coverage.traces,
        spans: coverage.spans,
        excluded: coverage.excluded,
        unreadable: coverage.unreadable,
        failed: coverage.failed,
        fields: fields.collect(),
        p50_ms: coverage.p50,
        p95_ms: coverage.p95,
        input_tokens: coverage.tokens.0,
        output_tokens: coverage.tokens.1,
        cost_nano_usd: coverage.cost.nanos(),
        estimated: coverage.estimated,
    }
}

/// The folders above a file are those of whoever ran the check.
fn evidence(file: &EvidenceReport) -> Evidence {
    let path = file.path.for_machines();
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    Evidence {
        name: bounded(name),
        sha256: file.sha256,
        used_as: file.used_as.id().to_owned(),
        tool: file.tool.to_owned(),
        provenance: file.provenance.id().to_owned(),
        problem: file.problem.as_ref().map(|(code, _)| code.id().to_owned()),
    }
}

fn approvals(approvals: &Approvals) -> Vec<Approval> {
    let decisions = approvals.decisions.iter().map(|decision| {
        let (prompt, files) = subject(&decision.subject);
        let mut counted: Vec<u64> = decision.counted.iter().map(|each| each.review).collect();
        counted.sort_unstable();
        Approval {
            prompt,
            files,
            digest: decision.version,
            group: bounded(&decision.group.name),
            gate: match decision.purpose {
                Purpose::Content => None,
                Purpose::TestSet => Some(TEST_SET.to_owned()),
            },
            counted,
        }
    });
    decisions.collect()
}

fn change_requests(approvals: &Approvals) -> Vec<u64> {
    let mut requests: Vec<u64> = approvals.requests.iter().map(|each| each.review).collect();
    requests.sort_unstable();
    requests
}

/// A subject as entries name it: the prompt, or the files.
pub(super) fn subject(subject: &Subject) -> (Option<String>, Vec<String>) {
    match subject {
        Subject::Prompt(id) => (Some(bounded(id.as_str())), Vec::new()),
        Subject::Files(paths) => {
            let paths = paths.iter().map(RepoPath::as_str).map(bounded);
            (None, paths.collect())
        }
    }
}
