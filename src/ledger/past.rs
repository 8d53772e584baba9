//! What the ledger says of the prompts that a change touches: the last version on record, by
//! whom it was approved, what came to the base branch past the gate, how scores went.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::entry::{Body, Merged};
use super::name::bounded;
use super::{Key, Ledger, LedgerError, Stored};
use crate::git::{CommitSha, RepoPath};
use crate::limits::{TREND, UNGATED};
use crate::prompt::Prompt;
use crate::reason::Code;
use crate::units::{Digest, Points, Score};
use crate::untrusted::Untrusted;

/// What the ledger says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// The touched prompts that are on record, by the id that they have at base.
    pub(crate) prompts: BTreeMap<String, Prior>,
    /// What the base branch got past the gate and still has, oldest first.
    pub(crate) ungated: Vec<Ungated>,
    /// The last card of each earlier change of the same prompts, oldest first.
    pub(crate) cards: Vec<Card>,
}

/// What is on record of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prior {
    /// The last version that came to the base branch with a verdict.
    pub(crate) approved: Option<LastApproved>,
    /// Whether the version that is at base now came there so; `None` where the ledger does not
    /// know how it came, since it is older.
    pub(crate) gated: Option<bool>,
    /// Whether somebody's approval of the version that is at base now is on record.
    pub(crate) reviewed: bool,
}

/// A version that came to the base branch with a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastApproved {
    /// The version.
    pub(crate) version: Digest,
    /// Its label.
    pub(crate) label: Option<Untrusted>,
    /// When that was recorded.
    pub(crate) at: DateTime<Utc>,
    /// Who approved it, and for which group. Nobody where the policy asks nobody.
    pub(crate) by: Vec<(Untrusted, Untrusted)>,
}

/// A change that came to the base branch past the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ungated {
    /// The prompt.
    pub(crate) prompt: Untrusted,
    /// The version that it has since.
    pub(crate) version: Option<Digest>,
    /// The base branch's commit, shortened.
    pub(crate) commit: String,
    /// When it was recorded.
    pub(crate) at: DateTime<Utc>,
    /// Why it is ungated: a reason code.
    pub(crate) code: Untrusted,
}

/// A recorded card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Card {
    /// The entry's number.
    pub(crate) seq: u64,
    /// When it was judged.
    pub(crate) at: DateTime<Utc>,
    /// The final score.
    pub(crate) total: Points,
    /// The categories' scores by their keys.
    pub(crate) scores: BTreeMap<String, Score>,
}

impl Past {
    /// Reads what the ledger had at a point in time on some prompts, as they are at base, for a
    /// change whose own head is left out.
    pub(crate) fn read<'p>(
        ledger: &Ledger<'_>,
        prompts: impl Iterator<Item = &'p Prompt>,
        (head, now): (&str, DateTime<Utc>),
    ) -> Result<Self, LedgerError> {
        let amended = amended(ledger)?;
        let known = |key: &Key| -> Result<Vec<Stored>, LedgerError> {
            let mut found = ledger.about(key)?;
            found.retain(|stored| {
                let entry = &stored.entry;
                entry.at.get() < now && !amended.contains(&entry.seq)
            });
            Ok(found)
        };
        let mut past = Self::default();
        let mut cards: BTreeMap<String, Card> = BTreeMap::new();
        for prompt in prompts {
            let id = prompt.id.as_str();
            let entries = known(&Key::Prompt(bounded(id)))?;
            cards.extend(entries.iter().filter_map(|stored| card(stored, head)));
            if let Some(found) = prior(&bounded(id), prompt.version.digest(), &entries) {
                past.prompts.insert(id.to_owned(), found);
            }
        }
        past.cards = cards.into_values().collect();
        past.cards.sort_by_key(|card| card.seq);
        let surplus = past.cards.len().saturating_sub(TREND);
        past.cards.drain(..surplus);
        // A correction of such an entry does not gate what it recorded, so it counts as it is.
        for stored in ledger.about(&Key::Ungated)?.iter().rev().take(UNGATED) {
            if stored.entry.at.get() < now {
                past.ungated.extend(still_ungated(stored, &known)?);
            }
        }
        past.ungated.reverse();
        Ok(past)
    }

    /// The last recorded card.
    pub(crate) fn last(&self) -> Option<&Card> {
        self.cards.last()
    }
}

