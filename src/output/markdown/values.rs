//! Everything that a template is given, by where it stands.

use super::approvals;
use super::rows::{self, Table};
use super::shown::shown;

shown! {
    /// Everything that a template shows of a report.
    Values {
        /// ✅, ⚠️ or ⛔
        icon: &'static str,
        /// the kind of alert: `TIP`, `WARNING` or `CAUTION`
        alert: &'static str,
        /// the verdict in one line
        headline: String,
        /// how many gates are green
        gates: String,
        /// what the first gate that blocks found, or none
        first: Option<String>,
        /// the one next step
        next: String,
        /// gates that are not green: `rows` and how many `more`
        failing: Table<rows::Failing>,
        /// waived gates: `rows` and `more`
        waived: Table<rows::Waived>,
        /// changed prompts: `rows` and `more`
        changes: Table<rows::Changed>,
        /// other governed files that changed: `rows` and `more`
        governed_files: Table<rows::Governed>,
        /// whether there is room for the differences in words
        differences: bool,
        /// whether anything governed changed
        governed: bool,
        /// whether there is a scorecard, and room for it
        scorecard: bool,
        /// the categories, a list
        categories: Vec<rows::CategoryRow>,
        /// the final score
        total: String,
        /// how the final score went, a block a card; empty where nothing is on record
        trend: String,
        /// its band
        band: &'static str,
        /// the comparisons, a list, or none
        evals: Option<Vec<rows::EvalRow>>,
        /// whether there is room for newly failing cases
        cases: bool,
        /// the checks of all categories, a list, or none
        rationale: Option<Vec<rows::Reason>>,
        /// what would raise each category, a list of lines
        remedies: Vec<String>,
        /// what production records, or none
        coverage: Option<rows::CoverageView>,
        /// what readers should know, a list of lines, or none
        findings: Option<Vec<String>>,
        /// who approved what, or none
        approvals: Option<approvals::Section>,
        /// the policy
        policy: PolicyView,
        /// the commit of the base, 12 characters
        base: String,
        /// the commit of the head, 12 characters
        head: String,
        /// the evidence files with their digests
        files: String,
        /// whether there are traces
        traces: bool,
        /// the ledger's newest entry, or why the verdict is not recorded, or none
        ledger: Option<String>,
        /// the command that repeats the verdict
        again: String,
        /// what was left out to fit the place, or none
        left_out: Option<String>,
    }
}

shown! {
    /// The policy that judged.
    PolicyView {
        /// the start of its digest
        digest: String,
        /// where it comes from
        origin: &'static str,
    }
}

/// All that templates are given, by where it stands.
#[cfg(test)]
pub(crate) const VALUES: &[(&str, &[(&str, &str)])] = &[
    ("", Values::VALUES),
    ("policy.", PolicyView::VALUES),
    ("failing.rows[].", rows::Failing::VALUES),
    ("waived.rows[].", rows::Waived::VALUES),
    ("changes.rows[].", rows::Changed::VALUES),
    ("governed_files.rows[].", rows::Governed::VALUES),
    ("categories[].", rows::CategoryRow::VALUES),
    ("evals[].", rows::EvalRow::VALUES),
    ("evals[].worst[].", rows::Worst::VALUES),
    ("evals[].failing_by[].", rows::Cluster::VALUES),
    ("rationale[].", rows::Reason::VALUES),
    ("coverage.", rows::CoverageView::VALUES),
    ("coverage.fields[].", rows::FieldRow::VALUES),
    ("approvals.", approvals::Section::VALUES),
    ("approvals.requests.rows[].", approvals::Request::VALUES),
    ("approvals.decisions.rows[].", approvals::Row::VALUES),
];
