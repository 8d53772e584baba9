//! What counts as on record.

use super::*;
use crate::ledger::entry::Account;

/// The drafts that come one after the other, and whether each adds an entry.
type Story = (&'static str, Vec<(Draft, bool)>);

#[test]
fn what_is_on_record_adds_nothing_and_what_changed_does() {
    for (name, drafts) in [reviews(), verdicts(), others()].concat() {
        let repo = in_memory();
        let store = Memory::new(&repo);
        for (at, (draft, adds)) in drafts.iter().enumerate() {
            let appended = append(&repo, &store, std::slice::from_ref(draft)).unwrap();
            assert_eq!(appended.added == 1, *adds, "{name}, draft {}", at + 1);
            assert_eq!(appended.entries.len(), 1);
            assert_eq!(appended.entries[0].entry.body.kind(), draft.body.kind());
        }
    }
}

fn reviews() -> Vec<Story> {
    let with = |change: &dyn Fn(&mut Review)| {
        let mut draft = review(1, 1, 0, 0);
        if let Body::Approve(review) = &mut draft.body {
            change(review);
        }
        draft
    };
    vec![
        (
            "a review counts as it was last",
            vec![
                (review(1, 1, 0, 0), true),
                (review(1, 1, 0, 0), false),
                (review(1, 1, 1, 0), true),
                (review(1, 1, 1, 0), false),
                (review(1, 1, 0, 0), true),
                (review(1, 1, 2, 0), true),
                (review(1, 2, 2, 0), true),
            ],
        ),
        (
            "a review of other content is another statement",
            vec![
                (review(1, 1, 0, 0), true),
                (review(1, 1, 0, 1), true),
                (with(&|review| review.code = Some(String::from("x"))), true),
            ],
        ),
        (
            "a login that changed is not news",
            vec![
                (review(1, 1, 0, 0), true),
                (
                    with(&|review| review.reviewer.login = String::from("ana-new")),
                    false,
                ),
            ],
        ),
    ]
}

/// A verdict but for something.
fn with(change: impl Fn(&mut About, &mut Verdict)) -> Draft {
    let Draft { mut about, body } = verdict(1, 1, 1);
    let Body::Verdict(mut verdict) = body else {
        panic!("a verdict")
    };
    change(&mut about, &mut verdict);
    Draft {
        about,
        body: Body::Verdict(verdict),
    }
}

/// A verdict of a clone, where there is no pull request.
fn local(branch: &str, head: u64) -> Draft {
    let mut draft = verdict(1, head, 1);
    draft.about.pull = None;
    draft.about.base_ref = Some(branch.to_owned());
    draft
}

fn verdicts() -> Vec<Story> {
    vec![
        (
            "who ran it, when and with what says nothing of the result",
            vec![
                (verdict(1, 1, 1), true),
                (
                    with(|about, verdict| {
                        about.actor = Some(Account {
                            login: String::from("bo"),
                            id: None,
                        });
                        about.workflow = None;
                        about.tool = String::from("9.9.9");
                        verdict.judged = Time::of(now() + chrono::TimeDelta::hours(1));
                    }),
                    false,
                ),
            ],
        ),
        (
            "everything else does",
            vec![
                (verdict(1, 1, 1), true),
                (with(|about, _| about.base = sha(9)), true),
                (with(|about, _| about.policy = None), true),
                (
                    with(|_, verdict| verdict.mode = String::from("advise")),
                    true,
                ),
                (verdict(1, 1, 1), true),
                (verdict(1, 2, 1), true),
                (verdict(2, 2, 1), true),
                (verdict(1, 2, 1), false),
            ],
        ),
        (
            "without a pull request, a head on its base branch counts",
            vec![
                (local("main", 1), true),
                (local("main", 2), true),
                (local("main", 1), false),
                (local("next", 1), true),
                (verdict(1, 1, 1), true),
                (local("main", 1), false),
            ],
        ),
        (
            "what a person took away does not come back by itself",
            vec![
                (verdict(1, 1, 1), true),
                (amend(1, "wrong evidence"), true),
                (verdict(1, 1, 1), false),
            ],
        ),
    ]
}

fn others() -> Vec<Story> {
    let on = |branch: &str| {
        let mut draft = merge(1);
        draft.about.base_ref = Some(branch.to_owned());
        draft
    };
    let other_policy = |mut draft: Draft| {
        draft.about.policy = None;
        draft
    };
    vec![
        (
            "a head is seen once",
            vec![
                (seen(1, 1), true),
                (seen(1, 2), true),
                (seen(1, 1), false),
                (seen(2, 1), true),
            ],
        ),
        (
            "a waiver is of one policy",
            vec![
                (waiver(1, "gate", "2026-12-31"), true),
                (waiver(2, "gate", "2026-12-31"), false),
                (waiver(1, "other", "2026-12-31"), true),
                (waiver(1, "gate", "2027-01-31"), true),
                (other_policy(waiver(1, "gate", "2027-01-31")), true),
            ],
        ),
        (
            "a branch gets a commit once, unless the entry was wrong",
            vec![
                (on("main"), true),
                (on("main"), false),
                (on("release"), true),
                (on("main"), false),
                (amend(1, "wrong"), true),
                (on("main"), true),
                (on("main"), false),
            ],
        ),
        (
            "a correction is one with its reason",
            vec![
                (merge(1), true),
                (amend(1, "a"), true),
                (amend(1, "a"), false),
                (amend(1, "b"), true),
                (amend(1, "a"), false),
                (amend(2, "a"), true),
            ],
        ),
    ]
}

#[test]
fn a_batch_is_one_commit_and_says_the_same_thing_once() {
    let repo = in_memory();
    let store = Memory::new(&repo);
    let drafts = [seen(1, 1), verdict(1, 1, 1), verdict(1, 1, 1)];
    let appended = append(&repo, &store, &drafts).unwrap();
    assert_eq!(appended.added, 2);
    let numbers: Vec<u64> = appended.entries.iter().map(|e| e.entry.seq).collect();
    assert_eq!(numbers, [1, 2, 2]);
    let tip = appended.tip.unwrap();
    assert_eq!(tip.seq, 2);
    assert_eq!(Some(tip.commit), *store.tip.borrow());
    let line = repo
        .landed(&sha(0), store.tip.borrow().as_ref().unwrap(), 9)
        .unwrap();
    let subjects: Vec<&str> = line.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, ["Record entries 1 to 2"]);
}

#[test]
fn an_entry_is_never_older_than_what_it_tells() {
    let repo = in_memory();
    let store = Memory::new(&repo);
    let mut draft = seen(1, 1);
    if let Body::HeadSeen(seen) = &mut draft.body {
        seen.seen = Time::of(now() + chrono::TimeDelta::minutes(2));
    }
    let appended = append(&repo, &store, &[draft, verdict(1, 1, 1)]).unwrap();
    for stored in appended.entries {
        assert_eq!(
            stored.entry.at,
            Time::of(now() + chrono::TimeDelta::minutes(2))
        );
    }
    let later = append(&repo, &store, &[merge(1)]).unwrap();
    let want = Time::of(now() + chrono::TimeDelta::seconds(1));
    assert_eq!(later.entries[0].entry.at, want, "the clock of the append");
}
