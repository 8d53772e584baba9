//! Archives that are read, and archives that are refused, each for its reason.

use std::io::{Cursor, Write as _};

use proptest::prelude::*;

use super::*;

/// An entry, with what is wrong about it.
#[derive(Clone)]
struct Put {
    name: Vec<u8>,
    local_name: Option<Vec<u8>>,
    content: Vec<u8>,
    deflate: bool,
    method: Option<u16>,
    flags: u16,
    mode: u32,
    crc: Option<u32>,
    /// Packed and unpacked, as the directory tells; and as the header tells.
    sizes: Option<(u64, u64)>,
    local_sizes: Option<(u32, u32)>,
    extra: Vec<u8>,
    local_extra: Vec<u8>,
    /// Between this entry and the next record.
    after: Vec<u8>,
    /// Where the directory says that the header is.
    header: Option<u32>,
}

fn put(name: &str, content: &[u8]) -> Put {
    Put {
        name: name.as_bytes().to_vec(),
        local_name: None,
        content: content.to_vec(),
        deflate: false,
        method: None,
        flags: 0,
        mode: 0,
        crc: None,
        sizes: None,
        local_sizes: None,
        extra: Vec::new(),
        local_extra: Vec::new(),
        after: Vec::new(),
        header: None,
    }
}

/// The numbers of the archive's end.
#[derive(Clone, Copy)]
struct End {
    disk: u16,
    here: u16,
    entries: u16,
    bytes: u32,
    at: u32,
}

fn crc(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let best = flate2::Compression::best();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), best);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn short(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend(u16::try_from(number).unwrap().to_le_bytes());
}

fn long(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend(u32::try_from(number).unwrap().to_le_bytes());
}

fn archive_with(entries: &[Put], change: impl FnOnce(&mut End), comment: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = bytes.len() as u64;
        let packed = if entry.deflate {
            deflated(&entry.content)
        } else {
            entry.content.clone()
        };
        let method = entry.method.unwrap_or(if entry.deflate { 8 } else { 0 });
        let sum = entry.crc.unwrap_or_else(|| crc(&entry.content));
        let real = (packed.len() as u64, entry.content.len() as u64);
        let (small, large) = entry.sizes.unwrap_or(real);
        let told = (u32::try_from(small).unwrap(), u32::try_from(large).unwrap());
        let (local_small, local_large) = entry.local_sizes.unwrap_or(told);
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);

        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend(entry.flags.to_le_bytes());
        bytes.extend(method.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(sum.to_le_bytes());
        bytes.extend(local_small.to_le_bytes());
        bytes.extend(local_large.to_le_bytes());
        short(&mut bytes, local.len());
        short(&mut bytes, entry.local_extra.len());
        bytes.extend(local);
        bytes.extend(&entry.local_extra);
        bytes.extend(packed);
        bytes.extend(&entry.after);

        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(entry.flags.to_le_bytes());
        directory.extend(method.to_le_bytes());
        directory.extend([0; 4]);
        directory.extend(sum.to_le_bytes());
        long(&mut directory, small);
        long(&mut directory, large);
        short(&mut directory, entry.name.len());
        short(&mut directory, entry.extra.len());
        directory.extend([0; 6]);
        long(&mut directory, u64::from(entry.mode) << 16);
        long(&mut directory, entry.header.map_or(at, u64::from));
        directory.extend(&entry.name);
        directory.extend(&entry.extra);
    }
    let count = u16::try_from(entries.len()).unwrap();
    let mut end = End {
        disk: 0,
        here: count,
        entries: count,
        bytes: u32::try_from(directory.len()).unwrap(),
        at: u32::try_from(bytes.len()).unwrap(),
    };
    change(&mut end);
    bytes.extend(directory);
    finish(bytes, end, comment)
}

