//! The policy of a check with its gates: found in Git, read whole, every error at once.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::gates::{Gates, Waivers};
use crate::git::{CommitSha, GitError, Kind, Repo, RepoPath};
use crate::limits::POLICY;
use crate::policy::ledger::{BRANCH, LedgerRule, Recording};
use crate::policy::{PATHS, Policy, TOP_LEVEL};
use crate::units::Digest;
use crate::yaml::{self, Errors, Node, YamlError};

/// Where the rules of a check come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The base tip: the only rules that bind.
    Base,
    /// The head, since base has none: the first policy, nothing enforced.
    Bootstrap,
    /// A file on disk: a simulation, never published.
    Simulated,
}

impl Origin {
    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Bootstrap => "bootstrap",
            Self::Simulated => "simulated",
        }
    }
}

/// A policy that can be used.
pub(crate) struct Rules {
    /// The policy.
    pub(crate) policy: Policy,
    /// Its gates.
    pub(crate) gates: Gates,
    /// What lets a gate be red for a while.
    pub(crate) waivers: Waivers,
    /// Where it lies.
    pub(crate) path: RepoPath,
    /// Of its text.
    pub(crate) sha256: Digest,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Why there are no rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// Neither base nor head has a policy.
    #[error("no policy: neither {} exists at {commit}", PATHS.join(" nor "))]
    None {
        /// The base tip.
        commit: String,
    },
    /// The policy that was asked for is not there.
    #[error("no policy at `{path}` in {commit}")]
    NotThere {
        /// The path.
        path: String,
        /// The commit.
        commit: String,
    },
    /// The policy is no file.
    #[error("`{path}` is a symbolic link, a folder or a submodule, expected a file")]
    NoFile {
        /// The path.
        path: String,
    },
    /// The policy is not text.
    #[error("`{path}` is not UTF-8 text")]
    NoText {
        /// The path.
        path: String,
    },
    /// The policy has errors.
    #[error("the policy has {count} error{}", if *count == 1 { "" } else { "s" })]
    Invalid {
        /// How many.
        count: usize,
        /// All of them, with the lines they are on.
        shown: String,
    },
    /// Git could not read it.
    #[error("{path}: {source}")]
    Git {
        /// The path.
        path: String,
        /// What Git said.
        source: GitError,
    },
}

impl RulesError {
    /// What to do, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::None { .. } => Some(format!(
                "write one and commit it: mkdir -p .github && printf 'version: 1\\nprompts: [\"prompts/**\"]\\n' > {}",
                PATHS.first().unwrap_or(&"gatecard.yml")
            )),
            Self::NotThere { .. } => Some(String::from(
                "name a path inside the base tree with --policy; use --policy-file to simulate a file on disk",
            )),
            Self::NoFile { .. } => Some(String::from("commit the policy itself")),
            Self::NoText { .. } => Some(String::from("save the policy as UTF-8")),
            Self::Invalid { .. } => None,
            Self::Git { source, .. } => source.hint(),
        }
    }

    /// The details that stand under the message.
    pub(crate) fn details(&self) -> Option<&str> {
        match self {
            Self::Invalid { shown, .. } => Some(shown),
            _ => None,
        }
    }
}

impl Rules {
    /// Finds the policy at the base tip, or at head where base has none yet. A path that the
    /// caller names must be at base: a pull request could name one that only it has.
    pub(crate) fn find(
        repo: &Repo,
        base: &CommitSha,
        head: &CommitSha,
        named: Option<&RepoPath>,
    ) -> Result<Self, RulesError> {
        let paths: Vec<RepoPath> = match named {
            Some(path) => vec![path.clone()],
            None => PATHS
                .iter()
                .filter_map(|path| RepoPath::parse(path))
                .collect(),
        };
        let mut places = vec![(base, Origin::Base)];
        if named.is_none() {
            places.push((head, Origin::Bootstrap));
        }
        for (commit, origin) in places {
            for path in &paths {
                if let Some(text) = text_at(repo, commit, path)? {
                    return Self::read(&text, path, origin);
                }
            }
        }
        let commit = base.short().to_owned();
        Err(match named {
            Some(path) => RulesError::NotThere {
                path: path.to_string(),
                commit,
            },
            None => RulesError::None { commit },
        })
    }

    /// The name of the commit status, where the policy gives one. Only the base may: a head
    /// could name the status of another branch, which is on the same commit.
    pub(crate) fn status_name(&self) -> Option<&str> {
        let name = self.policy.status_name.as_deref();
        name.filter(|_| self.origin == Origin::Base)
    }

