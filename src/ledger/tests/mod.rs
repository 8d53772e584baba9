//! Drafts, stores and a small independent check of a chain, for the tests of appending.

mod index;
mod interleaving;
mod kills;
mod local;
mod recorded;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::append::{Addition, Appended, Committed, Store, Writer};
use super::entry::{
    Amend, Approved, HeadSeen, Merge, PolicyAt, PromptAt, Review, Time, Waiver, Workflow,
};
use super::recorded::Recorded;
use super::verdict::{Change, Verdict};
use super::{About, Body, Draft, Entry, LedgerError, Stored, place};
use crate::git::write::NewRepo;
use crate::git::{CommitSha, Repo, RepoPath};
use crate::units::Digest;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn sha(number: u64) -> CommitSha {
    CommitSha::parse(&format!("{number:040x}")).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// What a run of a pull request is about.
fn about(pull: u64, head: u64) -> About {
    About {
        repository: Some(String::from("acme/shop")),
        pull: Some(pull),
        base_ref: Some(String::from("main")),
        base: sha(1),
        head: sha(head),
        policy: Some(PolicyAt {
            path: String::from("gatecard.yml"),
            sha256: digest("policy"),
            origin: String::from("base"),
        }),
        actor: None,
        workflow: Some(Workflow {
            reference: None,
            commit: None,
            run: 1,
            attempt: 1,
        }),
        tool: String::from("0.1.0"),
    }
}

fn seen(pull: u64, head: u64) -> Draft {
    Draft {
        about: about(pull, head),
        body: Body::HeadSeen(HeadSeen {
            seen: Time::of(now()),
            prompts: vec![PromptAt {
                id: String::from("refund"),
                path: String::from("refund.md"),
                version: digest(&format!("version {head}")),
            }],
        }),
    }
}

fn review(pull: u64, id: u64, kind: u8, subject: u8) -> Draft {
    let review = Review {
        review: id,
        reviewer: super::entry::Account {
            login: String::from("ana"),
            id: Some(7),
        },
        commit: None,
        submitted: None,
        subjects: vec![Approved {
            prompt: Some(format!("prompt {subject}")),
            files: Vec::new(),
            digest: digest(&format!("subject {subject}")),
            group: String::from("owners"),
        }],
        code: (kind == 1).then(|| String::from("review-dismissed")),
    };
    let body = match kind {
        0 => Body::Approve(review),
        1 => Body::Dismiss(review),
        _ => Body::Stale(review),
    };
    let about = about(pull, 1);
    Draft { about, body }
}

fn verdict(pull: u64, head: u64, points: u64) -> Draft {
    let change = Change {
        id: String::from("refund"),
        change: String::from("modified"),
        renamed_from: None,
        path: String::from("refund.md"),
        risk: String::from("standard"),
        from: Some(digest("before")),
        to: Some(digest(&format!("version {head}"))),
        facets: vec![String::from("template")],
        triggers: Vec::new(),
        evals: Vec::new(),
    };
    Draft {
        about: about(pull, head),
        body: Body::Verdict(Box::new(Verdict {
            verdict: String::from("pass"),
            mode: String::from("enforce"),
            judged: Time::of(now()),
            scored: true,
            points,
            band: String::from("ready"),
            pre_production: false,
            changes: vec![change],
            files: Vec::new(),
            categories: Vec::new(),
            outcomes: Vec::new(),
            comparisons: Vec::new(),
            coverage: None,
            evidence: Vec::new(),
            approvals: Vec::new(),
            change_requests: Vec::new(),
        })),
    }
}

fn waiver(pull: u64, gate: &str, expires: &str) -> Draft {
    Draft {
        about: about(pull, 1),
        body: Body::Waiver(Waiver {
            gate: gate.to_owned(),
            prompt: None,
            version: None,
            by: String::from("ana"),
            expires: expires.to_owned(),
            reason_sha256: digest("reason"),
        }),
    }
}

fn merge(head: u64) -> Draft {
    Draft {
        about: About {
            pull: None,
            ..about(1, head)
        },
        body: Body::Merge(Merge {
            prompts: Vec::new(),
            files: Vec::new(),
            relies_on: Vec::new(),
        }),
    }
}

fn amend(amends: u64, reason: &str) -> Draft {
    Draft {
        about: about(1, 1),
        body: Body::Amend(Amend {
            amends,
            reason: reason.to_owned(),
        }),
    }
}

/// What one run would append: of everything at most one state, from so few things that runs
/// often meet.
fn batch() -> impl Strategy<Value = Vec<Draft>> {
    let reviews = prop::collection::btree_map(0..3_u64, (0..3_u8, 0..2_u8), 0..3);
    let run = (1..4_u64, 0..3_u64, 0..2_u64, reviews, any::<bool>()).prop_map(
        |(pull, head, points, reviews, waived)| {
            let mut drafts = vec![seen(pull, head)];
            let reviews: BTreeMap<u64, (u8, u8)> = reviews;
            for (id, (kind, subject)) in reviews {
                drafts.push(review(pull, id, kind, subject));
            }
            if waived {
                drafts.push(waiver(pull, "cost_and_latency", "2026-12-31"));
            }
            drafts.push(verdict(pull, head, points));
            drafts
        },
    );
    prop_oneof![
        6 => run,
        1 => (0..3_u64).prop_map(|head| vec![merge(head)]),
        1 => (1..20_u64).prop_map(|seq| vec![amend(seq, "wrong")]),
    ]
}

/// A branch in memory.
struct Memory<'r> {
    repo: &'r Repo,
    tip: RefCell<Option<CommitSha>>,
}

