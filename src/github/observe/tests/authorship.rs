//! Who wrote a commit, told against the fake of GitHub's API.

use super::*;
use crate::github::harness::numbered;
use crate::github::observe::authorship;

const HIDDEN: &str = "users.noreply.github.com";

#[test]
fn a_commit_was_written_by_author_committer_and_co_authors() {
    let mut story = Story::new();
    let message = format!(
        "Tune\n\nCo-authored-by: Bob <8+bob@{HIDDEN}>\nCo-authored-by: Ann <ANN@example.com>\n\
         Co-authored-by: R <99+renovate[bot]@{HIDDEN}>"
    );
    let mut tuned = commit(&sha('a'), &message);
    tuned["committer"] = json!({ "id": 9, "login": "cat", "type": "User" });
    tuned["commit"]["committer"]["email"] = json!("cat@example.com");
    story.commit(tuned);
    story
        .harness
        .fake
        .commit(Some(4), commit(&sha('d'), "not asked"));
    let pull = story.observe().pulls.remove(0);
    assert_eq!(pull.authorship.len(), 1);
    let people = &pull.authorship[&sha('a')].people;
    let found: Vec<_> = people
        .iter()
        .map(|one| (one.login.as_str(), one.bot))
        .collect();
    assert_eq!(
        found,
        [
            ("ann", false),
            ("bob", false),
            ("cat", false),
            ("renovate[bot]", true)
        ]
    );
    assert_eq!(pull.authorship[&sha('a')].unknown, 0);
    assert_eq!(story.harness.fake.count("POST", "/graphql"), 0);
    let shown = serde_json::to_string(&story.observe()).unwrap();
    assert!(!shown.contains('@'), "{shown}");
}

#[test]
fn github_itself_as_the_committer_is_nobody() {
    let account = json!({ "id": 19_864_447, "login": "web-flow", "type": "User" });
    for committer in [account, Value::Null] {
        let mut story = Story::new();
        let mut suggestion = commit(&sha('a'), "Apply suggestion");
        suggestion["committer"] = committer;
        suggestion["commit"]["committer"]["email"] = json!("noreply@github.com");
        story.commit(suggestion);
        assert_eq!(story.authorship(), (vec![String::from("ann")], 0));
    }
}

#[test]
fn a_renamed_person_is_one_person_under_the_name_of_today() {
    let mut story = Story::new();
    let message = format!("Tune\n\nCo-authored-by: Ann <7+old-ann@{HIDDEN}>");
    story.commit(commit(&sha('a'), &message));
    assert_eq!(story.authorship(), (vec![String::from("ann")], 0));
}

#[test]
fn addresses_are_looked_up_among_the_other_commits_and_then_asked_once() {
    let bob = json!({ "email": "Bob@example.com", "user": { "databaseId": 8, "login": "bob" } });
    let stranger = json!({ "email": "x@example.com", "user": null });
    for (address, nodes, expected, asked) in [
        // Seen as the author of another commit of the pull request.
        ("dan@example.com", Value::Null, (vec!["ann", "dan"], 0), 0),
        (
            "dan@users.noreply.github.com",
            Value::Null,
            (vec!["ann", "dan"], 0),
            0,
        ),
        (
            "bob@example.com",
            json!([bob, null]),
            (vec!["ann", "bob"], 0),
            1,
        ),
        (
            "bob@users.noreply.github.com",
            json!([bob]),
            (vec!["ann", "bob"], 0),
            1,
        ),
        ("x@example.com", json!([stranger, bob]), (vec!["ann"], 1), 1),
        ("x@example.com", Value::Null, (vec!["ann"], 1), 1),
        ("no address", json!([]), (vec!["ann"], 1), 1),
        (
            "x+y@users.noreply.github.com",
            json!([]),
            (vec!["ann"], 1),
            1,
        ),
    ] {
        let mut story = Story::new();
        let mut other = commit(&sha('d'), "");
        other["author"] = json!({ "id": 10, "login": "dan", "type": "User" });
        other["commit"]["author"]["email"] = json!("Dan@example.com");
        story.harness.fake.commit(Some(4), other);
        let message = format!("Tune\n\nCo-authored-by: Somebody <{address}>");
        story.commit(commit(&sha('a'), &message));
        story.harness.fake.authors(sha('a').as_str(), nodes);
        let (people, unknown) = story.authorship();
        assert_eq!(
            (people.iter().map(String::as_str).collect(), unknown),
            expected,
            "{address}"
        );
        assert_eq!(
            story.harness.fake.count("POST", "/graphql"),
            asked,
            "{address}"
        );
    }
}

#[test]
fn many_commits_with_unknown_addresses_are_asked_about_a_hundred_at_a_time() {
    let mut story = Story::new();
    for at in 0..150 {
        let id = numbered(&format!("c{at}"));
        story.commit(commit(&id, "Tune\n\nCo-authored-by: <bob@example.com>"));
        let bob = json!({ "databaseId": 8, "login": "bob" });
        let nodes = json!([{ "email": "bob@example.com", "user": bob }]);
        story.harness.fake.authors(id.as_str(), nodes);
    }
    let pull = story.observe().pulls.remove(0);
    assert!(pull.authorship.values().all(|one| one.people.len() == 2));
    assert_eq!(story.harness.fake.count("POST", "/graphql"), 2);
}

#[test]
fn an_author_without_an_account_is_unknown_and_the_empty_object_is_none() {
    for nobody in [Value::Null, json!({})] {
        let mut story = Story::new();
        let mut anonymous = commit(&sha('a'), "");
        anonymous["author"] = nobody;
        anonymous["commit"]["author"]["email"] = json!("root@localhost");
        story.harness.fake.without_graphql();
        story.commit(anonymous);
        assert_eq!(story.authorship(), (vec![String::from("ann")], 1));
    }
}

#[test]
fn commits_beyond_the_250_that_github_lists_are_read_one_by_one_up_to_a_bound() {
    for (count, single) in [(250, 0), (260, 10), (350, 100)] {
        let mut story = Story::new();
        for at in 0..count {
            story.commit(commit(&numbered(&format!("c{at}")), ""));
        }
        let pull = story.observe().pulls.remove(0);
        assert_eq!(pull.authorship.len(), count);
        assert_eq!(story.harness.fake.count("GET", "/pulls/4/commits"), 3);
        assert_eq!(
            story.harness.fake.count("GET", "/prompts/commits/c"),
            single
        );
    }
    let mut story = Story::new();
    for at in 0..351 {
        story.commit(commit(&numbered(&format!("c{at}")), ""));
    }
    let error = story.try_observe().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("101 commits that the pull request does not list, expected at most 100"),
        "{error}"
    );
    assert!(error.hint().contains("split"), "{}", error.hint());
}

#[test]
fn a_commit_of_no_list_counts_for_every_pull_request_of_a_group() {
    let mut story = Story::new();
    story.harness.fake.commit(None, commit(&sha('e'), ""));
    story.questions.commits.insert(sha('e'));
    let Harness { client, repo, .. } = &story.harness;
    let read = authorship::read(client, repo, &[4, 5], &story.questions.commits);
    for authorship in story.harness.wait(read).unwrap() {
        assert!(authorship.contains_key(&sha('e')));
    }
    story.questions.commits.insert(sha('f'));
    let error = story.try_observe().unwrap_err().to_string();
    assert!(
        error.contains("cannot read a commit: GitHub answered 422"),
        "{error}"
    );
}
