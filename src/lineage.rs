//! The versions of a prompt that a branch had, recomputed from Git objects.
//!
//! What is a prompt is said by the policy of each commit; a commit without a usable one is read
//! under that of the branch's tip.

use std::rc::Rc;

use crate::change::includers;
use crate::git::{CommitSha, Delta, GitError, Repo, RepoPath, Watch};
use crate::limits::PROMPT;
use crate::policy::scope::Governance;
use crate::policy::{PATHS, Policy};
use crate::prompt::closure::Revision;
use crate::prompt::{Problem, Prompt};
use crate::rules::{Rules, RulesError};
use crate::timeline::Timeline;
use crate::units::Digest;

/// Where a branch's prompts are read.
pub(crate) struct Branch<'r> {
    /// The repository.
    pub(crate) repo: &'r Repo,
    /// Its tip.
    pub(crate) tip: CommitSha,
    /// The policy at the tip.
    policy: Rc<Policy>,
}

/// What became of a prompt at a commit.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    /// It is there.
    Prompt(Box<Prompt>),
    /// Its file is there and cannot be read.
    Broken(Problem),
    /// It is not there.
    Nothing,
}

/// A change of a prompt's version on the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The position on the branch's line.
    pub(crate) at: usize,
    /// The prompt's id since then; of a removed one, the id it had.
    pub(crate) id: String,
    /// The id it had before.
    pub(crate) renamed_from: Option<String>,
    /// Its file.
    pub(crate) path: String,
    /// The version since then; none where it was removed, or cannot be read.
    pub(crate) version: Option<Digest>,
    /// The label that its file declares.
    pub(crate) label: Option<String>,
    /// Why there is no version, where the file is there: a reason code.
    pub(crate) problem: Option<&'static str>,
}

impl<'r> Branch<'r> {
    /// Reads the policy at the tip.
    pub(crate) fn open(
        repo: &'r Repo,
        tip: CommitSha,
        named: Option<&RepoPath>,
    ) -> Result<Self, RulesError> {
        let policy = Rc::new(Rules::find(repo, &tip, &tip, named)?.policy);
        Ok(Self { repo, tip, policy })
    }

    /// The branch on which the policy keeps the ledger.
    pub(crate) fn ledger(&self) -> &str {
        &self.policy.ledger.branch
    }

    fn policy(&self, commit: &CommitSha) -> Result<Rc<Policy>, GitError> {
        match Rules::find(self.repo, commit, commit, None) {
            Ok(rules) => Ok(Rc::new(rules.policy)),
            Err(RulesError::Git {
                source: lacking @ GitError::Missing { .. },
                ..
            }) => Err(lacking),
            Err(_) => Ok(Rc::clone(&self.policy)),
        }
    }

