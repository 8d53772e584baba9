//! The audit ledger as a whole process: what it costs to write and to read at 50,000 entries
//! beside 100,000 commits, over a tenth of both, and over what Git's own tools take.
//!
//! `cargo bench --bench ledger` builds both repositories with `git fast-import`, without
//! gatecard's own code, runs each command in turn with its peer and prints medians and the ratio
//! pair by pair, so that a noisy machine disturbs both alike. A command is cold where the
//! index beside the clone is gone. Nothing here fails on a figure.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "a benchmark that panics says why, and prints what it measured"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

const RUNS: usize = 9;
const PROMPTS: usize = 500;
/// When `main` began; a commit a minute.
const START: usize = 1_780_000_000;
const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n";

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let small = Subject::make(folder.path(), "small", 5_000);
    let large = Subject::make(folder.path(), "large", 50_000);
    for (name, work) in READS {
        if !understands(name) {
            println!("{name}: not in this build");
            continue;
        }
        println!("{name}, cold: {:?}", cold(&large, work));
        compare(
            &format!("{name}, warm: large over small"),
            || large.gatecard(&work(&large)),
            || small.gatecard(&work(&small)),
        );
    }
    if understands("verify") {
        compare(
            "verify over `git fsck`, large",
            || large.gatecard(&[String::from("verify")]),
            || large.git(&["fsck", "--full", "--no-dangling"]),
        );
    }
    if understands("record") {
        compare(
            "record: large over small",
            || large.record(),
            || small.record(),
        );
        compare(
            "record over `git notes add`, large",
            || large.record(),
            || large.note(),
        );
    }
}

type Work = fn(&Subject) -> Vec<String>;

const READS: [(&str, Work); 3] = [
    ("log", |_| words("log prompts/prompt-7")),
    ("blame", |subject| {
        let mut words = words("blame prompts/prompt-7 --at");
        words.push(subject.middle());
        words
    }),
    ("verify", |_| words("verify")),
];

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(String::from).collect()
}

/// Whether this build has a command.
fn understands(command: &str) -> bool {
    let help = Command::new(env!("CARGO_BIN_EXE_gatecard"))
        .args([command, "--help"])
        .output();
    help.expect("gatecard runs").status.success()
}

/// The median time without what lies beside the clone.
fn cold(subject: &Subject, work: Work) -> Duration {
    let mut times = Vec::new();
    for _ in 0..3 {
        drop(fs::remove_dir_all(subject.repo.join("gatecard")));
        times.push(subject.gatecard(&work(subject)));
    }
    times.sort();
    times[1]
}

