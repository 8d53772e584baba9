//! The check run: made once, completed, with all its annotations.

use super::*;

const CHECKS: &str = "/check-runs";

fn wanted(annotations: usize) -> CheckRun {
    let annotation = |at: usize| Annotation {
        path: String::from("prompts/answer.md"),
        start_line: at,
        end_line: at,
        level: Level::Failure,
        title: format!("remark {at}"),
        message: String::from("found this"),
    };
    CheckRun {
        conclusion: Conclusion::Failure,
        title: String::from("blocked by 1 gate"),
        summary: String::from("## The report"),
        annotations: (1..=annotations).map(annotation).collect(),
        details_url: Some(String::from("https://github.example/run/100")),
    }
}

fn story(annotations: usize) -> Story {
    let mut story = Story::with_token("ghs_checks");
    story.publication.check_run = Some(wanted(annotations));
    story
}

/// The annotations of the one check run, by their titles.
fn titles(story: &Story) -> Vec<String> {
    let runs = story.fake.check_runs();
    assert_eq!(runs.len(), 1, "{runs:?}");
    let annotations = runs[0]["annotations"].as_array().unwrap();
    annotations
        .iter()
        .map(|annotation| annotation["title"].as_str().unwrap().to_owned())
        .collect()
}

fn remarks(count: usize) -> Vec<String> {
    (1..=count).map(|at| format!("remark {at}")).collect()
}

#[test]
fn a_check_run_is_made_completed_in_one_request() {
    let story = story(0);
    assert_eq!(story.delivered()[3..], ["set", "made"]);
    let run = &story.fake.check_runs()[0];
    for (key, value) in [
        ("name", "gatecard report"),
        ("status", "completed"),
        ("conclusion", "failure"),
        ("external_id", "100.1"),
        ("details_url", "https://github.example/run/100"),
    ] {
        assert_eq!(run[key], value, "{key}");
    }
    assert_eq!(run["head_sha"], "a".repeat(40));
    assert_eq!(run["output"]["title"], "blocked by 1 gate");
    assert_eq!(run["output"]["summary"], "## The report");
    assert_eq!(story.fake.count("POST", CHECKS), 1);
}

#[test]
fn annotations_go_in_as_many_requests_as_they_need() {
    for (annotations, updates) in [(1, 0), (50, 0), (51, 1), (100, 1), (120, 2)] {
        let story = story(annotations);
        assert_eq!(story.delivered()[4], "made");
        assert_eq!(story.fake.count("POST", CHECKS), 1, "{annotations}");
        assert_eq!(story.fake.count("PATCH", CHECKS), updates, "{annotations}");
        assert_eq!(titles(&story), remarks(annotations));
    }
}

#[test]
fn a_lost_answer_makes_no_second_check_run_and_no_annotation_twice() {
    for method in ["POST", "PATCH"] {
        for trouble in [
            Trouble::CloseAfter,
            Trouble::BadGatewayAfter,
            Trouble::CloseBefore,
            Trouble::Status(502, ""),
        ] {
            let story = story(120);
            story.fake.fault(method, CHECKS, 1, trouble.clone());
            assert_eq!(story.delivered()[4], "made", "{method} {trouble:?}");
            assert_eq!(titles(&story), remarks(120), "{method} {trouble:?}");
        }
    }
}

#[test]
fn another_attempt_of_the_run_has_a_check_run_of_its_own() {
    let mut story = story(1);
    story.deliver();
    story.in_run(100, 2);
    story
        .fake
        .fault("POST", CHECKS, 1, Trouble::BadGatewayAfter);
    assert_eq!(story.delivered()[4], "made");
    let ids: Vec<String> = story
        .fake
        .check_runs()
        .iter()
        .map(|run| run["external_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["100.1", "100.2"]);
}

#[test]
fn a_failed_update_leaves_it_completed() {
    let story = story(60);
    story
        .fake
        .fault("PATCH", CHECKS, 9, Trouble::Says(422, "{}"));
    assert!(story.delivered()[4].contains("422"));
    let run = &story.fake.check_runs()[0];
    assert_eq!(
        (&run["status"], &run["conclusion"]),
        (&"completed".into(), &"failure".into())
    );
}

#[test]
fn a_token_without_the_permission_is_told_which_one_and_still_sets_the_status() {
    let mut story = Story::new();
    story.publication.check_run = Some(wanted(1));
    let delivered = story.deliver();
    assert!(matches!(delivered.status, Part::Done("set")));
    let hints: Vec<String> = delivered.errors().map(PublishError::hint).collect();
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(hints[0].contains("`checks: write`"), "{hints:?}");
}

#[test]
fn a_newer_run_of_the_same_commit_keeps_its_own_check_run() {
    let mut story = story(1);
    story.publication.governed = false;
    let newer = Story::marked("101.1", "newer");
    story.fake.comment(ACTIONS_ID, &newer);
    let parts = story.delivered();
    assert!(parts[4].contains("newer run"), "{parts:?}");
    assert!(story.fake.check_runs().is_empty());
}
