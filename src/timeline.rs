//! When the base branch had which commit: its own line, along first parents, in an index beside
//! the clone. Committers' clocks tell it, held to what the ledger knows.
//!
//! The index only saves time: it goes on where the branch grew, and is made anew where the
//! branch was rewound, or the file is damaged.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::files;
use crate::git::{CommitSha, End, GitError, Repo};
use crate::limits::LINE_INDEX;
use crate::units::Digest;

const MAGIC: &[u8] = b"gatecard line 2\n";
const TIME: usize = 8;
const HEX: usize = 64;

/// A branch's own line, oldest first.
pub(crate) struct Timeline {
    /// Bytes of one record: an id, and the time in seconds since 1970.
    width: usize,
    records: Vec<u8>,
    /// When each commit was there, in seconds since 1970, in order.
    times: Vec<i64>,
    /// The clone lacks the beginning.
    cut: bool,
}

impl Timeline {
    /// Reads the line that ends at `tip`. `branch` names the index.
    pub(crate) fn open(repo: &Repo, branch: &str, tip: &CommitSha) -> Result<Self, GitError> {
        let name = Digest::of(branch.as_bytes()).short();
        let path = repo.cache().join(format!("line-{name}"));
        let end = tip.to_bytes();
        let width = end.len() + TIME;
        let known = load(&path, width).unwrap_or_default();
        let last = |known: &[u8]| Some(known.get(known.len().checked_sub(width)?..)?.to_vec());
        let last = last(&known).unwrap_or_default();
        let mut fresh: Vec<(Vec<u8>, i64)> = Vec::new();
        let why = repo.first_parents(tip, |id, seconds| {
            let met = last.starts_with(id);
            if !met {
                fresh.push((id.to_vec(), seconds));
            }
            !met
        })?;
        let mut line = Self {
            width,
            records: match why {
                End::Stopped => known,
                End::Beginning | End::Cut => Vec::new(),
            },
            times: Vec::new(),
            cut: why == End::Cut,
        };
        for (id, seconds) in fresh.iter().rev() {
            line.push(id, *seconds);
        }
        if !fresh.is_empty() && !line.cut {
            line.save(&path);
        }
        line.hold([]);
        Ok(line)
    }

    /// Holds every commit to what is known of when it was there at the latest: a clock that was
    /// ahead must not move what came after it. And none was there before its parent was.
    pub(crate) fn hold<'c>(
        &mut self,
        known: impl IntoIterator<Item = (&'c CommitSha, DateTime<Utc>)>,
    ) {
        let known = known.into_iter();
        let mut known: Vec<(usize, i64)> = known
            .filter_map(|(commit, time)| Some((self.position(commit)?, time.timestamp())))
            .collect();
        known.sort_unstable();
        let mut times: Vec<i64> = (0..self.len()).filter_map(|at| self.clock(at)).collect();
        let mut latest = i64::MAX;
        for (at, time) in times.iter_mut().enumerate().rev() {
            while let Some((_, bound)) = known.pop_if(|(last, _)| *last >= at) {
                latest = latest.min(bound);
            }
            *time = latest.min(*time);
        }
        let mut before = i64::MIN;
        for time in &mut times {
            before = before.max(*time);
            *time = before;
        }
        self.times = times;
    }

    fn push(&mut self, id: &[u8], seconds: i64) {
        self.records.extend_from_slice(id);
        self.records.extend_from_slice(&seconds.to_be_bytes());
    }

    /// How many commits it has.
    pub(crate) const fn len(&self) -> usize {
        self.records.len() / self.width
    }

    /// Whether the clone lacks its beginning.
    pub(crate) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// The commit at a position.
    pub(crate) fn commit(&self, at: usize) -> Option<CommitSha> {
        CommitSha::from_bytes(self.record(at)?.split_at_checked(self.width - TIME)?.0)
    }

    /// When the commit at a position was there: by the committers' clocks, never before its
    /// parent was, and never after it is known to have been there.
    pub(crate) fn time(&self, at: usize) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.seconds(at)?, 0)
    }

    /// The position of a commit, where it is on the line.
    pub(crate) fn position(&self, commit: &CommitSha) -> Option<usize> {
        let id = commit.to_bytes();
        let mut records = self.records.chunks_exact(self.width);
        records
            .rposition(|record| record.starts_with(&id))
            .filter(|_| id.len() + TIME == self.width)
    }

    /// The position of the newest commit at a time; `None` before the first one.
    pub(crate) fn at(&self, time: DateTime<Utc>) -> Option<usize> {
        let time = time.timestamp();
        self.times
            .partition_point(|each| *each <= time)
            .checked_sub(1)
    }

    fn record(&self, at: usize) -> Option<&[u8]> {
        self.records.get(at * self.width..(at + 1) * self.width)
    }

    fn seconds(&self, at: usize) -> Option<i64> {
        self.times.get(at).copied()
    }

    /// The time that a commit's committer wrote.
    fn clock(&self, at: usize) -> Option<i64> {
        let bytes = self.record(at)?.last_chunk::<TIME>()?;
        Some(i64::from_be_bytes(*bytes))
    }

    /// Keeps the index. A clone that cannot be written to is only slower.
    fn save(&self, path: &Path) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(Digest::of(&self.records).to_string().as_bytes());
        bytes.extend_from_slice(&self.records);
        drop(files::write_atomic(path, &bytes));
    }
}

