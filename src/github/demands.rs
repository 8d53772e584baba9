//! What a branch demands before anything is merged into it: the statuses that must be green,
//! from whom, and the workflows that must run. Whoever may read the repository may read this.

use serde::Deserialize;
use serde_json::Value;

use super::RepoName;
use super::client::{Client, Method};
use super::error::{Call, GithubError};
use super::route::encode;

const CALL: Call = Call {
    name: "read what the branch demands",
    permission: "contents: read",
};

/// The app that every workflow's own token belongs to, on github.com.
const ACTIONS_APP: u64 = 15_368;

/// What a branch demands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// Statuses and check runs that must be green.
    pub(crate) statuses: Vec<Required>,
    /// Paths of workflows that an organisation or a ruleset lets run.
    pub(crate) workflows: Vec<String>,
    /// Nobody may delete the branch.
    pub(crate) stays: bool,
    /// Nobody may rewrite its history.
    pub(crate) grows: bool,
}

/// A status that must be green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Required {
    /// Its name.
    pub(crate) context: String,
    /// Who must set it.
    pub(crate) source: Source,
}

/// Who a status must come from, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Anybody who may write.
    Anybody,
    /// The app of all workflows.
    Actions,
    /// Another app, by its id.
    App(u64),
}

#[derive(Deserialize)]
struct RawRepo {
    default_branch: String,
}

#[derive(Deserialize)]
struct RawRule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

impl Client {
    /// Reads the branch that pull requests go into.
    pub(crate) async fn default_branch(&self, repo: &RepoName) -> Result<String, GithubError> {
        let route = format!("/repos/{repo}");
        let (raw, _) = self
            .read::<RawRepo>(CALL, Method::Get, &route, None)
            .await?;
        Ok(raw.default_branch)
    }

    /// Reads what a branch demands, by rulesets and by branch protection.
    pub(crate) async fn demands(
        &self,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Demands, GithubError> {
        let mut demands = self.rules(repo, branch).await?;
        let branch = encode(branch).replace('/', "%2F");
        let route = format!("/repos/{repo}/branches/{branch}");
        let (value, _) = self.read::<Value>(CALL, Method::Get, &route, None).await?;
        demands.protection(&value);
        Ok(demands)
    }

    /// Reads what the rulesets demand of a branch, which need not be there yet.
    pub(crate) async fn rules(
        &self,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Demands, GithubError> {
        let branch = encode(branch).replace('/', "%2F");
        let route = format!("/repos/{repo}/rules/branches/{branch}?per_page=100");
        let mut demands = Demands::default();
        for rule in self.list::<RawRule>(CALL, &route).await? {
            demands.rule(&rule);
        }
        Ok(demands)
    }
}

impl Demands {
    /// Takes one rule of a ruleset.
    fn rule(&mut self, rule: &RawRule) {
        match rule.kind.as_str() {
            "required_status_checks" => {
                let checks = rule.parameters.get("required_status_checks");
                self.checks(checks, "integration_id");
            }
            "workflows" => {
                let workflows = items(rule.parameters.get("workflows"));
                let paths = workflows.filter_map(|workflow| workflow.get("path")?.as_str());
                self.workflows.extend(paths.map(str::to_owned));
            }
            "deletion" => self.stays = true,
            "non_fast_forward" => self.grows = true,
            _ => {}
        }
    }

    /// Takes what a branch shows of its protection.
    fn protection(&mut self, branch: &Value) {
        let checks = branch.pointer("/protection/required_status_checks/checks");
        self.checks(checks, "app_id");
    }

    fn checks(&mut self, checks: Option<&Value>, app: &str) {
        self.statuses.extend(items(checks).filter_map(|check| {
            // -1 stands for anybody, as does nothing.
            let source = match check.get(app).and_then(Value::as_u64) {
                None => Source::Anybody,
                Some(ACTIONS_APP) => Source::Actions,
                Some(id) => Source::App(id),
            };
            let context = check.get("context")?.as_str()?.to_owned();
            Some(Required { context, source })
        }));
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn required(context: &str, source: Source) -> Required {
        let context = context.to_owned();
        Required { context, source }
    }

    #[test]
    fn rulesets_and_protection_say_what_must_be_green_and_from_whom() {
        let mut demands = Demands::default();
        let rules = json!([
            { "type": "deletion" },
            { "type": "required_status_checks", "parameters": { "required_status_checks": [
                { "context": "a", "integration_id": 15368 },
                { "context": "b", "integration_id": 77 },
                { "context": "c", "integration_id": null },
                { "context": 7 },
            ] } },
            { "type": "workflows", "parameters": { "workflows": [
                { "path": ".github/workflows/gatecard.yml", "repository_id": 9 }, {},
            ] } },
            { "type": "workflows" },
        ]);
        let rules: Vec<RawRule> = serde_json::from_value(rules).unwrap();
        for rule in &rules {
            demands.rule(rule);
        }
        demands.protection(&json!({ "name": "main", "protected": false }));
        demands.protection(&json!({ "protection": { "required_status_checks": {
            "contexts": ["d"], "checks": [{ "context": "d", "app_id": -1 }],
        } } }));
        let expected = [
            required("a", Source::Actions),
            required("b", Source::App(77)),
            required("c", Source::Anybody),
            required("d", Source::Anybody),
        ];
        assert_eq!(demands.statuses, expected);
        assert_eq!(demands.workflows, [".github/workflows/gatecard.yml"]);
    }
}
