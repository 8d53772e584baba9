//! How surely runs are tied to versions, and of what they are stale: real commits, runs as a
//! reader would hand them on.

use chrono::{DateTime, TimeDelta, Utc};

use super::binding::{Binding, Terms, bind};
use super::collect::{EvidenceFile, LoadedRun, Use};
use super::evals::tests::arm;
use super::evals::{EvalRun, Revision};
use super::revisions::Revisions;
use super::sets::{Kind, Sets};
use crate::change::{ChangeSet, Range};
use crate::git::Repo;
use crate::git::write::NewRepo;
use crate::policy::Role;
use crate::policy::provenance::Provenance;
use crate::policy::strength::Strength;
use crate::rules::Rules;
use crate::units::Digest;

/// When the base was committed.
const BASE: i64 = 1_800_000_000;
/// When it is judged.
const NOW: i64 = BASE + 10 * 86_400;

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\nretrieval: [retrieval.yml]\n\
    datasets: [\"evals/*.json\"]\njudges: [\"judges/**\"]\n";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A change of the retrieval settings, which no eval tool shows, and the commits around it.
struct World {
    _folder: tempfile::TempDir,
    repo: Repo,
    range: Range,
    rules: Rules,
    changes: ChangeSet,
    /// The commit before the base, whose prompt is another one.
    before: String,
}

impl World {
    fn new(head: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewRepo::init(folder.path()).unwrap();
        let add = |parent, files: &[(&str, &str)], seconds| {
            let files = files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes()));
            new.add(parent, files, ("a commit", seconds)).unwrap()
        };
        let before = add(
            None,
            &[("prompts/a.md", "---\nversion: 0\n---\nZero {{x}}.\n")],
            BASE - 100,
        );
        let files = [
            ("gatecard.yml", POLICY),
            ("prompts/a.md", "---\nversion: 1\n---\nSay {{x}}.\n"),
            ("retrieval.yml", "top_k: 3\n"),
            ("evals/a.json", "[1]"),
            ("judges/a.md", "Judge it."),
        ];
        let base = add(Some(&before), &files, BASE);
        let head = add(Some(&base), head, BASE + 100);
        let repo = Repo::open(folder.path()).unwrap();
        let range = Range::resolve(&repo, base.as_str(), head.as_str()).unwrap();
        let rules = Rules::find(&repo, &range.base, &range.head, None).unwrap();
        let changes = ChangeSet::between(&repo, &range, &rules.policy, &rules.path).unwrap();
        let before = before.to_string();
        Self {
            _folder: folder,
            repo,
            range,
            rules,
            changes,
            before,
        }
    }

    /// Another `top_k`.
    fn retrieval() -> Self {
        Self::new(&[("retrieval.yml", "top_k: 5\n")])
    }

    fn commit(&self, name: &str) -> String {
        match name {
            "base" => self.range.base.to_string(),
            "head" => self.range.head.to_string(),
            "before" => self.before.clone(),
            other => other.to_owned(),
        }
    }

    fn bind(&self, runs: &[LoadedRun], change: impl Fn(&mut Terms<'_>)) -> Binding {
        let policy = &self.rules.policy;
        let revisions = Revisions::read(&self.repo, policy, &self.changes, runs);
        let sets = Sets::at_head(&self.repo, &self.range.head, policy, &self.changes).unwrap();
        let files: Vec<EvidenceFile> = runs.iter().map(|_| file()).collect();
        let mut terms = Terms {
            provenance: Provenance::AuthorSupplied,
            strength: Strength::Label,
            same_harness: false,
            command: None,
            labels: None,
            revisions: &revisions,
            sets: &sets,
            branched_at: self.repo.time(&self.range.merge_base),
            now: at(NOW),
        };
        change(&mut terms);
        bind(&self.changes.changes[0], runs, &files, &terms)
    }

    /// Freshness and strength of one run.
    fn one(&self, run: LoadedRun) -> String {
        words(&self.bind(&[run], |_| {}))
    }
}

