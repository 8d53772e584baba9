//! Gate: a change of the policy, or of what else decides a verdict, is approved by its owners.

use super::approvals::{not_applicable, ruling};
use super::{Facts, Gate, GateKind, Ruling, Section, State};
use crate::approval::Purpose;
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct PolicyChange;

impl GateKind for PolicyChange {
    fn id(&self) -> &'static str {
        "policy_change"
    }

    fn about(&self) -> &'static str {
        "a change of the policy, CODEOWNERS, kept evidence, a template, the gate's workflow and, where the test set has no owner, a dataset or a judge prompt is approved by the policy's owners"
    }

    fn section(&self) -> Section {
        Section::None
    }

    fn build(&self, _: Option<&Node<'_>>, _: &mut Errors<'_>) -> Box<dyn Gate> {
        Box::new(Self)
    }
}

impl Gate for PolicyChange {
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let files = facts
            .approvals
            .decisions
            .iter()
            .filter(|decision| decision.subject.prompt().is_none())
            .filter(|decision| decision.purpose == Purpose::Content);
        let mut rulings: Vec<Ruling> = files
            .map(|decision| ruling(None, facts.approvals, &[decision]))
            .collect();
        for file in facts.changes.governed.iter().filter(|file| file.base_moved) {
            let found = format!("the base branch changed `{}`, too", file.path);
            let (state, code) = (State::Stale, Code::BaseMoved);
            rulings.push(Ruling::of(
                None,
                state,
                code,
                found,
                "approval of what would be merged",
            ));
        }
        if rulings.is_empty() {
            let found = match facts.changes.governed.as_slice() {
                [] => "no such file changed",
                _ => "the first policy, which nobody owns yet",
            };
            rulings.push(not_applicable(
                None,
                found,
                "approval by the policy's owners",
            ));
        }
        rulings
    }
}
