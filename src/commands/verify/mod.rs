//! `gatecard verify`: whether the ledger holds, offline.

mod gpgv;
mod page;

use chrono::{DateTime, Utc};

use super::moment::{Moment, start};
use super::{Context, policy_path};
use crate::cli::VerifyArgs;
use crate::error::Error;
use crate::files;
use crate::git::{CommitSignature, GitError, Repo, RepoPath};
use crate::ledger::Ledger;
use crate::ledger::entry::Time;
use crate::ledger::signature::AllowedSigners;
use crate::ledger::verify::anchors::{self, Anchor};
use crate::ledger::verify::{Answer, Asked, Base, CommitKeys, Since, verify};
use crate::limits::SIGNERS;
use crate::policy::ledger::BRANCH;
use crate::rules::Rules;
use crate::untrusted::log_line;
use gpgv::Keys;

/// Runs the command: 0 it holds, 1 it does not, 2 nobody can tell.
pub(super) fn run(args: &VerifyArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.repo)?;
    let policy = args.policy.as_deref().map(policy_path).transpose()?;
    let base = base(&repo, args.branch.as_deref())?;
    let branch = branch(&repo, base.as_ref(), policy.as_ref());
    let (name, ledger) = if let Some(name) = &args.ledger {
        (name.clone(), Some(repo.resolve(name)?))
    } else {
        let found = Ledger::open(&repo, &branch)?;
        (branch, found.map(|ledger| ledger.tip().clone()))
    };
    let memory = repo.cache().join("verified.json");
    let keys = args.github_keys.as_deref().map(Keys::read).transpose()?;
    let check = keys
        .as_ref()
        .map(|keys| |signature: &CommitSignature| keys.made(signature));
    let asked = Asked {
        repo: &repo,
        ledger,
        base,
        policy,
        since: args
            .since
            .as_deref()
            .map(|text| since(&repo, text, context.now))
            .transpose()?,
        anchors: anchors(&args.anchor)?,
        others: match (&args.ledger, &args.since) {
            (None, None) => anchors::others(&memory, &name)?,
            _ => Vec::new(),
        },
        remembered: anchors::remembered(&memory, &name)?,
        signers: args.allowed_signers.as_deref().map(signers).transpose()?,
        commit_keys: check.as_ref().map(|check| check as &CommitKeys<'_>),
        now: context.now,
    };
    let answer = match verify(&asked) {
        Ok(answer) => answer,
        Err(error @ GitError::Missing { .. }) => Answer::lacking(&error),
        Err(error) => return Err(error.into()),
    };
    match args.format.as_str() {
        "json" => context.print_data(&page::json(&asked, &name, &answer))?,
        _ => context.print(&page::text(&asked, &name, &answer))?,
    }
    if let Some(tip) = answer
        .tip
        .as_ref()
        .filter(|_| answer.is_worth_remembering(&asked))
        && let Err(error) = anchors::remember(&memory, &name, tip, Time::of(context.now))
    {
        context.note(&format!("the tip is not remembered: {error}"));
    }
    Ok(answer.holds.exit_code())
}

/// The base branch: of the clone or of `origin`, whichever contains the other.
fn base(repo: &Repo, named: Option<&str>) -> Result<Option<Base>, Error> {
    let Some(name) = named.map(str::to_owned).or_else(|| repo.default_branch()) else {
        return Ok(None);
    };
    let short = name.strip_prefix("origin/").unwrap_or(&name).to_owned();
    let local = repo.reference(&format!("refs/heads/{name}"))?;
    let fetched = repo.reference(&format!("refs/remotes/origin/{name}"))?;
    let tip = match (local, fetched) {
        (Some(local), Some(fetched)) if repo.contains(&local, &fetched)? => local,
        (_, Some(fetched)) => fetched,
        (Some(local), None) => local,
        (None, None) if named.is_some() => repo.resolve(&name)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Base { name: short, tip }))
}

/// The ledger's branch as the base branch's policy has it. Without one that can be read, the
/// usual name.
fn branch(repo: &Repo, base: Option<&Base>, policy: Option<&RepoPath>) -> String {
    let rules = base.and_then(|base| Rules::find(repo, &base.tip, &base.tip, policy).ok());
    rules.map_or_else(|| BRANCH.to_owned(), |rules| rules.policy.ledger.branch)
}

fn since(repo: &Repo, text: &str, now: DateTime<Utc>) -> Result<Since, Error> {
    let time = match Moment::read(repo, "--since", text)? {
        Moment::Time(time) => time,
        Moment::Day(day) => start(day),
        Moment::Commit(commit) => return Ok(Since::Commit(commit)),
    };
    // Nothing would be looked at, and all of it would hold.
    if time > now {
        return Err(Error::Usage {
            what: "--since",
            found: format!("{}, which is to come", log_line(text)),
            expected: String::from("a time that has passed"),
        });
    }
    Ok(Since::Time(time))
}

fn anchors(texts: &[String]) -> Result<Vec<Anchor>, Error> {
    let read = |text: &String| {
        Anchor::parse(text).ok_or_else(|| Error::Usage {
            what: "--anchor",
            found: log_line(text),
            expected: String::from(
                "an entry's number and at least 12 characters of its digest, such as 42:0123456789ab",
            ),
        })
    };
    texts.iter().map(read).collect()
}

fn signers(path: &std::path::Path) -> Result<AllowedSigners, Error> {
    let bytes = files::read_bounded(path, SIGNERS)?;
    let text = String::from_utf8_lossy(&bytes);
    AllowedSigners::parse(&text).map_err(|found| Error::Usage {
        what: "--allowed-signers",
        found: format!("{}: {}", path.display(), log_line(&found)),
        expected: String::from("a file as ssh-keygen(1) has it under ALLOWED SIGNERS"),
    })
}
