//! The lock file: every prompt's version, and the datasets and judges, as digests that a run can
//! be stamped with. The same commit and policy give the same bytes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::evidence::sets::{Files, Kind};
use crate::git::{CommitSha, GitError, Repo};
use crate::policy::Policy;
use crate::prompt::Prompt;
use crate::prompt::version::Facet;
use crate::units::Digest;

/// The schema of the file.
pub(crate) const SCHEMA: &str = "gatecard/lock/v1";
/// Where it lies unless another place is named.
pub(crate) const PATH: &str = "gatecard.lock";

/// All of it, in the order of its keys.
#[derive(Serialize)]
struct Lock<'a> {
    schema: &'static str,
    prompts: BTreeMap<&'a str, Locked<'a>>,
    datasets: Set,
    judges: Set,
}

/// One prompt.
#[derive(Serialize)]
struct Locked<'a> {
    version: Digest,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    facets: BTreeMap<&'static str, Digest>,
}

/// Files that belong together.
#[derive(Serialize)]
struct Set {
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    files: BTreeMap<String, String>,
}

impl Set {
    fn of(files: Files) -> Self {
        Self {
            digest: files.digest(),
            files: files
                .0
                .into_iter()
                .map(|(path, id)| (path.to_string(), id))
                .collect(),
        }
    }
}

/// The lock file's text.
pub(crate) fn text(
    repo: &Repo,
    commit: &CommitSha,
    policy: &Policy,
    prompts: &[Prompt],
) -> Result<String, GitError> {
    let set = |kind| Files::at(repo, commit, (policy, kind)).map(Set::of);
    let lock = Lock {
        schema: SCHEMA,
        prompts: prompts
            .iter()
            .map(|prompt| (prompt.id.as_str(), locked(prompt)))
            .collect(),
        datasets: set(Kind::Datasets)?,
        judges: set(Kind::Judges)?,
    };
    Ok(format!("{:#}\n", serde_json::json!(lock)))
}

fn locked(prompt: &Prompt) -> Locked<'_> {
    let facets = Facet::ALL.into_iter();
    Locked {
        version: prompt.version.digest(),
        path: prompt.path.as_str(),
        label: prompt.draft.label(),
        facets: facets
            .filter_map(|facet| Some((facet.id(), prompt.version.facet(facet)?)))
            .collect(),
    }
}
