//! A writer that dies at any point.

use super::*;

/// Where it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    /// Before it wrote anything.
    BeforeObjects,
    /// With some of the objects written.
    AmongObjects,
    /// With all objects written, and nothing that points at them.
    BeforeReference,
    /// Before it could say that it was done.
    AfterReference,
}

const DEATHS: [Death; 4] = [
    Death::BeforeObjects,
    Death::AmongObjects,
    Death::BeforeReference,
    Death::AfterReference,
];

/// Dies at the next commit.
struct Dying<'m, 'r>(&'m Memory<'r>, Death);

impl Store for Dying<'_, '_> {
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError> {
        self.0.tip()
    }

    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError> {
        let (expected, what) = (addition.expected, (addition.message, addition.at));
        let all = addition.files.len();
        match self.1 {
            Death::BeforeObjects => {}
            Death::AmongObjects => {
                let some = &addition.files[..all - 1];
                self.0.repo.add_files(expected, some, what)?;
            }
            Death::BeforeReference => {
                self.0.repo.add_files(expected, addition.files, what)?;
            }
            Death::AfterReference => {
                self.0.commit(addition)?;
            }
        }
        Err(killed())
    }
}

fn killed() -> LedgerError {
    LedgerError::Other {
        message: String::from("killed"),
        hint: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_killed_run_leaves_all_or_nothing_and_a_second_one_completes_it(
        runs in prop::collection::vec((batch(), prop::option::of(0..DEATHS.len())), 1..12),
    ) {
        let repo = in_memory();
        let store = Memory::new(&repo);
        let entries = || checked(&repo, store.tip.borrow().as_ref());
        for (drafts, death) in runs {
            let before = entries();
            if let Some(death) = death.map(|at| DEATHS[at]) {
                let died = append(&repo, &Dying(&store, death), &drafts);
                let left = entries();
                // A run with nothing to add has no commit to die at.
                if let Ok(died) = died {
                    prop_assert_eq!(died.added, 0);
                }
                if death != Death::AfterReference {
                    prop_assert_eq!(left.len(), before.len());
                }
            }
            append(&repo, &store, &drafts).unwrap();
            let complete = entries();
            prop_assert_eq!(&complete[..before.len()], &before[..]);
            let again = append(&repo, &store, &drafts).unwrap();
            prop_assert_eq!(again.added, 0, "a run that is repeated adds nothing");
            prop_assert_eq!(again.entries.len(), drafts.len());
            let tip = again.tip.map(|tip| (tip.seq, tip.digest));
            let last = complete.last().map(|last| (last.entry.seq, last.digest));
            prop_assert_eq!(tip, last);
        }
    }
}

#[test]
fn every_death_leaves_the_chain_as_it_was_or_whole() {
    for death in DEATHS {
        for first in [true, false] {
            let repo = in_memory();
            let store = Memory::new(&repo);
            if !first {
                append(&repo, &store, &[merge(1)]).unwrap();
            }
            let before = checked(&repo, store.tip.borrow().as_ref()).len();
            let drafts = [seen(1, 2), verdict(1, 2, 3)];
            append(&repo, &Dying(&store, death), &drafts).unwrap_err();
            let left = checked(&repo, store.tip.borrow().as_ref()).len() - before;
            let want = if death == Death::AfterReference { 2 } else { 0 };
            assert_eq!(left, want, "{death:?}");
            let rest = append(&repo, &store, &drafts).unwrap();
            assert_eq!(rest.added, 2 - want, "{death:?}");
            let all = checked(&repo, store.tip.borrow().as_ref()).len();
            assert_eq!(all, before + 2);
        }
    }
}
