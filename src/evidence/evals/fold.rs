//! Folds rows into cases as they come: what is kept of a row does not grow with its text.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::row::{Asserted, CaseResult, Duty, Grader, Row, Rows, Score, TooMany};
use super::{Agreement, Arm, Metric, Run};
use crate::limits::{EVAL_METRICS, EVAL_ROWS, EVAL_SCORES};
use crate::units::{Digest, Usd};

/// The largest score: sums of 250,000 of them are finite and exact enough.
const LARGEST: f64 = 1e12;

/// One case of an arm, with all its trials.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// Declared id, else a hash of the input; `#2` and so on for others of the same id.
    pub(crate) id: String,
    /// Hash of the input.
    pub(crate) input: Digest,
    /// What is asserted.
    pub(crate) asserted: Asserted,
    /// The first row of each result, and how many there are.
    trials: [Trials; 3],
    /// What each metric said, in the order of the metrics.
    pub(crate) graded: Vec<Graded>,
    /// What is special about it.
    pub(crate) duty: Option<Duty>,
    /// Price of the answers.
    cost: Total,
    /// How long the answers took, in milliseconds.
    latency: Total,
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

/// Numbers of several trials.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Total {
    sum: f64,
    count: u32,
}

impl Total {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.sum += value;
            self.count += 1;
        }
    }

    fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// What one metric said of a case, over its trials.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Graded {
    /// Which of the file's metrics.
    pub(crate) metric: u16,
    values: Total,
    /// Trials that it let pass.
    pub(crate) passed: u32,
    /// Trials that it did not.
    pub(crate) failed: u32,
}

impl Graded {
    fn of(metric: u16) -> Self {
        Self {
            metric,
            ..Self::default()
        }
    }

    /// The sum of its numbers, and of how many trials.
    pub(crate) const fn numbers(&self) -> (f64, u32) {
        (self.values.sum, self.values.count)
    }

    /// The trials that it said something of.
    pub(crate) fn trials(&self) -> u32 {
        self.values
            .count
            .max(self.passed.saturating_add(self.failed))
    }

    fn add(&mut self, score: &Score) {
        if let Some(value) = score.value {
            self.values.add(value);
        }
        match score.passed {
            Some(true) => self.passed += 1,
            Some(false) => self.failed += 1,
            None => {}
        }
    }
}

impl Case {
    /// A case without trials.
    fn new(id: String, (input, asserted): (Digest, Asserted)) -> Self {
        Self {
            id,
            input,
            asserted,
            trials: [Trials::default(); 3],
            graded: Vec::new(),
            duty: None,
            cost: Total::default(),
            latency: Total::default(),
            trace_id: None,
        }
    }

    /// Whether its trials disagree: some passed, and some did not.
    pub(crate) const fn is_flaky(&self) -> bool {
        let [passed, failed, _] = self.trials;
        passed.count > 0 && failed.count > 0
    }

    /// How many trials passed, failed and errored.
    pub(crate) fn trials(&self) -> [u32; 3] {
        self.trials.map(|trials| trials.count)
    }

    /// Mean price of an answer.
    pub(crate) fn cost(&self) -> Option<Usd> {
        self.cost.mean().and_then(Usd::from_dollars)
    }

    /// Mean time of an answer, in milliseconds.
    pub(crate) fn latency_ms(&self) -> Option<f64> {
        self.latency.mean()
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
    pub(crate) fn runs(&self) -> u32 {
        self.trials.iter().map(|trials| trials.count).sum()
    }

    /// Whether another run asked and asserted the same.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.input == other.input && self.asserted.whole == other.asserted.whole
    }

    fn add(&mut self, row: Row, number: u32, graded: &[(u16, &Score)]) {
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
        if let Some(cost) = row.cost {
            self.cost.add(cost.dollars());
        }
        if let Some(latency) = row.latency_ms.filter(|latency| *latency >= 0.0) {
            self.latency.add(latency);
        }
        self.duty = self.duty.max(row.duty);
        for (metric, score) in graded {
            let known = self.graded.binary_search_by_key(metric, |each| each.metric);
            let at = known.unwrap_or_else(|at| {
                self.graded.insert(at, Graded::of(*metric));
                at
            });
            if let Some(graded) = self.graded.get_mut(at) {
                graded.add(score);
            }
        }
        self.trace_id = self.trace_id.take().or(row.trace_id);
    }
}

/// The cases of a file while it is read.
#[derive(Default)]
pub(super) struct Folding {
    /// By arm.
    arms: BTreeMap<usize, Folded>,
    rows: u32,
    /// What each case keeps of a score takes more room than its text.
    scores: usize,
}

/// The cases of an arm while it is read.
#[derive(Default)]
struct Folded {
    /// By id and what is asserted of which input: these are trials of one case. One map, since
    /// a small one for each id takes ten times the room.
    cases: BTreeMap<(String, Asserted, Digest), Case>,
    without_assertions: u64,
    /// By name and grader, with its number.
    metrics: BTreeMap<Metric, u16>,
    /// How judges agree with people.
    agreement: BTreeMap<Metric, Agreement>,
}

