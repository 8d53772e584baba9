//! Finds out what a token may do without doing anything: what is asked for does not exist, so
//! that GitHub answers that before it changes something, or that the token may not.

use serde_json::{Value, json};

use super::RepoName;
use super::client::{Client, Method};
use super::error::{Call, GithubError};

/// The id of a commit that no repository has.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// A permission of a workflow's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// To read commits and branches.
    Contents,
    /// To write commits: the ledger.
    Ledger,
    /// To read reviews and write the comment.
    PullRequests,
    /// To set the verdict.
    Statuses,
    /// To make a check run, where the policy wants one.
    Checks,
    /// To read artifacts, where the policy names one.
    Actions,
}

/// Whether a token may do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Granted {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// GitHub did not tell.
    Unknown(GithubError),
}

impl Permission {
    /// The line that a workflow's `permissions:` needs, with what it is for.
    pub(crate) const fn line(self) -> &'static str {
        match self {
            Self::Contents => "contents: read # the policy and the history",
            Self::Ledger => "contents: write # the history, and the ledger",
            Self::PullRequests => "pull-requests: write # the reviews and the comment",
            Self::Statuses => "statuses: write # the verdict",
            Self::Checks => "checks: write # the check run with its remarks",
            Self::Actions => "actions: read # the artifacts that the policy names",
        }
    }

    /// Its name in a workflow.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Contents => "contents",
            Self::Ledger => "ledger",
            Self::PullRequests => "pull-requests",
            Self::Statuses => "statuses",
            Self::Checks => "checks",
            Self::Actions => "actions",
        }
    }

    const fn call(self) -> Call {
        Call {
            name: "ask what the token may do",
            permission: match self {
                Self::Contents => "contents: read",
                Self::Ledger => "contents: write",
                Self::PullRequests => "pull-requests: write",
                Self::Statuses => "statuses: write",
                Self::Checks => "checks: write",
                Self::Actions => "actions: read",
            },
        }
    }
}

impl Client {
    /// Asks whether the token has a permission in a repository.
    pub(crate) async fn has(&self, repo: &RepoName, permission: Permission) -> Granted {
        let call = permission.call();
        let answer: Result<Value, GithubError> = match permission {
            Permission::Contents => {
                let route = format!("/repos/{repo}/commits?per_page=1");
                let read = self.read(call, Method::Get, &route, None).await;
                read.map(|(commits, _)| commits)
            }
            Permission::Actions => {
                let route = format!("/repos/{repo}/actions/runs?per_page=1");
                let read = self.read(call, Method::Get, &route, None).await;
                read.map(|(runs, _)| runs)
            }
            Permission::Ledger => {
                let route = format!("/repos/{repo}/git/refs");
                let body = json!({ "ref": "refs/heads/gatecard-doctor", "sha": NO_COMMIT });
                self.write(call, Method::Post, &route, Some(&body)).await
            }
            Permission::PullRequests => {
                let route = format!("/repos/{repo}/issues/comments/0");
                let body = json!({ "body": "gatecard doctor" });
                self.write(call, Method::Patch, &route, Some(&body)).await
            }
            Permission::Statuses => {
                let route = format!("/repos/{repo}/statuses/{NO_COMMIT}");
                let body = json!({ "state": "pending", "context": "gatecard doctor" });
                self.write(call, Method::Post, &route, Some(&body)).await
            }
            Permission::Checks => {
                let route = format!("/repos/{repo}/check-runs");
                let body = json!({ "name": "gatecard doctor", "head_sha": NO_COMMIT });
                self.write(call, Method::Post, &route, Some(&body)).await
            }
        };
        let Err(error) = answer else {
            return Granted::Yes;
        };
        let GithubError::Refused { status, .. } = error else {
            return Granted::Unknown(error);
        };
        match (permission, status) {
            // A repository without a commit, no such comment, no such commit.
            (Permission::Contents | Permission::Ledger, 409)
            | (Permission::PullRequests, 404)
            | (Permission::Statuses | Permission::Checks | Permission::Ledger, 422) => Granted::Yes,
            (_, 403 | 404) => Granted::No,
            _ => Granted::Unknown(error),
        }
    }
}
