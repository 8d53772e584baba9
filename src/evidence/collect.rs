//! From the paths of the command line and the policy to evidence that is read and hashed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, ops};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::evals::{EvalRun, Format};
use super::home::{Home, escape};
use super::reading::{Given, Reading, unreadable};
use super::slow::Found;
use super::slow::data_policy::{self, DataPolicy};
use super::slow::drills::{self, Drills};
use super::slow::reviews::{self, Reviews};
use super::supply::{Absence, Absent, Supplies, Supply};
use super::traces::calls::Coverage;
use crate::change::Range;
use crate::files::{self, Artifact, FileError};
use crate::git::{Kind, Repo, RepoPath};
use crate::glob::Pattern;
use crate::limits::COMMITTED_EVIDENCE;
use crate::policy::provenance::Provenance;
use crate::policy::sources::{self, Origin, Source};
use crate::policy::{Policy, Role, scope};
use crate::reason::Code;
use crate::units::Digest;

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
    /// Who could have written it.
    pub(crate) provenance: Provenance,
    /// The run.
    pub(crate) run: EvalRun,
}

/// Eval files by their index, with the folder that some of them lie in for a while.
type Opened = (
    BTreeMap<usize, (Artifact, &'static dyn Format)>,
    Option<TempDir>,
);

/// The eval files of a check, as long as they may be read again.
#[derive(Clone, Default)]
pub(crate) struct Originals(Arc<Opened>);

impl Originals {
    /// Files by their index, with the folder that some of them lie in.
    pub(super) fn of(
        artifacts: BTreeMap<usize, (Artifact, &'static dyn Format)>,
        folder: Option<TempDir>,
    ) -> Self {
        Self(Arc::new((artifacts, folder)))
    }

    /// A file and its format.
    pub(crate) fn get(&self, file: usize) -> Option<&(Artifact, &'static dyn Format)> {
        self.0.0.get(&file)
    }
}

impl fmt::Debug for Originals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.0.keys()).finish()
    }
}

/// All evidence of a check.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// Every file that was looked at.
    pub(crate) files: Vec<EvidenceFile>,
    /// Every eval run that could be read.
    pub(crate) runs: Vec<LoadedRun>,
    /// The eval files, for a second look.
    pub(crate) originals: Originals,
    /// The policy's sources that gave nothing.
    pub(crate) absent: Vec<Absent>,
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
    /// The least provenance of the files of one use.
    pub(crate) fn least_of(&self, used_as: Use) -> Option<Provenance> {
        let files = self.files.iter().filter(|file| file.used_as == used_as);
        files.map(|file| file.provenance).min()
    }

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
    /// What came of the sources that must be fetched.
    pub(crate) supplies: &'a Supplies,
    /// Whether this is a workflow run.
    pub(crate) actions: bool,
    /// The time of the check.
    pub(crate) now: DateTime<Utc>,
}

/// Reads everything. `asked` is what the command line adds to the policy's own sources.
pub(crate) fn collect(repo: &Repo, range: &Range, policy: &Policy, asked: &Asked<'_>) -> Evidence {
    let mut collecting = Collecting {
        repo,
        range,
        policy,
        asked,
        home: Home::of(&repo.folder()),
        folder: repo.folder(),
        reading: Reading::new(),
        blobs: None,
        traces: Vec::new(),
    };
    let mut absent = Vec::new();
    for (at, source) in policy.evidence.sources.iter().enumerate() {
        if let Err(absence) = collecting.source(at, source) {
            absent.push(Absent::of(source, absence));
        }
    }
    for wanted in asked.wanted {
        collecting.wanted(wanted);
    }
    collecting.finish(absent)
}

/// Only what is kept in the repository: nothing that changed needs evals or traces.
pub(crate) fn slow_only(repo: &Repo, range: &Range, policy: &Policy) -> Evidence {
    let kept = &policy.evidence;
    Evidence {
        files: Vec::new(),
        runs: Vec::new(),
        originals: Originals::default(),
        absent: Vec::new(),
        coverage: None,
        drills: drills::read(repo, &range.base, &kept.drills),
        reviews: reviews::read(repo, &range.base, &kept.reviews),
        data_policy: data_policy::read(repo, &range.base, &kept.data_policy),
    }
}

struct Collecting<'a> {
    repo: &'a Repo,
    range: &'a Range,
    policy: &'a Policy,
    asked: &'a Asked<'a>,
    home: Home,
    folder: PathBuf,
    reading: Reading,
    /// Where files of the repository are read from.
    blobs: Option<TempDir>,
    /// The sources whose trace files' age shows when all spans are joined, each with the numbers
    /// of its files.
    traces: Vec<(usize, ops::Range<u32>)>,
}

