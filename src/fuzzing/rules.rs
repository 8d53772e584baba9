//! Readers of what decides: the policy, CODEOWNERS, kept files, events, GitHub's answers.

use super::{files, text, within};
use crate::approval::codeowners::Codeowners;
use crate::approval::file;
use crate::evidence::slow::{data_policy, drills, reviews};
use crate::git::RepoPath;
use crate::github::Event;
use crate::ledger::entry::Entry;
use crate::ledger::{place, read};
use crate::policy::people::Member;
use crate::prompt::canonical;
use crate::publish::Marker;
use crate::rules::{self, Origin, Rules};
use crate::yaml;

pub(super) fn yaml(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match yaml::to_json(text) {
        Ok(value) => {
            let once = canonical::json(&value);
            let again = serde_json::from_str(&once).map(|value| canonical::json(&value));
            assert_eq!(again.ok(), Some(once), "canonical JSON is not stable");
        }
        Err(error) => within(text, &[error]),
    }
}

pub(super) fn policy(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Some(path) = RepoPath::parse(".github/gatecard.yml") else {
        return;
    };
    match rules::parse(text) {
        Ok(_) => {
            let commented = format!("# a comment\n{text}");
            let fits = text.starts_with('\u{feff}') || rules::parse(&commented).is_ok();
            assert!(fits, "a comment makes a policy invalid");
        }
        Err(errors) => {
            within(text, &errors);
            let shown = Rules::read(text, &path, Origin::Base).err();
            let shown = shown.and_then(|error| error.details().map(str::to_owned));
            assert!(shown.is_some_and(|shown| shown.contains("error: ")));
        }
    }
}

pub(super) fn codeowners(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Some(all) = Member::parse("@octocat") else {
        return;
    };
    let owners = Codeowners::parse(text);
    let commented = Codeowners::parse(&format!("{text}\n# a comment\n"));
    let last = Codeowners::parse(&format!("{text}\n* @octocat\n"));
    let first = text.lines().next().and_then(RepoPath::parse);
    let usual = ["prompts/a.md", "a", "docs/x/y z.md"].map(RepoPath::parse);
    for path in usual.into_iter().chain([first]).flatten() {
        assert_eq!(owners.of(&path), commented.of(&path), "a comment counts");
        let found = last.of(&path);
        assert_eq!(
            found.members,
            std::slice::from_ref(&all),
            "the last rule does not decide"
        );
        assert!(found.emails.is_empty(), "the last rule does not decide");
    }
}

/// The first byte chooses the kind of file.
pub(super) fn kept(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let error = match kind {
        b'd' => drills::parse(data).err(),
        b'r' => reviews::parse(data).err(),
        _ => data_policy::parse(data).err(),
    };
    if let (Some(text), Some(errors)) = (text(data), error) {
        within(text, &errors);
    }
}

/// The first line is the event's name; without one the payload decides.
pub(super) fn event(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (name, payload) = data.split_at(end);
    let name = text(name).filter(|name| !name.is_empty());
    if let Err(error) = Event::parse(payload, String::from("event.json"), name) {
        let message = error.to_string();
        assert!(message.contains("expected"), "{message}");
        assert!(message.len() < 1_000, "{} bytes", message.len());
    }
}

pub(super) fn approvals_file(data: &[u8]) {
    let Ok(saved) = file::parse(data) else { return };
    let nothing = serde_json::Value::Null;
    let written = file::write(&saved, &nothing, &nothing);
    assert_eq!(file::parse(written.as_bytes()), Ok(saved), "{written}");
}

pub(super) fn marker(data: &[u8]) {
    let Some(line) = text(data) else { return };
    if let Some(marker) = Marker::parse(line) {
        assert_eq!(marker.to_string(), line, "a marker that is not ours");
    }
}

/// `=== link`, `=== api`, `=== headers` and `=== body`, each where it is there.
pub(super) fn github(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let files = files(text);
    let part = |name: &str| {
        let found = files.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.trim_end_matches('\n'))
    };
    crate::github::fuzzing::answer(part("link"), part("api"), part("headers"), part("body"));
}

pub(super) fn workflow(data: &[u8]) {
    crate::change::fuzzing::workflow(data);
}

/// A file that is read as an entry is what would be written for it, at its one path.
pub(super) fn ledger_entry(data: &[u8]) {
    let Ok(entry) = serde_json::from_slice::<Entry>(data) else {
        assert!(read::parse("entries/0000/00/0000000001-verdict.json", data).is_err());
        return;
    };
    let path = place::path(entry.seq, entry.body.kind());
    if let Ok(stored) = read::parse(&path, data) {
        assert_eq!(
            stored.entry.bytes().ok().as_deref(),
            Some(data),
            "other bytes"
        );
        assert_eq!(place::parse(&path), Some((entry.seq, entry.body.kind())));
        assert!(read::parse("entries/0000/00/0000000000-amend.json", data).is_err());
    }
    drop(read::keys(&entry));
}
