//! The action in a job, as `act` runs it on this machine: downloaded, verified, judged, published.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::checkout::{Action, Mirror, Service, VERSION, binary, run};
use crate::fake_github::{self, FakeGitHub, REPO};
use crate::harness::{BASE_PROMPT, Evals, HEAD_PROMPT, Repo};

/// Before production traces are not asked for, so that no time plays a part.
const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\nstage: pre_production\n";
const TOKEN: &str = "ghs_write";

/// A pull request with its evidence, and GitHub.
struct Case {
    repo: Repo,
    fake: FakeGitHub,
    action: Action,
    mirror: Mirror,
}

/// What a job left.
struct Job {
    code: Option<i32>,
    log: String,
    summary: String,
    outputs: Value,
}

impl Case {
    /// A pull request whose head loses `failing` of its cases.
    fn new(failing: usize) -> Self {
        let repo = Repo::with(&[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", BASE_PROMPT),
        ]);
        repo.branch("head");
        repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
        repo.commit("change the prompt");
        repo.evidence("base.json", &Evals::passing(BASE_PROMPT).bytes());
        let head = Evals::passing(HEAD_PROMPT).failing(failing);
        repo.evidence("head.json", &head.bytes());

        let action = Action::released(&binary());
        let mirror = Mirror::of(fs::read(&action.archive).unwrap(), Service::Whole);
        let case = Self {
            fake: FakeGitHub::start(),
            repo,
            action,
            mirror,
        };
        case.event();
        case
    }

    fn event(&self) {
        let commit = |name: &str| self.repo.git(&["rev-parse", name]).trim().to_owned();
        let (base, head) = (commit("main"), commit("head"));
        let pull = fake_github::pull(7, ("main", &base), ("head", &head));
        let event = json!({
            "action": "synchronize",
            "number": 7,
            "pull_request": pull,
            "repository": { "full_name": REPO, "default_branch": "main" },
        });
        self.repo
            .evidence("event.json", event.to_string().as_bytes());
        self.fake.branch("main", &base);
        self.fake.pull(pull);
    }

