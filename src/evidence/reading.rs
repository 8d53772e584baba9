//! Reads evidence files one after the other: recognised by content, streamed, hashed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::ReadError;
use super::collect::{EvidenceFile, FileProblem, LoadedRun, Use};
use super::evals;
use super::supply::Absence;
use super::traces;
use super::traces::calls::Collector;
use crate::files::{self, ArchiveLimits, Artifact, FileError};
use crate::policy::Role;
use crate::policy::provenance::Provenance;
use crate::reason::Code;
use crate::units::Digest;

/// What is known of a file before it is read.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// Which side it is, where that was said.
    pub(super) role: Option<Role>,
    /// Who could have written it.
    pub(super) provenance: Provenance,
    /// What it is for, where that was said.
    pub(super) used_as: Use,
    /// What it is called, where that is not its path.
    pub(super) name: Option<String>,
    /// What was made outside this time does not count.
    pub(super) window: Option<RangeInclusive<DateTime<Utc>>>,
}

impl Given {
    /// A problem that names the file as people know it, and not where it lies for a while.
    fn hides(&self, path: &Path, mut problem: FileProblem) -> FileProblem {
        if let Some(name) = &self.name {
            let path = path.display().to_string();
            problem.found = problem.found.replace(&path, name);
        }
        problem
    }
}

/// What was read so far.
pub(super) struct Reading {
    /// Every file that was looked at.
    pub(super) files: Vec<EvidenceFile>,
    /// Every eval run that counts.
    pub(super) runs: Vec<LoadedRun>,
    /// The eval files, to read their texts from, by their index.
    pub(super) artifacts: BTreeMap<usize, (Artifact, &'static dyn evals::Format)>,
    /// The spans.
    pub(super) calls: Collector,
    /// Whether there was a trace file at all.
    pub(super) traced: bool,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            files: Vec::new(),
            runs: Vec::new(),
            artifacts: BTreeMap::new(),
            calls: Collector::default(),
            traced: false,
        }
    }

    /// A file that nobody could read.
    pub(super) fn unknown(&mut self, path: &Path, given: &Given, problem: FileProblem) {
        let path = path.display().to_string();
        let name = given.name.clone().unwrap_or(path);
        self.push(name, given, (given.used_as, ""), (None, Some(problem)));
    }

    fn push(
        &mut self,
        path: String,
        given: &Given,
        (used_as, tool): (Use, &'static str),
        (sha256, problem): (Option<Digest>, Option<FileProblem>),
    ) {
        self.files.push(EvidenceFile {
            path,
            sha256,
            used_as,
            tool,
            tool_version: None,
            provenance: given.provenance,
            problem,
        });
    }

    /// Reads a file, or each file in an archive. Returns for each why it does not count, where
    /// it is sound and too old.
    pub(super) fn open(
        &mut self,
        path: &Path,
        given: &Given,
        limits: &ArchiveLimits,
    ) -> Vec<Result<(), Absence>> {
        match files::open(path, limits) {
            Ok(found) => {
                let read = found.into_iter().map(|artifact| self.file(artifact, given));
                read.collect()
            }
            Err(error) => {
                let problem = given.hides(path, unreadable(&error));
                self.unknown(path, given, problem);
                vec![Ok(())]
            }
        }
    }

    fn file(&mut self, artifact: Artifact, given: &Given) -> Result<(), Absence> {
        let name = match &given.name {
            Some(name) => artifact.shown_as(name),
            None => artifact.shown(),
        };
        let start = match artifact.peek() {
            Ok(start) => start,
            Err(error) => {
                let problem = Some(given.hides(artifact.path(), unreadable(&error)));
                self.push(name, given, (given.used_as, ""), (None, problem));
                return Ok(());
            }
        };
        let evals: Vec<_> = evals::FORMATS
            .iter()
            .filter(|each| each.recognises(&start))
            .collect();
        let traces: Vec<_> = traces::FORMATS
            .iter()
            .filter(|each| each.recognises(&start))
            .collect();
        match (evals.as_slice(), traces.as_slice()) {
            ([format], []) => {
                let result = self.evals(**format, &artifact, (name, given));
                self.artifacts
                    .insert(self.files.len() - 1, (artifact, **format));
                result
            }
            ([], [format]) => {
                let oldest = given.window.as_ref().map(|window| *window.start());
                self.calls.begin(oldest);
                let calls = &mut self.calls;
                let result = artifact.read(|reader| format.read(reader, calls));
                let (sha256, result) = part(result);
                self.traced |= result.is_ok();
                let used_as = (Use::Traces, format.id());
                self.push(name, given, used_as, (sha256, result.err()));
                Ok(())
            }
            (evals, traces) => {
                let claimed: Vec<&str> = evals
                    .iter()
                    .map(|each| each.id())
                    .chain(traces.iter().map(|each| each.id()))
                    .collect();
                let problem = Some(unrecognised(&start, &claimed));
                self.push(name, given, (given.used_as, ""), (None, problem));
                Ok(())
            }
        }
    }

    fn evals(
        &mut self,
        format: &dyn evals::Format,
        artifact: &Artifact,
        (name, given): (String, &Given),
    ) -> Result<(), Absence> {
        let (sha256, result) = part(artifact.read(|reader| evals::read(format, reader)));
        let problem = result.as_ref().err().cloned();
        let used_as = (Use::Evals, format.id());
        self.push(name, given, used_as, (sha256, problem));
        let (Ok(run), Some(file)) = (result, self.files.last_mut()) else {
            return Ok(());
        };
        file.tool_version.clone_from(&run.tool_version);
        if let Some(window) = &given.window {
            let name = &file.path;
            let made = run
                .made_at
                .ok_or_else(|| Absence::old(format!("`{name}` does not say when it was made")))?;
            if !window.contains(&made) {
                let day = made.date_naive();
                return Err(Absence::old(format!("`{name}` was made on {day}")));
            }
        }
        self.runs.push(LoadedRun {
            file: self.files.len() - 1,
            role: given.role,
            provenance: given.provenance,
            run,
        });
        Ok(())
    }
}

