//! Rows in gatecard's own schema, as CSV: the same names as columns, scores as `score:NAME`,
//! `passed:NAME`, `judge:NAME` and `human:NAME`.

use std::cell::Cell;
use std::io::BufRead;

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value as Json;

use super::own::{Head, OwnRow, OwnScore, Taking, WholeScore};
use super::row::Rows;
use super::stream::Parts;
use super::{Format, Run};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;
use crate::units::Digest;

pub(crate) struct OwnCsv;

/// Every column but those of scores.
const COLUMNS: [&str; 18] = [
    "id",
    "prompt",
    "version",
    "template",
    "model",
    "input",
    "output",
    "expected",
    "assertions",
    "judges",
    "passed",
    "error",
    "reason",
    "human",
    "cost_usd",
    "latency_ms",
    "trace_id",
    "duty",
];
/// What a column of a metric begins with.
const OF_METRICS: [&str; 4] = ["score:", "passed:", "judge:", "human:"];

impl Format for OwnCsv {
    fn id(&self) -> &'static str {
        "rows_csv"
    }

    fn about(&self) -> &'static str {
        "rows in gatecard's own schema, CSV (`docs/eval-rows.md`)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let line = start
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let Ok(line) = std::str::from_utf8(line) else {
            return false;
        };
        let columns: Vec<&str> = line
            .trim_end()
            .split(',')
            .map(|name| name.trim_matches('"'))
            .collect();
        columns.len() > 1
            && columns.iter().all(|name| is_known(name))
            && columns
                .iter()
                .any(|name| ["passed", "error"].contains(name))
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut table = ReaderBuilder::new().from_reader(Parts::of(reader, &part));
        let columns = table.headers().map_err(|error| broken(&error))?.clone();
        for (at, name) in columns.iter().enumerate() {
            let twice = columns.iter().take(at).any(|before| before == name);
            if twice || !is_known(name) {
                let what = if twice {
                    "twice the column"
                } else {
                    "the column"
                };
                let found = format!("{what} `{name}`");
                return Err(ReadError::shape(
                    found,
                    "columns of gatecard's row schema, each once",
                ));
            }
        }
        let mut taking = Taking::new(rows);
        let mut record = StringRecord::new();
        loop {
            part.set(EVAL_PART);
            if !table
                .read_record(&mut record)
                .map_err(|error| broken(&error))?
            {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            let line = usize::try_from(line).unwrap_or(usize::MAX);
            let row = row(&columns, &record).map_err(|found| ReadError {
                line: Some(line),
                found,
                expected: String::from("a row of gatecard's row schema"),
            })?;
            taking.take(row, line)?;
        }
        Ok(taking.run(Head::default()))
    }
}

fn is_known(name: &str) -> bool {
    let of_metric = |start: &&str| {
        name.strip_prefix(*start)
            .is_some_and(|rest| !rest.is_empty())
    };
    COLUMNS.contains(&name) || OF_METRICS.iter().any(of_metric)
}

fn broken(error: &csv::Error) -> ReadError {
    let line = error
        .position()
        .and_then(|at| usize::try_from(at.line()).ok());
    ReadError {
        line,
        found: error.to_string(),
        expected: String::from("CSV in UTF-8, every row with all columns"),
    }
}

/// A row of cells. An empty one says nothing.
fn row(columns: &StringRecord, cells: &StringRecord) -> Result<OwnRow, String> {
    let mut row = OwnRow::default();
    for (name, cell) in columns
        .iter()
        .zip(cells)
        .filter(|(_, cell)| !cell.is_empty())
    {
        let text = || Some(cell.to_owned());
        let value = || Json::from(cell);
        match name {
            "id" => row.id = text(),
            "prompt" => row.prompt = text(),
            "version" => {
                let digest = Digest::from_hex(cell);
                row.version = Some(digest.ok_or("`version` is no SHA-256 digest in hex")?);
            }
            "template" => row.template = text(),
            "model" => row.model = text(),
            "input" => row.input = value(),
            "output" => row.output = value(),
            "expected" => row.expected = value(),
            "assertions" => row.assertions = value(),
            "judges" => row.judges = value(),
            "passed" => row.passed = Some(truth(name, cell)?),
            "error" => row.error = text(),
            "reason" => row.reason = text(),
            "human" => row.human = Some(truth(name, cell)?),
            "cost_usd" => row.cost_usd = Some(number(name, cell)?),
            "latency_ms" => row.latency_ms = Some(number(name, cell)?),
            "trace_id" => row.trace_id = text(),
            "duty" => match cell {
                "must_pass" => row.must_pass = true,
                "canary" => row.canary = true,
                _ => {
                    return Err(format!(
                        "`duty` is `{cell}`, which is none of must_pass, canary"
                    ));
                }
            },
            of_metric => score(&mut row, of_metric, cell)?,
        }
    }
    Ok(row)
}

