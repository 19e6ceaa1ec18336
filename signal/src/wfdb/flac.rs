//! Signal files that are FLAC streams: formats 508, 516 and 524.

use super::samples::Format;
use crate::source::Source;
use crate::{Error, Result};
use claxon::{Block, FlacReader, FlacReaderOptions};
use eir_core::error::{Malformed, Unsupported};
use std::ops::Range;

const FORMAT: &str = "FLAC signal file";

/// Samples of each channel that the stream says it has; none where it does not say.
pub(super) fn total(source: &mut Source<'_>) -> Result<Option<u64>> {
    Ok(open(source)?.streaminfo().samples)
}

fn open<'a>(source: &'a mut Source<'_>) -> Result<FlacReader<Box<dyn std::io::Read + 'a>>> {
    let options = FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
    FlacReader::new_ext(source.stream()?, options).map_err(failure)
}

/// Hands every block of the samples `range` of all channels to `take`: the index of its first sample and the channels.
///
/// There is no way into the middle of a stream, so it is decoded from its start; memory is taken for one block.
pub(super) fn each_block(
    source: &mut Source<'_>,
    format: Format,
    channels: usize,
    range: Range<u64>,
    mut take: impl FnMut(u64, &Block) -> Result<()>,
) -> Result<()> {
    let mut reader = open(source)?;
    let info = reader.streaminfo();
    if info.channels as usize != channels {
        let reason = format!("the header gives it {channels} signals, it has {}", info.channels);
        return Err(Malformed::new(FORMAT, reason).into());
    }
    if info.bits_per_sample > format.bits {
        return Err(Malformed::new(FORMAT, "its samples have more bits than its format").into());
    }
    if info.samples.is_some_and(|n| n < range.end) {
        return Err(Malformed::new(FORMAT, "it has fewer samples than the header says").into());
    }
    let (low, high) = (i32::MIN >> (32 - format.bits), i32::MAX >> (32 - format.bits));
    let (mut blocks, mut at, mut buffer) = (reader.blocks(), 0u64, Vec::new());
    while at < range.end {
        let block = blocks.read_next_or_eof(buffer).map_err(failure)?;
        let block = block.ok_or_else(|| Malformed::new(FORMAT, "it ends before its last sample"))?;
        let length = u64::from(block.duration());
        if block.channels() as usize != channels || length == 0 {
            return Err(Malformed::new(FORMAT, "the channels change within it").into());
        }
        if at + length > range.start {
            let fits = |c: u32| block.channel(c).iter().all(|v| (low..=high).contains(v));
            if !(0..block.channels()).all(fits) {
                return Err(Malformed::new(FORMAT, "a sample exceeds its bit depth").into());
            }
            take(at, &block)?;
        }
        at += length;
        buffer = block.into_buffer();
    }
    Ok(())
}

fn failure(error: claxon::Error) -> Error {
    match error {
        claxon::Error::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => Error::Archive(Box::new(e)),
        claxon::Error::IoError(_) => Malformed::new(FORMAT, "it ends within a frame").into(),
        claxon::Error::FormatError(reason) => Malformed::new(FORMAT, reason).into(),
        claxon::Error::Unsupported(what) => {
            Unsupported::new(format!("FLAC: {what}"), "encode it again with the flac tool").into()
        }
    }
}
