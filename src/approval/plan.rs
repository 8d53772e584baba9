//! What must be approved, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::{Closure, Target};
use super::group::Membership;
use super::observed::{Authorship, Moves, Observed, Questions, Team};
use super::owners;
use super::rules::{self, Case, Opinion};
use super::{Approvals, ChangeRequest, Decision, Group, Known, Purpose, Subject};
use crate::change::{ChangeSet, Range};
use crate::git::{CommitSha, GitError, Repo};
use crate::rules::{Origin, Rules};
use crate::units::Digest;
use crate::untrusted::Untrusted;

/// Associations of people whose wish for changes blocks, whatever group they are in.
const INSIDERS: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

/// The subjects of a change with the groups that must approve them.
pub(crate) struct Plan<'a> {
    repo: &'a Repo,
    range: &'a Range,
    subjects: Vec<Planned<'a>>,
    notes: Vec<String>,
}

struct Planned<'a> {
    subject: Subject,
    closure: Closure<'a>,
    groups: Vec<(Group, Purpose)>,
}

impl<'a> Plan<'a> {
    /// Finds what must be approved: changed prompts by the groups of their risk tier, other
    /// governed files by those who own them. The first policy needs no approval, since there
    /// is nobody yet who could be asked.
    pub(crate) fn of(
        repo: &'a Repo,
        range: &'a Range,
        rules: &'a Rules,
        changes: &'a ChangeSet,
    ) -> Result<Self, GitError> {
        let mut plan = Self {
            repo,
            range,
            subjects: Vec::new(),
            notes: Vec::new(),
        };
        if rules.origin == Origin::Bootstrap {
            return Ok(plan);
        }
        let policy = &rules.policy;
        let owners = owners::codeowners(repo, &range.base, &mut plan.notes)?;
        for change in &changes.changes {
            let needed = policy.people.needed(change.risk);
            let judged = change.needs_evidence() || change.eases(policy);
            // Moving a file does not change who must look at it.
            let place = change.base.as_ref().or(change.head.as_ref());
            let test_set = policy.eval_runs.test_set_owner.as_ref();
            let also = test_set.filter(|name| change.needs_evidence() && !needed.contains(name));
            if let Some(prompt) = place.filter(|_| judged && !(needed.is_empty() && also.is_none()))
            {
                let at = owners.of(&prompt.path);
                let named = |purpose| {
                    let at = &at;
                    move |name: &String| (owners::named(policy, name, at), purpose)
                };
                let needed = needed.iter().map(named(Purpose::Content));
                plan.subjects.push(Planned {
                    subject: Subject::Prompt(change.id.clone()),
                    closure: Closure::new(repo, policy, Target::Prompt(change)),
                    groups: needed
                        .chain(also.into_iter().map(named(Purpose::TestSet)))
                        .collect(),
                });
            }
        }
        let at = owners.of(&rules.path);
        for ((group, purpose), paths) in owners::by_owner(policy, &changes.governed) {
            let group = match group {
                Some(name) => owners::named(policy, name, &at),
                None => owners::policy_owners(policy, &at),
            };
            // Each file by itself: in a merge queue they come from different pull requests.
            for path in paths {
                plan.subjects.push(Planned {
                    subject: Subject::Files(vec![path.clone()]),
                    closure: Closure::new(repo, policy, Target::Files(vec![path])),
                    groups: vec![(group.clone(), purpose)],
                });
            }
        }
        Ok(plan)
    }

    /// Whether nothing needs an approval.
    pub(crate) const fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// What must still be asked of GitHub, once the reviews are known and [`super::commits`]
    /// are in the clone.
    pub(crate) fn questions(&mut self, observed: &Observed) -> Result<Questions, GitError> {
        let changed = self.changed(observed)?;
        let mut questions = Questions {
            commits: changed.into_iter().flatten().collect(),
            ..Questions::default()
        };
        for (group, _) in self.subjects.iter().flat_map(|planned| &planned.groups) {
            questions.teams.extend(group.teams().cloned());
            questions.writers |= group.writers;
        }
        Ok(questions)
    }

