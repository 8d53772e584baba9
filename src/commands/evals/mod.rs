//! `gatecard evals`: what eval results say, and how two of them compare.

mod page;

use super::Context;
use crate::cli::EvalsArgs;
use crate::error::Error;
use crate::evidence::alone::{self, Alone};
use crate::evidence::binding::BoundCases;
use crate::evidence::texts;
use crate::limits::SHOWN_CASES;
use crate::policy::Role;
use crate::regression::{self, ALPHA, Comparison, Measure, Mode, Tested};

/// A file could not be read.
const UNREADABLE: u8 = 3;

/// The results of one prompt, and of the version before where they were given.
struct Compared {
    /// The name that the tool has for it; empty where it has none.
    prompt: String,
    candidate: BoundCases,
    baseline: Option<BoundCases>,
    comparison: Option<Comparison>,
}

/// Runs the command: 0, or 3 where a file could not be read.
pub(super) fn run(args: &EvalsArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let candidates = args.files.iter().map(|path| (path, Role::Candidate));
    let baselines = args.baseline.iter().map(|path| (path, Role::Baseline));
    let alone = alone::read(candidates.chain(baselines));
    let all = compared(&alone);
    match args.format.as_str() {
        "json" => context.print_data(&page::json(&alone, &all))?,
        "markdown" => context.print_data(&page::markdown(&alone, &all))?,
        _ => context.print(&page::text(&alone, &all))?,
    }
    let broken = alone.files.iter().any(|file| file.problem.is_some());
    Ok(if broken { UNREADABLE } else { 0 })
}

/// Compares each prompt with itself; with one prompt on each side these, whatever they are called.
fn compared(alone: &Alone) -> Vec<Compared> {
    let candidates = alone.cases(Role::Candidate);
    let mut baselines = alone.cases(Role::Baseline);
    let only = candidates.len() == 1 && baselines.len() == 1;
    let all = candidates.into_iter().map(|(prompt, candidate)| {
        let same = baselines.remove(&prompt);
        let baseline =
            same.or_else(|| only.then(|| baselines.pop_first())?.map(|(_, cases)| cases));
        let comparison = baseline
            .as_ref()
            .map(|base| compare(alone, base, &candidate));
        Compared {
            prompt,
            candidate,
            baseline,
            comparison,
        }
    });
    all.collect()
}

fn compare(alone: &Alone, baseline: &BoundCases, candidate: &BoundCases) -> Comparison {
    let comparison = regression::compare(baseline, candidate);
    let shared = baseline.metrics.intersection(&candidate.metrics);
    let tests: Vec<Tested> = shared
        .map(|metric| {
            let measure = Measure::Metric {
                metric,
                pass: false,
                lower: false,
            };
            let readings = measure.series(baseline, candidate).readings();
            let test = (&readings.as_failures, Mode::Significant);
            Tested::of(Some(metric), test, (ALPHA, ALPHA))
        })
        .collect();
    let comparison = comparison.tested(tests);
    let shown = comparison.newly_failing.iter().take(SHOWN_CASES);
    let texts = texts::of(&alone.files, &alone.originals, shown);
    comparison.with(&texts)
}
