//! The members of a team. A workflow's own token may not read them.

use crate::approval::observed::Team;
use crate::github::Client;
use crate::github::account::RawAccount;
use crate::github::error::Call;

const CALL: Call = Call {
    name: "list the members of the team",
    permission: "members: read",
};

/// Reads the members of `org/slug`. What goes wrong is part of the answer: another group may
/// still decide.
pub(crate) async fn read(client: &Client, team: &str) -> Team {
    let Some((org, slug)) = parse(team) else {
        return Team::Unreadable(String::from("it is not of the form `org/team`"));
    };
    let route = format!("/orgs/{org}/teams/{slug}/members?per_page=100");
    match client.list::<RawAccount>(CALL, &route).await {
        Ok(members) => Team::Members(
            members
                .into_iter()
                .filter_map(|member| Some(member.account()?.id))
                .collect(),
        ),
        Err(error) if error.is_forbidden() => {
            Team::Unreadable(String::from("the token may not read it"))
        }
        Err(error) => Team::Unreadable(error.to_string()),
    }
}

/// Parts a team's name, if nothing in it has a meaning in an address.
fn parse(team: &str) -> Option<(&str, &str)> {
    let (org, slug) = team.split_once('/')?;
    let fits = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    (fits(org) && fits(slug)).then_some((org, slug))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_in_an_address_are_teams() {
        assert_eq!(parse("acme/prompt-owners"), Some(("acme", "prompt-owners")));
        for bad in [
            "acme",
            "acme/",
            "/owners",
            "acme/..",
            "acme/a/b",
            "acme/a?b",
            "acme/a b",
            "acme/a%2fb",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
