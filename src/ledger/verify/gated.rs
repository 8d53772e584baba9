//! Gated merges: for everything that a merge entry says was gated, verdicts on record lead from
//! the version before to the version after, and what they rest on held.

use std::collections::{BTreeMap, BTreeSet};

use super::content::approves;
use super::finding::{Code, Findings};
use super::policies::Compared;
use super::{Seen, recomputed};
use crate::git::GitError;
use crate::git::RepoPath;
use crate::ledger::entry::{Merge, Merged, MergedFile};
use crate::ledger::name::bounded;
use crate::ledger::verdict::{Approval, Change, Verdict};
use crate::ledger::{Body, Entry};
use crate::policy::Mode;
use crate::policy::scope::Governance;
use crate::reason::Code as Reason;
use crate::rules::Origin;
use crate::units::Digest;

/// A verdict that a merge relies on.
#[derive(Clone, Copy)]
struct Relied<'a> {
    seq: u64,
    entry: &'a Entry,
    verdict: &'a Verdict,
}

/// How well a verdict supports a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Support {
    /// It passed, and what it rests on held.
    Whole,
    /// It passed, and an approval that it counts was withdrawn before the merge.
    Withdrawn,
    /// It passed, and it or an approval that it counts was amended.
    Amended,
    /// It did not pass, and the policy did not ask to block.
    Advice,
}

/// Looks at one merge entry. Verdicts that are `astray` were made against commits that the
/// branch never had.
pub(super) fn check(
    seen: &Seen<'_>,
    (seq, astray): (u64, &BTreeSet<u64>),
    findings: &mut Findings,
) -> Result<(), GitError> {
    let Some((entry, merge)) = merge(seen, seq) else {
        return Ok(());
    };
    let gated = Gated {
        seen,
        seq,
        branch: entry.about.base_ref.as_deref(),
        relied: &merge.relies_on,
        used: used(seen, seq)?,
        astray,
    };
    let mut used = BTreeSet::new();
    for prompt in &merge.prompts {
        gated.prompt(prompt, &mut used, findings);
    }
    for file in &merge.files {
        gated.file(file, &mut used, findings);
    }
    for number in used {
        gated.policy(number, findings)?;
    }
    Ok(())
}

/// A merge entry.
fn merge<'a>(seen: &'a Seen<'_>, seq: u64) -> Option<(&'a Entry, &'a Merge)> {
    let entry = seen.entry(seq)?;
    match &entry.body {
        Body::Merge(merge) => Some((entry, merge)),
        _ => None,
    }
}

/// The verdicts that merges relied on which the branch had before this one, each with what they
/// let in. A verdict lets something in once: what was taken back since does not come back with it.
fn used<'a>(seen: &'a Seen<'_>, seq: u64) -> Result<BTreeSet<(u64, &'a str)>, GitError> {
    let mut found = BTreeSet::new();
    let Some((own, relied)) = merge(seen, seq).map(|(entry, merge)| (entry, &merge.relies_on))
    else {
        return Ok(found);
    };
    let repo = seen.asked.repo;
    for number in relied {
        let others = seen.relying.get(number).into_iter().flatten();
        // One that comes before what it relies on is wrong itself.
        for other in others.filter(|other| (*number..seq).contains(*other)) {
            let Some((entry, merge)) = merge(seen, *other) else {
                continue;
            };
            let (head, base) = (&entry.about.head, &own.about.base);
            let amended = seen.amended.contains_key(other);
            if amended || !repo.has(head) || !repo.has(base) || !repo.contains(base, head)? {
                continue;
            }
            let prompts = merge.prompts.iter().filter(|each| each.ungated.is_none());
            let ids = prompts.flat_map(|each| [Some(&each.id), each.renamed_from.as_ref()]);
            let files = merge.files.iter().filter(|each| each.ungated.is_none());
            let names = ids.flatten().chain(files.map(|each| &each.path));
            found.extend(names.map(|name| (*number, name.as_str())));
        }
    }
    Ok(found)
}

struct Gated<'a> {
    seen: &'a Seen<'a>,
    seq: u64,
    branch: Option<&'a str>,
    relied: &'a [u64],
    used: BTreeSet<(u64, &'a str)>,
    astray: &'a BTreeSet<u64>,
}

