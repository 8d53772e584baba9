//! The program as a whole: real repositories, real evidence, a real HTTP server.
//!
//! One module for each behaviour; add a test where its behaviour stands.

mod demo; // the shipped example
mod fake_github; // a stateful fake of GitHub's API
mod flow;
mod harness; // repositories, evidence, running the binary // the whole flow
