//! The lock file: the digests that a run can be stamped with.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{BASE_PROMPT, HEAD_PROMPT, Ran, Repo, gatecard};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\ndatasets: [\"evals/**/*.json\"]\njudges: [\"judges/**\"]\n";

fn repo() -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        (
            "prompts/answer.md",
            &format!("---\nversion: 3\n---\n{BASE_PROMPT}"),
        ),
        ("prompts/other.md", "Say {{x}}.\n"),
        ("evals/deep/a.json", "[]"),
        ("evals/b.json", "[]"),
        ("evals/notes.txt", "not a dataset"),
    ]);
    repo.branch("head");
    repo
}

/// `gatecard prompts --lock FILE`, beside the repository.
fn lock(repo: &Repo, more: &[&str]) -> Ran {
    let (path, file) = (repo.path(), repo.beside("gatecard.lock"));
    let mut args = vec![
        "prompts",
        "--repo",
        path.to_str().unwrap(),
        "--lock",
        file.to_str().unwrap(),
    ];
    args.extend(more);
    gatecard(&args)
}

fn text(repo: &Repo) -> String {
    fs::read_to_string(repo.beside("gatecard.lock")).unwrap()
}

#[test]
fn the_lock_file_holds_every_digest_and_is_the_same_each_time() {
    let repo = repo();
    lock(&repo, &[]).exits(0);
    let first = text(&repo);
    let found: Value = serde_json::from_str(&first).unwrap();
    let prompt = &found["prompts"]["prompts/answer"];
    assert_eq!(found["schema"], "gatecard/lock/v1");
    assert_eq!(prompt["version"], repo.version("HEAD", "prompts/answer"));
    assert_eq!(prompt["path"], "prompts/answer.md");
    assert_eq!(prompt["label"], "3");
    assert_eq!(prompt["facets"].as_object().unwrap().len(), 8);
    assert_eq!(
        found["prompts"]["prompts/other"].get("label"),
        None,
        "what declares none has none"
    );
    let files = found["datasets"]["files"].as_object().unwrap();
    let names: Vec<&String> = files.keys().collect();
    assert_eq!(names, ["evals/b.json", "evals/deep/a.json"]);
    assert_eq!(found["datasets"]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(found["judges"], json!({ "files": {} }));
    lock(&repo, &[]).exits(0);
    assert_eq!(text(&repo), first);
}

#[test]
fn a_check_tells_what_changed_since_it_was_written() {
    let repo = repo();
    let missing = lock(&repo, &["--check"]).exits(1);
    assert!(missing.out.contains("is not there"), "{}", missing.out);
    assert!(!repo.beside("gatecard.lock").exists());
    lock(&repo, &[]).exits(0);
    lock(&repo, &["--check"]).exits(0);
    for (file, content) in [
        ("prompts/answer.md", HEAD_PROMPT),
        ("evals/b.json", "[1]"),
        ("judges/j.md", "Judge."),
    ] {
        repo.write(&[(file, content)]);
        repo.commit(file);
        let before = text(&repo);
        let stale = lock(&repo, &["--check"]).exits(1);
        assert!(
            stale.out.contains("is out of date"),
            "{file}: {}",
            stale.out
        );
        assert_eq!(text(&repo), before, "{file}: nothing is written");
        lock(&repo, &[]).exits(0);
        lock(&repo, &["--check"]).exits(0);
    }
    // What no digest rests on.
    repo.write(&[("evals/notes.txt", "other"), ("README.md", "text")]);
    repo.commit("others");
    lock(&repo, &["--check"]).exits(0);
}

#[test]
fn no_lock_file_is_written_of_prompts_that_cannot_be_read() {
    let repo = repo();
    repo.write_bytes("prompts/bad.md", b"\xff\xfe");
    repo.commit("a broken prompt");
    let ran = lock(&repo, &[]).exits(3);
    assert!(ran.out.contains("prompt-binary"), "{}", ran.out);
    assert!(!repo.beside("gatecard.lock").exists());
}

#[test]
fn a_check_without_a_lock_file_is_a_mistake() {
    let repo = repo();
    let path = repo.path();
    gatecard(&["prompts", "--repo", path.to_str().unwrap(), "--check"]).exits(2);
}

#[test]
fn without_a_name_it_lies_in_the_worktree_that_was_named() {
    let repo = repo();
    let path = repo.path();
    let args = ["prompts", "--repo", path.to_str().unwrap(), "--lock"];
    let ran = gatecard(&args).exits(0);
    assert!(ran.out.contains("gatecard.lock"), "{}", ran.out);
    assert!(path.join("gatecard.lock").exists());
    gatecard(&[&args[..], &["--check"]].concat()).exits(0);
}
