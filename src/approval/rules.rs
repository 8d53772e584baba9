//! Which reviews approve a subject for a group. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, Membership};
use super::observed::{Account, Moves, Observed, Pull, Review};
use super::{Counted, Discarded};
use crate::git::CommitSha;
use crate::reason::Code;
use crate::units::Digest;

/// What is judged: one subject for one group.
pub(super) struct Case<'a> {
    /// What GitHub said.
    pub(super) observed: &'a Observed,
    /// Who may approve.
    pub(super) group: &'a Group,
    /// The subject's digest at the commit that is judged.
    pub(super) head: Option<Digest>,
    /// Its digest at each commit that a review names, where the clone has the commit.
    pub(super) seen: &'a BTreeMap<CommitSha, Option<Digest>>,
    /// Who opened a pull request that changes the subject, with its number.
    pub(super) openers: &'a BTreeMap<u64, u64>,
    /// Who wrote a commit that changed the subject, by account id.
    pub(super) authors: &'a BTreeMap<u64, CommitSha>,
    /// A commit that changed the subject and whose authors are not known.
    pub(super) unasked: Option<&'a CommitSha>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opinion {
    Approved,
    ChangesRequested,
    Dismissed,
    Unknown,
}

/// The opinion of a review; comments and drafts have none.
pub(super) fn opinion(review: &Review) -> Option<Opinion> {
    match review.state.to_ascii_uppercase().as_str() {
        "COMMENTED" | "PENDING" => None,
        "APPROVED" => Some(Opinion::Approved),
        "CHANGES_REQUESTED" => Some(Opinion::ChangesRequested),
        "DISMISSED" => Some(Opinion::Dismissed),
        _ => Some(Opinion::Unknown),
    }
}

/// The last opinion of each account, by id: a renamed account is the same person. Removed
/// accounts cannot be told apart, so each of their reviews stands for itself.
pub(super) fn latest(pull: &Pull) -> Vec<(&Review, Opinion)> {
    let mut opinions: Vec<(&Review, Opinion)> = pull
        .reviews
        .iter()
        .filter_map(|review| Some((review, opinion(review)?)))
        .collect();
    opinions.sort_by_key(|(review, _)| (review.submitted_at, review.id, &review.state));
    let mut last: BTreeMap<(Option<u64>, u64), (&Review, Opinion)> = BTreeMap::new();
    for (review, opinion) in opinions {
        let id = review.user.as_ref().map(|user| user.id);
        let removed = if id.is_none() { review.id } else { 0 };
        last.insert((id, removed), (review, opinion));
    }
    last.into_values().collect()
}

/// Why a review of a pull request is no approval any more, where GitHub says that it is none.
pub(crate) fn opinion_of(pull: &Pull, id: u64) -> Option<Code> {
    let review = pull.reviews.iter().find(|review| review.id == id)?;
    if opinion(review) == Some(Opinion::Dismissed) {
        return Some(Code::ApprovalDismissed);
    }
    let stands = latest(pull).iter().any(|(last, _)| last.id == id);
    (!stands).then_some(Code::ApprovalReplaced)
}

/// The commits that approvals name.
pub(super) fn approved(pull: &Pull) -> BTreeSet<&CommitSha> {
    latest(pull)
        .into_iter()
        .filter(|(_, opinion)| *opinion == Opinion::Approved)
        .filter_map(|(review, _)| review.commit.as_ref())
        .collect()
}

/// Tells of every reviewer's last review whether it approves the subject for the group.
pub(super) fn tally(case: &Case<'_>) -> (Vec<Counted>, Vec<Discarded>) {
    let (mut counted, mut discarded) = (Vec::new(), Vec::new());
    for pull in &case.observed.pulls {
        for (review, opinion) in latest(pull) {
            match judge(case, pull, review, opinion) {
                Some(Ok(approval)) => counted.push(approval),
                Some(Err((code, why))) => discarded.push(Discarded {
                    reviewer: name(review.user.as_ref()).into(),
                    review: review.id,
                    code,
                    why: why.into(),
                }),
                None => {}
            }
        }
    }
    (counted, discarded)
}

/// A reviewer as people read it.
pub(super) fn name(user: Option<&Account>) -> String {
    user.map_or_else(
        || String::from("a removed account"),
        |user| user.login.clone(),
    )
}

type Reason = (Code, String);

