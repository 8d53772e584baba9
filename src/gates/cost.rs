//! Eval gate: what a case that passes costs.

use super::budget::{Limit, Sides, blocks};
use super::{Facts, Gate, GateKind, Ruling, Section, State};
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::units::Usd;
use crate::yaml::{Errors, Node};

pub(crate) struct Cost;

impl GateKind for Cost {
    fn id(&self) -> &'static str {
        "cost"
    }

    fn about(&self) -> &'static str {
        "the cost of the cases that both versions ran, for each that passes, is within the policy's budget; only where the policy sets one"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = node.map(|node| node.fields(&["per_success", "on_fail"], errors));
        let expected = "dollars such as `0.02`, or `+25%` above base";
        let limit = fields.as_ref().and_then(|fields| {
            let node = fields.need("per_success", errors)?;
            Limit::read(node, expected, errors, |value| {
                Some(Usd::from_dollars(value.as_f64()?)?.nanos())
            })
        });
        Box::new(Budget {
            limit,
            blocks: blocks(fields.as_ref(), errors),
        })
    }
}

struct Budget {
    limit: Option<Limit>,
    blocks: bool,
}

impl Gate for Budget {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let Some(limit) = self.limit else {
            return Vec::new();
        };
        let judged = facts.judged.iter();
        let rulings = judged.map(|judged| one(facts, judged, limit));
        rulings
            .map(|ruling| Ruling {
                blocks: self.blocks,
                ..ruling
            })
            .collect()
    }
}

/// A case's cost, and whether it passes.
type Spent = (Usd, bool);

fn one(facts: &Facts<'_>, judged: &Judged<'_>, limit: Limit) -> Ruling {
    let prompt = Some(&judged.change.id);
    let dollars = |nanos: u64| Usd::from_nanos(nanos).to_string();
    let needed = format!("{} for each case that passes", limit.words(dollars));
    let sides = Sides::of(facts, judged, (limit, &needed), |case| {
        Some((case.cost()?, case.result() == CaseResult::Passed))
    });
    let sides = match sides {
        Ok(sides) => sides,
        Err(ruling) => return *ruling,
    };
    let n = sides.head.len() as u64;
    let of = |state, code, found| Ruling::of(prompt, state, code, found, &*needed);
    let Some(cost) = per_success(&sides.head) else {
        let found = format!("none of {n} cases passes");
        return of(State::Fail, Code::OverBudget, found);
    };
    let base = sides.base.as_deref().map(per_success);
    let Some(most) = limit.most(base.flatten()) else {
        let found = String::from("no case of the base version passes, so there is no cost of one");
        return of(State::Inconclusive, Code::BudgetUnknown, found);
    };
    let before = base
        .flatten()
        .map(|base| format!(", {} before", dollars(base)));
    let found = format!(
        "{}{} for each case that passes, of {n} cases",
        dollars(cost),
        before.unwrap_or_default()
    );
    let measured = Measured::new(Metric::CostPerSuccess, &cost, &most, n);
    let (state, code) = if cost <= most {
        (State::Pass, Code::Met)
    } else {
        (State::Fail, Code::OverBudget)
    };
    of(state, code, found).measured(measured)
}

/// What all cases cost over those that pass, rounded up; `None` where none passes.
fn per_success(cases: &[Spent]) -> Option<u64> {
    let passed = cases.iter().filter(|(_, passed)| *passed).count() as u64;
    let sum = cases
        .iter()
        .fold(Usd::default(), |sum, (cost, _)| sum.plus(*cost));
    (passed > 0).then(|| sum.nanos().div_ceil(passed))
}
