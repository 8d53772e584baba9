//! Records for people: one paragraph each.

use super::{Approver, Kept, Record, Standing};
use crate::policy::Band;
use crate::reason::Code;
use crate::untrusted::log_line;

const INDENT: &str = "  ";
const COLUMN: usize = 11;

/// One version: its digest and verdict, and below what is on record of it.
pub(crate) fn paragraph(record: &Record) -> String {
    let mut text = title(record);
    text.push('\n');
    let mut line = |name: &str, what: String| {
        text.push_str(&format!("{INDENT}{name:COLUMN$}{what}\n"));
    };
    if let Some(from) = &record.renamed_from {
        line("renamed", format!("from {}", log_line(from)));
    }
    line("landed", landed(record));
    if let Some(code) = &record.ungated {
        line("ungated", ungated(code));
    }
    if let Some(judged) = &record.verdict {
        let pull = judged.pull.map(|pull| format!(" of pull request {pull}"));
        line(
            "judged",
            format!(
                "{} at {}{}, entry {}",
                log_line(&judged.judged),
                judged.head.get(..12).unwrap_or(&judged.head),
                pull.unwrap_or_default(),
                judged.entry
            ),
        );
        let red = judged.gates.red();
        if !red.is_empty() {
            line("red gates", log_line(&red.join(", ")));
        }
    }
    if record.version.is_some() && record.problem.is_none() {
        line("approved", approved(&record.approvals));
    }
    for kept in &record.evidence {
        line("evidence", evidence(kept));
    }
    for waived in &record.waivers {
        let by = log_line(&waived.by);
        let (gate, until) = (log_line(&waived.gate), log_line(&waived.expires));
        line(
            "waived",
            format!("{gate} by {by} until {until}, entry {}", waived.entry),
        );
    }
    for each in &record.amended {
        let (entry, kind, by) = (each.entry, each.kind, each.by);
        let reason = log_line(&each.reason);
        line(
            "amended",
            format!("entry {entry} ({kind}) counts no more, says entry {by}: {reason}"),
        );
    }
    text
}

/// `a1b2c3d4e5f6  label 3  pass  4.25 ready  12 of 12 gates green`
fn title(record: &Record) -> String {
    let mut parts = Vec::new();
    parts.push(match (&record.version, &record.problem) {
        (_, Some(code)) => format!("unreadable [{}]", log_line(code)),
        (Some(version), None) => version.short(),
        (None, None) => String::from("removed"),
    });
    if let Some(label) = &record.label {
        parts.push(format!("label {}", log_line(label)));
    }
    if record.standing == Standing::Judged {
        parts.push(String::from("not merged"));
    }
    if let Some(judged) = &record.verdict {
        parts.push(log_line(&judged.verdict));
        if let (Some(score), Some(band)) = (&judged.score, &judged.band) {
            parts.push(format!("{} {}", score, log_line(&band_words(band))));
        }
        let (green, all) = (judged.gates.green.len(), judged.gates.total());
        parts.push(format!("{green} of {all} gates green"));
    }
    parts.join("  ")
}

fn band_words(band: &str) -> String {
    let known = [
        Band::DoNotUse,
        Band::Pilot,
        Band::LimitedRollout,
        Band::Ready,
    ];
    let known = known.iter().find(|each| each.id() == band);
    known.map_or_else(|| band.to_owned(), |band| band.words().to_owned())
}

fn landed(record: &Record) -> String {
    let Some(landed) = &record.landed else {
        return String::from(match record.standing {
            Standing::Judged => "never: the base branch did not get it",
            _ => "not on record: no entry tells of a push that brought it",
        });
    };
    let mut text = landed.commit.get(..12).unwrap_or(&landed.commit).to_owned();
    if let Some(date) = &landed.date {
        text.push_str(&format!(", {date}"));
    }
    if let Some(author) = &landed.author {
        text.push_str(&format!(", by {}", log_line(author)));
    }
    match (record.standing, record.merge) {
        (Standing::Between, Some(entry)) => {
            text.push_str(&format!(", in the middle of the push of entry {entry}"));
        }
        (_, Some(entry)) => text.push_str(&format!(", entry {entry}")),
        (_, None) => text.push_str(", not on record"),
    }
    text
}

fn ungated(code: &str) -> String {
    let about = Code::by_id(code).map(|code| format!(": {}", code.about()));
    format!("{}{}", log_line(code), about.unwrap_or_default())
}

/// `alice, bob for product; carol for legal`
pub(crate) fn approved(approvals: &[Approver]) -> String {
    if approvals.is_empty() {
        return String::from("by nobody on record");
    }
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for each in approvals {
        let who = name(each);
        match groups.last_mut() {
            Some((group, names)) if *group == each.group => names.push(who),
            _ => groups.push((&each.group, vec![who])),
        }
    }
    let groups = groups
        .iter()
        .map(|(group, names)| format!("{} for {}", names.join(", "), log_line(group)));
    format!("by {}", groups.collect::<Vec<_>>().join("; "))
}

fn name(approver: &Approver) -> String {
    match &approver.login {
        Some(login) => log_line(login),
        None => format!("review {} (no entry tells whose)", approver.review),
    }
}

fn evidence(kept: &Kept) -> String {
    let digest = match kept.sha256 {
        Some(sha256) => format!("sha256 {}", sha256.short()),
        None => String::from("unread"),
    };
    let place = match (&kept.in_git, kept.sha256) {
        (Some(place), _) => format!("in Git at {}", log_line(place)),
        (None, Some(_)) => String::from("digest known, file gone"),
        (None, None) => String::from("no digest"),
    };
    let (name, used_as) = (log_line(&kept.name), log_line(&kept.used_as));
    format!("{name} as {used_as}, {digest}, {place}")
}
