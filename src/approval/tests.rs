//! The rules as a table: what discards an approval, what keeps it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::observed::{Account, Moves, Observed, Pull, Questions, Review, Team};
use super::rules::{self, Case};
use super::{Discarded, Group, Plan, commits};
use crate::change::{ChangeSet, Range};
use crate::git::write::NewRepo;
use crate::git::{CommitSha, Repo};
use crate::policy::people::Member;
use crate::rules::Rules;
use crate::units::Digest;

/// The commit that is judged, and one before it.
const HEAD: char = 'a';
const OLD: char = 'b';

fn sha(letter: char) -> CommitSha {
    CommitSha::parse(&letter.to_string().repeat(40)).unwrap()
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
}

fn account(id: u64, login: &str) -> Account {
    Account {
        id,
        login: login.to_owned(),
        bot: false,
    }
}

/// An approval of the head by Bob, in minute 10.
fn review() -> Review {
    Review {
        id: 1,
        user: Some(account(2, "bob")),
        state: String::from("APPROVED"),
        commit: Some(sha(HEAD)),
        submitted_at: Some(at(10)),
        association: String::from("MEMBER"),
    }
}

/// Ann's pull request.
fn pull(reviews: Vec<Review>) -> Pull {
    Pull {
        number: 7,
        base_ref: String::from("main"),
        head: sha(HEAD),
        author: Some(account(1, "ann")),
        reviews,
        authorship: BTreeMap::new(),
        moves: Moves::Timeline {
            force_pushed: None,
            retargeted: None,
        },
    }
}

/// Everybody who opened a pull request.
fn openers(observed: &Observed) -> BTreeMap<u64, u64> {
    let opener = |pull: &Pull| Some((pull.author.as_ref()?.id, pull.number));
    observed.pulls.iter().filter_map(opener).collect()
}

/// A change that a test makes to a world in which one approval counts.
struct World {
    observed: Observed,
    group: Group,
    head: Option<Digest>,
    seen: BTreeMap<CommitSha, Option<Digest>>,
    authors: BTreeMap<u64, CommitSha>,
    unasked: Option<CommitSha>,
}

impl World {
    fn new() -> Self {
        let digest = Some(Digest::of(b"now"));
        Self {
            observed: Observed {
                pulls: vec![pull(vec![review()])],
                ..Observed::default()
            },
            group: Group {
                name: String::from("engineering"),
                members: vec![Member::Login(String::from("Bob"))],
                ..Group::default()
            },
            head: digest,
            seen: BTreeMap::from([(sha(HEAD), digest), (sha(OLD), digest)]),
            authors: BTreeMap::new(),
            unasked: None,
        }
    }

    fn pull(&mut self) -> &mut Pull {
        &mut self.observed.pulls[0]
    }

    fn review(&mut self) -> &mut Review {
        &mut self.pull().reviews[0]
    }

    /// Bob says something else after his approval.
    fn then(&mut self, state: &str) {
        let mut later = review();
        later.id = 2;
        later.state = state.to_owned();
        later.submitted_at = Some(at(20));
        self.pull().reviews.push(later);
    }

    fn member(&mut self, member: Member) {
        self.group.members = vec![member];
    }

    fn tally(&self) -> (usize, Vec<Discarded>) {
        let (counted, discarded) = rules::tally(&Case {
            observed: &self.observed,
            group: &self.group,
            head: self.head,
            seen: &self.seen,
            openers: &openers(&self.observed),
            authors: &self.authors,
            unasked: self.unasked.as_ref(),
        });
        (counted.len(), discarded)
    }
}

type Change = fn(&mut World);

