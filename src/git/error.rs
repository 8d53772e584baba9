//! Why the repository could not answer, and what to do about it.

use git2::{ErrorClass, ErrorCode};

/// Why the repository could not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// There is no repository.
    #[error("{path}: no Git repository")]
    NoRepository {
        /// Where it was looked for.
        path: String,
    },
    /// Another user owns the repository.
    #[error("{path}: the repository belongs to another user")]
    Owner {
        /// The repository.
        path: String,
    },
    /// A revision that does not exist.
    #[error("unknown revision `{revision}`")]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// Whether it may exist elsewhere: the clone is shallow, or a full id was named.
        elsewhere: bool,
    },
    /// The repository has no commit yet.
    #[error("{path}: the repository has no commit yet")]
    Unborn {
        /// The repository.
        path: String,
    },
    /// The two commits share no history that this clone has.
    #[error("no merge base of {base} and {head}{}", if *shallow { " in this shallow clone" } else { "" })]
    NoMergeBase {
        /// The first commit.
        base: String,
        /// The second commit.
        head: String,
        /// Whether the clone is shallow.
        shallow: bool,
    },
    /// Two commits with several best common ancestors.
    #[error(
        "{base} and {head} have {count} merge bases, since branches were merged criss-cross: what {head} changes is not one thing"
    )]
    ManyMergeBases {
        /// The first commit.
        base: String,
        /// The second commit.
        head: String,
        /// How many.
        count: usize,
    },
    /// An object that should be there is not.
    #[error("the clone lacks {what}")]
    Missing {
        /// Which object.
        what: String,
    },
    /// A blob that is larger than what is read of such a file.
    #[error("{size} bytes, more than the {limit} that are read of such a file")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Anything else that libgit2 says.
    #[error("{message}")]
    Other {
        /// Its message.
        message: String,
    },
}

impl GitError {
    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        let fetch = "let the checkout step fetch the whole history: `fetch-depth: 0`, or run \
                     `git fetch --unshallow`";
        Some(match self {
            Self::NoRepository { .. } => {
                String::from("name the repository with --repo, or run inside it")
            }
            Self::Owner { path } => {
                format!("run `git config --global --add safe.directory {path}`")
            }
            Self::UnknownRevision {
                elsewhere: true, ..
            }
            | Self::NoMergeBase { shallow: true, .. }
            | Self::Missing { .. } => fetch.to_owned(),
            Self::UnknownRevision { .. } => {
                String::from("name a branch, a tag or a commit that `git rev-parse` knows")
            }
            Self::Unborn { .. } => String::from("make a first commit"),
            Self::ManyMergeBases { .. } => {
                String::from("merge the base branch into the pull request's branch")
            }
            Self::NoMergeBase { .. } => String::from("compare two commits of the same history"),
            Self::TooLarge { .. } => String::from("keep large data out of prompt and config files"),
            Self::Other { .. } => return None,
        })
    }
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        let message = error.message().to_owned();
        match (error.class(), error.code()) {
            (ErrorClass::Odb, ErrorCode::NotFound) => Self::Missing { what: message },
            _ => Self::Other { message },
        }
    }
}
