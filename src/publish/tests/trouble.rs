//! What is left when GitHub or the way to it has trouble.

use super::*;

#[test]
fn a_token_that_nobody_knows_is_named_without_being_shown() {
    let story = Story::with_token("ghs_unknown");
    let delivered = story.deliver();
    assert_eq!(delivered.errors().count(), 2);
    let error = delivered.errors().next().unwrap();
    assert!(
        error.to_string().contains("401: Bad credentials"),
        "{error}"
    );
    assert!(error.hint().contains("pass a token"));
}

#[test]
fn a_server_that_repeats_the_token_does_not_make_us_print_it() {
    let story = Story::new();
    let echo = Trouble::Says(403, "{\"message\": \"not for ghs_write\"}");
    story.fake.fault("GET", COMMENTS, 9, echo);
    let nonsense = Trouble::Says(201, "{\"ghs_write\": ghs_write");
    story.fake.fault("POST", STATUSES, 9, nonsense);
    let parts = story.delivered();
    assert!(parts[2].contains("not for ***"), "{parts:?}");
    assert!(parts[3].starts_with("failed"), "{parts:?}");
}

#[test]
fn a_comment_whose_answer_was_lost_is_not_made_twice() {
    for trouble in [
        Trouble::CloseAfter,
        Trouble::BadGatewayAfter,
        Trouble::CloseBefore,
        Trouble::Status(502, ""),
    ] {
        let story = Story::new();
        story.fake.fault("POST", COMMENTS, 1, trouble.clone());
        assert_eq!(story.delivered()[2], "created", "{trouble:?}");
        assert_eq!(story.fake.comments().len(), 1, "{trouble:?}");
    }
}

#[test]
fn an_update_whose_answer_was_lost_is_looked_up_first() {
    let story = Story::new();
    story
        .fake
        .comment(ACTIONS_ID, &Story::marked("99.1", "old"));
    story.fake.fault("PATCH", COMMENTS, 1, Trouble::CloseAfter);
    assert_eq!(story.delivered()[2], "updated");
    assert_eq!(story.fake.count("PATCH", COMMENTS), 1);
}

#[test]
fn a_status_whose_answer_was_lost_is_not_set_twice() {
    let story = Story::new();
    story
        .fake
        .fault("POST", STATUSES, 1, Trouble::BadGatewayAfter);
    story.fake.fault("POST", STATUSES, 1, Trouble::CloseBefore);
    assert_eq!(story.delivered()[3], "set");
    assert_eq!(story.fake.statuses().len(), 1);
    let story = Story::new();
    story.fake.fault("POST", STATUSES, 1, Trouble::CloseBefore);
    assert_eq!(story.delivered()[3], "set");
    assert_eq!(story.fake.statuses().len(), 1);
}

#[test]
fn reads_survive_a_burst_of_trouble() {
    let story = Story::new();
    story
        .fake
        .fault("GET", COMMENTS, 1, Trouble::Status(502, ""));
    story.fake.fault("GET", COMMENTS, 1, Trouble::CloseBefore);
    story
        .fake
        .fault("GET", COMMENTS, 1, Trouble::Says(200, "[{\"id\":"));
    assert_eq!(story.delivered()[2], "created");
    assert_eq!(story.fake.count("GET", COMMENTS), 4);
}

#[test]
fn a_comment_that_cannot_be_written_does_not_stop_the_status() {
    let story = Story::new();
    story
        .fake
        .fault("GET", COMMENTS, 99, Trouble::Status(503, ""));
    let parts = story.delivered();
    assert!(parts[2].contains("503"), "{parts:?}");
    assert_eq!(parts[3], "set");
    assert_eq!(story.fake.count("GET", COMMENTS), 4);
}

#[test]
fn a_rate_limit_is_waited_for_and_a_long_one_is_not() {
    let story = Story::new();
    let brief = Trouble::Status(429, "retry-after: 1\r\n");
    story.fake.fault("POST", COMMENTS, 1, brief);
    let used_up = "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1767616200\r\n";
    story
        .fake
        .fault("POST", STATUSES, 1, Trouble::Status(403, used_up));
    let parts = story.delivered();
    assert_eq!(parts[2], "created");
    assert!(parts[3].contains("used up for 1801 s"), "{parts:?}");
    assert_eq!(story.fake.count("POST", STATUSES), 1);
}

#[test]
fn a_server_that_does_not_answer_takes_its_share_of_time_only() {
    let mut story = Story::new();
    story.patience.comment = Duration::from_millis(300);
    let slow = Trouble::Slow(Duration::from_secs(2));
    story.fake.fault("GET", COMMENTS, 9, slow);
    let delivered = story.deliver();
    assert!(word(&delivered.comment).contains("within"), "{delivered:?}");
    assert!(matches!(delivered.status, Part::Done(_)));
}

#[test]
fn pages_on_another_server_are_not_followed() {
    let story = Story::new();
    story
        .fake
        .fault("GET", COMMENTS, 1, Trouble::LeadsElsewhere);
    let parts = story.delivered();
    assert!(parts[2].contains("evil.example"), "{parts:?}");
    assert!(story.fake.comments().is_empty());
}

#[test]
fn an_enterprise_server_keeps_its_prefix() {
    let mut story = Story::new();
    story.environment.api_url = story.fake.enterprise_url();
    story.environment.graphql_url = format!("{}/api/graphql", story.fake.url());
    for at in 0..150 {
        story.fake.comment(7, &format!("remark {at}"));
    }
    story
        .fake
        .comment(ACTIONS_ID, &Story::marked("99.1", "old"));
    assert_eq!(story.delivered()[2..], ["updated", "set"]);
    assert!(
        story
            .fake
            .requests()
            .iter()
            .all(|request| request.enterprise)
    );
}

#[test]
fn what_github_refuses_is_told_in_its_own_words() {
    let mut story = Story::new();
    story.pull.repo = RepoName::parse("acme/other").unwrap();
    let delivered = story.deliver();
    let error = delivered.errors().next().unwrap();
    assert!(error.to_string().contains("404: Not Found"), "{error}");
    assert!(
        error.hint().contains("pull-requests: write"),
        "{}",
        error.hint()
    );
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let mut story = Story::new();
    story.environment.api_url = String::from("http://127.0.0.1:9");
    story.environment.graphql_url = String::from("http://127.0.0.1:9/graphql");
    let delivered = story.deliver();
    let error = delivered.errors().next().unwrap();
    assert!(error.to_string().contains("http://127.0.0.1:9"), "{error}");
    assert!(error.hint().contains("reaches"), "{}", error.hint());
    assert_eq!(delivered.errors().count(), 2);
}
