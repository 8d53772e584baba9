//! What came of the policy's sources: the files that were fetched, and what is not there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::policy::provenance::Provenance;
use crate::policy::sources::{Kind, Source};
use crate::reason::Code;

/// How a source lacks what it should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It is not there.
    Missing,
    /// It is too old.
    Old,
    /// It is there and was refused, or nobody could look.
    Broken,
}

impl Lack {
    const WORDS: [(&str, Self); 3] = [
        ("missing", Self::Missing),
        ("old", Self::Old),
        ("broken", Self::Broken),
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Old => "old",
            Self::Broken => "broken",
        }
    }

    /// Finds one by its word.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == id);
        found.map(|(_, lack)| *lack)
    }
}

/// Why a source gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    /// Which way.
    pub(crate) lack: Lack,
    /// The stable code.
    pub(crate) code: Code,
    /// What was found instead.
    pub(crate) found: String,
}

impl Absence {
    /// It is not there.
    pub(crate) fn missing(code: Code, found: impl Into<String>) -> Self {
        Self::new(Lack::Missing, code, found)
    }

    /// It was refused, or nobody could look.
    pub(crate) fn broken(code: Code, found: impl Into<String>) -> Self {
        Self::new(Lack::Broken, code, found)
    }

    /// It is too old.
    pub(crate) fn old(found: impl Into<String>) -> Self {
        Self::new(Lack::Old, Code::EvidenceExpired, found)
    }

    fn new(lack: Lack, code: Code, found: impl Into<String>) -> Self {
        let found = found.into();
        Self { lack, code, found }
    }
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Where it lies now.
    pub(crate) path: PathBuf,
    /// As people know it: where it came from.
    pub(crate) name: String,
    /// Who could have written it.
    pub(crate) provenance: Provenance,
    /// When it was stored.
    pub(crate) made_at: DateTime<Utc>,
}

/// What came of one source that must be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Supply {
    /// These files.
    Files(Vec<Fetched>),
    /// Nothing.
    Absent(Absence),
}

/// What came of the sources that must be asked for, by their place in the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Supplies(BTreeMap<usize, Supply>);

impl Supplies {
    /// Notes what came of the source at this place.
    pub(crate) fn insert(&mut self, at: usize, supply: Supply) {
        self.0.insert(at, supply);
    }

    /// What came of the source at this place. Where nobody asked, it is not there.
    pub(crate) fn of(&self, at: usize) -> Supply {
        let unasked = || {
            let found = "it was not fetched: there is no event, or no token";
            Supply::Absent(Absence::missing(Code::EvidenceNotFetched, found))
        };
        self.0.get(&at).cloned().unwrap_or_else(unasked)
    }

    /// All of it, in the order of the policy.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Supply)> {
        self.0.iter().map(|(at, supply)| (*at, supply))
    }
}

/// A source of the policy that gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absent {
    /// What it should hold.
    pub(crate) kind: Kind,
    /// Who makes it, in words.
    pub(crate) producer: String,
    /// Whether the change can be judged without it.
    pub(crate) optional: bool,
    /// Why it gave nothing.
    pub(crate) absence: Absence,
}

impl Absent {
    /// Notes that a source gave nothing.
    pub(crate) fn of(source: &Source, absence: Absence) -> Self {
        Self {
            kind: source.kind,
            producer: source.words(),
            optional: source.optional,
            absence,
        }
    }
}