impl Collecting<'_> {
    /// Reads what a source holds, or tells why it counts for nothing.
    fn source(&mut self, at: usize, source: &Source) -> Result<(), Absence> {
        let first = self.reading.calls.begun();
        // A day ahead is for clocks that differ.
        let until = self.asked.now + TimeDelta::days(1);
        let window = source.max_age.map(|age| self.asked.now - age..=until);
        let given = |provenance| Given {
            used_as: used_as(source),
            role: source.role,
            provenance,
            name: None,
            window: window.clone(),
        };
        match &source.origin {
            Origin::Tree(pattern) => self.tree(pattern, false, &given)?,
            Origin::Job(pattern) => self.tree(pattern, true, &given)?,
            Origin::Repository(glob) => {
                self.repository(glob, &given(Provenance::AuthorSupplied))?;
            }
            Origin::Artifact { .. } | Origin::Release { .. } => {
                self.fetched(at, source, window.as_ref())?;
            }
        }
        if window.is_some() && !source.origin.is_remote() {
            self.traces.push((at, first..self.reading.calls.begun()));
        }
        Ok(())
    }

    /// Files on disk. With `job`, what is committed at the head does not count.
    fn tree(
        &mut self,
        pattern: &str,
        job: bool,
        given: &dyn Fn(Provenance) -> Given,
    ) -> Result<(), Absence> {
        let path = self.folder.join(pattern);
        let found = match files::expand(&path) {
            Ok(found) => found,
            Err(error) => {
                let given = given(Provenance::AuthorSupplied);
                self.reading.unknown(&path, &given, unreadable(&error));
                return Ok(());
            }
        };
        let all = found.len();
        let found: Vec<PathBuf> = found
            .into_iter()
            .filter(|path| !job || !self.is_committed(path))
            .collect();
        if found.is_empty() {
            let words = match all {
                0 => "no such file",
                _ => "it is committed at the head, and only what the job makes counts",
            };
            return Err(Absence::missing(Code::ProducerMissing, words));
        }
        let mut read = Vec::new();
        for path in found {
            let given = given(self.provenance(&path));
            read.extend(self.inside(&path, &given, false));
        }
        any(read)
    }

    /// A path of the command line, which somebody typed: one that finds nothing is a mistake.
    fn wanted(&mut self, wanted: &Wanted) {
        let given = |provenance| Given {
            used_as: Use::Unknown,
            role: wanted.role,
            provenance,
            name: None,
            window: None,
        };
        let problem = match files::expand(&wanted.path) {
            Ok(found) if found.is_empty() => FileProblem {
                code: Code::EvidenceUnreadable,
                line: None,
                found: String::from("no such file"),
                expected: String::from("a file, a folder or a pattern that finds one"),
            },
            Ok(found) => {
                for path in found {
                    let given = given(self.provenance(&path));
                    // Without a greatest age, nothing is too old.
                    drop(self.inside(&path, &given, true));
                }
                return;
            }
            Err(error) => unreadable(&error),
        };
        let given = given(Provenance::AuthorSupplied);
        self.reading.unknown(&wanted.path, &given, problem);
    }

    /// Files of the repository, at the head: whatever lies on disk.
    fn repository(&mut self, glob: &Pattern, given: &Given) -> Result<(), Absence> {
        let broken =
            |error: &dyn fmt::Display| Absence::broken(Code::EvidenceUnreadable, error.to_string());
        let files = self
            .repo
            .files(&self.range.head, &scope::root(glob))
            .map_err(|error| broken(&error))?;
        let mut read = Vec::new();
        for (path, entry) in files {
            if !glob.is_match(path.as_str()) {
                continue;
            }
            if entry.kind != Kind::File {
                let found = format!("`{path}` is no plain file, and links are not followed");
                return Err(Absence::broken(Code::EvidenceUnreadable, found));
            }
            let bytes = self
                .repo
                .blob(entry.id, COMMITTED_EVIDENCE)
                .map_err(|error| broken(&error))?;
            let copy = self
                .blob_path(read.len())
                .and_then(|copy| files::write_atomic(&copy, &bytes).map(|()| copy))
                .map_err(|error| broken(&error))?;
            let given = Given {
                name: Some(path.to_string()),
                ..given.clone()
            };
            read.extend(self.open(&copy, &given));
        }
        if read.is_empty() {
            let found = format!("no such file at {}", self.range.head.short());
            return Err(Absence::missing(Code::ProducerMissing, found));
        }
        any(read)
    }

    /// A file on disk, unless it leads out of the repository through a link.
    fn inside(&mut self, path: &Path, given: &Given, typed: bool) -> Vec<Result<(), Absence>> {
        if self.home.escapes(path, typed) {
            self.reading.unknown(path, given, escape());
            return vec![Ok(())];
        }
        self.open(path, given)
    }

    fn open(&mut self, path: &Path, given: &Given) -> Vec<Result<(), Absence>> {
        self.reading.open(path, given, &self.policy.archives)
    }

    fn blob_path(&mut self, number: usize) -> Result<PathBuf, FileError> {
        let folder = match self.blobs.take() {
            Some(folder) => folder,
            None => files::temporary()?,
        };
        let path = folder.path().join(number.to_string());
        self.blobs = Some(folder);
        Ok(path)
    }

    /// Files that were fetched.
    fn fetched(
        &mut self,
        at: usize,
        source: &Source,
        window: Option<&ops::RangeInclusive<DateTime<Utc>>>,
    ) -> Result<(), Absence> {
        let fetched = match self.asked.supplies.of(at) {
            Supply::Files(files) => files,
            Supply::Absent(absence) => return Err(absence),
        };
        let mut read = Vec::new();
        for file in fetched {
            if window.is_some_and(|window| !window.contains(&file.made_at)) {
                let day = file.made_at.date_naive();
                read.push(Err(Absence::old(format!("it was made on {day}"))));
                continue;
            }
            let given = Given {
                used_as: used_as(source),
                role: source.role,
                provenance: file.provenance,
                name: Some(file.name),
                window: None,
            };
            read.extend(self.open(&file.path, &given));
        }
        any(read)
    }

    /// Whoever may push to the branch wrote what is committed there. What else lies on disk was
    /// made by the job, whose workflow the pull request can edit; without a job, by hand.
    fn provenance(&self, path: &Path) -> Provenance {
        if self.asked.actions && !self.is_committed(path) {
            Provenance::PrWorkflow
        } else {
            Provenance::AuthorSupplied
        }
    }

    /// Whether the head has this file, wherever links lead. What cannot be told counts as
    /// committed: it is the lower provenance.
    fn is_committed(&self, path: &Path) -> bool {
        let Some(inside) = self.home.inside(path) else {
            return false;
        };
        let Some(path) = RepoPath::parse(&inside.to_string_lossy()) else {
            return true;
        };
        let mut at = Some(path);
        while let Some(path) = at {
            match self.repo.entry(&self.range.head, &path) {
                // Above the file only folders are ordinary: what is in a submodule is committed
                // there.
                Ok(Some(entry)) => return entry.kind != Kind::Folder,
                Ok(None) => {}
                Err(_) => return true,
            }
            let above = path.folder();
            at = (above != path && !above.as_str().is_empty()).then_some(above);
        }
        false
    }

    fn finish(self, mut absent: Vec<Absent>) -> Evidence {
        let kept = &self.policy.evidence;
        let (repo, base) = (self.repo, &self.range.base);
        let coverage = self
            .reading
            .traced
            .then(|| self.reading.calls.finish(&kept.calls, self.asked.now));
        for (at, mut files) in self.traces {
            let old = coverage.as_ref().map(|coverage| &coverage.old_files);
            let Some(source) = kept.sources.get(at) else {
                continue;
            };
            if !files.is_empty() && files.all(|file| old.is_some_and(|old| old.contains(&file))) {
                let found = "its newest call is older";
                absent.push(Absent::of(source, Absence::old(found)));
            }
        }
        Evidence {
            files: self.reading.files,
            runs: self.reading.runs,
            originals: Originals::of(self.reading.artifacts, self.blobs),
            absent,
            coverage,
            drills: drills::read(repo, base, &kept.drills),
            reviews: reviews::read(repo, base, &kept.reviews),
            data_policy: data_policy::read(repo, base, &kept.data_policy),
        }
    }
}

/// What the files of a source are for.
const fn used_as(source: &Source) -> Use {
    match source.kind {
        sources::Kind::Evals => Use::Evals,
        sources::Kind::Traces => Use::Traces,
    }
}

/// One file that counts is enough; where none does, the first reason.
fn any(read: Vec<Result<(), Absence>>) -> Result<(), Absence> {
    if read.iter().any(Result::is_ok) {
        return Ok(());
    }
    read.into_iter().collect()
}
