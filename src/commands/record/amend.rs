//! `gatecard record --amend`: says that an entry is wrong.

use super::append;
use crate::cli::RecordArgs;
use crate::commands::{Context, policy_path};
use crate::error::Error;
use crate::git::Repo;
use crate::ledger::append::Store as _;
use crate::ledger::entry::Amend;
use crate::ledger::local::Local;
use crate::ledger::{About, Body, Draft, Ledger};
use crate::limits::LEDGER_REASON;
use crate::recording;
use crate::rules::Rules;

/// Appends the correction.
pub(super) fn run(args: &RecordArgs, seq: u64, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.repo)?;
    let reason = reason(args.reason.as_deref().unwrap_or_default())?;
    let head = repo.resolve("HEAD")?;
    let named = args.policy.as_deref().map(policy_path).transpose()?;
    let rules = Rules::find(&repo, &head, &head, named.as_ref())?;
    let store = Local::new(&repo, &rules.policy.ledger.branch);
    let ledger = store.tip()?.map(|tip| Ledger::at(&repo, tip));
    let entries = ledger.as_ref().map(Ledger::entries).transpose()?;
    let entries = entries.unwrap_or_default();
    let wrong = entries.iter().find(|stored| stored.entry.seq == seq);
    let about = match wrong.map(|stored| (&stored.entry.body, &stored.entry.about)) {
        Some((Body::Amend(_), _)) => return Err(usage(seq, "an amendment, which only takes away")),
        Some((_, about)) => about,
        None => return Err(usage(seq, "no such entry")),
    };
    let by = recording::about(context.environment, about.base.clone(), about.head.clone());
    let draft = Draft {
        about: About {
            actor: by.actor,
            workflow: by.workflow,
            tool: by.tool,
            ..about.clone()
        },
        body: Body::Amend(Amend {
            amends: seq,
            reason,
        }),
    };
    append(&store, &repo, &[draft], context)?;
    Ok(0)
}

fn usage(seq: u64, found: &str) -> Error {
    Error::Usage {
        what: "--amend",
        found: format!("{seq}, {found}"),
        expected: String::from("the number of another entry of the ledger"),
    }
}

/// A reason that can stand in one line.
fn reason(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let plain = !text.chars().any(char::is_control);
    if text.is_empty() || text.len() > LEDGER_REASON || !plain {
        return Err(Error::Usage {
            what: "--reason",
            found: crate::untrusted::shorten(&crate::untrusted::log_line(text), 80),
            expected: format!("one line of at most {LEDGER_REASON} bytes"),
        });
    }
    Ok(text.to_owned())
}
