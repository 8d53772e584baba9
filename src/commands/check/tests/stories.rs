//! Stories of runs that meet each other, and of what changes while they run.

use super::*;

#[test]
fn a_governed_change_goes_from_pending_to_its_verdict() {
    for (story, expected) in [(Story::fixed(), "success"), (Story::blocked(), "failure")] {
        let head = if expected == "success" {
            &story.fixed
        } else {
            &story.blocked
        };
        let ran = story.run(head);
        assert_eq!(ran.code, 0, "the status blocks: {}", ran.log);
        let states: Vec<String> = story
            .fake
            .statuses()
            .iter()
            .map(|(sha, status)| {
                assert_eq!(sha, head);
                status["state"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(states, ["pending", expected]);
        assert_eq!(story.own_comments(), 1);
    }
}

#[test]
fn the_job_shows_the_verdict_where_that_is_asked_for() {
    let mut story = Story::blocked();
    story.set("GATECARD_JOB_RESULT", "verdict");
    assert_eq!(story.run(&story.blocked).code, 1);
    assert_eq!(story.status(&story.blocked).as_deref(), Some("failure"));
    story.set("GATECARD_JOB_RESULT", "both");
    assert_eq!(story.run(&story.blocked).code, 2);
}

#[test]
fn a_token_that_may_only_read_leaves_the_verdict_to_the_job() {
    for (mut story, code) in [(Story::fixed(), 0), (Story::blocked(), 1)] {
        let head = if code == 0 {
            story.fixed.clone()
        } else {
            story.blocked.clone()
        };
        story.reader();
        let ran = story.run(&head);
        assert_eq!(ran.code, code, "{}", ran.log);
        assert!(ran.log.contains("may only read"), "{}", ran.log);
        assert!(
            story.file("summary.md").contains("## "),
            "the summary has the card"
        );
        assert_eq!((story.fake.statuses().len(), story.own_comments()), (0, 0));
    }
}

#[test]
fn nothing_is_written_for_a_head_that_is_not_there_any_more() {
    let mut story = Story::fixed();
    let (old, new) = (story.blocked.clone(), story.fixed.clone());
    let ran = story.run(&old);
    assert_eq!(ran.code, 0);
    assert!(ran.log.contains("nothing was written"), "{}", ran.log);
    assert!(ran.log.contains(new.get(..12).unwrap()), "{}", ran.log);
    assert_eq!(story.fake.count("POST", "/"), 0);
    story.set("GATECARD_JOB_RESULT", "verdict");
    assert_eq!(
        story.run(&old).code,
        1,
        "a job that is required must not pass unjudged"
    );
}

#[test]
fn a_retargeted_pull_request_is_left_to_its_own_event() {
    let story = Story::fixed();
    story.fake.branch("release/1.x", &story.main);
    let pull = fake_github::pull(4, ("release/1.x", &story.main), ("topic", &story.fixed));
    story.fake.pull(pull);
    let ran = story.run(&story.fixed);
    assert!(ran.log.contains("is for `release/1.x` now"), "{}", ran.log);
    assert_eq!(story.fake.count("POST", "/"), 0);
}

#[test]
fn a_push_while_it_runs_keeps_the_verdict_from_being_written() {
    let story = Story::fixed();
    // The pull request is read twice: before pending is set, and before the verdict is.
    let pushed = Trouble::Push("dddddddddddddddddddddddddddddddddddddddd");
    story.fake.fault_after(1, ("GET", "/pulls/4"), pushed);
    let ran = story.run(&story.fixed);
    assert!(ran.log.contains("head is dddddddddddd now"), "{}", ran.log);
    assert_eq!(story.status(&story.fixed).as_deref(), Some("pending"));
    assert_eq!(story.own_comments(), 0);
}

#[test]
fn an_older_run_that_ends_last_writes_nothing() {
    let mut story = Story::fixed().in_run(101);
    let head = story.fixed.clone();
    assert_eq!(story.run(&head).code, 0);
    let written = |story: &Story| (story.fake.statuses().len(), story.fake.comments().len());
    let before = written(&story);
    let ran = story.run_id(100).run(&head);
    assert!(ran.log.contains("run 101.1 is newer"), "{}", ran.log);
    assert_eq!(before, written(&story));
}

#[test]
fn a_status_of_somebody_else_makes_no_run_an_older_one() {
    let story = Story::blocked();
    let forged = json!({
        "state": "success",
        "context": CONTEXT,
        "target_url": format!("https://github.com/{REPO}/actions/runs/999999/attempts/1"),
        "creator": { "id": 7, "login": "mallory" },
    });
    story.fake.put_status(&story.blocked, forged);
    assert_eq!(story.run(&story.blocked).code, 0);
    assert_eq!(story.status(&story.blocked).as_deref(), Some("failure"));
}

#[test]
fn a_run_that_was_killed_leaves_pending_and_the_next_one_ends_it() {
    let mut story = Story::fixed();
    // Killed between comment and status: the comment is there, the status is not.
    story
        .fake
        .fault("POST", "/statuses/", 99, Trouble::CloseBefore);
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 4, "{}", ran.log);
    story.fake.mend();
    assert_eq!(
        {
            let head = story.fixed.clone();
            story.run_id(102).run(&head)
        }
        .code,
        0
    );
    assert_eq!(story.status(&story.fixed).as_deref(), Some("success"));
    assert_eq!(story.own_comments(), 1);
}

#[test]
fn a_pull_request_that_cannot_be_read_at_the_end_is_blocked_and_not_pending() {
    let story = Story::fixed();
    story
        .fake
        .fault_after(1, ("GET", "/pulls/4"), Trouble::Status(502, ""));
    let ran = story.run(&story.fixed);
    assert_eq!(
        story.status(&story.fixed).as_deref(),
        Some("error"),
        "{}",
        ran.log
    );
    assert_eq!(story.own_comments(), 0);
}

#[test]
fn a_change_that_touches_nothing_governed_takes_four_requests() {
    let story = Story::fixed();
    story.fake.pull(fake_github::pull(
        4,
        ("main", &story.main),
        ("topic", &story.unrelated),
    ));
    let ran = story.run(&story.unrelated);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(
        story.fake.requests().len(),
        4,
        "{:?}",
        story.fake.requests()
    );
    assert_eq!(story.status(&story.unrelated).as_deref(), Some("success"));
    assert_eq!(story.own_comments(), 0);
}

#[test]
fn an_old_comment_is_brought_up_to_date_where_nothing_governed_is_left() {
    let mut story = Story::blocked();
    story.run(&story.blocked);
    story.fake.pull(fake_github::pull(
        4,
        ("main", &story.main),
        ("topic", &story.unrelated),
    ));
    {
        let head = story.unrelated.clone();
        story.run_id(101).run(&head)
    };
    let comments = story.fake.comments();
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].body.contains("nothing governed changed"),
        "{}",
        comments[0].body
    );
}

