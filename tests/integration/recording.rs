//! The verdict on record where nothing is published: `check --record`.

use crate::harness::{HEAD_PROMPT, Ran, Repo};

const BRANCH: &str = "refs/heads/gatecard/ledger";

/// A repository whose head changes a prompt, under a policy with one more line.
fn changed(more: &str) -> Repo {
    let policy = format!("version: 1\nprompts: [\"prompts/**\"]\n{more}");
    let repo = Repo::with(&[
        (".github/gatecard.yml", &policy),
        ("prompts/answer.md", crate::harness::BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change");
    repo
}

fn check(repo: &Repo, more: &[&str]) -> Ran {
    repo.check_with(&[], &[more, &["--format", "json"]].concat())
}

fn entries(repo: &Repo) -> Vec<String> {
    let listed = repo.git(&["ls-tree", "-r", "--name-only", BRANCH, "entries"]);
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn a_verdict_is_recorded_in_the_clone_where_that_is_asked_for() {
    let repo = changed("");
    check(&repo, &[]).exits(1);
    assert_eq!(repo.git(&["for-each-ref", BRANCH]), "");
    let ran = check(&repo, &["--record"]).exits(1);
    let first = entries(&repo);
    assert!(
        first.last().unwrap().ends_with("-verdict.json"),
        "{first:?}"
    );
    let ledger = &ran.json()["ledger"];
    assert_eq!(ledger["recorded"], true);
    assert_eq!(ledger["seq"], first.len());
    let last = repo.git(&["show", &format!("{BRANCH}:{}", first.last().unwrap())]);
    assert!(!last.contains("friendly"), "no text of a prompt: {last}");
    let again = check(&repo, &["--record"]).exits(1);
    assert_eq!(entries(&repo), first);
    assert_eq!(again.json()["ledger"], *ledger);
}

#[test]
fn the_verdict_is_withheld_where_it_must_be_recorded_and_cannot_be() {
    for (policy, code) in [
        ("", 1),
        ("ledger: required\n", 5),
        ("ledger: required\nmode: advise\n", 0),
    ] {
        let repo = changed(policy);
        // A branch of this name leaves no room for `gatecard/ledger`.
        repo.git(&["branch", "gatecard"]);
        let ran = check(&repo, &["--record"]).exits(code);
        let report = ran.json();
        assert_eq!(report["ledger"]["recorded"], false);
        assert!(report["ledger"]["why"].is_string(), "{report}");
        let required = policy.contains("required");
        assert_eq!(report["verdict"] == "error", required, "{report}");
        // Nothing was to be recorded, so that nothing is missing.
        check(&repo, &[]).exits(i32::from(code != 0));
    }
}

#[test]
fn nothing_is_recorded_of_a_policy_that_is_only_tried_or_keeps_no_ledger() {
    let repo = changed("ledger: off\n");
    let ran = check(&repo, &["--record"]).exits(1);
    assert!(ran.json().get("ledger").is_none());
    let policy = repo.beside("tried.yml");
    std::fs::write(&policy, "version: 1\nprompts: [\"prompts/**\"]\n").unwrap();
    let policy = policy.display().to_string();
    check(&repo, &["--record", "--policy-file", &policy]).exits(2);
    assert_eq!(repo.git(&["for-each-ref", BRANCH]), "");
}
