//! The cases of one version, put together from the runs that are tied to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::collect::LoadedRun;
use super::evals::{Agreement, Arm, Case, CaseResult, Graded, Metric};
use super::tools;
use crate::policy::provenance::Provenance;
use crate::policy::strength::Strength;
use crate::prompt::canonical;

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
    /// How much its means are above those of another run of it, summed over what graded both.
    pub(crate) fn above(&self, other: &Self) -> f64 {
        let drops = self.metrics.iter().filter_map(|metric| {
            let mean = |bound: &Self| {
                let (sum, count) = bound.graded(metric)?.numbers();
                (count > 0).then(|| sum / f64::from(count))
            };
            Some(mean(self)? - mean(other)?)
        });
        drops.sum()
    }

    /// Whether a metric graded these answers and none that is the same says something of those of
    /// another run, though there are answers.
    pub(crate) fn silent_in(&self, other: &Self, same: impl Fn(&Metric, &Metric) -> bool) -> bool {
        if other.case.result() == CaseResult::Errored {
            return false;
        }
        let theirs = other.said();
        let mut own = self.said().into_iter();
        own.any(|metric| !theirs.iter().any(|their| same(metric, their)))
    }

    /// The metrics that say something of it.
    fn said(&self) -> Vec<&Metric> {
        let graded = self.case.graded.iter();
        let said = graded.filter(|graded| graded.trials() > 0);
        said.filter_map(|graded| self.metrics.get(usize::from(graded.metric)))
            .collect()
    }

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
    pub(crate) made_with: BTreeSet<(String, String)>,
    /// The files they come from, as indices into the evidence.
    pub(crate) files: BTreeSet<usize>,
    /// The metrics that graded them.
    pub(crate) metrics: BTreeSet<Metric>,
    /// How judges agree with people.
    pub(crate) agreement: BTreeMap<Metric, Agreement>,
    /// How surely the runs are tied to the version: the least of them.
    pub(crate) strength: Strength,
    /// The least of who could have written them.
    pub(crate) provenance: Option<Provenance>,
    /// When the oldest of them was made, as far as they say.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// The oldest was made before the branch began: it is carried over.
    pub(crate) carried: bool,
    /// The eval tools with their versions, where those are told.
    pub(crate) tools: BTreeSet<(&'static str, Option<String>)>,
}

impl BoundCases {
    /// The failing cases by what they fail: what most of them fail first.
    pub(crate) fn failing_by(&self) -> Vec<(&Metric, Vec<&str>)> {
        let mut found: Vec<(&Metric, Vec<&str>)> = Vec::new();
        for metric in &self.metrics {
            let failing = self.cases.iter().filter(|(_, bound)| {
                let failed = bound.graded(metric).is_some_and(|graded| graded.failed > 0);
                failed && bound.case.result() == CaseResult::Failed
            });
            let failing: Vec<&str> = failing.map(|(id, _)| id.as_str()).collect();
            if !failing.is_empty() {
                found.push((metric, failing));
            }
        }
        found.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
        found
    }

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

    /// The tools of two sides, where they are not the same, in words.
    pub(super) fn harness(&self, other: &Self) -> Option<(String, String)> {
        let words = |(tool, version): &(&'static str, Option<String>)| match version {
            Some(version) => format!("{tool} {version}"),
            None => (*tool).to_owned(),
        };
        for own in &self.tools {
            for their in &other.tools {
                let both = own.1.as_ref().zip(their.1.as_ref());
                let same = own.0 == their.0 && both.is_none_or(|(own, their)| own == their);
                if !same {
                    return Some((words(own), words(their)));
                }
            }
        }
        None
    }
}

/// A run's arm that is tied to a version.
#[derive(Clone, Copy)]
pub(super) struct Tied<'r> {
    pub(super) run: &'r LoadedRun,
    pub(super) arm: &'r Arm,
    pub(super) strength: Strength,
    /// The format's id of its file.
    pub(super) format: &'static str,
}