fn finish(mut bytes: Vec<u8>, end: End, comment: &[u8]) -> Vec<u8> {
    bytes.extend(b"PK\x05\x06");
    for number in [end.disk, end.disk, end.here, end.entries] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(end.bytes.to_le_bytes());
    bytes.extend(end.at.to_le_bytes());
    short(&mut bytes, comment.len());
    bytes.extend(comment);
    bytes
}

fn archive(entries: &[Put]) -> Vec<u8> {
    archive_with(entries, |_| {}, b"")
}

/// An archive of stored files.
pub(in crate::files) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<Put> = entries
        .iter()
        .map(|(name, content)| put(name, content))
        .collect();
    archive(&entries)
}

/// An entry changed in one way.
fn with(mut entry: Put, change: impl FnOnce(&mut Put)) -> Put {
    change(&mut entry);
    entry
}

/// The files of an archive with their content, or why there are none.
fn read(bytes: &[u8], limits: &ArchiveLimits) -> Result<Vec<(String, Vec<u8>)>, String> {
    let path = Path::new("a.zip");
    let entries =
        files(&mut Cursor::new(bytes), path, limits).map_err(|error| error.to_string())?;
    let one = |entry: Entry| {
        let mut content = Vec::new();
        let opened = Content::open(Cursor::new(bytes), &entry);
        let read = opened.and_then(|mut stream| stream.read_to_end(&mut content));
        read.map_err(|error| format!("{}: {error}", entry.name))?;
        Ok((entry.name, content))
    };
    entries.into_iter().map(one).collect()
}

fn refused(bytes: &[u8], expected: &str) {
    let error = read(bytes, &ArchiveLimits::default()).unwrap_err();
    assert!(
        error.contains(expected),
        "found `{error}`, expected `{expected}`"
    );
}

fn descriptor(content: &[u8], signed: bool, wide: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    if signed {
        bytes.extend(b"PK\x07\x08");
    }
    bytes.extend(crc(content).to_le_bytes());
    for _ in 0..2 {
        let length = content.len() as u64;
        if wide {
            bytes.extend(length.to_le_bytes());
        } else {
            long(&mut bytes, length);
        }
    }
    bytes
}

fn wide(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = vec![1, 0];
    short(&mut bytes, numbers.len() * 8);
    for number in numbers {
        bytes.extend(number.to_le_bytes());
    }
    bytes
}

/// Two files, a folder, both kinds of compression.
fn plain() -> Vec<Put> {
    vec![
        put("out/", b""),
        put("out/a.json", b"{\"a\": 1}"),
        with(put("grün.json", &b"{\"b\": 2}\n".repeat(100)), |entry| {
            entry.deflate = true;
            entry.flags = 1 << 11;
            entry.mode = 0o100_644;
        }),
    ]
}

fn contents() -> Vec<(String, Vec<u8>)> {
    vec![
        (String::from("out/a.json"), b"{\"a\": 1}".to_vec()),
        (String::from("grün.json"), b"{\"b\": 2}\n".repeat(100)),
    ]
}

#[test]
fn files_are_listed_in_order_with_their_content() {
    let limits = ArchiveLimits::default();
    assert_eq!(read(&archive(&plain()), &limits), Ok(contents()));
    let commented = archive_with(&plain(), |_| {}, b"made by hand");
    assert_eq!(read(&commented, &limits), Ok(contents()));
}

#[test]
fn what_writers_do_differently_reads_the_same() {
    let content = b"{}";
    let full = (0xffff_ffff, 0xffff_ffff);
    let mut cases: Vec<Put> = [(false, false), (true, false), (false, true), (true, true)]
        .map(|(signed, wide)| {
            with(put("a.json", content), |entry| {
                entry.flags = 1 << 3;
                entry.local_sizes = Some((0, 0));
                entry.after = descriptor(content, signed, wide);
            })
        })
        .to_vec();
    cases.push(with(put("a.json", content), |entry| {
        entry.local_sizes = Some((0xffff_ffff, 0xffff_ffff));
        entry.local_extra = wide(&[2, 2]);
    }));
    cases.push(with(put("a.json", content), |entry| {
        entry.sizes = Some(full);
        entry.extra = wide(&[2, 2]);
        entry.local_sizes = Some((2, 2));
    }));
    for (at, case) in cases.into_iter().enumerate() {
        let found = read(&archive(&[case]), &ArchiveLimits::default());
        let expected = vec![(String::from("a.json"), content.to_vec())];
        assert_eq!(found, Ok(expected), "case {at}");
    }
}

