//! Stories of a GitHub that answers badly at the worst moment.

use super::*;

/// Our own status by a run, as GitHub keeps it.
fn own_status(state: &str, context: &str, run: u64) -> Value {
    json!({
        "state": state, "context": context, "description": "before",
        "target_url": format!("https://github.com/{REPO}/actions/runs/{run}/attempts/1"),
        "created_at": "2026-01-05T11:00:00Z",
        "creator": { "id": ACTIONS_ID, "login": "github-actions[bot]" },
    })
}

#[test]
fn a_status_that_got_lost_is_not_written_over_a_newer_one() {
    let story = Story::fixed();
    let newer = own_status("failure", CONTEXT, 160);
    let meanwhile = Trouble::StatusMeanwhile(newer);
    story.fake.fault_after(1, ("POST", "/statuses/"), meanwhile);
    let ran = story.run(&story.fixed);
    assert_eq!(
        story.status(&story.fixed).as_deref(),
        Some("failure"),
        "{}",
        ran.log
    );
    assert!(ran.log.contains("run 160.1 is newer"), "{}", ran.log);
    assert_eq!(
        ran.code, 0,
        "no red job beside the other run's status: {}",
        ran.log
    );
}

#[test]
fn a_viewer_that_cannot_be_told_makes_no_second_comment() {
    let story = Story::fixed();
    story.run(&story.fixed);
    let broken = Trouble::Says(200, r#"{"errors":[{"message":"Something went wrong"}]}"#);
    story.fake.fault("POST", "/graphql", 99, broken);
    let ran = story.run(&story.fixed);
    assert_eq!(story.own_comments(), 1, "{}", ran.log);
    assert_ne!(
        story.status(&story.fixed).as_deref(),
        Some("pending"),
        "{}",
        ran.log
    );
}

#[test]
fn an_outage_is_green_only_where_the_policy_in_force_only_advises() {
    for (mode, asked, path, expected) in [
        ("advise", "", "/statuses", "success"),
        ("advise", "enforce", "/git/ref/", "error"),
        // What the event saw may not be in force any more.
        ("advise", "", "/git/ref/", "error"),
    ] {
        let mut story = Story::fixed();
        let folder = story.folder.path().join("repo.git");
        let repo = NewRepo::open(&folder).unwrap();
        let base = CommitSha::parse(&story.main).unwrap();
        let policy = format!("{POLICY}mode: {mode}\n");
        let files = [(String::from(".github/gatecard.yml"), policy.as_bytes())];
        let main = repo
            .commit(
                "main",
                Some(&base),
                files.into_iter(),
                ("mode", 1_790_000_050),
            )
            .unwrap();
        let files = [(String::from("prompts/answer.md"), "Shorter.\n".as_bytes())];
        let head = repo
            .commit(
                "topic",
                Some(&main),
                files.into_iter(),
                ("topic", 1_790_000_060),
            )
            .unwrap()
            .to_string();
        story.main = main.to_string();
        story.open(&head);
        story.set("GATECARD_MODE", asked);
        story.fake.fault("GET", path, 99, Trouble::Status(502, ""));
        let ran = story.run(&head);
        if path == "/statuses" {
            // The verdict could be reached, and only the order could not be read.
            assert_ne!(
                story.status(&head).as_deref(),
                Some("failure"),
                "{}",
                ran.log
            );
        } else {
            assert_eq!(
                story.status(&head).as_deref(),
                Some(expected),
                "{}",
                ran.log
            );
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_leaves_no_pending_status() {
    let story = Story::fixed();
    std::fs::create_dir(story.folder.path().join("report.json")).unwrap();
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 2, "{}", ran.log);
    assert_eq!(
        story.status(&story.fixed).as_deref(),
        Some("success"),
        "{}",
        ran.log
    );
}

#[test]
fn nothing_is_asked_while_a_limit_is_in_force() {
    let story = Story::fixed();
    let used_up = "x-ratelimit-remaining: 0\r\nretry-after: 9000\r\n";
    story
        .fake
        .fault("GET", "/git/ref/", 1, Trouble::Status(403, used_up));
    let ran = story.run(&story.fixed);
    assert_eq!(story.fake.requests().len(), 1, "{}", ran.log);
    assert_eq!(ran.code, 4, "{}", ran.log);
}

#[test]
fn the_first_policy_cannot_name_the_status_of_another_branch() {
    let mut story = Story::fixed();
    let repo = NewRepo::open(&story.folder.path().join("repo.git")).unwrap();
    let files = [(String::from("README.md"), "Old.\n".as_bytes())];
    let old = repo
        .commit("old", None, files.into_iter(), ("old", 1_790_000_000))
        .unwrap();
    let policy = "version: 1\nprompts: [prompts/**]\nstatus_name: 'gatecard: main'\n";
    let files = [(String::from(".github/gatecard.yml"), policy.as_bytes())];
    let head = repo
        .commit(
            "first",
            Some(&old),
            files.into_iter(),
            ("first", 1_790_000_010),
        )
        .unwrap()
        .to_string();
    story.main = old.to_string();
    story.fake.branch("old", old.as_str());
    story.fake.pull(fake_github::pull(
        4,
        ("old", old.as_str()),
        ("topic", &head),
    ));
    let mut event = story.event(&head);
    event["pull_request"]["base"]["ref"] = json!("old");
    story.run_event(&event);
    assert_eq!(story.status(&head), None, "nothing is said for main");
    let contexts: Vec<String> = story
        .fake
        .statuses()
        .iter()
        .map(|(_, status)| status["context"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        contexts.iter().all(|context| context == "gatecard: old"),
        "{contexts:?}"
    );
    assert!(!contexts.is_empty());
}

#[test]
fn a_review_of_a_closed_pull_request_makes_no_job_red() {
    let mut story = Story::fixed();
    let mut closed = fake_github::pull(4, ("main", &story.main), ("topic", &story.fixed));
    closed["state"] = json!("closed");
    story.fake.pull(closed);
    story.set("GATECARD_JOB_RESULT", "verdict");
    assert_eq!(story.run(&story.fixed).code, 0);
    assert_eq!(story.fake.statuses().len(), 0);
}
