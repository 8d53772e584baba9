//! A group that must approve a subject, and who is in it.

use super::observed::{Account, Observed, Team};
use crate::policy::people::Member;
use crate::reason::Code;
use crate::untrusted::Untrusted;

/// A group, its `codeowners` resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: String,
    /// Accounts and teams.
    pub(crate) members: Vec<Member>,
    /// Whoever may write to the repository is in it.
    pub(crate) writers: bool,
    /// Addresses that CODEOWNERS names: they cannot be matched to an account.
    pub(crate) emails: Vec<String>,
}

/// Whether an account is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Membership {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Something that would tell could not be read: what.
    Unknown(Code, String),
}

impl Group {
    /// Who is in it, in words.
    pub(crate) fn words(&self) -> Untrusted {
        let mut names = self.who();
        if names.is_empty() {
            names.push(String::from("nobody"));
        }
        format!("{} ({})", self.name, names.join(", ")).into()
    }

    /// Who is in it, one by one.
    pub(crate) fn who(&self) -> Vec<String> {
        let mut names: Vec<String> = self.members.iter().map(ToString::to_string).collect();
        if self.writers {
            names.push(String::from("anyone with write permission"));
        }
        let emails = self.emails.iter();
        names.extend(emails.map(|email| format!("{email}, an address that names no account")));
        names
    }

    /// The teams in it.
    pub(super) fn teams(&self) -> impl Iterator<Item = &String> {
        self.members.iter().filter_map(|member| match member {
            Member::Team(team) => Some(team),
            _ => None,
        })
    }

    /// Tells whether an account is in it. One reason is enough; what could not be read matters
    /// only where there is none.
    pub(super) fn membership(&self, user: Option<&Account>, observed: &Observed) -> Membership {
        let Some(user) = user else {
            return Membership::No;
        };
        let mut unknown = Membership::No;
        for member in &self.members {
            let is = match member {
                Member::Id(id) => *id == user.id,
                Member::Login(login) => login.eq_ignore_ascii_case(&user.login),
                Member::Team(team) => match observed.teams.get(team) {
                    Some(Team::Members(ids)) => ids.contains(&user.id),
                    other => {
                        let why = match other {
                            Some(Team::Unreadable(why)) => why.as_str(),
                            _ => "it was not asked for",
                        };
                        let why = format!("the members of @{team} could not be read: {why}");
                        unknown = Membership::Unknown(Code::TeamUnreadable, why);
                        false
                    }
                },
                Member::Codeowners => false,
            };
            if is {
                return Membership::Yes;
            }
        }
        match observed.writers.get(&user.id) {
            _ if !self.writers => unknown,
            Some(true) => Membership::Yes,
            Some(false) => unknown,
            None => {
                let why = format!("whether {} may write was not asked for", user.login);
                Membership::Unknown(Code::WritersUnknown, why)
            }
        }
    }
}
