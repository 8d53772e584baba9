//! SSH signatures of entries: made with a key from the environment, checked against a list of
//! signers as OpenSSH writes one. `ssh-keygen -Y sign` and `-Y verify` do the same.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use super::append::Signer;
use super::{Entry, LedgerError};
use crate::environment::Secret;

/// What the signatures are for: one of another purpose is none of an entry.
pub(crate) const NAMESPACE: &str = "gatecard-ledger";

/// The kinds of keys whose signatures are verified.
const KINDS: [&str; 3] = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"];

/// The variable that holds the key.
const VARIABLE: &str = "GATECARD_SIGNING_KEY";

/// A key that signs entries. Nothing prints it.
pub(crate) struct SigningKey(PrivateKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningKey {
    /// Reads an OpenSSH private key without a passphrase.
    pub(crate) fn read(secret: &Secret) -> Result<Self, LedgerError> {
        // What the key's reader says could hold a part of it.
        let wrong = |found: &str| LedgerError::Other {
            message: format!(
                "{VARIABLE}: found {found}, expected an OpenSSH private key without a passphrase: Ed25519, ECDSA P-256 or P-384"
            ),
            hint: Some(format!(
                "make one with `ssh-keygen -t ed25519 -N '' -f ledger_key`, and pass the text of the file ledger_key as {VARIABLE}"
            )),
        };
        let text = format!("{}\n", secret.expose().trim());
        let key = PrivateKey::from_openssh(text).map_err(|_| wrong("something else"))?;
        if key.is_encrypted() {
            return Err(wrong("a key with a passphrase"));
        }
        let key = Self(key);
        // A kind of key that cannot sign here is told at once, not at the first entry.
        key.signature(b"")
            .map_err(|_| wrong("another kind of key"))?;
        Ok(key)
    }

    fn signature(&self, bytes: &[u8]) -> Result<String, ssh_key::Error> {
        let signature = self.0.sign(NAMESPACE, HashAlg::Sha512, bytes)?;
        signature.to_pem(LineEnding::LF)
    }
}

impl Signer for SigningKey {
    fn sign(&self, bytes: &[u8]) -> Result<String, LedgerError> {
        self.signature(bytes).map_err(|error| LedgerError::Other {
            message: format!("an entry could not be signed: {error}"),
            hint: None,
        })
    }
}

/// Who signed an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedBy(KeyData);

impl fmt::Display for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fingerprint(HashAlg::Sha256).fmt(f)
    }
}

/// Why a signature is none of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is no SSH signature, or of a kind of key that is not read.
    Form(String),
    /// It is for another purpose.
    Namespace(String),
    /// It is of other bytes, or of another key than it says.
    Bytes,
}

/// Who signed an entry; `None` where nobody did. Whether that key may sign is another question.
pub(crate) fn signed_by(entry: &Entry) -> Result<Option<SignedBy>, Wrong> {
    let Some(text) = &entry.signature else {
        return Ok(None);
    };
    let bytes = entry.signed_bytes();
    let bytes = bytes.map_err(|error| Wrong::Form(error.to_string()))?;
    verified(text, &bytes).map(Some)
}

fn verified(text: &str, bytes: &[u8]) -> Result<SignedBy, Wrong> {
    let signature = SshSig::from_pem(text).map_err(|error| Wrong::Form(error.to_string()))?;
    if signature.namespace() != NAMESPACE {
        return Err(Wrong::Namespace(signature.namespace().to_owned()));
    }
    let key = signature.public_key().clone();
    let kind = key.algorithm();
    if !KINDS.contains(&kind.as_str()) {
        let found = format!(
            "a key of kind {}, expected one of {}",
            kind.as_str(),
            KINDS.join(", ")
        );
        return Err(Wrong::Form(found));
    }
    PublicKey::from(key.clone())
        .verify(NAMESPACE, bytes, &signature)
        .map_err(|_| Wrong::Bytes)?;
    Ok(SignedBy(key))
}

/// Why a key may not sign an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The list does not have it.
    Unknown,
    /// The list has it for other purposes.
    Namespace,
    /// Not then.
    Time,
}

/// The signers that a file allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllowedSigners(Vec<Allowed>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    principals: String,
    namespaces: Option<String>,
    after: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    key: KeyData,
}

