//! Eval gate: no character that nobody sees came into a prompt.

use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::change::Change;
use crate::change::hidden::Place;
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::yaml::{Errors, Node};

/// How many are told with the line that they stand in.
const SHOWN: usize = 5;

pub(crate) struct HiddenCharacters;

impl GateKind for HiddenCharacters {
    fn id(&self) -> &'static str {
        "hidden_characters"
    }

    fn about(&self) -> &'static str {
        "no character that nobody sees came into a changed prompt or what it includes"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let blocks = node
            .map(|node| node.fields(&["on_fail"], errors))
            .and_then(|fields| fields.get("on_fail")?.one_of(ON_FAIL, errors))
            .unwrap_or(true);
        Box::new(Visible { blocks })
    }
}

struct Visible {
    blocks: bool,
}

impl Gate for Visible {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let changes = facts.changes.changes.iter();
        changes
            .filter(|change| change.head.is_some())
            .map(|change| Ruling {
                blocks: self.blocks,
                ..one(change)
            })
            .collect()
    }
}

fn one(change: &Change) -> Ruling {
    const NEEDED: &str = "no added character that nobody sees";
    let of = |state, code, found: String| Ruling::of(Some(&change.id), state, code, found, NEEDED);
    let hidden = &change.hidden;
    let count = Measured::new(Metric::HiddenCharacters, &hidden.count, &0, 1);
    let Some(first) = hidden.places.first() else {
        if let Some(path) = &hidden.unsearched {
            let found = format!("{path} is beyond what is searched");
            return of(State::Error, Code::HiddenUnsearched, found);
        }
        return of(State::Pass, Code::Met, String::from("none added")).measured(count);
    };
    let shown: Vec<String> = hidden.places.iter().take(SHOWN).map(told).collect();
    let more = match hidden.count.saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let found = format!("{}{more}", shown.join("; "));
    of(State::Fail, Code::HiddenCharacters, found)
        .at(&first.path, first.line)
        .measured(count)
}

fn told(place: &Place) -> String {
    format!(
        "{}:{} has {} in `{}`",
        place.path,
        place.line,
        place.what,
        place.text.for_machines()
    )
}