/// Runs two things in turn and prints medians and the median of the ratios.
fn compare(name: &str, a: impl Fn() -> Duration, b: impl Fn() -> Duration) {
    a();
    b();
    let (mut left, mut right, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (x, y) = (a(), b());
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

/// A repository with a ledger, and as many notes on its commits as it has entries.
struct Subject {
    repo: PathBuf,
    commits: usize,
}

impl Subject {
    /// Half of the entries are verdicts, half are merges; every fourth commit changes a prompt.
    fn make(folder: &Path, name: &str, entries: usize) -> Self {
        let repo = folder.join(format!("{name}.git"));
        git(
            folder,
            &[
                "init",
                "-q",
                "--bare",
                "-b",
                "main",
                &repo.to_string_lossy(),
            ],
            "",
        );
        let subject = Self {
            repo,
            commits: entries * 2,
        };
        subject.fast_import(&subject.main_branch());
        let log = subject.read(&["rev-list", "--reverse", "main"]);
        let commits: Vec<&str> = log.lines().collect();
        let policy = Sha256::digest(POLICY);
        subject.fast_import(&ledger(&commits, &subject.versions(), &hex(&policy)));
        subject.fast_import(&notes(&commits[..entries]));
        git(&subject.repo, &["repack", "-adq"], "");
        subject
    }

    /// When half of the commits were there.
    fn middle(&self) -> String {
        time(self.commits / 2)
    }

    fn main_branch(&self) -> String {
        let mut stream = String::new();
        for at in 0..self.commits {
            let mut files = Vec::new();
            if at == 0 {
                files.push((String::from(".github/gatecard.yml"), POLICY.to_owned()));
                files.extend((0..PROMPTS).map(|prompt| (path(prompt), text(prompt, 0))));
            } else if at.is_multiple_of(4) {
                let prompt = at / 4 % PROMPTS;
                files.push((path(prompt), text(prompt, revision(at))));
            } else {
                files.push((format!("src/{}/{}.txt", at % 40, at % 997), at.to_string()));
            }
            commit(&mut stream, "refs/heads/main", START + at * 60, &files);
        }
        stream
    }

    /// The version of every text: each revision of all prompts is a commit of its own.
    fn versions(&self) -> BTreeMap<String, String> {
        let mut stream = String::new();
        let revisions = revision(self.commits) + 1;
        for revision in 0..revisions {
            let mut files = vec![(String::from(".github/gatecard.yml"), POLICY.to_owned())];
            files.extend((0..PROMPTS).map(|prompt| (path(prompt), text(prompt, revision))));
            let branch = format!("refs/heads/texts-{revision}");
            commit(&mut stream, &branch, START, &files);
        }
        self.fast_import(&stream);
        let mut found = BTreeMap::new();
        for revision in 0..revisions {
            let branch = format!("texts-{revision}");
            let words = [
                "prompts",
                "--revision",
                &branch,
                "--format",
                "json",
                "--repo",
            ];
            let mut words: Vec<String> = words.map(str::to_owned).to_vec();
            words.push(self.repo.to_string_lossy().into_owned());
            let output = gatecard(&words);
            let listing: Value = serde_json::from_slice(&output.stdout).expect("a listing");
            let prompts = listing["prompts"].as_array().expect("prompts");
            found.extend((0..PROMPTS).map(|prompt| {
                let own = &mut prompts.iter().filter(|each| each["path"] == path(prompt));
                let version = own.next().and_then(|own| own["version"].as_str());
                let version = version.expect("a version").to_owned();
                (text(prompt, revision), version)
            }));
            git(&self.repo, &["branch", "-q", "-D", &branch], "");
        }
        found
    }

    /// Times a command, whatever its verdict.
    fn gatecard(&self, words: &[String]) -> Duration {
        let mut words = words.to_vec();
        words.push(String::from("--repo"));
        words.push(self.repo.to_string_lossy().into_owned());
        let start = Instant::now();
        let output = gatecard(&words);
        let time = start.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("error:"), "{words:?}: {said}");
        let out = String::from_utf8_lossy(&output.stdout);
        let harmless = [
            "the ledger holds",
            "nothing shows that the ledger does not hold",
        ];
        let holds = words[0] != "verify" || harmless.iter().any(|each| out.contains(each));
        assert!(holds, "the ledger is made up of honest entries: {out}");
        time
    }

    fn git(&self, args: &[&str]) -> Duration {
        let start = Instant::now();
        git(&self.repo, args, "");
        start.elapsed()
    }

    fn read(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(&self.repo)
            .output();
        String::from_utf8(output.expect("git runs").stdout).expect("UTF-8")
    }

    /// Changes a prompt on `main`, and times how that gets on record.
    fn record(&self) -> Duration {
        self.edit();
        self.gatecard(&words("record --from main~1 --to main --branch main"))
    }

    /// Changes a prompt on `main`, and times how a note of it gets written.
    fn note(&self) -> Duration {
        self.edit();
        let text = entry_text(1, 1, &json!({}), None);
        self.git(&["notes", "--ref=bench", "add", "-m", &text, "main"])
    }

    fn edit(&self) {
        let head = self.read(&["rev-parse", "main"]);
        let text = format!("Edited after {head}");
        let mut stream = String::new();
        let files = [(path(7), text)];
        let seconds = START + (self.commits + 1) * 60;
        commit(&mut stream, "refs/heads/main", seconds, &files);
        let from = format!("from {}\n", head.trim());
        let place = stream.find("M 100644").expect("a file");
        stream.insert_str(place, &from);
        self.fast_import(&stream);
    }

    fn fast_import(&self, stream: &str) {
        git(&self.repo, &["fast-import", "--quiet"], stream);
    }
}

fn path(prompt: usize) -> String {
    format!("prompts/prompt-{prompt}.md")
}

/// How often a prompt was changed until a commit that changes it.
fn revision(at: usize) -> usize {
    (at / 4).div_ceil(PROMPTS)
}

fn text(prompt: usize, revision: usize) -> String {
    format!(
        "You answer questions about product {prompt}.\nRevision {revision}.\n\n{{{{question}}}}\n"
    )
}

/// The ledger's branch: a commit with a verdict and the merge that relies on it, for each
/// commit that changed a prompt.
fn ledger(commits: &[&str], versions: &BTreeMap<String, String>, policy: &str) -> String {
    let (mut stream, mut seq, mut prev) = (String::new(), 0, None);
    for at in (4..commits.len()).step_by(4) {
        let prompt = at / 4 % PROMPTS;
        let change = Changed {
            id: format!("prompts/prompt-{prompt}"),
            path: path(prompt),
            from: versions[&text(prompt, revision(at) - 1)].clone(),
            to: versions[&text(prompt, revision(at))].clone(),
        };
        let base = commits[at.saturating_sub(1)];
        let head = commits[at];
        let about = json!({
            "at": time(at), "base": base, "head": head, "base_ref": "main", "tool": "0.1.0",
            "policy": { "path": ".github/gatecard.yml", "sha256": policy, "origin": "base" }
        });
        let mut files = Vec::new();
        for (kind, body) in [
            ("verdict", verdict(&change, at)),
            ("merge", merge(&change, seq + 1)),
        ] {
            seq += 1;
            let text = entry_text(seq, at, &merged(&about, &body), prev.as_deref());
            prev = Some(hex(&Sha256::digest(&text)));
            let (upper, lower) = (seq / 10_000, seq / 100 % 100);
            files.push((
                format!("entries/{upper:04}/{lower:02}/{seq:010}-{kind}.json"),
                text,
            ));
        }
        commit(
            &mut stream,
            "refs/heads/gatecard/ledger",
            START + at * 60,
            &files,
        );
    }
    stream
}

struct Changed {
    id: String,
    path: String,
    from: String,
    to: String,
}

fn time(at: usize) -> String {
    let seconds = i64::try_from(START + at * 60).expect("a time");
    let time = chrono::DateTime::from_timestamp(seconds, 0).expect("a time");
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The canonical text of an entry.
fn entry_text(seq: usize, at: usize, fields: &Value, prev: Option<&str>) -> String {
    let mut entry = merged(&json!({ "v": 1, "seq": seq, "at": time(at) }), fields);
    if let Some(prev) = prev {
        entry["prev"] = json!(prev);
    }
    sorted(&entry).to_string()
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut fields = one.as_object().cloned().unwrap_or_default();
    fields.extend(other.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            let fields = fields.into_iter().map(|(key, value)| (key.clone(), value));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// A verdict of usual size whose every gate passes and whose numbers add up, so that verifying it
/// takes as long as it does where nothing is wrong.
fn verdict(change: &Changed, at: usize) -> Value {
    let check = json!({ "points": 0, "of": 5 });
    let category = |(id, weight, passes): &(&str, usize, bool)| {
        json!({
            "id": id, "weight": weight, "score": 10_000, "passes": passes,
            "checks": [check, check, check, check, check]
        })
    };
    let side =
        |side: &str| json!({ "side": side, "cases": 60, "passed": 60, "failed": 0, "errored": 0 });
    let changed = json!({
        "id": change.id, "change": "modified", "path": change.path, "risk": "standard",
        "from": change.from, "to": change.to, "facets": ["template"],
        "evals": [side("baseline"), side("candidate")]
    });
    json!({
        "kind": "verdict", "verdict": "pass", "mode": "enforce", "judged": time(at),
        "scored": true, "points": 100_000_000, "band": "do_not_use",
        "pre_production": false, "changes": [changed],
        "categories": CATEGORIES.iter().map(category).collect::<Vec<_>>(),
        "outcomes": outcomes(&change.id),
        "comparisons": [{
            "prompt": change.id, "metric": "pass", "test": "mcnemar-exact",
            "both": 60, "neither": 0, "lost": 0, "won": 0,
            "only_baseline": 0, "only_candidate": 0, "changed_cases": 0,
            "difference": "0.000000", "interval": ["-0.060172", "0.060172"], "p": "1.000000"
        }],
        "coverage": {
            "calls": 200, "repository_wide": false, "traces": 200, "spans": 200, "excluded": 0,
            "unreadable": 0, "failed": 0, "fields": [], "input_tokens": 0, "output_tokens": 0,
            "cost_nano_usd": 0, "estimated": 0
        }
    })
}

/// The categories with their weights, and whether each passes at the lowest score.
const CATEGORIES: [(&str, usize, bool); 7] = [
    ("trace_completeness", 2_000, false),
    ("versioning", 1_500, false),
    ("evaluation", 2_000, false),
    ("debugging_speed", 1_500, true),
    ("latency_and_cost", 1_000, true),
    ("collaboration", 1_000, true),
    ("security", 1_000, true),
];

fn outcomes(prompt: &str) -> Vec<Value> {
    let outcome = |gate: &str, outcome: &str, code: &str| json!({ "gate": gate, "outcome": outcome, "code": code, "blocks": false });
    let idle = |gate| outcome(gate, "not applicable", "not-applicable");
    let pass = |gate, code, (metric, observed, threshold, n): (&str, &str, &str, usize)| {
        let mut said = outcome(gate, "pass", code);
        said["prompt"] = json!(prompt);
        said["measured"] =
            json!({ "metric": metric, "observed": observed, "threshold": threshold, "n": n });
        said
    };
    let share = |gate| pass(gate, "met", ("share", "200", "9500", 200));
    let mut alike = outcome("test_set", "pass", "met");
    alike["prompt"] = json!(prompt);
    let mut unasked = idle("approvals");
    unasked["prompt"] = json!(prompt);
    vec![
        outcome("prompt_files", "pass", "met"),
        share("prompt_version"),
        share("request_metadata"),
        share("cost_and_latency"),
        pass("traces_to_evals", "met", ("traced_cases", "1", "1", 1)),
        idle("expected_evidence"),
        pass("min_examples", "met", ("cases", "60", "50", 60)),
        pass(
            "max_regression",
            "no-drop-seen",
            ("p", "1.000000", "0.05", 60),
        ),
        pass(
            "hidden_characters",
            "met",
            ("hidden_characters", "0", "0", 1),
        ),
        alike,
        unasked,
        idle("policy_change"),
        idle("minimum_band"),
    ]
}

fn merge(change: &Changed, verdict: usize) -> Value {
    let prompt = json!({
        "id": change.id, "path": change.path, "from": change.from, "to": change.to
    });
    json!({ "kind": "merge", "prompts": [prompt], "relies_on": [verdict] })
}

/// Notes of the size of entries, as `git notes` keeps them.
fn notes(commits: &[&str]) -> String {
    let mut stream = String::new();
    write!(
        stream,
        "commit refs/notes/bench\ncommitter bench <bench@example.invalid> {START} +0000\ndata 5\nnotes"
    )
    .expect("text");
    for (at, commit) in commits.iter().enumerate() {
        let text = entry_text(at, at, &json!({ "head": commit }), None);
        write!(stream, "\nN inline {commit}\ndata {}\n{text}", text.len()).expect("text");
    }
    stream.push('\n');
    stream
}

fn commit(stream: &mut String, branch: &str, seconds: usize, files: &[(String, String)]) {
    write!(
        stream,
        "commit {branch}\ncommitter bench <bench@example.invalid> {seconds} +0000\ndata 4\nedit\n"
    )
    .expect("text");
    for (path, text) in files {
        write!(
            stream,
            "M 100644 inline {path}\ndata {}\n{text}\n",
            text.len()
        )
        .expect("text");
    }
    stream.push('\n');
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text");
        text
    })
}

fn gatecard(words: &[String]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_gatecard"))
        .args(words)
        .output();
    output.expect("gatecard runs")
}

fn git(folder: &Path, args: &[&str], input: &str) {
    let mut child = Command::new("git")
        .args([
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@example.invalid",
        ])
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git runs");
    let mut pipe = child.stdin.take().expect("standard input");
    pipe.write_all(input.as_bytes()).expect("git reads");
    drop(pipe);
    assert!(child.wait().expect("git ends").success(), "git {args:?}");
}
