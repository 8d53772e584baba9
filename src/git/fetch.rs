//! Gets the commits that a clone lacks, with the `git` program.
//!
//! A workflow's checkout has one commit by default, that of a test merge. What is missing is
//! fetched from where the clone came from, deeper and deeper until the merge base is there.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CommitSha, GitError, Repo};
use crate::environment::Token;
use crate::process::{self, Failure};
use crate::untrusted::{log_line, shorten};

/// By how much a shallow clone is deepened, step by step; after the last one it gets everything.
/// Deepening, unlike a depth, never takes away what another step of the job fetched.
const DEPTHS: [u32; 2] = [100, 2_000];

/// All of a history, and not of every other one that the clone has cut off, as `--unshallow`
/// gets it: one less than the depth that `git` takes for that.
const WHOLE: &str = "--depth=2147483646";

/// Where commits come from.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    /// The repository's address, for a clone without an `origin`.
    pub(crate) url: String,
    /// The server that the token is for: nothing else gets it.
    pub(crate) server_url: String,
    /// The token.
    pub(crate) token: Option<Token>,
    /// Until when all calls of `git` together must have ended.
    pub(crate) end: Instant,
}

/// Why nothing could be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git fetch: {message}")]
pub(crate) struct FetchError {
    /// What `git` said.
    message: String,
}

/// Why a branch that only grows is not known as it is now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BranchError {
    /// Its commits could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The clone could not be read or written.
    #[error(transparent)]
    Git(#[from] GitError),
    /// It is not a continuation of what it was.
    #[error(
        "the branch `{branch}` {}, and this clone has seen it at {seen}: it was replaced",
        now.as_ref().map_or_else(|| String::from("is gone"), |now| format!("is at {}", now.short()))
    )]
    Replaced {
        /// The branch.
        branch: String,
        /// Where it is now.
        now: Option<CommitSha>,
        /// Where it was.
        seen: CommitSha,
    },
}

impl Remote {
    /// Follows a branch that only grows to where it is now, and makes sure that the clone has
    /// all of it. `refs/remotes/origin/` keeps where that is; where somebody has replaced the
    /// branch, it stays at what they have replaced.
    pub(crate) fn follow(
        &self,
        repo: &Repo,
        branch: &str,
        now: Option<&CommitSha>,
    ) -> Result<(), BranchError> {
        let name = format!("refs/remotes/origin/{branch}");
        let seen = repo.reference(&name)?;
        let replaced = |seen: &CommitSha| BranchError::Replaced {
            branch: branch.to_owned(),
            now: now.cloned(),
            seen: seen.clone(),
        };
        let Some(now) = now else {
            return seen.as_ref().map_or(Ok(()), |seen| Err(replaced(seen)));
        };
        if !repo.has(now) || !repo.is_whole(now)? {
            let depth = repo.is_shallow().then_some(WHOLE);
            self.fetch(repo, depth, &[now])?;
        }
        let repo = Repo::open(&repo.folder())?;
        if let Some(seen) = &seen
            && !repo.contains(now, seen)?
        {
            return Err(replaced(seen));
        }
        // Another process that moves it at the same time has seen the same branch.
        repo.move_reference(&name, seen.as_ref(), now)?;
        Ok(())
    }

    /// Makes sure that the clone has these two commits and their merge base. Does nothing, and
    /// starts no program, where it has.
    pub(crate) fn complete(
        &self,
        repo: &Repo,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<(), FetchError> {
        let whole = || {
            let reopened = Repo::open(&repo.folder());
            reopened.is_ok_and(|repo| {
                repo.has(base) && repo.has(head) && repo.merge_bases(base, head).is_ok()
            })
        };
        if whole() {
            return Ok(());
        }
        if !repo.is_shallow() {
            return self.fetch(repo, None, &[base, head]);
        }
        for depth in DEPTHS {
            self.fetch(repo, Some(&format!("--deepen={depth}")), &[base, head])?;
            if whole() {
                return Ok(());
            }
        }
        self.fetch(repo, Some("--unshallow"), &[base, head])
    }

    /// Gets these commits where the clone lacks them. In a shallow clone they come without
    /// their history.
    pub(crate) fn commits<'c>(
        &self,
        repo: &Repo,
        commits: impl IntoIterator<Item = &'c CommitSha>,
    ) -> Result<(), FetchError> {
        let missing: Vec<&CommitSha> = commits
            .into_iter()
            .filter(|commit| !repo.has(commit))
            .collect();
        let depth = repo.is_shallow().then_some("--depth=1");
        // One that the server has no more must not keep the others away.
        let mut lost = Ok(());
        if !missing.is_empty() && self.fetch(repo, depth, &missing).is_err() {
            for commit in missing {
                let fetched = self.fetch(repo, depth, &[commit]);
                lost = lost.and(fetched);
            }
        }
        lost
    }