    /// Every prompt of a commit that can be read.
    pub(crate) fn prompts(&self, commit: &CommitSha) -> Result<Vec<Prompt>, GitError> {
        let policy = self.policy(commit)?;
        let mut found = Vec::new();
        for (path, _) in includers::governed(self.repo, commit, &policy.scope)? {
            if let Ok(prompts) = self.file(commit, &policy, &path)? {
                found.extend(prompts);
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// Finds a prompt at a commit: where it is known to lie, else where its id says, else
    /// wherever the policy gives a file that id.
    pub(crate) fn find(
        &self,
        commit: &CommitSha,
        id: &str,
        known: &[RepoPath],
    ) -> Result<Found, GitError> {
        self.find_under(commit, &*self.policy(commit)?, id, known)
    }

    fn find_under(
        &self,
        commit: &CommitSha,
        policy: &Policy,
        id: &str,
        known: &[RepoPath],
    ) -> Result<Found, GitError> {
        let stem = id.split('#').next().unwrap_or(id);
        let mut paths = known.to_vec();
        if let Some(stem) = RepoPath::parse(stem).filter(|stem| *stem != RepoPath::root()) {
            let folder = stem.folder();
            let names = self.repo.names(commit, &folder)?;
            let near = names.iter().filter(|name| name.starts_with(stem.name()));
            paths.extend(near.filter_map(|name| folder.join(name)));
        }
        let mut broken = None;
        for path in &paths {
            match self.file(commit, policy, path)? {
                Ok(prompts) => {
                    if let Some(prompt) = prompts.into_iter().find(|each| each.id.as_str() == id) {
                        return Ok(Found::Prompt(Box::new(prompt)));
                    }
                }
                Err(problem) if is_of(policy, path, stem) => broken = Some(problem),
                Err(_) => {}
            }
        }
        if broken.is_none() && policy.scope.names_ids() {
            for (path, _) in includers::governed(self.repo, commit, &policy.scope)? {
                let named = match policy.scope.of(&path) {
                    Governance::Governed(rule) => rule.id.as_deref() == Some(stem),
                    Governance::Skipped(_) | Governance::Outside => false,
                };
                if named && !paths.contains(&path) {
                    return self.find_under(commit, policy, id, &[path]);
                }
            }
        }
        Ok(broken.map_or(Found::Nothing, Found::Broken))
    }

    /// The prompts of a file; none where it is not there, or is no prompt.
    fn file(
        &self,
        commit: &CommitSha,
        policy: &Policy,
        path: &RepoPath,
    ) -> Result<Result<Vec<Prompt>, Problem>, GitError> {
        let Governance::Governed(rule) = policy.scope.of(path) else {
            return Ok(Ok(Vec::new()));
        };
        let Some(entry) = self.repo.entry(commit, path)? else {
            return Ok(Ok(Vec::new()));
        };
        let repo = self.repo;
        let found = Revision { repo, commit }.prompts(path, entry, rule);
        if let Err(problem) = &found
            && let Some(file) = repo.entry(commit, &problem.path)?
            && let Err(lacking @ GitError::Missing { .. }) = repo.blob(file.id, PROMPT)
        {
            // A file that this clone left out is not a broken one.
            return Err(lacking);
        }
        Ok(found)
    }

    /// Every change of a prompt's version along the line, newest first. Renames are followed.
    pub(crate) fn steps(
        &self,
        line: &Timeline,
        id: &str,
        known: &[RepoPath],
    ) -> Result<Vec<Step>, GitError> {
        let mut walk = Walk {
            branch: self,
            line,
            known: known.to_vec(),
            id: id.to_owned(),
            policy: Rc::clone(&self.policy),
            steps: Vec::new(),
        };
        walk.run()?;
        Ok(walk.steps)
    }
}

/// Whether a file has this id by its name or by the policy.
fn is_of(policy: &Policy, path: &RepoPath, stem: &str) -> bool {
    let Governance::Governed(rule) = policy.scope.of(path) else {
        return false;
    };
    match &rule.id {
        Some(id) => id == stem,
        None => path
            .as_str()
            .strip_prefix(stem)
            .is_some_and(|suffix| suffix.starts_with(['.', '_']) && !suffix.contains('/')),
    }
}

/// A walk from the tip back to the beginning.
struct Walk<'a> {
    branch: &'a Branch<'a>,
    line: &'a Timeline,
    known: Vec<RepoPath>,
    id: String,
    policy: Rc<Policy>,
    steps: Vec<Step>,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), GitError> {
        let mut newer: Option<(CommitSha, Found)> = None;
        let mut watch = Watch::new([]);
        for at in (0..self.line.len()).rev() {
            let Some(commit) = self.line.commit(at) else {
                continue;
            };
            if newer.is_some() && !watch.differs(self.branch.repo, &commit)? {
                continue;
            }
            self.policy = self.branch.policy(&commit)?;
            let mut found = self.find(&commit)?;
            if let Some((_, was)) = &newer {
                if let (Found::Nothing, Found::Prompt(was)) = (&found, was) {
                    found = self.before(&commit, at + 1, was)?;
                }
                self.step(at + 1, &found, was);
            }
            watch = self.watch(&found);
            // What is watched is what this commit has.
            watch.differs(self.branch.repo, &commit)?;
            newer = Some((commit, found));
        }
        if let Some((_, oldest)) = &newer {
            self.step(0, &Found::Nothing, oldest);
        }
        Ok(())
    }

    fn find(&self, commit: &CommitSha) -> Result<Found, GitError> {
        self.branch
            .find_under(commit, &self.policy, &self.id, &self.known)
    }

    /// Notes that the prompt became `now` at a position, where that is another version.
    fn step(&mut self, at: usize, before: &Found, now: &Found) {
        let step = Step {
            at,
            id: self.id.clone(),
            renamed_from: None,
            path: String::new(),
            version: None,
            label: None,
            problem: None,
        };
        let step = match (before, now) {
            (Found::Nothing, Found::Nothing) => return,
            (Found::Prompt(before), Found::Prompt(now))
                if before.version.digest() == now.version.digest() && before.id == now.id =>
            {
                return;
            }
            (_, Found::Prompt(now)) => {
                let renamed = match before {
                    Found::Prompt(before) if before.id != now.id => Some(before.id.as_str()),
                    _ => None,
                };
                Step {
                    id: now.id.as_str().to_owned(),
                    renamed_from: renamed.map(str::to_owned),
                    path: now.path.to_string(),
                    version: Some(now.version.digest()),
                    label: now.draft.label(),
                    ..step
                }
            }
            (_, Found::Broken(problem)) => Step {
                path: problem.path.to_string(),
                problem: Some(problem.code.id()),
                ..step
            },
            (Found::Prompt(before), Found::Nothing) => Step {
                path: before.path.to_string(),
                ..step
            },
            (Found::Broken(problem), Found::Nothing) => Step {
                path: problem.path.to_string(),
                ..step
            },
        };
        self.steps.push(step);
    }

    /// What a prompt was before the commit that brought it under this id: the file that became
    /// it, or one with the same version that went away.
    fn before(
        &mut self,
        commit: &CommitSha,
        newer: usize,
        now: &Prompt,
    ) -> Result<Found, GitError> {
        let Some(newer) = self.line.commit(newer) else {
            return Ok(Found::Nothing);
        };
        let deltas = self.branch.repo.diff(commit, &newer)?;
        let renamed = |delta: &&Delta| {
            let (Some((before, _)), Some((after, _))) = (&delta.before, &delta.after) else {
                return false;
            };
            before != after && *after == now.path
        };
        let gone = |delta: &&Delta| delta.after.is_none();
        let renames = deltas.iter().filter(renamed).map(|delta| (delta, false));
        let removals = deltas.iter().filter(gone).map(|delta| (delta, true));
        for (delta, same) in renames.chain(removals) {
            let Some((path, _)) = &delta.before else {
                continue;
            };
            let prompts = self.branch.file(commit, &self.policy, path)?;
            let fits = |each: &Prompt| {
                let entry = each.draft.entry == now.draft.entry;
                each.version.digest() == now.version.digest() || (!same && entry)
            };
            if let Some(prompt) = prompts.unwrap_or_default().into_iter().find(fits) {
                prompt.id.as_str().clone_into(&mut self.id);
                self.known = vec![prompt.path.clone()];
                return Ok(Found::Prompt(Box::new(prompt)));
            }
        }
        Ok(Found::Nothing)
    }

    /// Everything that this version depends on, and where the prompt may have been else.
    fn watch(&self, found: &Found) -> Watch {
        let mut paths = self.known.clone();
        paths.extend(PATHS.iter().filter_map(|path| RepoPath::parse(path)));
        match found {
            Found::Prompt(prompt) => {
                paths.push(prompt.path.clone());
                paths.extend(prompt.includes.iter().map(|each| each.path.clone()));
            }
            Found::Broken(problem) => paths.push(problem.path.clone()),
            Found::Nothing => {}
        }
        if !matches!(found, Found::Prompt(_)) {
            let stem = self.id.split('#').next().unwrap_or_default();
            paths.extend(RepoPath::parse(stem).map(|stem| stem.folder()));
        }
        paths.retain(|path| *path != RepoPath::root());
        paths.sort();
        paths.dedup();
        Watch::new(paths)
    }
}
