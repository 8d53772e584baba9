//! What the doctor says of the ledger: whether its branch is kept from being rewritten.

use serde_json::json;

use super::{Finding, permission, plain};
use crate::git::Repo;
use crate::github::RepoName;
use crate::github::probe::{Granted, Permission};
use crate::github::session::{Phase, Session};
use crate::ledger::{Ledger, LedgerError};
use crate::policy::Policy;
use crate::policy::ledger::Recording;

/// Whether verdicts are to be recorded.
pub(super) fn wanted(policy: &Policy) -> bool {
    policy.ledger.recording != Recording::Off
}

/// What the clone has of the ledger.
pub(super) fn kept(repo: &Repo, policy: &Policy) -> Option<Finding> {
    const WHAT: &str = "entries";
    let branch = &policy.ledger.branch;
    if !wanted(policy) {
        return None;
    }
    let read = || {
        let ledger = Ledger::open(repo, branch)?;
        let last = ledger.as_ref().map(Ledger::last).transpose()?.flatten();
        Ok::<_, LedgerError>(ledger.map(|ledger| (ledger.tip().clone(), last)))
    };
    Some(match read() {
        Ok(None) => {
            let words = format!(
                "`{branch}` is not in this clone: nothing was recorded, or it was not fetched"
            );
            let fix = format!("git fetch origin {branch}:refs/remotes/origin/{branch}");
            Finding::there(WHAT, words).with(&fix)
        }
        Ok(Some((tip, Some(last)))) => {
            let signed = match last.entry.signature {
                Some(_) => "signed",
                None => "not signed",
            };
            let (seq, digest) = (last.entry.seq, last.digest.short());
            let words = format!(
                "`{branch}` at {}: the newest entry is {seq}:{digest}, {signed}",
                tip.short()
            );
            Finding::there(WHAT, words)
        }
        Ok(Some((tip, None))) => {
            let error = LedgerError::NoLedger {
                commit: tip.short().to_owned(),
            };
            let fix = error.hint().unwrap_or_default();
            Finding::missing(WHAT, error.to_string(), &fix)
        }
        Err(error) => Finding::missing(WHAT, error.to_string(), &error.hint().unwrap_or_default()),
    })
}

/// The ruleset that would protect the branch, where nobody can ask whether there is one.
pub(super) fn unprotected(policy: &Policy) -> Option<Finding> {
    let branch = &policy.ledger.branch;
    let words = format!(
        "whether a ruleset keeps `{branch}` from being rewritten: without a token nobody can ask"
    );
    let unclear = || {
        Finding::unclear(WHAT, words).with(&fix(
            "OWNER/NAME",
            "deletion and non_fast_forward",
            branch,
        ))
    };
    wanted(policy).then(unclear)
}

/// The command that makes the ruleset.
fn fix(repo: &str, next: &str, branch: &str) -> String {
    format!(
        "a ruleset with {next}:\ngh api repos/{repo}/rulesets --input - <<'END'\n{:#}\nEND",
        ruleset(branch)
    )
}

/// Whether the token may write the ledger. Where the policy only wishes for it, one that may not
/// is no fault.
pub(super) fn writable(granted: Granted, policy: &Policy) -> Finding {
    match (granted, policy.ledger.recording) {
        (Granted::No, Recording::BestEffort) => {
            let words = "the token may not write it, so verdicts are not recorded";
            let fix = format!("permissions:\n  {}", Permission::Ledger.line());
            Finding::there(Permission::Ledger.name(), words).with(&fix)
        }
        (granted, _) => permission(Permission::Ledger, granted),
    }
}

/// Whether a ruleset protects the ledger's branch, and the one that does.
pub(super) fn protected(session: &Session, repo: &RepoName, policy: &Policy) -> Option<Finding> {
    if !wanted(policy) {
        return None;
    }
    let branch = &policy.ledger.branch;
    let asked = session.client().rules(repo, branch);
    let rules = match session.run(Phase::Rest, "read the branch's rules", asked) {
        Ok(rules) => rules,
        Err(error) => return Some(Finding::unclear(WHAT, plain(&error))),
    };
    let (words, next) = match (rules.stays, rules.grows) {
        (true, true) => {
            let words = format!("nobody may delete `{branch}` or rewrite its history");
            return Some(Finding::there(WHAT, words));
        }
        (false, true) => ("deleted", "deletion"),
        (true, false) => ("rewritten", "non_fast_forward"),
        (false, false) => ("deleted and rewritten", "deletion and non_fast_forward"),
    };
    let words = format!(
        "`{branch}` can be {words} by whoever may write: `gatecard verify` shows it only against an anchor"
    );
    let fix = fix(&repo.to_string(), next, branch);
    // What protects the record of a verdict is no part of the verdict.
    let advises = policy.ledger.recording == Recording::BestEffort;
    Some(if advises {
        Finding::there(WHAT, words).with(&fix)
    } else {
        Finding::missing(WHAT, words, &fix)
    })
}

const WHAT: &str = "ledger-branch";

/// A ruleset as GitHub's API takes it. That only one app may write cannot be asked for here: who
/// that is, nobody but the repository's owner knows.
fn ruleset(branch: &str) -> serde_json::Value {
    json!({
        "name": "gatecard ledger",
        "target": "branch",
        "enforcement": "active",
        "conditions": { "ref_name": { "include": [format!("refs/heads/{branch}")], "exclude": [] } },
        "rules": [
            { "type": "deletion" },
            { "type": "non_fast_forward" },
            { "type": "required_linear_history" },
        ],
    })
}
