//! The only reader of environment variables: read once at the start, then handed down.
//!
//! On a laptop almost everything is absent; in GitHub Actions the runner and the action set it.

use std::fmt;
use std::path::PathBuf;

/// Where the API is when nothing says otherwise.
const API_URL: &str = "https://api.github.com";
/// Where the pages are when nothing says otherwise.
const SERVER_URL: &str = "https://github.com";

/// No variable that is recorded is longer than this: a path and a reference with their limits.
const LONGEST: usize = 8 << 10;

/// A secret. Nothing prints it: it has no `Display`, and its `Debug` is three stars.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    /// Reads a token; one that cannot be sent in a header is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret of several lines, such as a private key. Nothing prints it either.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that reads it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A run of a workflow; later runs are larger. `0.0` outside GitHub Actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Run {
    /// The run's id: it grows over all workflows of a server.
    pub(crate) id: u64,
    /// Which attempt of that run, counted from 1.
    pub(crate) attempt: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.attempt)
    }
}

/// What the environment says. An empty variable counts as absent: Actions passes an input
/// that was not given as an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment {
    /// `GATECARD_TOKEN`, else `GITHUB_TOKEN`.
    pub(crate) token: Option<Token>,
    /// `GATECARD_SIGNING_KEY`: the private key that signs entries of the ledger.
    pub(crate) signing_key: Option<Secret>,
    /// The REST API, without a trailing `/`; on GitHub Enterprise it ends in `/api/v3`.
    pub(crate) api_url: String,
    /// The GraphQL API.
    pub(crate) graphql_url: String,
    /// The server's pages.
    pub(crate) server_url: String,
    /// `owner/name` of the repository that the workflow belongs to.
    pub(crate) repository: Option<String>,
    /// The event that started the workflow: `pull_request`, ...
    pub(crate) event_name: Option<String>,
    /// The file with the event's payload.
    pub(crate) event_path: Option<PathBuf>,
    /// The workflow run.
    pub(crate) run: Run,
    /// The login of whoever started it.
    pub(crate) actor: Option<String>,
    /// The id of that account.
    pub(crate) actor_id: Option<u64>,
    /// `owner/name/.github/workflows/file.yml@ref` of the workflow.
    pub(crate) workflow_ref: Option<String>,
    /// The full id of the commit that the workflow file is of.
    pub(crate) workflow_sha: Option<String>,
    /// Where step outputs go.
    pub(crate) output_file: Option<PathBuf>,
    /// Where the step summary goes.
    pub(crate) summary_file: Option<PathBuf>,
    /// Whether this is GitHub Actions.
    pub(crate) actions: bool,
    /// Whether output must be plain.
    pub(crate) no_color: bool,
    /// Where CA certificates are instead of in the system's store: `SSL_CERT_FILE=...`. Set
    /// but empty is something else than not set.
    pub(crate) certificates: Vec<String>,
    /// `GATECARD_EVIDENCE`: the action's input, one path or glob a line.
    pub(crate) evidence: Vec<String>,
    /// `GATECARD_POLICY`: the action's input.
    pub(crate) policy: Option<String>,
    /// `GATECARD_MODE`: the action's input.
    pub(crate) mode: Option<String>,
    /// `GATECARD_JOB_RESULT`: the action's input.
    pub(crate) job_result: Option<String>,
}

/// A variable that says something else than it can mean.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: found `{found}`, expected {expected}")]
pub(crate) struct EnvironmentError {
    /// Which variable.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) found: String,
    /// What it should hold.
    pub(crate) expected: &'static str,
}

impl EnvironmentError {
    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> String {
        format!("correct or unset {}", self.name)
    }
}