impl<'r> Memory<'r> {
    fn new(repo: &'r Repo) -> Self {
        let tip = RefCell::new(None);
        Self { repo, tip }
    }
}

impl Store for Memory<'_> {
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError> {
        Ok(self.tip.borrow().clone())
    }

    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError> {
        let what = (addition.message, addition.at);
        let commit = self
            .repo
            .add_files(addition.expected, addition.files, what)?;
        if self.tip.borrow().as_ref() != addition.expected {
            return Ok(Committed::Lost);
        }
        self.tip.replace(Some(commit.clone()));
        Ok(Committed::Done(commit))
    }
}

fn in_memory() -> Repo {
    NewRepo::in_memory().unwrap().into_repo()
}

/// Appends with a clock that goes on by a second, and without waiting.
fn append(repo: &Repo, store: &dyn Store, drafts: &[Draft]) -> Result<Appended, LedgerError> {
    let ticks = Cell::new(0);
    let clock = || {
        ticks.set(ticks.get() + 1);
        now() + chrono::TimeDelta::seconds(ticks.get())
    };
    Writer {
        store,
        repo,
        signer: None,
        clock: &clock,
        pause: &|_| {},
    }
    .append(drafts)
}

/// Holds a branch to what must be true of every ledger, by other means than those that wrote
/// it, and returns the entries.
fn checked(repo: &Repo, tip: Option<&CommitSha>) -> Vec<Stored> {
    let mut chain = Vec::new();
    let Some(tip) = tip else { return chain };
    // Every commit has one parent, and adds entries with the next numbers and nothing else.
    let mut commits = Vec::new();
    let history = repo.history(tip, |commit| {
        commits.push(commit.clone());
        Ok(true)
    });
    history.unwrap();
    commits.reverse();
    let mut before = BTreeMap::new();
    for (at, commit) in commits.iter().enumerate() {
        let parents = repo.landed(commit, commit, 1).unwrap();
        assert!(parents.is_empty());
        let now: BTreeMap<String, _> = repo
            .files(commit, &RepoPath::root())
            .unwrap()
            .into_iter()
            .map(|(path, entry)| (path.to_string(), entry.id))
            .collect();
        for (path, id) in &before {
            assert_eq!(now.get(path), Some(id), "{path} stays as it was");
        }
        let mut added: Vec<&String> = now
            .keys()
            .filter(|path| !before.contains_key(*path))
            .collect();
        if at == 0 {
            added.retain(|path| *path != place::README);
        }
        assert!(!added.is_empty(), "every commit adds entries");
        for path in added {
            let bytes = repo.blob(now[path], u64::MAX).unwrap();
            let entry: Entry = serde_json::from_slice(&bytes).unwrap();
            let last: Option<&Stored> = chain.last();
            assert_eq!(entry.seq, last.map_or(1, |last| last.entry.seq + 1));
            assert_eq!(entry.prev, last.map(|last| last.digest));
            assert_eq!(*path, place::path(entry.seq, entry.body.kind()));
            let digest = Digest::of(&bytes);
            chain.push(Stored { entry, digest });
        }
        before = now;
    }
    let mut line = repo
        .landed(&sha(0), tip, usize::MAX)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(line.len(), commits.len(), "a single line of commits");
    assert!(line.pop().unwrap().parents.is_empty());
    nothing_doubled(&chain);
    chain
}

/// Nothing is on record that was on record when it was appended.
fn nothing_doubled(chain: &[Stored]) {
    for (at, stored) in chain.iter().enumerate() {
        let before = Recorded {
            ledger: None,
            batch: &chain[..at],
        };
        let Entry { about, body, .. } = stored.entry.clone();
        let found = before.find(&Draft { about, body }).unwrap();
        let found = found.map(|found| found.entry.seq);
        assert_eq!(found, None, "entry {}", stored.entry.seq);
    }
}
