//! Who must approve what: the policy's `groups`, `approvals` and `policy_owners`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

use super::scope::Risk;
use crate::yaml::{Errors, Fields, Node};

/// The word for the owners that CODEOWNERS names.
const CODEOWNERS: &str = "codeowners";

/// An entry of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// An account by its id, which survives renaming.
    Id(u64),
    /// An account by its name, compared without case.
    Login(String),
    /// A team as `org/slug` in lower case.
    Team(String),
    /// Whoever CODEOWNERS of the base branch names for what is approved.
    Codeowners,
}

impl Member {
    /// Reads `@org/team`, `@login` or `login`; what GitHub would not allow in a name is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let word = |text: &str| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !text.is_empty() && text.bytes().all(fits)
        };
        let name = text.strip_prefix('@').unwrap_or(text);
        match name.split_once('/') {
            Some((org, team)) => (text.starts_with('@') && word(org) && word(team))
                .then(|| Self::Team(name.to_ascii_lowercase())),
            None => word(name).then(|| Self::Login(name.to_owned())),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "account {id}"),
            Self::Login(login) => f.write_str(login),
            Self::Team(team) => write!(f, "@{team}"),
            Self::Codeowners => f.write_str(CODEOWNERS),
        }
    }
}

/// Who must approve what.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    /// The stakeholder groups by name.
    pub(crate) groups: BTreeMap<String, Vec<Member>>,
    /// The groups that must approve a prompt of a risk tier.
    pub(crate) approvals: BTreeMap<Risk, Vec<String>>,
    /// Who must approve a change of the policy, where the policy says so.
    pub(crate) policy_owners: Option<Vec<Member>>,
}

impl People {
    /// Reads the three keys.
    pub(super) fn read(top: &Fields<'_>, errors: &mut Errors<'_>) -> Self {
        let mut people = Self::default();
        for (name, node) in entries(top, "groups", errors) {
            people
                .groups
                .insert(name.to_owned(), members(&node, errors));
        }
        if let Some(node) = top.get("approvals") {
            let tiers: Vec<&str> = Risk::WORDS.iter().map(|(word, _)| *word).collect();
            let fields = node.fields(&tiers, errors);
            for (word, risk) in Risk::WORDS {
                if let Some(node) = fields.get(word) {
                    let needed = people.named(node, errors);
                    people.approvals.insert(*risk, needed);
                }
            }
        }
        people.policy_owners = top.get("policy_owners").map(|node| members(node, errors));
        people
    }

    /// Reads the name of a group.
    pub(super) fn group(&self, node: &Node<'_>, errors: &mut Errors<'_>) -> Option<String> {
        let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
        let name = node.text(errors)?;
        if known.contains(&name) {
            return Some(name.to_owned());
        }
        node.unknown(errors, "group", name, &known);
        None
    }

    /// Reads a list of groups, each once.
    fn named(&self, node: &Node<'_>, errors: &mut Errors<'_>) -> Vec<String> {
        let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
        let mut needed: Vec<String> = Vec::new();
        for item in node.items(errors) {
            match item.text(errors) {
                Some(name) if !known.contains(&name) => {
                    item.unknown(errors, "group", name, &known);
                }
                Some(name) if !needed.iter().any(|each| each == name) => {
                    needed.push(name.to_owned());
                }
                _ => {}
            }
        }
        needed
    }

    /// The teams that decide anything, as `org/slug`.
    pub(crate) fn teams(&self) -> BTreeSet<&str> {
        let owners = self.policy_owners.iter();
        let members = self.groups.values().chain(owners).flatten();
        members
            .filter_map(|member| match member {
                Member::Team(team) => Some(team.as_str()),
                Member::Id(_) | Member::Login(_) | Member::Codeowners => None,
            })
            .collect()
    }

    /// The names of the groups that must approve a prompt of this tier.
    pub(crate) fn needed(&self, risk: Risk) -> &[String] {
        self.approvals.get(&risk).map_or(&[], Vec::as_slice)
    }
}

fn entries<'v>(top: &Fields<'v>, key: &str, errors: &mut Errors<'_>) -> Vec<(&'v str, Node<'v>)> {
    top.get(key)
        .map(|node| node.entries(errors))
        .unwrap_or_default()
}

fn members(node: &Node<'_>, errors: &mut Errors<'_>) -> Vec<Member> {
    let items = node.items(errors);
    if node.value().is_array() && items.is_empty() {
        node.refuse(errors, "nobody is named, so nobody could approve");
    }
    items
        .iter()
        .filter_map(|item| {
            let expected = "an account id, a login, `@org/team` or `codeowners`";
            item.read(expected, errors, |value| match value {
                Json::Number(number) => number.as_u64().map(Member::Id),
                Json::String(text) if text == CODEOWNERS => Some(Member::Codeowners),
                Json::String(text) => Member::parse(text),
                _ => None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> (People, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let keys = ["groups", "approvals", "policy_owners"];
        let top = Node::root(&value).fields(&keys, &mut errors);
        let people = People::read(&top, &mut errors);
        let errors = errors.into_sorted();
        (people, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_member_is_an_id_a_login_a_team_or_the_code_owners() {
        let (people, errors) = read(
            "groups:\n  engineering: [\"@Acme/LLM-eng\"]\n  product: [Octocat, \"@hubot\", 583231, codeowners]\n\
             approvals: {high: [engineering, product, product]}\npolicy_owners: [codeowners]\n",
        );
        assert_eq!(errors, [""; 0]);
        assert_eq!(
            people.groups["engineering"],
            [Member::Team(String::from("acme/llm-eng"))]
        );
        assert_eq!(
            people.groups["product"],
            [
                Member::Login(String::from("Octocat")),
                Member::Login(String::from("hubot")),
                Member::Id(583_231),
                Member::Codeowners
            ]
        );
        assert_eq!(people.needed(Risk::High), ["engineering", "product"]);
        assert_eq!(people.needed(Risk::Standard), [""; 0]);
        assert_eq!(people.policy_owners, Some(vec![Member::Codeowners]));
    }

    #[test]
    fn every_error_has_its_place() {
        let (_, errors) = read(
            "groups:\n  engineering: [acme/llm, \"a b\", 1.5]\n  nobody: []\n\
             approvals:\n  high: [enginering]\n  hihg: []\npolicy_owners: []\n",
        );
        let entry = "expected an account id, a login, `@org/team` or `codeowners`";
        assert_eq!(
            errors,
            [
                format!("2:17: groups.engineering[0]: found `acme/llm`, {entry}"),
                format!("2:27: groups.engineering[1]: found `a b`, {entry}"),
                format!("2:34: groups.engineering[2]: found `1.5`, {entry}"),
                String::from("3:11: groups.nobody: nobody is named, so nobody could approve"),
                String::from(
                    "5:10: approvals.high[0]: unknown group; did you mean `engineering` instead of `enginering`?"
                ),
                String::from(
                    "6:9: approvals.hihg: unknown key; did you mean `high` instead of `hihg`?"
                ),
                String::from("7:16: policy_owners: nobody is named, so nobody could approve"),
            ]
        );
    }
}
