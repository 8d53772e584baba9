//! `gatecard log`, `blame` and `export`: what the base branch got, who approved it, on what
//! evidence.

use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::harness::{Ran, Repo, gatecard};
use crate::ledger_book::{Book, sha256};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n";
const START: &str =
    "You are a support assistant.\nBe brief.\nName the order.\nSign with the team's name.\n";
const EVIDENCE: &str = "{\"cases\": 60}\n";

/// A branch with four versions of a prompt, one of which nobody judged, and a fifth that was
/// judged and not merged.
struct Story {
    repo: Repo,
    book: Book,
    /// The commits: before the ledger, gated, ungated, renamed.
    commits: Vec<String>,
    /// The versions at these commits, and the one that was not merged.
    versions: Vec<String>,
}

impl Story {
    fn new() -> Self {
        let repo = Repo::empty();
        let write = |file: &str, front: &str, end: &str| {
            repo.write(&[(file, &format!("{front}{START}Refund {{{{order}}}}{end}\n"))]);
        };
        let file = "prompts/refund.md";
        repo.write(&[(".github/gatecard.yml", POLICY)]);
        write(file, "", ".");
        let mut commits = vec![repo.commit_at("2026-01-05T09:00:00Z", "Ada")];
        write(file, "---\nversion: 3\n---\n", ", politely.");
        repo.write(&[("evidence/candidate.json", EVIDENCE)]);
        commits.push(repo.commit_at("2026-02-10T10:00:00Z", "Bob"));
        repo.git(&["tag", "v1.0"]);
        write(file, "", " at once, and ask nobody.");
        commits.push(repo.commit_at("2026-03-03T11:30:00Z", "Eve"));
        repo.git(&["mv", file, "prompts/refunds.md"]);
        write("prompts/refunds.md", "", " at once, and ask nobody!");
        commits.push(repo.commit_at("2026-03-20T08:00:00Z", "Ada"));
        let mut versions: Vec<String> = commits[..3]
            .iter()
            .map(|commit| repo.version(commit, "prompts/refund"))
            .collect();
        versions.push(repo.version(&commits[3], "prompts/refunds"));
        versions.push("f".repeat(64));
        let mut story = Self {
            repo,
            book: Book::default(),
            commits,
            versions,
        };
        story.gated();
        story.later();
        story.book.commit(&story.repo.path());
        story
    }

    fn about(&self, base: usize, head: &str, pull: Option<u64>) -> Value {
        let mut about = json!({
            "repository": "octo/app", "base_ref": "main", "base": self.commits[base], "head": head,
            "policy": { "path": ".github/gatecard.yml", "sha256": sha256(POLICY.as_bytes()), "origin": "base" },
            "tool": "0.1.0",
        });
        if let Some(pull) = pull {
            about["pull"] = json!(pull);
            about["workflow"] = json!({ "ref": "octo/app/.github/workflows/gate.yml@refs/heads/main", "run": 77, "attempt": 1 });
        }
        about
    }

    /// Pull request 7: approved twice, one gate waived, merged.
    fn gated(&mut self) {
        let [from, to] = [&self.versions[0], &self.versions[1]];
        let change = json!({ "id": "prompts/refund", "change": "modified", "path": "prompts/refund.md", "risk": "high",
            "from": from, "to": to, "facets": ["template"] });
        let mut verdict = verdict("pass", &change);
        verdict["approvals"] = json!([
            { "prompt": "prompts/refund", "digest": to, "group": "legal", "counted": [502] },
            { "prompt": "prompts/refund", "digest": to, "group": "product", "counted": [501, 503] },
        ]);
        verdict["evidence"] = json!([
            { "name": "candidate.json", "sha256": sha256(EVIDENCE.as_bytes()), "used_as": "evals", "tool": "promptfoo", "provenance": "ci" },
            { "name": "traces.jsonl", "sha256": "e".repeat(64), "used_as": "traces", "tool": "otlp", "provenance": "ci" },
        ]);
        let about = self.about(0, &"a".repeat(40), Some(7));
        let review = |id: u64, login: &str, group: &str| {
            let subject = json!({ "prompt": "prompts/refund", "digest": to, "group": group });
            json!({ "review": id, "reviewer": { "login": login, "id": id + 1000 }, "subjects": [subject] })
        };
        let waiver = json!({ "gate": "max_regression", "prompt": "prompts/refund", "version": to, "by": "carol",
            "expires": "2026-06-30", "reason_sha256": "d".repeat(64) });
        let merge = json!({ "prompts": [{ "id": "prompts/refund", "path": "prompts/refund.md", "from": from, "to": to, "label": "3" }],
            "relies_on": [1, 2, 3, 4] });
        let landed = self.about(0, &self.commits[1], None);
        let book = &mut self.book;
        book.add(
            "approve",
            "2026-02-10T09:30:00Z",
            &about,
            &review(501, "alice", "product"),
        );
        book.add(
            "approve",
            "2026-02-10T09:31:00Z",
            &about,
            &review(502, "lou", "legal"),
        );
        book.add("verdict", "2026-02-10T09:40:00Z", &about, &verdict);
        book.add("waiver", "2026-02-10T09:40:00Z", &about, &waiver);
        book.add("merge", "2026-02-10T10:00:05Z", &landed, &merge);
    }

