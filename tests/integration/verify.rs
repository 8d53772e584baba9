//! Whether a ledger holds, asked of the program.

use std::path::Path;

use crate::harness::{Ran, Repo, gatecard, gatecard_with, git_in};

fn verify(repo: &Path, more: &[&str]) -> Ran {
    let repo = repo.display().to_string();
    let mut args = vec!["verify", "--repo", &repo];
    args.extend(more);
    gatecard(&args)
}

/// A repository whose prompt was changed by a direct push, which is on record.
fn recorded() -> Repo {
    recorded_with(&[])
}

fn recorded_with(variables: &[(&str, &str)]) -> Repo {
    let repo = Repo::sample();
    let path = repo.path().display().to_string();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    let args = [
        "record", "--repo", &path, "--from", "main~1", "--to", "main", "--branch", "main",
    ];
    gatecard_with(&args, variables).exits(0);
    repo
}

fn codes(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap();
    let code = |each: &serde_json::Value| each["code"].as_str().unwrap().to_owned();
    findings.iter().map(code).collect()
}

#[test]
fn a_ledger_is_remembered_by_the_clone_that_saw_it() {
    let repo = recorded();
    let ran = verify(&repo.path(), &["--format", "json"]).exits(1);
    assert_eq!(codes(&ran), ["ungated-change", "anchor-absent"]);
    assert_eq!(ran.json()["schema"], "gatecard/verify/v1");
    assert_eq!(ran.json()["ungated_only"], true);
    let tip = ran.json()["ledger"]["tip"].clone();
    // The ledger says itself what came in ungated: it is intact, and remembered.
    let ran = verify(&repo.path(), &[]).exits(1);
    let intact = "the ledger is intact, and says that the branch got what no gate let in";
    assert!(ran.out.contains(intact), "{}", ran.out);
    assert!(!ran.out.contains("anchor-absent"), "{}", ran.out);
    let settled = ["--since", "main", "--format", "json"];
    let ran = verify(&repo.path(), &settled).exits(0);
    assert_eq!(ran.json()["anchors"][0]["kind"], "remembered");
    assert_eq!(ran.json()["ungated_only"], false);
    // Another clone has the digest from elsewhere.
    let digest = &tip["digest"].as_str().unwrap()[..12];
    let anchor = format!("{}:{digest}", tip["seq"]);
    std::fs::remove_file(repo.path().join(".git/gatecard/verified.json")).unwrap();
    verify(&repo.path(), &["--since", "main", "--anchor", &anchor]).exits(0);
    repo.git(&["branch", "-D", "gatecard/ledger"]);
    let ran = verify(&repo.path(), &["--since", "main"]).exits(1);
    assert!(ran.out.contains("[anchor-missing]"), "{}", ran.out);
}

#[test]
fn a_clone_without_history_cannot_tell_and_says_what_to_do() {
    let repo = recorded();
    let clone = repo.beside("clone");
    let (from, to) = (
        format!("file://{}", repo.path().display()),
        clone.display().to_string(),
    );
    git_in(
        &repo.path(),
        &["clone", "--quiet", "--depth=1", "--branch=main", &from, &to],
    );
    let ran = verify(&clone, &[]).exits(2);
    assert!(
        ran.out.contains("[ledger-absent]") && ran.out.contains("git fetch origin"),
        "{}",
        ran.out
    );
    let refs = "gatecard/ledger:refs/remotes/origin/gatecard/ledger";
    git_in(&clone, &["fetch", "--quiet", "origin", refs]);
    let ran = verify(&clone, &[]).exits(2);
    assert!(ran.out.contains("[base-shallow]"), "{}", ran.out);
    assert!(ran.out.contains("git fetch --unshallow"), "{}", ran.out);
    git_in(&clone, &["fetch", "--quiet", "--unshallow"]);
    let ran = verify(&clone, &[]).exits(1);
    assert!(ran.out.contains("[ungated-change]"), "{}", ran.out);
}

#[test]
fn an_unrecorded_push_is_told_with_the_command_that_records_it() {
    let repo = recorded();
    let before = repo.git(&["rev-parse", "main"]);
    repo.write(&[("prompts/answer.md", "Say nothing.\n")]);
    repo.commit("push");
    let ran = verify(&repo.path(), &["--since", before.trim()]).exits(1);
    assert!(ran.out.contains("[unrecorded-change]"), "{}", ran.out);
    let line = ran
        .out
        .lines()
        .find(|line| line.contains("-> gatecard record"));
    let words: Vec<&str> = line.unwrap().split_whitespace().skip(2).collect();
    let path = repo.path().display().to_string();
    gatecard(&[&words[..], &["--repo", &path]].concat()).exits(0);
    let ran = verify(&repo.path(), &["--since", before.trim()]).exits(1);
    assert!(ran.out.contains("[ungated-change]"), "{}", ran.out);
}

