//! The index says what a scan says, whatever became of its file.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::ledger::local::Local;
use crate::ledger::read::{Key, Ledger, keys};

const BRANCH: &str = "gatecard/ledger";

struct Clone {
    folder: tempfile::TempDir,
    repo: Repo,
}

impl Clone {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        Self { folder, repo }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("gatecard/ledger-index")
    }

    fn saved(&self) -> Vec<u8> {
        crate::files::read_bounded(&self.file(), u64::MAX - 1).unwrap()
    }

    /// Appends so many verdicts in one commit.
    fn grow(&self, by: u64) {
        let from = self.ledger().map_or(0, |ledger| {
            ledger.last().unwrap().map_or(0, |last| last.entry.seq)
        });
        let drafts: Vec<Draft> = (from..from + by)
            .map(|at| verdict(at % 7 + 1, at, at))
            .collect();
        let store = Local::new(&self.repo, BRANCH);
        let added = append(&self.repo, &store, &drafts).unwrap().added;
        assert_eq!(added as u64, by);
    }

    fn ledger(&self) -> Option<Ledger<'_>> {
        Ledger::open(&self.repo, BRANCH).unwrap()
    }

    /// Holds every lookup at a tip to a scan of all entries.
    fn hold(&self, tip: CommitSha) {
        let ledger = Ledger::at(&self.repo, tip);
        let all = ledger.entries().unwrap();
        let mut every: Vec<Key> = all.iter().flat_map(|stored| keys(&stored.entry)).collect();
        every.sort();
        every.dedup();
        every.push(Key::Pull(999));
        for key in every {
            let mut want = all.clone();
            want.retain(|stored| keys(&stored.entry).contains(&key));
            assert_eq!(ledger.about(&key).unwrap(), want, "{key:?}");
            let newest = ledger.newest(&key, |_| true).unwrap();
            assert_eq!(newest.as_ref(), want.last(), "{key:?}");
        }
        assert_eq!(ledger.last().unwrap().as_ref(), all.last());
    }

    fn tip(&self) -> CommitSha {
        self.ledger().unwrap().tip().clone()
    }
}

#[test]
fn lookups_say_what_a_scan_says_while_the_ledger_grows() {
    let clone = Clone::new();
    let mut tips = Vec::new();
    // Around the borders of a folder, and around what the file may lack.
    for by in [1, 63, 1, 34, 1, 1, 80] {
        clone.grow(by);
        tips.push(clone.tip());
        clone.hold(clone.tip());
    }
    assert!(clone.file().exists());
    for tip in tips {
        clone.hold(tip);
    }
    clone.hold(clone.tip());
}

#[test]
fn a_damaged_index_is_made_anew() {
    let clone = Clone::new();
    clone.grow(100);
    clone.hold(clone.tip());
    let good = clone.saved();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let half = good[..good.len() / 2].to_vec();
    let longer = [good.as_slice(), b"\0"].concat();
    for bad in [
        flipped(0),
        flipped(9),
        flipped(19),
        flipped(30),
        flipped(good.len() - 1),
        half,
        longer,
        Vec::new(),
        b"gcledg1\n".to_vec(),
    ] {
        fs::write(clone.file(), bad).unwrap();
        clone.hold(clone.tip());
        assert_eq!(clone.saved(), good);
    }
}

#[test]
fn an_index_of_another_history_is_made_anew() {
    let (one, other) = (Clone::new(), Clone::new());
    one.grow(100);
    one.hold(one.tip());
    let drafts: Vec<Draft> = (500..700).map(merge).collect();
    let store = Local::new(&other.repo, BRANCH);
    append(&other.repo, &store, &drafts).unwrap();
    other.hold(other.tip());
    let right = other.saved();
    fs::copy(one.file(), other.file()).unwrap();
    other.hold(other.tip());
    assert_eq!(other.saved(), right);
    // A fork in one repository: the same start, another end.
    let fork = one
        .repo
        .add_files(Some(&one.tip()), &[], ("fork", now()))
        .unwrap();
    one.hold(fork);
}

#[test]
fn an_index_that_cannot_be_kept_is_not_needed() {
    let clone = Clone::new();
    clone.grow(100);
    fs::write(clone.folder.path().join("gatecard"), "a file").unwrap();
    clone.hold(clone.tip());
}

#[test]
fn a_forged_index_makes_nothing_up() {
    let clone = Clone::new();
    clone.grow(100);
    clone.hold(clone.tip());
    let forger = Clone::new();
    let drafts: Vec<Draft> = (0..100).map(|at| verdict(77, at, at)).collect();
    let store = Local::new(&forger.repo, BRANCH);
    append(&forger.repo, &store, &drafts).unwrap();
    forger.hold(forger.tip());
    // The forger's records under the header of the true ledger, with a checksum that fits.
    let (good, bad) = (clone.saved(), forger.saved());
    let rest = [&good[12..84], &bad[84..]].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&rest);
    let forged = [&good[..8], &sum.sum().to_be_bytes(), &rest].concat();
    fs::write(clone.file(), &forged).unwrap();
    let ledger = clone.ledger().unwrap();
    assert_eq!(ledger.about(&Key::Pull(77)).unwrap(), []);
    assert_eq!(clone.saved(), forged, "it was believed");
}
