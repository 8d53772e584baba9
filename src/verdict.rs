//! How gates come out, and what all of them come to: one verdict and its exit code. Pure.

use crate::policy::Mode;

/// How a gate came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Met.
    Pass,
    /// Not met.
    Fail,
    /// Cannot be told from this evidence.
    Inconclusive,
    /// There is no evidence.
    Missing,
    /// The evidence is of something else, or too old.
    Stale,
    /// The evidence cannot be read.
    Error,
    /// Nothing to judge.
    NotApplicable,
    /// Red, and the policy lets it be so for a while.
    Waived,
}

impl State {
    /// All of them, the green ones first.
    pub(crate) const ALL: [Self; 8] = [
        Self::Pass,
        Self::NotApplicable,
        Self::Waived,
        Self::Fail,
        Self::Missing,
        Self::Stale,
        Self::Inconclusive,
        Self::Error,
    ];

    /// What it means.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Pass => "met",
            Self::Fail => "not met",
            Self::Inconclusive => "the evidence cannot tell, e.g. too few calls",
            Self::Missing => "there is no evidence, or none that can be tied to this version",
            Self::Stale => "the evidence is of another version, or too old",
            Self::Error => "the evidence or the prompt cannot be read",
            Self::NotApplicable => {
                "nothing to judge: a first version has no regression, a prompt before production \
                 no traces"
            }
            Self::Waived => {
                "fail, missing, stale or inconclusive, and the base policy lets it be so for a \
                 while"
            }
        }
    }

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Error => "error",
            Self::NotApplicable => "not applicable",
            Self::Waived => "waived",
        }
    }

    /// The state that a word names.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.id() == id)
    }

    /// Whether it lets a change through.
    pub(crate) const fn is_green(self) -> bool {
        matches!(self, Self::Pass | Self::NotApplicable | Self::Waived)
    }
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing blocks.
    Pass,
    /// A gate blocks.
    Fail,
    /// Evidence or a prompt cannot be read.
    Error,
}

impl Verdict {
    /// The verdict over the states that stand in the way: an error outweighs a failure, since
    /// what cannot be read cannot be judged.
    pub(crate) fn of(blocking: impl IntoIterator<Item = State>) -> Self {
        let mut verdict = Self::Pass;
        for state in blocking {
            if state == State::Error {
                return Self::Error;
            }
            verdict = Self::Fail;
        }
        verdict
    }

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }

    /// The exit code: 0 pass, 1 a gate failed, 3 unreadable. Only `enforce` blocks.
    pub(crate) const fn exit_code(self, mode: Mode) -> u8 {
        match (self, mode) {
            (Self::Pass, _) | (_, Mode::Observe | Mode::Advise) => 0,
            (Self::Fail, Mode::Enforce) => 1,
            (Self::Error, Mode::Enforce) => 3,
        }
    }
}
