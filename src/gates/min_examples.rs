//! Eval gate: enough cases.

use std::collections::BTreeSet;

use super::traces_to_evals::not_fresh;
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State, unreadable};
use crate::evidence::collect::Use;
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::policy::scope::{Risk, Stage};
use crate::policy::{self};
use crate::reason::Code;
use crate::units::{Percent, Share};
use crate::yaml::{Errors, Node};

pub(crate) struct MinExamples;

impl GateKind for MinExamples {
    fn id(&self) -> &'static str {
        "min_examples"
    }

    fn about(&self) -> &'static str {
        "the eval run of the head version has at least 50 cases with assertions; for high risk 200, one in ten of them from a known production trace"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let mut gate = Examples {
            low: 50,
            standard: 50,
            high: 200,
            traced: Percent::from_hundredths(1_000),
            blocks: true,
        };
        if let Some(node) = node {
            let fields = node.fields(&["low", "standard", "high", "traced", "on_fail"], errors);
            let mut number = |key: &str| policy::whole(fields.get(key)?, 1, errors);
            let (low, standard, high) = (number("low"), number("standard"), number("high"));
            gate.standard = standard.unwrap_or(gate.standard);
            gate.low = low.unwrap_or(gate.standard.min(gate.low));
            gate.high = high.unwrap_or(gate.high);
            if let Some(node) = fields.get("traced") {
                gate.traced = policy::percent(node, errors);
            }
            if let Some(node) = fields.get("on_fail") {
                gate.blocks = node.one_of(ON_FAIL, errors).unwrap_or(true);
            }
        }
        Box::new(gate)
    }
}

struct Examples {
    low: u64,
    standard: u64,
    high: u64,
    /// The share of a high-risk prompt's cases that real traffic must have given.
    traced: Option<Percent>,
    blocks: bool,
}

impl Examples {
    fn one(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Ruling {
        let prompt = Some(&judged.change.id);
        let least = match judged.change.risk {
            Risk::Low => self.low,
            Risk::Standard => self.standard,
            Risk::High => self.high,
        };
        let needed = format!(
            "at least {least} cases with assertions ({} risk)",
            judged.change.risk.id()
        );
        if let Some(ruling) = unreadable(facts, Use::Evals, prompt, &needed)
            .or_else(|| not_fresh(prompt, &judged.binding, &needed))
        {
            return ruling;
        }
        let Some(bound) = &judged.binding.candidate else {
            return Ruling::of(
                prompt,
                State::Missing,
                Code::EvidenceMissing,
                "no eval run",
                needed,
            );
        };
        // A case that errored gave no answer, so it is no example.
        let errored = bound.count(CaseResult::Errored);
        // One under several names or with several models is one example.
        let answered = bound.cases.values().map(|bound| &bound.case);
        let answered = answered.filter(|case| case.result() != CaseResult::Errored);
        let examples: BTreeSet<_> = answered.map(|case| (case.input, case.asserted)).collect();
        let count = examples.len() as u64;
        let mut found = format!("{count} cases");
        let again = bound.cases.len() as u64 - errored - count;
        if again > 0 {
            found.push_str(&format!("; {again} more ask and assert the same"));
        }
        if errored > 0 {
            found.push_str(&format!("; {errored} more ended in an error"));
        }
        if bound.without_assertions > 0 {
            found.push_str(&format!(
                "; {} more assert nothing",
                bound.without_assertions
            ));
        }
        let of = |state, code| {
            let measured = Measured::new(Metric::Cases, &count, &least, bound.cases.len() as u64);
            Ruling::of(prompt, state, code, found, needed).measured(measured)
        };
        if count == 0 {
            return of(State::Fail, Code::NoCases);
        }
        if count < least {
            return of(State::Fail, Code::TooFewCases).fix(format!("add {} cases", least - count));
        }
        match self.too_few_traced(facts, judged) {
            Some(ruling) => ruling,
            None => of(State::Pass, Code::Met),
        }
    }

    /// A high-risk prompt in production is to be tested on what its users really ask.
    fn too_few_traced(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Option<Ruling> {
        let change = judged.change;
        if change.risk != Risk::High || change.stage == Stage::PreProduction {
            return None;
        }
        let (needed, bound) = (self.traced?, judged.binding.candidate.as_ref()?);
        let coverage = facts.evidence.coverage.as_ref();
        let (_, known) = coverage.map_or((0, 0), |coverage| judged.cases_from_traces(coverage));
        let whole = bound.cases.len() as u64;
        if (Share { part: known, whole }).reaches(needed) || needed.hundredths() == 0 {
            return None;
        }
        let least = (whole * u64::from(needed.hundredths())).div_ceil(10_000);
        let words = format!("{needed} of the cases from a known production trace (high risk)");
        let found = format!("{known} of {whole} cases");
        let measured = Measured::new(Metric::TracedCases, &known, &least, whole);
        let code = Code::TooFewTraced;
        let ruling = Ruling::of(Some(&change.id), State::Fail, code, found, words);
        Some(ruling.measured(measured))
    }
}

impl Gate for Examples {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        facts
            .judged
            .iter()
            .map(|judged| Ruling {
                blocks: self.blocks,
                ..self.one(facts, judged)
            })
            .collect()
    }
}
