//! Where no action runs: the example hook for `git push`, and the scripts that docs/ci.md gives.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{BASE_PROMPT, Evals, HEAD_PROMPT, Repo, git_in};

/// Runs a program in the worktree with gatecard on the `PATH`: what it printed and its exit code.
fn run(repo: &Repo, program: &str, arguments: &[&str]) -> (String, i32) {
    let folder = Path::new(env!("CARGO_BIN_EXE_gatecard")).parent().unwrap();
    let search = std::env::var("PATH").unwrap();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(repo.path())
        .env_clear()
        .env("PATH", format!("{}:{search}", folder.display()))
        .env("HOME", repo.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    (said, output.status.code().unwrap())
}

/// Pushes: what Git and the hook printed, and whether the remote took it.
fn push(repo: &Repo, what: &str) -> (String, bool) {
    let (said, code) = run(repo, "git", &["push", "--quiet", "origin", what]);
    (said, code == 0)
}

/// A clone with a remote, a prompt on `main`, and no traces to ask for.
fn cloned() -> Repo {
    let repo = Repo::with(&[
        (
            ".github/gatecard.yml",
            "version: 1\nprompts: [\"prompts/**\"]\nstage: pre_production\n",
        ),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    let remote = repo.beside("remote.git");
    git_in(
        &repo.path(),
        &["clone", "--quiet", "--bare", ".", remote.to_str().unwrap()],
    );
    repo.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo
}

/// The lines of the first block in a section of docs/ci.md.
fn documented(section: &str, language: &str) -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let docs = fs::read_to_string(docs).unwrap();
    let (_, rest) = docs.split_once(&format!("\n## {section}\n")).unwrap();
    let (_, block) = rest.split_once(&format!("```{language}\n")).unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.lines().map(str::to_owned).collect()
}

#[test]
fn the_documented_scripts_end_with_the_code_of_the_verdict() {
    let gitlab: Vec<String> = documented("GitLab", "yaml")
        .iter()
        .skip_while(|line| !line.ends_with("script:"))
        .skip(1)
        .map_while(|line| line.strip_prefix("    - "))
        .map(str::to_owned)
        .collect();
    assert_eq!(gitlab.len(), 2, "{gitlab:?}");
    let plain = documented("Any other CI", "sh").join("\n");
    let repo = cloned();
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    for (failing, expected, says) in [
        (None, 3, "no verdict"),
        (Some(20), 1, "the gate is closed"),
        (Some(0), 0, "the gate is open"),
    ] {
        if let Some(failing) = failing {
            let head = Evals::passing(HEAD_PROMPT).failing(failing);
            repo.write_bytes("out/head.json", &head.bytes());
            repo.write_bytes("out/base.json", &Evals::passing(BASE_PROMPT).bytes());
        }
        let script = |text: &str| run(&repo, "bash", &["-e", "-u", "-c", text]);
        let (said, code) = script(&plain);
        assert!(code == expected && said.contains(says), "{code}: {said}");
        let (said, code) = script(&gitlab.join("\n"));
        assert_eq!(code, expected, "{said}");
        let report = fs::read_to_string(repo.path().join("gatecard.md")).unwrap();
        assert!(report.contains("prompts/answer"), "{report}");
    }
}

#[test]
fn a_push_without_evidence_is_kept_back_and_goes_through_with_it() {
    let repo = cloned();
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hooks/pre-push");
    fs::copy(hook, repo.path().join(".git/hooks/pre-push")).unwrap();

    repo.branch("docs");
    repo.write(&[("README.md", "hello\n")]);
    repo.commit("no prompt changes");
    let (said, pushed) = push(&repo, "docs");
    assert!(pushed, "nothing governed changed: {said}");

    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    let (said, pushed) = push(&repo, "head");
    assert!(!pushed && said.contains("min_examples"), "{said}");
    assert!(
        !repo
            .git(&["ls-remote", "origin"])
            .contains("refs/heads/head")
    );

    for (name, prompt) in [("base.json", BASE_PROMPT), ("head.json", HEAD_PROMPT)] {
        let file = repo.evidence(name, &Evals::passing(prompt).bytes());
        repo.git(&["config", "--add", "gatecard.evidence", &file]);
    }
    let (said, pushed) = push(&repo, "head");
    assert!(pushed, "{said}");
    let (said, pushed) = push(&repo, ":docs");
    assert!(pushed, "deleting a branch changes no prompt: {said}");
}
