//! Several tests that are judged together: whether each shows a drop.

use super::test::{Readings, Test};
use crate::stats::non_inferiority::is_non_inferior;
use crate::stats::{holm, holm_levels};

/// What a metric must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// It does not drop significantly.
    Significant,
    /// A drop of this margin or more is ruled out.
    NonInferior(f64),
}

/// What a test shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It is worse, and that is not chance.
    Drop,
    /// It does not drop, by what the mode needs.
    Clear,
    /// A drop of the margin is neither shown nor ruled out.
    Unsure,
    /// What it shows depends on trials that ended in an error.
    ErrorsDecide,
}

/// A test beside the others of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decision {
    /// What it shows.
    pub(crate) finding: Finding,
    /// The level that Holm's rule held it to.
    pub(crate) alpha: f64,
}

/// Decides each test, so that the chance of calling even one of them a drop where there is none
/// stays at `alpha`. What blocks is a drop both ways, with errored trials as failures and with
/// them left out.
pub(crate) fn decide(tests: &[(&Readings, Mode)], alpha: f64) -> Vec<Decision> {
    let p_values = |of: fn(&Readings) -> &Test| -> Vec<f64> {
        tests.iter().map(|(readings, _)| of(readings).p).collect()
    };
    let as_failures = p_values(|readings| &readings.as_failures);
    let left_out = holm(&p_values(|readings| &readings.left_out), alpha);
    let significant = holm(&as_failures, alpha).into_iter().zip(left_out);
    let levels = holm_levels(&as_failures, alpha);
    let each = tests.iter().zip(significant).zip(levels);
    each.map(|(((readings, mode), (failures, out)), level)| {
        let with = finding(&readings.as_failures, failures, *mode, alpha);
        let without = finding(&readings.left_out, out, *mode, alpha);
        Decision {
            finding: if with == without {
                with
            } else {
                Finding::ErrorsDecide
            },
            alpha: level,
        }
    })
    .collect()
}

/// What one way to count shows. That a margin is kept is a claim that each metric must show by
/// itself, so it takes no correction.
fn finding(test: &Test, significant: bool, mode: Mode, alpha: f64) -> Finding {
    let drops = significant && test.is_worse();
    match mode {
        Mode::NonInferior(margin) if is_non_inferior(test.worst_gain(alpha), margin) => {
            Finding::Clear
        }
        _ if drops => Finding::Drop,
        Mode::NonInferior(_) => Finding::Unsure,
        Mode::Significant => Finding::Clear,
    }
}
