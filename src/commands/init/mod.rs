//! `gatecard init`: looks at the repository, asks what it cannot see, and writes a policy and
//! the workflows of one of the two set-ups. It overwrites nothing unless it is told to.

mod ask;
mod look;
mod plan;
mod render;
mod told;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::Context;
use crate::cli::InitArgs;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::git::Repo;
use look::Seen;
use plan::{Answers, Plan};

/// A file to write: its path inside the repository, and its text.
type Written = (&'static str, String);

/// Runs the command.
pub(super) fn run(args: &InitArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.repo)?;
    let seen = Seen::of(&repo)?;
    let mut answers = Answers::of(args);
    if !args.print && io::stdin().is_terminal() && io::stderr().is_terminal() {
        ask::complete(
            &mut answers,
            &seen,
            &mut io::stdin().lock(),
            context.console,
        )?;
    }
    let plan = Plan::of(answers, &seen)?;
    let written = render::files(&plan)?;
    if args.print {
        for (path, text) in &written {
            context.print(&format!("# {path}\n{text}\n"))?;
        }
        return Ok(0);
    }
    let folder = repo.worktree().ok_or_else(|| Error::Usage {
        what: "--repo",
        found: args.repo.display().to_string(),
        expected: String::from("a repository with a worktree"),
    })?;
    write(&folder, &written, args.force)?;
    context.print(&told::text(&plan, &seen, &written))?;
    Ok(0)
}

/// Writes all files or none: nothing is touched before every place was looked at.
fn write(folder: &Path, written: &[Written], force: bool) -> Result<(), Error> {
    let mut pending: Vec<(PathBuf, &[u8])> = Vec::new();
    let mut taken = Vec::new();
    for (path, text) in written {
        let there = files::plain_below(folder, Path::new(path))?;
        if !force && there.is_some_and(|there| there != text.as_bytes()) {
            taken.push(*path);
        }
        pending.push((folder.join(path), text.as_bytes()));
    }
    if !taken.is_empty() {
        return Err(FileError::Taken {
            path: taken.join(", "),
        }
        .into());
    }
    Ok(files::write_all(&pending)?)
}
