//! Each changed prompt beside the evidence that is about it: what gates and categories see.

use super::binding::{self, Binding, Refused, Terms};
use super::collect::{Evidence, Use};
use super::revisions::Revisions;
use super::sets::Sets;
use super::testset::Drift;
use super::traces::calls::{Coverage, Group, GroupKey};
use super::traces::fields::{Field, Mask};
use super::traces::span::trace_id;
use super::versions::Versions;
use crate::change::{Change, ChangeSet};
use crate::policy::Policy;
use crate::regression::{self, Comparison};
use crate::units::Share;
use chrono::{DateTime, Utc};

/// A changed prompt with its evidence.
#[derive(Debug, Clone)]
pub(crate) struct Judged<'a> {
    /// The change.
    pub(crate) change: &'a Change,
    /// Its eval runs.
    pub(crate) binding: Binding,
    /// Its runs of base and head version, compared; `None` where one is not there.
    pub(crate) comparison: Option<Comparison>,
    /// The production calls that are about it; `None` where no traces were given that count.
    pub(crate) calls: Option<Calls>,
    /// Why traces that were given do not count.
    pub(crate) refused_traces: Option<Refused>,
    /// What the change does to the test set; `None` where there are no two runs.
    pub(crate) drift: Option<Drift>,
}

impl Judged<'_> {
    /// Counts the candidate's cases that name a trace, and those whose trace is in the
    /// evidence.
    pub(crate) fn cases_from_traces(&self, coverage: &Coverage) -> (u64, u64) {
        let (mut named, mut known) = (0, 0);
        let cases = self
            .binding
            .candidate
            .iter()
            .flat_map(|bound| bound.cases.values());
        for id in cases.filter_map(|bound| bound.case.trace_id.as_deref()) {
            named += 1;
            known += u64::from(trace_id(id).is_some_and(|id| coverage.traces.contains(&id)));
        }
        (named, known)
    }
}

/// The LLM calls that a gate counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    groups: Vec<Counted>,
    /// The prompt has too few calls of its own, so these are all calls of the repository.
    pub(crate) repository_wide: bool,
}

#[derive(Debug, Clone)]
struct Counted {
    key: GroupKey,
    group: Group,
    resolved: bool,
}

impl Calls {
    /// Selects groups and adds what their prompt versions owe.
    fn select(
        coverage: &Coverage,
        versions: &Versions,
        wanted: impl Fn(&GroupKey) -> bool,
    ) -> Self {
        let groups = coverage
            .groups
            .iter()
            .filter(|(key, _)| wanted(key))
            .map(|(key, group)| {
                let owed = versions.owed(key.prompt.as_deref(), key.version.as_deref());
                let mut group = group.clone();
                if let Some(owed) = owed {
                    group.owe(owed);
                }
                Counted {
                    key: key.clone(),
                    group,
                    resolved: owed.is_some(),
                }
            })
            .collect();
        Self {
            groups,
            repository_wide: false,
        }
    }

    /// All calls, of whatever prompt.
    pub(crate) fn all(coverage: &Coverage, versions: &Versions) -> Self {
        Self {
            repository_wide: true,
            ..Self::select(coverage, versions, |_| true)
        }
    }

