//! The audit trail: who approved each prompt version, on what evidence, in Git.
//!
//! An orphan branch holds one canonical JSON file for each entry. Every entry names the digest
//! of the one before it, and files are only ever added. Entries hold digests, ids and numbers:
//! no prompt text, no answers of models, no addresses of people.

pub(crate) mod append;
pub(crate) mod arithmetic;
pub(crate) mod canonical;
pub(crate) mod entry;
mod error;
mod index;
pub(crate) mod local;
pub(crate) mod name;
pub(crate) mod past;
pub(crate) mod place;
pub(crate) mod read;
mod recorded;
#[cfg(test)]
pub(crate) mod schema;
pub(crate) mod signature;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;
pub(crate) mod verify;

pub(crate) use entry::{About, Body, Draft, Entry};
pub(crate) use error::LedgerError;
pub(crate) use read::{Key, Ledger, Stored};
