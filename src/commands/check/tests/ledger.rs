//! Stories of the ledger: what is on record, in which order it gets there, and what a run says
//! that could not get it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::git::Repo;
use crate::github::fake_github::Meanwhile;
use crate::ledger::append::{Store as _, Writer};
use crate::ledger::entry::{Amend, Body};
use crate::ledger::local::Local;
use crate::ledger::{About, Draft, Ledger, Stored};
use crate::policy::ledger::BRANCH;

/// The mutation, as faults name it.
const MUTATION: &str = "createCommitOnBranch";
/// The whole route of the branch's tip.
const TIP: &str = "/git/ref/heads/gatecard/ledger";

impl Story {
    /// What is on the branch at GitHub, held to being one chain.
    pub(super) fn recorded(&self) -> Vec<Stored> {
        let repo = Repo::open(&self.folder.path().join("repo.git")).unwrap();
        let reference = format!("refs/heads/{BRANCH}");
        let Some(tip) = repo.reference(&reference).unwrap() else {
            return Vec::new();
        };
        let entries = Ledger::at(&repo, tip).entries().unwrap();
        let mut before: Option<&Stored> = None;
        for stored in &entries {
            assert_eq!(stored.entry.seq, before.map_or(1, |it| it.entry.seq + 1));
            assert_eq!(stored.entry.prev, before.map(|it| it.digest));
            before = Some(stored);
        }
        entries
    }

    /// Puts an entry of somebody else on the branch.
    pub(super) fn entry(&self) {
        let main = CommitSha::parse(&self.main).unwrap();
        record(&self.folder.path().join("repo.git"), &main, "first");
    }

    /// How many verdicts are on record.
    pub(super) fn verdicts(&self) -> usize {
        let recorded = self.recorded();
        let verdict = |stored: &&Stored| matches!(stored.entry.body, Body::Verdict(_));
        recorded.iter().filter(verdict).count()
    }

    /// How many entries of somebody else are on record.
    fn of_rivals(&self) -> usize {
        let recorded = self.recorded();
        let theirs = |stored: &&Stored| matches!(stored.entry.body, Body::Amend(_));
        recorded.iter().filter(theirs).count()
    }

    /// Whether the newest verdict is this one, and none is there twice.
    pub(super) fn is_sound(&self, passes: bool) -> bool {
        let recorded = self.recorded();
        let verdicts = recorded
            .iter()
            .filter_map(|stored| match &stored.entry.body {
                Body::Verdict(verdict) => Some(verdict),
                _ => None,
            });
        let verdicts: Vec<_> = verdicts.collect();
        let word = if passes { "pass" } else { "fail" };
        let last = verdicts.last().is_some_and(|last| last.verdict == word);
        last && verdicts.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// What somebody else does each time before the mutation is answered: a commit of theirs,
    /// which tells about the commit `main`.
    fn rival(&self) -> Trouble {
        let folder = self.folder.path().join("repo.git");
        let main = CommitSha::parse(&self.main).unwrap();
        let number = AtomicUsize::new(1);
        Trouble::Meanwhile(Meanwhile(Arc::new(move || {
            let number = number.fetch_add(1, Ordering::Relaxed);
            record(&folder, &main, &format!("rival {number}"));
        })))
    }

    fn log_of(&self, head: &str) -> String {
        let ran = self.run(head);
        assert_eq!(ran.code, 0, "{}", ran.log);
        ran.log
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.file("report.json")).unwrap()
    }

    /// The text of the last status on a commit.
    fn description(&self, head: &str) -> String {
        let statuses = self.fake.statuses();
        let last = statuses.iter().rev().find(|(sha, _)| sha == head).unwrap();
        last.1["description"].as_str().unwrap().to_owned()
    }
}

/// Appends an entry of somebody else to the branch of a repository.
fn record(folder: &Path, main: &CommitSha, reason: &str) {
    let repo = Repo::open(folder).unwrap();
    let about = About {
        repository: None,
        pull: None,
        base_ref: None,
        base: main.clone(),
        head: main.clone(),
        policy: None,
        actor: None,
        workflow: None,
        tool: String::from("0"),
    };
    let amend = Amend {
        amends: 1,
        reason: reason.to_owned(),
    };
    let writer = Writer {
        store: &Local::new(&repo, BRANCH),
        repo: &repo,
        signer: None,
        clock: &|| chrono::DateTime::UNIX_EPOCH,
        pause: &|_| {},
    };
    let body = Body::Amend(amend);
    writer.append(&[Draft { about, body }]).unwrap();
}

