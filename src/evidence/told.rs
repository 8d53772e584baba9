//! What a report says of a changed prompt's eval runs, beside how fresh they are.

use chrono::{DateTime, Utc};

use super::binding::{Binding, age};
use super::judged::Judged;
use super::testset::Drift;
use crate::untrusted::Untrusted;

/// What is told of the runs of one changed prompt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// How surely the head version's runs are tied to it.
    pub(crate) strength: Option<&'static str>,
    /// The least of who could have written them and the base version's.
    pub(crate) provenance: Option<&'static str>,
    /// When the oldest of them was made; where there is none, the newest run of this prompt.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// How long ago that is.
    age: Option<String>,
    /// They were made before the branch began.
    pub(crate) carried: bool,
    /// The eval tools of base and head version, where they are not the same.
    pub(crate) harness: Option<(Untrusted, Untrusted)>,
    /// Why runs that name a commit are not bound by it.
    pub(crate) notes: Vec<Untrusted>,
    /// The command that makes the results again, where they are not fresh.
    pub(crate) again: Option<Untrusted>,
    /// What the change does to the test set.
    pub(crate) drift: Option<Drift>,
}

/// The least of who could have written the runs of both sides.
fn least(binding: &Binding) -> Option<&'static str> {
    let head = binding.candidate.as_ref()?.provenance?;
    let base = binding.baseline.as_ref().and_then(|base| base.provenance);
    Some(base.map_or(head, |base| base.min(head)).id())
}

impl Told {
    /// Of one changed prompt.
    pub(crate) fn of(judged: &Judged<'_>) -> Self {
        let binding: &Binding = &judged.binding;
        let bound = binding.candidate.as_ref();
        let made_at = match bound {
            Some(bound) => bound.made_at,
            None => binding.newest,
        };
        Self {
            strength: bound.map(|bound| bound.strength.id()),
            provenance: least(binding),
            made_at,
            age: made_at.map(|made| age(made, binding.now)),
            carried: bound.is_some_and(|bound| bound.carried),
            harness: binding
                .harness
                .as_ref()
                .map(|(base, head)| (base.into(), head.into())),
            notes: binding.notes.iter().map(Untrusted::from).collect(),
            again: binding
                .again
                .as_ref()
                .filter(|_| bound.is_none())
                .map(Untrusted::from),
            drift: judged.drift.clone(),
        }
    }

    /// In words, each a remark of its own.
    pub(crate) fn words(&self) -> Vec<Untrusted> {
        let mut words: Vec<Untrusted> = Vec::new();
        let known = [self.strength, self.provenance].into_iter().flatten();
        words.extend(known.map(Untrusted::from));
        words.extend(self.age.as_ref().map(Untrusted::from));
        if let Some(made) = self.made_at.filter(|_| self.carried) {
            words.push(format!("carried from run of {}", made.date_naive()).into());
        }
        if let Some((base, head)) = &self.harness {
            let (base, head) = (base.for_machines(), head.for_machines());
            words.push(format!("made by {base} at base and {head} at head").into());
        }
        words.extend(self.notes.iter().cloned());
        words
    }

    /// What the change does to the test set, in lines.
    pub(crate) fn test_set(&self) -> Vec<Untrusted> {
        let drift = self.drift.iter();
        let lines = drift.flat_map(Drift::lines);
        lines
            .map(|line| format!("test set: {line}").into())
            .collect()
    }
}
