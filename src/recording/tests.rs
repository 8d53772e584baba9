//! What is recorded of the shipped example, that it adds up, and that nothing of it can be
//! changed unseen.

use serde_json::{Value, json};

use super::*;
use crate::approval::observed::{Account, Moves, Pull, Review};
use crate::approval::{Approvals, Counted, Decision, Discarded, Group, Subject as Approves};
use crate::commands::demo;
use crate::git::RepoPath;
use crate::ledger::arithmetic::{What, contradictions};
use crate::ledger::entry::Approved;
use crate::ledger::verdict::{Approval, Outcome, Verdict};
use crate::ledger::{About, Entry, Stored};
use crate::limits::LEDGER_ENTRY;
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::rules::Rules;
use crate::untrusted::Untrusted;

const NOW: &str = "2026-11-23T12:00:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn drafts(report: &Report) -> Vec<Draft> {
    let environment = Environment::read(&|_| None).unwrap();
    let finished = Finished {
        report,
        subject: None,
        observed: None,
        seen: None,
        judged_at: now(),
        environment: &environment,
    };
    of(&finished, None).unwrap()
}

/// The entry of a branch's verdict.
fn verdict_of(branch: &str) -> (About, Verdict) {
    let drafts = drafts(&demo::report_of(branch).unwrap());
    match drafts.last().map(|draft| (&draft.about, &draft.body)) {
        Some((about, Body::Verdict(verdict))) => (about.clone(), (**verdict).clone()),
        other => panic!("{other:?}"),
    }
}

fn rules() -> Rules {
    let text = include_str!("../../examples/01-refund/base/.github/gatecard.yml");
    let (policy, gates, waivers) = crate::rules::parse(text).unwrap();
    Rules {
        policy,
        gates,
        waivers,
        path: RepoPath::parse(".github/gatecard.yml").unwrap(),
        sha256: Digest::of(text.as_bytes()),
        origin: Origin::Base,
    }
}

#[test]
fn a_check_is_recorded_as_a_head_and_a_verdict() {
    for (branch, word) in [("blocked", "fail"), ("fixed", "pass")] {
        let report = demo::report_of(branch).unwrap();
        let drafts = drafts(&report);
        let kinds: Vec<&str> = drafts.iter().map(|draft| draft.body.kind()).collect();
        assert_eq!(kinds, ["head-seen", "verdict"], "{branch}");
        let (_, verdict) = verdict_of(branch);
        assert_eq!(verdict.verdict, word, "{branch}");
        assert_eq!(verdict.categories.len(), 7);
        assert_eq!(verdict.outcomes.len(), report.outcomes.len());
        assert_eq!(verdict.evidence.len(), 3);
        assert!(verdict.coverage.is_some_and(|coverage| coverage.calls > 0));
        let evals: Vec<(&str, u64)> = verdict.changes[0]
            .evals
            .iter()
            .map(|evals| (evals.side.as_str(), evals.cases))
            .collect();
        assert_eq!(evals, [("baseline", 60), ("candidate", 60)]);
    }
}

#[test]
fn what_is_recorded_is_read_again() {
    for draft in drafts(&demo::blocked().unwrap()) {
        let entry = draft.after(None, now());
        let bytes = entry.bytes().unwrap();
        let path = crate::ledger::place::path(1, entry.body.kind());
        let read: Entry = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read, entry, "{path}");
    }
}

#[test]
fn nothing_is_recorded_of_a_simulation_or_of_what_nobody_governs() {
    let mut report = demo::blocked().unwrap();
    report.policy.origin = Origin::Simulated;
    assert_eq!(drafts(&report), []);
    report.policy.origin = Origin::Base;
    report.governed = false;
    assert_eq!(drafts(&report), []);
}

#[test]
fn the_examples_add_up() {
    for branch in ["blocked", "fixed"] {
        let (about, verdict) = verdict_of(branch);
        assert_eq!(contradictions(&about, &verdict, None), [], "{branch}");
        assert_eq!(contradictions(&about, &verdict, Some(&rules())), []);
    }
}