#[test]
fn names_that_could_mean_something_else_are_refused() {
    for (name, expected) in [
        (&b"/etc/passwd"[..], "an absolute name"),
        (b"../a.json", "leads out of the archive"),
        (b"a/../../b.json", "leads out of the archive"),
        (b"a/..", "leads out of the archive"),
        (b"a\\b.json", "a backslash"),
        (b"C:a.json", "the name of a drive"),
        (b"c:/a.json", "the name of a drive"),
        (b"a\0.json", "a NUL"),
        (b"", "no name"),
        (b"./.", "no name"),
        (b"a\xff.json", "not UTF-8"),
    ] {
        let entry = with(put("", b"{}"), |entry| entry.name = name.to_vec());
        refused(&archive(&[entry]), expected);
    }
    refused(
        &archive(&[put(&"a".repeat(1_025), b"")]),
        "more than 1,024 bytes",
    );
    let named = archive(&[put("fine.json", b""), put("../a.json", b"")]);
    refused(&named, "a.zip: entry `../a.json`: found");
}

#[test]
fn the_same_name_twice_is_refused() {
    for (first, second) in [
        ("a.json", "a.json"),
        ("a.json", "A.JSON"),
        ("GRÜN.json", "grün.json"),
        ("a/b.json", "a//b.json"),
        ("a.json", "./a.json"),
        ("a/b.json", "a/./b.json"),
        ("a", "a/"),
    ] {
        let both = archive(&[put(first, b""), put(second, b"")]);
        refused(&both, "a second entry of this name");
    }
}

#[test]
fn entries_that_are_no_plain_files_are_refused() {
    for (entry, expected) in [
        (
            with(put("a", b"/etc/passwd"), |e| e.mode = 0o120_777),
            "kind 120000",
        ),
        (with(put("a", b""), |e| e.mode = 0o010_644), "kind 10000"),
        (with(put("a", b""), |e| e.mode = 0o020_644), "kind 20000"),
        (with(put("a", b""), |e| e.mode = 0o040_755), "kind 40000"),
        (with(put("a/", b""), |e| e.mode = 0o100_644), "kind 100000"),
        (put("a/", b"x"), "a folder with content"),
        (with(put("a", b"x"), |e| e.flags = 1), "an encrypted entry"),
        (
            with(put("a", b"x"), |e| e.flags = 1 << 6),
            "an encrypted entry",
        ),
        (
            with(put("a", b"x"), |e| e.flags = 1 << 13),
            "an encrypted entry",
        ),
        (
            with(put("a", b"x"), |e| e.method = Some(12)),
            "compression method 12",
        ),
        (
            with(put("a", b"x"), |e| e.method = Some(99)),
            "compression method 99",
        ),
    ] {
        refused(&archive(&[entry]), expected);
    }
}

