//! Gate: every changed prompt can be read, is governed, and stands on the base of today.

use super::{Facts, Gate, GateKind, Ruling, Section, State};
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct PromptFiles;

impl GateKind for PromptFiles {
    fn id(&self) -> &'static str {
        "prompt_files"
    }

    fn about(&self) -> &'static str {
        "every changed prompt can be read with all it includes, stays governed, and was not changed on the base branch meanwhile"
    }

    fn section(&self) -> Section {
        Section::None
    }

    fn build(&self, _: Option<&Node<'_>>, _: &mut Errors<'_>) -> Box<dyn Gate> {
        Box::new(Self)
    }
}

impl Gate for PromptFiles {
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        const NEEDED: &str = "prompt files that can be read and are governed";
        let mut rulings: Vec<Ruling> = facts
            .changes
            .broken
            .iter()
            .map(|problem| {
                let state = if problem.code == Code::Ungoverned {
                    State::Fail
                } else {
                    State::Error
                };
                let found = format!("{}: {}", problem.place(), problem.found);
                Ruling::of(None, state, problem.code, found, NEEDED)
            })
            .collect();
        for change in facts
            .changes
            .changes
            .iter()
            .filter(|change| change.base_moved)
        {
            let found = "the base branch changed this prompt since this branch left it";
            rulings.push(Ruling::of(
                Some(&change.id),
                State::Stale,
                Code::BaseMoved,
                found,
                "evidence for what would be merged",
            ));
        }
        if rulings.is_empty() {
            let count = facts.changes.changes.len();
            let plural = if count == 1 { "" } else { "s" };
            let found = format!("{count} changed prompt{plural} read");
            rulings.push(Ruling::of(None, State::Pass, Code::Met, found, NEEDED));
        }
        rulings
    }
}
