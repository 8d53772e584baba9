//! The comment's section of approvals.

use super::Room;
use super::rows::Table;
use super::shown::shown;
use crate::approval::Decision;
use crate::output::approvals::SHOWN;
use crate::report::Report;

shown! {
    /// Who approved what.
    Section {
        /// how many approvals are given
        given: usize,
        /// how many are needed
        needed: usize,
        /// who requests changes: `rows` and `more`
        requests: Table<Request>,
        /// what needs whose approval: `rows` and `more`
        decisions: Table<Row>,
    }
}

shown! {
    /// A reviewer who requests changes.
    Request {
        /// the login
        who: String,
        /// the review's id
        review: u64,
    }
}

shown! {
    /// What one group must approve.
    Row {
        /// the prompt or the files
        subject: String,
        /// who must approve
        group: String,
        /// the approvals that count
        counted: String,
        /// those that do not, each with the reason
        discarded: String,
    }
}

/// The section, where there is something to show.
pub(super) fn section(report: &Report, room: Room) -> Option<Section> {
    let approvals = &report.approvals;
    let decisions = &approvals.decisions;
    let given = decisions.iter().filter(|each| !each.counted.is_empty());
    (!approvals.is_empty()).then(|| Section {
        given: given.count(),
        needed: decisions.len(),
        requests: Table::of(approvals.requests.iter(), room, |request| Request {
            who: room.name(&request.reviewer),
            review: request.review,
        }),
        decisions: Table::of(decisions.iter(), room, |decision| row(decision, room)),
    })
}

fn row(decision: &Decision, room: Room) -> Row {
    let digest = decision
        .prompt_version()
        .map(|digest| format!(" `{}`", digest.short()));
    let shown = SHOWN.min(room.rows);
    let counted = decision
        .counted
        .iter()
        .map(|each| format!("{} on `{}`", room.name(&each.reviewer), each.commit.short()));
    let discarded = decision.discarded.iter().map(|each| {
        let (who, why) = (room.name(&each.reviewer), room.name(&each.why));
        format!("{who}: {why} `{}`", each.code.id())
    });
    Row {
        subject: format!(
            "{}{}",
            room.name(&decision.words()),
            digest.unwrap_or_default()
        ),
        group: room.name(&decision.group.words()),
        counted: first(counted, shown),
        discarded: first(discarded, shown),
    }
}

fn first(all: impl ExactSizeIterator<Item = String>, shown: usize) -> String {
    let more = all.len().saturating_sub(shown);
    let mut cells: Vec<String> = all.take(shown).collect();
    if more > 0 {
        cells.push(format!("and {more} more"));
    }
    cells.join("<br>")
}
