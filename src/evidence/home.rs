//! The folder that evidence stays in: a pull request can put links into it.

use std::path::{Component, Path, PathBuf};

use super::collect::FileProblem;
use crate::files;
use crate::reason::Code;

/// The folder that evidence stays in.
pub(super) struct Home {
    /// As it is named.
    named: PathBuf,
    /// With links followed.
    real: PathBuf,
}

impl Home {
    /// That of a repository.
    pub(super) fn of(folder: &Path) -> Self {
        let named = plain(folder);
        let real = files::real(folder).unwrap_or_else(|_| named.clone());
        Self { named, real }
    }

    /// The path of a file inside the repository, with links followed; none where it lies
    /// elsewhere.
    pub(super) fn inside(&self, path: &Path) -> Option<PathBuf> {
        let real = files::real(path).unwrap_or_else(|_| plain(path));
        let inside = real
            .strip_prefix(&self.real)
            .or_else(|_| real.strip_prefix(&self.named));
        inside.ok().map(Path::to_owned)
    }

    /// Whether a file inside the repository leads out of it through a symbolic link, which a
    /// pull request could have put there. A path that somebody typed may lie elsewhere.
    pub(super) fn escapes(&self, path: &Path, explicit: bool) -> bool {
        let path_named = plain(path);
        let elsewhere = !path_named.starts_with(&self.named) && !path_named.starts_with(&self.real);
        if explicit && elsewhere {
            return false;
        }
        !files::real(path).is_ok_and(|real| real.starts_with(&self.real))
    }
}

/// An absolute path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The problem of a file that leads out of it.
pub(super) fn escape() -> FileProblem {
    FileProblem {
        code: Code::EvidenceEscape,
        line: None,
        found: String::from("a path that leads out of the repository"),
        expected: String::from("a file that lies in the repository's folder"),
    }
}
