//! `gatecard demo`: the main job on the shipped example, with nothing to set up.
//!
//! Builds a real repository from `examples/01-refund`, with evidence that real tools made,
//! and checks two changes. Every binding is computed from Git objects as in any other check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use include_dir::{Dir, include_dir};

use super::Context;
use super::check::{self, Request, wanted};
use crate::approval::Known;
use crate::cli::DemoArgs;
use crate::error::Error;
use crate::evidence::supply::Supplies;
use crate::files;
use crate::git::write::NewRepo;
use crate::output::{self, Look};
use crate::verdict::Verdict;

static EXAMPLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/examples/01-refund");

/// The day on which the example's evidence was fresh.
const NOW: &str = "2026-11-23T12:00:00Z";

/// The most that is read of one file of an example.
const MAX_FILE: u64 = 16 << 20;

/// Runs the command: 0 if the first change is blocked and the second one passes.
pub(super) fn run(args: &DemoArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let example = match &args.from {
        Some(folder) => from_disk(folder)?,
        None => built_in(),
    };
    let temporary = tempfile::tempdir().map_err(Error::Stdout)?;
    let folder = args
        .dir
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let now = NOW.parse().unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    build(&example, &folder, now)?;
    context.print("A support team's refund prompt. Two pull requests change it.\n")?;
    let mut verdicts = Vec::new();
    for (number, branch, title) in [
        (1, "blocked", "the refund rule is loosened"),
        (2, "fixed", "the rule stays and is explained better"),
    ] {
        context.print(&format!("\n━━━ Pull request {number}: {title} ━━━\n\n"))?;
        let report = check::evaluate(&request(&folder, branch, now))?.report;
        let look = Look {
            colour: context.console.colour,
        };
        context.print(&output::text(&report, look))?;
        verdicts.push(report.verdict);
    }
    if args.dir.is_some() {
        let shown = folder.display();
        context.print(&format!("\nThe repository stays in {shown}. Try:\n  gatecard check --repo {shown}/repo.git --base main --head blocked --now {NOW} --evidence {shown}/evidence/baseline.json.gz --evidence {shown}/evidence/blocked.json.gz --evidence {shown}/evidence/traces.otlp.jsonl.gz\n"))?;
    }
    Ok(u8::from(verdicts != [Verdict::Fail, Verdict::Pass]))
}

/// The report of the blocked change.
#[cfg(any(test, fuzzing))]
pub(crate) fn blocked() -> Option<crate::report::Report> {
    report_of("blocked")
}

/// The report of a branch of the example.
#[cfg(any(test, fuzzing))]
pub(crate) fn report_of(branch: &str) -> Option<crate::report::Report> {
    let folder = tempfile::tempdir().ok()?;
    let now = NOW.parse().ok()?;
    build(&built_in(), folder.path(), now).ok()?;
    let checked = check::evaluate(&request(folder.path(), branch, now)).ok()?;
    Some(checked.report)
}

fn request(folder: &Path, branch: &str, now: DateTime<Utc>) -> Request {
    let evidence = |name: &str| wanted(&folder.join("evidence").join(name).to_string_lossy());
    Request {
        repo: folder.join("repo.git"),
        revisions: (String::from("main"), branch.to_owned()),
        policy: None,
        policy_file: None,
        evidence: vec![
            evidence("baseline.json.gz"),
            evidence(&format!("{branch}.json.gz")),
            evidence("traces.otlp.jsonl.gz"),
        ],
        supplies: Supplies::default(),
        folder: None,
        fetched: None,
        approvals: Known::Unknown(String::from("the demo has no pull request")),
        findings: Vec::new(),
        together: BTreeMap::new(),
        mode: None,
        publishes: false,
        actions: false,
        now,
    }
}

/// The files of an example by their path in it.
type Example = BTreeMap<String, Vec<u8>>;

fn built_in() -> Example {
    fn add(folder: &Dir<'_>, example: &mut Example) {
        for file in folder.files() {
            let path = file.path().to_string_lossy().replace('\\', "/");
            example.insert(path, file.contents().to_vec());
        }
        folder.dirs().for_each(|inner| add(inner, example));
    }
    let mut example = Example::new();
    add(&EXAMPLE, &mut example);
    example
}

fn from_disk(folder: &Path) -> Result<Example, Error> {
    let mut example = Example::new();
    for path in files::expand(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let name = name.to_string_lossy().replace('\\', "/");
        example.insert(name, files::read_bounded(&path, MAX_FILE)?);
    }
    Ok(example)
}

/// Builds the repository and lays the evidence beside it.
fn build(example: &Example, folder: &Path, now: DateTime<Utc>) -> Result<(), Error> {
    let below = |prefix: &'static str| {
        example.iter().filter_map(move |(path, bytes)| {
            Some((path.strip_prefix(prefix)?.to_owned(), bytes.as_slice()))
        })
    };
    let at = |days: i64| (now - TimeDelta::days(days)).timestamp();
    let repo = NewRepo::init(&folder.join("repo.git"))?;
    let base = repo.commit(
        "main",
        None,
        below("base/"),
        ("Ask before refunding", at(30)),
    )?;
    repo.commit(
        "blocked",
        Some(&base),
        below("blocked/"),
        ("Offer refunds freely", at(1)),
    )?;
    repo.commit(
        "fixed",
        Some(&base),
        below("fixed/"),
        ("Explain the refund rule", at(1)),
    )?;
    for (name, bytes) in below("evidence/") {
        let path: PathBuf = folder.join("evidence").join(name);
        files::write_atomic(&path, bytes)?;
    }
    Ok(())
}
