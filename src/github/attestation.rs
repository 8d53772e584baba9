//! Whether a workflow of the base branch attests a file. The signatures are checked by GitHub's
//! own program, `gh`, which runners have.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::RepoName;
use crate::environment::{Environment, Token};
use crate::limits::ATTESTATION;
use crate::policy::sources::Workflow;
use crate::process::{self, Failure};
use crate::untrusted::{log_line, shorten};

/// Who is asked, and for what.
pub(crate) struct Verifier {
    program: &'static str,
    server_url: String,
    token: Option<Token>,
}

impl Verifier {
    /// That of this environment.
    pub(crate) fn new(environment: &Environment) -> Self {
        Self {
            program: "gh",
            server_url: environment.server_url.clone(),
            token: environment.token.clone(),
        }
    }

    /// Checks that a workflow of a repository has signed for a file, as it is on a branch. Says
    /// why not otherwise.
    pub(crate) fn verify(
        &self,
        file: &Path,
        repo: &RepoName,
        workflow: &Workflow,
        branch: &str,
    ) -> Result<(), String> {
        let server = &self.server_url;
        // With the branch: a pull request may have edited a workflow of the same name.
        let signer = format!("{server}/{repo}/{}@refs/heads/{branch}", workflow.path());
        let mut command = Command::new(self.program);
        command
            .args(["attestation", "verify"])
            .arg(file)
            .args(["--repo", &repo.to_string(), "--cert-identity", &signer])
            .env("GH_PROMPT_DISABLED", "1")
            .env("NO_COLOR", "1");
        let host = server.split_once("://").map_or("", |(_, host)| host);
        if host != "github.com" {
            command.env("GH_HOST", host);
        }
        if let Some(token) = &self.token {
            command.env("GH_TOKEN", token.expose());
        }
        process::run(command, Instant::now() + ATTESTATION).map_err(|failure| match failure {
            Failure::NotStarted(why) => format!("cannot start `{}`: {why}", self.program),
            Failure::Refused(said) => self.clean(&said),
            Failure::Late => format!("`{}` did not answer in time", self.program),
        })
    }

    fn clean(&self, said: &str) -> String {
        let said = match &self.token {
            Some(token) => said.replace(token.expose(), "***"),
            None => said.to_owned(),
        };
        format!(
            "`{}` says: {}",
            self.program,
            shorten(&log_line(&said), 300)
        )
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::files;

    fn verify(script: &str) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("gh");
        let text = format!("#!/bin/sh\n{script}\n");
        files::write_atomic(&program, text.as_bytes()).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let verifier = Verifier {
            program: Box::leak(program.display().to_string().into_boxed_str()),
            server_url: String::from("https://github.com"),
            token: Token::parse("ghs_secret"),
        };
        let repo = RepoName::parse("acme/app").unwrap();
        let workflow = Workflow::named("evals.yml").unwrap();
        verifier.verify(Path::new("a b.zip"), &repo, &workflow, "release/1.x")
    }

    #[test]
    fn the_signer_is_the_workflow_as_the_base_branch_has_it() {
        let expected = "attestation verify a b.zip --repo acme/app --cert-identity https://github.com/acme/app/.github/workflows/evals.yml@refs/heads/release/1.x";
        let script = format!("[ \"$*\" = '{expected}' ] && [ \"$GH_TOKEN\" = ghs_secret ]");
        assert_eq!(verify(&script), Ok(()));
    }

    #[test]
    fn whatever_is_not_a_clear_yes_is_a_no_without_the_token() {
        let said = verify("echo \"no match for $GH_TOKEN\" >&2; exit 1").unwrap_err();
        assert!(said.ends_with("says: no match for ***"), "{said}");
        let absent = Verifier {
            program: "/nowhere/gh",
            server_url: String::new(),
            token: None,
        };
        let repo = RepoName::parse("acme/app").unwrap();
        let workflow = Workflow::named("evals.yml").unwrap();
        let error = absent.verify(Path::new("x"), &repo, &workflow, "main");
        assert!(error.unwrap_err().contains("cannot start `/nowhere/gh`"));
    }
}
