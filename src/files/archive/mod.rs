//! Zip archives: which files they hold.
//!
//! Whoever opens a pull request may have made the archive, and other programs may read it as
//! well. So it is read in one way or not at all: every byte belongs to exactly one record, and
//! whatever is said twice must agree. Nothing is unpacked to the disk.

mod content;
mod names;
mod records;
#[cfg(test)]
pub(super) mod tests;

use std::io::{self, Read, Seek};
use std::path::Path;

pub(super) use content::Content;
pub(super) use records::Entry;

use super::{FileError, io_error};
use crate::limits::{
    ARTIFACT_ENTRIES, ARTIFACT_FLOOR, ARTIFACT_PACKED, ARTIFACT_RATIO, EVAL_LOG, EVAL_ROWS,
};
use names::Names;

/// What an archive may be, settable as `artifact_limits` in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArchiveLimits {
    /// The most bytes of the archive itself: `packed`.
    pub(crate) packed: u64,
    /// The most entries, folders included: `entries`.
    pub(crate) entries: u64,
    /// The most that an archive, or one entry, may grow by: `ratio`.
    pub(crate) ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            packed: ARTIFACT_PACKED,
            entries: ARTIFACT_ENTRIES,
            ratio: ARTIFACT_RATIO,
        }
    }
}

impl ArchiveLimits {
    /// The bounds for a log with an entry for each sample.
    pub(super) fn of_log(&self) -> Self {
        Self {
            packed: self.packed.max(EVAL_LOG),
            entries: self.entries.max(EVAL_ROWS as u64),
            ratio: self.ratio,
        }
    }

    /// The most bytes that so many packed ones may grow to.
    pub(super) const fn most(&self, packed: u64) -> u64 {
        let grown = packed.saturating_mul(self.ratio);
        if grown > ARTIFACT_FLOOR {
            grown
        } else {
            ARTIFACT_FLOOR
        }
    }
}

/// Why an archive is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    entry: Option<String>,
    found: String,
    expected: String,
}

impl Refusal {
    fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            entry: None,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The same, about an entry.
    fn of(self, name: &str) -> Self {
        Self {
            entry: Some(name.to_owned()),
            ..self
        }
    }
}

/// Why the entries of an archive are not known.
#[derive(Debug)]
enum Failure {
    Refused(Refusal),
    Io(io::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Failure {
    /// Where a record should be there is nothing.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Refused(Refusal::new("an end in the middle", "a whole archive"));
        }
        Self::Io(error)
    }
}

/// Whether an archive is one of Inspect's logs, which is one eval run in many entries.
pub(super) fn is_inspect_log(entries: &[Entry]) -> bool {
    let known = |entry: &Entry| {
        ["header.json", "summaries.json", "reductions.json"].contains(&entry.name.as_str())
            || entry.name.starts_with("samples/")
            || entry.name.starts_with("_journal/")
    };
    entries
        .iter()
        .any(|entry| entry.name == "_journal/start.json")
        && entries.iter().all(known)
}

/// What the start of Inspect's logs shows: their first entry is always this one. They have an
/// entry for each sample, so that other bounds hold for them.
pub(super) fn begins_inspect_log(start: &[u8]) -> bool {
    start
        .get(LOCAL_NAME..)
        .is_some_and(|name| name.starts_with(b"_journal/start.json"))
}

/// Where the name of the first entry stands, in an archive that begins with one.
const LOCAL_NAME: usize = 30;

/// Whether a file that begins so is a zip archive.
pub(super) fn is_archive(start: &[u8]) -> bool {
    let kinds: [&[u8]; 4] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x07\x08"];
    kinds.iter().any(|kind| start.starts_with(kind))
}

/// The names of the files of an archive with their sizes; none where the content is not what was
/// promised.
#[cfg(any(test, fuzzing))]
pub(crate) fn contents(
    bytes: &[u8],
    limits: &ArchiveLimits,
) -> Result<Vec<(String, Option<u64>)>, FileError> {
    let path = Path::new("a.zip");
    let mut archive = io::Cursor::new(bytes);
    let entries = files(&mut archive, path, limits)?;
    let sizes = entries.into_iter().map(|entry| {
        let name = entry.name.clone();
        let read = Content::open(&mut archive, &entry).map_err(io_error(path))?;
        let size = io::copy(&mut io::BufReader::new(read), &mut io::sink()).ok();
        Ok((name, size))
    });
    sizes.collect()
}

/// Lists the files of an archive, in the order of its directory. Where anything is wrong with
/// any entry, nothing of the archive is read.
pub(super) fn files(
    archive: &mut (impl Read + Seek),
    path: &Path,
    limits: &ArchiveLimits,
) -> Result<Vec<Entry>, FileError> {
    list(archive, limits).map_err(|failure| match failure {
        Failure::Refused(refusal) => FileError::Archive {
            path: path.display().to_string(),
            entry: refusal.entry,
            found: refusal.found,
            expected: refusal.expected,
        },
        Failure::Io(error) => io_error(path)(error),
    })
}

fn list(archive: &mut (impl Read + Seek), limits: &ArchiveLimits) -> Result<Vec<Entry>, Failure> {
    let size = archive.seek(io::SeekFrom::End(0))?;
    within(size, limits.packed, "bytes", "packed")?;
    let directory = records::directory(archive, size)?;
    within(directory.entries, limits.entries, "entries", "entries")?;
    let mut entries = records::entries(archive, &directory)?;
    let mut names = Names::default();
    for entry in &entries {
        let checked = names.add(entry).and_then(|()| grown(entry.sizes(), limits));
        checked.map_err(|refusal| refusal.of(&entry.name))?;
    }
    records::local(archive, &mut entries, directory.at)?;
    let whole = entries.iter().fold((0_u64, 0_u64), |sum, entry| {
        let (packed, unpacked) = entry.sizes();
        (sum.0.saturating_add(packed), sum.1.saturating_add(unpacked))
    });
    grown(whole, limits)?;
    entries.retain(|entry| !entry.is_folder());
    if entries.is_empty() {
        return Err(Refusal::new("no file", "an archive that holds evidence").into());
    }
    Ok(entries)
}

fn within(found: u64, most: u64, what: &str, key: &str) -> Result<(), Refusal> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::new(
        format!("{found} {what}"),
        format!("at most {most} (`artifact_limits.{key}`)"),
    ))
}

fn grown((packed, unpacked): (u64, u64), limits: &ArchiveLimits) -> Result<(), Refusal> {
    if unpacked <= limits.most(packed) {
        return Ok(());
    }
    let ratio = limits.ratio;
    Err(Refusal::new(
        format!("{packed} bytes that grow to {unpacked}"),
        format!("at most {ratio} times as many (`artifact_limits.ratio`)"),
    ))
}
