//! How recent the evidence of a prompt is, in words.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::policy::strength::Strength;
use crate::prompt::version::Facet;

/// In what a run is of something else than the head has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// A facet of the prompt.
    Facet(Facet),
    /// The datasets.
    Dataset,
    /// The judge prompts.
    Judge,
    /// The eval tool or its version.
    Harness,
}

impl Cause {
    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Facet(facet) => facet.id(),
            Self::Dataset => "dataset",
            Self::Judge => "judge",
            Self::Harness => "harness",
        }
    }
}

/// How recent the evidence of a prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// A run of the head version.
    Fresh,
    /// Runs of something else, and in what they differ.
    Stale(BTreeSet<Cause>),
    /// No run of this prompt.
    Missing,
    /// Runs that cannot be tied to the head version, and the facets that they do not show.
    Unbound(BTreeSet<Facet>),
}

impl Freshness {
    /// The word, with the causes in brackets.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Fresh => String::from("fresh"),
            Self::Stale(causes) if causes.is_empty() => String::from("stale"),
            Self::Stale(causes) => format!("stale({})", listed(causes)),
            Self::Missing => String::from("missing"),
            Self::Unbound(_) => String::from("unbound"),
        }
    }
}

/// Causes in words.
pub(crate) fn listed(causes: &BTreeSet<Cause>) -> String {
    let words: Vec<&str> = causes.iter().map(|cause| cause.id()).collect();
    words.join(", ")
}

/// Runs that are tied to the head version less surely than the prompt's risk asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weak {
    /// The best that was found.
    pub(crate) found: Strength,
    /// The least that counts.
    pub(crate) least: Strength,
}

impl Weak {
    /// What was found, in words.
    pub(crate) fn words(self) -> String {
        let how = match self.least {
            Strength::Exact => "exactly",
            Strength::Commit => "at least by commit",
            Strength::Label => "at least by label",
        };
        format!(
            "the eval results are tied to the head version by {}, and this prompt needs them tied {how}",
            self.found.id(),
        )
    }
}

/// How old something is.
pub(crate) fn age(made: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - made).num_days() {
        ..0 => String::from("made in the future"),
        0 => String::from("less than a day old"),
        1 => String::from("1 day old"),
        days => format!("{days} days old"),
    }
}