fn score(row: &mut OwnRow, column: &str, cell: &str) -> Result<(), String> {
    let Some((what, metric)) = column.split_once(':') else {
        return Ok(());
    };
    let whole = OwnScore::Whole(WholeScore::default());
    let entry = row.scores.entry(metric.to_owned()).or_insert(whole);
    if let OwnScore::Whole(score) = entry {
        match what {
            "score" => score.value = Some(number(column, cell)?),
            "passed" => score.passed = Some(truth(column, cell)?),
            "human" => score.human = Some(truth(column, cell)?),
            _ => score.judge = Some(cell.to_owned()),
        }
    }
    Ok(())
}

fn truth(column: &str, cell: &str) -> Result<bool, String> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "pass" | "1" => Ok(true),
        "false" | "fail" | "0" => Ok(false),
        _ => Err(format!(
            "`{column}` is `{cell}`, which is neither true nor false"
        )),
    }
}

fn number(column: &str, cell: &str) -> Result<f64, String> {
    let number = cell
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("`{column}` is `{cell}`, which is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&OwnCsv, &mut text.as_bytes())
    }

    #[test]
    fn the_examples_of_the_docs_are_read() {
        let docs = include_str!("../../../docs/eval-rows.md");
        for (format, fence) in [
            (&OwnCsv as &dyn Format, "```csv\n"),
            (&super::super::own::OwnRows, "```json\n"),
        ] {
            let (_, text) = docs.split_once(fence).unwrap();
            let (text, _) = text.split_once("```").unwrap();
            assert!(format.recognises(text.as_bytes()), "{fence}");
            let run = evals::read(format, &mut text.as_bytes()).unwrap();
            assert_eq!(counts(&run.arms[0]), [1, 1, 1, 3, 0], "{fence}");
        }
    }

    #[test]
    fn a_table_comes_to_the_cases_that_its_rows_say() {
        let text = "\u{feff}id,prompt,input,passed,error,score:tone,judge:tone,human:tone,passed:tone,duty\r\n\
                    a,p,\"two\nlines, one cell\",pass,,0.5,openai/gpt-4o,false,true,must_pass\r\n\
                    b,p,y,false,,,,,,\r\n\
                    c,p,z,,timeout,,,,,\r\n";
        assert!(OwnCsv.recognises(text.as_bytes()));
        let run = read(text).unwrap();
        assert_eq!(counts(&run.arms[0]), [1, 1, 1, 3, 0]);
        assert_eq!(run.arms[0].agreement.len(), 1);
    }

    #[test]
    fn what_is_no_such_table_is_refused_at_its_line() {
        for (text, line, found) in [
            ("id,pased\na,1\n", None, "the column `pased`"),
            ("id,id,passed\na,b,1\n", None, "twice the column `id`"),
            ("id,passed\na,perhaps\n", Some(2), "neither true nor false"),
            ("id,passed\na,1\nb\n", Some(3), "CSV error"),
            ("id,passed\na,\n", Some(2), "neither `passed` nor `error`"),
            ("id,passed,cost_usd\na,1,NaN\n", Some(2), "no number"),
            ("id,passed,duty\na,1,x\n", Some(2), "none of must_pass"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
            assert_eq!(error.line, line, "{text}");
        }
        for other in ["id,passed", "a,b\n", "passed\n", "{\"id\",\"passed\"\n"] {
            assert_eq!(
                OwnCsv.recognises(other.as_bytes()),
                other == "id,passed",
                "{other}"
            );
        }
    }
}
