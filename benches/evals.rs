//! `gatecard evals` on large results: time and peak memory beside parsers that hold the file.
//!
//! `cargo bench --bench evals -- [MB]` (400 where nothing is given) writes results of promptfoo,
//! as JSON and as JSON Lines, with answers, documents and assertions of realistic length, and runs
//! in turn: `gatecard evals FILE`, Python's orjson and Node's `JSON.parse` on the same file, which
//! only parse. Then `gatecard evals FILE --baseline OTHER`, which reads both files and then again
//! what is shown of the newly failing cases. Ratios are of runs that follow each other, so that a
//! noisy machine disturbs both alike. Nothing here fails on a figure: a peer that is not there, or
//! cannot, is told. GNU time is needed for the peaks.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that panics says why, and prints what it measured"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const PAIRS: usize = 5;
const MB: u64 = 1_000_000;

const NODE: [(&str, &str); 2] = [
    (
        "json",
        "JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'))",
    ),
    (
        "jsonl",
        "const lines = require('readline').createInterface({input: require('fs').createReadStream(process.argv[1]), crlfDelay: Infinity}); const all = []; lines.on('line', line => all.push(JSON.parse(line)))",
    ),
];
const ORJSON: [(&str, &str); 2] = [
    (
        "json",
        "import orjson, sys; orjson.loads(open(sys.argv[1], 'rb').read())",
    ),
    (
        "jsonl",
        "import orjson, sys; [orjson.loads(line) for line in open(sys.argv[1], 'rb')]",
    ),
];

fn main() {
    let size = std::env::args().find_map(|word| word.parse().ok());
    let size = size.unwrap_or(400);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, kind) in ["json", "jsonl"].into_iter().enumerate() {
        let [file, other] = [1, 2].map(|seed| write(folder.path(), kind, size * MB, seed));
        let ours = Tool::new(env!("CARGO_BIN_EXE_gatecard"), &["evals"]);
        for peer in [
            Tool::new("python3", &["-c", ORJSON[at].1]),
            Tool::new("node", &["-e", NODE[at].1]),
        ] {
            compare(&format!("{size} MB of {kind}"), &ours, &peer, &file);
        }
        let before = other.display().to_string();
        let both = Tool::new(
            env!("CARGO_BIN_EXE_gatecard"),
            &["evals", &format!("--baseline={before}")],
        );
        match both.once(&file) {
            Ok(ran) => println!(
                "{size} MB of {kind}, against as much, with the second pass: {:.2} s, peak {} MB",
                ran.seconds, ran.peak
            ),
            Err(error) => println!("{size} MB of {kind}, both: {error}"),
        }
    }
}

/// Runs two tools in turn, and prints medians, peaks and the median of the ratios.
fn compare(name: &str, ours: &Tool, peer: &Tool, file: &Path) {
    let (mut left, mut right, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut peaks = (0, 0);
    for _ in 0..PAIRS {
        let own = ours.once(file).expect("gatecard reads what it should");
        let their = match peer.once(file) {
            Ok(ran) => ran,
            Err(error) => {
                println!(
                    "{name}: gatecard {:.2} s, peak {} MB; {} {error}",
                    own.seconds, own.peak, peer.program
                );
                return;
            }
        };
        peaks = (peaks.0.max(own.peak), peaks.1.max(their.peak));
        ratios.push(own.seconds / their.seconds);
        left.push(own.seconds);
        right.push(their.seconds);
    }
    for list in [&mut left, &mut right, &mut ratios] {
        list.sort_by(f64::total_cmp);
    }
    println!(
        "{name}: gatecard {:.2} s, peak {} MB; {} {:.2} s, peak {} MB; ratio {:.2} (min {:.2}, max {:.2}, {PAIRS} pairs)",
        left[PAIRS / 2],
        peaks.0,
        peer.program,
        right[PAIRS / 2],
        peaks.1,
        ratios[PAIRS / 2],
        ratios[0],
        ratios[PAIRS - 1]
    );
}

struct Tool {
    program: String,
    args: Vec<String>,
}

/// What one run took.
struct Ran {
    seconds: f64,
    /// Resident memory at its highest, in MB.
    peak: u64,
}

impl Tool {
    fn new(program: &str, args: &[&str]) -> Self {
        Self {
            program: program.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        }
    }

    fn once(&self, file: &Path) -> Result<Ran, String> {
        let ran = Command::new("/usr/bin/time")
            .args(["-q", "-f", "%e %M", &self.program])
            .args(&self.args)
            .arg(file)
            .stdout(Stdio::null())
            .output()
            .map_err(|error| format!("GNU time: {error}"))?;
        let told = String::from_utf8_lossy(&ran.stderr);
        if !ran.status.success() {
            let why = told.lines().find(|line| line.contains("rror"));
            return Err(format!("cannot: {}", why.unwrap_or("it failed").trim()));
        }
        let last = told.lines().last().unwrap_or_default();
        let (seconds, kilobytes) = last.split_once(' ').expect("two numbers of GNU time");
        let kilobytes: u64 = kilobytes.parse().expect("a number of kilobytes");
        Ok(Ran {
            seconds: seconds.parse().expect("a number of seconds"),
            peak: kilobytes * 1_024 / MB,
        })
    }
}

/// Numbers that are the same on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn text(&mut self, words: u64) -> String {
        const WORDS: [&str; 16] = [
            "refund",
            "order",
            "delivered",
            "the",
            "within",
            "30 days",
            "parcel",
            "of",
            "a",
            "colleague",
            "label",
            "account",
            "\"unopened\"",
            "naïve",
            "it\nsays",
            "payment",
        ];
        let pick = |draw: &mut Self| WORDS[usize::try_from(draw.below(16)).expect("below 16")];
        let words: Vec<&str> = (0..words).map(|_| pick(self)).collect();
        words.join(" ")
    }
}

