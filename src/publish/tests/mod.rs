//! Stories of delivering a result, told against the fake of GitHub's API.

mod check_runs;
mod keeping;
mod results;
mod trouble;

use std::time::Duration;

use super::*;
use crate::environment::Token;
use crate::files;
use crate::git::CommitSha;
use crate::github::{Patience, PullRequest, RepoName};

use crate::github::fake_github::{self, ACTIONS_ID, Access, FakeGitHub, REPO, Trouble};

const COMMENTS: &str = "/comments";
const STATUSES: &str = "/statuses/";

/// A result on its way, with files for the runner and little patience.
struct Story {
    fake: FakeGitHub,
    folder: tempfile::TempDir,
    environment: Environment,
    publication: Publication,
    pull: PullRequest,
    patience: Patience,
}

impl Story {
    fn new() -> Self {
        let fake = FakeGitHub::start();
        let (base, head) = ("b".repeat(40), "a".repeat(40));
        fake.pull(fake_github::pull(4, ("main", &base), ("topic", &head)));
        let folder = tempfile::tempdir().unwrap();
        let url = fake.url();
        let environment = Environment::read(&|name| {
            let file = |name: &str| folder.path().join(name).display().to_string();
            Some(match name {
                "GITHUB_API_URL" => url.clone(),
                "GITHUB_TOKEN" => String::from("ghs_write"),
                "GITHUB_RUN_ID" => String::from("100"),
                "GITHUB_RUN_ATTEMPT" => String::from("1"),
                "GITHUB_OUTPUT" => file("output"),
                "GITHUB_STEP_SUMMARY" => file("summary"),
                _ => return None,
            })
        });
        Self {
            fake,
            environment: environment.unwrap(),
            folder,
            publication: Publication {
                governed: true,
                comment: Some(Note {
                    body: String::from("## gatecard: fail\n\nbody\n"),
                    keep: Keep::Update,
                }),
                status: Status {
                    state: State::Failure,
                    context: String::from("gatecard: main"),
                    description: String::from("2 gates failed"),
                    target_url: None,
                },
                outputs: vec![("verdict", String::from("fail"))],
                summary: String::from("# Summary"),
                check_run: None,
            },
            pull: PullRequest {
                repo: RepoName::parse(REPO).unwrap(),
                number: 4,
                base_ref: String::from("main"),
                base: CommitSha::parse(&"b".repeat(40)).unwrap(),
                head: CommitSha::parse(&"a".repeat(40)).unwrap(),
                head_repository: None,
            },
            patience: Patience {
                pauses: vec![Duration::from_millis(1); 3],
                longest: Duration::from_secs(2),
                answer: Duration::from_millis(500),
                reading: Duration::from_secs(5),
                downloads: Duration::from_secs(5),
                comment: Duration::from_secs(5),
                recording: Duration::from_secs(5),
                total: Duration::from_secs(10),
            },
        }
    }

    fn with_token(token: &str) -> Self {
        let mut story = Self::new();
        story.environment.token = Token::parse(token);
        story
    }

    fn with_body(mut self, body: &str) -> Self {
        self.note().body = body.to_owned();
        self
    }

    fn keeping(mut self, keep: Keep) -> Self {
        self.note().keep = keep;
        self
    }

    fn note(&mut self) -> &mut Note {
        self.publication.comment.as_mut().unwrap()
    }

    fn in_run(&mut self, id: u64, attempt: u64) -> &mut Self {
        self.environment.run = Run { id, attempt };
        self
    }

    fn deliver(&self) -> Delivered {
        let subject = Subject::Pull(self.pull.clone());
        let session = self
            .environment
            .token
            .as_ref()
            .map(|token| Session::open(&self.environment, token, &self.patience).unwrap());
        let place = session
            .as_ref()
            .ok_or("no token")
            .map(|session| Place::new(session, &subject, self.environment.run));
        let delivered = deliver(&self.publication, place, &self.environment);
        for error in delivered.errors() {
            let shown = format!("{error} {error:?} {}", error.hint());
            assert!(!shown.contains("ghs_"), "the token is in: {shown}");
        }
        delivered
    }

    fn delivered(&self) -> Vec<String> {
        let delivered = self.deliver();
        delivered
            .parts()
            .into_iter()
            .map(|(_, part)| word(part))
            .collect()
    }

    fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        let bytes = files::read_bounded(&path, 10_000).unwrap_or_default();
        String::from_utf8(bytes).unwrap()
    }

    fn marked(run: &str, body: &str) -> String {
        let head = "a".repeat(40);
        format!("<!-- gatecard:v1 key=default run={run} head={head} -->\n{body}")
    }
}

fn word(part: &Part) -> String {
    match part {
        Part::Done(how) => (*how).to_owned(),
        Part::Skipped(why) | Part::Left(why) => format!("skipped: {why}"),
        Part::Failed(error) => format!("failed: {error}"),
    }
}
