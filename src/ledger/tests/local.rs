//! The branch of a clone.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::ledger::local::Local;
use crate::ledger::read::Ledger;

const BRANCH: &str = "gatecard/ledger";
const HERE: &str = "refs/heads/gatecard/ledger";
const FETCHED: &str = "refs/remotes/origin/gatecard/ledger";

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn record(repo: &Repo, draft: Draft) -> Result<Appended, LedgerError> {
    append(repo, &Local::new(repo, BRANCH), &[draft])
}

#[test]
fn every_kind_of_repository_is_written_to() {
    for format in ["sha1", "sha256"] {
        for kind in ["bare", "plain", "worktree"] {
            let folder = tempfile::tempdir().unwrap();
            let at = folder.path();
            let object = format!("--object-format={format}");
            let mut place = at.to_owned();
            match kind {
                "bare" => drop(git(at, &["init", "-q", "--bare", &object])),
                _ => drop(git(at, &["init", "-q", &object])),
            }
            if kind == "worktree" {
                let author = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"];
                let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
                git(at, &[author.as_slice(), &commit].concat());
                git(at, &["worktree", "add", "-q", "linked"]);
                place = at.join("linked");
            }
            let repo = Repo::open(&place).unwrap();
            for head in 0..3 {
                record(&repo, merge(head)).unwrap();
            }
            let tip = repo.reference(HERE).unwrap();
            assert_eq!(checked(&repo, tip.as_ref()).len(), 3, "{kind} {format}");
            // Git itself finds nothing wrong, and nobody's name.
            git(at, &["fsck", "--strict"]);
            let who = git(at, &["log", "--format=%an %ae %cn %ce", HERE]);
            let want = "gatecard gatecard@users.noreply.invalid";
            assert!(who.lines().all(|line| line == format!("{want} {want}")));
            let readme = git(at, &["show", &format!("{HERE}:README.md")]);
            assert!(readme.contains("Files are only ever added"));
        }
    }
}

#[test]
fn a_branch_follows_the_one_that_was_fetched() {
    let folder = tempfile::tempdir().unwrap();
    NewRepo::init(folder.path()).unwrap();
    let repo = Repo::open(folder.path()).unwrap();
    let tip = |name: &str| repo.reference(name).unwrap();
    let first = record(&repo, merge(1)).unwrap().tip.unwrap().commit;
    let second = record(&repo, merge(2)).unwrap().tip.unwrap().commit;
    let third = record(&repo, merge(3)).unwrap().tip.unwrap().commit;
    // Where the clone's branch is, where the fetched one is, where the next entry goes.
    for (here, fetched, below) in [
        (None, Some(&third), &third),
        (Some(&first), Some(&third), &third),
        (Some(&third), Some(&first), &third),
        (Some(&second), Some(&second), &second),
        (Some(&second), None, &second),
    ] {
        for (name, place) in [(HERE, here), (FETCHED, fetched)] {
            if tip(name).is_some() {
                git(folder.path(), &["update-ref", "-d", name]);
            }
            if let Some(place) = place {
                git(folder.path(), &["update-ref", name, place.as_str()]);
            }
        }
        assert_eq!(Ledger::open(&repo, BRANCH).unwrap().unwrap().tip(), below);
        let appended = record(&repo, merge(9)).unwrap();
        let commit = appended.tip.unwrap().commit;
        assert_eq!(tip(HERE).as_ref(), Some(&commit));
        assert_eq!(tip(FETCHED).as_ref(), fetched);
        let line = repo.landed(below, &commit, 9).unwrap();
        assert_eq!(line.len(), 1);
        checked(&repo, Some(&commit));
    }
}

