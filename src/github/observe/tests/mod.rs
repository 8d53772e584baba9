//! What is observed of reviews, told against the fake of GitHub's API.

mod authorship;

use serde_json::{Value, json};

use super::*;
use crate::approval::observed::{Authorship, Moves, Team};
use crate::git::CommitSha;
use crate::github::fake_github::{ACTIONS_ID, Access, REPO, Trouble, reads};
use crate::github::harness::{Harness, sha};

const STATUS: &str = "gatecard: main";

/// One pull request, 4, and questions about it.
struct Story {
    harness: Harness,
    questions: Questions,
}

impl Story {
    fn new() -> Self {
        Self::of(Harness::new())
    }

    fn of(harness: Harness) -> Self {
        let (base, head) = (sha('b').to_string(), sha('a').to_string());
        let pull = reads::pull(4, ("main", &base), ("tune", &head));
        harness.fake.pull(pull);
        harness.fake.timeline(timeline(&[], &[], &[]));
        Self {
            harness,
            questions: Questions::default(),
        }
    }

    fn review(&self, id: u64, user: (u64, &str), state: &str) {
        self.harness.fake.review(4, review(id, user, state));
    }

    /// Asks about the authors of a commit that is in the pull request.
    fn commit(&mut self, commit: Value) {
        let sha = CommitSha::parse(commit["sha"].as_str().unwrap()).unwrap();
        self.harness.fake.commit(Some(4), commit);
        self.questions.commits.insert(sha);
    }

    fn try_observe(&self) -> Result<Observed, GithubError> {
        let pull = PullRequest {
            repo: self.harness.repo.clone(),
            number: 4,
            base_ref: String::from("old"),
            base: sha('b'),
            head: sha('0'),
            head_repository: None,
        };
        let Harness { client, repo, .. } = &self.harness;
        self.harness.wait(async {
            let mut observed = observe(client, &[pull], STATUS).await?;
            answer(client, repo, &mut observed, &self.questions).await?;
            Ok(observed)
        })
    }

    fn observe(&self) -> Observed {
        self.try_observe().unwrap()
    }

    fn moves(&self) -> Moves {
        self.observe().pulls.remove(0).moves
    }

    /// The authorship of the only commit: names, and how many are unknown.
    fn authorship(&self) -> (Vec<String>, u64) {
        let pull = self.observe().pulls.remove(0);
        let (_, Authorship { people, unknown }) = pull.authorship.into_iter().next().unwrap();
        let names = people.into_iter().map(|person| person.login);
        (names.collect(), unknown)
    }
}

fn review(id: u64, (user, login): (u64, &str), state: &str) -> Value {
    json!({
        "id": id, "user": { "id": user, "login": login, "type": "User" }, "state": state,
        "commit_id": sha('a').as_str(), "submitted_at": "2026-01-05T10:00:00Z",
        "author_association": "MEMBER", "body": "",
    })
}

/// A commit by `ann`; GitHub knows the accounts of author and committer.
fn commit(sha: &CommitSha, message: &str) -> Value {
    let git = json!({ "name": "Ann", "email": "ann@example.com" });
    let ann = json!({ "id": 7, "login": "ann", "type": "User" });
    json!({
        "sha": sha.as_str(),
        "commit": { "author": git, "committer": git, "message": message },
        "author": ann, "committer": ann,
    })
}

fn timeline(pushed: &[&str], retargeted: &[&str], followed: &[&str]) -> Value {
    let items = |times: &[&str]| {
        let nodes: Vec<_> = times.iter().map(|at| json!({ "createdAt": at })).collect();
        json!({ "nodes": nodes })
    };
    json!({
        "pushed": items(pushed), "retargeted": items(retargeted), "followed": items(followed),
    })
}

