//! The check run: the report once more under the commit's checks, with annotations in the
//! changed files. It is a view; the verdict is the status.

use crate::environment::Run;
use crate::github::checks::{ANNOTATIONS_A_REQUEST, NewCheckRun, Output};
use crate::github::{Client, GithubError, Subject};
use crate::policy::CHECK_RUN;

pub(crate) use crate::github::checks::{Annotation, Conclusion, Level};

/// The report as a check run.
#[derive(Debug, Clone)]
pub(crate) struct CheckRun {
    /// What it says.
    pub(crate) conclusion: Conclusion,
    /// The headline.
    pub(crate) title: String,
    /// The Markdown.
    pub(crate) summary: String,
    /// Remarks on lines.
    pub(crate) annotations: Vec<Annotation>,
    /// Where it links to: the workflow run.
    pub(crate) details_url: Option<String>,
}

/// A check run on its way.
struct Job<'a> {
    client: &'a Client,
    subject: &'a Subject,
    /// The workflow run and attempt: what finds it again.
    id: String,
    wanted: &'a CheckRun,
}

/// Makes the check run.
pub(super) async fn write(
    client: &Client,
    subject: &Subject,
    (wanted, run): (&CheckRun, Run),
) -> Result<&'static str, GithubError> {
    let id = run.to_string();
    insist(&Job {
        client,
        subject,
        id,
        wanted,
    })
    .await
}

/// What of the check run is on GitHub.
#[derive(Clone, Copy)]
struct There {
    id: u64,
    annotations: usize,
}

/// Writes until all of it is there once. After a lost answer it is looked up first, since the
/// write may have happened.
async fn insist(job: &Job<'_>) -> Result<&'static str, GithubError> {
    let mut pauses = job.client.patience().pauses.iter();
    let mut there: Option<There> = None;
    while there.is_none_or(|there| there.annotations < job.wanted.annotations.len()) {
        there = match write_once(job, there).await {
            Ok(now) => Some(now),
            Err(error) => {
                let pause = pauses.next().filter(|_| error.is_uncertain());
                let Some(pause) = pause else {
                    return Err(error);
                };
                tokio::time::sleep(*pause).await;
                find(job).await?.or(there)
            }
        };
    }
    Ok("made")
}

async fn find(job: &Job<'_>) -> Result<Option<There>, GithubError> {
    let Job {
        client, subject, ..
    } = job;
    let known = client
        .check_runs(subject.repo(), subject.head(), CHECK_RUN)
        .await?;
    let own = known
        .into_iter()
        .find(|known| known.external_id.as_ref() == Some(&job.id));
    Ok(own.map(|run| There {
        id: run.id,
        annotations: run.output.annotations_count,
    }))
}

/// Makes it with the first annotations, or adds the next ones.
async fn write_once(job: &Job<'_>, there: Option<There>) -> Result<There, GithubError> {
    let Job {
        client, subject, ..
    } = job;
    let wanted = job.wanted;
    let sent = there.map_or(0, |there| there.annotations);
    let rest = wanted.annotations.get(sent..).unwrap_or_default();
    let next = rest.get(..ANNOTATIONS_A_REQUEST).unwrap_or(rest);
    let output = Output {
        title: &wanted.title,
        summary: &wanted.summary,
        annotations: next,
    };
    let written = if let Some(There { id, .. }) = there {
        client
            .annotate_check_run(subject.repo(), id, output)
            .await?
    } else {
        let new = NewCheckRun {
            name: CHECK_RUN,
            head_sha: subject.head().as_str(),
            external_id: &job.id,
            conclusion: wanted.conclusion,
            details_url: wanted.details_url.as_deref(),
            output,
        };
        client.create_check_run(subject.repo(), &new).await?
    };
    Ok(There {
        id: written.id,
        annotations: sent + next.len(),
    })
}