impl<'a> Gated<'a> {
    /// The verdicts before the merge that name a prompt or file. What is gated rests on those
    /// that it relies on; what is not relies on none.
    fn verdicts<'n>(
        &'n self,
        name: &'n str,
        ungated: bool,
    ) -> impl Iterator<Item = Relied<'a>> + use<'a, 'n> {
        let numbers = self.seen.judged.get(name).into_iter().flatten().copied();
        let (seen, seq, branch, relied) = (self.seen, self.seq, self.branch, self.relied);
        let astray = self.astray;
        numbers
            .filter(move |number| *number < seq && (ungated || relied.contains(number)))
            .filter(move |number| !astray.contains(number))
            .filter(move |number| !self.used.contains(&(*number, name)))
            .filter_map(move |number| {
                let entry = seen.entry(number)?;
                let own = entry.about.base_ref.as_deref();
                let Body::Verdict(verdict) = &entry.body else {
                    return None;
                };
                own.is_none_or(|own| Some(own) == branch).then_some(Relied {
                    seq: number,
                    entry,
                    verdict,
                })
            })
    }

    fn prompt(&self, prompt: &Merged, used: &mut BTreeSet<u64>, findings: &mut Findings) {
        let changes = self.changes(prompt);
        let chain = |most: Support| {
            let links: Vec<(Relied<'a>, &'a Change)> = changes
                .iter()
                .filter(|(relied, change)| {
                    let own = |approval: &Approval| approval.prompt.as_ref() == Some(&change.id);
                    let support = self.support(*relied, own);
                    // What did not pass itself is advice at best, whatever came after it.
                    let passes = relied.verdict.verdict == "pass";
                    support.is_some_and(|support| support <= most)
                        && !(passes && self.is_overtaken(*relied, change))
                })
                .copied()
                .collect();
            lead(&links, prompt.from, prompt.to)
        };
        let found = [
            Support::Whole,
            Support::Withdrawn,
            Support::Amended,
            Support::Advice,
        ]
        .into_iter()
        .find_map(|most| Some((most, chain(most)?)));
        self.judge(
            &prompt.id,
            prompt.ungated.as_deref(),
            found.as_ref(),
            findings,
        );
        if let (None, Some((Support::Whole, path))) = (&prompt.ungated, found) {
            self.groups(prompt, &path, findings);
            used.extend(path.iter().map(|(relied, _)| relied.seq));
        }
    }

    fn file(&self, file: &MergedFile, used: &mut BTreeSet<u64>, findings: &mut Findings) {
        let own = |approval: &Approval| approval.files.contains(&file.path);
        let best = self
            .verdicts(&file.path, file.ungated.is_some())
            .filter(|relied| {
                let same = |each: &crate::ledger::verdict::File| {
                    each.path == file.path && each.blob == file.blob
                };
                relied.verdict.files.iter().any(same)
            })
            .filter_map(|relied| Some((self.support(relied, own)?, relied.seq)))
            .min();
        self.judge(&file.path, file.ungated.as_deref(), best.as_ref(), findings);
        if let (None, Some((Support::Whole, seq))) = (&file.ungated, best) {
            used.insert(seq);
        }
    }

    /// Compares what the entry says with the best support that there is.
    fn judge<T>(
        &self,
        name: &str,
        ungated: Option<&str>,
        found: Option<&(Support, T)>,
        findings: &mut Findings,
    ) {
        let support = found.map(|(support, _)| *support);
        let (code, words) = match (ungated, support) {
            (None, Some(Support::Whole)) => return,
            (None, Some(Support::Withdrawn)) => (
                Code::ApprovalWithdrawn,
                format!("{name}: an approval that its verdict counts was withdrawn before"),
            ),
            (None, Some(Support::Amended)) => (
                Code::UngatedChange,
                format!("{name}: what it relies on was amended"),
            ),
            (None, Some(Support::Advice) | None) => (
                Code::UnsupportedMerge,
                format!("{name}: no passing verdict leads from the version before to this one"),
            ),
            (Some(code), Some(Support::Advice)) if code == Reason::VerdictNotPassed.id() => (
                Code::NotEnforced,
                format!("{name}: its verdict did not pass"),
            ),
            (Some(code), _) if code == Reason::FirstPolicy.id() && self.is_first() => {
                (Code::Adopted, format!("{name} came with the first policy"))
            }
            (Some(code), _) => (Code::UngatedChange, format!("{name}: {code}")),
        };
        findings.entry(code, self.seq, words);
    }

    /// Whether the branch had no policy before this merge.
    fn is_first(&self) -> bool {
        let entry = self.seen.entry(self.seq);
        let rules = entry.and_then(|entry| recomputed::rules(self.seen, entry));
        rules.is_some_and(|rules| rules.origin == Origin::Bootstrap)
    }

    /// Every change that a verdict names of a prompt, under its names.
    fn changes(&self, prompt: &Merged) -> Vec<(Relied<'a>, &'a Change)> {
        let mut names: BTreeSet<&str> = BTreeSet::from([prompt.id.as_str()]);
        names.extend(prompt.renamed_from.as_deref());
        let mut found: Vec<(Relied<'a>, &'a Change)> = Vec::new();
        // A queue can rename a prompt more than once.
        loop {
            found.clear();
            let before = names.len();
            let verdicts = names
                .iter()
                .flat_map(|name| self.verdicts(name, prompt.ungated.is_some()));
            let verdicts: BTreeMap<u64, Relied<'a>> =
                verdicts.map(|relied| (relied.seq, relied)).collect();
            for relied in verdicts.values() {
                let own = relied.verdict.changes.iter().filter(|change| {
                    let old = change.renamed_from.as_deref();
                    names.contains(change.id.as_str()) || old.is_some_and(|old| names.contains(old))
                });
                found.extend(own.map(|change| (*relied, change)));
            }
            for (_, change) in &found {
                names.insert(&change.id);
                names.extend(change.renamed_from.as_deref());
            }
            if names.len() == before {
                return found;
            }
        }
    }

    /// Whether the last thing that the same pull request was told of a step, before the merge, is
    /// that it does not pass.
    fn is_overtaken(&self, relied: Relied<'_>, change: &Change) -> bool {
        let about = &relied.entry.about;
        let last = self
            .verdicts(&change.id, true)
            .filter(|later| {
                let own = &later.entry.about;
                own.pull == about.pull && (own.pull.is_some() || own.head == about.head)
            })
            .filter(|later| {
                later.verdict.changes.iter().any(|each| {
                    let ends = |each: &Change| (each.renamed_from.clone(), each.from, each.to);
                    each.id == change.id && ends(each) == ends(change)
                })
            })
            .last();
        last.is_some_and(|last| {
            // To take back a red verdict does not bring back a green one before it.
            let amended = self.seen.amended.get(&last.seq);
            let taken_back = last.seq != relied.seq && amended.is_some_and(|by| *by < self.seq);
            taken_back || last.verdict.verdict != "pass"
        })
    }

    /// How well a verdict supports the part of the merge that some of its approvals are about.
    fn support(&self, relied: Relied<'_>, own: impl Fn(&Approval) -> bool) -> Option<Support> {
        if relied.verdict.verdict != "pass" {
            // Whoever runs a check by hand chooses its mode; whether to block is the policy's word.
            let rules = recomputed::rules(self.seen, relied.entry);
            let enforced = rules.is_some_and(|rules| rules.policy.mode == Mode::Enforce);
            let advises = relied.verdict.mode != "enforce" && !enforced;
            let stands = !self.seen.amended.contains_key(&relied.seq);
            return (advises && stands).then_some(Support::Advice);
        }
        if self.seen.amended.contains_key(&relied.seq) {
            return Some(Support::Amended);
        }
        let approvals = relied.verdict.approvals.iter();
        let states = approvals
            .filter(|approval| own(approval) && !approval.counted.is_empty())
            .map(|approval| self.approved(relied.seq, approval));
        Some(states.max().unwrap_or(Support::Whole))
    }

    /// Whether one of the reviews that a group's approval rests on still stood at the merge.
    fn approved(&self, verdict: u64, approval: &Approval) -> Support {
        let states = approval.counted.iter().map(|review| {
            let mut state = Support::Whole;
            let entries = self.seen.reviews.get(review).into_iter().flatten();
            for seq in entries.take_while(|seq| **seq < self.seq) {
                match self.seen.entry(*seq).map(|entry| &entry.body) {
                    Some(Body::Approve(there)) => {
                        let amended = self.seen.amended.contains_key(seq);
                        state = match (amended, *seq < verdict && approves(there, approval)) {
                            (true, true) => Support::Amended,
                            _ => Support::Whole,
                        };
                    }
                    Some(Body::Dismiss(_) | Body::Stale(_)) => state = Support::Withdrawn,
                    _ => {}
                }
            }
            state
        });
        states.min().unwrap_or(Support::Whole)
    }

    /// Whether every group was asked that the policy in force before the merge needs: verdicts
    /// may have been made under an older one, and say themselves which file they are about.
    fn groups(&self, prompt: &Merged, way: &[(Relied<'a>, &'a Change)], findings: &mut Findings) {
        let entry = self.seen.entry(self.seq);
        let Some(rules) = entry.and_then(|entry| recomputed::rules(self.seen, entry)) else {
            return;
        };
        let path = RepoPath::parse(&prompt.path);
        let rule = path.as_ref().map(|path| rules.policy.scope.of(path));
        let Some(Governance::Governed(rule)) = rule else {
            return;
        };
        if rules.origin != Origin::Base || prompt.from == prompt.to || prompt.to.is_none() {
            return;
        }
        for group in rules.policy.people.needed(rule.risk) {
            let name = bounded(group);
            let asked =
                |each: &Approval| each.prompt.as_ref() == Some(&prompt.id) && each.group == name;
            let asks = |(relied, _): &(Relied<'_>, _)| relied.verdict.approvals.iter().any(asked);
            if !way.iter().any(asks) {
                let words = format!("nothing that it relies on asks {name} for {}", prompt.id);
                findings.entry(Code::GroupMissing, self.seq, words);
            }
        }
    }

    /// Whether a verdict that the merge relies on was made under the policy in force.
    fn policy(&self, number: u64, findings: &mut Findings) -> Result<(), GitError> {
        let Some(about) = self.seen.entry(number).map(|entry| &entry.about) else {
            return Ok(());
        };
        let Some(policy) = &about.policy else {
            let words = format!("relies on entry {number}, which names no policy");
            findings.entry(Code::PolicyOther, self.seq, words);
            return Ok(());
        };
        let compared = self
            .seen
            .policies
            .compare(policy, (&about.base, &about.head))?;
        if let Compared::Lacks(commit) = compared {
            // The first policy stands at the head, which is often gone; its merge entry has it.
            if commit == about.base {
                let words = format!(
                    "relies on entry {number}, whose base {} is not in this clone",
                    commit.short()
                );
                findings.entry(Code::PolicyMissing, self.seq, words);
            }
        } else if policy.origin == Origin::Base.id() {
            let expected = self.seen.policies.path(&about.base)?;
            let expected = expected.map(|path| bounded(path.as_str()));
            if expected
                .as_ref()
                .is_some_and(|expected| *expected != policy.path)
            {
                let words = format!("relies on entry {number}, which is under {}", policy.path);
                findings.entry(Code::PolicyOther, self.seq, words);
            }
        }
        Ok(())
    }
}

/// A way along changes from one version to another, at least one of them.
fn lead<'a>(
    links: &[(Relied<'a>, &'a Change)],
    from: Option<Digest>,
    to: Option<Digest>,
) -> Option<Vec<(Relied<'a>, &'a Change)>> {
    let mut seen = BTreeSet::new();
    let mut next = vec![(from, Vec::new())];
    while let Some((at, way)) = next.pop() {
        // The newest verdict first, as it is the one that was seen last.
        for link in links.iter().rev().filter(|(_, change)| change.from == at) {
            let mut longer = way.clone();
            longer.push(*link);
            if link.1.to == to {
                return Some(longer);
            }
            if seen.insert(link.1.to) {
                next.push((link.1.to, longer));
            }
        }
    }
    None
}
