//! Baseline against candidate: cases in pairs, tests, intervals, and the cases that newly fail.
//! Pure.

mod family;
mod metrics;
pub mod simulation;
mod test;
mod words;

use crate::evidence::binding::{BoundCase, BoundCases};
use crate::evidence::evals::{CaseResult, Duty, Metric, Text};
use crate::evidence::texts::{Place, Texts};
use crate::limits::SHOWN_CASES;
use crate::untrusted::Untrusted;

pub(crate) use family::{Decision, Finding, Mode, decide};
pub(crate) use metrics::Measure;
pub(crate) use test::{Kind, Readings, Test};
pub(crate) use words::{Unit, p_value};

/// The level of a test that is not judged with others.
pub(crate) const ALPHA: f64 = 0.05;

/// One case on both sides.
#[derive(Debug, Clone)]
pub(crate) struct CasePair {
    /// Its id.
    pub(crate) id: Untrusted,
    /// Where it stands, at base and at head.
    pub(crate) places: (Place, Place),
    /// What was asked.
    pub(crate) input: Option<Untrusted>,
    /// What was answered at base.
    pub(crate) baseline: Option<Untrusted>,
    /// What is answered at head.
    pub(crate) candidate: Option<Untrusted>,
    /// Why that fails, where the run says so.
    pub(crate) reason: Option<Untrusted>,
}

/// Cases that something is to be said of: how many, and the first ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cases {
    /// How many.
    pub(crate) count: u64,
    /// The ids of the first.
    pub(crate) first: Vec<Untrusted>,
}

impl Cases {
    fn add(&mut self, id: &str) {
        self.count += 1;
        if self.first.len() < SHOWN_CASES {
            self.first.push(id.into());
        }
    }
}

/// The comparison of two runs.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Of whether the cases pass.
    pub(crate) own: Readings,
    /// All tests that were made: the first is that of whether the cases pass.
    pub(crate) tests: Vec<Tested>,
    /// Cases only the base version ran.
    pub(crate) only_baseline: Cases,
    /// Cases of one id whose input or assertions differ, so that they compare nothing.
    pub(crate) changed: Cases,
    /// Cases only the head version ran.
    pub(crate) only_candidate: Cases,
    /// Cases whose trials disagree on a side.
    pub(crate) flaky: Cases,
    /// Cases that passed at base and do not at head: those that must pass first, then those that
    /// fell furthest, then by id.
    pub(crate) newly_failing: Vec<CasePair>,
    /// The failing cases of the head version by what they fail.
    pub(crate) failing_by: Vec<(Metric, Cases)>,
}

/// A test with what it was held to.
#[derive(Debug, Clone)]
pub(crate) struct Tested {
    /// The metric; `None` is whether the cases pass.
    pub(crate) metric: Option<Metric>,
    /// What it had to show.
    pub(crate) mode: Mode,
    /// The test.
    pub(crate) test: Test,
    /// The level that it was held to.
    pub(crate) alpha: f64,
    /// The lower bound of how much better it is, where a margin was asked for.
    pub(crate) bound: Option<f64>,
    /// The smallest drop that would have been seen.
    pub(crate) visible: Option<f64>,
}

impl Tested {
    /// A test that was held to a level, in a family whose chance of a false alarm is `family`.
    pub(crate) fn of(
        metric: Option<&Metric>,
        (test, mode): (&Test, Mode),
        (alpha, family): (f64, f64),
    ) -> Self {
        Self {
            metric: metric.cloned(),
            mode,
            test: test.clone(),
            alpha,
            bound: matches!(mode, Mode::NonInferior(_)).then(|| test.worst_gain(family)),
            visible: test.visible(alpha),
        }
    }

    /// The metric's name, with the judge; `pass` is whether the cases pass.
    pub(crate) fn label(&self) -> String {
        let metric = self.metric.as_ref();
        metric.map_or_else(|| PASS.to_owned(), Metric::words)
    }

    /// The margin that was asked for, and the largest drop that cannot be ruled out.
    pub(crate) fn margin(&self) -> Option<(f64, f64)> {
        match self.mode {
            Mode::NonInferior(margin) => Some((margin, -self.bound?)),
            Mode::Significant => None,
        }
    }

    /// The result in words.
    pub(crate) fn words(&self) -> String {
        match &self.metric {
            Some(metric) => format!("{}: {}", metric.words(), self.test.words()),
            None => self.test.words(),
        }
    }

