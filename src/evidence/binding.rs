//! Which eval results were made with which version of a changed prompt, facet by facet.
//!
//! A run is bound to a version exactly if it is stamped with our digest, or if it shows every
//! facet that the pull request changed, and shows each as that version has it; less surely by
//! the commit that it names, or by a label. Nothing that a tool calls an id is trusted: raw
//! prompts are compared as text. Whatever ties a run to a version, the run must not contradict it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::bound::{Tied, is_before, merge, newest};
use super::collect::{EvidenceFile, LoadedRun};
use super::evals::Arm;
use super::revisions::{self, Revisions};
use super::sets::{Kind, Sets};
use super::shows::{declares, shows, template};
use super::tools;
use crate::change::Change;
use crate::policy::Role;
use crate::policy::provenance::Provenance;
use crate::policy::strength::Strength;
use crate::prompt::Prompt;
use crate::prompt::version::Facet;
use crate::units::Digest;

pub(crate) use super::bound::{BoundCase, BoundCases};
pub(crate) use super::freshness::{Cause, Freshness, Weak, age, listed};

/// Evidence that does not count, since who could have written it is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The best that was found.
    pub(crate) found: Provenance,
    /// The least that counts.
    pub(crate) least: Provenance,
}

impl Refused {
    /// What was found, in words.
    pub(crate) fn words(self, what: &str) -> String {
        format!(
            "the {what} are {}, and this prompt needs {}",
            self.found.id(),
            self.least.id()
        )
    }
}

/// The eval runs of one changed prompt.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Runs of this prompt that do not count.
    pub(crate) refused: Option<Refused>,
    /// Runs that are not tied to the head version surely enough.
    pub(crate) weak: Option<Weak>,
    /// Of the head version's evidence.
    pub(crate) freshness: Freshness,
    /// Why runs that name a commit are not bound by it.
    pub(crate) notes: BTreeSet<String>,
    /// Cases of the head version.
    pub(crate) candidate: Option<BoundCases>,
    /// Cases of the base version.
    pub(crate) baseline: Option<BoundCases>,
    /// The eval tools of base and head version, where they are not the same.
    pub(crate) harness: Option<(String, String)>,
    /// The format of the newest run of this prompt.
    pub(crate) format: Option<&'static str>,
    /// When the newest run of this prompt was made.
    pub(crate) newest: Option<DateTime<Utc>>,
    /// The time of the check.
    pub(crate) now: DateTime<Utc>,
    /// The command that makes the results again, where one is known.
    pub(crate) again: Option<String>,
}

/// What counts as a run of a version.
pub(crate) struct Terms<'a> {
    /// The least that must be known of who could have written it.
    pub(crate) provenance: Provenance,
    /// How surely it must be tied to the version.
    pub(crate) strength: Strength,
    /// The policy asks for one eval tool on both sides.
    pub(crate) same_harness: bool,
    /// The policy's command that makes the results again.
    pub(crate) command: Option<String>,
    /// The policy's labels of the prompt.
    pub(crate) labels: Option<&'a BTreeMap<String, Digest>>,
    /// The commits that runs name.
    pub(crate) revisions: &'a Revisions,
    /// Datasets and judges at head.
    pub(crate) sets: &'a Sets,
    /// The time of the merge base: a run from before it cannot have seen the change.
    pub(crate) branched_at: Option<DateTime<Utc>>,
    /// The time of the check.
    pub(crate) now: DateTime<Utc>,
}

/// What a run says about one version.
struct Compared {
    /// It is stamped with our digest.
    stamped: bool,
    /// How surely it is tied to the version; `None` where nothing ties it.
    strength: Option<Strength>,
    /// Facets that it shows as something else.
    different: BTreeSet<Facet>,
    /// Facets that it does not show.
    hidden: BTreeSet<Facet>,
}

impl Compared {
    fn fits(&self) -> Option<Strength> {
        self.strength.filter(|_| self.different.is_empty())
    }
}

