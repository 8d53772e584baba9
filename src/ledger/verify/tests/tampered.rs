//! Tampering: each kind has a code where something shows it, and an anchor shows the rest.

use super::*;
use crate::ledger::signature::tests::{ED25519, ED25519_PUB, P384, P384_PUB, key};

/// What somebody did to the story's ledger, and what then is there to be verified.
struct Done<'a> {
    asked: Asked<'a>,
}

/// Changes what batches say, and chains them again.
fn rewritten(world: &World, change: impl Fn(&mut Vec<Batch>)) -> CommitSha {
    let mut batches = world.batches.clone();
    change(&mut batches);
    world.lay(&chain(&batches, None))
}

/// Changes commits of a chain that stays as it is.
fn relaid(world: &World, change: impl Fn(&mut Vec<Commit>)) -> CommitSha {
    let mut commits = chain(&world.batches, None);
    change(&mut commits);
    world.lay(&commits)
}

/// Adds a commit on top.
fn topped(world: &World, files: Vec<Laid>) -> CommitSha {
    let commit = Commit {
        made: world.clock,
        files,
    };
    world.lay_on(world.ledger.as_ref(), &commit)
}

/// The file of an entry in a chain.
fn file(commits: &mut [Commit], seq: u64) -> &mut Laid {
    let own = |laid: &&mut Laid| place::parse(&laid.0).is_some_and(|(own, _)| own == seq);
    commits
        .iter_mut()
        .flat_map(|commit| &mut commit.files)
        .find(own)
        .unwrap()
}

fn text(commits: &mut [Commit], seq: u64, change: impl Fn(String) -> String) {
    let (_, Some((bytes, _))) = file(commits, seq) else {
        unreachable!()
    };
    *bytes = change(String::from_utf8(bytes.clone()).unwrap()).into_bytes();
}

fn draft(batches: &mut [Batch], batch: usize, at: usize) -> &mut Draft {
    &mut batches[batch].drafts[at].1
}

fn verdict_of(batches: &mut [Batch], batch: usize) -> &mut Verdict {
    let last = batches[batch].drafts.len() - 1;
    match &mut draft(batches, batch, last).body {
        Body::Verdict(verdict) => verdict,
        _ => unreachable!(),
    }
}

fn merge_of(batches: &mut [Batch], batch: usize) -> &mut Merge {
    match &mut draft(batches, batch, 0).body {
        Body::Merge(merge) => merge,
        _ => unreachable!(),
    }
}

fn entry_path(seq: u64, kind: &str) -> String {
    place::path(seq, kind)
}

const ENTRY: &[u8] = b"{}";

type Tamper = fn(&World) -> CommitSha;

