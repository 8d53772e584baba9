//! Whether every gate was asked, and on what grounds one is green that did not pass.

use super::outcomes::name;
use super::{Found, What};
use crate::gates::State;
use crate::git::RepoPath;
use crate::ledger::name::bounded;
use crate::ledger::verdict::{Change, Outcome, Verdict};
use crate::measure::Metric;
use crate::policy::scope::{Governance, Stage};
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::rules::Rules;

/// Gates that say something of every change. Later gates are not demanded: older verdicts do
/// not have them.
const OF_THE_CHANGE: [&str; 4] = [
    "prompt_files",
    "expected_evidence",
    "policy_change",
    "minimum_band",
];
/// Gates that say something of every prompt that got another version.
const OF_A_VERSION: [&str; 9] = [
    "prompt_version",
    "request_metadata",
    "cost_and_latency",
    "traces_to_evals",
    "min_examples",
    "max_regression",
    "test_set",
    "hidden_characters",
    "approvals",
];
/// What a gate measured that passes.
const MEASURES: [(&str, Metric); 8] = [
    ("prompt_version", Metric::Share),
    ("request_metadata", Metric::Share),
    ("cost_and_latency", Metric::Share),
    ("traces_to_evals", Metric::TracedCases),
    ("min_examples", Metric::Cases),
    ("max_regression", Metric::PValue),
    ("hidden_characters", Metric::HiddenCharacters),
    ("minimum_band", Metric::Band),
];

pub(super) fn check(verdict: &Verdict, rules: Option<&Rules>, found: &mut Found) {
    asked(verdict, found);
    for outcome in &verdict.outcomes {
        let (right, words) = match State::by_id(&outcome.outcome) {
            Some(State::NotApplicable) => (
                may_be_idle(verdict, outcome, rules),
                "not applicable without a ground",
            ),
            Some(State::Waived) => (
                may_be_waived(verdict, outcome, rules),
                "waived, and the policy does not waive it",
            ),
            Some(State::Pass) => (is_measured(outcome), "a pass, and nothing was measured"),
            _ => (
                may_let_go(outcome, rules),
                "red without blocking, and the policy lets it block",
            ),
        };
        found.unless(right, What::Verdict, || {
            format!("{} is {words}", name(outcome))
        });
    }
}

fn asked(verdict: &Verdict, found: &mut Found) {
    let has = |gate: &str, prompt: Option<&String>| {
        let outcomes = &mut verdict.outcomes.iter();
        outcomes
            .any(|each| each.gate == gate && (prompt.is_none() || each.prompt.as_ref() == prompt))
    };
    for gate in OF_THE_CHANGE {
        found.unless(has(gate, None), What::Verdict, || {
            format!("{gate} says nothing")
        });
    }
    for change in verdict.changes.iter().filter(|change| is_judged(change)) {
        for gate in OF_A_VERSION {
            found.unless(has(gate, Some(&change.id)), What::Verdict, || {
                format!("{gate} says nothing of {}", change.id)
            });
        }
    }
}

/// Whether a prompt got another version, so that it needed evidence.
fn is_judged(change: &Change) -> bool {
    change.to.is_some() && change.from != change.to
}

fn may_be_idle(verdict: &Verdict, outcome: &Outcome, rules: Option<&Rules>) -> bool {
    let changes = || verdict.changes.iter();
    let change = changes().find(|change| Some(&change.id) == outcome.prompt.as_ref());
    match outcome.gate.as_str() {
        "prompt_files" | "min_examples" | "hidden_characters" => false,
        "minimum_band" => changes().all(|change| change.triggers.is_empty()),
        // A dataset or a judge that the test set's owner approves is not asked for twice.
        "policy_change" => verdict.files.iter().all(|file| {
            let approvals = &mut verdict.approvals.iter();
            approvals.any(|each| each.gate.is_some() && each.files.contains(&file.path))
        }),
        "expected_evidence" => {
            let none = |rules: &Rules| rules.policy.evidence.sources.is_empty();
            !changes().any(is_judged) || rules.is_none_or(none)
        }
        "prompt_version" | "request_metadata" | "cost_and_latency" | "traces_to_evals" => {
            let staged = change.is_none_or(|change| may_be_staged(change, rules));
            outcome.code == Code::PreProduction.id() && verdict.pre_production && staged
        }
        "max_regression" => match change {
            Some(change) if change.change == "added" => outcome.code == Code::FirstVersion.id(),
            Some(change) => change.from.is_none() && outcome.code == Code::BaseUnreadable.id(),
            None => false,
        },
        // Held to the approvals themselves, and later gates.
        _ => true,
    }
}

/// Whether the policy may have a prompt as one that is not in production yet. One that was moved
/// has the stricter stage of both places.
fn may_be_staged(change: &Change, rules: Option<&Rules>) -> bool {
    let Some((rules, path)) = rules.zip(RepoPath::parse(&change.path)) else {
        return true;
    };
    match rules.policy.scope.of(&path) {
        Governance::Governed(rule) => rule.stage == Stage::PreProduction,
        _ => true,
    }
}

fn may_be_waived(verdict: &Verdict, outcome: &Outcome, rules: Option<&Rules>) -> bool {
    let is_it = |own: &PromptId| outcome.prompt == Some(bounded(own.as_str()));
    let day = verdict.judged.get().date_naive();
    rules.is_none_or(|rules| rules.waivers.waives(&outcome.gate, is_it, day))
}

fn is_measured(outcome: &Outcome) -> bool {
    let measures = MEASURES.iter().find(|(gate, _)| *gate == outcome.gate);
    let metric = outcome.measured.as_ref().map(|each| each.metric.as_str());
    measures.is_none_or(|(_, needed)| metric == Some(needed.id()))
}

fn may_let_go(outcome: &Outcome, rules: Option<&Rules>) -> bool {
    let alone = outcome.measured.as_ref();
    let alone = alone.is_some_and(|each| each.metric == Metric::PAlone.id());
    let unowned = |rules: &Rules| {
        outcome.gate == "test_set" && rules.policy.eval_runs.test_set_owner.is_none()
    };
    let lets = |rules: &Rules| rules.gates.warns(&outcome.gate) || unowned(rules);
    // A metric that no gate names is only shown.
    outcome.blocks || alone || rules.is_none_or(lets)
}