/// Writes results of about so many bytes; the seed decides which cases fail.
fn write(folder: &Path, kind: &str, size: u64, seed: u64) -> PathBuf {
    let path = folder.join(format!("{seed}.{kind}"));
    let mut out = BufWriter::new(File::create(&path).expect("a file to write"));
    let mut draw = Draw(42);
    let mut fails = Draw(seed << 32 | 7);
    let json = kind == "json";
    if json {
        let prompt = json!({"raw": "Answer {{question}}", "label": "refund", "provider": "openai:chat:gpt-4o-mini"});
        write!(
            out,
            r#"{{"evalId":"e","results":{{"version":3,"timestamp":"2026-11-23T09:52:00.000Z","prompts":[{prompt}],"results":["#
        )
        .expect("room on the disk");
    }
    let (mut written, mut number) = (0, 0);
    while written < size {
        let row = row(number, &mut draw, fails.below(100) < 8).to_string();
        let between = match (json, number) {
            (_, 0) => "",
            (true, _) => ",",
            (false, _) => "\n",
        };
        write!(out, "{between}{row}").expect("room on the disk");
        written += row.len() as u64 + 1;
        number += 1;
    }
    if json {
        write!(
            out,
            r#"],"stats":{{"successes":0,"failures":0,"errors":0}}}},"config":{{"tags":{{}}}},"shareableUrl":null,"metadata":{{"promptfooVersion":"0.121.20","exportedAt":"2026-11-23T09:53:00.000Z"}}}}"#
        )
        .expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    path
}

fn row(number: u64, draw: &mut Draw, fails: bool) -> Value {
    let (question, documents, answer) = (draw.text(20), draw.text(400), draw.text(60));
    let vars = json!({"question": question, "documents": documents});
    let asserts = json!([
        {"type": "icontains", "value": "30 days"},
        {"type": "llm-rubric", "metric": "tone", "value": "is polite", "provider": "openai:gpt-4o"},
    ]);
    let pass = !fails;
    let score = draw.below(100);
    json!({
        "cost": 1.63e-05,
        "error": if pass { Value::Null } else { json!("Expected output to contain \"30 days\"") },
        "failureReason": u8::from(fails),
        "gradingResult": {
            "pass": pass, "score": score, "reason": "All assertions passed",
            "componentResults": [
                {"pass": pass, "score": u8::from(pass), "reason": "Assertion", "assertion": asserts[0]},
                {"pass": true, "score": score, "reason": draw.text(30), "assertion": asserts[1]},
            ],
        },
        "id": format!("27de6282-be3a-4511-b174-{number:012x}"),
        "latencyMs": 300 + draw.below(900),
        "namedScores": {"tone": score},
        "prompt": {"raw": format!("Answer {question}"), "label": "refund"},
        "promptIdx": 0,
        "provider": {"id": "openai:chat:gpt-4o-mini", "label": ""},
        "response": {"output": answer, "tokenUsage": {"total": 55, "prompt": 37, "completion": 18}, "cached": false},
        "score": score,
        "success": pass,
        "testCase": {"vars": vars, "assert": asserts, "options": {}, "metadata": {"id": format!("case-{number}")}},
        "testIdx": number,
        "vars": vars,
    })
}