    /// These calls and others, each group once.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        for each in &other.groups {
            if !self.groups.iter().any(|own| own.key == each.key) {
                self.groups.push(each.clone());
            }
        }
        self.repository_wide |= other.repository_wide;
        self
    }

    /// How many calls.
    pub(crate) fn count(&self) -> u64 {
        self.groups.iter().map(|each| each.group.calls()).sum()
    }

    /// The groups of calls.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().map(|each| &each.group)
    }

    /// The share of calls that show every field of `needed` that applies to them; with
    /// `resolved`, only calls whose version this repository knows count as complete.
    pub(crate) fn complete(&self, needed: Mask, resolved: bool) -> Share {
        let mut share = Share::default();
        for each in &self.groups {
            for ((present, applicable), count) in &each.group.masks {
                let whole = present.covers(needed, *applicable) && (each.resolved || !resolved);
                share.count(whole, *count);
            }
        }
        share
    }

    /// The share of calls that show a field, of those that it applies to.
    pub(crate) fn field(&self, field: Field) -> Share {
        let mut share = Share::default();
        for each in self.groups() {
            for ((present, applicable), count) in &each.masks {
                if applicable.has(field) {
                    share.count(present.has(field), *count);
                }
            }
        }
        share
    }

    /// The share of calls whose version this repository knows.
    pub(crate) fn resolved(&self) -> Share {
        let mut share = Share::default();
        for each in &self.groups {
            share.count(each.resolved, each.group.calls());
        }
        share
    }

    /// The latency in milliseconds that `percent` of the calls stay within.
    pub(crate) fn latency(&self, percent: u64) -> Option<u64> {
        let mut all = std::collections::BTreeMap::new();
        for (millis, count) in self.groups().flat_map(|group| &group.latency) {
            *all.entry(*millis).or_insert(0) += *count;
        }
        let total: u64 = all.values().sum();
        let rank = (total * percent).div_ceil(100);
        let mut seen = 0;
        all.into_iter()
            .find(|(_, count)| {
                seen += count;
                seen >= rank
            })
            .map(|(millis, _)| millis)
    }
}

/// What was looked up in the repository for what the evidence names.
#[derive(Default)]
pub(crate) struct LookedUp {
    /// The versions that traces name.
    pub(crate) versions: Versions,
    /// The commits that eval runs name.
    pub(crate) revisions: Revisions,
    /// Datasets and judges at head.
    pub(crate) sets: Sets,
}

/// Puts every changed prompt that needs evidence beside its evidence.
pub(crate) fn judge<'a>(
    policy: &Policy,
    changes: &'a ChangeSet,
    evidence: &Evidence,
    known: &LookedUp,
    (branched_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Vec<Judged<'a>> {
    changes
        .changes
        .iter()
        .filter(|change| change.needs_evidence())
        .map(|change| {
            let least = policy.admissible.least(change.risk);
            // All traces are joined, so one file that does not count takes them all with it.
            let found = evidence.least_of(Use::Traces);
            let refused = found.filter(|found| *found < least);
            let id = change.id.as_str();
            let terms = Terms {
                provenance: least,
                strength: policy.sufficient.least(change.risk),
                same_harness: policy.eval_runs.same_harness,
                command: policy.eval_runs.command(id),
                labels: policy.labels.get(id),
                revisions: &known.revisions,
                sets: &known.sets,
                branched_at,
                now,
            };
            let binding = binding::bind(change, &evidence.runs, &evidence.files, &terms);
            let sides = binding.baseline.as_ref().zip(binding.candidate.as_ref());
            Judged {
                change,
                comparison: sides.map(|(base, head)| regression::compare(base, head)),
                drift: sides.map(|(base, head)| Drift::between(base, head)),
                binding,
                calls: evidence
                    .coverage
                    .as_ref()
                    .filter(|_| refused.is_none())
                    .map(|coverage| calls(policy, change, coverage, &known.versions)),
                refused_traces: refused.map(|found| Refused { found, least }),
            }
        })
        .collect()
}

/// The calls of a prompt, all its versions, and those that name no prompt. Too few of its own:
/// all calls of the repository.
fn calls(policy: &Policy, change: &Change, coverage: &Coverage, versions: &Versions) -> Calls {
    let own = |key: &GroupKey| match &key.prompt {
        Some(name) => [&change.base, &change.head]
            .into_iter()
            .flatten()
            .any(|prompt| prompt.is_called(name)),
        None => true,
    };
    let named = Calls::select(coverage, versions, |key| key.prompt.is_some() && own(key));
    if named.count() < policy.min_traces {
        return Calls::all(coverage, versions);
    }
    Calls::select(coverage, versions, own)
}