/// The merges that brought a version as traces name it: its digest, the start of one, or a label.
/// Each is the base branch's commit and the prompt's file there, the newest first.
pub(crate) fn merges(
    ledger: &Ledger<'_>,
    prompt: Option<&str>,
    version: &str,
) -> Result<Vec<(CommitSha, RepoPath)>, LedgerError> {
    let key = match (prompt, Digest::from_hex(version)) {
        (_, Some(digest)) => Key::Version(digest),
        (Some(prompt), None) => Key::Prompt(bounded(prompt)),
        (None, None) => return Ok(Vec::new()),
    };
    let start = version.strip_prefix("sha256:").unwrap_or(version);
    let mut found = Vec::new();
    for stored in ledger.about(&key)?.iter().rev() {
        let Body::Merge(merge) = &stored.entry.body else {
            continue;
        };
        let meant = merge.prompts.iter().filter(|each| {
            let digest = each.to.map(|digest| digest.to_string());
            each.label.as_deref() == Some(version)
                || digest.is_some_and(|digest| start.len() >= 12 && digest.starts_with(start))
        });
        let paths = meant.filter_map(|each| RepoPath::parse(&each.path));
        found.extend(paths.map(|path| (stored.entry.about.head.clone(), path)));
    }
    Ok(found)
}

/// The entries that a later one takes back.
pub(crate) fn amended(ledger: &Ledger<'_>) -> Result<BTreeSet<u64>, LedgerError> {
    let found = ledger.about(&Key::Amendments)?;
    let numbers = found.iter().filter_map(|stored| match &stored.entry.body {
        Body::Amend(amend) => Some(amend.amends),
        _ => None,
    });
    Ok(numbers.collect())
}

fn prior(id: &str, base: Digest, entries: &[Stored]) -> Option<Prior> {
    let merges: Vec<(&Stored, &Merged)> = entries
        .iter()
        .filter_map(|stored| Some((stored, merged(stored, id)?)))
        .collect();
    let now = merges.iter().rev().find(|(_, each)| each.to == Some(base));
    let approved = merges.iter().rev().find_map(|(stored, each)| {
        let version = each.to.filter(|_| each.ungated.is_none())?;
        Some(LastApproved {
            version,
            label: each.label.as_ref().map(Untrusted::from),
            at: stored.entry.at.get(),
            by: approvers(stored, id, version, entries),
        })
    });
    let reviewed = reviews(id, base, entries).is_some_and(|standing| standing);
    (!merges.is_empty() || reviewed).then(|| Prior {
        approved,
        gated: now.map(|(_, each)| each.ungated.is_none()),
        reviewed,
    })
}

/// What a merge says of a prompt.
fn merged<'s>(stored: &'s Stored, id: &str) -> Option<&'s Merged> {
    let Body::Merge(merge) = &stored.entry.body else {
        return None;
    };
    merge.prompts.iter().find(|each| each.id == id)
}

