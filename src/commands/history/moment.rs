//! A point on the base branch: a time, a day, or a revision.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::git::{CommitSha, GitError, Repo};

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
    /// Reads RFC 3339, a date, or else a revision. A tag that looks like a date is named as
    /// `refs/tags/...`.
    pub(super) fn read(repo: &Repo, text: &str) -> Result<Self, GitError> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Time(time.to_utc()));
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::Day(day));
        }
        Ok(Self::Commit(repo.resolve(text)?))
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
