//! The scorecard: points to scores, scores to the final score, that to a band; and the counts of
//! cases and calls that it rests on.

use super::{Found, What};
use crate::ledger::verdict::{Category, Coverage, Evals, Verdict};
use crate::policy::{Band, CategoryId, Needs, Policy, Role};
use crate::units::{Points, Score, Weight};

pub(super) fn check(verdict: &Verdict, policy: Option<&Policy>, found: &mut Found) {
    for category in &verdict.categories {
        score(category, found);
        passes(category, policy, found);
    }
    weights(verdict, policy, found);
    total(verdict, found);
    band(verdict, policy, found);
    for change in &verdict.changes {
        for evals in &change.evals {
            cases(&change.id, evals, found);
        }
    }
    if let Some(coverage) = &verdict.coverage {
        counts(coverage, found);
    }
}

/// Reads a score; what is none is no number that a check could have come to.
fn read(value: u64) -> Option<Score> {
    Score::from_ten_thousandths(u32::try_from(value).ok()?)
}

fn score(category: &Category, found: &mut Found) {
    let id = &category.id;
    for check in &category.checks {
        found.unless(check.points <= check.of, What::Count, || {
            format!("{id}: {} of {} points", check.points, check.of)
        });
    }
    let sum = |of: fn(&crate::ledger::verdict::Earned) -> u64| {
        category.checks.iter().map(of).fold(0, u64::saturating_add)
    };
    let cap = category.cap.map(read);
    found.unless(cap != Some(None), What::Score, || {
        format!("{id}: a cap of {:?} is no score", category.cap)
    });
    let computed = Score::under(cap.flatten(), sum(|each| each.points), sum(|each| each.of));
    let computed = u64::from(computed.ten_thousandths());
    found.same(
        What::Score,
        &format!("{id}: the score"),
        &category.score,
        &computed,
    );
}

/// The policy's own word on a category, where there is a policy and it has one.
fn rule<'p>(
    category: &Category,
    policy: Option<&'p Policy>,
) -> Option<&'p crate::policy::CategoryRule> {
    let categories = &policy?.categories;
    let named = categories.iter().find(|(id, _)| id.id() == category.id);
    named.map(|(_, rule)| rule)
}

fn passes(category: &Category, policy: Option<&Policy>, found: &mut Found) {
    let Some(Needs::Score(needed)) = rule(category, policy).map(|rule| rule.needs) else {
        return;
    };
    if let Some(score) = read(category.score) {
        let name = format!("{}: whether it passes", category.id);
        found.same(What::Passes, &name, &category.passes, &(score >= needed));
    }
}

fn weights(verdict: &Verdict, policy: Option<&Policy>, found: &mut Found) {
    let ids = verdict.categories.iter().map(|each| each.id.as_str());
    let known = CategoryId::DEFAULTS.map(|(_, key, ..)| key);
    found.unless(ids.eq(known), What::Weight, || {
        String::from("the categories are not the seven of the card")
    });
    let sum = verdict.categories.iter().map(|each| each.weight);
    let sum = sum.fold(0, u64::saturating_add);
    let whole = u64::from(Weight::TOTAL);
    found.same(What::Weight, "the sum of the weights", &sum, &whole);
    for category in &verdict.categories {
        if let Some(rule) = rule(category, policy) {
            let weight = u64::from(rule.weight.hundredths());
            let name = format!("{}: the weight", category.id);
            found.same(What::Weight, &name, &category.weight, &weight);
        }
    }
}

fn total(verdict: &Verdict, found: &mut Found) {
    let sum = verdict
        .categories
        .iter()
        .try_fold(Points::default(), |sum, category| {
            let weight = Weight::from_hundredths(u32::try_from(category.weight).ok()?)?;
            Some(sum.plus(Points::of(read(category.score)?, weight)))
        });
    // What is no score or weight was told as such.
    if let Some(sum) = sum {
        found.same(What::Total, "the final score", &verdict.points, &sum.get());
    }
}

fn band(verdict: &Verdict, policy: Option<&Policy>, found: &mut Found) {
    let known = Band::WORDS.iter().find(|(word, _)| *word == verdict.band);
    let Some((_, band)) = known else {
        found.unless(false, What::Band, || {
            format!("`{}` is no band", verdict.band)
        });
        return;
    };
    let all_pass = verdict.categories.iter().all(|each| each.passes);
    if let Some(policy) = policy {
        let points = Points::from(verdict.points);
        let computed = policy.bands.band(points, all_pass, verdict.pre_production);
        found.same(What::Band, "the band", &band.id(), &computed.id());
        return;
    }
    let most = Band::most(all_pass, verdict.pre_production);
    found.unless(*band <= most, What::Band, || {
        format!("the band is {}, and at most {}", band.id(), most.id())
    });
}

fn cases(prompt: &str, evals: &Evals, found: &mut Found) {
    let known = Role::WORDS.iter().any(|(word, _)| *word == evals.side);
    found.unless(known, What::Count, || {
        format!("{prompt}: cases of no side: `{}`", evals.side)
    });
    let parts = [evals.passed, evals.failed, evals.errored];
    let sum = parts.into_iter().fold(0, u64::saturating_add);
    let name = format!("{prompt}: the number of {} cases", evals.side);
    found.same(What::Count, &name, &evals.cases, &sum);
}

fn counts(coverage: &Coverage, found: &mut Found) {
    let calls = coverage.calls;
    let mut within = |name: &str, part: u64, whole: u64| {
        found.unless(part <= whole, What::Count, || {
            format!("{name}: {part} of {whole}")
        });
    };
    within("calls that failed", coverage.failed, calls);
    within("calls whose cost is estimated", coverage.estimated, calls);
    for field in &coverage.fields {
        within(&field.field, field.present, field.applicable);
        within(&field.field, field.applicable, calls);
    }
    if let (Some(half), Some(most)) = (coverage.p50_ms, coverage.p95_ms) {
        within("milliseconds of half the calls", half, most);
    }
}
