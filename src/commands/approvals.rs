//! `gatecard approvals`: which approvals count for what would be merged, and why.

use super::check::{Prepared, revisions};
use super::live::one::Live;
use super::live::reviews::{self, Asked};
use super::live::supply;
use super::{Context, policy_path};
use crate::approval::file::{self, Saved};
use crate::approval::{Approvals, Known, Plan};
use crate::cli::ApprovalsArgs;
use crate::error::Error;
use crate::output;
use crate::rules::Rules;

/// Runs the command.
pub(super) fn run(args: &ApprovalsArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let live = match &args.approvals {
        Some(_) => None,
        None => Live::find(args.pull, &args.change, context)?,
    };
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
    let (name, known) = known(args, live.as_ref(), &mut prepared, context)?;
    let Prepared {
        repo,
        range,
        rules,
        changes,
    } = &prepared;
    let plan = Plan::of(repo, range, rules, changes)?;
    let judged = plan.judge(&known)?;
    match (args.format.as_str(), known) {
        ("json", Known::Observed(observed)) => {
            let saved = Saved {
                repo: name,
                observed,
            };
            let requests = output::change_requests_json(&judged);
            let text = file::write(&saved, &output::approvals_json(&judged), &requests);
            context.print_data(&text)?;
        }
        ("json", Known::Unknown(why)) => return Err(Error::NoApprovals(why)),
        _ => context.print(&page(&judged))?,
    }
    Ok(0)
}

/// What is known of the reviews, and of which repository they are.
fn known(
    args: &ApprovalsArgs,
    live: Option<&Live>,
    prepared: &mut Prepared,
    context: &mut Context<'_>,
) -> Result<(String, Known), Error> {
    Ok(match (&args.approvals, live) {
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
            let pulls = reviews::pulls(session, subject, prepared, context)?;
            let asked = Asked {
                session,
                subject,
                pulls: &pulls,
                seen: seen.as_ref(),
            };
            let known = reviews::known(&asked, prepared, context)?;
            (subject.repo().to_string(), known)
        }
        (None, None) => {
            let why = String::from("no reviews were given");
            (String::new(), Known::Unknown(why))
        }
    })
}

fn page(approvals: &Approvals) -> String {
    let mut text = String::new();
    if approvals.decisions.is_empty() {
        text.push_str("nothing in this change needs an approval\n");
    }
    if let Some(why) = &approvals.unknown {
        text.push_str(&format!("approvals are not known: {}\n", why.log()));
    }
    for line in output::approvals_text(approvals) {
        text.push_str(&line);
        text.push('\n');
    }
    for note in &approvals.notes {
        text.push_str(&format!("note: {}\n", note.log()));
    }
    text
}
