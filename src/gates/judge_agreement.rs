//! Eval gate: judges agree with people. A judge that does not cannot satisfy another gate either.

use super::named::no_run;
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::evidence::evals::{Agreement, Grader, Metric};
use crate::evidence::judged::Judged;
use crate::measure::{self, Measured};
use crate::reason::Code;
use crate::stats::kappa;
use crate::yaml::{Errors, Node};

/// Fewer labels than this say nothing of a judge.
const MIN_LABELS: u64 = 30;

/// How sure the interval is that is shown.
const LEVEL: f64 = 0.95;

pub(crate) struct JudgeAgreement;

impl GateKind for JudgeAgreement {
    fn id(&self) -> &'static str {
        "judge_agreement"
    }

    fn about(&self) -> &'static str {
        "each judge model agrees with the people who labelled the same answers: Cohen's kappa of at least `min_kappa`, over 30 labels or more; only where the policy sets `min_kappa`"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let blocks = node
            .map(|node| node.fields(&["on_fail"], errors))
            .and_then(|fields| fields.get("on_fail")?.one_of(ON_FAIL, errors))
            .unwrap_or(true);
        Box::new(Calibrated { blocks })
    }
}

struct Calibrated {
    blocks: bool,
}

impl Gate for Calibrated {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let Some(floor) = facts.policy.min_kappa else {
            return Vec::new();
        };
        let needed = needed(floor);
        let mut rulings = Vec::new();
        for judged in facts.judged {
            if let Some(ruling) = no_run(facts, judged, &needed) {
                rulings.push(ruling);
                continue;
            }
            let metrics = judged
                .binding
                .candidate
                .iter()
                .flat_map(|bound| &bound.metrics);
            let judges = metrics.filter(|metric| matches!(metric.by, Grader::Judge(_)));
            rulings.extend(judges.map(|metric| one(judged, metric, floor)));
        }
        for ruling in &mut rulings {
            ruling.blocks = self.blocks;
        }
        rulings
    }
}

fn needed(floor: f64) -> String {
    format!("kappa of at least {floor}, over {MIN_LABELS} labels or more")
}

/// Judges a judge by every answer that a person labelled as well, of both versions.
fn one(judged: &Judged<'_>, metric: &Metric, floor: f64) -> Ruling {
    let prompt = Some(&judged.change.id);
    let sides = [&judged.binding.baseline, &judged.binding.candidate];
    let counts = sides.into_iter().flatten();
    let counts = counts.filter_map(|bound| bound.agreement.get(metric));
    let counts = counts.fold(Agreement::default(), |sum, each| sum.plus(*each));
    let labels = labels(counts);
    let (n, who) = (labels.len() as u64, metric.words());
    let needed = needed(floor);
    let found = match kappa::kappa(&labels, LEVEL) {
        Some(found) if n >= MIN_LABELS => found,
        Some(_) | None => {
            let why = match n {
                0..MIN_LABELS => "",
                _ => ", all of them the same",
            };
            let found = format!("{who}: {n} answers are labelled by people{why}");
            let (state, code) = (State::Inconclusive, Code::JudgeUnlabelled);
            return Ruling::of(prompt, state, code, found, needed);
        }
    };
    let words = format!(
        "{who}: kappa {:.2} ({:.2} to {:.2}), agrees on {:.0} % of {n} labels",
        found.kappa,
        found.interval.0,
        found.interval.1,
        100.0 * found.agreed
    );
    let observed = format!("{:.6}", found.kappa);
    let measured = Measured::new(measure::Metric::Kappa, &observed, &floor, n).of_metric(who);
    // What is on record decides, so that whoever reads it comes to the same.
    let (state, code) = match measured.holds() {
        Some(true) => (State::Pass, Code::Met),
        _ => (State::Fail, Code::JudgeDisagrees),
    };
    Ruling::of(prompt, state, code, words, needed).measured(measured)
}

fn labels(counts: Agreement) -> Vec<(bool, bool)> {
    let cells = [
        ((true, true), counts.both),
        ((true, false), counts.judge),
        ((false, true), counts.person),
        ((false, false), counts.neither),
    ];
    let cells = cells.into_iter();
    let each = cells.map(|(label, count)| {
        std::iter::repeat_n(label, usize::try_from(count).unwrap_or(usize::MAX))
    });
    each.flatten().collect()
}

/// Why a judge's metric cannot satisfy a gate, where the policy has a floor that it does not reach.
pub(super) fn distrust(
    facts: &Facts<'_>,
    judged: &Judged<'_>,
    metric: &Metric,
    needed: &str,
) -> Option<Ruling> {
    let floor = facts.policy.min_kappa?;
    if !matches!(metric.by, Grader::Judge(_)) {
        return None;
    }
    let ruling = one(judged, metric, floor);
    let prompt = Some(&judged.change.id);
    (ruling.state != State::Pass).then(|| {
        Ruling::of(
            prompt,
            State::Inconclusive,
            ruling.code,
            ruling.found,
            needed,
        )
    })
}
