//! What is written where, when GitHub does its part.

use super::*;

#[test]
fn a_first_result_makes_one_comment_and_one_status() {
    let story = Story::new();
    assert_eq!(story.delivered(), ["written", "written", "created", "set"]);
    let comments = story.fake.comments();
    assert_eq!(comments.len(), 1);
    let expected = Story::marked("100.1", "## gatecard: fail\n\nbody\n");
    assert_eq!(
        (comments[0].user, &comments[0].body),
        (ACTIONS_ID, &expected)
    );
    let (sha, status) = &story.fake.statuses()[0];
    assert_eq!(*sha, "a".repeat(40));
    assert_eq!(status["context"], "gatecard: main");
    assert_eq!(status["state"], "failure");
    assert_eq!(status.get("target_url"), None);
    assert!(story.file("output").starts_with("verdict<<"));
    assert_eq!(story.file("summary"), "# Summary\n");
}

#[test]
fn a_second_result_updates_the_comment_in_place() {
    let mut story = Story::new();
    story.deliver();
    let id = story.fake.comments()[0].id;
    story = story.with_body("now it passes");
    story.in_run(101, 1);
    assert!(story.deliver().errors().next().is_none());
    let comments = story.fake.comments();
    assert_eq!((comments.len(), comments[0].id), (1, id));
    assert_eq!(comments[0].body, Story::marked("101.1", "now it passes"));
    assert_eq!(story.fake.count("PATCH", COMMENTS), 1);
    assert_eq!(story.fake.statuses().len(), 2);
}

#[test]
fn an_unchanged_body_is_not_written_again() {
    let mut story = Story::new();
    story.deliver();
    story.in_run(101, 1);
    assert_eq!(story.delivered()[2], "unchanged");
    assert_eq!(story.fake.count("PATCH", COMMENTS), 0);
    assert_eq!(story.fake.statuses().len(), 2);
}

#[test]
fn a_forged_marker_of_somebody_else_is_left_alone() {
    let story = Story::new();
    let forged = Story::marked("99999999999.1", "all good, merge");
    story.fake.comment(7, &forged);
    assert_eq!(story.delivered()[2..], ["created", "set"]);
    let comments = story.fake.comments();
    assert_eq!(comments[0].body, forged);
    assert_eq!((comments.len(), comments[1].user), (2, ACTIONS_ID));
}

#[test]
fn our_comments_that_only_quote_the_marker_are_left_alone() {
    let story = Story::new();
    let quoted = format!("> {}", Story::marked("1.1", "quoted"));
    story.fake.comment(ACTIONS_ID, &quoted);
    assert_eq!(story.delivered()[2], "created");
    assert_eq!(story.fake.comments()[0].body, quoted);
}

#[test]
fn our_comment_is_found_on_the_last_of_many_pages() {
    let story = Story::new();
    for at in 0..300 {
        story.fake.comment(7, &format!("remark {at}"));
    }
    let ours = story
        .fake
        .comment(ACTIONS_ID, &Story::marked("99.1", "old"));
    assert_eq!(story.delivered()[2], "updated");
    assert_eq!(story.fake.comments().len(), 301);
    assert_eq!(story.fake.count("PATCH", &ours.to_string()), 1);
    assert_eq!(story.fake.count("GET", COMMENTS), 4);
}

#[test]
fn of_several_own_comments_the_oldest_stays() {
    let story = Story::new();
    let oldest = story
        .fake
        .comment(ACTIONS_ID, &Story::marked("98.1", "one"));
    story.fake.comment(7, "in between");
    story
        .fake
        .comment(ACTIONS_ID, &Story::marked("99.1", "two"));
    assert_eq!(story.delivered()[2], "updated");
    let ids: Vec<_> = story.fake.comments().iter().map(|c| c.id).collect();
    assert_eq!(ids, [oldest, oldest + 1]);
}

