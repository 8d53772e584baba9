//! Completeness: every governed change of the base branch is in a merge entry.
//!
//! Merge entries part the branch's own line into steps. What lies in none of them is looked at
//! commit by commit: first cheaply by path, and whole only where something governed may be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::finding::{Code, Finding, Findings, Place};
use super::policies::Found;
use super::{Base, Seen, Since, merged};
use crate::change::{ChangeSet, includers};
use crate::git::{CommitSha, Delta, GitError, OnLine, RepoPath};
use crate::ledger::{Body, Entry};
use crate::policy::PATHS;
use crate::policy::scope::Governance;
use crate::prompt::Problem;
use crate::prompt::closure::Revision;
use crate::rules::Rules;

/// A merge entry's number and its two commits.
pub(super) type InScope = (u64, (CommitSha, CommitSha));

/// What the base branch's own line shows.
#[derive(Default)]
pub(super) struct Complete {
    /// The merge entries to look at.
    pub(super) merges: Vec<InScope>,
    /// The verdicts that they rely on which were made against commits that the branch never had.
    pub(super) astray: BTreeSet<u64>,
    /// How many merge entries are of other branches.
    pub(super) others: usize,
    /// The commit after which every change must be on record.
    pub(super) since: Option<OnLine>,
}

/// The base branch's own line, oldest first.
struct Steps<'a> {
    seen: &'a Seen<'a>,
    base: &'a Base,
    commits: Vec<OnLine>,
    places: BTreeMap<CommitSha, usize>,
    cut_off: bool,
}

/// Finds changes that no entry is about.
pub(super) fn check(seen: &Seen<'_>, findings: &mut Findings) -> Result<Complete, GitError> {
    let Some(base) = &seen.asked.base else {
        let words = "the clone has no base branch";
        findings.add(Code::BaseAbsent, Place::Whole, words);
        return Ok(Complete::default());
    };
    let mut line = seen.asked.repo.line(&base.tip, |_| false)?;
    line.commits.reverse();
    let places = line.commits.iter().enumerate();
    let steps = Steps {
        seen,
        base,
        places: places
            .map(|(at, commit)| (commit.sha.clone(), at))
            .collect(),
        commits: line.commits,
        cut_off: line.cut_off,
    };
    let start = steps.start(findings)?;
    let (merges, covered) = steps.merges(start, findings)?;
    steps.gaps(start, &covered, findings)?;
    let others = seen.entries().filter(|(_, entry)| {
        matches!(entry.body, Body::Merge(_)) && !steps.is_of_the_branch(entry)
    });
    Ok(Complete {
        astray: steps.astray(&merges)?,
        others: others.count(),
        since: steps.commits.get(start - 1).cloned(),
        merges,
    })
}

