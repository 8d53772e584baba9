//! Commit statuses: the verdict that a merge can be made to depend on.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RepoName;
use super::client::{Client, Method};
use super::comments::Author;
use super::error::{Call, GithubError};
use crate::git::CommitSha;

const LIST: Call = Call {
    name: "list the statuses",
    permission: "statuses: write",
};
const WRITE: Call = Call {
    name: "set the status",
    permission: "statuses: write",
};

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// The merge may go on.
    Success,
    /// A gate failed.
    Failure,
    /// No verdict could be reached.
    Error,
    /// Something still runs.
    Pending,
}

/// A status as GitHub keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CommitStatus {
    /// What it says.
    pub(crate) state: State,
    /// Its name.
    pub(crate) context: String,
    /// Its text.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Where it links to.
    #[serde(default)]
    pub(crate) target_url: Option<String>,
    /// Who set it.
    #[serde(default)]
    pub(crate) creator: Option<Author>,
}

impl Client {
    /// Lists the statuses of a commit, newest first: the first of a name is the one that counts.
    pub(crate) async fn statuses(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
    ) -> Result<Vec<CommitStatus>, GithubError> {
        let route = format!("/repos/{repo}/commits/{sha}/statuses?per_page=100");
        self.list(LIST, &route).await
    }

    /// Sets a status.
    pub(crate) async fn create_status(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
        status: &CommitStatus,
    ) -> Result<CommitStatus, GithubError> {
        let route = format!("/repos/{repo}/statuses/{sha}");
        let mut body = json!({ "state": status.state, "context": status.context });
        for (key, value) in [
            ("description", &status.description),
            ("target_url", &status.target_url),
        ] {
            if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                body.insert(key.to_owned(), json!(value));
            }
        }
        self.write(WRITE, Method::Post, &route, Some(&body)).await
    }
}
