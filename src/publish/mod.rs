//! Delivers a finished result: step outputs, step summary, comment, commit status, check run.
//!
//! Called at the start and at the end of a check. Decides nothing about the verdict; a part that cannot be
//! delivered never stops the next one.

mod check_run;
mod comment;
mod error;
mod standing;
mod status;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use check_run::{Annotation, CheckRun, Conclusion, Level};
#[cfg(any(test, fuzzing))]
pub(crate) use comment::Marker;
pub(crate) use comment::{Keep, Note};
pub(crate) use error::PublishError;
pub(crate) use standing::Standing;
pub(crate) use status::{State, Status};

use std::borrow::Cow;
use std::cell::OnceCell;

use comment::Written;

use crate::environment::{Environment, Run};
use crate::github::session::{Phase, Session};
use crate::github::{GithubError, Subject};

/// A finished result, rendered for every place that it goes to.
#[derive(Debug, Clone)]
pub(crate) struct Publication {
    /// Whether the change touches anything governed.
    pub(crate) governed: bool,
    /// The comment; none where the policy says so.
    pub(crate) comment: Option<Note>,
    /// The verdict.
    pub(crate) status: Status,
    /// The step's outputs by name.
    pub(crate) outputs: Vec<(&'static str, String)>,
    /// The step summary's Markdown.
    pub(crate) summary: String,
    /// The check run, where the policy wants one.
    pub(crate) check_run: Option<CheckRun>,
}

/// What became of one part.
#[derive(Debug)]
pub(crate) enum Part {
    /// It is where it should be, and how it got there.
    Done(&'static str),
    /// There was nothing to do, and why.
    Skipped(Cow<'static, str>),
    /// It is left to another run, or to nobody: why this one may not write any more.
    Left(Cow<'static, str>),
    /// It could not be delivered.
    Failed(PublishError),
}

impl Part {
    const fn skipped(why: &'static str) -> Self {
        Self::Skipped(Cow::Borrowed(why))
    }
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
    /// The check run, where the policy wants one.
    pub(crate) check_run: Option<Part>,
    /// The live state could not be seen, so that the status says that instead of the verdict.
    pub(crate) blind: bool,
}

impl Delivered {
    /// The parts by name, in the order in which they were tried.
    pub(crate) fn parts(&self) -> Vec<(&'static str, &Part)> {
        let mut parts = vec![
            ("outputs", &self.outputs),
            ("summary", &self.summary),
            ("comment", &self.comment),
            ("status", &self.status),
        ];
        parts.extend(self.check_run.iter().map(|part| ("check run", part)));
        parts
    }

    /// Everything that went wrong.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &PublishError> {
        self.parts().into_iter().filter_map(|(_, part)| match part {
            Part::Failed(error) => Some(error),
            Part::Done(_) | Part::Skipped(_) | Part::Left(_) => None,
        })
    }
}

/// Where remote parts go.
pub(crate) struct Place<'a> {
    /// The connection.
    pub(crate) session: &'a Session,
    /// What is judged.
    pub(crate) subject: &'a Subject,
    /// The run that judges it.
    pub(crate) run: Run,
    /// Whether the run may still write, once that was asked.
    may_write: OnceCell<Result<Standing, GithubError>>,
}

/// Says that a verdict is on its way: sets the status to pending, unless what is to be judged
/// is outdated already.
pub(crate) fn announce(place: &Place<'_>, status: &Status) -> Result<Standing, GithubError> {
    place.session.run(Phase::Reading, "set the status", async {
        let standing = place.standing(&status.context, true).await?;
        if standing != Standing::Current {
            return Ok(standing);
        }
        let client = place.session.client();
        Ok(
            match status::write(client, place.subject, status, place.run).await? {
                status::Written::Set => Standing::Current,
                status::Written::Newer(run) => Standing::Newer(run),
            },
        )
    })
}

/// Writes a step's outputs once more, so that they are the ones that count.
pub(crate) fn outputs(outputs: &[(&'static str, String)], environment: &Environment) {
    drop(step::write_outputs(
        outputs,
        environment.output_file.as_deref(),
    ));
}

/// Delivers everything that can be delivered here.
///
/// Outputs and summary go to files, so they come first and need no network. The comment
/// comes before the status, so that whoever sees the verdict can read why; the check run comes
/// last, so that its trouble takes no time from the verdict.
pub(crate) fn deliver(
    publication: &Publication,
    place: Result<Place<'_>, &'static str>,
    environment: &Environment,
) -> Delivered {
    let outputs = step::write_outputs(&publication.outputs, environment.output_file.as_deref());
    let summary = step::append_summary(&publication.summary, environment.summary_file.as_deref());
    let remote = match place {
        Ok(place) => place.deliver(publication),
        Err(why) => Remote::of(publication, || Part::skipped(why)),
    };
    Delivered {
        outputs,
        summary,
        comment: remote.comment,
        status: remote.status,
        check_run: remote.check_run,
        blind: remote.blind,
    }
}

/// What became of the parts that go to GitHub.
struct Remote {
    comment: Part,
    status: Part,
    check_run: Option<Part>,
    /// The live state could not be seen, so that the status says that instead of the verdict.
    blind: bool,
}

impl Remote {
    /// None of the parts is written, since this run may not any more.
    fn left(publication: &Publication, why: impl Into<Cow<'static, str>>) -> Self {
        let why = why.into();
        Self::of(publication, || Part::Left(why.clone()))
    }

    /// The same for every part that is wanted.
    fn of(publication: &Publication, part: impl Fn() -> Part) -> Self {
        Self {
            comment: part(),
            status: part(),
            check_run: publication.check_run.as_ref().map(|_| part()),
            blind: false,
        }
    }
}

impl<'a> Place<'a> {
    /// Where a run publishes what it says of a subject.
    pub(crate) const fn new(session: &'a Session, subject: &'a Subject, run: Run) -> Self {
        Self {
            session,
            subject,
            run,
            may_write: OnceCell::new(),
        }
    }

    /// Whether the run may still write, once there is a verdict. Asked once: what is recorded
    /// and what is published rest on the same answer. `ordered`: also whether a newer run has
    /// set the status of this name.
    pub(crate) fn may_write(&self, context: &str, ordered: bool) -> Result<Standing, GithubError> {
        let ask = || {
            let ask = self.standing(context, ordered);
            self.session.run(Phase::Comment, "find the live state", ask)
        };
        self.may_write.get_or_init(ask).clone()
    }

    async fn standing(&self, context: &str, ordered: bool) -> Result<Standing, GithubError> {
        let client = self.session.client();
        match standing::ask(client, self.subject).await? {
            Standing::Current if ordered => {
                standing::order(client, self.subject, context, self.run).await
            }
            standing => Ok(standing),
        }
    }

    fn deliver(&self, publication: &Publication) -> Remote {
        let context = &publication.status.context;
        // Where nothing governed changed, the comment tells which run is newer, and without
        // one both say the same.
        let ordered = publication.governed || publication.comment.is_none();
        match self
            .may_write(context, ordered)
            .map(|standing| standing.why_not())
        {
            Ok(None) => self.write(publication, ordered),
            Ok(Some(why)) => Remote::left(publication, why),
            Err(error) => self.blocked(publication, error),
        }
    }

    /// What cannot be seen may be outdated, so nobody may merge on it; but a status must not
    /// stay pending either.
    fn blocked(&self, publication: &Publication, error: GithubError) -> Remote {
        let wanted = &publication.status;
        let client = self.session.client();
        let order = standing::order(client, self.subject, &wanted.context, self.run);
        if let Ok(Standing::Newer(run)) =
            self.session.run(Phase::Comment, "find a newer run", order)
        {
            let why = Standing::Newer(run).why_not().unwrap_or_default();
            return Remote::left(publication, why);
        }
        let blocked = Status {
            state: State::Error,
            description: format!("could not publish: {error}"),
            ..wanted.clone()
        };
        let status = self.status(&blocked);
        Remote {
            comment: Part::Failed(error.into()),
            status,
            check_run: None,
            blind: true,
        }
    }

    fn write(&self, publication: &Publication, ordered: bool) -> Remote {
        let comment = self.comment(publication);
        // Where the statuses say which run is newer, the comment has no say.
        if !ordered && matches!(comment, Ok(Some(Written::NewerOfSameHead))) {
            return Remote::left(publication, "a newer run has judged the same commit");
        }
        Remote {
            comment: match comment {
                Ok(Some(written)) => written.part(),
                Ok(None) => Part::skipped("no comment is wanted"),
                Err(error) => Part::Failed(error),
            },
            status: self.status(&publication.status),
            check_run: self.check_run(publication),
            blind: false,
        }
    }

    fn comment(&self, publication: &Publication) -> Result<Option<Written>, PublishError> {
        let (Subject::Pull(pull), Some(note)) = (self.subject, &publication.comment) else {
            return Ok(None);
        };
        let job = comment::Job {
            client: self.session.client(),
            pull,
            run: self.run,
        };
        comment::write(self.session, &job, note).map(Some)
    }

    fn status(&self, status: &Status) -> Part {
        let write = status::write(self.session.client(), self.subject, status, self.run);
        let written = self.session.run(Phase::Rest, "set the status", write);
        match written {
            Ok(status::Written::Set) => Part::Done("set"),
            Ok(status::Written::Newer(run)) => {
                Part::Left(Standing::Newer(run).why_not().unwrap_or_default().into())
            }
            Err(error) => Part::Failed(error.into()),
        }
    }

    fn check_run(&self, publication: &Publication) -> Option<Part> {
        let wanted = publication.check_run.as_ref()?;
        let write = check_run::write(self.session.client(), self.subject, (wanted, self.run));
        let written = self.session.run(Phase::Rest, "write the check run", write);
        Some(written.map_or_else(|error| Part::Failed(error.into()), Part::Done))
    }
}