#[test]
fn headers_that_disagree_are_refused() {
    let name = |name: &[u8]| Some(name.to_vec());
    let alias = [&[0x75, 0x70, 7, 0, 1, 0, 0, 0, 0][..], b"b."].concat();
    for (entry, expected) in [
        (
            with(put("a", b"x"), |e| e.local_name = name(b"b")),
            "another name, `b`",
        ),
        (
            with(put("a", b"x"), |e| e.extra = alias.clone()),
            "two names",
        ),
        (
            with(put("a", b"x"), |e| e.local_sizes = Some((1, 9))),
            "9 as size",
        ),
        (
            with(put("a", b"x"), |e| e.local_sizes = Some((0, 1))),
            "0 as packed size",
        ),
        (
            with(put("a", b"x"), |e| e.sizes = Some((1, 2))),
            "the size of a stored entry",
        ),
        (
            with(put("a", b"x"), |e| e.header = Some(1)),
            "the start of the first entry",
        ),
        (
            with(put("a", b"x"), |e| e.after = vec![0; 7]),
            "the end of the entry",
        ),
        (
            with(put("a", b"x"), |e| e.flags = 8),
            "the end of the entry",
        ),
        (
            with(put("a", b"x"), |e| {
                e.flags = 8;
                e.after = descriptor(b"y", true, false);
            }),
            "as checksum",
        ),
        (
            with(put("a", b"x"), |e| {
                e.flags = 8;
                e.after = descriptor(b"xx", true, false);
                e.after[4..8].copy_from_slice(&crc(b"x").to_le_bytes());
            }),
            "2 as packed size",
        ),
    ] {
        let error = read(&archive(&[entry]), &ArchiveLimits::default()).unwrap_err();
        assert!(
            error.contains(expected),
            "found `{error}`, expected `{expected}`"
        );
    }
}

#[test]
fn extra_fields_that_say_too_little_or_too_much_are_refused() {
    for (entry, expected) in [
        (
            with(put("a", b"x"), |e| e.extra = vec![1, 0, 9, 0]),
            "cut off",
        ),
        (
            with(put("a", b"x"), |e| {
                e.sizes = Some((0xffff_ffff, 0xffff_ffff));
            }),
            "cut off",
        ),
        (
            with(put("a", b"x"), |e| {
                e.sizes = Some((0xffff_ffff, 0xffff_ffff));
                e.extra = wide(&[1 << 40, 1 << 40]);
            }),
            "cut off",
        ),
        (
            with(put("a", b"x"), |e| {
                e.extra = [wide(&[1]), wide(&[2])].concat();
            }),
            "two 64-bit extra fields",
        ),
    ] {
        let error = read(&archive(&[entry]), &ArchiveLimits::default()).unwrap_err();
        assert!(
            error.contains(expected),
            "found `{error}`, expected `{expected}`"
        );
    }
}

#[test]
fn entries_that_share_bytes_are_refused() {
    // As in a bomb whose entries all point to the same packed content.
    let content = vec![0; 1_000];
    let shared = [
        put("a", &content),
        with(put("b", b""), |entry| entry.header = Some(0)),
    ];
    refused(
        &archive(&shared),
        "entry `a`: found 1031 as the end of the entry",
    );
    // The first one claims the second one's header as its own content.
    let inner = archive(&[put("b", b"x")]);
    let header = &inner[..32];
    let outer = with(put("a", header), |_| {});
    let overlapping = [outer, with(put("b", b"x"), |entry| entry.header = Some(31))];
    assert!(read(&archive(&overlapping), &ArchiveLimits::default()).is_err());
}

#[test]
fn content_that_is_not_what_was_promised_is_an_error_and_never_short() {
    let text = &b"{\"b\": 2}\n".repeat(100)[..];
    let size = deflated(text).len() as u64;
    let deflate = |entry: &mut Put| entry.deflate = true;
    let garbage = [0xff; 40];
    for (entry, expected) in [
        (with(put("a", b"x"), |e| e.crc = Some(7)), "checksum"),
        (
            with(put("a", text), |e| {
                deflate(e);
                e.crc = Some(7);
            }),
            "checksum",
        ),
        (
            with(put("a", text), |e| {
                deflate(e);
                e.sizes = Some((size, 901));
            }),
            "1 bytes less",
        ),
        (
            with(put("a", text), |e| {
                deflate(e);
                e.sizes = Some((size, 899));
            }),
            "more than the archive promises",
        ),
        (
            with(put("a", text), |e| {
                deflate(e);
                e.sizes = Some((size + 3, 900));
                e.after = vec![0; 3];
            }),
            "3 packed bytes too many",
        ),
        (with(put("a", &garbage), |e| e.method = Some(8)), "deflate"),
    ] {
        let error = read(&archive(&[entry]), &ArchiveLimits::default()).unwrap_err();
        assert!(
            error.starts_with("a: ") && error.contains(expected),
            "{error}: {expected}"
        );
    }
}

