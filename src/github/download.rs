//! Large files: where GitHub leads for them, streamed to the disk and checked.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use octocrab::Octocrab;
use sha2::{Digest as _, Sha256};

use super::client::{Asked, Body, Client, Method, Reply};
use super::error::{Call, GithubError, Gone};
use super::page;
use crate::files;
use crate::limits::REDIRECTS;
use crate::units::Digest;

/// A file that GitHub keeps.
pub(super) struct Source {
    /// What is done, in words.
    pub(super) call: Call,
    /// Where GitHub tells where the file is.
    pub(super) route: String,
    /// What GitHub must be asked for there.
    pub(super) asks: Asks,
    /// How large it is, as GitHub states it.
    pub(super) bytes: u64,
    /// Its digest, as GitHub states it.
    pub(super) digest: Option<Digest>,
}

impl Source {
    const fn at<'a>(&self, route: &'a str) -> Asked<'a> {
        Asked {
            call: self.call,
            method: Method::Get,
            route,
            body: None,
        }
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// What every call of the API asks for; GitHub refuses another request for an artifact.
    Description,
    /// The content: GitHub would describe an asset otherwise.
    Content,
}

/// Where a file is asked for.
struct Connections {
    api: Octocrab,
    storage: Octocrab,
}

impl Client {
    /// Downloads a file, again from its start while the connection breaks.
    pub(super) async fn fetch(
        &self,
        source: &Source,
        to: &Path,
        limit: u64,
    ) -> Result<Digest, GithubError> {
        if source.bytes > limit {
            return Err(GithubError::TooLarge {
                call: source.call,
                found: source.bytes,
                limit,
            });
        }
        let connections = Connections {
            api: match source.asks {
                Asks::Description => self.rest.clone(),
                Asks::Content => self.content()?,
            },
            storage: self.storage()?,
        };
        let mut pauses = self.patience().pauses.iter();
        loop {
            let error = match self.fetch_once(&connections, source, (to, limit)).await {
                Ok(digest) => return Ok(digest),
                Err(error) => error,
            };
            let wait = pauses
                .next()
                .and_then(|pause| self.wait_before_reading_again(&error, *pause));
            let Some(wait) = wait else { return Err(error) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn fetch_once(
        &self,
        connections: &Connections,
        source: &Source,
        (to, limit): (&Path, u64),
    ) -> Result<Digest, GithubError> {
        let call = source.call;
        let reply = self.located(connections, source).await?;
        match reply.status {
            200 => {}
            404 => return Err(gone(call, Gone::Deleted)),
            410 => return Err(gone(call, Gone::Expired)),
            _ => return Err(self.refusal(call, reply).await),
        }
        let file = files::create(to).map_err(|error| GithubError::Disk {
            call,
            message: error.to_string(),
        })?;
        let found = self.pour(call, reply, file, limit).await?;
        match source.digest {
            Some(expected) if expected != found => Err(GithubError::Altered {
                call,
                found,
                expected,
            }),
            _ => Ok(found),
        }
    }

    /// Asks for a file and goes where GitHub leads: with the token inside the API, and without
    /// it elsewhere.
    async fn located(
        &self,
        connections: &Connections,
        source: &Source,
    ) -> Result<Reply<impl Body + use<>>, GithubError> {
        let call = source.call;
        self.not_limited(call)?;
        let mut reply = self
            .send(&connections.api, &source.at(&source.route))
            .await?;
        for _ in 0..REDIRECTS {
            let Some(address) = reply.leads_to().map(str::to_owned) else {
                return Ok(reply);
            };
            reply = match page::local(&address, self.api_url()) {
                Some(route) => self.send(&connections.api, &source.at(route)).await?,
                None if page::is_safe(&address, self.api_url()) => {
                    self.send(&connections.storage, &source.at(&address))
                        .await?
                }
                None => return Err(self.led_astray(call, &address)),
            };
        }
        match reply.leads_to() {
            Some(address) => Err(self.led_astray(call, address)),
            None => Ok(reply),
        }
    }

    /// Writes a body to a file as it comes in.
    async fn pour(
        &self,
        call: Call,
        reply: Reply<impl Body>,
        mut file: File,
        limit: u64,
    ) -> Result<Digest, GithubError> {
        let (host, mut body) = (reply.host, reply.body);
        let mut hash = Sha256::new();
        let mut found = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(call, &host, &error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let bytes = data.as_ref();
            found += bytes.len() as u64;
            if found > limit {
                return Err(GithubError::TooLarge { call, found, limit });
            }
            hash.update(bytes);
            file.write_all(bytes).map_err(|error| GithubError::Disk {
                call,
                message: error.to_string(),
            })?;
        }
        let digest: [u8; 32] = hash.finalize().into();
        Ok(digest.into())
    }
}

const fn gone(call: Call, why: Gone) -> GithubError {
    GithubError::Gone { call, why }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::github::artifacts::Stored;
    use crate::github::fake_github::Trouble;
    use crate::github::fake_github::files::run;
    use crate::github::harness::{Harness, sha};

    const CONTENT: &[u8] = b"what the run has stored";

    /// A run with an artifact, and a folder for it.
    struct Story {
        harness: Harness,
        folder: tempfile::TempDir,
        id: u64,
    }

    impl Story {
        fn new() -> Self {
            let harness = Harness::new();
            let head = sha('a').to_string();
            harness.fake.run(run(7, "evals.yml", ("tune", &head)));
            let id = harness.fake.artifact(7, "evals", CONTENT);
            let folder = tempfile::tempdir().unwrap();
            Self {
                harness,
                folder,
                id,
            }
        }

        fn stored(&self) -> Stored {
            let harness = &self.harness;
            let asked = harness.client.stored(&harness.repo, 7, "evals");
            harness.wait(asked).unwrap().remove(0)
        }

        fn download(&self, stored: &Stored, limit: u64) -> Result<Digest, GithubError> {
            let harness = &self.harness;
            let to = self.folder.path().join("evals.zip");
            harness.wait(harness.client.download(&harness.repo, stored, &to, limit))
        }

        fn on_disk(&self) -> Vec<u8> {
            files::read_bounded(&self.folder.path().join("evals.zip"), 1_000).unwrap()
        }

        fn blob(&self) -> &'static str {
            format!("/files/{}", self.id).leak()
        }
    }

    #[test]
    fn the_storage_never_sees_the_token() {
        let story = Story::new();
        let digest = story.download(&story.stored(), 100);
        assert_eq!(digest, Ok(Digest::of(CONTENT)));
        assert_eq!(story.on_disk(), CONTENT);
        let asked = story.harness.fake.asked_of_storage();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].authorization, None);
    }