impl Folded {
    /// The numbers of the metrics that graded a row; what people said is no metric.
    fn metrics<'s>(&mut self, scores: &'s [Score]) -> Result<Vec<(u16, &'s Score)>, TooMany> {
        let mut found = Vec::with_capacity(scores.len());
        for score in scores.iter().filter(|score| score.by != Grader::Human) {
            let metric = Metric::of(score);
            let next = self.metrics.len();
            let number = if let Some(number) = self.metrics.get(&metric) {
                *number
            } else {
                let number = u16::try_from(next).ok().filter(|_| next < EVAL_METRICS);
                let number = number.ok_or(TooMany::Metrics)?;
                self.metrics.insert(metric, number);
                number
            };
            found.push((number, score));
        }
        Ok(found)
    }

    /// Compares each judge with the person who graded the same answer: by the same metric, else
    /// as a whole.
    fn agree(&mut self, scores: &[Score]) {
        let people = || scores.iter().filter(|score| score.by == Grader::Human);
        for score in scores {
            let (Grader::Judge(_), Some(judge)) = (&score.by, score.passed) else {
                continue;
            };
            let same = people().find(|human| human.metric == score.metric);
            let whole = || people().find(|human| human.metric.is_empty());
            let Some(person) = same.or_else(whole).and_then(|human| human.passed) else {
                continue;
            };
            self.agreement
                .entry(Metric::of(score))
                .or_default()
                .add(judge, person);
        }
    }
}

impl Rows for Folding {
    fn row(&mut self, mut row: Row) -> Result<(), TooMany> {
        let number = self.rows;
        let values = row.scores.iter().filter_map(|score| score.value);
        if values.into_iter().any(|value| value.abs() > LARGEST) {
            return Err(TooMany::Score);
        }
        if number as usize >= EVAL_ROWS {
            return Err(TooMany::Rows);
        }
        self.scores += row.scores.len();
        if self.scores > EVAL_SCORES {
            return Err(TooMany::Scores);
        }
        self.rows += 1;
        let arm = self.arms.entry(row.arm).or_default();
        let Some(asserted) = row.asserted else {
            arm.without_assertions += 1;
            return Ok(());
        };
        let id = match &row.case {
            Some(id) => id.clone(),
            None => row.input.short(),
        };
        let input = row.input;
        arm.agree(&row.scores);
        let scores = mem::take(&mut row.scores);
        let graded = arm.metrics(&scores)?;
        let case = arm
            .cases
            .entry((id, asserted, input))
            .or_insert_with(|| Case::new(String::new(), (input, asserted)));
        case.add(row, number, &graded);
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
            let mut cases: Vec<Arc<Case>> = Vec::with_capacity(folded.cases.len());
            let graders = run.graded_alike.then(|| graders(&folded.metrics));
            let (mut before, mut at) = (String::new(), 0);
            for ((id, ..), mut case) in folded.cases {
                if let Some([rules, judges]) = &graders {
                    case.asserted = case.asserted.graded_by(rules, judges);
                }
                at = if id == before { at + 1 } else { 1 };
                case.id = match at {
                    1 => id.clone(),
                    _ => format!("{id}#{at}"),
                };
                before = id;
                cases.push(Arc::new(case));
            }
            let mut metrics: Vec<(u16, Metric)> = folded
                .metrics
                .into_iter()
                .map(|(metric, number)| (number, metric))
                .collect();
            metrics.sort_unstable_by_key(|(number, _)| *number);
            Arm {
                shown,
                cases,
                metrics: metrics.into_iter().map(|(_, metric)| metric).collect(),
                agreement: folded.agreement,
                without_assertions: folded.without_assertions,
            }
        });
        super::EvalRun {
            arms: arms.collect(),
            tool_version: run.tool_version,
            made_at: run.made_at,
            revision: run.revision,
        }
    }
}

/// The rules and the judges among the metrics of an arm.
fn graders(metrics: &BTreeMap<Metric, u16>) -> [Json; 2] {
    let judges = metrics
        .keys()
        .filter(|metric| matches!(metric.by, Grader::Judge(_)));
    [
        metrics.keys().map(|metric| json!(metric.name)).collect(),
        judges.map(|metric| json!(metric.words())).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::row::{Assertions, Text};
    use crate::evidence::evals::{EvalRun, Shown};

    fn row(id: Option<&str>, input: &str, assertions: &str, result: CaseResult) -> Row {
        Row {
            arm: 0,
            case: id.map(str::to_owned),
            input: Digest::of(input.as_bytes()),
            asserted: (!assertions.is_empty()).then(|| {
                Asserted::of(&Assertions {
                    expected: assertions.into(),
                    ..Assertions::default()
                })
            }),
            result,
            scores: Vec::new(),
            duty: None,
            cost: None,
            latency_ms: None,
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
    fn scores_are_bounded_together_and_alone() {
        let score = |value| Score {
            metric: String::from("m"),
            by: Grader::Code,
            value: Some(value),
            passed: None,
        };
        let with = |value, count| Row {
            scores: vec![score(value); count],
            ..row(Some("a"), "in", "must", CaseResult::Passed)
        };
        let mut folding = Folding::default();
        assert_eq!(folding.row(with(1e300, 1)), Err(TooMany::Score));
        assert_eq!(folding.row(with(-1e300, 1)), Err(TooMany::Score));
        for _ in 0..4 {
            assert_eq!(folding.row(with(0.5, EVAL_SCORES / 4)), Ok(()));
        }
        assert_eq!(folding.row(with(0.5, 1)), Err(TooMany::Scores));
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
