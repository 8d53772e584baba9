//! Repositories made with Git itself, evidence made from real tools' output, and the binary.
//!
//! A test is three steps: make a repository, run `gatecard`, look at what came out.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

/// The time of every check in the tests.
pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

/// The prompt of [`Repo::sample`] at base, with variables that the evidence's cases have.
pub(crate) const BASE_PROMPT: &str =
    "You are a support assistant.\n\nAnswer {{message}} about {{order}}.\n";

/// The same prompt after a small change.
pub(crate) const HEAD_PROMPT: &str =
    "You are a friendly support assistant.\n\nAnswer {{message}} about {{order}}.\n";

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\nout: {}\nerr: {}", self.out, self.err))
    }

    /// Fails with everything that was printed unless the exit code is `code`.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The outcome of a gate in the JSON report: `state code`.
    pub(crate) fn gate(&self, gate: &str) -> String {
        let report = self.json();
        let outcomes = report["outcomes"].as_array().unwrap();
        let found: Vec<String> = outcomes
            .iter()
            .filter(|outcome| outcome["gate"] == gate)
            .map(|outcome| {
                let text = |key: &str| outcome[key].as_str().unwrap().to_owned();
                format!("{} {}", text("outcome"), text("code"))
            })
            .collect();
        found.join(", ")
    }
}

/// Runs the binary with a clean environment.
pub(crate) fn gatecard(args: &[&str]) -> Ran {
    gatecard_with(args, &[])
}

