//! Where an entry's file lies on the branch.

/// The folder of all entries.
pub(crate) const FOLDER: &str = "entries";

/// The file beside it, which the first commit adds.
pub(crate) const README: &str = "README.md";

/// The path of an entry: `entries/0000/12/0000001234-verdict.json`.
///
/// A folder holds a hundred entries, and a hundred such folders one above it, so that a commit
/// writes small folders anew however many entries there are.
pub(crate) fn path(seq: u64, kind: &str) -> String {
    format!("{}/{seq:010}-{kind}.json", shard(seq))
}

/// The folder that an entry lies in.
pub(crate) fn shard(seq: u64) -> String {
    let (upper, lower) = (seq / 10_000, seq / 100 % 100);
    format!("{FOLDER}/{upper:04}/{lower:02}")
}

/// The number that a path gives an entry, with the kind; `None` where no entry lies there:
/// entries are counted from 1.
pub(crate) fn parse(path: &str) -> Option<(u64, &str)> {
    let name = path.rsplit('/').next()?;
    let (seq, kind) = name.strip_suffix(".json")?.split_once('-')?;
    let seq = seq.parse().ok()?;
    (seq > 0 && self::path(seq, kind) == path).then_some((seq, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_written() {
        for seq in [1, 99, 100, 1_234, 9_999, 10_000, 123_456_789] {
            let written = path(seq, "head-seen");
            assert_eq!(parse(&written), Some((seq, "head-seen")), "{written}");
        }
        assert_eq!(
            path(1_234, "verdict"),
            "entries/0000/12/0000001234-verdict.json"
        );
    }

    #[test]
    fn an_entry_has_one_path_only() {
        for other in [
            "entries/0000/13/0000001234-verdict.json",
            "entries/0000/12/1234-verdict.json",
            "entries/0000/12/+000001234-verdict.json",
            "entries/0000/12/0000001234-verdict.json.sig",
            "entries/0000/12/0000001234.json",
            "entries/0000/00/0000000000-verdict.json",
            "README.md",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