    /// A workflow as a user writes one, and a last step that shows what the action gave.
    fn workflow(&self, inputs: &str) -> PathBuf {
        let (base, head) = (self.repo.beside("base.json"), self.repo.beside("head.json"));
        let text = format!(
            "name: gate
on: [pull_request]
permissions:
  contents: read
  pull-requests: write
  statuses: write
jobs:
  gate:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v5
      - id: gate
        uses: acme/gatecard@v{VERSION}
        with:
          mirror: {}
          evidence: |
            {}
            {}
{inputs}
      - if: always()
        env:
          OUTPUTS: ${{{{ toJSON(steps.gate.outputs) }}}}
          REPORT: ${{{{ steps.gate.outputs.report-path }}}}
          TO: {}
        run: |
          printf '%s' \"$OUTPUTS\" > \"$TO/outputs.json\"
          if [ -f \"$REPORT\" ]; then cp \"$REPORT\" \"$TO/report.json\"; fi
",
            self.mirror.url,
            base.display(),
            head.display(),
            self.repo.beside("").display(),
        );
        let path = self.repo.beside("workflow.yml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs the workflow; `inputs` are further lines of the action's `with:`.
    fn run(&self, inputs: &str) -> Job {
        let workflow = self.workflow(inputs);
        let home = self.repo.beside("home");
        fs::create_dir_all(&home).unwrap();
        let mut command = Command::new("act");
        command
            .args([
                "pull_request",
                "--json",
                "--insecure-secrets",
                "--no-cache-server",
            ])
            .args(["--platform", "ubuntu-24.04=-self-hosted"])
            .arg("--directory")
            .arg(self.repo.path())
            .arg("--workflows")
            .arg(workflow)
            .arg("--eventpath")
            .arg(self.repo.beside("event.json"))
            .arg("--action-cache-path")
            .arg(self.repo.beside("actions"))
            .args(["--secret", &format!("GITHUB_TOKEN={TOKEN}")])
            .arg("--local-repository")
            .arg(local(&self.action.path()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &home);
        let url = self.fake.url();
        let tools = self.repo.beside("tools");
        for (name, value) in [
            ("GITHUB_API_URL", url.as_str()),
            ("GITHUB_GRAPHQL_URL", &format!("{url}/graphql")),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_RUN_ID", "100"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("RUNNER_TOOL_CACHE", tools.to_str().unwrap()),
        ] {
            command.args(["--env", &format!("{name}={value}")]);
        }
        let said = run(&mut command);
        let mut job = Job {
            code: said.code,
            summary: String::new(),
            outputs: Value::Null,
            log: said.out,
        };
        for line in job.log.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_default();
            if entry["command"] == "summary" {
                job.summary = entry["content"].as_str().unwrap().to_owned();
            }
        }
        let outputs = fs::read_to_string(self.repo.beside("outputs.json"));
        let outputs = outputs.unwrap_or_else(|error| panic!("{error}\n{}", job.log));
        job.outputs = serde_json::from_str(&outputs).unwrap();
        job
    }
}

fn local(action: &Path) -> String {
    format!("acme/gatecard@v{VERSION}={}", action.display())
}

#[test]
fn a_job_installs_the_released_binary_and_publishes_its_verdict() {
    struct Row {
        name: &'static str,
        failing: usize,
        inputs: &'static str,
        succeeds: bool,
        verdict: &'static str,
        state: &'static str,
    }
    let row = |name, failing, inputs, succeeds, verdict, state| Row {
        name,
        failing,
        inputs,
        succeeds,
        verdict,
        state,
    };
    let verdict = "          job-result: verdict";
    for row in [
        row("passes", 0, verdict, true, "pass", "success"),
        row("is blocked", 20, verdict, false, "fail", "failure"),
        row("lets the status block", 20, "", true, "fail", "failure"),
    ] {
        let case = Case::new(row.failing);
        let job = case.run(row.inputs);
        let name = row.name;
        assert_eq!(job.code == Some(0), row.succeeds, "{name}: {}", job.log);
        assert_eq!(job.outputs["verdict"], row.verdict, "{name}: {}", job.log);
        let gates = job.outputs["failed-gates"].as_str().unwrap();
        assert_eq!(
            gates.contains("max_regression"),
            row.failing > 0,
            "{name}: {gates}"
        );
        for key in ["score", "band"] {
            assert_ne!(job.outputs[key], "", "{name}: {key}");
        }
        let report = fs::read_to_string(case.repo.beside("report.json")).unwrap();
        assert!(report.contains("gatecard/check/v1"), "{name}");
        assert!(
            job.summary.contains("prompts/answer"),
            "{name}: {}",
            job.summary
        );

        let (_, status) = case.fake.statuses().last().cloned().unwrap();
        assert_eq!(status["state"], row.state, "{name}");
        assert_eq!(case.fake.comments().len(), 1, "{name}");
        assert_eq!(case.mirror.asked(), 1, "{name}");
        for said in [&job.log, &job.summary, &job.outputs.to_string()] {
            assert!(!said.contains(TOKEN), "{name}: the token is in {said}");
        }
    }
}

#[test]
fn a_job_with_another_binary_than_the_released_one_ends_before_it_runs() {
    let case = Case::new(0);
    case.action.edit_versions(|text| {
        let zero = "0".repeat(64);
        let line = text.lines().last().unwrap();
        let sum = line.split(' ').nth(2).unwrap();
        text.replace(sum, &zero)
    });
    let job = case.run("");
    assert_ne!(job.code, Some(0), "{}", job.log);
    assert!(job.log.contains("found SHA-256"), "{}", job.log);
    assert_eq!(job.outputs["verdict"].as_str().unwrap_or_default(), "");
    assert!(case.fake.requests().is_empty() && case.fake.statuses().is_empty());
}
