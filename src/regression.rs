//! Baseline against candidate: pairs, test, interval, and the cases that newly fail. Pure.

use crate::evidence::binding::{BoundCase, BoundCases};
use crate::evidence::evals::{CaseResult, Text};
use crate::evidence::texts::{Place, Texts};
use crate::stats::{self, Pairs};
use crate::untrusted::Untrusted;

/// One paired test.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    /// The pairs.
    pub(crate) pairs: Pairs,
    /// Exact `McNemar`, two-sided.
    pub(crate) p: f64,
    /// Tango's interval for the difference, head less base, 95 %.
    pub(crate) interval: (f64, f64),
}

impl Test {
    fn of(pairs: Pairs) -> Self {
        Self {
            pairs,
            p: stats::mcnemar_exact(pairs.lost, pairs.won),
            interval: stats::tango(pairs),
        }
    }

    /// How many pass at base and at head.
    pub(crate) const fn passing(&self) -> (u64, u64) {
        (
            self.pairs.both + self.pairs.lost,
            self.pairs.both + self.pairs.won,
        )
    }

    /// The result in words.
    pub(crate) fn words(&self) -> String {
        let (base, head) = self.passing();
        format!(
            "{head} of {n} cases pass, {base} did before: {} pp ({} to {}), {} newly fail, {} newly pass, p {}",
            points(self.pairs.difference()),
            points(self.interval.0),
            points(self.interval.1),
            self.pairs.lost,
            self.pairs.won,
            p_value(self.p),
            n = self.pairs.count(),
        )
    }
}

/// A p-value with what it is compared by: never shown as 0, which it cannot be.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.000_1 {
        String::from("< 0.0001")
    } else {
        format!("= {p:.4}")
    }
}

/// A fraction in percentage points with its sign.
pub(crate) fn points(fraction: f64) -> String {
    let shown = format!("{:+.1}", fraction * 100.0);
    match shown.as_str() {
        "+0.0" | "-0.0" => String::from("0.0"),
        _ => shown.replace('-', "\u{2212}"),
    }
}

/// One case on both sides.
#[derive(Debug, Clone)]
pub(crate) struct CasePair {
    /// Its id.
    pub(crate) id: Untrusted,
    /// Where it stands, at base and at head.
    pub(crate) places: (Place, Place),
    /// What was answered at base.
    pub(crate) baseline: Option<Untrusted>,
    /// What is answered at head.
    pub(crate) candidate: Option<Untrusted>,
    /// Why that fails, where the run says so.
    pub(crate) reason: Option<Untrusted>,
}

/// The comparison of two runs.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Errored cases count as failures.
    pub(crate) as_failures: Test,
    /// Cases that errored on either side are left out.
    pub(crate) left_out: Test,
    /// Cases only the base version ran.
    pub(crate) only_baseline: u64,
    /// Cases of one id whose input or assertions differ, so that they compare nothing.
    pub(crate) changed: u64,
    /// Cases only the head version ran.
    pub(crate) only_candidate: u64,
    /// Cases that passed at base and do not at head, by id.
    pub(crate) newly_failing: Vec<CasePair>,
}

impl Comparison {
    /// Adds the words of the cases that are shown.
    pub(crate) fn with(mut self, texts: &Texts) -> Self {
        for pair in &mut self.newly_failing {
            let (base, head) = (texts.at(pair.places.0), texts.at(pair.places.1));
            let answer = |text: &Text| text.output.as_ref().map(Untrusted::from);
            pair.baseline = base.and_then(answer);
            pair.candidate = head.and_then(answer);
            pair.reason = head.and_then(|text| text.reason.as_ref().map(Untrusted::from));
        }
        self
    }
}

/// Pairs the cases of two runs by id.
pub(crate) fn compare(baseline: &BoundCases, candidate: &BoundCases) -> Comparison {
    let (mut failures, mut out) = (Pairs::default(), Pairs::default());
    let mut newly_failing = Vec::new();
    let mut changed = 0;
    for (id, base) in &baseline.cases {
        let Some(head) = candidate.cases.get(id) else {
            continue;
        };
        if !base.case.is_alike(&head.case) {
            changed += 1;
            continue;
        }
        let passes = |bound: &BoundCase| bound.case.result() == CaseResult::Passed;
        let errored = |bound: &BoundCase| bound.case.result() == CaseResult::Errored;
        failures.add(passes(base), passes(head));
        if !errored(base) && !errored(head) {
            out.add(passes(base), passes(head));
        }
        if passes(base) && !passes(head) {
            newly_failing.push(CasePair {
                id: id.into(),
                places: (Place::of(base), Place::of(head)),
                baseline: None,
                candidate: None,
                reason: None,
            });
        }
    }
    Comparison {
        only_baseline: baseline.cases.len() as u64 - failures.count() - changed,
        only_candidate: candidate.cases.len() as u64 - failures.count() - changed,
        changed,
        as_failures: Test::of(failures),
        left_out: Test::of(out),
        newly_failing,
    }
}
