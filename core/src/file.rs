//! Reading within limits, and writing that leaves the old file or the new one, never half of it.

use crate::Limits;
use crate::error::{Io, LimitExceeded};
#[cfg(feature = "testing")]
use crate::testing::faults::step;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] Io),
    /// The file is larger than allowed.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

/// The bytes of the file at `path`, if it is no larger than `limits` allow.
///
/// # Errors
/// [`ReadError`] if the file cannot be read or is too large.
pub fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, ReadError> {
    let file = File::open(path).map_err(|e| Io::new(path, e))?;
    let size = file.metadata().map_err(|e| Io::new(path, e))?.len();
    let size = limits.check("file (bytes)", size)?;
    let mut bytes = Vec::with_capacity(size);
    // a pipe or a growing file has no size to check beforehand
    file.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Io::new(path, e))?;
    limits.check("file (bytes)", bytes.len() as u64)?;
    Ok(bytes)
}

/// Writes `bytes` to `path` through a temporary file beside it and a rename.
///
/// # Errors
/// [`Io`] names the file; the old content, if there was any, is untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Io> {
    let temporary = beside(path);
    write_new(&temporary, bytes).and_then(|()| step()).and_then(|()| std::fs::rename(&temporary, path)).map_err(|e| {
        let _ = std::fs::remove_file(&temporary); // best effort: the error that counts is `e`
        Io::new(path, e)
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    step()?;
    let mut file = File::create_new(path)?;
    for piece in bytes.chunks(PIECE) {
        step()?;
        file.write_all(piece)?;
    }
    step()?;
    file.sync_all()
}

/// What is written at a time.
const PIECE: usize = 1 << 20;

/// Before every operation of a write: where a test lets it fail.
#[cfg(not(feature = "testing"))]
fn step() -> std::io::Result<()> {
    Ok(())
}

/// A name in the same folder (a rename must not cross file systems) that no other write of this process uses.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_beside() {
        let folder = std::env::temp_dir().join(format!("eir-core-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.bin");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(read(&path, &Limits::default()).unwrap(), b"new");
        assert!(matches!(read(&path, &Limits::default().with_bytes(2)), Err(ReadError::Limit(_))));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        assert!(write_atomic(&folder.join("missing/a.bin"), b"x").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
