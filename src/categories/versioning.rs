//! Prompt and model versioning: whether each call links to what made it.

use super::{Category, Scored, View};
use crate::evidence::collect::Use;
use crate::evidence::traces::fields::{Field, Mask};
use crate::policy::{CategoryId, Needs};
use crate::units::Share;

/// What raises each check of the rubric.
const REMEDIES: [&str; 6] = [
    "let every call name a template version that this repository knows: {} do",
    "let every call record the variables inserted: {} do",
    "let every call name its model and provider: {} do",
    "let every call record the model configuration: {} do",
    "let every call name its release: {} do",
    "let somebody approve each version before it is merged, or record a review that names the base version of each changed prompt: {} have one",
];

pub(super) struct Versioning;

impl Category for Versioning {
    fn id(&self) -> CategoryId {
        CategoryId::Versioning
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            (
                "calls name a template version that this repository knows",
                300,
            ),
            ("calls record the variables inserted", 100),
            ("calls name model and provider", 100),
            ("calls record the model configuration", 100),
            ("calls name the release", 100),
            (
                "a review on record, in the ledger or in the kept reviews, names the base version of each changed prompt",
                100,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
        let rubric = self.rubric();
        let mut add = |at: usize, share: Share| {
            if let Some((about, points)) = rubric.get(at)
                && share.whole > 0
            {
                scored.check(about, share.to_string(), (share.part, share.whole), *points);
            }
        };
        match view.calls {
            Some(calls) => {
                add(0, calls.resolved());
                add(1, calls.field(Field::Variables));
                add(
                    2,
                    calls.complete(Mask::of(&[Field::Model, Field::Provider]), false),
                );
                let configuration = [Field::Temperature, Field::MaxTokens, Field::Parameters];
                add(3, calls.complete(Mask::of(&configuration), false));
                add(4, calls.field(Field::Release));
            }
            None => (0..5).for_each(|at| add(at, Share { part: 0, whole: 1 })),
        }
        let approved = approved(view);
        add(5, approved);
        scored.evidence = view.files(Use::Traces);
        scored.remedy = scored.weakest(self.rubric(), &REMEDIES);
        scored
    }
}

/// How many changed prompts have a review on record that names the version in production.
fn approved(view: &View<'_>) -> Share {
    let mut share = Share::default();
    let reviews = view.evidence.reviews.here();
    for base in view
        .judged
        .iter()
        .filter_map(|judged| judged.change.base.as_ref())
    {
        let reviewed = reviews.is_some_and(|kept| {
            kept.content.reviews.iter().any(|review| {
                review
                    .prompt
                    .as_deref()
                    .is_some_and(|name| base.is_called(name))
                    && review
                        .version
                        .as_deref()
                        .is_some_and(|version| base.version.is_named(version))
            })
        });
        let recorded = view.past.prompts.get(base.id.as_str());
        share.count(reviewed || recorded.is_some_and(|found| found.reviewed), 1);
    }
    share
}
