//! Eval gate: cases that must fail do. One that passes shows that the assertions catch nothing.

use super::named::{NamedCases, list, no_run};
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::evidence::evals::{CaseResult, Duty};
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct Canaries;

impl GateKind for Canaries {
    fn id(&self) -> &'static str {
        "canaries"
    }

    fn about(&self) -> &'static str {
        "no trial passes of a case that the policy or the eval results say must fail"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = node.map(|node| node.fields(&["cases", "on_fail"], errors));
        let on_fail = fields.as_ref().and_then(|fields| fields.get("on_fail"));
        Box::new(MustFail {
            blocks: on_fail
                .and_then(|node| node.one_of(ON_FAIL, errors))
                .unwrap_or(true),
            cases: NamedCases::read(fields.as_ref(), Duty::Canary, errors),
        })
    }
}

struct MustFail {
    cases: NamedCases,
    blocks: bool,
}

const NEEDED: &str = "every canary fails";

impl Gate for MustFail {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let judged = facts.judged.iter();
        let rulings = judged.filter_map(|judged| self.one(facts, judged));
        rulings
            .map(|ruling| Ruling {
                blocks: self.blocks,
                ..ruling
            })
            .collect()
    }
}

impl MustFail {
    /// Nothing is said of a prompt without a canary.
    fn one(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Option<Ruling> {
        let prompt = Some(&judged.change.id);
        let found = self.cases.find(judged);
        if found.cases.is_empty() && found.missing.is_empty() {
            return None;
        }
        if let Some(ruling) = no_run(facts, judged, NEEDED) {
            return Some(ruling);
        }
        let all = found.cases.len() as u64 + found.missing.len() as u64;
        let ids = |wanted: &dyn Fn(&crate::evidence::evals::Case) -> bool| -> Vec<&str> {
            let cases = found.cases.iter().filter(|(_, case)| wanted(case));
            cases.map(|(id, _)| *id).collect()
        };
        let passed = ids(&|case| case.trials()[0] > 0);
        let measured = Measured::new(Metric::PassedCanaries, &passed.len(), &0, all);
        if !passed.is_empty() {
            let words = format!("{} of {all} passed: {}", passed.len(), list(passed));
            let ruling = Ruling::of(prompt, State::Fail, Code::CanaryPassed, words, NEEDED);
            return Some(ruling.measured(measured));
        }
        let errored = ids(&|case| case.result() == CaseResult::Errored);
        let unknown = errored.len() + found.missing.len();
        if unknown > 0 {
            let missing = found.missing.iter().map(String::as_str);
            let ids = list(missing.chain(errored));
            let words = format!("{unknown} of {all} were not run or came to no result: {ids}");
            let (state, code) = (State::Inconclusive, Code::CaseMissing);
            return Some(Ruling::of(prompt, state, code, words, NEEDED));
        }
        let words = format!("{all} of {all} fail");
        let ruling = Ruling::of(prompt, State::Pass, Code::Met, words, NEEDED);
        Some(ruling.measured(measured))
    }
}
