//! Debug drills: recent production issues, investigated against the clock.

use chrono::NaiveDate;

use super::{Found, date, load, text};
use crate::git::{CommitSha, Repo, RepoPath};
use crate::yaml::{Errors, Node, YamlError};

/// A drill older than this many days says nothing of today.
pub(crate) const MAX_AGE_DAYS: i64 = 90;

/// How many drills make a measurement.
pub(crate) const EXPECTED: usize = 5;

/// The five questions that an investigation answers.
pub(crate) const QUESTIONS: [(&str, &str); 5] = [
    ("what", "what went wrong"),
    ("who", "who was affected"),
    ("cause", "which cause"),
    ("reproduced", "could it be reproduced"),
    ("fix_tested", "could a fix be tested on similar examples"),
];

/// The drills of a file.
#[derive(Debug, Clone)]
pub(crate) struct Drills {
    /// Who answers for them.
    pub(crate) owner: String,
    /// Each of them.
    pub(crate) drills: Vec<Drill>,
}

/// One timed investigation.
#[derive(Debug, Clone)]
pub(crate) struct Drill {
    /// When.
    pub(crate) date: NaiveDate,
    /// How long, in minutes.
    pub(crate) minutes: u64,
    /// How many of the five questions were answered.
    pub(crate) answered: u64,
}

/// Reads the drills at the base tip.
pub(crate) fn read(repo: &Repo, base: &CommitSha, path: &RepoPath) -> Found<Drills> {
    load(repo, base, path, parse)
}

/// Reads a file's content.
pub(crate) fn parse(bytes: &[u8]) -> Result<Drills, Vec<YamlError>> {
    let known = ["version", "owner", "drills"];
    super::parse(bytes, &known, |fields, errors| {
        let owner = text(fields, "owner", errors);
        let drills = fields.need("drills", errors)?.items(errors);
        let drills: Vec<Drill> = drills
            .iter()
            .filter_map(|node| drill(node, errors))
            .collect();
        Some(Drills {
            owner: owner?,
            drills,
        })
    })
}

fn drill(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Drill> {
    let known = [
        "issue",
        "date",
        "by",
        "failure",
        "minutes",
        "cause",
        "questions",
    ];
    let fields = node.fields(&known, errors);
    text(&fields, "issue", errors);
    text(&fields, "by", errors);
    let words = |list: &[&'static str]| -> Vec<(&'static str, ())> {
        list.iter().map(|word| (*word, ())).collect()
    };
    let failures = [
        "missing_context",
        "invalid_json",
        "poor_tool_choice",
        "slow_retrieval",
        "other",
    ];
    if let Some(failure) = fields.need("failure", errors) {
        failure.one_of(&words(&failures), errors);
    }
    let causes = [
        "prompt",
        "retrieval",
        "tool",
        "model",
        "input",
        "post_processing",
    ];
    if let Some(cause) = fields.need("cause", errors) {
        cause.one_of(&words(&causes), errors);
    }
    let date = fields
        .need("date", errors)
        .and_then(|node| date(node, errors));
    let minutes = fields
        .need("minutes", errors)
        .and_then(|node| crate::policy::whole(node, 1, errors));
    let answered = fields.need("questions", errors).map(|node| {
        let known = QUESTIONS.map(|(key, _)| key);
        let fields = node.fields(&known, errors);
        let yes = known
            .iter()
            .filter(|key| fields.get(key).and_then(|node| node.flag(errors)) == Some(true));
        yes.count() as u64
    });
    Some(Drill {
        date: date?,
        minutes: minutes?,
        answered: answered?,
    })
}
