//! What can go wrong outside the judgement itself, with its exit code and its hint.

use crate::approval::file::SavedError;
use crate::environment::EnvironmentError;
use crate::evidence::saved;
use crate::files::FileError;
use crate::git::GitError;
use crate::git::fetch::FetchError;
use crate::github::GithubError;
use crate::github::event::EventError;
use crate::ledger::LedgerError;
use crate::output::RenderError;
use crate::random::RandomError;
use crate::reason::Code;
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
    /// An event that is about no pull request and no merge queue.
    #[error("nothing says which commits to compare: the event is {what}")]
    NoSubject {
        /// What it is about.
        what: String,
    },
    /// Neither arguments nor an event say what a branch got.
    #[error(
        "nothing says what to record: no --from and --to, and no event of a push or of a merged pull request"
    )]
    NoPush,
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
    /// The repository lacks a commit that could not be fetched.
    #[error("{lacking}; {why}")]
    Unfetched {
        /// What it lacks.
        lacking: GitError,
        /// Why it could not be fetched.
        why: FetchError,
    },
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The clone lacks what the answer is in.
    #[error("cannot tell: {lacking}")]
    CannotTell {
        /// What it lacks.
        lacking: String,
        /// What fetches it.
        fetch: &'static str,
    },
    /// The policy cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Saved approvals cannot be used.
    #[error(transparent)]
    Approvals(#[from] SavedError),
    /// Saved evidence cannot be used.
    #[error(transparent)]
    Fetched(#[from] saved::SavedError),
    /// Evidence is still being made.
    #[error("the evidence is not all there: {0}")]
    Waiting(String),
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
    /// There is no word that nobody can guess.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Standard output could not be written to.
    #[error("standard output: {0}")]
    Stdout(std::io::Error),
}

impl Error {
    /// The exit code: 2 usage or policy, 3 unreadable, 4 GitHub, 5 the ledger.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::NoRange
            | Self::NoSubject { .. }
            | Self::NoPush
            | Self::NoToken
            | Self::Unset { .. }
            | Self::CannotTell { .. }
            | Self::Rules(_)
            | Self::Approvals(_)
            | Self::Fetched(_)
            | Self::NoApprovals(_)
            | Self::Event(_)
            | Self::Environment(_)
            | Self::File(_)
            | Self::Render(_)
            | Self::Random(_)
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
            )
            | Self::Waiting(_) => 3,
            Self::Github(_) | Self::NoBase { .. } | Self::Unfetched { .. } => 4,
            Self::Ledger(_) => 5,
        }
    }

    /// The same, where what the repository lacks could not be fetched: that is then the cause.
    pub(crate) fn unfetched(self, why: Option<FetchError>) -> Self {
        match (self, why) {
            (
                Self::Git(lacking @ (GitError::UnknownRevision { .. } | GitError::Missing { .. })),
                Some(why),
            ) => Self::Unfetched { lacking, why },
            (error, _) => error,
        }
    }

    /// What to do, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { .. } => Some(String::from("see `gatecard --help`")),
            Self::NoRange | Self::NoSubject { .. } => Some(String::from(
                "name both commits: gatecard check --base main --head HEAD",
            )),
            Self::NoPush => Some(String::from(
                "name what the branch had and what it has: gatecard record --from OLD --to NEW",
            )),
            Self::NoToken => Some(String::from(
                "pass a token as GITHUB_TOKEN, or name the commits with --base and --head",
            )),
            Self::Unset { set, .. } => Some(format!("set {set}")),
            Self::NoBase { .. } => Some(String::from("change the pull request's base branch")),
            Self::Github(error) => Some(error.hint()),
            Self::Git(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Unfetched { .. } => Some(String::from(
                "check that the job reaches the server and that its token has `contents: read`, or let a checkout step before it fetch the whole history: `fetch-depth: 0`",
            )),
            Self::CannotTell { fetch, .. } => Some(format!("run `{fetch}`")),
            Self::Rules(error) => error.hint(),
            Self::Approvals(SavedError::Shape { .. }) => Some(String::from(
                "save them with `gatecard approvals --format json`",
            )),
            Self::Fetched(saved::SavedError::Shape { .. }) => Some(String::from(
                "save it again with `gatecard evidence --out DIR`",
            )),
            Self::Waiting(_) => Some(String::from("try again when it has ended")),
            Self::NoApprovals(_) => Some(Code::ApprovalsUnknown.fix().to_owned()),
            Self::Event(error) => Some(error.hint().to_owned()),
            Self::Environment(error) => Some(error.hint()),
            Self::File(FileError::Taken { .. }) => Some(String::from(
                "compare with --print, and overwrite them with --force",
            )),
            Self::Approvals(SavedError::File(_))
            | Self::Fetched(saved::SavedError::File(_))
            | Self::File(_)
            | Self::Render(_)
            | Self::Random(_)
            | Self::Stdout(_) => None,
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
