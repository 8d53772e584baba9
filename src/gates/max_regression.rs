//! Eval gate: the head version passes no fewer cases than the base version, beyond chance.
//!
//! Exact `McNemar` test on the cases that both versions ran, two-sided at `alpha`, Holm over the
//! changed prompts. Cases that errored are counted as failures, then left out; where that
//! changes the outcome it is inconclusive.

use super::traces_to_evals::not_fresh;
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State, unreadable};
use crate::change::Kind;
use crate::evidence::binding::BoundCases;
use crate::evidence::collect::Use;
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::prompt::version::Facet;
use crate::reason::Code;
use crate::regression::{self, Comparison};
use crate::stats;
use crate::yaml::{Errors, Node};

/// More errored cases than this share of a side, and the run is no measurement.
const MAX_ERRORED_PERCENT: u64 = 5;

/// Fewer of the base version's cases than this, and a drop could hide in those left out.
const MIN_PAIRED_PERCENT: u64 = 90;

pub(crate) struct MaxRegression;

impl GateKind for MaxRegression {
    fn id(&self) -> &'static str {
        "max_regression"
    }

    fn about(&self) -> &'static str {
        "no significant drop of the pass rate between base and head version (exact McNemar test on paired cases, alpha 0.05, Holm over the changed prompts)"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let mut gate = Regression {
            alpha: 0.05,
            blocks: true,
        };
        if let Some(node) = node {
            let fields = node.fields(&["mode", "alpha", "on_fail"], errors);
            if let Some(mode) = fields.get("mode") {
                mode.one_of(&[("significant", ())], errors);
            }
            if let Some(alpha) = fields.get("alpha") {
                let found = alpha.read("a number above 0 and at most 0.5", errors, |value| {
                    value.as_f64().filter(|alpha| *alpha > 0.0 && *alpha <= 0.5)
                });
                gate.alpha = found.unwrap_or(gate.alpha);
            }
            if let Some(node) = fields.get("on_fail") {
                gate.blocks = node.one_of(ON_FAIL, errors).unwrap_or(true);
            }
        }
        Box::new(gate)
    }
}

struct Regression {
    alpha: f64,
    blocks: bool,
}

/// A prompt before the test: decided already, or to be compared.
enum Prepared {
    Decided(Ruling),
    Compare(Box<Comparison>),
}

impl Gate for Regression {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let prepared: Vec<Prepared> = facts
            .judged
            .iter()
            .map(|judged| prepare(facts, judged))
            .collect();
        let p_values = |of: &dyn Fn(&Comparison) -> f64| -> Vec<f64> {
            prepared
                .iter()
                .filter_map(|each| match each {
                    Prepared::Compare(comparison) => Some(of(comparison)),
                    Prepared::Decided(_) => None,
                })
                .collect()
        };
        let as_failures = stats::holm(&p_values(&|each| each.as_failures.p), self.alpha);
        let left_out = stats::holm(&p_values(&|each| each.left_out.p), self.alpha);
        let mut significant = as_failures.into_iter().zip(left_out);
        facts
            .judged
            .iter()
            .zip(prepared)
            .map(|(judged, prepared)| {
                let ruling = match prepared {
                    Prepared::Decided(ruling) => ruling,
                    Prepared::Compare(comparison) => {
                        let flags = significant.next().unwrap_or((true, true));
                        let test = &comparison.as_failures;
                        let p = format!("{:.6}", test.p);
                        let n = test.pairs.count();
                        let measured = Measured::new(Metric::PValue, &p, &self.alpha, n);
                        decide(judged, &comparison, flags).measured(measured)
                    }
                };
                Ruling {
                    blocks: self.blocks,
                    ..ruling
                }
            })
            .collect()
    }
}

const NEEDED: &str = "no significant drop from base to head version";

