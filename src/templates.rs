//! Templates of the repository in place of the built-in ones: read from the base branch, since
//! a pull request must not say how its own verdict looks.

use crate::git::{CommitSha, GitError, Kind, Repo, RepoPath};
use crate::limits::TEMPLATE;
use crate::policy::Policy;

/// A template of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// Where it lies.
    pub(crate) path: RepoPath,
    /// What it says.
    pub(crate) text: String,
}

/// The templates that the policy names and that can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Templates {
    /// In place of the comment's.
    pub(crate) comment: Option<Template>,
    /// In place of the job summary's.
    pub(crate) summary: Option<Template>,
}

impl Templates {
    /// Reads the templates at the base tip. One that cannot be read is told in `findings`, and
    /// the built-in one stands in for it.
    pub(crate) fn read(
        repo: &Repo,
        base: &CommitSha,
        policy: &Policy,
        findings: &mut Vec<String>,
    ) -> Result<Self, GitError> {
        let mut read = |path: &Option<RepoPath>| -> Result<_, GitError> {
            let Some(path) = path else { return Ok(None) };
            Ok(match text(repo, base, path)? {
                Ok(text) => Some(Template {
                    path: path.clone(),
                    text,
                }),
                Err(what) => {
                    findings.push(replaced(path, None, &what));
                    None
                }
            })
        };
        Ok(Self {
            comment: read(&policy.templates.comment)?,
            summary: read(&policy.templates.summary)?,
        })
    }
}

/// Says that the built-in template stands in, and why.
pub(crate) fn replaced(path: &RepoPath, line: Option<usize>, what: &str) -> String {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("the template `{path}{line}` is not used, the built-in one is: {what}")
}

fn text(
    repo: &Repo,
    base: &CommitSha,
    path: &RepoPath,
) -> Result<Result<String, String>, GitError> {
    let Some(entry) = repo.entry(base, path)? else {
        return Ok(Err(String::from("the base branch has no such file")));
    };
    if entry.kind != Kind::File {
        let what = "a symbolic link, a folder or a submodule, expected a file";
        return Ok(Err(String::from(what)));
    }
    let bytes = match repo.blob(entry.id, TEMPLATE) {
        Err(error @ GitError::TooLarge { .. }) => return Ok(Err(error.to_string())),
        read => read?,
    };
    Ok(String::from_utf8(bytes).map_err(|_| String::from("not UTF-8 text")))
}
