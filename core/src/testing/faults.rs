//! Faults on purpose: readers that hand out little at a time, writers that fail at every operation in turn.
//!
//! ```
//! use eir_core::testing::faults;
//! faults::writer("two lines", |out| out.write_all(b"a\n").and_then(|()| out.write_all(b"b\n")));
//! faults::file("card.json", |path| eir_core::file::write_atomic(path, b"{}"));
//! ```

use std::cell::Cell;
use std::fmt::{Debug, Display};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;

/// Operations that fail in turn: every one up to here, then some.
const EVERY: usize = 1000;

/// Hands out one byte, then two … up to `most`, and is interrupted before every third piece.
#[derive(Debug, Clone)]
pub struct ShortReads<'a> {
    rest: &'a [u8],
    most: usize,
    turn: usize,
}

impl<'a> ShortReads<'a> {
    /// Hands out `bytes`, at most `most` at a time.
    #[must_use]
    pub fn new(bytes: &'a [u8], most: usize) -> Self {
        Self { rest: bytes, most: most.max(1), turn: 0 }
    }
}

impl Read for ShortReads<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.turn += 1;
        if self.turn.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let length = (1 + self.turn % self.most).min(buffer.len()).min(self.rest.len());
        let (now, rest) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.rest = rest;
        Ok(length)
    }
}

/// A stream's reader gives the same result for short and interrupted reads as for the whole at once.
///
/// # Panics
/// If it does not, or refuses the whole.
pub fn short_reads<T: Debug, E: Display>(
    name: &str,
    bytes: &[u8],
    read: impl Fn(&mut dyn Read) -> std::result::Result<T, E>,
) {
    let mut whole = bytes;
    let expected = read(&mut whole).unwrap_or_else(|e| panic!("{name}: the valid input is refused: {e}"));
    for most in [1, 2, 7, 1024] {
        let found = read(&mut ShortReads::new(bytes, most));
        let found = found.unwrap_or_else(|e| panic!("{name}: refused in pieces of up to {most} bytes: {e}"));
        // by text: NaN in a result equals itself there
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{name}: another result in pieces of up to {most}");
    }
}

/// What goes wrong in a [`FaultyWriter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The operation with this number fails, and so does every later one: the disc is full.
    FullAt(usize),
    /// Takes at most three bytes at a time and is interrupted before every third operation.
    Short,
}

/// Passes on what it is given, until the fault comes.
#[derive(Debug)]
struct FaultyWriter {
    written: Vec<u8>,
    fault: Fault,
    operations: usize,
    failed: bool,
}

impl FaultyWriter {
    fn new(fault: Fault) -> Self {
        Self { written: Vec::new(), fault, operations: 0, failed: false }
    }

    fn step(&mut self) -> Result<()> {
        self.operations += 1;
        match self.fault {
            Fault::FullAt(at) if self.operations > at => {
                self.failed = true;
                Err(ErrorKind::StorageFull.into())
            }
            Fault::Short if self.operations.is_multiple_of(3) => Err(ErrorKind::Interrupted.into()),
            _ => Ok(()),
        }
    }
}

impl Write for FaultyWriter {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        self.step()?;
        let length = if self.fault == Fault::Short { buffer.len().min(3) } else { buffer.len() };
        self.written.extend_from_slice(&buffer[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> Result<()> {
        // what calls `flush` need not try again when interrupted: only the disc can be full here
        if self.fault == Fault::Short { Ok(()) } else { self.step() }
    }
}

/// A writer says so whenever an operation fails, and writes the same bytes through short and interrupted writes.
///
/// What it wrote before a failure is the beginning of what it writes at all. A writer that loses an error in a buffer's
/// `drop` is found here.
///
/// # Panics
/// If the writer breaks the promise.
pub fn writer<E: Display>(name: &str, write: impl Fn(&mut dyn Write) -> std::result::Result<(), E>) {
    let mut whole = Vec::new();
    write(&mut whole).unwrap_or_else(|e| panic!("{name}: does not write: {e}"));
    let mut short = FaultyWriter::new(Fault::Short);
    write(&mut short).unwrap_or_else(|e| panic!("{name}: fails where a write is short or interrupted: {e}"));
    assert!(short.written == whole, "{name}: short writes give other bytes");
    for at in turns() {
        let mut full = FaultyWriter::new(Fault::FullAt(at));
        let outcome = write(&mut full);
        if !full.failed {
            assert!(outcome.is_ok(), "{name}: fails without a fault");
            return;
        }
        assert!(outcome.is_err(), "{name}: operation {at} failed, but the writer says that all is well");
        assert!(whole.starts_with(&full.written), "{name}: wrote something else before operation {at} failed");
    }
}

fn turns() -> impl Iterator<Item = usize> {
    (0..EVERY).chain(std::iter::successors(Some(EVERY), |k| k.checked_add(k / 4)))
}

#[derive(Debug, Clone, Copy)]
enum Plan {
    Off,
    FailAfter(usize),
    Failed,
}

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan::Off) };
}

