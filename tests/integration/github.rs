//! The program in a workflow, against a fake of GitHub: what it writes where, and how it ends.

use std::fs;

use serde_json::json;

use crate::fake_github::{self, FakeGitHub, REPO, Trouble};
use crate::harness::{Evals, HEAD_PROMPT, NOW, POLICY, Passing, Ran, gatecard_with};

/// A workflow run of a pull request: event, token, files for the runner.
pub(crate) struct Job {
    pub(crate) passing: Passing,
    pub(crate) fake: FakeGitHub,
    variables: Vec<(String, String)>,
}

impl Job {
    /// A run that passes.
    pub(crate) fn new() -> Self {
        let fake = FakeGitHub::start();
        let url = fake.url();
        Self::on(fake, &url)
    }

    fn on(fake: FakeGitHub, url: &str) -> Self {
        let passing = Passing::new();
        let mut job = Self {
            passing,
            fake,
            variables: Vec::new(),
        };
        let file = |name: &str| job.passing.repo.beside(name).display().to_string();
        let variables = [
            ("GITHUB_ACTIONS", String::from("true")),
            ("GITHUB_API_URL", url.to_owned()),
            ("GITHUB_TOKEN", String::from("ghs_write")),
            ("GITHUB_REPOSITORY", REPO.to_owned()),
            ("GITHUB_EVENT_NAME", String::from("pull_request")),
            ("GITHUB_EVENT_PATH", file("event.json")),
            ("GITHUB_OUTPUT", file("output")),
            ("GITHUB_STEP_SUMMARY", file("summary.md")),
            ("GITHUB_RUN_ID", String::from("100")),
            // What the exit code then says of the verdict, the status says otherwise.
            ("GATECARD_JOB_RESULT", String::from("verdict")),
            ("GITHUB_RUN_ATTEMPT", String::from("1")),
        ];
        for (name, value) in variables {
            job.set(name, &value);
        }
        let evidence = job.passing.files.join("\n");
        job.set("GATECARD_EVIDENCE", &evidence);
        job.event();
        job
    }

    /// Writes the event for the commits as they are now.
    pub(crate) fn event(&self) {
        let repo = &self.passing.repo;
        let commit = |name: &str| repo.git(&["rev-parse", name]).trim().to_owned();
        let event = json!({
            "action": "synchronize",
            "pull_request": {
                "number": 7,
                "base": { "ref": "main", "sha": commit("main") },
                "head": { "ref": "head", "sha": commit("head") },
            },
            "repository": { "full_name": REPO },
        });
        repo.evidence("event.json", event.to_string().as_bytes());
        self.fake.branch("main", &commit("main"));
        let (base, head) = (commit("main"), commit("head"));
        self.fake
            .pull(fake_github::pull(7, ("main", &base), ("head", &head)));
    }

    /// Lets the pull request have a head that no clone has.
    pub(crate) fn missing_head(&self) {
        let (main, gone) = (
            self.passing.repo.git(&["rev-parse", "main"]),
            "1".repeat(40),
        );
        let event = self.file("event.json").replace(&self.head(), &gone);
        self.passing.repo.evidence("event.json", event.as_bytes());
        self.fake
            .pull(fake_github::pull(7, ("main", main.trim()), ("head", &gone)));
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts another policy on both sides of the change.
    pub(crate) fn policy(&self, text: &str) {
        let repo = &self.passing.repo;
        repo.checkout("main");
        repo.write(&[(".github/gatecard.yml", text)]);
        repo.commit("another policy");
        repo.checkout("head");
        repo.git(&["rebase", "--quiet", "main"]);
        self.event();
    }

    /// Makes the head version lose this many of its cases.
    pub(crate) fn failing(&self, count: usize) {
        let run = Evals::passing(HEAD_PROMPT).failing(count);
        self.passing.repo.evidence("candidate.json", &run.bytes());
    }

    /// Runs `gatecard check`.
    pub(crate) fn run(&self, more: &[&str]) -> Ran {
        let path = self.passing.repo.path();
        let mut args = vec!["check", "--repo", path.to_str().unwrap(), "--now", NOW];
        args.extend(more);
        let variables: Vec<(&str, &str)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let ran = gatecard_with(&args, &variables);
        for said in [
            &ran.out,
            &ran.err,
            &self.file("output"),
            &self.file("summary.md"),
        ] {
            assert!(!said.contains("ghs_"), "the token is in: {said}");
        }
        ran
    }

    /// A file beside the worktree.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.passing.repo.beside(name)).unwrap_or_default()
    }

    /// The head commit.
    pub(crate) fn head(&self) -> String {
        self.passing
            .repo
            .git(&["rev-parse", "head"])
            .trim()
            .to_owned()
    }

