//! Which eval results were made with which version of a changed prompt, facet by facet.
//!
//! A run is bound to a version if it is stamped with our digest, or if it shows every facet
//! that the pull request changed, and shows each as that version has it. Nothing that a tool
//! calls an id is trusted: raw prompts are compared as text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::collect::LoadedRun;
use super::evals::{Agreement, Arm, Case, CaseResult, Graded, Metric};
use super::shows::{declares, shows, template};
use crate::change::Change;
use crate::policy::Role;
use crate::policy::provenance::Provenance;
use crate::prompt::version::Facet;
use crate::prompt::{Prompt, canonical};

/// How recent the evidence of a prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// A run of the head version.
    Fresh,
    /// Runs of something else, and in which facets they differ.
    Stale(BTreeSet<Facet>),
    /// No run of this prompt.
    Missing,
    /// Runs that cannot be tied to the head version, and the facets that they do not show.
    Unbound(BTreeSet<Facet>),
}

impl Freshness {
    /// The word, with the facets in brackets.
    pub(crate) fn words(&self) -> String {
        let named = |word: &str, facets: &BTreeSet<Facet>| {
            if facets.is_empty() {
                return word.to_owned();
            }
            let list: Vec<&str> = facets.iter().map(|facet| facet.id()).collect();
            format!("{word}({})", list.join(", "))
        };
        match self {
            Self::Fresh => String::from("fresh"),
            Self::Stale(facets) => named("stale", facets),
            Self::Missing => String::from("missing"),
            Self::Unbound(_) => String::from("unbound"),
        }
    }
}

/// Evidence that does not count, since who could have written it is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The best that was found.
    pub(crate) found: Provenance,
    /// The least that counts.
    pub(crate) least: Provenance,
}

impl Refused {
    /// What was found, in words.
    pub(crate) fn words(self, what: &str) -> String {
        format!(
            "the {what} are {}, and this prompt needs {}",
            self.found.id(),
            self.least.id()
        )
    }
}

/// The eval runs of one changed prompt.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Runs of this prompt that do not count.
    pub(crate) refused: Option<Refused>,
    /// Of the head version's evidence.
    pub(crate) freshness: Freshness,
    /// Cases of the head version.
    pub(crate) candidate: Option<BoundCases>,
    /// Cases of the base version.
    pub(crate) baseline: Option<BoundCases>,
}

/// A case and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct BoundCase {
    /// The case.
    pub(crate) case: Arc<Case>,
    /// Index into the evidence files.
    pub(crate) file: usize,
    /// The metrics that graded it, by the number that it has.
    pub(crate) metrics: Arc<[Metric]>,
}

impl BoundCase {
    /// What a metric said of it, where it did.
    pub(crate) fn graded(&self, metric: &Metric) -> Option<&Graded> {
        let of = |graded: &&Graded| self.metrics.get(usize::from(graded.metric)) == Some(metric);
        self.case.graded.iter().find(of)
    }
}

/// The cases of one version, of every model that it names.
#[derive(Debug, Clone, Default)]
pub(crate) struct BoundCases {
    /// Cases by id; with several models, `id @ model`.
    pub(crate) cases: BTreeMap<String, BoundCase>,
    /// Rows that asserted nothing.
    pub(crate) without_assertions: u64,
    /// The models and parameters that the runs show.
    pub(crate) made_with: BTreeSet<String>,
    /// The files they come from, as indices into the evidence.
    pub(crate) files: BTreeSet<usize>,
    /// The metrics that graded them.
    pub(crate) metrics: BTreeSet<Metric>,
    /// How judges agree with people.
    pub(crate) agreement: BTreeMap<Metric, Agreement>,
}

impl BoundCases {
    /// How many cases came to a result.
    pub(crate) fn count(&self, result: CaseResult) -> u64 {
        self.cases
            .values()
            .filter(|bound| bound.case.result() == result)
            .count() as u64
    }

    /// Adds who graded an arm, and returns its metrics.
    fn grade(&mut self, arm: &Arm) -> Arc<[Metric]> {
        self.metrics.extend(arm.metrics.iter().cloned());
        for (metric, counts) in &arm.agreement {
            let sum = self.agreement.entry(metric.clone()).or_default();
            *sum = sum.plus(*counts);
        }
        arm.metrics.clone().into()
    }
}

/// What a run says about one version.
struct Compared {
    stamped: bool,
    different: BTreeSet<Facet>,
    hidden: BTreeSet<Facet>,
}

impl Compared {
    fn fits(&self) -> bool {
        self.different.is_empty() && (self.stamped || self.hidden.is_empty())
    }
}

