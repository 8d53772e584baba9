//! Eight writers on one branch.

use std::collections::VecDeque;

use super::*;
use crate::ledger::local::Local;

/// Lets other writers in between a writer's look at the tip and its commit, as a plan says.
struct Crowded<'r> {
    inner: Memory<'r>,
    /// How many others come first, commit by commit.
    plan: RefCell<VecDeque<u8>>,
    /// What the others still have to append.
    waiting: RefCell<VecDeque<Vec<Draft>>>,
    /// What came of them.
    done: RefCell<Vec<Appended>>,
    /// Those who lost every race: run again when there is room.
    later: RefCell<Vec<Vec<Draft>>>,
    lost: Cell<usize>,
}

impl Crowded<'_> {
    fn run(&self, drafts: Vec<Draft>) {
        match append(self.inner.repo, self, &drafts) {
            Ok(appended) => self.done.borrow_mut().push(appended),
            Err(LedgerError::Contended) => self.later.borrow_mut().push(drafts),
            Err(error) => panic!("{error}"),
        }
    }

    fn next(&self) -> Option<Vec<Draft>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl Store for Crowded<'_> {
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError> {
        self.inner.tip()
    }

    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError> {
        let others = self.plan.borrow_mut().pop_front().unwrap_or_default();
        for _ in 0..others {
            if let Some(drafts) = self.next() {
                self.run(drafts);
            }
        }
        let committed = self.inner.commit(addition)?;
        if committed == Committed::Lost {
            self.lost.set(self.lost.get() + 1);
        }
        Ok(committed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn writers_who_meet_lose_and_double_nothing(
        batches in prop::collection::vec(batch(), 8..20),
        plan in prop::collection::vec(0..3_u8, 0..30),
    ) {
        let repo = in_memory();
        let store = Crowded {
            inner: Memory::new(&repo),
            plan: RefCell::new(plan.into()),
            waiting: RefCell::new(batches.clone().into()),
            done: RefCell::default(),
            later: RefCell::default(),
            lost: Cell::new(0),
        };
        while let Some(drafts) = store.next() {
            store.run(drafts);
        }
        store.plan.borrow_mut().clear();
        for drafts in store.later.take() {
            store.run(drafts);
        }
        let chain = checked(&repo, store.inner.tip.borrow().as_ref());
        let done = store.done.borrow();
        prop_assert_eq!(done.len(), batches.len());
        let added: usize = done.iter().map(|done| done.added).sum();
        prop_assert_eq!(added, chain.len(), "what was reported is what is there");
        for entry in done.iter().flat_map(|done| &done.entries) {
            prop_assert!(chain.contains(entry), "entry {} is lost", entry.entry.seq);
        }
    }
}

#[test]
fn the_eighth_lost_race_is_an_error_and_waits_seven_times() {
    let repo = in_memory();
    let batches = (0..20).map(|head| vec![merge(head)]);
    let store = Crowded {
        inner: Memory::new(&repo),
        plan: RefCell::new([1, 0].repeat(8).into()),
        waiting: RefCell::new(batches.collect()),
        done: RefCell::default(),
        later: RefCell::default(),
        lost: Cell::new(0),
    };
    let waits = RefCell::new(Vec::new());
    let writer = Writer {
        store: &store,
        repo: &repo,
        signer: None,
        clock: &now,
        pause: &|lost| waits.borrow_mut().push(lost),
    };
    let error = writer.append(&[verdict(1, 1, 1)]).unwrap_err();
    assert!(matches!(error, LedgerError::Contended), "{error}");
    assert_eq!(waits.take(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(store.lost.get(), 8);
    let again = writer.append(&[verdict(1, 1, 1)]).unwrap();
    assert_eq!((again.added, again.tip.unwrap().seq), (1, 9));
}

#[test]
fn eight_threads_on_one_repository_lose_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    NewRepo::init(folder.path()).unwrap();
    let work = |thread: u64| {
        let repo = Repo::open(folder.path()).unwrap();
        let store = Local::new(&repo, "gatecard/ledger");
        let writer = Writer {
            store: &store,
            repo: &repo,
            signer: None,
            clock: &now,
            pause: &|lost| {
                let most = std::time::Duration::from_millis(4 << lost.min(4));
                std::thread::sleep(crate::random::within(most));
            },
        };
        let mut added = 0;
        for at in 0..4 {
            // Every second one is what all threads have to say.
            let drafts = [verdict(thread + 10, at, 1), merge(at)];
            loop {
                match writer.append(&drafts) {
                    Ok(appended) => break added += appended.added,
                    Err(LedgerError::Contended | LedgerError::Locked { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        added
    };
    let work = &work;
    let added: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    let repo = Repo::open(folder.path()).unwrap();
    let tip = repo.reference("refs/heads/gatecard/ledger").unwrap();
    let chain = checked(&repo, tip.as_ref());
    assert_eq!((added, chain.len()), (36, 36), "32 verdicts and 4 merges");
}
