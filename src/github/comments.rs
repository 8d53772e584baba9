//! The comments of a pull request.

use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Method};
use super::error::{Call, GithubError};
use super::{PullRequest, RepoName};

const LIST: Call = Call {
    name: "list the comments",
    permission: "pull-requests: write",
};
const WRITE: Call = Call {
    name: "write the comment",
    permission: "pull-requests: write",
};
const DELETE: Call = Call {
    name: "delete a duplicate of the comment",
    permission: "pull-requests: write",
};

/// A comment, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Comment {
    /// Its id: later comments have larger ones.
    pub(crate) id: u64,
    /// Its Markdown; GitHub may leave it out.
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// Who wrote it; nobody where the account was removed.
    #[serde(default)]
    pub(crate) user: Option<Author>,
}

/// The author of a comment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Author {
    /// The account's id, which survives renaming.
    pub(crate) id: u64,
    /// The account's name; that of an app ends in `[bot]`, which no person's can.
    #[serde(default)]
    pub(crate) login: String,
}

impl Client {
    /// Lists all comments, oldest first.
    pub(crate) async fn comments(&self, pull: &PullRequest) -> Result<Vec<Comment>, GithubError> {
        let PullRequest { repo, number, .. } = pull;
        let route = format!("/repos/{repo}/issues/{number}/comments?per_page=100");
        let mut comments: Vec<Comment> = self.list(LIST, &route).await?;
        comments.sort_by_key(|comment| comment.id);
        // A comment that moves to another page while they are read comes twice.
        comments.dedup_by_key(|comment| comment.id);
        Ok(comments)
    }

    /// Writes a new comment.
    pub(crate) async fn create_comment(
        &self,
        pull: &PullRequest,
        body: &str,
    ) -> Result<Comment, GithubError> {
        let PullRequest { repo, number, .. } = pull;
        let route = format!("/repos/{repo}/issues/{number}/comments");
        let body = json!({ "body": body });
        self.write(WRITE, Method::Post, &route, Some(&body)).await
    }

    /// Replaces the text of a comment.
    pub(crate) async fn update_comment(
        &self,
        repo: &RepoName,
        id: u64,
        body: &str,
    ) -> Result<Comment, GithubError> {
        let route = format!("/repos/{repo}/issues/comments/{id}");
        let body = json!({ "body": body });
        self.write(WRITE, Method::Patch, &route, Some(&body)).await
    }

    /// Removes a comment; one that is already gone is no error.
    pub(crate) async fn delete_comment(&self, repo: &RepoName, id: u64) -> Result<(), GithubError> {
        let route = format!("/repos/{repo}/issues/comments/{id}");
        match self.write(DELETE, Method::Delete, &route, None).await {
            Ok(()) | Err(GithubError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
