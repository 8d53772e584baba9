//! What a change does to the test set: the cases and assertions that the runs of base and head
//! version show. Pure.
//!
//! A test that is dropped or softened looks like a better prompt, so each such case is named.

use std::collections::BTreeSet;

use super::binding::{BoundCase, BoundCases};

/// What of a case differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What is asked.
    Input,
    /// The values that are expected.
    Expected,
    /// The kinds of assertion and their metrics.
    Rules,
    /// The thresholds and weights.
    Thresholds,
    /// The models and prompts of the judges.
    Judges,
    /// Whether it must pass, or must fail.
    Duty,
    /// What graded its answers at base and says nothing at head.
    Graders,
}

impl Part {
    /// Every part.
    pub(crate) const ALL: [Self; 7] = [
        Self::Input,
        Self::Expected,
        Self::Rules,
        Self::Thresholds,
        Self::Judges,
        Self::Duty,
        Self::Graders,
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Expected => "expected",
            Self::Rules => "rules",
            Self::Thresholds => "thresholds",
            Self::Judges => "judges",
            Self::Duty => "duty",
            Self::Graders => "graders",
        }
    }

    fn differs(self, base: &BoundCase, head: &BoundCase) -> bool {
        if self == Self::Graders {
            return base.silent_in(head, |one, other| one == other);
        }
        let (base, head) = (&base.case, &head.case);
        let (before, after) = (base.asserted, head.asserted);
        match self {
            Self::Input => base.input != head.input,
            Self::Expected => before.expected != after.expected,
            Self::Rules => before.rules != after.rules,
            Self::Thresholds => before.thresholds != after.thresholds,
            Self::Judges => before.judges != after.judges,
            Self::Duty => base.duty != head.duty,
            Self::Graders => false,
        }
    }
}

/// How two test sets differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Drift {
    /// Cases that only the base version ran.
    pub(crate) removed: Vec<String>,
    /// Cases that only the head version ran.
    pub(crate) added: Vec<String>,
    /// Cases of both that are not the same, and in what.
    pub(crate) changed: Vec<(String, BTreeSet<Part>)>,
    /// Cases that are the same: what is compared.
    pub(crate) same: usize,
}

impl Drift {
    /// Compares the cases of two versions.
    pub(crate) fn between(baseline: &BoundCases, candidate: &BoundCases) -> Self {
        let mut drift = Self::default();
        for (id, base) in &baseline.cases {
            let Some(head) = candidate.cases.get(id) else {
                drift.removed.push(id.clone());
                continue;
            };
            let mut parts: BTreeSet<Part> = Part::ALL
                .into_iter()
                .filter(|part| part.differs(base, head))
                .collect();
            let alike = base.case.is_alike(&head.case);
            if parts.is_empty() && !alike {
                parts.insert(Part::Rules);
            }
            if alike {
                drift.same += 1;
            }
            if !parts.is_empty() {
                drift.changed.push((id.clone(), parts));
            }
        }
        let new = |id: &&String| !baseline.cases.contains_key(*id);
        drift.added = candidate.cases.keys().filter(new).cloned().collect();
        drift
    }

    /// Whether it asks less than before, as far as can be told: cases that are only added do
    /// not.
    pub(crate) const fn may_ask_less(&self) -> bool {
        !self.removed.is_empty() || !self.changed.is_empty()
    }

    /// One line for each kind of difference, with the first cases.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |what: &str, ids: &[&str]| {
            if !ids.is_empty() {
                lines.push(format!("{} {what}: {}", cases(ids.len()), first(ids)));
            }
        };
        add("removed", &refs(&self.removed));
        for part in Part::ALL {
            let changed: Vec<&str> = self
                .changed
                .iter()
                .filter(|(_, parts)| parts.contains(&part))
                .map(|(id, _)| id.as_str())
                .collect();
            add(&format!("with another {}", one(part)), &changed);
        }
        add("added", &refs(&self.added));
        lines
    }

    /// All of it in one line.
    pub(crate) fn words(&self) -> String {
        let mut words = self.lines();
        words.push(format!("{} compared", cases(self.same)));
        words.join("; ")
    }
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// A part as one says it of a single case.
const fn one(part: Part) -> &'static str {
    match part {
        Part::Input => "input",
        Part::Expected => "expected value",
        Part::Rules => "kind of assertion",
        Part::Thresholds => "threshold or weight",
        Part::Judges => "judge",
        Part::Duty => "duty (must pass, must fail)",
        Part::Graders => "set of metrics (fewer say something of the answer)",
    }
}

fn cases(count: usize) -> String {
    match count {
        1 => String::from("1 case"),
        count => format!("{count} cases"),
    }
}

fn first(ids: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = ids.iter().take(SHOWN).copied().collect();
    match ids.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::evidence::evals::Duty;
    use crate::evidence::evals::tests::arm_of;

    type Said<'a> = (&'a str, [&'a str; 4], Option<Duty>);

    fn bound(cases: &[Said<'_>]) -> BoundCases {
        let cases = arm_of(cases).cases.into_iter().map(|case| {
            let case = Arc::clone(&case);
            let id = case.id.clone();
            let metrics = Arc::from([]);
            (
                id,
                BoundCase {
                    case,
                    file: 0,
                    metrics,
                },
            )
        });
        BoundCases {
            cases: cases.collect(),
            ..BoundCases::default()
        }
    }

    #[test]
    fn every_way_to_ask_for_less_is_named() {
        let same = ["e", "r", "t", "j"];
        let case = |name| (name, same, None);
        for (what, head, lines, less) in [
            ("nothing", vec![case("a"), case("b")], vec![], false),
            (
                "a case removed",
                vec![case("a")],
                vec!["1 case removed: b"],
                true,
            ),
            (
                "a case added",
                vec![case("a"), case("b"), case("c")],
                vec!["1 case added: c"],
                false,
            ),
            (
                "a case renamed",
                vec![case("a"), case("c")],
                vec!["1 case removed: b", "1 case added: c"],
                true,
            ),
            (
                "another value expected",
                vec![case("a"), ("b", ["E", "r", "t", "j"], None)],
                vec!["1 case with another expected value: b"],
                true,
            ),
            (
                "another kind of assertion",
                vec![case("a"), ("b", ["e", "R", "t", "j"], None)],
                vec!["1 case with another kind of assertion: b"],
                true,
            ),
            (
                "another threshold and judge",
                vec![case("a"), ("b", ["e", "r", "T", "J"], None)],
                vec![
                    "1 case with another threshold or weight: b",
                    "1 case with another judge: b",
                ],
                true,
            ),
            (
                "it must pass no more",
                vec![("a", same, None), ("b", same, Some(Duty::Canary))],
                vec!["1 case with another duty (must pass, must fail): b"],
                true,
            ),
        ] {
            let drift = Drift::between(&bound(&[case("a"), case("b")]), &bound(&head));
            assert_eq!(drift.lines(), lines, "{what}");
            assert_eq!(drift.may_ask_less(), less, "{what}");
        }
    }

    #[test]
    fn many_cases_are_counted_and_the_first_are_named() {
        let names: Vec<String> = (0..9).map(|number| format!("c{number}")).collect();
        let all: Vec<Said<'_>> = names
            .iter()
            .map(|name| (name.as_str(), ["e", "r", "t", "j"], None))
            .collect();
        let drift = Drift::between(&bound(&all), &bound(&all[..2]));
        let want = "7 cases removed: c2, c3, c4 and 4 more; 2 cases compared";
        assert_eq!(drift.words(), want);
    }
}