fn unrecognised(start: &[u8], claimed: &[&str]) -> FileProblem {
    let found = if start.iter().all(u8::is_ascii_whitespace) {
        String::from("an empty file")
    } else if claimed.is_empty() {
        let text = String::from_utf8_lossy(start.get(..40).unwrap_or(start)).into_owned();
        format!(
            "content that no reader knows, starting `{}`",
            crate::untrusted::visible(&text)
        )
    } else {
        format!("content that several readers claim: {}", claimed.join(", "))
    };
    let known: Vec<&str> = evals::FORMATS
        .iter()
        .map(|each| each.about())
        .chain(traces::FORMATS.iter().map(|each| each.about()))
        .collect();
    FileProblem {
        code: Code::EvidenceUnknown,
        line: None,
        found,
        expected: known.join("; "),
    }
}

fn part<T>(
    result: Result<(Result<T, ReadError>, files::Stamp), FileError>,
) -> (Option<Digest>, Result<T, FileProblem>) {
    match result {
        Ok((Ok(value), stamp)) => (Some(stamp.sha256), Ok(value)),
        Ok((Err(error), stamp)) => {
            let problem = FileProblem {
                code: Code::EvidenceUnreadable,
                line: error.line,
                found: error.found,
                expected: error.expected,
            };
            (Some(stamp.sha256), Err(problem))
        }
        Err(error) => (None, Err(unreadable(&error))),
    }
}

/// A file that the operating system, or the reader of archives, refuses.
pub(super) fn unreadable(error: &FileError) -> FileProblem {
    let (code, expected) = match error {
        FileError::Archive { .. } => (Code::ArchiveRefused, "an archive that reads in one way"),
        FileError::Io { .. }
        | FileError::TooLarge { .. }
        | FileError::TooMany { .. }
        | FileError::NotPlain { .. }
        | FileError::Taken { .. }
        | FileError::Glob { .. } => (Code::EvidenceUnreadable, "a readable file"),
    };
    FileProblem {
        code,
        line: None,
        found: error.to_string(),
        expected: expected.to_owned(),
    }
}