    /// The smallest drop that would have been seen, in words.
    pub(crate) fn seen(&self) -> String {
        self.test.seen(self.visible)
    }
}

/// The name of the metric that is whether a case passes.
pub(crate) const PASS: &str = "pass";

impl Comparison {
    /// Adds the words of the cases that are shown.
    pub(crate) fn with(mut self, texts: &Texts) -> Self {
        for pair in &mut self.newly_failing {
            let (base, head) = (texts.at(pair.places.0), texts.at(pair.places.1));
            let answer = |text: &Text| text.output.as_ref().map(Untrusted::from);
            let asked = head.or(base).and_then(|text| text.input.as_ref());
            pair.input = asked.map(Untrusted::from);
            pair.baseline = base.and_then(answer);
            pair.candidate = head.and_then(answer);
            pair.reason = head.and_then(|text| text.reason.as_ref().map(Untrusted::from));
        }
        self
    }

    /// Adds the tests that a gate made.
    pub(crate) fn tested(mut self, tests: impl IntoIterator<Item = Tested>) -> Self {
        for tested in tests {
            match self.tests.first_mut().filter(|_| tested.metric.is_none()) {
                Some(own) => *own = tested,
                None => self.tests.push(tested),
            }
        }
        self
    }

    /// How many cases of the base version have no partner that they compare with.
    pub(crate) const fn unpaired(&self) -> u64 {
        self.only_baseline.count + self.only_candidate.count + self.changed.count
    }
}

/// The cases that both versions ran, with the same input and assertions.
fn paired<'a>(
    baseline: &'a BoundCases,
    candidate: &'a BoundCases,
) -> impl Iterator<Item = (&'a str, &'a BoundCase, &'a BoundCase)> {
    let both = baseline.cases.iter().filter_map(|(id, base)| {
        let head = candidate.cases.get(id)?;
        Some((id.as_str(), base, head))
    });
    both.filter(|(_, base, head)| base.case.is_alike(&head.case))
}

fn failing_by(cases: &BoundCases) -> Vec<(Metric, Cases)> {
    let clusters = cases.failing_by().into_iter();
    let counted = clusters.map(|(metric, ids)| {
        let mut cases = Cases::default();
        for id in ids {
            cases.add(id);
        }
        (metric.clone(), cases)
    });
    counted.collect()
}

/// Pairs the cases of two runs by id.
pub(crate) fn compare(baseline: &BoundCases, candidate: &BoundCases) -> Comparison {
    let own = Measure::Pass.series(baseline, candidate).readings();
    let mut comparison = Comparison {
        tests: vec![Tested::of(
            None,
            (&own.as_failures, Mode::Significant),
            (ALPHA, ALPHA),
        )],
        own,
        only_baseline: Cases::default(),
        changed: Cases::default(),
        only_candidate: Cases::default(),
        flaky: Cases::default(),
        newly_failing: Vec::new(),
        failing_by: failing_by(candidate),
    };
    for (id, base) in &baseline.cases {
        match candidate.cases.get(id) {
            None => comparison.only_baseline.add(id),
            Some(head) if !base.case.is_alike(&head.case) => comparison.changed.add(id),
            Some(_) => {}
        }
    }
    let alone = |id: &&String| !baseline.cases.contains_key(*id);
    let alone = candidate.cases.keys().filter(alone);
    alone.for_each(|id| comparison.only_candidate.add(id));
    let mut failing = Vec::new();
    for (id, base, head) in paired(baseline, candidate) {
        if base.case.is_flaky() || head.case.is_flaky() {
            comparison.flaky.add(id);
        }
        let passes = |bound: &BoundCase| bound.case.result() == CaseResult::Passed;
        if passes(base) && !passes(head) {
            let needed = head.case.duty == Some(Duty::MustPass);
            let pair = CasePair {
                id: id.into(),
                places: (Place::of(base), Place::of(head)),
                input: None,
                baseline: None,
                candidate: None,
                reason: None,
            };
            failing.push((needed, base.above(head), pair));
        }
    }
    failing.sort_by(|one, other| other.0.cmp(&one.0).then(other.1.total_cmp(&one.1)));
    comparison.newly_failing = failing.into_iter().map(|(.., pair)| pair).collect();
    comparison
}
