//! Every way to have a repository, and every way not to have one.

use std::fs;
use std::path::Path;

use crate::harness::{BASE_PROMPT, HEAD_PROMPT, NOW, Passing, Ran, Repo, gatecard, git_in};

/// `gatecard check --format json` between two revisions of any folder.
fn check_at(folder: &Path, base: &str, head: &str, evidence: &[String]) -> Ran {
    let mut args = vec!["check", "--repo", folder.to_str().unwrap()];
    args.extend(["--base", base, "--head", head, "--now", NOW]);
    args.extend(["--format", "json"]);
    for file in evidence {
        args.extend(["--evidence", file]);
    }
    gatecard(&args)
}

#[test]
fn every_kind_of_clone_gives_the_same_bytes() {
    let passing = Passing::new();
    let repo = &passing.repo;
    let want = passing.check().exits(0).out;
    let source = repo.path();
    let source = source.to_str().unwrap();
    let [plain, bare, linked] = ["plain", "bare", "linked"].map(|name| repo.beside(name));
    repo.git(&["clone", "--quiet", source, plain.to_str().unwrap()]);
    repo.git(&["clone", "--quiet", "--bare", source, bare.to_str().unwrap()]);
    repo.git(&[
        "worktree",
        "add",
        "--quiet",
        "--detach",
        linked.to_str().unwrap(),
    ]);
    for (folder, base, head) in [
        (plain.clone(), "origin/main", "origin/head"),
        (plain.join("prompts"), "origin/main", "HEAD"),
        (bare, "main", "head"),
        (linked.clone(), "main", "HEAD"),
        (linked.join("prompts"), "main", "head"),
        (repo.path().join("prompts"), "main", "head"),
    ] {
        let ran = check_at(&folder, base, head, &passing.files).exits(0);
        assert_eq!(ran.out, want, "{}", folder.display());
    }
}

#[test]
fn nothing_is_read_from_the_worktree_or_the_index() {
    let passing = Passing::new();
    let want = passing.check().exits(0).out;
    let repo = &passing.repo;
    repo.write(&[
        ("prompts/answer.md", "Something else entirely.\n"),
        ("prompts/new.md", "Not committed.\n"),
        (".github/gatecard.yml", "version: 7\n"),
    ]);
    assert_eq!(passing.check().out, want);
    repo.git(&["add", "--all"]);
    assert_eq!(passing.check().out, want);
    fs::remove_dir_all(repo.path().join("prompts")).unwrap();
    assert_eq!(passing.check().out, want);
}

#[test]
fn a_shallow_clone_without_the_merge_base_names_the_fetch_depth() {
    let repo = Repo::sample();
    repo.checkout("main");
    repo.write(&[("notes.txt", "elsewhere\n")]);
    repo.commit("base moves on");
    let clone = repo.beside("shallow");
    let url = format!("file://{}", repo.path().display());
    repo.git(&[
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        &url,
        clone.to_str().unwrap(),
    ]);
    let ran = check_at(&clone, "origin/main", "origin/head", &[]).exits(3);
    assert!(ran.err.contains("in this shallow clone"), "{}", ran.err);
    assert!(ran.err.contains("fetch-depth: 0"), "{}", ran.err);
    let report = ran.json();
    assert_eq!(report["verdict"], "error");
    assert!(report["next"].as_str().unwrap().contains("fetch-depth: 0"));
    // An older commit that the clone lacks, named by its id.
    let old = repo.git(&["rev-parse", "main~1"]);
    let ran = check_at(&clone, old.trim(), "origin/head", &[]).exits(2);
    assert!(ran.err.contains("fetch-depth: 0"), "{}", ran.err);
}

#[test]
fn histories_without_a_common_commit_are_told_apart_from_shallow_ones() {
    let repo = Repo::sample();
    repo.git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit("another root");
    let ran = check_at(&repo.path(), "main", "other", &[]).exits(3);
    assert!(ran.err.contains("no merge base"), "{}", ran.err);
    assert!(!ran.err.contains("fetch-depth"), "{}", ran.err);
}

#[test]
fn where_there_is_nothing_to_compare_the_message_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let empty = Repo::empty();
    let sample = Repo::sample();
    let tree = sample.git(&["rev-parse", "head^{tree}"]);
    let missing = sample.beside("nowhere");
    for (folder, base, head, found, hint) in [
        (folder.path(), "main", "head", "no Git repository", "--repo"),
        (&missing, "main", "head", "no Git repository", "--repo"),
        (
            &empty.path(),
            "main",
            "HEAD",
            "no commit yet",
            "first commit",
        ),
        (
            &empty.path(),
            "HEAD",
            "HEAD",
            "no commit yet",
            "first commit",
        ),
        (
            &sample.path(),
            "main",
            "nope",
            "unknown revision `nope`",
            "git rev-parse",
        ),
        (
            &sample.path(),
            "",
            "head",
            "unknown revision ``",
            "git rev-parse",
        ),
        (
            &sample.path(),
            "main",
            tree.trim(),
            "unknown revision",
            "git rev-parse",
        ),
        (
            &sample.path(),
            "main",
            "main..head",
            "unknown revision",
            "git rev-parse",
        ),
        (
            &sample.path(),
            "a\nb",
            "head",
            "unknown revision",
            "git rev-parse",
        ),
    ] {
        let ran = check_at(folder, base, head, &[]).exits(2);
        assert!(ran.err.contains(found), "{found}: {}", ran.err);
        assert!(ran.err.contains("help: "), "{found}: {}", ran.err);
        assert!(ran.err.contains(hint), "{found}: {}", ran.err);
        let report = ran.json();
        assert_eq!(report["verdict"], "error", "{found}");
        assert!(report["errors"][0].as_str().unwrap().contains(found));
        assert!(report["next"].as_str().unwrap().contains(hint));
    }
}