    #[test]
    fn a_connection_that_breaks_is_tried_again_from_the_start() {
        let story = Story::new();
        let fake = &story.harness.fake;
        fake.fault("GET", story.blob(), 1, Trouble::Reset);
        fake.fault("GET", story.blob(), 1, Trouble::Says(503, ""));
        fake.fault("GET", story.blob(), 1, Trouble::CloseBefore);
        let stored = story.stored();
        assert_eq!(story.download(&stored, 100), Ok(Digest::of(CONTENT)));
        assert_eq!(story.on_disk(), CONTENT);

        fake.fault("GET", story.blob(), usize::MAX, Trouble::Reset);
        let error = story.download(&stored, 100).unwrap_err();
        let GithubError::Network { host, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*host, fake.storage_url());
        assert!(!error.to_string().contains("s1gn4ture"), "{error}");
    }

    #[test]
    fn no_more_is_written_than_may_be() {
        let story = Story::new();
        let exact = CONTENT.len() as u64;
        let mut stored = story.stored();
        let too_large = |found, limit| {
            let call = crate::github::artifacts::DOWNLOAD;
            Err(GithubError::TooLarge { call, found, limit })
        };
        assert_eq!(
            story.download(&stored, exact - 1),
            too_large(exact, exact - 1)
        );
        // Nothing was asked for: GitHub had said how large it is.
        assert_eq!(story.harness.fake.asked_of_storage().len(), 0);
        stored.bytes = 1;
        assert_eq!(
            story.download(&stored, exact - 1),
            too_large(exact, exact - 1)
        );
        assert_eq!(story.harness.fake.asked_of_storage().len(), 1);
        assert_eq!(story.on_disk().len(), 0);
        let error = too_large(exact, 1).unwrap_err();
        assert!(
            error.to_string().contains("artifact_limits.packed"),
            "{error}"
        );
        assert!(story.download(&stored, exact).is_ok());
    }

