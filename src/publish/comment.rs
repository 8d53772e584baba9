//! The one comment on a pull request: found by its first line and its author, then updated.
//!
//! It is a view and never a store: nothing in it is trusted but the run that wrote it, and
//! that only in a comment of our own.

use super::Part;
use super::error::PublishError;
use crate::environment::{Run, Token};
use crate::git::CommitSha;
use crate::github::comments::Comment;
use crate::github::viewer::Viewer;
use crate::github::{Client, GithubError, PullRequest};

/// The most that is sent, marker included: GitHub takes 65,536, counted one way or another.
const MAX_BYTES: usize = 65_000;
const MARKER_START: &str = "<!-- gatecard:v1 key=default run=";

/// What became of the comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The policy wants none.
    Off,
    /// It is new.
    Created,
    /// It was replaced.
    Updated,
    /// It said the same already.
    Unchanged,
    /// A newer run has written it, for another commit.
    Newer,
    /// A newer run has written it, for the same commit.
    NewerOfSameHead,
}

impl Written {
    /// The same in words.
    pub(super) const fn part(self) -> Part {
        match self {
            Self::Off => Part::Skipped("no comment is wanted"),
            Self::Created => Part::Done("created"),
            Self::Updated => Part::Done("updated"),
            Self::Unchanged => Part::Done("unchanged"),
            Self::Newer | Self::NewerOfSameHead => {
                Part::Skipped("a newer run has written the comment")
            }
        }
    }
}

/// Where the comment goes and who writes it.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) graphql_url: &'a str,
    pub(super) pull: &'a PullRequest,
    pub(super) run: Run,
}

/// Writes the comment: makes it, updates it in place, or leaves it.
pub(super) async fn write(
    job: &Job<'_>,
    token: &Token,
    body: &str,
) -> Result<Written, PublishError> {
    let marker = Marker {
        run: job.run,
        head: job.pull.head.clone(),
    };
    let text = format!("{marker}\n{body}");
    if text.len() > MAX_BYTES {
        return Err(PublishError::TooLarge {
            what: "comment",
            size: text.len(),
            limit: MAX_BYTES,
        });
    }
    let limit = job.client.patience().comment;
    let late = |_| GithubError::timeout("write the comment", "pull-requests: write", limit);
    let work = async {
        let viewer = ask_viewer(job, token).await?;
        insist(job, &viewer, &marker, &text).await
    };
    Ok(tokio::time::timeout(limit, work).await.map_err(late)??)
}

async fn ask_viewer(job: &Job<'_>, token: &Token) -> Result<Viewer, GithubError> {
    let url = job.graphql_url;
    let base = url.strip_suffix("/graphql").unwrap_or(url);
    let graphql = Client::connect(base, token, job.client.patience())?;
    Viewer::ask(job.client, &graphql).await
}

/// Writes until it is certain that the comment is there once. After a lost answer the list is
/// read again, since the write may have happened.
async fn insist(
    job: &Job<'_>,
    viewer: &Viewer,
    marker: &Marker,
    text: &str,
) -> Result<Written, GithubError> {
    let mut pauses = job.client.patience().pauses.iter();
    let mut lost = None;
    loop {
        let own = own(job.client.comments(job.pull).await?, viewer);
        let error = match write_once(job, &own, marker, text).await {
            Ok(Written::Unchanged) => return Ok(lost.unwrap_or(Written::Unchanged)),
            Ok(written) => return Ok(written),
            Err(error) => error,
        };
        // An update that finds no comment any more starts over as well.
        let gone = matches!(error, GithubError::Refused { status: 404, .. }) && !own.is_empty();
        let pause = pauses.next().filter(|_| gone || error.is_uncertain());
        let Some(pause) = pause else {
            return Err(error);
        };
        lost = Some(if own.is_empty() {
            Written::Created
        } else {
            Written::Updated
        });
        tokio::time::sleep(*pause).await;
    }
}

async fn write_once(
    job: &Job<'_>,
    own: &[(Marker, Comment)],
    marker: &Marker,
    text: &str,
) -> Result<Written, GithubError> {
    let Job { client, pull, .. } = job;
    let Some(((_, oldest), duplicates)) = own.split_first() else {
        client.create_comment(pull, text).await?;
        return Ok(Written::Created);
    };
    let newest = own.iter().map(|(known, _)| known).max_by_key(|m| m.run);
    if let Some(newest) = newest.filter(|newest| newest.run > marker.run) {
        return Ok(if newest.head == marker.head {
            Written::NewerOfSameHead
        } else {
            Written::Newer
        });
    }
    let same = oldest.body.as_deref().map(content) == Some(content(text));
    if !same {
        client.update_comment(&pull.repo, oldest.id, text).await?;
    }
    for (_, duplicate) in duplicates {
        client.delete_comment(&pull.repo, duplicate.id).await?;
    }
    Ok(if same {
        Written::Unchanged
    } else {
        Written::Updated
    })
}

/// Returns our own comments, oldest first. A marker in somebody else's comment is no marker.
fn own(comments: Vec<Comment>, viewer: &Viewer) -> Vec<(Marker, Comment)> {
    comments
        .into_iter()
        .filter(|comment| comment.user.as_ref().is_some_and(|user| viewer.is(user)))
        .filter_map(|comment| {
            let marker = Marker::parse(comment.body.as_deref()?.lines().next()?)?;
            Some((marker, comment))
        })
        .collect()
}

/// Everything but the first line, which changes with every run. Editing in a browser turns
/// line ends into CRLF.
fn content(text: &str) -> String {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    rest.replace("\r\n", "\n").trim_end().to_owned()
}

/// The first line of the comment: that it is ours, and which run wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marker {
    run: Run,
    head: CommitSha,
}

impl Marker {
    /// Reads a first line, which must be a marker and nothing else.
    fn parse(line: &str) -> Option<Self> {
        let fields = line.strip_prefix(MARKER_START)?.strip_suffix(" -->")?;
        let (run, head) = fields.split_once(" head=")?;
        let (id, attempt) = run.split_once('.')?;
        let marker = Self {
            run: Run {
                id: id.parse().ok()?,
                attempt: attempt.parse().ok()?,
            },
            head: CommitSha::parse(head)?,
        };
        // `+1` and `01` are numbers too, but nothing that is written here.
        (marker.to_string() == line).then_some(marker)
    }
}

impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MARKER_START}{} head={} -->", self.run, self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_the_whole_first_line_or_none() {
        let head = "a".repeat(40);
        let line = format!("<!-- gatecard:v1 key=default run=12.3 head={head} -->");
        let marker = Marker::parse(&line).unwrap();
        assert_eq!(marker.run, Run { id: 12, attempt: 3 });
        assert_eq!(marker.to_string(), line);
        for other in [
            format!("{line} "),
            format!(" {line}"),
            line.replace("default", "other"),
            line.replace("v1", "v2"),
            line.replace("12.3", "12"),
            line.replace("12.3", "+12.3"),
            line.replace("12.3", "99999999999999999999.1"),
            line.replace("aaaa", "AAAA"),
            format!("> {line}"),
        ] {
            assert_eq!(Marker::parse(&other), None, "{other}");
        }
    }

    #[test]
    fn content_is_what_follows_the_first_line() {
        assert_eq!(content("marker\nbody\nmore\n"), "body\nmore");
        assert_eq!(content("marker\r\nbody\r\nmore"), "body\nmore");
        assert_eq!(content("marker"), "");
    }
}
