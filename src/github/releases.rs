//! Assets of releases: files that people or workflows attach to a version.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RepoName;
use super::account::RawAccount;
use super::client::{Client, Method};
use super::download::{Asks, Source};
use super::error::{Call, GithubError};
use super::route::{encode, time};
use crate::approval::observed::Account;
use crate::units::Digest;

const RELEASE: Call = Call {
    name: "read the release",
    permission: "contents: read",
};
const LIST: Call = Call {
    name: "list the release's assets",
    permission: "contents: read",
};
const DOWNLOAD: Call = Call {
    name: "download the release's asset",
    permission: "contents: read",
};

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asset {
    /// Its id.
    pub(crate) id: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its digest, as GitHub states it; older servers and older assets have none.
    pub(crate) digest: Option<Digest>,
    /// When it was uploaded.
    pub(crate) created: Option<DateTime<Utc>>,
    /// When it was changed last.
    pub(crate) updated: Option<DateTime<Utc>>,
    /// Who uploaded it; nobody where the account was removed.
    pub(crate) uploader: Option<Account>,
    /// The tag of its release.
    pub(crate) tag: String,
}

#[derive(Deserialize)]
struct RawRelease {
    id: u64,
    #[serde(default)]
    tag_name: String,
}

#[derive(Deserialize)]
struct RawAsset {
    id: u64,
    name: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    uploader: Option<RawAccount>,
}

impl RawAsset {
    fn asset(self, tag: &str) -> Asset {
        Asset {
            id: self.id,
            bytes: self.size,
            digest: self.digest.as_deref().and_then(Digest::from_hex),
            created: self.created_at.as_deref().and_then(time),
            updated: self.updated_at.as_deref().and_then(time),
            uploader: self.uploader.and_then(RawAccount::account),
            tag: tag.to_owned(),
        }
    }
}

impl Client {
    /// Finds an asset by its name in the release of a tag, or in the newest one that is neither a
    /// draft nor a pre-release; none where there is no such release or asset.
    pub(crate) async fn release(
        &self,
        repo: &RepoName,
        tag: Option<&str>,
        asset: &str,
    ) -> Result<Option<Asset>, GithubError> {
        let which = match tag {
            // Git allows no such tag, and in an address it would lead elsewhere.
            Some(tag)
                if tag
                    .split('/')
                    .any(|part| part.is_empty() || part.starts_with('.')) =>
            {
                return Ok(None);
            }
            Some(tag) => format!("tags/{}", encode(tag)),
            None => String::from("latest"),
        };
        let route = format!("/repos/{repo}/releases/{which}");
        let read = self.read::<RawRelease>(RELEASE, Method::Get, &route, None);
        let release = match read.await {
            Ok((release, _)) => release,
            Err(GithubError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let route = format!("/repos/{repo}/releases/{}/assets?per_page=100", release.id);
        let assets: Vec<RawAsset> = self.list(LIST, &route).await?;
        let found = assets.into_iter().find(|found| {
            let whole = found
                .state
                .as_deref()
                .is_none_or(|state| state == "uploaded");
            found.name == asset && whole
        });
        Ok(found.map(|found| found.asset(&release.tag_name)))
    }

    /// Downloads an asset into a file, which is overwritten, and returns its digest. `limit` is
    /// the most bytes that it may have.
    pub(crate) async fn download_asset(
        &self,
        repo: &RepoName,
        asset: &Asset,
        to: &Path,
        limit: u64,
    ) -> Result<Digest, GithubError> {
        let source = Source {
            call: DOWNLOAD,
            route: format!("/repos/{repo}/releases/assets/{}", asset.id),
            asks: Asks::Content,
            bytes: asset.bytes,
            digest: asset.digest,
        };
        self.fetch(&source, to, limit).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::github::harness::Harness;

    #[test]
    fn an_asset_is_found_by_name_in_the_newest_release_or_that_of_a_tag() {
        let harness = Harness::new();
        let old = harness.fake.release("v1/a", &[("a.json", b"old")]);
        let new = harness
            .fake
            .release("v2", &[("b.json", b"b"), ("a.json", b"newer")]);
        let asset = |tag, name| {
            let asked = harness.client.release(&harness.repo, tag, name);
            harness.wait(asked).unwrap()
        };
        let newest = asset(None, "a.json").unwrap();
        let time = time("2026-01-05T09:00:00Z");
        let expected = Asset {
            id: new[1],
            bytes: 5,
            digest: Some(Digest::of(b"newer")),
            created: time,
            updated: time,
            uploader: Some(Account {
                id: 7,
                login: String::from("ann"),
                bot: false,
            }),
            tag: String::from("v2"),
        };
        assert_eq!(newest, expected);
        assert_eq!(asset(Some("v1/a"), "a.json").unwrap().id, old[0]);
        for (tag, name) in [
            (None, "c.json"),
            (Some("v3"), "a.json"),
            (Some("../.."), "a.json"),
            (Some(""), "a.json"),
        ] {
            assert_eq!(asset(tag, name), None, "{tag:?} {name}");
        }
        harness.fake.tell(new[1], "state", &json!("starter"));
        assert_eq!(asset(None, "a.json"), None);
    }

    #[test]
    fn an_asset_is_downloaded_as_it_was_uploaded() {
        let harness = Harness::new();
        harness.fake.release("v1", &[("a.json", b"content")]);
        let asked = harness.client.release(&harness.repo, None, "a.json");
        let asset = harness.wait(asked).unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("a.json");
        let download = harness.client.download_asset(&harness.repo, &asset, &to, 7);
        assert_eq!(harness.wait(download), Ok(Digest::of(b"content")));
        assert_eq!(crate::files::read_bounded(&to, 100).unwrap(), b"content");
        let asked = harness.fake.asked_of_storage();
        assert!(asked.iter().all(|request| request.authorization.is_none()));
    }
}