    /// The last status: commit, name, state.
    fn status(&self) -> (String, String, String) {
        let statuses = self.fake.statuses();
        let (sha, status) = statuses.last().unwrap();
        let text = |key: &str| status[key].as_str().unwrap().to_owned();
        (sha.clone(), text("context"), text("state"))
    }

    /// Fails unless the last status is this one, on the head commit.
    pub(crate) fn expect_status(&self, state: &str) {
        let want = (
            self.head(),
            String::from("gatecard: main"),
            state.to_owned(),
        );
        assert_eq!(self.status(), want);
    }

    fn untouched(&self) {
        assert_eq!(self.fake.comments().len(), 0);
        assert_eq!(self.fake.statuses().len(), 0);
    }
}

#[test]
fn a_passing_change_is_published_whole() {
    let job = Job::new();
    job.run(&[]).exits(0);
    job.expect_status("success");
    let comments = job.fake.comments();
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].body.contains("## ✅ gatecard: passed"),
        "{}",
        comments[0].body
    );
    let output = job.file("output");
    for (name, value) in [("verdict", "pass"), ("band", "pilot"), ("failed-gates", "")] {
        let lines: Vec<&str> = output.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with(&format!("{name}<<")));
        assert_eq!(lines[at.unwrap() + 1], value, "{output}");
    }
    assert!(job.file("summary.md").starts_with("## ✅ gatecard: passed"));
}

#[test]
fn a_second_run_updates_the_one_comment_and_the_status() {
    let mut job = Job::new();
    job.failing(20);
    job.run(&[]).exits(1);
    job.expect_status("failure");
    let first = job.fake.comments()[0].clone();
    assert!(first.body.contains("⛔"), "{}", first.body);
    job.failing(0);
    job.set("GITHUB_RUN_ID", "101").run(&[]).exits(0);
    job.expect_status("success");
    let comments = job.fake.comments();
    assert_eq!(comments.len(), 1);
    assert_eq!(comments[0].id, first.id);
    assert!(comments[0].body.contains("✅"), "{}", comments[0].body);
}

#[test]
fn evidence_that_cannot_be_read_is_a_status_of_error() {
    let job = Job::new();
    job.passing.repo.evidence("candidate.json", b"{");
    job.run(&[]).exits(3);
    job.expect_status("error");
}

