//! Folds rows into cases as they come: what is kept of a row does not grow with its text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::row::{CaseResult, Row, Rows, TooMany};
use super::{Arm, Run};
use crate::limits::EVAL_ROWS;
use crate::units::{Digest, Usd};

/// One case of an arm, with all its trials.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// Declared id, else a hash of the input; `#2` and so on for others of the same id.
    pub(crate) id: String,
    /// Hash of the input.
    pub(crate) input: Digest,
    /// Hash of what is asserted.
    pub(crate) assertions: Digest,
    /// The first row of each result, and how many there are.
    trials: [Trials; 3],
    /// Price of an answer.
    pub(crate) cost: Option<Usd>,
    /// The production trace that the case was taken from.
    pub(crate) trace_id: Option<String>,
}

/// The trials that came to one result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Trials {
    count: u32,
    /// The first one's row.
    row: u32,
}

impl Case {
    /// A case without trials.
    fn new(id: String, (input, assertions): (Digest, Digest)) -> Self {
        Self {
            id,
            input,
            assertions,
            trials: [Trials::default(); 3],
            cost: None,
            trace_id: None,
        }
    }

    /// What it came to: the majority decides, and a tie does not pass. Trials that errored have
    /// no say where others came to a result.
    pub(crate) fn result(&self) -> CaseResult {
        let [passed, failed, _] = self.trials.map(|trials| trials.count);
        match (passed, failed) {
            (0, 0) => CaseResult::Errored,
            (passed, failed) if passed > failed => CaseResult::Passed,
            _ => CaseResult::Failed,
        }
    }

    /// The first row that shows what it came to.
    pub(crate) const fn row(&self) -> u32 {
        let [passed, failed, errored] = self.trials;
        match (passed.count, failed.count) {
            (0, 0) => errored.row,
            (0, _) => failed.row,
            (some, other) if some > other => passed.row,
            _ => failed.row,
        }
    }

    /// How often it was run.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn runs(&self) -> u32 {
        self.trials.iter().map(|trials| trials.count).sum()
    }

    /// Whether another run asked and asserted the same.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.input == other.input && self.assertions == other.assertions
    }

    fn add(&mut self, row: Row, number: u32) {
        let [passed, failed, errored] = &mut self.trials;
        let trials = match row.result {
            CaseResult::Passed => passed,
            CaseResult::Failed => failed,
            CaseResult::Errored => errored,
        };
        if trials.count == 0 {
            trials.row = number;
        }
        trials.count += 1;
        self.cost = self.cost.or(row.cost);
        self.trace_id = self.trace_id.take().or(row.trace_id);
    }
}

/// The cases of a file while it is read.
#[derive(Default)]
pub(super) struct Folding {
    /// By arm.
    arms: BTreeMap<usize, Folded>,
    rows: u32,
}

/// The cases of an arm while it is read.
#[derive(Default)]
struct Folded {
    /// By id, then by what is asserted of which input: these are trials of one case.
    cases: BTreeMap<String, BTreeMap<(Digest, Digest), Case>>,
    without_assertions: u64,
}

impl Rows for Folding {
    fn row(&mut self, row: Row) -> Result<(), TooMany> {
        let number = self.rows;
        if number as usize >= EVAL_ROWS {
            return Err(TooMany);
        }
        self.rows += 1;
        let arm = self.arms.entry(row.arm).or_default();
        let Some(assertions) = row.assertions else {
            arm.without_assertions += 1;
            return Ok(());
        };
        let id = match &row.case {
            Some(id) => id.clone(),
            None => row.input.short(),
        };
        let input = row.input;
        let variants = arm.cases.entry(id).or_default();
        let case = variants
            .entry((assertions, input))
            .or_insert_with(|| Case::new(String::new(), (input, assertions)));
        case.add(row, number);
        Ok(())
    }
}

impl Folding {
    /// Puts what the file says of each arm beside its cases. Rows with the same id and another
    /// input or other assertions are cases of their own, numbered in the order of the digests:
    /// that of a file is often the order in which the answers came.
    pub(super) fn finish(mut self, run: Run) -> super::EvalRun {
        let arms = run.arms.into_iter().map(|(number, shown)| {
            let folded = self.arms.remove(&number).unwrap_or_default();
            let mut cases = Vec::new();
            for (id, variants) in folded.cases {
                for (at, mut case) in variants.into_values().enumerate() {
                    case.id = match at {
                        0 => id.clone(),
                        _ => format!("{id}#{}", at + 1),
                    };
                    cases.push(Arc::new(case));
                }
            }
            Arm {
                shown,
                cases,
                without_assertions: folded.without_assertions,
            }
        });
        super::EvalRun {
            arms: arms.collect(),
            tool_version: run.tool_version,
            made_at: run.made_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::row::Text;
    use crate::evidence::evals::{EvalRun, Shown};

    fn row(id: Option<&str>, input: &str, assertions: &str, result: CaseResult) -> Row {
        Row {
            arm: 0,
            case: id.map(str::to_owned),
            input: Digest::of(input.as_bytes()),
            assertions: (!assertions.is_empty()).then(|| Digest::of(assertions.as_bytes())),
            result,
            cost: None,
            trace_id: None,
            text: Text::default(),
        }
    }

    fn folded(rows: &[Row]) -> EvalRun {
        let mut folding = Folding::default();
        for row in rows {
            folding.row(row.clone()).unwrap();
        }
        folding.finish(Run {
            arms: vec![(0, Shown::default())],
            ..Run::default()
        })
    }

    #[test]
    fn trials_of_one_case_are_decided_by_the_majority() {
        use CaseResult::{Errored, Failed, Passed};
        for (results, want, shown) in [
            (vec![Passed], Passed, 0),
            (vec![Failed, Passed, Passed], Passed, 1),
            (vec![Passed, Failed], Failed, 1),
            (vec![Errored, Passed], Passed, 1),
            (vec![Errored, Failed], Failed, 1),
            (vec![Errored, Errored], Errored, 0),
        ] {
            let rows: Vec<Row> = results
                .iter()
                .map(|result| row(Some("a"), "in", "must", *result))
                .collect();
            let run = folded(&rows);
            let case = &run.arms[0].cases[0];
            assert_eq!(run.arms[0].cases.len(), 1);
            assert_eq!((case.result(), case.row()), (want, shown), "{results:?}");
            assert_eq!(case.runs() as usize, results.len());
        }
    }

    #[test]
    fn duplicates_are_numbered_whatever_order_they_come_in() {
        let rows = [
            row(Some("a"), "one", "must", CaseResult::Passed),
            row(Some("a"), "two", "must", CaseResult::Failed),
            row(Some("a"), "one", "must not", CaseResult::Failed),
            row(None, "one", "must", CaseResult::Passed),
            row(None, "one", "", CaseResult::Passed),
        ];
        let run = folded(&rows);
        let mut backwards = rows.to_vec();
        backwards.reverse();
        let told = |run: &EvalRun| -> Vec<(String, CaseResult)> {
            let cases = run.arms[0].cases.iter();
            cases.map(|case| (case.id.clone(), case.result())).collect()
        };
        assert_eq!(told(&run), told(&folded(&backwards)));
        let ids: Vec<String> = told(&run).into_iter().map(|(id, _)| id).collect();
        let hashed = Digest::of(b"one").short();
        let mut want = vec![String::from("a"), String::from("a#2"), String::from("a#3")];
        want.push(hashed);
        want.sort();
        let mut ids = ids;
        ids.sort();
        assert_eq!(ids, want);
        assert_eq!(run.arms[0].without_assertions, 1);
    }
}
