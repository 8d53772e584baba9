//! The check run of a check: the report once more, with a remark on each line that has one.

use super::Checked;
use crate::environment::Environment;
use crate::error::Error;
use crate::limits::{ANNOTATION_TEXT, ANNOTATION_TITLE, ANNOTATIONS};
use crate::output::{self, Place};
use crate::policy::Mode;
use crate::publish::{Annotation, CheckRun, Conclusion, Level};
use crate::remark::{Remark, Weight};
use crate::untrusted;
use crate::verdict::Verdict;

/// The check run, where the policy wants one.
pub(super) fn of(checked: &Checked, environment: &Environment) -> Result<Option<CheckRun>, Error> {
    let report = &checked.report;
    // Where nothing governed changed there is nothing to show.
    if !checked.rules.policy.check_run || !report.governed {
        return Ok(None);
    }
    let page = environment.run_url();
    let left_out = report.remarks.len().saturating_sub(ANNOTATIONS);
    let note = match left_out {
        0 => String::new(),
        _ => format!(
            "\n{ANNOTATIONS} of {} annotations are shown, {left_out} are left out.\n",
            report.remarks.len()
        ),
    };
    let mut summary = output::markdown(report, Place::check_run(page.as_deref(), note.len()))?;
    summary.push_str(&note);
    Ok(Some(CheckRun {
        conclusion: match (report.verdict, report.mode) {
            (Verdict::Pass, Mode::Enforce | Mode::Advise) => Conclusion::Success,
            (Verdict::Fail | Verdict::Error, Mode::Enforce) => Conclusion::Failure,
            (_, Mode::Observe) | (Verdict::Fail | Verdict::Error, Mode::Advise) => {
                Conclusion::Neutral
            }
        },
        title: untrusted::annotation(&report.headline(), ANNOTATION_TITLE),
        summary,
        annotations: report
            .remarks
            .iter()
            .take(ANNOTATIONS)
            .map(annotation)
            .collect(),
        details_url: page,
    }))
}

/// The check run of a check that could not be made.
pub(super) fn of_failure(summary: &str, environment: &Environment) -> CheckRun {
    CheckRun {
        conclusion: Conclusion::Failure,
        title: String::from("could not check"),
        summary: summary.to_owned(),
        annotations: Vec::new(),
        details_url: environment.run_url(),
    }
}

fn annotation(remark: &Remark) -> Annotation {
    Annotation {
        path: remark.path.clone(),
        start_line: remark.line,
        end_line: remark.line,
        level: match remark.weight {
            Weight::Blocks => Level::Failure,
            Weight::Warns => Level::Warning,
            Weight::Informs => Level::Notice,
        },
        title: remark.title.annotation(ANNOTATION_TITLE),
        message: remark.text.annotation(ANNOTATION_TEXT),
    }
}
