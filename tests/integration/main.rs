//! The program as a whole: real repositories, real evidence, a real HTTP server.
//!
//! One module for each behaviour; add a test where its behaviour stands.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::string_slice,
    clippy::too_many_lines,
    reason = "a test that panics has failed, which is its job, and a table is as long as its cases"
)]

mod approvals; // which reviews count
mod bad_evidence; // evidence that cannot be read
mod bad_input; // input that cannot be judged
mod binding; // which eval results count for which version
mod demo; // the shipped example
mod doctor;
mod elsewhere; // hooks, GitLab, other CI
mod eval_gates; // what the gates on eval results make of metrics, trials, budgets and judges
mod evals; // what is missing in a set-up
mod fake_github; // a stateful fake of GitHub's API
mod flow; // the whole flow
mod gates; // every gate in every state
mod github; // the program in a workflow
mod harness; // repositories, evidence, running the binary
mod hostile; // text that is written to do harm
mod init; // the files of a set-up
mod ledger_book; // a ledger, written entry by entry
mod ledger_read; // log, blame, export
mod limits; // input made to exhaust the program or to lead it out of the repository
mod lock; // the lock file
mod outputs; // what the renderers print
mod prompts; // prompt files of every format, and what a change is called
mod published; // comment, check run and summary in every mode and size
mod record; // what the base branch got, and what let it
mod recording; // what a check puts on record
mod repositories; // every kind of repository, and what is none
mod repository; // what prose promises about files
mod sources; // the policy's sources: kinds, ages, provenance, what is not there
mod test_set; // what a change does to the test set
mod verify; // whether a ledger holds
mod waivers; // gates that may be red for a while
