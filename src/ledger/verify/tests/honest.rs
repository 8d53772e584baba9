//! Random honest histories: none of them is accused.

use super::*;
use crate::ledger::entry::Waiver;

/// A small generator: the same seed gives the same history.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// What a clock is off by.
    fn skew(&mut self) -> i64 {
        i64::try_from(self.below(9)).unwrap() - 4
    }

    /// The id of a commit that is gone.
    fn lost(&mut self) -> CommitSha {
        let half = |random: &mut Self| format!("{:020x}", random.below(u64::MAX));
        CommitSha::parse(&format!("{}{}", half(self), half(self))).unwrap()
    }
}

/// A history that is being made.
struct Made {
    world: World,
    random: Random,
    /// The prompts that are there: file and text.
    files: BTreeMap<String, String>,
    pull: u64,
    texts: u64,
}

impl Made {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut files = BTreeMap::from([
            (
                String::from("prompts/refund.md"),
                String::from("Refund {{order}}.\n"),
            ),
            (
                String::from("prompts/greet.md"),
                String::from("Greet {{name}} {{> tone}}.\n"),
            ),
        ]);
        files.insert(
            String::from("prompts/partials/tone.md"),
            String::from("kindly\n"),
        );
        let bootstrap = random.chance(20);
        let mut start: Vec<Edit<'_>> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        start.push(("models.yml", Some("model: openai/gpt-4o-mini\n")));
        if !bootstrap {
            start.push((".github/gatecard.yml", Some(POLICY)));
        }
        let mut made = Self {
            world: World::new(&start),
            random,
            files,
            pull: 0,
            texts: 0,
        };
        if bootstrap {
            made.land(&[(
                String::from(".github/gatecard.yml"),
                Some(POLICY.to_owned()),
            )]);
        }
        made
    }

    fn text(&mut self) -> String {
        self.texts += 1;
        format!("Text {} of {{{{order}}}}.\n", self.texts)
    }

    /// A change of one to three files.
    fn edits(&mut self) -> Vec<(String, Option<String>)> {
        let mut edits: BTreeMap<String, Option<String>> = BTreeMap::new();
        for _ in 0..=self.random.below(2) {
            let prompts: Vec<String> = self
                .files
                .keys()
                .filter(|path| !path.contains("partials"))
                .cloned()
                .collect();
            let text = self.text();
            let which = self.random.below(prompts.len().max(1) as u64);
            let Some(one) = prompts.get(usize::try_from(which).unwrap()).cloned() else {
                edits.insert(format!("prompts/new{}.md", self.texts), Some(text));
                continue;
            };
            match self.random.below(10) {
                0 => edits.insert(format!("prompts/new{}.md", self.texts), Some(text)),
                1 if prompts.len() > 1 && !edits.contains_key(&one) => edits.insert(one, None),
                2 if !edits.contains_key(&one) => {
                    let moved = format!("prompts/moved{}.md", self.texts);
                    let text = self.files[&one].clone();
                    edits.insert(one, None);
                    edits.insert(moved, Some(text))
                }
                3 => edits.insert(String::from("prompts/partials/tone.md"), Some(text)),
                4 => {
                    let model = format!("model: openai/gpt-{}\n", self.texts);
                    edits.insert(String::from("models.yml"), Some(model))
                }
                5 => {
                    let policy = format!("{POLICY}# {}\n", self.texts);
                    edits.insert(String::from(".github/gatecard.yml"), Some(policy))
                }
                6 => edits.insert(
                    String::from("prompts/refund.md"),
                    Some(String::from("Refund {{order}}.\n")),
                ),
                _ => edits.insert(one, Some(text)),
            };
        }
        edits.into_iter().collect()
    }

    fn keep(&mut self, edits: &[(String, Option<String>)]) {
        for (path, text) in edits
            .iter()
            .filter(|(path, _)| path.starts_with("prompts/"))
        {
            match text {
                Some(text) => self.files.insert(path.clone(), text.clone()),
                None => self.files.remove(path),
            };
        }
    }

    fn record(&mut self, drafts: Vec<Draft>) {
        let clock = self.world.tick(30);
        let (made, dated) = (clock + self.random.skew(), clock + self.random.skew());
        self.world.record_at(made, dated, drafts);
    }

    /// A pull request with its runs, merged in one of the ways that there are.
    fn land(&mut self, edits: &[(String, Option<String>)]) {
        let files: Vec<Edit<'_>> = edits
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_deref()))
            .collect();
        let before = self.world.tip.clone();
        let head = self.world.commit(&[&before], &files);
        self.pull += 1;
        let shown = if self.random.chance(50) {
            self.random.lost()
        } else {
            head.clone()
        };
        // With the first policy nothing is judged yet.
        let first = self.world.changes(&before, &head).is_empty();
        if first {
            self.world.push(&files);
            return;
        }
        if self.random.chance(30) {
            let drafts = self.world.judged(self.pull, &head, &shown, false);
            self.record(drafts);
            if self.random.chance(20) {
                self.amend_last();
            }
        }
        let mut drafts = self.world.judged(self.pull, &head, &shown, true);
        if self.random.chance(20) {
            drafts.insert(1, self.waiver(&before, &head, &shown));
        }
        self.record(drafts);
        match self.random.below(3) {
            0 => {
                self.world.push(&files);
            }
            // Rebased, commit by commit.
            1 => {
                self.world.push(&files[..1]);
                if files.len() > 1 {
                    self.world.push(&files[1..]);
                }
            }
            _ => {
                self.world.tip = self.world.commit(&[&before, &head], &files);
            }
        }
        let after = self.world.tip.clone();
        if let Some(merged) = self.world.merged(&before, &after) {
            self.record(vec![merged]);
            if self.random.chance(10) {
                // Recorded by hand again, after a correction.
                self.amend_last();
                let merged = self.world.merged(&before, &after).unwrap();
                self.record(vec![merged]);
            }
        }
        if self.random.chance(10) {
            self.dismiss();
        }
    }

    /// Two pull requests that a queue merges at once.
    fn queue(&mut self) {
        let before = self.world.tip.clone();
        for _ in 0..2 {
            let edits: Vec<_> = self.edits();
            let files: Vec<Edit<'_>> = edits
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_deref()))
                .collect();
            // Each is judged on top of the one before it.
            let tip = self.world.tip.clone();
            let head = self.world.commit(&[&tip], &files);
            if !self.world.changes(&tip, &head).is_empty() {
                self.pull += 1;
                let drafts = self.world.judged(self.pull, &head, &head, true);
                self.record(drafts);
            }
            self.world.push(&files);
            self.keep(&edits);
        }
        let after = self.world.tip.clone();
        if let Some(merged) = self.world.merged(&before, &after) {
            if merged_ungated(&merged) {
                // As the record does: commit by commit where that tells more.
                let middle = self.world.repo.line(&after, |_| false).unwrap().commits[1]
                    .sha
                    .clone();
                let steps = [(&before, &middle), (&middle, &after)];
                let drafts: Vec<Draft> = steps
                    .iter()
                    .filter_map(|(a, b)| self.world.merged(a, b))
                    .collect();
                self.record(drafts);
            } else {
                self.record(vec![merged]);
            }
        }
    }

    fn amend_last(&mut self) {
        let seq: usize = self
            .world
            .batches
            .iter()
            .map(|batch| batch.drafts.len())
            .sum();
        let last = self
            .world
            .batches
            .last()
            .unwrap()
            .drafts
            .last()
            .unwrap()
            .1
            .clone();
        let amend = Draft {
            about: last.about,
            body: Body::Amend(Amend {
                amends: seq as u64,
                reason: String::from("made by mistake"),
            }),
        };
        self.record(vec![amend]);
    }

    /// A reviewer thinks otherwise, once all is merged.
    fn dismiss(&mut self) {
        let drafts = self.world.batches.iter().flat_map(|batch| &batch.drafts);
        let Some((review, about)) = drafts.rev().find_map(|(_, draft)| match &draft.body {
            Body::Approve(review) => Some((review.clone(), draft.about.clone())),
            _ => None,
        }) else {
            return;
        };
        let body = Body::Dismiss(Review {
            code: Some(String::from("approval-dismissed")),
            ..review
        });
        self.record(vec![Draft { about, body }]);
    }

    fn waiver(&self, base: &CommitSha, head: &CommitSha, shown: &CommitSha) -> Draft {
        let about = self.world.about(Some(self.pull), base, head);
        Draft {
            about: About {
                head: shown.clone(),
                ..about
            },
            body: Body::Waiver(Waiver {
                gate: String::from("min_examples"),
                prompt: None,
                version: None,
                by: String::from("ana"),
                expires: String::from("2027-01-01"),
                reason_sha256: Digest::of(b"reason"),
            }),
        }
    }
}

