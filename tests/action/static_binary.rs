//! The released program where there is nothing else: an empty folder as its whole machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::checkout::{Said, binary, run};
use crate::harness::{NOW, Passing};

/// Runs the program with `root` as its `/`.
fn inside(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let is_root = run(Command::new("id").arg("-u")).out.trim() == "0";
    let mut command = Command::new(if is_root { "chroot" } else { "sudo" });
    if !is_root {
        command.args(["-n", "chroot"]);
    }
    // `env` in the command line would have to be inside.
    command.arg(root).arg("/gatecard").args(arguments);
    command.env_clear().envs(variables.iter().copied());
    command.env("PATH", std::env::var_os("PATH").unwrap());
    run(&mut command)
}

/// A folder with the program and nothing else.
fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::copy(binary(), root.path().join("gatecard")).unwrap();
    root
}

#[test]
fn it_runs_without_any_library() {
    let root = machine();
    let said = inside(root.path(), &["--version"], &[]);
    let version = format!("gatecard {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        said.out.trim(),
        version,
        "GATECARD_BINARY names a static binary"
    );
}

#[test]
fn it_checks_a_repository_without_a_git_program() {
    let root = machine();
    let passing = Passing::new();
    let bundle = run(Command::new("cp")
        .arg("-r")
        .arg(passing.repo.path())
        .arg(root.path()));
    assert_eq!(bundle.code, Some(0), "{}", bundle.out);
    let mut arguments = vec![
        "check", "--repo", "/repo", "--base", "main", "--head", "head",
    ];
    arguments.extend(["--now", NOW]);
    let without = inside(root.path(), &arguments, &[]);
    assert_eq!(without.code, Some(1), "no evidence: {}", without.out);
    for (name, file) in ["/base.json", "/head.json", "/traces.jsonl"]
        .iter()
        .zip(&passing.files)
    {
        fs::copy(file, root.path().join(&name[1..])).unwrap();
        arguments.extend(["--evidence", name]);
    }
    let with = inside(root.path(), &arguments, &[]);
    assert_eq!(with.code, Some(0), "{}", with.out);
}

#[test]
fn a_machine_without_certificates_is_told_what_to_set() {
    let root = machine();
    let arguments = ["approvals", "--pull", "7"];
    let github = [
        ("GITHUB_TOKEN", "ghs_write"),
        ("GITHUB_REPOSITORY", "acme/prompts"),
    ];
    for (more, looked) in [
        (None, "/etc/ssl, /etc/pki"),
        (
            Some(("SSL_CERT_FILE", "/no/such.pem")),
            "SSL_CERT_FILE=/no/such.pem",
        ),
        (Some(("SSL_CERT_DIR", "/no/such")), "SSL_CERT_DIR=/no/such"),
    ] {
        let variables: Vec<_> = github.into_iter().chain(more).collect();
        let said = inside(root.path(), &arguments, &variables);
        assert_eq!(said.code, Some(4), "{}", said.out);
        for part in [
            "https://api.github.com",
            "no CA certificates",
            looked,
            "set SSL_CERT_FILE",
        ] {
            assert!(said.out.contains(part), "no `{part}` in: {}", said.out);
        }
    }
}
