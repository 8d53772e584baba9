//! Security and access control: the data policy statement and its controls.

use super::{Category, Scored, View, absent, named};
use crate::evidence::slow::data_policy::CONTROLS;
use crate::policy::{CategoryId, Needs};

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
                "no points before the approval or after the expiry of the statement",
                0,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
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
        scored.condition = Some(met == all);
        scored.remedy = (met < all).then(|| format!("meet {}", open.join(", ")));
        scored
    }
}
