//! Reviews by stakeholder group: who looked at traces and eval results, and what came of it.

use chrono::NaiveDate;

use super::{Found, date, load, text};
use crate::git::{CommitSha, Repo, RepoPath};
use crate::yaml::{Errors, Node, YamlError};

/// A review older than this many days says nothing of today.
pub(crate) const MAX_AGE_DAYS: i64 = 180;

/// The reviews of a file.
#[derive(Debug, Clone)]
pub(crate) struct Reviews {
    /// Who answers for them.
    pub(crate) owner: String,
    /// Each of them.
    pub(crate) reviews: Vec<Review>,
}

/// One review.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    /// The stakeholder group.
    pub(crate) group: String,
    /// When.
    pub(crate) date: NaiveDate,
    /// Which prompt, where the review is of one.
    pub(crate) prompt: Option<String>,
    /// Which version, where the review is of one.
    pub(crate) version: Option<String>,
    /// Whether sample traces were looked at.
    pub(crate) traces: bool,
    /// Whether eval results were looked at.
    pub(crate) evals: bool,
    /// Whether someone had to make an export for the reviewer.
    pub(crate) custom_export: bool,
    /// What the review changed: the card, the criteria, a gate.
    pub(crate) led_to: Option<String>,
}

/// Reads the reviews at the base tip.
pub(crate) fn read(repo: &Repo, base: &CommitSha, path: &RepoPath) -> Found<Reviews> {
    load(repo, base, path, parse)
}

/// Reads a file's content.
pub(crate) fn parse(bytes: &[u8]) -> Result<Reviews, Vec<YamlError>> {
    let known = ["version", "owner", "reviews"];
    super::parse(bytes, &known, |fields, errors| {
        let owner = text(fields, "owner", errors);
        let reviews = fields.need("reviews", errors)?.items(errors);
        let reviews = reviews
            .iter()
            .filter_map(|node| review(node, errors))
            .collect();
        Some(Reviews {
            owner: owner?,
            reviews,
        })
    })
}

fn review(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Review> {
    let known = [
        "group",
        "reviewer",
        "date",
        "prompt",
        "version",
        "looked_at",
        "custom_export",
        "led_to",
    ];
    let fields = node.fields(&known, errors);
    text(&fields, "reviewer", errors);
    let group = text(&fields, "group", errors);
    let date = fields
        .need("date", errors)
        .and_then(|node| date(node, errors));
    let optional = |key: &str, errors: &mut Errors<'_>| {
        fields
            .get(key)
            .and_then(|node| Some(node.text(errors)?.to_owned()))
    };
    let words = [("traces", true), ("evals", false)];
    let looked_at: Vec<bool> = match fields.need("looked_at", errors) {
        Some(node) => {
            let items = node.items(errors);
            items
                .iter()
                .filter_map(|item| item.one_of(&words, errors))
                .collect()
        }
        None => Vec::new(),
    };
    let custom_export = fields
        .get("custom_export")
        .and_then(|node| node.flag(errors));
    Some(Review {
        group: group?,
        date: date?,
        prompt: optional("prompt", errors),
        version: optional("version", errors),
        traces: looked_at.contains(&true),
        evals: looked_at.contains(&false),
        custom_export: custom_export.unwrap_or(false),
        led_to: optional("led_to", errors),
    })
}