/// The requests after the verdict, as words.
fn order(story: &Story) -> Vec<String> {
    let written = story.fake.requests().into_iter().filter_map(|request| {
        let query = request.body["query"].as_str().unwrap_or_default();
        let path = request.path.clone();
        Some(match request.method.as_str() {
            "POST" if query.contains(MUTATION) => String::from("mutation"),
            "POST" if path.contains("/git/") => path.rsplit('/').next()?.to_owned(),
            "POST" if path.contains("/comments") => String::from("comment"),
            "POST" if path.contains("/statuses/") => {
                format!("status {}", request.body["state"].as_str()?)
            }
            "POST" if path.contains("/check-runs") => String::from("check run"),
            _ => return None,
        })
    });
    written.collect()
}

#[test]
fn the_first_verdict_makes_the_branch_and_the_next_one_adds_to_it() {
    let mut story = Story::blocked();
    let head = story.blocked.clone();
    assert!(story.log_of(&head).contains("ledger: 2 new"));
    let first = story.recorded();
    assert_eq!(story.verdicts(), 1);
    let repo = Repo::open(&story.folder.path().join("repo.git")).unwrap();
    let tip = Local::new(&repo, BRANCH).tip().unwrap().unwrap();
    let names = repo.names(&tip, &crate::git::RepoPath::root()).unwrap();
    assert_eq!(names, ["README.md", "entries"]);
    let fixed = story.fixed.clone();
    story.open(&fixed);
    story.run_id(101).log_of(&fixed);
    assert_eq!(story.verdicts(), 2);
    assert_eq!(story.recorded().get(..first.len()), Some(first.as_slice()));
}

#[test]
fn a_run_that_says_the_same_adds_nothing_and_names_the_same_entry() {
    let mut story = Story::fixed();
    let head = story.fixed.clone();
    story.log_of(&head);
    let (recorded, told) = (story.recorded(), story.description(&head));
    let log = story.run_id(101).log_of(&head);
    assert!(log.contains("ledger: nothing new"), "{log}");
    assert_eq!(story.recorded(), recorded);
    assert_eq!(story.description(&head), told);
}

#[test]
fn the_verdict_is_on_record_before_anybody_can_see_it() {
    let story = Story::fixed();
    story.log_of(&story.fixed);
    let first = [
        "status pending",
        "trees",
        "commits",
        "refs",
        "comment",
        "status success",
        "check run",
    ];
    assert_eq!(order(&story), first);
    assert_eq!(story.fake.count("GET", TIP), 2, "as docs/github.md has it");
    let mut story = Story::blocked();
    story.log_of(&story.blocked);
    let (fixed, before) = (story.fixed.clone(), order(&story).len());
    story.open(&fixed);
    story.run_id(101).log_of(&fixed);
    let later = order(&story).split_off(before);
    let expected = ["status pending", "mutation", "status success", "check run"];
    assert_eq!(later, expected);
}

#[test]
fn status_comment_report_and_output_name_the_newest_entry() {
    let story = Story::fixed();
    story.log_of(&story.fixed);
    let last = story.recorded().pop().unwrap();
    let (seq, digest) = (last.entry.seq, last.digest);
    let description = story.description(&story.fixed);
    let anchor = format!(" · ledger {seq} {}", digest.short());
    assert!(description.ends_with(&anchor), "{description}");
    assert!(description.chars().count() <= 140);
    let comment = story.fake.comments().pop().unwrap().body;
    let footer = format!("ledger {seq} `{}`", digest.short());
    assert!(comment.contains(&footer), "{comment}");
    assert_eq!(
        story.report()["ledger"],
        json!({
            "branch": BRANCH, "recorded": true, "seq": seq, "sha256": digest.to_string(),
        })
    );
    let output = format!("{seq}:{digest}");
    assert!(story.file("output").contains(&output));
}

#[test]
fn a_lost_race_is_run_again_on_top_of_whoever_won() {
    for lost in [1, 3, 7] {
        let mut story = Story::blocked();
        story.log_of(&story.blocked);
        let fixed = story.fixed.clone();
        story.open(&fixed);
        story.fake.fault("POST", MUTATION, lost, story.rival());
        let log = story.run_id(101).log_of(&fixed);
        assert_eq!(story.verdicts(), 2, "{log}");
        assert_eq!(story.of_rivals(), lost, "{log}");
        assert_eq!(story.status(&fixed).as_deref(), Some("success"), "{log}");
    }
}

#[test]
fn a_race_for_the_first_entry_is_won_by_one() {
    let story = Story::fixed();
    story.fake.fault("POST", "/git/refs", 1, story.rival());
    let log = story.log_of(&story.fixed);
    assert_eq!((story.of_rivals(), story.verdicts()), (1, 1), "{log}");
}