fn file() -> EvidenceFile {
    EvidenceFile {
        path: String::from("run.json"),
        sha256: None,
        used_as: Use::Evals,
        tool: "promptfoo",
        tool_version: None,
        provenance: Provenance::AuthorSupplied,
        problem: None,
    }
}

fn words(binding: &Binding) -> String {
    let strength = binding.candidate.as_ref().map(|bound| bound.strength.id());
    format!(
        "{} {}",
        binding.freshness.words(),
        strength.unwrap_or("none")
    )
}

/// A run that names the prompt and says nothing else of it, made a day after the base.
fn run(label: &str) -> LoadedRun {
    let mut arm = arm(&["case"]);
    arm.shown.label = Some(label.to_owned());
    LoadedRun {
        file: 0,
        role: None,
        provenance: Provenance::AuthorSupplied,
        run: EvalRun {
            made_at: Some(at(BASE) + TimeDelta::days(1)),
            arms: vec![arm],
            ..EvalRun::default()
        },
    }
}

/// The same, of a commit.
fn of(commit: &str, dirty: Option<bool>) -> LoadedRun {
    let mut run = run("prompts/a");
    run.run.revision = Some(Revision {
        commit: commit.to_owned(),
        dirty,
    });
    run
}

/// A run that is stamped with the head version, and with what is given.
fn stamped(world: &World, mut run: LoadedRun, stamps: &[(&str, Digest)]) -> LoadedRun {
    let head = world.changes.changes[0].head.as_ref().unwrap();
    let own = [("prompts/a", head.version.digest())].into_iter();
    let all = own.chain(stamps.iter().copied());
    let all = all.map(|(key, digest)| (key.to_owned(), digest));
    run.run.arms[0].shown.stamps = all.collect();
    run
}

#[test]
fn a_clean_commit_ties_a_run_to_the_version_that_it_holds() {
    let world = World::retrieval();
    let clean = Some(false);
    for (name, length, dirty, want) in [
        ("head", 40, clean, "fresh commit"),
        ("head", 7, clean, "fresh commit"),
        ("head", 6, clean, "unbound none"),
        ("head", 40, Some(true), "unbound none"),
        ("head", 40, None, "unbound none"),
        ("base", 40, clean, "stale(retrieval) none"),
        ("before", 40, clean, "stale(retrieval) none"),
        ("0123456789abcdef", 16, clean, "unbound none"),
        ("HEAD", 4, clean, "unbound none"),
        ("refs/heads/x", 12, clean, "unbound none"),
        ("é234567", 8, clean, "unbound none"),
    ] {
        let commit = world.commit(name);
        let found = world.one(of(commit.get(..length).unwrap(), dirty));
        assert_eq!(found, want, "{name} {length} {dirty:?}");
    }
}

#[test]
fn why_a_commit_does_not_count_is_said() {
    let world = World::retrieval();
    let head = world.commit("head");
    for (commit, dirty, why) in [
        (head.as_str(), Some(true), "files differed from it"),
        (head.as_str(), None, "does not say whether files differed"),
        ("0123456789ab", Some(false), "no one commit of that name"),
        ("v1.2", Some(false), "no commit id of 7 characters"),
    ] {
        let binding = world.bind(&[of(commit, dirty)], |_| {});
        let notes: Vec<&String> = binding.notes.iter().collect();
        assert_eq!(notes.len(), 1, "{commit}");
        assert!(notes[0].contains(why), "{commit}: {notes:?}");
    }
    // What is tied otherwise needs no excuse.
    let stamped = stamped(&world, of(&head, Some(true)), &[]);
    let binding = world.bind(&[stamped], |_| {});
    assert_eq!(words(&binding), "fresh exact");
    assert!(binding.notes.is_empty());
}

