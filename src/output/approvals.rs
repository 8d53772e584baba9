//! Approvals for people and for programs: what the check and `gatecard approvals` share.

use serde_json::{Value, json};

use crate::approval::{Approvals, Purpose, Subject};
use crate::gates::TEST_SET;

/// How many approvals that do not count are told to people for a subject and group.
pub(super) const SHOWN: usize = 10;

/// One entry for each subject and group.
pub(crate) fn approvals_json(approvals: &Approvals) -> Value {
    let entries = approvals.decisions.iter().map(|decision| {
        let counted = decision.counted.iter().map(|each| {
            json!({
                "reviewer": each.reviewer.for_machines(),
                "account": each.account,
                "pull": each.pull,
                "review": each.review,
                "commit": each.commit,
                "at": each.at,
            })
        });
        let discarded = decision.discarded.iter().map(|each| {
            json!({
                "reviewer": each.reviewer.for_machines(),
                "review": each.review,
                "code": each.code,
                "why": each.why.for_machines(),
            })
        });
        let files = match &decision.subject {
            Subject::Prompt(_) => Vec::new(),
            Subject::Files(paths) => paths.iter().map(ToString::to_string).collect(),
        };
        let mut entry = json!({
            "subject": decision.subject.name(),
            "files": files,
            "digest": decision.version,
            "group": decision.group.name,
            "needed": decision.group.who(),
            "counted": counted.collect::<Vec<_>>(),
            "discarded": discarded.collect::<Vec<_>>(),
        });
        if let (Purpose::TestSet, Some(entry)) = (decision.purpose, entry.as_object_mut()) {
            entry.insert(String::from("gate"), json!(TEST_SET));
        }
        entry
    });
    entries.collect()
}

/// One entry for each reviewer who requests changes.
pub(crate) fn change_requests_json(approvals: &Approvals) -> Value {
    let requests = approvals.requests.iter().map(|request| {
        json!({
            "reviewer": request.reviewer.for_machines(),
            "pull": request.pull,
            "review": request.review,
        })
    });
    requests.collect()
}

/// A line for each change request, then one for each subject and group with the approvals below
/// it.
pub(crate) fn approvals_text(approvals: &Approvals) -> Vec<String> {
    let requests = approvals.requests.iter().map(|request| {
        let who = request.reviewer.log();
        format!("✗ {who} requests changes (review {})", request.review)
    });
    let mut lines: Vec<String> = requests.collect();
    for decision in &approvals.decisions {
        let mark = if decision.counted.is_empty() {
            "✗"
        } else {
            "✓"
        };
        let digest = decision
            .prompt_version()
            .map(|digest| format!(" {}", digest.short()));
        lines.push(format!(
            "{mark} {}{} · {}",
            decision.words().log(),
            digest.unwrap_or_default(),
            decision.group.words().log()
        ));
        for each in &decision.counted {
            lines.push(format!(
                "    ✓ {} approved commit {} (review {})",
                each.reviewer.log(),
                each.commit.short(),
                each.review
            ));
        }
        for each in decision.discarded.iter().take(SHOWN) {
            lines.push(format!(
                "    ✗ {} [{}] {}",
                each.reviewer.log(),
                each.code.id(),
                each.why.log()
            ));
        }
        let more = decision.discarded.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("    and {more} more that do not count"));
        }
    }
    lines
}
