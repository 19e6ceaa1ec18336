//! Gzip and zlib within limits: a small file that swells to more than is allowed is an error, not a full memory.

use crate::Result;
use eir_core::Limits;
use eir_core::error::Malformed;
use std::io::Read;

/// The most that deflate can swell: 258 bytes from 2 bits, rounded up.
const LARGEST_RATIO: usize = 1032;

/// Whether `bytes` begin as a gzip file does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// A gzip file (of one or more members) that is being unpacked.
pub(crate) fn reader(bytes: &[u8]) -> impl Read + '_ {
    flate2::bufread::MultiGzDecoder::new(bytes)
}

/// Up to `size` more bytes from `reader` behind what `out` holds; an input that ends before gives fewer.
pub(crate) fn take(
    format: &'static str,
    reader: &mut impl Read,
    packed: usize,
    size: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.reserve(size.min(packed.saturating_mul(LARGEST_RATIO)));
    let read = reader.take(size as u64).read_to_end(out);
    read.map_err(|_| Malformed::new(format, "its compressed part is broken or cut short"))?;
    Ok(())
}

/// All that `bytes` (raw deflate without a header) unpack to, if the limits allow as much.
pub(crate) fn inflate_raw(format: &'static str, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    all(format, flate2::bufread::DeflateDecoder::new(bytes), limits)
}

fn all(format: &'static str, reader: impl Read, limits: &Limits) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = reader.take(limits.bytes.saturating_add(1)).read_to_end(&mut out);
    read.map_err(|_| Malformed::new(format, "its compressed part is broken or cut short"))?;
    limits.check("unpacked file (bytes)", out.len() as u64)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use std::io::Write;

    #[test]
    fn a_bomb_is_an_error() {
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            packed.write_all(&[0; 1 << 16]).unwrap();
        }
        let packed = packed.finish().unwrap();
        let limits = Limits::default().with_bytes(1 << 20);
        assert!(packed.len() < 8000);
        assert!(matches!(inflate_raw("deflate", &packed, &limits), Err(Error::Limit(_))));
        assert_eq!(inflate_raw("deflate", &packed, &Limits::default()).unwrap().len(), 1 << 22);
        assert!(matches!(inflate_raw("deflate", &packed[..20], &limits), Err(Error::Malformed(_))));
    }
}