/// What no arithmetic can see when it stands alone: identities, which Git tells, and counts that
/// nothing else is made of.
const ALONE: &[&str] = &[
    "/judged",
    "/scored",
    "/mode",
    // Of a condition that is no score, such as a median of minutes.
    "/categories/*/passes",
    "/changes/*/id",
    "/changes/*/change",
    "/changes/*/path",
    "/changes/*/risk",
    "/changes/*/from",
    "/changes/*/to",
    "/changes/*/facets/*",
    "/changes/*/triggers/*",
    "/comparisons/*/metric",
    "/comparisons/*/test",
    "/coverage/cost_nano_usd",
    "/coverage/excluded",
    "/coverage/input_tokens",
    "/coverage/output_tokens",
    "/coverage/p50_ms",
    "/coverage/p95_ms",
    "/coverage/repository_wide",
    "/coverage/spans",
    "/coverage/traces",
    "/coverage/unreadable",
    "/coverage/estimated",
    "/coverage/failed",
    "/coverage/calls",
    "/coverage/fields/*/field",
    "/coverage/fields/*/applicable",
    "/coverage/fields/*/present",
    "/evidence/*/name",
    "/evidence/*/provenance",
    "/evidence/*/sha256",
    "/evidence/*/tool",
    "/evidence/*/used_as",
    "/outcomes/*/gate",
    "/outcomes/*/prompt",
    "/outcomes/*/code",
    // Within the bound that it is compared with.
    "/outcomes/*/measured/threshold",
    "/outcomes/*/measured/observed",
    "/outcomes/*/measured/n",
    "/outcomes/*/outcome",
    "/outcomes/*/blocks",
];

#[test]
fn no_number_of_a_verdict_can_be_changed_alone() {
    for branch in ["blocked", "fixed"] {
        let (about, verdict) = verdict_of(branch);
        let value = serde_json::to_value(&verdict).unwrap();
        let mut paths = Vec::new();
        leaves(&value, String::new(), &mut paths);
        let mut seen = 0;
        for path in paths {
            let mut value = value.clone();
            let leaf = value.pointer_mut(&path).unwrap();
            *leaf = another(leaf);
            let changed: Verdict = serde_json::from_value(value).unwrap();
            let found = contradictions(&about, &changed, Some(&rules()));
            if found.is_empty() {
                // Under a cap, points more or less make no difference.
                let capped = path
                    .strip_prefix("/categories/")
                    .and_then(|path| path.split('/').next()?.parse::<usize>().ok())
                    .is_some_and(|at| verdict.categories[at].cap.is_some());
                let points = capped && path.contains("/checks/");
                let alone = points || ALONE.contains(&pattern(&path).as_str());
                assert!(alone, "{branch}: nobody saw that {path} changed");
            } else {
                seen += 1;
            }
        }
        assert!(seen > 60, "{branch}: {seen}");
    }
}

fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                leaves(value, format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                leaves(value, format!("{path}/{at}"), found);
            }
        }
        _ => found.push(path),
    }
}

