//! Evaluation workflow: whether a change is tested before it reaches production.

use super::{Category, Scored, View};
use crate::evidence::collect::Use;
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::Judged;
use crate::policy::scope::Risk;
use crate::policy::{CategoryId, Needs};
use crate::units::Score;

/// The level of the test that counts as a drop here; the gate has its own, settable one.
const ALPHA: f64 = 0.05;

/// What raises each check of the rubric.
const REMEDIES: [&str; 6] = [
    "run the evals of the head version on more cases: {} so far",
    "repair the run: {} cases came to a result",
    "run the same cases on the version before: {} are paired",
    "take more cases from production traces: {} so far",
    "compare with the version before and fix what newly fails: {} prompts show no drop",
    "let people review eval results, and put it on record",
];

/// A workflow that shows a drop works, but what it shows is not ready.
const DROPPED: Score = Score::MIDDLE;

pub(super) struct Evaluation;

impl Category for Evaluation {
    fn id(&self) -> CategoryId {
        CategoryId::Evaluation
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            ("cases of the head version, of 50, or 200 at high risk", 300),
            ("cases that came to a result", 100),
            (
                "cases paired with the version before, for a side-by-side view",
                200,
            ),
            ("cases taken from production traces, of one in ten", 100),
            (
                "prompts without a significant drop against the version before (paired test, 0.05)",
                200,
            ),
            ("eval results were reviewed by people, on record", 100),
            ("at most 3 where a prompt has such a drop", 0),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
        let mut sums = [(0, 0); 5];
        for judged in view.judged {
            for (sum, (part, whole)) in sums.iter_mut().zip(measure(view, judged)) {
                sum.0 += part;
                sum.1 += whole;
            }
        }
        let reviewed = view
            .evidence
            .reviews
            .here()
            .is_some_and(|kept| kept.content.reviews.iter().any(|review| review.evals));
        for ((about, points), (part, whole)) in self.rubric().iter().zip(sums) {
            // A prompt's first version has nothing to be paired with.
            if whole > 0 {
                scored.check(
                    about,
                    format!("{part} of {whole}"),
                    (part.min(whole), whole),
                    *points,
                );
            }
        }
        if sums.last().is_some_and(|(kept, all)| kept < all) {
            scored.cap = Some((
                DROPPED,
                "a prompt passes significantly fewer cases than before",
            ));
        }
        if let Some((about, points)) = self.rubric().get(sums.len()) {
            let found = if reviewed { "yes" } else { "no" };
            scored.flag(about, found, reviewed, *points);
        }
        scored.evidence = view.files(Use::Evals);
        scored.remedy = scored.weakest(self.rubric(), &REMEDIES);
        scored
    }
}

/// Cases, results, pairs, cases from traces, prompts without a drop: each as part and whole.
fn measure(view: &View<'_>, judged: &Judged<'_>) -> [(u64, u64); 5] {
    let needed: u64 = match judged.change.risk {
        Risk::High => 200,
        Risk::Low | Risk::Standard => 50,
    };
    let first = judged.change.base.is_none();
    let Some(candidate) = &judged.binding.candidate else {
        let tenth = needed.div_ceil(10);
        return [(0, needed), (0, needed), (0, needed), (0, tenth), (0, 1)];
    };
    let all = candidate.cases.len() as u64;
    let finished = all - candidate.count(CaseResult::Errored);
    let comparison = judged.comparison.as_ref();
    let (paired, kept) = match comparison.map(|comparison| &comparison.own.as_failures) {
        Some(test) => {
            let dropped = test.p <= ALPHA && test.is_worse();
            ((test.cases, all), (u64::from(!dropped), 1))
        }
        None if first => ((0, 0), (0, 0)),
        None => ((0, all), (0, 1)),
    };
    let traced = view
        .evidence
        .coverage
        .as_ref()
        .map_or(0, |coverage| judged.cases_from_traces(coverage).1);
    let tenth = all.div_ceil(10);
    [
        (finished.min(needed), needed),
        (finished, all),
        paired,
        (traced.min(tenth), tenth),
        kept,
    ]
}
