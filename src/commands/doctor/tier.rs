//! How far a verdict can be trusted: who could make it say something else.

use crate::github::demands::{Demands, Required, Source};

/// A tier of trust, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Nothing asks for the verdict.
    None,
    /// Any token of the repository may set it.
    Token,
    /// One app may set it.
    App,
    /// The gate's workflow is not in the repository.
    Workflow,
}

impl Tier {
    /// All of them, for the docs.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::None, Self::Token, Self::App, Self::Workflow];

    /// The tier's name.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "T1",
            Self::App => "T2",
            Self::Workflow => "T3",
        }
    }

    /// What reaches it.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::None => "no rule of the branch requires the status",
            Self::Token => {
                "the status is required, and any workflow or person with write access may set it"
            }
            Self::App => "the status is required from one app, which nobody else can set it for",
            Self::Workflow => {
                "the gate runs as a required workflow, from a repository of the organisation"
            }
        }
    }

    /// What a person with write access can still do.
    pub(crate) const fn insider(self) -> &'static str {
        match self {
            Self::None => "merge whatever the verdict says",
            Self::Token => {
                "set the status to success with a workflow on a branch of their own, or by hand through the API"
            }
            Self::App => {
                "use the app's key wherever they may read it: a secret of the repository is read by a workflow on any branch; administrators can change the rule"
            }
            Self::Workflow => {
                "not forge it; owners of the organisation and whoever may write to the workflow's repository can"
            }
        }
    }

    /// How to get one further.
    pub(crate) const fn next(self) -> &'static str {
        match self {
            Self::None => "require the status in a ruleset of the branch",
            Self::Token => {
                "let the gate use the token of a GitHub App of your own (input `token`), and name that app as the status's source in the ruleset"
            }
            Self::App => {
                "keep the app's key in an environment that only the default branch may use; or run the gate as a required workflow of the organisation"
            }
            Self::Workflow => {
                "keep the workflow's repository to few people; reviews do not start a required workflow, so re-run it after an approval"
            }
        }
    }

    /// The tier that a branch's demands reach for a status.
    pub(super) fn of(demands: &Demands, status: &str) -> Self {
        if demands
            .workflows
            .iter()
            .any(|path| path.contains("gatecard"))
        {
            return Self::Workflow;
        }
        match required(demands, status) {
            None => Self::None,
            Some(Source::App(_)) => Self::App,
            Some(_) => Self::Token,
        }
    }
}

/// From whom a status is required, where it is. All rules must be met, so the strictest binds.
pub(super) fn required(demands: &Demands, status: &str) -> Option<Source> {
    let of_name = |one: &&Required| one.context == status;
    let sources = demands.statuses.iter().filter(of_name);
    sources.map(|one| one.source).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_rule_of_the_status_decides() {
        let required = |context: &str, source| Required {
            context: context.to_owned(),
            source,
        };
        let (ours, anybody, app) = ("gatecard: main", Source::Anybody, Source::App(7));
        for (statuses, workflows, expected) in [
            (vec![], vec![], Tier::None),
            (vec![required("gatecard: next", app)], vec![], Tier::None),
            (vec![required(ours, anybody)], vec![], Tier::Token),
            (vec![required(ours, Source::Actions)], vec![], Tier::Token),
            (
                vec![required(ours, app), required(ours, anybody)],
                vec![],
                Tier::App,
            ),
            (
                vec![required(ours, anybody)],
                vec!["ci/gatecard.yml"],
                Tier::Workflow,
            ),
            (
                vec![required(ours, anybody)],
                vec!["ci/other.yml"],
                Tier::Token,
            ),
        ] {
            let workflows = workflows.into_iter().map(str::to_owned).collect();
            let demands = Demands {
                statuses,
                workflows,
                ..Demands::default()
            };
            assert_eq!(Tier::of(&demands, ours), expected, "{demands:?}");
        }
    }
}
