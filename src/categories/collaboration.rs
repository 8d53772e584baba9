//! Collaboration and review: which stakeholder groups looked at traces and eval results.

use std::collections::BTreeSet;

use super::{Category, Scored, View, absent, named};
use crate::evidence::slow::reviews::{MAX_AGE_DAYS, Review};
use crate::policy::{CategoryId, Needs};

pub(super) struct Collaboration;

impl Category for Collaboration {
    fn id(&self) -> CategoryId {
        CategoryId::Collaboration
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            (
                "stakeholder groups that looked at sample traces and eval results within 180 days, of those needed",
                300,
            ),
            ("reviews that needed no custom export", 100),
            (
                "a review that changed the scorecard, the eval criteria or a gate",
                100,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, needs: Needs) -> Scored {
        let mut scored = Scored::default();
        let Some(kept) = view.evidence.reviews.here() else {
            let add = "reviews of traces and eval results by stakeholder group, see the docs on evidence files";
            absent(&view.evidence.reviews, &mut scored, 100, "reviews", add);
            return scored;
        };
        scored.evidence.push(named(kept, &kept.content.owner));
        let today = view.today();
        let recent: Vec<&Review> = kept
            .content
            .reviews
            .iter()
            .filter(|review| (0..=MAX_AGE_DAYS).contains(&(today - review.date).num_days()))
            .collect();
        let looked = |what: fn(&Review) -> bool| -> BTreeSet<&str> {
            recent
                .iter()
                .filter(|review| what(review))
                .map(|review| review.group.as_str())
                .collect()
        };
        let (traces, evals) = (
            looked(|review| review.traces),
            looked(|review| review.evals),
        );
        let groups: Vec<&str> = traces.intersection(&evals).copied().collect();
        let needed = match needs {
            Needs::Groups(groups) => groups,
            _ => 3,
        };
        let count = groups.len() as u64;
        let names = if groups.is_empty() {
            String::from("none")
        } else {
            groups.join(", ")
        };
        let found = format!("{count} of {needed}: {names}");
        let all = recent.len() as u64;
        let exported = recent.iter().filter(|review| review.custom_export).count() as u64;
        let changed = recent.iter().any(|review| review.led_to.is_some());
        let answer = String::from(if changed { "yes" } else { "no" });
        let shares = [
            (found, (count.min(needed), needed)),
            (
                format!("{} of {all}", all - exported),
                (all - exported, all),
            ),
            (answer, (u64::from(changed), 1)),
        ];
        for ((about, points), (found, share)) in self.rubric().iter().zip(shares) {
            scored.check(about, found, share, *points);
        }
        scored.condition = Some(count >= needed && exported == 0 && changed);
        scored.remedy = remedy(needed.saturating_sub(count), changed, exported);
        scored
    }
}

fn remedy(groups_missing: u64, changed: bool, exported: u64) -> Option<String> {
    if groups_missing > 0 {
        return Some(format!(
            "let {groups_missing} more groups look at sample traces and eval results"
        ));
    }
    let remedy = match (changed, exported) {
        (false, _) => "record what a review changed, as `led_to`",
        (true, 1..) => "give reviewers a view that needs no custom export",
        (true, 0) => return None,
    };
    Some(remedy.to_owned())
}
