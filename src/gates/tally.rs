//! Outcomes as people read them: gates are counted once, whatever the number of prompts, and
//! what is said of several prompts is said once.

use std::collections::BTreeMap;

use super::Outcome;
use crate::prompt::PromptId;

/// Outcomes of one gate that differ only in the prompt.
#[derive(Debug)]
pub(crate) struct Alike<'r> {
    /// The first of them.
    pub(crate) outcome: &'r Outcome,
    /// The prompts that they are about.
    pub(crate) prompts: Vec<&'r PromptId>,
}

/// The outcomes that `wanted` picks, in their order: those that say the same stand together.
pub(crate) fn alike(outcomes: &[Outcome], wanted: impl Fn(&Outcome) -> bool) -> Vec<Alike<'_>> {
    let mut found: Vec<Alike<'_>> = Vec::new();
    let mut places = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| wanted(outcome)) {
        let ruling = &outcome.ruling;
        let said = (&ruling.found, &ruling.needed, &ruling.fix);
        let how = (ruling.state, ruling.code.id(), ruling.blocks);
        let place = *places
            .entry((outcome.gate, how, said, &outcome.waiver))
            .or_insert(found.len());
        match found.get_mut(place) {
            Some(group) => group.prompts.extend(outcome.prompt()),
            None => found.push(Alike {
                outcome,
                prompts: outcome.prompt().into_iter().collect(),
            }),
        }
    }
    found
}

/// How many gates came out how. One that judges several prompts is as good as its worst ruling.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// All of them.
    pub(crate) gates: usize,
    /// Green without a waiver.
    pub(crate) green: usize,
    /// Green with a waiver.
    pub(crate) waived: usize,
    /// In the way of the change.
    pub(crate) blocking: usize,
}

impl Tally {
    /// Counts.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut gates: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for outcome in outcomes {
            gates.entry(outcome.gate).or_default().push(outcome);
        }
        let mut tally = Self {
            gates: gates.len(),
            ..Self::default()
        };
        for outcomes in gates.values() {
            let is_green = |outcome: &&Outcome| outcome.ruling.state.is_green();
            if outcomes.iter().any(|outcome| outcome.is_blocking()) {
                tally.blocking += 1;
            } else if outcomes.iter().all(is_green) {
                let waived = outcomes.iter().any(|outcome| outcome.waiver.is_some());
                tally.waived += usize::from(waived);
                tally.green += usize::from(!waived);
            }
        }
        tally
    }

    /// The waived ones as the end of a phrase.
    pub(crate) fn waived(&self) -> String {
        match self.waived {
            0 => String::new(),
            waived => format!(", {waived} waived"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ruling, State, Waiver};
    use super::*;
    use crate::reason::Code;

    fn outcome(gate: &'static str, prompt: &str, state: State, found: &str) -> Outcome {
        let prompt = PromptId::new(prompt);
        Outcome {
            gate,
            hard: false,
            ruling: Ruling::of(Some(&prompt), state, Code::TooFewCases, found, "more"),
            waiver: (state == State::Waived).then(Waiver::sample),
        }
    }

    #[test]
    fn a_gate_is_as_good_as_its_worst_ruling() {
        let warns = |mut outcome: Outcome| {
            outcome.ruling.blocks = false;
            outcome
        };
        let outcomes = [
            outcome("green", "a", State::Pass, ""),
            outcome("green", "b", State::NotApplicable, ""),
            outcome("waived", "a", State::Waived, ""),
            outcome("waived", "b", State::Pass, ""),
            outcome("blocks", "a", State::Waived, ""),
            outcome("blocks", "b", State::Fail, ""),
            outcome("blocks", "c", State::Error, ""),
            warns(outcome("warns", "a", State::Fail, "")),
            outcome("warns", "b", State::Waived, ""),
        ];
        let tally = Tally {
            gates: 4,
            green: 1,
            waived: 1,
            blocking: 1,
        };
        assert_eq!(Tally::of(&outcomes), tally);
    }

    #[test]
    fn outcomes_that_differ_only_in_the_prompt_stand_together() {
        let mut other = [(); 4].map(|()| outcome("x", "other", State::Fail, "none"));
        let [gate, state, found, fix] = &mut other;
        gate.gate = "y";
        state.ruling.state = State::Missing;
        found.ruling.found = "few".into();
        fix.ruling.fix = Some("write some".into());
        let mut outcomes = vec![
            outcome("x", "a", State::Fail, "none"),
            outcome("x", "b", State::Pass, "none"),
        ];
        outcomes.extend(other);
        outcomes.push(outcome("x", "c", State::Fail, "none"));
        let groups = alike(&outcomes, |outcome| !outcome.ruling.state.is_green());
        let prompts: Vec<_> = groups
            .iter()
            .map(|group| {
                group
                    .prompts
                    .iter()
                    .map(|id| id.as_str())
                    .collect::<Vec<_>>()
            })
            .collect();
        let others = [["other"]; 4];
        assert_eq!(prompts[0], ["a", "c"]);
        assert_eq!(prompts[1..], others);
    }
}
