//! Readers of eval results, traces, and the names and numbers in them.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::DateTime;

use super::text;
use crate::evidence::traces::calls::{Collector, Group};
use crate::evidence::traces::span::trace_id;
use crate::evidence::{ReadError, evals, saved, traces};
use crate::files::{self, ArchiveLimits};
use crate::git::{CommitSha, RepoPath};
use crate::policy::Where;
use crate::prompt::model::ModelRef;
use crate::prompt::raw::RawPrompt;
use crate::stats::{Pairs, holm, mcnemar_exact, tango};
use crate::units::{Digest, Usd};

fn told(error: &ReadError) {
    assert!(
        !error.found.is_empty() && !error.expected.is_empty(),
        "{error:?}"
    );
}

/// Every reader looks at every file. Two may claim one, which is then refused.
fn looked_at(data: &[u8]) {
    for format in evals::FORMATS {
        format.recognises(data);
    }
    for format in traces::FORMATS {
        format.recognises(data);
    }
}

/// What is read of an archive is what its names and sizes say, or nothing.
pub(super) fn archive(data: &[u8]) {
    let limits = ArchiveLimits {
        packed: 1 << 20,
        entries: 50,
        ratio: 20,
    };
    let Ok(files) = files::contents(data, &limits) else {
        return;
    };
    assert!(!files.is_empty(), "an archive of nothing");
    let mut names = BTreeSet::new();
    for (name, content) in files {
        let inside = RepoPath::parse(&name).is_some_and(|path| path.as_str() == name);
        assert!(inside, "{name:?} leads elsewhere");
        assert!(names.insert(name.to_lowercase()), "{name:?} twice");
        assert!(content.is_none_or(|size| size <= 20 << 20), "too much");
    }
}

/// A list is of this head and of these sources, or it is refused.
pub(super) fn fetched(data: &[u8]) {
    let Some(head) = CommitSha::parse(&"a".repeat(40)) else {
        return;
    };
    let nowhere = Path::new("/nowhere");
    let read = saved::parse(data, (nowhere, nowhere), &head, &[]);
    assert!(read.is_err() || read.is_ok_and(|found| found.iter().next().is_none()));
}

pub(super) fn evals(data: &[u8]) {
    looked_at(data);
    for format in evals::FORMATS {
        match evals::read(*format, &mut &*data) {
            Ok(run) => {
                for arm in run.arms {
                    let counted = arm.cases.iter().all(|case| case.runs() >= 1);
                    assert!(counted, "a case without results");
                }
            }
            Err(error) => told(&error),
        }
    }
}

pub(super) fn otlp(data: &[u8]) {
    looked_at(data);
    let mut calls = Collector::default();
    for format in traces::FORMATS {
        if let Err(error) = format.read(&mut &*data, &mut calls) {
            told(&error);
        }
    }
    let coverage = calls.finish(&Where::default(), DateTime::from_timestamp_nanos(1 << 60));
    assert!(
        coverage.unreadable <= coverage.records,
        "more unreadable than read"
    );
    let counted: u64 = coverage.groups.values().map(Group::calls).sum();
    assert!(counted <= coverage.spans, "more calls than spans");
}

pub(super) fn names(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Some(digest) = Digest::from_hex(text) {
        assert_eq!(Digest::from_hex(&digest.to_string()), Some(digest));
    }
    if let Some(model) = ModelRef::parse(text) {
        assert!(model.same(&model), "{model} is not itself");
    }
    if let Some(sha) = CommitSha::parse(text) {
        assert_eq!(sha.as_str(), text);
    }
    if let Some(id) = trace_id(text) {
        assert_eq!(trace_id(&format!("{id:032x}")), Some(id));
    }
    if let Some(amount) = text.parse().ok().and_then(Usd::from_dollars) {
        assert!(amount.plus(amount) >= amount);
    }
    let marked = format!("\u{feff}{text}");
    let marks = text.starts_with('\u{feff}');
    assert!(
        marks || RawPrompt::of(text) == RawPrompt::of(&marked),
        "a mark counts"
    );
}

/// Four counts of two bytes each.
pub(super) fn statistics(data: &[u8]) {
    let count = |at: usize| {
        let bytes = data.get(at * 2..at * 2 + 2);
        bytes.map_or(0, |bytes| {
            bytes
                .iter()
                .fold(0, |all, byte| all * 256 + u64::from(*byte))
        })
    };
    let pairs = Pairs {
        both: count(0),
        lost: count(1),
        won: count(2),
        neither: count(3),
    };
    let p = mcnemar_exact(pairs.lost, pairs.won);
    assert!((0.0..=1.0).contains(&p), "p = {p}");
    if pairs.count() > 0 {
        let (low, high) = tango(pairs);
        let difference = pairs.difference();
        let ordered = -1.0 <= low && low <= difference && difference <= high && high <= 1.0;
        assert!(ordered, "{low} {difference} {high}");
    }
    let p_values: Vec<f64> = data.iter().map(|byte| f64::from(*byte) / 255.0).collect();
    let rejected = holm(&p_values, 0.05);
    assert_eq!(rejected.len(), p_values.len());
    assert!(
        rejected
            .iter()
            .zip(&p_values)
            .all(|(rejected, p)| !rejected || *p <= 0.05)
    );
}