fn time(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

#[test]
fn live_facts_replace_what_the_event_said() {
    let pull = Story::new().observe().pulls.remove(0);
    assert_eq!((pull.base_ref.as_str(), &pull.head), ("main", &sha('a')));
    assert_eq!(pull.author.unwrap().login, "ann");
    assert!(pull.reviews.is_empty() && pull.authorship.is_empty());
}

#[test]
fn nothing_is_asked_that_does_not_matter() {
    let story = Story::new();
    story.review(1, (8, "bob"), "COMMENTED");
    story.observe();
    assert_eq!(story.harness.fake.requests().len(), 2);
}

#[test]
fn five_thousand_reviews_are_all_read() {
    let story = Story::new();
    for id in 1..=5_000 {
        story.review(id, (8, "bob"), "COMMENTED");
    }
    let reviews = story.observe().pulls.remove(0).reviews;
    let ids: Vec<u64> = reviews.iter().map(|review| review.id).collect();
    assert_eq!(ids, (1..=5_000).collect::<Vec<_>>());
    assert_eq!(story.harness.fake.count("GET", "/pulls/4/reviews"), 50);
}

#[test]
fn what_is_null_or_not_known_yet_is_kept() {
    let story = Story::new();
    let mut removed = review(1, (8, "bob"), "APPROVED");
    removed["user"] = Value::Null;
    removed["commit_id"] = Value::Null;
    removed["author_association"] = Value::Null;
    let mut pending = review(2, (9, "cat"), "PENDING");
    pending.as_object_mut().unwrap().remove("submitted_at");
    story.harness.fake.review(4, removed);
    story.harness.fake.review(4, pending);
    story.review(3, (9, "cat"), "PONDERED");
    let reviews = story.observe().pulls.remove(0).reviews;
    let states: Vec<_> = reviews.iter().map(|review| review.state.as_str()).collect();
    assert_eq!(states, ["APPROVED", "PONDERED", "PENDING"]);
    assert_eq!((&reviews[0].user, &reviews[0].commit), (&None, &None));
    assert_eq!(reviews[0].association, "");
    assert_eq!(reviews[2].submitted_at, None);
}

#[test]
fn reviews_come_in_the_order_of_their_submission() {
    let story = Story::new();
    let mut late = review(1, (8, "bob"), "APPROVED");
    late["submitted_at"] = json!("2026-01-05T11:00:00Z");
    story.harness.fake.review(4, late);
    story.review(2, (8, "bob"), "CHANGES_REQUESTED");
    story.review(2, (8, "bob"), "CHANGES_REQUESTED");
    let reviews = story.observe().pulls.remove(0).reviews;
    let ids: Vec<u64> = reviews.iter().map(|review| review.id).collect();
    assert_eq!(ids, [2, 1], "and one that comes twice counts once");
}

#[test]
fn a_time_that_is_none_is_an_error_and_not_a_guess() {
    let story = Story::new();
    let mut strange = review(1, (8, "bob"), "APPROVED");
    strange["submitted_at"] = json!("yesterday");
    story.harness.fake.review(4, strange);
    let error = story.try_observe().unwrap_err().to_string();
    assert!(
        error.contains("cannot list the reviews: the answer"),
        "{error}"
    );
}

#[test]
fn reads_survive_bursts_of_trouble_and_give_up_in_words() {
    let burst = [
        Trouble::Status(500, ""),
        Trouble::Status(502, ""),
        Trouble::CloseBefore,
        Trouble::CloseAfter,
        Trouble::Truncated,
        Trouble::Reset,
        Trouble::Says(200, "<html>"),
        Trouble::Says(200, "{\"id\": 1}"),
        Trouble::Status(403, "retry-after: 0\r\n"),
    ];
    for path in ["/pulls/4", "/reviews", "/graphql", "/commits"] {
        for trouble in &burst {
            let mut story = Story::new();
            story.review(1, (8, "bob"), "APPROVED");
            story.commit(commit(&sha('a'), ""));
            let method = if path == "/graphql" { "POST" } else { "GET" };
            story.harness.fake.fault(method, path, 1, trouble.clone());
            // A query is answered with an object, whatever is in it.
            let unnoticed =
                path == "/graphql" && matches!(trouble, Trouble::Says(_, "{\"id\": 1}"));
            let pull = story.observe().pulls.remove(0);
            let whole = matches!(pull.moves, Moves::Timeline { .. });
            assert_eq!(whole, !unnoticed, "{path} {trouble:?}");
            assert_eq!((pull.reviews.len(), pull.authorship.len()), (1, 1));
        }
    }
    for (trouble, words) in [
        (
            Trouble::Status(502, ""),
            "cannot list the reviews: GitHub answered 502",
        ),
        (
            Trouble::Truncated,
            "cannot list the reviews: the answer cannot be read",
        ),
        (Trouble::Reset, "cannot list the reviews: no answer from"),
        (
            Trouble::Says(
                403,
                "{\"message\": \"You have exceeded a secondary rate limit\"}",
            ),
            "cannot list the reviews: GitHub's rate limit is used up for 60 s",
        ),
    ] {
        let story = Story::new();
        story.review(1, (8, "bob"), "COMMENTED");
        story.harness.fake.fault("GET", "/reviews", 9, trouble);
        let error = story.try_observe().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("ghs_"), "{error:?}");
    }
}

