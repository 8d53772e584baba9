//! What anchors cover, and what is said to be unseen without them.

use super::*;
use crate::ledger::signature::tests::{ED25519, ED25519_PUB, P384_PUB, key};

fn signers(lines: &str) -> AllowedSigners {
    AllowedSigners::parse(lines).unwrap()
}

#[test]
fn an_anchor_is_a_number_and_the_start_of_a_digest() {
    let digest = "0123456789ab";
    for good in [
        format!("1:{digest}"),
        format!("42:sha256:{}", "0".repeat(64)),
        String::from("7:0123456789AB"),
    ] {
        assert!(Anchor::parse(&good).is_some(), "{good}");
    }
    for bad in [
        "",
        "1",
        "1:0123456789a",
        "0:0123456789ab",
        "x:0123456789ab",
        "1:0123456789ag",
    ] {
        assert!(Anchor::parse(bad).is_none(), "{bad}");
    }
}

#[test]
fn a_digest_covers_what_is_before_it() {
    let world = story();
    let mut asked = world.ask(world.ledger.clone());
    let ledger = verify(&asked).unwrap();
    assert!(ledger.unseen[0].log().contains("whole branch"));
    let third = world.batches[0].drafts.len() as u64;
    let links = chain::read(
        &asked,
        world.ledger.as_ref().unwrap(),
        &mut Findings::default(),
    )
    .unwrap();
    asked.anchors = vec![Anchor::parse(&format!("{third}:{}", links[&third].digest)).unwrap()];
    let answer = verify(&asked).unwrap();
    assert_eq!(codes(&answer), ["anchor-absent"]);
    assert!(answer.findings[0].words.log().contains("from 4 to 11"));
    assert!(
        answer.unseen[0].log().contains("4 to 11"),
        "{:?}",
        answer.unseen
    );
}

#[test]
fn signatures_of_all_entries_cover_them() {
    let world = story();
    let tip = world.lay(&chain(&world.batches, Some(&key(ED25519))));
    let mut asked = world.ask(Some(tip));
    assert_eq!(codes(&verify(&asked).unwrap()), ["anchor-absent"]);
    asked.signers = Some(signers(&format!("ci {}", ED25519_PUB.trim())));
    let answer = verify(&asked).unwrap();
    assert_eq!((answer.holds.exit_code(), told(&answer)), (0, Vec::new()));
    for (line, want) in [
        (format!("ci {}", P384_PUB.trim()), "signature-unknown-key"),
        (
            format!("ci namespaces=\"git\" {}", ED25519_PUB.trim()),
            "signature-namespace",
        ),
        (
            format!("ci valid-before=\"20200101Z\" {}", ED25519_PUB.trim()),
            "signature-out-of-time",
        ),
    ] {
        asked.signers = Some(signers(&line));
        assert_eq!(codes(&verify(&asked).unwrap()), ["anchor-absent", want]);
    }
}

#[test]
fn a_clone_remembers_what_it_saw() {
    let world = story();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x/verified.json");
    assert_eq!(anchors::remembered(&file, "l").unwrap(), None);
    let mut asked = world.ask(world.ledger.clone());
    let tip = verify(&asked).unwrap().tip.unwrap();
    let remember = |seconds| {
        anchors::remember(&file, "l", &tip, Time::of(at(seconds))).unwrap();
        anchors::remembered(&file, "l").unwrap()
    };
    asked.remembered = remember(1);
    // The first time stays.
    assert_eq!(asked.remembered, remember(2));
    assert_eq!(anchors::remembered(&file, "other").unwrap(), None);
    assert_eq!(verify(&asked).unwrap().holds.exit_code(), 0);
    asked.ledger = None;
    assert_eq!(codes(&verify(&asked).unwrap()), ["anchor-missing"]);
    std::fs::write(&file, "{}").unwrap();
    assert!(anchors::remembered(&file, "l").is_err());
}

#[test]
fn commits_that_github_signed_cover_their_entries() {
    let world = story();
    let mut asked = world.ask(world.ledger.clone());
    asked.commit_keys = Some(&|_| Ok(true));
    // Nothing is signed here.
    assert_eq!(codes(&verify(&asked).unwrap()), ["anchor-absent"]);
}
