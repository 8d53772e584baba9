//! What was written, and what is left to do.

use super::Written;
use super::look::Seen;
use super::plan::{PLACEHOLDER, Plan};
use crate::untrusted::log_line;

/// Writes it for a person.
pub(super) fn text(plan: &Plan, seen: &Seen, written: &[Written]) -> String {
    let mut text = String::new();
    for (path, _) in written {
        text.push_str(&format!("wrote {path}\n"));
    }
    text.push_str("\nnext:\n");
    for (number, step) in steps(plan, seen, written).iter().enumerate() {
        text.push_str(&format!("{:>3}. {}\n", number + 1, log_line(step)));
    }
    text
}

fn steps(plan: &Plan, seen: &Seen, written: &[Written]) -> Vec<String> {
    let branch = seen.branch.as_deref().unwrap_or("main");
    let mut steps = Vec::new();
    if plan.action.is_none() {
        steps.push(format!(
            "complete the line `uses: {PLACEHOLDER}` in .github/workflows/gatecard.yml and gatecard-record.yml: the gate cannot run before"
        ));
    }
    if plan.config_lacks {
        steps.push(String::from(
            "write evals/promptfooconfig.yaml, or put your own command at `EVALS` in the workflow",
        ));
    }
    steps.push(String::from(
        "store what the models need as a secret of the repository (OPENAI_API_KEY, or change its name in the workflow)",
    ));
    if !seen.owners {
        steps.push(String::from(
            "name owners of `/.github/` in .github/CODEOWNERS: they approve changes of the policy and the workflows",
        ));
    }
    let ours = |path: &str| written.iter().any(|(written, _)| *written == path);
    for path in seen.gates.iter().filter(|path| !ours(path)) {
        steps.push(format!(
            "look at {path}, which names gatecard too: what belongs to another set-up must go"
        ));
    }
    steps.push(format!(
        "`gatecard prompts` lists what is governed; commit to `{branch}`, since only what is there counts"
    ));
    steps.push(format!(
        "after some pull requests: `mode: enforce` in the policy, and require the status `gatecard: {branch}` in the branch's rules"
    ));
    steps.push(String::from(
        "`gatecard doctor` says what is missing, and what an insider could still do",
    ));
    steps
}
