//! The one comment on a pull request: found by its first line and its author, then updated
//! in place or made anew.
//!
//! It is a view and never a store: nothing in it is trusted but the run that wrote it, and
//! that only in a comment of our own.

use super::Part;
use super::error::PublishError;
use crate::environment::Run;
use crate::git::CommitSha;
use crate::github::comments::Comment;
use crate::github::session::{Phase, Session};
use crate::github::{Client, GithubError, PullRequest};
use crate::limits::COMMENT_SENT;

const MARKER_START: &str = "<!-- gatecard:v1 key=default run=";

/// The comment that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    /// Its Markdown without the marker.
    pub(crate) body: String,
    /// How it is written.
    pub(crate) keep: Keep,
}

/// How the comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The one that is there is updated in place; where none is, it is made.
    Update,
    /// It is made anew at the end of the conversation, and older ones are removed.
    Recreate,
    /// The one that is there is brought up to date; where none is, none is made.
    IfThere,
}

/// What became of the comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// There is none that would have to be brought up to date.
    NotThere,
    /// It is new.
    Created,
    /// Its text was replaced.
    Updated,
    /// It was made anew, and the older one removed.
    Recreated,
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
            Self::NotThere => Part::skipped("there is none to bring up to date"),
            Self::Created => Part::Done("created"),
            Self::Updated => Part::Done("updated"),
            Self::Recreated => Part::Done("made anew"),
            Self::Unchanged => Part::Done("unchanged"),
            Self::Newer | Self::NewerOfSameHead => {
                Part::skipped("a newer run has written the comment")
            }
        }
    }
}

/// Where the comment goes and who writes it.
pub(super) struct Job<'a> {
    pub(super) client: &'a Client,
    pub(super) pull: &'a PullRequest,
    pub(super) run: Run,
}

/// Writes the comment, or leaves it.
pub(super) fn write(
    session: &Session,
    job: &Job<'_>,
    note: &Note,
) -> Result<Written, PublishError> {
    let marker = Marker {
        run: job.run,
        head: job.pull.head.clone(),
    };
    let text = format!("{marker}\n{}", note.body);
    if text.len() > COMMENT_SENT {
        return Err(PublishError::TooLarge {
            what: "comment",
            size: text.len(),
            limit: COMMENT_SENT,
        });
    }
    let draft = Draft {
        marker,
        text,
        keep: note.keep,
    };
    Ok(session.run(Phase::Comment, "write the comment", insist(job, &draft))?)
}

/// What is to be sent.
struct Draft {
    marker: Marker,
    /// With the marker.
    text: String,
    keep: Keep,
}

/// Writes until it is certain that the comment is there once. After a lost answer the list is
/// read again, since the write may have happened.
async fn insist(job: &Job<'_>, draft: &Draft) -> Result<Written, GithubError> {
    let mut pauses = job.client.patience().pauses.iter();
    let mut lost = None;
    loop {
        let own = own(job).await?;
        let intent = draft.keep.intent(own.is_empty());
        let error = match write_once(job, &own, draft).await {
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
        lost = Some(intent);
        tokio::time::sleep(*pause).await;
    }
}

impl Keep {
    /// What a write comes to.
    const fn intent(self, first: bool) -> Written {
        match self {
            _ if first => Written::Created,
            Self::Recreate => Written::Recreated,
            Self::Update | Self::IfThere => Written::Updated,
        }
    }
}

async fn write_once(
    job: &Job<'_>,
    own: &[(Marker, Comment)],
    draft: &Draft,
) -> Result<Written, GithubError> {
    let Job { client, pull, .. } = job;
    let newest = own.iter().map(|(known, _)| known).max_by_key(|m| m.run);
    if let Some(newest) = newest.filter(|newest| newest.run > draft.marker.run) {
        return Ok(if newest.head == draft.marker.head {
            Written::NewerOfSameHead
        } else {
            Written::Newer
        });
    }
    // A new comment stands at the end, and so do those that earlier runs made anew.
    let kept = match draft.keep {
        Keep::Recreate => own.last(),
        Keep::Update | Keep::IfThere => own.first(),
    };
    let Some((_, kept)) = kept else {
        if draft.keep == Keep::IfThere {
            return Ok(Written::NotThere);
        }
        client.create_comment(pull, &draft.text).await?;
        return Ok(Written::Created);
    };
    let same = kept.body.as_deref().map(content) == Some(content(&draft.text));
    let id = match draft.keep {
        _ if same => kept.id,
        Keep::Recreate => client.create_comment(pull, &draft.text).await?.id,
        Keep::Update | Keep::IfThere => {
            client
                .update_comment(&pull.repo, kept.id, &draft.text)
                .await?
                .id
        }
    };
    for (_, other) in own.iter().filter(|(_, comment)| comment.id != id) {
        client.delete_comment(&pull.repo, other.id).await?;
    }
    Ok(if same {
        Written::Unchanged
    } else {
        draft.keep.intent(false)
    })
}

/// Returns our own comments, oldest first. A marker in somebody else's comment is no marker.
/// Who we are is asked only where there is a comment that could be ours.
async fn own(job: &Job<'_>) -> Result<Vec<(Marker, Comment)>, GithubError> {
    let mut marked: Vec<(Marker, Comment)> = job
        .client
        .comments(job.pull)
        .await?
        .into_iter()
        .filter_map(|comment| {
            let marker = Marker::parse(comment.body.as_deref()?.lines().next()?)?;
            Some((marker, comment))
        })
        .collect();
    if !marked.is_empty() {
        let viewer = job.client.viewer().await?;
        marked.retain(|(_, comment)| comment.user.as_ref().is_some_and(|user| viewer.is(user)));
    }
    Ok(marked)
}

/// Everything but the first line, which changes with every run. Editing in a browser turns
/// line ends into CRLF.
fn content(text: &str) -> String {
    let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
    rest.replace("\r\n", "\n").trim_end().to_owned()
}

/// The first line of the comment: that it is ours, and which run wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    run: Run,
    head: CommitSha,
}

impl Marker {
    /// Reads a first line, which must be a marker and nothing else.
    pub(crate) fn parse(line: &str) -> Option<Self> {
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
