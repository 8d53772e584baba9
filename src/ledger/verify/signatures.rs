//! Signatures: of entries, by whom a list allows; of commits, by GitHub's keys.

use std::collections::BTreeSet;

use super::Seen;
use super::anchors::Held;
use super::finding::{Code, Findings, Place};
use crate::git::{CommitSignature, GitError};
use crate::ledger::Entry;
use crate::ledger::signature::{Refused, SignedBy, Wrong, signed_by};

/// What signatures cover.
pub(super) struct Signed {
    /// The entries with a signature that is allowed, of their own or of their commit.
    pub(super) by_any: BTreeSet<u64>,
    /// GitHub signed every commit that was looked at, and so dated it.
    pub(super) dates: bool,
}

/// Looks at every signature; commits only where no digest covers their entries.
pub(super) fn check(
    seen: &Seen<'_>,
    reach: u64,
    held: &mut Vec<Held>,
    findings: &mut Findings,
) -> Result<Signed, GitError> {
    let mut signed = Signed {
        by_any: entries(seen, findings),
        dates: false,
    };
    if !signed.by_any.is_empty() {
        held.push(Held {
            kind: "entry-signatures",
            words: format!(
                "signatures of {} entries: each its own entry",
                signed.by_any.len()
            )
            .into(),
        });
    }
    let (commits, all) = commits(seen, reach, findings)?;
    if !commits.is_empty() {
        held.push(Held {
            kind: "commit-signatures",
            words: format!(
                "GitHub's signatures of the commits of {} entries: each its own",
                commits.len()
            )
            .into(),
        });
    }
    signed.dates = all && !commits.is_empty() && reach == 0;
    signed.by_any.extend(commits);
    Ok(signed)
}

fn entries(seen: &Seen<'_>, findings: &mut Findings) -> BTreeSet<u64> {
    let mut allowed = BTreeSet::new();
    let (mut first, mut unchecked) = (None, 0_usize);
    for (seq, entry) in seen.entries() {
        match (signed_by(entry), &seen.asked.signers) {
            (Ok(Some(by)), Some(signers)) => {
                first.get_or_insert(seq);
                match signers.allow(&by, entry.at.get()) {
                    Ok(_) => {
                        allowed.insert(seq);
                    }
                    Err(why) => refused(seq, why, &by, findings),
                }
            }
            (Ok(Some(_)), None) => unchecked += 1,
            (Ok(None), Some(_)) => {
                if let Some(first) = first {
                    let words = format!("is not signed, and entry {first} is");
                    findings.entry(Code::SignatureMissing, seq, words);
                }
            }
            (Ok(None), None) => {}
            (Err(wrong), _) => bad((seq, entry), wrong, findings),
        }
    }
    if unchecked > 0 {
        let words =
            format!("{unchecked} entries carry a signature, not checked against whose it is");
        findings.add(Code::SignatureUnchecked, Place::Whole, words);
    }
    allowed
}

fn refused(seq: u64, why: Refused, by: &SignedBy, findings: &mut Findings) {
    let (code, words) = match why {
        Refused::Unknown => (Code::SignatureUnknownKey, "nobody on the list has key"),
        Refused::Namespace => (
            Code::SignatureNamespace,
            "the list has it for other purposes: key",
        ),
        Refused::Time => (Code::SignatureOutOfTime, "not valid at that date: key"),
    };
    findings.entry(code, seq, format!("{words} {by}"));
}

fn bad((seq, entry): (u64, &Entry), wrong: Wrong, findings: &mut Findings) {
    let (code, words) = match wrong {
        Wrong::Form(error) => (Code::SignatureBad, format!("cannot be read: {error}")),
        Wrong::Namespace(found) => (
            Code::SignatureNamespace,
            format!(
                "found namespace {found}, expected {}",
                crate::ledger::signature::NAMESPACE
            ),
        ),
        Wrong::Bytes => (
            Code::SignatureBad,
            format!("is of something else than this {} entry", entry.body.kind()),
        ),
    };
    findings.entry(code, seq, words);
}

/// The entries whose commits GitHub signed, and whether every commit was.
fn commits(
    seen: &Seen<'_>,
    reach: u64,
    findings: &mut Findings,
) -> Result<(BTreeSet<u64>, bool), GitError> {
    let (mut signed, mut all) = (BTreeSet::new(), true);
    let (mut unchecked, mut why) = (0_usize, None);
    for made in &seen.history.commits {
        if made.added.last().is_none_or(|last| *last <= reach) {
            continue;
        }
        let Some(signature) = seen.asked.repo.signature(&made.commit.sha)? else {
            all = false;
            continue;
        };
        match verified(seen, &signature) {
            Ok(true) => signed.extend(&made.added),
            Ok(false) => {
                all = false;
                let words = "none of the given keys made its signature";
                findings.commit(Code::CommitSignatureBad, &made.commit.sha, words);
            }
            Err(reason) => {
                all = false;
                unchecked += 1;
                why = Some(reason);
            }
        }
    }
    if let Some(why) = why {
        let words = format!("{unchecked} commits carry a signature, not checked: {why}");
        findings.add(Code::CommitSignatureUnchecked, Place::Whole, words);
    }
    Ok((signed, all))
}

fn verified(seen: &Seen<'_>, signature: &CommitSignature) -> Result<bool, String> {
    let Some(keys) = seen.asked.commit_keys else {
        return Err(String::from("no keys were given"));
    };
    if !signature.text.starts_with(b"-----BEGIN PGP ") {
        return Err(String::from(
            "they are no OpenPGP signatures, as GitHub's are",
        ));
    }
    keys(signature)
}