#[test]
fn a_branch_that_was_new_is_what_its_entry_says() {
    let repo = Repo::sample();
    repo.checkout("main");
    let zeros = "0".repeat(40);
    let tip = repo.git(&["rev-parse", "main"]).trim().to_owned();
    let event = repo.beside("push.json");
    let payload = serde_json::json!({
        "ref": "refs/heads/main", "before": zeros, "after": tip,
        "created": true, "deleted": false, "forced": false,
        "repository": { "full_name": "acme/app", "default_branch": "main" },
    });
    std::fs::write(&event, payload.to_string()).unwrap();
    let (path, event) = (
        repo.path().display().to_string(),
        event.display().to_string(),
    );
    let args = ["record", "--repo", &path, "--event", &event];
    gatecard_with(&args, &[("GITHUB_EVENT_NAME", "push")]).exits(0);
    let ran = verify(&repo.path(), &["--format", "json"]);
    assert!(
        !codes(&ran).iter().any(|code| code == "merge-not-on-base"),
        "{}",
        ran.out
    );
}

#[test]
fn a_ledger_that_is_remembered_is_not_left_behind() {
    let repo = recorded();
    verify(&repo.path(), &["--since", "main"]).exits(2);
    verify(&repo.path(), &["--since", "main"]).exits(0);
    repo.git(&["branch", "--move", "gatecard/ledger", "gatecard/other"]);
    let moved = ["--ledger", "gatecard/other", "--format", "json"];
    let ran = verify(&repo.path(), &moved);
    assert!(!codes(&ran).contains(&String::from("ledger-moved")));
    repo.checkout("main");
    let policy = std::fs::read_to_string(repo.path().join(".github/gatecard.yml")).unwrap();
    let policy = format!("{policy}ledger: {{ branch: gatecard/other }}\n");
    repo.write(&[(".github/gatecard.yml", policy.as_str())]);
    repo.commit("another ledger");
    let ran = verify(&repo.path(), &["--format", "json"]);
    assert!(
        codes(&ran).contains(&String::from("ledger-moved")),
        "{}",
        ran.out
    );
}

#[test]
fn a_clone_that_was_cut_off_accuses_nobody_of_merges_that_it_does_not_have() {
    let repo = recorded();
    let path = repo.path().display().to_string();
    for text in ["Answer briefly.\n", "Answer at length.\n"] {
        repo.write(&[("prompts/answer.md", text)]);
        repo.commit("later");
        let args = [
            "record", "--repo", &path, "--from", "main~1", "--to", "main",
        ];
        gatecard(&args).exits(0);
    }
    let clone = repo.beside("clone");
    let from = format!("file://{path}");
    let to = clone.display().to_string();
    let depth = [
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        &from,
        &to,
    ];
    git_in(&repo.path(), &depth);
    let unshallow = [
        "fetch",
        "--quiet",
        "--depth=1000",
        "origin",
        "gatecard/ledger",
    ];
    git_in(&clone, &unshallow);
    let ran = verify(&clone, &["--branch", "main", "--format", "json"]);
    let codes = codes(&ran);
    assert!(
        !codes.contains(&String::from("merge-not-on-base")),
        "{codes:?}"
    );
    assert!(codes.contains(&String::from("base-shallow")), "{codes:?}");
}

#[test]
fn arguments_that_mean_nothing_are_named() {
    let repo = recorded();
    let file = repo.evidence("keys", b"no keys");
    for (args, want) in [
        (["--anchor", "1:abc"], "--anchor"),
        (["--allowed-signers", &file], "line 1"),
        (["--github-keys", &file], "--github-keys"),
        (["--since", "yesterday"], "yesterday"),
        (["--ledger", "nothing"], "nothing"),
        (["--branch", "nowhere"], "nowhere"),
    ] {
        let ran = verify(&repo.path(), &args).exits(2);
        assert!(ran.err.contains(want), "{}", ran.err);
    }
}

#[test]
fn signed_entries_are_held_to_the_list_of_signers() {
    let key = include_str!("../fixtures/signing/ed25519");
    let repo = recorded_with(&[("GATECARD_SIGNING_KEY", key)]);
    let list = |name: &str, line: &str| repo.evidence(name, line.as_bytes());
    let ours = list(
        "ours",
        concat!("ci ", include_str!("../fixtures/signing/ed25519.pub")),
    );
    let others = list(
        "others",
        concat!("ci ", include_str!("../fixtures/signing/p384.pub")),
    );
    let ran = verify(
        &repo.path(),
        &["--since", "main", "--allowed-signers", &ours],
    )
    .exits(0);
    assert!(ran.out.contains("signatures of 1 entries"), "{}", ran.out);
    let ran = verify(
        &repo.path(),
        &["--since", "main", "--allowed-signers", &others],
    )
    .exits(1);
    assert!(ran.out.contains("[signature-unknown-key]"), "{}", ran.out);
    let path = repo.path().display().to_string();
    let args = [
        "record", "--repo", &path, "--from", "main~1", "--to", "main", "--branch", "main",
    ];
    let ran = gatecard_with(&args, &[("GATECARD_SIGNING_KEY", "hunter2")]).exits(5);
    assert!(
        ran.err.contains("GATECARD_SIGNING_KEY") && !ran.err.contains("hunter2"),
        "{}",
        ran.err
    );
}

#[test]
fn a_time_that_is_to_come_is_no_time_to_look_from() {
    let repo = recorded();
    let ran = verify(&repo.path(), &["--since", "2999-01-01"]).exits(2);
    assert!(ran.err.contains("which is to come"), "{}", ran.err);
}
