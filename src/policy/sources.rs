//! Where evidence comes from: the policy's `evidence`.

use chrono::TimeDelta;

use super::scope;
use super::{Role, Where};
use crate::git::RepoPath;
use crate::glob::Pattern;
use crate::yaml::{Errors, Fields, Node};

/// Where the workflows of a repository are.
const WORKFLOWS: &str = ".github/workflows/";
/// How long evidence of another workflow may take where the policy does not say.
const DEFAULT_WAIT: TimeDelta = TimeDelta::hours(1);

/// What a source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Eval results.
    Evals,
    /// Traces.
    Traces,
}

impl Kind {
    /// The words for people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Evals => "eval results",
            Self::Traces => "traces",
        }
    }
}

/// The path of a workflow, such as `.github/workflows/evals.yml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workflow(RepoPath);

impl Workflow {
    /// Reads `evals.yml`, or the whole path.
    fn read(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        let expected = "the file of a workflow, such as `evals.yml`";
        node.read(expected, errors, |value| Self::named(value.as_str()?))
    }

    /// The workflow of this file.
    pub(crate) fn named(text: &str) -> Option<Self> {
        let name = text.strip_prefix(WORKFLOWS).unwrap_or(text);
        let suffix = name.rsplit_once('.')?.1;
        let fits = !name.contains('/') && ["yml", "yaml"].contains(&suffix);
        RepoPath::parse(&format!("{WORKFLOWS}{name}"))
            .filter(|_| fits)
            .map(Self)
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.0.as_str()
    }

    /// The file.
    pub(crate) fn file(&self) -> &RepoPath {
        &self.0
    }

    /// The file's name, by which GitHub's API knows the workflow.
    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }
}

/// Which run an artifact is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// The run that the gate is part of.
    ThisRun,
    /// The newest run of a workflow for the head commit.
    Head(Workflow),
    /// The newest successful run of a workflow on the base branch.
    Base(Workflow),
}

/// Where the files of a source are.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// On disk, made earlier in the job or committed: a pattern relative to the repository's
    /// folder.
    Tree(String),
    /// On disk, made earlier in the job: what is committed at the head does not count.
    Job(String),
    /// In the repository, read from Git at the head.
    Repository(Pattern),
    /// An artifact of a workflow run.
    Artifact {
        /// Its name.
        name: String,
        /// Of which run.
        of: MadeBy,
    },
    /// A file of a release.
    Release {
        /// The tag; without one, the latest release.
        tag: Option<String>,
        /// The file's name.
        asset: String,
    },
}

impl Origin {
    /// Whether it must be asked for on GitHub.
    pub(crate) const fn is_remote(&self) -> bool {
        matches!(self, Self::Artifact { .. } | Self::Release { .. })
    }
}

/// Eval results or traces that the policy expects.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// What it holds.
    pub(crate) kind: Kind,
    /// Where it is.
    pub(crate) origin: Origin,
    /// Which side it is, where the policy says so.
    pub(crate) role: Option<Role>,
    /// How old it may be.
    pub(crate) max_age: Option<TimeDelta>,
    /// How long it may take until it is there.
    pub(crate) wait: TimeDelta,
    /// Whether the change can be judged without it.
    pub(crate) optional: bool,
    /// The workflow that must have signed for it on the base branch.
    pub(crate) attested_by: Option<Workflow>,
}

impl Source {
    /// Who makes it, in words.
    pub(crate) fn words(&self) -> String {
        match &self.origin {
            Origin::Tree(pattern) => format!("`{pattern}`"),
            Origin::Job(pattern) => format!("`{pattern}`, made earlier in the job"),
            Origin::Repository(glob) => {
                format!("`{}` in the repository at the head", glob.as_str())
            }
            Origin::Artifact { name, of } => match of {
                MadeBy::ThisRun => format!("artifact `{name}` of this run"),
                MadeBy::Head(workflow) => {
                    format!(
                        "artifact `{name}` of `{}` for the head commit",
                        workflow.name()
                    )
                }
                MadeBy::Base(workflow) => {
                    format!(
                        "artifact `{name}` of `{}` on the base branch",
                        workflow.name()
                    )
                }
            },
            Origin::Release { tag, asset } => match tag {
                Some(tag) => format!("`{asset}` of the release `{tag}`"),
                None => format!("`{asset}` of the latest release"),
            },
        }
    }
}

