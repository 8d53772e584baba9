//! Eval gate: the head version is no worse than the base version, beyond chance.
//!
//! Each metric that the policy names, or else whether the cases pass, is tested on the cases that
//! both versions ran; Holm over all metrics and changed prompts. Trials that errored are counted
//! as failures, then left out; where that changes the outcome it is inconclusive.

mod asked;

use std::collections::BTreeSet;

use asked::Asked;

use super::judge_agreement::distrust;
use super::traces_to_evals::not_fresh;
use super::{Facts, Gate, GateKind, Ruling, Section, State, unreadable};
use crate::change::Kind;
use crate::evidence::binding::BoundCases;
use crate::evidence::collect::Use;
use crate::evidence::evals::Metric;
use crate::evidence::judged::Judged;
use crate::measure::{self, Measured};
use crate::policy::scope::Risk;
use crate::prompt::version::Facet;
use crate::reason::Code;
use crate::regression::{
    ALPHA, Comparison, Decision, Finding, Measure, Mode, Readings, Tested, decide,
};
use crate::yaml::{Errors, Node};

/// More errored trials than this share of a side, and the run is no measurement.
const MAX_ERRORED_PERCENT: u64 = 5;

/// Fewer of the base version's cases than this, and a drop could hide in those left out.
const MIN_PAIRED_PERCENT: u64 = 90;

pub(crate) struct MaxRegression;

impl GateKind for MaxRegression {
    fn id(&self) -> &'static str {
        "max_regression"
    }

    fn about(&self) -> &'static str {
        "no significant drop between base and head version of the metrics that the policy names, or else of the cases that pass (paired tests, alpha 0.05, Holm over metrics and changed prompts); at high risk a drop of ten points must be visible"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        Box::new(Regression(Asked::read(node, errors)))
    }
}

struct Regression(Asked);

/// What is said of a prompt and a metric: decided already, or to be tested.
enum Item {
    Decided(Box<Ruling>),
    Test(Box<Subject>),
}

/// A metric of a prompt that is tested.
struct Subject {
    metric: Option<Metric>,
    readings: Readings,
    mode: Mode,
}