impl AllowedSigners {
    /// Reads a file as `ssh-keygen -Y verify -f` does. An error names the line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            all.push(allowed(line).map_err(|found| format!("line {number}: {found}"))?);
        }
        if all.is_empty() {
            return Err(String::from("no signer"));
        }
        Ok(Self(all))
    }

    /// The name under which a key may sign an entry that was made at a time.
    pub(crate) fn allow(&self, key: &SignedBy, at: DateTime<Utc>) -> Result<&str, Refused> {
        let mut why = Refused::Unknown;
        for each in self.0.iter().filter(|each| each.key == key.0) {
            // As ssh-keygen reads a list: what is refused by name stays refused.
            let named = |list: &String| {
                let like = |one: &str| is_like(one, NAMESPACE);
                list.split(',').any(like)
                    && !list
                        .split(',')
                        .filter_map(|one| one.strip_prefix('!'))
                        .any(like)
            };
            if !each.namespaces.as_ref().is_none_or(named) {
                why = Refused::Namespace;
            } else if each.after.is_some_and(|after| at < after)
                || each.before.is_some_and(|before| at >= before)
            {
                why = Refused::Time;
            } else {
                return Ok(&each.principals);
            }
        }
        Err(why)
    }
}

/// Reads a line: principals, options where there are any, the key.
fn allowed(line: &str) -> Result<Allowed, String> {
    let words = split(line, char::is_whitespace);
    let (principals, rest) = words.split_first().ok_or("no principals")?;
    let is_key = |word: &&str| {
        ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|kind| word.starts_with(kind))
    };
    let (options, key) = match rest {
        [kind, key, ..] if is_key(kind) => ("", format!("{kind} {key}")),
        [options, kind, key, ..] if is_key(kind) => (*options, format!("{kind} {key}")),
        _ => return Err(String::from("expected `principals [options] keytype key`")),
    };
    let key = PublicKey::from_openssh(&key).map_err(|error| format!("the key: {error}"))?;
    let mut found = Allowed {
        principals: principals.trim_matches('"').to_owned(),
        namespaces: None,
        after: None,
        before: None,
        key: key.key_data().clone(),
    };
    for option in split(options, |c| c == ',') {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => found.namespaces = Some(value.to_owned()),
            "valid-after" => found.after = Some(time(value)?),
            "valid-before" => found.before = Some(time(value)?),
            _ => {
                return Err(format!(
                    "found option `{name}`, expected namespaces, valid-after or valid-before"
                ));
            }
        }
    }
    Ok(found)
}

/// Splits a text outside quotes; empty parts go.
fn split(text: &str, at: impl Fn(char) -> bool) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        !quoted && at(c)
    })
    .filter(|part| !part.is_empty())
    .collect()
}

/// `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`, always as UTC: the zone of the machine would change
/// what is found.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let found = match digits.len() {
        8 => NaiveDate::parse_from_str(digits, "%Y%m%d")
            .ok()
            .map(|day| day.and_time(NaiveTime::MIN)),
        12 => NaiveDateTime::parse_from_str(&format!("{digits}00"), "%Y%m%d%H%M%S").ok(),
        14 => NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok(),
        _ => None,
    };
    let found =
        found.ok_or_else(|| format!("found time `{text}`, expected YYYYMMDD[HHMM[SS]]Z"))?;
    Ok(found.and_utc())
}

