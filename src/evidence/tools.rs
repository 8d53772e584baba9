//! What people type to make eval results again, and to stamp them, by format.

/// What people type for one tool.
struct Tool {
    /// How the ids of its formats start.
    family: &'static str,
    /// The usual command that makes results.
    command: &'static str,
    /// How a run gets a stamp; `KEY` and `VALUE` stand for its two parts.
    stamp: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        family: "promptfoo",
        command: "npx promptfoo eval -o results.json",
        stamp: "promptfoo's `tags: {\"KEY\": \"VALUE\"}`",
    },
    Tool {
        family: "inspect",
        command: "inspect eval TASK --log-format json",
        stamp: "Inspect's `--metadata \"KEY=VALUE\"`",
    },
    Tool {
        family: "deepeval",
        command: "DEEPEVAL_RESULTS_FOLDER=results deepeval test run TESTS",
        stamp: "DeepEval's `hyperparameters={\"KEY\": \"VALUE\"}`",
    },
    Tool {
        family: "junit",
        command: "pytest --junitxml=results.xml",
        stamp: "the property `record_testsuite_property(\"KEY\", \"VALUE\")`",
    },
    Tool {
        family: "langsmith",
        command: "python EVALS.py",
        stamp: "LangSmith's `evaluate(..., metadata={\"KEY\": \"VALUE\"})`",
    },
    Tool {
        family: "langfuse",
        command: "python EVALS.py",
        stamp: "the key `\"metadata\": {\"KEY\": \"VALUE\"}` beside Langfuse's results",
    },
    Tool {
        family: "braintrust",
        command: "braintrust eval EVALS",
        stamp: "Braintrust's `EvalCase(..., metadata={\"KEY\": \"VALUE\"})`",
    },
    Tool {
        family: "mlflow",
        command: "python EVALS.py",
        stamp: "MLflow's `update_current_trace(tags={\"KEY\": \"VALUE\"})`",
    },
    Tool {
        family: "openai",
        command: "oaieval MODEL EVAL --record_path results.jsonl",
        stamp: "`oaieval --user \"KEY=VALUE\"`",
    },
    Tool {
        family: "gh",
        command: "gh models eval PROMPT --json > results.json",
        stamp: "",
    },
];

fn of(format: &str) -> Option<&'static Tool> {
    let family = family(format);
    TOOLS.iter().find(|tool| tool.family == family)
}

/// The tool that writes a format: the formats of one tool start with its name.
pub(crate) fn family(format: &str) -> &str {
    format.split('_').next().unwrap_or(format)
}

/// The usual command that makes results of a format.
pub(crate) fn command(format: &str) -> Option<&'static str> {
    of(format).map(|tool| tool.command)
}

/// How a run whose results have a format gets a stamp.
pub(crate) fn stamp(format: Option<&str>, key: &str, value: &str) -> String {
    let tool = format.and_then(of).filter(|tool| !tool.stamp.is_empty());
    let form = tool.or_else(|| TOOLS.first()).map_or("", |tool| tool.stamp);
    form.replace("KEY", key).replace("VALUE", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_one_tool_share_its_command_and_stamp() {
        for (format, command_of, stamp_of) in [
            ("promptfoo", Some("npx promptfoo"), "promptfoo's `tags"),
            (
                "promptfoo_jsonl",
                Some("npx promptfoo"),
                "promptfoo's `tags",
            ),
            ("deepeval", Some("DEEPEVAL"), "DeepEval's"),
            ("junit", Some("pytest"), "the property"),
            ("unheard_of", None, "promptfoo's `tags"),
        ] {
            let found = command(format);
            assert_eq!(found.is_some(), command_of.is_some(), "{format}");
            let starts = found.zip(command_of);
            assert!(starts.is_none_or(|(found, start)| found.starts_with(start)));
            let found = stamp(Some(format), "gatecard:a", "sha256:b");
            assert!(found.starts_with(stamp_of), "{format}: {found}");
            assert!(found.contains("gatecard:a"), "{format}: {found}");
        }
    }
}