/// Arms by the model that they show.
pub(super) type ByModel<'r> = BTreeMap<Option<String>, Vec<Tied<'r>>>;

/// The arms of the newest run of each model, among those of the best provenance and then the
/// surest tie. A time in the future is none.
pub(super) fn newest(mut arms: Vec<Tied<'_>>, now: DateTime<Utc>) -> ByModel<'_> {
    let made = |run: &LoadedRun| run.run.made_at.filter(|made| *made <= now);
    // A time that the file itself tells must not let a weaker file replace a stronger one.
    arms.sort_by_key(|each| {
        let run = each.run;
        (run.provenance, each.strength, made(run), run.file)
    });
    let mut newest = ByModel::new();
    for tied in arms {
        let model = tied.arm.shown.model.as_ref().map(ToString::to_string);
        let kept = newest.entry(model).or_default();
        if kept
            .first()
            .is_some_and(|other| other.run.file != tied.run.file)
        {
            kept.clear();
        }
        kept.push(tied);
    }
    newest
}

/// Puts the arms of one version together. Where one file has a case twice for one model, the
/// worse result counts: nobody can tell which one is meant.
pub(super) fn merge(
    arms: ByModel<'_>,
    several: bool,
    branched_at: Option<DateTime<Utc>>,
) -> Option<BoundCases> {
    if arms.is_empty() {
        return None;
    }
    let mut bound = BoundCases::default();
    for (model, arms) in arms {
        for tied in arms {
            bound.note(&tied, branched_at);
            let metrics = bound.grade(tied.arm);
            for case in &tied.arm.cases {
                let id = match &model {
                    Some(model) if several => format!("{} @ {model}", case.id),
                    _ => case.id.clone(),
                };
                let new = || BoundCase {
                    case: Arc::clone(case),
                    file: tied.run.file,
                    metrics: Arc::clone(&metrics),
                };
                let kept = bound.cases.entry(id).or_insert_with(new);
                let worse = |case: &Case| (rank(case.result()), case.trials()[1]);
                if worse(case) > worse(&kept.case) {
                    *kept = new();
                }
            }
        }
    }
    Some(bound)
}

impl BoundCases {
    /// What is to be said of a run whose cases are taken.
    fn note(&mut self, tied: &Tied<'_>, branched_at: Option<DateTime<Utc>>) {
        let (run, made) = (tied.run, tied.run.run.made_at);
        self.files.insert(run.file);
        self.without_assertions += tied.arm.without_assertions;
        self.made_with.insert(made_with(tied.arm));
        self.strength = self.strength.min(tied.strength);
        let least = self
            .provenance
            .map_or(run.provenance, |own| own.min(run.provenance));
        self.provenance = Some(least);
        self.made_at = match (self.made_at, made) {
            (Some(own), Some(made)) => Some(own.min(made)),
            (own, made) => own.or(made),
        };
        self.carried |= is_before(made, branched_at);
        let family = tools::family(tied.format);
        self.tools.insert((family, run.run.tool_version.clone()));
    }
}

/// Whether a run was made before the branch began, as far as that is known.
pub(super) fn is_before(made: Option<DateTime<Utc>>, branched_at: Option<DateTime<Utc>>) -> bool {
    made.zip(branched_at)
        .is_some_and(|(made, branched)| made < branched)
}

fn rank(result: CaseResult) -> u8 {
    match result {
        CaseResult::Passed => 0,
        CaseResult::Errored => 1,
        CaseResult::Failed => 2,
    }
}

/// The model and its parameters, as far as a run shows them.
fn made_with(arm: &Arm) -> (String, String) {
    let model = arm.shown.model.as_ref().map(ToString::to_string);
    let settings = arm.shown.settings.as_ref();
    let parameters = settings.map(|settings| serde_json::json!(settings.parameters));
    let parameters = parameters.as_ref().map(canonical::json);
    (model.unwrap_or_default(), parameters.unwrap_or_default())
}