#[test]
fn branches_that_went_apart_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    NewRepo::init(folder.path()).unwrap();
    let repo = Repo::open(folder.path()).unwrap();
    record(&repo, merge(1)).unwrap();
    let ours = repo.reference(HERE).unwrap().unwrap();
    git(folder.path(), &["update-ref", "-d", HERE]);
    record(&repo, merge(2)).unwrap();
    let theirs = repo.reference(HERE).unwrap().unwrap();
    git(folder.path(), &["update-ref", FETCHED, theirs.as_str()]);
    git(folder.path(), &["update-ref", HERE, ours.as_str()]);
    let error = record(&repo, merge(3)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the ledger: gatecard/ledger is at {}, origin/gatecard/ledger at {}, and neither contains the other",
            ours.short(),
            theirs.short()
        )
    );
    assert!(error.hint().unwrap().contains("git update-ref"));
    assert_eq!(repo.reference(HERE).unwrap(), Some(ours));
}

#[test]
fn what_stands_in_the_way_is_named() {
    type Case = (&'static str, fn(&Path), &'static str);
    let cases: [Case; 4] = [
        (
            "a lock that stayed",
            |at| {
                let lock = at.join("refs/heads/gatecard/ledger.lock");
                fs::create_dir_all(lock.parent().unwrap()).unwrap();
                fs::write(lock, "").unwrap();
            },
            "the branch gatecard/ledger is locked: found",
        ),
        (
            "objects that cannot be written",
            |at| {
                fs::remove_dir_all(at.join("objects")).unwrap();
                fs::write(at.join("objects"), "").unwrap();
            },
            "cannot write to",
        ),
        (
            "references that cannot be written",
            |at| {
                fs::write(at.join("refs/heads/gatecard"), "").unwrap();
            },
            "gatecard",
        ),
        (
            "a branch of another purpose",
            |at| {
                let repo = Repo::open(at).unwrap();
                let files = [(String::from("index.html"), b"hello".to_vec())];
                let commit = repo.add_files(None, &files, ("pages", now())).unwrap();
                repo.move_reference(HERE, None, &commit).unwrap();
            },
            "holds no entry, expected the ledger",
        ),
    ];
    for (name, obstacle, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        obstacle(folder.path());
        let error = record(&repo, merge(1)).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
}

#[test]
fn nothing_goes_on_top_of_what_cannot_be_read() {
    let entry = merge(2).after(Some((1, digest("before"))), now());
    let good = String::from_utf8(entry.bytes().unwrap()).unwrap();
    let newer = good.replace("\"v\":1", "\"v\":2");
    let unknown = good.replace("\"seq\":2", "\"seq\":2,\"soul\":1");
    let cases = [
        (newer.as_str(), "schema version 2"),
        (&unknown, "another form or unknown fields"),
        (good.split_at(40).0, "EOF while parsing"),
        ("", "EOF while parsing"),
    ];
    for (text, found) in cases {
        let repo = in_memory();
        let store = Memory::new(&repo);
        append(&repo, &store, &[merge(1)]).unwrap();
        let before = store.tip.borrow().clone();
        let files = [(place::path(2, "merge"), text.as_bytes().to_vec())];
        let bad = repo
            .add_files(before.as_ref(), &files, ("bad", now()))
            .unwrap();
        store.tip.replace(Some(bad.clone()));
        let error = append(&repo, &store, &[merge(3)]).unwrap_err();
        let words = error.to_string();
        let path = "`entries/0000/00/0000000002-merge.json`";
        assert!(words.contains(path) && words.contains(found), "{words}");
        assert!(error.hint().unwrap().contains("gatecard verify"));
        assert_eq!(*store.tip.borrow(), Some(bad), "nothing was added");
    }
}

#[test]
fn an_entry_that_nobody_could_read_again_is_not_written() {
    let repo = in_memory();
    let store = Memory::new(&repo);
    let error = append(&repo, &store, &[amend(1, &"x".repeat(5 << 20))]).unwrap_err();
    assert!(
        error.to_string().contains("the amend entry would have"),
        "{error}"
    );
    assert_eq!(*store.tip.borrow(), None);
}