impl Environment {
    /// Reads the environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn of_process() -> Result<Self, EnvironmentError> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads the environment through `lookup`.
    pub(crate) fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let text = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        let path = |name: &str| text(name).map(PathBuf::from);
        let api_url = url("GITHUB_API_URL", text("GITHUB_API_URL"), API_URL)?;
        let graphql = graphql_url(&api_url);
        Ok(Self {
            token: token("GATECARD_TOKEN", text("GATECARD_TOKEN"))?
                .or(token("GITHUB_TOKEN", text("GITHUB_TOKEN"))?),
            signing_key: text("GATECARD_SIGNING_KEY").map(Secret::from),
            graphql_url: url("GITHUB_GRAPHQL_URL", text("GITHUB_GRAPHQL_URL"), &graphql)?,
            api_url,
            server_url: url("GITHUB_SERVER_URL", text("GITHUB_SERVER_URL"), SERVER_URL)?,
            repository: text("GITHUB_REPOSITORY"),
            event_name: text("GITHUB_EVENT_NAME"),
            event_path: path("GITHUB_EVENT_PATH"),
            run: Run {
                id: number("GITHUB_RUN_ID", text("GITHUB_RUN_ID"))?,
                attempt: number("GITHUB_RUN_ATTEMPT", text("GITHUB_RUN_ATTEMPT"))?,
            },
            // Beside a verdict, not part of it: what makes no sense there is not recorded.
            actor: text("GITHUB_ACTOR").filter(|text| is_login(text)),
            actor_id: text("GITHUB_ACTOR_ID")
                .and_then(|text| text.parse().ok())
                .filter(|id| *id > 0),
            workflow_ref: text("GITHUB_WORKFLOW_REF").filter(|text| {
                text.len() <= LONGEST && text.contains('@') && !text.contains(char::is_control)
            }),
            workflow_sha: text("GITHUB_WORKFLOW_SHA").filter(|text| {
                text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            }),
            output_file: path("GITHUB_OUTPUT"),
            summary_file: path("GITHUB_STEP_SUMMARY"),
            actions: text("GITHUB_ACTIONS").as_deref() == Some("true"),
            no_color: text("NO_COLOR").is_some(),
            certificates: ["SSL_CERT_FILE", "SSL_CERT_DIR"]
                .iter()
                .filter_map(|name| Some(format!("{name}={}", lookup(name)?)))
                .collect(),
            evidence: lines(text("GATECARD_EVIDENCE")),
            policy: text("GATECARD_POLICY"),
            mode: text("GATECARD_MODE"),
            job_result: text("GATECARD_JOB_RESULT"),
        })
    }

    /// The page of this workflow run, for the status to link to.
    pub(crate) fn run_url(&self) -> Option<String> {
        let (server, Run { id, attempt }) = (&self.server_url, self.run);
        let repository = self.repository.as_ref()?;
        (id > 0 && attempt > 0)
            .then(|| format!("{server}/{repository}/actions/runs/{id}/attempts/{attempt}"))
    }
}

/// Whether this is a step of a workflow, known before anything else is read.
#[expect(
    clippy::disallowed_methods,
    reason = "errors of the environment are printed in a workflow as well"
)]
pub(crate) fn in_workflow() -> bool {
    std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true")
}

fn token(name: &'static str, value: Option<String>) -> Result<Option<Token>, EnvironmentError> {
    let Some(value) = value else { return Ok(None) };
    // What was found is a secret, even where it is none that GitHub would take.
    let wrong = || EnvironmentError {
        name,
        found: String::from("***"),
        expected: "one line of printable ASCII without spaces",
    };
    Token::parse(&value).map(Some).ok_or_else(wrong)
}

fn url(name: &'static str, value: Option<String>, or: &str) -> Result<String, EnvironmentError> {
    let value = value.unwrap_or_else(|| or.to_owned());
    let wrong = || EnvironmentError {
        name,
        found: crate::untrusted::log_line(&value),
        expected: "an address like https://github.example.com/api/v3",
    };
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"))
        .ok_or_else(wrong)?;
    let plain = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&byte));
    if host.is_empty() || host.starts_with('/') || !plain {
        return Err(wrong());
    }
    Ok(value.trim_end_matches('/').to_owned())
}

/// GitHub Enterprise keeps REST under `/api/v3` and GraphQL under `/api/graphql`.
fn graphql_url(api_url: &str) -> String {
    match api_url.strip_suffix("/v3") {
        Some(api) => format!("{api}/graphql"),
        None => format!("{api_url}/graphql"),
    }
}

fn number(name: &'static str, value: Option<String>) -> Result<u64, EnvironmentError> {
    let Some(value) = value else { return Ok(0) };
    value.trim().parse().map_err(|_| EnvironmentError {
        name,
        found: crate::untrusted::log_line(&value),
        expected: "a whole number",
    })
}

/// Tells whether GitHub may have given this login: `octocat`, `ann_acme`, `dependabot[bot]`.
fn is_login(text: &str) -> bool {
    let name = text.strip_suffix("[bot]").unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !name.is_empty() && text.len() <= 100 && name.bytes().all(plain)
}