/// Where evidence comes from.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// Eval results and traces.
    pub(crate) sources: Vec<Source>,
    /// Which calls count.
    pub(crate) calls: Where,
    /// Debug drills, at the base tip.
    pub(crate) drills: RepoPath,
    /// Reviews by stakeholder group, at the base tip.
    pub(crate) reviews: RepoPath,
    /// The data policy statement, at the base tip.
    pub(crate) data_policy: RepoPath,
}

const KEYS: [&str; 5] = ["evals", "traces", "drills", "reviews", "data_policy"];

impl Evidence {
    /// Reads `evidence`.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let default = |path: &str| RepoPath::parse(path).unwrap_or_else(RepoPath::root);
        let mut evidence = Self {
            sources: Vec::new(),
            calls: Where::default(),
            drills: default(".gatecard/drills.yml"),
            reviews: default(".gatecard/reviews.yml"),
            data_policy: default(".gatecard/data-policy.yml"),
        };
        let items = node.map(|node| node.items(errors)).unwrap_or_default();
        for item in items {
            evidence.entry(&item, errors);
        }
        evidence
    }

    fn entry(&mut self, item: &Node<'_>, errors: &mut Errors<'_>) {
        let mut known = KEYS.to_vec();
        known.extend(["as", "where", "max_age", "wait", "optional", "attested_by"]);
        let fields = item.fields(&known, errors);
        let named: Vec<&str> = KEYS
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        let [key] = named.as_slice() else {
            item.refuse(
                errors,
                format!("expected exactly one of {}", KEYS.join(", ")),
            );
            return;
        };
        let Some(value) = fields.get(key) else {
            return;
        };
        for (name, belongs) in [
            ("as", &["evals"][..]),
            ("where", &["traces"]),
            ("max_age", &["evals", "traces"]),
            ("wait", &["evals", "traces"]),
            ("optional", &["evals", "traces"]),
            ("attested_by", &["evals", "traces"]),
        ] {
            if let Some(node) = fields.get(name)
                && !belongs.contains(key)
            {
                node.refuse(errors, format!("belongs to `{}`", belongs.join("` and `")));
            }
        }
        let kind = match *key {
            "evals" => Kind::Evals,
            "traces" => Kind::Traces,
            kept => return self.kept(kept, value, errors),
        };
        self.sources.extend(source(kind, value, &fields, errors));
        if let Some(filter) = fields.get("where") {
            if self.calls != Where::default() {
                filter.refuse(errors, "stands here twice; all traces share one filter");
            }
            self.calls = calls(filter, errors);
        }
    }

    /// A file that is kept at the base tip.
    fn kept(&mut self, key: &str, value: &Node<'_>, errors: &mut Errors<'_>) {
        let Some(path) = scope::path(value, errors) else {
            return;
        };
        match key {
            "drills" => self.drills = path,
            "reviews" => self.reviews = path,
            _ => self.data_policy = path,
        }
    }
}

fn source(
    kind: Kind,
    value: &Node<'_>,
    fields: &Fields<'_>,
    errors: &mut Errors<'_>,
) -> Option<Source> {
    let origin = origin(value, errors);
    let role = fields
        .get("as")
        .and_then(|node| node.one_of(Role::WORDS, errors));
    let max_age = fields
        .get("max_age")
        .and_then(|node| duration(node, errors));
    let awaited = matches!(
        &origin,
        Some(Origin::Artifact {
            of: MadeBy::Head(_),
            ..
        })
    );
    let wait = fields.get("wait").and_then(|node| {
        if origin.is_some() && !awaited {
            node.refuse(
                errors,
                "belongs to an artifact of another workflow for the head commit",
            );
        }
        duration(node, errors)
    });
    let optional = fields
        .get("optional")
        .and_then(|node| node.flag(errors))
        .unwrap_or(false);
    let attested_by = fields.get("attested_by").and_then(|node| {
        if origin.as_ref().is_some_and(|origin| !origin.is_remote()) {
            node.refuse(errors, "belongs to an artifact or a release");
        }
        Workflow::read(node, errors)
    });
    let default = if awaited {
        DEFAULT_WAIT
    } else {
        TimeDelta::zero()
    };
    Some(Source {
        kind,
        origin: origin?,
        role,
        max_age,
        wait: wait.unwrap_or(default),
        optional,
        attested_by,
    })
}

