//! Stories of clones that lack commits.

use super::*;

/// Clones the repository as a workflow's checkout does.
pub(super) fn checkout(story: &mut Story, depth: &str, commit: &str) {
    let folder = story.folder.path();
    let origin = format!("file://{}", folder.join("repo.git").display());
    let git = |args: &[&str]| git(folder, args);
    git(&[
        "-C",
        "repo.git",
        "config",
        "uploadpack.allowAnySHA1InWant",
        "true",
    ]);
    git(&["init", "--quiet", "clone"]);
    git(&["-C", "clone", "remote", "add", "origin", &origin]);
    git(&["-C", "clone", "fetch", "--quiet", depth, "origin", commit]);
    git(&[
        "-C",
        "clone",
        "checkout",
        "--quiet",
        "--detach",
        "FETCH_HEAD",
    ]);
    story.clone = "clone";
}

#[test]
fn a_checkout_of_one_commit_gets_what_it_lacks() {
    for commit in ["fixed", "main", "unrelated"] {
        let mut story = Story::fixed();
        checkout(&mut story, "--depth=1", commit);
        let ran = story.run(&story.fixed);
        assert_eq!(ran.code, 0, "{commit}: {}", ran.log);
        assert_eq!(
            story.status(&story.fixed).as_deref(),
            Some("success"),
            "{}",
            ran.log
        );
    }
}

#[test]
fn what_cannot_be_fetched_is_named_with_the_line_to_add() {
    let mut story = Story::fixed();
    checkout(&mut story, "--depth=1", "main");
    let gone = story.folder.path().join("repo.git");
    std::fs::rename(&gone, story.folder.path().join("gone.git")).unwrap();
    let ran = story.run(&story.fixed);
    assert_eq!(story.status(&story.fixed).as_deref(), Some("error"));
    assert!(ran.log.contains("git fetch"), "{}", ran.log);
    assert!(ran.log.contains("fetch-depth: 0"), "{}", ran.log);
}

#[test]
fn a_machine_without_a_token_fetches_nothing() {
    let mut story = Story::fixed();
    checkout(&mut story, "--depth=1", "main");
    story.variables.remove("GITHUB_TOKEN");
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 2, "{}", ran.log);
    assert!(ran.log.contains("fetch-depth: 0"), "{}", ran.log);
}

#[test]
fn an_empty_repository_is_enough_and_no_file_is_written_into_it() {
    let mut story = Story::fixed();
    let folder = story.folder.path().to_owned();
    // What the server calls `acme/prompts.git`.
    std::fs::create_dir_all(folder.join("acme")).unwrap();
    std::fs::rename(folder.join("repo.git"), folder.join("acme/prompts.git")).unwrap();
    git(&folder, &["init", "--quiet", "clone"]);
    let here = format!("url.file://{}/.insteadOf", folder.display());
    git(
        &folder,
        &["-C", "clone", "config", &here, "https://github.com/"],
    );
    story.clone = "clone";
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(
        story.status(&story.fixed).as_deref(),
        Some("success"),
        "{}",
        ran.log
    );
    let files = std::fs::read_dir(folder.join("clone")).unwrap();
    let names: Vec<_> = files.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [".git"]);
}
