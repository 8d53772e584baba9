//! What `gatecard init` writes into a repository, and what it leaves alone.

use std::fs;
use std::path::Path;

use crate::harness::{Ran, Repo, gatecard};

const SIMPLE: &[&str] = &[
    ".github/gatecard.yml",
    ".github/workflows/gatecard-record.yml",
    GATE,
];
const GATE: &str = ".github/workflows/gatecard.yml";
const TWO_STAGE: &[&str] = &[
    ".github/gatecard.yml",
    ".github/workflows/gatecard-ping.yml",
    ".github/workflows/gatecard-record.yml",
    ".github/workflows/gatecard.yml",
    ".github/workflows/prompt-evals.yml",
];

fn repo() -> Repo {
    Repo::with(&[("prompts/answer.md", "Answer {{message}}.\n")])
}

fn init(folder: &Path, args: &[&str]) -> Ran {
    let folder = folder.display().to_string();
    gatecard(&[&["init", "--repo", &folder], args].concat())
}

/// What Git would add.
fn new_files(repo: &Repo) -> Vec<String> {
    let listed = repo.git(&["status", "--porcelain", "--untracked-files=all"]);
    listed
        .lines()
        .map(|line| line.split_at(3).1.to_owned())
        .collect()
}

fn read(repo: &Repo, path: &str) -> String {
    fs::read_to_string(repo.path().join(path)).unwrap()
}

#[test]
fn each_set_up_is_its_files_and_the_steps_that_are_left() {
    for (args, files) in [
        (&[] as &[_], SIMPLE),
        (&["--workflow", "simple"], SIMPLE),
        (&["--workflow", "two-stage"], TWO_STAGE),
    ] {
        let repo = repo();
        let ran = init(&repo.path(), args).exits(0);
        assert_eq!(new_files(&repo), files);
        for file in files {
            assert!(ran.out.contains(&format!("wrote {file}\n")), "{}", ran.out);
        }
        for words in [
            "complete the line `uses: OWNER/gatecard@0",
            "write evals/promptfooconfig.yaml",
            ".github/CODEOWNERS",
            "commit to `main`",
            "the status `gatecard: main`",
            "`gatecard doctor`",
        ] {
            assert!(ran.out.contains(words), "{words}: {}", ran.out);
        }
        assert!(read(&repo, ".github/gatecard.yml").contains("\nmode: advise"));
    }
}

#[test]
fn what_the_repository_shows_and_what_flags_say_stands_in_the_files() {
    let repo = Repo::with(&[
        ("app/prompts/a.md", "Hello {{name}}.\n"),
        ("qa/promptfooconfig.yaml", "prompts: []\nproviders: []\n"),
        ("CODEOWNERS", "* @acme/all\n"),
    ]);
    let sha = "a".repeat(40);
    let action = format!("acme/gatecard@{sha}");
    let ran = init(&repo.path(), &["--action", &action]).exits(0);
    let (policy, workflow) = (read(&repo, SIMPLE[0]), read(&repo, GATE));
    assert!(policy.contains("\n  - \"app/prompts/**\"\n"), "{policy}");
    assert!(
        workflow.contains(" -c qa/promptfooconfig.yaml "),
        "{workflow}"
    );
    assert!(workflow.contains("PATHS: \":(glob)app/prompts/**\"\n"));
    assert!(
        workflow.contains(&format!("uses: {action}\n")),
        "{workflow}"
    );
    for done in ["complete the line", "promptfooconfig", "CODEOWNERS"] {
        assert!(!ran.out.contains(done), "{done}: {}", ran.out);
    }
    let flags = [
        "--prompts",
        "x/**",
        "--prompts",
        "y/*.md",
        "--evals",
        "make \"evals\"",
    ];
    init(&repo.path(), &[&flags[..], &["--force"]].concat()).exits(0);
    let (policy, workflow) = (read(&repo, SIMPLE[0]), read(&repo, GATE));
    assert!(
        policy.contains("  - \"x/**\"\n  - \"y/*.md\"\n"),
        "{policy}"
    );
    assert!(
        workflow.contains("EVALS: \"make \\\"evals\\\"\"\n"),
        "{workflow}"
    );
    assert!(!workflow.contains("PROMPTFOO"), "{workflow}");
}

#[test]
fn gatecard_takes_the_policy_that_it_wrote() {
    for set_up in ["simple", "two-stage"] {
        let repo = repo();
        init(&repo.path(), &["--workflow", set_up]).exits(0);
        repo.commit("gate");
        repo.branch("head");
        repo.write(&[("README.md", "# Prompts\n")]);
        repo.commit("a change that touches nothing governed");
        let report = repo.check(&[]).exits(0).json();
        assert_eq!(report["verdict"], "pass", "{set_up}");
        assert_eq!(report["mode"], "advise", "{set_up}");
        assert_eq!(report["governed"], false, "{set_up}");
    }
}

