//! A plan as files, from the templates in `templates/init/`. Their marks are `<%` and `<<`, since
//! workflows have `{{` of their own.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value as Json, json};

use super::Written;
use super::plan::{PLACEHOLDER, Plan};
use crate::output::RenderError;

const POLICY: &str = include_str!("../../../templates/init/policy.yml.j2");
const SIMPLE: &str = include_str!("../../../templates/init/simple.yml.j2");
const PROMPT_EVALS: &str = include_str!("../../../templates/init/prompt-evals.yml.j2");
const GATE: &str = include_str!("../../../templates/init/gate.yml.j2");
const PING: &str = include_str!("../../../templates/init/ping.yml.j2");
const RECORD: &str = include_str!("../../../templates/init/record.yml.j2");
const EVALS_STEPS: &str = include_str!("../../../templates/init/evals-steps.yml.j2");
const GATE_STEPS: &str = include_str!("../../../templates/init/gate-steps.yml.j2");

/// The workflows of the first set-up.
const SIMPLE_FILES: &[(&str, &str)] = &[
    (".github/workflows/gatecard.yml", SIMPLE),
    (".github/workflows/gatecard-record.yml", RECORD),
];
/// The workflows of the second.
const TWO_STAGE_FILES: &[(&str, &str)] = &[
    (".github/workflows/prompt-evals.yml", PROMPT_EVALS),
    (".github/workflows/gatecard.yml", GATE),
    (".github/workflows/gatecard-ping.yml", PING),
    (".github/workflows/gatecard-record.yml", RECORD),
];

/// Writes the files of a plan.
pub(super) fn files(plan: &Plan) -> Result<Vec<Written>, RenderError> {
    let mut values = values(plan);
    for (name, template) in [("evals_steps", EVALS_STEPS), ("gate_steps", GATE_STEPS)] {
        let steps = render(template, &values)?;
        if let Some(values) = values.as_object_mut() {
            values.insert(name.to_owned(), json!(steps.trim_end()));
        }
    }
    let mut written = vec![(".github/gatecard.yml", render(POLICY, &values)?)];
    let workflows = if plan.two_stage {
        TWO_STAGE_FILES
    } else {
        SIMPLE_FILES
    };
    for (path, template) in workflows {
        written.push((path, render(template, &values)?));
    }
    Ok(written)
}

/// What the templates show. Everything from outside is a quoted YAML string; the action was
/// checked to be a name and a commit.
fn values(plan: &Plan) -> Json {
    let paths: Vec<String> = plan
        .prompts
        .iter()
        .map(|pattern| format!(":(glob){pattern}"))
        .collect();
    json!({
        "two_stage": plan.two_stage,
        "branch": quoted(&plan.branch),
        "cached": !plan.two_stage,
        "prompts": plan.prompts.iter().map(|pattern| quoted(pattern)).collect::<Vec<_>>(),
        "paths": quoted(&paths.join("\n")),
        "evals": quoted(&plan.evals),
        "promptfoo": plan.evals.contains("promptfoo"),
        "action": plan.action.as_deref().unwrap_or(PLACEHOLDER),
        "complete": plan.action.is_some(),
        "checkout": "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0",
        "cache": "actions/cache@0400d5f644dc74513175e3cd8d07132dd4860809 # v4.2.4",
        "upload": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
    })
}

/// A YAML string in double quotes, which a JSON string is.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

