//! Who we are: whose comments are our own.
//!
//! A token of a workflow or an app may not ask the REST API for its user, but the GraphQL API
//! tells it; where neither does, the token is taken for that of a workflow.

use serde::Deserialize;
use serde_json::json;

use super::client::{Client, Method};
use super::comments::Author;
use super::error::{Call, GithubError};

const CALL: Call = Call {
    name: "ask who the token belongs to",
    permission: "pull-requests: write",
};

/// The user that a workflow's own token acts as on github.com.
const ACTIONS_ID: u64 = 41_898_282;
/// Its name on every server. No person can have it.
const ACTIONS_LOGIN: &str = "github-actions[bot]";

/// The user that a token acts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// A person or an app, by its id.
    Account(u64),
    /// The same, where only the name is known.
    Named(String),
    /// A workflow's own token, which says nothing about itself.
    Actions,
}

#[derive(Deserialize)]
struct Data {
    viewer: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    #[serde(default, alias = "id", rename = "databaseId")]
    id: Option<u64>,
}

impl Viewer {
    /// Tells whether a comment's author is this user.
    pub(crate) fn is(&self, author: &Author) -> bool {
        match self {
            Self::Account(id) => author.id == *id,
            Self::Named(login) => author.login == *login,
            Self::Actions => author.id == ACTIONS_ID || author.login == ACTIONS_LOGIN,
        }
    }

    /// Whether this is a workflow's own token.
    pub(crate) fn is_actions(&self) -> bool {
        match self {
            Self::Account(id) => *id == ACTIONS_ID,
            Self::Named(login) => login == ACTIONS_LOGIN,
            Self::Actions => true,
        }
    }

    /// Asks both APIs.
    pub(crate) async fn ask(client: &Client) -> Result<Self, GithubError> {
        let query = "query { viewer { login databaseId } }";
        let data: Option<Data> = client.query(CALL, query, json!({})).await?;
        let account = data.and_then(|data| data.viewer);
        let account = match account {
            Some(account) => account,
            None => match client
                .read::<Account>(CALL, Method::Get, "/user", None)
                .await
            {
                Ok((account, _)) => account,
                Err(error) if error.is_forbidden() => return Ok(Self::Actions),
                Err(error) => return Err(error),
            },
        };
        Ok(account.id.map_or(Self::Named(account.login), Self::Account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(id: u64, login: &str) -> Author {
        Author {
            id,
            login: login.to_owned(),
        }
    }

    #[test]
    fn people_are_recognised_by_id_and_never_by_name() {
        let viewer = Viewer::Account(7);
        assert!(viewer.is(&author(7, "renamed")));
        assert!(!viewer.is(&author(8, "octocat")));
    }

    #[test]
    fn a_workflow_is_recognised_on_every_server() {
        assert!(Viewer::Actions.is(&author(ACTIONS_ID, "")));
        assert!(Viewer::Actions.is(&author(3, "github-actions[bot]")));
        assert!(!Viewer::Actions.is(&author(3, "github-actions")));
    }
}
