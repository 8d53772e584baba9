//! `gatecard check`: event → policy → change set → evidence → scorecard → verdict → publish.

mod check_run;
mod evaluate;
mod publication;
mod recording;
mod render;
mod request;
#[cfg(test)]
mod tests;

pub(super) use evaluate::{Prepared, judge, prepare};
pub(super) use request::{Request, revisions, wanted};

use chrono::{DateTime, Utc};

use super::Context;
use super::live::evidence::{self, Gathered};
use super::live::reviews::{self, Asked};
use super::live::subject::{self, Found};
use super::live::{self, queue, supply};
use crate::cli::CheckArgs;
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::git::CommitSha;
use crate::github::Subject;
use crate::github::attestation::Verifier;
use crate::github::session::Session;
use crate::publish::{self, Place, Standing};
use evaluate::Checked;
use render::Target;
use request::JobResult;

/// What one run of the command works with.
struct Task<'a> {
    args: &'a CheckArgs,
    targets: Vec<Target>,
    job_result: JobResult,
    session: Option<Session>,
    /// When the event shows a commit to be the head of its pull request.
    seen: Option<(CommitSha, DateTime<Utc>)>,
}

/// How judging one subject ended.
enum Judged {
    /// With a verdict.
    Checked(Box<Checked>),
    /// Before it, since the verdict would be about nothing that is still there.
    Outdated(Standing),
    /// Before it, since evidence is still being made: what is waited for.
    Waiting(String),
}

/// What judging one subject came to.
#[derive(Default)]
struct Ran {
    /// The job's exit code.
    exit: u8,
    /// That of the verdict.
    verdict: u8,
    /// The step's outputs.
    outputs: Vec<(&'static str, String)>,
}

/// What is judged on GitHub.
struct About {
    subject: Option<Subject>,
    /// Whether its base is the branch's tip as it is now, and not only as the event saw it.
    confirmed: bool,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let event = live::event(args.change.event.as_deref(), context.environment)?;
    let task = Task {
        args,
        targets: render::targets(&args.format)?,
        job_result: request::job_result(args, context.environment)?,
        session: request::session(args, event.is_some(), context)?,
        seen: live::seen(event.as_ref()),
    };
    match subject::find(event, args.change.base.is_some(), task.session.as_ref())? {
        Found::Commits => task.verdict(None, context).map(|ran| ran.exit),
        Found::Judge(subjects) => {
            let mut all = Vec::new();
            let mut failed = None;
            for subject in subjects {
                match task.verdict(Some(subject), context) {
                    Ok(ran) => all.push(ran),
                    // The other pull requests still get their verdicts.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if let Some(error) = failed {
                return Err(error);
            }
            // Of several pull requests the job has the worst result, and so have its outputs:
            // the last ones count.
            all.sort_by_key(|ran| ran.verdict);
            if let [_, .., worst] = all.as_slice() {
                publish::outputs(&worst.outputs, context.environment);
            }
            Ok(all.iter().map(|ran| ran.exit).max().unwrap_or_default())
        }
        Found::Wait(subjects, what) => Ok(task.wait(subjects, &what, context)),
        Found::Nothing(why) => {
            context.note(&format!("nothing to judge: {why}"));
            Ok(0)
        }
    }
}

/// Prepares and judges in one go.
pub(super) fn evaluate(request: &Request) -> Result<Checked, Error> {
    judge(request, prepare(request)?)
}

impl Task<'_> {
    /// Judges, publishes and shows.
    fn verdict(&self, subject: Option<Subject>, context: &mut Context<'_>) -> Result<Ran, Error> {
        let mut about = About {
            subject,
            confirmed: false,
        };
        let mut checked = match self.judge(&mut about, context) {
            Ok(Judged::Outdated(standing)) => {
                let why = standing.why_not().unwrap_or_default();
                context.note(&format!("nothing was written: {why}"));
                let exit = self.job_result.outdated(&standing);
                return Ok(Ran {
                    exit,
                    ..Ran::default()
                });
            }
            Ok(Judged::Waiting(what)) => {
                let exit = self.wait(about.subject.into_iter().collect(), &what, context);
                return Ok(Ran {
                    exit,
                    ..Ran::default()
                });
            }
            Ok(Judged::Checked(checked)) => Ok(checked),
            Err(error) => Err(error),
        };
        let environment = context.environment;
        let range = checked
            .as_ref()
            .ok()
            .map(|checked| checked.report.range.clone());
        let place = match &about.subject {
            None => Err(publication::NO_SUBJECT),
            Some(subject) if !publication::is_allowed(self.args, subject, range.as_ref()) => {
                Err("other commits than the pull request's were judged")
            }
            Some(subject) => self.place(subject, environment).ok_or("there is no token"),
        };
        // First: a verdict that nobody can see yet can still be withheld.
        if let Ok(checked) = &mut checked {
            self.record(checked, &about, place.as_ref().ok(), context);
        }
        let ending = publication::ending(&checked, self.args, &about, environment);
        let published = publication::publish(&ending.publication, place, context);
        // Shown last: a report that cannot be written must not leave the status pending.
        match &checked {
            Ok(checked) => render::report(&self.targets, &checked.report, context)?,
            Err(error) => {
                context.console.explain(error);
                render::unfinished(&self.targets, error, context)?;
            }
        }
        let own = self.job_result.code(&ending, published);
        if own == 0 && ending.code != 0 {
            context.note("note: the commit status says the verdict and blocks; the job succeeds, as `job-result: status` has it");
        }
        Ok(Ran {
            exit: own,
            verdict: ending.code,
            outputs: ending.publication.outputs,
        })
    }

