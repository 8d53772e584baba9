//! The action as a runner runs it, a release from build to installation, and the static binary
//! where there is nothing else.
//!
//! These tests need `act`, `curl`, `tar`, and root or `sudo` for `chroot`, so they are no part
//! of `cargo test`: `.ci/run` installs the tools and runs them with `cargo test --test action`.
//! `GATECARD_BINARY` names the binary that `.ci/dist` built.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that panics has failed, which is its job"
)]

mod checkout; // a checkout of the action, and a server for its archives
#[path = "../integration/fake_github.rs"]
mod fake_github;
#[expect(dead_code, reason = "the integration tests use the rest")]
#[path = "../integration/harness.rs"]
mod harness;
mod release; // from a commit to an installed binary, and everything that must be refused
mod runner; // the action in a job
mod static_binary; // the program where there is nothing else
