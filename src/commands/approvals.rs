//! `gatecard approvals`: which approvals count for what would be merged, and why.

use chrono::{DateTime, Utc};

use super::check::{Prepared, revisions};
use super::live::reviews::{self, Asked};
use super::live::subject::{self, Found};
use super::live::{self, supply};
use super::{Context, policy_path};
use crate::approval::file::{self, Saved};
use crate::approval::{Approvals, Known, Plan};
use crate::cli::ApprovalsArgs;
use crate::error::Error;
use crate::git::CommitSha;
use crate::github::session::Session;
use crate::github::{Event, RepoName, Subject};
use crate::output;
use crate::rules::Rules;
use crate::untrusted::log_line;

/// Runs the command.
pub(super) fn run(args: &ApprovalsArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let live = live(args, context)?;
    let subject = live.as_ref().map(|live| &live.subject);
    let (base, head) = revisions(&args.change, subject)?;
    if let Some(subject) = subject {
        let commits = (subject.base(), subject.head());
        supply::complete(&args.change.repo, commits, subject, context);
    }
    let named = args.change.policy.as_deref().map(policy_path).transpose()?;
    let mut prepared = Prepared::of(&args.change.repo, (&base, &head), |repo, range| {
        Ok(Rules::find(repo, &range.base, &range.head, named.as_ref())?)
    })?;
    let (name, known) = match (&args.approvals, &live) {
        (Some(path), _) => {
            let saved = file::read(path)?;
            (saved.repo, Known::Observed(saved.observed))
        }
        (None, Some(live)) => {
            let Live {
                session,
                subject,
                seen,
            } = live;
            let pulls = reviews::pulls(session, subject, &mut prepared, context)?;
            let asked = Asked {
                session,
                subject,
                pulls: &pulls,
                seen: seen.as_ref(),
            };
            let known = reviews::known(&asked, &prepared, context)?;
            (subject.repo().to_string(), known)
        }
        (None, None) => {
            let why = String::from("no reviews were given");
            (String::new(), Known::Unknown(why))
        }
    };
    let Prepared {
        repo,
        range,
        rules,
        changes,
    } = &prepared;
    let plan = Plan::of(repo, range, rules, changes)?;
    let judged = plan.judge(&known)?;
    let text = match (args.format.as_str(), known) {
        ("json", Known::Observed(observed)) => {
            let saved = Saved {
                repo: name,
                observed,
            };
            let requests = output::change_requests_json(&judged);
            file::write(&saved, &output::approvals_json(&judged), &requests)
        }
        ("json", Known::Unknown(why)) => return Err(Error::NoApprovals(why)),
        _ => page(&judged),
    };
    context.print(&text)?;
    Ok(0)
}

/// What the command is about, where it is read from GitHub.
struct Live {
    session: Session,
    subject: Subject,
    /// When the event shows a commit to be the head of its pull request.
    seen: Option<(CommitSha, DateTime<Utc>)>,
}

fn live(args: &ApprovalsArgs, context: &Context<'_>) -> Result<Option<Live>, Error> {
    if args.approvals.is_some() {
        return Ok(None);
    }
    let event = match args.pull {
        Some(number) => Some(Event::Dispatch {
            repo: repository(number, context)?,
            number: Some(number),
            branch: None,
        }),
        None => live::event(args.change.event.as_deref(), context.environment)?,
    };
    let session = live::session(context)?;
    if let (Some(number), None) = (args.pull, &session) {
        return Err(Error::Unset {
            lacking: format!("no token to read pull request {number} with"),
            set: "GITHUB_TOKEN",
        });
    }
    let Some((event, session)) = event.zip(session) else {
        return Ok(None);
    };
    let seen = live::seen(Some(&event));
    let found = subject::find(Some(event), args.change.base.is_some(), Some(&session))?;
    let Found::Judge(subjects) = found else {
        return Ok(None);
    };
    let Some(subject) = subjects.first() else {
        return Ok(None);
    };
    let subject = subject::with_tip(subject, &session)?;
    Ok(Some(Live {
        session,
        subject,
        seen,
    }))
}

/// The repository that a number is of.
fn repository(number: u64, context: &Context<'_>) -> Result<RepoName, Error> {
    let named = context.environment.repository.as_deref();
    named.and_then(RepoName::parse).ok_or_else(|| Error::Unset {
        lacking: format!("no repository to read pull request {number} of"),
        set: "GITHUB_REPOSITORY to owner/name",
    })
}

fn page(approvals: &Approvals) -> String {
    let mut text = String::new();
    if approvals.decisions.is_empty() {
        text.push_str("nothing in this change needs an approval\n");
    }
    if let Some(why) = &approvals.unknown {
        text.push_str(&format!("approvals are not known: {}\n", log_line(why)));
    }
    for line in output::approvals_text(approvals) {
        text.push_str(&line);
        text.push('\n');
    }
    for note in &approvals.notes {
        text.push_str(&format!("note: {}\n", log_line(note)));
    }
    text
}
