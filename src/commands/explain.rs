//! `gatecard explain`: what a reason code, a gate, an outcome, a category or a field means, from the tables
//! as the docs.

use super::Context;
use crate::categories::CATEGORIES;
use crate::cli::ExplainArgs;
use crate::error::Error;
use crate::evidence::traces::fields::FIELDS;
use crate::evidence::{evals, traces};
use crate::gates::{KINDS, State};
use crate::ledger::verify::finding;
use crate::output::OUTPUTS;
use crate::prompt::FORMATS;
use crate::reason::Code;

/// What is less like a known name is no slip of the hand.
const LIKE: f64 = 0.8;

/// Runs the command.
pub(super) fn run(args: &ExplainArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let text = match args.what.as_deref() {
        Some(what) => one(what).ok_or_else(|| Error::Usage {
            what: "explain",
            found: what.to_owned(),
            expected: format!(
                "a reason code, a finding of `verify`, a gate, an outcome, a category or a trace field{}; `gatecard explain` lists them",
                near(what)
            ),
        })?,
        None => all(),
    };
    context.print(&text)?;
    Ok(0)
}

/// What was perhaps meant.
fn near(what: &str) -> String {
    let reasons = Code::ALL.iter().map(|code| code.id());
    let findings = finding::Code::ALL.iter().map(|code| code.id());
    let gates = KINDS.iter().map(|kind| kind.id());
    let categories = CATEGORIES.iter().map(|category| category.id().id());
    let fields = FIELDS.iter().map(|field| field.id);
    let all = reasons.chain(findings).chain(gates);
    let all = all.chain(categories).chain(fields);
    let best = all
        .map(|known| (strsim::jaro_winkler(what, known), known))
        .filter(|(like, _)| *like > LIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map_or_else(String::new, |(_, known)| format!(" such as `{known}`"))
}

fn one(what: &str) -> Option<String> {
    if let Some(code) = finding::Code::ALL.iter().find(|code| code.id() == what) {
        let (weight, about, fix) = (code.weight().id(), code.about(), code.fix());
        return Some(format!(
            "{what} ({weight}, of `gatecard verify`)\n  {about}\n  {fix}\n"
        ));
    }
    if let Some(code) = Code::by_id(what) {
        return Some(format!(
            "{}\n  {}\n  {}\n",
            code.id(),
            code.about(),
            code.fix()
        ));
    }
    if let Some(kind) = KINDS.iter().find(|kind| kind.id() == what) {
        return Some(format!("{}\n  {}\n", kind.id(), kind.about()));
    }
    if let Some(state) = State::ALL.iter().find(|state| state.id() == what) {
        return Some(format!("{what} ({})\n  {}\n", green(*state), state.about()));
    }
    if let Some(field) = FIELDS.iter().find(|field| field.id == what) {
        return Some(format!(
            "{what}\n  applies: {}\n  read from: {}\n",
            field.applies, field.read_from
        ));
    }
    let category = CATEGORIES
        .iter()
        .find(|category| category.id().id() == what)?;
    let mut text = format!("{} ({what})\n", category.id().title());
    for (check, points) in category.rubric() {
        text.push_str(&format!("  {points:>4} points  {check}\n"));
    }
    Some(text)
}

const fn green(state: State) -> &'static str {
    if state.is_green() {
        "green"
    } else {
        "not green"
    }
}

fn all() -> String {
    let mut text = String::from("gates\n");
    for kind in KINDS {
        text.push_str(&format!("  {:<18} {}\n", kind.id(), kind.about()));
    }
    text.push_str("\noutcomes of a gate\n");
    for state in State::ALL {
        text.push_str(&format!("  {:<18} {}\n", state.id(), state.about()));
    }
    text.push_str("\ncategories\n");
    for category in CATEGORIES {
        text.push_str(&format!(
            "  {:<18} {}\n",
            category.id().id(),
            category.id().title()
        ));
    }
    text.push_str("\nprompt formats\n");
    for format in FORMATS {
        text.push_str(&format!("  {:<18} {}\n", format.id(), format.about()));
    }
    text.push_str("\nevidence formats\n");
    for (id, about) in evals::FORMATS
        .iter()
        .map(|each| (each.id(), each.about()))
        .chain(traces::FORMATS.iter().map(|each| (each.id(), each.about())))
    {
        text.push_str(&format!("  {id:<18} {about}\n"));
    }
    text.push_str("\noutputs\n");
    for output in OUTPUTS {
        text.push_str(&format!("  {:<18} {}\n", output.id(), output.about()));
    }
    text.push_str("\ntrace fields\n");
    for field in FIELDS {
        text.push_str(&format!("  {:<18} applies: {}\n", field.id, field.applies));
    }
    text.push_str("\nreason codes\n");
    for code in Code::ALL {
        text.push_str(&format!("  {:<24} {}\n", code.id(), code.about()));
    }
    text.push_str("\nfindings of `gatecard verify`\n");
    for code in finding::Code::ALL {
        text.push_str(&format!("  {:<24} {}\n", code.id(), code.about()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_of_verify_is_explained() {
        for code in finding::Code::ALL {
            let text = one(code.id()).unwrap_or_default();
            let whole = text.contains(code.about()) && text.contains(code.fix());
            assert!(whole, "{}: {text}", code.id());
            let reason = Code::by_id(code.id());
            assert!(reason.is_none(), "{} means two things", code.id());
        }
    }

    #[test]
    fn a_slip_of_the_hand_is_told_what_was_meant() {
        for (slip, meant) in [
            ("chain-brokn", " such as `chain-broken`"),
            ("min_exmples", " such as `min_examples`"),
            ("xyz", ""),
        ] {
            assert_eq!(near(slip), meant, "{slip}");
        }
    }

    #[test]
    fn every_outcome_is_explained_with_its_colour() {
        for state in State::ALL {
            let text = one(state.id()).unwrap_or_default();
            let first = format!("{} ({})\n", state.id(), green(state));
            assert!(text.starts_with(&first), "{text}");
            assert!(text.contains(state.about()), "{text}");
        }
        assert_eq!(green(State::Waived), "green");
        assert_eq!(green(State::Missing), "not green");
    }
}