#[test]
fn a_status_that_is_lost_is_exit_code_4_only_where_the_verdict_passes() {
    let lost = || Trouble::Says(422, r#"{"message":"Unprocessable"}"#);
    for (failing, code) in [(0, 4), (20, 1)] {
        let job = Job::new();
        job.failing(failing);
        job.fake.fault("POST", "/statuses/", 9, lost());
        let ran = job.run(&[]).exits(code);
        assert!(ran.err.contains("error: "), "{}", ran.err);
    }
    // The comment is only a view.
    let job = Job::new();
    job.fake.fault("POST", "/comments", 9, lost());
    let ran = job.run(&[]).exits(0);
    assert!(ran.err.contains("error: comment"), "{}", ran.err);
    job.expect_status("success");
}

#[test]
fn a_token_that_may_only_read_is_told_what_it_needs() {
    let mut job = Job::new();
    let ran = job.set("GITHUB_TOKEN", "ghs_read").run(&[]).exits(0);
    job.untouched();
    for permission in ["pull-requests: write", "statuses: write"] {
        assert!(ran.err.contains(permission), "{}", ran.err);
    }
    let output = job.file("output");
    assert!(output.contains("\npass\n"), "{output}");
}

#[test]
fn without_a_token_the_verdict_is_the_same() {
    let mut job = Job::new();
    job.failing(20);
    let with = job.run(&["--format", "json"]).exits(1);
    let without = job
        .set("GITHUB_TOKEN", "")
        .run(&["--format", "json"])
        .exits(1);
    // Only what was published is recorded.
    let verdict = |ran: &Ran| {
        let mut report = ran.json();
        report.as_object_mut().unwrap().remove("ledger");
        report
    };
    assert_eq!(verdict(&with), verdict(&without));
    assert!(with.json().get("ledger").is_some());
    assert_eq!(job.fake.statuses().len(), 2, "pending and failure");
    assert!(without.err.contains("no token"), "{}", without.err);
}

#[test]
fn an_enterprise_server_is_reached_under_its_prefix() {
    let fake = FakeGitHub::start();
    let url = fake.enterprise_url();
    let job = Job::on(fake, &url);
    job.run(&[]).exits(0);
    job.expect_status("success");
    assert_eq!(job.fake.comments().len(), 1);
    assert!(job.fake.requests().iter().all(|request| request.enterprise));
}

#[test]
fn a_judgement_of_another_commit_is_not_published() {
    let job = Job::new();
    job.passing.repo.write(&[("notes.txt", "more")]);
    job.passing.repo.commit("one commit more");
    let more = ["--base", "main", "--head", "head"];
    let ran = job.run(&more).exits(0);
    assert!(ran.err.contains("other commits"), "{}", ran.err);
    job.untouched();
    // Neither is one that could not be made.
    job.run(&["--base", "main", "--head", "gone"]).exits(2);
    job.untouched();
}

#[test]
fn a_simulated_policy_is_never_published() {
    let job = Job::new();
    for (text, code) in [(POLICY, 0), ("version: 2\n", 2)] {
        let file = job.passing.repo.evidence("policy.yml", text.as_bytes());
        let ran = job.run(&["--policy-file", &file]).exits(code);
        assert!(ran.err.contains("never published"), "{}", ran.err);
        job.untouched();
    }
}

#[test]
fn the_policy_can_turn_the_comment_off_and_name_the_status() {
    let job = Job::new();
    job.policy(&format!("{POLICY}comment: off\nstatus_name: prompts\n"));
    job.run(&[]).exits(0);
    assert_eq!(job.fake.comments().len(), 0);
    let (sha, name, state) = job.status();
    assert_eq!(
        (sha, name.as_str(), state.as_str()),
        (job.head(), "prompts", "success")
    );
}

#[test]
fn a_broken_policy_is_a_status_of_error() {
    let job = Job::new();
    job.policy("version: 1\nprompts: 3\n");
    let ran = job.run(&["--format", "json"]).exits(2);
    job.expect_status("error");
    assert_eq!(ran.json()["verdict"], "error");
    assert!(job.file("output").contains("\nerror\n"));
    assert!(job.file("summary.md").contains("could not check"));
}

#[test]
fn a_workflow_can_tighten_the_mode_and_never_loosen_it() {
    let mut job = Job::new();
    job.failing(20);
    for more in [&["--mode", "advise"][..], &[]] {
        let ran = job
            .set("GATECARD_MODE", "observe")
            .run(&[more, &["--format", "json"]].concat());
        let ran = ran.exits(1);
        job.expect_status("failure");
        let report = ran.json();
        let finding = report["findings"][0].as_str().unwrap();
        assert!(finding.contains("can only tighten"), "{finding}");
        assert_eq!(report["mode"], "enforce");
    }
    let mut job = Job::new();
    job.policy(&format!("{POLICY}mode: advise\n"));
    job.failing(20);
    job.run(&[]).exits(0);
    job.expect_status("success");
    assert!(job.fake.comments()[0].body.contains("would block"));
    job.set("GATECARD_MODE", "enforce")
        .set("GITHUB_RUN_ID", "101")
        .run(&[])
        .exits(1);
    job.expect_status("failure");
}

#[test]
fn the_actions_inputs_come_through_the_environment() {
    let mut job = Job::new();
    let folder = job.passing.repo.beside("").display().to_string();
    job.set(
        "GATECARD_EVIDENCE",
        &format!("\n  {folder}*.json \n\n{folder}traces.jsonl\n"),
    );
    // The event lies in the same folder and is no evidence.
    let ran = job.run(&["--format", "json"]).exits(3);
    assert!(ran.out.contains("event.json"), "{}", ran.out);
    job.set(
        "GATECARD_EVIDENCE",
        &format!("{folder}*line.json\n{folder}candi*\n{folder}traces.jsonl"),
    );
    let ran = job.run(&["--format", "json"]).exits(0);
    assert_eq!(ran.json()["evidence"].as_array().unwrap().len(), 3);
    job.set("GATECARD_POLICY", "absent.yml").run(&[]).exits(2);
    job.set("GATECARD_POLICY", "../gatecard.yml")
        .run(&[])
        .exits(2);
    job.set("GATECARD_POLICY", ".github/gatecard.yml")
        .run(&[])
        .exits(0);
    job.set("GATECARD_MODE", "off").run(&[]).exits(2);
}

#[test]
fn an_event_that_is_no_pull_request_publishes_nothing() {
    let mut job = Job::new();
    job.passing
        .repo
        .evidence("event.json", br#"{"ref":"refs/tags/v1"}"#);
    job.set("GITHUB_EVENT_NAME", "push");
    let ran = job.run(&[]).exits(0);
    assert!(ran.err.contains("nothing to judge"), "{}", ran.err);
    job.run(&["--base", "main", "--head", "head"]).exits(0);
    job.untouched();
}

#[test]
fn saved_reviews_do_not_replace_those_of_the_pull_request() {
    let job = Job::new();
    let repo = &job.passing.repo;
    let saved = json!({"schema": "gatecard/approvals/v1", "repo": REPO, "pulls": []});
    let file = repo.evidence("approvals.json", saved.to_string().as_bytes());
    let ran = job.run(&["--approvals", &file, "--format", "json"]);
    let findings = ran.json()["findings"].to_string();
    assert!(
        findings.contains("`--approvals` was given and ignored"),
        "{findings}"
    );
}
