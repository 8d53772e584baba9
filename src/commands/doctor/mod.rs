//! `gatecard doctor`: what is missing in this set-up, and how far its verdict can be trusted.
//! Changes nothing, here or on GitHub.

mod ledger;
mod setup;
pub(crate) mod tier;
mod trust;

use std::process::{Command, Stdio};

use super::{Context, policy_path};
use crate::approval::observed::Team;
use crate::cli::DoctorArgs;
use crate::environment::{Environment, Token};
use crate::error::Error;
use crate::git::Repo;
use crate::github::probe::{Granted, Permission};
use crate::github::session::{Phase, Session};
use crate::github::{GithubError, Patience, RepoName, observe};
use crate::policy::Policy;
use crate::policy::sources::Origin;
use crate::rules::Rules;
use crate::untrusted::log_line;

/// What was found about one thing that gatecard needs.
struct Finding {
    what: &'static str,
    state: State,
    words: String,
    /// What else is to be said of it; where it is missing, lines of a workflow that help.
    lines: String,
}

/// Whether it is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Missing,
    Unclear,
}

impl Finding {
    fn there(what: &'static str, words: impl Into<String>) -> Self {
        Self::new(what, State::There, words)
    }

    fn missing(what: &'static str, words: impl Into<String>, fix: &str) -> Self {
        Self::new(what, State::Missing, words).with(fix)
    }

    fn unclear(what: &'static str, words: impl Into<String>) -> Self {
        Self::new(what, State::Unclear, words)
    }

    fn new(what: &'static str, state: State, words: impl Into<String>) -> Self {
        Self {
            what,
            state,
            words: words.into(),
            lines: String::new(),
        }
    }

    fn with(self, lines: &str) -> Self {
        let lines = lines.to_owned();
        Self { lines, ..self }
    }

    fn is_there(&self) -> bool {
        self.state == State::There
    }

    fn text(&self) -> String {
        let word = match self.state {
            State::There => "ok",
            State::Missing => "missing",
            State::Unclear => "cannot tell",
        };
        let mut text = format!("{word:<12} {:<14} {}\n", self.what, log_line(&self.words));
        for line in self.lines.lines() {
            text.push_str(&format!("    {}\n", log_line(line)));
        }
        text
    }
}

/// Runs the command.
pub(super) fn run(args: &DoctorArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let named = args.policy.as_deref().map(policy_path).transpose()?;
    let repo = Repo::open(&args.repo);
    let mut findings = match &repo {
        Ok(repo) => vec![
            Finding::there("repository", repo.folder().display().to_string()),
            history(repo),
        ],
        Err(error) => vec![Finding::missing("repository", error.to_string(), "")],
    };
    let mut set_up = None;
    let mut kept = None;
    let rules = repo.map_err(Error::from).and_then(|repo| {
        let commit = repo.resolve(&args.revision)?;
        set_up = setup::gates(&repo, &commit).ok();
        let rules = Rules::find(&repo, &commit, &commit, named.as_ref())?;
        kept = ledger::kept(&repo, &rules.policy);
        Ok(rules)
    });
    findings.push(match &rules {
        Ok(rules) => Finding::there("policy", rules.path.to_string()),
        Err(error) => Finding::missing("policy", error.to_string(), ""),
    });
    findings.push(program());
    findings.extend(kept);
    findings.extend(set_up.map(|gates| trust::set_up(&gates)));
    findings.extend(github(context.environment, rules.as_ref().ok()));
    let mut text: String = findings.iter().map(Finding::text).collect();
    text.push_str(&format!("\n{}\n", closing(&findings)));
    context.print(&text)?;
    rules?;
    Ok(u8::from(!findings.iter().all(Finding::is_there)))
}

/// What all of it comes to.
fn closing(findings: &[Finding]) -> String {
    let count = |state| findings.iter().filter(|each| each.state == state).count();
    let missing = match count(State::Missing) {
        1 => String::from("1 thing is missing"),
        several => format!("{several} things are missing"),
    };
    let unclear = count(State::Unclear);
    match findings.iter().all(Finding::is_there) {
        true => String::from("all there"),
        false if unclear == 0 => missing,
        false => format!("{missing}, {unclear} cannot be told"),
    }
}

fn history(repo: &Repo) -> Finding {
    let words = if repo.is_shallow() {
        "shallow: `fetch-depth: 0` only for versions that traces name by label or older digest"
    } else {
        "complete"
    };
    Finding::there("history", words)
}

/// Whether the `git` program can be started: what a clone lacks is fetched with it.
fn program() -> Finding {
    let mut command = Command::new("git");
    let output = command.arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Finding::there("git", String::from_utf8_lossy(&output.stdout).trim())
        }
        Ok(output) => Finding::missing("git", format!("`git` ended with {}", output.status), ""),
        Err(error) => Finding::missing("git", format!("cannot start `git`: {error}"), ""),
    }
}

