//! What can go wrong outside the judgement itself, with its exit code and its hint.

use std::io::Write;

use crate::approval::file::SavedError;
use crate::environment::EnvironmentError;
use crate::files::FileError;
use crate::git::GitError;
use crate::github::GithubError;
use crate::github::event::EventError;
use crate::output::RenderError;
use crate::reason::Code;
use crate::rules::RulesError;
use crate::untrusted::log_line;

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
    /// An event that is about no pull request and no merge queue.
    #[error("nothing says which commits to compare: the event is {what}")]
    NoSubject {
        /// What it is about.
        what: String,
    },
    /// An event that names no commits, and nobody to ask.
    #[error("the event names no commits to compare, and there is no token to ask GitHub with")]
    NoToken,
    /// An environment variable that a command needs is not set, or not to something usable.
    #[error("{lacking}")]
    Unset {
        /// What there is not.
        lacking: String,
        /// The variable, and what it must be.
        set: &'static str,
    },
    /// The branch that a pull request wants to change is gone.
    #[error("the base branch `{branch}` does not exist any more")]
    NoBase {
        /// The branch.
        branch: String,
    },
    /// GitHub did not do what it was asked.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// The repository could not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The policy cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Saved approvals cannot be used.
    #[error(transparent)]
    Approvals(#[from] SavedError),
    /// Nothing is known of the reviews.
    #[error("the approvals are not known: {0}")]
    NoApprovals(String),
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
    /// The exit code: 2 usage or policy, 3 unreadable, 4 GitHub.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::NoRange
            | Self::NoSubject { .. }
            | Self::NoToken
            | Self::Unset { .. }
            | Self::Rules(_)
            | Self::Approvals(_)
            | Self::NoApprovals(_)
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
                | GitError::ManyMergeBases { .. }
                | GitError::Missing { .. }
                | GitError::TooLarge { .. }
                | GitError::Other { .. },
            ) => 3,
            Self::Github(_) | Self::NoBase { .. } => 4,
        }
    }

    /// What to do, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { .. } => Some(String::from("see `gatecard --help`")),
            Self::NoRange | Self::NoSubject { .. } => Some(String::from(
                "name both commits: gatecard check --base main --head HEAD",
            )),
            Self::NoToken => Some(String::from(
                "pass a token as GITHUB_TOKEN, or name the commits with --base and --head",
            )),
            Self::Unset { set, .. } => Some(format!("set {set}")),
            Self::NoBase { .. } => Some(String::from("change the pull request's base branch")),
            Self::Github(error) => Some(error.hint()),
            Self::Git(error) => error.hint(),
            Self::Rules(error) => error.hint(),
            Self::Approvals(SavedError::Shape { .. }) => Some(String::from(
                "save them with `gatecard approvals --format json`",
            )),
            Self::NoApprovals(_) => Some(Code::ApprovalsUnknown.fix().to_owned()),
            Self::Event(error) => Some(error.hint().to_owned()),
            Self::Environment(error) => Some(error.hint()),
            Self::Approvals(SavedError::File(_))
            | Self::File(_)
            | Self::Render(_)
            | Self::Stdout(_) => None,
        }
    }

    /// Prints the error with its details and what to do. Where nobody listens, nothing is lost.
    pub(crate) fn explain(&self, err: &mut dyn Write) {
        let mut lines = vec![format!("error: {}", log_line(&self.to_string()))];
        lines.extend(self.details().unwrap_or_default().lines().map(log_line));
        lines.extend(self.hint().map(|hint| format!("help: {}", log_line(&hint))));
        for line in lines {
            drop(writeln!(err, "{line}"));
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
