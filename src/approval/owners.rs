//! Who must approve what: the policy's groups, and CODEOWNERS of the base.

use std::collections::BTreeMap;

use super::codeowners::{self, Codeowners, Owners};
use super::{Group, Purpose};
use crate::change::{GovernedFile, GovernedKind};
use crate::git::{CommitSha, GitError, Kind, Repo, RepoPath};
use crate::limits::CODEOWNERS;
use crate::policy::people::Member;
use crate::policy::{CategoryId, Policy};

/// The name of those who must approve a change of the policy.
const POLICY_OWNERS: &str = "policy owners";

/// The CODEOWNERS file of the base tip: the first that is there, as GitHub does. One that
/// names nobody is told in `notes`.
pub(super) fn codeowners(
    repo: &Repo,
    base: &CommitSha,
    notes: &mut Vec<String>,
) -> Result<Codeowners, GitError> {
    for place in codeowners::PATHS {
        let Some(path) = RepoPath::parse(place) else {
            continue;
        };
        let Some(entry) = repo.entry(base, &path)? else {
            continue;
        };
        let problem = match repo.blob(entry.id, CODEOWNERS) {
            _ if entry.kind != Kind::File => String::from("it is no file"),
            Ok(bytes) => return Ok(Codeowners::parse(&String::from_utf8_lossy(&bytes))),
            Err(error @ GitError::TooLarge { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        notes.push(format!(
            "`{place}` names nobody, as GitHub does not load it either: {problem}"
        ));
        break;
    }
    Ok(Codeowners::default())
}

/// A group of the policy, its `codeowners` resolved.
pub(super) fn named(policy: &Policy, name: &str, owners: &Owners) -> Group {
    let members = policy
        .people
        .groups
        .get(name)
        .map_or(&[][..], Vec::as_slice);
    resolved(name, members, owners)
}

fn resolved(name: &str, members: &[Member], owners: &Owners) -> Group {
    let mut group = Group {
        name: name.to_owned(),
        ..Group::default()
    };
    for member in members {
        if *member == Member::Codeowners {
            group.members.extend(owners.members.iter().cloned());
            group.emails.extend(owners.emails.iter().cloned());
        } else {
            group.members.push(member.clone());
        }
    }
    group
}

/// Who must approve a change of the policy: those it names, else the code owners of its file,
/// else anyone who may write.
pub(super) fn policy_owners(policy: &Policy, owners: &Owners) -> Group {
    if let Some(members) = &policy.people.policy_owners {
        return resolved(POLICY_OWNERS, members, owners);
    }
    let mut group = resolved(POLICY_OWNERS, &[Member::Codeowners], owners);
    group.writers = *owners == Owners::default();
    group
}

/// Governed files by the group that must approve them; `None` are the policy owners. Slow
/// evidence belongs to the owner of its category, where that is a group of the policy; datasets
/// and judges to the test set's owner, where the policy names one.
pub(super) fn by_owner<'p>(
    policy: &'p Policy,
    files: &[GovernedFile],
) -> BTreeMap<(Option<&'p str>, Purpose), Vec<RepoPath>> {
    let mut found: BTreeMap<(Option<&str>, Purpose), Vec<RepoPath>> = BTreeMap::new();
    for file in files {
        let evidence = &policy.evidence;
        let category = match file.kind {
            GovernedKind::Evidence if file.path == evidence.drills => {
                Some(CategoryId::DebuggingSpeed)
            }
            GovernedKind::Evidence if file.path == evidence.reviews => {
                Some(CategoryId::Collaboration)
            }
            GovernedKind::Evidence => Some(CategoryId::Security),
            _ => None,
        };
        let owner = match file.kind {
            GovernedKind::Dataset | GovernedKind::Judge => {
                policy.eval_runs.test_set_owner.as_deref()
            }
            _ => category
                .and_then(|id| Some(policy.categories.get(&id)?.owner.as_str()))
                .filter(|owner| policy.people.groups.contains_key(*owner)),
        };
        let purpose = match file.kind {
            GovernedKind::Dataset | GovernedKind::Judge if owner.is_some() => Purpose::TestSet,
            _ => Purpose::Content,
        };
        let files = found.entry((owner, purpose)).or_default();
        files.push(file.path.clone());
    }
    for paths in found.values_mut() {
        paths.sort();
        paths.dedup();
    }
    found
}
