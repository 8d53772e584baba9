//! Sinks and renderers: no text from outside does anything where it is printed.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::text;
use crate::commands::demo;
use crate::git::RepoPath;
use crate::ledger::past::{Card, LastApproved, Prior};
use crate::output::{Look, OUTPUTS, Place, markdown};
use crate::prompt::PromptId;
use crate::prompt::diff::Difference;
use crate::report::Report;
use crate::templates::{Template, Templates};
use crate::units::{Digest, Score};
use crate::untrusted::{Untrusted, hidden, properties};

macro_rules! sinks {
    ($($name:ident: $check:ident;)*) => {
        $(
            pub(super) fn $name(data: &[u8]) {
                if let Some(text) = text(data) {
                    properties::$check(text);
                }
            }
        )*
    };
}

sinks! {
    annotation: check_annotation;
    commit_message: check_commit_message;
    html: check_html;
    log_line: check_log_line;
    markdown_block: check_markdown_block;
    markdown_code: check_markdown_code;
    markdown_inline: check_markdown_inline;
    step_output: check_step_output;
}

/// The shipped example's blocked change, its strings replaced by the lines of the data.
pub(super) fn report(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(report) = made() {
        render(&replaced(report, text));
    }
}

/// The same change in a template of the repository: whatever it is, there is a comment.
pub(super) fn template(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let Some(mut report) = made() else { return };
    report.templates = Templates {
        comment: Some(Template {
            path: RepoPath::root(),
            text: text.to_owned(),
        }),
        ..Templates::default()
    };
    let rendered = markdown(&report, Place::comment(None)).unwrap_or_default();
    assert!(!rendered.trim().is_empty(), "no comment");
    assert!(rendered.len() <= 60_000, "{} bytes", rendered.len());
}

fn made() -> Option<Report> {
    thread_local! {
        static MADE: Option<Report> = demo::blocked();
    }
    let made = MADE.with(Clone::clone);
    assert!(made.is_some(), "the shipped example cannot be checked");
    made
}

fn replaced(mut report: Report, text: &str) -> Report {
    let mut lines = text.lines().cycle();
    let mut line = || lines.next().unwrap_or_default().to_owned();
    let mut next = || Untrusted::from(line());
    for change in &mut report.changes {
        (change.id, change.path) = (next(), next());
        change.from = Some(next());
        change.differences.push(Difference::Value {
            what: next(),
            before: Some(next()),
            after: None,
        });
        change.differences.push(Difference::Text {
            what: next(),
            added: 1,
            removed: 1,
            passages: vec![(next(), next())],
        });
    }
    for outcome in &mut report.outcomes {
        let ruling = &mut outcome.ruling;
        ruling.prompt = ruling
            .prompt
            .as_ref()
            .map(|_| PromptId::new(next().for_machines().to_owned()));
        (ruling.found, ruling.needed) = (next(), next());
        *ruling = ruling.clone().fix(next());
    }
    for file in &mut report.evidence {
        (file.path, file.tool_version) = (next(), Some(next()));
    }
    for remark in &mut report.remarks {
        next().for_machines().clone_into(&mut remark.path);
        (remark.title, remark.text) = (next(), next());
    }
    let record = Prior {
        approved: Some(LastApproved {
            version: Digest::of(&[]),
            label: Some(next()),
            at: DateTime::UNIX_EPOCH,
            by: vec![(next(), next())],
        }),
        gated: Some(false),
        reviewed: false,
    };
    for change in &mut report.changes {
        change.prior = Some(record.clone());
    }
    report.past.cards = vec![Card {
        seq: 1,
        at: DateTime::UNIX_EPOCH,
        total: report.card.total,
        scores: BTreeMap::from([(next().for_machines().to_owned(), Score::LOWEST)]),
    }];
    report.findings = vec![next(), text.into()];
    report.next = next();
    report
}

fn render(report: &Report) {
    for output in OUTPUTS {
        let rendered = output.render(report, Look::default()).unwrap_or_default();
        assert!(!rendered.is_empty(), "{} is empty", output.id());
        // A reader of JSON decodes it before anyone sees it; a zero-width space parts a sign
        // from a name.
        let shown = rendered.replace('\u{200B}', "");
        let hides = hidden(&shown).next().map(|(_, c)| c);
        let hides = hides.filter(|_| output.id() != "json");
        let acts = |c: &char| c.is_control() && *c != '\n';
        let bad = hides.or_else(|| rendered.chars().find(acts));
        assert!(bad.is_none(), "{bad:?} in {}", output.id());
        assert!(!rendered.contains("##["), "a command in {}", output.id());
        assert!(
            output.id() != "json" || serde_json::from_str::<serde_json::Value>(&rendered).is_ok(),
            "the report is no JSON"
        );
    }
    for (place, limit) in [
        (Place::comment(None), 60_000),
        (Place::check_run(None, 1_000), 59_000),
        (Place::summary(), 1_000_000),
    ] {
        let rendered = markdown(report, place).unwrap_or_default();
        let fits = !rendered.is_empty() && rendered.len() <= limit;
        assert!(fits, "{} bytes of {limit}", rendered.len());
    }
}
