//! `--format text`: for a person at a terminal. Aligned by display width; colour only where
//! the terminal shows it.

use unicode_width::UnicodeWidthStr as _;

use super::{Look, Output, RenderError, prior, prompts, trend, words};
use crate::anchor::OnRecord;
use crate::fold::fold;
use crate::gates::Alike;
use crate::limits::SHOWN_CASES;
use crate::policy::Mode;
use crate::prompt::diff::Difference;
use crate::regression::Cases;
use crate::report::{ChangeReport, Report};
use crate::rules::Origin;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// The longest line of prose before it is folded.
const WIDTH: usize = 96;

pub(crate) struct Text;

impl Output for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> &'static str {
        "for a person at a terminal"
    }

    fn is_page(&self) -> bool {
        true
    }

    fn render(&self, report: &Report, look: Look) -> Result<String, RenderError> {
        Ok(page(report, look))
    }
}

/// Renders the whole page.
pub(crate) fn page(report: &Report, look: Look) -> String {
    let mut page = Page {
        out: String::new(),
        look,
    };
    page.headline(report);
    page.gates(report);
    page.waived(report);
    page.changes(report);
    if report.scored {
        page.card(report);
    }
    page.evals(report);
    page.coverage(report);
    page.approvals(report);
    page.findings(report);
    page.footer(report);
    page.out
}

#[derive(Clone, Copy)]
enum Colour {
    Red,
    Green,
    Yellow,
    Bold,
    Dim,
}

struct Page {
    out: String,
    look: Look,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn title(&mut self, text: &str) {
        self.out.push('\n');
        let title = self.paint(text, Colour::Bold);
        self.line(&title);
    }

