//! The records of a zip archive: its end, its directory, and the header before each entry.
//!
//! Numbers are little-endian. A 32-bit field that is full means that the real number stands in a
//! 64-bit one.

use std::io::{self, Read, Seek, SeekFrom};

use super::{Failure, Refusal};

const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

const END_BYTES: u64 = 22;
const END_64_BYTES: u64 = 56;
const LOCATOR_BYTES: u64 = 20;
const CENTRAL_BYTES: u64 = 46;
const LOCAL_BYTES: u64 = 30;
/// The longest comment after the end.
const MAX_COMMENT: u64 = 0xffff;

const FULL_16: u64 = 0xffff;
const FULL_32: u64 = 0xffff_ffff;

/// Encrypted, patched, strongly encrypted, or with its headers hidden.
const UNREADABLE: u16 = 1 | 1 << 5 | 1 << 6 | 1 << 13;
/// The sizes stand behind the content.
const BEHIND: u16 = 1 << 3;
/// What both headers must say alike: all of the above, and whether the name is UTF-8.
const SAME: u16 = UNREADABLE | BEHIND | 1 << 11;

/// An extra field with 64-bit numbers.
const EXTRA_64: u16 = 0x0001;
/// An extra field with another name.
const EXTRA_NAME: u16 = 0x7075;

/// Where the directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    /// How many entries it says that it has.
    pub(super) entries: u64,
    /// Where it begins.
    pub(super) at: u64,
    bytes: u64,
}

/// How the content of an entry is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// It is stored as it is.
    Stored,
    /// By the method that all programs know.
    Deflated,
    /// By zstd: Inspect's logs.
    Zstd,
}

impl Packing {
    /// The number that stands for it (APPNOTE.TXT 4.4.5).
    const fn method(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
            Self::Zstd => 93,
        }
    }
}

/// An entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::files) struct Entry {
    /// Its name.
    pub(in crate::files) name: String,
    /// How its content is packed.
    pub(super) packing: Packing,
    /// The CRC-32 of its content.
    pub(super) crc: u32,
    /// How long its packed content is.
    pub(in crate::files) packed: u64,
    /// How long its content is.
    pub(super) unpacked: u64,
    /// The kind and the rights that Unix gives it; 0 where the archive does not tell.
    pub(super) mode: u32,
    /// Where its content begins.
    pub(super) at: u64,
    flags: u16,
    header: u64,
}

impl Entry {
    /// Whether it is a folder.
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Packed and not.
    pub(super) const fn sizes(&self) -> (u64, u64) {
        (self.packed, self.unpacked)
    }
}