/// Runs the binary with a clean environment and some variables.
pub(crate) fn gatecard_with(args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_gatecard"))
        .args(args)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A repository in a temporary folder, with the evidence beside it.
pub(crate) struct Repo {
    folder: TempDir,
}

impl Repo {
    /// An empty repository on branch `main`.
    pub(crate) fn empty() -> Self {
        let repo = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(repo.path()).unwrap();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A repository whose `main` has these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let repo = Self::empty();
        repo.write(files);
        repo.commit("base");
        repo
    }

    /// A repository with one prompt and the smallest policy on `main`, and the prompt changed
    /// on branch `head`, which is checked out.
    pub(crate) fn sample() -> Self {
        let repo = Self::with(&[
            (
                ".github/gatecard.yml",
                "version: 1\nprompts: [\"prompts/**\"]\n",
            ),
            ("prompts/answer.md", BASE_PROMPT),
        ]);
        repo.branch("head");
        repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
        repo.commit("change the prompt");
        repo
    }

    /// The worktree.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// The folder around the worktree, for evidence and clones.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs Git in the worktree and returns what it printed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        git_in(&self.path(), args)
    }

    /// Writes files into the worktree.
    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            self.write_bytes(name, text.as_bytes());
        }
    }

    /// Writes a file of any bytes into the worktree.
    pub(crate) fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Commits everything in the worktree and returns the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Commits everything in the worktree at a time, as somebody, and returns the commit.
    pub(crate) fn commit_at(&self, time: &str, author: &str) -> String {
        let at = |args: &[&str]| git_at(&self.path(), args, (time, author));
        at(&["add", "--all"]);
        at(&[
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "a commit",
        ]);
        at(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Makes a branch here and checks it out.
    pub(crate) fn branch(&self, name: &str) {
        self.git(&["checkout", "--quiet", "-b", name]);
    }

    /// Checks a branch out.
    pub(crate) fn checkout(&self, name: &str) {
        self.git(&["checkout", "--quiet", name]);
    }

    /// Writes evidence beside the worktree and returns its path.
    pub(crate) fn evidence(&self, name: &str, content: &[u8]) -> String {
        let path = self.beside(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `gatecard check --base main --head head --format json` with evidence files.
    pub(crate) fn check(&self, evidence: &[&str]) -> Ran {
        self.check_with(evidence, &[])
    }

    /// The same with more arguments.
    pub(crate) fn check_with(&self, evidence: &[&str], more: &[&str]) -> Ran {
        let path = self.path();
        let mut args = vec![
            "check",
            "--repo",
            path.to_str().unwrap(),
            "--base",
            "main",
            "--head",
            "head",
        ];
        if !more.contains(&"--now") {
            args.extend(["--now", NOW]);
        }
        if !more.contains(&"--format") {
            args.extend(["--format", "json"]);
        }
        for file in evidence {
            args.extend(["--evidence", file]);
        }
        args.extend(more);
        gatecard(&args)
    }

    /// `gatecard prompts --format json` at a revision.
    pub(crate) fn prompts(&self, revision: &str) -> Ran {
        let path = self.path();
        gatecard(&[
            "prompts",
            "--repo",
            path.to_str().unwrap(),
            "--revision",
            revision,
            "--format",
            "json",
        ])
    }

    /// The version of a prompt at a revision.
    pub(crate) fn version(&self, revision: &str, id: &str) -> String {
        let listing = self.prompts(revision).json();
        let prompts = listing["prompts"].as_array().unwrap();
        let found = prompts.iter().find(|prompt| prompt["id"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {listing:#}"))["version"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// Runs Git with fixed names and dates.
pub(crate) fn git_in(folder: &Path, args: &[&str]) -> String {
    git_at(folder, args, ("2026-11-20T12:00:00Z", "an author"))
}

/// Runs Git as somebody at a time.
fn git_at(folder: &Path, args: &[&str], (time, author): (&str, &str)) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "core.autocrlf=false",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", author)
        .env("GIT_AUTHOR_EMAIL", "author@example.invalid")
        .env("GIT_AUTHOR_DATE", time)
        .env("GIT_COMMITTER_NAME", author)
        .env("GIT_COMMITTER_EMAIL", "author@example.invalid")
        .env("GIT_COMMITTER_DATE", time)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The folder of the shipped example.
pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/01-refund")
}

/// A packed evidence file of the shipped example, unpacked.
pub(crate) fn example_evidence(name: &str) -> Vec<u8> {
    let file = fs::File::open(example().join("evidence").join(name)).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// promptfoo results: the shipped example's real output, with other content put in.
#[derive(Clone)]
pub(crate) struct Evals(pub(crate) Value);

impl Evals {
    /// 60 cases, all passing, of `raw` with `openai:chat:gpt-4o-mini`.
    pub(crate) fn passing(raw: &str) -> Self {
        let bytes = example_evidence("baseline.json.gz");
        let mut evals = Self(serde_json::from_slice(&bytes).unwrap());
        evals.0["results"]["prompts"][0]["raw"] = json!(raw);
        evals.0["results"]["prompts"][0]["label"] = json!("answer");
        evals.0["config"]["prompts"] = json!(["file:///srv/app/prompts/answer.md"]);
        for row in evals.rows() {
            row["success"] = json!(true);
            row["failureReason"] = json!(0);
            row.as_object_mut().unwrap().remove("error");
        }
        evals
    }

    /// The result rows.
    pub(crate) fn rows(&mut self) -> &mut Vec<Value> {
        self.0["results"]["results"].as_array_mut().unwrap()
    }

    /// Lets the first `count` cases, in the order of their ids, fail.
    pub(crate) fn failing(mut self, count: usize) -> Self {
        for row in self.sorted().into_iter().take(count) {
            row["success"] = json!(false);
            row["failureReason"] = json!(1);
            row["error"] = json!("Expected output to contain \"x\"");
            row["gradingResult"]["reason"] = row["error"].clone();
        }
        self
    }

    /// Lets the last `count` cases, in the order of their ids, end in an error.
    pub(crate) fn errored(mut self, count: usize) -> Self {
        for row in self.sorted().into_iter().rev().take(count) {
            row["success"] = json!(false);
            row["failureReason"] = json!(2);
            row["error"] = json!("API error: 500");
            row["gradingResult"] = Value::Null;
        }
        self
    }

    /// Keeps the first `count` cases, in the order of their ids.
    pub(crate) fn keep(mut self, count: usize) -> Self {
        let kept: Vec<Value> = self
            .sorted()
            .into_iter()
            .take(count)
            .map(Value::take)
            .collect();
        *self.rows() = kept;
        self
    }

    /// Stamps the run with a prompt's version.
    pub(crate) fn stamped(mut self, prompt: &str, version: &str) -> Self {
        self.0["config"]["tags"] = json!({ format!("gatecard:{prompt}"): version });
        self
    }

    /// Sets the provider and its config.
    pub(crate) fn provider(mut self, id: &str, config: &Value) -> Self {
        self.0["config"]["providers"] = json!([{ "id": id, "config": config }]);
        self.0["results"]["prompts"][0]["provider"] = json!(id);
        for row in self.rows() {
            row["provider"] = json!({ "id": id, "label": "" });
        }
        self
    }

    /// Changes every case, in the order of their ids.
    pub(crate) fn each(mut self, mut change: impl FnMut(usize, &mut Value)) -> Self {
        for (at, row) in self.sorted().into_iter().enumerate() {
            change(at, row);
        }
        self
    }

    /// Grades every case by a metric, in the order of their ids: whether it passes, and its score.
    /// A judge is a model, `human` a person.
    pub(crate) fn graded(
        self,
        metric: &str,
        judge: Option<&str>,
        grade: impl Fn(usize) -> (bool, f64),
    ) -> Self {
        let assertion = match judge {
            Some("human") => json!({ "type": "human", "metric": metric }),
            Some(model) => json!({ "type": "llm-rubric", "metric": metric, "provider": model }),
            None => json!({ "type": "javascript", "metric": metric }),
        };
        self.each(|at, row| {
            let (pass, score) = grade(at);
            let graded = json!({ "pass": pass, "score": score, "assertion": assertion });
            let results = row["gradingResult"]["componentResults"].as_array_mut();
            results.unwrap().push(graded);
        })
    }

    /// Runs every case once more, each time with the same id.
    pub(crate) fn again(mut self, other: &Self) -> Self {
        let mut other = other.clone();
        let rows = other.rows().clone();
        self.rows().extend(rows);
        self
    }

    fn sorted(&mut self) -> Vec<&mut Value> {
        let mut rows: Vec<&mut Value> = self.rows().iter_mut().collect();
        rows.sort_by_key(|row| {
            row["metadata"]["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        });
        rows
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap()
    }
}

/// OTLP traces: the shipped example's real output, with another prompt name and version.
pub(crate) fn traces(prompt: &str, version: &str) -> Vec<u8> {
    let text = String::from_utf8(example_evidence("traces.otlp.jsonl.gz")).unwrap();
    let mut lines = String::new();
    for line in text.lines() {
        let mut request: Value = serde_json::from_str(line).unwrap();
        each_attribute(&mut request, &mut |key, value| match key {
            "gen_ai.prompt.name" => value["stringValue"] = json!(prompt),
            "gen_ai.prompt.version" => value["stringValue"] = json!(version),
            _ => {}
        });
        lines.push_str(&request.to_string());
        lines.push('\n');
    }
    lines.into_bytes()
}

/// Visits every span attribute of an export request.
pub(crate) fn each_attribute(request: &mut Value, visit: &mut dyn FnMut(&str, &mut Value)) {
    for resource in request["resourceSpans"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        for scope in resource["scopeSpans"].as_array_mut().into_iter().flatten() {
            for span in scope["spans"].as_array_mut().into_iter().flatten() {
                for attribute in span["attributes"].as_array_mut().into_iter().flatten() {
                    let key = attribute["key"].as_str().unwrap().to_owned();
                    visit(&key, &mut attribute["value"]);
                }
            }
        }
    }
}

/// A repository with enough evidence for its change to pass: price list, runs of both
/// versions, traces of the base version.
pub(crate) struct Passing {
    /// The repository.
    pub(crate) repo: Repo,
    /// The paths of baseline, candidate and traces.
    pub(crate) files: [String; 3],
}

impl Passing {
    /// Makes it.
    pub(crate) fn new() -> Self {
        let repo = Repo::with(&[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", BASE_PROMPT),
        ]);
        repo.branch("head");
        repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
        repo.commit("change the prompt");
        let version = repo.version("main", "prompts/answer");
        let files = [
            repo.evidence("baseline.json", &Evals::passing(BASE_PROMPT).bytes()),
            repo.evidence("candidate.json", &Evals::passing(HEAD_PROMPT).bytes()),
            repo.evidence("traces.jsonl", &traces("prompts/answer", &version)),
        ];
        Self { repo, files }
    }

    /// Checks it.
    pub(crate) fn check(&self) -> Ran {
        let [baseline, candidate, traces] = &self.files;
        self.repo.check(&[baseline, candidate, traces])
    }
}

/// The smallest policy with the price of the example's model.
pub(crate) const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\nprices:\n  openai/gpt-4o-mini: { input: 0.15, output: 0.60, per: 1M, as_of: 2026-11-01 }\n";
