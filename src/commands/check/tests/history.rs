//! Stories of histories that could hide a change.

use super::*;

/// A worktree of the story's repository on `main`.
fn worktree(story: &Story) -> std::path::PathBuf {
    let folder = story.folder.path();
    git(folder, &["clone", "--quiet", "repo.git", "work"]);
    let work = folder.join("work");
    git(&work, &["checkout", "--quiet", "-B", "main", "origin/main"]);
    work
}

fn write(work: &Path, path: &str, text: &str) {
    files::write_atomic(&work.join(path), text.as_bytes()).unwrap();
    git(work, &["commit", "--quiet", "--all", "--message", path]);
}

/// Sends the branches to the repository, and moves the pull request to the new heads.
fn push(story: &mut Story, work: &Path, head: &str) -> String {
    git(
        work,
        &["push", "--quiet", "--force", "origin", "main", head],
    );
    story.main = git(work, &["rev-parse", "main"]);
    let head = git(work, &["rev-parse", head]);
    story.open(&head);
    head
}

#[test]
fn a_criss_cross_history_hides_no_change() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "dev"]);
    write(&work, "README.md", "On dev.\n");
    git(&work, &["checkout", "--quiet", "main"]);
    write(&work, "prompts/answer.md", "Answer {{message}}, better.\n");
    git(&work, &["tag", "better"]);
    git(&work, &["merge", "--quiet", "--no-edit", "dev"]);
    git(&work, &["checkout", "--quiet", "dev"]);
    git(&work, &["merge", "--quiet", "--no-edit", "better"]);
    write(&work, "README.md", "On dev, and nothing governed.\n");
    let head = push(&mut story, &work, "dev");
    story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("error"),
        "since one base the prompt is new"
    );
    write(&work, "prompts/answer.md", "Answer {{message}}.\n");
    let head = push(&mut story, &work, "dev");
    let ran = story.run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("error"), "{}", ran.log);
    assert!(ran.log.contains("2 merge bases"), "{}", ran.log);
    git(&work, &["merge", "--quiet", "--no-edit", "main"]);
    let head = push(&mut story, &work, "dev");
    story.run_id(101).run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("failure"),
        "the old prompt is back"
    );
}

#[test]
fn an_old_branch_merged_lately_hides_no_change_from_a_shallow_checkout() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["branch", "old"]);
    write(&work, "prompts/answer.md", "Answer {{message}}, better.\n");
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    write(&work, "prompts/answer.md", "Answer {{message}}.\n");
    git(
        &work,
        &[
            "merge",
            "--quiet",
            "--no-edit",
            "--no-ff",
            "old",
            "--message",
            "x",
            "-s",
            "ours",
        ],
    );
    git(&work, &["checkout", "--quiet", "main"]);
    for at in 0..110 {
        git(
            &work,
            &[
                "commit",
                "--quiet",
                "--allow-empty",
                "--message",
                &at.to_string(),
            ],
        );
    }
    git(&work, &["checkout", "--quiet", "old"]);
    git(
        &work,
        &["commit", "--quiet", "--allow-empty", "--message", "old"],
    );
    git(&work, &["checkout", "--quiet", "main"]);
    git(&work, &["merge", "--quiet", "--no-edit", "old"]);
    let head = push(&mut story, &work, "topic");
    supply::checkout(&mut story, "--depth=1", &head);
    let ran = story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("failure"),
        "{}",
        ran.log
    );
}

#[test]
fn a_shallow_checkout_does_not_forget_who_wrote_the_change() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    write(&work, "evals/cases.csv", "message\nby ben\n");
    let change = git(&work, &["rev-parse", "HEAD"]);
    write(&work, "README.md", "By ann.\n");
    git(&work, &["checkout", "--quiet", "main"]);
    git(
        &work,
        &["commit", "--quiet", "--allow-empty", "--message", "later"],
    );
    git(&work, &["checkout", "--quiet", "topic"]);
    git(&work, &["merge", "--quiet", "--no-edit", "main"]);
    let head = push(&mut story, &work, "topic");
    let ben = json!({ "id": 50, "login": "olga", "type": "User" });
    let mut written = written_by_ann(&change);
    written["author"] = ben;
    story.fake.commit(Some(4), written);
    supply::checkout(&mut story, "--depth=2", &head);
    let ran = story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("failure"),
        "{}",
        ran.log
    );
    let card = story.file("summary.md");
    assert!(card.contains("approval-author"), "{card}");
}

#[test]
fn a_governed_file_that_the_base_changed_as_well_is_stale() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    write(&work, "evals/cases.csv", "message\nhello\ngood-bye\n");
    git(&work, &["checkout", "--quiet", "main"]);
    write(&work, "evals/cases.csv", "a message\nhello\n");
    let head = push(&mut story, &work, "topic");
    story.run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    assert!(story.file("summary.md").contains("base-moved"));
}

#[test]
fn whoever_merges_and_chooses_a_side_has_written_it() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    write(&work, "README.md", "By ann.\n");
    git(&work, &["checkout", "--quiet", "main"]);
    write(&work, "evals/cases.csv", "message\nbetter\n");
    git(&work, &["checkout", "--quiet", "topic"]);
    // The merge takes the improvement of main back.
    git(
        &work,
        &["merge", "--quiet", "--no-edit", "-s", "ours", "main"],
    );
    let head = push(&mut story, &work, "topic");
    let mut merge = written_by_ann(&head);
    merge["author"] = json!({ "id": 50, "login": "olga", "type": "User" });
    story.fake.clear_commits(4);
    story.fake.commit(Some(4), merge);
    let ran = story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("failure"),
        "{}",
        ran.log
    );
    assert!(story.file("summary.md").contains("approval-author"));
}

#[test]
fn updating_the_branch_makes_nobody_an_author() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    write(&work, "evals/cases.csv", "message\nby ann\n");
    let change = git(&work, &["rev-parse", "HEAD"]);
    git(&work, &["checkout", "--quiet", "main"]);
    write(&work, "README.md", "Later.\n");
    git(&work, &["checkout", "--quiet", "topic"]);
    git(&work, &["merge", "--quiet", "--no-edit", "main"]);
    let head = push(&mut story, &work, "topic");
    let mut merge = written_by_ann(&head);
    merge["author"] = json!({ "id": 50, "login": "olga", "type": "User" });
    story.fake.clear_commits(4);
    story.fake.commit(Some(4), merge);
    story.fake.commit(Some(4), written_by_ann(&change));
    let ran = story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("success"),
        "{}",
        ran.log
    );
}

#[test]
fn a_criss_cross_history_of_what_is_not_governed_does_no_harm() {
    let mut story = Story::fixed();
    let work = worktree(&story);
    git(&work, &["checkout", "--quiet", "-b", "dev"]);
    write(&work, "README.md", "On dev.\n");
    git(&work, &["checkout", "--quiet", "main"]);
    git(
        &work,
        &["commit", "--quiet", "--allow-empty", "--message", "main"],
    );
    git(&work, &["tag", "before"]);
    git(&work, &["merge", "--quiet", "--no-edit", "dev"]);
    git(&work, &["checkout", "--quiet", "dev"]);
    git(&work, &["merge", "--quiet", "--no-edit", "before"]);
    write(&work, "README.md", "On dev again.\n");
    let head = push(&mut story, &work, "dev");
    assert_eq!(
        git(&work, &["merge-base", "--all", "main", "dev"])
            .lines()
            .count(),
        2
    );
    let ran = story.run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("success"),
        "{}",
        ran.log
    );
    assert!(ran.log.contains("none to bring up to date"), "{}", ran.log);
}
