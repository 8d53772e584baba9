//! Whether this run may still write: the pull request is as it was judged, and no newer run
//! has judged the same commit.

use crate::environment::Run;
use crate::github::statuses::CommitStatus;
use crate::github::{Client, GithubError, PullRequest, Subject};

/// How this run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// What it judged is what is there, and nobody newer has written.
    Current,
    /// There is nothing to merge any more: why, in words.
    Over(String),
    /// What it judged is not there any more: why, in words.
    Moved(String),
    /// A newer run has set the status of the same commit.
    Newer(Run),
}

impl Standing {
    /// Why nothing may be written, if that is so.
    pub(crate) fn why_not(&self) -> Option<String> {
        match self {
            Self::Current => None,
            Self::Over(why) | Self::Moved(why) => Some(why.clone()),
            Self::Newer(run) => Some(format!(
                "run {run} is newer and judges the same commit: re-run that one"
            )),
        }
    }
}

/// Asks for the live state.
pub(super) async fn ask(client: &Client, subject: &Subject) -> Result<Standing, GithubError> {
    let Subject::Pull(judged) = subject else {
        // A group is never changed: another one takes its place, on another commit.
        return Ok(Standing::Current);
    };
    let live = client.pull(&judged.repo, judged.number).await?;
    if !live.open {
        let what = if live.merged { "merged" } else { "closed" };
        return Ok(Standing::Over(format!("the pull request is {what}")));
    }
    Ok(moved(judged, &live.pull).map_or(Standing::Current, Standing::Moved))
}

fn moved(judged: &PullRequest, live: &PullRequest) -> Option<String> {
    let (was, is) = (judged.head.short(), live.head.short());
    if judged.head != live.head {
        return Some(format!(
            "the pull request's head is {is} now, and {was} was judged"
        ));
    }
    let (was, is) = (&judged.base_ref, &live.base_ref);
    (was != is).then(|| format!("the pull request is for `{is}` now, and was judged for `{was}`"))
}

/// Asks whether a newer run has set the status. A token that may set statuses and not read them
/// cannot tell, and goes on.
pub(super) async fn order(
    client: &Client,
    subject: &Subject,
    context: &str,
    run: Run,
) -> Result<Standing, GithubError> {
    if run == Run::default() {
        return Ok(Standing::Current);
    }
    let known = match client.statuses(subject.repo(), subject.head()).await {
        Ok(known) => known,
        Err(error) if error.is_forbidden() => return Ok(Standing::Current),
        Err(error) => return Err(error),
    };
    let newest = newer(client, &known, context, run).await?;
    Ok(newest.map_or(Standing::Current, Standing::Newer))
}

/// The newest run after `run` that has set a status of this name. Only our own statuses say so:
/// everybody who may write can set one that names any run.
pub(super) async fn newer(
    client: &Client,
    known: &[CommitStatus],
    context: &str,
    run: Run,
) -> Result<Option<Run>, GithubError> {
    let mut newest = None;
    for status in known.iter().filter(|status| status.context == context) {
        let Some(found) = run_of(status).filter(|found| *found > run) else {
            continue;
        };
        let viewer = client.viewer().await?;
        if status.creator.as_ref().is_some_and(|user| viewer.is(user)) {
            newest = newest.max(Some(found));
        }
    }
    Ok(newest)
}

/// The run that set a status, as its link says.
fn run_of(status: &CommitStatus) -> Option<Run> {
    let (_, run) = status
        .target_url
        .as_deref()?
        .rsplit_once("/actions/runs/")?;
    let (id, attempt) = run.split_once("/attempts/")?;
    Some(Run {
        id: id.parse().ok()?,
        attempt: attempt.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::statuses::State;

    #[test]
    fn the_run_is_read_from_the_link() {
        let status = |url: &str| CommitStatus {
            state: State::Pending,
            context: String::from("gatecard: main"),
            description: None,
            target_url: Some(url.to_owned()),
            creator: None,
        };
        let link = "https://github.com/a/b/actions/runs/12/attempts/3";
        assert_eq!(run_of(&status(link)), Some(Run { id: 12, attempt: 3 }));
        for other in [
            "https://github.com/a/b/actions/runs/12",
            "https://ci.example/12",
            "https://github.com/a/b/actions/runs/x/attempts/1",
        ] {
            assert_eq!(run_of(&status(other)), None, "{other}");
        }
    }
}
