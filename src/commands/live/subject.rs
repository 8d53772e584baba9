//! From the event to what is judged: what is on GitHub now counts, not what the event says.

use crate::error::Error;
use crate::github::event::{Event, Producer};
use crate::github::live::Live;
use crate::github::session::{Phase, Session};
use crate::github::{Client, GithubError, PullRequest, RepoName, Subject};

/// What an event asks for.
pub(in crate::commands) enum Found {
    /// Commits that were named by hand: nothing is published.
    Commits,
    /// A verdict on each of these.
    Judge(Vec<Subject>),
    /// These wait for something that still runs: what.
    Wait(Vec<Subject>, String),
    /// Nothing, and why.
    Nothing(String),
}

/// Finds what an event asks for. `by_hand`: commits are named beside it.
pub(in crate::commands) fn find(
    event: Option<Event>,
    by_hand: bool,
    session: Option<&Session>,
) -> Result<Found, Error> {
    let event = match event {
        None => return Ok(Found::Commits),
        Some(Event::Pull { pull, .. }) => return Ok(Found::Judge(vec![Subject::Pull(pull)])),
        Some(Event::Queue(group)) => return Ok(Found::Judge(vec![Subject::Group(group)])),
        // Explicit commits on a machine that happens to have an event of another kind are fine.
        Some(_) if by_hand => return Ok(Found::Commits),
        Some(Event::Other(what)) => return Err(Error::NoSubject { what }),
        Some(Event::Nothing(what)) => return Ok(Found::Nothing(what.to_owned())),
        Some(Event::Closed { number, merged, .. }) => {
            let how = if merged { "merged" } else { "closed" };
            return Ok(Found::Nothing(format!("pull request #{number} is {how}")));
        }
        Some(Event::Push { head: None, .. }) => {
            return Ok(Found::Nothing(String::from("the branch was deleted")));
        }
        Some(event) => event,
    };
    let session = session.ok_or(Error::NoToken)?;
    let ask = live(session.client(), event);
    Ok(session.run(Phase::Reading, "find the pull request", ask)?)
}

/// Asks which pull requests an event is about that does not name one.
async fn live(client: &Client, event: Event) -> Result<Found, GithubError> {
    let found = match event {
        Event::Producer(producer) => return of_producer(client, &producer).await,
        Event::Push {
            repo,
            head: Some(head),
            ..
        } => {
            let found = client.pulls_with(&repo, &head).await?;
            let found = found.into_iter().filter(|live| live.pull.head == head);
            judge(found, || {
                format!("no open pull request has {}", head.short())
            })
        }
        Event::Dispatch {
            repo,
            number: Some(number),
            ..
        } => one(client, &repo, number).await?,
        Event::Dispatch {
            repo,
            branch: Some(branch),
            ..
        } => {
            let found = client.pulls_from(&repo, &branch).await?;
            judge(found, || {
                format!(
                    "no open pull request is from `{branch}`: name one with the input `pull-request`"
                )
            })
        }
        Event::Recheck { repo, number, by } => {
            if client.may_write(&repo, &by.login).await? {
                one(client, &repo, number).await?
            } else {
                let why = format!("`{}` may not write to {repo}, so nothing is done", by.login);
                Found::Nothing(why)
            }
        }
        _ => Found::Nothing(String::from("the event is about no pull request")),
    };
    Ok(found)
}

async fn of_producer(client: &Client, producer: &Producer) -> Result<Found, GithubError> {
    let Producer {
        repo, head, group, ..
    } = producer;
    if let Some(group) = group {
        let group = vec![Subject::Group(group.clone())];
        return Ok(ended(group, producer));
    }
    // The commit says it all: what is judged is read from the live pull request.
    let ours = |live: &Live| live.pull.head == *head;
    let mut found = client.pulls_with(repo, head).await?;
    if !found.iter().any(ours) {
        // The commits of forks are not always listed there.
        found = client.open_pulls(repo).await?;
    }
    let found = judge(found.into_iter().filter(ours), || {
        format!("no open pull request has {}", head.short())
    });
    Ok(match found {
        Found::Judge(subjects) => ended(subjects, producer),
        found => found,
    })
}

/// What a run that makes evidence asks for: a verdict once it has ended.
fn ended(subjects: Vec<Subject>, producer: &Producer) -> Found {
    if producer.done {
        return Found::Judge(subjects);
    }
    Found::Wait(subjects, format!("waiting for `{}`", producer.workflow))
}

async fn one(client: &Client, repo: &RepoName, number: u64) -> Result<Found, GithubError> {
    let live = client.pull(repo, number).await?;
    Ok(judge([live], || {
        format!("pull request #{number} is not open")
    }))
}

fn judge(found: impl IntoIterator<Item = Live>, none: impl Fn() -> String) -> Found {
    let open: Vec<Subject> = found
        .into_iter()
        .filter(|live| live.open)
        .map(|live| Subject::Pull(live.pull))
        .collect();
    if open.is_empty() {
        Found::Nothing(none())
    } else {
        Found::Judge(open)
    }
}

/// Takes the base branch as it is now: the event's word for it may be old.
pub(in crate::commands) fn with_tip(
    subject: &Subject,
    session: &Session,
) -> Result<Subject, Error> {
    let Subject::Pull(pull) = subject else {
        return Ok(subject.clone());
    };
    let ask = session.client().tip(&pull.repo, &pull.base_ref);
    let tip = session.run(Phase::Reading, "find the tip of the base branch", ask)?;
    let base = tip.ok_or_else(|| Error::NoBase {
        branch: pull.base_ref.clone(),
    })?;
    Ok(Subject::Pull(PullRequest {
        base,
        ..pull.clone()
    }))
}
