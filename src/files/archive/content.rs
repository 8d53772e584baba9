//! The content of one entry as a stream, which ends well only where it is all that was promised.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::records::{Entry, Packing};

/// The largest window that is kept, as a power of two: 32 MiB.
const WINDOW_LOG: u32 = 25;

/// A stream of an entry's content.
pub(in crate::files) struct Content<R> {
    source: Source<R>,
    packed: u64,
    left: u64,
    promised: u32,
    crc: Crc,
    /// Why it ended; it ends so again however often it is read.
    broken: Option<String>,
}

enum Source<R> {
    Stored(Take<R>),
    Deflated(DeflateDecoder<BufReader<Take<R>>>),
    Zstd(zstd::Decoder<'static, BufReader<Take<R>>>),
}

impl<R: Read + Seek> Content<R> {
    /// Goes to the entry's content.
    pub(in crate::files) fn open(mut archive: R, entry: &Entry) -> io::Result<Self> {
        archive.seek(SeekFrom::Start(entry.at))?;
        let packed = archive.take(entry.packed);
        Ok(Self {
            source: match entry.packing {
                Packing::Stored => Source::Stored(packed),
                Packing::Deflated => Source::Deflated(DeflateDecoder::new(BufReader::new(packed))),
                Packing::Zstd => {
                    let mut decoder =
                        zstd::Decoder::with_buffer(BufReader::new(packed))?.single_frame();
                    decoder.window_log_max(WINDOW_LOG)?;
                    Source::Zstd(decoder)
                }
            },
            packed: entry.packed,
            left: entry.unpacked,
            promised: entry.crc,
            crc: Crc::new(),
            broken: None,
        })
    }
}

impl<R: Read> Content<R> {
    fn step(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        let count = loop {
            let read = match &mut self.source {
                Source::Stored(stored) => stored.read(buffer),
                Source::Deflated(deflated) => deflated.read(buffer),
                Source::Zstd(decoder) => decoder.read(buffer),
            };
            match read {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        self.crc.update(bytes);
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or("more than the archive promises of this entry")?;
        if count == 0 && !buffer.is_empty() {
            self.end()?;
        }
        Ok(count)
    }

    fn end(&self) -> Result<(), String> {
        let taken = match &self.source {
            Source::Stored(stored) => self.packed - stored.limit(),
            Source::Deflated(deflated) => deflated.total_in(),
            Source::Zstd(decoder) => {
                let rest = decoder.get_ref();
                self.packed - rest.get_ref().limit() - rest.buffer().len() as u64
            }
        };
        if self.left > 0 {
            return Err(format!(
                "{} bytes less than the archive promises",
                self.left
            ));
        }
        if taken != self.packed {
            return Err(format!(
                "{} packed bytes too many",
                self.packed.abs_diff(taken)
            ));
        }
        if self.crc.sum() != self.promised {
            let (found, promised) = (self.crc.sum(), self.promised);
            return Err(format!("checksum {found:08x}, expected {promised:08x}"));
        }
        Ok(())
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(broken) = &self.broken {
            return Err(io::Error::other(broken.clone()));
        }
        self.step(buffer).map_err(|broken| {
            self.broken = Some(broken.clone());
            io::Error::other(broken)
        })
    }
}
