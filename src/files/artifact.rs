//! An evidence file as a stream: plain or packed, on its own or inside an archive.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::archive::{self, Content, Entry};
use super::log::Log;
use super::{ArchiveLimits, FileError, io_error};
use crate::limits::{RECOGNISED, UNPACK_FLOOR, UNPACK_RATIO, UNPACKED};
use crate::units::Digest;

/// Opens what a file holds: the file itself, or each file in it where it is a zip archive. An
/// Inspect log is one file, however many entries it has.
pub(crate) fn open(path: &Path, limits: &ArchiveLimits) -> Result<Vec<Artifact>, FileError> {
    let failed = io_error(path);
    let mut file = File::open(path).map_err(&failed)?;
    let start = magic(&mut file, FIRST).map_err(&failed)?;
    if !archive::is_archive(&start) {
        return Ok(vec![Artifact::new(path.to_owned())]);
    }
    let is_log = archive::begins_inspect_log(&start);
    let limits = if is_log { limits.of_log() } else { *limits };
    let entries = archive::files(&mut file, path, &limits)?;
    if archive::is_inspect_log(&entries) {
        return Ok(vec![Artifact {
            path: path.to_owned(),
            part: Part::Log(Log::of(entries, path)?),
        }]);
    }
    let members = entries.into_iter().map(|entry| Artifact {
        path: path.to_owned(),
        part: Part::Member(Member {
            most: limits.most(entry.packed).min(UNPACKED),
            entry,
        }),
    });
    Ok(members.collect())
}

/// As much of a file as shows what kind of archive it is.
const FIRST: u64 = 64;

/// An evidence file: plain, gzip or zstd, on its own or in a zip archive, read as a stream.
pub(crate) struct Artifact {
    path: PathBuf,
    part: Part,
}

/// What of a file on disk is read.
enum Part {
    /// All of it.
    Whole,
    /// A file in the archive.
    Member(Member),
    /// An Inspect log: its entries as one.
    Log(Log),
}

/// A file in an archive.
struct Member {
    entry: Entry,
    /// How large it may get, where it is packed once more.
    most: u64,
}

/// What a whole pass over an artifact gives beside its content.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    /// Of the file as it lies on disk, or as it was put into its archive.
    pub(crate) sha256: Digest,
}

impl Artifact {
    /// Names a file that is not an archive; nothing is opened yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            part: Part::Whole,
        }
    }

    /// The file on disk: of a file in an archive, the archive.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file in its archive, where it is in one.
    fn member(&self) -> Option<&str> {
        match &self.part {
            Part::Member(member) => Some(&member.entry.name),
            Part::Whole | Part::Log(_) => None,
        }
    }

    /// As people are shown it: `evals.zip!a.json` for a file in an archive.
    pub(crate) fn shown(&self) -> String {
        self.shown_as(&self.path.display().to_string())
    }

    /// The same, where the file on disk is known by another name.
    pub(crate) fn shown_as(&self, name: &str) -> String {
        match self.member() {
            Some(member) => format!("{name}!{member}"),
            None => name.to_owned(),
        }
    }

    /// Returns the start of the unpacked content, for recognising the format.
    pub(crate) fn peek(&self) -> Result<Vec<u8>, FileError> {
        let mut start = Vec::new();
        self.stored()
            .and_then(|stored| unpack(BufReader::new(stored), self.most()))
            .and_then(|reader| reader.take(RECOGNISED).read_to_end(&mut start))
            .map_err(|source| self.failed(source))?;
        if self.member().is_some() && archive::is_archive(&start) {
            return Err(FileError::Archive {
                path: self.path.display().to_string(),
                entry: self.member().map(str::to_owned),
                found: String::from("an archive in the archive"),
                expected: String::from("the evidence itself"),
            });
        }
        Ok(start)
    }

    /// Streams the unpacked content through `body`, and hashes the whole file on the way.
    ///
    /// `body` may stop early; the rest is still read for the digest.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&mut dyn BufRead) -> T,
    ) -> Result<(T, Stamp), FileError> {
        let failed = |source| self.failed(source);
        let mut hashed = Hashed {
            inner: self.disk().map_err(failed)?,
            hash: Sha256::new(),
        };
        let result = if let Part::Log(log) = &self.part {
            let mut reader = BufReader::with_capacity(256 << 10, log.stream(&self.path));
            body(&mut reader)
        } else {
            let raw = BufReader::with_capacity(128 << 10, &mut hashed);
            let mut reader = unpack(raw, self.most()).map_err(failed)?;
            body(&mut reader)
        };
        io::copy(&mut hashed, &mut io::sink()).map_err(failed)?;
        let sha256: [u8; 32] = hashed.hash.finalize().into();
        let stamp = Stamp {
            sha256: sha256.into(),
        };
        Ok((result, stamp))
    }

    /// The content as it is before it is unpacked.
    fn stored(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.part {
            Part::Log(log) => Ok(Box::new(log.stream(&self.path))),
            Part::Whole | Part::Member(_) => self.disk(),
        }
    }

    /// The file as it lies on disk, or as it was put into its archive.
    fn disk(&self) -> io::Result<Box<dyn Read>> {
        let file = File::open(&self.path)?;
        Ok(match &self.part {
            Part::Member(member) => Box::new(Content::open(file, &member.entry)?),
            Part::Whole | Part::Log(_) => Box::new(file),
        })
    }

    const fn most(&self) -> u64 {
        match &self.part {
            Part::Member(member) => member.most,
            Part::Whole | Part::Log(_) => UNPACKED,
        }
    }

    fn failed(&self, source: io::Error) -> FileError {
        let path = self.shown();
        FileError::Io { path, source }
    }
}

