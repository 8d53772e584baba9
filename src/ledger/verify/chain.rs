//! The chain: every entry as its bytes, numbers without a gap, each naming the one before it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Asked;
use super::finding::{Code, Findings};
use crate::git::{CommitSha, GitError, Kind, RepoPath};
use crate::ledger::entry::SCHEMA;
use crate::ledger::{Entry, canonical, place, read};
use crate::limits::LEDGER_ENTRY;
use crate::units::Digest;

/// Every kind that this version knows.
const KINDS: &[&str] = &[
    "head-seen",
    "approve",
    "dismiss",
    "stale",
    "verdict",
    "waiver",
    "merge",
    "amend",
];

/// An entry of the ledger.
pub(super) struct Link {
    /// Of its bytes.
    pub(super) digest: Digest,
    /// What it says, where it can be read.
    pub(super) entry: Option<Entry>,
}

/// Reads every entry of the tip, by number.
pub(super) fn read(
    asked: &Asked<'_>,
    tip: &CommitSha,
    findings: &mut Findings,
) -> Result<BTreeMap<u64, Link>, GitError> {
    let folder = RepoPath::parse(place::FOLDER).unwrap_or_else(RepoPath::root);
    let mut links: BTreeMap<u64, Link> = BTreeMap::new();
    let mut last: Option<(u64, Digest)> = None;
    for (path, file) in asked.repo.files(tip, &folder)? {
        // What is no entry was found where it was added.
        let Some((seq, _)) = place::parse(path.as_str()).filter(|_| file.kind == Kind::File) else {
            continue;
        };
        let bytes = match asked.repo.blob(file.id, LEDGER_ENTRY) {
            Ok(bytes) => bytes,
            Err(error @ GitError::TooLarge { .. }) => {
                findings.entry(Code::EntryTooLarge, seq, format!("{path}: {error}"));
                last = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        let digest = Digest::of(&bytes);
        if links.contains_key(&seq) {
            findings.entry(Code::NumberTwice, seq, format!("found also {path}"));
            continue;
        }
        gap(last.map_or(0, |(seq, _)| seq), seq, findings);
        let entry = match read::parse(path.as_str(), &bytes) {
            Ok(stored) => Some(stored.entry),
            Err((found, _)) => {
                findings.entry(wrong(&bytes), seq, format!("{path}: {found}"));
                None
            }
        };
        let prev = match &entry {
            Some(entry) => entry.prev,
            None => raw_prev(&bytes),
        };
        let before = last.filter(|(before, _)| before + 1 == seq);
        broken(prev, before.map(|(_, digest)| digest), seq, findings);
        last = Some((seq, digest));
        links.insert(seq, Link { digest, entry });
    }
    Ok(links)
}

fn gap(last: u64, seq: u64, findings: &mut Findings) {
    if seq > last + 1 {
        let words = match (last + 1, seq - 1) {
            (one, other) if one == other => format!("entry {one} is missing"),
            (from, to) => format!("entries {from} to {to} are missing"),
        };
        findings.entry(Code::NumberMissing, seq, words);
    }
}

/// Behind a gap nothing can be compared: the gap is the finding.
fn broken(prev: Option<Digest>, before: Option<Digest>, seq: u64, findings: &mut Findings) {
    let shown = |digest: Option<Digest>| digest.map_or_else(|| String::from("none"), |d| d.short());
    if (seq == 1 || before.is_some()) && prev != before {
        let (found, expected) = (shown(prev), shown(before));
        let words = format!("names {found} as the entry before it, which is {expected}");
        findings.entry(Code::ChainBroken, seq, words);
    }
}

/// Why bytes are no entry that this version would write.
fn wrong(bytes: &[u8]) -> Code {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Code::EntryUnreadable;
    };
    if !canonical::bytes(&value).is_ok_and(|canonical| canonical == bytes) {
        return Code::EntryForm;
    }
    let kind = value.get("kind").and_then(Value::as_str);
    let newer = value
        .get("v")
        .and_then(Value::as_u64)
        .is_some_and(|v| v > SCHEMA)
        || kind.is_some_and(|kind| !KINDS.contains(&kind));
    if newer {
        return Code::EntryNewer;
    }
    let Ok(entry) = serde_json::from_slice::<Entry>(bytes) else {
        return Code::EntryUnreadable;
    };
    match serde_json::to_value(&entry) {
        Ok(known) if known == value => Code::EntryMisnamed,
        Ok(known) if without(&value, &known) == known => Code::EntryNewer,
        _ => Code::EntryForm,
    }
}

/// A value without the fields that another one does not have.
fn without(value: &Value, known: &Value) -> Value {
    match (value, known) {
        (Value::Object(fields), Value::Object(own)) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), without(value, own.get(key)?))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        (Value::Array(items), Value::Array(own)) if items.len() == own.len() => {
            items.iter().zip(own).map(|(a, b)| without(a, b)).collect()
        }
        _ => value.clone(),
    }
}

fn raw_prev(bytes: &[u8]) -> Option<Digest> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    Digest::from_hex(value.get("prev")?.as_str()?)
}
