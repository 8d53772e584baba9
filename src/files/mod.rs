//! The only user of the file system: bounded reads, unpacking, directories, atomic writes.

mod archive;
mod artifact;
mod expand;
mod log;
mod place;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::limits::EVIDENCE_FILES;
use crate::units::Digest;

pub(crate) use archive::ArchiveLimits;
#[cfg(any(test, fuzzing))]
pub(crate) use archive::contents;
pub(crate) use artifact::{Artifact, Stamp, open};
pub(crate) use expand::expand;
pub(crate) use place::{plain_below, write_all};

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Larger than what is read of such a file.
    #[error("{path}: {size} bytes, more than the {limit} that are read of such a file")]
    TooLarge {
        /// Which file.
        path: String,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A directory or a glob names too many files.
    #[error("{path}: names more than {EVIDENCE_FILES} files")]
    TooMany {
        /// Which directory or glob.
        path: String,
    },
    /// An archive that is not read, not even in part.
    #[error("{path}: {}found {found}, expected {expected}", about(entry.as_deref()))]
    Archive {
        /// Which archive.
        path: String,
        /// Which of its entries, where it is about one.
        entry: Option<String>,
        /// What is wrong.
        found: String,
        /// What an archive may be.
        expected: String,
    },
    /// There is something else where a file would go.
    #[error("{path}: found {found}, expected {expected}")]
    NotPlain {
        /// Which place.
        path: String,
        /// What is there.
        found: &'static str,
        /// What should be.
        expected: &'static str,
    },
    /// Files that are not to be lost.
    #[error("there are other files at {path}, and nothing was written")]
    Taken {
        /// Which.
        path: String,
    },
    /// A glob that cannot be read.
    #[error("{path}: not a glob: {reason}")]
    Glob {
        /// The pattern.
        path: String,
        /// Why.
        reason: String,
    },
}

fn about(entry: Option<&str>) -> String {
    entry.map_or_else(String::new, |name| format!("entry `{name}`: "))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> FileError + '_ {
    move |source| FileError::Io {
        path: path.display().to_string(),
        source,
    }
}

/// Reads a small text file whole.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(io_error(path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(path))?;
    let size = bytes.len() as u64;
    if size > limit {
        let path = path.display().to_string();
        return Err(FileError::TooLarge { path, size, limit });
    }
    Ok(bytes)
}

/// Whether there is a file.
pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Writes a file so that a reader sees either the old or the new content, never half of it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io_error(path))?;
    file.write_all(bytes).map_err(io_error(path))?;
    file.persist(path)
        .map_err(|failed| io_error(path)(failed.error))?;
    Ok(())
}

/// The digest of a file as it lies on disk.
pub(crate) fn digest(path: &Path) -> Result<Digest, FileError> {
    let ((), stamp) = Artifact::new(path.to_owned()).read(|_| ())?;
    Ok(stamp.sha256)
}

/// Makes a folder that goes away with the value.
pub(crate) fn temporary() -> Result<TempDir, FileError> {
    TempDir::new().map_err(io_error(Path::new("a temporary folder")))
}

/// Makes a folder, unless it is there.
pub(crate) fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(io_error(path))
}

/// Where a file really lies, once every symbolic link on the way is followed.
pub(crate) fn real(path: &Path) -> Result<PathBuf, FileError> {
    fs::canonicalize(path).map_err(io_error(path))
}

/// Makes a file, or empties it, to write a large content into it piece by piece.
pub(crate) fn create(path: &Path) -> Result<File, FileError> {
    File::create(path).map_err(io_error(path))
}

/// Appends to a file that the workflow runner reads: `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY`.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(io_error(path))?;
    file.write_all(bytes).map_err(io_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_that_is_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        write_atomic(&path, &[0; 100]).unwrap();
        assert!(read_bounded(&path, 100).is_ok());
        let error = read_bounded(&path, 99).unwrap_err().to_string();
        assert!(error.contains("more than the 99"), "{error}");
    }
}