    #[test]
    fn content_that_is_not_what_github_states_is_an_error() {
        let story = Story::new();
        let stated = Digest::of(b"something else");
        story
            .harness
            .fake
            .tell(story.id, "digest", &json!(format!("sha256:{stated}")));
        let error = story.download(&story.stored(), 100).unwrap_err();
        let GithubError::Altered {
            found, expected, ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!((found, expected), (Digest::of(CONTENT), stated));

        story.harness.fake.tell(story.id, "digest", &json!(null));
        assert_eq!(
            story.download(&story.stored(), 100),
            Ok(Digest::of(CONTENT))
        );
    }

    #[test]
    fn what_has_expired_is_told_apart_from_what_was_deleted() {
        let story = Story::new();
        let mut stored = story.stored();
        let gone = |stored: &Stored| match story.download(stored, 100) {
            Err(GithubError::Gone { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        story.harness.fake.tell(story.id, "expired", &json!(true));
        assert_eq!(gone(&story.stored()), Gone::Expired);
        // It expired after it was listed.
        assert_eq!(gone(&stored), Gone::Expired);
        stored.id = 1;
        assert_eq!(gone(&stored), Gone::Deleted);
    }

    #[test]
    fn only_safe_addresses_are_followed_and_not_for_ever() {
        let story = Story::new();
        let fake = &story.harness.fake;
        let stored = story.stored();
        let led = |address: &str| {
            fake.fault(
                "GET",
                "/zip",
                usize::MAX,
                Trouble::Redirect(address.to_owned()),
            );
            let result = story.download(&stored, 100);
            fake.mend();
            result
        };
        for (address, told) in [
            ("http://evil.example/x?sig=secret", "http://evil.example"),
            (
                "http://127.0.0.1@evil.example/x",
                "http://127.0.0.1@evil.example",
            ),
            ("ftp://127.0.0.1/x", "an address without a server"),
            ("//evil.example/x", "an address without a server"),
        ] {
            let error = led(address).unwrap_err();
            let GithubError::Redirect { found, .. } = &error else {
                panic!("{address}: {error}");
            };
            assert_eq!(found, told, "{address}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        // To itself, again and again: inside the API, and between storages.
        let own = format!(
            "{}/repos/acme/prompts/actions/artifacts/{}/zip",
            fake.url(),
            story.id
        );
        let before = fake.count("GET", "/zip");
        assert!(matches!(led(&own), Err(GithubError::Redirect { .. })));
        assert_eq!(fake.count("GET", "/zip") - before, REDIRECTS + 1);
        let address = format!("{}/files/{}?sig=s1gn4ture", fake.storage_url(), story.id);
        fake.fault("GET", story.blob(), usize::MAX, Trouble::Redirect(address));
        assert!(matches!(
            story.download(&stored, 100),
            Err(GithubError::Redirect { .. })
        ));
    }

    #[test]
    fn a_refusal_names_the_permission() {
        let story = Story::new();
        story
            .harness
            .fake
            .fault("GET", "/zip", 1, Trouble::Status(403, ""));
        let error = story.download(&story.stored(), 100).unwrap_err();
        assert!(error.hint().contains("`actions: read`"), "{}", error.hint());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_of_the_disk() {
        let story = Story::new();
        std::fs::create_dir(story.folder.path().join("evals.zip")).unwrap();
        let error = story.download(&story.stored(), 100).unwrap_err();
        assert!(matches!(error, GithubError::Disk { .. }), "{error}");
    }

    #[test]
    fn a_renamed_repository_is_read_where_the_api_leads() {
        let story = Story::new();
        let fake = &story.harness.fake;
        let moved = format!("{}/repos/acme/prompts/actions/runs/7", fake.url());
        fake.fault("GET", "/runs/1", 1, Trouble::Redirect(moved));
        let asked = story.harness.client.run(&story.harness.repo, 1);
        assert_eq!(story.harness.wait(asked).unwrap().id, 7);
        let elsewhere = String::from("https://evil.example/runs/1");
        fake.fault("GET", "/runs/1", 1, Trouble::Redirect(elsewhere));
        let asked = story.harness.client.run(&story.harness.repo, 1);
        let error = story.harness.wait(asked).unwrap_err();
        assert!(matches!(error, GithubError::Redirect { .. }), "{error}");
    }
}