    fn place<'p>(&'p self, subject: &'p Subject, environment: &Environment) -> Option<Place<'p>> {
        let session = self.session.as_ref()?;
        Some(Place::new(session, subject, environment.run))
    }

    /// The way to a verdict, up to where it turns out that nobody needs it any more.
    fn judge(&self, about: &mut About, context: &mut Context<'_>) -> Result<Judged, Error> {
        if let (Some(found), Some(session)) = (about.subject.as_mut(), &self.session) {
            *found = subject::with_tip(found, session)?;
            about.confirmed = true;
        }
        let subject = about.subject.as_ref();
        let mut request = request::read(self.args, context, subject)?;
        let place = subject.and_then(|subject| self.place(subject, context.environment));
        let unfetched = place.as_ref().and_then(|place| {
            let commits = (place.subject.base(), place.subject.head());
            supply::complete(&request.repo, commits, place.subject, context)
        });
        let mut prepared = prepare(&request).map_err(|error| error.unfetched(unfetched))?;
        let wanted = |place: &Place<'_>| {
            !prepared.changes.is_empty()
                && publication::is_allowed(self.args, place.subject, Some(&prepared.range))
        };
        if let Some(place) = place.filter(wanted) {
            let name = prepared.rules.status_name();
            let status = publication::pending("judging", name, place.subject, context.environment);
            match publish::announce(&place, &status) {
                Ok(Standing::Current) => {}
                Ok(standing) => return Ok(Judged::Outdated(standing)),
                // A token that may only read still gets its verdict in the summary.
                Err(error) => context.note(&format!("note: {error}")),
            }
            if let Some((branch, _)) = prepared.rules.ledger() {
                live::ledger::follow(&place, (&prepared.repo, branch), context);
            }
            let what = self.ask(&mut request, &place, &mut prepared, context)?;
            if let Some(what) = what {
                return Ok(Judged::Waiting(what));
            }
        }
        Ok(Judged::Checked(Box::new(judge(&request, prepared)?)))
    }

    /// Gets the evidence that is on GitHub, and asks who reviewed what would be merged, and in a
    /// merge queue who made it. Returns what must be waited for.
    fn ask(
        &self,
        request: &mut Request,
        place: &Place<'_>,
        prepared: &mut Prepared,
        context: &mut Context<'_>,
    ) -> Result<Option<String>, Error> {
        let Place {
            session, subject, ..
        } = place;
        let pulls = reviews::pulls(session, subject, prepared, context)?;
        let sources = &prepared.rules.policy.evidence.sources;
        let remote = sources.iter().any(|source| source.origin.is_remote());
        if remote && prepared.changes.need_evidence() {
            let folder = request.folder.insert(files::temporary()?);
            let asked = evidence::Asked {
                session,
                subject,
                pulls: &pulls,
                seen: self.seen.as_ref(),
                server_url: &context.environment.server_url,
                verifier: &Verifier::new(context.environment),
                run: context.environment.run.id,
                now: request.now,
            };
            match evidence::gather(&asked, prepared, folder.path()) {
                Gathered::All(supplies) => request.supplies = supplies,
                Gathered::Wait(what) => return Ok(Some(what)),
            }
        }
        let asked = Asked {
            session,
            subject,
            pulls: &pulls,
            seen: self.seen.as_ref(),
        };
        request.approvals = reviews::known(&asked, prepared, context)?;
        if let Subject::Group(_) = subject {
            request.together = queue::made_together(prepared, &pulls)?;
        }
        Ok(None)
    }

    /// Sets the status to pending while something still runs that a verdict needs.
    fn wait(&self, subjects: Vec<Subject>, what: &str, context: &mut Context<'_>) -> u8 {
        let outputs = [("verdict", String::from("pending"))];
        publish::outputs(&outputs, context.environment);
        let mut code = 0;
        for subject in subjects {
            let Some(session) = &self.session else {
                continue;
            };
            let subject = match subject::with_tip(&subject, session) {
                Ok(subject) => subject,
                Err(error) => {
                    context.note(&format!("error: status: not written, {error}"));
                    code = error.exit_code();
                    continue;
                }
            };
            let commits = (subject.base(), subject.head());
            supply::complete(&self.args.change.repo, commits, &subject, context);
            let environment = context.environment;
            let place = self.place(&subject, environment);
            let status = publication::waiting(what, self.args, &subject, environment);
            let Some((place, status)) = place.zip(status) else {
                context.note("status: not written, since the policy that names it cannot be read");
                continue;
            };
            context.note(&match publish::announce(&place, &status) {
                Ok(standing) => match standing.why_not() {
                    None => format!("status: pending, {what}"),
                    Some(why) => format!("status: not written, {why}"),
                },
                Err(error) => {
                    code = 4;
                    format!("error: status: {error}; {}", error.hint())
                }
            });
        }
        code
    }
}
