//! The commit status: the verdict itself, on the pull request's own last commit.

use super::standing;
use crate::environment::Run;
use crate::github::statuses::CommitStatus;
use crate::github::{Client, GithubError, Subject};
use crate::limits::STATUS_TEXT;

pub(crate) use crate::github::statuses::State;

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

/// Sets the status.
///
/// Where the answer got lost, what GitHub has is read back first: a newer run may have set
/// another one meanwhile, which must stay.
pub(super) async fn write(
    client: &Client,
    subject: &Subject,
    status: &Status,
    run: Run,
) -> Result<Written, GithubError> {
    let wanted = CommitStatus {
        state: status.state,
        context: status.context.clone(),
        description: Some(cut(&status.description)),
        target_url: status.target_url.clone(),
        creator: None,
    };
    let (repo, head) = (subject.repo(), subject.head());
    let mut pauses = client.patience().pauses.iter();
    loop {
        let Err(error) = client.create_status(repo, head, &wanted).await else {
            return Ok(Written::Set);
        };
        let pause = pauses.next().filter(|_| error.is_uncertain());
        let Some(pause) = pause else {
            return Err(error);
        };
        tokio::time::sleep(*pause).await;
        let known = client.statuses(repo, head).await?;
        if let Some(newer) = standing::newer(client, &known, &wanted.context, run).await? {
            return Ok(Written::Newer(newer));
        }
        let counts = known.iter().find(|known| known.context == wanted.context);
        if counts.is_some_and(|counts| same(counts, &wanted)) {
            return Ok(Written::Set);
        }
    }
}

/// What became of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// It is set.
    Set,
    /// A newer run has set one meanwhile, which stays.
    Newer(Run),
}

fn same(one: &CommitStatus, other: &CommitStatus) -> bool {
    one.state == other.state
        && one.description == other.description
        && one.target_url == other.target_url
}

/// Cuts a description to what GitHub takes.
fn cut(text: &str) -> String {
    if text.chars().count() <= STATUS_TEXT {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(STATUS_TEXT - 1).collect();
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