/// Reads numbers one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let split = self.0.split_at_checked(count);
        let (bytes, rest) =
            split.ok_or_else(|| Refusal::new("a record that is cut off", "all of it"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self, count: usize) -> Result<u64, Refusal> {
        let bytes = self.bytes(count)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn u16(&mut self) -> Result<u16, Refusal> {
        let number = self.number(2)?;
        Ok(u16::try_from(number).unwrap_or_default())
    }

    fn u32(&mut self) -> Result<u32, Refusal> {
        let number = self.number(4)?;
        Ok(u32::try_from(number).unwrap_or_default())
    }
}

fn read(archive: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    archive.take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn read_at(archive: &mut (impl Read + Seek), at: u64, count: u64) -> io::Result<Vec<u8>> {
    archive.seek(SeekFrom::Start(at))?;
    read(archive, count)
}

/// Whether it is the number of the first part, or stands in a 64-bit field.
const fn is_first(part: u64) -> bool {
    matches!(part, 0 | FULL_16)
}

fn lies(what: &str, found: u64, expected: u64) -> Refusal {
    Refusal::new(
        format!("{found} as {what}"),
        format!("{expected}, as told elsewhere"),
    )
}

fn agree(what: &str, found: u64, expected: u64) -> Result<(), Refusal> {
    if found == expected {
        Ok(())
    } else {
        Err(lies(what, found, expected))
    }
}

/// Finds the directory by the record at the archive's end.
pub(super) fn directory(archive: &mut (impl Read + Seek), size: u64) -> Result<Directory, Failure> {
    let from = size.saturating_sub(END_BYTES + MAX_COMMENT);
    let tail = read_at(archive, from, size - from)?;
    // The record ends with a comment, which ends the file. Where that is true of two places,
    // two readers may see two archives.
    let mut ends = (0..tail.len()).filter_map(|at| {
        let record = tail.get(at..)?;
        let mut fields = Fields(record);
        let is_end = fields.u32().ok()? == END;
        let comment = Fields(record.get(20..)?).u16().ok()?;
        let whole = record.len() == usize::from(comment) + 22;
        (is_end && whole).then_some((from + at as u64, record))
    });
    let (Some((at, record)), None) = (ends.next(), ends.next()) else {
        return Err(Refusal::new("no end, or more than one", "one end of the archive").into());
    };
    let mut fields = Fields(record);
    fields.bytes(4)?;
    let (disk, first) = (fields.number(2)?, fields.number(2)?);
    let here = fields.number(2)?;
    let told = [fields.number(2)?, fields.number(4)?, fields.number(4)?];
    let located = match at.checked_sub(LOCATOR_BYTES) {
        Some(locator) => large(archive, locator)?,
        None => None,
    };
    let full = [FULL_16, FULL_32, FULL_32];
    let ([entries, bytes, start], end) = match located {
        Some((real, end)) => {
            for ((told, full), real) in told.iter().zip(full).zip(real) {
                if *told != full {
                    agree("a number of the archive's end", *told, real)?;
                }
            }
            (real, end)
        }
        None => (told, at),
    };
    if !is_first(disk) || !is_first(first) || here != told[0] {
        return Err(Refusal::new("a part of an archive", "an archive in one file").into());
    }
    agree("the end of the directory", start.saturating_add(bytes), end)?;
    // No entry takes less: a count that is a lie ends here, before anything is kept for it.
    if entries > bytes / CENTRAL_BYTES {
        return Err(lies("the number of entries", entries, bytes / CENTRAL_BYTES).into());
    }
    let at = start;
    Ok(Directory { entries, at, bytes })
}

/// The 64-bit record of the end, if there is one: entries, bytes and start of the directory, and
/// where the record is.
fn large(
    archive: &mut (impl Read + Seek),
    locator: u64,
) -> Result<Option<([u64; 3], u64)>, Failure> {
    let found = read_at(archive, locator, LOCATOR_BYTES)?;
    let mut fields = Fields(&found);
    if fields.u32()? != LOCATOR_64 {
        return Ok(None);
    }
    let (disk, at, disks) = (fields.number(4)?, fields.number(8)?, fields.number(4)?);
    if disk != 0 || disks > 1 {
        return Err(Refusal::new("a part of an archive", "an archive in one file").into());
    }
    let record = read_at(archive, at, END_64_BYTES)?;
    let mut fields = Fields(&record);
    if fields.u32()? != END_64 {
        return Err(Refusal::new("no 64-bit end", "one where the archive says so").into());
    }
    let end = at.saturating_add(12).saturating_add(fields.number(8)?);
    agree("the end of the 64-bit end", end, locator)?;
    fields.bytes(4)?;
    let (disk, first) = (fields.number(4)?, fields.number(4)?);
    let here = fields.number(8)?;
    let numbers = [fields.number(8)?, fields.number(8)?, fields.number(8)?];
    if disk != 0 || first != 0 || here != numbers[0] {
        return Err(Refusal::new("a part of an archive", "an archive in one file").into());
    }
    Ok(Some((numbers, at)))
}

/// Reads the directory.
pub(super) fn entries(
    archive: &mut (impl Read + Seek),
    directory: &Directory,
) -> Result<Vec<Entry>, Failure> {
    archive.seek(SeekFrom::Start(directory.at))?;
    let mut records = io::BufReader::new(archive.take(directory.bytes));
    let mut entries = Vec::new();
    for _ in 0..directory.entries {
        entries.push(entry(&mut records)?);
    }
    match read(&mut records, 1) {
        Ok(_) => Err(Refusal::new("more in the directory", "as many entries as it counts").into()),
        Err(_) => Ok(entries),
    }
}

fn entry(records: &mut impl Read) -> Result<Entry, Failure> {
    let record = read(records, CENTRAL_BYTES)?;
    let mut fields = Fields(&record);
    if fields.u32()? != CENTRAL {
        return Err(Refusal::new("no entry", "one in the directory").into());
    }
    fields.bytes(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.u32()?;
    let (mut packed, mut unpacked) = (fields.number(4)?, fields.number(4)?);
    let lengths = [fields.number(2)?, fields.number(2)?, fields.number(2)?];
    let disk = fields.number(2)?;
    fields.bytes(2)?;
    let (attributes, mut header) = (fields.u32()?, fields.number(4)?);
    let [name, extra, comment] = lengths;
    let name = read(records, name)?;
    let extra = read(records, extra)?;
    read(records, comment)?;
    let shown = String::from_utf8_lossy(&name).into_owned();
    let mut checked = || -> Result<(String, Packing), Refusal> {
        let name = text(&name)?;
        enlarge(&extra, [&mut unpacked, &mut packed, &mut header], &name)?;
        if !is_first(disk) {
            return Err(Refusal::new(
                "an entry of another part",
                "an archive in one file",
            ));
        }
        readable(flags, method, (packed, unpacked)).map(|packing| (name, packing))
    };
    let (name, packing) = checked().map_err(|refusal| refusal.of(&shown))?;
    Ok(Entry {
        name,
        packing,
        crc,
        packed,
        unpacked,
        mode: attributes >> 16,
        at: header,
        flags,
        header,
    })
}

fn text(name: &[u8]) -> Result<String, Refusal> {
    let name = str::from_utf8(name);
    let name = name.map_err(|_| Refusal::new("a name that is not UTF-8", "UTF-8"))?;
    Ok(name.to_owned())
}

/// How the content is packed; no other kind is read.
fn readable(flags: u16, method: u16, (packed, unpacked): (u64, u64)) -> Result<Packing, Refusal> {
    if flags & UNREADABLE != 0 {
        return Err(Refusal::new(
            "an encrypted entry",
            "one that everybody can read",
        ));
    }
    match method {
        0 => agree("the size of a stored entry", packed, unpacked).map(|()| Packing::Stored),
        8 => Ok(Packing::Deflated),
        93 => Ok(Packing::Zstd),
        _ => Err(Refusal::new(
            format!("compression method {method}"),
            "stored (0), deflated (8) or zstd (93)",
        )),
    }
}

/// Replaces the numbers that are full by the 64-bit ones of the extra field, which stand in
/// this order and only where they are needed; and wants a further name to be the same.
fn enlarge<const N: usize>(
    extra: &[u8],
    numbers: [&mut u64; N],
    name: &str,
) -> Result<(), Refusal> {
    let mut fields = Fields(extra);
    let mut large = None;
    while !fields.0.is_empty() {
        let kind = fields.u16()?;
        let length = usize::from(fields.u16()?);
        let content = fields.bytes(length)?;
        match kind {
            EXTRA_64 if large.is_some() => {
                return Err(Refusal::new("two 64-bit extra fields", "one"));
            }
            EXTRA_64 => large = Some(content),
            // A version and a checksum stand before it.
            EXTRA_NAME if content.get(5..) != Some(name.as_bytes()) => {
                return Err(Refusal::new("two names", "one"));
            }
            _ => {}
        }
    }
    let mut large = Fields(large.unwrap_or_default());
    for number in numbers {
        if *number == FULL_32 {
            *number = large.number(8)?;
        }
    }
    Ok(())
}

/// Reads the header before each entry, wants it to say what the directory says, and every byte
/// before the directory to belong to one entry.
pub(super) fn local(
    archive: &mut (impl Read + Seek),
    entries: &mut [Entry],
    end: u64,
) -> Result<(), Failure> {
    let mut order: Vec<&mut Entry> = entries.iter_mut().collect();
    order.sort_by_key(|entry| entry.header);
    let mut starts: Vec<u64> = order.iter().map(|entry| entry.header).collect();
    agree(
        "the start of the first entry",
        starts.first().copied().unwrap_or(end),
        0,
    )?;
    starts.push(end);
    for (entry, next) in order.into_iter().zip(starts.into_iter().skip(1)) {
        let name = entry.name.clone();
        header(archive, entry, next).map_err(|failure| match failure {
            Failure::Refused(refusal) => Failure::Refused(refusal.of(&name)),
            Failure::Io(error) => Failure::Io(error),
        })?;
    }
    Ok(())
}

fn header(archive: &mut (impl Read + Seek), entry: &mut Entry, next: u64) -> Result<(), Failure> {
    let record = read_at(archive, entry.header, LOCAL_BYTES)?;
    let mut fields = Fields(&record);
    if fields.u32()? != LOCAL {
        return Err(Refusal::new("no header", "one where the directory says so").into());
    }
    fields.bytes(2)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.bytes(4)?;
    let crc = fields.number(4)?;
    let (mut packed, mut unpacked) = (fields.number(4)?, fields.number(4)?);
    let (name_length, extra_length) = (fields.number(2)?, fields.number(2)?);
    let name = read(archive, name_length)?;
    let extra = read(archive, extra_length)?;
    if name != entry.name.as_bytes() {
        let other = String::from_utf8_lossy(&name).into_owned();
        return Err(Refusal::new(format!("another name, `{other}`"), "one name").into());
    }
    agree(
        "flags",
        u64::from(flags & SAME),
        u64::from(entry.flags & SAME),
    )?;
    agree(
        "compression",
        u64::from(method),
        u64::from(entry.packing.method()),
    )?;
    // Before content whose sizes stand behind it these fields are empty, or full.
    let behind = flags & BEHIND != 0;
    enlarge(&extra, [&mut unpacked, &mut packed], &entry.name)?;
    for (what, found, expected) in [
        ("checksum", crc, u64::from(entry.crc)),
        ("packed size", packed, entry.packed),
        ("size", unpacked, entry.unpacked),
    ] {
        if !(behind && found == 0) {
            agree(what, found, expected)?;
        }
    }
    let fixed = LOCAL_BYTES + name_length + extra_length;
    entry.at = entry.header.saturating_add(fixed);
    let over = entry.at.saturating_add(entry.packed);
    if behind {
        return descriptor(archive, entry, (over, next));
    }
    agree("the end of the entry", over, next)?;
    Ok(())
}

/// The checksum and the sizes behind the content, in 32 or 64 bits, with a signature or without.
fn descriptor(
    archive: &mut (impl Read + Seek),
    entry: &Entry,
    (over, next): (u64, u64),
) -> Result<(), Failure> {
    let length = next.saturating_sub(over);
    let (signed, width) = match length {
        12 => (false, 4),
        16 => (true, 4),
        20 => (false, 8),
        24 => (true, 8),
        _ => return Err(lies("the end of the entry", over, next).into()),
    };
    let record = read_at(archive, over, length)?;
    let mut fields = Fields(&record);
    if signed {
        agree(
            "the signature behind the entry",
            fields.number(4)?,
            u64::from(DESCRIPTOR),
        )?;
    }
    agree("checksum", fields.number(4)?, u64::from(entry.crc))?;
    agree("packed size", fields.number(width)?, entry.packed)?;
    agree("size", fields.number(width)?, entry.unpacked)?;
    Ok(())
}
