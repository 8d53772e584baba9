//! Which files run the gate: workflows and actions that name it, and workflows that use such
//! an action of this repository.

use crate::git::{BlobId, CommitSha, Entry, GitError, Repo, RepoPath};
use crate::limits::WORKFLOW;

/// What every file that runs the gate has in it, in some case.
const NAME: &[u8] = b"gatecard";

/// Whether a file, before or after a change, runs the gate. What its workflow uses is looked
/// up at `commit`.
pub(super) fn runs_gate(
    repo: &Repo,
    commit: &CommitSha,
    (path, entry): &(RepoPath, Entry),
) -> Result<bool, GitError> {
    let text = path.as_str();
    let workflow = text.starts_with(".github/workflows/");
    if !workflow && !text.starts_with(".github/actions/") && !is_action(text) {
        return Ok(false);
    }
    // What cannot be read may run anything, if GitHub runs it.
    let Ok(bytes) = repo.blob(entry.id, WORKFLOW) else {
        return Ok(workflow || is_action(text));
    };
    if names(&bytes) {
        return Ok(true);
    }
    let text = String::from_utf8_lossy(&bytes);
    for used in text.lines().filter_map(local) {
        if used_names(repo, commit, &used)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_action(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "action.yml" | "action.yaml")
}

/// Whether a file names the gate.
pub(super) fn names(bytes: &[u8]) -> bool {
    bytes
        .windows(NAME.len())
        .any(|word| word.eq_ignore_ascii_case(NAME))
}

/// The action or workflow of this repository that a line uses.
pub(super) fn local(line: &str) -> Option<RepoPath> {
    let (_, value) = line.split_once("uses")?;
    let quoted = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    let value = value.trim_start_matches(quoted).strip_prefix(':')?;
    let path = value.trim_start_matches(quoted).strip_prefix("./")?;
    let path = path.split(['#', ' ', '"', '\'', ',', '}', ']']).next()?;
    RepoPath::parse(path.trim_end_matches('/'))
}

fn used_names(repo: &Repo, commit: &CommitSha, used: &RepoPath) -> Result<bool, GitError> {
    let inside = |name: &str| RepoPath::parse(&format!("{used}/{name}"));
    let places = [
        Some(used.clone()),
        inside("action.yml"),
        inside("action.yaml"),
    ];
    for place in places.into_iter().flatten() {
        if let Some(entry) = repo.entry(commit, &place)? {
            let read = |id: BlobId| repo.blob(id, WORKFLOW);
            if read(entry.id).is_ok_and(|bytes| names(&bytes)) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_of_the_repository_is_read_from_the_line_that_uses_it() {
        for (line, expected) in [
            (
                "      - uses: ./.github/actions/gate",
                Some(".github/actions/gate"),
            ),
            (
                "    uses: './.github/workflows/gate.yml' # ours",
                Some(".github/workflows/gate.yml"),
            ),
            ("- uses: \"./gate/\"", Some("gate")),
            ("[{uses: ./gate, with: {}}]", Some("gate")),
            ("- \"uses\" : ./gate}", Some("gate")),
            ("- uses: actions/checkout@v5", None),
            ("- uses: ./../elsewhere", None),
            ("- run: ./gate", None),
        ] {
            let found = local(line);
            assert_eq!(found.as_ref().map(RepoPath::as_str), expected, "{line}");
        }
    }

    #[test]
    fn the_name_counts_in_any_case() {
        assert!(names(b"uses: Acme/GateCard@v1"));
        assert!(!names(b"uses: acme/gate@v1"));
    }
}