/// What the token may do of what a check needs. The verdict is looked for even where the
/// policy cannot be read: its error is a verdict, too.
fn github(environment: &Environment, rules: Option<&Rules>) -> Vec<Finding> {
    let Some(token) = &environment.token else {
        let fix = "env:\n  GITHUB_TOKEN: ${{ github.token }}";
        let words = "neither GATECARD_TOKEN nor GITHUB_TOKEN is set";
        let unknown = rules.and_then(|rules| ledger::unprotected(&rules.policy));
        let mut findings = vec![Finding::missing("token", words, fix)];
        findings.extend(unknown);
        return findings;
    };
    let unclear = |words: &str| {
        let token = Finding::there("token", kind(token));
        vec![token, Finding::unclear("permissions", words)]
    };
    let repo = environment.repository.as_deref();
    let Some(repo) = repo.and_then(RepoName::parse) else {
        return unclear("GITHUB_REPOSITORY does not name a repository as `owner/name`");
    };
    let session = match Session::open(environment, token, &Patience::default()) {
        Ok(session) => session,
        Err(error) => return unclear(&plain(&error)),
    };
    // Whoever does not know the token, or does not answer, tells nothing about the others.
    let contents = granted(&session, &repo, Permission::Contents);
    match &contents {
        Granted::Unknown(GithubError::Refused { status: 401, .. }) => {
            let words = "GitHub does not know it: it is wrong, expired or of another server";
            return vec![Finding::missing("token", words, "")];
        }
        Granted::Unknown(error @ GithubError::Network { .. }) => return unclear(&plain(error)),
        Granted::Unknown(_) | Granted::Yes | Granted::No => {}
    }
    let mut findings = vec![
        Finding::there("token", kind(token)),
        permission(Permission::Contents, contents),
    ];
    let policy = rules.map(|rules| &rules.policy);
    let mut needed = vec![Permission::PullRequests, Permission::Statuses];
    if policy.is_some_and(|policy| policy.check_run) {
        needed.push(Permission::Checks);
    }
    let artifacts = |policy: &Policy| {
        let mut sources = policy.evidence.sources.iter();
        sources.any(|source| matches!(source.origin, Origin::Artifact { .. }))
    };
    if policy.is_some_and(artifacts) {
        needed.push(Permission::Actions);
    }
    if let Some(policy) = policy.filter(|policy| ledger::wanted(policy)) {
        let granted = granted(&session, &repo, Permission::Ledger);
        findings.push(ledger::writable(granted, policy));
    }
    let asked = needed.into_iter();
    findings.extend(asked.map(|one| permission(one, granted(&session, &repo, one))));
    let teams = policy.map(|policy| policy.people.teams());
    let teams = teams.into_iter().flatten();
    findings.extend(teams.map(|name| team(&session, name)));
    let own = environment.actions;
    findings.extend(trust::findings(&session, &repo, policy, own));
    findings.extend(policy.and_then(|policy| ledger::protected(&session, &repo, policy)));
    findings
}

/// Whose token it is, as far as its prefix tells; of the token itself nothing is shown.
fn kind(token: &Token) -> &'static str {
    let text = token.expose();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    if starts(&["ghs_"]) {
        "set, of a workflow or an app"
    } else if starts(&["ghp_", "github_pat_", "gho_", "ghu_"]) {
        "set, of a person: it may do what that person may"
    } else {
        "set"
    }
}

fn granted(session: &Session, repo: &RepoName, permission: Permission) -> Granted {
    let asked = async { Ok(session.client().has(repo, permission).await) };
    session
        .run(Phase::Rest, "ask what the token may do", asked)
        .unwrap_or_else(Granted::Unknown)
}

fn permission(permission: Permission, granted: Granted) -> Finding {
    let what = permission.name();
    match granted {
        Granted::Yes => Finding::there(what, permission.line()),
        Granted::No => {
            let words = match permission {
                Permission::Contents | Permission::Actions => "the token may not do this",
                _ => "the token may not do this; a fork's token can only read",
            };
            let fix = format!("permissions:\n  {}", permission.line());
            Finding::missing(what, words, &fix)
        }
        Granted::Unknown(error) => Finding::unclear(what, plain(&error)),
    }
}

/// Why GitHub did not tell, in one sentence: what a library says of a connection is a chain of
/// causes, which helps nobody here.
fn plain(error: &GithubError) -> String {
    match error {
        GithubError::Network { host, .. } => format!("{host} does not answer; {}", error.hint()),
        GithubError::Client { url, .. } | GithubError::Certificates { url, .. } => {
            format!("cannot call {url}; {}", error.hint())
        }
        GithubError::Answer { .. } => format!("the answer cannot be read; {}", error.hint()),
        _ => error.to_string(),
    }
}

/// Whether the members of a team that decides can be read.
fn team(session: &Session, name: &str) -> Finding {
    let asked = async { Ok(observe::team(session.client(), name).await) };
    match session.run(Phase::Rest, "list the members of the team", asked) {
        Ok(Team::Members(members)) => {
            Finding::there("team", format!("{name}: {} members", members.len()))
        }
        Ok(Team::Unreadable(why)) => {
            let fix = "with:\n  token: # of an app with `members: read` in the organisation";
            Finding::missing("team", format!("{name}: {why}"), fix)
        }
        Err(error) => Finding::unclear("team", format!("{name}: {}", plain(&error))),
    }
}
