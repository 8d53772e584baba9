//! Stories of approvals that come, go and are moved.

use super::*;

#[test]
fn an_approval_turns_the_verdict_and_a_dismissal_turns_it_back() {
    let mut story = Story::fixed();
    let head = story.fixed.clone();
    story.fake.clear_reviews(4);
    story.run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    story.fake.review(4, approval((50, "olga"), &head));
    story.run_id(101).run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("success"));
    let mut dismissed = approval((50, "olga"), &head);
    dismissed["state"] = json!("DISMISSED");
    story.fake.clear_reviews(4);
    story.fake.review(4, dismissed);
    let ran = story.run_id(102).run(&head);
    assert_eq!(ran.code, 0, "the status says it: {}", ran.log);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    assert_eq!(story.own_comments(), 1);
}

#[test]
fn a_force_push_drops_what_was_approved_before_it() {
    let story = Story::fixed();
    story.fake.timeline(json!({
        "pushed": { "nodes": [{ "createdAt": "2026-11-22T11:00:00Z" }] },
        "retargeted": { "nodes": [] }, "followed": { "nodes": [] },
    }));
    story.run(&story.fixed);
    assert_eq!(story.status(&story.fixed).as_deref(), Some("failure"));
    let card = story.file("summary.md");
    assert!(card.contains("force-push"), "{card}");
}

#[test]
fn without_a_timeline_a_review_counts_from_our_first_status_on() {
    // The fake's clock says January 2026 when the run sets its pending status.
    for (submitted, expected) in [
        ("2026-11-22T10:00:00Z", "success"),
        ("2026-01-01T10:00:00Z", "failure"),
    ] {
        let story = Story::fixed();
        story.fake.timeline(Value::Null);
        let mut review = approval((50, "olga"), &story.fixed);
        review["submitted_at"] = json!(submitted);
        story.fake.clear_reviews(4);
        story.fake.review(4, review);
        story.run(&story.fixed);
        assert_eq!(story.status(&story.fixed).as_deref(), Some(expected));
    }
}

#[test]
fn the_author_and_who_wrote_the_change_do_not_count() {
    for who in [(7, "ann"), (51, "ben")] {
        let story = Story::fixed();
        story.fake.team("acme/platform", vec![who]);
        story.fake.clear_reviews(4);
        story.fake.review(4, approval(who, &story.fixed));
        let ben = json!({ "id": 51, "login": "ben", "type": "User" });
        let by = json!({ "email": "ben@example.com" });
        story.fake.clear_commits(4);
        story.fake.commit(
            Some(4),
            json!({
                "sha": story.fixed, "author": ben, "committer": ben,
                "commit": { "message": "a change", "author": by, "committer": by },
            }),
        );
        story.run(&story.fixed);
        assert_eq!(
            story.status(&story.fixed).as_deref(),
            Some("failure"),
            "{who:?}"
        );
    }
}

#[test]
fn reviews_that_cannot_be_read_block_and_are_named() {
    let story = Story::fixed();
    let refused = Trouble::Status(403, "");
    story.fake.fault("GET", "/pulls/4/reviews", 99, refused);
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(story.status(&story.fixed).as_deref(), Some("failure"));
    let card = story.file("summary.md");
    assert!(card.contains("approvals-unknown"), "{card}");
}

#[test]
fn five_thousand_reviews_are_read_page_by_page() {
    let story = Story::fixed();
    for number in 0..5_000 {
        let mut review = approval((1_000 + number % 300, "somebody"), &story.fixed);
        review["state"] = json!("COMMENTED");
        review["id"] = json!(100_000 + number);
        story.fake.review(4, review);
    }
    let ran = story.run(&story.fixed);
    assert_eq!(
        story.status(&story.fixed).as_deref(),
        Some("success"),
        "{}",
        ran.log
    );
    assert_eq!(story.fake.count("GET", "/pulls/4/reviews"), 51);
}

#[test]
fn a_move_to_where_less_is_asked_for_needs_the_approval_of_the_old_place() {
    let mut story = Story::fixed();
    let work = story.folder.path().join("work");
    git(
        story.folder.path(),
        &["clone", "--quiet", "repo.git", "work"],
    );
    git(&work, &["checkout", "--quiet", "-B", "main", "origin/main"]);
    let policy = "version: 1\nprompts:\n  - { file: prompts/answer.md, id: answer, risk: high }\n  \
                  - { file: low/answer.md, id: answer, risk: low }\n\
                  groups: { product: [50] }\napprovals: { high: [product] }\n";
    files::write_atomic(&work.join(".github/gatecard.yml"), policy.as_bytes()).unwrap();
    git(
        &work,
        &["commit", "--quiet", "--all", "--message", "policy"],
    );
    git(&work, &["checkout", "--quiet", "-b", "topic"]);
    std::fs::create_dir(work.join("low")).unwrap();
    git(&work, &["mv", "prompts/answer.md", "low/answer.md"]);
    git(&work, &["commit", "--quiet", "--message", "move"]);
    git(
        &work,
        &["push", "--quiet", "--force", "origin", "main", "topic"],
    );
    story.main = git(&work, &["rev-parse", "main"]);
    let head = git(&work, &["rev-parse", "topic"]);
    story.open(&head);
    story.run(&head);
    let approved = story.file("summary.md");
    story.fake.clear_reviews(4);
    story.run_id(101).run(&head);
    assert_eq!(
        story.status(&head).as_deref(),
        Some("failure"),
        "{approved}"
    );
    assert!(!approved.contains("approval-missing"), "{approved}");
    assert!(story.file("summary.md").contains("approval-missing"));
}

#[test]
fn co_authors_who_cannot_be_asked_for_let_nobody_approve() {
    let story = Story::fixed();
    let mut commit = written_by_ann(&story.fixed);
    commit["commit"]["message"] = json!("a change\n\nCo-authored-by: o <o@example.org>");
    story.fake.clear_commits(4);
    story.fake.commit(Some(4), commit);
    let broken = r#"{"data":null,"errors":[{"message":"Something went wrong"}]}"#;
    story
        .fake
        .fault("POST", "/graphql", 99, Trouble::Says(200, broken));
    story.run(&story.fixed);
    assert_ne!(story.status(&story.fixed).as_deref(), Some("success"));
}