fn merged_ungated(draft: &Draft) -> bool {
    let Body::Merge(merge) = &draft.body else {
        return false;
    };
    merge.prompts.iter().any(|each| each.ungated.is_some())
        || merge.files.iter().any(|each| each.ungated.is_some())
}

fn history(seed: u64) -> World {
    let mut made = Made::new(seed);
    for _ in 0..2 + made.random.below(4) {
        match made.random.below(6) {
            0 => {
                let text = made.text();
                made.world.push(&[("docs/notes.md", Some(&text))]);
            }
            1 => made.queue(),
            _ => {
                let edits = made.edits();
                made.land(&edits);
                made.keep(&edits);
            }
        }
    }
    made.world
}

fn none_is_accused(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let world = history(seed);
        let Some(ledger) = world.ledger.clone() else {
            continue;
        };
        let mut asked = world.ask(Some(ledger));
        asked.anchors = vec![world.anchor()];
        let answer = verify(&asked).unwrap();
        assert_eq!(
            answer.holds,
            Holds::Yes,
            "seed {seed}: {:#?}",
            told(&answer)
        );
    }
}

// A thousand in all, in parts that run beside each other.

#[test]
fn no_honest_history_is_accused_1() {
    none_is_accused(0..250);
}

#[test]
fn no_honest_history_is_accused_2() {
    none_is_accused(250..500);
}

#[test]
fn no_honest_history_is_accused_3() {
    none_is_accused(500..750);
}

#[test]
fn no_honest_history_is_accused_4() {
    none_is_accused(750..1_000);
}
