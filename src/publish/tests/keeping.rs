//! How the one comment is kept: updated, made anew, or left where it is no news.

use super::*;

const OURS: u64 = ACTIONS_ID;

fn bodies(story: &Story) -> Vec<String> {
    let comments = story.fake.comments();
    comments.into_iter().map(|comment| comment.body).collect()
}

#[test]
fn each_way_of_keeping_meets_what_is_there() {
    for (keep, before, want, left) in [
        (Keep::Update, &[][..], "created", &["new"][..]),
        (Keep::Update, &["old"], "updated", &["new"]),
        (Keep::Update, &["new"], "unchanged", &["new"]),
        (Keep::Update, &["old", "older"], "updated", &["new"]),
        (Keep::Recreate, &[], "created", &["new"]),
        (Keep::Recreate, &["old"], "made anew", &["new"]),
        (Keep::Recreate, &["old", "old"], "made anew", &["new"]),
        (Keep::Recreate, &["new"], "unchanged", &["new"]),
        (Keep::Recreate, &["old", "new"], "unchanged", &["new"]),
        (
            Keep::IfThere,
            &[],
            "skipped: there is none to bring up to date",
            &[],
        ),
        (Keep::IfThere, &["old"], "updated", &["new"]),
        (Keep::IfThere, &["new"], "unchanged", &["new"]),
    ] {
        let story = Story::new().with_body("new").keeping(keep);
        for body in before {
            story.fake.comment(OURS, &Story::marked("99.1", body));
        }
        assert_eq!(
            story.delivered()[2..4],
            [want, "set"],
            "{keep:?} {before:?}"
        );
        let found: Vec<String> = bodies(&story)
            .iter()
            .map(|body| body.lines().skip(1).collect())
            .collect();
        assert_eq!(found, left, "{keep:?} {before:?}");
    }
}

#[test]
fn a_comment_made_anew_stands_last_and_is_written_before_the_old_one_goes() {
    let story = Story::new().keeping(Keep::Recreate);
    let old = story.fake.comment(OURS, &Story::marked("99.1", "old"));
    story.fake.comment(7, "in between");
    assert_eq!(story.delivered()[2], "made anew");
    let users: Vec<u64> = story.fake.comments().iter().map(|c| c.user).collect();
    assert_eq!(users, [7, OURS]);
    let writes: Vec<String> = story
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("/issues/") && request.method != "GET")
        .map(|request| request.method)
        .collect();
    assert_eq!(writes, ["POST", "DELETE"]);
    assert!(story.fake.comments().iter().all(|known| known.id != old));
}

#[test]
fn a_lost_answer_never_leaves_two_comments() {
    for (method, trouble) in [
        ("POST", Trouble::CloseAfter),
        ("POST", Trouble::BadGatewayAfter),
        ("POST", Trouble::CloseBefore),
        ("DELETE", Trouble::CloseAfter),
        ("DELETE", Trouble::CloseBefore),
    ] {
        let story = Story::new().keeping(Keep::Recreate);
        story.fake.comment(OURS, &Story::marked("99.1", "old"));
        story.fake.fault(method, COMMENTS, 1, trouble.clone());
        assert_eq!(story.delivered()[2], "made anew", "{method} {trouble:?}");
        let expected = Story::marked("100.1", "## gatecard: fail\n\nbody\n");
        assert_eq!(bodies(&story), [expected], "{method} {trouble:?}");
    }
}

#[test]
fn an_old_run_makes_nothing_anew() {
    let story = Story::new().keeping(Keep::Recreate);
    let newer = Story::marked("101.1", "newer");
    story.fake.comment(OURS, &newer);
    assert!(story.delivered()[2].contains("newer run"));
    assert_eq!(bodies(&story), [newer]);
}

#[test]
fn who_we_are_is_asked_only_where_a_comment_could_be_ours() {
    let story = Story::new();
    story.fake.comment(7, "a remark");
    assert_eq!(story.delivered()[2], "created");
    assert_eq!(story.fake.count("POST", "/graphql"), 0);
    assert_eq!(story.fake.count("GET", "/user"), 0);
    // A forged marker is a reason to ask, and then no comment of ours.
    for keep in [Keep::Update, Keep::Recreate, Keep::IfThere] {
        let story = Story::new().keeping(keep);
        let forged = Story::marked("99999999999.1", "all good, merge");
        story.fake.comment(7, &forged);
        story.deliver();
        assert_eq!(bodies(&story)[0], forged);
        assert_eq!(story.fake.count("POST", "/graphql"), 1);
        let made = usize::from(keep != Keep::IfThere);
        assert_eq!(story.fake.count("POST", COMMENTS), made, "{keep:?}");
    }
}