    /// A push that nobody judged, a rename with a failing verdict, and what was not merged.
    fn later(&mut self) {
        let merge = json!({ "prompts": [{ "id": "prompts/refund", "path": "prompts/refund.md", "from": self.versions[1],
            "to": self.versions[2], "ungated": "verdict-not-passed" }], "relies_on": [] });
        let about = self.about(1, &self.commits[2], None);
        self.book
            .add("merge", "2026-03-03T11:30:09Z", &about, &merge);
        let change = |to: &str| {
            json!({ "id": "prompts/refunds", "change": "renamed", "renamed_from": "prompts/refund", "path": "prompts/refunds.md",
                "risk": "high", "from": self.versions[2], "to": to, "facets": ["template"] })
        };
        let (renamed, other) = (change(&self.versions[3]), change(&self.versions[4]));
        let about = self.about(2, &"b".repeat(40), Some(9));
        self.book.add(
            "verdict",
            "2026-03-19T08:00:00Z",
            &about,
            &verdict("fail", &other),
        );
        self.book.add(
            "verdict",
            "2026-03-20T07:00:00Z",
            &about,
            &verdict("pass", &renamed),
        );
        let merge = json!({ "prompts": [{ "id": "prompts/refunds", "path": "prompts/refunds.md", "renamed_from": "prompts/refund",
            "from": self.versions[2], "to": self.versions[3] }], "relies_on": [8] });
        let about = self.about(2, &self.commits[3], None);
        self.book
            .add("merge", "2026-03-20T08:00:30Z", &about, &merge);
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&self.repo.path(), args)
    }

    /// What was printed, with commits and versions by their names in the story.
    fn named(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let ledger = self.repo.git(&["rev-parse", "gatecard/ledger"]);
        let mut name = |id: &str, name: &str| {
            for length in [id.len(), 12] {
                text = text.replace(&id[..length], name);
            }
        };
        name(ledger.trim(), "LEDGER");
        for (at, commit) in self.commits.iter().enumerate() {
            name(commit, &format!("COMMIT-{at}"));
        }
        for (at, version) in self.versions.iter().enumerate() {
            name(version, &format!("VERSION-{at}"));
        }
        text
    }
}

fn run(repo: &Path, args: &[&str]) -> Ran {
    let mut all = args.to_vec();
    all.extend(["--repo", repo.to_str().unwrap()]);
    gatecard(&all)
}

/// A verdict with one gate of each kind.
fn verdict(word: &str, change: &Value) -> Value {
    let id = change["id"].as_str().unwrap();
    let failed = word == "fail";
    let outcome = |gate: &str, outcome: &str, blocks: bool| json!({ "gate": gate, "prompt": id, "outcome": outcome, "code": "met", "blocks": blocks });
    json!({
        "verdict": word, "mode": "enforce", "judged": "2026-02-10T09:39:59Z", "scored": true,
        "points": 425_000_000, "band": "limited_rollout", "pre_production": false,
        "changes": [change], "categories": [],
        "outcomes": [
            outcome("min_examples", "pass", false),
            outcome("max_regression", "waived", false),
            outcome("hidden_characters", if failed { "fail" } else { "pass" }, failed),
        ],
    })
}

#[test]
fn log_tells_of_every_version_and_follows_the_rename() {
    let story = Story::new();
    let ran = story.run(&["log", "prompts/refunds"]).exits(0);
    insta::assert_snapshot!(story.named(&ran.out));
    // A name that it had finds the same.
    let old = story.run(&["log", "prompts/refund"]).exits(0);
    assert_eq!(old.out, ran.out);
}