fn pattern(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.parse::<usize>() {
        Ok(_) => "*",
        Err(_) => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Something else of the same kind.
fn another(leaf: &Value) -> Value {
    match leaf {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::String(text) if text.len() == 64 => json!("a".repeat(64)),
        Value::String(text) => match text.as_str() {
            "2026-11-23T12:00:00Z" => json!("2026-11-23T13:00:00Z"),
            "pass" => json!("fail"),
            "fail" | "missing" | "not applicable" => json!("pass"),
            "pilot" => json!("ready"),
            "limited_rollout" | "ready" | "do_not_use" => json!("pilot"),
            number if number.parse::<f64>().is_ok() => match number.split_once('.') {
                Some((whole, _)) => json!(format!("{whole}.777777")),
                None => json!(format!("{number}0")),
            },
            other => json!(format!("{other}x")),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn each_lie_is_named_for_what_it_is() {
    type Lie = fn(&mut Verdict);
    let lies: [(&str, Lie, What); 14] = [
        ("a score", |v| v.categories[0].score += 1, What::Score),
        ("points", |v| earned(v).points = 0, What::Score),
        (
            "too many points",
            |v| v.categories[0].checks[0].points = 10_000,
            What::Count,
        ),
        ("a weight", |v| v.categories[0].weight -= 1, What::Weight),
        (
            "a category less",
            |v| drop(v.categories.pop()),
            What::Weight,
        ),
        ("the total", |v| v.points += 1, What::Total),
        ("passes", |v| v.categories[0].passes ^= true, What::Passes),
        ("the band", |v| v.band = String::from("ready"), What::Band),
        (
            "the verdict",
            |v| v.verdict = String::from("pass"),
            What::Verdict,
        ),
        (
            "a green one blocks",
            |v| green(v).blocks = true,
            What::Verdict,
        ),
        (
            "a share",
            |v| share(v).measured.as_mut().unwrap().observed = String::from("1"),
            What::Measured,
        ),
        (
            "more calls",
            |v| share(v).measured.as_mut().unwrap().n = u64::MAX,
            What::Count,
        ),
        (
            "p",
            |v| v.comparisons[0].p = String::from("0.900000"),
            What::Comparison,
        ),
        (
            "endless pairs",
            |v| v.comparisons[0].both = u64::MAX,
            What::Count,
        ),
    ];
    for (name, lie, what) in lies {
        let (about, mut verdict) = verdict_of("blocked");
        lie(&mut verdict);
        let found = contradictions(&about, &verdict, Some(&rules()));
        assert!(
            found.iter().any(|each| each.what == what),
            "{name}: {found:?}"
        );
    }
}

/// The fixed example, as if each of its cases had been run several times.
fn drawn() -> (About, Verdict) {
    let (about, mut verdict) = verdict_of("fixed");
    let own = &mut verdict.comparisons[0];
    let difference: f64 = own.difference.parse().unwrap();
    own.test = String::from("sign-flip");
    own.means = Some(["0.500000".into(), format!("{:.6}", 0.5 + difference)]);
    own.seed = Some(String::from("00000000000000ff"));
    (about, verdict)
}

#[test]
fn what_was_drawn_must_at_least_fit_together() {
    type Lie = fn(&mut Verdict);
    let (about, verdict) = drawn();
    assert_eq!(contradictions(&about, &verdict, Some(&rules())), []);
    let lies: [(&str, Lie, What); 8] = [
        (
            "a mean",
            |v| own(v).means.as_mut().unwrap()[0] = "0.400000".into(),
            What::Comparison,
        ),
        ("no means", |v| own(v).means = None, What::Comparison),
        ("p", |v| own(v).p = "1.100000".into(), What::Comparison),
        (
            "the interval",
            |v| own(v).interval.reverse(),
            What::Comparison,
        ),
        (
            "the number of cases",
            |v| own(v).cases = Some(1),
            What::Measured,
        ),
        (
            "the level",
            |v| own(v).alpha = Some("0.040000".into()),
            What::Comparison,
        ),
        (
            "a margin that the gate did not ask for",
            |v| own(v).margin = Some(["0.100000".into(), "0.050000".into()]),
            What::Measured,
        ),
        (
            "a metric that nothing is said of",
            |v| {
                let mut other = own(v).clone();
                other.metric = String::from("tone");
                v.comparisons.push(other);
            },
            What::Comparison,
        ),
    ];
    for (name, lie, what) in lies {
        let (about, mut verdict) = drawn();
        lie(&mut verdict);
        let found = contradictions(&about, &verdict, Some(&rules()));
        let seen = found.iter().any(|each| each.what == what);
        assert!(seen, "{name}: {found:?}");
    }
}

#[test]
fn a_margin_on_record_is_computed_again() {
    let outcome = |verdict: &mut Verdict, code: Code, state: &str| {
        let of_gate = |each: &&mut Outcome| each.gate == "max_regression";
        let outcome = verdict.outcomes.iter_mut().find(of_gate).unwrap();
        outcome.code = code.id().to_owned();
        outcome.outcome = state.to_owned();
        outcome.blocks = state != "pass";
        verdict.verdict = String::from(if outcome.blocks { "fail" } else { "pass" });
    };
    for (margin, code, state, holds) in [
        ("0.100000", Code::MarginKept, "pass", true),
        ("0.100000", Code::MarginNotShown, "inconclusive", false),
        ("0.100000", Code::NoDropSeen, "pass", false),
        ("0.010000", Code::MarginKept, "pass", false),
        ("0.010000", Code::MarginNotShown, "inconclusive", true),
        ("0.010000", Code::MarginNotShown, "pass", false),
        ("0.010000", Code::Regression, "fail", false),
    ] {
        let (about, mut verdict) = verdict_of("fixed");
        // Whatever drop an entry says was ruled out, it follows from the pairs.
        own(&mut verdict).margin = Some([margin.to_owned(), String::from("0.000001")]);
        outcome(&mut verdict, code, state);
        let found = contradictions(&about, &verdict, Some(&rules()));
        assert_eq!(
            found.is_empty(),
            holds,
            "{margin} {code:?} {state}: {found:?}"
        );
    }
}

/// Old entries do not say how many cases were compared, at which level and what could be seen.
#[test]
fn entries_of_before_still_add_up() {
    for branch in ["blocked", "fixed"] {
        let (about, mut verdict) = verdict_of(branch);
        for comparison in &mut verdict.comparisons {
            comparison.cases = None;
            comparison.alpha = None;
            comparison.visible = None;
        }
        verdict.comparisons.truncate(1);
        verdict
            .outcomes
            .retain(|each| each.code != Code::MetricDropped.id());
        assert_eq!(
            contradictions(&about, &verdict, Some(&rules())),
            [],
            "{branch}"
        );
    }
}

fn own(verdict: &mut Verdict) -> &mut crate::ledger::verdict::Comparison {
    &mut verdict.comparisons[0]
}

fn earned(verdict: &mut Verdict) -> &mut crate::ledger::verdict::Earned {
    let checks = verdict
        .categories
        .iter_mut()
        .flat_map(|each| &mut each.checks);
    let mut checks = checks.filter(|check| check.points > 0);
    checks.next().unwrap()
}

fn green(verdict: &mut Verdict) -> &mut Outcome {
    let mut outcomes = verdict.outcomes.iter_mut();
    outcomes.find(|outcome| outcome.outcome == "pass").unwrap()
}

fn share(verdict: &mut Verdict) -> &mut Outcome {
    let mut outcomes = verdict.outcomes.iter_mut();
    outcomes
        .find(|outcome| outcome.gate == "prompt_version")
        .unwrap()
}

/// Two groups, of which the first approved by review 7.
fn approved() -> (About, Verdict) {
    let (about, mut verdict) = verdict_of("fixed");
    let prompt = Some(verdict.changes[0].id.clone());
    verdict.approvals = ["one", "two"]
        .map(|group| Approval {
            prompt: prompt.clone(),
            files: Vec::new(),
            digest: verdict.changes[0].to,
            group: group.to_owned(),
            gate: None,
            counted: vec![7],
        })
        .into();
    for outcome in &mut verdict.outcomes {
        if outcome.gate == "approvals" {
            outcome.prompt.clone_from(&prompt);
            outcome.outcome = String::from("pass");
            outcome.code = String::from("approved");
        }
    }
    (about, verdict)
}

#[test]
fn a_gate_on_approvals_says_what_the_approvals_say() {
    type Change = fn(&mut Verdict);
    let file = |verdict: &mut Verdict, counted: &[u64]| {
        verdict.approvals.push(Approval {
            prompt: None,
            files: vec![String::from("gatecard.yml")],
            digest: None,
            group: String::from("owners"),
            gate: None,
            counted: counted.to_vec(),
        });
    };
    let _: fn(&mut Verdict, &[u64]) = file;
    let cases: [(&str, Change, bool); 5] = [
        ("as it was", |_| {}, true),
        ("a group did not", |v| v.approvals[1].counted.clear(), false),
        (
            "changes are requested",
            |v| v.change_requests.push(8),
            false,
        ),
        ("nobody was asked", |v| v.approvals.clear(), false),
        (
            "another prompt",
            |v| v.approvals[0].prompt = Some(String::from("b")),
            false,
        ),
    ];
    for (name, change, holds) in cases {
        let (about, mut verdict) = approved();
        change(&mut verdict);
        let found = contradictions(&about, &verdict, None);
        assert_eq!(found.is_empty(), holds, "{name}: {found:?}");
        assert!(
            found.iter().all(|each| each.what == What::Approvals),
            "{found:?}"
        );
    }
    // The gate on other files has one outcome for each of them.
    for (counted, outcome, code, holds) in [
        (&[9][..], "pass", "approved", true),
        (&[], "pass", "approved", false),
        (&[], "missing", "approval-missing", true),
        (&[9], "missing", "approval-missing", false),
        (&[9], "not applicable", "not-applicable", false),
    ] {
        let (about, mut verdict) = approved();
        file(&mut verdict, counted);
        for each in &mut verdict.outcomes {
            if each.gate == "policy_change" {
                each.outcome = outcome.to_owned();
                each.code = code.to_owned();
            }
        }
        let found = contradictions(&about, &verdict, None);
        assert_eq!(found.is_empty(), holds, "{counted:?} {outcome}: {found:?}");
    }
}

#[test]
fn a_gate_on_the_test_set_says_what_its_owner_said() {
    let asked = |prompt: Option<&str>, counted: &[u64]| Approval {
        prompt: prompt.map(str::to_owned),
        files: prompt.map_or_else(|| vec![String::from("cases.json")], |_| Vec::new()),
        digest: None,
        group: String::from("quality"),
        gate: Some(String::from("test_set")),
        counted: counted.to_vec(),
    };
    for (counted, outcome, code, holds) in [
        (&[9][..], "pass", "approved", true),
        (&[], "pass", "approved", false),
        (&[], "missing", "approval-missing", true),
        (&[9], "missing", "approval-missing", false),
    ] {
        for of_prompt in [true, false] {
            let (about, mut verdict) = approved();
            let id = verdict.changes[0].id.clone();
            let prompt = of_prompt.then_some(id.as_str());
            verdict.approvals.push(asked(prompt, counted));
            for each in &mut verdict.outcomes {
                if each.gate == "test_set" {
                    each.prompt = prompt.map(str::to_owned);
                    each.outcome = outcome.to_owned();
                    each.code = code.to_owned();
                }
            }
            let found = contradictions(&about, &verdict, None);
            let of_approvals = found.iter().all(|each| each.what != What::Approvals);
            assert_eq!(of_approvals, holds, "{counted:?} {outcome}: {found:?}");
        }
    }
}

/// The report with its one changed prompt as often as that.
fn many(prompts: usize) -> Report {
    let mut report = demo::blocked().unwrap();
    let change = report.changes[0].clone();
    let (_, comparison) = report.comparisons[0].clone();
    let of_prompt = |outcome: &crate::gates::Outcome| outcome.prompt().is_some();
    let (own, mut outcomes): (Vec<_>, Vec<_>) = report.outcomes.into_iter().partition(of_prompt);
    report.changes.clear();
    report.comparisons.clear();
    for number in 0..prompts {
        let name = format!("prompts/customer-support/refunds/region-{number:05}/answer");
        let mut change = change.clone();
        change.id = name.as_str().into();
        change.path = format!("{name}.prompt.md").into();
        report.changes.push(change);
        report
            .comparisons
            .push((name.as_str().into(), comparison.clone()));
        outcomes.extend(own.iter().map(|outcome| {
            let mut outcome = outcome.clone();
            outcome.ruling.prompt = Some(PromptId::new(name.as_str()));
            outcome
        }));
        for group in ["engineering", "product", "security"] {
            report
                .approvals
                .decisions
                .push(decision(&name, group, vec![counted(7)], vec![]));
        }
    }
    report.outcomes = outcomes;
    report
}

#[test]
fn a_verdict_on_hundreds_of_prompts_is_one_entry() {
    for (prompts, fits) in [(200, true), (500, true), (5_000, false)] {
        let drafts = drafts(&many(prompts));
        let sizes = drafts.into_iter().map(|draft| {
            let bytes = draft.after(None, now()).bytes().unwrap();
            bytes.len() as u64
        });
        let most = sizes.max().unwrap();
        assert_eq!(
            most <= LEDGER_ENTRY,
            fits,
            "{prompts} prompts: {most} bytes"
        );
    }
}

const PROMPT: &str = "prompts/answer";

fn digest() -> Digest {
    Digest::of(b"the version")
}

fn commit() -> CommitSha {
    CommitSha::parse(&"c".repeat(40)).unwrap()
}

fn counted(review: u64) -> Counted {
    Counted {
        reviewer: "olga".into(),
        account: 50,
        pull: 4,
        review,
        commit: commit(),
        at: now(),
    }
}

fn discarded(review: u64, code: Code) -> Discarded {
    Discarded {
        reviewer: "olga".into(),
        review,
        code,
        why: "".into(),
    }
}

fn decision(
    prompt: &str,
    group: &str,
    counted: Vec<Counted>,
    discarded: Vec<Discarded>,
) -> Decision {
    Decision {
        subject: Approves::Prompt(PromptId::new(prompt)),
        version: Some(digest()),
        purpose: crate::approval::Purpose::Content,
        head: commit(),
        group: Group {
            name: group.to_owned(),
            ..Group::default()
        },
        counted,
        discarded,
        unreadable: Vec::new(),
    }
}

fn review(id: u64, state: &str) -> Review {
    Review {
        id,
        user: Some(Account {
            id: 50,
            login: String::from("olga"),
            bot: false,
        }),
        state: state.to_owned(),
        commit: Some(commit()),
        submitted_at: Some(now()),
        association: String::new(),
    }
}

/// What GitHub shows of pull request 4.
fn observed(reviews: Vec<Review>) -> Observed {
    Observed {
        pulls: vec![Pull {
            number: 4,
            base_ref: String::from("main"),
            head: commit(),
            author: None,
            reviews,
            authorship: std::collections::BTreeMap::new(),
            moves: Moves::Timeline {
                force_pushed: None,
                retargeted: None,
            },
        }],
        ..Observed::default()
    }
}

fn approvals(decisions: Vec<Decision>) -> Approvals {
    Approvals {
        decisions,
        ..Approvals::default()
    }
}

/// An approval of [`PROMPT`] by review 7 as the ledger holds it.
fn on_record() -> Vec<Stored> {
    let given = approvals(vec![decision(PROMPT, "product", vec![counted(7)], vec![])]);
    let said = reviews::said(&given, Some(&observed(vec![])), &[]);
    let environment = Environment::read(&|_| None).unwrap();
    said.into_iter()
        .map(|(pull, body)| {
            let mut about = about(&environment, commit(), commit());
            about.pull = Some(pull);
            let entry = Draft { about, body }.after(None, now());
            let digest = Digest::of(&entry.bytes().unwrap());
            Stored { entry, digest }
        })
        .collect()
}

#[test]
fn a_review_is_one_entry_for_all_that_it_approves() {
    let of = |prompt, group| decision(prompt, group, vec![counted(7)], vec![]);
    let given = approvals(vec![of("b", "two"), of("a", "two"), of("a", "one")]);
    let said = reviews::said(&given, Some(&observed(vec![])), &[]);
    let [(4, Body::Approve(review))] = said.as_slice() else {
        panic!("{said:?}");
    };
    let subject = |prompt: &str, group: &str| Approved {
        prompt: Some(prompt.to_owned()),
        files: Vec::new(),
        digest: digest(),
        group: group.to_owned(),
    };
    let want = [
        subject("a", "one"),
        subject("a", "two"),
        subject("b", "two"),
    ];
    assert_eq!(review.subjects, want);
    assert_eq!((review.review, review.reviewer.id), (7, Some(50)));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table is as long as its cases")]
fn an_approval_on_record_that_is_none_any_more_is_taken_back() {
    let stands = || vec![review(7, "APPROVED")];
    let discards = |code| {
        vec![decision(
            PROMPT,
            "product",
            vec![],
            vec![discarded(7, code)],
        )]
    };
    let none = || vec![decision(PROMPT, "product", vec![], vec![])];
    let again = || vec![review(7, "APPROVED"), review(8, "CHANGES_REQUESTED")];
    for (name, decisions, reviews, want) in [
        (
            "dismissed",
            discards(Code::ApprovalDismissed),
            vec![review(7, "DISMISSED")],
            "dismiss approval-dismissed",
        ),
        (
            "of other content",
            discards(Code::ApprovalStale),
            stands(),
            "stale approval-stale",
        ),
        (
            "force-pushed",
            discards(Code::ApprovalForcePushed),
            stands(),
            "stale approval-force-pushed",
        ),
        (
            "not in the group any more",
            discards(Code::ApprovalNotAMember),
            stands(),
            "dismiss approval-not-a-member",
        ),
        (
            "a team that cannot be read",
            discards(Code::TeamUnreadable),
            stands(),
            "",
        ),
        (
            "another opinion",
            none(),
            again(),
            "dismiss approval-replaced",
        ),
        (
            "dismissed, and of no group now",
            none(),
            vec![review(7, "DISMISSED")],
            "dismiss approval-dismissed",
        ),
        ("not asked for any more", Vec::new(), stands(), ""),
        ("not shown any more", none(), Vec::new(), ""),
    ] {
        let said = reviews::said(
            &approvals(decisions),
            Some(&observed(reviews)),
            &on_record(),
        );
        let found: Vec<String> = said
            .iter()
            .map(|(_, body)| match body {
                Body::Dismiss(review) | Body::Stale(review) => {
                    assert_eq!(review.subjects.len(), 1, "{name}");
                    format!("{} {}", body.kind(), review.code.as_deref().unwrap())
                }
                other => panic!("{name}: {other:?}"),
            })
            .collect();
        assert_eq!(found.join(", "), want, "{name}");
    }
}

#[test]
fn nothing_is_taken_back_where_nothing_is_known() {
    let unknown = Approvals {
        unknown: Some(Untrusted::from("no token")),
        ..Approvals::default()
    };
    let seen = observed(vec![review(7, "DISMISSED")]);
    assert_eq!(reviews::said(&unknown, Some(&seen), &on_record()), []);
    assert_eq!(reviews::said(&approvals(vec![]), None, &on_record()), []);
}

/// The first outcome of a gate.
fn outcome_of<'v>(verdict: &'v mut Verdict, gate: &str) -> &'v mut Outcome {
    let outcomes = &mut verdict.outcomes.iter_mut();
    outcomes.find(|each| each.gate == gate).unwrap()
}

/// A gate, what a verdict makes of it, and what is wrong with that.
const GROUNDLESS: &[(&str, &str, Code, &str)] = &[
    (
        "min_examples",
        "pass",
        Code::Met,
        "min_examples of support/refund is a pass, and nothing was measured",
    ),
    (
        "min_examples",
        "not applicable",
        Code::NotApplicable,
        "min_examples of support/refund is not applicable without a ground",
    ),
    (
        "prompt_version",
        "not applicable",
        Code::PreProduction,
        "prompt_version of support/refund is not applicable without a ground",
    ),
    (
        "max_regression",
        "not applicable",
        Code::FirstVersion,
        "max_regression of support/refund is not applicable without a ground",
    ),
    (
        "max_regression",
        "waived",
        Code::Regression,
        "max_regression of support/refund is waived, and the policy does not waive it",
    ),
    (
        "prompt_files",
        "waived",
        Code::Regression,
        "prompt_files is waived, and the policy does not waive it",
    ),
    (
        "min_examples",
        "fail",
        Code::TooFewCases,
        "min_examples of support/refund is red without blocking, and the policy lets it block",
    ),
];

fn wrong_with(about: &About, verdict: &Verdict) -> Vec<String> {
    let found = contradictions(about, verdict, Some(&rules()));
    found.into_iter().map(|each| each.words).collect()
}

#[test]
fn no_gate_is_green_or_lenient_without_a_ground() {
    let (about, honest) = verdict_of("fixed");
    for (gate, state, code, want) in GROUNDLESS {
        let mut verdict = honest.clone();
        let outcome = outcome_of(&mut verdict, gate);
        outcome.outcome = (*state).to_owned();
        outcome.code = code.id().to_owned();
        outcome.blocks = false;
        outcome.measured = None;
        let words = wrong_with(&about, &verdict);
        assert!(words.iter().any(|each| each == want), "{want}: {words:?}");
    }
}

#[test]
fn no_gate_is_silent_and_no_file_without_an_owner() {
    let (about, honest) = verdict_of("fixed");
    for gate in honest.outcomes.iter().map(|each| &each.gate) {
        let mut verdict = honest.clone();
        verdict.outcomes.retain(|each| each.gate != *gate);
        let words = wrong_with(&about, &verdict);
        let said = words
            .iter()
            .any(|each| each.starts_with(&format!("{gate} says nothing")));
        assert!(said, "{gate}: {words:?}");
    }
    let mut verdict = honest;
    verdict.files.push(crate::ledger::verdict::File {
        kind: String::from("policy"),
        path: String::from("gatecard.yml"),
        blob: None,
    });
    let words = wrong_with(&about, &verdict);
    let want = "nobody is asked to approve gatecard.yml";
    assert!(words.iter().any(|each| each == want), "{words:?}");
}
