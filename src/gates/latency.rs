//! Eval gate: how long the answers take.

use super::budget::{Limit, Sides, blocks};
use super::{Facts, Gate, GateKind, Ruling, Section, State};
use crate::evidence::evals::Case;
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::stats::quantile::nearest_rank;
use crate::yaml::{Errors, Node};

/// The percentiles that a policy can bound.
const PERCENTILES: [(&str, usize, Metric); 2] = [
    ("p50", 50, Metric::LatencyP50),
    ("p95", 95, Metric::LatencyP95),
];

pub(crate) struct Latency;

impl GateKind for Latency {
    fn id(&self) -> &'static str {
        "latency"
    }

    fn about(&self) -> &'static str {
        "the time of an answer, at p50 and p95 of the cases that both versions ran, is within the policy's budgets; only where the policy sets one"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = node.map(|node| node.fields(&["p50", "p95", "on_fail"], errors));
        let mut limits = Vec::new();
        for (key, percent, metric) in PERCENTILES {
            let node = fields.as_ref().and_then(|fields| fields.get(key));
            let expected = "a time such as `4s` or `800ms`, or `+20%` above base";
            let limit = node.and_then(|node| Limit::read(node, expected, errors, millis));
            limits.extend(limit.map(|limit| (percent, metric, limit)));
        }
        if let Some(node) = node.filter(|_| limits.is_empty()) {
            node.refuse(errors, "expected `p50` or `p95`");
        }
        Box::new(Budgets {
            limits,
            blocks: blocks(fields.as_ref(), errors),
        })
    }
}

/// Reads `4s` or `800ms`.
fn millis(value: &serde_json::Value) -> Option<u64> {
    let text = value.as_str()?;
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s')?, 1_000),
    };
    let number = number.trim_end().parse::<u64>().ok()?;
    number.checked_mul(scale).filter(|millis| *millis > 0)
}

struct Budgets {
    limits: Vec<(usize, Metric, Limit)>,
    blocks: bool,
}

impl Gate for Budgets {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let of = |judged| {
            self.limits
                .iter()
                .map(move |limit| one(facts, judged, *limit))
        };
        let rulings = facts.judged.iter().flat_map(of);
        rulings
            .map(|ruling| Ruling {
                blocks: self.blocks,
                ..ruling
            })
            .collect()
    }
}

fn one(
    facts: &Facts<'_>,
    judged: &Judged<'_>,
    (percent, metric, limit): (usize, Metric, Limit),
) -> Ruling {
    let prompt = Some(&judged.change.id);
    let needed = format!("{} at p{percent}", limit.words(time));
    let sides = Sides::of(facts, judged, (limit, &needed), Case::latency_ms);
    let sides = match sides {
        Ok(sides) => sides,
        Err(ruling) => return *ruling,
    };
    let at = |values: &[f64]| nearest_rank(values, percent).map(whole);
    let base = sides.base.as_deref().and_then(at);
    let (Some(head), Some(most)) = (at(&sides.head), limit.most(base)) else {
        let (state, code) = (State::Inconclusive, Code::BudgetUnknown);
        return Ruling::of(prompt, state, code, "no case says it", needed);
    };
    let n = sides.head.len() as u64;
    let before = base.map(|base| format!(", {} before", time(base)));
    let found = format!(
        "{}{} at p{percent} of {n} cases",
        time(head),
        before.unwrap_or_default()
    );
    let (state, code) = if head <= most {
        (State::Pass, Code::Met)
    } else {
        (State::Fail, Code::OverBudget)
    };
    let measured = Measured::new(metric, &head, &most, n);
    Ruling::of(prompt, state, code, found, needed).measured(measured)
}

/// Whole milliseconds, rounded up, so that what is shown is what is compared.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is not negative, and one beyond the range counts as its end"
)]
fn whole(millis: f64) -> u64 {
    millis.ceil() as u64
}

fn time(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{millis} ms"),
        _ => format!("{}.{} s", millis / 1_000, millis / 100 % 10),
    }
}
