//! A checkout of the action as a runner has it, and a server for the archives of its releases.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::harness::git_in;

/// What a release is built for here.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The version of this checkout.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The binary that `.ci/dist` built; without it the one of this build.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("GATECARD_BINARY").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_gatecard")),
        PathBuf::from,
    )
}

/// The name of the archive of this version.
pub(crate) fn archive_name() -> String {
    format!("gatecard-{VERSION}-{TARGET}.tar.gz")
}

/// What a program did.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
}

/// Runs a program with an environment of its own.
pub(crate) fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; .ci/run installs what these tests need")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code(),
        out: text(&output.stdout) + &text(&output.stderr),
    }
}

/// The action's repository: sources, a release, and the checkout of its tag.
pub(crate) struct Action {
    folder: TempDir,
    /// Where the archive of the release is.
    pub(crate) archive: PathBuf,
}

impl Action {
    /// A release of `program` as the release workflow makes one: built from commit C, its hash
    /// committed as C+1, the tag on C+1.
    pub(crate) fn released(program: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = folder.path().join("origin");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in [
            "action.yml",
            "Cargo.toml",
            "versions.txt",
            ".github/action/install.sh",
            ".ci/dist",
            ".ci/release",
        ] {
            let to = origin.join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(root.join(name), to).unwrap();
        }
        let git = |args: &[&str]| git_in(&origin, args);
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "a version"]);

        let dist = folder.path().join("dist");
        let ci = |script: &str, args: &[&str]| {
            let mut command = Command::new(origin.join(script));
            let said = run(command.args(args).env("GATECARD_BINARY", program));
            assert_eq!(said.code, Some(0), "{}", said.out);
        };
        let dist_path = dist.to_str().unwrap();
        ci(".ci/dist", &[TARGET, dist_path]);
        ci(".ci/release", &["add", dist_path]);
        git(&["commit", "--quiet", "--all", "--message", "its hashes"]);
        ci(".ci/release", &["check", dist_path]);
        git(&["tag", &format!("v{VERSION}")]);

        let action = Self {
            archive: dist.join(archive_name()),
            folder,
        };
        fs::create_dir_all(action.path().parent().unwrap()).unwrap();
        let (from, to) = (origin.to_str().unwrap(), action.path());
        let tag = format!("v{VERSION}");
        git_in(
            action.folder.path(),
            &[
                "clone",
                "--quiet",
                "--branch",
                &tag,
                from,
                to.to_str().unwrap(),
            ],
        );
        action
    }

    /// The same of a small script, where only the way to it matters.
    pub(crate) fn of_a_script() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("program");
        fs::write(&script, "#!/bin/sh\necho installed\n").unwrap();
        Self::released(&script)
    }

    /// The checkout of the tag, where a runner has it.
    pub(crate) fn path(&self) -> PathBuf {
        let place = format!("runner/_actions/acme/gatecard/v{VERSION}");
        self.folder.path().join(place)
    }

    /// The repository that the release was made in.
    pub(crate) fn origin(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    /// The runner's folder for temporary files.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("runner/temp")
    }

    /// The archive in the runner's tool cache.
    pub(crate) fn cached(&self) -> PathBuf {
        let place = format!("runner/tools/gatecard/{VERSION}/{TARGET}");
        self.folder.path().join(place).join(archive_name())
    }

    /// Changes `versions.txt` of the checkout.
    pub(crate) fn edit_versions(&self, change: impl Fn(&str) -> String) {
        let path = self.path().join("versions.txt");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, change(&text)).unwrap();
    }

    /// Runs `install.sh` as the action does, and returns the binary that it names.
    pub(crate) fn install(&self, variables: &[(&str, &str)]) -> Result<PathBuf, String> {
        let output = self.folder.path().join("output");
        fs::write(&output, "").unwrap();
        let mut command = Command::new("bash");
        command
            .arg(self.path().join(".github/action/install.sh"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("RUNNER_TEMP", self.temporary())
            .env("RUNNER_TOOL_CACHE", self.folder.path().join("runner/tools"))
            .env("GITHUB_OUTPUT", &output)
            .envs(variables.iter().copied());
        let said = run(&mut command);
        let written = fs::read_to_string(&output).unwrap();
        match said.code {
            Some(0) => Ok(written.trim().strip_prefix("binary=").unwrap().into()),
            Some(2) if written.is_empty() => Err(said.out),
            _ => panic!("{said:?}, outputs: {written}"),
        }
    }

    /// The files below the runner's temporary folder that somebody could run.
    pub(crate) fn executables(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.temporary()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                if meta.is_dir() {
                    folders.push(path);
                } else if meta.is_symlink() || meta.permissions().mode() & 0o111 != 0 {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// How a server answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    /// It gives the archive of this version and knows nothing else.
    Whole,
    /// The connection ends after half of it.
    Half,
}

/// A plain HTTP server for one archive.
pub(crate) struct Mirror {
    /// Its address.
    pub(crate) url: String,
    asked: Arc<AtomicUsize>,
}

impl Mirror {
    /// Serves these bytes as the archive of this version.
    pub(crate) fn of(bytes: Vec<u8>, service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/releases", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                answer(stream, &bytes, service);
            }
        });
        Self { url, asked }
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, bytes: &[u8], service: Service) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    while reader.read_line(&mut request).unwrap_or(0) > 2 {}
    let known = format!("GET /releases/v{VERSION}/{} ", archive_name());
    let (status, body) = match service {
        _ if !request.starts_with(&known) => ("404 Not Found", &[][..]),
        Service::Whole => ("200 OK", bytes),
        Service::Half => ("200 OK", &bytes[..bytes.len() / 2]),
    };
    let length = if status == "200 OK" { bytes.len() } else { 0 };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // A client that has seen enough hangs up.
    drop(
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body)),
    );
}
