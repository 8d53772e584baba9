//! GitHub's keys, and the program that tells whether they made a commit's signature.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::error::Error;
use crate::files;
use crate::git::CommitSignature;
use crate::limits::{GPGV, SIGNERS};
use crate::process::{self, Failure};

/// The keys, as `gpgv` reads them.
pub(super) struct Keys {
    folder: TempDir,
}

impl Keys {
    /// Reads `OpenPGP` keys, in ASCII or binary.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read_bounded(path, SIGNERS)?;
        let keys = dearmored(&bytes).unwrap_or(bytes);
        // The first packet must be a public key, in the old or the new form.
        let is_key = keys
            .first()
            .is_some_and(|first| first & 0xfc == 0x98 || *first == 0xc6);
        if !is_key {
            return Err(Error::Usage {
                what: "--github-keys",
                found: path.display().to_string(),
                expected: String::from("OpenPGP keys, such as https://github.com/web-flow.gpg"),
            });
        }
        let folder = files::temporary()?;
        files::write_atomic(&folder.path().join("keys.gpg"), &keys)?;
        Ok(Self { folder })
    }

    /// Whether one of the keys made a commit's signature.
    pub(super) fn made(&self, signature: &CommitSignature) -> Result<bool, String> {
        let at = |name: &str| self.folder.path().join(name);
        for (name, bytes) in [("sig.asc", &signature.text), ("commit", &signature.signed)] {
            files::write_atomic(&at(name), bytes).map_err(|error| error.to_string())?;
        }
        let mut command = Command::new("gpgv");
        command
            .arg("--homedir")
            .arg(self.folder.path())
            .arg("--keyring")
            .arg(at("keys.gpg"))
            .arg(at("sig.asc"))
            .arg(at("commit"));
        match process::run(command, Instant::now() + GPGV) {
            Ok(()) => Ok(true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::NotStarted(why)) => Err(format!("gpgv: {why}")),
            Err(Failure::Late) => Err(String::from("gpgv took too long")),
        }
    }
}

/// The keys in ASCII armour, one after the other; `None` where there are none.
fn dearmored(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(bytes).ok()?;
    let (mut keys, mut block) = (Vec::new(), None::<String>);
    let mut head = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK") {
            block = Some(String::new());
            head = true;
        } else if line.starts_with("-----END") {
            keys.extend(STANDARD.decode(block.take()?).ok()?);
        } else if head {
            head = !line.is_empty();
        } else if let Some(block) = &mut block
            && !line.starts_with('=')
        {
            block.push_str(line);
        }
    }
    (!keys.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armour_is_taken_off_each_block() {
        let block = |body: &str| {
            format!(
                "-----BEGIN PGP PUBLIC KEY BLOCK-----\nVersion: x\n\n{body}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
            )
        };
        let two = format!("{}\n{}", block("mAEC"), block("mAMD"));
        assert_eq!(
            dearmored(two.as_bytes()),
            Some(vec![0x98, 1, 2, 0x98, 3, 3])
        );
        for none in ["", "\u{1}", &block("!")] {
            assert_eq!(dearmored(none.as_bytes()), None);
        }
    }
}