#[test]
fn a_stream_that_broke_stays_broken() {
    let bytes = archive(&[with(put("a", b"x"), |entry| entry.crc = Some(7))]);
    let limits = ArchiveLimits::default();
    let entries = files(&mut Cursor::new(&bytes), Path::new("a.zip"), &limits).unwrap();
    let mut content = Content::open(Cursor::new(&bytes), &entries[0]).unwrap();
    assert!(content.read_to_end(&mut Vec::new()).is_err());
    assert!(content.read(&mut [0; 8]).is_err());
}

#[test]
fn an_archive_that_is_cut_or_lies_about_its_directory_is_refused() {
    let whole = archive(&plain());
    for length in 0..whole.len() {
        assert!(
            read(&whole[..length], &ArchiveLimits::default()).is_err(),
            "{length}"
        );
    }
    let changed = |change: fn(&mut End)| archive_with(&plain(), change, b"");
    refused(&changed(|end| end.disk = 1), "a part of an archive");
    refused(&changed(|end| end.here = 2), "a part of an archive");
    for entries in [2, 4] {
        let mut bytes = whole.clone();
        let at = bytes.len() - 14;
        bytes[at] = entries;
        bytes[at + 2] = entries;
        assert!(
            read(&bytes, &ArchiveLimits::default()).is_err(),
            "{entries}"
        );
    }
    let many = changed(|end| (end.here, end.entries) = (1_999, 1_999));
    refused(&many, "1999 as the number of entries");
    refused(&changed(|end| end.at += 1), "the end of the directory");
    refused(&changed(|end| end.bytes -= 1), "the end of the directory");
    refused(
        &changed(|end| end.at = 0xffff_ffff),
        "the end of the directory",
    );
    // A second end inside the comment of the first.
    let tail = &whole[whole.len() - 22..];
    refused(
        &archive_with(&plain(), |_| {}, tail),
        "no end, or more than one",
    );
    let prefixed = [b"MZ\0\0", &whole[..]].concat();
    assert!(read(&prefixed, &ArchiveLimits::default()).is_err());
}

