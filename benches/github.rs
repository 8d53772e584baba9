//! `gatecard check` on a pull request, against the fake of GitHub's API on loopback: requests,
//! time and memory with 300 comments and 5,000 reviews, over a quiet one.
//!
//! `cargo bench --bench github` runs both in turn and prints the ratio pair by pair, so that a
//! noisy machine disturbs both alike. Nothing here fails on a figure.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "a benchmark that panics says why, and prints what it measured"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[path = "../tests/integration/fake_github.rs"]
mod fake_github;

use fake_github::{ACTIONS_ID, FakeGitHub, REPO};

const RUNS: usize = 7;
const POLICY: &str =
    "version: 1\nprompts: [prompts/**]\ndatasets: [evals/**]\npolicy_owners: [50]\n";

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repo = Repository::make(folder.path());
    let quiet = Pull::open(&repo, folder.path(), "quiet", 0, 0);
    let busy = Pull::open(&repo, folder.path(), "busy", 300, 5_000);
    for pull in [&quiet, &busy] {
        let first = pull.once();
        let later = pull.once();
        println!(
            "{}: {} requests at first, {} later; peak memory {}",
            pull.name, first.requests, later.requests, later.memory
        );
    }
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    let mut ratios = Vec::new();
    for _ in 0..RUNS {
        let (a, b) = (busy.once().time, quiet.once().time);
        ratios.push(a.as_secs_f64() / b.as_secs_f64());
        times[0].push(a);
        times[1].push(b);
    }
    ratios.sort_by(f64::total_cmp);
    for times in &mut times {
        times.sort();
    }
    println!(
        "busy over quiet: {:?} over {:?}, ratio {:.2} (min {:.2}, max {:.2}, {RUNS} pairs)",
        times[0][RUNS / 2],
        times[1][RUNS / 2],
        ratios[RUNS / 2],
        ratios[0],
        ratios[RUNS - 1]
    );
}

/// A repository whose branch `topic` changes a dataset.
struct Repository {
    path: PathBuf,
    main: String,
    topic: String,
}

impl Repository {
    fn make(folder: &Path) -> Self {
        let path = folder.join("repo");
        let git = |args: &[&str]| {
            let output = Command::new("git")
                .arg("-C")
                .arg(&path)
                .args([
                    "-c",
                    "user.name=bench",
                    "-c",
                    "user.email=bench@example.invalid",
                ])
                .args(args)
                .output()
                .expect("git runs");
            assert!(output.status.success(), "git {args:?}: {output:?}");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        let write = |name: &str, text: &str| {
            let file = path.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        };
        fs::create_dir_all(&path).expect("a folder");
        git(&["init", "--quiet", "--initial-branch=main"]);
        write(".github/gatecard.yml", POLICY);
        write("prompts/answer.md", "Answer {{message}}.\n");
        write("evals/cases.csv", "message\nhello\n");
        let commit = |message: &str| {
            git(&["add", "--all"]);
            git(&["commit", "--quiet", "--message", message]);
            git(&["rev-parse", "HEAD"])
        };
        let main = commit("base");
        git(&["switch", "--quiet", "--create", "topic"]);
        write("evals/cases.csv", "message\nhello\ngood-bye\n");
        let topic = commit("one case more");
        Self { path, main, topic }
    }
}

/// The pull request on a server of its own.
struct Pull {
    name: &'static str,
    fake: FakeGitHub,
    variables: Vec<(&'static str, String)>,
    repo: PathBuf,
}

/// One run.
struct Ran {
    time: Duration,
    requests: usize,
    memory: String,
}

impl Pull {
    fn open(
        repo: &Repository,
        folder: &Path,
        name: &'static str,
        comments: u64,
        reviews: u64,
    ) -> Self {
        let Repository { main, topic, .. } = repo;
        let fake = FakeGitHub::start();
        fake.branch("main", main);
        fake.pull(fake_github::pull(4, ("main", main), ("topic", topic)));
        fake.timeline(json!({
            "pushed": { "nodes": [] }, "retargeted": { "nodes": [] }, "followed": { "nodes": [] },
        }));
        let ann = json!({ "id": 7, "login": "ann", "type": "User" });
        let by = json!({ "email": "ann@example.com" });
        let commit = json!({ "message": "one case more", "author": by, "committer": by });
        fake.commit(
            Some(4),
            json!({ "sha": topic, "author": ann, "committer": ann, "commit": commit }),
        );
        for at in 0..comments {
            fake.comment(ACTIONS_ID + 1 + at, "A remark that somebody made.");
        }
        for at in 0..reviews {
            fake.review(4, review(at, 1_000 + at % 400, "COMMENTED", topic));
        }
        fake.review(4, review(reviews, 50, "APPROVED", topic));
        let event = folder.join(format!("{name}.json"));
        fs::write(&event, payload(repo).to_string()).expect("an event");
        let variables = vec![
            ("GITHUB_ACTIONS", String::from("true")),
            ("GITHUB_API_URL", fake.url()),
            ("GITHUB_TOKEN", String::from("ghs_write")),
            ("GITHUB_REPOSITORY", REPO.to_owned()),
            ("GITHUB_EVENT_NAME", String::from("pull_request")),
            ("GITHUB_EVENT_PATH", event.display().to_string()),
            ("GITHUB_RUN_ID", String::from("100")),
            ("GITHUB_RUN_ATTEMPT", String::from("1")),
            (
                "GITHUB_STEP_SUMMARY",
                folder.join("summary.md").display().to_string(),
            ),
        ];
        let repo = repo.path.clone();
        Self {
            name,
            fake,
            variables,
            repo,
        }
    }

    fn once(&self) -> Ran {
        let before = self.fake.requests().len();
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatecard"))
            .args(["check", "--now", "2026-11-23T12:00:00Z", "--repo"])
            .arg(&self.repo)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gatecard starts");
        let status = format!("/proc/{}/status", child.id());
        let mut memory = String::from("unknown");
        let code = loop {
            if let Some(peak) = peak(&status) {
                memory = peak;
            }
            if let Some(code) = child.try_wait().expect("gatecard ends") {
                break code;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        assert!(code.success(), "the pull request passes");
        Ran {
            time: start.elapsed(),
            requests: self.fake.requests().len() - before,
            memory,
        }
    }
}

/// The most memory that a process has had, as Linux tells it.
fn peak(status: &str) -> Option<String> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}

fn review(at: u64, user: u64, state: &str, commit: &str) -> Value {
    json!({
        "id": 10_000 + at, "state": state, "commit_id": commit,
        "user": { "id": user, "login": format!("user-{user}"), "type": "User" },
        "submitted_at": "2026-11-22T10:00:00Z", "author_association": "MEMBER",
        "body": "What a reviewer may write in a paragraph or two. ".repeat(20),
    })
}

fn payload(repo: &Repository) -> Value {
    json!({
        "action": "synchronize",
        "pull_request": {
            "number": 4,
            "base": { "ref": "main", "sha": repo.main },
            "head": { "ref": "topic", "sha": repo.topic },
        },
        "repository": { "full_name": REPO },
    })
}
