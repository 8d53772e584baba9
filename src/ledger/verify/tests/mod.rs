//! Honest ledgers, made commit by commit as the gate makes them, and what verifying them says.

mod anchored;
mod honest;
mod tampered;

use std::collections::BTreeMap;

use super::anchors::{Anchor, Remembered};
use super::*;
use crate::change::{ChangeSet, Range};
use crate::git::Kind;
use crate::git::write::{Forged, NewRepo};
use crate::ledger::append::Signer as _;
use crate::ledger::entry::{
    Account, Amend, Approved, HeadSeen, Merge, PolicyAt, PromptAt, Review, Time,
};
use crate::ledger::signature::SigningKey;
use crate::ledger::verdict::{Approval, Category, Change, File, Outcome, Verdict};
use crate::ledger::{About, Draft, Ledger, place};
use crate::policy::{CategoryId, Needs};
use crate::reason;
use crate::recording::Got;
use crate::rules::{Origin, Rules};
use crate::units::Score;

const POLICY: &str = "\
version: 1
prompts:
  - {file: prompts/refund.md, risk: high}
  - prompts/**
models: [models.yml]
groups: {engineering: [1]}
approvals: {high: [engineering]}
";

/// A commit of the ledger that is to be made.
#[derive(Debug, Clone)]
struct Batch {
    /// By its committer's clock.
    made: i64,
    /// What its entries say, with their dates.
    drafts: Vec<(i64, Draft)>,
}

/// A file of a commit: nothing where it is removed.
type Laid = (String, Option<(Vec<u8>, Kind)>);

/// A commit of the ledger as it is made.
#[derive(Debug, Clone)]
struct Commit {
    made: i64,
    files: Vec<Laid>,
}

/// A repository with its base branch, and the batches of its ledger.
struct World {
    repo: Repo,
    tip: CommitSha,
    clock: i64,
    batches: Vec<Batch>,
    /// Where the entries so far are committed.
    ledger: Option<CommitSha>,
    /// The newest of them.
    last: Option<(u64, Digest)>,
    reviews: u64,
}

/// What the files of a commit become: nothing removes them.
type Edit<'a> = (&'a str, Option<&'a str>);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

impl World {
    fn new(files: &[Edit<'_>]) -> Self {
        let repo = NewRepo::in_memory().unwrap().into_repo();
        let clock = 1_795_000_000;
        let tip = forge(&repo, &[], files, clock);
        Self {
            repo,
            tip,
            clock,
            batches: Vec::new(),
            ledger: None,
            last: None,
            reviews: 10,
        }
    }

    fn tick(&mut self, seconds: i64) -> i64 {
        self.clock += seconds;
        self.clock
    }

    fn commit(&mut self, parents: &[&CommitSha], files: &[Edit<'_>]) -> CommitSha {
        let clock = self.tick(60);
        forge(&self.repo, parents, files, clock)
    }

    /// The base branch gets a commit that nobody records.
    fn push(&mut self, files: &[Edit<'_>]) -> CommitSha {
        let tip = self.tip.clone();
        self.tip = self.commit(&[&tip], files);
        self.tip.clone()
    }

    fn rules(&self, base: &CommitSha, head: &CommitSha) -> Rules {
        Rules::find(&self.repo, base, head, None).unwrap()
    }

    fn about(&self, pull: Option<u64>, base: &CommitSha, head: &CommitSha) -> About {
        let rules = self.rules(base, head);
        About {
            repository: None,
            pull,
            base_ref: Some(String::from("main")),
            base: base.clone(),
            head: head.clone(),
            policy: Some(PolicyAt {
                path: rules.path.to_string(),
                sha256: rules.sha256,
                origin: rules.origin.id().to_owned(),
            }),
            actor: None,
            workflow: None,
            tool: String::from("0.1.0"),
        }
    }

    /// Records a batch.
    fn record(&mut self, drafts: Vec<Draft>) {
        let clock = self.tick(30);
        self.record_at(clock, clock, drafts);
    }

    fn record_at(&mut self, made: i64, dated: i64, drafts: Vec<Draft>) {
        let drafts = drafts.into_iter().map(|draft| (dated, draft)).collect();
        let batch = Batch { made, drafts };
        let commit = chained(&batch, &mut self.last, None);
        self.ledger = Some(self.lay_on(self.ledger.as_ref(), &commit));
        self.batches.push(batch);
    }

    /// Makes the commits of a ledger.
    fn lay(&self, commits: &[Commit]) -> CommitSha {
        let mut tip: Option<CommitSha> = None;
        for commit in commits {
            tip = Some(self.lay_on(tip.as_ref(), commit));
        }
        tip.unwrap()
    }

    fn lay_on(&self, tip: Option<&CommitSha>, commit: &Commit) -> CommitSha {
        let files: Vec<Forged<'_>> = commit
            .files
            .iter()
            .map(|(path, file)| {
                let file = file.as_ref().map(|(bytes, kind)| (bytes.as_slice(), *kind));
                (path.as_str(), file)
            })
            .collect();
        let parents: Vec<&CommitSha> = tip.into_iter().collect();
        self.repo.forge(&parents, &files, commit.made)
    }

    /// What a check of a change says: head-seen, the approvals it counts, the verdict. `shown`
    /// is the head that entries name.
    fn judged(
        &mut self,
        pull: u64,
        head: &CommitSha,
        shown: &CommitSha,
        passes: bool,
    ) -> Vec<Draft> {
        let base = self.tip.clone();
        let set = self.changes(&base, head);
        let about = About {
            head: shown.clone(),
            ..self.about(Some(pull), &base, head)
        };
        let rules = self.rules(&base, head);
        let seen = Time::of(at(self.clock - 5));
        let prompts = set.changes.iter().filter_map(|change| {
            let head = change.head.as_ref()?;
            Some(PromptAt {
                id: change.id.as_str().to_owned(),
                path: head.path.to_string(),
                version: head.version.digest(),
            })
        });
        let mut drafts = vec![Draft {
            about: about.clone(),
            body: Body::HeadSeen(HeadSeen {
                seen,
                prompts: prompts.collect(),
            }),
        }];
        let mut verdict = verdict(&rules, &set, passes, seen);
        for change in &set.changes {
            let Some(head) = change.head.as_ref().filter(|_| change.needs_evidence()) else {
                continue;
            };
            for group in rules.policy.people.needed(change.risk) {
                self.reviews += 1;
                let subject = Approved {
                    prompt: Some(change.id.as_str().to_owned()),
                    files: Vec::new(),
                    digest: head.version.digest(),
                    group: group.clone(),
                };
                verdict.approvals.push(Approval {
                    prompt: subject.prompt.clone(),
                    files: Vec::new(),
                    digest: Some(subject.digest),
                    group: group.clone(),
                    gate: None,
                    counted: vec![self.reviews],
                });
                verdict
                    .outcomes
                    .push(outcome("approvals", subject.prompt.clone(), true));
                drafts.push(Draft {
                    about: about.clone(),
                    body: Body::Approve(review(self.reviews, shown, seen, subject)),
                });
            }
        }
        drafts.push(Draft {
            about,
            body: Body::Verdict(Box::new(verdict)),
        });
        drafts
    }

    fn changes(&self, base: &CommitSha, head: &CommitSha) -> ChangeSet {
        let rules = self.rules(base, head);
        let range = Range {
            base: base.clone(),
            merge_base: base.clone(),
            others: Vec::new(),
            head: head.clone(),
        };
        ChangeSet::between(&self.repo, &range, &rules.policy, &rules.path).unwrap()
    }

    /// What the base branch got, as `gatecard record` finds it.
    fn merged(&self, before: &CommitSha, after: &CommitSha) -> Option<Draft> {
        let rules = self.rules(before, after);
        let ledger = self.ledger.clone().map(|tip| Ledger::at(&self.repo, tip));
        let got = Got {
            repo: &self.repo,
            ledger: ledger.as_ref(),
            rules: &rules,
            branch: "main",
            before,
            after,
        };
        let resolved = got.resolve(None).unwrap()?;
        Some(Draft {
            about: self.about(resolved.pull, before, after),
            body: Body::Merge(resolved.merge),
        })
    }

    /// A pull request from its first commit to its merge by squashing.
    fn squash(&mut self, pull: u64, files: &[Edit<'_>]) {
        self.tick(3_600);
        let before = self.tip.clone();
        let head = self.commit(&[&before], files);
        let drafts = self.judged(pull, &head, &head, true);
        self.record(drafts);
        let after = self.push(files);
        let merged = self.merged(&before, &after).unwrap();
        self.record(vec![merged]);
    }

    /// An anchor of the newest entry.
    fn anchor(&self) -> Anchor {
        let (seq, digest) = self.last.unwrap();
        Anchor::parse(&format!("{seq}:{}", digest.short())).unwrap()
    }

    fn ask(&self, tip: Option<CommitSha>) -> Asked<'_> {
        Asked {
            repo: &self.repo,
            ledger: tip,
            base: Some(Base {
                name: String::from("main"),
                tip: self.tip.clone(),
            }),
            policy: None,
            since: None,
            anchors: Vec::new(),
            others: Vec::new(),
            remembered: None,
            signers: None,
            commit_keys: None,
            now: at(self.clock + 60),
        }
    }
}

fn forge(repo: &Repo, parents: &[&CommitSha], files: &[Edit<'_>], seconds: i64) -> CommitSha {
    let files: Vec<Forged<'_>> = files
        .iter()
        .map(|(path, text)| (*path, text.map(|text| (text.as_bytes(), Kind::File))))
        .collect();
    repo.forge(parents, &files, seconds)
}

fn review(id: u64, commit: &CommitSha, submitted: Time, subject: Approved) -> Review {
    Review {
        review: id,
        reviewer: Account {
            login: String::from("ana"),
            id: Some(1),
        },
        commit: Some(commit.clone()),
        submitted: Some(submitted),
        subjects: vec![subject],
        code: None,
    }
}

fn outcome(gate: &str, prompt: Option<String>, passes: bool) -> Outcome {
    let code = if passes {
        reason::Code::Met
    } else {
        reason::Code::TracesMissing
    };
    Outcome {
        gate: gate.to_owned(),
        prompt,
        outcome: String::from(if passes { "pass" } else { "fail" }),
        code: code.id().to_owned(),
        blocks: !passes,
        measured: None,
    }
}

/// A verdict whose numbers add up.
fn verdict(rules: &Rules, set: &ChangeSet, passes: bool, judged: Time) -> Verdict {
    let lowest = u64::from(Score::LOWEST.ten_thousandths());
    let categories = CategoryId::DEFAULTS
        .iter()
        .map(|(id, key, weight, _)| Category {
            id: (*key).to_owned(),
            weight: u64::from(*weight),
            score: lowest,
            passes: !matches!(
                rules.policy.categories.get(id).map(|rule| rule.needs),
                Some(Needs::Score(_))
            ),
            checks: Vec::new(),
            cap: None,
        });
    let changes = set.changes.iter().map(|change| {
        let place = change.head.as_ref().or(change.base.as_ref()).unwrap();
        Change {
            id: change.id.as_str().to_owned(),
            change: change.kind.id().to_owned(),
            renamed_from: match &change.kind {
                crate::change::Kind::Renamed { from } => Some(from.as_str().to_owned()),
                _ => None,
            },
            path: place.path.to_string(),
            risk: change.risk.id().to_owned(),
            from: change.base.as_ref().map(|base| base.version.digest()),
            to: change.head.as_ref().map(|head| head.version.digest()),
            facets: Vec::new(),
            triggers: Vec::new(),
            evals: Vec::new(),
        }
    });
    let files = set.governed.iter().map(|file| File {
        kind: file.kind.id().to_owned(),
        path: file.path.to_string(),
        blob: file.blob.map(|blob| blob.to_string()),
    });
    let bootstrap = rules.origin == Origin::Bootstrap;
    Verdict {
        verdict: String::from(if passes || bootstrap { "pass" } else { "fail" }),
        mode: rules.policy.mode.id().to_owned(),
        judged,
        scored: true,
        points: lowest * 10_000,
        band: String::from("do_not_use"),
        pre_production: false,
        changes: changes.collect(),
        files: files.collect(),
        categories: categories.collect(),
        outcomes: if passes {
            Vec::new()
        } else {
            vec![outcome("expected_evidence", None, false)]
        },
        comparisons: Vec::new(),
        coverage: None,
        evidence: Vec::new(),
        approvals: Vec::new(),
        change_requests: Vec::new(),
    }
}

/// Chains batches: the commits of an honest ledger, or of one whose tampering covers its tracks.
fn chain(batches: &[Batch], key: Option<&SigningKey>) -> Vec<Commit> {
    let mut last = None;
    let commits = batches.iter().map(|batch| chained(batch, &mut last, key));
    commits.collect()
}

fn chained(batch: &Batch, last: &mut Option<(u64, Digest)>, key: Option<&SigningKey>) -> Commit {
    let mut files: Vec<Laid> = Vec::new();
    if last.is_none() {
        let readme = (b"what this is".to_vec(), Kind::File);
        files.push((place::README.to_owned(), Some(readme)));
    }
    for (dated, draft) in &batch.drafts {
        let mut entry = draft.clone().after(*last, at(*dated));
        if let Some(key) = key {
            entry.signature = Some(key.sign(&entry.signed_bytes().unwrap()).unwrap());
        }
        let bytes = entry.bytes().unwrap();
        *last = Some((entry.seq, Digest::of(&bytes)));
        let path = place::path(entry.seq, entry.body.kind());
        files.push((path, Some((bytes, Kind::File))));
    }
    Commit {
        made: batch.made,
        files,
    }
}

/// The codes that do more than to note, each once.
fn codes(answer: &Answer) -> Vec<&'static str> {
    let mut found: Vec<&str> = answer
        .findings
        .iter()
        .filter(|each| each.code.weight() != Weight::Note)
        .map(|each| each.code.id())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn told(answer: &Answer) -> Vec<String> {
    let told = |each: &Finding| format!("{} {:?} {}", each.code.id(), each.place, each.words.log());
    answer.findings.iter().map(told).collect()
}

/// A base branch with a policy, three merged pull requests and a commit that changes nothing
/// governed.
fn story() -> World {
    let mut world = World::new(&[
        (".github/gatecard.yml", Some(POLICY)),
        ("models.yml", Some("model: openai/gpt-4o-mini\n")),
        ("prompts/refund.md", Some("Refund {{order}}.\n")),
        ("prompts/greet.md", Some("Greet {{name}}.\n")),
    ]);
    world.squash(1, &[("prompts/refund.md", Some("Refund {{order}} now.\n"))]);
    world.squash(2, &[("prompts/greet.md", Some("Greet {{name}} well.\n"))]);
    world.push(&[("README.md", Some("hello\n"))]);
    world.squash(
        3,
        &[("prompts/refund.md", Some("Refund {{order}} politely.\n"))],
    );
    world
}

#[test]
fn an_honest_ledger_holds_with_an_anchor_and_cannot_be_told_without() {
    let world = story();
    let answer = verify(&world.ask(world.ledger.clone())).unwrap();
    assert_eq!(codes(&answer), ["anchor-absent"], "{:?}", told(&answer));
    assert_eq!(answer.holds.exit_code(), 2);
    assert_eq!(answer.entries, 11);
    let mut asked = world.ask(world.ledger.clone());
    assert!(answer.is_worth_remembering(&asked));
    // Whoever brings keys wants signatures, which another look does not replace.
    asked.signers = Some(
        AllowedSigners::parse(&format!(
            "ci {}",
            crate::ledger::signature::tests::ED25519_PUB.trim()
        ))
        .unwrap(),
    );
    assert!(!answer.is_worth_remembering(&asked));
    asked.signers = None;
    asked.anchors = vec![world.anchor()];
    let answer = verify(&asked).unwrap();
    assert_eq!(told(&answer), [""; 0]);
    assert_eq!(answer.holds.exit_code(), 0);
}
