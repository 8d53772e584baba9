//! A release from build to installation: what was released is installed, and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::checkout::{Action, Mirror, Service, TARGET, VERSION, archive_name, binary, run};
use crate::harness::git_in;

/// Packs files into an archive with `tar` itself.
fn packed(folder: &Path, members: &[&str]) -> Vec<u8> {
    let mut command = Command::new("tar");
    command.arg("-C").arg(folder).arg("-czf").arg("-");
    let output = command.args(members).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn sha256(bytes: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// The error names each of these, and nothing that could be run is left.
fn refused(action: &Action, variables: &[(&str, &str)], named: &[&str]) {
    let error = match action.install(variables) {
        Err(error) => error,
        Ok(path) => panic!("{} was installed, expected: {named:?}", path.display()),
    };
    for part in named {
        assert!(error.contains(part), "no `{part}` in: {error}");
    }
    let line = error.lines().last().unwrap();
    assert!(line.starts_with("::error title=gatecard::"), "{error}");
    for part in ["found", "expected", ";"] {
        assert!(line.contains(part), "no `{part}` in: {line}");
    }
    assert_eq!(action.executables(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_checkout_of_the_tag_installs_the_binary_that_was_built_from_the_commit_before() {
    let action = Action::released(&binary());
    let tag = git_in(&action.path(), &["rev-parse", "HEAD"]);
    let built = git_in(&action.path(), &["rev-parse", "HEAD~1"]);
    let line = fs::read_to_string(action.path().join("versions.txt")).unwrap();
    assert!(line.trim_end().ends_with(built.trim()), "{line}");
    assert_eq!(
        tag,
        git_in(&action.origin(), &["rev-parse", &format!("v{VERSION}")])
    );

    let mirror = Mirror::of(fs::read(&action.archive).unwrap(), Service::Whole);
    let with = [("GATECARD_MIRROR", mirror.url.as_str())];
    for _ in 0..2 {
        let installed = action.install(&with).unwrap();
        let said = run(Command::new(installed).arg("--version"));
        assert_eq!(said.out.trim(), format!("gatecard {VERSION}"));
        assert_eq!(mirror.asked(), 1, "the second time the tool cache has it");
    }
}

#[test]
fn an_archive_with_another_hash_is_never_unpacked() {
    let action = Action::of_a_script();
    let whole = fs::read(&action.archive).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    for (bytes, service, named) in [
        (flipped, Service::Whole, "found SHA-256"),
        (longer, Service::Whole, "found SHA-256"),
        (whole, Service::Half, "curl: (18)"),
        (Vec::new(), Service::Whole, "found SHA-256"),
    ] {
        let mirror = Mirror::of(bytes, service);
        let with = [("GATECARD_MIRROR", mirror.url.as_str())];
        refused(&action, &with, &[&mirror.url, &archive_name(), named]);
        assert!(!action.cached().exists(), "it must not be kept");
    }
}

#[test]
fn a_tool_cache_that_somebody_changed_is_refused() {
    let action = Action::of_a_script();
    let bytes = fs::read(&action.archive).unwrap();
    let mirror = Mirror::of(bytes, Service::Whole);
    let with = [("GATECARD_MIRROR", mirror.url.as_str())];
    let installed = action.install(&with).unwrap();
    fs::remove_file(installed).unwrap();
    fs::write(action.cached(), "something else").unwrap();
    refused(&action, &with, &["tool cache", "found SHA-256", "delete"]);
    fs::remove_file(action.cached()).unwrap();
    action.install(&with).unwrap();
    assert_eq!(mirror.asked(), 2);
}

#[test]
fn only_a_line_for_this_version_and_target_counts() {
    let line = |version: &str, target: &str, sum: &str, commit: &str| {
        format!("# a comment\n{version} {target} {sum} {commit}\n")
    };
    let (sum, commit) = ("a".repeat(64), "b".repeat(40));
    let good = line(VERSION, TARGET, &sum, &commit);
    for (versions, named) in [
        (
            String::from("# no release yet\n"),
            vec![VERSION, "binary-path"],
        ),
        (
            line("9.9.9", TARGET, &sum, &commit),
            vec![VERSION, "found no released binary"],
        ),
        (
            line(VERSION, "riscv64-unknown-linux-gnu", &sum, &commit),
            vec!["riscv64", TARGET],
        ),
        (format!("{good}{good}"), vec!["2 lines", "one"]),
        (
            line(VERSION, TARGET, &sum[1..], &commit),
            vec!["a SHA-256 and a commit"],
        ),
        (
            line(VERSION, TARGET, "", &sum),
            vec!["a SHA-256 and a commit"],
        ),
        (
            line(VERSION, TARGET, &sum, "main"),
            vec!["a SHA-256 and a commit"],
        ),
        (
            good.replace('\n', " more\n"),
            vec!["a SHA-256 and a commit"],
        ),
    ] {
        let action = Action::of_a_script();
        action.edit_versions(|_| versions.clone());
        refused(
            &action,
            &[("GATECARD_MIRROR", "http://127.0.0.1:9")],
            &named,
        );
    }
    let action = Action::of_a_script();
    let workflow = include_str!("../../.github/workflows/release.yml");
    for (system, processor, target) in [
        ("Linux", "ARM64", "aarch64-unknown-linux-gnu"),
        ("macOS", "X64", "x86_64-apple-darwin"),
        ("macOS", "ARM64", "aarch64-apple-darwin"),
        ("Windows", "X64", "x86_64-pc-windows-msvc"),
    ] {
        let runner = [("RUNNER_OS", system), ("RUNNER_ARCH", processor)];
        refused(&action, &runner, &[&format!("expected one for {target},")]);
        assert!(workflow.contains(&format!("target: {target},")), "{target}");
    }
    refused(
        &action,
        &[("RUNNER_ARCH", "ARM")],
        &["ARM-unknown-linux-gnu", TARGET],
    );
    refused(
        &action,
        &[("RUNNER_OS", "Plan9")],
        &["x86_64-Plan9", TARGET],
    );
}

#[test]
fn an_archive_of_the_right_hash_must_hold_one_regular_file_of_the_right_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in [
        "plain/gatecard",
        "plain/more",
        "other/tool",
        "dir/gatecard/x",
    ] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), "#!/bin/sh\n").unwrap();
    }
    fs::create_dir(at("link")).unwrap();
    std::os::unix::fs::symlink("/bin/sh", at("link/gatecard")).unwrap();
    for (name, bytes) in [
        ("a symlink", packed(&at("link"), &["gatecard"])),
        ("two members", packed(&at("plain"), &["gatecard", "more"])),
        (
            "the same twice",
            packed(&at("plain"), &["gatecard", "gatecard"]),
        ),
        ("another name", packed(&at("other"), &["tool"])),
        ("a folder", packed(&at("dir"), &["gatecard"])),
        ("a path", packed(folder.path(), &["plain/gatecard"])),
        ("no archive", b"hello".to_vec()),
    ] {
        let action = Action::of_a_script();
        let old = sha256(&fs::read(&action.archive).unwrap());
        action.edit_versions(|text| text.replace(&old, &sha256(&bytes)));
        let mirror = Mirror::of(bytes, Service::Whole);
        let with = [("GATECARD_MIRROR", mirror.url.as_str())];
        println!("{name}");
        refused(&action, &with, &["members", "one file 'gatecard'"]);
    }
}

#[test]
fn inputs_that_make_no_sense_and_servers_that_do_not_answer_are_named() {
    let action = Action::of_a_script();
    let other = Mirror::of(Vec::new(), Service::Whole);
    let elsewhere = format!("{}/elsewhere", other.url);
    for (variables, named) in [
        (
            vec![("GATECARD_MIRROR", "http://127.0.0.1:1")],
            vec!["127.0.0.1:1", "mirror"],
        ),
        (
            vec![("GATECARD_MIRROR", elsewhere.as_str())],
            vec!["404", "/elsewhere/v"],
        ),
        (
            vec![("GATECARD_MIRROR", "file:///tmp")],
            vec!["file:///tmp"],
        ),
        (
            vec![("GATECARD_MIRROR", "https://me:secret@x.test")],
            vec!["without a user name"],
        ),
        (
            vec![("GATECARD_MIRROR", "https://x.test/\n::set-output::")],
            vec!["%0A"],
        ),
        (
            vec![("GATECARD_VERIFY", "maybe")],
            vec!["maybe", "auto, required or off"],
        ),
        (
            vec![("GATECARD_BINARY_PATH", "/no/such/program")],
            vec!["binary-path", "/no/such"],
        ),
        (
            vec![("GATECARD_BINARY_PATH", "a\nb=c")],
            vec!["control characters"],
        ),
        (
            vec![("GATECARD_ACTION_REPOSITORY", "a/b/../c")],
            vec!["OWNER/NAME"],
        ),
    ] {
        refused(&action, &variables, &named);
    }
}

#[test]
fn a_binary_that_is_there_already_needs_neither_network_nor_release() {
    let action = Action::of_a_script();
    action.edit_versions(|_| String::new());
    let path = binary();
    let given = path.to_str().unwrap();
    assert_eq!(action.install(&[("GATECARD_BINARY_PATH", given)]), Ok(path));
}

#[test]
fn the_attestation_is_asked_for_where_github_can_answer_and_required_fails_closed() {
    let action = Action::of_a_script();
    let commit = git_in(&action.path(), &["rev-parse", "HEAD~1"]);
    let tools = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = tools.path().join(name);
        fs::write(&path, text).unwrap();
        run(Command::new("chmod").arg("755").arg(&path));
    };
    let gh = |says: &str| {
        let log = tools.path().join("asked");
        let text = format!(
            "#!/bin/sh\n[ \"$2\" = --help ] && exit 0\necho \"$@\" > '{}'\n{says}\n",
            log.display()
        );
        write("gh", &text);
        fs::read_to_string(log).unwrap_or_default()
    };
    let search = format!(
        "{}:{}",
        tools.path().display(),
        std::env::var("PATH").unwrap()
    );
    // In place of github.com: the address is not looked at, the archive is the released one.
    write(
        "curl",
        &format!(
            "#!/bin/sh\nwhile [ \"$1\" != --output ]; do shift; done\ncp '{}' \"$2\"\n",
            action.archive.display()
        ),
    );
    let with = |verify, token| {
        [
            ("GATECARD_VERIFY", verify),
            ("GH_TOKEN", token),
            ("PATH", search.as_str()),
        ]
    };

    refused(&action, &with("required", ""), &["verify", "no token"]);
    let mut elsewhere = with("required", "t").to_vec();
    elsewhere.push(("GITHUB_SERVER_URL", "https://git.example.com"));
    refused(&action, &elsewhere, &["verify", "github.com"]);

    gh("echo forged; exit 1");
    for verify in ["auto", "required"] {
        refused(&action, &with(verify, "t"), &["no attestation", "forged"]);
    }
    let mut mirrored = with("auto", "t").to_vec();
    mirrored.push(("GATECARD_MIRROR", "https://mirror.test"));
    let installed = action.install(&mirrored).unwrap();
    fs::remove_file(installed).unwrap();
    fs::remove_file(action.cached()).unwrap();

    gh("exit 0");
    action.install(&with("required", "t")).unwrap();
    let asked = gh("exit 1");
    for part in [
        "--repo acme/gatecard",
        "--signer-workflow acme/gatecard/.github/workflows/release.yml",
        "--source-ref refs/heads/main",
        &format!("--source-digest {}", commit.trim()),
        "--deny-self-hosted-runners",
    ] {
        assert!(asked.contains(part), "no `{part}` in: {asked}");
    }
    // The archive is kept now, and only `required` asks again.
    for verify in ["auto", "off"] {
        let installed = action.install(&with(verify, "t")).unwrap();
        fs::remove_file(installed).unwrap();
    }
}

