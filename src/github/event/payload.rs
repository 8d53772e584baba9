//! The payload of an event: reads single values and says precisely what is wrong with them.
//!
//! Only what is needed is looked at, so that new fields and new kinds of event do no harm.

use serde::Deserialize as _;
use serde_json::Value;

use super::EventError;
use crate::approval::observed::Account;
use crate::git::CommitSha;
use crate::github::RepoName;
use crate::github::account::RawAccount;
use crate::untrusted::{log_line, shorten};

/// What stands before the name of a branch.
const BRANCH: &str = "refs/heads/";

/// A payload that knows where it came from.
pub(super) struct Payload {
    pub(super) path: String,
    pub(super) value: Value,
}

impl Payload {
    /// Looks a value up by its dotted path; null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        key.split('.')
            .try_fold(&self.value, |value, part| value.get(part))
            .filter(|value| !value.is_null())
    }

    /// A text, where it is one.
    pub(super) fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Whether a flag is there and set.
    pub(super) fn is(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool) == Some(true)
    }

    /// An account; nobody where it was removed.
    pub(super) fn account(&self, key: &str) -> Option<Account> {
        RawAccount::deserialize(self.get(key)?).ok()?.account()
    }

    /// The repository that the event is about.
    pub(super) fn repo(&self) -> Result<RepoName, EventError> {
        self.text("repository.full_name", "`owner/name`", RepoName::parse)
    }

    /// A positive number.
    pub(super) fn number(&self, key: &'static str) -> Result<u64, EventError> {
        self.value(key, "a number", |value| {
            value.as_u64().filter(|number| *number > 0)
        })
    }

    /// A commit id.
    pub(super) fn sha(&self, key: &'static str) -> Result<CommitSha, EventError> {
        self.text(key, "a full commit id", CommitSha::parse)
    }

    /// The name of a branch that stands there as it is.
    pub(super) fn branch(&self, key: &'static str) -> Result<String, EventError> {
        self.text(key, "a branch", |branch| {
            (!branch.is_empty()).then(|| branch.to_owned())
        })
    }

    /// The name of the branch that a full ref names; none for a tag and where there is no ref.
    pub(super) fn branch_of_ref(&self, key: &str) -> Option<String> {
        let branch = self.str(key)?.strip_prefix(BRANCH)?;
        (!branch.is_empty()).then(|| branch.to_owned())
    }

    /// A text that `parse` understands.
    pub(super) fn text<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, EventError> {
        self.value(key, expected, |value| parse(value.as_str()?))
    }

    /// A value that `parse` understands.
    pub(super) fn value<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, EventError> {
        let path = self.path.clone();
        let Some(found) = self.get(key) else {
            return Err(EventError::Missing {
                path,
                key,
                expected,
            });
        };
        parse(found).ok_or_else(|| EventError::Wrong {
            path,
            key,
            found: shorten(&log_line(&found.to_string()), 80),
            expected,
        })
    }
}
