//! gatecard: a Git-native pre-merge gate for prompt and model changes.
mod environment;
mod evidence;
mod files;
mod git;
mod github;
mod policy;
mod prompt;
mod publish;
mod reason;
mod units;
mod untrusted;
mod yaml;