/// Who approved a version, of the approvals that its merge relied on.
fn approvers(
    merge: &Stored,
    id: &str,
    version: Digest,
    entries: &[Stored],
) -> Vec<(Untrusted, Untrusted)> {
    let Body::Merge(body) = &merge.entry.body else {
        return Vec::new();
    };
    let relied = entries
        .iter()
        .filter(|stored| body.relies_on.contains(&stored.entry.seq));
    let mut found: Vec<(&str, &str)> = relied
        .filter_map(|stored| match &stored.entry.body {
            Body::Approve(review) => Some(review),
            _ => None,
        })
        .flat_map(|review| {
            let subjects = review.subjects.iter().filter(|subject| {
                subject.prompt.as_deref() == Some(id) && subject.digest == version
            });
            subjects.map(|subject| (review.reviewer.login.as_str(), subject.group.as_str()))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|(login, group)| (login.into(), group.into()))
        .collect()
}

/// Whether some approval of a version stands; `None` where there never was one.
fn reviews(id: &str, version: Digest, entries: &[Stored]) -> Option<bool> {
    let mut last: BTreeMap<u64, bool> = BTreeMap::new();
    for stored in entries {
        let (review, stands) = match &stored.entry.body {
            Body::Approve(review) => (review, true),
            Body::Dismiss(review) => (review, false),
            // It approves another version than was judged then, and this one still.
            _ => continue,
        };
        let about = |subject: &super::entry::Approved| {
            subject.prompt.as_deref() == Some(id) && subject.digest == version
        };
        if review.subjects.iter().any(about) {
            last.insert(review.review, stands);
        }
    }
    (!last.is_empty()).then(|| last.values().any(|stands| *stands))
}

/// A verdict as a card, by the change that it is about: each has one, the last.
fn card(stored: &Stored, head: &str) -> Option<(String, Card)> {
    let entry = &stored.entry;
    let Body::Verdict(verdict) = &entry.body else {
        return None;
    };
    if !verdict.scored || entry.about.head.as_str() == head {
        return None;
    }
    let about = match entry.about.pull {
        Some(pull) => format!("#{pull}"),
        None => entry.about.head.to_string(),
    };
    let scores = verdict.categories.iter().filter_map(|category| {
        let score = u32::try_from(category.score).ok()?;
        Some((category.id.clone(), Score::from_ten_thousandths(score)?))
    });
    let card = Card {
        seq: entry.seq,
        at: verdict.judged.get(),
        total: Points::from_hundred_millionths(verdict.points),
        scores: scores.collect(),
    };
    Some((about, card))
}

/// What of an ungated change nothing has replaced since.
fn still_ungated(
    stored: &Stored,
    known: &dyn Fn(&Key) -> Result<Vec<Stored>, LedgerError>,
) -> Result<Vec<Ungated>, LedgerError> {
    let entry = &stored.entry;
    let Body::Merge(merge) = &entry.body else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for each in &merge.prompts {
        let Some(code) = &each.ungated else { continue };
        // Nobody could have asked a gate before there was a policy.
        if code == Code::FirstPolicy.id() {
            continue;
        }
        let later = known(&Key::Prompt(each.id.clone()))?;
        let replaced = later.iter().any(|later| {
            let entry = &later.entry;
            entry.seq > stored.entry.seq && merged(later, &each.id).is_some()
        });
        if !replaced {
            found.push(Ungated {
                prompt: (&each.id).into(),
                version: each.to,
                commit: entry.about.head.short().to_owned(),
                at: entry.at.get(),
                code: code.into(),
            });
        }
    }
    found.reverse();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Repo;
    use crate::git::write::NewRepo;
    use crate::ledger::entry::{About, Account, Amend, Approved, Draft, Merge, Review, Time};
    use crate::ledger::place;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn at(day: u32) -> DateTime<Utc> {
        use chrono::TimeZone as _;
        Utc.with_ymd_and_hms(2026, 11, day, 9, 0, 0).unwrap()
    }

    fn approve(review: u64, login: &str, version: &str) -> Body {
        Body::Approve(Review {
            review,
            reviewer: Account {
                login: login.to_owned(),
                id: Some(review),
            },
            commit: None,
            submitted: None,
            subjects: vec![Approved {
                prompt: Some(String::from("refund")),
                files: Vec::new(),
                digest: digest(version),
                group: String::from("product"),
            }],
            code: None,
        })
    }

    fn merge(from: Option<&str>, to: &str, relies_on: &[u64], ungated: Option<&str>) -> Body {
        Body::Merge(Merge {
            prompts: vec![Merged {
                id: String::from("refund"),
                path: String::from("prompts/refund.yaml"),
                renamed_from: None,
                from: from.map(digest),
                to: Some(digest(to)),
                label: None,
                ungated: ungated.map(str::to_owned),
            }],
            files: Vec::new(),
            relies_on: relies_on.to_vec(),
        })
    }

    /// A ledger with these entries, one a day.
    fn ledger(bodies: Vec<Body>) -> (Repo, CommitSha) {
        let repo = NewRepo::in_memory().unwrap();
        let sha = CommitSha::parse(&"a".repeat(40)).unwrap();
        let (mut last, mut files) = (None, Vec::new());
        for (day, body) in (1..).zip(bodies) {
            let about = About {
                repository: None,
                pull: Some(7),
                base_ref: Some(String::from("main")),
                base: sha.clone(),
                head: sha.clone(),
                policy: None,
                actor: None,
                workflow: None,
                tool: String::from("0.1.0"),
            };
            let entry = Draft { about, body }.after(last, at(day));
            let bytes = entry.bytes().unwrap();
            last = Some((entry.seq, Digest::of(&bytes)));
            files.push((place::path(entry.seq, entry.body.kind()), bytes));
        }
        let files = files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.as_slice()));
        let tip = repo.add(None, files, ("entries", 0)).unwrap();
        (repo.into_repo(), tip)
    }

    /// What is on record of `refund` on a day, when base has a version.
    fn known(bodies: Vec<Body>, base: &str, day: u32) -> (Option<Prior>, usize) {
        let (repo, tip) = ledger(bodies);
        let ledger = Ledger::at(&repo, tip);
        let amended = amended(&ledger).unwrap();
        let mut entries = ledger.about(&Key::Prompt(String::from("refund"))).unwrap();
        entries.retain(|stored| {
            stored.entry.at.get() < at(day) && !amended.contains(&stored.entry.seq)
        });
        let none = std::iter::empty::<&Prompt>();
        let past = Past::read(&ledger, none, ("head", at(day))).unwrap();
        let found = prior("refund", digest(base), &entries);
        (found, past.ungated.len())
    }

    #[test]
    fn the_last_approved_version_names_who_approved_it() {
        let bodies = vec![
            approve(1, "ann", "v1"),
            merge(None, "v1", &[1], None),
            approve(2, "bob", "v2"),
            merge(Some("v1"), "v2", &[3], None),
        ];
        let found = known(bodies.clone(), "v2", 20).0.unwrap();
        let last = found.approved.unwrap();
        assert_eq!(last.version, digest("v2"));
        assert_eq!(last.by, vec![("bob".into(), "product".into())]);
        assert_eq!(last.at, at(4));
        assert_eq!((found.gated, found.reviewed), (Some(true), true));
        // A day before the second merge the first one was the last.
        let earlier = known(bodies, "v1", 4).0.unwrap();
        assert_eq!(earlier.approved.unwrap().version, digest("v1"));
    }

    #[test]
    fn an_ungated_change_shows_until_a_gated_one_replaces_it() {
        let mut bodies = vec![
            approve(1, "ann", "v1"),
            merge(None, "v1", &[1], None),
            merge(Some("v1"), "v2", &[], Some("no-verdict")),
        ];
        let (found, ungated) = known(bodies.clone(), "v2", 20);
        let found = found.unwrap();
        assert_eq!(
            (found.gated, found.reviewed, ungated),
            (Some(false), false, 1)
        );
        assert_eq!(found.approved.unwrap().version, digest("v1"));
        bodies.push(merge(Some("v2"), "v3", &[], None));
        assert_eq!(known(bodies, "v3", 20).1, 0);
    }

    #[test]
    fn a_dismissed_approval_is_none_and_a_stale_one_still_is_of_what_it_saw() {
        let Body::Approve(review) = approve(1, "ann", "v1") else {
            unreachable!()
        };
        for (later, reviewed) in [
            (Body::Dismiss(review.clone()), false),
            (Body::Stale(review), true),
        ] {
            let bodies = vec![approve(1, "ann", "v1"), later, merge(None, "v1", &[], None)];
            assert_eq!(known(bodies, "v1", 20).0.unwrap().reviewed, reviewed);
        }
    }

    #[test]
    fn a_version_is_found_by_its_digest_the_start_of_one_or_its_label() {
        let Body::Merge(mut labelled) = merge(None, "v1", &[], None) else {
            unreachable!()
        };
        labelled.prompts[0].label = Some(String::from("3"));
        let bodies = vec![
            Body::Merge(labelled),
            merge(Some("v1"), "v2", &[], Some("no-verdict")),
        ];
        let (repo, tip) = ledger(bodies);
        let ledger = Ledger::at(&repo, tip);
        let full = digest("v1").to_string();
        for (prompt, version, count) in [
            (Some("refund"), full.as_str(), 1),
            (None, full.as_str(), 1),
            (Some("refund"), full.get(..12).unwrap(), 1),
            (Some("refund"), full.get(..11).unwrap(), 0),
            (None, full.get(..12).unwrap(), 0),
            (Some("refund"), "3", 1),
            (Some("other"), "3", 0),
            // It came past the gate, and is there all the same.
            (Some("refund"), &digest("v2").to_string(), 1),
        ] {
            let found = merges(&ledger, prompt, version).unwrap();
            assert_eq!(found.len(), count, "{prompt:?} {version}");
        }
    }

    #[test]
    fn an_amended_entry_supports_nothing() {
        let bodies = vec![
            approve(1, "ann", "v1"),
            merge(None, "v1", &[1], None),
            Body::Amend(Amend {
                amends: 2,
                reason: String::from("of another repository"),
            }),
        ];
        let found = known(bodies, "v1", 20).0.unwrap();
        assert_eq!(
            (found.approved, found.gated, found.reviewed),
            (None, None, true)
        );
    }

    #[test]
    fn a_card_is_the_last_one_of_its_change_and_never_that_of_this_head() {
        use crate::ledger::verdict::Verdict;
        let verdict = |points| {
            Body::Verdict(Box::new(Verdict {
                verdict: String::from("pass"),
                mode: String::from("enforce"),
                judged: Time::of(at(1)),
                scored: true,
                points,
                band: String::from("pilot"),
                pre_production: false,
                changes: Vec::new(),
                files: Vec::new(),
                categories: Vec::new(),
                outcomes: Vec::new(),
                comparisons: Vec::new(),
                coverage: None,
                evidence: Vec::new(),
                approvals: Vec::new(),
                change_requests: Vec::new(),
            }))
        };
        let (repo, tip) = ledger(vec![verdict(300_000_000), verdict(400_000_000)]);
        let entries = Ledger::at(&repo, tip).entries().unwrap();
        let of = |head: &str| -> BTreeMap<String, Card> {
            entries
                .iter()
                .filter_map(|stored| card(stored, head))
                .collect()
        };
        let cards = of("another");
        assert_eq!(cards.len(), 1);
        assert_eq!(cards["#7"].total.to_string(), "4.00");
        assert!(of(&"a".repeat(40)).is_empty());
    }
}