impl Gate for Regression {
    fn warns(&self) -> bool {
        !self.0.blocks || self.0.inconclusive.warns()
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let items: Vec<(&Judged<'_>, Item)> = facts
            .judged
            .iter()
            .flat_map(|judged| {
                let items = self.items(facts, judged).into_iter();
                items.map(move |item| (judged, item))
            })
            .collect();
        let family: Vec<(&Readings, Mode)> = items
            .iter()
            .filter_map(|(_, item)| match item {
                Item::Test(subject) => Some((&subject.readings, subject.mode)),
                Item::Decided(_) => None,
            })
            .collect();
        let mut decisions = decide(&family, self.0.alpha).into_iter();
        let mut rulings = Vec::new();
        for (judged, item) in &items {
            let ruling = match item {
                Item::Decided(ruling) => Some((**ruling).clone()),
                Item::Test(subject) => {
                    let decision = decisions.next();
                    decision.map(|decision| self.ruling(judged, subject, decision))
                }
            };
            rulings.extend(ruling);
        }
        rulings.extend(
            facts
                .judged
                .iter()
                .flat_map(|judged| self.others(facts, judged)),
        );
        rulings
    }
}

impl Regression {
    /// What is to be said of a prompt: one thing where its runs cannot be compared, else one for
    /// each metric.
    fn items(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Vec<Item> {
        let blocks = self.0.blocks;
        let decided = |ruling| Item::Decided(Box::new(Ruling { blocks, ..ruling }));
        let (comparison, sides) = match comparable(facts, judged) {
            Ok(comparable) => comparable,
            Err(ruling) => return vec![decided(*ruling)],
        };
        let own = |mode| {
            let readings = comparison.own.clone();
            Item::Test(Box::new(Subject {
                metric: None,
                readings,
                mode,
            }))
        };
        let mut items = Vec::new();
        for asked in self.0.of(&judged.change.id) {
            let Some(name) = &asked.name else {
                items.push(own(asked.mode));
                continue;
            };
            match graders(judged, name, sides) {
                Err(ruling) => items.push(decided(*ruling)),
                Ok(metrics) => items.extend(metrics.into_iter().map(|metric| {
                    if let Some(ruling) = distrust(facts, judged, metric, NEEDED) {
                        return decided(ruling);
                    }
                    let measure = Measure::Metric {
                        metric,
                        pass: asked.pass,
                        lower: asked.lower,
                    };
                    let readings = measure.series(sides.0, sides.1).readings();
                    Item::Test(Box::new(Subject {
                        metric: Some(metric.clone()),
                        readings,
                        mode: asked.mode,
                    }))
                })),
            }
        }
        if items.is_empty() {
            items.push(own(self.0.mode));
        }
        items
    }

    /// What a test comes to.
    fn ruling(&self, judged: &Judged<'_>, subject: &Subject, decision: Decision) -> Ruling {
        let prompt = Some(&judged.change.id);
        let test = &subject.readings.as_failures;
        let tested = Tested::of(
            subject.metric.as_ref(),
            (test, subject.mode),
            (decision.alpha, self.0.alpha),
        );
        let measured = Measured::new(
            measure::Metric::PValue,
            &format!("{:.6}", test.p),
            &self.0.alpha,
            test.cases,
        );
        let measured = match &subject.metric {
            Some(metric) => measured.of_metric(metric.words()),
            None => measured,
        };
        let (state, code, found) = said(judged, (subject, &tested), decision.finding);
        let mut ruling = Ruling::of(prompt, state, code, found, needed(subject.mode, test));
        let fix = match (code, subject.mode) {
            (Code::Regression, _) if subject.metric.is_none() => Some(newly_failing(judged)),
            (Code::TooWeak, _) => more(test.cases_to_see_a_tenth(decision.alpha)),
            (_, Mode::NonInferior(margin)) if code == Code::MarginNotShown => {
                more(test.cases_to_keep(margin, self.0.alpha))
            }
            _ => None,
        };
        if let Some(fix) = fix {
            ruling = ruling.fix(fix);
        }
        Ruling {
            blocks: self.0.blocks
                && (state != State::Inconclusive || self.0.inconclusive.blocks(judged.change.risk)),
            tested: Some(tested),
            ..ruling.measured(measured)
        }
    }

    /// Metrics that no entry names, and whether the cases pass where entries name others: what
    /// drops is shown, and does not block.
    fn others(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Vec<Ruling> {
        let Ok((comparison, (base, head))) = comparable(facts, judged) else {
            return Vec::new();
        };
        let asked: Vec<Option<&str>> = self.0.names(&judged.change.id);
        let mut found = Vec::new();
        let mut warn = |metric: Option<&Metric>, readings: &Readings| {
            let both = [&readings.as_failures, &readings.left_out];
            if both.iter().any(|test| test.p > ALPHA || !test.is_worse()) {
                return;
            }
            let test = (&readings.as_failures, Mode::Significant);
            let tested = Tested::of(metric, test, (ALPHA, ALPHA));
            let prompt = Some(&judged.change.id);
            let code = Code::MetricDropped;
            let p = format!("{:.6}", readings.as_failures.p);
            let n = readings.as_failures.cases;
            let measured = Measured::new(measure::Metric::PAlone, &p, &ALPHA, n);
            let measured = match metric {
                Some(metric) => measured.of_metric(metric.words()),
                None => measured,
            };
            let ruling = Ruling::of(prompt, State::Fail, code, tested.words(), NEEDED);
            let ruling = ruling.measured(measured);
            found.push(Ruling {
                blocks: false,
                tested: Some(tested),
                ..ruling
            });
        };
        if !asked.contains(&None) {
            warn(None, &comparison.own);
        }
        for metric in base.metrics.intersection(&head.metrics) {
            if !asked.contains(&Some(metric.name.as_str())) {
                let measure = Measure::Metric {
                    metric,
                    pass: false,
                    lower: false,
                };
                warn(Some(metric), &measure.series(base, head).readings());
            }
        }
        found
    }
}

const NEEDED: &str = "no significant drop from base to head version";

/// What a test needs to show.
fn needed(mode: Mode, test: &crate::regression::Test) -> String {
    match mode {
        Mode::Significant => NEEDED.to_owned(),
        Mode::NonInferior(margin) => {
            let margin = test.unit.drop(margin);
            format!("a drop of {margin} or more from base to head version ruled out")
        }
    }
}

/// What a test says: how it comes out, why, and the words.
fn said(
    judged: &Judged<'_>,
    (subject, tested): (&Subject, &Tested),
    finding: Finding,
) -> (State, Code, String) {
    let (words, seen) = (tested.words(), tested.seen());
    let high = judged.change.risk == Risk::High;
    let tenth = subject.readings.as_failures.tenth();
    let weak = high && tested.visible.is_none_or(|visible| visible > tenth);
    match (finding, subject.mode) {
        (Finding::Drop, _) => (State::Fail, Code::Regression, format!("{words}; {seen}")),
        (Finding::ErrorsDecide, _) => {
            let without = subject.readings.left_out.words();
            let found = format!("{words}; without the errored cases: {without}; {seen}");
            (State::Inconclusive, Code::ErrorsDecide, found)
        }
        (Finding::Unsure, _) => {
            let found = format!("{words}; {seen}");
            (State::Inconclusive, Code::MarginNotShown, found)
        }
        (Finding::Clear, Mode::NonInferior(_)) => {
            (State::Pass, Code::MarginKept, format!("{words}; {seen}"))
        }
        (Finding::Clear, Mode::Significant) if weak => (
            State::Inconclusive,
            Code::TooWeak,
            format!("{words}; {seen}"),
        ),
        (Finding::Clear, Mode::Significant) => {
            let found = format!("no drop seen ({seen}): {words}");
            (State::Pass, Code::NoDropSeen, found)
        }
    }
}

/// How many cases would tell.
fn more(cases: Option<u64>) -> Option<String> {
    cases.map(|cases| format!("run {cases} cases or more, or several trials of each"))
}

/// What to do about a drop of the cases that pass.
fn newly_failing(judged: &Judged<'_>) -> String {
    let failing = judged
        .comparison
        .iter()
        .flat_map(|each| &each.newly_failing);
    let ids: Vec<&str> = failing
        .clone()
        .take(3)
        .map(|pair| pair.id.for_machines())
        .collect();
    format!(
        "fix the {} newly failing cases ({}…) or revert the change, then run the evals again",
        failing.count(),
        ids.join(", ")
    )
}

/// The metrics of a name: the same on both sides, or it cannot be told what a difference means.
fn graders<'j>(
    judged: &Judged<'_>,
    name: &str,
    (base, head): Sides<'j>,
) -> Result<Vec<&'j Metric>, Box<Ruling>> {
    let of = |bound: &'j BoundCases| -> Vec<&'j Metric> {
        let metrics = bound.metrics.iter();
        metrics.filter(|metric| metric.name == name).collect()
    };
    let (before, now) = (of(base), of(head));
    let decided = |state, code, found: String| {
        let prompt = Some(&judged.change.id);
        Err(Box::new(Ruling::of(prompt, state, code, found, NEEDED)))
    };
    for (side, found) in [("base", &before), ("head", &now)] {
        if found.is_empty() {
            let found = format!("no case of the {side} version is graded by `{name}`");
            return decided(State::Missing, Code::MetricMissing, found);
        }
    }
    if before != now {
        let words = |metrics: &[&Metric]| -> String {
            let words: Vec<String> = metrics.iter().map(|metric| metric.words()).collect();
            words.join(", ")
        };
        let found = format!("at base {}, at head {}", words(&before), words(&now));
        return decided(State::Inconclusive, Code::JudgeChanged, found);
    }
    Ok(now)
}

/// The cases at base and head.
type Sides<'j> = (&'j BoundCases, &'j BoundCases);

/// The comparison of a prompt's runs, or why there is none that could show anything.
fn comparable<'j>(
    facts: &Facts<'_>,
    judged: &'j Judged<'_>,
) -> Result<(&'j Comparison, Sides<'j>), Box<Ruling>> {
    let prompt = Some(&judged.change.id);
    let decided =
        |state, code, found: String| Err(Box::new(Ruling::of(prompt, state, code, found, NEEDED)));
    if let Some(ruling) = unreadable(facts, Use::Evals, prompt, NEEDED) {
        return Err(Box::new(ruling));
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
        return Err(Box::new(ruling));
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
    let Some(comparison) = &judged.comparison else {
        let found = String::from("no comparison of base and head version");
        return decided(State::Missing, Code::BaselineMissing, found);
    };
    match incomparable(judged, (baseline, candidate), comparison) {
        Some((state, code, found)) => decided(state, code, found),
        None => Ok((comparison, (baseline, candidate))),
    }
}

/// Why two runs cannot be compared, where they cannot.
fn incomparable(
    judged: &Judged<'_>,
    (baseline, candidate): (&BoundCases, &BoundCases),
    comparison: &Comparison,
) -> Option<(State, Code, String)> {
    let touched = |facet| judged.change.facets.contains(&facet);
    let models = |bound: &BoundCases| -> BTreeSet<String> {
        let models = bound.made_with.iter().map(|(model, _)| model.clone());
        models.collect()
    };
    // Another model may need other parameters; other parameters need no other model.
    let differ = if touched(Facet::Model) {
        false
    } else if touched(Facet::Parameters) {
        models(baseline) != models(candidate)
    } else {
        baseline.made_with != candidate.made_with
    };
    if differ {
        let found = "the runs of the two versions show different models or parameters";
        return Some((State::Inconclusive, Code::SettingsDiffer, found.to_owned()));
    }
    for (side, bound) in [("base", baseline), ("head", candidate)] {
        let trials = bound.cases.values().map(|bound| bound.case.trials());
        let (errored, all) = trials.fold((0, 0), |(errored, all), trials| {
            let [_, _, own] = trials.map(u64::from);
            (
                errored + own,
                all + trials.map(u64::from).iter().sum::<u64>(),
            )
        });
        if errored * 100 > all * MAX_ERRORED_PERCENT {
            let what = if bound.cases.len() as u64 == all {
                "cases"
            } else {
                "trials"
            };
            let found =
                format!("{errored} of {all} {what} of the {side} version ended in an error");
            return Some((State::Error, Code::TooManyErrors, found));
        }
    }
    let all = baseline.cases.len() as u64;
    let paired = comparison.own.as_failures.cases;
    if paired == 0 && comparison.changed.count == 0 {
        let other = candidate.cases.len();
        let found = format!("no case in common: {all} at base, {other} at head");
        return Some((State::Inconclusive, Code::NothingPaired, found));
    }
    if paired * 100 < all * MIN_PAIRED_PERCENT {
        let found = format!(
            "{paired} of {all} cases of the base version compare: {} were not run on the head version, {} changed their input or assertions",
            comparison.only_baseline.count, comparison.changed.count
        );
        return Some((State::Inconclusive, Code::CasesChanged, found));
    }
    None
}