/// An operation of [`crate::file`] on this thread: fails if its turn has come, once.
pub(crate) fn step() -> Result<()> {
    PLAN.with(|plan| match plan.get() {
        Plan::FailAfter(0) => {
            plan.set(Plan::Failed);
            Err(Error::new(ErrorKind::StorageFull, "a fault on purpose"))
        }
        Plan::FailAfter(left) => {
            plan.set(Plan::FailAfter(left - 1));
            Ok(())
        }
        Plan::Off | Plan::Failed => Ok(()),
    })
}

/// A function that writes the file `name` through [`crate::file`] gives an error whenever an operation fails, and leaves
/// the old file or the new one, never a mixture, and nothing beside it.
///
/// # Panics
/// If the function breaks the promise, or does not write through [`crate::file`] on this thread.
pub fn file<E: Display>(name: &str, write: impl Fn(&Path) -> std::result::Result<(), E>) {
    let folder = Folder::new();
    let path = folder.0.join(name);
    write(&path).unwrap_or_else(|e| panic!("{name}: does not write: {e}"));
    let new = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: wrote no file: {e}"));
    let old = b"what was there before".to_vec();
    for at in turns() {
        for before in [None, Some(&old)] {
            let _ = std::fs::remove_file(&path);
            if let Some(old) = before {
                std::fs::write(&path, old).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            }
            PLAN.set(Plan::FailAfter(at));
            let outcome = write(&path);
            let failed = matches!(PLAN.replace(Plan::Off), Plan::Failed);
            let found = std::fs::read(&path).ok();
            if !failed {
                assert!(at > 0, "{name}: does not write through eir_core::file");
                assert!(outcome.is_ok() && found.as_ref() == Some(&new), "{name}: fails without a fault");
                return;
            }
            assert!(outcome.is_err(), "{name}: operation {at} failed, but the writer says that all is well");
            let whole = found.as_ref() == before || found.as_ref() == Some(&new);
            assert!(whole, "{name}: neither the old file nor the new one after operation {at} failed");
            let beside = std::fs::read_dir(&folder.0).map_or(0, Iterator::count) - usize::from(found.is_some());
            assert!(beside == 0, "{name}: {beside} file(s) left beside it after operation {at} failed");
        }
    }
}

/// A folder of its own that goes away with it.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("eir-faults-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufWriter;

    #[test]
    fn sound_ones_pass() {
        short_reads("text", b"some text", |r| std::io::read_to_string(r));
        writer("buffered", |out| {
            let mut out = BufWriter::with_capacity(16, out);
            for i in 0..100 {
                writeln!(out, "line {i}")?;
            }
            out.flush()
        });
        let large = vec![7; 3 << 20];
        file("large.bin", |path| crate::file::write_atomic(path, &large));
    }

    #[test]
    #[should_panic(expected = "operation 0 failed, but the writer says that all is well")]
    fn an_error_lost_in_drop_is_found() {
        writer("lost", |out| BufWriter::new(out).write_all(b"abc"));
    }

    #[test]
    #[should_panic(expected = "another result in pieces")]
    fn a_reader_that_takes_one_piece_for_all_is_found() {
        short_reads("once", b"some text", |r| r.read(&mut [0; 9]));
    }

    #[test]
    #[should_panic(expected = "does not write through eir_core::file")]
    fn a_writer_beside_the_module_is_found() {
        file("beside", |path| std::fs::write(path, b"abc"));
    }
}
