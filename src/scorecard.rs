//! The scorecard: seven scores, their weighted sum, and the band. Pure and exact.

use crate::categories::{self, Check, Scored, View};
use crate::policy::scope::Stage;
use crate::policy::{Band, CategoryId, CategoryRule, Needs, Policy};
use crate::units::{Points, Score, Weight};
use crate::untrusted::Untrusted;

/// A category on the card.
#[derive(Debug, Clone)]
pub(crate) struct CategoryResult {
    /// Which.
    pub(crate) id: CategoryId,
    /// Its part of the sum.
    pub(crate) weight: Weight,
    /// 1 to 5.
    pub(crate) score: Score,
    /// Score times weight.
    pub(crate) weighted: Points,
    /// The condition in words.
    pub(crate) threshold: Untrusted,
    /// Whether the condition holds.
    pub(crate) passes: bool,
    /// Who answers for it.
    pub(crate) owner: Untrusted,
    /// What the owner wants readers to know.
    pub(crate) note: Option<Untrusted>,
    /// The checks that applied, with their points.
    pub(crate) checks: Vec<Check>,
    /// The most that the score can be and why, where something caps it.
    pub(crate) cap: Option<(Score, &'static str)>,
    /// The evidence: files with digests, counts.
    pub(crate) evidence: Vec<Untrusted>,
    /// What would raise it.
    pub(crate) remedy: Option<Untrusted>,
}

/// The whole card.
#[derive(Debug, Clone)]
pub(crate) struct Scorecard {
    /// The seven, in order.
    pub(crate) categories: Vec<CategoryResult>,
    /// The final score.
    pub(crate) total: Points,
    /// Its band.
    pub(crate) band: Band,
    /// A prompt among those scored is not in production yet.
    pub(crate) pre_production: bool,
}

impl Scorecard {
    /// Scores every category.
    pub(crate) fn of(policy: &Policy, view: &View<'_>) -> Self {
        let mut results = Vec::new();
        for category in categories::CATEGORIES {
            let id = category.id();
            let Some(rule) = policy.categories.get(&id) else {
                continue;
            };
            results.push(result(id, rule, category.score(view, rule.needs)));
        }
        let total = results
            .iter()
            .fold(Points::default(), |sum, each| sum.plus(each.weighted));
        let pre_production = view
            .judged
            .iter()
            .any(|judged| judged.change.stage == Stage::PreProduction);
        let all_pass = results.iter().all(|each| each.passes);
        Self {
            band: policy.bands.band(total, all_pass, pre_production),
            categories: results,
            total,
            pre_production,
        }
    }

    /// What to do about the weakest category: the one that loses most weighted points among
    /// those below their threshold.
    pub(crate) fn remedy(&self) -> Option<String> {
        self.categories
            .iter()
            .filter(|each| !each.passes)
            .max_by_key(|each| {
                let lost = Score::HIGHEST.ten_thousandths() - each.score.ten_thousandths();
                u64::from(lost) * u64::from(each.weight.hundredths())
            })
            .and_then(|each| {
                let remedy = each.remedy.as_ref()?;
                let remedy = remedy.for_machines();
                Some(format!("to raise {}, {remedy}", each.id.title()))
            })
    }
}

fn result(id: CategoryId, rule: &CategoryRule, scored: Scored) -> CategoryResult {
    let score = scored.score();
    let passes = match rule.needs {
        Needs::Score(needed) => score >= needed,
        _ => scored.condition == Some(true),
    };
    CategoryResult {
        id,
        weight: rule.weight,
        score,
        weighted: Points::of(score, rule.weight),
        threshold: threshold(rule.needs).into(),
        passes,
        owner: rule.owner.as_str().into(),
        note: rule.note.as_deref().map(Untrusted::from),
        checks: scored.checks,
        cap: scored.cap,
        evidence: scored.evidence.into_iter().map(Untrusted::from).collect(),
        remedy: scored.remedy.map(Untrusted::from),
    }
}

/// The condition in words: what the "needs" column prints.
fn threshold(needs: Needs) -> String {
    match needs {
        Needs::Score(score) => {
            let text = score.to_string();
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Needs::MedianMinutes(minutes) => format!("< {minutes} min"),
        Needs::Complete(share) => share.to_string(),
        Needs::Groups(groups) => format!("{groups} groups"),
        Needs::DataPolicyMet => String::from("policy met"),
    }
}