/// What was done, what shows it without an anchor (nothing: only an anchor does), and whether the
/// anchor of the honest ledger, which is kept, shows it too.
const CASES: &[(&str, Tamper, &[&str])] = &[
    (
        "an edited field",
        |world| {
            relaid(world, |commits| {
                text(commits, 3, |text| {
                    text.replace("\"tool\":\"0.1.0\"", "\"tool\":\"0.1.1\"")
                });
            })
        },
        &["chain-broken"],
    ),
    (
        "an edited field, chained again",
        |world| rewritten(world, |batches| draft(batches, 0, 1).about.tool.push('1')),
        &[],
    ),
    (
        "an edited last entry",
        |world| rewritten(world, |batches| draft(batches, 5, 0).about.tool.push('1')),
        &[],
    ),
    (
        "a file edited by a later commit",
        |world| {
            topped(
                world,
                vec![(entry_path(2, "approve"), Some((ENTRY.to_vec(), Kind::File)))],
            )
        },
        &[
            "approval-unrecorded",
            "chain-broken",
            "entry-edited",
            "entry-unreadable",
        ],
    ),
    (
        "a file removed by a later commit",
        |world| topped(world, vec![(entry_path(2, "approve"), None)]),
        &[
            "approval-unrecorded",
            "entry-removed",
            "number-missing",
            "relies-on-wrong",
        ],
    ),
    (
        "a removed entry, chained and numbered again",
        |world| {
            rewritten(world, |batches| {
                batches[2].drafts.remove(0);
            })
        },
        &["relies-on-wrong", "unsupported-merge"],
    ),
    (
        "the last merge removed",
        |world| {
            rewritten(world, |batches| {
                batches.pop();
            })
        },
        &["unrecorded-change"],
    ),
    (
        "the last run removed, which nothing was merged of",
        |world| {
            rewritten(world, |batches| {
                batches.truncate(3);
            })
        },
        &["unrecorded-change"],
    ),
    (
        "two runs reordered",
        |world| rewritten(world, |batches| batches.swap(2, 4)),
        &["relies-on-wrong", "time-backwards", "unsupported-merge"],
    ),
    (
        "entries of a run reordered",
        |world| rewritten(world, |batches| batches[0].drafts.swap(1, 2)),
        &["approval-unrecorded"],
    ),
    (
        "two entries swapped by their files",
        |world| {
            relaid(world, |commits| {
                let one = file(commits, 5).1.clone();
                file(commits, 5).1 = std::mem::replace(&mut file(commits, 6).1, one);
            })
        },
        &["chain-broken", "entry-misnamed", "unsupported-merge"],
    ),
    (
        "entries numbered anew with a gap",
        |world| {
            relaid(world, |commits| {
                for seq in (8..=11).rev() {
                    let (path, _) = file(commits, seq);
                    let (_, kind) = place::parse(path).unwrap();
                    *path = place::path(seq + 1, kind);
                }
            })
        },
        &[
            "entry-misnamed",
            "entry-out-of-turn",
            "number-missing",
            "unrecorded-change",
        ],
    ),
    (
        "an entry under another kind's name",
        |world| {
            relaid(world, |commits| {
                file(commits, 5).0 = entry_path(5, "waiver");
            })
        },
        &["entry-misnamed"],
    ),
    (
        "two entries of one number",
        |world| {
            relaid(world, |commits| {
                let laid = file(commits, 5).1.clone();
                commits[2].files.push((entry_path(5, "waiver"), laid));
            })
        },
        &["entry-out-of-turn", "number-twice"],
    ),
    (
        "a history merged in",
        |world| {
            let other = world
                .repo
                .forge(&[], &[("x", Some((b"x", Kind::File)))], world.clock);
            world
                .repo
                .forge(&[world.ledger.as_ref().unwrap(), &other], &[], world.clock)
        },
        &["branch-merged"],
    ),
    (
        "a second root behind the first commit",
        |world| {
            let commits = chain(&world.batches, None);
            let (one, two) = (world.lay(&commits[..1]), world.lay(&commits[..2]));
            let root = world.repo.forge(&[], &[], world.clock);
            let joined = world.repo.forge(&[&two, &root, &one], &[], world.clock);
            commits[2..]
                .iter()
                .fold(joined, |tip, commit| world.lay_on(Some(&tip), commit))
        },
        &["branch-merged"],
    ),
    (
        "a back-dated entry",
        |world| {
            rewritten(world, |batches| {
                batches[4]
                    .drafts
                    .iter_mut()
                    .for_each(|(at, _)| *at -= 86_400);
            })
        },
        &["back-dated", "dated-before-cause", "time-backwards"],
    ),
    (
        "a back-dated entry in a back-dated commit",
        |world| {
            rewritten(world, |batches| {
                batches[5].made -= 86_400;
                batches[5].drafts[0].0 -= 86_400;
            })
        },
        &["time-backwards"],
    ),
    (
        "a back-dated commit",
        |world| rewritten(world, |batches| batches[4].made -= 86_400),
        &["forward-dated"],
    ),
    (
        "a forward-dated entry",
        |world| rewritten(world, |batches| batches[5].drafts[0].0 += 86_400),
        &["forward-dated"],
    ),
    (
        "an entry before what it tells about",
        |world| rewritten(world, |batches| batches[4].drafts[2].0 -= 300),
        &["dated-before-cause"],
    ),
    (
        "another run's verdict on the prompt",
        |world| {
            rewritten(world, |batches| {
                verdict_of(batches, 4).changes[0].to = Some(Digest::of(b"x"));
            })
        },
        &["prompt-mismatch", "unsupported-merge"],
    ),
    (
        "a merge of another version than the file's",
        |world| {
            rewritten(world, |batches| {
                merge_of(batches, 5).prompts[0].to = Some(Digest::of(b"x"));
            })
        },
        &["merge-mismatch", "unsupported-merge"],
    ),
    (
        "a merge without one of its prompts",
        |world| rewritten(world, |batches| merge_of(batches, 5).prompts.clear()),
        &["merge-mismatch", "relies-on-wrong"],
    ),
    (
        "another policy digest",
        |world| {
            rewritten(world, |batches| {
                for at in 0..3 {
                    draft(batches, 4, at).about.policy.as_mut().unwrap().sha256 = Digest::of(b"x");
                }
            })
        },
        &["policy-mismatch"],
    ),
    (
        "a policy that was not in force",
        |world| {
            rewritten(world, |batches| {
                let policy = draft(batches, 4, 2).about.policy.as_mut().unwrap();
                policy.path = String::from("models.yml");
                policy.sha256 = Digest::of(b"model: openai/gpt-4o-mini\n");
            })
        },
        &["policy-other"],
    ),
    (
        "a first policy where there was one",
        |world| {
            rewritten(world, |batches| {
                draft(batches, 4, 2).about.policy.as_mut().unwrap().origin =
                    String::from("bootstrap");
            })
        },
        &["policy-mismatch"],
    ),
    (
        "edited weights",
        |world| {
            rewritten(world, |batches| {
                let categories = &mut verdict_of(batches, 4).categories;
                categories[0].weight += 100;
                categories[1].weight -= 100;
            })
        },
        &["contradiction"],
    ),
    (
        "an edited score",
        |world| rewritten(world, |batches| verdict_of(batches, 4).points += 1),
        &["contradiction"],
    ),
    (
        "a verdict turned round",
        |world| {
            rewritten(world, |batches| {
                verdict_of(batches, 4).verdict = String::from("fail");
            })
        },
        &["contradiction", "unsupported-merge"],
    ),
    (
        "a verdict for another group",
        |world| {
            rewritten(world, |batches| {
                let verdict = verdict_of(batches, 4);
                verdict.approvals.clear();
                let asked = verdict
                    .outcomes
                    .iter_mut()
                    .find(|each| each.gate == "approvals");
                let outcome = asked.unwrap();
                outcome.outcome = String::from("not applicable");
                outcome.code = String::from("not-applicable");
            })
        },
        &["group-missing"],
    ),
    (
        "an approval of another content",
        |world| {
            rewritten(world, |batches| {
                let Body::Approve(review) = &mut draft(batches, 4, 1).body else {
                    unreachable!()
                };
                review.subjects[0].digest = Digest::of(b"x");
            })
        },
        &["approval-unrecorded"],
    ),
    (
        "an approval that is another review",
        |world| {
            rewritten(world, |batches| {
                let Body::Approve(review) = &mut draft(batches, 4, 1).body else {
                    unreachable!()
                };
                review.review = 99;
            })
        },
        &["approval-unrecorded"],
    ),
    (
        "an approval removed, numbered anew",
        |world| {
            rewritten(world, |batches| {
                batches[4].drafts.remove(1);
                merge_of(batches, 5).relies_on = vec![9];
            })
        },
        &["approval-unrecorded"],
    ),
    (
        "an approval that was dismissed before the verdict",
        |world| {
            rewritten(world, |batches| {
                let (at, mut dismissed) = batches[4].drafts[1].clone();
                let Body::Approve(review) = dismissed.body else {
                    unreachable!()
                };
                dismissed.body = Body::Dismiss(review);
                batches[4].drafts.insert(2, (at, dismissed));
                merge_of(batches, 5).relies_on = vec![9, 11];
            })
        },
        &["approval-withdrawn"],
    ),
    (
        "an approval that was dismissed before the merge",
        |world| {
            rewritten(world, |batches| {
                let (_, mut dismissed) = batches[4].drafts[1].clone();
                let Body::Approve(review) = dismissed.body else {
                    unreachable!()
                };
                dismissed.body = Body::Dismiss(review);
                let at = batches[5].drafts[0].0;
                batches[5].drafts.insert(0, (at, dismissed));
            })
        },
        &["approval-withdrawn"],
    ),
    (
        "a merge that relies on what comes later",
        |world| rewritten(world, |batches| merge_of(batches, 1).relies_on.push(10)),
        &["relies-on-wrong"],
    ),
    (
        "a merge that relies on something else",
        |world| rewritten(world, |batches| merge_of(batches, 5).relies_on = vec![6]),
        &["relies-on-wrong", "unsupported-merge"],
    ),
    (
        "a correction of what comes later",
        |world| {
            rewritten(world, |batches| {
                let (at, mut amend) = batches[3].drafts[0].clone();
                amend.body = Body::Amend(Amend {
                    amends: 11,
                    reason: String::from("wrong"),
                });
                batches[3].drafts.push((at, amend));
                merge_of(batches, 5).relies_on = vec![10, 11];
            })
        },
        &["amend-wrong"],
    ),
    (
        "a verdict that was taken back",
        |world| {
            rewritten(world, |batches| {
                let (at, mut amend) = batches[5].drafts[0].clone();
                amend.body = Body::Amend(Amend {
                    amends: 10,
                    reason: String::from("wrong"),
                });
                batches[5].drafts.push((at, amend));
            })
        },
        &["ungated-change"],
    ),
    (
        "a merge of a commit that is not on the branch",
        |world| {
            let other = world.repo.forge(
                &[&world.tip],
                &[("prompts/refund.md", Some((b"other", Kind::File)))],
                world.clock,
            );
            rewritten(world, |batches| {
                draft(batches, 5, 0).about.head = other.clone();
            })
        },
        &["merge-not-on-base", "unrecorded-change"],
    ),
    (
        "a merge that says to be ungated",
        |world| {
            rewritten(world, |batches| {
                merge_of(batches, 5).prompts[0].ungated = Some(String::from("no-verdict"));
            })
        },
        &["ungated-change"],
    ),
    (
        "an entry with spaces",
        |world| {
            relaid(world, |commits| {
                text(commits, 11, |text| text.replace(':', ": "));
            })
        },
        &["entry-form", "unrecorded-change"],
    ),
    (
        "an entry that is no JSON",
        |world| relaid(world, |commits| text(commits, 11, |_| String::from("x"))),
        &["chain-broken", "entry-unreadable", "unrecorded-change"],
    ),
    (
        "a symbolic link as an entry",
        |world| {
            topped(
                world,
                vec![(
                    entry_path(12, "waiver"),
                    Some((b"../x".to_vec(), Kind::Symlink)),
                )],
            )
        },
        &["entry-no-file"],
    ),
    (
        "a submodule as an entry",
        |world| {
            topped(
                world,
                vec![(
                    entry_path(12, "waiver"),
                    Some((Vec::new(), Kind::Submodule)),
                )],
            )
        },
        &["entry-no-file"],
    ),
    (
        "a file that is no entry",
        |world| {
            topped(
                world,
                vec![(
                    String::from("entries/0000/00/x.json"),
                    Some((ENTRY.to_vec(), Kind::File)),
                )],
            )
        },
        &["file-foreign"],
    ),
    (
        "a later README",
        |world| {
            topped(
                world,
                vec![(
                    String::from("README.md"),
                    Some((b"other".to_vec(), Kind::File)),
                )],
            )
        },
        &["entry-edited"],
    ),
    (
        "a huge entry",
        |world| {
            let huge = vec![b' '; usize::try_from(crate::limits::LEDGER_ENTRY).unwrap() + 1];
            topped(
                world,
                vec![(entry_path(12, "waiver"), Some((huge, Kind::File)))],
            )
        },
        &["entry-too-large"],
    ),
];