    /// Asks where the clone came from, and then the repository's own address.
    fn fetch(
        &self,
        repo: &Repo,
        how: Option<&str>,
        commits: &[&CommitSha],
    ) -> Result<(), FetchError> {
        if repo.has_remote("origin") {
            let fetched = self.fetch_from("origin", repo, how, commits);
            if fetched.is_ok() || Instant::now() >= self.end {
                return fetched;
            }
        }
        self.fetch_from(&self.url, repo, how, commits)
    }

    fn fetch_from(
        &self,
        source: &str,
        repo: &Repo,
        how: Option<&str>,
        commits: &[&CommitSha],
    ) -> Result<(), FetchError> {
        let mut command = self.command(repo.folder());
        command.args(how).arg("--").arg(source);
        command.args(commits.iter().map(|commit| commit.as_str()));
        let failed = |message: String| FetchError { message };
        if Instant::now() >= self.end {
            return Err(failed(String::from("no time is left for it")));
        }
        process::run(command, self.end).map_err(|failure| match failure {
            Failure::NotStarted(why) => failed(format!("cannot start `git`: {why}")),
            Failure::Refused(said) => failed(self.clean(said)),
            Failure::Late => failed(format!("{source} did not answer in time")),
        })
    }

    /// `git fetch` that asks nobody anything, follows no submodule, and makes no ref.
    fn command(&self, folder: PathBuf) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(folder)
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-recurse-submodules", "--no-auto-maintenance"])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        if let Some(token) = &self.token {
            let key = format!("http.{}/.extraheader", self.server_url);
            let basic = basic(token);
            // The empty value takes back what the checkout step may have left: two such
            // headers are refused. The environment, unlike arguments, is not in process lists.
            let header = format!("AUTHORIZATION: basic {basic}");
            command.env("GIT_CONFIG_COUNT", "2");
            for (at, value) in ["", &header].into_iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{at}"), &key);
                command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
            }
        }
        command
    }

    /// What a failed call said, without the token.
    fn clean(&self, mut text: String) -> String {
        if let Some(token) = &self.token {
            text = text
                .replace(token.expose(), "***")
                .replace(&basic(token), "***");
        }
        shorten(&log_line(&text), 400)
    }
}