#[test]
fn log_without_a_prompt_tells_how_each_one_stands() {
    let story = Story::new();
    story.repo.write(&[("prompts/new.md", "Say {{x}}.\n")]);
    story.repo.commit_at("2026-03-21T08:00:00Z", "Ada");
    let ran = story.run(&["log"]).exits(0);
    let version = story.repo.version("main", "prompts/new");
    let lines: Vec<String> = story
        .named(&ran.out)
        .lines()
        .skip(1)
        .map(str::to_owned)
        .collect();
    assert_eq!(
        lines,
        [
            format!(
                "prompts/new      {}  approved by nobody on record  not on record",
                &version[..12]
            ),
            String::from("prompts/refunds  VERSION-3  approved by nobody on record"),
        ]
    );
}

#[test]
fn log_is_a_stable_interface() {
    let story = Story::new();
    let ran = story
        .run(&["log", "prompts/refunds", "--format", "json"])
        .exits(0);
    let page = ran.json();
    assert_eq!(page["schema"], "gatecard/log/v1");
    let one = &page["versions"][2];
    assert_eq!(one["version"], story.versions[1]);
    insta::assert_snapshot!(story.named(&format!("{one:#}")));
    let csv = story
        .run(&["log", "prompts/refunds", "--format", "csv"])
        .exits(0);
    insta::assert_snapshot!("log_csv", story.named(&csv.out));
    assert!(csv.out.ends_with("\r\n"));
}

#[test]
fn since_leaves_out_what_was_before() {
    let story = Story::new();
    let versions = |since: &str| {
        let ran = story.run(&[
            "log",
            "prompts/refunds",
            "--format",
            "json",
            "--since",
            since,
        ]);
        let page = ran.exits(0).json();
        let versions = page["versions"].as_array().unwrap().clone();
        let place = |version: &Value| {
            story
                .versions
                .iter()
                .position(|known| version == known)
                .unwrap()
        };
        let versions = versions.iter().map(|each| place(&each["version"]));
        versions.filter(|place| *place != 4).collect::<Vec<_>>()
    };
    for (since, want) in [
        ("2026-01-01", vec![3, 2, 1, 0]),
        ("2026-03-03", vec![3, 2]),
        ("2026-03-03T11:30:01Z", vec![3]),
        ("v1.0", vec![3, 2]),
        ("main", vec![]),
    ] {
        assert_eq!(versions(since), want, "{since}");
    }
}

#[test]
fn blame_recomputes_what_the_branch_had_and_looks_up_who_approved_it() {
    let story = Story::new();
    let ran = story
        .run(&["blame", "prompts/refund", "--at", "v1.0"])
        .exits(0);
    insta::assert_snapshot!(story.named(&ran.out));
    for (prompt, at, version) in [
        ("prompts/refund", "2026-02-10", 1),
        ("prompts/refund", "2026-02-10T09:59:59Z", 0),
        ("prompts/refund", "2026-03-03", 2),
        ("prompts/refund", "2026-03-03T12:30:00+01:00", 2),
        ("prompts/refund", "2026-03-03T11:29:59Z", 1),
        ("prompts/refund", "main~1", 2),
        ("prompts/refunds", "2030-01-01", 3),
        // It had another name then.
        ("prompts/refunds", "2026-02-11", 1),
        ("prompts/refunds", "v1.0", 1),
    ] {
        let page = story
            .run(&["blame", prompt, "--at", at, "--format", "json"])
            .exits(0)
            .json();
        assert_eq!(page["schema"], "gatecard/blame/v1");
        assert_eq!(page["answer"], "found");
        assert_eq!(
            page["versions"][0]["version"], story.versions[version],
            "{prompt} {at}"
        );
    }
}

#[test]
fn nobody_is_an_answer() {
    let story = Story::new();
    let before = story
        .run(&["blame", "prompts/refund", "--at", "2026-01-31"])
        .exits(0)
        .out;
    assert!(
        before.contains("approved   by nobody on record"),
        "{before}"
    );
    assert!(before.contains("not on record"), "{before}");
    let ungated = story
        .run(&["blame", "prompts/refund", "--at", "2026-03-03"])
        .exits(0)
        .out;
    assert!(
        ungated.contains("ungated    verdict-not-passed"),
        "{ungated}"
    );
}

#[test]
fn a_prompt_that_was_not_there_then_and_one_that_never_was_are_told_apart() {
    let story = Story::new();
    for (prompt, at, want) in [
        (
            "prompts/refund",
            "2025-12-31",
            "main had no commit at the end of 2025-12-31 UTC",
        ),
        (
            "prompts/refund",
            "main",
            "there was no prompt prompts/refund at main",
        ),
    ] {
        let ran = story.run(&["blame", prompt, "--at", at]).exits(1);
        assert!(ran.out.contains(want), "{}", ran.out);
    }
    for command in [
        &["log", "prompts/refnd"][..],
        &["blame", "prompts/refnd", "--at", "main"],
    ] {
        let ran = story.run(command).exits(2);
        assert!(ran.err.contains("such as `prompts/refunds`"), "{}", ran.err);
    }
}

