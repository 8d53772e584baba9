//! How a changed prompt's eval runs are tied to it, and what became of the test set, as JSON.

use serde::Serialize;

use super::json::time;
use crate::evidence::testset::Drift;
use crate::evidence::told::Told;
use crate::untrusted::Untrusted;

/// How eval runs are tied to a version.
#[derive(Serialize)]
pub(super) struct Binding<'r> {
    strength: Option<&'static str>,
    provenance: Option<&'static str>,
    made_at: Option<String>,
    carried: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    harness: Option<Harness<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<&'r str>,
}

/// The eval tools of both sides, where they differ.
#[derive(Serialize)]
struct Harness<'r> {
    baseline: &'r str,
    candidate: &'r str,
}

pub(super) fn of(told: &Told) -> Binding<'_> {
    let harness = told.harness.as_ref();
    Binding {
        strength: told.strength,
        provenance: told.provenance,
        made_at: told.made_at.map(time),
        carried: told.carried,
        harness: harness.map(|(base, head)| Harness {
            baseline: base.for_machines(),
            candidate: head.for_machines(),
        }),
        notes: told.notes.iter().map(Untrusted::for_machines).collect(),
        again: told.again.as_ref().map(Untrusted::for_machines),
    }
}

/// The cases of base and head run, compared.
#[derive(Serialize)]
pub(super) struct TestSet<'r> {
    same: usize,
    removed: &'r [String],
    added: &'r [String],
    changed: Vec<Changed<'r>>,
}

#[derive(Serialize)]
struct Changed<'r> {
    case: &'r str,
    parts: Vec<&'static str>,
}

pub(super) fn test_set(drift: &Drift) -> TestSet<'_> {
    let changed = drift.changed.iter().map(|(case, parts)| Changed {
        case,
        parts: parts.iter().map(|part| part.id()).collect(),
    });
    TestSet {
        same: drift.same,
        removed: &drift.removed,
        added: &drift.added,
        changed: changed.collect(),
    }
}
