//! How a score went: one block for each card, the newest at the end.

use crate::policy::CategoryId;
use crate::report::Report;
use crate::units::Score;

/// From a score of 1 to one of 5.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The trend of a category: its recorded scores and the one of this card; empty where nothing
/// is on record.
pub(crate) fn of_category(report: &Report, id: CategoryId, now: Score) -> String {
    let before = report
        .past
        .cards
        .iter()
        .filter_map(|card| card.scores.get(id.id()).copied());
    line(
        before.map(|score| u64::from(score.ten_thousandths()) * 10_000),
        u64::from(now.ten_thousandths()) * 10_000,
    )
}

/// The trend of the final score, likewise.
pub(crate) fn of_total(report: &Report) -> String {
    let before = report
        .past
        .cards
        .iter()
        .map(|card| card.total.hundred_millionths());
    line(before, report.card.total.hundred_millionths())
}

/// Scores in 10^-8 points.
fn line(before: impl Iterator<Item = u64>, now: u64) -> String {
    let mut scores: Vec<u64> = before.collect();
    if scores.is_empty() {
        return String::new();
    }
    scores.push(now);
    scores.into_iter().map(block).collect()
}

fn block(score: u64) -> char {
    // The nearest of eight levels between 1 and 5.
    let above = score.saturating_sub(100_000_000);
    let level = (above * 7 + 200_000_000) / 400_000_000;
    let level = usize::try_from(level).unwrap_or_default();
    BLOCKS.get(level).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_score_is_the_lowest_block_and_the_highest_the_highest() {
        for (score, expected) in [
            (0, '▁'),
            (100_000_000, '▁'),
            (130_000_000, '▂'),
            (300_000_000, '▅'),
            (430_000_000, '▇'),
            (500_000_000, '█'),
            (u64::MAX / 8, '█'),
        ] {
            assert_eq!(block(score), expected, "{score}");
        }
    }

    #[test]
    fn a_first_card_has_no_trend() {
        assert_eq!(line([].into_iter(), 400_000_000), "");
        assert_eq!(
            line([100_000_000, 300_000_000].into_iter(), 500_000_000),
            "▁▅█"
        );
    }
}
