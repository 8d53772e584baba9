//! From a version in a trace to every time that the base branch got it.

use std::collections::{BTreeMap, BTreeSet};

use super::blame::{ANSWERED, Answer, no_such};
use super::versions::of_prompt;
use super::{History, answer, fetch};
use crate::error::Error;
use crate::ledger::{Body, Key};
use crate::timeline::Timeline;
use crate::trail::{Record, Standing};
use crate::units::Digest;
use crate::untrusted::log_line;

/// The least that names a version, in hexadecimal characters.
const SHORTEST: usize = 12;

/// Who approved a version that a trace names.
pub(super) fn of_version(history: &History<'_>, named: &str) -> Result<Answer, Error> {
    let wrong = |expected: String| Error::Usage {
        what: "--version",
        found: named.to_owned(),
        expected,
    };
    let hex = named
        .strip_prefix("sha256:")
        .unwrap_or(named)
        .to_ascii_lowercase();
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || !(SHORTEST..=64).contains(&hex.len()) {
        return Err(wrong(format!(
            "a prompt version, or at least its first {SHORTEST} characters"
        )));
    }
    let known = candidates(history, &hex)?;
    let versions: Vec<&Digest> = known.keys().collect();
    let (version, ids) = match (versions.as_slice(), known.iter().next()) {
        ([_], Some(one)) => one,
        ([], _) | (_, None) => {
            let base = log_line(&history.base);
            return Ok(no_such(format!(
                "no entry of the ledger and no prompt of {base} has version {}",
                log_line(named)
            )));
        }
        (several, _) => {
            let list: Vec<String> = several.iter().map(|each| format!("`{each}`")).collect();
            return Err(wrong(format!("one of {}", list.join(", "))));
        }
    };
    let records = landings(history, *version, ids)?;
    let names: Vec<String> = ids.iter().map(|id| log_line(id)).collect();
    let of = format!("version {} is of {}", version.short(), names.join(", "));
    Ok(match answer(&records).0 {
        ANSWERED => Answer {
            headline: of,
            records,
            ..Answer::default()
        },
        code => Answer {
            code,
            headline: format!(
                "{of}; cannot tell whether {} got it: this clone was cut off; run `{}`",
                log_line(&history.base),
                fetch(history.repo)
            ),
            records,
            ..Answer::default()
        },
    })
}

/// Every time that the branch got a version, the newest first; else what else is known of it.
fn landings(
    history: &History<'_>,
    version: Digest,
    ids: &BTreeSet<String>,
) -> Result<Vec<Record>, Error> {
    let mut found: Vec<Record> = Vec::new();
    let mut line = history.line()?;
    for id in ids {
        let before = found.len();
        match of_prompt(history, &mut line, id) {
            Ok((_, records)) => {
                for record in records {
                    if record.version == Some(version) && !found.contains(&record) {
                        found.push(record);
                    }
                }
            }
            // Only seen, in a head that nothing was judged of.
            Err(Error::Usage { .. }) => {}
            Err(error) => return Err(error),
        }
        if found.len() == before {
            found.push(unjudged(&line, version, id));
        }
    }
    Ok(found)
}

/// A version of which nothing is known but that it was seen.
fn unjudged(line: &Timeline, version: Digest, id: &str) -> Record {
    Record {
        prompt: id.to_owned(),
        version: Some(version),
        standing: if line.is_cut() {
            Standing::Unseen
        } else {
            Standing::Judged
        },
        ..Record::default()
    }
}

/// The versions that start so, with the prompts that have them: in the ledger, else at the tip.
fn candidates(
    history: &History<'_>,
    hex: &str,
) -> Result<BTreeMap<Digest, BTreeSet<String>>, Error> {
    let mut found: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
    let mut note = |id: &str, version: Option<Digest>| {
        if let Some(version) = version.filter(|each| each.to_string().starts_with(hex)) {
            found.entry(version).or_default().insert(id.to_owned());
        }
    };
    let entries = match (&history.ledger, Digest::from_hex(hex)) {
        (Some(ledger), Some(whole)) => ledger.about(&Key::Version(whole))?,
        (Some(ledger), None) => ledger.entries()?,
        (None, _) => Vec::new(),
    };
    for stored in &entries {
        match &stored.entry.body {
            Body::Verdict(verdict) => {
                for each in &verdict.changes {
                    note(&each.id, each.to);
                }
            }
            Body::Merge(merge) => {
                for each in &merge.prompts {
                    note(&each.id, each.to);
                }
            }
            Body::HeadSeen(seen) => {
                for each in &seen.prompts {
                    note(&each.id, Some(each.version));
                }
            }
            _ => {}
        }
    }
    for prompt in history.branch.prompts(&history.branch.tip)? {
        note(prompt.id.as_str(), Some(prompt.version.digest()));
    }
    Ok(found)
}
