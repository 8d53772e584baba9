//! Events as runners leave them, and what others may write into them.

use serde_json::{Value, json};

use super::*;

const OPENED: &str = include_str!("../../../tests/fixtures/events/pull_request.opened.json");
const CLOSED: &str = include_str!("../../../tests/fixtures/events/pull_request.closed.json");
const SUBMITTED: &str =
    include_str!("../../../tests/fixtures/events/pull_request_review.submitted.json");
const DISMISSED: &str =
    include_str!("../../../tests/fixtures/events/pull_request_review.dismissed.json");
const QUEUE: &str =
    include_str!("../../../tests/fixtures/events/merge_group.checks_requested.json");
const RUN: &str = include_str!("../../../tests/fixtures/events/workflow_run.completed.json");
const TAG: &str = include_str!("../../../tests/fixtures/events/push.json");
const PUSH: &str = include_str!("../../../tests/fixtures/events/push.branch.json");
const DISPATCH: &str = include_str!("../../../tests/fixtures/events/workflow_dispatch.json");
const COMMENT: &str = include_str!("../../../tests/fixtures/events/issue_comment.created.json");

fn read(text: &str, name: Option<&str>) -> Result<Event, EventError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("event.json");
    files::write_atomic(&path, text.as_bytes()).unwrap();
    Event::read(&path, name)
}

/// A fixture with the value at a JSON pointer replaced.
fn changed(text: &str, pointer: &str, value: Value) -> String {
    let mut payload: Value = serde_json::from_str(text).unwrap();
    *payload.pointer_mut(pointer).unwrap() = value;
    payload.to_string()
}

/// Reads an event both by its name and by its payload alone.
fn both(text: &str, name: &str) -> Event {
    let event = read(text, Some(name)).unwrap();
    assert_eq!(read(text, None).unwrap(), event, "{name}");
    event
}

fn repo(name: &str) -> RepoName {
    RepoName::parse(name).unwrap()
}

fn sha(text: &str) -> CommitSha {
    CommitSha::parse(text).unwrap()
}

#[test]
fn a_pull_request_is_read_from_every_event_about_it() {
    let review_of_closed = changed(SUBMITTED, "/pull_request/state", json!("closed"));
    for (text, name, head) in [
        (OPENED, "pull_request", "ec26c3e57ca3"),
        (OPENED, "pull_request_target", "ec26c3e57ca3"),
        (SUBMITTED, "pull_request_review", "ec26c3e57ca3"),
        (&review_of_closed, "pull_request_review", "ec26c3e57ca3"),
        (DISMISSED, "pull_request_review", "ec26c3e57ca3"),
    ] {
        let Event::Pull { pull, .. } = both(text, name) else {
            panic!("{name} is about a pull request");
        };
        assert_eq!(pull.repo, repo("Codertocat/Hello-World"));
        assert_eq!(pull.base_ref, "master");
        assert_eq!(pull.base.short(), "f95f852bd8fc");
        assert_eq!(pull.head.short(), head, "{name}");
    }
}

#[test]
fn a_closed_pull_request_says_whether_it_was_merged() {
    let merged = changed(CLOSED, "/pull_request/merged", json!(true));
    let commit = "c4295bd74fb0f4fda03689c3df3f2803b658fd85";
    let landed = changed(&merged, "/pull_request/merge_commit_sha", json!(commit));
    let landing = Landing {
        base_ref: String::from("master"),
        base: sha("f95f852bd8fca8fcc58a9a2d6c842781e32a215e"),
        commit: sha(commit),
    };
    let tested = changed(CLOSED, "/pull_request/merge_commit_sha", json!(commit));
    let unknown = changed(&merged, "/pull_request/merge_commit_sha", Value::Null);
    for (text, name, merged, landing) in [
        (CLOSED, "pull_request", false, None),
        (&tested, "pull_request", false, None),
        (&unknown, "pull_request_target", true, None),
        (&landed, "pull_request_target", true, Some(landing)),
    ] {
        let expected = Event::Closed {
            repo: repo("Codertocat/Hello-World"),
            number: 2,
            merged,
            landing,
        };
        assert_eq!(both(text, name), expected);
    }
}