fn render(template: &str, values: &Json) -> Result<String, RenderError> {
    let failed = |error: minijinja::Error| RenderError {
        output: "init",
        reason: format!("{error:#}"),
    };
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<<", ">>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(failed)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment
        .render_str(template, Serde(values))
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::init::look::Seen;
    use crate::commands::init::plan::Answers;
    use crate::yaml;

    const HOSTILE: &str = r#"echo "a: b" 'c' # d | e > "${OUT}"; - {x}"#;

    fn all() -> Vec<Written> {
        let of = |two_stage, evals: Option<&str>| {
            let answers = Answers {
                two_stage: Some(two_stage),
                evals: evals.map(str::to_owned),
                ..Answers::default()
            };
            files(&Plan::of(answers, &Seen::default()).unwrap()).unwrap()
        };
        let set_ups = [false, true].into_iter();
        set_ups
            .flat_map(|two_stage| [of(two_stage, None), of(two_stage, Some(HOSTILE))].concat())
            .collect()
    }

    /// Every value of a key, wherever it stands.
    fn find<'v>(value: &'v Json, key: &str) -> Vec<&'v Json> {
        match value {
            Json::Object(map) => map
                .iter()
                .flat_map(|(name, value)| {
                    let here = (name == key).then_some(value);
                    here.into_iter().chain(find(value, key))
                })
                .collect(),
            Json::Array(items) => items.iter().flat_map(|item| find(item, key)).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_command_reaches_the_shell_as_it_was_given_and_only_where_nothing_can_be_written() {
        let mut seen = 0;
        for (path, text) in all() {
            let file = yaml::to_json(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            for run in find(&file, "run") {
                assert!(!run.as_str().unwrap().contains("${{"), "{path}: {run}");
            }
            for command in find(&file, "EVALS") {
                seen += usize::from(command == HOSTILE);
            }
            let jobs = file["jobs"].as_object().into_iter().flatten();
            for (name, job) in jobs.filter(|(_, job)| !find(job, "EVALS").is_empty()) {
                assert_eq!(
                    job["permissions"],
                    json!({ "contents": "read" }),
                    "{path}: {name}"
                );
            }
        }
        assert_eq!(seen, 2);
    }

    #[test]
    fn workflows_start_without_permissions_and_pin_every_action() {
        for (path, text) in all().iter().filter(|(path, _)| path.contains("workflows")) {
            let file = yaml::to_json(text).unwrap();
            assert_eq!(file["permissions"], json!({}), "{path}");
            for job in file["jobs"].as_object().unwrap().values() {
                assert!(job["permissions"].is_object() && job["timeout-minutes"].is_u64());
            }
            for uses in find(&file, "uses") {
                let (_, commit) = uses.as_str().unwrap().split_once('@').unwrap();
                assert_eq!(commit.len(), 40, "{path}: {uses}");
            }
            let gate = text.contains("OWNER/gatecard@0");
            assert_eq!(gate, text.contains(": write"), "{path}");
        }
    }

    #[test]
    fn the_stage_that_may_write_takes_no_file_of_the_pull_request() {
        for (path, text) in all() {
            let file = yaml::to_json(&text).unwrap();
            let jobs = &file["jobs"];
            let Some(job) = jobs.get("gate").or_else(|| jobs.get("record")) else {
                continue;
            };
            let shown = job.to_string();
            assert!(
                !shown.contains("checkout@") && !shown.contains("secrets."),
                "{path}"
            );
            let own = [json!("git init --quiet")];
            assert!(find(job, "run").into_iter().eq(&own), "{path}");
        }
    }

    #[test]
    fn one_line_alone_is_kept_from_the_linter_and_says_why() {
        let lines: Vec<String> = all()
            .iter()
            .flat_map(|(path, text)| {
                let lines = text.lines().filter(|line| line.contains("zizmor:"));
                lines
                    .map(|line| format!("{path}: {line}"))
                    .collect::<Vec<_>>()
            })
            .collect();
        let expected = ".github/workflows/gatecard.yml: on: # zizmor: ignore[dangerous-triggers] \
                        nothing of the pull request is checked out, run or put into a script";
        assert_eq!(lines, [expected, expected]);
    }

    #[test]
    fn the_shipped_examples_are_what_init_writes() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workflows");
        for (folder, two_stage) in [("simple", false), ("two-stage", true)] {
            let answers = Answers {
                two_stage: Some(two_stage),
                ..Answers::default()
            };
            let plan = Plan::of(answers, &Seen::default()).unwrap();
            for (path, text) in files(&plan).unwrap() {
                let path = root.join(folder).join(path);
                if option_env!("UPDATE_DOCS").is_some() {
                    crate::files::write_atomic(&path, text.as_bytes()).unwrap();
                }
                let found = crate::files::read_bounded(&path, 1 << 20).unwrap();
                let found = String::from_utf8(found).unwrap();
                assert_eq!(
                    found,
                    text,
                    "{}: run UPDATE_DOCS=1 cargo test docs",
                    path.display()
                );
            }
        }
    }
}
