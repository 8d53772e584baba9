//! What can go wrong outside the judgement itself, with its exit code and its hint.

use crate::environment::EnvironmentError;
use crate::files::FileError;
use crate::git::GitError;
use crate::github::event::EventError;
use crate::output::RenderError;
use crate::rules::RulesError;

/// A check that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// An argument that cannot be used.
    #[error("{what}: found `{found}`, expected {expected}")]
    Usage {
        /// Which argument.
        what: &'static str,
        /// What it was.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Neither arguments nor an event say what to compare.
    #[error(
        "nothing says which commits to compare: no --base and --head, and no pull request event"
    )]
    NoRange,
    /// The repository could not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The policy cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The event cannot be used.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An environment variable cannot be used.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A renderer failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Standard output could not be written to.
    #[error("standard output: {0}")]
    Stdout(std::io::Error),
}

impl Error {
    /// The exit code: 2 usage or policy, 3 unreadable.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::NoRange
            | Self::Rules(_)
            | Self::Event(_)
            | Self::Environment(_)
            | Self::File(_)
            | Self::Render(_)
            | Self::Stdout(_)
            | Self::Git(
                GitError::NoRepository { .. }
                | GitError::Owner { .. }
                | GitError::UnknownRevision { .. }
                | GitError::Unborn { .. },
            ) => 2,
            Self::Git(
                GitError::NoMergeBase { .. }
                | GitError::Missing { .. }
                | GitError::TooLarge { .. }
                | GitError::Other { .. },
            ) => 3,
        }
    }

    /// What to do, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { .. } => Some(String::from("see `gatecard --help`")),
            Self::NoRange => Some(String::from(
                "name both commits: gatecard check --base main --head HEAD",
            )),
            Self::Git(error) => error.hint(),
            Self::Rules(error) => error.hint(),
            Self::Event(error) => Some(error.hint().to_owned()),
            Self::Environment(error) => Some(error.hint()),
            Self::File(_) | Self::Render(_) | Self::Stdout(_) => None,
        }
    }

    /// Details that stand under the message, over several lines.
    pub(crate) fn details(&self) -> Option<&str> {
        match self {
            Self::Rules(error) => error.details(),
            _ => None,
        }
    }
}
