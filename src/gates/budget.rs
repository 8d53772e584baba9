//! What the budgets on cost and latency share: a limit, absolute or above the base version, and the
//! runs that it is measured on.

use super::named::no_run;
use super::{Facts, ON_FAIL, Ruling, State};
use crate::change::Kind;
use crate::evidence::binding::BoundCase;
use crate::evidence::evals::{Case, CaseResult};
use crate::evidence::judged::Judged;
use crate::reason::Code;
use crate::yaml::{Errors, Fields, Node};

/// Fewer of the cases than this share show a number, and it says nothing of the others.
const MIN_KNOWN_PERCENT: u64 = 95;

/// Fewer cases than this say nothing of cost or latency: the 95th percentile of fewer is the
/// slowest one.
pub(super) const MIN_CASES: usize = 20;

/// How much it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// So much.
    Absolute(u64),
    /// So many hundredths of a percent more than at base.
    Above(u64),
}

impl Limit {
    /// Reads `+20%`, or what `absolute` reads.
    pub(super) fn read(
        node: &Node<'_>,
        expected: &str,
        errors: &mut Errors<'_>,
        absolute: impl Fn(&serde_json::Value) -> Option<u64>,
    ) -> Option<Self> {
        node.read(expected, errors, |value| {
            let more = value.as_str().and_then(|text| text.strip_prefix('+'));
            match more {
                Some(more) => hundredths(more.strip_suffix('%')?).map(Self::Above),
                None => absolute(value).map(Self::Absolute),
            }
        })
    }

    /// The most that it may be, where base has so much; `None` where base does not say.
    pub(super) fn most(self, base: Option<u64>) -> Option<u64> {
        match self {
            Self::Absolute(most) => Some(most),
            Self::Above(more) => {
                let most = u128::from(base?) * u128::from(10_000 + more) / 10_000;
                Some(u64::try_from(most).unwrap_or(u64::MAX))
            }
        }
    }

    /// What is needed, in words.
    pub(super) fn words(self, shown: impl Fn(u64) -> String) -> String {
        match self {
            Self::Absolute(most) => format!("at most {}", shown(most)),
            #[expect(clippy::cast_precision_loss, reason = "at most a million")]
            Self::Above(more) => format!("at most {} % above base", more as f64 / 100.0),
        }
    }
}

/// A percentage of at most 10,000 in hundredths.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn hundredths(text: &str) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    let fits = (0.0..=10_000.0).contains(&number);
    fits.then(|| (number * 100.0).round() as u64)
}

/// Reads `on_fail`.
pub(super) fn blocks(fields: Option<&Fields<'_>>, errors: &mut Errors<'_>) -> bool {
    let node = fields.and_then(|fields| fields.get("on_fail"));
    node.and_then(|node| node.one_of(ON_FAIL, errors))
        .unwrap_or(true)
}

/// What is measured of the cases of each side: of those that both ran, where base ran any.
pub(super) struct Sides<T> {
    /// At base; `None` where it was not run.
    pub(super) base: Option<Vec<T>>,
    /// At head.
    pub(super) head: Vec<T>,
}

impl<T> Sides<T> {
    /// Measures the cases that came to a result, or says why that tells nothing.
    pub(super) fn of(
        facts: &Facts<'_>,
        judged: &Judged<'_>,
        (limit, needed): (Limit, &str),
        number: impl Fn(&Case) -> Option<T>,
    ) -> Result<Self, Box<Ruling>> {
        let prompt = Some(&judged.change.id);
        let because = |state, code, found: String| {
            Err(Box::new(Ruling::of(prompt, state, code, found, needed)))
        };
        let relative = matches!(limit, Limit::Above(_));
        if relative && judged.change.kind == Kind::Added {
            let found = String::from("a new prompt has no version to compare with");
            return because(State::NotApplicable, Code::FirstVersion, found);
        }
        if let Some(ruling) = no_run(facts, judged, needed) {
            return Err(Box::new(ruling));
        }
        let head = judged
            .binding
            .candidate
            .iter()
            .flat_map(|bound| &bound.cases);
        let base = judged.binding.baseline.as_ref().map(|bound| &bound.cases);
        if relative && base.is_none() {
            let found = String::from("no eval run of the base version");
            return because(State::Missing, Code::BaselineMissing, found);
        }
        let ended = |bound: &BoundCase| bound.case.result() != CaseResult::Errored;
        let mut sides = (Vec::new(), Vec::new());
        for (id, bound) in head.filter(|(_, bound)| ended(bound)) {
            let before = base.and_then(|cases| cases.get(id));
            let before = before.filter(|before| ended(before) && before.case.is_alike(&bound.case));
            if base.is_some() && before.is_none() {
                continue;
            }
            sides.0.extend(before.map(|before| number(&before.case)));
            sides.1.push(number(&bound.case));
        }
        let all = sides.1.len();
        if all < MIN_CASES {
            let found = format!("{all} cases to measure, of {MIN_CASES}");
            return because(State::Inconclusive, Code::BudgetUnknown, found);
        }
        let known = |side: Vec<Option<T>>, name: &str| -> Result<Vec<T>, Box<Ruling>> {
            let known: Vec<T> = side.into_iter().flatten().collect();
            if (known.len() as u64) * 100 < (all as u64) * MIN_KNOWN_PERCENT {
                let found = format!(
                    "{} of {all} cases of the {name} version say it",
                    known.len()
                );
                let (state, code) = (State::Inconclusive, Code::BudgetUnknown);
                return Err(Box::new(Ruling::of(prompt, state, code, found, needed)));
            }
            Ok(known)
        };
        Ok(Self {
            head: known(sides.1, "head")?,
            base: if relative {
                Some(known(sides.0, "base")?)
            } else {
                None
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_limit_is_absolute_or_above_base() {
        for (text, want) in [
            ("7", Some(Limit::Absolute(7))),
            ("+25%", Some(Limit::Above(2_500))),
            ("+0.5%", Some(Limit::Above(50))),
            ("+0%", Some(Limit::Above(0))),
            ("25%", None),
            ("\"+25\"", None),
            ("+-5%", None),
            ("+nan%", None),
            ("-7", None),
        ] {
            let value = yaml::to_json(text).unwrap();
            let mut errors = Errors::new(text);
            let node = Node::root(&value);
            let found = Limit::read(&node, "a limit", &mut errors, serde_json::Value::as_u64);
            assert_eq!(found, want, "{text}");
            assert_eq!(errors.into_sorted().is_empty(), want.is_some(), "{text}");
        }
        assert_eq!(Limit::Above(2_500).most(Some(8)), Some(10));
        assert_eq!(Limit::Above(2_500).most(None), None);
        assert_eq!(Limit::Above(10_000).most(Some(u64::MAX)), Some(u64::MAX));
        assert_eq!(Limit::Absolute(7).most(None), Some(7));
    }
}
