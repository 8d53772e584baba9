//! `gatecard log`, `blame` and `export`: what the base branch got, who approved it, on what
//! evidence.

use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::harness::{Ran, Repo, gatecard, git_in};
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
        // The ledger does not tell whose review 503 is.
        Self::counting(&[501, 503])
    }

    /// The story in which these reviews counted for product.
    fn counting(product: &[u64]) -> Self {
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
        versions.push(sha256(b"a version that was not merged"));
        let mut story = Self {
            repo,
            book: Book::default(),
            commits,
            versions,
        };
        story.gated(product);
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
    fn gated(&mut self, product: &[u64]) {
        let [from, to] = [&self.versions[0], &self.versions[1]];
        let change = json!({ "id": "prompts/refund", "change": "modified", "path": "prompts/refund.md", "risk": "high",
            "from": from, "to": to, "facets": ["template"] });
        let mut verdict = verdict("pass", &change);
        verdict["approvals"] = json!([
            { "prompt": "prompts/refund", "digest": to, "group": "legal", "counted": [502] },
            { "prompt": "prompts/refund", "digest": to, "group": "product", "counted": product },
        ]);
        saw(&mut verdict);
        verdict["evidence"] = json!([
            { "name": "candidate.json", "sha256": sha256(EVIDENCE.as_bytes()), "used_as": "evals", "tool": "promptfoo", "provenance": "ci" },
            { "name": "traces.jsonl", "sha256": sha256(b"traces"), "used_as": "traces", "tool": "otlp", "provenance": "ci" },
        ]);
        let head = &sha256(b"head of pull request 7")[..40];
        let about = self.about(0, head, Some(7));
        let review = |id: u64, login: &str, group: &str| {
            let subject = json!({ "prompt": "prompts/refund", "digest": to, "group": group });
            json!({ "review": id, "reviewer": { "login": login, "id": id + 1000 }, "commit": head,
                "submitted": format!("2026-02-10T09:{}:00Z", id - 480), "subjects": [subject] })
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
        let about = self.about(2, &sha256(b"head of pull request 9")[..40], Some(9));
        for (word, change, at) in [
            ("fail", &other, "2026-03-19T08:00:00Z"),
            ("pass", &renamed, "2026-03-20T07:00:00Z"),
        ] {
            let mut verdict = verdict(word, change);
            verdict["judged"] = json!(at);
            self.book.add("verdict", at, &about, &verdict);
        }
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

/// Adds what people saw in a card with everything on it.
fn saw(verdict: &mut Value) {
    let id = verdict["changes"][0]["id"].clone();
    verdict["changes"][0]["evals"] = json!([
        { "side": "baseline", "cases": 60, "passed": 56, "failed": 4, "errored": 0 },
        { "side": "candidate", "cases": 60, "passed": 40, "failed": 20, "errored": 0 },
    ]);
    verdict["comparisons"] = json!([{
        "prompt": id, "metric": "pass", "test": "mcnemar-exact", "both": 40, "neither": 4, "lost": 16, "won": 0,
        "only_baseline": 0, "only_candidate": 2, "changed_cases": 0,
        "difference": "-0.266667", "interval": ["-0.390087", "-0.171326"], "p": "0.000031",
    }]);
    verdict["coverage"] = json!({
        "calls": 161, "repository_wide": false, "traces": 160, "spans": 579, "excluded": 0, "unreadable": 0, "failed": 2,
        "fields": [
            { "field": "prompt_version", "present": 160, "applicable": 161 },
            { "field": "model", "present": 161, "applicable": 161 },
            { "field": "cost", "present": 159, "applicable": 159 },
        ],
        "p50_ms": 1029, "p95_ms": 1258, "input_tokens": 49243, "output_tokens": 7488,
        "cost_nano_usd": 11_801_250, "estimated": 158,
    });
    verdict["categories"] = json!([
        { "id": "trace_completeness", "weight": 2000, "score": 49920, "passes": true, "checks": [{ "points": 998, "of": 1000 }] },
        { "id": "evaluation", "weight": 2000, "score": 38000, "passes": false, "checks": [{ "points": 760, "of": 1000 }] },
    ]);
    verdict["outcomes"][0]["measured"] =
        json!({ "metric": "cases", "observed": "60", "threshold": "50", "n": 60 });
    verdict["outcomes"][1]["code"] = json!("regression");
    verdict["outcomes"][1]["measured"] =
        json!({ "metric": "p", "observed": "0.000031", "threshold": "0.05", "n": 60 });
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
        &["export", "--format", "svr", "--prompt", "prompts/refnd"],
    ] {
        let ran = story.run(command).exits(2);
        assert!(ran.err.contains("such as `prompts/refunds`"), "{}", ran.err);
    }
}

/// A clone of the story's repository, made with more arguments.
fn cloned(story: &Story, name: &str, how: &[&str]) -> PathBuf {
    let clone = story.repo.beside(name);
    story
        .repo
        .git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", story.repo.path().display());
    let mut args = vec!["clone", "--quiet", "--no-single-branch", "--no-tags"];
    args.extend(how);
    args.extend([&*from, clone.to_str().unwrap()]);
    story.repo.git(&args);
    clone
}

#[test]
fn a_shallow_clone_tells_what_is_on_record_and_of_nothing_that_it_never_landed() {
    let story = Story::new();
    for depth in ["1", "2", "3"] {
        let clone = cloned(&story, &format!("shallow-{depth}"), &["--depth", depth]);
        let log = run(&clone, &["log", "prompts/refunds"]).exits(2).out;
        assert!(!log.contains("never"), "{log}");
        let text = story.named(&log).replace("\n  ", " ");
        assert!(
            text.contains("warning: this clone lacks main before"),
            "{text}"
        );
        assert!(text.contains("run `git fetch --unshallow`"), "{text}");
        let page = run(&clone, &["log", "prompts/refunds", "--format", "json"]);
        let page = page.exits(2).json();
        assert_eq!(page["answer"], "cannot-tell");
        let standings: Vec<(usize, &str)> = page["versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| {
                let known = |version: &String| each["version"] == *version;
                let at = story.versions.iter().position(known);
                (at.unwrap(), each["standing"].as_str().unwrap())
            })
            .collect();
        // By the merges on record; of the first and the last version nothing tells.
        let want = [
            (3, "merged"),
            (2, "merged"),
            (1, "merged"),
            (0, "unseen"),
            (4, "unseen"),
        ];
        assert_eq!(standings, want, "depth {depth}");
    }
    let clone = cloned(&story, "shallow", &["--depth", "1"]);
    let log = run(&clone, &["log", "prompts/refunds"]).exits(2);
    insta::assert_snapshot!("log_shallow", story.named(&log.out));
    // What was asked for is all there.
    run(&clone, &["log"]).exits(0);
    run(&clone, &["log", "prompts/refunds", "--since", "2026-03-21"]).exits(0);
    run(&clone, &["blame", "--version", &story.versions[1]]).exits(0);
    let ran = run(&clone, &["blame", "prompts/refunds", "--at", "2026-03-20"]).exits(0);
    assert!(ran.out.contains("entry 9"), "{}", ran.out);
    // And here it is not.
    let ran = run(&clone, &["blame", "--version", &story.versions[4]]).exits(2);
    assert!(
        ran.out.contains("cannot tell whether main got it"),
        "{}",
        ran.out
    );
    let ran = run(&clone, &["blame", "prompts/refunds", "--at", "2026-02-11"]).exits(2);
    assert!(ran.out.contains("cannot tell"), "{}", ran.out);
    let ran = run(&clone, &["log", "prompts/refunds", "--format", "csv"]).exits(2);
    assert!(ran.err.contains("git fetch --unshallow"), "{}", ran.err);
}

#[test]
fn a_clone_without_contents_cannot_tell_and_says_what_fetches_them() {
    let story = Story::new();
    let clone = cloned(&story, "blobless", &["--filter=blob:none"]);
    git_in(&clone, &["config", "remote.origin.url", "/nowhere"]);
    let fetch = "git fetch --refetch --no-filter";
    for command in [
        &["blame", "prompts/refunds", "--at", "2026-02-11"][..],
        &["blame", "--version", &story.versions[1]],
        &["log", "prompts/refunds"],
        &["log"],
        &["show", "3"],
        &["export", "--format", "vsa"],
    ] {
        let ran = run(&clone, command).exits(2);
        let said = format!("{}{}", ran.out, ran.err).replace("\n  ", " ");
        assert!(said.contains("cannot tell: the clone lacks"), "{said}");
        assert!(said.contains(fetch), "{said}");
    }
    // The prompt's old text is no more there than the ledger's.
    let ran = run(
        &clone,
        &[
            "blame",
            "prompts/refunds",
            "--at",
            "2026-02-11",
            "--ledger",
            "main",
        ],
    );
    let ran = ran.exits(2);
    assert!(
        ran.out.contains("cannot tell: the clone lacks"),
        "{}",
        ran.out
    );
}

#[test]
fn a_clone_that_was_fetched_too_early_tells_what_the_ledger_has_since() {
    let mut story = Story::new();
    let (head, to) = anew(&mut story);
    let back = ["reset", "--quiet", "--hard", "HEAD~1"];
    story.repo.git(&back);
    let ran = story.run(&["log", "prompts/refunds"]).exits(0);
    let text = story.named(&ran.out);
    let (first, rest) = text.split_once("\nVERSION-3").unwrap();
    for want in [&head[..12], &to[..12], "entry 10"] {
        assert!(first.contains(want), "{text}");
        assert!(!rest.contains(want), "{text}");
    }
    // At a time that the clone knows of it is not the answer.
    let blame = ["blame", "prompts/refunds", "--at", "2026-03-21"];
    assert!(!story.run(&blame).exits(0).out.contains(&to[..12]));
}

/// Merges one more version, with a merge entry at 2026-04-01T10:00:07Z.
fn anew(story: &mut Story) -> (String, String) {
    let text = "Refund {{order}} anew.\n";
    story.repo.write(&[("prompts/refunds.md", text)]);
    let head = story.repo.commit_at("2026-04-01T10:00:00Z", "Bob");
    let to = story.repo.version(&head, "prompts/refunds");
    let merge = json!({ "prompts": [{ "id": "prompts/refunds", "path": "prompts/refunds.md",
        "from": story.versions[3], "to": to, "ungated": "no-verdict" }], "relies_on": [] });
    let about = story.about(3, &head, None);
    let book = &mut story.book;
    book.add("merge", "2026-04-01T10:00:07Z", &about, &merge);
    book.commit(&story.repo.path());
    (head, to)
}

#[test]
fn a_clock_that_was_ahead_moves_nothing_that_the_ledger_knows() {
    let mut story = Story::new();
    let at = |story: &Story, at: &str| {
        let page = story.run(&["blame", "prompts/refunds", "--at", at, "--format", "json"]);
        page.exits(0).json()["versions"][0]["version"].clone()
    };
    // One commit of 2036, that has nothing to do with prompts, and then a new version.
    story.repo.write(&[("README.md", "Soon.\n")]);
    story.repo.commit_at("2036-01-01T00:00:00Z", "Ada");
    assert_eq!(at(&story, "2026-05-01"), story.versions[3]);
    let (_, to) = anew(&mut story);
    assert_eq!(at(&story, "2026-05-01"), to);
    assert_eq!(at(&story, "2026-04-01T09:00:00Z"), story.versions[3]);
    let log = story.run(&["log", "prompts/refunds"]).exits(0).out;
    assert!(!log.contains("2036"), "{log}");
}

#[test]
fn a_time_after_the_newest_commit_comes_with_a_warning() {
    let story = Story::new();
    let warned = |at: &str| {
        let ran = story
            .run(&["blame", "prompts/refunds", "--at", at])
            .exits(0);
        let text = ran.out.replace("\n  ", " ");
        let page = story.run(&["blame", "prompts/refunds", "--at", at, "--format", "json"]);
        let warnings = page.exits(0).json()["warnings"].clone();
        let said = text.contains("main may have moved on since it was fetched");
        assert_eq!(said, warnings != json!([]), "{text}");
        said
    };
    for (at, want) in [
        ("2026-03-20T08:00:00Z", false),
        ("2026-03-20T08:00:01Z", true),
        ("2026-04-01", true),
        ("main", false),
    ] {
        assert_eq!(warned(at), want, "{at}");
    }
}

#[test]
fn every_landing_of_a_version_is_told_the_newest_first() {
    let mut story = Story::new();
    let file = story.repo.git(&["show", "v1.0:prompts/refund.md"]);
    story
        .repo
        .git(&["mv", "prompts/refunds.md", "prompts/refund.md"]);
    story.repo.write(&[("prompts/refund.md", &file)]);
    let head = story.repo.commit_at("2026-04-02T10:00:00Z", "Ada");
    let merge = json!({ "prompts": [{ "id": "prompts/refund", "path": "prompts/refund.md", "renamed_from": "prompts/refunds",
        "from": story.versions[3], "to": story.versions[1], "ungated": "no-verdict" }], "relies_on": [] });
    let about = story.about(3, &head, None);
    story
        .book
        .add("merge", "2026-04-02T10:00:07Z", &about, &merge);
    story.book.commit(&story.repo.path());
    let page = story.run(&["blame", "--version", &story.versions[1], "--format", "json"]);
    let page = page.exits(0).json();
    let versions = page["versions"].as_array().unwrap();
    let landed: Vec<&Value> = versions
        .iter()
        .map(|each| &each["landed"]["commit"])
        .collect();
    assert_eq!(landed, [&json!(head), &json!(story.commits[1])]);
    assert_eq!(versions[0]["ungated"], "no-verdict");
    assert_eq!(versions[1]["approvals"][1]["login"], "alice");
}

#[test]
fn lines_fit_a_terminal() {
    let story = Story::new();
    for command in [
        &["log", "prompts/refunds"][..],
        &["blame", "prompts/refund", "--at", "v1.0"],
        &["blame", "--version", &story.versions[2]],
    ] {
        let ran = story.run(command).exits(0);
        for line in ran.out.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn an_entry_is_shown_by_its_number_its_digest_or_both() {
    let story = Story::new();
    let entry = story.run(&["show", "3"]).exits(0);
    let shown = entry.json();
    assert_eq!(shown["kind"], "verdict");
    assert_eq!(shown["coverage"]["p95_ms"], 1258);
    let next = story.run(&["show", "4"]).exits(0).json();
    let digest = next["prev"].as_str().unwrap();
    for named in [
        digest.to_owned(),
        digest[..12].to_uppercase(),
        format!("3:{digest}"),
        format!("3:{}", &digest[..12]),
    ] {
        assert_eq!(
            story.run(&["show", &named]).exits(0).out,
            entry.out,
            "{named}"
        );
    }
    for wrong in [
        "0",
        "10",
        "x",
        "3:",
        "3:abc",
        &format!("4:{digest}"),
        &"0".repeat(64),
        &"0".repeat(65),
    ] {
        let ran = story.run(&["show", wrong]).exits(2);
        assert!(
            ran.err.contains("gatecard/ledger from 1 to 9"),
            "{}",
            ran.err
        );
    }
    story
        .repo
        .git(&["branch", "--quiet", "-D", "gatecard/ledger"]);
    let ran = story.run(&["show", "3"]).exits(2);
    assert!(
        ran.err.contains("git fetch origin gatecard/ledger:"),
        "{}",
        ran.err
    );
}

/// What the docs show an auditor, word by word. `UPDATE_DOCS=1` writes it anew.
#[test]
fn the_docs_show_what_is_printed() {
    let story = Story::counting(&[501]);
    let commands: [&[&str]; 3] = [
        &["log", "prompts/refunds", "--since", "2026-02-10"],
        &["blame", "prompts/refund", "--at", "2026-03-03T09:00:00Z"],
        &["blame", "--version", &story.versions[2][..12]],
    ];
    let mut want = String::from("\n");
    for command in commands {
        let ran = story.run(command).exits(0);
        want.push_str(&format!(
            "```console\n$ gatecard {}\n{}```\n\n",
            command.join(" "),
            ran.out
        ));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ledger.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (open, close) = ("<!-- output:auditor -->\n", "<!-- end:auditor -->");
    let (before, rest) = text.split_once(open).unwrap();
    let (found, after) = rest.split_once(close).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}{open}{want}{close}{after}");
        std::fs::write(&path, text).unwrap();
    } else {
        assert_eq!(found, want, "run UPDATE_DOCS=1 cargo test the_docs_show");
    }
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
            text.contains("by alice for product, 2026-02-10T09:21:00Z, pull request 7"),
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
    let text = ran.out.replace("\n             ", " ");
    for want in [
        "entry 1 (approve) counts no more, says entry 10: alice is the author",
        "entry 3 (verdict) counts no more, says entry 11: the evals ran on other data",
    ] {
        assert!(text.contains(want), "{text}");
    }
}

#[test]
fn a_review_that_was_corrected_or_dismissed_is_no_approval_and_a_corrected_dismissal_changes_nothing()
 {
    let mut story = Story::counting(&[501]);
    let about = story.about(0, &sha256(b"head of pull request 7")[..40], Some(7));
    let subject =
        json!({ "prompt": "prompts/refund", "digest": story.versions[1], "group": "product" });
    let dismissed = json!({ "review": 501, "reviewer": { "login": "alice" }, "subjects": [subject], "code": "approval-dismissed" });
    let approved = |story: &Story| {
        let ran = story
            .run(&["blame", "prompts/refund", "--at", "v1.0"])
            .exits(0);
        let page = story.run(&[
            "blame",
            "prompts/refund",
            "--at",
            "v1.0",
            "--format",
            "json",
        ]);
        let page = page.exits(0).json();
        let logins = page["versions"][0]["approvals"].as_array().unwrap().iter();
        let logins: Vec<String> = logins
            .map(|each| {
                format!(
                    "{} {}",
                    each["login"].as_str().unwrap(),
                    each["lost"]["entry"]
                )
            })
            .collect();
        (logins, ran.out.replace("\n             ", " "))
    };
    assert_eq!(approved(&story).0, ["lou null", "alice null"]);
    let add = |story: &mut Story, kind: &str, body: &Value| {
        let seq = story.book.add(kind, "2026-04-01T00:00:00Z", &about, body);
        story.book.commit(&story.repo.path());
        seq
    };
    let dismiss = add(&mut story, "dismiss", &dismissed);
    let (logins, text) = approved(&story);
    assert_eq!(logins, ["lou null", "alice 10"]);
    let taken = "taken back 2026-04-01T00:00:00Z [approval-dismissed], entry 10";
    assert!(text.contains(taken), "{text}");
    let amend = json!({ "amends": dismiss, "reason": "alice was never asked" });
    add(&mut story, "amend", &amend);
    assert_eq!(approved(&story).0, ["lou null", "alice null"]);
    let amend = json!({ "amends": 1, "reason": "alice is the author" });
    add(&mut story, "amend", &amend);
    let (logins, text) = approved(&story);
    assert_eq!(logins, ["lou null"]);
    assert!(text.contains("entry 1 (approve) counts no more"), "{text}");
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
