//! Stories of a merge queue's group.

use super::*;

/// Lands commits on `main` as a queue does, and returns the event of the group.
fn group(story: &Story, landed: &[(&str, &str, &str)]) -> (String, Value) {
    let repo = NewRepo::open(&story.folder.path().join("repo.git")).unwrap();
    let mut tip = CommitSha::parse(&story.main).unwrap();
    for (subject, path, text) in landed {
        let files = [((*path).to_owned(), text.as_bytes())].into_iter();
        let at = (*subject, 1_790_000_100);
        tip = repo.commit("queue", Some(&tip), files, at).unwrap();
        story.fake.commit(None, written_by_ann(tip.as_str()));
    }
    let event = json!({
        "action": "checks_requested",
        "merge_group": {
            "base_ref": "refs/heads/main", "base_sha": story.main,
            "head_ref": "refs/heads/gh-readonly-queue/main/pr-5-x", "head_sha": tip.as_str(),
        },
        "repository": { "full_name": REPO },
    });
    (tip.to_string(), event)
}

fn story() -> Story {
    let mut story = Story::fixed();
    story.set("GITHUB_EVENT_NAME", "merge_group");
    story
}

#[test]
fn an_approval_on_the_pull_request_counts_for_the_same_content_in_the_group() {
    let story = story();
    let changed = "message\nhello\ngood-bye\n";
    let (head, event) = group(&story, &[("Add a case (#4)", "evals/cases.csv", changed)]);
    let ran = story.run_event(&event);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("success"),
        "{}",
        story.file("summary.md")
    );
    assert_eq!(story.own_comments(), 0);
    assert_eq!(story.verdicts(), 1, "the group is on record");
}

#[test]
fn other_content_than_any_member_has_needs_an_approval_of_its_own() {
    let story = story();
    let (head, event) = group(
        &story,
        &[
            (
                "Add a case (#4)",
                "evals/cases.csv",
                "message\nhello\ngood-bye\n",
            ),
            (
                "Add another (#5)",
                "evals/cases.csv",
                "message\nhello\ngood-bye\nthanks\n",
            ),
        ],
    );
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    assert!(story.file("summary.md").contains("policy_change"));
}

#[test]
fn two_members_that_make_a_version_together_are_named() {
    let story = story();
    let pull = fake_github::pull(5, ("main", &story.main), ("other", &story.unrelated));
    story.fake.pull(pull);
    let blocked = fake_github::pull(4, ("main", &story.main), ("topic", &story.blocked));
    story.fake.pull(blocked);
    let (head, event) = group(
        &story,
        &[
            (
                "Answer at once (#4)",
                "prompts/answer.md",
                "Answer {{message}} at once.\n",
            ),
            (
                "And kindly (#5)",
                "prompts/answer.md",
                "Answer {{message}} at once, kindly.\n",
            ),
        ],
    );
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    let card = story.file("summary.md");
    assert!(card.contains("this version together"), "{card}");
    assert!(card.contains('4'), "{card}");
}

#[test]
fn a_hint_at_a_pull_request_for_another_branch_is_no_member() {
    let story = story();
    let other = fake_github::pull(4, ("release", &story.main), ("topic", &story.fixed));
    story.fake.pull(other);
    let changed = "message\nhello\ngood-bye\n";
    let (head, event) = group(&story, &[("Add a case (#4)", "evals/cases.csv", changed)]);
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
}

/// A pull request of its own, with a commit by its author and an approval.
fn member(story: &Story, number: u64, author: (u64, &str), head: &str, by: (u64, &str)) {
    let (id, login) = author;
    let branch = format!("topic-{number}");
    let mut pull = fake_github::pull(number, ("main", &story.main), (&branch, head));
    pull["user"] = json!({ "id": id, "login": login, "type": "User" });
    story.fake.pull(pull);
    let mut commit = written_by_ann(head);
    let person = json!({ "id": id, "login": login, "type": "User" });
    commit["author"] = person.clone();
    commit["committer"] = person;
    story.fake.clear_commits(number);
    story.fake.commit(Some(number), commit);
    story.fake.clear_reviews(number);
    story.fake.review(number, approval(by, head));
}

