//! Records for people: one paragraph each.

use super::{Approver, Judged, Kept, Record, Standing, saw};
use crate::fold::{TIE, fold};
use crate::reason::Code;
use crate::untrusted::log_line;

/// Columns of a terminal that lines are folded at.
const WIDTH: usize = 80;
const INDENT: &str = "  ";
const COLUMN: usize = 11;

/// How much of a record is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What tells versions apart in a list.
    Short,
    /// Everything that people saw.
    Whole,
}

/// A line of prose that stands before the records. Commands in it are not broken.
pub(crate) fn headline(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 1 {
            part.replace(' ', &TIE.to_string())
        } else {
            part.to_owned()
        }
    });
    let tied: Vec<String> = parts.collect();
    let lines = fold("", INDENT.len(), &tied.join("`"), WIDTH);
    lines.iter().map(|line| printed(line)).collect()
}

fn printed(line: &str) -> String {
    format!("{}\n", line.replace(TIE, " "))
}

/// Lines with labels before them.
#[derive(Default)]
struct Lines {
    text: String,
    label: &'static str,
}

impl Lines {
    /// Adds a line. A label that stands above is not repeated.
    fn add(&mut self, label: &'static str, what: &str) {
        let shown = if label == self.label { "" } else { label };
        self.label = label;
        let first = format!("{INDENT}{shown:COLUMN$}");
        for line in fold(&first, first.len(), what, WIDTH) {
            self.text.push_str(&printed(&line));
        }
    }

    fn all(&mut self, label: &'static str, what: impl IntoIterator<Item = String>) {
        for what in what {
            self.add(label, &what);
        }
    }
}

/// One version: its digest and verdict, and below what is on record of it.
pub(crate) fn paragraph(record: &Record, detail: Detail) -> String {
    let mut lines = Lines::default();
    if let Some(from) = &record.renamed_from {
        lines.add("renamed", &format!("from {}", log_line(from)));
    }
    lines.add("landed", &landed(record, detail));
    if let Some(code) = &record.ungated {
        lines.add("ungated", &ungated(code));
    }
    approvals(record, detail, &mut lines);
    if let Some(judged) = &record.verdict {
        shown(judged, detail, &mut lines);
    }
    evidence(record, detail, &mut lines);
    for waived in &record.waivers {
        let by = log_line(&waived.by);
        let (gate, until) = (log_line(&waived.gate), log_line(&waived.expires));
        lines.add(
            "waived",
            &format!("{gate} by {by} until {until}, entry{TIE}{}", waived.entry),
        );
    }
    for each in &record.amended {
        let (entry, kind, by) = (each.entry, each.kind, each.by);
        let reason = log_line(&each.reason);
        lines.add(
            "amended",
            &format!("entry {entry} ({kind}) counts no more, says entry {by}: {reason}"),
        );
    }
    format!("{}\n{}", title(record), lines.text)
}

/// What was judged, and what that showed.
fn shown(judged: &Judged, detail: Detail, lines: &mut Lines) {
    let pull = judged.pull.map(|pull| format!(", pull request{TIE}{pull}"));
    lines.add(
        "judged",
        &format!(
            "{}{} at {}, entry{TIE}{}",
            log_line(&judged.judged),
            pull.unwrap_or_default(),
            short(&judged.head),
            judged.entry
        ),
    );
    let saw = &judged.saw;
    if detail == Detail::Short {
        lines.all("evals", saw::compared(saw));
        let red = judged.gates.red();
        if !red.is_empty() {
            lines.add("red gates", &log_line(&red.join(", ")));
        }
        return;
    }
    lines.add("changed", &saw::changed(saw));
    let pairs = saw::pairs(saw)
        .into_iter()
        .map(Some)
        .chain(std::iter::repeat(None));
    for (line, pairs) in saw::compared(saw).into_iter().zip(pairs) {
        let pairs = pairs.map(|pairs| format!(", {pairs}"));
        lines.add("evals", &format!("{line}{}", pairs.unwrap_or_default()));
    }
    if let Some(coverage) = &saw.coverage {
        lines.add("traces", &saw::traces(coverage));
        lines.add("fields", &saw::fields(coverage));
    }
    if !saw.categories.is_empty() {
        lines.add("scores", &saw::categories(saw));
    }
    lines.all("gates", saw::gates(saw));
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
            parts.push(format!("{} {}", score, saw::band(band)));
        }
        let (green, all) = (judged.gates.green.len(), judged.gates.total());
        parts.push(format!("{green} of {all} gates green"));
    }
    parts.join("  ")
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn landed(record: &Record, detail: Detail) -> String {
    let Some(landed) = &record.landed else {
        return String::from(match record.standing {
            Standing::Judged => "never: the base branch did not get it",
            Standing::Unseen => {
                "not known: this clone does not go back that far, and no entry tells of it"
            }
            _ => "not on record: no entry tells of a push that brought it",
        });
    };
    let mut text = short(&landed.commit).to_owned();
    match &landed.date {
        Some(date) => text.push_str(&format!(", {date}")),
        None => text.push_str(", which is not in this clone"),
    }
    if let Some(author) = &landed.author {
        text.push_str(&format!(", by {}", log_line(author)));
    }
    let recorded = record.recorded.as_ref();
    let recorded = recorded.filter(|_| detail == Detail::Whole || landed.date.is_none());
    let recorded = recorded.map(|at| format!(", recorded{TIE}{at}"));
    text.push_str(&match (record.standing, record.merge) {
        (Standing::Between, Some(entry)) => {
            format!(", in the middle of the push of entry{TIE}{entry}")
        }
        (_, Some(entry)) => format!("{}, entry{TIE}{entry}", recorded.unwrap_or_default()),
        (_, None) => String::from(", not on record"),
    });
    text
}

