//! Outputs: the family of renderers from a report to bytes. Same report, same bytes.

mod approvals;
mod binding;
mod json;
mod markdown;
mod text;
pub(crate) mod trend;

use crate::ledger::past::Prior;
use crate::prompt::PromptId;
use crate::report::Report;
use crate::units::Digest;
use crate::untrusted::Untrusted;

pub(crate) use approvals::{approvals_json, approvals_text, change_requests_json};
#[cfg(test)]
pub(crate) use markdown::VALUES;
pub(crate) use markdown::{Place, faults, markdown};
pub(crate) use text::page as text;

/// The renderers, the default one first.
pub(crate) const OUTPUTS: &[&dyn Output] = &[&text::Text, &markdown::Markdown, &json::Json];

/// One output format.
pub(crate) trait Output: Sync {
    /// The format's name on the command line.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// Whether people read it line by line, in a terminal or a log.
    fn is_page(&self) -> bool {
        false
    }

    /// Renders a report.
    fn render(&self, report: &Report, look: Look) -> Result<String, RenderError>;
}

/// How text may look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    /// Whether a person reads it in a terminal that shows colours.
    pub(crate) colour: bool,
}

/// A renderer failed: always a defect of a template.
#[derive(Debug, thiserror::Error)]
#[error("the {output} output could not be rendered: {reason}")]
pub(crate) struct RenderError {
    /// Which output.
    pub(crate) output: &'static str,
    /// Why.
    pub(crate) reason: String,
}

/// Finds a renderer by its name.
pub(crate) fn by_id(id: &str) -> Option<&'static dyn Output> {
    OUTPUTS.iter().copied().find(|output| output.id() == id)
}

/// How many prompts are named where outcomes of several say the same.
const NAMED: usize = 5;

/// Names prompts: the first few, and how many more there are.
fn prompts(ids: &[&PromptId], sink: impl Fn(&Untrusted) -> String) -> String {
    let named: Vec<String> = ids.iter().take(NAMED).map(|id| sink(id.shown())).collect();
    match ids.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What the ledger says of a prompt, in words: which version was approved last, by whom, when.
fn prior(found: &Prior, base: Option<Digest>, sink: impl Fn(&Untrusted) -> String) -> String {
    let Some(last) = &found.approved else {
        return String::from("no version on record came to the base branch with a verdict");
    };
    let label = last
        .label
        .as_ref()
        .map(|label| format!(" (label {})", sink(label)));
    let by: Vec<String> = last
        .by
        .iter()
        .map(|(login, group)| format!("{} for {}", sink(login), sink(group)))
        .collect();
    let by = match by.as_slice() {
        [] => String::from("a verdict, no approval asked for"),
        all => all.join(", "),
    };
    let other = if base == Some(last.version) {
        ""
    } else {
        "; this branch began at another version"
    };
    format!(
        "last approved: {}{} by {by}, {}{other}",
        last.version.short(),
        label.unwrap_or_default(),
        last.at.format("%Y-%m-%d"),
    )
}

/// Names a difference in words: `temperature 0.2 → 0.7`, `+ tool refund`.
fn words(
    what: &Untrusted,
    before: Option<&Untrusted>,
    after: Option<&Untrusted>,
    sink: impl Fn(&Untrusted) -> String,
) -> String {
    let what = sink(what);
    match (before, after) {
        (Some(before), Some(after)) => format!("{what} {} → {}", sink(before), sink(after)),
        (None, Some(after)) => format!("+ {what} {}", sink(after)),
        (Some(before), None) => format!("− {what} {}", sink(before)),
        (None, None) => what,
    }
}
