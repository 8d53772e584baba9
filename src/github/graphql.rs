//! Queries of the GraphQL API: for the few facts that REST does not tell.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Client, Method};
use super::error::{Call, GithubError};

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<Value>,
}

/// Kinds of errors that asking again does not change.
const DEFINITE: [&str; 3] = ["FORBIDDEN", "NOT_FOUND", "INSUFFICIENT_SCOPES"];

impl Client {
    /// Asks a question. None where the token may not know the answer; where something went
    /// wrong on the way, which GitHub says with status 200, it is asked once more.
    pub(super) async fn query<T: DeserializeOwned>(
        &self,
        call: Call,
        query: &str,
        variables: Value,
    ) -> Result<Option<T>, GithubError> {
        let body = json!({ "query": query, "variables": variables });
        let mut pauses = self.patience().pauses.iter().take(1);
        loop {
            let reply = self
                .read::<Reply>(call, Method::Query, "/graphql", Some(&body))
                .await;
            let errors = match reply {
                // What cannot be shown is null where the schema promises a value.
                Ok((Reply { data, errors }, _)) if errors.is_empty() => {
                    return Ok(serde_json::from_value(data).ok());
                }
                Ok((reply, _)) => reply.errors,
                Err(error) if error.is_forbidden() => return Ok(None),
                Err(error) => return Err(error),
            };
            let kind = |error: &Value| {
                let kind = error.get("type").and_then(Value::as_str);
                kind.is_some_and(|kind| DEFINITE.contains(&kind))
            };
            if errors.iter().any(kind) {
                return Ok(None);
            }
            let Some(pause) = pauses.next() else {
                return Err(self.unanswered(call, &errors));
            };
            tokio::time::sleep(*pause).await;
        }
    }
}