fn ungated(code: &str) -> String {
    let about = Code::by_id(code).map(|code| format!(": {}", code.about()));
    format!("{}{}", log_line(code), about.unwrap_or_default())
}

fn approvals(record: &Record, detail: Detail, lines: &mut Lines) {
    if record.version.is_none() || record.problem.is_some() {
        return;
    }
    if detail == Detail::Short || record.approvals.is_empty() {
        lines.add("approved", &approved(&record.approvals, true));
        return;
    }
    let mut reviews: Vec<&Approver> = Vec::new();
    for each in &record.approvals {
        if !reviews.iter().any(|known| known.review == each.review) {
            reviews.push(each);
        }
    }
    for review in reviews {
        let groups = record.approvals.iter();
        let groups = groups.filter(|each| each.review == review.review);
        let groups: Vec<String> = groups.map(|each| log_line(&each.group)).collect();
        lines.add("approved", &approval(review, &groups.join(", ")));
    }
}

/// `by alice for product, 2026-02-10T09:29:00Z, pull request 7 at a1b2c3d4e5f6, review 501, entry 1`
fn approval(each: &Approver, groups: &str) -> String {
    let Some(login) = &each.login else {
        let review = each.review;
        return format!("by somebody for {groups}: no entry tells whose review{TIE}{review} is");
    };
    let mut text = format!("by {} for {groups}", log_line(login));
    match (&each.submitted, &each.recorded) {
        (Some(at), _) => text.push_str(&format!(", {at}")),
        (None, Some(at)) => text.push_str(&format!(", recorded{TIE}{at}")),
        (None, None) => {}
    }
    if let Some(pull) = each.pull {
        text.push_str(&format!(", pull request{TIE}{pull}"));
    }
    if let Some(commit) = &each.commit {
        text.push_str(&format!(" at {}", short(commit)));
    }
    text.push_str(&format!(", review{TIE}{}", each.review));
    if let Some(entry) = each.entry {
        text.push_str(&format!(", entry{TIE}{entry}"));
    }
    if let Some(lost) = &each.lost {
        let code = lost
            .code
            .as_ref()
            .map(|code| format!(" [{}]", log_line(code)));
        text.push_str(&format!(
            "; taken back {}{}, entry{TIE}{}",
            lost.recorded,
            code.unwrap_or_default(),
            lost.entry
        ));
    }
    text
}

/// `by alice (2026-02-10), bob for product; carol for legal`, with days where they are asked for.
pub(crate) fn approved(approvals: &[Approver], days: bool) -> String {
    if approvals.is_empty() {
        return String::from("by nobody on record");
    }
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for each in approvals {
        let who = name(each, days);
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

fn name(approver: &Approver, days: bool) -> String {
    let Some(login) = &approver.login else {
        return format!("review {} (no entry tells whose)", approver.review);
    };
    let mut text = log_line(login);
    let time = approver.submitted.as_ref().or(approver.recorded.as_ref());
    if let Some(day) = time.and_then(|time| time.get(..10)).filter(|_| days) {
        text.push_str(&format!("{TIE}({day})"));
    }
    if approver.lost.is_some() {
        text.push_str(" (taken back)");
    }
    text
}

fn evidence(record: &Record, detail: Detail, lines: &mut Lines) {
    if detail == Detail::Whole {
        lines.all("evidence", record.evidence.iter().map(kept));
        return;
    }
    let all = record.evidence.len();
    if all > 0 {
        let names = record.evidence.iter().map(|kept| log_line(&kept.name));
        let names: Vec<String> = names.collect();
        let here = record.evidence.iter().filter(|kept| kept.in_git.is_some());
        let here = here.count();
        lines.add(
            "evidence",
            &format!(
                "{} ({here}{TIE}of{TIE}{all}{TIE}in{TIE}Git)",
                names.join(", ")
            ),
        );
    }
}

fn kept(kept: &Kept) -> String {
    let digest = match kept.sha256 {
        Some(sha256) => format!("sha256{TIE}{}", sha256.short()),
        None => String::from("unread"),
    };
    let place = match (&kept.in_git, kept.sha256) {
        (Some(place), _) => format!("in{TIE}Git{TIE}at {}", log_line(place)),
        (None, Some(_)) if kept.unseen => {
            format!("digest{TIE}known, file{TIE}not{TIE}in{TIE}this{TIE}clone")
        }
        (None, Some(_)) => format!("digest{TIE}known, file{TIE}gone"),
        (None, None) => String::from("no digest"),
    };
    let (name, used_as) = (log_line(&kept.name), log_line(&kept.used_as));
    format!("{name} as {used_as}, {digest}, {place}")
}
