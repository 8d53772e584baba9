//! Why GitHub did not do what it was asked, and what to do about it.
//!
//! No message holds the token: everything that a server said passes through [`clean`].

use std::time::Duration;

use crate::environment::Token;
use crate::units::Digest;
use crate::untrusted::{log_line, shorten};

/// A call, in words, and the permission that its token needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// What it does, as a fragment: "list the comments".
    pub(crate) name: &'static str,
    /// The line that a workflow's `permissions:` needs.
    pub(crate) permission: &'static str,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GithubError {
    /// The client could not be made.
    #[error("cannot call {url}: {message}")]
    Client {
        /// The API's address.
        url: String,
        /// Why.
        message: String,
    },
    /// There is nothing to recognise a server by.
    #[error("cannot call {url}: found no CA certificates in {places}, expected PEM files")]
    Certificates {
        /// The API's address.
        url: String,
        /// Where they were looked for.
        places: String,
    },
    /// GitHub answered with an error.
    #[error("cannot {}: GitHub answered {status}: {message}", call.name)]
    Refused {
        /// What was asked.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// What GitHub says.
        message: String,
        /// How long it asks to wait.
        retry_after: Option<u64>,
    },
    /// Too many calls.
    #[error("cannot {}: GitHub's rate limit is used up for {seconds} s: {message}", call.name)]
    RateLimited {
        /// What was asked.
        call: Call,
        /// How long it asks to wait.
        seconds: u64,
        /// What GitHub says.
        message: String,
    },
    /// No answer, or only a part of one.
    #[error("cannot {}: no answer from {host}: {message}", call.name)]
    Network {
        /// What was asked.
        call: Call,
        /// Which server.
        host: String,
        /// What the connection says.
        message: String,
    },
    /// An answer of another shape than GitHub documents.
    #[error("cannot {}: the answer cannot be read: {message}", call.name)]
    Answer {
        /// What was asked.
        call: Call,
        /// What the parser says.
        message: String,
    },
    /// A list that never ends or leads elsewhere.
    #[error("cannot {}: found {found} as the next page, expected {expected}", call.name)]
    Pages {
        /// What was asked.
        call: Call,
        /// Where the list leads.
        found: String,
        /// Where it may lead.
        expected: String,
    },
    /// More than a run may ask for one by one.
    #[error("cannot {}: found {found} {what}, expected at most {most}", call.name)]
    TooMany {
        /// What was asked.
        call: Call,
        /// Of what there are too many.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many are asked for.
        most: usize,
    },
    /// A file that GitHub does not keep any more.
    #[error("cannot {}: {}", call.name, why.text())]
    Gone {
        /// What was asked.
        call: Call,
        /// Why it is not there.
        why: Gone,
    },
    /// A file that is larger than what is downloaded.
    #[error(
        "cannot {}: found {found} bytes or more, expected at most {limit} \
         (`artifact_limits.packed`)",
        call.name
    )]
    TooLarge {
        /// What was asked.
        call: Call,
        /// How large it is, or how much of it came before the download was stopped.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A file that is not the one that GitHub stored.
    #[error("cannot {}: found content with the digest {found}, expected {expected}", call.name)]
    Altered {
        /// What was asked.
        call: Call,
        /// The digest of what came.
        found: Digest,
        /// The digest that GitHub states.
        expected: Digest,
    },
    /// GitHub leads to where nothing is fetched from.
    #[error("cannot {}: led to {found}, expected {expected}", call.name)]
    Redirect {
        /// What was asked.
        call: Call,
        /// Where to.
        found: String,
        /// Where it may lead.
        expected: &'static str,
    },
    /// What came could not be written to the disk.
    #[error("cannot {}: {message}", call.name)]
    Disk {
        /// What was asked.
        call: Call,
        /// Which file, and what the system says.
        message: String,
    },
    /// Earlier calls have used up the time.
    #[error("cannot {what}: earlier calls took all the time that there is")]
    NoTime {
        /// What was asked.
        what: &'static str,
    },
    /// It took too long.
    #[error("cannot {} within {} s", call.name, limit.as_secs())]
    Timeout {
        /// What was asked.
        call: Call,
        /// How long it was given.
        limit: Duration,
    },
}

/// Why a file is not on GitHub any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was kept for its time.
    Expired,
    /// Somebody deleted it.
    Deleted,
}

impl Gone {
    const fn text(self) -> &'static str {
        match self {
            Self::Expired => "it has expired",
            Self::Deleted => "it does not exist any more",
        }
    }
}