#[test]
fn a_producer_that_still_runs_leaves_pending_and_no_comment() {
    let mut story = Story::fixed();
    let head = story.fixed.clone();
    let requested = story.produced("requested", &head);
    assert_eq!(story.run_event(&requested).code, 0);
    assert_eq!(story.status(&head).as_deref(), Some("pending"));
    assert_eq!(story.own_comments(), 0);
    let completed = story.produced("completed", &head);
    assert_eq!(story.run_event(&completed).code, 0);
    assert_eq!(story.status(&head).as_deref(), Some("success"));
    assert_eq!(story.own_comments(), 1);
}

#[test]
fn a_recheck_is_for_people_who_may_write() {
    let mut story = Story::fixed();
    story.fake.role("stranger", "read");
    story.fake.role("member", "write");
    let asked = story.recheck("stranger");
    let ran = story.run_event(&asked);
    assert!(ran.log.contains("may not write"), "{}", ran.log);
    assert_eq!(story.fake.count("POST", "/"), 0);
    let asked = story.recheck("member");
    story.run_event(&asked);
    assert_eq!(story.status(&story.fixed).as_deref(), Some("success"));
}

/// Runs for another event on the pull request that passes; the state of its status.
fn other(name: &'static str, event: impl Fn(&Story) -> Value) -> Option<String> {
    let mut story = Story::fixed();
    story.set("GITHUB_EVENT_NAME", name);
    let ran = story.run_event(&event(&story));
    assert_eq!(ran.code, 0, "{name}: {}", ran.log);
    story.status(&story.fixed)
}