#[test]
fn a_shallow_clone_cannot_tell() {
    let story = Story::new();
    let clone = story.repo.beside("shallow");
    let from = format!("file://{}", story.repo.path().display());
    let to = clone.to_str().unwrap();
    story.repo.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--no-single-branch",
        &from,
        to,
    ]);
    let ran = run(&clone, &["blame", "prompts/refunds", "--at", "2026-02-11"]).exits(2);
    assert!(ran.out.contains("cannot tell"), "{}", ran.out);
    let log = run(&clone, &["log", "prompts/refunds"]).exits(0);
    assert!(log.out.contains("lacks the beginning"), "{}", log.out);
}

#[test]
fn a_version_in_a_trace_leads_to_its_approval() {
    let story = Story::new();
    let version = &story.versions[1];
    for named in [
        version.clone(),
        version[..12].to_uppercase(),
        format!("sha256:{}", &version[..20]),
    ] {
        let ran = story.run(&["blame", "--version", &named]).exits(0);
        let text = story.named(&ran.out);
        assert!(
            text.contains("version VERSION-1 is of prompts/refund"),
            "{text}"
        );
        assert!(
            text.contains("by lou for legal; alice, review 503"),
            "{text}"
        );
    }
    story.run(&["blame", "--version", &"0".repeat(12)]).exits(1);
    for bad in ["abc", "not-a-version"] {
        story.run(&["blame", "--version", bad]).exits(2);
    }
}

#[test]
fn a_start_that_names_two_versions_is_refused_with_both() {
    let mut story = Story::new();
    let twins = [
        format!("{}0", "1".repeat(63)),
        format!("{}2", "1".repeat(63)),
    ];
    for twin in &twins {
        let about = story.about(0, &"c".repeat(40), Some(11));
        let change = json!({ "id": "prompts/refund", "change": "modified", "path": "prompts/refund.md", "risk": "low", "to": twin, "facets": [] });
        story.book.add(
            "verdict",
            "2026-03-21T08:00:00Z",
            &about,
            &verdict("fail", &change),
        );
    }
    story.book.commit(&story.repo.path());
    let ran = story.run(&["blame", "--version", &"1".repeat(12)]).exits(2);
    for twin in &twins {
        assert!(ran.err.contains(twin), "{}", ran.err);
    }
    story.run(&["blame", "--version", &twins[0]]).exits(0);
}

#[test]
fn what_was_amended_supports_nothing_and_is_shown() {
    let mut story = Story::new();
    let about = story.about(0, &"a".repeat(40), Some(7));
    for (entry, reason) in [
        (1, "alice is the author"),
        (3, "the evals ran on other data"),
    ] {
        let body = json!({ "amends": entry, "reason": reason });
        story
            .book
            .add("amend", "2026-04-01T00:00:00Z", &about, &body);
    }
    story.book.commit(&story.repo.path());
    let ran = story
        .run(&["blame", "prompts/refund", "--at", "v1.0"])
        .exits(0);
    assert!(
        ran.out.contains("approved   by nobody on record"),
        "{}",
        ran.out
    );
    for want in [
        "entry 1 (approve) counts no more, says entry 10: alice is the author",
        "entry 3 (verdict) counts no more, says entry 11: the evals ran on other data",
    ] {
        assert!(ran.out.contains(want), "{}", ran.out);
    }
}