#[test]
fn two_people_who_approve_each_other_can_queue_together() {
    let mut story = story();
    story
        .fake
        .team("acme/platform", vec![(50, "olga"), (51, "ben")]);
    let repo = NewRepo::open(&story.folder.path().join("repo.git")).unwrap();
    let base = CommitSha::parse(&story.main).unwrap();
    let other = [(
        String::from("evals/more.csv"),
        "message\nthanks\n".as_bytes(),
    )];
    let second = repo
        .commit(
            "second",
            Some(&base),
            other.into_iter(),
            ("second", 1_790_000_000),
        )
        .unwrap()
        .to_string();
    let first = story.fixed.clone();
    member(&story, 4, (50, "olga"), &first, (51, "ben"));
    member(&story, 5, (51, "ben"), &second, (50, "olga"));
    let (head, event) = group(
        &story,
        &[
            (
                "Add a case (#4)",
                "evals/cases.csv",
                "message\nhello\ngood-bye\n",
            ),
            ("Add more (#5)", "evals/more.csv", "message\nthanks\n"),
        ],
    );
    story.run_id(101).run_event(&event);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("success"),
        "{}",
        story.file("summary.md")
    );
}

#[test]
fn a_squashed_commit_does_not_make_its_co_authors_authors_of_everything() {
    let story = story();
    let changed = "message\nhello\ngood-bye\n";
    let (head, event) = group(&story, &[("Add a case (#4)", "evals/cases.csv", changed)]);
    // The reviewer suggested a word in a README, and the squash names her.
    let mut squashed = written_by_ann(&head);
    squashed["commit"]["message"] =
        json!("Add a case (#4)\n\nCo-authored-by: olga <50+olga@users.noreply.github.com>");
    story.fake.commit(None, squashed);
    story.run_event(&event);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("success"),
        "{}",
        story.file("summary.md")
    );
}

#[test]
fn a_group_without_subjects_that_name_a_member_is_found_by_its_branch() {
    let story = story();
    let changed = "message\nhello\ngood-bye\n";
    let (head, mut event) = group(&story, &[("Rebased", "evals/cases.csv", changed)]);
    event["merge_group"]["head_ref"] = json!("refs/heads/gh-readonly-queue/main/pr-4-abc");
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("success"));
    let (head, mut event) = group(&story, &[("Rebased again", "evals/cases.csv", changed)]);
    event["merge_group"]["head_ref"] = json!("refs/heads/gh-readonly-queue/main/x");
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    assert!(story.file("summary.md").contains("could not be found"));
}

#[test]
fn the_end_of_the_evals_of_a_group_brings_the_verdict_on_the_group() {
    let mut story = story();
    let changed = "message\nhello\ngood-bye\n";
    let (head, _) = group(&story, &[("Add a case (#4)", "evals/cases.csv", changed)]);
    let branch = format!("gh-readonly-queue/main/pr-4-{}", story.main);
    for (action, expected) in [("in_progress", "pending"), ("completed", "success")] {
        let mut event = story.produced(action, &head);
        event["workflow_run"]["event"] = json!("merge_group");
        event["workflow_run"]["head_branch"] = json!(branch);
        let ran = story.run_event(&event);
        assert_eq!(ran.code, 0, "{}", ran.log);
        assert_eq!(
            story.status(&head).as_deref(),
            Some(expected),
            "{}",
            ran.log
        );
    }
}

#[test]
fn in_a_group_the_evidence_of_its_pull_requests_counts_where_the_group_has_none() {
    use super::evidence::{SOURCE, archive, gate, results, run};
    let mut story = Story::under(SOURCE);
    story.set("GITHUB_EVENT_NAME", "merge_group");
    story.fake.workflow("evals.yml");
    story.open(&story.blocked.clone());
    // A member that changed no prompt has no results to show.
    let pull = fake_github::pull(5, ("main", &story.main), ("other", &story.unrelated));
    story.fake.pull(pull);
    story.fake.run(run(&story.blocked));
    let content = archive("results.json", &results());
    let id = story.fake.artifact(7, "evals", &content);
    let stored = json!("2026-11-23T11:55:00Z");
    story.fake.tell(id, "created_at", &stored);
    let prompt = (
        "Soon (#4)",
        "prompts/answer.md",
        "Answer {{message}} at once.\n",
    );
    let readme = ("Words (#5)", "README.md", "Our prompts.\n");
    let (head, event) = group(&story, &[prompt, readme]);
    let ran = story.run_event(&event);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(gate(&story, "expected_evidence"), "pass met", "{}", ran.log);
    assert_eq!(gate(&story, "min_examples"), "pass met");
    assert!(story.status(&head).is_some());

    // The group's own run comes first, and while it goes on it is waited for.
    let mut own = run(&head);
    own["id"] = json!(8);
    own["event"] = json!("merge_group");
    own["status"] = json!("in_progress");
    own["conclusion"] = Value::Null;
    story.fake.run(own);
    story.run_id(101);
    story.run_event(&event);
    assert_eq!(story.status(&head).as_deref(), Some("pending"));
}