/// What tells one kind of origin from another, and the keys that may stand beside it.
const ORIGINS: [(&str, &[&str]); 4] = [
    ("file", &[]),
    ("repository", &[]),
    ("artifact", &["workflow", "branch"]),
    ("release", &["asset"]),
];

fn origin(value: &Node<'_>, errors: &mut Errors<'_>) -> Option<Origin> {
    if value.value().is_string() {
        return inside(value, errors).map(Origin::Tree);
    }
    let known: Vec<&str> = ORIGINS
        .iter()
        .flat_map(|(key, beside)| [*key].into_iter().chain(beside.iter().copied()))
        .collect();
    let fields = value.fields(&known, errors);
    let named: Vec<_> = ORIGINS
        .iter()
        .filter(|(key, _)| fields.get(key).is_some())
        .collect();
    let [(key, beside)] = named.as_slice() else {
        let keys: Vec<&str> = ORIGINS.iter().map(|(key, _)| *key).collect();
        let expected = format!("expected a pattern, or exactly one of {}", keys.join(", "));
        value.refuse(errors, expected);
        return None;
    };
    let strangers = known
        .iter()
        .filter(|other| *other != key && !beside.contains(other));
    for node in strangers.filter_map(|other| fields.get(other)) {
        node.refuse(errors, format!("does not belong to `{key}`"));
    }
    let node = fields.get(key)?;
    match *key {
        "file" => inside(node, errors).map(Origin::Job),
        "repository" => scope::pattern(node, errors).map(Origin::Repository),
        "artifact" => artifact(node, &fields, errors),
        _ => release(node, &fields, errors),
    }
}

fn artifact(name: &Node<'_>, fields: &Fields<'_>, errors: &mut Errors<'_>) -> Option<Origin> {
    let name = name.text(errors)?.to_owned();
    let base = fields
        .get("branch")
        .and_then(|node| node.one_of(&[("base", true), ("head", false)], errors));
    let workflow = match fields.get("workflow") {
        Some(node) => Some(Workflow::read(node, errors)?),
        None => None,
    };
    let of = match (workflow, base) {
        (Some(workflow), Some(true)) => MadeBy::Base(workflow),
        (Some(workflow), _) => MadeBy::Head(workflow),
        (None, None) => MadeBy::ThisRun,
        (None, Some(_)) => {
            fields.need("workflow", errors)?;
            return None;
        }
    };
    Some(Origin::Artifact { name, of })
}

fn release(tag: &Node<'_>, fields: &Fields<'_>, errors: &mut Errors<'_>) -> Option<Origin> {
    let tag = tag.text(errors)?;
    let asset = fields.need("asset", errors)?.text(errors)?.to_owned();
    Some(Origin::Release {
        tag: (tag != "latest").then(|| tag.to_owned()),
        asset,
    })
}

