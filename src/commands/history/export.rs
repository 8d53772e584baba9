//! `gatecard export`: the audit trail as in-toto statements, one a line, or as a table.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::files::Files;
use super::{History, told};
use crate::cli::ExportArgs;
use crate::commands::Context;
use crate::commands::moment::{Moment, start};
use crate::error::Error;
use crate::files::write_atomic;
use crate::git::{Kind, Repo, RepoPath};
use crate::ledger::entry::Merged;
use crate::ledger::verdict::Change;
use crate::ledger::{Body, Stored};
use crate::statement::{self, Of, Place};
use crate::trail::{Record, Shelf, Wanted, When, csv, record};
use crate::untrusted::log_line;

/// Runs the command.
pub(in crate::commands) fn run(args: &ExportArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.history.repo)?;
    let history = History::open(&repo, &args.history)?;
    export(&history, args, context).map_err(|error| told(&repo, error))
}

fn export(
    history: &History<'_>,
    args: &ExportArgs,
    context: &mut Context<'_>,
) -> Result<u8, Error> {
    let since = args
        .since
        .as_deref()
        .map(|text| after(history.repo, text))
        .transpose()?;
    let shelf = match &history.ledger {
        Some(ledger) => Shelf::all(ledger)?,
        None => Shelf::default(),
    };
    if let Some(id) = &args.prompt
        && !shelf.names(id)
        && !history.had(id)?
    {
        return Err(history.unknown("export", id)?);
    }
    let export = Export {
        history,
        shelf: &shelf,
        since,
        prompt: args.prompt.as_deref(),
        server: &context.environment.server_url,
    };
    let text = match args.format.as_str() {
        "csv" => export.table(),
        "test-result" => export.verdicts(),
        "svr" => export.merges(statement::svr),
        _ => export.merges(statement::vsa),
    };
    if history.ledger.is_none() {
        context.note(&format!(
            "note: no ledger at {}, so nothing to export",
            log_line(&history.place)
        ));
    }
    match &args.out {
        Some(path) => write_atomic(path, text.as_bytes())?,
        None => context.print_data(&text)?,
    }
    Ok(0)
}

/// The time from which on something counts.
fn after(repo: &Repo, text: &str) -> Result<DateTime<Utc>, Error> {
    Ok(match Moment::read(repo, "--since", text)? {
        Moment::Time(time) => time,
        Moment::Day(day) => start(day),
        Moment::Commit(commit) => repo.time(&commit).unwrap_or_default(),
    })
}

struct Export<'a> {
    history: &'a History<'a>,
    shelf: &'a Shelf,
    since: Option<DateTime<Utc>>,
    prompt: Option<&'a str>,
    server: &'a str,
}

impl Export<'_> {
    fn is_since(&self, stored: &Stored) -> bool {
        let at = stored.entry.at.get();
        self.since.is_none_or(|since| at >= since)
    }

    /// The ids that the wanted prompt has and had; `None` where every prompt is wanted.
    fn ids(&self) -> Option<BTreeSet<String>> {
        let mut ids = BTreeSet::from([self.prompt?.to_owned()]);
        for stored in self.shelf.standing().rev() {
            let Body::Merge(merge) = &stored.entry.body else {
                continue;
            };
            for each in merge
                .prompts
                .iter()
                .filter(|each| each.renamed_from.is_some())
            {
                if ids.contains(&each.id) {
                    ids.extend(each.renamed_from.clone());
                }
            }
        }
        Some(ids)
    }

    /// Every version that the base branch got, with the merge that says so.
    fn merged(&self) -> Vec<(Record, &Stored, &Merged)> {
        let ids = self.ids();
        let mut found = Vec::new();
        for stored in self.shelf.standing().filter(|stored| self.is_since(stored)) {
            let Body::Merge(merge) = &stored.entry.body else {
                continue;
            };
            for each in &merge.prompts {
                if ids.as_ref().is_none_or(|ids| ids.contains(&each.id)) {
                    let record = self.history.of_merge(self.shelf, (stored, each));
                    found.push((record, stored, each));
                }
            }
        }
        found
    }

    fn table(&self) -> String {
        let tip = self.history.branch.tip.clone();
        let mut files = Files::new(self.history.repo, tip);
        let mut records: Vec<Record> = Vec::new();
        for (mut record, ..) in self.merged() {
            files.place(&mut record);
            records.push(record);
        }
        csv::table(&records)
    }

    fn merges(&self, make: fn(&Of<'_>) -> serde_json::Value) -> String {
        let mut lines = String::new();
        for (record, merge, merged) in self.merged() {
            if merged.to.is_none() {
                continue;
            }
            let judged = record.verdict.as_ref();
            let verdict = judged.and_then(|judged| self.entry(judged.entry));
            let of = self.of(&record, merge, verdict);
            lines.push_str(&format!("{}\n", make(&of)));
        }
        lines
    }

    /// Every verdict, of each prompt that it judged.
    fn verdicts(&self) -> String {
        let ids = self.ids();
        let mut lines = String::new();
        for stored in self.shelf.standing().filter(|stored| self.is_since(stored)) {
            let Body::Verdict(verdict) = &stored.entry.body else {
                continue;
            };
            for each in verdict.changes.iter().filter(|each| each.to.is_some()) {
                if ids.as_ref().is_none_or(|ids| ids.contains(&each.id)) {
                    let record = self.judged(stored.entry.seq, each);
                    let of = self.of(&record, stored, Some(stored));
                    lines.push_str(&format!("{}\n", statement::test_result(&of, verdict)));
                }
            }
        }
        lines
    }

    fn judged(&self, entry: u64, change: &Change) -> Record {
        let ids = [change.id.clone()];
        let wanted = Wanted {
            ids: &ids,
            version: change.to,
            merge: None,
            judged: When::Entry(entry),
        };
        Record {
            path: change.path.clone(),
            prompt: change.id.clone(),
            ..record(self.shelf, wanted)
        }
    }

    fn of<'o>(
        &'o self,
        record: &'o Record,
        stored: &'o Stored,
        verdict: Option<&'o Stored>,
    ) -> Of<'o> {
        let relied = record.approvals.iter().filter_map(|each| each.entry);
        let approvals: BTreeSet<u64> = relied.collect();
        let approvals = approvals.into_iter().filter_map(|seq| self.entry(seq));
        Of {
            record,
            stored,
            verdict,
            relied: verdict.into_iter().chain(approvals).collect(),
            blob: self.blob(stored, &record.path),
            place: Place {
                server: self.server,
                ledger: self
                    .history
                    .ledger
                    .as_ref()
                    .map(|ledger| ledger.tip().as_str()),
            },
        }
    }

    fn entry(&self, seq: u64) -> Option<&Stored> {
        self.shelf.entries().find(|stored| stored.entry.seq == seq)
    }

    /// The id of the prompt's file; none where this clone lacks the commit.
    fn blob(&self, stored: &Stored, path: &str) -> Option<String> {
        let path = RepoPath::parse(path)?;
        let found = self.history.repo.entry(&stored.entry.about.head, &path);
        let file = found.ok()?.filter(|file| file.kind == Kind::File)?;
        let hex = file.id.as_bytes().iter().map(|byte| format!("{byte:02x}"));
        Some(hex.collect())
    }
}