#[test]
fn a_group_of_a_merge_queue_keeps_the_slashes_of_its_base() {
    for (found, branch) in [
        ("refs/heads/main", "main"),
        ("refs/heads/release/1.x", "release/1.x"),
    ] {
        let text = changed(QUEUE, "/merge_group/base_ref", json!(found));
        let expected = Event::Queue(Group {
            repo: repo("octo-org/octo-repo"),
            base_ref: branch.to_owned(),
            base: sha("380387fbc80638b734a49e1be1c4dfec1c01b33c"),
            head: sha("2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d"),
            last: Some(104),
        });
        assert_eq!(both(&text, "merge_group"), expected);
    }
    let destroyed = changed(QUEUE, "/action", json!("destroyed"));
    let nothing = Event::Nothing("a merge group left the queue");
    assert_eq!(both(&destroyed, "merge_group"), nothing);
}

#[test]
fn a_run_of_a_workflow_says_what_it_ran_for_and_whether_it_has_ended() {
    let requested = changed(RUN, "/action", json!("requested"));
    let mut unnamed: Value = serde_json::from_str(RUN).unwrap();
    unnamed["workflow"] = Value::Null;
    unnamed["workflow_run"]["name"] = json!("test");
    let unnamed = unnamed.to_string();
    for (text, done) in [(unnamed.as_str(), true), (RUN, true), (&requested, false)] {
        let expected = Event::Producer(Producer {
            repo: repo("octo-org/octo-repo"),
            workflow: String::from("test"),
            done,
            head: sha("3484a3fb816e0859fd6e1cea078d76385ff50625"),
            group: None,
        });
        assert_eq!(both(text, "workflow_run"), expected);
    }
}

#[test]
fn a_run_for_a_merge_queue_names_the_group_that_its_branch_stands_for() {
    let base = "1".repeat(40);
    let run = |event: &str, branch: &str| {
        let text = changed(RUN, "/workflow_run/event", json!(event));
        let text = changed(&text, "/workflow_run/head_branch", json!(branch));
        match both(&text, "workflow_run") {
            Event::Producer(producer) => producer.group,
            other => panic!("{other:?}"),
        }
    };
    let branch = format!("gh-readonly-queue/release/1.x/pr-12-{base}");
    let group = run("merge_group", &branch).unwrap();
    assert_eq!(group.base_ref, "release/1.x");
    assert_eq!((group.base, group.last), (sha(&base), Some(12)));
    assert_eq!(group.head, sha("3484a3fb816e0859fd6e1cea078d76385ff50625"));
    // A pull request's branch may be called anything.
    assert_eq!(run("pull_request", &branch), None);
    for other in [
        "main",
        "gh-readonly-queue/main/pr-12",
        "gh-readonly-queue/main/pr-12-abc",
        "",
    ] {
        assert_eq!(run("merge_group", other), None, "{other}");
    }
}

#[test]
fn a_push_names_its_branch_and_a_deleted_branch_has_no_tip() {
    let nested = changed(PUSH, "/ref", json!("refs/heads/release/1.x"));
    let deleted = changed(PUSH, "/deleted", json!(true));
    let tip = Some(sha("6113728f27ae82c7b1a177c8d03f9e96e0adf246"));
    let was = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e";
    let moved = changed(PUSH, "/before", json!(was));
    let created = changed(PUSH, "/before", json!("0".repeat(40)));
    for (text, branch, before, head) in [
        (&moved, "master", Some(sha(was)), tip.clone()),
        (&created, "master", None, tip.clone()),
        (
            &changed(&nested, "/before", json!(was)),
            "release/1.x",
            Some(sha(was)),
            tip,
        ),
        (
            &changed(&deleted, "/before", json!(was)),
            "master",
            Some(sha(was)),
            None,
        ),
    ] {
        let expected = Event::Push {
            repo: repo("Codertocat/Hello-World"),
            branch: branch.to_owned(),
            before,
            head,
            default_branch: Some(String::from("master")),
        };
        assert_eq!(both(text, "push"), expected);
    }
}

