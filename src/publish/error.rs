//! Why a part could not be delivered.

use crate::files::FileError;
use crate::github::GithubError;
use crate::random::RandomError;

/// Why a part could not be delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// A file of the workflow runner cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A step output that the runner would read as something else.
    #[error("output `{name}`: found {found}, expected text without it")]
    Output {
        /// Which output.
        name: &'static str,
        /// What is in the way.
        found: &'static str,
    },
    /// There is no delimiter that nobody can guess.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// More than GitHub shows.
    #[error("the {what} has {size} bytes, GitHub takes at most {limit}")]
    TooLarge {
        /// Comment or summary.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// GitHub did not do what it was asked.
    #[error(transparent)]
    Github(#[from] GithubError),
}

impl PublishError {
    /// Whether the token may not do it.
    pub(crate) const fn is_forbidden(&self) -> bool {
        matches!(self, Self::Github(error) if error.is_forbidden())
    }

    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::File(_) => String::from("check that the runner's file can be written"),
            Self::Output { .. } => String::from("report this: outputs are made by gatecard"),
            Self::Random(_) => String::from("run the job again, on another machine"),
            Self::TooLarge { .. } => {
                String::from("read the whole result in the JSON report, and report this")
            }
            Self::Github(error) => error.hint(),
        }
    }
}
