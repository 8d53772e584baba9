//! `gatecard prompts`: every prompt with its version at a revision.

use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use super::{Context, policy_path};
use crate::change::{includers, looks_like_prompt};
use crate::cli::PromptsArgs;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::git::{Repo, RepoPath};
use crate::limits::LOCK;
use crate::lock;
use crate::policy::scope::Governance;
use crate::prompt::closure::Revision;
use crate::prompt::{Problem, Prompt};
use crate::reason::Code;
use crate::rules::Rules;
use crate::units::Digest;
use crate::untrusted::log_line;

#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    revision: String,
    prompts: Vec<Listed>,
    skipped: Vec<Skipped>,
    ungoverned: Vec<String>,
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Listed {
    id: String,
    path: String,
    format: &'static str,
    version: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    includes: Vec<String>,
}

#[derive(Serialize)]
struct Skipped {
    path: String,
    reason: &'static str,
}

#[derive(Serialize)]
struct Unreadable {
    place: String,
    code: &'static str,
    found: String,
}

/// Runs the command. A prompt that cannot be read is listed, and the exit code is then 3; no
/// lock file is written without it.
pub(super) fn run(args: &PromptsArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.repo)?;
    let commit = repo.resolve(&args.revision)?;
    let named = args.policy.as_deref().map(policy_path).transpose()?;
    let rules = Rules::find(&repo, &commit, &commit, named.as_ref())?;
    let scope = &rules.policy.scope;
    let revision = Revision {
        repo: &repo,
        commit: &commit,
    };
    let (mut prompts, mut problems): (Vec<Prompt>, Vec<Problem>) = (Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    for (path, entry) in includers::governed(&repo, &commit, scope)? {
        let Governance::Governed(rule) = scope.of(&path) else {
            continue;
        };
        match revision.prompts(&path, entry, rule) {
            Ok(found) => prompts.extend(found),
            Err(problem) if problem.code == Code::PromptFormat && !rule.exact => {
                skipped.push(Skipped {
                    path: path.to_string(),
                    reason: "no prompt format",
                });
            }
            Err(problem) => problems.push(problem),
        }
    }
    collisions(&mut prompts, &mut problems);
    if let Some(file) = &args.lock
        && problems.is_empty()
    {
        let worktree = || repo.worktree().unwrap_or_else(|| args.repo.clone());
        let file = file.clone().unwrap_or_else(|| worktree().join(lock::PATH));
        let text = lock::text(&repo, &commit, &rules.policy, &prompts)?;
        return lock_file(&file, &text, args.check, context);
    }
    let mut ungoverned = Vec::new();
    for (path, _) in repo.files(&commit, &RepoPath::root())? {
        match scope.of(&path) {
            Governance::Skipped(reason) => skipped.push(Skipped {
                path: path.to_string(),
                reason,
            }),
            Governance::Outside if looks_like_prompt(&path) => ungoverned.push(path.to_string()),
            Governance::Outside | Governance::Governed(_) => {}
        }
    }
    let listing = Listing {
        schema: "gatecard/prompts/v1",
        revision: commit.to_string(),
        prompts: prompts.iter().map(listed).collect(),
        skipped,
        ungoverned,
        unreadable: problems.iter().map(unreadable).collect(),
    };
    match args.format.as_str() {
        "json" => context.print_data(&format!("{:#}\n", serde_json::json!(listing)))?,
        _ => context.print(&text(&listing))?,
    }
    Ok(if listing.unreadable.is_empty() { 0 } else { 3 })
}

/// Writes the lock file, or tells whether the one that is there is up to date.
fn lock_file(file: &Path, text: &str, check: bool, context: &mut Context<'_>) -> Result<u8, Error> {
    let shown = log_line(&file.display().to_string());
    if !check {
        files::write_atomic(file, text.as_bytes())?;
        context.print(&format!("wrote {shown}\n"))?;
        return Ok(0);
    }
    let there = match files::read_bounded(file, LOCK) {
        Ok(bytes) => Some(bytes),
        Err(FileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let (told, code) = match there {
        Some(bytes) if bytes == text.as_bytes() => ("is up to date", 0),
        Some(_) => ("is out of date: write it with `gatecard prompts --lock`", 1),
        None => ("is not there: write it with `gatecard prompts --lock`", 1),
    };
    context.print(&format!("{shown} {told}\n"))?;
    Ok(code)
}

fn collisions(prompts: &mut [Prompt], problems: &mut Vec<Problem>) {
    prompts.sort_by(|a, b| a.id.cmp(&b.id));
    for pair in prompts.windows(2) {
        if let [first, second] = pair
            && first.id == second.id
        {
            let found = format!(
                "has the id `{}`, as `{}` has",
                second.id.as_str(),
                first.path
            );
            problems.push(Problem::new(Code::PromptIdCollision, &second.path, found));
        }
    }
}

fn listed(prompt: &Prompt) -> Listed {
    let models: Vec<String> = prompt
        .draft
        .models
        .iter()
        .filter_map(|each| Some(each.model.as_ref()?.to_string()))
        .collect();
    Listed {
        id: prompt.id.as_str().to_owned(),
        path: prompt.path.to_string(),
        format: prompt.format,
        version: prompt.version.digest(),
        label: prompt.draft.label(),
        model: (!models.is_empty()).then(|| models.join(", ")),
        includes: prompt
            .includes
            .iter()
            .map(|each| each.path.to_string())
            .collect(),
    }
}

fn unreadable(problem: &Problem) -> Unreadable {
    Unreadable {
        place: problem.place(),
        code: problem.code.id(),
        found: problem.found.clone(),
    }
}

fn text(listing: &Listing) -> String {
    use unicode_width::UnicodeWidthStr as _;
    let mut out = String::new();
    let width = listing
        .prompts
        .iter()
        .map(|each| log_line(&each.id).width())
        .max()
        .unwrap_or_default();
    for each in &listing.prompts {
        let id = log_line(&each.id);
        let pad = " ".repeat(width.saturating_sub(id.width()));
        let label = each
            .label
            .as_deref()
            .map(|label| format!("  label {}", log_line(label)));
        let model = each
            .model
            .as_deref()
            .map(|model| format!("  {}", log_line(model)));
        out.push_str(&format!(
            "{id}{pad}  {}  {}{}{}\n",
            each.version.short(),
            each.format,
            model.unwrap_or_default(),
            label.unwrap_or_default()
        ));
    }
    for each in &listing.unreadable {
        out.push_str(&format!(
            "unreadable  {} [{}] {}\n",
            log_line(&each.place),
            each.code,
            log_line(&each.found)
        ));
    }
    for path in &listing.ungoverned {
        out.push_str(&format!(
            "ungoverned  {} looks like a prompt\n",
            log_line(path)
        ));
    }
    for each in &listing.skipped {
        out.push_str(&format!(
            "skipped     {} ({})\n",
            log_line(&each.path),
            each.reason
        ));
    }
    out
}
