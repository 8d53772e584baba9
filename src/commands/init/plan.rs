//! What is to be written: the answers, checked, with defaults where there is none.

use super::look::Seen;
use crate::cli::InitArgs;
use crate::error::Error;
use crate::git::RepoPath;
use crate::github::RepoName;
use crate::glob;
use crate::untrusted::log_line;

/// The command of the first lines of the docs, where the repository names no config.
const CONFIG: &str = "evals/promptfooconfig.yaml";
/// The line to complete: no account can have this name, and no commit this id.
pub(super) const PLACEHOLDER: &str = "OWNER/gatecard@0000000000000000000000000000000000000000";

/// What was asked for, where it was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Whether the gate must work for pull requests from forks.
    pub(super) two_stage: Option<bool>,
    /// Patterns of prompt files.
    pub(super) prompts: Vec<String>,
    /// The command that runs the evals.
    pub(super) evals: Option<String>,
    /// gatecard's own action.
    pub(super) action: Option<String>,
}

impl Answers {
    /// Takes the flags.
    pub(super) fn of(args: &InitArgs) -> Self {
        Self {
            two_stage: args.workflow.as_deref().map(|word| word == "two-stage"),
            prompts: args.prompts.clone(),
            evals: args.evals.clone(),
            action: args.action.clone(),
        }
    }
}

/// A whole set-up, safe to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether the gate runs apart from the evals, from the default branch.
    pub(super) two_stage: bool,
    /// Patterns of prompt files.
    pub(super) prompts: Vec<String>,
    /// The command that runs the evals.
    pub(super) evals: String,
    /// Whether that command's config is not there yet.
    pub(super) config_lacks: bool,
    /// The branch that pull requests go into.
    pub(super) branch: String,
    /// gatecard's own action; none where somebody must still name it.
    pub(super) action: Option<String>,
}

impl Plan {
    /// Checks the answers and fills in what was not answered.
    pub(super) fn of(answers: Answers, seen: &Seen) -> Result<Self, Error> {
        let mut prompts = answers.prompts;
        for pattern in &prompts {
            check_pattern(pattern)?;
        }
        if prompts.is_empty() {
            prompts.clone_from(&seen.prompts);
        }
        if prompts.is_empty() {
            prompts.push(String::from("prompts/**"));
        }
        if let Some(command) = &answers.evals {
            check_command(command)?;
        }
        let config_lacks = answers.evals.is_none() && seen.config.is_none();
        if let Some(action) = &answers.action {
            check_action(action)?;
        }
        Ok(Self {
            two_stage: answers.two_stage.unwrap_or(false),
            prompts,
            evals: answers.evals.unwrap_or_else(|| default_evals(seen)),
            config_lacks,
            branch: seen.branch.clone().unwrap_or_else(|| String::from("main")),
            action: answers.action,
        })
    }
}

/// The command that runs promptfoo on the repository's config.
pub(super) fn default_evals(seen: &Seen) -> String {
    let config = seen.config.as_deref().unwrap_or(CONFIG);
    format!("npx --yes promptfoo@0.121.20 eval -c {config} -o \"${{OUT}}\"")
}

fn refuse(what: &'static str, found: &str, expected: &str) -> Error {
    Error::Usage {
        what,
        found: log_line(found),
        expected: expected.to_owned(),
    }
}

/// A pattern must mean the same to gatecard and to Git, and nothing to a workflow.
fn check_pattern(pattern: &str) -> Result<(), Error> {
    let inside = RepoPath::parse(pattern).is_some_and(|path| path.as_str() == pattern);
    let plain = log_line(pattern) == pattern && !pattern.contains(['{', '}', '\\', ' ']);
    if inside && plain && !pattern.is_empty() && glob::compile(pattern).is_ok() {
        return Ok(());
    }
    Err(refuse(
        "--prompts",
        pattern,
        "a pattern such as `prompts/**` inside the repository, without `{`, `\\` and spaces",
    ))
}

/// A command is one line, and holds nothing that a workflow would fill in: that happens before
/// a shell sees it.
fn check_command(command: &str) -> Result<(), Error> {
    let plain = log_line(command) == command && !command.contains("${{");
    if plain && !command.trim().is_empty() {
        return Ok(());
    }
    Err(refuse(
        "--evals",
        command,
        "one line of shell that writes its results to \"${OUT}\", without `${{` (pass values as environment variables)",
    ))
}

/// The action of a release, pinned to a commit.
fn check_action(action: &str) -> Result<(), Error> {
    let pinned = action.split_once('@').is_some_and(|(repo, commit)| {
        let full = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        RepoName::parse(repo).is_some() && full && action != PLACEHOLDER
    });
    if pinned {
        return Ok(());
    }
    Err(refuse(
        "--action",
        action,
        "OWNER/gatecard@ and the 40 characters of a release's commit",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_answered_is_taken_from_the_repository() {
        let seen = Seen {
            prompts: vec![String::from("app/prompts/**")],
            config: Some(String::from("qa/promptfooconfig.yaml")),
            ..Seen::default()
        };
        let plan = Plan::of(Answers::default(), &seen).unwrap();
        assert_eq!(plan.prompts, ["app/prompts/**"]);
        assert!(
            plan.evals.contains(" -c qa/promptfooconfig.yaml "),
            "{}",
            plan.evals
        );
        assert!(!plan.two_stage && !plan.config_lacks && plan.action.is_none());
        let plan = Plan::of(Answers::default(), &Seen::default()).unwrap();
        assert_eq!(plan.prompts, ["prompts/**"]);
        assert!(plan.config_lacks);
    }

    #[test]
    fn what_could_mean_more_than_it_says_is_refused() {
        let of = |change: &dyn Fn(&mut Answers)| {
            let mut answers = Answers::default();
            change(&mut answers);
            Plan::of(answers, &Seen::default())
        };
        for pattern in [
            "",
            "/etc/**",
            "../x",
            "a/{b,c}",
            "${{ github.token }}",
            "a\nb",
            "a[",
            "a b",
            "./a",
            "\u{202e}a",
        ] {
            let plan = of(&|answers| answers.prompts = vec![pattern.to_owned()]);
            let error = plan.unwrap_err().to_string();
            assert!(error.starts_with("--prompts: found"), "{pattern}: {error}");
        }
        for command in ["", " ", "a\nb", "echo ${{ secrets.X }}", "a\u{200b}b"] {
            let plan = of(&|answers| answers.evals = Some(command.to_owned()));
            assert!(plan.is_err(), "{command}");
        }
        let sha = "a".repeat(40);
        for action in [
            "gatecard",
            "acme/gatecard",
            "acme/gatecard@v1",
            "a/b/c@x",
            PLACEHOLDER,
            &format!("acme/x y@{sha}"),
            &format!("acme/gatecard@{sha} # x"),
        ] {
            let plan = of(&|answers| answers.action = Some(action.to_owned()));
            assert!(plan.is_err(), "{action}");
        }
        let (command, action) = (
            "make evals > \"${OUT}\" # 'all'",
            format!("acme/gatecard@{sha}"),
        );
        let plan = of(&|answers| {
            answers.prompts = vec![String::from("prompts/**")];
            answers.evals = Some(command.to_owned());
            answers.action = Some(action.clone());
        });
        let plan = plan.unwrap();
        assert_eq!(plan.prompts, ["prompts/**"]);
        assert_eq!((plan.evals.as_str(), plan.action), (command, Some(action)));
    }
}
