//! Eval gate: the test set asks no less than before, or its owner approved that it does.
//!
//! What is compared for a regression are the cases that both runs have in common. This gate is
//! about the others: a case that was dropped or softened must not buy a regression off.

use super::approvals::{not_applicable, ruling};
use super::traces_to_evals::not_fresh;
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State, unreadable};
use crate::approval::{Decision, Purpose};
use crate::change::Kind;
use crate::evidence::collect::Use;
use crate::evidence::judged::Judged;
use crate::reason::Code;
use crate::yaml::{Errors, Node};

const NEEDED: &str =
    "the cases and assertions of the base version, unless the test set's owner approves others";

/// The gate's id.
pub(crate) const ID: &str = "test_set";

pub(crate) struct TestSet;

impl GateKind for TestSet {
    fn id(&self) -> &'static str {
        ID
    }

    fn about(&self) -> &'static str {
        "no case was removed, and none asks or asserts something else, between the runs of base and head version; or the policy's `evals.test_set_owner` approved that, and each change of a dataset or judge prompt. Without such an owner it warns"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let blocks = node
            .map(|node| node.fields(&["on_fail"], errors))
            .and_then(|fields| fields.get("on_fail")?.one_of(ON_FAIL, errors))
            .unwrap_or(true);
        Box::new(Guarded { blocks })
    }
}

struct Guarded {
    blocks: bool,
}

impl Gate for Guarded {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let owner = facts.policy.eval_runs.test_set_owner.as_deref();
        let mut rulings: Vec<Ruling> = facts
            .judged
            .iter()
            .map(|judged| one(facts, judged, owner))
            .collect();
        let files = facts.approvals.decisions.iter();
        rulings.extend(
            files
                .filter(|each| each.purpose == Purpose::TestSet && each.subject.prompt().is_none())
                .map(|decision| ruling(None, facts.approvals, &[decision])),
        );
        if rulings.is_empty() {
            let found = "no prompt got another version";
            rulings.push(not_applicable(None, found, NEEDED));
        }
        for ruling in &mut rulings {
            ruling.blocks = self.blocks && owner.is_some();
        }
        rulings
    }
}

fn one(facts: &Facts<'_>, judged: &Judged<'_>, owner: Option<&str>) -> Ruling {
    let prompt = Some(&judged.change.id);
    let of = |state, code, found: String| Ruling::of(prompt, state, code, found, NEEDED);
    if judged.change.kind == Kind::Added || judged.change.base.is_none() {
        let found = "there is no version before to compare with";
        return Ruling::of(
            prompt,
            State::NotApplicable,
            Code::FirstVersion,
            found,
            NEEDED,
        );
    }
    let Some(drift) = &judged.drift else {
        let found = "no two runs to compare";
        // Without an owner nothing is asked of anybody; what lacks is told by the other gates.
        return match owner {
            None => not_applicable(prompt, found, NEEDED),
            Some(_) => unreadable(facts, Use::Evals, prompt, NEEDED)
                .or_else(|| not_fresh(prompt, &judged.binding, NEEDED))
                .unwrap_or_else(|| {
                    let found = String::from("no eval run of the base version");
                    of(State::Missing, Code::BaselineMissing, found)
                }),
        };
    };
    let found = drift.words();
    if !drift.may_ask_less() {
        return of(State::Pass, Code::Met, found);
    }
    let Some(owner) = owner else {
        return of(State::Fail, Code::TestSetChanged, found);
    };
    let decisions: Vec<&Decision> = facts
        .approvals
        .decisions
        .iter()
        .filter(|each| each.subject.prompt() == prompt && each.group.name == owner)
        .collect();
    if decisions.is_empty() {
        return of(State::Fail, Code::TestSetChanged, found);
    }
    let mut ruling = ruling(prompt, facts.approvals, &decisions);
    ruling.found =
        crate::untrusted::Untrusted::from(found).and(&format!("; {}", ruling.found.for_machines()));
    ruling
}
