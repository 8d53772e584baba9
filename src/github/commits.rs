//! Commits on a branch that nobody has checked out: made by GitHub, which also signs them, and
//! only where the branch is still where it is expected to be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::RepoName;
use super::client::{Client, Method};
use super::error::{Call, GithubError};
use crate::git::CommitSha;

const ADD: Call = Call {
    name: "commit to the branch",
    permission: "contents: write",
};
const FIRST: Call = Call {
    name: "make the branch",
    permission: "contents: write",
};

const MUTATION: &str = "mutation($input: CreateCommitOnBranchInput!) { \
    createCommitOnBranch(input: $input) { commit { oid } } }";

/// A commit to be made.
pub(crate) struct NewCommit<'a> {
    /// The branch, without `refs/heads/`.
    pub(crate) branch: &'a str,
    /// The files that it adds, by their paths.
    pub(crate) files: &'a [(String, Vec<u8>)],
    /// One line.
    pub(crate) message: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Deserialize)]
struct Made {
    sha: CommitSha,
}

#[derive(Deserialize)]
struct Branch {
    object: Made,
}

impl Client {
    /// Commits on top of `expected` and moves the branch. `None` where the branch is somewhere
    /// else, so that nothing was done.
    pub(crate) async fn commit_on(
        &self,
        repo: &RepoName,
        expected: &CommitSha,
        new: &NewCommit<'_>,
    ) -> Result<Option<CommitSha>, GithubError> {
        let files = new.files.iter();
        let additions: Vec<Value> = files
            .map(|(path, bytes)| json!({ "path": path, "contents": STANDARD.encode(bytes) }))
            .collect();
        let input = json!({
            "branch": { "repositoryNameWithOwner": repo.to_string(), "branchName": new.branch },
            "message": { "headline": new.message },
            "expectedHeadOid": expected,
            "fileChanges": { "additions": additions },
        });
        let body = json!({ "query": MUTATION, "variables": { "input": input } });
        let reply: Reply = self
            .write(ADD, Method::Query, "/graphql", Some(&body))
            .await?;
        let oid = reply.data.pointer("/createCommitOnBranch/commit/oid");
        match oid.and_then(Value::as_str).and_then(CommitSha::parse) {
            Some(commit) => Ok(Some(commit)),
            None if reply.errors.iter().any(is_stale) => Ok(None),
            None if reply.errors.is_empty() => Err(GithubError::Answer {
                call: ADD,
                message: String::from("it names no commit"),
            }),
            None => Err(self.refused(&reply.errors)),
        }
    }

    /// Makes the branch with a commit that has no parent. `None` where somebody else has made
    /// the branch meanwhile: the commit is then on no branch.
    pub(crate) async fn first_commit(
        &self,
        repo: &RepoName,
        new: &NewCommit<'_>,
    ) -> Result<Option<CommitSha>, GithubError> {
        let file = |(path, bytes): &(String, Vec<u8>)| {
            let content = String::from_utf8_lossy(bytes);
            json!({ "path": path, "mode": "100644", "type": "blob", "content": content })
        };
        let tree = json!({ "tree": new.files.iter().map(file).collect::<Vec<_>>() });
        let tree: Made = self.make(repo, "trees", &tree).await?;
        let commit = json!({ "message": new.message, "tree": tree.sha, "parents": [] });
        let commit: Made = self.make(repo, "commits", &commit).await?;
        let reference = format!("refs/heads/{}", new.branch);
        let reference = json!({ "ref": reference, "sha": commit.sha });
        match self.make::<Branch>(repo, "refs", &reference).await {
            Ok(branch) => Ok(Some(branch.object.sha)),
            Err(GithubError::Refused {
                status: 422,
                message,
                ..
            }) if message.contains("already exists") => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn make<T: serde::de::DeserializeOwned>(
        &self,
        repo: &RepoName,
        what: &str,
        body: &Value,
    ) -> Result<T, GithubError> {
        let route = format!("/repos/{repo}/git/{what}");
        self.write(FIRST, Method::Post, &route, Some(body)).await
    }

    /// What errors in an answer with status 200 mean. Those of a kind that is not known leave
    /// open whether the commit was made.
    fn refused(&self, errors: &[Value]) -> GithubError {
        let status = errors.iter().find_map(|error| match kind(error) {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Some(403),
            "NOT_FOUND" => Some(404),
            "UNPROCESSABLE" => Some(422),
            "RATE_LIMITED" => Some(429),
            _ => None,
        });
        match (self.unanswered(ADD, errors), status) {
            // A wait that no header tells is a minute at least.
            (GithubError::Answer { call, message }, Some(429)) => GithubError::RateLimited {
                call,
                seconds: 60,
                message,
            },
            (GithubError::Answer { call, message }, Some(status)) => GithubError::Refused {
                call,
                status,
                message,
                retry_after: None,
            },
            (uncertain, _) => uncertain,
        }
    }
}

fn kind(error: &Value) -> &str {
    let kind = error.get("type").and_then(Value::as_str);
    kind.unwrap_or_default()
}

/// Whether the branch is not where it was expected to be.
fn is_stale(error: &Value) -> bool {
    let message = error.get("message").and_then(Value::as_str);
    kind(error) == "STALE_DATA"
        || message.is_some_and(|message| message.contains("Expected branch to point to"))
}