#[test]
fn base_and_head_commits_give_both_sides() {
    let world = World::retrieval();
    let runs = ["base", "head"].map(|name| of(&world.commit(name), Some(false)));
    let binding = world.bind(&runs, |_| {});
    assert_eq!(words(&binding), "fresh commit");
    assert_eq!(
        binding.baseline.map(|bound| bound.strength),
        Some(Strength::Commit)
    );
}

#[test]
fn a_label_ties_only_where_it_leads_to_one_version() {
    // The file declares another version than before, or it does not.
    let bumped = World::new(&[
        ("prompts/a.md", "---\nversion: 2\n---\nSay {{x}}.\n"),
        ("retrieval.yml", "top_k: 5\n"),
    ]);
    let kept = World::retrieval();
    for (world, label, want) in [
        (&bumped, "prompts/a@2", "fresh label"),
        (&bumped, "prompts/a@1", "stale(retrieval) none"),
        (&bumped, "prompts/a@3", "unbound none"),
        (&bumped, "prompts/a", "unbound none"),
        (&bumped, "prompts/b@2", "missing none"),
        (&kept, "prompts/a@1", "unbound none"),
    ] {
        assert_eq!(world.one(run(label)), want, "{label}");
    }
    let head = kept.changes.changes[0].head.as_ref().unwrap();
    let version = head.version.digest();
    for (label, digest, want) in [
        ("prompts/a@stable", version, "fresh label"),
        ("prompts/a@stable", Digest::of(b"other"), "unbound none"),
        ("prompts/a@other", version, "unbound none"),
    ] {
        let labels = [(String::from("stable"), digest)].into();
        let runs = [run(label)];
        let found = kept.bind(&runs, |terms| {
            // The terms live as long as the call.
            terms.labels = Some(Box::leak(Box::new(std::collections::BTreeMap::clone(
                &labels,
            ))));
        });
        assert_eq!(words(&found), want, "{label}");
    }
}

#[test]
fn a_tie_weaker_than_the_risk_asks_for_is_said_and_does_not_count() {
    let world = World::retrieval();
    let runs = ["base", "head"].map(|name| of(&world.commit(name), Some(false)));
    for (least, want, enough) in [
        (Strength::Label, "fresh commit", true),
        (Strength::Commit, "fresh commit", true),
        (Strength::Exact, "unbound none", false),
    ] {
        let binding = world.bind(&runs, |terms| terms.strength = least);
        assert_eq!(words(&binding), want, "{least:?}");
        assert_eq!(binding.weak.is_none(), enough, "{least:?}");
        assert_eq!(binding.baseline.is_some(), enough, "{least:?}");
    }
}

/// Another dataset, another judge and another `top_k`.
fn other_sets() -> World {
    World::new(&[
        ("retrieval.yml", "top_k: 5\n"),
        ("evals/a.json", "[2]"),
        ("judges/a.md", "Judge it well."),
    ])
}

#[test]
fn a_run_from_before_datasets_or_judges_changed_is_stale() {
    let (before, after) = (at(BASE - 3_600), at(BASE + 3_600));
    for (what, world, made, want) in [
        ("new", other_sets(), Some(after), "fresh exact"),
        ("of no time", other_sets(), None, "fresh exact"),
        (
            "old",
            other_sets(),
            Some(before),
            "stale(dataset, judge) none",
        ),
        (
            "nothing changed",
            World::retrieval(),
            Some(before),
            "fresh exact",
        ),
    ] {
        let mut run = stamped(&world, run("prompts/a"), &[]);
        run.run.made_at = made;
        assert_eq!(world.one(run), want, "{what}");
    }
}