#[test]
fn the_timeline_tells_the_last_move_of_each_kind() {
    let (one, two) = ("2026-01-05T09:00:00Z", "2026-01-05T10:30:00Z");
    for (pushed, retargeted, followed, expected) in [
        (&[] as &[&str], &[] as &[&str], &[] as &[&str], (None, None)),
        (&[one], &[], &[], (Some(one), None)),
        (&[], &[two], &[], (None, Some(two))),
        (&[two], &[one], &[two], (Some(two), Some(two))),
        (&[], &[two], &[one], (None, Some(two))),
    ] {
        let story = Story::new();
        story.review(1, (8, "bob"), "APPROVED");
        story
            .harness
            .fake
            .timeline(timeline(pushed, retargeted, followed));
        let expected = Moves::Timeline {
            force_pushed: expected.0.map(time),
            retargeted: expected.1.map(time),
        };
        assert_eq!(story.moves(), expected);
    }
}

#[test]
fn without_a_timeline_the_first_own_status_tells_when_a_commit_was_seen() {
    let unreadable: [fn(&Story); 4] = [
        |story| story.harness.fake.without_graphql(),
        |story| story.harness.fake.timeline(Value::Null),
        |story| {
            let hidden = json!({ "nodes": [null] });
            let mut all = timeline(&[], &[], &[]);
            all["pushed"] = hidden;
            story.harness.fake.timeline(all);
        },
        |story| {
            let errors = "{\"data\": null, \"errors\": [{\"type\": \"FORBIDDEN\"}]}";
            let trouble = Trouble::Says(200, errors);
            story.harness.fake.fault("POST", "/graphql", 1, trouble);
        },
    ];
    for make_unreadable in unreadable {
        let story = Story::new();
        make_unreadable(&story);
        story.review(1, (8, "bob"), "APPROVED");
        story.review(2, (9, "cat"), "APPROVED");
        let mut elsewhere = review(3, (10, "dan"), "APPROVED");
        elsewhere["commit_id"] = json!(sha('c').as_str());
        story.harness.fake.review(4, elsewhere);
        let mut forgotten = review(4, (11, "eve"), "APPROVED");
        forgotten["commit_id"] = Value::Null;
        story.harness.fake.review(4, forgotten);
        let (commit, fake) = (sha('a').to_string(), &story.harness.fake);
        for (creator, name, at) in [
            (ACTIONS_ID, "another", "2026-01-05T08:00:00Z"),
            (8, STATUS, "2026-01-05T09:00:00Z"),
            (ACTIONS_ID, STATUS, "2026-01-05T09:30:00Z"),
            (ACTIONS_ID, STATUS, "2026-01-05T09:45:00Z"),
        ] {
            fake.status(creator, &commit, name, at);
        }
        let seen = BTreeMap::from([(sha('a'), time("2026-01-05T09:30:00Z"))]);
        assert_eq!(story.moves(), Moves::FirstSeen(seen));
        assert_eq!(fake.count("GET", "/statuses"), 2);
    }
}

