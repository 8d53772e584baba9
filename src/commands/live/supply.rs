//! Gets what the clone lacks: a workflow checks out one commit by default.

use std::path::Path;
use std::time::Instant;

use crate::commands::Context;
use crate::environment::Environment;
use crate::git::fetch::{FetchError, Remote};
use crate::git::{CommitSha, Repo};
use crate::github::Subject;
use crate::limits::FETCHING;

/// Gets two commits of a subject and their merge base. What cannot be had is named where it
/// is needed, with what to do; why it could not be had is returned.
pub(in crate::commands) fn complete(
    folder: &Path,
    (base, head): (&CommitSha, &CommitSha),
    subject: &Subject,
    context: &mut Context<'_>,
) -> Option<FetchError> {
    let repo = Repo::open(folder).ok()?;
    let error = remote(subject, context).complete(&repo, base, head).err()?;
    context.note(&format!("note: {error}"));
    Some(error)
}

/// Gets further commits, such as those that reviews are on.
pub(in crate::commands) fn commits<'c>(
    repo: &Repo,
    commits: impl IntoIterator<Item = &'c CommitSha>,
    subject: &Subject,
    context: &mut Context<'_>,
) {
    if let Err(error) = remote(subject, context).commits(repo, commits) {
        context.note(&format!("note: {error}"));
    }
}

/// Where a subject's commits come from, as long as everything before the verdict may take.
pub(super) fn remote(subject: &Subject, context: &mut Context<'_>) -> Remote {
    let end = *context
        .fetching
        .get_or_insert_with(|| Instant::now() + FETCHING);
    until(end, subject, context.environment)
}

/// The same, until a time.
pub(super) fn until(end: Instant, subject: &Subject, environment: &Environment) -> Remote {
    let server = &environment.server_url;
    Remote {
        url: format!("{server}/{}.git", subject.repo()),
        server_url: server.clone(),
        token: environment.token.clone(),
        end,
    }
}
