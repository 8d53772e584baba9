//! Production debugging speed: timed drills on recent issues.

use super::{Category, Scored, View, absent, named};
use crate::evidence::slow::drills::{EXPECTED, MAX_AGE_DAYS, QUESTIONS};
use crate::policy::{CategoryId, Needs};
use crate::units::Score;

/// Fewer drills than five score at most 3.
const FEW: Score = Score::MIDDLE;

pub(super) struct DebuggingSpeed;

impl Category for DebuggingSpeed {
    fn id(&self) -> CategoryId {
        CategoryId::DebuggingSpeed
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            (
                "median minutes: all points below 10, three quarters below the needed time, half below twice that, a quarter below four times",
                200,
            ),
            (
                "questions answered: what, who, cause, reproduced, fix tested",
                100,
            ),
            (
                "at most 3 with fewer than five drills of the last 90 days",
                0,
            ),
        ]
    }

    fn score(&self, view: &View<'_>, needs: Needs) -> Scored {
        let mut scored = Scored::default();
        let add =
            "five timed investigations of recent production issues, see the docs on evidence files";
        let Some(kept) = view.evidence.drills.here() else {
            absent(&view.evidence.drills, &mut scored, 100, "debug drills", add);
            return scored;
        };
        scored.evidence.push(named(kept, &kept.content.owner));
        let today = view.today();
        let recent: Vec<_> = kept
            .content
            .drills
            .iter()
            .filter(|drill| (0..=MAX_AGE_DAYS).contains(&(today - drill.date).num_days()))
            .collect();
        let mut minutes: Vec<u64> = recent.iter().map(|drill| drill.minutes).collect();
        minutes.sort_unstable();
        // The upper of two middle values: a median that flatters nobody.
        let Some(median) = minutes.get(minutes.len() / 2).copied() else {
            scored.flag("debug drills", "none of the last 90 days", false, 100);
            scored.condition = Some(false);
            scored.remedy = Some(format!("repeat the drills; {add}"));
            return scored;
        };
        let limit = match needs {
            Needs::MedianMinutes(minutes) => minutes,
            _ => 30,
        };
        let quarters = match median {
            median if median < 10 => 4,
            median if median < limit => 3,
            median if median < 2 * limit => 2,
            median if median < 4 * limit => 1,
            _ => 0,
        };
        let found = format!("median {median} min of {} drills", recent.len());
        scored.check("median minutes", found, (quarters, 4), 200);
        let answered: u64 = recent.iter().map(|drill| drill.answered).sum();
        let asked = (recent.len() * QUESTIONS.len()) as u64;
        scored.check(
            "questions answered",
            format!("{answered} of {asked}"),
            (answered, asked),
            100,
        );
        scored.condition = Some(median < limit && recent.len() >= EXPECTED);
        if recent.len() < EXPECTED {
            scored.cap = Some((FEW, "fewer than five drills of the last 90 days"));
            scored.remedy = Some(format!("time {} more drills", EXPECTED - recent.len()));
        } else if quarters < 4 {
            scored.remedy = Some(format!(
                "bring the median of {median} min below {}",
                limit.min(10)
            ));
        }
        scored
    }
}
