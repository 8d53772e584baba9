//! Which files are prompts, under which rule: the policy's `prompts`, `models`, `retrieval`.

use crate::git::RepoPath;
use crate::glob::{self, Pattern};
use crate::yaml::{Errors, Fields, Node};

/// How much harm a prompt can do; decides which thresholds apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Risk {
    /// Internal, easily undone.
    Low,
    /// The default.
    Standard,
    /// Customers, money, law.
    High,
}

impl Risk {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("low", Self::Low),
        ("standard", Self::Standard),
        ("high", Self::High),
    ];

    /// The tier's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Standard => "standard",
            Self::High => "high",
        }
    }
}

/// Whether production uses a prompt already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The default.
    Production,
    /// Trace gates do not apply before there are traces; the band is at most pilot.
    PreProduction,
}

impl Stage {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("production", Self::Production),
        ("pre_production", Self::PreProduction),
    ];
}

/// What the policy says of the prompts that one of its entries finds.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// The id, where the entry gives one.
    pub(crate) id: Option<String>,
    /// The risk tier.
    pub(crate) risk: Risk,
    /// Whether it is in production.
    pub(crate) stage: Stage,
    /// Shared model files that are part of its closure.
    pub(crate) models: Vec<RepoPath>,
    /// Shared retrieval files that are part of its closure.
    pub(crate) retrieval: Vec<RepoPath>,
    /// Named as one file, not found by a pattern.
    pub(crate) exact: bool,
}

/// Whether and how a path is governed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Governance<'s> {
    /// A prompt, under this rule.
    Governed(&'s Rule),
    /// Inside a pattern, but passed over for this reason.
    Skipped(&'static str),
    /// Outside every pattern.
    Outside,
}

/// All entries, in the order of the policy: the first that names a file wins, a file named
/// by itself before any pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    entries: Vec<(Pattern, Rule)>,
}

impl Scope {
    /// Tells how a path is governed.
    pub(crate) fn of(&self, path: &RepoPath) -> Governance<'_> {
        let named = |exact: bool| {
            self.entries
                .iter()
                .filter(move |(_, rule)| rule.exact == exact)
                .find(|(glob, _)| glob.is_match(path.as_str()))
        };
        if let Some((_, rule)) = named(true) {
            return Governance::Governed(rule);
        }
        match named(false) {
            None => Governance::Outside,
            Some((_, rule)) => match skipped(path, rule) {
                Some(reason) => Governance::Skipped(reason),
                None => Governance::Governed(rule),
            },
        }
    }

    /// The folders in which governed files can lie: the patterns up to their first wildcard.
    pub(crate) fn roots(&self) -> Vec<RepoPath> {
        let mut roots: Vec<RepoPath> = self.entries.iter().map(|(glob, _)| root(glob)).collect();
        roots.sort();
        // A folder below another one is walked with it.
        let mut kept: Vec<RepoPath> = Vec::new();
        for root in roots {
            let inside = |above: &RepoPath| {
                above.as_str().is_empty()
                    || root == *above
                    || root.as_str().starts_with(&format!("{above}/"))
            };
            if !kept.iter().any(inside) {
                kept.push(root);
            }
        }
        kept
    }

    /// Whether some entry gives its prompt an id.
    pub(crate) fn names_ids(&self) -> bool {
        self.entries.iter().any(|(_, rule)| rule.id.is_some())
    }

    /// Whether no prompt is in production yet.
    pub(crate) fn before_production(&self) -> bool {
        !self.entries.is_empty()
            && self
                .entries
                .iter()
                .all(|(_, rule)| rule.stage == Stage::PreProduction)
    }

    /// Every shared config file that some rule names.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &RepoPath> {
        self.entries
            .iter()
            .flat_map(|(_, rule)| rule.models.iter().chain(&rule.retrieval))
    }

    /// Reads `prompts`, with the shared files and the stage of the top level as defaults.
    pub(crate) fn read(top: &Fields<'_>, errors: &mut Errors<'_>) -> Self {
        let default = Rule {
            id: None,
            risk: Risk::Standard,
            stage: top
                .get("stage")
                .and_then(|node| node.one_of(Stage::WORDS, errors))
                .unwrap_or(Stage::Production),
            models: paths(top.get("models"), errors),
            retrieval: paths(top.get("retrieval"), errors),
            exact: false,
        };
        let mut scope = Self::default();
        let Some(list) = top.need("prompts", errors) else {
            return scope;
        };
        let items = list.items(errors);
        if items.is_empty() {
            list.refuse(errors, "no pattern, so nothing would be governed");
        }
        for item in items {
            if let Some(entry) = entry(&item, &default, errors) {
                scope.entries.push(entry);
            }
        }
        scope
    }
}