    /// By subject, the commits that changed it: those of the pull requests. In a merge queue a
    /// group's own commits, such as squashed ones, count only where no pull request has the
    /// content by itself: their authors are those of everything that was squashed.
    fn changed(&mut self, observed: &Observed) -> Result<Vec<BTreeSet<CommitSha>>, GitError> {
        let (base, head) = (&self.range.base, &self.range.head);
        let mut own = BTreeMap::new();
        if !self.subjects.is_empty() {
            for pull in &observed.pulls {
                own.extend(self.repo.commits(base, &pull.head)?);
            }
        }
        let own: Vec<_> = own.into_iter().collect();
        let mut found = Vec::new();
        for planned in &mut self.subjects {
            let wanted = planned.closure.at(head)?;
            let mut made = false;
            for pull in &observed.pulls {
                made |= planned.closure.at(&pull.head)? == wanted;
            }
            let mut commits = planned.closure.changed_by(&own)?;
            if !made {
                let landed = self.repo.commits(base, head)?;
                commits.extend(planned.closure.changed_by(&landed)?);
            }
            found.push(commits);
        }
        Ok(found)
    }

    /// Judges what is known. A clone that lacks a pull request's history leaves it unknown who
    /// wrote it, so that nobody's approval can count.
    pub(crate) fn judge(mut self, known: &Known) -> Result<Approvals, GitError> {
        let (observed, changed) = match known {
            Known::Observed(observed) => match self.changed(observed) {
                Ok(changed) => (observed, changed),
                Err(error @ GitError::Missing { .. }) => {
                    let hint = error.hint().unwrap_or_default();
                    return self.unknown(&format!("{error}; {hint}"));
                }
                Err(error) => return Err(error),
            },
            Known::Unknown(why) => return self.unknown(why),
        };
        if !self.subjects.is_empty() {
            self.notes.extend(unread_timelines(observed));
        }
        let mut notes = std::mem::take(&mut self.notes);
        let mut approvals = Approvals {
            requests: self.requests(observed),
            ..Approvals::default()
        };
        for (planned, commits) in self.subjects.iter_mut().zip(&changed) {
            let authors = Authors::of(observed, commits, &mut notes);
            let head = planned.closure.at(&self.range.head)?;
            let seen = seen(observed, &mut planned.closure);
            let openers = openers(
                observed,
                &mut planned.closure,
                (self.repo, &self.range.base),
            );
            for (group, purpose) in &planned.groups {
                let (counted, discarded) = rules::tally(&Case {
                    observed,
                    group,
                    head,
                    seen: &seen,
                    openers: &openers,
                    authors: &authors.by_id,
                    unasked: authors.unasked,
                });
                approvals.decisions.push(Decision {
                    subject: planned.subject.clone(),
                    version: head,
                    purpose: *purpose,
                    head: self.range.head.clone(),
                    group: group.clone(),
                    counted,
                    discarded,
                    unreadable: unreadable(group, observed),
                });
            }
        }
        approvals.notes = settled(notes);
        Ok(approvals)
    }

    fn unknown(mut self, why: &str) -> Result<Approvals, GitError> {
        let mut approvals = Approvals {
            unknown: Some(why.into()),
            notes: settled(self.notes),
            ..Approvals::default()
        };
        for planned in &mut self.subjects {
            let version = planned.closure.at(&self.range.head)?;
            for (group, purpose) in &planned.groups {
                approvals.decisions.push(Decision {
                    subject: planned.subject.clone(),
                    version,
                    purpose: *purpose,
                    head: self.range.head.clone(),
                    group: group.clone(),
                    counted: Vec::new(),
                    discarded: Vec::new(),
                    unreadable: Vec::new(),
                });
            }
        }
        Ok(approvals)
    }