    fn paint(&self, text: &str, colour: Colour) -> String {
        if !self.look.colour {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Red => "31;1",
            Colour::Green => "32;1",
            Colour::Yellow => "33;1",
            Colour::Bold => "1",
            Colour::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Prose folded at words, later lines indented by `indent`.
    fn prose(&mut self, first: &str, indent: usize, text: &str) {
        for line in fold(first, indent, text, WIDTH) {
            self.line(&line);
        }
    }

    /// Rows in columns; numbers (`right`) are aligned at their end.
    fn table(&mut self, rows: &[Vec<String>], right: &[usize]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                rows.iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| cell.width())
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        for row in rows {
            let mut line = String::from(" ");
            for (at, cell) in row.iter().enumerate() {
                let room = widths
                    .get(at)
                    .copied()
                    .unwrap_or_default()
                    .saturating_sub(cell.width());
                let pad = " ".repeat(room);
                line.push(' ');
                if right.contains(&at) {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
                line.push(' ');
            }
            self.line(&line);
        }
    }

    fn headline(&mut self, report: &Report) {
        let (mark, colour) = match (report.verdict, report.mode) {
            (Verdict::Pass, _) => ("✓", Colour::Green),
            (_, Mode::Advise | Mode::Observe) => ("!", Colour::Yellow),
            (Verdict::Fail | Verdict::Error, Mode::Enforce) => ("✗", Colour::Red),
        };
        let headline = format!("{mark} gatecard: {}", report.headline());
        let headline = self.paint(&headline, colour);
        self.line(&headline);
        if report.governed {
            self.line(&format!("  {}", report.gates()));
        }
        self.prose("  next: ", 8, &report.next.log());
    }

    fn gates(&mut self, report: &Report) {
        let failing = report.failing();
        if failing.is_empty() {
            return;
        }
        self.title("Gates that are not green");
        for alike in failing {
            let Alike { outcome, .. } = alike;
            let ruling = &outcome.ruling;
            let hard = if outcome.hard { ", hard gate" } else { "" };
            let warns = if ruling.blocks { "" } else { ", warns only" };
            self.prose(
                "  ",
                4,
                &format!(
                    "{}: {} [{}]{hard}{warns}",
                    self.gate(&alike),
                    ruling.state.id(),
                    ruling.code.id()
                ),
            );
            self.prose("    found:  ", 12, &ruling.found.log());
            self.prose("    needed: ", 12, &ruling.needed.log());
            self.prose("    fix:    ", 12, &ruling.remedy().log());
        }
    }

    /// A gate and the prompts that it says the same of.
    fn gate(&self, alike: &Alike<'_>) -> String {
        let name = self.paint(alike.outcome.gate, Colour::Bold);
        match alike.prompts.as_slice() {
            [] => name,
            ids => format!("{name} · {}", prompts(ids, Untrusted::log)),
        }
    }

    fn waived(&mut self, report: &Report) {
        let waived = report.waived();
        if !waived.is_empty() {
            self.title("Waived gates");
        }
        for alike in waived {
            let Some(waiver) = &alike.outcome.waiver else {
                continue;
            };
            let ruling = &alike.outcome.ruling;
            self.prose(
                "  ",
                4,
                &format!(
                    "{}: [{}] until {} by {}",
                    self.gate(&alike),
                    ruling.code.id(),
                    waiver.expires,
                    waiver.by.log()
                ),
            );
            self.prose("    found:  ", 12, &ruling.found.log());
            self.prose("    reason: ", 12, &waiver.reason.log());
        }
    }

    fn changes(&mut self, report: &Report) {
        if report.changes.is_empty() && report.governed_files.is_empty() {
            return;
        }
        self.title("What changed");
        for change in &report.changes {
            let id = self.paint(&change.id.log(), Colour::Bold);
            let from = change
                .from
                .as_ref()
                .map(|from| format!(" from {}", from.log()));
            let freshness = change.freshness.as_ref().map(|words| {
                let mut words = vec![words.log()];
                words.extend(change.told.words().iter().map(Untrusted::log));
                format!(" · evidence {}", words.join(", "))
            });
            self.line(&format!(
                "  {id}  {}{}  {}{}",
                change.kind,
                from.unwrap_or_default(),
                version(change),
                freshness.unwrap_or_default()
            ));
            for line in change.told.test_set() {
                self.prose("    ", 6, &line.log());
            }
            if let Some(found) = change.prior.as_ref() {
                self.prose("    ", 6, &prior(found, change.before, Untrusted::log));
            }
            for difference in &change.differences {
                self.difference(difference);
            }
        }
        for file in &report.governed_files {
            let path = self.paint(&file.path.log(), Colour::Bold);
            self.line(&format!("  {path}  {}", file.kind.id()));
        }
    }

    fn difference(&mut self, difference: &Difference) {
        match difference {
            Difference::Value {
                what,
                before,
                after,
            } => {
                let line = words(what, before.as_ref(), after.as_ref(), Untrusted::log);
                self.prose("    ", 6, &line);
            }
            Difference::Text {
                what,
                added,
                removed,
                passages,
            } => {
                self.line(&format!("    {} (+{added} −{removed} lines)", what.log()));
                let sides = passages.iter().flat_map(|(before, after)| {
                    [("−", before, Colour::Red), ("+", after, Colour::Green)]
                });
                for (mark, text, colour) in sides.filter(|(_, text, _)| !text.is_empty()) {
                    let mark = self.paint(mark, colour);
                    self.prose(&format!("      {mark} "), 8, &text.log());
                }
            }
        }
    }

    fn card(&mut self, report: &Report) {
        self.title("Scorecard");
        let mut rows = vec![
            [
                "category", "weight", "score", "weighted", "needs", "", "owner", "trend",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for category in &report.card.categories {
            rows.push(vec![
                category.id.title().to_owned(),
                format!("{} %", category.weight),
                category.score.to_string(),
                category.weighted.to_string(),
                category.threshold.log(),
                String::from(if category.passes { "✓" } else { "✗" }),
                category.owner.log(),
                trend::of_category(report, category.id, category.score),
            ]);
        }
        rows.push(vec![
            String::from("Final"),
            String::new(),
            String::new(),
            report.card.total.to_string(),
            report.card.band.words().to_owned(),
            String::new(),
            String::new(),
            trend::of_total(report),
        ]);
        if report.past.cards.is_empty() {
            for row in &mut rows {
                row.truncate(7);
            }
        }
        self.table(&rows, &[1, 2, 3]);
        let weak: Vec<_> = report
            .card
            .categories
            .iter()
            .filter(|category| !category.passes)
            .collect();
        for category in weak {
            if let Some(remedy) = &category.remedy {
                let first = format!("  to raise {}: ", category.id.title());
                self.prose(&first, 4, &remedy.log());
            }
        }
    }

    fn evals(&mut self, report: &Report) {
        if report.comparisons.is_empty() {
            return;
        }
        self.title("Evals");
        for (prompt, comparison) in &report.comparisons {
            for tested in &comparison.tests {
                let first = format!("  {}: ", prompt.log());
                let words = Untrusted::from(format!("{}; {}", tested.words(), tested.seen()));
                self.prose(&first, 4, &words.log());
            }
            for (what, cases) in [
                ("only at base", &comparison.only_baseline),
                ("only at head", &comparison.only_candidate),
                ("with other content at head", &comparison.changed),
                ("flaky, since their trials disagree", &comparison.flaky),
            ] {
                self.some_cases(what, cases);
            }
            for pair in comparison.newly_failing.iter().take(SHOWN_CASES) {
                let failed = Untrusted::from("failed");
                let reason = pair.reason.as_ref().unwrap_or(&failed);
                let first = format!("    newly failing {}: ", pair.id.log());
                self.prose(&first, 6, &reason.shortened(160).log());
            }
            let more = comparison.newly_failing.len().saturating_sub(SHOWN_CASES);
            if more > 0 {
                self.line(&format!("    and {more} more"));
            }
        }
    }

    /// Names the first of some cases, where there are any.
    fn some_cases(&mut self, what: &str, cases: &Cases) {
        if cases.count == 0 {
            return;
        }
        let ids: Vec<String> = cases.first.iter().map(Untrusted::log).collect();
        let more = match cases.count - cases.first.len() as u64 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let first = format!("    {} cases {what}: ", cases.count);
        self.prose(&first, 6, &format!("{}{more}", ids.join(", ")));
    }

    fn coverage(&mut self, report: &Report) {
        let Some(coverage) = &report.coverage else {
            return;
        };
        self.title("Production traces");
        let whose = if coverage.repository_wide {
            " of all prompts"
        } else {
            ""
        };
        let millis = |value: Option<u64>| {
            value.map_or_else(|| String::from("unknown"), |ms| format!("{ms} ms"))
        };
        self.line(&format!(
            "  {} LLM calls{whose} in {} traces, {} failed · p50 {}, p95 {} · cost {}{}",
            coverage.calls,
            coverage.traces,
            coverage.failed,
            millis(coverage.p50),
            millis(coverage.p95),
            coverage.cost,
            if coverage.estimated > 0 {
                " (estimated)"
            } else {
                ""
            },
        ));
        let lacking: Vec<String> = coverage
            .fields
            .iter()
            .filter(|(_, share)| share.part < share.whole)
            .map(|(id, share)| format!("{id} {share}"))
            .collect();
        if !lacking.is_empty() {
            self.prose("  not on every call: ", 4, &lacking.join(", "));
        }
    }

    fn approvals(&mut self, report: &Report) {
        if report.approvals.is_empty() {
            return;
        }
        self.title("Approvals");
        for line in super::approvals_text(&report.approvals) {
            let indent = line.len() - line.trim_start().len();
            let first = " ".repeat(indent + 2);
            self.prose(&first, indent + 4, line.trim_start());
        }
    }

    fn findings(&mut self, report: &Report) {
        if report.findings.is_empty() && report.formatting.is_empty() {
            return;
        }
        self.title("Findings");
        for finding in &report.findings {
            self.prose("  - ", 4, &finding.log());
        }
        if !report.formatting.is_empty() {
            let ids: Vec<String> = report.formatting.iter().map(Untrusted::log).collect();
            self.prose("  - formatting only, same version: ", 4, &ids.join(", "));
        }
    }

    fn footer(&mut self, report: &Report) {
        self.out.push('\n');
        let origin = match report.policy.origin {
            Origin::Base => "",
            Origin::Bootstrap => " (first policy, from the head)",
            Origin::Simulated => " (simulated)",
        };
        let mut lines = vec![format!(
            "base {} · head {} · policy {} {}{origin}",
            report.range.base.short(),
            report.range.head.short(),
            report.policy.path.log(),
            report.policy.sha256.short(),
        )];
        for file in &report.evidence {
            let digest = file
                .sha256
                .map_or_else(|| String::from("unreadable"), |digest| digest.short());
            lines.push(format!(
                "evidence {} {digest} {} {}",
                file.path.log(),
                file.tool,
                file.provenance.id()
            ));
        }
        lines.extend(report.on_record.as_ref().map(on_record));
        for line in lines {
            let line = self.paint(&format!("  {line}"), Colour::Dim);
            self.line(&line);
        }
    }
}

fn on_record(on_record: &OnRecord) -> String {
    match &on_record.entry {
        Ok(entry) => format!("ledger {} {}", on_record.branch.log(), entry.short()),
        Err(not) => format!("ledger: not recorded, {}", not.why.log()),
    }
}

fn version(change: &ChangeReport) -> String {
    match (change.before, change.after) {
        (Some(before), Some(after)) if before != after => {
            format!("{} → {}", before.short(), after.short())
        }
        (_, Some(after)) => after.short(),
        (Some(before), None) => before.short(),
        (None, None) => String::new(),
    }
}