/// Whether a text is what a pattern with `*` and `?` stands for.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = chars.as_str();
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| text.get(at..).is_some_and(|end| is_like(rest, end)))
        }
        Some(c) => {
            let mut text = text.chars();
            text.next().is_some_and(|own| c == '?' || c == own)
                && is_like(chars.as_str(), text.as_str())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            include_str!(concat!("../../tests/fixtures/signing/", $name))
        };
    }

    pub(in crate::ledger) const ED25519: &str = fixture!("ed25519");
    pub(in crate::ledger) const ED25519_PUB: &str = fixture!("ed25519.pub");
    pub(in crate::ledger) const P384: &str = fixture!("p384");
    pub(in crate::ledger) const P384_PUB: &str = fixture!("p384.pub");
    const MESSAGE: &[u8] = fixture!("message").as_bytes();

    pub(in crate::ledger) fn key(text: &str) -> SigningKey {
        SigningKey::read(&Secret::from(text.to_owned())).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        time(text).unwrap()
    }

    #[test]
    fn signatures_of_openssh_are_verified() {
        for (text, bytes, want) in [
            (fixture!("ed25519.sig"), MESSAGE, "SHA256:"),
            (fixture!("p384.sig"), MESSAGE, "SHA256:"),
            (fixture!("ed25519.sig"), b"{}", "Bytes"),
            (fixture!("git.sig"), MESSAGE, "Namespace"),
            (fixture!("rsa.sig"), MESSAGE, "Form"),
            (
                "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
                MESSAGE,
                "Form",
            ),
            ("", MESSAGE, "Form"),
        ] {
            let found = match verified(text, bytes) {
                Ok(by) => by.to_string(),
                Err(wrong) => format!("{wrong:?}"),
            };
            assert!(found.starts_with(want), "{found}");
        }
    }

    #[test]
    fn what_is_signed_here_is_what_openssh_signs() {
        let ours = key(ED25519).sign(MESSAGE).unwrap();
        // Ed25519 has one signature for a key and a message.
        let base64 = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>()
        };
        assert_eq!(base64(&ours), base64(fixture!("ed25519.sig")));
        let ours = key(P384).sign(MESSAGE).unwrap();
        let by = verified(&ours, MESSAGE).unwrap();
        assert_eq!(by, verified(fixture!("p384.sig"), MESSAGE).unwrap());
    }

    #[test]
    fn a_key_that_cannot_sign_is_refused_and_not_shown() {
        for (text, found) in [
            ("no key", "something else"),
            (fixture!("rsa"), "another kind of key"),
            (fixture!("passphrase"), "a key with a passphrase"),
        ] {
            let error = SigningKey::read(&Secret::from(text.to_owned())).unwrap_err();
            let shown = format!("{error} {error:?} {:?}", error.hint());
            assert!(shown.contains(VARIABLE) && shown.contains(found), "{shown}");
            for line in text.lines().filter(|line| !line.is_empty()) {
                assert!(!shown.contains(line), "{shown}");
            }
        }
        assert_eq!(format!("{:?}", key(ED25519)), "***");
    }

    #[test]
    fn a_signer_is_allowed_by_key_purpose_and_time() {
        let by = verified(fixture!("ed25519.sig"), MESSAGE).unwrap();
        let (key, other) = (ED25519_PUB.trim(), P384_PUB.trim());
        for (line, want) in [
            (format!("bot {key}"), Ok("bot")),
            (
                format!("# who\n\nx {other}\nbot,ci@x {key}"),
                Ok("bot,ci@x"),
            ),
            (format!("x {other}"), Err(Refused::Unknown)),
            (
                format!("b namespaces=\"git\" {key}"),
                Err(Refused::Namespace),
            ),
            (format!("b namespaces=\"git,gatecard-*\" {key}"), Ok("b")),
            (
                format!("b namespaces=\"!gatecard-ledger,*\" {key}"),
                Err(Refused::Namespace),
            ),
            (
                format!("b namespaces=\"*,!gatecard-*\" {key}"),
                Err(Refused::Namespace),
            ),
            (format!("b namespaces=\"*,!git\" {key}"), Ok("b")),
            (
                format!("b valid-before=\"20260303\" {key}"),
                Err(Refused::Time),
            ),
            (
                format!("b valid-before=\"20260303\" {key}\nc valid-after=\"20260303Z\" {key}"),
                Ok("c"),
            ),
            (
                format!("b valid-after=\"202603031001Z\",namespaces=\"*\" {key}"),
                Err(Refused::Time),
            ),
        ] {
            let signers = AllowedSigners::parse(&line).unwrap();
            assert_eq!(signers.allow(&by, at("20260303100000Z")), want, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_signer_is_named() {
        let key = ED25519_PUB.trim();
        for (text, want) in [
            (String::new(), "no signer"),
            (String::from("\nbot"), "line 2: expected `principals"),
            (String::from("bot ssh-ed25519 AAAA"), "line 1: the key"),
            (
                format!("bot cert-authority {key}"),
                "line 1: found option `cert-authority`",
            ),
            (
                format!("bot valid-after=\"soon\" {key}"),
                "line 1: found time `soon`",
            ),
        ] {
            let error = AllowedSigners::parse(&text).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