#[test]
fn a_run_by_hand_judges_the_pull_request_that_it_names_or_comes_from() {
    for (inputs, branch, expected) in [
        (json!({ "pull-request": "4" }), "main", Some("success")),
        (json!({}), "topic", Some("success")),
        (json!({}), "main", None),
    ] {
        let state = other("workflow_dispatch", |_| {
            json!({
                "inputs": inputs, "ref": format!("refs/heads/{branch}"),
                "repository": { "full_name": REPO },
            })
        });
        assert_eq!(state.as_deref(), expected, "{inputs} {branch}");
    }
}

#[test]
fn a_push_judges_the_pull_request_whose_head_it_is() {
    let push = |after: &str| {
        json!({
            "ref": "refs/heads/topic", "after": after, "deleted": false,
            "repository": { "full_name": REPO },
        })
    };
    let state = other("push", |story| push(&story.fixed));
    assert_eq!(state.as_deref(), Some("success"));
    assert_eq!(other("push", |_| push(&"9".repeat(40))), None);
}

#[test]
fn a_closed_pull_request_is_left_alone() {
    let state = other("pull_request", |story| {
        let mut event = story.event(&story.fixed);
        event["action"] = json!("closed");
        event
    });
    assert_eq!(state, None);
}

#[test]
fn an_event_about_nothing_says_that_commits_must_be_named() {
    let mut story = Story::fixed();
    story.set("GITHUB_EVENT_NAME", "schedule");
    let ran = story.run_event(&json!({ "schedule": "0 0 * * *" }));
    assert_eq!(ran.code, 2);
    assert!(ran.log.contains("--base"), "{}", ran.log);
}

#[test]
fn a_forged_marker_and_three_hundred_comments_do_no_harm() {
    let story = Story::fixed();
    let marker = format!(
        "<!-- gatecard:v1 key=default run=999999.1 head={} -->\nforged",
        story.fixed
    );
    for number in 0..300 {
        story
            .fake
            .comment(number + 1_000, if number == 150 { &marker } else { "chat" });
    }
    let ran = story.run(&story.fixed);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(story.own_comments(), 1);
    assert!(
        story
            .fake
            .comments()
            .iter()
            .any(|comment| comment.body == marker)
    );
}

#[test]
fn a_dry_machine_without_a_token_gets_the_same_verdict_as_exit_code() {
    let mut story = Story::blocked();
    story.variables.remove("GITHUB_TOKEN");
    assert_eq!(story.run(&story.blocked).code, 1);
    assert_eq!(story.fake.requests().len(), 0);
}

#[test]
fn of_several_pull_requests_the_job_has_the_worst_result() {
    let mut story = Story::blocked();
    let head = story.blocked.clone();
    story.fake.branch("empty", &head);
    // The same head, into a branch that has it already: nothing is left to change.
    story
        .fake
        .pull(fake_github::pull(5, ("empty", &head), ("topic", &head)));
    story.set("GATECARD_JOB_RESULT", "verdict");
    let completed = story.produced("completed", &head);
    let ran = story.run_event(&completed);
    assert_eq!(ran.code, 1, "{}", ran.log);
    let outputs = story.file("output");
    let verdicts: Vec<&str> = outputs
        .split("verdict<<")
        .skip(1)
        .filter_map(|block| block.lines().nth(1))
        .collect();
    assert_eq!(verdicts, ["fail", "pass", "fail"], "the last one counts");
}
