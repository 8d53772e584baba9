//! Anchors: what is known of the ledger from elsewhere, how far that reaches, and what could not
//! have been seen without it.
//!
//! A chain shows that nothing was changed in its middle. That all of it was not replaced is only
//! shown by something outside of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::finding::{Code, Findings, Place};
use super::{Seen, Tip, signatures};
use crate::files::{self, FileError};
use crate::git::{CommitSha, GitError};
use crate::ledger::entry::Time;
use crate::limits::REMEMBERED;
use crate::units::Digest;
use crate::untrusted::Untrusted;

/// The fewest characters of a digest that name one.
const SHORTEST: usize = 12;

/// An entry's digest, or the start of one, that is known from elsewhere: a commit status, a step
/// output, another clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The entry.
    pub(crate) seq: u64,
    /// At least 12 hexadecimal characters.
    digest: String,
}

impl Anchor {
    /// Reads `SEQ:DIGEST`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seq, digest) = text.split_once(':')?;
        let digest = digest
            .strip_prefix("sha256:")
            .unwrap_or(digest)
            .to_ascii_lowercase();
        let fits = (SHORTEST..=64).contains(&digest.len())
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
        fits.then_some(Self { seq, digest })
    }
}

/// The newest entry that this clone saw in a ledger that was not violated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    /// The branch's commit.
    pub(crate) commit: CommitSha,
    /// The entry's number.
    pub(crate) seq: u64,
    /// Its digest.
    pub(crate) digest: Digest,
    /// When this clone first saw it.
    pub(crate) first_seen: Time,
}

/// What a clone remembers, by ledger.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    v: u64,
    ledgers: BTreeMap<String, Remembered>,
}

/// What a clone remembers of a ledger. A file that is not one is told: it may hold the only
/// anchor.
pub(crate) fn remembered(file: &Path, ledger: &str) -> Result<Option<Remembered>, FileError> {
    Ok(memory(file)?.ledgers.remove(ledger))
}

/// The other ledgers that a clone remembers.
pub(crate) fn others(file: &Path, ledger: &str) -> Result<Vec<String>, FileError> {
    let known = memory(file)?.ledgers.into_keys();
    Ok(known.filter(|name| name != ledger).collect())
}

fn memory(file: &Path) -> Result<Memory, FileError> {
    if !files::is_file(file) {
        return Ok(Memory::default());
    }
    let bytes = files::read_bounded(file, REMEMBERED)?;
    serde_json::from_slice(&bytes).map_err(|_| FileError::NotPlain {
        path: file.display().to_string(),
        found: "something else",
        expected: "what `gatecard verify` remembers: restore the file, or remove it to start anew",
    })
}

/// Remembers a tip, unless it is the one that is remembered.
pub(crate) fn remember(file: &Path, ledger: &str, tip: &Tip, now: Time) -> Result<(), FileError> {
    let mut memory = memory(file)?;
    let same = |known: &Remembered| known.commit == tip.commit && known.digest == tip.digest;
    if memory.ledgers.get(ledger).is_some_and(same) {
        return Ok(());
    }
    memory.v = 1;
    memory.ledgers.insert(
        ledger.to_owned(),
        Remembered {
            commit: tip.commit.clone(),
            seq: tip.seq,
            digest: tip.digest,
            first_seen: now,
        },
    );
    let text = format!("{:#}\n", serde_json::json!(memory));
    files::write_atomic(file, text.as_bytes())
}

/// An anchor and what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// What it is: `remembered`, `digest`, `entry-signatures`, `commit-signatures`.
    pub(crate) kind: &'static str,
    /// What it says and what it covers.
    pub(crate) words: Untrusted,
}

/// What anchors say.
pub(super) struct Anchored {
    /// Those that hold.
    pub(super) held: Vec<Held>,
    /// What could not have been seen.
    pub(super) unseen: Vec<Untrusted>,
}

