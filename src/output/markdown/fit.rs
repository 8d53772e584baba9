//! What a place has room for: a report that is too long loses whole sections, in a fixed
//! order, and says which.

use crate::limits::{COMMENT, SUMMARY};
use crate::templates::{Template, Templates};

/// Where the Markdown goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Its name, with the article.
    name: &'static str,
    /// The most bytes that it takes.
    limit: usize,
    /// The page with all of it.
    page: Option<&'a str>,
    /// What holds all of it.
    whole: &'static str,
    /// Which template of the repository is for it.
    own: Own,
}

/// Which template of the repository a place takes.
#[derive(Debug, Clone, Copy)]
enum Own {
    Comment,
    Summary,
    None,
}

impl<'a> Place<'a> {
    /// A comment: GitHub takes 65,536 characters, by some accounts bytes.
    pub(crate) const fn comment(page: Option<&'a str>) -> Self {
        Self {
            name: "a comment",
            limit: COMMENT,
            page,
            whole: "job summary",
            own: Own::Comment,
        }
    }

    /// A check run: GitHub takes 65,535 bytes, of which `beside` are used otherwise.
    pub(crate) const fn check_run(page: Option<&'a str>, beside: usize) -> Self {
        Self {
            name: "a check run",
            limit: COMMENT.saturating_sub(beside),
            page,
            whole: "job summary",
            own: Own::None,
        }
    }

    /// A step summary: GitHub drops the whole of one above 1 MiB.
    pub(crate) const fn summary() -> Self {
        Self {
            name: "a job summary",
            limit: SUMMARY,
            page: None,
            whole: "JSON report",
            own: Own::Summary,
        }
    }

    /// A file, which takes everything.
    pub(crate) const fn file() -> Self {
        Self {
            name: "a file",
            limit: usize::MAX,
            page: None,
            whole: "JSON report",
            own: Own::Comment,
        }
    }

    /// The template of the repository for it.
    pub(super) const fn template(self, templates: &Templates) -> Option<&Template> {
        match self.own {
            Own::Comment => templates.comment.as_ref(),
            Own::Summary => templates.summary.as_ref(),
            Own::None => None,
        }
    }

    /// The most bytes that it takes.
    pub(super) const fn limit(self) -> usize {
        self.limit
    }

    /// Whether `text` fits.
    pub(super) const fn takes(self, text: &str) -> bool {
        text.len() <= self.limit
    }

    /// What was left out of a report that has it, for the footer.
    pub(super) fn left_out(self, room: Room, has: impl Fn(Section) -> bool) -> Option<String> {
        let left_out = room.left_out().iter().filter(|section| has(**section));
        let words: Vec<&str> = left_out.map(|section| section.words()).collect();
        if words.is_empty() {
            return None;
        }
        // Nothing in an address may end the link early.
        let page = self
            .page
            .filter(|page| !page.contains(|c: char| c.is_whitespace() || "()<>[]\\".contains(c)));
        let whole = page.map_or_else(
            || self.whole.to_owned(),
            |page| format!("[{}]({page})", self.whole),
        );
        Some(format!(
            "Left out to fit {}: {}; all of it is in the {whole}",
            self.name,
            words.join(", ")
        ))
    }
}

/// A section that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Coverage,
    Rationale,
    Cases,
    Findings,
    Approvals,
    Evals,
    Scorecard,
    Differences,
}

impl Section {
    /// All of them, the one that goes first first.
    const ALL: [Self; 8] = [
        Self::Coverage,
        Self::Rationale,
        Self::Cases,
        Self::Findings,
        Self::Approvals,
        Self::Evals,
        Self::Scorecard,
        Self::Differences,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Rationale => "why these scores",
            Self::Cases => "newly failing cases",
            Self::Findings => "findings",
            Self::Approvals => "approvals",
            Self::Evals => "evals",
            Self::Scorecard => "scorecard",
            Self::Differences => "what changed in words",
        }
    }
}

/// How much is shown: each step down leaves out one more section, then halves the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// How many sections are left out.
    without: usize,
    /// How many rows a table has.
    pub(super) rows: usize,
    /// How many characters a cell has.
    pub(super) text: usize,
}

impl Room {
    /// Everything.
    pub(super) const ALL: Self = Self {
        without: 0,
        rows: usize::MAX,
        text: 600,
    };

    /// The next step down, of tables with at most `rows` rows; none where nothing is left to
    /// leave out.
    pub(super) fn less(self, rows: usize) -> Option<Self> {
        if self.without < Section::ALL.len() {
            return Some(Self {
                without: self.without + 1,
                ..self
            });
        }
        let rows = self.rows.min(rows);
        (rows > 1).then_some(Self {
            rows: rows / 2,
            text: 200,
            ..self
        })
    }

    /// Whether a section is shown.
    pub(super) fn shows(self, section: Section) -> bool {
        !self.left_out().contains(&section)
    }

    fn left_out(self) -> &'static [Section] {
        Section::ALL.get(..self.without).unwrap_or(&Section::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: usize, rows: usize) -> Option<Room> {
        (0..steps).try_fold(Room::ALL, |room, _| room.less(rows))
    }

    #[test]
    fn sections_go_in_their_order_and_rows_last() {
        for (at, section) in Section::ALL.into_iter().enumerate() {
            assert!(after(at, 100).unwrap().shows(section), "{section:?}");
            assert!(!after(at + 1, 100).unwrap().shows(section), "{section:?}");
        }
        let sections = Section::ALL.len();
        let rows: Vec<usize> = (sections..sections + 7)
            .map(|steps| after(steps, 100).unwrap().rows)
            .collect();
        assert_eq!(rows, [usize::MAX, 50, 25, 12, 6, 3, 1]);
        assert!(after(sections + 7, 100).is_none());
    }

    #[test]
    fn what_was_left_out_is_named_with_where_it_is() {
        let room = after(3, 0).unwrap();
        let has = |section| section != Section::Cases;
        let page = "https://github.com/acme/prompts/actions/runs/1/attempts/1";
        let named = "Left out to fit a comment: coverage, why these scores; all of it is in the ";
        for (page, whole) in [
            (Some(page), format!("[job summary]({page})")),
            (None, String::from("job summary")),
            (Some("https://x.example/a)b"), String::from("job summary")),
        ] {
            let line = Place::comment(page).left_out(room, has);
            assert_eq!(line, Some(format!("{named}{whole}")));
        }
        assert_eq!(Place::comment(Some(page)).left_out(Room::ALL, has), None);
    }
}