impl Steps<'_> {
    /// Whether an entry is about this branch: by its name, or as a merge that is on its line,
    /// since branches are renamed.
    fn is_of_the_branch(&self, entry: &Entry) -> bool {
        let merged = matches!(entry.body, Body::Merge(_));
        entry.about.base_ref.as_ref() == Some(&self.base.name)
            || (merged && self.places.contains_key(&entry.about.head))
    }

    /// Of the verdicts that some merges rely on, those against a commit that is in the clone and
    /// not in the branch.
    fn astray(&self, merges: &[InScope]) -> Result<BTreeSet<u64>, GitError> {
        let mut found = BTreeSet::new();
        for (seq, _) in merges {
            let Some(Body::Merge(merge)) = self.seen.entry(*seq).map(|entry| &entry.body) else {
                continue;
            };
            for number in &merge.relies_on {
                let entry = self.seen.entry(*number);
                let verdict = entry.filter(|entry| matches!(entry.body, Body::Verdict(_)));
                if let Some(entry) = verdict
                    && self.seen.asked.repo.has(&entry.about.base)
                    && self.behind(&entry.about.base)?.is_none()
                {
                    found.insert(*number);
                }
            }
        }
        Ok(found)
    }

    /// How many of the line's commits, from the oldest on, a commit has in its history; `None`
    /// where it has no part in the branch.
    fn behind(&self, commit: &CommitSha) -> Result<Option<usize>, GitError> {
        if let Some(at) = self.places.get(commit) {
            return Ok(Some(at + 1));
        }
        let repo = self.seen.asked.repo;
        if !repo.has(commit) || !repo.contains(&self.base.tip, commit)? {
            return Ok(None);
        }
        let (mut low, mut high) = (0, self.commits.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.commits.get(middle) {
                Some(there) if repo.contains(commit, &there.sha)? => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(Some(low))
    }

    /// The first commit of the line whose change must be on record.
    fn start(&self, findings: &mut Findings) -> Result<usize, GitError> {
        let found = match &self.seen.asked.since {
            Some(Since::Commit(commit)) => self.behind(commit)?,
            Some(Since::Time(time)) => {
                let after = |commit: &OnLine| commit.at >= *time;
                let at = self.commits.iter().position(after);
                let at = at.unwrap_or(self.commits.len());
                // Something older must be there, or this may not be the first one.
                (at > 0 || !self.cut_off).then_some(at)
            }
            None => self.first_base()?,
        };
        if let Some(at) = found {
            // Nothing was there before the first commit that it could be compared with.
            return Ok(at.max(1));
        }
        if self.cut_off || self.seen.asked.since.is_some() {
            let words = format!(
                "the history of {} does not reach back that far",
                self.base.name
            );
            findings.add(Code::BaseShallow, Place::Whole, words);
        }
        Ok(1)
    }

    /// Behind the base of the first entry about this branch.
    fn first_base(&self) -> Result<Option<usize>, GitError> {
        for (_, entry) in self.seen.entries() {
            if self.is_of_the_branch(entry) && !matches!(entry.body, Body::Amend(_)) {
                if let Some(at) = self.behind(&entry.about.base)? {
                    return Ok(Some(at));
                }
                if self.cut_off {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// The merge entries from `start` on, and the commits that they are about.
    fn merges(
        &self,
        start: usize,
        findings: &mut Findings,
    ) -> Result<(Vec<InScope>, BTreeSet<usize>), GitError> {
        let (mut merges, mut covered) = (Vec::new(), BTreeSet::new());
        let mut absent: Vec<(u64, &CommitSha)> = Vec::new();
        for (seq, entry) in self.seen.entries() {
            if !matches!(entry.body, Body::Merge(_))
                || !self.is_of_the_branch(entry)
                || self.seen.amended.contains_key(&seq)
            {
                continue;
            }
            let (from, to) = (&entry.about.base, &entry.about.head);
            let Some(end) = self.behind(to)? else {
                absent.push((seq, to));
                continue;
            };
            // A later merge is there: the clone is not merely behind, unless it was cut off.
            if !self.cut_off {
                not_on_base(&mut absent, findings);
            }
            if end <= start {
                continue;
            }
            // A branch that was new: what it had is all in the entry.
            if from == to {
                covered.extend(0..end);
                merges.push((seq, (from.clone(), to.clone())));
                continue;
            }
            let Some(begin) = self.begin(from, to)? else {
                let words = format!(
                    "commit {} does not come before {}",
                    from.short(),
                    to.short()
                );
                findings.entry(Code::MergeNotOnBase, seq, words);
                continue;
            };
            covered.extend(begin..end);
            merges.push((seq, (from.clone(), to.clone())));
        }
        for (seq, commit) in absent {
            if self.cut_off {
                let words = format!("whether {} has entry {seq}'s commit", self.base.name);
                findings.add(Code::BaseShallow, Place::Whole, words);
                break;
            }
            if self.seen.asked.repo.has(commit) {
                not_on_base(&mut vec![(seq, commit)], findings);
            } else {
                let words = format!(
                    "commit {} of {} is not in this clone: fetch the branch",
                    commit.short(),
                    self.base.name
                );
                findings.entry(Code::ObjectsMissing, seq, words);
            }
        }
        Ok((merges, covered))
    }

    /// The first commit of a merge's range; `None` where its base is not before its head.
    fn begin(&self, from: &CommitSha, to: &CommitSha) -> Result<Option<usize>, GitError> {
        let repo = self.seen.asked.repo;
        if !repo.has(from) || !repo.contains(to, from)? {
            return Ok(None);
        }
        self.behind(from)
    }

    /// Looks at every commit from `start` on that no merge entry is about.
    fn gaps(
        &self,
        start: usize,
        covered: &BTreeSet<usize>,
        findings: &mut Findings,
    ) -> Result<(), GitError> {
        let mut governed = Governed {
            seen: self.seen,
            included: None,
        };
        let mut run: Vec<(usize, Vec<String>)> = Vec::new();
        for at in start..=self.commits.len() {
            let commit = self.commits.get(at).filter(|_| !covered.contains(&at));
            let parent = at.checked_sub(1).and_then(|at| self.commits.get(at));
            let (Some(commit), Some(parent)) = (commit, parent) else {
                self.unrecorded(&run, &mut governed, findings)?;
                run.clear();
                governed.included = None;
                continue;
            };
            match governed.names(&parent.sha, &commit.sha) {
                Ok(Ok(names)) if names.is_empty() => {}
                Ok(Ok(names)) => run.push((at, names)),
                Ok(Err(path)) => {
                    let words = format!("{path} has errors at this commit");
                    findings.commit(Code::PolicyUnusable, &parent.sha, words);
                }
                Err(error @ GitError::Missing { .. }) => {
                    findings.commit(Code::ObjectsMissing, &commit.sha, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One finding for neighbours: they may have come with one push. What they change and undo
    /// again is then not recorded.
    fn unrecorded(
        &self,
        run: &[(usize, Vec<String>)],
        governed: &mut Governed<'_>,
        findings: &mut Findings,
    ) -> Result<(), GitError> {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
            return Ok(());
        };
        let at = |at: usize| self.commits.get(at).map(|commit| &commit.sha);
        let before = first.checked_sub(1).and_then(at);
        let (Some(before), Some(commit), Some(end)) = (before, at(*first), at(*last)) else {
            return Ok(());
        };
        let undone = matches!(governed.names(before, end)?, Ok(names) if names.is_empty());
        let mut names: Vec<&str> = run
            .iter()
            .flat_map(|(_, names)| names)
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(5);
        names.truncate(5);
        let mut words = format!("changed {}", names.join(", "));
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        if undone {
            let words = format!("{words}, which commit {} undoes", end.short());
            findings.commit(Code::UndoneChange, commit, words);
            return Ok(());
        }
        findings.0.push(Finding {
            code: Code::UnrecordedChange,
            place: Place::Commit(commit.clone()),
            words: words.into(),
            fix: Some(
                format!(
                    "gatecard record --from {} --to {}",
                    before.short(),
                    end.short()
                )
                .into(),
            ),
        });
        Ok(())
    }
}

fn not_on_base(absent: &mut Vec<(u64, &CommitSha)>, findings: &mut Findings) {
    for (seq, commit) in absent.drain(..) {
        let words = format!("commit {} is not part of the branch", commit.short());
        findings.entry(Code::MergeNotOnBase, seq, words);
    }
}

/// Tells what of a commit's change is governed.
struct Governed<'a> {
    seen: &'a Seen<'a>,
    /// The files that prompts include, and whether that is all of them, under these rules, as
    /// long as nothing changed that could change it.
    included: Option<(Rc<Rules>, BTreeSet<RepoPath>, bool)>,
}

impl Governed<'_> {
    /// The names of governed things that a commit changes; the policy's path where it has errors.
    fn names(
        &mut self,
        parent: &CommitSha,
        commit: &CommitSha,
    ) -> Result<Result<Vec<String>, RepoPath>, GitError> {
        let rules = match self.seen.policies.of(parent, commit)? {
            Found::Rules(rules) => rules,
            Found::Unusable(path) => return Ok(Err(path)),
            Found::None => return Ok(Ok(Vec::new())),
        };
        let deltas = self.seen.asked.repo.changed(Some(parent), commit)?;
        if !self.may_be(&rules, parent, &deltas)? {
            return Ok(Ok(Vec::new()));
        }
        self.included = None;
        let set = merged::between(self.seen, &rules, parent, commit)?;
        Ok(Ok(names(&set)))
    }

    /// Whether a change could be of something governed, judged by its paths.
    fn may_be(
        &mut self,
        rules: &Rc<Rules>,
        parent: &CommitSha,
        deltas: &[Delta],
    ) -> Result<bool, GitError> {
        let sides = deltas
            .iter()
            .flat_map(|delta| [&delta.before, &delta.after]);
        let paths: BTreeSet<&RepoPath> = sides.flatten().map(|(path, _)| path).collect();
        if paths.is_empty() {
            return Ok(false);
        }
        if paths.iter().any(|path| by_path(rules, path)) {
            return Ok(true);
        }
        let known = self
            .included
            .as_ref()
            .filter(|(of, ..)| Rc::ptr_eq(of, rules));
        if known.is_none() {
            let (files, whole) = self.closure(rules, parent)?;
            self.included = Some((Rc::clone(rules), files, whole));
        }
        Ok(self.included.as_ref().is_none_or(|(_, files, whole)| {
            !whole || paths.iter().any(|path| files.contains(*path))
        }))
    }

    /// The files that prompts of a commit include, and whether every prompt could be read.
    fn closure(
        &self,
        rules: &Rules,
        commit: &CommitSha,
    ) -> Result<(BTreeSet<RepoPath>, bool), GitError> {
        let (repo, scope) = (self.seen.asked.repo, &rules.policy.scope);
        let (mut files, mut whole) = (BTreeSet::new(), true);
        for path in includers::including(repo, commit, scope)? {
            let (Governance::Governed(rule), Some(entry)) =
                (scope.of(&path), repo.entry(commit, &path)?)
            else {
                continue;
            };
            match (Revision { repo, commit }).prompts(&path, entry, rule) {
                Ok(prompts) => files.extend(
                    prompts
                        .into_iter()
                        .flat_map(|prompt| prompt.includes)
                        .map(|each| each.path),
                ),
                Err(_) => whole = false,
            }
        }
        Ok((files, whole))
    }
}

/// Whether a path alone makes a file one that may be governed.
fn by_path(rules: &Rules, path: &RepoPath) -> bool {
    let (policy, text) = (&rules.policy, path.as_str());
    let globs = policy.datasets.iter().chain(&policy.judges);
    let evidence = &policy.evidence;
    let named = [
        Some(&evidence.drills),
        Some(&evidence.reviews),
        Some(&evidence.data_policy),
        policy.templates.comment.as_ref(),
        policy.templates.summary.as_ref(),
        Some(&rules.path),
    ];
    !matches!(policy.scope.of(path), Governance::Outside)
        || policy.scope.shared().any(|shared| shared == path)
        || named.into_iter().flatten().any(|named| named == path)
        || PATHS.contains(&text)
        || text.starts_with(".github/")
        || path.name() == "CODEOWNERS"
        || matches!(path.name(), "action.yml" | "action.yaml")
        || globs.into_iter().any(|glob| glob.is_match(text))
}

fn names(set: &ChangeSet) -> Vec<String> {
    let changes = set
        .changes
        .iter()
        .map(|change| change.id.as_str().to_owned());
    let files = set.governed.iter().map(|file| file.path.to_string());
    let broken = set.broken.iter().map(Problem::place);
    changes.chain(files).chain(broken).collect()
}
