//! From the paths of the command line and the policy to evidence that is read and hashed.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::ReadError;
use super::evals::{self, EvalRun};
use super::slow::Found;
use super::slow::data_policy::{self, DataPolicy};
use super::slow::drills::{self, Drills};
use super::slow::reviews::{self, Reviews};
use super::traces;
use super::traces::calls::{Collector, Coverage};
use crate::change::Range;
use crate::files::{self, Artifact, FileError};
use crate::git::{Repo, RepoPath};
use crate::policy::{Policy, Role};
use crate::reason::Code;
use crate::units::Digest;

/// How an evidence file came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Provenance {
    /// Committed in the pull request, or made by hand on a laptop.
    AuthorSupplied,
    /// Made by a workflow that the pull request could edit.
    PrWorkflow,
}

impl Provenance {
    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::AuthorSupplied => "author-supplied",
            Self::PrWorkflow => "ci(pr-workflow)",
        }
    }
}

/// A path that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// A file, a folder or a pattern.
    pub(crate) path: PathBuf,
    /// Which side it is, where that was said.
    pub(crate) role: Option<Role>,
}

/// What an evidence file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Eval results.
    Evals,
    /// Traces.
    Traces,
    /// Nobody could tell.
    Unknown,
}

impl Use {
    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Evals => "evals",
            Self::Traces => "traces",
            Self::Unknown => "unknown",
        }
    }
}

/// An evidence file that was looked at.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceFile {
    /// As people named it.
    pub(crate) path: String,
    /// Of the file as it lies on disk; `None` where it could not be read.
    pub(crate) sha256: Option<Digest>,
    /// What it is for.
    pub(crate) used_as: Use,
    /// The format's id.
    pub(crate) tool: &'static str,
    /// The tool's own version.
    pub(crate) tool_version: Option<String>,
    /// How it came here.
    pub(crate) provenance: Provenance,
    /// Why it says nothing.
    pub(crate) problem: Option<FileProblem>,
}

/// Why an evidence file says nothing.
#[derive(Debug, Clone)]
pub(crate) struct FileProblem {
    /// The stable code.
    pub(crate) code: Code,
    /// The line.
    pub(crate) line: Option<usize>,
    /// What was found.
    pub(crate) found: String,
    /// What was expected.
    pub(crate) expected: String,
}

/// An eval run and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct LoadedRun {
    /// Index into the evidence files.
    pub(crate) file: usize,
    /// Which side it is, where that was said.
    pub(crate) role: Option<Role>,
    /// The run.
    pub(crate) run: EvalRun,
}

/// All evidence of a check.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// Every file that was looked at.
    pub(crate) files: Vec<EvidenceFile>,
    /// Every eval run that could be read.
    pub(crate) runs: Vec<LoadedRun>,
    /// All traces together; `None` where no trace file was given.
    pub(crate) coverage: Option<Coverage>,
    /// Debug drills at the base tip.
    pub(crate) drills: Found<Drills>,
    /// Reviews at the base tip.
    pub(crate) reviews: Found<Reviews>,
    /// The data policy statement at the base tip.
    pub(crate) data_policy: Found<DataPolicy>,
}

impl Evidence {
    /// The first file for this use that could not be read, if there is one. A file that
    /// nobody could recognise may have been for any use.
    pub(crate) fn broken(&self, used_as: Use) -> Option<(&EvidenceFile, &FileProblem)> {
        self.files
            .iter()
            .filter(|file| file.used_as == used_as || file.used_as == Use::Unknown)
            .find_map(|file| Some((file, file.problem.as_ref()?)))
    }
}

/// What a check asks for beside the policy's sources.
pub(crate) struct Asked<'a> {
    /// Paths of the command line.
    pub(crate) wanted: &'a [Wanted],
    /// Whether this is a workflow run.
    pub(crate) actions: bool,
    /// The time of the check.
    pub(crate) now: DateTime<Utc>,
}

/// Reads everything. `asked` is what the command line adds to the policy's own sources.
pub(crate) fn collect(repo: &Repo, range: &Range, policy: &Policy, asked: &Asked<'_>) -> Evidence {
    let folder = repo.folder();
    let sources = policy.evidence.evals.iter().chain(&policy.evidence.traces);
    let mut paths: Vec<(PathBuf, Option<Role>, bool)> = sources
        .map(|source| (folder.join(&source.pattern), source.role, false))
        .collect();
    paths.extend(
        asked
            .wanted
            .iter()
            .map(|each| (each.path.clone(), each.role, true)),
    );
    let mut reading = Reading {
        files: Vec::new(),
        runs: Vec::new(),
        calls: Collector::default(),
        traced: false,
    };
    for (path, role, explicit) in paths {
        reading.path(&path, role, explicit);
    }
    for file in &mut reading.files {
        let relative = relative(&folder, Path::new(&file.path));
        let committed =
            relative.is_some_and(|path| matches!(repo.entry(&range.head, &path), Ok(Some(_))));
        if asked.actions && !committed {
            file.provenance = Provenance::PrWorkflow;
        }
    }
    let base = &range.base;
    let kept = &policy.evidence;
    Evidence {
        files: reading.files,
        runs: reading.runs,
        coverage: reading
            .traced
            .then(|| reading.calls.finish(&kept.calls, asked.now)),
        drills: drills::read(repo, base, &kept.drills),
        reviews: reviews::read(repo, base, &kept.reviews),
        data_policy: data_policy::read(repo, base, &kept.data_policy),
    }
}

