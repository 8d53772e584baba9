//! Records as a table: one line a version, RFC 4180.

use super::{Approver, Kept, Record, saw};
use crate::fold::TIE;
use crate::untrusted::csv_cell;

const HEAD: [&str; 23] = [
    "prompt",
    "version",
    "label",
    "standing",
    "commit",
    "date",
    "author",
    "pull",
    "verdict",
    "mode",
    "score",
    "band",
    "gates_green",
    "gates",
    "gates_red",
    "approvals",
    "evidence",
    "waivers",
    "ungated",
    "amended",
    "merge_entry",
    "recorded",
    "evals",
];

/// The table with its head.
pub(crate) fn table<'r>(records: impl IntoIterator<Item = &'r Record>) -> String {
    let head = HEAD.map(str::to_owned);
    let rows = records.into_iter().map(row);
    let lines = std::iter::once(head).chain(rows).map(|cells| {
        let cells = cells.map(|cell| csv_cell(&cell));
        format!("{}\r\n", cells.join(","))
    });
    lines.collect()
}

fn row(record: &Record) -> [String; 23] {
    let version = record.version.map(|version| version.to_string());
    let landed = record.landed.as_ref();
    let judged = record.verdict.as_ref();
    let or = |text: Option<&String>| text.cloned().unwrap_or_default();
    let number = |number: Option<u64>| number.map(|each| each.to_string()).unwrap_or_default();
    let gates = judged.map(|judged| &judged.gates);
    let red = gates.map(|gates| gates.red().join("; "));
    let waivers = record.waivers.iter();
    let waivers =
        waivers.map(|each| format!("{} by {} until {}", each.gate, each.by, each.expires));
    let amended = record.amended.iter();
    let amended = amended.map(|each| format!("entry {} by entry {}", each.entry, each.by));
    [
        record.prompt.clone(),
        version.unwrap_or_default(),
        or(record.label.as_ref()),
        record.standing.id().to_owned(),
        or(landed.map(|landed| &landed.commit)),
        or(landed.and_then(|landed| landed.date.as_ref())),
        or(landed.and_then(|landed| landed.author.as_ref())),
        number(judged.and_then(|judged| judged.pull)),
        or(judged.map(|judged| &judged.verdict)),
        or(judged.map(|judged| &judged.mode)),
        or(judged.and_then(|judged| judged.score.as_ref())),
        or(judged.and_then(|judged| judged.band.as_ref())),
        number(gates.map(|gates| gates.green.len() as u64)),
        number(gates.map(|gates| gates.total() as u64)),
        red.unwrap_or_default(),
        all(record.approvals.iter().map(approval)),
        all(record.evidence.iter().map(evidence)),
        all(waivers),
        or(record.ungated.as_ref()),
        all(amended),
        number(record.merge),
        or(record.recorded.as_ref()),
        all(judged
            .into_iter()
            .flat_map(|judged| saw::compared(&judged.saw)))
        .replace(TIE, " "),
    ]
}

fn all(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

fn approval(each: &Approver) -> String {
    let review = || format!("review {}", each.review);
    let who = each.login.clone().unwrap_or_else(review);
    format!("{who} for {}", each.group)
}

fn evidence(kept: &Kept) -> String {
    let digest = kept.sha256.map(|sha256| format!(" sha256:{sha256}"));
    let gone = match (&kept.in_git, kept.unseen) {
        (Some(_), _) => "",
        (None, true) => " (not in this clone)",
        (None, false) => " (gone)",
    };
    format!("{}{}{gone}", kept.name, digest.unwrap_or_default())
}