#[test]
fn a_change_of_any_file_of_a_set_up_is_one_for_the_policy_owners() {
    for (set_up, files) in [("simple", SIMPLE), ("two-stage", TWO_STAGE)] {
        let repo = repo();
        init(&repo.path(), &["--workflow", set_up]).exits(0);
        let policy = "version: 1\nprompts: [\"prompts/**\"]\n";
        repo.write(&[(".github/gatecard.yml", policy)]);
        repo.commit("gate");
        repo.branch("head");
        for file in files {
            let text = read(&repo, file);
            repo.write(&[(file, &format!("{text}# changed\n"))]);
        }
        repo.commit("change the set-up");
        let report = repo.check(&[]).json();
        let governed = report["governed_files"].as_array().unwrap();
        let paths: Vec<&str> = governed
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, files, "{set_up}");
    }
}

#[test]
fn a_file_that_is_there_is_kept_and_then_nothing_is_written() {
    let repo = repo();
    repo.write(&[(".github/workflows/gatecard.yml", "mine\n")]);
    let ran = init(&repo.path(), &["--workflow", "two-stage"]).exits(2);
    assert!(
        ran.err
            .contains("at .github/workflows/gatecard.yml, and nothing"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("--force"), "{}", ran.err);
    assert_eq!(new_files(&repo), [".github/workflows/gatecard.yml"]);
    assert_eq!(read(&repo, GATE), "mine\n");
    init(&repo.path(), &["--workflow", "two-stage", "--force"]).exits(0);
    assert_eq!(new_files(&repo), TWO_STAGE);
    assert!(read(&repo, GATE).contains("workflow_run"));
    // The same again changes nothing, and so needs no leave.
    init(&repo.path(), &["--workflow", "two-stage"]).exits(0);
}

#[test]
fn workflows_of_another_set_up_are_named() {
    let repo = repo();
    init(&repo.path(), &["--workflow", "two-stage"]).exits(0);
    repo.commit("gate");
    let ran = init(&repo.path(), &["--workflow", "simple", "--force"]).exits(0);
    for left in ["prompt-evals.yml", "gatecard-ping.yml"] {
        let words = format!("look at .github/workflows/{left}, which names gatecard too");
        assert!(ran.out.contains(&words), "{}", ran.out);
    }
    assert!(!ran.out.contains("look at .github/workflows/gatecard.yml"));
}

#[cfg(unix)]
#[test]
fn a_link_on_the_way_is_refused_and_nothing_is_written_behind_it() {
    for (link, target) in [
        (".github", "../elsewhere"),
        (".github/workflows", "../../elsewhere"),
        (".github/gatecard.yml", "../../elsewhere/gatecard.yml"),
    ] {
        let repo = repo();
        let elsewhere = repo.beside("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        let at = repo.path().join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, &at).unwrap();
        let ran = init(&repo.path(), &["--force"]).exits(2);
        assert!(ran.err.contains("found a symbolic link"), "{}", ran.err);
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{link}");
        assert_eq!(new_files(&repo), [link]);
    }
}

#[test]
fn printing_writes_nothing() {
    let repo = repo();
    let ran = init(&repo.path(), &["--workflow", "two-stage", "--print"]).exits(0);
    for file in TWO_STAGE {
        assert!(ran.out.contains(&format!("# {file}\n")), "{}", ran.out);
    }
    assert_eq!(new_files(&repo), [""; 0]);
}

#[test]
fn files_go_to_the_root_of_a_worktree_whatever_folder_is_named() {
    let repo = repo();
    init(&repo.path().join("prompts"), &[]).exits(0);
    assert_eq!(new_files(&repo), SIMPLE);
    let empty = Repo::empty();
    init(&empty.path(), &[]).exits(0);
    assert_eq!(new_files(&empty), SIMPLE);
    let bare = repo.beside("bare.git");
    repo.git(&[
        "clone",
        "--quiet",
        "--bare",
        ".",
        &bare.display().to_string(),
    ]);
    let ran = init(&bare, &[]).exits(2);
    assert!(
        ran.err.contains("expected a repository with a worktree"),
        "{}",
        ran.err
    );
}

#[test]
fn an_answer_that_could_mean_more_than_it_says_is_refused_before_anything_is_written() {
    let repo = repo();
    for args in [
        ["--prompts", "../**"],
        ["--prompts", "${{ github.token }}"],
        ["--evals", "echo ${{ secrets.KEY }}"],
        ["--action", "acme/gatecard@v1"],
        ["--workflow", "none"],
    ] {
        let ran = init(&repo.path(), &args).exits(2);
        assert!(ran.err.contains(args[0]), "{}", ran.err);
        assert_eq!(new_files(&repo), [""; 0]);
    }
}
