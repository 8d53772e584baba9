//! Evaluation workflow: whether a change is tested before it reaches production.

use super::{Category, View};
use crate::evidence::collect::Use;
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::Judged;
use crate::policy::scope::Risk;
use crate::policy::{CategoryId, Needs};
use crate::regression;
use crate::scorecard::Scored;

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
            ("eval results were reviewed by people, on record", 100),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
        let mut sums = [(0, 0); 4];
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
        if let Some((about, points)) = self.rubric().last() {
            let found = if reviewed { "yes" } else { "no" };
            scored.flag(about, found, reviewed, *points);
        }
        scored.evidence = view.files(Use::Evals);
        scored.remedy = scored
            .checks
            .iter()
            .filter(|check| check.earned < check.possible)
            .max_by_key(|check| check.possible - check.earned)
            .map(|check| format!("raise `{}`: {}", check.about, check.found));
        scored
    }
}

/// Cases, results, pairs, cases from traces: each as part and whole.
fn measure(view: &View<'_>, judged: &Judged<'_>) -> [(u64, u64); 4] {
    let needed: u64 = match judged.change.risk {
        Risk::High => 200,
        Risk::Low | Risk::Standard => 50,
    };
    let none = [
        (0, needed),
        (0, needed),
        (0, needed),
        (0, needed.div_ceil(10)),
    ];
    let Some(candidate) = &judged.binding.candidate else {
        return none;
    };
    let all = candidate.cases.len() as u64;
    let finished = all - candidate.count(CaseResult::Errored);
    let first = judged.change.base.is_none();
    let paired = match &judged.binding.baseline {
        Some(baseline) => (
            regression::compare(baseline, candidate)
                .as_failures
                .pairs
                .count(),
            all,
        ),
        None if first => (0, 0),
        None => (0, all),
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
    ]
}
