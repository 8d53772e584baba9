//! Which workflows of the repository run the gate, and whose version of them runs.

use serde_json::Value as Json;

use crate::git::{CommitSha, GitError, Repo, RepoPath};
use crate::limits::WORKFLOW;
use crate::yaml;

/// A workflow that uses gatecard's action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gate {
    /// The file.
    pub(super) path: RepoPath,
    /// Whether it runs as the default branch has it, whatever a pull request changes.
    pub(super) of_base: bool,
    /// Whether it runs as a pull request has it.
    pub(super) of_head: bool,
    /// The line that nobody has completed.
    pub(super) placeholder: Option<String>,
}

/// Finds the workflows at a commit.
pub(super) fn gates(repo: &Repo, commit: &CommitSha) -> Result<Vec<Gate>, GitError> {
    let Some(folder) = RepoPath::parse(".github/workflows") else {
        return Ok(Vec::new());
    };
    let mut gates = Vec::new();
    for (path, entry) in repo.files(commit, &folder)? {
        let bytes = repo.blob(entry.id, WORKFLOW).unwrap_or_default();
        let workflow = yaml::to_json(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
        gates.extend(gate(path, &workflow));
    }
    Ok(gates)
}

/// A workflow, where one of its steps is gatecard's action.
fn gate(path: RepoPath, workflow: &Json) -> Option<Gate> {
    let jobs = workflow.get("jobs")?.as_object()?.values();
    let steps = jobs
        .filter_map(|job| job.get("steps")?.as_array())
        .flatten();
    let mut uses = steps
        .filter_map(|step| step.get("uses")?.as_str())
        .filter(|uses| uses.to_ascii_lowercase().contains("/gatecard@"))
        .peekable();
    uses.peek()?;
    let on = workflow.get("on");
    let starts = |event: &str| match on {
        Some(Json::Object(events)) => events.contains_key(event),
        Some(Json::Array(events)) => events.iter().any(|one| one == event),
        Some(Json::String(one)) => one == event,
        _ => false,
    };
    Some(Gate {
        of_base: starts("pull_request_target") || starts("workflow_run"),
        of_head: starts("pull_request"),
        placeholder: uses
            .find(|uses| uses.ends_with(&"0".repeat(40)))
            .map(str::to_owned),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(bool, bool, bool)> {
        let gate = gate(RepoPath::root(), &yaml::to_json(text).unwrap())?;
        Some((gate.of_base, gate.of_head, gate.placeholder.is_some()))
    }

    #[test]
    fn a_gate_is_told_by_its_step_and_whose_it_is_by_its_events() {
        let steps = "jobs: { a: { steps: [{ run: x }, { uses: acme/GateCard@v1 }] } }";
        for (on, expected) in [
            ("on: pull_request", Some((false, true, false))),
            (
                "on: [pull_request, merge_group]",
                Some((false, true, false)),
            ),
            (
                "on: { pull_request_target: , workflow_run: { types: [completed] } }",
                Some((true, false, false)),
            ),
            ("on: push", Some((false, false, false))),
            ("name: none", Some((false, false, false))),
        ] {
            assert_eq!(of(&format!("{on}\n{steps}")), expected, "{on}");
        }
        for other in [
            "jobs: {}",
            "jobs: { a: { steps: [{ run: gatecard check }] } }",
            "jobs: { a: { uses: ./x } }",
            "3",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        let zeros = "0".repeat(40);
        let text =
            format!("on: push\njobs: {{ a: {{ steps: [{{ uses: OWNER/gatecard@{zeros} }}] }} }}");
        assert_eq!(of(&text), Some((false, false, true)));
    }
}