#[test]
fn a_stamp_tells_which_datasets_and_judges_a_run_had() {
    let (changed, kept) = (other_sets(), World::retrieval());
    let digest = |kind| {
        let (policy, head) = (&changed.rules.policy, &changed.range.head);
        let sets = Sets::at_head(&changed.repo, head, policy, &changed.changes).unwrap();
        (Kind::id(kind), sets.get(kind).digest.unwrap())
    };
    let other = Digest::of(b"other");
    let (datasets, judges) = (digest(Kind::Datasets), digest(Kind::Judges));
    for (world, days, stamps, want) in [
        (&changed, -1, vec![datasets, judges], "fresh exact"),
        (&changed, -1, vec![datasets], "stale(judge) none"),
        (
            &changed,
            1,
            vec![("datasets", other)],
            "stale(dataset) none",
        ),
        (&kept, 1, vec![("judges", other)], "stale(judge) none"),
        (&kept, 1, vec![], "fresh exact"),
    ] {
        let mut run = stamped(world, run("prompts/a"), &stamps);
        run.run.made_at = Some(at(BASE) + TimeDelta::days(days));
        assert_eq!(world.one(run), want, "{days} {stamps:?}");
    }
}

#[test]
fn a_commit_shows_datasets_and_judges_as_well() {
    let world = World::new(&[("evals/a.json", "[2]"), ("retrieval.yml", "top_k: 5\n")]);
    let head = world.commit("head");
    assert_eq!(world.one(of(&head, Some(false))), "fresh commit");
    // A stamp that says head does not outvote the commit, which has the version of base.
    let run = stamped(&world, of(&world.commit("base"), Some(false)), &[]);
    assert_eq!(world.one(run), "stale(retrieval) none");
}

#[test]
fn what_is_older_than_the_branch_is_carried_over_on_identical_digests_alone() {
    let world = World::new(&[
        ("prompts/a.md", "---\nversion: 2\n---\nSay {{x}}.\n"),
        ("retrieval.yml", "top_k: 5\n"),
    ]);
    let old = |mut run: LoadedRun| {
        run.run.made_at = Some(at(BASE - 1));
        run
    };
    let stamped = stamped(&world, run("prompts/a"), &[]);
    for (what, run, want, carried) in [
        ("stamped", old(stamped.clone()), "fresh exact", true),
        ("stamped and new", stamped, "fresh exact", false),
        (
            "by commit",
            old(of(&world.commit("head"), Some(false))),
            "fresh commit",
            true,
        ),
        (
            "by label",
            old(run("prompts/a@2")),
            "stale(retrieval) none",
            false,
        ),
    ] {
        let binding = world.bind(&[run], |_| {});
        assert_eq!(words(&binding), want, "{what}");
        let found = binding.candidate.is_some_and(|bound| bound.carried);
        assert_eq!(found, carried, "{what}");
    }
}

#[test]
fn another_version_of_the_tool_is_told_and_may_be_stale() {
    let world = World::retrieval();
    let versions = |base: Option<&str>, head: Option<&str>| {
        [("base", base), ("head", head)].map(|(name, version)| {
            let mut run = of(&world.commit(name), Some(false));
            run.run.tool_version = version.map(str::to_owned);
            run.role = (name == "base").then_some(Role::Baseline);
            run
        })
    };
    for (base, head, differs) in [
        (Some("1"), Some("1"), false),
        (Some("1"), Some("2"), true),
        (None, Some("2"), false),
        (None, None, false),
    ] {
        let runs = versions(base, head);
        let binding = world.bind(&runs, |_| {});
        assert_eq!(words(&binding), "fresh commit", "{base:?} {head:?}");
        assert_eq!(binding.harness.is_some(), differs, "{base:?} {head:?}");
        let binding = world.bind(&runs, |terms| terms.same_harness = true);
        let want = if differs {
            "stale(harness) none"
        } else {
            "fresh commit"
        };
        assert_eq!(words(&binding), want, "{base:?} {head:?}");
    }
}

#[test]
fn the_surer_tie_counts_before_the_newer_run() {
    let world = World::retrieval();
    let exact = stamped(&world, run("prompts/a"), &[]);
    let mut commit = of(&world.commit("head"), Some(false));
    commit.run.made_at = Some(at(NOW - 60));
    commit.file = 1;
    let binding = world.bind(&[exact, commit], |_| {});
    assert_eq!(words(&binding), "fresh exact");
}