#[test]
fn a_started_workflow_may_name_a_pull_request_as_text_or_number() {
    for (inputs, expected) in [
        (json!({}), None),
        (Value::Null, None),
        (json!({"pull-request": ""}), None),
        (json!({"pull-request": "", "pr": 3}), Some(3)),
        (json!({"pull-request": "12"}), Some(12)),
        (json!({"pull_request": " 12 "}), Some(12)),
        (json!({"pr": 12}), Some(12)),
    ] {
        let text = changed(DISPATCH, "/inputs", inputs.clone());
        let Event::Dispatch { number, branch, .. } = both(&text, "workflow_dispatch") else {
            panic!("{inputs} starts a workflow");
        };
        assert_eq!((number, branch.as_deref()), (expected, Some("main")));
    }
    let tag = changed(DISPATCH, "/ref", json!("refs/tags/v1"));
    let event = both(&tag, "workflow_dispatch");
    assert!(
        matches!(event, Event::Dispatch { branch: None, .. }),
        "{event:?}"
    );
    for wrong in [json!("all"), json!("-1"), json!(0), json!("#3"), json!([1])] {
        let text = changed(DISPATCH, "/inputs", json!({ "pull-request": wrong }));
        let error = read(&text, None).unwrap_err().to_string();
        assert!(error.contains("`inputs.pull-request` is"), "{error}");
    }
}

#[test]
fn a_comment_asks_with_exactly_its_first_line() {
    let expected = Event::Recheck {
        repo: repo("acme/prompts"),
        number: 104,
        by: Account {
            id: 21_031_067,
            login: String::from("octo-reviewer"),
            bot: false,
        },
    };
    for asks in [
        "/gatecard recheck",
        "/gatecard recheck  \r\nplease",
        "/gatecard recheck\n/gatecard recheck",
    ] {
        let text = changed(COMMENT, "/comment/body", json!(asks));
        assert_eq!(both(&text, "issue_comment"), expected, "{asks}");
    }
    for (pointer, value, words) in [
        (
            "/comment/body",
            json!("> /gatecard recheck"),
            "asks for nothing",
        ),
        (
            "/comment/body",
            json!("/gatecard recheck now"),
            "asks for nothing",
        ),
        (
            "/comment/body",
            json!("\n/gatecard recheck"),
            "asks for nothing",
        ),
        ("/comment/body", json!("/gatecard"), "asks for nothing"),
        ("/comment/body", json!(""), "asks for nothing"),
        ("/comment/body", Value::Null, "asks for nothing"),
        ("/action", json!("edited"), "asks for nothing"),
        ("/issue/pull_request", Value::Null, "on an issue"),
        ("/comment/user", Value::Null, "author was removed"),
    ] {
        let text = changed(COMMENT, pointer, value);
        let Event::Nothing(found) = both(&text, "issue_comment") else {
            panic!("{text} asks for nothing");
        };
        assert!(found.contains(words), "{found}");
    }
}

#[test]
fn other_events_are_named_in_words() {
    for (text, name, words) in [
        ("{\"schedule\": \"0 * * * *\"}", None, "a schedule"),
        ("{}", Some("schedule"), "a schedule"),
        ("{}", Some("deployment"), "the event `deployment`"),
        ("{}", None, "an event of no known kind"),
        ("[]", None, "an event of no known kind"),
        ("null", None, "an event of no known kind"),
    ] {
        assert_eq!(read(text, name).unwrap(), Event::Other(words.to_owned()));
    }
    for name in [Some("push"), None] {
        let nothing = Event::Nothing("a push to no branch");
        assert_eq!(read(TAG, name).unwrap(), nothing);
    }
}