    /// Who requests changes and is heard: members of a needed group, and insiders.
    fn requests(&self, observed: &Observed) -> Vec<ChangeRequest> {
        let mut found = Vec::new();
        for pull in &observed.pulls {
            for (review, opinion) in rules::latest(pull) {
                let user = review.user.as_ref();
                let bot = user.is_some_and(|user| user.bot);
                if opinion != Opinion::ChangesRequested || bot {
                    continue;
                }
                let mut groups = self.subjects.iter().flat_map(|planned| &planned.groups);
                let association = review.association.to_ascii_uppercase();
                if INSIDERS.contains(&association.as_str())
                    || groups.any(|(group, _)| group.membership(user, observed) != Membership::No)
                {
                    found.push(ChangeRequest {
                        reviewer: rules::name(user).into(),
                        pull: pull.number,
                        review: review.id,
                    });
                }
            }
        }
        found
    }
}

/// Notes in order, each once.
fn settled(mut notes: Vec<String>) -> Vec<Untrusted> {
    notes.sort();
    notes.dedup();
    notes.into_iter().map(Untrusted::from).collect()
}

/// The accounts that wrote commits.
struct Authors<'c> {
    by_id: BTreeMap<u64, CommitSha>,
    /// The first commit whose authors were not asked for.
    unasked: Option<&'c CommitSha>,
}

impl<'c> Authors<'c> {
    fn of(observed: &Observed, commits: &'c BTreeSet<CommitSha>, notes: &mut Vec<String>) -> Self {
        let mut authors = Self {
            by_id: BTreeMap::new(),
            unasked: None,
        };
        for commit in commits {
            let asked: Vec<&Authorship> = observed
                .pulls
                .iter()
                .filter_map(|pull| pull.authorship.get(commit))
                .collect();
            if asked.is_empty() {
                authors.unasked = authors.unasked.or(Some(commit));
            }
            for authorship in asked {
                for person in &authorship.people {
                    authors.by_id.insert(person.id, commit.clone());
                }
                if authorship.unknown > 0 {
                    notes.push(format!(
                        "commit {} was written with an address that no account is known for: whoever that is was not kept from approving",
                        commit.short()
                    ));
                }
            }
        }
        authors
    }
}

/// Who opened a pull request that changes the subject. What cannot be told counts.
fn openers(
    observed: &Observed,
    closure: &mut Closure<'_>,
    (repo, base): (&Repo, &CommitSha),
) -> BTreeMap<u64, u64> {
    let alone = observed.pulls.len() == 1;
    let mut found = BTreeMap::new();
    for pull in &observed.pulls {
        let left = repo.merge_base(base, &pull.head);
        let before = left.and_then(|left| closure.at(&left)).ok();
        let same = before.is_some() && closure.at(&pull.head).ok() == before;
        if let Some(author) = pull.author.as_ref().filter(|_| alone || !same) {
            found.insert(author.id, pull.number);
        }
    }
    found
}

/// Tells of the pull requests whose moves are not known, so that fewer approvals count.
fn unread_timelines(observed: &Observed) -> impl Iterator<Item = String> {
    let pulls = observed.pulls.iter();
    let unread = pulls.filter(|pull| matches!(pull.moves, Moves::FirstSeen(_)));
    unread.map(|pull| {
        format!(
            "the timeline of pull request {} could not be read, so its approvals count only if \
             they were given after gatecard first saw their commit",
            pull.number
        )
    })
}

/// The digest at every commit that an approval names and the clone has.
fn seen(observed: &Observed, closure: &mut Closure<'_>) -> BTreeMap<CommitSha, Option<Digest>> {
    let commits: BTreeSet<&CommitSha> = observed.pulls.iter().flat_map(rules::approved).collect();
    commits
        .into_iter()
        .filter_map(|commit| Some((commit.clone(), closure.at(commit).ok()?)))
        .collect()
}

fn unreadable(group: &Group, observed: &Observed) -> Vec<(String, String)> {
    group
        .teams()
        .filter_map(|team| match observed.teams.get(team) {
            Some(Team::Members(_)) => None,
            Some(Team::Unreadable(why)) => Some((team.clone(), why.clone())),
            None => Some((team.clone(), String::from("it was not asked for"))),
        })
        .collect()
}
