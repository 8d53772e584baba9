//! Every bound on what is read, waited for and written: one table, for the code and the docs.
//!
//! A limit is never a truncation that goes unsaid: what exceeds one is refused with a code or an
//! error, or what was left out is named. None of them can be set from a pull request; those of
//! archives can in the policy of the base branch.

use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

macro_rules! limits {
    ($($name:ident: $kind:ty = $value:expr, $unit:ident, $what:literal, $beyond:literal;)*) => {
        $(
            #[doc = concat!("The limit of ", $what, "; beyond it: ", $beyond, ".")]
            pub(crate) const $name: $kind = $value;
        )*

        /// Each limit: what it bounds, its value, what happens beyond it.
        #[cfg(test)]
        pub(crate) fn table() -> Vec<[String; 3]> {
            vec![$([
                String::from($what),
                tests::shown($name, tests::Unit::$unit),
                String::from($beyond),
            ]),*]
        }
    };
}

limits! {
    POLICY: u64 = 256 * KIB, Bytes, "the policy", "error that names the file and both sizes";
    YAML_SIZE: usize = 2 << 20, Number, "values and bytes of text that a YAML document comes to once its aliases are followed", "the file is refused: `policy-invalid`, `prompt-unreadable`, or the kept file counts as broken";
    YAML_DEPTH: usize = 128, Number, "levels of lists and mappings in a YAML document", "the file is refused, as above";
    YAML_OPENERS: usize = 500, Number, "opening brackets up to which a YAML document's levels need not be counted", "they are counted first";
    YAML_ERRORS: usize = 50, Number, "errors of one YAML file that are told", "the rest is told once these are fixed";
    PROMPT: u64 = MIB, Bytes, "one prompt file or included file", "`prompt-too-large`";
    HIDDEN: u64 = 32 * MIB, Bytes, "the files of all changed prompts, as they were and as they are, that are searched for hidden characters", "`hidden-unsearched`";
    INCLUDES: usize = 200, Number, "files that one prompt includes", "`include-limit`";
    INCLUDE_DEPTH: usize = 32, Number, "levels of includes", "`include-limit`";
    INCLUDE_READS: usize = 1_000, Number, "times that one prompt includes a file", "`include-limit`";
    INCLUDE_BYTES: u64 = 4 * MIB, Bytes, "all that one prompt includes", "`include-limit`";
    DIFFERENCE: usize = 20_000, Number, "lines or words of two texts of which a difference is told part by part", "the whole text counts as changed";
    PASSAGES: usize = 8, Number, "passages of a changed text that are shown", "the others are counted, as lines";
    PASSAGE: usize = 240, Number, "characters of a passage that are shown", "cut, with `…`";
    TREE_DEPTH: usize = 256, Number, "levels of folders in the repository", "error that names the folder";
    INCLUDE_CACHE: u64 = 64 * MIB, Bytes, "the cache of files that may include others", "the cache is made anew";
    LINE_INDEX: u64 = 256 * MIB, Bytes, "the index of a branch's own line", "the index is made anew";
    WORKFLOW: u64 = MIB, Bytes, "a workflow or action that may run the gate", "counts as one that runs it";
    LOCK: u64 = 16 * MIB, Bytes, "the lock file that `prompts --lock --check` reads", "error that names the file and both sizes";
    KEPT: u64 = MIB, Bytes, "drills, reviews, the data policy", "the file counts as broken, with both sizes";
    CODEOWNERS: u64 = 3 * MIB, Bytes, "CODEOWNERS", "no owners: GitHub loads no larger one either";
    EVIDENCE_FILES: usize = 10_000, Number, "files that an evidence folder or pattern is searched through", "`evidence-unreadable`";
    EVIDENCE_DEPTH: usize = 32, Number, "levels of folders below an evidence folder or pattern", "deeper ones are not searched";
    RECOGNISED: u64 = 64 * KIB, Bytes, "the start of an evidence file by which its format is recognised", "`evidence-unknown-format` where nothing in it shows one";
    UNPACKED: u64 = 16 * GIB, Bytes, "one evidence file once it is unpacked", "`evidence-unreadable`";
    UNPACK_RATIO: u64 = 400, Number, "how many times its size an evidence file unpacks to", "`evidence-unreadable`";
    UNPACK_FLOOR: u64 = 64 * MIB, Bytes, "what an evidence file may always unpack to, whatever the ratio", "the ratio decides";
    EVAL_ROWS: usize = 250_000, Number, "result rows of one eval file", "`evidence-unreadable`";
    EVAL_LOG: u64 = 4_096 * MIB, Bytes, "an Inspect log (`.eval`) as it lies on disk", "`archive-refused`";
    REVISIONS: usize = 200, Number, "commits that eval runs name, looked up in one check", "the other commits do not count, and that is said";
    EVAL_ARMS: usize = 10_000, Number, "prompts, providers, and pairs of both in one eval file", "`evidence-unreadable`";
    EVAL_METRICS: usize = 200, Number, "metrics of one prompt in one eval file", "`evidence-unreadable`";
    EVAL_SCORES: usize = 4_000_000, Number, "scores in one eval file", "`evidence-unreadable`";
    EVAL_PART: u64 = 64 * MIB, Bytes, "one result row, and all that stands before, between or after the rows", "`evidence-unreadable`";
    SHOWN_CASES: usize = 5, Number, "newly failing cases of a prompt that are shown with their answers", "the others are counted";
    EXCERPT: usize = 600, Number, "characters of an answer or a reason that are shown", "cut, with `…`";
    TRACE_RECORD: u64 = 256 * MIB, Bytes, "one line or document of traces", "`evidence-unreadable`";
    TRACE_OBJECTS: usize = 5_000_000, Number, "objects in one line or document of traces", "`evidence-unreadable`";
    ARTIFACT_PACKED: u64 = 64 * MIB, Bytes, "an archive with evidence, or a release file; `artifact_limits.packed` in the policy", "`archive-refused`, or `evidence-unreadable` for a download; the error names the key";
    ARTIFACT_ENTRIES: u64 = 2_000, Number, "entries of an archive; `artifact_limits.entries` in the policy", "`archive-refused`; the error names the key";
    ARTIFACT_RATIO: u64 = 100, Number, "how many times its size an archive, or an entry, unpacks to; `artifact_limits.ratio` in the policy", "`archive-refused`; the error names the key";
    ARTIFACT_FLOOR: u64 = MIB, Bytes, "what an archive may always unpack to, whatever the ratio", "the ratio decides";
    ARTIFACT_NAME: usize = 1_024, Bytes, "the name of an entry", "`archive-refused`";
    COMMITTED_EVIDENCE: u64 = 64 * MIB, Bytes, "an evidence file that is read from Git", "`evidence-unreadable`";
    FETCHED_LIST: u64 = 4 * MIB, Bytes, "the list of a folder for `--fetched`", "error that names the file and both sizes";
    BASE_RUNS: usize = 10, Number, "runs on the base branch that are looked at for an artifact", "`artifact-missing`";
    SPANS: u64 = 10_000_000, Number, "spans of all trace files together", "`evidence-unreadable`";
    TEMPLATE: u64 = 64 * KIB, Bytes, "a template of the repository", "the built-in one is used, and a finding says why";
    TEMPLATE_FUEL: u64 = 10_000_000, Number, "steps of a template of the repository", "the built-in one is used, and a finding says why";
    TEMPLATE_OUTPUT: usize = 4 << 20, Bytes, "what a template of the repository prints", "the built-in one is used, and a finding says why";
    APPROVALS: u64 = 64 * MIB, Bytes, "a file for `--approvals`", "error that names the file and both sizes";
    EVENT: u64 = 25 * MIB, Bytes, "the payload of an event", "error that names the file and both sizes";
    LEDGER_ENTRY: u64 = 4 * MIB, Bytes, "one entry of the ledger", "error that names the file and both sizes";
    TREND: usize = 12, Number, "earlier cards of which the trend is shown", "the newest ones are shown";
    UNGATED: usize = 50, Number, "ungated changes on record that are looked at", "the newest ones are shown";
    LEDGER_INDEX: u64 = 256 * MIB, Bytes, "the index of the ledger", "every lookup reads the whole ledger";
    LEDGER_NAME: usize = 1_024, Bytes, "an id, a path or another name in the ledger", "its SHA-256 stands there";
    LEDGER_REASON: usize = 500, Bytes, "the reason of an amendment", "error";
    LEDGER_TRIES: usize = 8, Number, "tries to append to the ledger while others do", "error";
    REMEMBERED: u64 = MIB, Bytes, "what a clone remembers of the ledgers that it verified", "error that names the file and both sizes";
    SIGNERS: u64 = 4 * MIB, Bytes, "a file for `--allowed-signers` or `--github-keys`", "error that names the file and both sizes";
    GPGV: Duration = Duration::from_secs(10), Time, "checking one commit's signature", "the signature counts as not checked";
    GRAFTS: u64 = 16 * MIB, Bytes, "Git's list of the commits at which a clone was cut off", "error that names the file and both sizes";
    PROGRAM_MESSAGE: u64 = 4 * KIB, Bytes, "what `git` or `gh` says of a failure", "the rest is not shown";
    QUEUE_COMMITS: usize = 500, Number, "commits of a merge queue's group", "error";
    PAGES: usize = 200, Number, "pages of one list of GitHub's", "error that names the list";
    ASKED_ONE_BY_ONE: usize = 100, Number, "people, teams or commits that GitHub is asked about one by one", "error that names the list";
    FETCHING: Duration = Duration::from_secs(90), Time, "everything that is fetched with Git", "error, or a note where it is not needed";
    ANSWER: Duration = Duration::from_secs(20), Time, "one answer of GitHub's", "asked again, at most three times";
    RATE_LIMIT: Duration = Duration::from_mins(1), Time, "a wait that GitHub asks for", "error that says for how long";
    READING: Duration = Duration::from_secs(55), Time, "everything that GitHub is asked before the verdict", "error";
    DOWNLOADING: Duration = Duration::from_mins(2), Time, "all downloads of artifacts and release files", "`evidence-unreachable`";
    REDIRECTS: usize = 5, Number, "redirects that one request follows", "error";
    ATTESTATION: Duration = Duration::from_mins(1), Time, "checking one attestation", "`attestation-missing`";
    COMMENTING: Duration = Duration::from_secs(35), Time, "everything about the comment", "the comment is left, the status is written";
    RECORDING: Duration = Duration::from_secs(40), Time, "everything about the ledger once there is a verdict", "not recorded: an error where the policy says `ledger: required`";
    TALKING: Duration = Duration::from_secs(280), Time, "all calls of a run to GitHub", "what is left is not done, and named";
    COMMENT: usize = 60_000, Bytes, "the Markdown of a comment or a check run", "whole sections are left out in a fixed order, and named";
    COMMENT_SENT: usize = 65_000, Bytes, "a comment as it is sent", "error; nothing is sent";
    SUMMARY: usize = 1_000_000, Bytes, "a job summary", "whole sections are left out in a fixed order, and named";
    STATUS_TEXT: usize = 140, Number, "characters of a status' description", "cut, with `…`";
    ANNOTATIONS: usize = 500, Number, "annotations of a check run", "the others are counted";
    ANNOTATION_TITLE: usize = 255, Bytes, "an annotation's title", "cut, with `…`";
    ANNOTATION_TEXT: usize = 64_000, Bytes, "an annotation's text", "cut, with `…`";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a limit counts.
    #[derive(Clone, Copy)]
    pub(super) enum Unit {
        Bytes,
        Number,
        Time,
    }

    /// A limit of any type.
    pub(super) trait Value {
        fn number(self) -> u64;
    }

    impl Value for u64 {
        fn number(self) -> u64 {
            self
        }
    }

    impl Value for usize {
        fn number(self) -> u64 {
            self as u64
        }
    }

    impl Value for Duration {
        fn number(self) -> u64 {
            self.as_secs()
        }
    }

    fn grouped(number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }

    /// A value as the docs write it.
    pub(super) fn shown(value: impl Value, unit: Unit) -> String {
        let number = value.number();
        match unit {
            Unit::Bytes => [(GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")]
                .iter()
                .find(|(size, _)| number.is_multiple_of(*size))
                .map_or_else(
                    || format!("{} bytes", grouped(number)),
                    |(size, name)| format!("{} {name}", number / size),
                ),
            Unit::Number => grouped(number),
            Unit::Time => format!("{number} s"),
        }
    }

    #[test]
    fn values_are_shown_in_their_units() {
        for (value, unit, want) in [
            (1_u64 << 30, Unit::Bytes, "1 GiB"),
            (65_000, Unit::Bytes, "65,000 bytes"),
            (256 << 10, Unit::Bytes, "256 KiB"),
            (500, Unit::Number, "500"),
            (10_000_000, Unit::Number, "10,000,000"),
            (90, Unit::Time, "90 s"),
        ] {
            assert_eq!(shown(value, unit), want);
        }
    }

    #[test]
    fn no_limit_is_told_twice() {
        let mut what: Vec<String> = table().into_iter().map(|[what, ..]| what).collect();
        what.sort();
        let all = what.len();
        what.dedup();
        assert_eq!(what.len(), all);
    }
}