#[test]
fn without_a_ledger_git_still_tells_the_versions() {
    let story = Story::new();
    story
        .repo
        .git(&["branch", "--quiet", "-D", "gatecard/ledger"]);
    let ran = story.run(&["log", "prompts/refunds"]).exits(0);
    assert!(
        ran.out.contains("no ledger at gatecard/ledger"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("not on record").count(), 4, "{}", ran.out);
    let ran = story.run(&["export", "--format", "vsa"]).exits(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("nothing to export"), "{}", ran.err);
}

#[test]
fn hostile_text_in_entries_is_only_text() {
    let mut story = Story::new();
    let evil = "=cmd|'x'!A1\n::error::\u{1b}[31m\u{202e}<img>";
    let change = json!({ "id": "prompts/refunds", "change": "modified", "path": evil, "risk": "low",
        "from": story.versions[3], "to": "9".repeat(64), "facets": [] });
    let mut body = verdict("fail", &change);
    body["band"] = json!(evil);
    body["outcomes"][0] = json!({ "gate": evil, "outcome": "fail", "code": evil, "blocks": true });
    body["evidence"] = json!([{ "name": evil, "sha256": "8".repeat(64), "used_as": evil, "tool": evil, "provenance": evil }]);
    body["approvals"] = json!([{ "prompt": "prompts/refunds", "digest": "9".repeat(64), "group": evil, "counted": [601] }]);
    let about = story.about(3, &"c".repeat(40), Some(12));
    let review = json!({ "review": 601, "reviewer": { "login": evil }, "subjects": [
        { "prompt": "prompts/refunds", "digest": "9".repeat(64), "group": evil }] });
    story
        .book
        .add("approve", "2026-03-21T08:00:00Z", &about, &review);
    story
        .book
        .add("verdict", "2026-03-21T08:00:00Z", &about, &body);
    story.book.commit(&story.repo.path());
    for format in ["text", "csv"] {
        let ran = story
            .run(&["log", "prompts/refunds", "--format", format])
            .exits(0);
        for bad in ['\u{1b}', '\u{202e}'] {
            assert!(!ran.out.contains(bad), "{}", ran.out);
        }
        assert!(
            ran.out
                .lines()
                .all(|line| !line.trim_start().starts_with("::")),
            "{}",
            ran.out
        );
        if format == "csv" {
            assert!(
                !ran.out.contains(",=") && !ran.out.contains(",\"="),
                "{}",
                ran.out
            );
        }
    }
    let ran = story
        .run(&["log", "prompts/refunds", "--format", "json"])
        .exits(0);
    assert_eq!(ran.json()["versions"][4]["approvals"][0]["login"], evil);
    for format in ["vsa", "svr", "test-result"] {
        validated(
            format,
            &story.run(&["export", "--format", format]).exits(0).out,
        );
    }
}

/// The statements of an export, each of them held to the schema of its kind.
fn validated(format: &str, text: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/statements");
    let file = root.join(format!("{format}.json"));
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let schema = compiler
        .compile(file.to_str().unwrap(), &mut schemas)
        .unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for statement in &lines {
        if let Err(error) = schemas.validate(statement, schema) {
            panic!("{format}: {error:#}\n{statement:#}");
        }
    }
    lines
}

#[test]
fn exports_are_statements_as_their_specifications_have_them() {
    let story = Story::new();
    for (format, count) in [("vsa", 3), ("svr", 3), ("test-result", 3)] {
        let ran = story.run(&["export", "--format", format]).exits(0);
        let statements = validated(format, &ran.out);
        assert_eq!(statements.len(), count, "{format}");
        let name = format!("export_{}", format.replace('-', "_"));
        insta::assert_snapshot!(name, story.named(&format!("{:#}", statements[0])));
    }
}

#[test]
fn only_what_a_verdict_let_pass_is_exported_as_passed() {
    let story = Story::new();
    let ran = story.run(&["export", "--format", "vsa"]).exits(0);
    let results: Vec<Value> = validated("vsa", &ran.out)
        .iter()
        .map(|statement| statement["predicate"]["verificationResult"].clone())
        .collect();
    assert_eq!(results, ["PASSED", "FAILED", "PASSED"]);
    let ran = story.run(&["export", "--format", "test-result"]).exits(0);
    let results: Vec<Value> = validated("test-result", &ran.out)
        .iter()
        .map(|statement| statement["predicate"]["result"].clone())
        .collect();
    assert_eq!(results, ["PASSED", "FAILED", "PASSED"]);
}

#[test]
fn an_export_is_of_one_prompt_and_since_a_time_where_that_is_asked() {
    let story = Story::new();
    for (args, count) in [
        (&["--prompt", "prompts/refunds"][..], 3),
        (&["--prompt", "prompts/refund"], 2),
        (&["--prompt", "prompts/other"], 0),
        (&["--since", "2026-03-03"], 2),
        (&["--since", "v1.0"], 3),
    ] {
        let mut all = vec!["export", "--format", "svr"];
        all.extend(args);
        let ran = story.run(&all).exits(0);
        assert_eq!(validated("svr", &ran.out).len(), count, "{args:?}");
    }
    let file = story.repo.beside("trail.csv");
    story
        .run(&["export", "--format", "csv", "--out", file.to_str().unwrap()])
        .exits(0);
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
}
