//! `gatecard check` as a whole process: how it scales with the repository and the change.
//!
//! `cargo bench --bench check` builds two repositories (20 prompts with 200 commits, 2,000
//! prompts with 20,000 commits), runs both in turn and prints the ratio of their times pair
//! by pair, so that a noisy machine disturbs both alike. Nothing here fails on a figure.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "a benchmark that panics says why, and prints what it measured"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const RUNS: usize = 15;
const NOW: &str = "2026-11-23T12:00:00Z";
const CASES: usize = 60;
const CALLS: usize = 150;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = Subject::make(folder.path(), "small", 20, 200, 10);
    let large = Subject::make(folder.path(), "large", 2_000, 20_000, 10);
    let wide = Subject::make(folder.path(), "wide", 2_000, 20_000, 200);
    println!("cold, large: {:?} (first run, no cache)", large.once(true));
    for traced in [false, true] {
        let name = if traced {
            "with traces"
        } else {
            "without traces"
        };
        compare(
            &format!("10 prompts changed, large over small, {name}"),
            &large,
            &small,
            traced,
        );
    }
    compare(
        "large repository, 200 changed over 10 changed",
        &wide,
        &large,
        true,
    );
}

/// Runs two subjects in turn and prints medians and the median of the ratios.
fn compare(name: &str, a: &Subject, b: &Subject, traced: bool) {
    a.once(traced);
    b.once(traced);
    let (mut left, mut right, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (x, y) = (a.once(traced), b.once(traced));
        ratios.push(x.as_secs_f64() / y.as_secs_f64());
        left.push(x);
        right.push(y);
    }
    left.sort();
    right.sort();
    ratios.sort_by(f64::total_cmp);
    println!(
        "{name}: {:?} over {:?}, ratio {:.2} (min {:.2}, max {:.2}, {RUNS} pairs)",
        left[RUNS / 2],
        right[RUNS / 2],
        ratios[RUNS / 2],
        ratios[0],
        ratios[RUNS - 1]
    );
}

struct Subject {
    repo: PathBuf,
    evals: Vec<PathBuf>,
    traces: PathBuf,
}

impl Subject {
    /// Makes a repository whose branch `head` changes the first `changed` prompts, and
    /// evidence for each of them.
    fn make(folder: &Path, name: &str, prompts: usize, commits: usize, changed: usize) -> Self {
        let repo = folder.join(format!("{name}.git"));
        git(
            folder,
            &["init", "--quiet", "--bare", repo.to_str().expect("UTF-8")],
            "",
        );
        git(
            &repo,
            &["fast-import", "--quiet"],
            &history(prompts, commits, changed),
        );
        git(&repo, &["repack", "-adq"], "");
        let evals = vec![
            folder.join(format!("{name}-base.json")),
            folder.join(format!("{name}-head.json")),
        ];
        write(
            &evals[0],
            &results(changed, |at| text(at, commits, prompts)),
        );
        write(
            &evals[1],
            &results(changed, |at| edited(at, commits, prompts)),
        );
        let traces = folder.join(format!("{name}.jsonl"));
        fs::write(&traces, calls(&repo, changed)).expect("traces");
        Self {
            repo,
            evals,
            traces,
        }
    }

    fn once(&self, traced: bool) -> Duration {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatecard"));
        command.args([
            "check", "--base", "main", "--head", "head", "--now", NOW, "--format", "json",
        ]);
        command.arg("--repo").arg(&self.repo);
        for file in &self.evals {
            command.arg("--evidence").arg(file);
        }
        if traced {
            command.arg("--evidence").arg(&self.traces);
        }
        let start = Instant::now();
        let output = command.output().expect("gatecard runs");
        let time = start.elapsed();
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let want = if traced { "pass" } else { "fail" };
        assert_eq!(report["verdict"], want, "{report:#}");
        time
    }
}

fn prompt_path(at: usize) -> String {
    format!("prompts/area-{}/prompt-{at}.md", at % 40)
}

/// The last state of a prompt on `main`: commit `c` edits prompt `c % prompts`.
fn text(at: usize, commits: usize, prompts: usize) -> String {
    let last = (0..commits)
        .rev()
        .find(|commit| commit % prompts == at)
        .unwrap_or_default();
    state(at, last)
}

fn state(at: usize, commit: usize) -> String {
    format!(
        "You answer questions about product {at}.\nRevision {commit}.\n\nQuestion: {{{{question}}}}\n"
    )
}

fn edited(at: usize, commits: usize, prompts: usize) -> String {
    text(at, commits, prompts).replace("You answer", "You politely answer")
}

