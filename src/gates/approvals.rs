//! Eval gate: the groups that the policy names for the risk tier approved this version.

use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::approval::{Approvals as Given, Decision, Purpose};
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::untrusted::Untrusted;
use crate::yaml::{Errors, Node};

pub(crate) struct Approvals;

impl GateKind for Approvals {
    fn id(&self) -> &'static str {
        "approvals"
    }

    fn about(&self) -> &'static str {
        "every group that the policy's `approvals` name for the risk tier approved the version that would be merged, and no reviewer requests changes"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let blocks = node
            .map(|node| node.fields(&["on_fail"], errors))
            .and_then(|fields| fields.get("on_fail")?.one_of(ON_FAIL, errors))
            .unwrap_or(true);
        Box::new(Approved { blocks })
    }
}

struct Approved {
    blocks: bool,
}

impl Gate for Approved {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let mut rulings = Vec::new();
        for change in &facts.changes.changes {
            let id = &change.id;
            let of = |decision: &&Decision| {
                decision.subject.prompt() == Some(id) && decision.purpose == Purpose::Content
            };
            let decisions: Vec<&Decision> = facts.approvals.decisions.iter().filter(of).collect();
            if !decisions.is_empty() {
                rulings.push(ruling(Some(id), facts.approvals, &decisions));
            } else if change.needs_evidence() {
                let found = format!("{} risk", change.risk.id());
                let needed = "the policy names no group for this risk tier";
                rulings.push(not_applicable(Some(id), found, needed));
            }
        }
        if rulings.is_empty() {
            let found = "no prompt got another version";
            rulings.push(not_applicable(None, found, "approval of changed prompts"));
        }
        for ruling in &mut rulings {
            ruling.blocks = self.blocks;
        }
        rulings
    }
}

pub(super) fn not_applicable(
    prompt: Option<&PromptId>,
    found: impl Into<Untrusted>,
    needed: &str,
) -> Ruling {
    let (state, code) = (State::NotApplicable, Code::NotApplicable);
    Ruling::of(prompt, state, code, found, needed)
}

/// Judges one subject: every group must have approved it.
pub(super) fn ruling(prompt: Option<&PromptId>, given: &Given, decisions: &[&Decision]) -> Ruling {
    let names: Vec<&str> = decisions
        .iter()
        .map(|each| each.group.name.as_str())
        .collect();
    let what = match (prompt, decisions) {
        (None, [first, ..]) => {
            let (files, head) = (first.subject.words(), first.head.short());
            let files = files.for_machines();
            format!("{files} as of commit {head}")
        }
        _ => String::from("this version"),
    };
    let needed = format!("approval of {what} by {}", names.join(" and by "));
    let of = |state, code, found: Untrusted| Ruling::of(prompt, state, code, found, &needed);
    if let Some(why) = &given.unknown {
        return of(State::Missing, Code::ApprovalsUnknown, why.clone());
    }
    if !given.requests.is_empty() {
        let who: Vec<&str> = given
            .requests
            .iter()
            .map(|each| each.reviewer.for_machines())
            .collect();
        let found = format!("changes requested by {}", listed(&who));
        return of(State::Fail, Code::ChangesRequested, found.into())
            .fix(format!("make the changes and ask {} again", listed(&who)));
    }
    let lacking: Vec<&&Decision> = decisions
        .iter()
        .filter(|each| each.counted.is_empty())
        .collect();
    let worst = lacking.iter().map(|each| lack(each));
    let Some((state, code)) = worst.min_by_key(|(state, _)| severity(*state)) else {
        let by: Vec<String> = decisions.iter().map(|each| approved(each)).collect();
        return of(
            State::Pass,
            Code::Approved,
            format!("approved by {}", by.join("; ")).into(),
        );
    };
    let found: Vec<String> = lacking.iter().map(|each| told(each)).collect();
    let ruling = of(state, code, found.join("; ").into());
    if state == State::Inconclusive {
        return ruling;
    }
    let ask: Vec<Untrusted> = lacking.iter().map(|each| each.group.words()).collect();
    let ask: Vec<&str> = ask.iter().map(Untrusted::for_machines).collect();
    ruling.fix(format!("ask {} to review {what}", ask.join(" and ")))
}

/// Why a group's approval is lacking. What was approved and changed since is stale; a team
/// that could not be read may hold the reviewer.
fn lack(decision: &Decision) -> (State, Code) {
    let has = |code: Code| decision.discarded.iter().any(|each| each.code == code);
    if !decision.unreadable.is_empty() {
        return (State::Inconclusive, Code::TeamUnreadable);
    }
    for code in [Code::WritersUnknown, Code::AuthorsUnknown] {
        if has(code) {
            return (State::Inconclusive, code);
        }
    }
    let moved = [
        Code::ApprovalStale,
        Code::ApprovalForcePushed,
        Code::ApprovalRetargeted,
        Code::ApprovalUnplaced,
    ];
    match moved.into_iter().find(|code| has(*code)) {
        Some(code) => (State::Stale, code),
        None => (State::Missing, Code::ApprovalMissing),
    }
}

/// Of several groups the one that needs the most is named.
const fn severity(state: State) -> u8 {
    match state {
        State::Missing => 0,
        State::Inconclusive => 1,
        _ => 2,
    }
}

fn approved(decision: &Decision) -> String {
    let who: Vec<&str> = decision
        .counted
        .iter()
        .map(|each| each.reviewer.for_machines())
        .collect();
    format!("{} ({})", listed(&who), decision.group.name)
}

fn told(decision: &Decision) -> String {
    let group = decision.group.words();
    let group = group.for_machines();
    if let Some((team, why)) = decision.unreadable.first() {
        return format!("no approval by {group}: @{team} could not be read: {why}");
    }
    let close = decision
        .discarded
        .iter()
        .filter(|each| each.code != Code::ApprovalNotAMember);
    let why: Vec<String> = close
        .clone()
        .take(3)
        .map(|each| {
            format!(
                "{}: {}",
                each.reviewer.for_machines(),
                each.why.for_machines()
            )
        })
        .collect();
    if why.is_empty() {
        return format!("no approval by {group}");
    }
    let more = match close.count().saturating_sub(3) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("no approval by {group} counts: {}{more}", why.join(", "))
}

fn listed(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(3);
    names.truncate(3);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