fn lines(value: Option<String>) -> Vec<String> {
    value
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        Environment::read(&|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_is_a_laptop() {
        let laptop = read(&[]).unwrap();
        assert_eq!(laptop.api_url, "https://api.github.com");
        assert_eq!(laptop.graphql_url, "https://api.github.com/graphql");
        assert_eq!(laptop.server_url, "https://github.com");
        assert_eq!(laptop.run.to_string(), "0.0");
        assert_eq!((laptop.token, laptop.actions), (None, false));
        assert_eq!(read(&[]).unwrap().run_url(), None);
    }

    #[test]
    fn empty_variables_count_as_absent() {
        let names = [
            "GITHUB_TOKEN",
            "GITHUB_API_URL",
            "GITHUB_RUN_ID",
            "GITHUB_OUTPUT",
            "GITHUB_ACTIONS",
            "GATECARD_EVIDENCE",
            "GATECARD_POLICY",
            "GATECARD_MODE",
            "NO_COLOR",
        ];
        let empty: Vec<_> = names.iter().map(|name| (*name, "")).collect();
        assert_eq!(read(&empty), read(&[]));
        assert_eq!(read(&[("GATECARD_EVIDENCE", " \n")]), read(&[]));
    }

    #[test]
    fn the_runner_is_read() {
        let runner = read(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_TOKEN", "ghs_one"),
            ("GATECARD_TOKEN", "ghs_two"),
            ("GITHUB_API_URL", "https://git.example.com/api/v3/"),
            ("GITHUB_SERVER_URL", "https://git.example.com"),
            ("GITHUB_REPOSITORY", "acme/prompts"),
            ("GITHUB_RUN_ID", "12345678901"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_ACTOR", "dependabot[bot]"),
            ("GITHUB_ACTOR_ID", "49699333"),
            ("GATECARD_EVIDENCE", "out/*.json\n\n  traces.jsonl \n"),
        ])
        .unwrap();
        assert!(runner.actions);
        assert_eq!(runner.actor.as_deref(), Some("dependabot[bot]"));
        assert_eq!(runner.actor_id, Some(49_699_333));
        assert_eq!(runner.token.as_ref().map(Token::expose), Some("ghs_two"));
        assert_eq!(runner.api_url, "https://git.example.com/api/v3");
        assert_eq!(runner.graphql_url, "https://git.example.com/api/graphql");
        assert_eq!(runner.evidence, ["out/*.json", "traces.jsonl"]);
        assert_eq!(
            runner.run_url().as_deref(),
            Some("https://git.example.com/acme/prompts/actions/runs/12345678901/attempts/2")
        );
    }

    #[test]
    fn a_token_is_never_printed() {
        let runner = read(&[("GITHUB_TOKEN", "ghs_secret")]).unwrap();
        let shown = format!("{runner:?}");
        assert!(
            shown.contains("***") && !shown.contains("secret"),
            "{shown}"
        );
        let runner = read(&[("GATECARD_SIGNING_KEY", "-----BEGIN secret\nkey")]).unwrap();
        let shown = format!("{runner:?}");
        assert!(
            shown.contains("***") && !shown.contains("secret"),
            "{shown}"
        );
        let error = read(&[("GITHUB_TOKEN", "ghs_sec\nret")]).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("GITHUB_TOKEN") && !shown.contains("sec\nret"));
    }

    #[test]
    fn variables_that_make_no_sense_are_named() {
        for (name, value) in [
            ("GITHUB_RUN_ID", "abc"),
            ("GITHUB_API_URL", "git.example.com"),
            ("GITHUB_API_URL", "https://"),
            ("GITHUB_API_URL", "https://user@git.example.com"),
            ("GITHUB_SERVER_URL", "ftp://git.example.com"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.to_string().contains(value), "{error}");
        }
    }

    #[test]
    fn what_is_only_recorded_stops_no_check() {
        let odd = read(&[
            ("GITHUB_ACTOR", "nektos/act"),
            ("GITHUB_ACTOR_ID", "one"),
            ("GITHUB_WORKFLOW_REF", "acme/prompts"),
            ("GITHUB_WORKFLOW_SHA", "main"),
        ])
        .unwrap();
        assert_eq!((odd.actor, odd.actor_id), (None, None));
        assert_eq!((odd.workflow_ref, odd.workflow_sha), (None, None));
    }
}