impl GithubError {
    /// Something took longer than `limit`.
    pub(crate) const fn timeout(
        name: &'static str,
        permission: &'static str,
        limit: Duration,
    ) -> Self {
        let call = Call { name, permission };
        Self::Timeout { call, limit }
    }

    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Client { .. } => String::from("check GITHUB_API_URL"),
            Self::Certificates { .. } => String::from(
                "install the package `ca-certificates`, or set SSL_CERT_FILE to a file with the \
                 certificates of the authorities that this machine trusts",
            ),
            Self::Refused {
                call,
                status,
                message,
                ..
            } => refused(*call, *status, message),
            Self::RateLimited { .. } => {
                String::from("run the job again later; other workflows may be using up the limit")
            }
            Self::Network { host, .. } => format!(
                "check that this machine reaches {host}; GITHUB_API_URL names the server, and a \
                 proxy is not used"
            ),
            Self::Answer { .. } | Self::Pages { .. } => String::from(
                "check that GITHUB_API_URL names GitHub's REST API and nothing in front of it \
                 changes the answers",
            ),
            Self::TooMany { .. } => {
                String::from("split the pull request: smaller ones can be judged")
            }
            Self::Gone { .. } => String::from(
                "run the workflow that makes it again, or keep it longer (`retention-days`)",
            ),
            Self::TooLarge { .. } => String::from(
                "make it smaller, or raise `artifact_limits.packed` in the policy of the base \
                 branch",
            ),
            Self::Altered { .. } | Self::Timeout { .. } | Self::NoTime { .. } => {
                String::from("run the job again")
            }
            Self::Redirect { .. } => String::from(
                "check that GITHUB_API_URL names GitHub's REST API over https, and nothing in \
                 front of it changes the answers",
            ),
            Self::Disk { .. } => String::from("check the disk that TMPDIR names"),
        }
    }

    /// Whether the server may have done what it was asked all the same.
    pub(crate) const fn is_uncertain(&self) -> bool {
        match self {
            Self::Refused { status, .. } => *status >= 500,
            Self::Network { .. } | Self::Answer { .. } | Self::Timeout { .. } => true,
            Self::Client { .. }
            | Self::Certificates { .. }
            | Self::RateLimited { .. }
            | Self::Pages { .. }
            | Self::TooMany { .. }
            | Self::Gone { .. }
            | Self::TooLarge { .. }
            | Self::Altered { .. }
            | Self::Redirect { .. }
            | Self::Disk { .. }
            | Self::NoTime { .. } => false,
        }
    }

    /// Whether GitHub understood the token but does not allow the call.
    pub(crate) const fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 403 | 404,
                ..
            }
        )
    }
}

fn refused(call: Call, status: u16, message: &str) -> String {
    let permission = call.permission;
    match status {
        401 => format!(
            "pass a token that this server knows, and give the job `{permission}` under \
             `permissions:`"
        ),
        403 if message.contains("locked") => {
            String::from("unlock the pull request's conversation, or set `comment: off`")
        }
        403 => format!(
            "add `{permission}` under `permissions:` in the workflow; for a pull request from a \
             fork the token can only read"
        ),
        404 => format!(
            "check the repository and the number, and add `{permission}` under `permissions:`: \
             GitHub hides what a token may not see"
        ),
        409 | 422 if permission == "contents: write" => String::from(
            "check that the repository's rules let this token make the ledger's branch and add \
             commits to it, and that no other branch has the first part of its name",
        ),
        422 => String::from("check that the head commit is on GitHub and the pull request is open"),
        500.. => String::from("run the job again: GitHub has trouble"),
        _ => String::from("check GITHUB_API_URL and GITHUB_REPOSITORY"),
    }
}

/// Makes what a server or a library said safe to print: one line, short, without the token.
pub(crate) fn clean(text: &str, token: &Token) -> String {
    let text = text.replace(token.expose(), "***");
    shorten(&log_line(text.trim()), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call = Call {
        name: "set the status",
        permission: "statuses: write",
    };

    fn hint(status: u16) -> String {
        GithubError::Refused {
            call: CALL,
            status,
            message: String::new(),
            retry_after: None,
        }
        .hint()
    }

    #[test]
    fn a_refusal_names_the_line_to_add() {
        for status in [401, 403, 404] {
            assert!(hint(status).contains("`statuses: write`"), "{status}");
        }
        assert!(!hint(502).contains("statuses"));
    }

    #[test]
    fn what_a_server_says_is_short_harmless_and_without_the_token() {
        let token = Token::parse("ghs_secret").unwrap();
        let said = format!("::error::\nghs_secret{}", "x".repeat(1_000));
        let clean = clean(&said, &token);
        assert!(clean.starts_with("\\::error::"), "{clean}");
        assert!(!clean.contains("ghs_secret") && clean.chars().count() < 310);
    }
}
