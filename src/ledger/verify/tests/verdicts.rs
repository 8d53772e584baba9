//! Verdicts as checks make them: every gate speaks, and the numbers add up.

use crate::change::ChangeSet;
use crate::ledger::arithmetic::six;
use crate::ledger::entry::{Approved, Time};
use crate::ledger::verdict::{
    Approval, Category, Change, Comparison, Coverage, Evals, File, Measured, Outcome, Verdict,
};
use crate::policy::{CategoryId, Needs};
use crate::reason::Code;
use crate::rules::{Origin, Rules};
use crate::stats::{self, Pairs};
use crate::units::Score;

const CASES: u64 = 60;
const CALLS: u64 = 200;

/// A verdict that nobody approved yet. It passes if the groups approve, or lacks evidence.
pub(super) fn verdict(rules: &Rules, set: &ChangeSet, passes: bool, judged: Time) -> Verdict {
    let lowest = u64::from(Score::LOWEST.ten_thousandths());
    let categories = CategoryId::DEFAULTS
        .iter()
        .map(|(id, key, weight, _)| Category {
            id: (*key).to_owned(),
            weight: u64::from(*weight),
            score: lowest,
            passes: !matches!(
                rules.policy.categories.get(id).map(|rule| rule.needs),
                Some(Needs::Score(_))
            ),
            checks: Vec::new(),
            cap: None,
        });
    let changes: Vec<Change> = set.changes.iter().map(change).collect();
    let files = set.governed.iter().map(|file| File {
        kind: file.kind.id().to_owned(),
        path: file.path.to_string(),
        blob: file.blob.map(|blob| blob.to_string()),
    });
    let files: Vec<File> = files.collect();
    let bootstrap = rules.origin == Origin::Bootstrap;
    let judged_changes = || changes.iter().filter(|change| !change.evals.is_empty());
    let mut outcomes = vec![
        pass("prompt_files", None, None),
        if passes {
            idle("expected_evidence", None, Code::NotApplicable)
        } else {
            fail("expected_evidence")
        },
        idle("minimum_band", None, Code::NotApplicable),
    ];
    outcomes.extend(judged_changes().flat_map(gates));
    if files.is_empty() || bootstrap {
        outcomes.push(idle("policy_change", None, Code::NotApplicable));
    }
    Verdict {
        verdict: String::from(if passes || bootstrap { "pass" } else { "fail" }),
        mode: rules.policy.mode.id().to_owned(),
        judged,
        scored: true,
        points: lowest * 10_000,
        band: String::from("do_not_use"),
        pre_production: false,
        comparisons: judged_changes().filter_map(comparison).collect(),
        categories: categories.collect(),
        outcomes,
        changes,
        files,
        coverage: Some(coverage()),
        evidence: Vec::new(),
        approvals: Vec::new(),
        change_requests: Vec::new(),
    }
}

/// A group's approval.
pub(super) fn approve(verdict: &mut Verdict, subject: &Approved, review: u64) {
    verdict.approvals.push(Approval {
        prompt: subject.prompt.clone(),
        files: subject.files.clone(),
        digest: Some(subject.digest),
        group: subject.group.clone(),
        gate: None,
        counted: vec![review],
    });
    let outcomes = &mut verdict.outcomes;
    if subject.prompt.is_none() {
        return outcomes.push(pass("policy_change", None, None));
    }
    outcomes.retain(|each| each.gate != "approvals" || each.prompt != subject.prompt);
    outcomes.push(pass("approvals", subject.prompt.as_ref(), None));
}

