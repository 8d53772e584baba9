//! How evals are run and who answers for their cases: of the policy's `evals`.

use super::people::People;
use crate::yaml::{Errors, Fields};

/// What the policy says of eval runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EvalRuns {
    /// The command that makes the results again.
    command: Option<String>,
    /// The group that must approve a test set that asks for less.
    pub(crate) test_set_owner: Option<String>,
    /// Base and head version must be run with the same version of the eval tool.
    pub(crate) same_harness: bool,
}

impl EvalRuns {
    /// The keys under `evals`.
    pub(super) const KEYS: [&str; 3] = ["command", "test_set_owner", "harness"];

    /// Reads its keys of `evals`.
    pub(super) fn read(fields: &Fields<'_>, people: &People, errors: &mut Errors<'_>) -> Self {
        let mut found = Self::default();
        if let Some(node) = fields.get("command") {
            found.command = node.text(errors).map(str::to_owned);
        }
        if let Some(node) = fields.get("test_set_owner") {
            found.test_set_owner = people.group(node, errors);
        }
        if let Some(node) = fields.get("harness") {
            let words = [("any", false), ("same", true)];
            found.same_harness = node.one_of(&words, errors).unwrap_or(false);
        }
        found
    }

    /// The command that makes the results of a prompt again.
    pub(crate) fn command(&self, prompt: &str) -> Option<String> {
        let command = self.command.as_ref()?;
        Some(command.replace("{prompt}", prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{self, Node};

    fn read(text: &str) -> (EvalRuns, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let top = Node::root(&value).fields(&["groups", "evals"], &mut errors);
        let people = People::read(&top, &mut errors);
        let evals = top
            .get("evals")
            .map(|node| node.fields(&EvalRuns::KEYS, &mut errors));
        let found = evals.map(|fields| EvalRuns::read(&fields, &people, &mut errors));
        let errors = errors.into_sorted();
        let errors = errors.iter().map(ToString::to_string).collect();
        (found.unwrap_or_default(), errors)
    }

    #[test]
    fn every_key_is_read() {
        let (found, errors) = read(
            "groups: { quality: [octocat] }\nevals: { command: \"make evals P={prompt}\", test_set_owner: quality, harness: same }\n",
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(found.test_set_owner.as_deref(), Some("quality"));
        assert!(found.same_harness);
        let command = found.command("support/refund");
        assert_eq!(command.as_deref(), Some("make evals P=support/refund"));
    }

    #[test]
    fn an_owner_that_is_no_group_is_an_error() {
        let (_, errors) =
            read("groups: { quality: [octocat] }\nevals: { test_set_owner: qualty }\n");
        assert_eq!(
            errors,
            [
                "2:26: evals.test_set_owner: unknown group; did you mean `quality` instead of `qualty`?"
            ]
        );
    }
}
