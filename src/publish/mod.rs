//! Delivers a finished result: step outputs, step summary, comment, commit status.
//!
//! Called once at the end of a check. Decides nothing about the verdict; a part that cannot be
//! delivered never stops the next one.

mod comment;
mod error;
mod status;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use error::PublishError;
pub(crate) use status::{State, Status};

use tokio::time::Instant;

use crate::environment::{Environment, Token};
use crate::github::{Client, GithubError, Patience, PullRequest};

/// A finished result, rendered for every place that it goes to.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    /// The comment's Markdown without its marker; none where the policy says so.
    pub(crate) comment: Option<String>,
    /// The verdict.
    pub(crate) status: Status,
    /// The step's outputs by name.
    pub(crate) outputs: Vec<(&'static str, String)>,
    /// The step summary's Markdown.
    pub(crate) summary: String,
}

/// What became of one part.
#[derive(Debug)]
pub(crate) enum Part {
    /// It is where it should be, and how it got there.
    Done(&'static str),
    /// There was nothing to do, and why.
    Skipped(&'static str),
    /// It could not be delivered.
    Failed(PublishError),
}

/// What became of every part, in the order in which they were tried.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The step outputs.
    pub(crate) outputs: Part,
    /// The step summary.
    pub(crate) summary: Part,
    /// The comment on the pull request.
    pub(crate) comment: Part,
    /// The commit status: the verdict.
    pub(crate) status: Part,
}

impl Delivered {
    /// The parts by name, in the order in which they were tried.
    pub(crate) fn parts(&self) -> [(&'static str, &Part); 4] {
        [
            ("outputs", &self.outputs),
            ("summary", &self.summary),
            ("comment", &self.comment),
            ("status", &self.status),
        ]
    }

    /// Everything that went wrong.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &PublishError> {
        self.parts().into_iter().filter_map(|(_, part)| match part {
            Part::Failed(error) => Some(error),
            Part::Done(_) | Part::Skipped(_) => None,
        })
    }
}

/// Delivers everything that can be delivered here.
///
/// Outputs and summary go to files, so they come first and need no network. The comment
/// comes before the status, so that whoever sees the verdict can read why.
pub(crate) fn deliver(
    publication: &Publication,
    pull: Option<&PullRequest>,
    environment: &Environment,
) -> Delivered {
    deliver_with(publication, pull, environment, &Patience::default())
}

fn deliver_with(
    publication: &Publication,
    pull: Option<&PullRequest>,
    environment: &Environment,
    patience: &Patience,
) -> Delivered {
    let outputs = step::write_outputs(&publication.outputs, environment.output_file.as_deref());
    let summary = step::append_summary(&publication.summary, environment.summary_file.as_deref());
    let (comment, status) = match (pull, &environment.token) {
        (None, _) => both(|| Part::Skipped("no pull request")),
        (_, None) => both(|| Part::Skipped("no token")),
        (Some(pull), Some(token)) => {
            let there = There { pull, token };
            remote(publication, &there, environment, patience)
                .unwrap_or_else(|error| both(|| Part::Failed(PublishError::Github(error.clone()))))
        }
    };
    Delivered {
        outputs,
        summary,
        comment,
        status,
    }
}

/// Where remote parts go, and the key to it.
struct There<'a> {
    pull: &'a PullRequest,
    token: &'a Token,
}

/// Delivers what goes to GitHub, one after the other on this thread.
fn remote(
    publication: &Publication,
    there: &There<'_>,
    environment: &Environment,
    patience: &Patience,
) -> Result<(Part, Part), GithubError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| GithubError::Client {
            url: environment.api_url.clone(),
            message: error.to_string(),
        })?;
    runtime.block_on(async {
        let end = Instant::now() + patience.total;
        let client = Client::connect(&environment.api_url, there.token, patience)?;
        let comment = match &publication.comment {
            None => Ok(comment::Written::Off),
            Some(body) => {
                let job = comment::Job {
                    client: &client,
                    graphql_url: &environment.graphql_url,
                    pull: there.pull,
                    run: environment.run,
                };
                comment::write(&job, there.token, body).await
            }
        };
        // The newer run has looked at the same commit, so its verdict is the one to keep.
        let status = if matches!(comment, Ok(comment::Written::NewerOfSameHead)) {
            Part::Skipped("a newer run has judged the same commit")
        } else {
            let left = end.saturating_duration_since(Instant::now());
            status::write(&client, there.pull, &publication.status, left)
                .await
                .map_or_else(Part::Failed, Part::Done)
        };
        let comment = comment.map_or_else(Part::Failed, comment::Written::part);
        Ok((comment, status))
    })
}

fn both(part: impl Fn() -> Part) -> (Part, Part) {
    (part(), part())
}
