//! From outcomes to one verdict, its exit code and the next step. Pure.

use crate::gates::{Outcome, State};
use crate::policy::Mode;

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
    /// The verdict over all outcomes: an error outweighs a failure, since what cannot be read
    /// cannot be judged.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let blocking =
            |outcome: &&Outcome| outcome.ruling.blocks && !outcome.ruling.state.is_green();
        let mut verdict = Self::Pass;
        for outcome in outcomes.iter().filter(blocking) {
            if outcome.ruling.state == State::Error {
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
