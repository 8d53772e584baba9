//! Eval files by themselves: without a repository, a change or a policy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::bound::{self, BoundCases, Tied};
use super::collect::{EvidenceFile, LoadedRun, Originals, Use};
use super::reading::{Given, Reading};
use crate::files::ArchiveLimits;
use crate::policy::Role;
use crate::policy::provenance::Provenance;
use crate::policy::strength::Strength;

/// What was read of some files.
pub(crate) struct Alone {
    /// Every file.
    pub(crate) files: Vec<EvidenceFile>,
    /// Every run.
    pub(crate) runs: Vec<LoadedRun>,
    /// The files, for a second look.
    pub(crate) originals: Originals,
}

/// Reads files, each said to be of one side.
pub(crate) fn read<'p>(paths: impl Iterator<Item = (&'p PathBuf, Role)>) -> Alone {
    let mut reading = Reading::new();
    for (path, role) in paths {
        let given = Given {
            role: Some(role),
            provenance: Provenance::AuthorSupplied,
            used_as: Use::Evals,
            name: None,
            window: None,
        };
        // Without a greatest age, nothing is too old.
        drop(reading.open(path, &given, &ArchiveLimits::default()));
    }
    Alone {
        originals: Originals::of(reading.artifacts, None),
        files: reading.files,
        runs: reading.runs,
    }
}

impl Alone {
    /// The cases of one side, by the name that its tool has for the prompt.
    pub(crate) fn cases(&self, role: Role) -> BTreeMap<String, BoundCases> {
        let mut prompts: BTreeMap<String, bound::ByModel<'_>> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.role == Some(role)) {
            let format = self.files.get(run.file).map_or("", |file| file.tool);
            for arm in &run.run.arms {
                let prompt = arm.shown.label.clone().unwrap_or_default();
                let model = arm.shown.model.as_ref().map(ToString::to_string);
                let strength = Strength::default();
                let models = prompts.entry(prompt).or_default();
                models.entry(model).or_default().push(Tied {
                    run,
                    arm,
                    strength,
                    format,
                });
            }
        }
        let bound = prompts.into_iter().filter_map(|(prompt, models)| {
            let several = models.len() > 1;
            Some((prompt, bound::merge(models, several, None)?))
        });
        bound.collect()
    }
}