fn change(change: &crate::change::Change) -> Change {
    let place = change.head.as_ref().or(change.base.as_ref()).unwrap();
    let from = change.base.as_ref().map(|base| base.version.digest());
    let to = change.head.as_ref().map(|head| head.version.digest());
    let side = |side: &str| Evals {
        side: side.to_owned(),
        cases: CASES,
        passed: CASES,
        failed: 0,
        errored: 0,
    };
    let sides = match (from, to) {
        (_, None) => Vec::new(),
        (None, Some(_)) => vec![side("candidate")],
        (from, to) if from == to => Vec::new(),
        _ => vec![side("baseline"), side("candidate")],
    };
    Change {
        id: change.id.as_str().to_owned(),
        change: change.kind.id().to_owned(),
        renamed_from: match &change.kind {
            crate::change::Kind::Renamed { from } => Some(from.as_str().to_owned()),
            _ => None,
        },
        path: place.path.to_string(),
        risk: change.risk.id().to_owned(),
        from,
        to,
        facets: Vec::new(),
        triggers: Vec::new(),
        evals: sides,
    }
}

/// What the gates say of a prompt that got another version.
fn gates(change: &Change) -> Vec<Outcome> {
    let measured = |metric: &str, observed: &str, threshold: &str, n: u64| Measured {
        metric: metric.to_owned(),
        observed: observed.to_owned(),
        threshold: threshold.to_owned(),
        n,
        of: None,
    };
    let of = |gate, number| pass(gate, Some(&change.id), Some(number));
    let share = |gate| of(gate, measured("share", "200", "9500", CALLS));
    vec![
        share("prompt_version"),
        share("request_metadata"),
        share("cost_and_latency"),
        of("traces_to_evals", measured("traced_cases", "1", "1", 1)),
        of("min_examples", measured("cases", "60", "50", CASES)),
        of(
            "hidden_characters",
            measured("hidden_characters", "0", "0", 1),
        ),
        match change.from {
            None => idle("max_regression", Some(&change.id), Code::FirstVersion),
            Some(_) => Outcome {
                code: Code::NoDropSeen.id().to_owned(),
                ..of("max_regression", measured("p", "1.000000", "0.05", CASES))
            },
        },
        match change.from {
            None => idle("test_set", Some(&change.id), Code::FirstVersion),
            Some(_) => pass("test_set", Some(&change.id), None),
        },
        idle("approvals", Some(&change.id), Code::NotApplicable),
    ]
}

fn comparison(change: &Change) -> Option<Comparison> {
    change.from?;
    let pairs = Pairs {
        both: CASES,
        ..Pairs::default()
    };
    let (low, high) = stats::tango(pairs);
    Some(Comparison {
        prompt: change.id.clone(),
        metric: String::from("pass"),
        test: String::from("mcnemar-exact"),
        both: CASES,
        neither: 0,
        lost: 0,
        won: 0,
        only_baseline: 0,
        only_candidate: 0,
        changed_cases: 0,
        difference: six(pairs.difference()),
        interval: [six(low), six(high)],
        p: six(stats::mcnemar_exact(pairs.lost, pairs.won)),
        cases: Some(CASES),
        means: None,
        seed: None,
        alpha: None,
        visible: None,
        margin: None,
        lower: false,
    })
}

fn coverage() -> Coverage {
    Coverage {
        calls: CALLS,
        repository_wide: false,
        traces: CALLS,
        spans: CALLS,
        excluded: 0,
        unreadable: 0,
        failed: 0,
        fields: Vec::new(),
        p50_ms: None,
        p95_ms: None,
        input_tokens: 0,
        output_tokens: 0,
        cost_nano_usd: 0,
        estimated: 0,
    }
}

fn pass(gate: &str, prompt: Option<&String>, measured: Option<Measured>) -> Outcome {
    Outcome {
        gate: gate.to_owned(),
        prompt: prompt.cloned(),
        outcome: String::from("pass"),
        code: Code::Met.id().to_owned(),
        blocks: false,
        measured,
    }
}

fn idle(gate: &str, prompt: Option<&String>, code: Code) -> Outcome {
    Outcome {
        outcome: String::from("not applicable"),
        code: code.id().to_owned(),
        ..pass(gate, prompt, None)
    }
}

fn fail(gate: &str) -> Outcome {
    Outcome {
        outcome: String::from("fail"),
        code: Code::TracesMissing.id().to_owned(),
        blocks: true,
        ..pass(gate, None, None)
    }
}