    /// The branch that verdicts are recorded on, and whether they must be; none where they are
    /// not. The first policy is of the head, which must not choose where is written to.
    pub(crate) fn ledger(&self) -> Option<(&str, Recording)> {
        let LedgerRule { recording, branch } = &self.policy.ledger;
        let recording = match (self.origin, recording) {
            (_, Recording::Off) | (Origin::Simulated, _) => None,
            (Origin::Base, recording) => Some(*recording),
            (Origin::Bootstrap, _) => (branch == BRANCH).then_some(Recording::BestEffort),
        };
        Some((branch.as_str(), recording?))
    }

    /// Reads a policy's text.
    pub(crate) fn read(text: &str, path: &RepoPath, origin: Origin) -> Result<Self, RulesError> {
        let (policy, gates, waivers) = parse(text).map_err(|errors| RulesError::Invalid {
            count: errors.len(),
            shown: snippets(text, path.as_str(), &errors),
        })?;
        Ok(Self {
            policy,
            gates,
            waivers,
            path: path.clone(),
            sha256: Digest::of(text.as_bytes()),
            origin,
        })
    }
}

/// The policy of a commit where people look for it.
pub(crate) fn usual(repo: &Repo, commit: &CommitSha) -> Option<RepoPath> {
    let paths = PATHS.iter().filter_map(|path| RepoPath::parse(path));
    let mut there = paths.filter(|path| matches!(repo.entry(commit, path), Ok(Some(_))));
    there.next()
}

/// Reads a policy, or returns everything that is wrong with it.
pub(crate) fn parse(text: &str) -> Result<(Policy, Gates, Waivers), Vec<YamlError>> {
    let value = yaml::to_json(text).map_err(|error| vec![error])?;
    let mut errors = Errors::new(text);
    let top = Node::root(&value).fields(TOP_LEVEL, &mut errors);
    let policy = Policy::read(&top, &mut errors);
    let gates = Gates::read(&top, &mut errors);
    let waivers = Waivers::read(&top, &mut errors);
    let errors = errors.into_sorted();
    if errors.is_empty() {
        Ok((policy, gates, waivers))
    } else {
        Err(errors)
    }
}

/// The errors of the policy at a commit, where there is one and it cannot be used.
pub(crate) fn errors_at(
    repo: &Repo,
    commit: &CommitSha,
    path: &RepoPath,
) -> Option<Vec<YamlError>> {
    let message = |message: String| {
        vec![YamlError {
            place: None,
            message,
        }]
    };
    match text_at(repo, commit, path) {
        Ok(None) => None,
        Ok(Some(text)) => parse(&text).err(),
        Err(error) => Some(message(error.to_string())),
    }
}

fn text_at(repo: &Repo, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, RulesError> {
    let git = |source| RulesError::Git {
        path: path.to_string(),
        source,
    };
    let Some(entry) = repo.entry(commit, path).map_err(git)? else {
        return Ok(None);
    };
    if entry.kind != Kind::File {
        return Err(RulesError::NoFile {
            path: path.to_string(),
        });
    }
    let bytes = repo.blob(entry.id, POLICY).map_err(git)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(RulesError::NoText {
            path: path.to_string(),
        }),
    }
}

/// Shows each error under the line it is on.
fn snippets(text: &str, path: &str, errors: &[YamlError]) -> String {
    let renderer = Renderer::plain();
    let shown: Vec<String> = errors
        .iter()
        .map(|error| {
            let message = crate::untrusted::visible(&error.message);
            let Some(span) = error.place.and_then(|place| span(text, place)) else {
                return format!("error: {message}\n --> {path}");
            };
            let snippet = Snippet::source(text)
                .path(path)
                .annotation(AnnotationKind::Primary.span(span));
            renderer.render(&[Level::ERROR.primary_title(&message).element(snippet)])
        })
        .collect();
    shown.join("\n\n")
}

/// The bytes from a place to the end of its line. A text that ends too early is to blame at
/// its end.
fn span(text: &str, place: yaml::Place) -> Option<std::ops::Range<usize>> {
    if place.line > text.lines().count() {
        let end = text.trim_end().len();
        return (end > 0).then_some(end..end);
    }
    let line = text.lines().nth(place.line.checked_sub(1)?)?;
    let start: usize = text
        .split_inclusive('\n')
        .take(place.line - 1)
        .map(str::len)
        .sum();
    let column = line
        .char_indices()
        .nth(place.column.checked_sub(1)?)
        .map_or(line.len(), |(at, _)| at);
    Some(start + column..start + line.trim_end().len().max(column))
}
