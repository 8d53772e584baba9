//! The only user of the file system: bounded reads, decompression, directories, atomic writes.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::units::Digest;

/// The most that one evidence file may hold once it is unpacked.
const MAX_UNPACKED: u64 = 16 << 30;
/// The most that a packed file may grow by. Repetitive JSON really reaches 100.
const MAX_RATIO: u64 = 400;
/// Below this size the ratio says nothing.
const RATIO_FLOOR: u64 = 64 << 20;
/// How many files a directory or a glob may name.
const MAX_FILES: usize = 10_000;
/// How deep directories may nest.
const MAX_DEPTH: usize = 32;
/// How much of a file is looked at to recognise its format.
const PEEK: u64 = 64 << 10;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Larger than what is read of such a file.
    #[error("{path}: {size} bytes, more than the {limit} that are read of such a file")]
    TooLarge {
        /// Which file.
        path: String,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// A directory or a glob names too many files.
    #[error("{path}: names more than {MAX_FILES} files")]
    TooMany {
        /// Which directory or glob.
        path: String,
    },
    /// A glob that cannot be read.
    #[error("{path}: not a glob: {reason}")]
    Glob {
        /// The pattern.
        path: String,
        /// Why.
        reason: String,
    },
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> FileError + '_ {
    move |source| FileError::Io {
        path: path.display().to_string(),
        source,
    }
}

/// Reads a small text file whole.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(io_error(path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(path))?;
    let size = bytes.len() as u64;
    if size > limit {
        let path = path.display().to_string();
        return Err(FileError::TooLarge { path, size, limit });
    }
    Ok(bytes)
}

/// Writes a file so that a reader sees either the old or the new content, never half of it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io_error(path))?;
    file.write_all(bytes).map_err(io_error(path))?;
    file.persist(path)
        .map_err(|failed| io_error(path)(failed.error))?;
    Ok(())
}

/// Appends to a file that the workflow runner reads: `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY`.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(io_error(path))?;
    file.write_all(bytes).map_err(io_error(path))
}

/// Returns the files that a path, a directory or a glob names, in order.
///
/// Symbolic links inside directories are not followed.
pub(crate) fn expand(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.is_dir() {
        return walk(path, path, &|_| true);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[', '{']) {
        return Ok(Vec::new());
    }
    let glob = globset::GlobBuilder::new(&text)
        .literal_separator(true)
        .build()
        .map_err(|error| FileError::Glob {
            path: text.to_string(),
            reason: error.kind().to_string(),
        })?
        .compile_matcher();
    let root: PathBuf = path
        .components()
        .take_while(|part| {
            let part = part.as_os_str().to_string_lossy();
            !part.contains(['*', '?', '[', '{'])
        })
        .collect();
    let root = if root.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        root
    };
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let relative = !path.starts_with(".") && root == Path::new(".");
    walk(&root, path, &|found: &Path| {
        let found = if relative {
            found.strip_prefix(".").unwrap_or(found)
        } else {
            found
        };
        glob.is_match(found)
    })
}

fn walk(
    root: &Path,
    named: &Path,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut pending = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        for entry in fs::read_dir(&folder).map_err(io_error(&folder))? {
            let entry = entry.map_err(io_error(&folder))?;
            seen += 1;
            if seen > MAX_FILES {
                let path = named.display().to_string();
                return Err(FileError::TooMany { path });
            }
            let kind = entry.file_type().map_err(io_error(&folder))?;
            let path = entry.path();
            if kind.is_dir() && depth < MAX_DEPTH {
                pending.push((path, depth + 1));
            } else if kind.is_file() && wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// An evidence file: plain, gzip or zstd, read as a stream.
pub(crate) struct Artifact {
    path: PathBuf,
}

/// What a whole pass over an artifact gives beside its content.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    /// Of the file as it lies on disk.
    pub(crate) sha256: Digest,
}

impl Artifact {
    /// Names a file; nothing is opened yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The path as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the start of the unpacked content, for recognising the format.
    pub(crate) fn peek(&self) -> Result<Vec<u8>, FileError> {
        let file = File::open(&self.path).map_err(io_error(&self.path))?;
        let mut start = Vec::new();
        unpack(BufReader::new(file))
            .and_then(|reader| reader.take(PEEK).read_to_end(&mut start))
            .map_err(io_error(&self.path))?;
        Ok(start)
    }

    /// Streams the unpacked content through `body`, and hashes the whole file on the way.
    ///
    /// `body` may stop early; the rest is still read for the digest.
    pub(crate) fn read<T>(
        &self,
        body: impl FnOnce(&mut dyn BufRead) -> T,
    ) -> Result<(T, Stamp), FileError> {
        let file = File::open(&self.path).map_err(io_error(&self.path))?;
        let mut hashed = Hashed {
            inner: file,
            hash: Sha256::new(),
        };
        let result = {
            let raw = BufReader::with_capacity(128 << 10, &mut hashed);
            let mut reader = unpack(raw).map_err(io_error(&self.path))?;
            body(&mut reader)
        };
        io::copy(&mut hashed, &mut io::sink()).map_err(io_error(&self.path))?;
        let sha256: [u8; 32] = hashed.hash.finalize().into();
        let stamp = Stamp {
            sha256: sha256.into(),
        };
        Ok((result, stamp))
    }
}

fn unpack<'a, R: BufRead + 'a>(mut raw: R) -> io::Result<BufReader<Box<dyn Read + 'a>>> {
    let magic = raw.fill_buf()?;
    let packed: Box<dyn Read + 'a> = if magic.starts_with(&[0x1f, 0x8b]) {
        let counted = Counted {
            inner: raw,
            seen: 0,
        };
        Box::new(Guarded::new(flate2::bufread::MultiGzDecoder::new(
            BufReader::new(counted),
        )))
    } else if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let counted = Counted {
            inner: raw,
            seen: 0,
        };
        Box::new(Guarded::new(zstd::Decoder::new(counted)?))
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
}

impl<D: Packed> Guarded<D> {
    fn new(inner: D) -> Self {
        Self { inner, out: 0 }
    }
}

impl<D: Packed> Read for Guarded<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.out += count as u64;
        let bomb = self.out > RATIO_FLOOR && self.out / self.inner.taken().max(1) > MAX_RATIO;
        if bomb || self.out > MAX_UNPACKED {
            return Err(io::Error::other(format!(
                "unpacks to more than {MAX_RATIO} times its size or {MAX_UNPACKED} bytes"
            )));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn directories_and_globs_expand_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out/b.json", "out/a.json", "out/deep/c.json", "out/d.txt"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            expand(&folder.path().join(pattern))
                .unwrap()
                .iter()
                .map(|path| {
                    let path = path.strip_prefix(folder.path()).unwrap();
                    path.display().to_string()
                })
                .collect()
        };
        assert_eq!(names("out/*.json"), ["out/a.json", "out/b.json"]);
        assert_eq!(
            names("out"),
            ["out/a.json", "out/b.json", "out/d.txt", "out/deep/c.json"]
        );
        assert_eq!(names("absent/*.json"), [""; 0]);
        assert_eq!(names("absent.json"), [""; 0]);
    }

    #[test]
    fn a_small_file_that_is_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        write_atomic(&path, &[0; 100]).unwrap();
        assert!(read_bounded(&path, 100).is_ok());
        let error = read_bounded(&path, 99).unwrap_err().to_string();
        assert!(error.contains("more than the 99"), "{error}");
    }
}