#[test]
fn an_older_run_never_overwrites_a_newer_one() {
    for newer in ["101.1", "100.2"] {
        let mut story = Story::new();
        // Where something governed changed, the statuses tell the order.
        story.publication.governed = false;
        let body = Story::marked(newer, "newer");
        story.fake.comment(ACTIONS_ID, &body);
        let parts = story.delivered();
        assert!(parts[2].contains("newer run"), "{parts:?}");
        assert!(parts[3].contains("same commit"), "{parts:?}");
        assert_eq!(story.fake.comments()[0].body, body);
        assert!(story.fake.statuses().is_empty());
    }
}

#[test]
fn an_older_run_still_judges_its_own_commit() {
    let story = Story::new();
    let other = Story::marked("101.1", "newer").replace("aaaa", "cccc");
    story.fake.comment(ACTIONS_ID, &other);
    let parts = story.delivered();
    assert!(parts[2].contains("newer run"), "{parts:?}");
    assert_eq!(parts[3], "set");
}

#[test]
fn a_token_that_can_only_read_still_leaves_outputs_and_summary() {
    let story = Story::with_token("ghs_read");
    let delivered = story.deliver();
    assert!(!matches!(delivered.status, Part::Done(_)));
    let hints: Vec<_> = delivered.errors().map(PublishError::hint).collect();
    assert!(hints[0].contains("`pull-requests: write`"), "{hints:?}");
    assert!(hints[1].contains("`statuses: write`"), "{hints:?}");
    assert!(story.file("output").contains("verdict<<"));
    assert_eq!(story.file("summary"), "# Summary\n");
    assert_eq!(story.fake.count("POST", COMMENTS), 1);
}

#[test]
fn without_token_or_pull_request_only_the_files_are_written() {
    let mut story = Story::new();
    let delivered = deliver(
        &story.publication,
        Err("no pull request"),
        &story.environment,
    );
    assert_eq!(word(&delivered.status), "skipped: no pull request");
    story.environment.token = None;
    let parts = story.delivered();
    assert_eq!(parts[2..], ["skipped: no token", "skipped: no token"]);
    assert!(story.fake.requests().is_empty());
    assert_eq!(story.file("summary"), "# Summary\n# Summary\n");
}

#[test]
fn a_policy_without_comment_still_gets_its_status() {
    let mut story = Story::new();
    story.publication.comment = None;
    let parts = story.delivered();
    assert!(parts[2].contains("no comment is wanted"), "{parts:?}");
    assert_eq!(parts[3], "set");
    assert_eq!(story.fake.count("GET", "/comments"), 0);
}

#[test]
fn people_and_apps_find_their_own_comment() {
    for (app, graphql) in [(false, true), (false, false), (true, true)] {
        let story = Story::with_token("ghs_own");
        let write = &["pull-requests", "statuses"];
        let user = (9, "own");
        story.fake.token("ghs_own", Access { user, app, write });
        if !graphql {
            story.fake.without_graphql();
        }
        story
            .fake
            .comment(ACTIONS_ID, &Story::marked("1.1", "not ours"));
        story.fake.comment(9, &Story::marked("1.1", "ours"));
        assert_eq!(story.delivered()[2], "updated");
        let bodies = story.fake.comments();
        assert!(bodies[0].body.ends_with("not ours"));
    }
}

#[test]
fn a_workflow_that_may_ask_nobody_knows_its_own_comment() {
    let story = Story::new();
    story.fake.without_graphql();
    story
        .fake
        .comment(ACTIONS_ID, &Story::marked("1.1", "ours"));
    assert_eq!(story.delivered()[2], "updated");
    assert_eq!(story.fake.comments().len(), 1);
}

#[test]
fn a_comment_beyond_the_limit_is_refused_before_it_is_sent() {
    let story = Story::new().with_body(&"ü".repeat(33_000));
    let parts = story.delivered();
    assert!(parts[2].contains("at most 65000"), "{parts:?}");
    assert_eq!(parts[3], "set");
    assert_eq!(story.fake.count("POST", COMMENTS), 0);
}

#[test]
fn a_long_description_is_cut_to_what_github_takes() {
    let mut story = Story::new();
    story.publication.status.description = "ü".repeat(500);
    assert_eq!(story.delivered()[3], "set");
    let (_, status) = &story.fake.statuses()[0];
    let shown = status["description"].as_str().map(|d| d.chars().count());
    assert_eq!(shown, Some(140));
}