#[test]
fn a_release_of_other_sources_than_the_tag_has_is_not_published() {
    let action = Action::of_a_script();
    let origin = action.origin();
    let dist = action.archive.parent().unwrap();
    let check = || {
        run(Command::new(origin.join(".ci/release"))
            .arg("check")
            .arg(dist))
    };
    assert_eq!(check().code, Some(0));
    let add = run(Command::new(origin.join(".ci/release"))
        .arg("add")
        .arg(dist));
    assert!(
        add.code == Some(1) && add.out.contains("released once"),
        "{}",
        add.out
    );

    fs::write(dist.join("gatecard-0.0.0-x.tar.gz"), "").unwrap();
    assert!(check().out.contains("found 2 archives"), "{}", check().out);
    fs::remove_file(dist.join("gatecard-0.0.0-x.tar.gz")).unwrap();

    let kept = fs::read(&action.archive).unwrap();
    fs::write(&action.archive, "something else").unwrap();
    assert!(check().out.contains("do not publish"), "{}", check().out);
    fs::write(&action.archive, kept).unwrap();

    fs::write(origin.join("action.yml"), "name: changed\n").unwrap();
    git_in(
        &origin,
        &["commit", "--quiet", "--all", "--message", "more"],
    );
    assert!(check().out.contains("action.yml"), "{}", check().out);
}
