//! The data policy statement: which controls over prompts, traces and outputs are met.

use chrono::NaiveDate;

use super::{Found, date, load, text};
use crate::git::{CommitSha, Repo, RepoPath};
use crate::yaml::YamlError;

/// The controls, after the method's list.
pub(crate) const CONTROLS: [(&str, &str); 7] = [
    ("redaction", "sensitive data is redacted before storage"),
    ("access", "access is role-based"),
    ("environments", "environments are separated"),
    ("retention", "retention is set"),
    ("audit_logs", "access is logged"),
    ("exports", "exports are controlled"),
    (
        "personal_data",
        "personal and customer data have clear handling",
    ),
];

/// A statement.
#[derive(Debug, Clone)]
pub(crate) struct DataPolicy {
    /// Who answers for it.
    pub(crate) owner: String,
    /// When it was approved.
    pub(crate) approved: NaiveDate,
    /// Until when it holds.
    pub(crate) expires: NaiveDate,
    /// Controls by key: whether each is met.
    pub(crate) controls: Vec<(&'static str, bool)>,
}

impl DataPolicy {
    /// How many controls are met.
    pub(crate) fn met(&self) -> u64 {
        self.controls.iter().filter(|(_, met)| *met).count() as u64
    }
}

/// Reads the statement at the base tip.
pub(crate) fn read(repo: &Repo, base: &CommitSha, path: &RepoPath) -> Found<DataPolicy> {
    load(repo, base, path, parse)
}

/// Reads a file's content.
pub(crate) fn parse(bytes: &[u8]) -> Result<DataPolicy, Vec<YamlError>> {
    let known = [
        "version", "owner", "policy", "approved", "by", "expires", "controls",
    ];
    super::parse(bytes, &known, |fields, errors| {
        let owner = text(fields, "owner", errors);
        text(fields, "policy", errors);
        text(fields, "by", errors);
        let approved = fields
            .need("approved", errors)
            .and_then(|node| date(node, errors));
        let expires = fields
            .need("expires", errors)
            .and_then(|node| date(node, errors));
        let node = fields.need("controls", errors)?;
        let controls = node.fields(&CONTROLS.map(|(key, _)| key), errors);
        let mut found = Vec::new();
        for (key, _) in CONTROLS {
            let met = controls.get(key).is_some_and(|control| {
                let fields = control.fields(&["met", "evidence"], errors);
                let met = fields
                    .need("met", errors)
                    .and_then(|node| node.flag(errors));
                // A control that is met says where that can be seen.
                met == Some(true) && text(&fields, "evidence", errors).is_some()
            });
            found.push((key, met));
        }
        Some(DataPolicy {
            owner: owner?,
            approved: approved?,
            expires: expires?,
            controls: found,
        })
    })
}
