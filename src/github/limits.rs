//! Rate limits: what GitHub says about them, and until when nothing is asked.

use std::time::{Duration, Instant};

/// Longer than any run: a limit that ends later is none that a run could wait for.
const LONGEST: Duration = Duration::from_hours(24);

/// When a limit of so many seconds ends. A server may name any number.
pub(super) fn end(now: Instant, seconds: u64) -> Option<Instant> {
    now.checked_add(Duration::from_secs(seconds).min(LONGEST))
}

/// What an answer says about waiting.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Seconds that it asks to wait.
    pub(super) retry_after: Option<u64>,
    /// Seconds until the limit is filled again, where it is used up.
    reset: Option<u64>,
}

impl Limits {
    /// Reads the headers.
    pub(super) fn read(header: &dyn Fn(&str) -> Option<String>) -> Self {
        let number = |name| header(name)?.trim().parse::<u64>().ok();
        let reset = || {
            // The server's own clock: ours may be wrong.
            let now = chrono::DateTime::parse_from_rfc2822(&header("date")?).ok()?;
            let now = u64::try_from(now.timestamp()).ok()?;
            Some(
                number("x-ratelimit-reset")?
                    .saturating_sub(now)
                    .saturating_add(1),
            )
        };
        let used_up = number("x-ratelimit-remaining") == Some(0);
        Self {
            retry_after: number("retry-after"),
            reset: if used_up { reset() } else { None },
        }
    }

    /// How long a rate limit makes us wait, if this is one. GitHub also says 403 for it, and a
    /// secondary limit may come without a header; then it asks for a minute.
    pub(super) fn wait(&self, status: u16, message: &str) -> Option<u64> {
        let told = self.retry_after.or(self.reset);
        match status {
            429 => Some(told.unwrap_or(1)),
            403 if message.contains("rate limit") => Some(told.unwrap_or(60)),
            403 => told,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'h> = &'h [(&'h str, &'h str)];

    fn limits(headers: Headers<'_>) -> Limits {
        Limits::read(&|name| {
            let (_, value) = headers.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn a_wait_is_read_from_the_headers_that_github_sends() {
        let date = ("date", "Mon, 05 Jan 2026 12:00:00 GMT");
        let used_up = ("x-ratelimit-remaining", "0");
        let secondary = "You have exceeded a secondary rate limit";
        let cases: [(Headers<'_>, u16, &str, Option<u64>); 6] = [
            (&[("retry-after", "7")], 429, "", Some(7)),
            (&[], 429, "", Some(1)),
            (&[], 403, secondary, Some(60)),
            (&[], 403, "Resource not accessible", None),
            (
                &[date, used_up, ("x-ratelimit-reset", "1767614430")],
                403,
                "",
                Some(31),
            ),
            (&[("retry-after", "7")], 502, "", None),
        ];
        for (headers, status, message, expected) in cases {
            assert_eq!(
                limits(headers).wait(status, message),
                expected,
                "{headers:?} {status}"
            );
        }
    }

    #[test]
    fn no_number_of_seconds_is_too_large() {
        let now = Instant::now();
        for seconds in [0, 60, u64::MAX] {
            let end = end(now, seconds).unwrap();
            assert!(end >= now && end <= now + LONGEST, "{seconds}");
        }
        let header = [("retry-after", "18446744073709551615")];
        assert_eq!(limits(&header).wait(429, ""), Some(u64::MAX));
    }
}
