//! What a repository shows of itself, at the commit that is checked out: prompts, an eval
//! config, its branch, who owns files, which workflows run gatecard.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::git::{CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::limits::WORKFLOW;
use crate::prompt::recognise;

/// Folders whose files are not the repository's own, or not in use.
const FOREIGN: &[&str] = &[
    "node_modules",
    "vendor",
    "third_party",
    "test",
    "tests",
    "fixtures",
    "examples",
];
/// The places of a file with code owners.
const OWNERS: &[&str] = &[".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// What was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Patterns that find the prompts.
    pub(super) prompts: Vec<String>,
    /// How many files these find.
    pub(super) count: usize,
    /// promptfoo's config.
    pub(super) config: Option<String>,
    /// The branch that pull requests go into.
    pub(super) branch: Option<String>,
    /// Whether code owners are named.
    pub(super) owners: bool,
    /// Workflows that name gatecard already.
    pub(super) gates: Vec<String>,
}

impl Seen {
    /// Looks.
    pub(super) fn of(repo: &Repo) -> Result<Self, Error> {
        let branch = repo.default_branch();
        let commit = match repo.resolve("HEAD") {
            Ok(commit) => commit,
            Err(GitError::Unborn { .. }) => {
                return Ok(Self {
                    branch,
                    ..Self::default()
                });
            }
            Err(error) => return Err(error.into()),
        };
        let mut seen = Self {
            branch,
            ..Self::default()
        };
        let mut patterns = BTreeSet::new();
        for (path, entry) in repo.files(&commit, &RepoPath::root())? {
            if entry.kind == Kind::File {
                seen.add(&path, &mut patterns);
            }
        }
        seen.prompts = patterns.into_iter().collect();
        seen.gates = gates(repo, &commit)?;
        Ok(seen)
    }

    /// Takes a file into account.
    fn add(&mut self, path: &RepoPath, patterns: &mut BTreeSet<String>) {
        self.owners |= OWNERS.contains(&path.as_str());
        // Other names would need quoting in a shell or a pattern: whoever has them names them.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        let foreign = |part: &str| FOREIGN.contains(&part) || part.starts_with(['.', '-']);
        if !path.as_str().bytes().all(plain) || path.as_str().split('/').any(foreign) {
            return;
        }
        let Some((format, suffix)) = recognise(path, None) else {
            return;
        };
        if format.id() == "promptfoo" {
            let new = path.to_string();
            self.config.get_or_insert(new);
        } else if let Some(folder) = prompt_folder(path.as_str()) {
            patterns.insert(format!("{folder}/**"));
            self.count += 1;
        } else if format.id() != "text" {
            patterns.insert(format!("**/*{suffix}"));
            self.count += 1;
        }
    }
}

/// The outermost folder called `prompts` that a file lies in.
fn prompt_folder(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    let mut end = 0;
    for part in folder.split('/') {
        end += part.len();
        if part == "prompts" {
            return path.get(..end);
        }
        end += 1;
    }
    None
}

fn gates(repo: &Repo, commit: &CommitSha) -> Result<Vec<String>, GitError> {
    let Some(folder) = RepoPath::parse(".github/workflows") else {
        return Ok(Vec::new());
    };
    let names = |entry: &Entry| {
        let bytes = repo.blob(entry.id, WORKFLOW).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains("gatecard")
    };
    let files = repo.files(commit, &folder)?;
    let gates = files.iter().filter(|(_, entry)| names(entry));
    Ok(gates.map(|(path, _)| path.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(paths: &[&str]) -> (Vec<String>, usize, Option<String>) {
        let (mut seen, mut patterns) = (Seen::default(), BTreeSet::new());
        for path in paths {
            seen.add(&RepoPath::parse(path).unwrap(), &mut patterns);
        }
        (patterns.into_iter().collect(), seen.count, seen.config)
    }

    #[test]
    fn prompts_are_found_by_folder_and_by_format() {
        for (paths, patterns, count) in [
            (&["README.md", "src/a.txt"] as &[_], &[] as &[&str], 0),
            (&["prompts/a.md", "prompts/b/c.j2"], &["prompts/**"], 2),
            (
                &["app/prompts/a.txt", "app/prompts/prompts/b.txt"],
                &["app/prompts/**"],
                2,
            ),
            (
                &["a.prompty", "b/c.prompt.yml", "prompts/d.prompt"],
                &["**/*.prompt.yml", "**/*.prompty", "prompts/**"],
                3,
            ),
            (&["prompts/logo.png", "prompts"], &[], 0),
            (
                &[
                    "node_modules/x/prompts/a.md",
                    "tests/prompts/b.md",
                    ".x/c.prompt",
                ],
                &[],
                0,
            ),
            // Nothing that a pattern or a shell would read as more than a name.
            (
                &["pro*/prompts/a.md", "${{x}}/prompts/a.md", "a b.prompt"],
                &[],
                0,
            ),
        ] {
            let found = seen(paths);
            assert_eq!(
                (found.0, found.1),
                (
                    patterns.iter().map(|each| (*each).to_owned()).collect(),
                    count
                ),
                "{paths:?}"
            );
        }
    }

    #[test]
    fn the_first_config_of_promptfoo_is_the_eval_config() {
        let paths = [
            "evals/promptfooconfig.yaml",
            "z/promptfooconfig.yaml",
            "evals/x.yaml",
        ];
        assert_eq!(
            seen(&paths).2.as_deref(),
            Some("evals/promptfooconfig.yaml")
        );
        assert_eq!(seen(&["evals/promptfooconfig.$(id).yaml"]).2, None);
    }
}