/// Only what is kept in the repository: nothing that changed needs evals or traces.
pub(crate) fn slow_only(repo: &Repo, range: &Range, policy: &Policy) -> Evidence {
    let kept = &policy.evidence;
    Evidence {
        files: Vec::new(),
        runs: Vec::new(),
        coverage: None,
        drills: drills::read(repo, &range.base, &kept.drills),
        reviews: reviews::read(repo, &range.base, &kept.reviews),
        data_policy: data_policy::read(repo, &range.base, &kept.data_policy),
    }
}

fn relative(folder: &Path, path: &Path) -> Option<RepoPath> {
    let inside = path
        .strip_prefix(folder)
        .ok()
        .or_else(|| path.is_relative().then_some(path))?;
    RepoPath::parse(&inside.to_string_lossy())
}

struct Reading {
    files: Vec<EvidenceFile>,
    runs: Vec<LoadedRun>,
    calls: Collector,
    traced: bool,
}

impl Reading {
    fn path(&mut self, path: &Path, role: Option<Role>, explicit: bool) {
        match files::expand(path) {
            Ok(found) if found.is_empty() => {
                // A source of the policy that is not there yet is missing, and the gates that
                // need it say so; a path that somebody typed is a mistake.
                if explicit {
                    let problem = FileProblem {
                        code: Code::EvidenceUnreadable,
                        line: None,
                        found: String::from("no such file"),
                        expected: String::from("a file, a folder or a pattern that finds one"),
                    };
                    self.unknown(path, problem);
                }
            }
            Ok(found) => {
                for path in found {
                    self.file(&Artifact::new(path), role);
                }
            }
            Err(error) => self.unknown(path, unreadable(&error)),
        }
    }

    /// A file that nobody could read.
    fn unknown(&mut self, path: &Path, problem: FileProblem) {
        self.push(path, (Use::Unknown, ""), None, Some(problem));
    }

    fn push(
        &mut self,
        path: &Path,
        (used_as, tool): (Use, &'static str),
        sha256: Option<Digest>,
        problem: Option<FileProblem>,
    ) {
        self.files.push(EvidenceFile {
            path: path.display().to_string(),
            sha256,
            used_as,
            tool,
            tool_version: None,
            provenance: Provenance::AuthorSupplied,
            problem,
        });
    }

    fn file(&mut self, artifact: &Artifact, role: Option<Role>) {
        let path = artifact.path();
        let start = match artifact.peek() {
            Ok(start) => start,
            Err(error) => {
                return self.unknown(path, unreadable(&error));
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
                let result = artifact.read(|reader| format.read(reader));
                let (sha256, result) = part(result);
                let problem = result.as_ref().err().cloned();
                self.push(path, (Use::Evals, format.id()), sha256, problem);
                let at = self.files.len() - 1;
                if let Ok(run) = result {
                    if let Some(file) = self.files.get_mut(at) {
                        file.tool_version.clone_from(&run.tool_version);
                    }
                    self.runs.push(LoadedRun {
                        file: at,
                        role,
                        run,
                    });
                }
            }
            ([], [format]) => {
                let calls = &mut self.calls;
                let result = artifact.read(|reader| format.read(reader, calls));
                let (sha256, result) = part(result);
                self.traced |= result.is_ok();
                self.push(path, (Use::Traces, format.id()), sha256, result.err());
            }
            (evals, traces) => {
                let claimed: Vec<&str> = evals
                    .iter()
                    .map(|each| each.id())
                    .chain(traces.iter().map(|each| each.id()))
                    .collect();
                let problem = unknown(&start, &claimed);
                self.unknown(path, problem);
            }
        }
    }
}

fn unknown(start: &[u8], claimed: &[&str]) -> FileProblem {
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

fn unreadable(error: &FileError) -> FileProblem {
    FileProblem {
        code: Code::EvidenceUnreadable,
        line: None,
        found: error.to_string(),
        expected: String::from("a readable file"),
    }
}
