//! Words that nobody can guess, from the operating system.

use std::time::Duration;

/// The operating system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random numbers: {0}")]
pub(crate) struct RandomError(getrandom::Error);

/// 128 random bits as 32 hexadecimal characters.
pub(crate) fn token() -> Result<String, RandomError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// A random time up to `most`; all of it where there are no random numbers.
pub(crate) fn within(most: Duration) -> Duration {
    let mut byte = [0];
    // Whoever waits needs no secret: without randomness, the longest wait does as well.
    if getrandom::fill(&mut byte).is_err() {
        return most;
    }
    let [part] = byte;
    most * u32::from(part) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_and_stay_within_bounds() {
        let most = Duration::from_secs(1);
        let waits: std::collections::BTreeSet<Duration> = (0..64).map(|_| within(most)).collect();
        assert!(waits.len() > 8, "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= most));
    }

    #[test]
    fn tokens_differ_every_time() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_ne!(one, two);
        for token in [one, two] {
            assert_eq!(token.len(), 32);
            assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