/// The runs of one prompt, sorted by what they are of.
#[derive(Default)]
struct Sorted<'r> {
    candidates: Vec<(&'r LoadedRun, &'r Arm)>,
    baselines: Vec<(&'r LoadedRun, &'r Arm)>,
    /// The facets in which other runs differ from the head version.
    stale: Option<BTreeSet<Facet>>,
    /// The facets that other runs do not show.
    unbound: Option<BTreeSet<Facet>>,
}

/// Ties runs of at least this provenance to the versions of a changed prompt. `branched_at` is
/// the time of the merge base: a run from before it cannot have seen the change.
pub(crate) fn bind(
    change: &Change,
    runs: &[LoadedRun],
    least: Provenance,
    (branched_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Binding {
    let mut refused: Option<Provenance> = None;
    let changed = changed_facets(change);
    let mut sorted = Sorted::default();
    for run in runs {
        for arm in run.run.arms.iter().filter(|arm| about(arm, change)) {
            if run.provenance < least {
                refused = refused.max(Some(run.provenance));
                continue;
            }
            sort(&mut sorted, change, &changed, (run, arm), branched_at);
        }
    }
    if !sorted.candidates.is_empty() && !covers_models(change, &sorted.candidates) {
        sorted.candidates.clear();
        sorted.unbound.get_or_insert_default().insert(Facet::Model);
    }
    let freshness = match (sorted.candidates.is_empty(), sorted.unbound, sorted.stale) {
        (false, ..) => Freshness::Fresh,
        (_, Some(hidden), _) => Freshness::Unbound(hidden),
        (_, None, Some(facets)) => Freshness::Stale(facets),
        (_, None, None) => Freshness::Missing,
    };
    let candidate = newest(sorted.candidates, now);
    let baseline = newest(sorted.baselines, now);
    // One side with several models: both name the model, so that the same ones are paired.
    let several = candidate.len() > 1 || baseline.len() > 1;
    Binding {
        refused: refused.map(|found| Refused { found, least }),
        freshness,
        candidate: merge(candidate, several),
        baseline: merge(baseline, several),
    }
}

/// Whether the runs cover every model that the head version names: a run of the old model says
/// nothing of the one that was added.
fn covers_models(change: &Change, candidates: &[(&LoadedRun, &Arm)]) -> bool {
    let Some(head) = &change.head else {
        return true;
    };
    let mut models = head
        .draft
        .models
        .iter()
        .filter_map(|each| each.model.as_ref());
    models.all(|model| {
        candidates.iter().any(|(_, arm)| match &arm.shown.model {
            Some(shown) => shown.same(model),
            // Only a stamp binds a run that shows no model.
            None => true,
        })
    })
}

fn sort<'r>(
    sorted: &mut Sorted<'r>,
    change: &Change,
    changed: &BTreeSet<Facet>,
    (run, arm): (&'r LoadedRun, &'r Arm),
    branched_at: Option<DateTime<Utc>>,
) {
    let Some(head) = &change.head else { return };
    let to_head = compare(arm, head, change, changed);
    if run.role != Some(Role::Baseline) && to_head.fits() {
        sorted.candidates.push((run, arm));
        return;
    }
    let to_base = change
        .base
        .as_ref()
        .map(|base| compare(arm, base, change, changed));
    if run.role != Some(Role::Candidate) && to_base.as_ref().is_some_and(Compared::fits) {
        sorted.baselines.push((run, arm));
    }
    if run.role == Some(Role::Baseline) {
        return;
    }
    let made = run.run.made_at.zip(branched_at);
    let old = made.is_some_and(|(made, branched)| made < branched);
    let mut differs = to_head.different;
    if to_base.is_some_and(|to_base| to_base.stamped) || (differs.is_empty() && old) {
        differs.extend(changed);
    }
    if differs.is_empty() {
        sorted
            .unbound
            .get_or_insert_default()
            .extend(to_head.hidden);
    } else {
        sorted.stale.get_or_insert_default().extend(differs);
    }
}

/// The facets that a run has to show: those that changed, or all that a new prompt has.
fn changed_facets(change: &Change) -> BTreeSet<Facet> {
    match (&change.base, &change.head) {
        (Some(_), Some(_)) => {
            let mut facets = change.facets.clone();
            facets.remove(&Facet::Metadata);
            facets
        }
        (None, Some(head)) => {
            let mut facets = BTreeSet::from([Facet::Template]);
            for facet in [Facet::Model, Facet::Parameters, Facet::Tools, Facet::Schema] {
                if declares(head, facet) {
                    facets.insert(facet);
                }
            }
            if !head.draft.rest.is_empty() {
                facets.insert(Facet::Parameters);
            }
            if !head.draft.inputs.is_null() {
                facets.insert(Facet::Variables);
            }
            if !head.retrieval.is_empty() {
                facets.insert(Facet::Retrieval);
            }
            facets
        }
        _ => BTreeSet::new(),
    }
}

/// Whether a run is one of this prompt at all, of whatever version.
fn about(arm: &Arm, change: &Change) -> bool {
    let shown = &arm.shown;
    [&change.base, &change.head]
        .into_iter()
        .flatten()
        .any(|prompt| {
            let id = prompt.id.as_str();
            let path = prompt.path.as_str();
            let named = |text: &Option<String>| {
                text.as_deref()
                    .is_some_and(|text| text == id || Some(text) == prompt.draft.name())
            };
            let file = shown.file.as_deref().is_some_and(|file| {
                let file = file.replace('\\', "/");
                let file = file.split('#').next().unwrap_or(&file);
                file == path
                    || file.ends_with(&format!("/{path}"))
                    || (file.contains('/')
                        && path.ends_with(file.trim_start_matches("../").trim_start_matches("./")))
            });
            shown.stamps.contains_key(id)
                || named(&shown.label)
                || file
                || template(shown, prompt) == Some(true)
        })
}

fn compare(arm: &Arm, prompt: &Prompt, change: &Change, changed: &BTreeSet<Facet>) -> Compared {
    let shown = &arm.shown;
    let stamp = shown.stamps.get(prompt.id.as_str());
    let mut compared = Compared {
        stamped: stamp == Some(&prompt.version.digest()),
        different: BTreeSet::new(),
        hidden: BTreeSet::new(),
    };
    for facet in Facet::ALL {
        let owed = changed.contains(&facet);
        if !owed && !declares(prompt, facet) {
            continue;
        }
        match shows(shown, prompt, facet, change, owed) {
            Some(false) => {
                compared.different.insert(facet);
            }
            None if owed => {
                compared.hidden.insert(facet);
            }
            Some(true) | None => {}
        }
    }
    // A stamp of another version: what differs is what tells the two versions apart.
    if stamp.is_some() && !compared.stamped && compared.different.is_empty() {
        compared.different.extend(changed);
    }
    compared
}

/// Arms by the model that they show.
type ByModel<'r> = BTreeMap<Option<String>, Vec<(&'r LoadedRun, &'r Arm)>>;

/// The arms of the newest run of each model, among those of the best provenance. A time in the
/// future is none.
fn newest<'r>(mut arms: Vec<(&'r LoadedRun, &'r Arm)>, now: DateTime<Utc>) -> ByModel<'r> {
    let made = |run: &LoadedRun| run.run.made_at.filter(|made| *made <= now);
    // A time that the file itself tells must not let a weaker file replace a stronger one.
    arms.sort_by_key(|(run, _)| (run.provenance, made(run), run.file));
    let mut newest = ByModel::new();
    for (run, arm) in arms {
        let model = arm.shown.model.as_ref().map(ToString::to_string);
        let kept = newest.entry(model).or_default();
        if kept
            .first()
            .is_some_and(|(other, _)| other.file != run.file)
        {
            kept.clear();
        }
        kept.push((run, arm));
    }
    newest
}

/// Puts the arms of one version together. Where one file has a case twice for one model, the
/// worse result counts: nobody can tell which one is meant.
fn merge(arms: ByModel<'_>, several: bool) -> Option<BoundCases> {
    if arms.is_empty() {
        return None;
    }
    let mut bound = BoundCases::default();
    for (model, arms) in arms {
        for (run, arm) in arms {
            bound.files.insert(run.file);
            bound.without_assertions += arm.without_assertions;
            bound.made_with.insert(made_with(arm));
            let metrics = bound.grade(arm);
            for case in &arm.cases {
                let id = match &model {
                    Some(model) if several => format!("{} @ {model}", case.id),
                    _ => case.id.clone(),
                };
                let new = || BoundCase {
                    case: Arc::clone(case),
                    file: run.file,
                    metrics: Arc::clone(&metrics),
                };
                let kept = bound.cases.entry(id).or_insert_with(new);
                if rank(case.result()) > rank(kept.case.result()) {
                    *kept = new();
                }
            }
        }
    }
    Some(bound)
}

fn rank(result: CaseResult) -> u8 {
    match result {
        CaseResult::Passed => 0,
        CaseResult::Errored => 1,
        CaseResult::Failed => 2,
    }
}

/// The model and its parameters, as far as a run shows them.
fn made_with(arm: &Arm) -> String {
    let model = arm.shown.model.as_ref().map(ToString::to_string);
    let settings = arm.shown.settings.as_ref();
    let parameters = settings.map(|settings| serde_json::json!(settings.parameters));
    format!(
        "{} {}",
        model.unwrap_or_default(),
        parameters.as_ref().map(canonical::json).unwrap_or_default()
    )
}
