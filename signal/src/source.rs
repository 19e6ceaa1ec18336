//! Where bytes come from: a file that is read piece by piece, or memory.

use crate::{Error, Result};
use eir_core::Limits;
use eir_core::error::Io;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of which any part can be had without the rest.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    File { file: File, path: PathBuf, len: u64, buffer: Vec<u8> },
    Bytes(Cow<'a, [u8]>),
}

impl Source<'_> {
    /// Opens a file; nothing is read.
    pub(crate) fn open(path: &Path) -> Result<Source<'static>> {
        let file = File::open(path).map_err(|e| Io::new(path, e))?;
        let len = file.metadata().map_err(|e| Io::new(path, e))?.len();
        Ok(Source::File { file, path: path.to_owned(), len, buffer: Vec::new() })
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// The `count` bytes at `offset`; fewer where it ends before. Memory is taken for what is there only.
    pub(crate) fn at(&mut self, offset: u64, count: usize) -> Result<&[u8]> {
        let there = usize::try_from(self.len().saturating_sub(offset)).unwrap_or(usize::MAX).min(count);
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.get(start..start + there).unwrap_or_default())
            }
            Self::File { file, path, buffer, .. } => {
                if buffer.len() < there {
                    buffer.resize(there, 0);
                }
                let into = buffer.get_mut(..there).unwrap_or_default();
                let read = file.seek(SeekFrom::Start(offset)).and_then(|_| fill(file, into));
                let read = read.map_err(|e| Io::new(path, e))?;
                Ok(into.get(..read).unwrap_or_default())
            }
        }
    }

    /// All bytes, if they are no more than `limits` allow.
    pub(crate) fn all(&mut self, limits: &Limits) -> Result<&[u8]> {
        let count = limits.check("file (bytes)", self.len())?;
        self.at(0, count)
    }

    /// The bytes from the first on, as a stream.
    pub(crate) fn stream(&mut self) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(&bytes[..])),
            Self::File { file, path, .. } => {
                file.rewind().map_err(|e| Io::new(&*path, e))?;
                Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
            }
        }
    }
}

fn fill(file: &mut File, into: &mut [u8]) -> std::io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = into.get_mut(read..).filter(|r| !r.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(read)
}

/// The files of a record, by name.
pub(crate) trait Files {
    fn open(&self, name: &str) -> Result<Source<'_>>;
}

/// Files that lie in one folder.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Files for Folder {
    fn open(&self, name: &str) -> Result<Source<'_>> {
        Source::open(&self.0.join(name))
    }
}

/// Files that lie in memory.
#[derive(Debug)]
pub(crate) struct Given<'a>(pub(crate) &'a [(&'a str, &'a [u8])]);

impl Files for Given<'_> {
    fn open(&self, name: &str) -> Result<Source<'_>> {
        let found = self.0.iter().find(|(n, _)| *n == name).map(|(_, bytes)| Source::Bytes(Cow::Borrowed(bytes)));
        found.ok_or_else(|| Error::NotFound {
            what: "file",
            name: name.to_owned(),
            instead: "give its bytes with the header".to_owned(),
        })
    }
}