/// A `git fast-import` stream.
fn history(prompts: usize, commits: usize, changed: usize) -> String {
    let mut stream = String::new();
    let policy = "version: 1\nprompts: [\"prompts/**\"]\nprices:\n  openai/gpt-4o-mini: { input: 0.15, output: 0.60, per: 1M, as_of: 2026-11-01 }\n";
    let commit = |stream: &mut String,
                  branch: &str,
                  from: Option<&str>,
                  at: usize,
                  files: &[(String, String)]| {
        let time = 1_700_000_000 + at;
        write!(stream, "commit refs/heads/{branch}\nmark :{}\ncommitter bench <bench@example.invalid> {time} +0000\ndata 4\nedit\n", at + 1).expect("text");
        if let Some(from) = from {
            writeln!(stream, "from {from}").expect("text");
        }
        for (path, text) in files {
            write!(
                stream,
                "M 100644 inline {path}\ndata {}\n{text}\n",
                text.len()
            )
            .expect("text");
        }
        stream.push('\n');
    };
    let mut first: Vec<(String, String)> = (0..prompts)
        .map(|at| (prompt_path(at), state(at, 0)))
        .collect();
    first.push((String::from(".github/gatecard.yml"), policy.to_owned()));
    commit(&mut stream, "main", None, 0, &first);
    for at in 1..commits {
        let prompt = at % prompts;
        commit(
            &mut stream,
            "main",
            None,
            at,
            &[(prompt_path(prompt), state(prompt, at))],
        );
    }
    let head: Vec<(String, String)> = (0..changed)
        .map(|at| (prompt_path(at), edited(at, commits, prompts)))
        .collect();
    commit(
        &mut stream,
        "head",
        Some(&format!(":{commits}")),
        commits,
        &head,
    );
    stream
}

/// promptfoo results: one prompt entry for each changed prompt, all cases passing.
fn results(changed: usize, raw: impl Fn(usize) -> String) -> Value {
    let prompts: Vec<Value> = (0..changed)
        .map(|at| json!({ "raw": raw(at), "label": prompt_path(at), "provider": "openai:chat:gpt-4o-mini" }))
        .collect();
    let rows: Vec<Value> = (0..changed)
        .flat_map(|at| (0..CASES).map(move |case| row(at, case)))
        .collect();
    json!({
        "evalId": "eval-bench",
        "results": { "version": 3, "timestamp": "2026-11-20T12:00:00.000Z", "prompts": prompts, "results": rows },
        "config": { "prompts": [], "providers": [{ "id": "openai:chat:gpt-4o-mini", "config": {} }] },
        "metadata": { "promptfooVersion": "0.121.20" },
    })
}

fn row(prompt: usize, case: usize) -> Value {
    let assertion = json!({ "type": "contains", "value": "yes" });
    json!({
        "promptIdx": prompt, "success": true, "failureReason": 0, "cost": 0.0001,
        "gradingResult": { "pass": true, "score": 1, "reason": "ok", "componentResults": [{ "pass": true, "assertion": assertion }] },
        "testCase": { "assert": [assertion], "metadata": { "id": format!("case-{case}"), "trace_id": trace(prompt, case) }, "vars": { "question": format!("question {case}") } },
        "vars": { "question": format!("question {case}") },
        "response": { "output": format!("yes, that is the answer to question {case} about product {prompt}") },
        "provider": { "id": "openai:chat:gpt-4o-mini", "label": "" },
    })
}

fn trace(prompt: usize, call: usize) -> String {
    format!("{:016x}{:016x}", prompt + 1, call + 1)
}

/// OTLP JSON lines: production calls of the base version of each changed prompt.
fn calls(repo: &Path, changed: usize) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gatecard"))
        .args([
            "prompts",
            "--revision",
            "main",
            "--format",
            "json",
            "--repo",
        ])
        .arg(repo)
        .output()
        .expect("gatecard runs");
    let listing: Value = serde_json::from_slice(&output.stdout).expect("a listing");
    let version = |path: &str| -> String {
        let prompts = listing["prompts"].as_array().expect("prompts");
        let found = prompts
            .iter()
            .find(|prompt| prompt["path"] == path)
            .expect("the prompt");
        found["version"].as_str().expect("a version").to_owned()
    };
    let mut lines = String::new();
    for at in 0..changed {
        let path = prompt_path(at);
        let (name, version) = (path.trim_end_matches(".md"), version(&path));
        let spans: Vec<Value> = (0..CALLS)
            .map(|call| span(at, call, name, &version))
            .collect();
        let attribute =
            |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        let resource = json!({ "attributes": [attribute("deployment.environment.name", "production"), attribute("service.version", "1.0.0")] });
        let request = json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": spans }] }] });
        writeln!(lines, "{request}").expect("text");
    }
    lines
}

fn span(prompt: usize, call: usize, name: &str, version: &str) -> Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let int =
        |key: &str, value: usize| json!({ "key": key, "value": { "intValue": value.to_string() } });
    let start = 1_795_000_000_000_000_000_u64 + call as u64 * 1_000_000_000;
    json!({
        "traceId": trace(prompt, call), "spanId": format!("{:016x}", call + 1), "name": "chat gpt-4o-mini", "kind": 3,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 700_000_000).to_string(),
        "attributes": [
            text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"),
            text("gen_ai.request.model", "gpt-4o-mini"), text("gen_ai.prompt.name", name),
            text("gen_ai.prompt.version", version), text("gen_ai.prompt.variable.question", "a question"),
            text("gen_ai.input.messages", &format!("[{{\"role\":\"user\",\"parts\":[{{\"type\":\"text\",\"content\":\"question {call}\"}}]}}]")),
            text("gen_ai.output.messages", "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"text\",\"content\":\"yes\"}]}]"),
            int("gen_ai.usage.input_tokens", 100), int("gen_ai.usage.output_tokens", 20),
        ],
        "status": {},
    })
}

fn write(path: &Path, value: &Value) {
    fs::write(path, value.to_string()).expect("evidence");
}

fn git(folder: &Path, args: &[&str], input: &str) {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    child
        .stdin
        .take()
        .expect("standard input")
        .write_all(input.as_bytes())
        .expect("git reads");
    assert!(child.wait().expect("git ends").success(), "git {args:?}");
}