/// The runs of one prompt, sorted by what they are of.
struct Sorting<'r, 'a> {
    change: &'a Change,
    terms: &'a Terms<'a>,
    /// The facets that a run has to show.
    owed: BTreeSet<Facet>,
    /// The prompt as if it were new, and all that a run then has to show.
    whole: (Change, BTreeSet<Facet>),
    candidates: Vec<Tied<'r>>,
    baselines: Vec<Tied<'r>>,
    /// The best tie that is not enough.
    weak: Option<Strength>,
    /// In what other runs differ from the head.
    stale: Option<BTreeSet<Cause>>,
    /// The facets that other runs do not show.
    unbound: Option<BTreeSet<Facet>>,
    /// Why runs that name a commit are not bound by it.
    notes: BTreeSet<String>,
}

/// When a run was made, and its format.
type Newest = (Option<DateTime<Utc>>, &'static str);

/// Ties runs to the versions of a changed prompt.
pub(crate) fn bind(
    change: &Change,
    runs: &[LoadedRun],
    files: &[EvidenceFile],
    terms: &Terms<'_>,
) -> Binding {
    let mut refused: Option<Provenance> = None;
    let mut newest = None;
    let mut sorting = Sorting::of(change, terms);
    for run in runs {
        for arm in run.run.arms.iter().filter(|arm| about(arm, change)) {
            let tool = files.get(run.file).map_or("", |file| file.tool);
            newest = newest.max(Some((run.run.made_at, tool)));
            if run.provenance < terms.provenance {
                refused = refused.max(Some(run.provenance));
                continue;
            }
            sorting.sort(run, arm, tool);
        }
    }
    sorting.finish(refused, newest)
}

impl<'r, 'a> Sorting<'r, 'a> {
    fn of(change: &'a Change, terms: &'a Terms<'a>) -> Self {
        let new = Change {
            base: None,
            ..change.clone()
        };
        let all = owed(&new);
        Self {
            change,
            terms,
            owed: owed(change),
            whole: (new, all),
            candidates: Vec::new(),
            baselines: Vec::new(),
            weak: None,
            stale: None,
            unbound: None,
            notes: BTreeSet::new(),
        }
    }

    fn sort(&mut self, run: &'r LoadedRun, arm: &'r Arm, format: &'static str) {
        let Some(head) = &self.change.head else {
            return;
        };
        let old = is_before(run.run.made_at, self.terms.branched_at);
        let to_head = self.to_head((run, arm), head, old);
        let tied = |strength| Tied {
            run,
            arm,
            strength,
            format,
        };
        if let Some(strength) = to_head.fits().filter(|_| run.role != Some(Role::Baseline)) {
            let others = self.other_sets((run, arm), old);
            if strength < self.terms.strength {
                self.weak = self.weak.max(Some(strength));
            } else if others.is_empty() {
                self.candidates.push(tied(strength));
            } else {
                self.stale.get_or_insert_default().extend(others);
            }
            return;
        }
        let base = self.change.base.as_ref();
        let to_base = base.map(|base| self.compare((run, arm), base, (self.change, &self.owed)));
        let fits = to_base.as_ref().and_then(Compared::fits);
        let enough = fits.filter(|strength| *strength >= self.terms.strength);
        if let Some(strength) = enough.filter(|_| run.role != Some(Role::Candidate)) {
            self.baselines.push(tied(strength));
        }
        if run.role == Some(Role::Baseline) {
            return;
        }
        let of_base = fits.is_some_and(|strength| strength < Strength::Exact)
            || to_base.is_some_and(|to_base| to_base.stamped);
        let mut differs = to_head.different;
        let hides_nothing_else = to_head.hidden.is_subset(&self.owed);
        if of_base || (differs.is_empty() && old && hides_nothing_else) {
            differs.extend(&self.owed);
        }
        if differs.is_empty() {
            self.unbound.get_or_insert_default().extend(to_head.hidden);
            if let Some(Err(why)) = self.terms.revisions.of(run) {
                self.notes.insert(why);
            }
        } else {
            let causes = differs.into_iter().map(Cause::Facet);
            self.stale.get_or_insert_default().extend(causes);
        }
    }

    /// Compares a run with the head version. What was made before the branch began is carried
    /// over only if it is of the very same version: it then has to show everything, since more
    /// than this pull request may have changed meanwhile, and a label may have moved.
    fn to_head(&self, (run, arm): (&LoadedRun, &Arm), head: &Prompt, old: bool) -> Compared {
        let mut compared = self.compare((run, arm), head, (self.change, &self.owed));
        if !old || compared.stamped {
            return compared;
        }
        if compared.strength == Some(Strength::Label) {
            compared.strength = None;
        }
        if compared.fits() == Some(Strength::Exact) {
            let (new, all) = &self.whole;
            return self.compare((run, arm), head, (new, all));
        }
        compared
    }

    fn compare(
        &self,
        (run, arm): (&LoadedRun, &Arm),
        prompt: &Prompt,
        (change, owed): (&Change, &BTreeSet<Facet>),
    ) -> Compared {
        let shown = &arm.shown;
        let stamp = shown.stamps.get(prompt.id.as_str());
        let mut compared = Compared {
            stamped: stamp == Some(&prompt.version.digest()),
            strength: None,
            different: BTreeSet::new(),
            hidden: BTreeSet::new(),
        };
        for facet in Facet::ALL {
            let is_owed = owed.contains(&facet);
            if !is_owed && !declares(prompt, facet) {
                continue;
            }
            match shows(shown, prompt, facet, change, is_owed) {
                Some(false) => {
                    compared.different.insert(facet);
                }
                None if is_owed => {
                    compared.hidden.insert(facet);
                }
                Some(true) | None => {}
            }
        }
        // A commit with another version outvotes a stamp, which may come from another checkout.
        if compared.stamped
            && let Some(Ok(held)) = self.terms.revisions.of(run)
            && let Some(version) = held.versions.get(&revisions::key(self.change))
            && *version != prompt.version.digest()
        {
            compared.stamped = false;
        }
        // A stamp of another version: what differs is what tells the two versions apart.
        if stamp.is_some() && !compared.stamped && compared.different.is_empty() {
            compared.different.extend(owed);
        }
        compared.strength = if compared.stamped || compared.hidden.is_empty() {
            Some(Strength::Exact)
        } else if let Some(Ok(held)) = self.terms.revisions.of(run) {
            let version = held.versions.get(&revisions::key(self.change));
            let same = version == Some(&prompt.version.digest());
            if !same && compared.different.is_empty() {
                compared.different.extend(owed);
            }
            same.then_some(Strength::Commit)
        } else {
            self.labels(arm, prompt).then_some(Strength::Label)
        };
        compared
    }

    /// Whether a run is labelled `prompt@label` with a label that leads to this version: one of
    /// the policy's, or the one that the prompt's file declares, where the other version
    /// declares another.
    fn labels(&self, arm: &Arm, prompt: &Prompt) -> bool {
        let Some((_, label)) = labelled(arm).filter(|(name, _)| prompt.is_called(name)) else {
            return false;
        };
        let known = self.terms.labels.and_then(|labels| labels.get(label));
        if let Some(known) = known {
            return *known == prompt.version.digest();
        }
        let declared = |side: &Option<Prompt>| side.as_ref().and_then(|each| each.draft.label());
        let (base, head) = (declared(&self.change.base), declared(&self.change.head));
        base != head && prompt.draft.label().as_deref() == Some(label)
    }

    /// The sets of files that a run is known to be made with others of than the head has: by
    /// stamp or commit, or because it was made before the branch that changes them began.
    fn other_sets(&self, (run, arm): (&LoadedRun, &Arm), old: bool) -> BTreeSet<Cause> {
        let mut others = BTreeSet::new();
        for kind in Kind::ALL {
            let set = self.terms.sets.get(kind);
            let Some(digest) = set.digest else { continue };
            let held = self.terms.revisions.of(run).and_then(Result::ok);
            let shown = match (arm.shown.stamps.get(kind.id()), held) {
                (Some(stamp), _) => Some(*stamp == digest),
                (None, Some(held)) => Some(held.sets.get(&kind) == Some(&Some(digest))),
                (None, None) => None,
            };
            if !shown.unwrap_or(!(set.touched && old)) {
                others.insert(match kind {
                    Kind::Datasets => Cause::Dataset,
                    Kind::Judges => Cause::Judge,
                });
            }
        }
        others
    }

    fn finish(mut self, refused: Option<Provenance>, newest_run: Option<Newest>) -> Binding {
        let terms = self.terms;
        if !self.candidates.is_empty() && !covers_models(self.change, &self.candidates) {
            self.candidates.clear();
            self.unbound.get_or_insert_default().insert(Facet::Model);
        }
        let candidate = newest(self.candidates, terms.now);
        let baseline = newest(self.baselines, terms.now);
        // One side with several models: both name the model, so that the same ones are paired.
        let several = candidate.len() > 1 || baseline.len() > 1;
        let mut candidate = merge(candidate, several, terms.branched_at);
        let baseline = merge(baseline, several, terms.branched_at);
        let sides = baseline.as_ref().zip(candidate.as_ref());
        let harness = sides.and_then(|(base, head)| base.harness(head));
        if terms.same_harness && harness.is_some() {
            candidate = None;
            self.stale = Some(BTreeSet::from([Cause::Harness]));
            self.unbound = None;
            self.weak = None;
        }
        let weak = self.weak.filter(|_| candidate.is_none());
        let freshness = match (&candidate, self.unbound, self.stale) {
            (Some(_), ..) => Freshness::Fresh,
            (None, Some(hidden), _) => Freshness::Unbound(hidden),
            (None, None, _) if weak.is_some() => Freshness::Unbound(BTreeSet::new()),
            (None, None, Some(causes)) => Freshness::Stale(causes),
            (None, None, None) => Freshness::Missing,
        };
        let format = newest_run.map(|(_, format)| format);
        let usual = format.and_then(tools::command).map(str::to_owned);
        Binding {
            refused: refused.map(|found| Refused {
                found,
                least: terms.provenance,
            }),
            weak: weak.map(|found| Weak {
                found,
                least: terms.strength,
            }),
            notes: match freshness {
                Freshness::Unbound(_) => self.notes,
                _ => BTreeSet::new(),
            },
            freshness,
            candidate,
            baseline,
            harness,
            format,
            newest: newest_run.and_then(|(made, _)| made),
            now: terms.now,
            again: terms.command.clone().or(usual),
        }
    }
}

/// Whether the runs cover every model that the head version names: a run of the old model says
/// nothing of the one that was added.
fn covers_models(change: &Change, candidates: &[Tied<'_>]) -> bool {
    let Some(head) = &change.head else {
        return true;
    };
    let mut models = head
        .draft
        .models
        .iter()
        .filter_map(|each| each.model.as_ref());
    models.all(|model| {
        candidates.iter().any(|tied| match &tied.arm.shown.model {
            Some(shown) => shown.same(model),
            // Only a stamp, a commit or a label binds a run that shows no model.
            None => true,
        })
    })
}

/// The facets that a run has to show: those that changed, or all that a new prompt has.
fn owed(change: &Change) -> BTreeSet<Facet> {
    match (&change.base, &change.head) {
        (Some(_), Some(_)) => {
            let mut facets = change.facets.clone();
            facets.remove(&Facet::Metadata);
            facets
        }
        (None, Some(head)) => {
            let mut facets = BTreeSet::from([Facet::Template]);
            for facet in [Facet::Model, Facet::Parameters, Facet::Tools, Facet::Schema] {
                if declares(head, facet) {
                    facets.insert(facet);
                }
            }
            if !head.draft.rest.is_empty() {
                facets.insert(Facet::Parameters);
            }
            if !head.draft.inputs.is_null() {
                facets.insert(Facet::Variables);
            }
            if !head.retrieval.is_empty() {
                facets.insert(Facet::Retrieval);
            }
            facets
        }
        _ => BTreeSet::new(),
    }
}

/// The name and the label of a run that is labelled `prompt@label`.
fn labelled(arm: &Arm) -> Option<(&str, &str)> {
    arm.shown.label.as_deref()?.rsplit_once('@')
}

/// Whether a run is one of this prompt at all, of whatever version.
fn about(arm: &Arm, change: &Change) -> bool {
    let shown = &arm.shown;
    [&change.base, &change.head]
        .into_iter()
        .flatten()
        .any(|prompt| {
            let id = prompt.id.as_str();
            let path = prompt.path.as_str();
            let named = |text: Option<&str>| text.is_some_and(|text| prompt.is_called(text));
            let file = shown.file.as_deref().is_some_and(|file| {
                let file = file.replace('\\', "/");
                let file = file.split('#').next().unwrap_or(&file);
                file == path
                    || file.ends_with(&format!("/{path}"))
                    || (file.contains('/')
                        && path.ends_with(file.trim_start_matches("../").trim_start_matches("./")))
            });
            shown.stamps.contains_key(id)
                || named(shown.label.as_deref())
                || named(labelled(arm).map(|(name, _)| name))
                || file
                || template(shown, prompt) == Some(true)
        })
}