/// What keeps a verdict from being recorded.
type Breaks<'b> = &'b dyn Fn(&mut Story);

/// A run whose verdict cannot be recorded, under a policy; its result, and the job's.
fn unrecorded(policy: &str, trouble: impl Fn(&mut Story)) -> (Story, Ran) {
    let mut story = Story::under(policy);
    let fixed = story.fixed.clone();
    story.open(&fixed);
    story.set("GATECARD_JOB_RESULT", "verdict");
    trouble(&mut story);
    let ran = story.run(&fixed);
    assert_eq!(story.verdicts(), 0, "{}", ran.log);
    assert_eq!(story.report()["ledger"]["recorded"], false, "{}", ran.log);
    (story, ran)
}

#[test]
fn what_could_not_be_recorded_is_an_error_where_it_is_required_and_else_a_note() {
    let eight_lost = |story: &mut Story| {
        story.entry();
        story.fake.fault("POST", MUTATION, 99, story.rival());
    };
    let forbidden = |story: &mut Story| {
        let access = Access {
            user: (ACTIONS_ID, "github-actions[bot]"),
            app: true,
            write: &["pull-requests", "statuses", "checks", "members"],
        };
        story.fake.token("ghs_contents", access);
        story.set("GITHUB_TOKEN", "ghs_contents");
    };
    let unreachable = |story: &mut Story| {
        story.fake.fault("GET", TIP, 99, Trouble::Status(502, ""));
    };
    for (policy, state, code) in [
        ("", "success", 0),
        ("ledger: best-effort\n", "success", 0),
        ("ledger: required\n", "error", 5),
        ("ledger: required\nmode: advise\n", "success", 0),
        ("ledger: required\nmode: observe\n", "success", 0),
    ] {
        let cases: [(Breaks<'_>, &str); 3] = [
            (&eight_lost, "faster 8 times"),
            (&forbidden, "`contents: write`"),
            (&unreachable, "502"),
        ];
        for (trouble, told) in cases {
            let (story, ran) = unrecorded(policy, trouble);
            assert_eq!(ran.code, code, "{policy}: {}", ran.log);
            assert_eq!(story.status(&story.fixed).as_deref(), Some(state));
            assert!(ran.log.contains(told), "{told}: {}", ran.log);
            assert!(story.file("summary.md").contains("not recorded"));
            let required = policy.contains("required");
            let headline = story.report()["headline"].as_str().unwrap().to_owned();
            assert_eq!(headline.contains("not recorded"), required, "{headline}");
        }
    }
}

#[test]
fn a_fork_whose_token_may_only_read_gets_its_verdict_all_the_same() {
    let (story, ran) = unrecorded("", |story| {
        story.reader();
    });
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert!(ran.log.contains("may only read"), "{}", ran.log);
    assert_eq!(story.fake.count("POST", "/git/"), 1, "asked once");
}

#[test]
fn a_commit_whose_answer_got_lost_is_found_and_not_made_twice() {
    for trouble in [
        Trouble::CloseAfter,
        Trouble::BadGatewayAfter,
        Trouble::Slow(Duration::from_millis(1_800)),
        Trouble::Says(200, r#"{"errors":[{"message":"Something went wrong"}]}"#),
    ] {
        for kind in ["/git/refs", MUTATION] {
            let mut story = Story::fixed();
            let fixed = story.fixed.clone();
            if kind == MUTATION {
                story.entry();
            }
            story.fake.fault("POST", kind, 1, trouble.clone());
            let log = story.log_of(&fixed);
            assert_eq!(story.verdicts(), 1, "{kind} {trouble:?}: {log}");
            assert_eq!(story.report()["ledger"]["recorded"], true, "{log}");
            story.run_id(101).log_of(&fixed);
            assert_eq!(story.verdicts(), 1);
        }
    }
}

#[test]
fn a_run_that_was_killed_between_ledger_and_status_is_completed_by_the_next() {
    let mut story = Story::fixed();
    let head = story.fixed.clone();
    // The pending one is set, and nothing after it.
    let killed = Trouble::CloseBefore;
    story.fake.fault_after(1, ("POST", "/statuses/"), killed);
    assert_eq!(story.run(&head).code, 4);
    let recorded = story.recorded();
    assert_eq!(story.verdicts(), 1);
    assert_eq!(story.status(&head).as_deref(), Some("pending"));
    story.fake.mend();
    story.run_id(101).log_of(&head);
    assert_eq!(story.status(&head).as_deref(), Some("success"));
    assert_eq!(story.recorded(), recorded);
}

#[test]
fn a_run_that_may_not_publish_any_more_records_nothing() {
    let mut story = Story::fixed().in_run(101);
    let (fixed, blocked) = (story.fixed.clone(), story.blocked.clone());
    story.log_of(&fixed);
    let recorded = story.recorded();
    // An older run of the same head, a run for a head that is gone, and one whose head goes.
    story.run_id(100).log_of(&fixed);
    story.run_id(102).log_of(&blocked);
    assert_eq!(story.recorded(), recorded);
    let story = Story::fixed();
    let pushed = Trouble::Push("dddddddddddddddddddddddddddddddddddddddd");
    story.fake.fault_after(1, ("GET", "/pulls/4"), pushed);
    story.log_of(&story.fixed);
    assert_eq!(story.recorded(), []);
}

#[test]
fn nothing_is_asked_about_a_ledger_that_is_off_or_of_what_is_not_governed() {
    let asked = |story: &Story| story.fake.count("GET", TIP) + story.fake.count("POST", "/git/");
    let mut story = Story::under("ledger: off\n");
    let fixed = story.fixed.clone();
    story.open(&fixed);
    story.log_of(&fixed);
    assert_eq!(asked(&story), 0);
    assert!(story.report().get("ledger").is_none());
    let mut story = Story::new();
    let unrelated = story.unrelated.clone();
    story.open(&unrelated);
    story.log_of(&unrelated);
    assert_eq!(asked(&story), 0);
}

#[test]
fn a_clone_of_one_commit_fetches_the_ledger_and_adds_to_it() {
    let mut story = Story::fixed();
    let fixed = story.fixed.clone();
    story.entry();
    supply::checkout(&mut story, "--depth=1", "fixed");
    let log = story.log_of(&fixed);
    assert_eq!((story.of_rivals(), story.verdicts()), (1, 1), "{log}");
    let clone = Repo::open(&story.folder.path().join("clone")).unwrap();
    assert!(Ledger::open(&clone, BRANCH).unwrap().is_some());
}

#[test]
fn a_branch_that_was_replaced_is_not_added_to() {
    let (story, ran) = unrecorded("ledger: required\n", |story| {
        let main = CommitSha::parse(&story.main).unwrap();
        let origin = story.folder.path().join("repo.git");
        story.entry();
        supply::checkout(story, "--depth=1", "fixed");
        let clone = story.folder.path().join("clone");
        let fetched = format!("{BRANCH}:refs/remotes/origin/{BRANCH}");
        git(&clone, &["fetch", "--quiet", "origin", &fetched]);
        git(&origin, &["branch", "-D", BRANCH]);
        record(&origin, &main, "another");
    });
    assert_eq!(ran.code, 5, "{}", ran.log);
    assert!(ran.log.contains("it was replaced"), "{}", ran.log);
    assert_eq!(story.recorded().len(), 1);
}

#[test]
fn the_first_policy_does_not_choose_the_branch() {
    for (ledger, recorded) in [
        ("", true),
        ("ledger: required\n", true),
        ("ledger: off\n", false),
        ("ledger: { branch: release }\n", false),
    ] {
        let mut story = Story::fixed();
        let origin = story.folder.path().join("repo.git");
        let repo = NewRepo::open(&origin).unwrap();
        let commit = |branch: &str, parent: Option<&CommitSha>, path: &str, text: &str| {
            let files = [(path.to_owned(), text.as_bytes())];
            let message = (branch, 1_790_000_000);
            repo.commit(branch, parent, files.into_iter(), message)
                .unwrap()
        };
        let base = commit("old", None, "prompts/answer.md", "Answer.\n");
        let policy = format!("version: 1\nprompts: [prompts/**]\n{ledger}");
        let head = commit("new", Some(&base), "gatecard.yml", &policy);
        story.main = base.to_string();
        story.open(head.as_str());
        let ran = story.run(head.as_str());
        assert_eq!(story.verdicts() == 1, recorded, "{ledger}: {}", ran.log);
        let repo = Repo::open(&origin).unwrap();
        assert_eq!(repo.reference("refs/heads/release").unwrap(), None);
    }
}

#[test]
fn what_is_recorded_is_signed_where_there_is_a_key_and_else_not_recorded() {
    let key = include_str!("../../../../tests/fixtures/signing/ed25519");
    let mut story = Story::fixed();
    story.set("GATECARD_SIGNING_KEY", key);
    story.log_of(&story.fixed);
    let recorded = story.recorded();
    assert!(!recorded.is_empty());
    assert!(recorded.iter().all(|it| it.entry.signature.is_some()));
    // A key that cannot be read must not leave entries that nobody signed.
    let (_, ran) = unrecorded("ledger: required\n", |story| {
        story.set("GATECARD_SIGNING_KEY", "no key");
    });
    assert_eq!(ran.code, 5, "{}", ran.log);
}
