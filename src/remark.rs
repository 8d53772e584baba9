//! What a check says of single lines: pure, shown where a place can point into files.

use crate::change::ChangeSet;
use crate::gates::Outcome;
use crate::policy::Mode;
use crate::prompt::Problem;
use crate::untrusted::Untrusted;

/// One thing to say of one line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The file.
    pub(crate) path: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// How much it matters.
    pub(crate) weight: Weight,
    /// What it is about.
    pub(crate) title: Untrusted,
    /// What was found, and what to do.
    pub(crate) text: Untrusted,
}

/// How much a remark matters, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It blocks.
    Blocks,
    /// It warns, or would block.
    Warns,
    /// It is good to know.
    Informs,
}

/// Lists the remarks, those that matter most first.
pub(crate) fn remarks(changes: &ChangeSet, outcomes: &[Outcome], mode: Mode) -> Vec<Remark> {
    let mut found: Vec<Remark> = outcomes
        .iter()
        .filter(|outcome| !outcome.ruling.state.is_green())
        .filter_map(|outcome| of_outcome(changes, outcome, mode))
        .collect();
    let broken = match mode {
        Mode::Enforce => Weight::Blocks,
        Mode::Advise | Mode::Observe => Weight::Warns,
    };
    found.extend(changes.broken.iter().map(|each| of_problem(each, broken)));
    found.extend(
        changes
            .broken_before
            .iter()
            .map(|each| of_problem(each, Weight::Informs)),
    );
    found.extend(of_files(changes));
    found.sort_by_key(|remark| remark.weight);
    found
}

/// A gate that is not green, at the change that it is about.
fn of_outcome(changes: &ChangeSet, outcome: &Outcome, mode: Mode) -> Option<Remark> {
    let ruling = &outcome.ruling;
    let id = ruling.prompt.as_ref()?;
    let change = changes.changes.iter().find(|change| change.id == *id)?;
    let prompt = change.head.as_ref().or(change.base.as_ref())?;
    let fix = ruling.remedy();
    let place = ruling.place.as_ref();
    let (path, line) = place.map_or((&prompt.path, change.line), |(path, line)| (path, *line));
    Some(Remark {
        path: path.to_string(),
        line,
        weight: match mode {
            Mode::Enforce if ruling.blocks => Weight::Blocks,
            Mode::Enforce | Mode::Advise | Mode::Observe => Weight::Warns,
        },
        title: format!(
            "{}: {} [{}]",
            outcome.gate,
            ruling.state.id(),
            ruling.code.id()
        )
        .into(),
        text: format!(
            "{}; needed: {}. To fix: {}",
            ruling.found.for_machines(),
            ruling.needed.for_machines(),
            fix.for_machines()
        )
        .into(),
    })
}

fn of_problem(problem: &Problem, weight: Weight) -> Remark {
    Remark {
        path: problem.path.to_string(),
        line: problem.line.unwrap_or(1),
        weight,
        title: problem.code.id().into(),
        text: format!("{}. {}", problem.found, problem.code.fix()).into(),
    }
}

/// Findings about whole files.
fn of_files(changes: &ChangeSet) -> Vec<Remark> {
    let remark = |path: &crate::git::RepoPath, title: String, text: &str| Remark {
        path: path.to_string(),
        line: 1,
        weight: Weight::Informs,
        title: title.into(),
        text: text.into(),
    };
    let governed = changes.governed.iter().map(|file| {
        let text =
            "judged as it is on the base branch; the change needs the eyes of those who own it";
        remark(&file.path, format!("{} changed", file.kind.id()), text)
    });
    let unread = changes.unread.iter().map(|path| {
        let title = String::from("not read as a prompt");
        remark(path, title, "lies where prompts are, and is read as none")
    });
    let lookalikes = changes.lookalikes.iter().map(|path| {
        let title = String::from("not governed");
        remark(
            path,
            title,
            "looks like a prompt and is governed by nothing",
        )
    });
    governed.chain(unread).chain(lookalikes).collect()
}
