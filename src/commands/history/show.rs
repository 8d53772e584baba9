//! `gatecard show`: one entry of the ledger, as it stands there.

use super::{History, told};
use crate::cli::ShowArgs;
use crate::commands::Context;
use crate::error::Error;
use crate::git::Repo;
use crate::ledger::{Ledger, Stored};
use crate::untrusted::log_line;

/// The least that names an entry by its digest, in hexadecimal characters.
const SHORTEST: usize = 12;

/// How an entry is named: by number, by the start of its digest, or by both.
struct Named {
    seq: Option<u64>,
    digest: String,
}

impl Named {
    /// Reads `2`, `0123456789ab`, `2:0123456789ab`. What is short enough for a number is one.
    fn read(text: &str) -> Option<Self> {
        let (seq, digest) = match text.split_once(':') {
            Some((seq, digest)) => (Some(seq), digest),
            None if text.len() < SHORTEST => (Some(text), ""),
            None => (None, text),
        };
        let seq = seq.map(str::parse).transpose().ok()?;
        let digest = digest.to_ascii_lowercase();
        let is_hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bare = digest.is_empty() && !text.contains(':');
        let fits = bare || (SHORTEST..=64).contains(&digest.len());
        (is_hex && fits).then_some(Self { seq, digest })
    }

    fn find(&self, ledger: &Ledger<'_>) -> Result<Vec<Stored>, Error> {
        let mut found = match self.seq {
            Some(seq) => ledger.numbered(seq)?,
            None => ledger.entries()?,
        };
        found.retain(|stored| stored.digest.to_string().starts_with(&self.digest));
        Ok(found)
    }
}

/// Runs the command.
pub(in crate::commands) fn run(args: &ShowArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.history.repo)?;
    let history = History::open(&repo, &args.history)?;
    let found = find(&history, &args.entry).map_err(|error| told(&repo, error))?;
    for stored in found {
        let entry = serde_json::json!(stored.entry);
        context.print_data(&format!("{entry:#}\n"))?;
    }
    Ok(0)
}

fn find(history: &History<'_>, text: &str) -> Result<Vec<Stored>, Error> {
    let place = log_line(&history.place);
    let wrong = |expected: String| Error::Usage {
        what: "show",
        found: log_line(text),
        expected,
    };
    let Some(ledger) = &history.ledger else {
        return Err(wrong(format!(
            "an entry of {place}, which this clone does not have: run `git fetch origin {place}:refs/remotes/origin/{place}`"
        )));
    };
    let found = Named::read(text)
        .map(|named| named.find(ledger))
        .transpose()?;
    match found {
        Some(found) if !found.is_empty() => Ok(found),
        _ => {
            let last = ledger.last()?.map_or(0, |stored| stored.entry.seq);
            Err(wrong(format!(
                "an entry of {place} from 1 to {last}: its number, at least {SHORTEST} characters of its digest, or both as in 2:0123456789ab"
            )))
        }
    }
}
