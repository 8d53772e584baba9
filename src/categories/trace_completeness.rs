//! Trace completeness: what production records of a request, group by group of the method's
//! list. Each group gives the share of its fields that are present where they apply.

use super::{Category, Scored, View};
use crate::evidence::collect::Use;
use crate::evidence::traces::fields::{FIELDS, Field};
use crate::policy::{CategoryId, Needs};
use crate::units::{Percent, Score, Share};

/// Basic calls without versions, contents, retrieval or tools score at most 3.
const BASIC: Score = Score::MIDDLE;

pub(super) struct TraceCompleteness;

impl Category for TraceCompleteness {
    fn id(&self) -> CategoryId {
        CategoryId::TraceCompleteness
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            ("environment", 100),
            ("input and payload", 100),
            ("memory", 100),
            ("template, variables, version", 100),
            ("retrieved documents", 100),
            ("model and parameters", 100),
            ("tool calls", 100),
            ("output and post-processing", 100),
            ("latency, tokens, cost", 100),
            ("errors and fallbacks", 100),
            (
                "at most 3 where prompt version, input, output, retrieved documents or tool calls are recorded on less than half of the calls they apply to",
                0,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, _: Needs) -> Scored {
        let mut scored = Scored::default();
        let Some(calls) = view.calls else {
            scored.flag("production calls", view.no_calls, false, 100);
            scored.remedy = Some(String::from(
                "export production traces as OTLP JSON lines and name them in the action's \
                 `evidence` input, or with `--evidence`",
            ));
            return scored;
        };
        let mut worst: Option<(Share, &str, &str)> = None;
        for (group, points) in self.rubric().iter().filter(|(_, points)| *points > 0) {
            let (mut share, mut fields) = (Share::default(), Vec::new());
            for about in FIELDS.iter().filter(|about| about.group == *group) {
                let found = calls.field(about.field);
                share.part += found.part;
                share.whole += found.whole;
                if found.whole == 0 {
                    continue;
                }
                fields.push(format!("{} {found}", about.id));
                let rarer = |(least, ..): (Share, &str, &str)| found.fraction() < least.fraction();
                if found.part < found.whole && worst.is_none_or(rarer) {
                    worst = Some((found, about.id, about.read_from));
                }
            }
            if share.whole > 0 {
                scored.check(group, fields.join(", "), (share.part, share.whole), *points);
            }
        }
        let half = Percent::from_hundredths(5_000);
        let rare = [
            Field::PromptVersion,
            Field::Input,
            Field::Output,
            Field::Documents,
            Field::ToolCalls,
        ]
        .into_iter()
        .map(|field| calls.field(field))
        .any(|share| share.whole > 0 && half.is_some_and(|half| !share.reaches(half)));
        if rare {
            scored.cap = Some((
                BASIC,
                "prompt version, input, output, documents or tool calls are mostly missing",
            ));
        }
        scored.evidence = view.files(Use::Traces);
        scored
            .evidence
            .insert(0, format!("{} calls", calls.count()));
        scored.remedy = worst.map(|(share, id, read_from)| {
            format!("record {id} on all calls ({share} have it): {read_from}")
        });
        scored
    }
}