/// Reads what tells the kind of a file, however little each read gives.
fn magic(file: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(most).read_to_end(&mut start)?;
    Ok(start)
}

fn unpack<'a, R: BufRead + 'a>(mut raw: R, most: u64) -> io::Result<BufReader<Box<dyn Read + 'a>>> {
    let magic = magic(&mut raw, 4)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let raw = io::Cursor::new(magic).chain(raw);
    let packed: Box<dyn Read + 'a> = if is_gzip {
        let counted = BufReader::new(Counted::new(raw));
        Box::new(Guarded::new(
            flate2::bufread::MultiGzDecoder::new(counted),
            most,
        ))
    } else if is_zstd {
        Box::new(Guarded::new(zstd::Decoder::new(Counted::new(raw))?, most))
    } else {
        Box::new(raw)
    };
    Ok(BufReader::with_capacity(256 << 10, packed))
}

/// Hashes what passes through.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(read) = buffer.get(..count) {
            self.hash.update(read);
        }
        Ok(count)
    }
}

/// Counts the packed bytes that a decoder has taken.
struct Counted<R> {
    inner: R,
    seen: u64,
}

impl<R> Counted<R> {
    const fn new(inner: R) -> Self {
        Self { inner, seen: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.seen += count as u64;
        Ok(count)
    }
}

/// A decoder that can tell how many packed bytes it has read so far.
trait Packed: Read {
    fn taken(&self) -> u64;
}

impl<R: Read> Packed for flate2::bufread::MultiGzDecoder<BufReader<Counted<R>>> {
    fn taken(&self) -> u64 {
        self.get_ref().get_ref().seen
    }
}

impl<R: Read> Packed for zstd::Decoder<'_, BufReader<Counted<R>>> {
    fn taken(&self) -> u64 {
        self.get_ref().get_ref().seen
    }
}

/// Stops a decompression bomb.
struct Guarded<D> {
    inner: D,
    out: u64,
    most: u64,
}

impl<D: Packed> Guarded<D> {
    fn new(inner: D, most: u64) -> Self {
        Self {
            inner,
            out: 0,
            most,
        }
    }
}

