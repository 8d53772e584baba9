//! What the doctor says of the way a verdict takes: the workflows that make it, the rule that
//! asks for it, and who could make it say something else.

use super::setup::Gate;
use super::tier::{Tier, required};
use super::{Finding, plain};
use crate::github::demands::{Demands, Source};
use crate::github::session::{Phase, Session};
use crate::github::{GithubError, RepoName};
use crate::policy::{Mode, Policy};

/// Which of the two set-ups the repository's workflows look like.
pub(super) fn set_up(gates: &[Gate]) -> Finding {
    let paths = |of: &dyn Fn(&Gate) -> bool| -> Vec<String> {
        let found = gates.iter().filter(|gate| of(gate));
        found.map(|gate| gate.path.to_string()).collect()
    };
    if let Some(line) = gates.iter().find_map(|gate| gate.placeholder.as_ref()) {
        let words = "the line that names gatecard's action was never completed";
        let fix = format!("uses: {line} # put the account and the commit of the release here");
        return Finding::missing("set-up", words, &fix);
    }
    let (base, head) = (paths(&|gate| gate.of_base), paths(&|gate| gate.of_head));
    let (what, lines) = match (base.as_slice(), head.as_slice()) {
        ([], []) if gates.is_empty() => (
            String::from("no workflow here uses gatecard"),
            "next: gatecard init",
        ),
        ([], []) => (
            format!("{}: on no pull request", paths(&|_| true).join(", ")),
            "",
        ),
        ([], head) => (
            format!(
                "simple: {} runs as the pull request has it",
                head.join(", ")
            ),
            "an insider can still: change that workflow in the pull request that it judges; the report lists it as a change for the policy owners\nnext: gatecard init --workflow two-stage",
        ),
        (base, []) => (
            format!(
                "two-stage: {} runs as the default branch has it",
                base.join(", ")
            ),
            "",
        ),
        (base, head) => (
            format!(
                "both: {} as the default branch has it, and {} as the pull request has it",
                base.join(", "),
                head.join(", ")
            ),
            "next: keep one of the two, since both set the same status",
        ),
    };
    Finding::there("set-up", what).with(lines)
}

/// The rule that asks for the verdict, and the tier of trust that this makes.
pub(super) fn findings(
    session: &Session,
    repo: &RepoName,
    policy: Option<&Policy>,
    in_workflow: bool,
) -> Vec<Finding> {
    let client = session.client();
    let asked = async {
        let branch = client.default_branch(repo).await?;
        let demands = client.demands(repo, &branch).await?;
        Ok((branch, demands))
    };
    let (branch, demands) = match session.run(Phase::Rest, "read the branch's rules", asked) {
        Ok(found) => found,
        Err(error) => return vec![Finding::unclear("trust", plain(&error))],
    };
    let name = policy.and_then(|policy| policy.status_name.clone());
    let name = name.unwrap_or_else(|| format!("gatecard: {branch}"));
    let blocks = policy.is_some_and(|policy| policy.mode == Mode::Enforce);
    let mut findings = vec![status(&demands, &name, &branch, blocks)];
    if in_workflow && let Some(source) = required(&demands, &name) {
        let asked = async { Ok(client.viewer().await?.is_actions()) };
        let own = session.run(Phase::Rest, "ask who the token belongs to", asked);
        findings.extend(source_fits(source, own));
    }
    let tier = Tier::of(&demands, &name);
    let words = format!("{}: {}", tier.id(), tier.about());
    let lines = format!(
        "an insider can still: {}\nnext: {}",
        tier.insider(),
        tier.next()
    );
    findings.push(Finding::there("trust", words).with(&lines));
    findings
}

fn status(demands: &Demands, name: &str, branch: &str, blocks: bool) -> Finding {
    match required(demands, name) {
        Some(source) => {
            let from = match source {
                Source::Anybody => String::from("from anybody"),
                Source::Actions => String::from("from GitHub Actions"),
                Source::App(id) => format!("from the app {id}"),
            };
            Finding::there(
                "status",
                format!("`{name}` is required on `{branch}`, {from}"),
            )
        }
        None if blocks => {
            let words = format!("nothing on `{branch}` requires `{name}`, so no verdict blocks");
            let fix = "require it in a ruleset of the branch: Require status checks to pass";
            Finding::missing("status", words, fix)
        }
        None => Finding::there(
            "status",
            format!("`{name}` is not required yet on `{branch}`"),
        ),
    }
}

/// Whether the token that this job has is the one that the rule asks for.
fn source_fits(source: Source, own: Result<bool, GithubError>) -> Option<Finding> {
    let (words, fix) = match (source, own) {
        (Source::App(id), Ok(true)) => (
            format!(
                "the rule takes the status from the app {id} alone, and this token is the workflow's own"
            ),
            "with:\n  token: # of that app",
        ),
        (Source::Actions, Ok(false)) => (
            String::from(
                "the rule takes the status from GitHub Actions alone, and this token is of somebody else",
            ),
            "name the app that the token is of as the status's source",
        ),
        (_, Ok(_)) => return None,
        (_, Err(error)) => return Some(Finding::unclear("source", plain(&error))),
    };
    Some(Finding::missing("source", words, fix))
}
