//! The program as a whole: real repositories, real evidence, a real HTTP server.
//!
//! One module for each behaviour; add a test where its behaviour stands.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that panics has failed, which is its job"
)]

mod demo; // the shipped example
mod fake_github; // a stateful fake of GitHub's API
mod flow;
mod harness; // repositories, evidence, running the binary // the whole flow
