//! Security and access control: the data policy statement and its controls.

use super::{Category, Scored, View, absent, named};
use crate::evidence::slow::data_policy::CONTROLS;
use crate::policy::{CategoryId, Needs};
use crate::units::Share;

/// What the ledger adds, in words.
const RECORDED: &str = "base versions that came with a verdict";

pub(super) struct Security;

impl Category for Security {
    fn id(&self) -> CategoryId {
        CategoryId::Security
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            (
                "controls met, with where that can be seen: redaction, access, environments, retention, audit logs, exports, personal data",
                700,
            ),
            (
                "the changed prompts' versions on the base branch came there with a verdict, as the ledger has it; left out where it does not know",
                100,
            ),
            (
                "no points before the approval or after the expiry of the statement",
                0,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
        let past = gated(view);
        let Some(kept) = view.evidence.data_policy.here() else {
            let add = "which controls of your data policy are met, see the docs on evidence files";
            absent(
                &view.evidence.data_policy,
                &mut scored,
                100,
                "data policy statement",
                add,
            );
            return scored;
        };
        scored.evidence.push(named(kept, &kept.content.owner));
        let statement = &kept.content;
        let today = view.today();
        if today < statement.approved || today > statement.expires {
            let found = format!("valid from {} to {}", statement.approved, statement.expires);
            scored.flag("data policy statement", found, false, 100);
            scored.condition = Some(false);
            scored.remedy = Some(format!("renew `{}`", kept.path));
            return scored;
        }
        let (met, all) = (statement.met(), CONTROLS.len() as u64);
        let open: Vec<&str> = statement
            .controls
            .iter()
            .filter(|(_, met)| !met)
            .map(|(key, _)| *key)
            .collect();
        let found = match open.as_slice() {
            [] => format!("{met} of {all}, approved {}", statement.approved),
            open => format!("{met} of {all}; open: {}", open.join(", ")),
        };
        scored.check("controls met", found, (met, all), 700);
        scored.condition = Some(met == all && past.part == past.whole);
        scored.remedy = (met < all).then(|| format!("meet {}", open.join(", ")));
        if past.whole > 0 {
            let found = format!("{} of {}", past.part, past.whole);
            scored.check(RECORDED, found, (past.part, past.whole), 100);
        }
        if past.part < past.whole && scored.remedy.is_none() {
            scored.remedy = Some(String::from(
                "let changes reach the base branch through pull requests only: `gatecard log` names what did not",
            ));
        }
        scored
    }
}

/// How many changed prompts came to the base branch with a verdict, of those of which the ledger
/// knows.
fn gated(view: &View<'_>) -> Share {
    let mut share = Share::default();
    for found in view.past.prompts.values() {
        if let Some(gated) = found.gated {
            share.count(gated, 1);
        }
    }
    share
}
