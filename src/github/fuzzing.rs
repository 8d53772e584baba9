//! What fuzzers call of what GitHub answers.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::comments::Comment;
use super::limits::{self, Limits};
use super::statuses::CommitStatus;
use super::{client, page};

/// An answer: its `Link` header, the API's address, all headers, its body.
pub(crate) fn answer(link: &str, api: &str, headers: &str, body: &str) {
    if let Some(address) = page::next(link) {
        assert!(link.contains(address), "a page that no link names");
        if let Some(path) = page::local(address, api) {
            let inside = path.starts_with('/') && address.ends_with(path);
            assert!(inside, "{path} of {address}");
        }
    }
    let header = |name: &str| {
        let mut lines = headers.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned())
    };
    let limits = Limits::read(&header);
    for status in [200, 403, 429, 502] {
        if let Some(seconds) = limits.wait(status, body) {
            let now = Instant::now();
            let longest = Duration::from_hours(24);
            let end = limits::end(now, seconds);
            assert!(end.is_some_and(|end| end <= now + longest), "{seconds}");
        }
    }
    let explained = client::explanation(body);
    let no_json = serde_json::from_str::<Value>(body).is_err();
    assert!(!no_json || explained == "no explanation", "{explained}");
    drop(serde_json::from_str::<Vec<Comment>>(body));
    drop(serde_json::from_str::<Vec<CommitStatus>>(body));
    super::live::fuzzing(body);
}