/// An archive with a 64-bit end, whose numbers are changed.
fn large(change: impl FnOnce(&mut [u64; 5], &mut End)) -> Vec<u8> {
    let mut bytes = archive(&plain());
    let end_at = bytes.len() - 22;
    let number = |at: usize, count: usize| {
        bytes[at..at + count]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let (directory, start) = (number(end_at + 12, 4), number(end_at + 16, 4));
    let at = end_at as u64;
    // The record's own size, entries, the directory's size and start, where the record is.
    let mut numbers = [44, 3, directory, start, at];
    let mut end = End {
        disk: 0xffff,
        here: 0xffff,
        entries: 0xffff,
        bytes: u32::MAX,
        at: u32::MAX,
    };
    change(&mut numbers, &mut end);
    bytes.truncate(end_at);
    bytes.extend(b"PK\x06\x06");
    bytes.extend(numbers[0].to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [numbers[1], numbers[1], numbers[2], numbers[3]] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(numbers[4].to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    let empty = archive_with(&[], |inner| *inner = end, b"");
    bytes.extend(empty);
    bytes
}

#[test]
fn a_64_bit_end_must_agree_with_the_other() {
    let limits = ArchiveLimits::default();
    assert_eq!(read(&large(|_, _| {}), &limits), Ok(contents()));
    let told = large(|_, end| (end.here, end.entries) = (3, 3));
    assert_eq!(read(&told, &limits), Ok(contents()));
    let lying = large(|_, end| (end.here, end.entries) = (2, 2));
    refused(&lying, "2 as a number of the archive's end");
    refused(
        &large(|numbers, _| numbers[0] = 45),
        "the end of the 64-bit end",
    );
    refused(
        &large(|numbers, _| numbers[0] = u64::MAX),
        "the end of the 64-bit end",
    );
    refused(
        &large(|numbers, _| numbers[1] = u64::MAX),
        "as the number of entries",
    );
    refused(
        &large(|numbers, _| numbers[2] = u64::MAX),
        "the end of the directory",
    );
    refused(
        &large(|numbers, _| numbers[3] += 1),
        "the end of the directory",
    );
    refused(&large(|numbers, _| numbers[4] = 0), "no 64-bit end");
    refused(
        &large(|numbers, _| numbers[4] = u64::MAX),
        "an end in the middle",
    );
}

#[test]
fn limits_are_the_policys_and_the_error_names_the_key() {
    let bytes = archive(&plain());
    let limits = |packed, entries, ratio| ArchiveLimits {
        packed,
        entries,
        ratio,
    };
    let size = bytes.len() as u64;
    assert!(read(&bytes, &limits(size, 3, 100)).is_ok());
    for (limits, expected) in [
        (limits(size - 1, 3, 100), "`artifact_limits.packed`"),
        (limits(size, 2, 100), "`artifact_limits.entries`"),
    ] {
        let error = read(&bytes, &limits).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn what_grows_too_much_is_refused_as_an_entry_and_as_a_whole() {
    let zeros = |name: &str, count| with(put(name, &vec![0; count]), |entry| entry.deflate = true);
    let mega = 1 << 20;
    assert!(read(&archive(&[zeros("a", mega)]), &ArchiveLimits::default()).is_ok());
    let one = archive(&[zeros("a", mega + 1)]);
    refused(&one, "entry `a`: found");
    refused(&one, "`artifact_limits.ratio`");
    let both = archive(&[zeros("a", mega), zeros("b", mega)]);
    refused(&both, "a.zip: found");
    refused(&both, "`artifact_limits.ratio`");
    let roomy = ArchiveLimits {
        ratio: 2_000,
        ..ArchiveLimits::default()
    };
    assert!(read(&both, &roomy).is_ok());
}

#[test]
fn an_archive_without_files_is_refused() {
    refused(&archive(&[]), "no file");
    refused(&archive(&[put("out/", b"")]), "no file");
}

#[test]
fn archives_of_real_writers_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archives");
    for name in [
        "python.zip",
        "python-streamed.zip",
        "info-zip.zip",
        "info-zip-streamed.zip",
        "jar.zip",
    ] {
        let bytes = crate::files::read_bounded(&folder.join(name), 1 << 20).unwrap();
        let mut found = read(&bytes, &ArchiveLimits::default()).unwrap();
        found.sort();
        let expected = vec![
            (String::from("out/a.json"), b"{\"a\": 1}\n".to_vec()),
            (String::from("out/grün.json"), b"{\"b\": 2}\n".repeat(100)),
        ];
        assert_eq!(found, expected, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let marked = [b"PK\x03\x04", &bytes[..], b"PK\x05\x06", &[0; 18]].concat();
        prop_assert!(read(&marked, &ArchiveLimits::default()).is_err());
        prop_assert!(read(&bytes, &ArchiveLimits::default()).is_err());
    }

    #[test]
    fn a_changed_archive_has_the_same_content_or_none(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        wide in any::<bool>(),
    ) {
        let mut bytes = if wide { large(|_, _| {}) } else { archive(&plain()) };
        let length = bytes.len();
        for (at, byte) in changes {
            bytes[at.index(length)] = byte;
        }
        if let Ok(found) = read(&bytes, &ArchiveLimits::default()) {
            prop_assert_eq!(found, contents());
        }
    }
}
