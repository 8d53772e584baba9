//! A point on the base branch: a time, a day, or a revision.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::error::Error;
use crate::git::{CommitSha, GitError, Repo};
use crate::untrusted::log_line;

/// A point on the base branch, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moment {
    /// A point in time.
    Time(DateTime<Utc>),
    /// A day, in UTC.
    Day(NaiveDate),
    /// A commit.
    Commit(CommitSha),
}

impl Moment {
    /// Reads RFC 3339, a date, or else a revision, which `option` asks for. A tag that looks like
    /// a date is named as `refs/tags/...`.
    pub(super) fn read(repo: &Repo, option: &'static str, text: &str) -> Result<Self, Error> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Time(time.to_utc()));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Day(day));
        }
        match repo.resolve(text) {
            Ok(commit) => Ok(Self::Commit(commit)),
            Err(GitError::UnknownRevision {
                elsewhere: false, ..
            }) => Err(Error::Usage {
                what: option,
                found: log_line(text),
                expected: String::from(
                    "a day such as 2026-03-03, a time such as 2026-03-03T10:00:00Z, or a branch, tag or commit that `git rev-parse` knows",
                ),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

/// The first second of a day.
pub(super) fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The last second of a day.
pub(super) fn end(day: NaiveDate) -> DateTime<Utc> {
    start(day) + chrono::TimeDelta::seconds(86_399)
}