#[test]
fn an_unborn_branch_beside_a_branch_with_commits_is_an_unknown_revision() {
    let repo = Repo::sample();
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    let ran = check_at(&repo.path(), "main", "HEAD", &[]).exits(2);
    assert!(ran.err.contains("unknown revision `HEAD`"), "{}", ran.err);
    check_at(&repo.path(), "main", "head", &[]).exits(1);
}

#[test]
fn tags_and_short_ids_name_commits() {
    let passing = Passing::new();
    let want = passing.check().exits(0).out;
    let repo = &passing.repo;
    repo.git(&["tag", "light", "main"]);
    repo.git(&["tag", "--annotate", "--message", "v1", "v1", "head"]);
    let short = repo.git(&["rev-parse", "--short=12", "head"]);
    for (base, head) in [("light", "v1"), ("head~1", short.trim()), ("v1^", "v1^{}")] {
        let ran = check_at(&repo.path(), base, head, &passing.files).exits(0);
        assert_eq!(ran.out, want, "{base} {head}");
    }
}

#[test]
fn head_equal_to_base_changes_nothing() {
    let repo = Repo::sample();
    for (base, head) in [("main", "main"), ("head", "main")] {
        let report = check_at(&repo.path(), base, head, &[]).exits(0).json();
        assert_eq!(report["governed"], false, "{base} {head}");
        assert_eq!(report["verdict"], "pass");
        assert_eq!(report["changes"], serde_json::json!([]));
    }
}

#[test]
fn a_base_that_moved_counts_only_where_it_changed_the_same_prompt() {
    let other = "You are a terse support assistant.\n\nAnswer {{message}} about {{order}}.\n";
    for (files, moved) in [
        (&[("prompts/answer.md", other)][..], true),
        (&[("prompts/answer.md", HEAD_PROMPT)], false),
        (
            &[(
                "prompts/answer.md",
                "You are a support assistant.\r\n\r\nAnswer {{message}} about {{order}}.\r\n",
            )],
            false,
        ),
        (&[("prompts/other.md", "Another prompt.\n")], false),
        (&[("notes.txt", "no prompt\n")], false),
    ] {
        let passing = Passing::new();
        let repo = &passing.repo;
        repo.checkout("main");
        repo.write(files);
        repo.commit("base moves on");
        let ran = passing.check().exits(i32::from(moved));
        let want = if moved {
            "stale base-moved"
        } else {
            "pass met"
        };
        assert_eq!(ran.gate("prompt_files"), want, "{files:?}");
    }
}

#[test]
fn a_base_that_removed_the_prompt_or_its_partial_has_moved() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", crate::harness::POLICY),
        ("prompts/answer.md", BASE_PROMPT),
        ("prompts/with.hbs", "{{> _tone}} Answer {{q}}.\n"),
        ("prompts/_tone.prompt", "Be brief.\n"),
    ]);
    repo.branch("head");
    repo.write(&[
        ("prompts/answer.md", HEAD_PROMPT),
        ("prompts/with.hbs", "{{> _tone}} Answer {{q}} well.\n"),
    ]);
    repo.commit("change both");
    repo.checkout("main");
    fs::remove_file(repo.path().join("prompts/answer.md")).unwrap();
    repo.write(&[("prompts/_tone.prompt", "Be long.\n")]);
    repo.commit("base moves on");
    let ran = repo.check(&[]).exits(1);
    assert_eq!(
        ran.gate("prompt_files"),
        "stale base-moved, stale base-moved"
    );
}

#[test]
fn a_sha256_repository_is_read_as_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    git_in(
        path,
        &[
            "init",
            "--quiet",
            "--initial-branch=main",
            "--object-format=sha256",
        ],
    );
    fs::create_dir_all(path.join("prompts")).unwrap();
    fs::write(
        path.join("gatecard.yml"),
        "version: 1\nprompts: [\"prompts/**\"]\n",
    )
    .unwrap();
    fs::write(path.join("prompts/answer.md"), BASE_PROMPT).unwrap();
    git_in(path, &["add", "--all"]);
    git_in(path, &["commit", "--quiet", "--message", "base"]);
    git_in(path, &["checkout", "--quiet", "-b", "head"]);
    fs::write(path.join("prompts/answer.md"), HEAD_PROMPT).unwrap();
    git_in(path, &["commit", "--quiet", "--all", "--message", "head"]);
    let report = check_at(path, "main", "head", &[]).exits(1).json();
    assert_eq!(report["head"].as_str().unwrap().len(), 64);
    assert_eq!(report["changes"][0]["id"], "prompts/answer");
    // The version belongs to the prompt, not to the repository's hash.
    let sample = Repo::sample();
    let after = report["changes"][0]["to"].as_str().unwrap();
    assert_eq!(after, sample.version("head", "prompts/answer"));
}
