//! Every fault on every call: afterwards there is at most one comment of ours, never a success
//! that the verdict does not give, and a re-run puts everything right; the ledger has the
//! verdict once.

use super::*;

/// What the runs call: by which event, method and part of the address.
const CALLS: [(Start, &str, &str); 23] = [
    (Start::Pull, "GET", "/git/ref/heads/main"),
    (Start::Pull, "GET", "/pulls/4"),
    (Start::Pull, "GET", "/pulls/4/reviews"),
    (Start::Pull, "GET", "/pulls/4/commits"),
    (Start::Pull, "GET", "/orgs/acme/teams/platform/members"),
    (Start::Pull, "GET", "/statuses"),
    (Start::Pull, "POST", "/statuses/"),
    (Start::Pull, "GET", "/comments"),
    (Start::Pull, "POST", "/comments"),
    (Start::Pull, "PATCH", "/comments"),
    (Start::Pull, "POST", "/graphql"),
    (Start::Pull, "GET", "/git/ref/heads/gatecard/ledger"),
    (Start::Pull, "POST", "/git/trees"),
    (Start::Pull, "POST", "/git/commits"),
    (Start::Pull, "POST", "/git/refs"),
    (Start::Recorded, "POST", "createCommitOnBranch"),
    (Start::Pull, "POST", "/check-runs"),
    (Start::Pull, "GET", "/check-runs"),
    (Start::Producer, "GET", "/pulls"),
    (Start::Producer, "GET", "/commits/"),
    (Start::Recheck, "GET", "/collaborators/"),
    (Start::Recheck, "GET", "/pulls/4"),
    (Start::Recheck, "POST", "/statuses/"),
];

/// What starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Pull,
    /// The same, where the ledger has entries.
    Recorded,
    Producer,
    Recheck,
}

/// How a call fails, and how often in a row.
fn faults() -> Vec<(&'static str, Trouble, usize)> {
    let secondary = "retry-after: 1\r\n";
    vec![
        ("one 500", Trouble::Status(500, ""), 1),
        ("a burst of 502", Trouble::Status(502, ""), 2),
        ("502 for ever", Trouble::Status(502, ""), 999),
        ("429", Trouble::Status(429, "retry-after: 0\r\n"), 1),
        (
            "429 for ever",
            Trouble::Status(429, "retry-after: 9000\r\n"),
            999,
        ),
        ("a secondary limit", Trouble::Status(403, secondary), 1),
        ("no permission", Trouble::Status(403, ""), 999),
        ("a reset before the write", Trouble::CloseBefore, 1),
        (
            "resets before the write for ever",
            Trouble::CloseBefore,
            999,
        ),
        ("a reset after the write", Trouble::CloseAfter, 1),
        ("a 502 after the write", Trouble::BadGatewayAfter, 1),
        ("half an answer", Trouble::Says(200, "{\"id\": 1, \"bo"), 1),
        ("no JSON", Trouble::Says(200, "<html>"), 1),
        ("no JSON for ever", Trouble::Says(200, "<html>"), 999),
        ("slow", Trouble::Slow(Duration::from_millis(1_800)), 1),
    ]
}

#[test]
fn no_fault_on_any_call_doubles_a_comment_or_turns_a_verdict() {
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let tasks: Vec<_> = CALLS
            .into_iter()
            .enumerate()
            .map(|(at, call)| scope.spawn(move || one_call(at, call)))
            .collect();
        for task in tasks {
            wrong.extend(task.join().unwrap());
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn one_call(at: usize, call: (Start, &'static str, &'static str)) -> Vec<String> {
    let mut wrong = Vec::new();
    for (row, fault) in faults().into_iter().enumerate() {
        // In turn, so that each call and each fault meets both verdicts.
        wrong.extend(one_fault(call, &fault, (at + row).is_multiple_of(2)));
    }
    wrong
}

fn one_fault(
    (start, method, path): (Start, &'static str, &'static str),
    (name, trouble, times): &(&'static str, Trouble, usize),
    passes: bool,
) -> Option<String> {
    let (mut story, expected) = if passes {
        (Story::fixed(), "success")
    } else {
        (Story::blocked(), "failure")
    };
    let head = if passes { &story.fixed } else { &story.blocked }.clone();
    // An update needs something that is there.
    if method != "POST" || path == "/graphql" {
        let marker = format!("<!-- gatecard:v1 key=default run=90.1 head={head} -->\nold");
        story.fake.comment(ACTIONS_ID, &marker);
    }
    story.fake.role("member", "write");
    story.fake.fault(method, path, *times, trouble.clone());
    let event = match start {
        Start::Pull => story.event(&head),
        Start::Recorded => {
            story.entry();
            story.event(&head)
        }
        Start::Producer => story.produced("completed", &head),
        Start::Recheck => story.recheck("member"),
    };
    let ran = story.run_event(&event);
    let told = format!("{method} {path} with {name}, passing: {passes}: {ran:?}");
    if let Some(what) = broken(&story, &ran, passes) {
        return Some(format!("{what}: {told}"));
    }
    story.fake.mend();
    let again = story.run_event(&event);
    let status = story.status(&head);
    let mended =
        status.as_deref() == Some(expected) && story.own_comments() == 1 && again.code == 0;
    let mended = mended && story.is_sound(passes);
    (!mended).then(|| format!("not mended, {status:?}: {told}, then {again:?}"))
}

/// What must not be, whatever went wrong.
fn broken(story: &Story, ran: &Ran, passes: bool) -> Option<&'static str> {
    let head = if passes { &story.fixed } else { &story.blocked };
    let status = story.status(head);
    if story.own_comments() > 1 {
        return Some("two comments");
    }
    if status.as_deref() == Some("success") && !passes {
        return Some("a success that is none");
    }
    match (status.as_deref(), ran.code) {
        // The status says it, or, where nobody was told, the job.
        (Some("success" | "failure" | "error"), 0) | (_, 1..) => None,
        (_, 0) if passes && ran.log.contains("may only read") => None,
        _ => Some("neither status nor job says it"),
    }
}