impl<D: Packed> Read for Guarded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.out += count as u64;
        let bomb = self.out > UNPACK_FLOOR && self.out / self.inner.taken().max(1) > UNPACK_RATIO;
        if bomb || self.out > self.most {
            let most = self.most;
            let key = if most < UNPACKED {
                " (`artifact_limits.ratio`)"
            } else {
                ""
            };
            return Err(io::Error::other(format!(
                "unpacks to more than {UNPACK_RATIO} times its size or {most} bytes{key}"
            )));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::files::archive::tests::zip;
    use crate::files::write_atomic;

    #[test]
    fn packed_files_read_like_plain_ones_and_hash_as_stored() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"{\"a\":1}\n".repeat(1_000);
        let plain = folder.path().join("a.json");
        write_atomic(&plain, &text).unwrap();
        let gz = folder.path().join("a.json.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&text).unwrap();
        let packed = encoder.finish().unwrap();
        write_atomic(&gz, &packed).unwrap();
        let zst = folder.path().join("a.json.zst");
        write_atomic(&zst, &zstd::encode_all(&text[..], 3).unwrap()).unwrap();

        for path in [plain, gz.clone(), zst] {
            let (content, _) = Artifact::new(path)
                .read(|reader| {
                    let mut content = Vec::new();
                    reader.read_to_end(&mut content).unwrap();
                    content
                })
                .unwrap();
            assert_eq!(content, text);
        }
        let ((), stamp) = Artifact::new(gz).read(|_| ()).unwrap();
        assert_eq!(stamp.sha256, Digest::of(&packed));
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn opened(entries: &[(&str, &[u8])]) -> (tempfile::TempDir, Vec<Artifact>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evals.zip");
        write_atomic(&path, &zip(entries)).unwrap();
        let artifacts = open(&path, &ArchiveLimits::default()).unwrap();
        (folder, artifacts)
    }

    #[test]
    fn each_file_of_an_archive_is_evidence_of_its_own() {
        let text = b"{\"a\":1}\n";
        let packed = gzip(text);
        let (folder, artifacts) = opened(&[("a.json", text), ("out/b.gz", &packed)]);
        let shown: Vec<String> = artifacts.iter().map(Artifact::shown).collect();
        let path = folder.path().join("evals.zip");
        let path = path.display();
        assert_eq!(
            shown,
            [format!("{path}!a.json"), format!("{path}!out/b.gz")]
        );
        assert_eq!(artifacts[0].shown_as("evals"), "evals!a.json");
        for (artifact, stored) in artifacts.iter().zip([&text[..], &packed]) {
            assert_eq!(artifact.peek().unwrap(), text);
            let read = artifact.read(|reader| {
                let mut content = Vec::new();
                reader.read_to_end(&mut content).map(|_| content)
            });
            let (content, stamp) = read.unwrap();
            assert_eq!(content.unwrap(), text);
            assert_eq!(stamp.sha256, Digest::of(stored));
        }
    }

    #[test]
    fn an_archive_in_an_archive_is_refused() {
        let inner = zip(&[("a.json", b"{}")]);
        for content in [inner.clone(), gzip(&inner)] {
            let (_folder, artifacts) = opened(&[("inner", &content)]);
            let error = artifacts[0].peek().unwrap_err();
            assert!(matches!(error, FileError::Archive { .. }), "{error}");
        }
    }

    #[test]
    fn a_bomb_inside_an_archive_stops_at_the_archives_ratio() {
        let bomb = gzip(&vec![0; 2 << 20]);
        let (_folder, artifacts) = opened(&[("bomb.gz", &bomb)]);
        let read = artifacts[0].read(|reader| io::copy(reader, &mut io::sink()));
        let error = read.unwrap().0.unwrap_err().to_string();
        assert!(error.contains("`artifact_limits.ratio`"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_archive_is_opened_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for content in [&b"{}"[..], b"", b"PK"] {
            write_atomic(&path, content).unwrap();
            let artifacts = open(&path, &ArchiveLimits::default()).unwrap();
            let shown: Vec<String> = artifacts.iter().map(Artifact::shown).collect();
            assert_eq!(shown, [path.display().to_string()]);
        }
    }

    #[test]
    fn a_body_that_stops_early_does_not_hide_what_is_broken_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evals.zip");
        let mut bytes = zip(&[("a.json", b"{\"a\": 1}")]);
        let last = b"PK\x03\x04".len() + 26 + "a.json".len() + 7;
        bytes[last] ^= 1;
        write_atomic(&path, &bytes).unwrap();
        let artifacts = open(&path, &ArchiveLimits::default()).unwrap();
        let error = artifacts[0].read(|_| ()).unwrap_err().to_string();
        assert!(error.contains("evals.zip!a.json: checksum"), "{error}");
    }

    #[test]
    fn a_bomb_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.gz");
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        io::copy(&mut io::repeat(0).take(200 << 20), &mut encoder).unwrap();
        write_atomic(&path, &encoder.finish().unwrap()).unwrap();
        let (result, _) = Artifact::new(path)
            .read(|reader| io::copy(reader, &mut io::sink()))
            .unwrap();
        assert!(result.unwrap_err().to_string().contains("unpacks to more"));
    }
}