/// A pattern that stays inside the repository's folder.
fn inside(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<String> {
    scope::pattern(node, errors)?;
    Some(node.text(errors)?.trim_start_matches("./").to_owned())
}

/// Reads `30m`, `12h` or `14d`.
fn duration(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<TimeDelta> {
    node.read("a time such as `30m`, `12h` or `14d`", errors, |value| {
        let text = value.as_str()?;
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
        let number = i64::from(number);
        match unit {
            "m" => TimeDelta::try_minutes(number),
            "h" => TimeDelta::try_hours(number),
            "d" => TimeDelta::try_days(number),
            _ => None,
        }
    })
    // No evidence is kept for as long, and a point in time must stay one.
    .filter(|time| {
        let fits = *time <= TimeDelta::days(3_650);
        if !fits {
            node.refuse(errors, "more than 3650 days");
        }
        fits
    })
}

fn calls(node: &Node<'_>, errors: &mut Errors<'_>) -> Where {
    let fields = node.fields(&["environment", "service", "route"], errors);
    let text = |key: &str, errors: &mut Errors<'_>| {
        fields
            .get(key)
            .and_then(|node| Some(node.text(errors)?.to_owned()))
    };
    Where {
        any_environment: false,
        environment: text("environment", errors),
        service: text("service", errors),
        route: text("route", errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> (Evidence, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let evidence = Evidence::read(Some(&Node::root(&value)), &mut errors);
        let errors = errors.into_sorted();
        let errors = errors.into_iter().map(|error| error.message).collect();
        (evidence, errors)
    }

    #[test]
    fn a_source_says_who_makes_it() {
        for (yaml, want) in [
            ("evals: ./out/*.json", "`out/*.json`"),
            (
                "evals: { file: out/*.json }",
                "`out/*.json`, made earlier in the job",
            ),
            (
                "evals: { repository: evals/*.json }",
                "`evals/*.json` in the repository at the head",
            ),
            ("evals: { artifact: evals }", "artifact `evals` of this run"),
            (
                "evals: { artifact: evals, workflow: evals.yml }",
                "artifact `evals` of `evals.yml` for the head commit",
            ),
            (
                "traces: { artifact: cov, workflow: .github/workflows/n.yaml, branch: base }",
                "artifact `cov` of `n.yaml` on the base branch",
            ),
            (
                "traces: { release: latest, asset: cov.jsonl }",
                "`cov.jsonl` of the latest release",
            ),
            (
                "traces: { release: v1, asset: cov.jsonl }",
                "`cov.jsonl` of the release `v1`",
            ),
        ] {
            let (evidence, errors) = read(&format!("- {yaml}\n"));
            assert_eq!(errors, [""; 0], "{yaml}");
            let words: Vec<String> = evidence.sources.iter().map(Source::words).collect();
            assert_eq!(words, [want], "{yaml}");
        }
    }

    #[test]
    fn only_another_workflow_for_the_head_is_waited_for() {
        let yaml = "- evals: { artifact: a, workflow: w.yml }\n- evals: { artifact: a, workflow: w.yml }\n  wait: 5m\n  max_age: 2d\n- evals: out.json\n";
        let (evidence, errors) = read(yaml);
        assert_eq!(errors, [""; 0]);
        let waits: Vec<i64> = evidence
            .sources
            .iter()
            .map(|source| source.wait.num_minutes())
            .collect();
        assert_eq!(waits, [60, 5, 0]);
        let ages: Vec<Option<TimeDelta>> =
            evidence.sources.iter().map(|each| each.max_age).collect();
        assert_eq!(ages, [None, Some(TimeDelta::days(2)), None]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_does() {
        for (yaml, want) in [
            ("evals: { file: ../x.json }", "leaves the repository"),
            ("evals: /etc/passwd", "leaves the repository"),
            ("evals: { repository: a/../../b }", "leaves the repository"),
            (
                "evals: {}",
                "exactly one of file, repository, artifact, release",
            ),
            ("evals: { file: a, artifact: b }", "exactly one of"),
            (
                "evals: { file: a, workflow: w.yml }",
                "does not belong to `file`",
            ),
            (
                "evals: { artifact: a, asset: b }",
                "does not belong to `artifact`",
            ),
            ("evals: { artifact: a, branch: base }", "workflow"),
            (
                "evals: { artifact: a, workflow: w.yml, branch: main }",
                "one of base, head",
            ),
            (
                "evals: { artifact: a, workflow: ../w.yml }",
                "the file of a workflow",
            ),
            (
                "evals: { artifact: a, workflow: w }",
                "the file of a workflow",
            ),
            ("traces: { release: v1 }", "asset"),
            ("evals: { artifcat: a }", "artifact"),
            (
                "{ evals: a, wait: 5m }",
                "belongs to an artifact of another workflow",
            ),
            ("{ evals: a, max_age: 5 days }", "a time such as"),
            ("{ evals: a, max_age: 0d }", "a time such as"),
            ("{ evals: a, max_age: 4000d }", "more than 3650 days"),
            (
                "{ drills: a.yml, max_age: 1d }",
                "belongs to `evals` and `traces`",
            ),
            ("{ evals: a, optional: perhaps }", "true or false"),
            (
                "{ evals: a, attested_by: w.yml }",
                "belongs to an artifact or a release",
            ),
        ] {
            let (_, errors) = read(&format!("- {yaml}\n"));
            let told = errors.iter().any(|error| error.contains(want));
            assert!(told, "{yaml}: {errors:?}");
        }
    }
}
