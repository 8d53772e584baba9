//! Approvals: a gate passes exactly where every group has a review that counts, and nobody
//! requests changes.

use super::outcomes::name;
use super::{Found, What};
use crate::ledger::verdict::{Approval, Outcome, Verdict};
use crate::reason::Code;

pub(super) fn check(verdict: &Verdict, bootstrap: bool, found: &mut Found) {
    prompts(verdict, found);
    files(verdict, found);
    // Nobody owns the first policy yet.
    if !bootstrap {
        owned(verdict, found);
    }
}

/// Every other governed file needs somebody's approval.
fn owned(verdict: &Verdict, found: &mut Found) {
    for file in &verdict.files {
        let approvals = &mut verdict.approvals.iter();
        let asked = approvals.any(|each| each.prompt.is_none() && each.files.contains(&file.path));
        found.unless(asked, What::Approvals, || {
            format!("nobody is asked to approve {}", file.path)
        });
    }
}

/// Whether nobody requests changes and every group that must approve has done so.
fn all_approved<'v>(verdict: &Verdict, approvals: impl Iterator<Item = &'v Approval>) -> bool {
    let mut counted = approvals.map(|approval| !approval.counted.is_empty());
    verdict.change_requests.is_empty() && counted.all(|counted| counted)
}

fn of<'v>(verdict: &'v Verdict, gate: &'v str) -> impl Iterator<Item = &'v Outcome> {
    let of_gate = move |outcome: &&Outcome| outcome.gate == gate;
    verdict.outcomes.iter().filter(of_gate)
}

fn prompts(verdict: &Verdict, found: &mut Found) {
    let needed = |prompt: &String| {
        let approvals = verdict.approvals.iter();
        let prompt = prompt.clone();
        approvals.filter(move |each| each.prompt.as_ref() == Some(&prompt))
    };
    for outcome in of(verdict, "approvals") {
        let approvals = || outcome.prompt.iter().flat_map(needed);
        let there = approvals().next().is_some();
        let computed = there && all_approved(verdict, approvals());
        let passes = outcome.outcome == "pass";
        let idle = outcome.code == Code::NotApplicable.id();
        found.unless(passes == computed && idle != there, What::Approvals, || {
            let groups = approvals().map(|each| each.group.as_str());
            let groups = groups.collect::<Vec<_>>().join(", ");
            let (name, outcome) = (name(outcome), &outcome.outcome);
            format!("{name} is `{outcome}`, which is not what the approvals of {groups} say")
        });
    }
    for approval in &verdict.approvals {
        let Some(prompt) = &approval.prompt else {
            continue;
        };
        let judged = of(verdict, "approvals").any(|each| each.prompt.as_ref() == Some(prompt));
        found.unless(judged, What::Approvals, || {
            format!("{prompt} needs approvals, and no gate asked for them")
        });
    }
}

/// The gate on other files names none of them, so that only their numbers can be compared.
fn files(verdict: &Verdict, found: &mut Found) {
    let outcomes = || of(verdict, "policy_change");
    let idle = [Code::NotApplicable.id(), Code::BaseMoved.id()];
    let asked = outcomes().filter(|each| !idle.contains(&each.code.as_str()));
    let passed = outcomes().filter(|each| each.outcome == "pass");
    let needed = || {
        verdict
            .approvals
            .iter()
            .filter(|each| each.prompt.is_none())
    };
    let given = needed().filter(|each| all_approved(verdict, std::iter::once(*each)));
    let (asked, passed) = (asked.count(), passed.count());
    let (needed, given) = (needed().count(), given.count());
    found.same(
        What::Approvals,
        "the number of files that need approval",
        &asked,
        &needed,
    );
    found.same(
        What::Approvals,
        "the number of files that are approved",
        &passed,
        &given,
    );
}