/// What the anchor of the honest ledger adds: its entry was changed, or is not there.
const BY_ANCHOR: [&str; 2] = ["anchor-mismatch", "anchor-missing"];

#[test]
fn every_tampering_is_seen_or_said_not_to_be() {
    let world = story();
    let mut wrong = Vec::new();
    for (name, tamper, want) in CASES {
        let mut done = Done {
            asked: world.ask(Some(tamper(&world))),
        };
        let answer = verify(&done.asked).unwrap();
        let found: Vec<&str> = codes(&answer)
            .into_iter()
            .filter(|code| *code != "anchor-absent")
            .collect();
        if found != *want {
            wrong.push(format!(
                "{name}: {found:?}, expected {want:?}: {:#?}",
                told(&answer)
            ));
        }
        let exit = if want.is_empty() { 2 } else { 1 };
        assert_eq!(answer.holds.exit_code(), exit, "{name}");
        assert!(!answer.unseen.is_empty(), "{name}");
        done.asked.anchors = vec![world.anchor()];
        let answer = verify(&done.asked).unwrap();
        assert_eq!(answer.holds.exit_code(), 1, "{name}");
        let by_anchor = codes(&answer).iter().any(|code| BY_ANCHOR.contains(code));
        assert!(
            by_anchor || !want.is_empty(),
            "{name}: {:#?}",
            told(&answer)
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_newer_gatecard_wrote_cannot_be_told() {
    let world = story();
    let head = world.ledger.as_ref();
    let last = verify(&world.ask(world.ledger.clone()))
        .unwrap()
        .tip
        .unwrap();
    for (kind, more) in [
        ("waiver", "\"kind\":\"waiver\",\"new\":1,"),
        ("audit", "\"kind\":\"audit\","),
        ("waiver", "\"kind\":\"waiver\",\"v2\":1,"),
    ] {
        let v = if more.contains("v2") { 2 } else { 1 };
        let mut value: serde_json::Value = serde_json::from_str(&format!(
            "{{{more}\"at\":\"{}\",\"base\":\"{1}\",\"head\":\"{1}\",\"by\":\"ana\",\"expires\":\"2027-01-01\",\
             \"gate\":\"min_examples\",\"prev\":\"{2}\",\"reason_sha256\":\"{2}\",\"seq\":12,\"tool\":\"9\"}}",
            Time::of(at(world.clock)), world.tip, last.digest
        ))
        .unwrap();
        value["v"] = v.into();
        let bytes = crate::ledger::canonical::bytes(&value).unwrap();
        let commit = Commit {
            made: world.clock,
            files: vec![(entry_path(12, kind), Some((bytes, Kind::File)))],
        };
        let answer = verify(&world.ask(Some(world.lay_on(head, &commit)))).unwrap();
        assert_eq!(
            codes(&answer),
            ["anchor-absent", "entry-newer"],
            "{more} {:?}",
            told(&answer)
        );
    }
}

#[test]
fn changes_of_the_branch_that_nobody_recorded_are_found() {
    for (files, want) in [
        (
            vec![("prompts/refund.md", Some("Now!\n"))],
            vec!["unrecorded-change"],
        ),
        (vec![("prompts/greet.md", None)], vec!["unrecorded-change"]),
        (
            vec![("models.yml", Some("model: openai/gpt-5\n"))],
            vec!["unrecorded-change"],
        ),
        (
            vec![(
                ".github/gatecard.yml",
                Some("version: 1\nprompts: [\"prompts/**\"]\n"),
            )],
            vec!["unrecorded-change"],
        ),
        (
            vec![(".github/gatecard.yml", Some("version: 2\n"))],
            vec!["policy-unusable", "unrecorded-change"],
        ),
        (
            vec![("CODEOWNERS", Some("* @ana\n"))],
            vec!["unrecorded-change"],
        ),
        (vec![("docs/x.md", Some("x\n"))], vec![]),
    ] {
        let mut world = story();
        let before = world.tip.clone();
        let after = world.push(&files);
        world.push(&[("docs/y.md", Some("y\n"))]);
        let answer = verify(&world.ask(world.ledger.clone())).unwrap();
        let found: Vec<&str> = codes(&answer)
            .into_iter()
            .filter(|code| *code != "anchor-absent")
            .collect();
        assert_eq!(found, want, "{files:?} {:?}", told(&answer));
        let unrecorded = |each: &&Finding| each.code == Code::UnrecordedChange;
        let mut fixes = answer.findings.iter().filter(unrecorded);
        if let Some(fix) = fixes.next().and_then(|each| each.fix.as_ref()) {
            let command = format!(
                "gatecard record --from {} --to {}",
                before.short(),
                after.short()
            );
            assert_eq!(fix.log(), command);
        }
        let mut asked = world.ask(world.ledger.clone());
        asked.since = Some(Since::Commit(after.clone()));
        asked.anchors = vec![world.anchor()];
        let unusable = files[0].1 == Some("version: 2\n");
        assert_eq!(
            verify(&asked).unwrap().holds.exit_code(),
            if unusable { 2 } else { 0 }
        );
    }
}

#[test]
fn a_change_that_was_undone_is_on_record_as_such_or_nobody_can_tell() {
    let mut world = story();
    let before = world.tip.clone();
    world.push(&[("prompts/greet.md", Some("Go away.\n"))]);
    let after = world.push(&[("prompts/greet.md", Some("Greet {{name}} well.\n"))]);
    let answer = verify(&world.ask(world.ledger.clone())).unwrap();
    assert_eq!(codes(&answer), ["anchor-absent", "undone-change"]);
    assert_eq!(answer.holds.exit_code(), 2);
    // One push brought both, as its entry says.
    let merged = world.merged(&before, &after).unwrap();
    assert!(matches!(&merged.body, Body::Merge(merge) if merge.prompts.is_empty()));
    world.record(vec![merged]);
    let answer = verify(&world.ask(world.ledger.clone())).unwrap();
    assert_eq!(codes(&answer), ["anchor-absent"]);
}

/// What lets a change of the branch in, and what a merge entry says of it that claims otherwise.
fn claimed(world: &mut World, before: &CommitSha) -> (Vec<String>, Vec<String>) {
    let after = world.push(&[("prompts/greet.md", Some("Go away.\n"))]);
    let mut merged = world.merged(before, &after).unwrap();
    let Body::Merge(merge) = &mut merged.body else {
        panic!("a merge");
    };
    let said = merge.prompts.iter().filter_map(|each| each.ungated.clone());
    let said = said.collect();
    merge.prompts[0].ungated = None;
    merge.relies_on = vec![world.last.unwrap().0];
    world.record(vec![merged]);
    let answer = verify(&world.ask(world.ledger.clone())).unwrap();
    let codes = codes(&answer).into_iter().map(str::to_owned);
    (said, codes.collect())
}

#[test]
fn a_verdict_against_a_commit_that_the_branch_never_had_lets_nothing_in() {
    let mut world = story();
    let before = world.tip.clone();
    // The same prompts under a policy that asks nobody.
    let lax = "version: 1\nprompts: [\"prompts/**\"]\n";
    world.tip = world.commit(&[&before], &[(".github/gatecard.yml", Some(lax))]);
    let aside = world.tip.clone();
    let head = world.commit(&[&aside], &[("prompts/greet.md", Some("Go away.\n"))]);
    let drafts = world.judged(40, &head, &head, true);
    world.record(drafts);
    world.tip = before.clone();
    let (said, codes) = claimed(&mut world, &before);
    assert_eq!(said, ["no-verdict"]);
    assert!(
        codes.iter().any(|code| code == "unsupported-merge"),
        "{codes:?}"
    );
}

#[test]
fn a_red_verdict_that_is_taken_back_brings_no_green_one_back() {
    let mut world = story();
    let before = world.tip.clone();
    let head = world.commit(&[&before], &[("prompts/greet.md", Some("Go away.\n"))]);
    let drafts = world.judged(40, &head, &head, true);
    world.record(drafts);
    let green = world.last.unwrap().0;
    let drafts = world.judged(40, &head, &head, false);
    world.record(drafts);
    let amend = Body::Amend(Amend {
        amends: world.last.unwrap().0,
        reason: String::from("flaky"),
    });
    let about = world.about(None, &before, &head);
    world.record(vec![Draft { about, body: amend }]);
    let after = world.push(&[("prompts/greet.md", Some("Go away.\n"))]);
    let mut merged = world.merged(&before, &after).unwrap();
    let Body::Merge(merge) = &mut merged.body else {
        panic!("a merge");
    };
    assert_eq!(
        merge.prompts[0].ungated.as_deref(),
        Some("verdict-not-passed")
    );
    merge.prompts[0].ungated = None;
    merge.relies_on = vec![green];
    world.record(vec![merged]);
    let answer = verify(&world.ask(world.ledger.clone())).unwrap();
    assert!(
        codes(&answer).contains(&"unsupported-merge"),
        "{:?}",
        told(&answer)
    );
}

#[test]
fn a_verdict_under_a_policy_that_asked_nobody_is_not_enough_for_one_that_asks() {
    let lax = "version: 1\nprompts: [\"prompts/**\"]\n";
    let first = [
        (".github/gatecard.yml", Some(lax)),
        ("prompts/greet.md", Some("Greet {{name}}.\n")),
    ];
    let mut world = World::new(&first);
    let before = world.tip.clone();
    let head = world.commit(&[&before], &[("prompts/greet.md", Some("Go away.\n"))]);
    let drafts = world.judged(40, &head, &head, true);
    world.record(drafts);
    let strict = "version: 1\nprompts: [\"prompts/**\"]\ngroups: { product: [ana] }\napprovals: { standard: [product] }\n";
    let before = world.push(&[(".github/gatecard.yml", Some(strict))]);
    let (said, codes) = claimed(&mut world, &before);
    assert_eq!(said, ["group-not-asked"]);
    assert!(
        codes.iter().any(|code| code == "group-missing"),
        "{codes:?}"
    );
}

#[test]
fn a_branch_may_be_renamed_and_keeps_its_record() {
    let mut world = story();
    let renamed = |world: &World| {
        let mut asked = world.ask(world.ledger.clone());
        asked.anchors = vec![world.anchor()];
        asked.base.as_mut().unwrap().name = String::from("trunk");
        let answer = verify(&asked).unwrap();
        codes(&answer)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(renamed(&world), [""; 0]);
    let before = world.tip.clone();
    let after = world.push(&[("prompts/greet.md", Some("Go away.\n"))]);
    let merged = world.merged(&before, &after).unwrap();
    world.record(vec![merged]);
    assert_eq!(renamed(&world), ["ungated-change"]);
}

#[test]
fn a_rewritten_base_branch_is_found() {
    let mut world = story();
    let root = forge(
        &world.repo,
        &[],
        &[(".github/gatecard.yml", Some(POLICY))],
        world.clock,
    );
    world.tip = root;
    let mut asked = world.ask(world.ledger.clone());
    asked.anchors = vec![world.anchor()];
    assert_eq!(codes(&verify(&asked).unwrap()), ["merge-not-on-base"]);
}

#[test]
fn a_replaced_branch_is_shown_by_an_anchor_only() {
    let world = story();
    let honest = verify(&world.ask(world.ledger.clone())).unwrap();
    // As if the pull requests had been reviewed by somebody else.
    let replaced = rewritten(&world, |batches| {
        for (_, draft) in batches.iter_mut().flat_map(|batch| &mut batch.drafts) {
            if let Body::Approve(review) = &mut draft.body {
                review.reviewer.login = String::from("eve");
            }
        }
    });
    let mut asked = world.ask(Some(replaced));
    let answer = verify(&asked).unwrap();
    assert_eq!(codes(&answer), ["anchor-absent"]);
    assert!(answer.unseen[0].log().contains("replaced"));
    asked.anchors = vec![world.anchor()];
    assert_eq!(
        codes(&verify(&asked).unwrap()),
        ["anchor-absent", "anchor-mismatch"]
    );
    // The same entries in other commits.
    let tip = honest.tip.unwrap();
    let again = rewritten(&world, |batches| batches[0].made += 1);
    let mut asked = world.ask(Some(again));
    asked.remembered = Some(Remembered {
        commit: tip.commit,
        seq: tip.seq,
        digest: tip.digest,
        first_seen: Time::of(at(0)),
    });
    assert_eq!(codes(&verify(&asked).unwrap()), ["ledger-rewritten"]);
}

/// The entry of a chain with another signature, as its file holds it.
fn with_signature(commits: &[Commit], seq: u64, signature: Option<&str>) -> Vec<Commit> {
    let mut commits = commits.to_vec();
    text(&mut commits, seq, |text| {
        let mut entry: Entry = serde_json::from_str(&text).unwrap();
        entry.signature = signature.map(str::to_owned);
        String::from_utf8(entry.bytes().unwrap()).unwrap()
    });
    commits
}

#[test]
fn signatures_that_are_not_those_of_the_list_are_found() {
    let world = story();
    let (ours, theirs) = (key(ED25519), key(P384));
    let signed = chain(&world.batches, Some(&ours));
    let list = format!("ci {}", ED25519_PUB.trim());
    let both = format!("{list}\nother {}", P384_PUB.trim());
    let edited = {
        let mut commits = signed.clone();
        text(&mut commits, 11, |text| {
            text.replace("\"tool\":\"0.1.0\"", "\"tool\":\"0.1.1\"")
        });
        commits
    };
    let stripped = with_signature(&signed, 11, None);
    let git = include_str!("../../../../tests/fixtures/signing/git.sig");
    let elsewhere = with_signature(&signed, 11, Some(git));
    let resigned = chain(&world.batches, Some(&theirs));
    for (name, commits, signers, want) in [
        ("as it should be", &signed, &list, vec![]),
        (
            "edited",
            &edited,
            &list,
            vec!["anchor-absent", "signature-bad"],
        ),
        (
            "stripped",
            &stripped,
            &list,
            vec!["anchor-absent", "signature-missing"],
        ),
        (
            "of another namespace",
            &elsewhere,
            &list,
            vec!["anchor-absent", "signature-namespace"],
        ),
        (
            "signed by another key",
            &resigned,
            &list,
            vec!["anchor-absent", "signature-unknown-key"],
        ),
        ("signed by another key that may", &resigned, &both, vec![]),
    ] {
        let mut asked = world.ask(Some(world.lay(commits)));
        asked.signers = Some(AllowedSigners::parse(signers).unwrap());
        let answer = verify(&asked).unwrap();
        assert_eq!(codes(&answer), want, "{name}: {:?}", told(&answer));
    }
}
