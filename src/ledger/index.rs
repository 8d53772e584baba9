//! An index of the ledger beside the clone, so that a lookup does not read every entry.
//!
//! It only saves time. It maps the hash of a key to the numbers of entries; these are then read
//! from Git as the tip has them, and compared with the key. What is wrong in it can hide an
//! entry but not make one up, so that it carries a checksum, and `verify` does not use it. It
//! lies in the repository's own folder: who can forge it there can replace the branch as well.

use crate::files;
use crate::git::{CommitSha, Repo};
use crate::limits::LEDGER_INDEX;
use crate::units::Digest;

use super::{Key, Ledger, LedgerError};

const MAGIC: &[u8; 8] = b"gcledg1\n";
const HEADER: usize = 8 + 4 + 8 + 64;
/// How many entries may be missing from the file: reading them each time costs less than writing
/// the file anew for each.
const LAG: u64 = 64;

/// The first half the hash of a key, the second the number of an entry; both big-endian, so that
/// records sort as their numbers do.
type Record = [u8; 16];

/// The index of one ledger.
pub(super) struct Index {
    /// What the file has, sorted.
    known: Vec<Record>,
    /// What it lacks, sorted.
    fresh: Vec<Record>,
}

impl Index {
    /// Opens the index, and adds to it what the ledger got meanwhile. One that is missing,
    /// damaged or of another history is made anew; a clone that cannot be written to is slower.
    pub(super) fn open(repo: &Repo, ledger: &Ledger<'_>) -> Result<Self, LedgerError> {
        let path = repo.cache().join("ledger-index");
        let last = ledger.last()?.map_or(0, |last| last.entry.seq);
        let saved = files::read_bounded(&path, LEDGER_INDEX)
            .ok()
            .and_then(|bytes| Saved::parse(&bytes))
            .filter(|saved| saved.is_of(repo, ledger.tip(), last));
        let (indexed, known) = saved.map_or((0, Vec::new()), |saved| (saved.last, saved.records));
        let mut fresh = Vec::new();
        if indexed < last {
            for (seq, keys) in ledger.keys_from(indexed + 1)? {
                fresh.extend(keys.iter().map(|key| record(hash(key), seq)));
            }
            fresh.sort_unstable();
        }
        let mut index = Self { known, fresh };
        if last > indexed.saturating_add(LAG) {
            index.known.append(&mut index.fresh);
            index.known.sort_unstable();
            drop(files::write_atomic(
                &path,
                &written(ledger.tip(), last, &index.known),
            ));
        }
        Ok(index)
    }

    /// The numbers of the entries that a key may find, in order.
    pub(super) fn find(&self, key: &Key) -> Vec<u64> {
        let hash = hash(key);
        let (first, last) = (record(hash, 0), record(hash, u64::MAX));
        let part = |records: &[Record]| -> Vec<u64> {
            let from = records.partition_point(|there| there < &first);
            let here = records.iter().skip(from);
            here.take_while(|there| *there <= &last)
                .map(number)
                .collect()
        };
        [part(&self.known), part(&self.fresh)].concat()
    }
}

/// What a file has.
struct Saved {
    /// The commit that was indexed.
    tip: CommitSha,
    /// The number of its newest entry.
    last: u64,
    records: Vec<Record>,
}

impl Saved {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (sum, rest) = rest.split_first_chunk()?;
        if magic != MAGIC || u32::from_be_bytes(*sum) != checksum(rest) {
            return None;
        }
        let (last, rest) = rest.split_first_chunk()?;
        let (tip, rest) = rest.split_at_checked(64)?;
        let (records, []) = rest.as_chunks() else {
            return None;
        };
        Some(Self {
            tip: CommitSha::parse(str::from_utf8(tip).ok()?.trim_end())?,
            last: u64::from_be_bytes(*last),
            records: records.to_vec(),
        })
    }

    /// Whether this and the tip are of one history, so that the older is the start of the newer.
    /// Every commit adds an entry, so that no more commits than entries lie between.
    fn is_of(&self, repo: &Repo, tip: &CommitSha, last: u64) -> bool {
        let (older, newer) = if self.last <= last {
            (&self.tip, tip)
        } else {
            (tip, &self.tip)
        };
        let Ok(most) = usize::try_from(self.last.abs_diff(last)) else {
            return false;
        };
        let between = repo.landed(older, newer, most.saturating_add(1));
        between.is_ok_and(|between| {
            between
                .last()
                .map_or(older == newer, |first| first.parents.first() == Some(older))
        })
    }
}

fn written(tip: &CommitSha, last: u64, records: &[Record]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(HEADER + size_of_val(records));
    rest.extend_from_slice(&last.to_be_bytes());
    rest.extend_from_slice(format!("{:64}", tip.as_str()).as_bytes());
    rest.extend_from_slice(records.as_flattened());
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&checksum(&rest).to_be_bytes());
    bytes.append(&mut rest);
    bytes
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn hash(key: &Key) -> u64 {
    let text = match key {
        Key::Prompt(id) => format!("prompt {id}"),
        Key::Version(digest) => format!("version {digest}"),
        Key::Pull(number) => format!("pull {number}"),
        Key::Merge(commit) => format!("merge {commit}"),
        Key::Head(commit) => format!("head {commit}"),
        Key::Review(id) => format!("review {id}"),
        Key::Waiver {
            gate,
            prompt,
            version,
        } => format!("waiver {gate} {prompt:?} {version:?}"),
        Key::Ungated => String::from("ungated"),
        Key::Amendments => String::from("amendments"),
        Key::Amends(seq) => format!("amends {seq}"),
    };
    Digest::of(text.as_bytes()).start()
}

fn record(hash: u64, seq: u64) -> Record {
    ((u128::from(hash) << 64) | u128::from(seq)).to_be_bytes()
}

fn number(record: &Record) -> u64 {
    let half = record.last_chunk().copied();
    half.map_or(0, u64::from_be_bytes)
}
