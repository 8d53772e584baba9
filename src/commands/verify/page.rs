//! The answer for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::git::CommitSha;
use crate::ledger::verify::finding::{Finding, Place};
use crate::ledger::verify::{Answer, Asked, Holds};
use crate::untrusted::{Untrusted, log_line};

/// How many findings of one code are shown to people.
const SHOWN: usize = 10;

/// For people.
pub(super) fn text(asked: &Asked<'_>, ledger: &str, answer: &Answer) -> String {
    let mut out = match &answer.tip {
        Some(tip) => format!(
            "ledger    {} at {}: {} entries, the newest {}:{}\n",
            log_line(ledger),
            tip.commit.short(),
            answer.entries,
            tip.seq,
            tip.digest.short()
        ),
        None => format!("ledger    {}: no entry\n", log_line(ledger)),
    };
    if let Some(base) = &asked.base {
        let (name, tip) = (log_line(&base.name), base.tip.short());
        out.push_str(&format!("base      {name} at {tip}\n"));
        if let Some(since) = &answer.since {
            let (commit, day) = (since.sha.short(), since.at.format("%Y-%m-%d"));
            let words = "--since asks for more or less";
            out.push_str(&format!("since     {commit} of {day}: {words}\n"));
        }
    }
    findings(&answer.findings, &mut out);
    for anchor in &answer.anchors {
        out.push_str(&format!("anchor    {}\n", anchor.words.log()));
    }
    if answer.anchors.is_empty() {
        out.push_str("anchor    none\n");
    }
    for each in &answer.unseen {
        out.push_str(&format!("unseen    {}\n", each.log()));
    }
    let end = match answer.holds {
        Holds::Yes => "the ledger holds",
        Holds::No if answer.is_of_the_branch_only() => {
            "the ledger is intact, and says that the branch got what no gate let in"
        }
        Holds::No => "the ledger does not hold",
        Holds::CannotTell => {
            "nothing shows that the ledger does not hold, and not all of it can be told"
        }
    };
    out.push_str(&format!("result    {end}\n"));
    out
}

fn findings(all: &[Finding], out: &mut String) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for each in all {
        let count = seen.entry(each.code.id()).or_default();
        *count += 1;
        if *count > SHOWN {
            continue;
        }
        let place = match &each.place {
            Place::Entry(seq) => format!(" entry {seq}:"),
            Place::Commit(commit) => format!(" commit {}:", commit.short()),
            Place::Whole => String::new(),
        };
        out.push_str(&format!(
            "{:<9} [{}]{place} {}\n",
            each.code.weight().id(),
            each.code.id(),
            each.words.log()
        ));
        if let Some(fix) = &each.fix {
            out.push_str(&format!("          -> {}\n", fix.log()));
        } else if *count == 1 {
            out.push_str(&format!("          -> {}\n", each.code.fix()));
        }
    }
    for (code, count) in seen.iter().filter(|(_, count)| **count > SHOWN) {
        out.push_str(&format!("          [{code}] and {} more\n", count - SHOWN));
    }
}

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    result: &'static str,
    /// Whether everything that is violated is a change which the ledger itself calls ungated.
    ungated_only: bool,
    ledger: LedgerAt<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<BaseAt<'a>>,
    findings: Vec<Shown<'a>>,
    anchors: Vec<Held<'a>>,
    unseen: Vec<&'a str>,
}

#[derive(Serialize)]
struct LedgerAt<'a> {
    name: &'a str,
    entries: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<TipAt<'a>>,
}

#[derive(Serialize)]
struct TipAt<'a> {
    commit: &'a CommitSha,
    seq: u64,
    digest: String,
}

#[derive(Serialize)]
struct BaseAt<'a> {
    branch: &'a str,
    commit: &'a CommitSha,
    /// After which every governed change must be on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'a CommitSha>,
}

#[derive(Serialize)]
struct Shown<'a> {
    code: &'static str,
    weight: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a CommitSha>,
    found: &'a str,
    fix: &'a str,
}

#[derive(Serialize)]
struct Held<'a> {
    kind: &'static str,
    covers: &'a str,
}

/// For programs.
pub(super) fn json(asked: &Asked<'_>, ledger: &str, answer: &Answer) -> String {
    let found = |each: &'_ Finding| -> (Option<u64>, Option<CommitSha>) {
        match &each.place {
            Place::Entry(seq) => (Some(*seq), None),
            Place::Commit(commit) => (None, Some(commit.clone())),
            Place::Whole => (None, None),
        }
    };
    let places: Vec<_> = answer.findings.iter().map(found).collect();
    let findings = answer.findings.iter().zip(&places);
    let page = Page {
        schema: "gatecard/verify/v1",
        result: answer.holds.id(),
        ungated_only: answer.is_of_the_branch_only(),
        ledger: LedgerAt {
            name: ledger,
            entries: answer.entries,
            tip: answer.tip.as_ref().map(|tip| TipAt {
                commit: &tip.commit,
                seq: tip.seq,
                digest: tip.digest.to_string(),
            }),
        },
        base: asked.base.as_ref().map(|base| BaseAt {
            branch: &base.name,
            commit: &base.tip,
            since: answer.since.as_ref().map(|since| &since.sha),
        }),
        findings: findings
            .map(|(each, (seq, commit))| Shown {
                code: each.code.id(),
                weight: each.code.weight().id(),
                seq: *seq,
                commit: commit.as_ref(),
                found: each.words.for_machines(),
                fix: each
                    .fix
                    .as_ref()
                    .map_or(each.code.fix(), |fix| fix.for_machines()),
            })
            .collect(),
        anchors: answer
            .anchors
            .iter()
            .map(|each| Held {
                kind: each.kind,
                covers: each.words.for_machines(),
            })
            .collect(),
        unseen: answer.unseen.iter().map(Untrusted::for_machines).collect(),
    };
    format!("{:#}\n", serde_json::json!(page))
}
