//! Unseen characters that each belong where they stand, but are too many: a message can be
//! spelled with their being there or not.
//!
//! The bounds are what ordinary text stays well below, counted among the 64 last characters that
//! could carry one, so that plain text around a message does not dilute it. Persian has a joiner
//! in about one word of ten, old spelling of Malayalam one in eight letters; Thai and Khmer with
//! every word marked have a break in four or five letters; variants of ideographs are rare.

use std::collections::{BTreeMap, VecDeque};

use super::scripts;
use super::{Step, steps};

/// How many characters that could carry one are looked at together.
const WINDOW: usize = 64;

/// Unseen characters that ordinary text has some of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Joiner,
    Break,
    Variant,
    Direction,
    WordJoiner,
    Filler,
    Flag,
    Style,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Joiner,
        Self::Break,
        Self::Variant,
        Self::Direction,
        Self::WordJoiner,
        Self::Filler,
        Self::Flag,
        Self::Style,
    ];

    /// How many there may be in a window.
    const fn most(self) -> usize {
        match self {
            Self::Variant | Self::Flag => 8,
            Self::Joiner | Self::Direction | Self::WordJoiner | Self::Filler => 12,
            Self::Style => 16,
            Self::Break => 24,
        }
    }

    /// What they are, and what carries them.
    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Joiner => ["zero-width joiners", "letters that take them"],
            Self::Break => ["zero-width spaces", "letters of scripts without spaces"],
            Self::Variant => ["variation selectors", "characters that take them"],
            Self::Direction => ["direction marks", "right-to-left letters"],
            Self::WordJoiner => ["word joiners", "characters"],
            Self::Filler => ["Hangul fillers", "jamo"],
            Self::Flag => ["flags spelled in tags", "emoji"],
            Self::Style => ["changes between text and emoji style", "emoji"],
        }
    }

    /// Whether a visible character could carry one.
    fn is_carrier(self, c: char) -> bool {
        match self {
            Self::Joiner => scripts::takes_joiner(c),
            Self::Break => scripts::is_unspaced(c),
            Self::Variant => scripts::has_variants(c),
            Self::Direction => scripts::is_right_to_left(c) == Some(true),
            Self::WordJoiner => !c.is_whitespace(),
            Self::Filler => scripts::is_jamo(c),
            Self::Flag | Self::Style => scripts::is_emoji(c),
        }
    }
}

/// More of one kind than ordinary text has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crowd {
    /// What it is of.
    pub(super) kind: Kind,
    /// The byte where the first one too many stands.
    pub(crate) at: usize,
    /// How many are too many.
    pub(crate) surplus: usize,
    most: usize,
    carriers: usize,
}

impl Crowd {
    /// The crowd at its densest: `41 variation selectors in 60 characters that take them`.
    pub(crate) fn name(&self) -> String {
        let [what, carriers] = self.kind.words();
        format!("{} {what} in {} {carriers}", self.most, self.carriers)
    }

    /// Whether this is more than there was.
    pub(crate) fn grew(&self, before: &[Self]) -> bool {
        let old = before.iter().find(|old| old.kind == self.kind);
        old.is_none_or(|old| old.surplus < self.surplus)
    }
}

/// Finds the kinds of which a text has more than ordinary text has.
pub(crate) fn crowds(text: &str) -> Vec<Crowd> {
    if text.is_ascii() {
        return Vec::new();
    }
    let mut counts = Kind::ALL.map(Count::of);
    let mut styles = Styles::default();
    for (at, c, step) in steps(text) {
        match step {
            Step::Seen => {
                let changed = styles.settle();
                for count in &mut counts {
                    count.seen(c);
                    if let (Kind::Style, Some(at)) = (count.kind, changed) {
                        count.found(at);
                    }
                }
                styles.last = scripts::is_emoji(c).then_some((at, c, None));
            }
            Step::Belongs { kind, .. } => {
                if let Some((.., style @ None)) = &mut styles.last {
                    *style = matches!(c, '\u{FE0E}' | '\u{FE0F}').then_some(c);
                }
                for count in counts.iter_mut().filter(|count| Some(count.kind) == kind) {
                    count.found(at);
                }
            }
            Step::Stray => {}
        }
    }
    counts.into_iter().filter_map(|count| count.crowd).collect()
}

/// The style in which each emoji was last written.
#[derive(Default)]
struct Styles {
    known: BTreeMap<char, Option<char>>,
    /// The last character, where it is an emoji, and its selector so far.
    last: Option<(usize, char, Option<char>)>,
}

impl Styles {
    /// Keeps the style of the last character; tells where it stands if it had another before.
    fn settle(&mut self) -> Option<usize> {
        let (at, emoji, style) = self.last.take()?;
        let before = self.known.insert(emoji, style)?;
        (before != style).then_some(at)
    }
}

/// The window of one kind.
struct Count {
    kind: Kind,
    carriers: usize,
    /// After how many carriers each of the last ones stands.
    recent: VecDeque<usize>,
    crowd: Option<Crowd>,
}

impl Count {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            carriers: 0,
            recent: VecDeque::new(),
            crowd: None,
        }
    }

    fn seen(&mut self, c: char) {
        self.carriers += usize::from(self.kind.is_carrier(c));
    }

    fn found(&mut self, at: usize) {
        self.recent.push_back(self.carriers);
        while let Some(first) = self.recent.pop_front() {
            if first + WINDOW > self.carriers {
                self.recent.push_front(first);
                break;
            }
        }
        let most = self.recent.len();
        if most <= self.kind.most() {
            return;
        }
        // Counted from the carrier of the first one.
        let first = self.recent.front().copied().unwrap_or(self.carriers);
        let carriers = (self.carriers - first + 1).min(self.carriers.max(1));
        let kind = self.kind;
        let crowd = self.crowd.get_or_insert(Crowd {
            kind,
            at,
            surplus: 0,
            most,
            carriers,
        });
        crowd.surplus += 1;
        if most > crowd.most {
            (crowd.most, crowd.carriers) = (most, carriers);
        }
    }
}
