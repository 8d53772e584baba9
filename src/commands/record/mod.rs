//! `gatecard record`: what a branch got, bound to the verdicts and approvals that let it.

mod amend;
mod asked;
mod steps;

use super::live::ledger::Hosted;
use super::live::{self, supply};
use super::{Context, policy_path};
use crate::cli::RecordArgs;
use crate::error::Error;
use crate::git::Repo;
use crate::ledger::append::{Appended, Signer, Store, Writer};
use crate::ledger::local::Local;
use crate::ledger::signature::SigningKey;
use crate::ledger::{Body, Draft, Entry, Ledger, LedgerError};
use crate::reason::Code;
use crate::rules::Rules;
use asked::{Asked, By};
use steps::Steps;

/// Runs the command. An ungated change is on record as well, so that it is no failure.
pub(super) fn run(args: &RecordArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    if let Some(seq) = args.amend {
        return amend::run(args, seq, context);
    }
    let repo = Repo::open(&args.repo)?;
    let asked = match Asked::find(args, &repo, context)? {
        Ok(asked) => asked,
        Err(why) => return Ok(nothing(&why, context)),
    };
    // An open repository keeps the edge of its history as it was.
    let unfetched = complete(&asked, &repo, context);
    let repo = Repo::open(&args.repo)?;
    let named = args.policy.as_deref().map(policy_path).transpose()?;
    let before = asked.before.as_ref().filter(|before| repo.has(before));
    let rules = Rules::find(
        &repo,
        before.unwrap_or(&asked.after),
        &asked.after,
        named.as_ref(),
    )
    .map_err(|error| Error::from(error).unfetched(unfetched))?;
    let Some((branch, _)) = rules.ledger() else {
        return Ok(nothing("the policy keeps no ledger", context));
    };
    let subject = asked.subject();
    let session = subject.as_ref().and(live::session(context)?);
    let store: Box<dyn Store + '_> = match session.as_ref().zip(subject.as_ref()) {
        Some(at) => Box::new(Hosted::writable(at, (&repo, branch), context)),
        None => Box::new(Local::new(&repo, branch)),
    };
    let ledger = store.tip()?.map(|tip| Ledger::at(&repo, tip));
    if let Some(why) = ungoverned(&asked, ledger.as_ref())? {
        return Ok(nothing(&why, context));
    }
    let steps = Steps {
        asked: &asked,
        repo: &repo,
        ledger: ledger.as_ref(),
        named: named.as_ref(),
        environment: context.environment,
    };
    let drafts = steps.drafts(&rules)?;
    if drafts.is_empty() {
        return Ok(nothing("nothing governed changed", context));
    }
    append(store.as_ref(), &repo, &drafts, context)?;
    Ok(0)
}

fn nothing(why: &str, context: &mut Context<'_>) -> u8 {
    context.note(&format!("nothing to record: {why}"));
    0
}

/// Gets what the clone lacks of a push.
fn complete(
    asked: &Asked,
    repo: &Repo,
    context: &mut Context<'_>,
) -> Option<crate::git::fetch::FetchError> {
    let subject = asked.subject()?;
    if let Some(before) = &asked.before {
        return supply::complete(&repo.folder(), (before, &asked.after), &subject, context);
    }
    supply::commits(repo, [&asked.after], &subject, context);
    None
}

/// Why a push is of no concern: the branch is neither the default one nor one that verdicts are
/// about.
fn ungoverned(asked: &Asked, ledger: Option<&Ledger<'_>>) -> Result<Option<String>, LedgerError> {
    let By::Push(Some(default)) = &asked.by else {
        return Ok(None);
    };
    if asked.branch == *default {
        return Ok(None);
    }
    let name = crate::ledger::name::bounded(&asked.branch);
    let entries = ledger.map(Ledger::entries).transpose()?.unwrap_or_default();
    let known = |entry: &Entry| entry.about.base_ref.as_ref() == Some(&name);
    if entries.iter().any(|stored| known(&stored.entry)) {
        return Ok(None);
    }
    let branch = &asked.branch;
    Ok(Some(format!(
        "`{branch}` is not the default branch, and nothing on record is about it"
    )))
}

/// Appends, and says what is on record now.
fn append(
    store: &dyn Store,
    repo: &Repo,
    drafts: &[Draft],
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let key = context.environment.signing_key.as_ref();
    let key = key.map(SigningKey::read).transpose()?;
    let writer = Writer {
        store,
        repo,
        signer: key.as_ref().map(|key| key as &dyn Signer),
        // An entry tells when it was appended, which may be long after the run began.
        clock: &context.clock,
        pause: &context.pause,
    };
    let Appended { entries, added, .. } = writer.append(drafts)?;
    for stored in &entries {
        context.print(&told(&stored.entry))?;
        warn(&stored.entry.body, context);
    }
    if added == 0 {
        context.print("it was on record already\n")?;
    }
    Ok(())
}

/// A number of things.
fn number(count: usize, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{ending}")
}

fn told(entry: &Entry) -> String {
    let seq = entry.seq;
    match &entry.body {
        Body::Merge(merge) => {
            let (head, prompts, files) = (&entry.about.head, &merge.prompts, &merge.files);
            let relies: Vec<String> = merge.relies_on.iter().map(u64::to_string).collect();
            let relies = match relies.as_slice() {
                [] => String::from("nothing on record"),
                some => format!("entries {}", some.join(", ")),
            };
            format!(
                "entry {seq}: commit {}, {} and {}, by {relies}\n",
                head.short(),
                number(prompts.len(), "prompt"),
                number(files.len(), "other governed file"),
            )
        }
        Body::Amend(amend) => format!("entry {seq}: entry {} supports nothing now\n", amend.amends),
        other => format!("entry {seq}: {}\n", other.kind()),
    }
}

fn warn(body: &Body, context: &mut Context<'_>) {
    let Body::Merge(merge) = body else { return };
    let prompts = merge.prompts.iter().map(|each| (&each.id, &each.ungated));
    let files = merge.files.iter().map(|each| (&each.path, &each.ungated));
    for (name, code) in prompts.chain(files) {
        let Some(code) = code else { continue };
        let known = Code::by_id(code);
        let about = known.map_or("", Code::about);
        let what = match known {
            Some(Code::FirstPolicy) => "no gate was there to ask for",
            _ => "warning: ungated change of",
        };
        context.note(&format!("{what} `{name}` [{code}]: {about}"));
    }
}