#[test]
fn a_team_that_cannot_be_read_says_why_and_stops_nothing() {
    let mut story = Story::new();
    let unreadable = |why: &str| Team::Unreadable(why.to_owned());
    story.harness.fake.team("acme/owners", vec![(8, "bob")]);
    let asked = ["acme/owners", "acme/../x"].map(String::from);
    story.questions.teams = BTreeSet::from(asked);
    let teams = story.observe().teams;
    assert_eq!(
        teams["acme/owners"],
        unreadable("the token may not read it")
    );
    assert_eq!(
        teams["acme/../x"],
        unreadable("it is not of the form `org/team`")
    );
    assert_eq!(story.harness.fake.count("GET", "/orgs/"), 1);
}

#[test]
fn teams_are_read_on_all_pages_with_a_token_that_may() {
    let mut story = Story::of(Harness::with_token("ghs_app"));
    let access = Access {
        user: (50, "gate[bot]"),
        app: true,
        write: &["members"],
    };
    let fake = &story.harness.fake;
    fake.token("ghs_app", access);
    fake.team("acme/owners", (1..=150).map(|id| (id, "member")).collect());
    fake.team("acme/empty", vec![]);
    fake.fault("GET", "/teams/broken", 9, Trouble::Status(500, ""));
    let asked = ["acme/owners", "acme/empty", "acme/gone", "acme/broken"];
    story.questions.teams = asked.map(String::from).into();
    let teams = story.observe().teams;
    assert_eq!(teams["acme/owners"], Team::Members((1..=150).collect()));
    assert_eq!(teams["acme/empty"], Team::Members(BTreeSet::new()));
    let Team::Unreadable(why) = &teams["acme/broken"] else {
        panic!("a broken team has no members");
    };
    assert!(why.contains("GitHub answered 500"), "{why}");
    assert!(matches!(teams["acme/gone"], Team::Unreadable(_)));
}

#[test]
fn only_people_whose_opinion_stands_are_asked_about() {
    let mut story = Story::new();
    story.questions.writers = true;
    for (id, user, state) in [
        (1, (8, "bob"), "APPROVED"),
        (2, (9, "cat"), "CHANGES_REQUESTED"),
        (3, (9, "cat"), "COMMENTED"),
        (4, (10, "dan"), "APPROVED"),
        (5, (10, "dan"), "DISMISSED"),
        (6, (11, "eve"), "COMMENTED"),
        (7, (12, "gate[bot]"), "APPROVED"),
        (8, (13, "fay"), "APPROVED"),
    ] {
        story.review(id, user, state);
    }
    story.harness.fake.role("bob", "write");
    story.harness.fake.role("cat", "read");
    let writers = story.observe().writers;
    assert_eq!(
        writers,
        BTreeMap::from([(8, true), (9, false), (13, false)])
    );
    assert_eq!(story.harness.fake.count("GET", "/collaborators/"), 3);
}

#[test]
fn more_reviewers_than_can_be_asked_about_are_an_error() {
    let mut story = Story::new();
    story.questions.writers = true;
    for id in 1..=101 {
        story.review(id, (id, "somebody"), "APPROVED");
    }
    let error = story.try_observe().unwrap_err().to_string();
    assert!(
        error.contains("found 101 reviewers, expected at most 100"),
        "{error}"
    );
}

#[test]
fn another_repository_is_not_found() {
    let mut harness = Harness::new();
    harness.repo = RepoName::parse("acme/other").unwrap();
    assert_ne!(harness.repo.to_string(), REPO);
    let error = Story::of(harness).try_observe().unwrap_err();
    assert!(error.is_forbidden(), "{error}");
}
