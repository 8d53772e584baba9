//! Whole runs against the fake of GitHub's API, on the shipped example's repository, with
//! little patience.

mod approvals;
mod evidence;
mod faults;
mod history;
mod ledger;
mod outages;
mod queue;
mod stories;
mod supply;

use std::collections::BTreeMap;
use std::path::Path;
use std::process;
use std::time::Duration;

use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Cli, Command};
use crate::commands::Context;
use crate::console::Console;
use crate::environment::Environment;
use crate::files;
use crate::git::CommitSha;
use crate::git::write::NewRepo;
use crate::github::Patience;

use crate::github::fake_github::{self, ACTIONS_ID, Access, FakeGitHub, REPO, Trouble};

const POLICY: &str = "\
version: 1
prompts: [prompts/**]
datasets: [evals/**]
policy_owners: ['@acme/platform']
check_run: true
";

const CONTEXT: &str = "gatecard: main";

/// A pull request of the example on the fake server, and the machine that checks it.
struct Story {
    fake: FakeGitHub,
    folder: TempDir,
    variables: BTreeMap<&'static str, String>,
    patience: Patience,
    /// The clone that is checked, inside the folder.
    clone: &'static str,
    /// The commits of `main`, of `blocked` (a prompt without evidence) and of `fixed` (a dataset,
    /// which its owner approved).
    main: String,
    blocked: String,
    fixed: String,
    /// The commit of `unrelated`, which touches nothing governed.
    unrelated: String,
}

/// What a run came to.
#[derive(Debug)]
struct Ran {
    code: u8,
    log: String,
}

impl Story {
    /// The pull request whose head passes.
    fn fixed() -> Self {
        let mut story = Self::new();
        story.open(&story.fixed.clone());
        story
    }

    /// The pull request whose head is blocked.
    fn blocked() -> Self {
        let mut story = Self::new();
        story.open(&story.blocked.clone());
        story
    }

    fn new() -> Self {
        Self::under("")
    }

    /// With more lines in the policy.
    fn under(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!("{POLICY}{more}");
        let [main, blocked, fixed, unrelated] = commits(folder.path(), &policy);
        let fake = FakeGitHub::start();
        let access = Access {
            user: (ACTIONS_ID, "github-actions[bot]"),
            app: true,
            write: &["pull-requests", "statuses", "checks", "members", "contents"],
        };
        fake.token("ghs_teams", access);
        fake.git(&folder.path().join("repo.git"));
        fake.team("acme/platform", vec![(50, "olga")]);
        fake.timeline(json!({
            "pushed": { "nodes": [] }, "retargeted": { "nodes": [] }, "followed": { "nodes": [] },
        }));
        let variables = [
            ("GITHUB_API_URL", fake.url()),
            ("GITHUB_TOKEN", String::from("ghs_teams")),
            ("GITHUB_REPOSITORY", REPO.to_owned()),
            ("GITHUB_EVENT_NAME", String::from("pull_request")),
            ("GITHUB_ACTIONS", String::from("true")),
            ("GITHUB_RUN_ATTEMPT", String::from("1")),
        ];
        let milliseconds = Duration::from_millis;
        Self {
            main,
            blocked,
            fixed,
            unrelated,
            clone: "repo.git",
            fake,
            folder,
            variables: variables.into(),
            patience: Patience {
                pauses: vec![milliseconds(1); 3],
                longest: milliseconds(2_000),
                answer: milliseconds(1_500),
                reading: milliseconds(8_000),
                downloads: milliseconds(8_000),
                comment: milliseconds(4_000),
                recording: milliseconds(8_000),
                total: milliseconds(20_000),
            },
        }
        .in_run(100)
    }

    fn in_run(mut self, id: u64) -> Self {
        self.run_id(id);
        self
    }

    fn run_id(&mut self, id: u64) -> &mut Self {
        self.variables.insert("GITHUB_RUN_ID", id.to_string());
        self
    }

    fn set(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    /// Takes a token that may write nothing.
    fn reader(&mut self) -> &mut Self {
        let access = Access {
            user: (ACTIONS_ID, "github-actions[bot]"),
            app: true,
            write: &["members"],
        };
        self.fake.token("ghs_reads", access);
        self.set("GITHUB_TOKEN", "ghs_reads")
    }

    /// Puts pull request 4 on the server with this head, which the owner of datasets approved.
    fn open(&mut self, head: &str) {
        let main = self.main.clone();
        self.fake.branch("main", &main);
        self.fake
            .pull(fake_github::pull(4, ("main", &main), ("topic", head)));
        self.fake.clear_commits(4);
        self.fake.clear_reviews(4);
        self.fake.commit(Some(4), written_by_ann(head));
        self.fake.review(4, approval((50, "olga"), head));
    }

    /// Runs for the pull request's event, whose head is `head`.
    fn run(&self, head: &str) -> Ran {
        self.run_event(&self.event(head))
    }

    /// The pull request's event.
    fn event(&self, head: &str) -> Value {
        json!({
            "action": "synchronize",
            "number": 4,
            "pull_request": {
                "number": 4,
                "base": { "ref": "main", "sha": self.main, "repo": { "full_name": REPO } },
                "head": { "ref": "topic", "sha": head, "repo": { "full_name": REPO, "id": 1 } },
            },
            "repository": { "full_name": REPO },
        })
    }

    /// The event of a finished workflow, or of one that was just asked for.
    fn produced(&mut self, action: &str, head: &str) -> Value {
        self.set("GITHUB_EVENT_NAME", "workflow_run");
        json!({
            "action": action,
            "workflow_run": {
                "name": "evals", "head_sha": head, "event": "pull_request",
                "head_repository": { "id": 1 },
            },
            "repository": { "full_name": REPO },
        })
    }

    /// The event of a comment that asks to look again.
    fn recheck(&mut self, login: &str) -> Value {
        self.set("GITHUB_EVENT_NAME", "issue_comment");
        let user = json!({ "id": 9, "login": login, "type": "User" });
        json!({
            "action": "created",
            "issue": { "number": 4, "pull_request": { "url": "x" } },
            "comment": { "body": "/gatecard recheck", "user": user },
            "repository": { "full_name": REPO },
        })
    }

    fn run_event(&self, event: &Value) -> Ran {
        let path = |name: &str| self.folder.path().join(name);
        files::write_atomic(&path("event.json"), event.to_string().as_bytes()).unwrap();
        let mut variables = self.variables.clone();
        variables.insert(
            "GITHUB_EVENT_PATH",
            path("event.json").display().to_string(),
        );
        variables.insert(
            "GITHUB_STEP_SUMMARY",
            path("summary.md").display().to_string(),
        );
        variables.insert("GITHUB_OUTPUT", path("output").display().to_string());
        let environment = Environment::read(&|name| variables.get(name).cloned()).unwrap();
        let repo = path(self.clone).display().to_string();
        let report = format!("json={}", path("report.json").display());
        let arguments = [
            "gatecard",
            "check",
            "--repo",
            &repo,
            "--now",
            "2026-11-23T12:00:00Z",
            "--format",
            &report,
        ];
        let Command::Check(args) = Cli::parse_from(arguments).command else {
            unreachable!("it is a check");
        };
        let (mut console, [_, err]) = Console::captured(None);
        let mut context = Context {
            environment: &environment,
            now: chrono::DateTime::UNIX_EPOCH,
            patience: self.patience.clone(),
            clock: || chrono::DateTime::UNIX_EPOCH,
            pause: |_| {},
            fetching: None,
            console: &mut console,
        };
        let result = super::run(&args, &mut context);
        let code = result.unwrap_or_else(|error| {
            console.explain(&error);
            error.exit_code()
        });
        let log = err.text();
        assert!(!log.contains("ghs_"), "the token is in: {log}");
        Ran { code, log }
    }

    /// The state of the last status on a commit.
    fn status(&self, head: &str) -> Option<String> {
        let statuses = self.fake.statuses();
        let last = statuses
            .iter()
            .rev()
            .find(|(sha, status)| sha == head && status["context"] == CONTEXT)?;
        Some(last.1["state"].as_str().unwrap().to_owned())
    }

    /// How many comments are ours.
    fn own_comments(&self) -> usize {
        let comments = self.fake.comments();
        comments
            .iter()
            .filter(|comment| comment.user == ACTIONS_ID)
            .count()
    }

    fn file(&self, name: &str) -> String {
        let bytes = files::read_bounded(&self.folder.path().join(name), 1 << 20);
        String::from_utf8(bytes.unwrap_or_default()).unwrap()
    }
}

/// A review that approves a commit.
fn approval((id, login): (u64, &str), commit: &str) -> Value {
    json!({
        "id": id * 10, "state": "APPROVED", "commit_id": commit,
        "user": { "id": id, "login": login, "type": "User" },
        "submitted_at": "2026-11-22T10:00:00Z", "author_association": "MEMBER",
    })
}

/// A commit of the pull request's author.
fn written_by_ann(sha: &str) -> Value {
    let ann = json!({ "id": 7, "login": "ann", "type": "User" });
    let by = json!({ "email": "ann@example.com" });
    json!({
        "sha": sha, "author": ann, "committer": ann,
        "commit": { "message": "a change", "author": by, "committer": by },
    })
}

/// Makes the repository, and returns the commits of its branches.
fn commits(folder: &Path, policy: &str) -> [String; 4] {
    let repo = NewRepo::init(&folder.join("repo.git")).unwrap();
    let base = [
        (".github/gatecard.yml", policy),
        ("prompts/answer.md", "Answer {{message}}.\n"),
        ("evals/cases.csv", "message\nhello\n"),
        ("README.md", "Prompts.\n"),
        (".github/workflows/evals.yml", "on: pull_request\n"),
    ];
    let commit = |branch: &str, parent: Option<&CommitSha>, files: &[(&str, &str)]| {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes()));
        repo.commit(branch, parent, files, (branch, 1_790_000_000))
            .unwrap()
    };
    let main = commit("main", None, &base);
    let on_main = |branch: &str, path: &str, text: &str| {
        commit(branch, Some(&main), &[(path, text)]).to_string()
    };
    let fixed = on_main("fixed", "evals/cases.csv", "message\nhello\ngood-bye\n");
    let blocked = on_main(
        "blocked",
        "prompts/answer.md",
        "Answer {{message}} at once.\n",
    );
    let unrelated = on_main("unrelated", "README.md", "Our prompts.\n");
    [main.to_string(), blocked, fixed, unrelated]
}

/// Runs Git in a folder, and returns what it printed.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@example.invalid",
        ])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