/// The token as the header has it.
fn basic(token: &Token) -> String {
    STANDARD.encode(format!("x-access-token:{}", token.expose()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::git::write::NewRepo;

    const BRANCH: &str = "gatecard/ledger";
    const FOLLOWED: &str = "refs/remotes/origin/gatecard/ledger";

    /// A repository with three commits on `main` and three on the branch, and a clone of it.
    struct Place {
        folder: TempDir,
        branch: Vec<CommitSha>,
    }

    impl Place {
        fn new(clone: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let origin = NewRepo::init(&folder.path().join("origin.git")).unwrap();
            let mut place = Self {
                folder,
                branch: Vec::new(),
            };
            let mut main = None;
            for time in 0..3 {
                main = Some(commit(&origin, "main", main.as_ref(), time));
                place.add();
            }
            let url = place.remote().url;
            place.git(
                &[
                    &["clone", "--quiet", "--branch=main"],
                    clone,
                    &[&url, "clone"],
                ]
                .concat(),
            );
            place
        }

        /// Adds a commit to the branch.
        fn add(&mut self) {
            let origin = NewRepo::open(&self.folder.path().join("origin.git")).unwrap();
            let time = self.branch.len();
            let commit = commit(&origin, BRANCH, self.branch.last(), time);
            self.branch.push(commit);
        }

        fn remote(&self) -> Remote {
            Remote {
                url: format!("file://{}", self.folder.path().join("origin.git").display()),
                server_url: String::from("https://github.com"),
                token: None,
                end: Instant::now() + Duration::from_mins(1),
            }
        }

        fn clone(&self) -> Repo {
            Repo::open(&self.folder.path().join("clone")).unwrap()
        }

        fn follow(&self, now: Option<&CommitSha>) -> Result<(), BranchError> {
            self.remote().follow(&self.clone(), BRANCH, now)
        }

        fn followed(&self) -> Option<CommitSha> {
            self.clone().reference(FOLLOWED).unwrap()
        }

        fn cut_off_at(&self) -> Option<String> {
            let file = self.folder.path().join("clone/.git/shallow");
            let bytes = crate::files::read_bounded(&file, 1_000).ok()?;
            String::from_utf8(bytes).ok()
        }

        fn git(&self, args: &[&str]) {
            run(self.folder.path(), args);
        }
    }

    fn commit(
        origin: &NewRepo,
        branch: &str,
        parent: Option<&CommitSha>,
        time: usize,
    ) -> CommitSha {
        let files = [(format!("{time}.txt"), "text".as_bytes())];
        let message = (branch, 1_790_000_000 + i64::try_from(time).unwrap());
        origin
            .commit(branch, parent, files.into_iter(), message)
            .unwrap()
    }

    fn run(folder: &Path, args: &[&str]) {
        let status = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(args)
            .status();
        assert!(status.unwrap().success(), "{args:?}");
    }

    #[test]
    fn a_branch_is_followed_from_nothing_to_each_new_tip() {
        let mut place = Place::new(&["--single-branch"]);
        place.follow(None).unwrap();
        assert_eq!(place.followed(), None);
        for _ in 0..2 {
            let tip = place.branch.last().cloned();
            place.follow(tip.as_ref()).unwrap();
            assert_eq!(place.followed(), tip);
            place.add();
        }
    }

    #[test]
    fn a_branch_that_was_replaced_is_named_and_not_followed() {
        let place = Place::new(&[]);
        let seen = place.followed();
        assert_eq!(seen.as_ref(), place.branch.last());
        let origin = NewRepo::open(&place.folder.path().join("origin.git")).unwrap();
        let other = commit(&origin, BRANCH, place.branch.first(), 7);
        for (now, told) in [(Some(&other), other.short()), (None, "is gone")] {
            let error = place.follow(now).unwrap_err();
            assert!(matches!(error, BranchError::Replaced { .. }), "{error}");
            assert!(error.to_string().contains(told), "{error}");
            assert_eq!(place.followed(), seen);
        }
    }

    #[test]
    fn the_branch_comes_whole_and_the_rest_of_the_clone_stays_as_deep_as_it_was() {
        for (how, shallow) in [
            (&["--single-branch"][..], false),
            (&["--single-branch", "--depth=1"], true),
            // The branch itself was cut off.
            (&["--no-single-branch", "--depth=1"], true),
        ] {
            let place = Place::new(how);
            let tip = place.branch.last();
            let before = place.cut_off_at();
            assert_eq!(before.is_some(), shallow);
            place.follow(tip).unwrap();
            let clone = place.clone();
            assert!(clone.is_whole(tip.unwrap()).unwrap(), "{how:?}");
            let main = clone.reference("refs/remotes/origin/main").unwrap();
            let after = place.cut_off_at();
            let cut_off = after.is_some_and(|after| after.contains(main.unwrap().as_str()));
            assert_eq!(cut_off, shallow, "{how:?}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_leaves_everything_as_it_was() {
        let mut place = Place::new(&[]);
        let seen = place.followed();
        place.add();
        let gone = place.folder.path().join("origin.git");
        std::fs::rename(&gone, place.folder.path().join("gone.git")).unwrap();
        let error = place.follow(place.branch.last()).unwrap_err();
        assert!(error.to_string().starts_with("git fetch: "), "{error}");
        assert_eq!(place.followed(), seen);
    }
}