/// Reads an index; one that is missing, of another version or damaged is none.
fn load(path: &Path, width: usize) -> Option<Vec<u8>> {
    let mut bytes = files::read_bounded(path, LINE_INDEX).ok()?;
    let records = bytes.strip_prefix(MAGIC)?;
    let (digest, records) = records.split_at_checked(HEX)?;
    let whole = Digest::of(records).to_string().as_bytes() == digest;
    if !whole || records.len() % width != 0 {
        return None;
    }
    bytes.drain(..MAGIC.len() + HEX);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::write::NewRepo;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn grow(new: &NewRepo, tip: Option<&CommitSha>, seconds: i64) -> CommitSha {
        let text = seconds.to_string();
        let files = [(String::from("a"), text.as_bytes())];
        new.commit("main", tip, files.into_iter(), (&text, seconds))
            .unwrap()
    }

    #[test]
    fn the_commit_of_a_time_is_the_newest_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        let one = grow(&new, None, 100);
        let two = grow(&new, Some(&one), 200);
        // A clock that was behind.
        let three = grow(&new, Some(&two), 150);
        let line = Timeline::open(&repo, "main", &three).unwrap();
        let found = |seconds| line.at(at(seconds)).and_then(|at| line.commit(at));
        for (seconds, want) in [
            (99, None),
            (100, Some(&one)),
            (199, Some(&one)),
            (200, Some(&three)),
            (900, Some(&three)),
        ] {
            assert_eq!(found(seconds).as_ref(), want, "{seconds}");
        }
        assert_eq!(line.position(&two), Some(1));
        assert_eq!(
            line.position(&CommitSha::parse(&"0".repeat(40)).unwrap()),
            None
        );
    }

    #[test]
    fn a_commit_was_there_when_a_later_one_is_known_to_have_been() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        let one = grow(&new, None, 100);
        // A clock that was ahead.
        let two = grow(&new, Some(&one), 900);
        let three = grow(&new, Some(&two), 300);
        let four = grow(&new, Some(&three), 400);
        let elsewhere = CommitSha::parse(&"0".repeat(40)).unwrap();
        for (known, want) in [
            (vec![], [100, 900, 900, 900]),
            (vec![(&three, 310)], [100, 310, 310, 400]),
            (vec![(&three, 310), (&two, 250)], [100, 250, 300, 400]),
            (vec![(&four, 410)], [100, 410, 410, 410]),
            (vec![(&four, 50)], [50, 50, 50, 50]),
            (vec![(&one, 2_000), (&elsewhere, 1)], [100, 900, 900, 900]),
        ] {
            let mut line = Timeline::open(&repo, "main", &four).unwrap();
            line.hold(
                known
                    .iter()
                    .map(|(commit, seconds)| (*commit, at(*seconds))),
            );
            let times = [0, 1, 2, 3].map(|at| line.time(at).unwrap().timestamp());
            assert_eq!(times, want, "{known:?}");
        }
    }

    #[test]
    fn an_index_grows_with_its_branch_and_a_stale_or_damaged_one_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        let one = grow(&new, None, 100);
        let two = grow(&new, Some(&one), 200);
        let other = grow(&new, Some(&one), 300);
        let three = grow(&new, Some(&two), 400);
        let line = |tip: &CommitSha| {
            let line = Timeline::open(&repo, "main", tip).unwrap();
            let all = 0..line.len();
            all.map(|at| line.commit(at).unwrap()).collect::<Vec<_>>()
        };
        let name = format!("line-{}", Digest::of(b"main").short());
        let index = repo.cache().join(name);
        assert_eq!(line(&two), [one.clone(), two.clone()]);
        let small = files::read_bounded(&index, 1 << 20).unwrap();
        assert_eq!(line(&three), [one.clone(), two.clone(), three.clone()]);
        let large = files::read_bounded(&index, 1 << 20).unwrap();
        assert_eq!(large.len(), small.len() + 28);
        // Rewound, and to another line.
        assert_eq!(line(&other), [one.clone(), other.clone()]);
        for damaged in [&large[..large.len() - 1], &large[..10], b"", &[7; 200]] {
            files::write_atomic(&index, damaged).unwrap();
            assert_eq!(line(&three), [one.clone(), two.clone(), three.clone()]);
        }
        let mut flipped = large;
        flipped[90] ^= 1;
        files::write_atomic(&index, &flipped).unwrap();
        assert_eq!(line(&three), [one, two, three]);
    }
}