fn entry(item: &Node<'_>, default: &Rule, errors: &mut Errors<'_>) -> Option<(Pattern, Rule)> {
    if item.value().is_string() {
        return Some((pattern(item, errors)?, default.clone()));
    }
    let known = [
        "id",
        "file",
        "files",
        "risk",
        "stage",
        "models",
        "retrieval",
    ];
    let fields = item.fields(&known, errors);
    if let (Some(_), Some(both)) = (fields.get("file"), fields.get("files")) {
        both.refuse(errors, "stands beside `file`; expected one of them");
    }
    let file = match fields.get("files") {
        Some(files) => files,
        None => fields.need("file", errors)?,
    };
    let glob = pattern(file, errors)?;
    let exact = fields.get("files").is_none();
    let id = fields.get("id").and_then(|node| {
        let id = node.text(errors)?;
        if !exact {
            node.refuse(errors, "one id cannot name several files; use `file`");
        }
        Some(id.to_owned())
    });
    let mut rule = Rule {
        id,
        exact,
        ..default.clone()
    };
    if let Some(risk) = fields
        .get("risk")
        .and_then(|node| node.one_of(Risk::WORDS, errors))
    {
        rule.risk = risk;
    }
    if let Some(stage) = fields
        .get("stage")
        .and_then(|node| node.one_of(Stage::WORDS, errors))
    {
        rule.stage = stage;
    }
    if let Some(node) = fields.get("models") {
        rule.models = paths(Some(node), errors);
    }
    if let Some(node) = fields.get("retrieval") {
        rule.retrieval = paths(Some(node), errors);
    }
    Some((glob, rule))
}

/// Reads a pattern; `*` stays in its folder, `**` does not.
pub(crate) fn pattern(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Pattern> {
    let text = node.text(errors)?;
    if RepoPath::parse(text.trim_start_matches("./")).is_none() {
        node.refuse(
            errors,
            "leaves the repository; patterns are relative to its root",
        );
        return None;
    }
    match glob::compile(text.trim_start_matches("./")) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            node.refuse(errors, format!("not a pattern: {why}"));
            None
        }
    }
}

/// The folder in which everything lies that a pattern can find: up to its first wildcard.
pub(crate) fn root(pattern: &Pattern) -> RepoPath {
    let text = pattern.as_str();
    let literal = text.split(['*', '?', '[', '{']).next().unwrap_or_default();
    RepoPath::parse(literal.rsplit_once('/').map_or("", |(folder, _)| folder))
        .unwrap_or_else(RepoPath::root)
}

/// Reads a list of files in the repository.
fn paths(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Vec<RepoPath> {
    let Some(node) = node else {
        return Vec::new();
    };
    let mut found: Vec<RepoPath> = node
        .items(errors)
        .iter()
        .filter_map(|item| path(item, errors))
        .collect();
    found.dedup();
    found
}

/// Reads one file in the repository.
pub(crate) fn path(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<RepoPath> {
    let text = node.text(errors)?;
    let path = RepoPath::parse(text).filter(|path| !path.as_str().is_empty());
    if path.is_none() {
        node.refuse(errors, "not a file inside the repository");
    }
    path
}

fn skipped(path: &RepoPath, rule: &Rule) -> Option<&'static str> {
    let name = path.name();
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    if rule.models.contains(path) || rule.retrieval.contains(path) {
        Some("shared config")
    } else if name.starts_with('.') {
        Some("dot file")
    } else if ["README", "LICENSE", "LICENCE"].contains(&stem.as_str()) {
        Some("documentation")
    } else if name.starts_with('_') || path.as_str().split('/').any(|part| part == "partials") {
        Some("partial")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn scope(text: &str) -> Scope {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let fields =
            Node::root(&value).fields(&["prompts", "models", "retrieval", "stage"], &mut errors);
        let scope = Scope::read(&fields, &mut errors);
        assert_eq!(errors.into_sorted(), []);
        scope
    }

    #[test]
    fn a_file_named_by_itself_wins_over_patterns_and_skips() {
        let scope = scope(
            "prompts:\n  - prompts/**\n  - {id: refund, file: prompts/_refund.md, risk: high}\n",
        );
        let of = |path: &str| format!("{:?}", scope.of(&RepoPath::parse(path).unwrap()));
        assert!(of("prompts/_refund.md").contains("High"));
        assert!(of("prompts/a/b.md").contains("Governed"));
        for (path, reason) in [
            ("prompts/_x.md", "partial"),
            ("prompts/partials/x.md", "partial"),
            ("prompts/.keep", "dot file"),
            ("prompts/README.md", "documentation"),
        ] {
            assert!(of(path).contains(reason), "{path}");
        }
        assert_eq!(of("other/a.md"), "Outside");
    }

    #[test]
    fn a_star_stays_in_its_folder() {
        let scope = scope("prompts: [prompts/*.md]\n");
        let of = |path: &str| scope.of(&RepoPath::parse(path).unwrap());
        assert!(matches!(of("prompts/a.md"), Governance::Governed(_)));
        assert!(matches!(of("prompts/a/b.md"), Governance::Outside));
    }
}