fn prepare(facts: &Facts<'_>, judged: &Judged<'_>) -> Prepared {
    let prompt = Some(&judged.change.id);
    let decided = |state, code, found: String| {
        Prepared::Decided(Ruling::of(prompt, state, code, found, NEEDED))
    };
    if let Some(ruling) = unreadable(facts, Use::Evals, prompt, NEEDED) {
        return Prepared::Decided(ruling);
    }
    if judged.change.base.is_none() && judged.change.kind != Kind::Added {
        let found =
            String::from("the base version cannot be read, so there is none to compare with");
        return decided(State::NotApplicable, Code::BaseUnreadable, found);
    }
    if judged.change.kind == Kind::Added {
        let found = String::from("a new prompt has no version to compare with");
        return decided(State::NotApplicable, Code::FirstVersion, found);
    }
    if let Some(ruling) = not_fresh(prompt, &judged.binding, NEEDED) {
        return Prepared::Decided(ruling);
    }
    let Some(candidate) = &judged.binding.candidate else {
        return decided(
            State::Missing,
            Code::EvidenceMissing,
            String::from("no eval run"),
        );
    };
    let Some(baseline) = &judged.binding.baseline else {
        if let Some(refused) = judged.binding.refused {
            let found = refused.words("results of the base version");
            return decided(State::Missing, Code::EvidenceInadmissible, found);
        }
        let found = String::from("no eval run of the base version");
        return decided(State::Missing, Code::BaselineMissing, found);
    };
    let comparison = regression::compare(baseline, candidate);
    match incomparable(judged, (baseline, candidate), &comparison) {
        Some((state, code, found)) => decided(state, code, found),
        None => Prepared::Compare(Box::new(comparison)),
    }
}

/// Why two runs cannot be compared, where they cannot.
fn incomparable(
    judged: &Judged<'_>,
    (baseline, candidate): (&BoundCases, &BoundCases),
    comparison: &Comparison,
) -> Option<(State, Code, String)> {
    let settings = [Facet::Model, Facet::Parameters];
    let touched = settings
        .iter()
        .any(|facet| judged.change.facets.contains(facet));
    if !touched && baseline.made_with != candidate.made_with {
        let found = "the runs of the two versions show different models or parameters";
        return Some((State::Inconclusive, Code::SettingsDiffer, found.to_owned()));
    }
    for (side, bound) in [("base", baseline), ("head", candidate)] {
        let errored = bound.count(CaseResult::Errored);
        let all = bound.cases.len() as u64;
        if errored * 100 > all * MAX_ERRORED_PERCENT {
            let found = format!("{errored} of {all} cases of the {side} version ended in an error");
            return Some((State::Error, Code::TooManyErrors, found));
        }
    }
    let all = baseline.cases.len() as u64;
    let paired = comparison.as_failures.pairs.count();
    if paired == 0 && comparison.changed == 0 {
        let other = candidate.cases.len();
        let found = format!("no case in common: {all} at base, {other} at head");
        return Some((State::Inconclusive, Code::NothingPaired, found));
    }
    if paired * 100 < all * MIN_PAIRED_PERCENT {
        let found = format!(
            "{paired} of {all} cases of the base version compare: {} were not run on the head version, {} changed their input or assertions",
            comparison.only_baseline, comparison.changed
        );
        return Some((State::Inconclusive, Code::CasesChanged, found));
    }
    None
}

fn decide(judged: &Judged<'_>, comparison: &Comparison, significant: (bool, bool)) -> Ruling {
    let prompt = Some(&judged.change.id);
    let drops = |test: &regression::Test, significant: bool| {
        significant && test.pairs.lost > test.pairs.won
    };
    let with = drops(&comparison.as_failures, significant.0);
    let without = drops(&comparison.left_out, significant.1);
    let found = comparison.as_failures.words();
    match (with, without) {
        (true, true) => {
            let newly: Vec<&str> = comparison
                .newly_failing
                .iter()
                .take(3)
                .map(|pair| pair.id.for_machines())
                .collect();
            Ruling::of(prompt, State::Fail, Code::Regression, found, NEEDED).fix(format!(
                "fix the {} newly failing cases ({}…) or revert the change, then run the evals again",
                comparison.newly_failing.len(),
                newly.join(", ")
            ))
        }
        (false, false) => Ruling::of(prompt, State::Pass, Code::NoDropSeen, found, NEEDED),
        _ => {
            let found = format!(
                "{found}; without the errored cases: {}",
                comparison.left_out.words()
            );
            Ruling::of(
                prompt,
                State::Inconclusive,
                Code::ErrorsDecide,
                found,
                NEEDED,
            )
        }
    }
}
