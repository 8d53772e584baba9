//! The files that a path, a directory or a glob names.

use std::fs;
use std::path::{Path, PathBuf};

use super::{FileError, io_error};
use crate::glob;
use crate::limits::{EVIDENCE_DEPTH, EVIDENCE_FILES};

/// Returns the files that a path, a directory or a glob names, in order.
///
/// Symbolic links inside directories are not followed.
pub(crate) fn expand(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.is_dir() {
        return walk(path, path, &|_| true);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[', '{']) {
        return Ok(Vec::new());
    }
    let glob = glob::compile(&text).map_err(|reason| FileError::Glob {
        path: crate::untrusted::shorten(&text, 200),
        reason,
    })?;
    let root: PathBuf = path
        .components()
        .take_while(|part| {
            let part = part.as_os_str().to_string_lossy();
            !part.contains(['*', '?', '[', '{'])
        })
        .collect();
    let root = if root.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        root
    };
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let relative = !path.starts_with(".") && root == Path::new(".");
    walk(&root, path, &|found: &Path| {
        let found = if relative {
            found.strip_prefix(".").unwrap_or(found)
        } else {
            found
        };
        glob.is_match(found)
    })
}

fn walk(
    root: &Path,
    named: &Path,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut pending = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let entry = entry.map_err(io_error(&folder))?;
            seen += 1;
            if seen > EVIDENCE_FILES {
                let path = named.display().to_string();
                return Err(FileError::TooMany { path });
            }
            let kind = entry.file_type().map_err(io_error(&folder))?;
            let path = entry.path();
            if kind.is_dir() && depth < EVIDENCE_DEPTH {
                pending.push((path, depth + 1));
            } else if kind.is_file() && wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_atomic;

    #[test]
    fn directories_and_globs_expand_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out/b.json", "out/a.json", "out/deep/c.json", "out/d.txt"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            expand(&folder.path().join(pattern))
                .unwrap()
                .iter()
                .map(|path| {
                    let path = path.strip_prefix(folder.path()).unwrap();
                    path.display().to_string()
                })
                .collect()
        };
        assert_eq!(names("out/*.json"), ["out/a.json", "out/b.json"]);
        assert_eq!(
            names("out"),
            ["out/a.json", "out/b.json", "out/d.txt", "out/deep/c.json"]
        );
        assert_eq!(names("absent/*.json"), [""; 0]);
        assert_eq!(names("absent.json"), [""; 0]);
    }
}