/// `None`: the review is no approval of this group and never was.
fn judge(
    case: &Case<'_>,
    pull: &Pull,
    review: &Review,
    opinion: Opinion,
) -> Option<Result<Counted, Reason>> {
    let discard = |code, why: String| Some(Err((code, why)));
    let approved = opinion == Opinion::Approved;
    let membership = case.group.membership(review.user.as_ref(), case.observed);
    match (opinion, &membership) {
        (Opinion::ChangesRequested, _) => return None,
        (Opinion::Dismissed | Opinion::Unknown, Membership::No | Membership::Unknown(..)) => {
            return None;
        }
        _ => {}
    }
    if let Some(user) = review.user.as_ref().filter(|_| approved)
        && let Some((code, why)) = never(case, user)
    {
        return discard(code, why);
    }
    match membership {
        Membership::Yes => {}
        Membership::No => {
            let why = format!("is not in {}", case.group.name);
            return discard(Code::ApprovalNotAMember, why);
        }
        Membership::Unknown(code, why) => return discard(code, why),
    }
    match opinion {
        Opinion::Dismissed => {
            let why = String::from("the last review was dismissed");
            return discard(Code::ApprovalDismissed, why);
        }
        Opinion::Unknown => {
            let why = format!("the last review has the state `{}`", review.state);
            return discard(Code::ApprovalUnknownState, why);
        }
        Opinion::Approved | Opinion::ChangesRequested => {}
    }
    Some(of_member(case, pull, review))
}

/// Whoever opened the pull request, or is a bot, approves for nobody.
fn never(case: &Case<'_>, user: &Account) -> Option<Reason> {
    if user.bot {
        return Some((Code::ApprovalBot, String::from("is a bot")));
    }
    let opened = case.openers.get(&user.id)?;
    let why = format!("opened pull request {opened}");
    Some((Code::ApprovalSelf, why))
}

fn of_member(case: &Case<'_>, pull: &Pull, review: &Review) -> Result<Counted, Reason> {
    let unplaced = |why: &str| (Code::ApprovalUnplaced, why.to_owned());
    let user = review
        .user
        .as_ref()
        .ok_or_else(|| unplaced("the account was removed"))?;
    if let Some(commit) = case.authors.get(&user.id) {
        let why = format!("wrote commit {}, which changed it", commit.short());
        return Err((Code::ApprovalAuthor, why));
    }
    if let Some(commit) = case.unasked {
        let why = format!("who wrote commit {} is not known", commit.short());
        return Err((Code::AuthorsUnknown, why));
    }
    let at = review
        .submitted_at
        .ok_or_else(|| unplaced("the review has no time"))?;
    let commit = review
        .commit
        .as_ref()
        .ok_or_else(|| unplaced("the review names no commit"))?;
    let seen = case.seen.get(commit).ok_or_else(|| {
        let why = format!("commit {} is not in this clone", commit.short());
        (Code::ApprovalUnplaced, why)
    })?;
    let commit_name = commit.short();
    let stale = match (*seen, case.head) {
        (Some(then), Some(now)) if then == now => None,
        (Some(then), Some(now)) => Some(format!(
            "approved {} at commit {commit_name}, now it is {}",
            then.short(),
            now.short()
        )),
        // The content of other files is known at every commit, or at none.
        (None, Some(_)) => Some(format!(
            "at commit {commit_name} this prompt did not exist yet, or could not be read"
        )),
        (_, None) => Some(String::from(
            "what would be merged cannot be read, so nothing shows that it was approved",
        )),
    };
    if let Some(why) = stale {
        return Err((Code::ApprovalStale, why));
    }
    not_moved(pull, commit, at)?;
    Ok(Counted {
        reviewer: user.login.as_str().into(),
        account: user.id,
        pull: pull.number,
        review: review.id,
        commit: commit.clone(),
        at,
    })
}

/// GitHub moves an approval to another commit when the branch is force-pushed, so the commit
/// alone does not say what was approved. Times have whole seconds: the same one may be later.
fn not_moved(
    pull: &Pull,
    commit: &CommitSha,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<(), Reason> {
    match &pull.moves {
        Moves::Timeline {
            force_pushed,
            retargeted,
        } => {
            if let Some(time) = force_pushed.filter(|time| *time >= at) {
                let why = format!("given at {}, force-pushed at {}", shown(at), shown(time));
                return Err((Code::ApprovalForcePushed, why));
            }
            if let Some(time) = retargeted.filter(|time| *time >= at) {
                let why = format!("given at {}, retargeted at {}", shown(at), shown(time));
                return Err((Code::ApprovalRetargeted, why));
            }
            Ok(())
        }
        Moves::FirstSeen(first) => {
            if first.get(commit).is_some_and(|seen| at >= *seen) {
                return Ok(());
            }
            let why = format!(
                "GitHub may have moved this approval to commit {} after a force-push, and \
                 gatecard had not seen that commit then: ask for a new review",
                commit.short()
            );
            Err((Code::ApprovalUnplaced, why))
        }
    }
}

fn shown(time: chrono::DateTime<chrono::Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
