//! gatecard: a Git-native pre-merge gate for prompt and model changes.
mod evidence;
mod files;
mod git;
mod policy;
mod prompt;
mod reason;
mod units;
mod untrusted;
mod yaml;
