//! An account as GitHub's answers and events write it.

use serde::Deserialize;

use crate::approval::observed::Account;

/// Of a simple user, an app, or the empty object that stands for nobody.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RawAccount {
    /// The id; GraphQL calls it `databaseId`.
    #[serde(default, alias = "databaseId")]
    id: Option<u64>,
    /// The name.
    #[serde(default)]
    login: Option<String>,
    /// `User`, `Bot`, `Organization`, ...; GraphQL does not say it.
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl RawAccount {
    /// The account, if it is one.
    pub(super) fn account(self) -> Option<Account> {
        let login = self.login.unwrap_or_default();
        Some(Account {
            id: self.id?,
            bot: self.kind.as_deref() == Some("Bot") || is_bot(&login),
            login,
        })
    }
}

/// Whether a name is that of an app. No person can have it.
pub(super) fn is_bot(login: &str) -> bool {
    login.ends_with("[bot]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_needs_an_id_and_bots_are_known_by_type_or_name() {
        for (json, expected) in [
            (
                r#"{"id": 7, "login": "ann", "type": "User"}"#,
                Some((7, false)),
            ),
            (
                r#"{"id": 8, "login": "helper", "type": "Bot"}"#,
                Some((8, true)),
            ),
            (
                r#"{"databaseId": 9, "login": "renovate[bot]"}"#,
                Some((9, true)),
            ),
            (r#"{"id": null, "login": "ghost"}"#, None),
            ("{}", None),
        ] {
            let raw: RawAccount = serde_json::from_str(json).unwrap();
            let found = raw.account().map(|account| (account.id, account.bot));
            assert_eq!(found, expected, "{json}");
        }
    }
}
