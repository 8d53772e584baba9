//! The seven categories: evidence to checks with points. Pure; the rubric of each is its file.

mod collaboration;
mod debugging_speed;
mod evaluation;
mod latency_and_cost;
mod scored;
mod security;
mod trace_completeness;
mod versioning;

pub(crate) use scored::{Check, Scored};

use chrono::{DateTime, NaiveDate, Utc};

use crate::evidence::collect::{Evidence, Use};
use crate::evidence::judged::{Calls, Judged};
use crate::evidence::slow::{Found, Kept};
use crate::ledger::past::Past;
use crate::policy::{CategoryId, Needs};
use crate::yaml::YamlError;

/// The categories, in the order of the card.
pub(crate) const CATEGORIES: &[&dyn Category] = &[
    &trace_completeness::TraceCompleteness,
    &versioning::Versioning,
    &evaluation::Evaluation,
    &debugging_speed::DebuggingSpeed,
    &latency_and_cost::LatencyAndCost,
    &collaboration::Collaboration,
    &security::Security,
];

/// One category.
pub(crate) trait Category: Sync {
    /// Which.
    fn id(&self) -> CategoryId;

    /// The rubric for the docs: each check with its points.
    fn rubric(&self) -> &'static [(&'static str, u64)];

    /// Scores it.
    fn score(&self, view: &View<'_>, needs: Needs) -> Scored;
}

/// What categories look at.
pub(crate) struct View<'a> {
    /// Changed prompts with their evidence.
    pub(crate) judged: &'a [Judged<'a>],
    /// All evidence.
    pub(crate) evidence: &'a Evidence,
    /// The calls of all changed prompts together; `None` where there are none to be judged.
    pub(crate) calls: Option<&'a Calls>,
    /// Why there are no calls, where there are none.
    pub(crate) no_calls: &'static str,
    /// What the ledger says of the changed prompts.
    pub(crate) past: &'a Past,
    /// The time of the check.
    pub(crate) now: DateTime<Utc>,
}

impl View<'_> {
    /// The date of the check.
    fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    /// The evidence files of one use, named with their digests.
    fn files(&self, used_as: Use) -> Vec<String> {
        self.evidence
            .files
            .iter()
            .filter(|file| file.used_as == used_as)
            .filter_map(|file| {
                let digest = file.sha256?;
                let name = file.path.rsplit('/').next().unwrap_or(&file.path);
                Some(format!("{name} ({})", digest.short()))
            })
            .collect()
    }
}

/// The check of a slow evidence file that is not there or says nothing.
fn absent<T>(found: &Found<T>, scored: &mut Scored, points: u64, about: &str, add: &str) {
    let (what, remedy) = match found {
        Found::Here(_) => return,
        Found::Missing(path) => (
            format!("no `{path}` on the base branch"),
            format!("add `{path}`: {add}"),
        ),
        Found::Broken(path, errors) => {
            let listed: Vec<String> = errors.iter().take(3).map(YamlError::to_string).collect();
            (
                format!("`{path}` cannot be read: {}", listed.join("; ")),
                format!("correct `{path}`"),
            )
        }
    };
    scored.flag(about, what, false, points);
    scored.condition = Some(false);
    scored.remedy = Some(remedy);
}

/// Names a slow evidence file with its digest and who answers for it.
fn named<T>(kept: &Kept<T>, owner: &str) -> String {
    format!("{} ({}) of {owner}", kept.path, kept.sha256.short())
}
