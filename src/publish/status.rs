//! The commit status: the verdict itself, on the pull request's own last commit.

use std::time::Duration;

use super::error::PublishError;
use crate::github::statuses::CommitStatus;
use crate::github::{Client, GithubError, PullRequest};

pub(crate) use crate::github::statuses::State;

/// The longest description that GitHub takes, in characters.
const MAX_DESCRIPTION: usize = 140;

/// The verdict as a status.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// What it says.
    pub(crate) state: State,
    /// Its name: `gatecard: <base ref>`, or the policy's `status_name`.
    pub(crate) context: String,
    /// One sentence; longer ones are cut.
    pub(crate) description: String,
    /// Where it links to: the workflow run.
    pub(crate) target_url: Option<String>,
}

/// Sets the status within `limit`.
///
/// Where the answer got lost, what GitHub has is read back first: another run may have set a
/// newer one meanwhile, which must stay.
pub(super) async fn write(
    client: &Client,
    pull: &PullRequest,
    status: &Status,
    limit: Duration,
) -> Result<&'static str, PublishError> {
    let wanted = CommitStatus {
        state: status.state,
        context: status.context.clone(),
        description: Some(cut(&status.description)),
        target_url: status.target_url.clone(),
    };
    let late = |_| GithubError::timeout("set the status", "statuses: write", limit);
    Ok(tokio::time::timeout(limit, insist(client, pull, &wanted))
        .await
        .map_err(late)??)
}

async fn insist(
    client: &Client,
    pull: &PullRequest,
    wanted: &CommitStatus,
) -> Result<&'static str, GithubError> {
    let PullRequest { repo, head, .. } = pull;
    let mut pauses = client.patience().pauses.iter();
    loop {
        let Err(error) = client.create_status(repo, head, wanted).await else {
            return Ok("set");
        };
        let pause = pauses.next().filter(|_| error.is_uncertain());
        let Some(pause) = pause else {
            return Err(error);
        };
        tokio::time::sleep(*pause).await;
        let known = client.statuses(repo, head).await?;
        let counts = known.iter().find(|known| known.context == wanted.context);
        if counts == Some(wanted) {
            return Ok("set");
        }
    }
}

/// Cuts a description to what GitHub takes.
fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_DESCRIPTION {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(MAX_DESCRIPTION - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ü".repeat(140)), "ü".repeat(140));
        let long = cut(&"😀".repeat(200));
        assert_eq!(long.chars().count(), 140);
        assert!(long.ends_with("😀…"));
    }
}