/// Holds the ledger to every anchor.
pub(super) fn check(
    seen: &Seen<'_>,
    (tip, others): (&Tip, usize),
    findings: &mut Findings,
) -> Result<Anchored, GitError> {
    let (mut held, reach) = digests(seen, findings);
    let signed = signatures::check(seen, reach, &mut held, findings)?;
    let open: Vec<u64> = seen
        .links
        .keys()
        .copied()
        .filter(|seq| *seq > reach && !signed.by_any.contains(seq))
        .collect();
    if let (Some(first), Some(last)) = (open.first(), open.last()) {
        let words = format!(
            "no anchor covers {} entries, from {first} to {last}",
            open.len()
        );
        findings.add(Code::AnchorAbsent, Place::Whole, words);
    }
    let all = seen.links.keys();
    let unsigned = all.filter(|seq| !signed.by_any.contains(seq)).count();
    let newest = signed.by_any.last().copied().unwrap_or(0).max(reach);
    Ok(Anchored {
        held,
        unseen: unseen(seen, (tip, newest), (others, unsigned), &open, signed.dates),
    })
}

/// The digests that hold, and the last entry that they cover.
fn digests(seen: &Seen<'_>, findings: &mut Findings) -> (Vec<Held>, u64) {
    let mut held = Vec::new();
    let mut reach = 0;
    for anchor in &seen.asked.anchors {
        if is_there(
            seen,
            anchor.seq,
            |digest| digest.to_string().starts_with(&anchor.digest),
            findings,
        ) {
            reach = reach.max(anchor.seq);
            held.push(Held {
                kind: "digest",
                words: format!(
                    "digest of entry {0} that was given: entries 1 to {0}",
                    anchor.seq
                )
                .into(),
            });
        }
    }
    if let Some(known) = &seen.asked.remembered
        && is_there(seen, known.seq, |digest| *digest == known.digest, findings)
    {
        reach = reach.max(known.seq);
        held.push(Held {
            kind: "remembered",
            words: format!(
                "entry {0}, which this clone first saw at {1}: entries 1 to {0}",
                known.seq, known.first_seen
            )
            .into(),
        });
        let commits = &seen.history.commits;
        let there = commits.iter().any(|made| made.commit.sha == known.commit);
        if !there
            && !findings
                .0
                .iter()
                .any(|each| each.code == Code::LedgerShallow)
        {
            let words = "this clone saw the commit on the branch before";
            findings.commit(Code::LedgerRewritten, &known.commit, words);
        }
    }
    (held, reach)
}

fn is_there(
    seen: &Seen<'_>,
    seq: u64,
    same: impl Fn(&Digest) -> bool,
    findings: &mut Findings,
) -> bool {
    match seen.links.get(&seq) {
        Some(link) if same(&link.digest) => true,
        Some(link) => {
            let words = format!(
                "its digest is {}, and the anchor has another",
                link.digest.short()
            );
            findings.entry(Code::AnchorMismatch, seq, words);
            false
        }
        None => {
            findings.entry(
                Code::AnchorMissing,
                seq,
                "an anchor has it, and the ledger does not",
            );
            false
        }
    }
}

/// What somebody who may push could have done without being seen here.
fn unseen(
    seen: &Seen<'_>,
    (tip, newest): (&Tip, u64),
    (others, unsigned): (usize, usize),
    open: &[u64],
    dated: bool,
) -> Vec<Untrusted> {
    let mut found: Vec<String> = Vec::new();
    match (open.first(), open.last()) {
        (Some(_), Some(_)) if newest == 0 => {
            found.push(String::from(
                "that the whole branch was replaced by another one",
            ));
        }
        (Some(first), Some(last)) => {
            found.push(format!("that entries {first} to {last} were written anew"));
        }
        _ => {}
    }
    let base = seen
        .asked
        .base
        .as_ref()
        .map_or("the base branch", |base| &base.name);
    found.push(format!(
        "that entries after {} were removed, other than those which {base} shows to be missing",
        tip.seq
    ));
    if unsigned > 0 {
        found.push(format!(
            "that somebody who may push to the ledger made up what {unsigned} entries say: they are not signed"
        ));
    }
    if !dated {
        found.push(String::from(
            "that an entry and its commit were given the same wrong date, between those around them",
        ));
    }
    if others > 0 {
        found.push(format!(
            "whether {others} merges of other branches are as they say: verify each with --branch"
        ));
    }
    found.into_iter().map(Untrusted::from).collect()
}
