//! Files of ours in a repository's worktree: written all or none, and through no link.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{FileError, io_error, read_bounded};

/// The most that a file may hold that is replaced, since it must be put back if that fails.
const MAX_KEPT: u64 = 1 << 20;

/// Writes several files so that all of them are written or none.
pub(crate) fn write_all(files: &[(PathBuf, &[u8])]) -> Result<(), FileError> {
    let mut staged = Vec::new();
    for (path, bytes) in files {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io_error(path))?;
        file.write_all(bytes).map_err(io_error(path))?;
        readable(&file).map_err(io_error(path))?;
        let before = path
            .exists()
            .then(|| read_bounded(path, MAX_KEPT))
            .transpose()?;
        staged.push((file, path, before));
    }
    let mut done: Vec<(&PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (file, path, before) in staged {
        if let Err(failed) = file.persist(path) {
            for (path, before) in done {
                drop(match before {
                    Some(before) => fs::write(path, before),
                    None => fs::remove_file(path),
                });
            }
            return Err(io_error(path)(failed.error));
        }
        done.push((path, before));
    }
    Ok(())
}

/// Lets others read a file, as Git and editors make theirs; temporary files are private.
#[cfg(unix)]
fn readable(file: &tempfile::NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &tempfile::NamedTempFile) -> io::Result<()> {
    Ok(())
}

/// The content of the file at a place below a folder, or nothing where there is none. A link on
/// the way would lead elsewhere, and is refused.
pub(crate) fn plain_below(folder: &Path, place: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let mut path = folder.to_owned();
    let mut parts = place.components().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let kind = match fs::symlink_metadata(&path) {
            Ok(there) => there.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        let last = parts.peek().is_none();
        let fits = if last { kind.is_file() } else { kind.is_dir() };
        if !fits {
            return Err(FileError::NotPlain {
                path: path.display().to_string(),
                found: if kind.is_symlink() {
                    "a symbolic link"
                } else if kind.is_dir() {
                    "a folder"
                } else {
                    "a file"
                },
                expected: if last {
                    "a file or nothing"
                } else {
                    "a folder"
                },
            });
        }
    }
    read_bounded(&path, MAX_KEPT).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_written_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write_all(&[(at("x/a"), b"1"), (at("b"), b"2")]).unwrap();
        assert_eq!(read_bounded(&at("x/a"), 9).unwrap(), b"1");
        // A folder stands where the last one would go.
        fs::create_dir(at("c")).unwrap();
        fs::write(at("c/kept"), b"").unwrap();
        let files: [(PathBuf, &[u8]); 3] = [(at("x/a"), b"3"), (at("new"), b"4"), (at("c"), b"5")];
        assert!(write_all(&files).is_err());
        assert_eq!(read_bounded(&at("x/a"), 9).unwrap(), b"1");
        assert!(!at("new").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_below_a_folder_is_reached_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/a"), b"1").unwrap();
        fs::write(at("file"), b"2").unwrap();
        for (link, to) in [("link", "real"), ("real/b", "../file"), ("dead", "absent")] {
            std::os::unix::fs::symlink(to, at(link)).unwrap();
        }
        let look = |place: &str| plain_below(folder.path(), Path::new(place));
        assert_eq!(look("real/a").unwrap().unwrap(), b"1");
        for free in ["real/c", "new/a"] {
            assert!(look(free).unwrap().is_none(), "{free}");
        }
        for (place, words) in [
            ("link/a", "link: found a symbolic link, expected a folder"),
            (
                "real/b",
                "b: found a symbolic link, expected a file or nothing",
            ),
            (
                "dead",
                "dead: found a symbolic link, expected a file or nothing",
            ),
            ("real", "real: found a folder, expected a file or nothing"),
            ("file/a", "file: found a file, expected a folder"),
        ] {
            let error = look(place).unwrap_err().to_string();
            assert!(error.ends_with(words), "{error}");
        }
    }
}