#[test]
fn an_approval_is_kept() {
    let cases: &[(&str, Change)] = &[
        ("as it is", |_| {}),
        ("on an older commit of the same content", |world| {
            world.review().commit = Some(sha(OLD));
        }),
        ("by account id", |world| world.member(Member::Id(2))),
        ("by an account that was renamed", |world| {
            world.member(Member::Id(2));
            world.review().user = Some(account(2, "robert"));
        }),
        ("by a member of a team", |world| {
            world.member(Member::Team(String::from("acme/llm")));
            let team = Team::Members([2].into());
            world.observed.teams.insert(String::from("acme/llm"), team);
        }),
        ("by a person where a team cannot be read", |world| {
            let team = Member::Team(String::from("acme/llm"));
            world.group.members.insert(0, team);
        }),
        ("by anyone who may write", |world| {
            world.group.members.clear();
            world.group.writers = true;
            world.observed.writers.insert(2, true);
        }),
        ("a comment says nothing", |world| world.then("COMMENTED")),
        ("a draft says nothing", |world| world.then("PENDING")),
        ("in the letters of webhooks", |world| {
            world.review().state = String::from("approved");
        }),
        ("after a force-push", |world| {
            world.pull().moves = Moves::Timeline {
                force_pushed: Some(at(9)),
                retargeted: Some(at(9)),
            };
        }),
        ("after the commit was seen", |world| {
            world.pull().moves = Moves::FirstSeen(BTreeMap::from([(sha(HEAD), at(10))]));
        }),
        ("beside somebody who wrote it", |world| {
            world.authors.insert(3, sha(HEAD));
        }),
        ("of a pull request whose author is gone", |world| {
            world.pull().author = None;
        }),
        ("in another pull request of the queue", |world| {
            world.observed.pulls.insert(0, pull(Vec::new()));
        }),
        ("after changes were requested", |world| {
            let mut before = review();
            before.id = 9;
            before.state = String::from("CHANGES_REQUESTED");
            before.submitted_at = Some(at(5));
            world.pull().reviews.push(before);
        }),
    ];
    for (name, change) in cases {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(world.tally(), (1, vec![]), "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table is as long as its cases")]
fn an_approval_is_discarded_with_its_reason() {
    let cases: &[(&str, Change)] = &[
        ("approval-self", |world| {
            world.review().user = Some(account(1, "bob"));
        }),
        // In a queue, nobody who opened one of the pull requests.
        ("approval-self", |world| {
            world.observed.pulls.push(Pull {
                author: Some(account(2, "bob")),
                ..pull(Vec::new())
            });
        }),
        ("approval-bot", |world| {
            world.review().user.as_mut().unwrap().bot = true;
        }),
        ("approval-author", |world| {
            world.authors.insert(2, sha(HEAD));
        }),
        ("authors-unknown", |world| {
            world.unasked = Some(sha(HEAD));
        }),
        ("approval-not-a-member", |world| {
            world.member(Member::Login(String::from("bobby")));
        }),
        // A login that was taken over by somebody else.
        ("approval-not-a-member", |world| world.member(Member::Id(3))),
        ("approval-not-a-member", |world| world.review().user = None),
        ("approval-not-a-member", |world| {
            world.group.members.clear();
            world.group.writers = true;
            world.observed.writers.insert(2, false);
        }),
        ("writers-unknown", |world| {
            world.group.members.clear();
            world.group.writers = true;
        }),
        ("team-unreadable", |world| {
            world.member(Member::Team(String::from("acme/llm")));
            let team = Team::Unreadable(String::from("403"));
            world.observed.teams.insert(String::from("acme/llm"), team);
        }),
        ("team-unreadable", |world| {
            world.member(Member::Team(String::from("acme/llm")));
        }),
        ("approval-dismissed", |world| {
            world.review().state = String::from("DISMISSED");
        }),
        ("approval-dismissed", |world| world.then("DISMISSED")),
        ("approval-unknown-state", |world| world.then("APPROVED_ISH")),
        ("approval-unplaced", |world| world.review().commit = None),
        ("approval-unplaced", |world| {
            world.review().submitted_at = None;
        }),
        ("approval-unplaced", |world| {
            world.review().commit = Some(sha('c'));
        }),
        ("approval-unplaced", |world| {
            world.pull().moves = Moves::FirstSeen(BTreeMap::new());
        }),
        ("approval-unplaced", |world| {
            world.pull().moves = Moves::FirstSeen(BTreeMap::from([(sha(HEAD), at(11))]));
        }),
        ("approval-force-pushed", |world| {
            world.pull().moves = Moves::Timeline {
                force_pushed: Some(at(11)),
                retargeted: None,
            };
        }),
        // The server's times have whole seconds.
        ("approval-force-pushed", |world| {
            world.pull().moves = Moves::Timeline {
                force_pushed: Some(at(10)),
                retargeted: None,
            };
        }),
        ("approval-retargeted", |world| {
            world.pull().moves = Moves::Timeline {
                force_pushed: Some(at(1)),
                retargeted: Some(at(11)),
            };
        }),
        ("approval-stale", |world| {
            world.seen.insert(sha(HEAD), Some(Digest::of(b"before")));
        }),
        ("approval-stale", |world| {
            world.seen.insert(sha(HEAD), None);
        }),
        // What cannot be read at the head equals nothing.
        ("approval-stale", |world| {
            world.seen.insert(sha(HEAD), None);
            world.head = None;
        }),
    ];
    for (code, change) in cases {
        let mut world = World::new();
        change(&mut world);
        let (counted, discarded) = world.tally();
        let codes: Vec<&str> = discarded.iter().map(|each| each.code.id()).collect();
        assert_eq!((counted, codes), (0, vec![*code]), "{discarded:?}");
        assert!(!discarded[0].why.is_empty());
    }
}

#[test]
fn requested_changes_supersede_an_approval() {
    let mut world = World::new();
    world.then("CHANGES_REQUESTED");
    assert_eq!(world.tally(), (0, vec![]));
}

#[test]
fn a_stale_approval_names_both_versions() {
    let mut world = World::new();
    let before = Digest::of(b"before");
    world.seen.insert(sha(HEAD), Some(before));
    let (_, discarded) = world.tally();
    for short in [before.short(), world.head.unwrap().short()] {
        let why = discarded[0].why.for_machines();
        assert!(why.contains(&short), "{why}");
    }
}

#[test]
fn only_commits_that_matter_must_be_in_the_clone() {
    let mut world = World::new();
    world.review().commit = Some(sha(OLD));
    let mut comment = review();
    comment.user = Some(account(3, "cat"));
    comment.state = String::from("COMMENTED");
    comment.commit = Some(sha('c'));
    world.pull().reviews.push(comment);
    assert_eq!(commits(&world.observed), [sha(HEAD), sha(OLD)].into());
}

#[test]
fn only_what_decides_is_asked_of_github() {
    const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n\
        groups: {eng: [\"@acme/llm\"], idle: [\"@acme/idle\"], own: [codeowners]}\n\
        approvals: {standard: [eng, own], high: [idle]}\n";
    let folder = tempfile::tempdir().unwrap();
    let repo = NewRepo::init(folder.path()).unwrap();
    let commit = |branch, parent: Option<&CommitSha>, files: &[(&str, &'static str)], seconds| {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes()));
        repo.commit(branch, parent, files, ("a commit", seconds))
            .unwrap()
    };
    let base = commit(
        "main",
        None,
        &[
            (".github/gatecard.yml", POLICY),
            ("CODEOWNERS", "/prompts/ @acme/Writers\n"),
            ("prompts/a.md", "One {{x}}.\n"),
        ],
        0,
    );
    let prompt = commit("head", Some(&base), &[("prompts/a.md", "Two {{x}}.\n")], 1);
    let readme = commit("head", Some(&prompt), &[("README.md", "text\n")], 2);
    let policy = commit(
        "policy",
        Some(&readme),
        &[("gatecard.yml", "version: 1\n")],
        3,
    );

    let repo = Repo::open(folder.path()).unwrap();
    let ask = |head: &CommitSha| {
        let range = Range::resolve(&repo, base.as_str(), head.as_str()).unwrap();
        let rules = Rules::find(&repo, &range.base, &range.head, None).unwrap();
        let changes = ChangeSet::between(&repo, &range, &rules.policy, &rules.path).unwrap();
        let mut plan = Plan::of(&repo, &range, &rules, &changes).unwrap();
        let pulls = vec![Pull {
            head: head.clone(),
            ..pull(Vec::new())
        }];
        let observed = Observed {
            pulls,
            ..Observed::default()
        };
        plan.questions(&observed).unwrap()
    };
    let teams = ["acme/llm", "acme/writers"].map(String::from);
    let mut want = Questions {
        teams: teams.into(),
        commits: [prompt].into(),
        writers: false,
    };
    assert_eq!(ask(&readme), want);
    // Nobody owns the policy's file, so whoever may write does.
    want.commits.insert(policy.clone());
    want.writers = true;
    assert_eq!(ask(&policy), want);
}

proptest! {
    /// Whatever the order of the reviews and whatever they say: an approval of other content
    /// never counts, the same reviews give the same answer, and nobody counts twice.
    #[test]
    fn an_approval_never_counts_after_the_content_changed(
        drawn in prop::collection::vec((1_u64..5, 0_usize..6, 0_usize..3, 0_i64..6), 0..20),
        swaps in prop::collection::vec((0_usize..20, 0_usize..20), 0..20),
    ) {
        const STATES: [&str; 6] =
            ["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING", "NEW"];
        let reviews: Vec<Review> = drawn
            .iter()
            .zip(1..)
            .map(|((user, state, commit, minute), id)| Review {
                id,
                user: Some(account(*user, "someone")),
                state: STATES[*state].to_owned(),
                commit: Some(sha(['a', 'b', 'c'][*commit])),
                submitted_at: Some(at(*minute)),
                association: String::new(),
            })
            .collect();
        let mut world = World::new();
        world.group.members = (1..5).map(Member::Id).collect();
        // Only commit `b` has what would be merged.
        world.seen.insert(sha(HEAD), Some(Digest::of(b"before")));
        world.pull().reviews = reviews.clone();
        let case = |world: &World| rules::tally(&Case {
            observed: &world.observed,
            group: &world.group,
            head: world.head,
            seen: &world.seen,
            openers: &openers(&world.observed),
            authors: &world.authors,
            unasked: None,
        });
        let (counted, discarded) = case(&world);
        prop_assert!(counted.iter().all(|each| each.commit == sha(OLD) && each.account != 1));
        let mut people: Vec<u64> = counted.iter().map(|each| each.account).collect();
        people.dedup();
        prop_assert_eq!(people.len(), counted.len());
        let mut shuffled = reviews;
        for (a, b) in swaps {
            if a < shuffled.len() && b < shuffled.len() {
                shuffled.swap(a, b);
            }
        }
        world.pull().reviews = shuffled;
        prop_assert_eq!((counted, discarded), case(&world));
    }
}
