//! Words that nobody can guess, from the operating system.

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

#[cfg(test)]
mod tests {
    use super::*;

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