#[test]
fn what_is_missing_is_named() {
    for (text, name, key) in [
        (OPENED, "pull_request", "pull_request.head.sha"),
        (OPENED, "pull_request", "pull_request.number"),
        (CLOSED, "pull_request", "repository.full_name"),
        (QUEUE, "merge_group", "merge_group.base_ref"),
        (QUEUE, "merge_group", "merge_group.head_sha"),
        (RUN, "workflow_run", "workflow_run.head_sha"),
        (RUN, "workflow_run", "workflow.name"),
        (PUSH, "push", "after"),
        (DISPATCH, "workflow_dispatch", "repository.full_name"),
        (COMMENT, "issue_comment", "issue.number"),
    ] {
        let pointer = format!("/{}", key.replace('.', "/"));
        let text = changed(text, &pointer, Value::Null);
        let error = read(&text, Some(name)).unwrap_err().to_string();
        let expected = format!("event.json: `{key}` is missing");
        assert!(error.contains(&expected), "{error}");
    }
    let error = read("{}", Some("pull_request")).unwrap_err().to_string();
    assert!(error.contains("`repository.full_name`"), "{error}");
}

#[test]
fn hostile_values_are_refused_and_shown_harmless() {
    let escape = "::error::\u{1b}[31m";
    for (text, pointer, value) in [
        (OPENED, "/pull_request/number", json!(-1)),
        (OPENED, "/pull_request/number", json!("2")),
        (OPENED, "/pull_request/number", json!(0)),
        (OPENED, "/pull_request/base", json!({"ref": "", "sha": "x"})),
        (OPENED, "/pull_request/head/sha", json!(escape)),
        (
            OPENED,
            "/repository/full_name",
            json!("acme/prompts?x=/../"),
        ),
        (QUEUE, "/merge_group/base_ref", json!("main")),
        (QUEUE, "/merge_group/base_ref", json!("refs/heads/")),
        (QUEUE, "/merge_group/head_sha", json!("HEAD")),
        (RUN, "/workflow_run/head_sha", json!(escape)),
        (PUSH, "/after", json!([escape])),
        (COMMENT, "/issue/number", json!({ "x": escape })),
    ] {
        let text = changed(text, pointer, value);
        let error = read(&text, None).unwrap_err().to_string();
        assert!(
            error.contains("expected") && !error.contains('\u{1b}'),
            "{error}"
        );
    }
    let error = read("{\"pull_request\":", None).unwrap_err().to_string();
    assert!(error.contains("expected the JSON of an event"), "{error}");
}

#[test]
fn the_time_at_which_the_head_was_the_head_is_that_of_the_review_or_the_update() {
    let (head, other) = ("0".repeat(40), "9".repeat(40));
    let at = |review: Value, updated: Value| {
        let mut payload: Value = serde_json::from_str(OPENED).unwrap();
        payload["pull_request"]["head"]["sha"] = Value::from(head.as_str());
        payload["pull_request"]["updated_at"] = updated;
        payload["review"] = review;
        payload["action"] = Value::from("submitted");
        match read(&payload.to_string(), Some("pull_request_review")).unwrap() {
            Event::Pull { at, .. } => at.map(|at| at.to_rfc3339()),
            found => panic!("{found:?} is about a pull request"),
        }
    };
    let review = |commit: &str| serde_json::json!({ "commit_id": commit, "submitted_at": "2026-01-05T10:00:00Z" });
    let updated = || Value::from("2026-01-05T10:00:02Z");
    for (review, updated, expected) in [
        (review(&head), updated(), Some("2026-01-05T10:00:00+00:00")),
        // A review of an older commit says nothing of the head.
        (review(&other), updated(), Some("2026-01-05T10:00:02+00:00")),
        (Value::Null, updated(), Some("2026-01-05T10:00:02+00:00")),
        (Value::Null, Value::from("yesterday"), None),
    ] {
        assert_eq!(at(review, updated).as_deref(), expected);
    }
}
