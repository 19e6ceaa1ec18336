//! WAV and RF64.

use crate::{Audio, Result};
use eir_core::error::{Malformed, Unsupported};
use eir_core::{Limits, SampleRate};

const FORMAT: &str = "WAV file";
/// More channels than this are a broken header.
const MAX_CHANNELS: usize = 256;

/// How the samples of the `data` chunk are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// Integer samples of so many bytes, justified to the left; one byte is unsigned.
    Integer(usize),
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Coding {
    fn bytes(self) -> usize {
        match self {
            Self::Integer(n) => n,
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::ALaw | Self::MuLaw => 1,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Header {
    coding: Coding,
    channels: usize,
    rate: SampleRate,
}

pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Audio> {
    if bytes.get(8..12) != Some(b"WAVE") {
        return Err(Malformed::at(FORMAT, 8, "WAVE is missing").into());
    }
    let (mut header, mut long_size) = (None::<Header>, None::<u64>);
    let mut at = 12usize;
    while let (Some(id), Some(size)) = (bytes.get(at..at + 4), u32_at(bytes, at + 4)) {
        let body = bytes.get(at + 8..).unwrap_or_default();
        let claimed = usize::try_from(size).unwrap_or(usize::MAX);
        let chunk = body.get(..claimed).unwrap_or(body);
        match id {
            b"fmt " if header.is_some() => return Err(Malformed::at(FORMAT, at as u64, "a second fmt chunk").into()),
            b"fmt " => header = Some(read_header(chunk, at as u64)?),
            b"ds64" => long_size = chunk.get(8..16).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes),
            b"data" => {
                let header = header.ok_or_else(|| Malformed::at(FORMAT, at as u64, "no fmt chunk before the data"))?;
                let claimed = match long_size {
                    Some(long) if size == u32::MAX => usize::try_from(long).unwrap_or(usize::MAX),
                    _ if size == 0 => usize::MAX, // a recorder that was switched off: all that follows
                    _ => claimed,
                };
                return read_samples(body.get(..claimed).unwrap_or(body), &header, limits);
            }
            _ => {}
        }
        at = at.saturating_add(8).saturating_add(claimed).saturating_add(claimed % 2);
    }
    Err(Malformed::at(FORMAT, bytes.len() as u64, "no data chunk").into())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn read_header(chunk: &[u8], at: u64) -> Result<Header> {
    let bad = |reason: &'static str| Malformed::at(FORMAT, at, reason);
    let short = || bad("the fmt chunk is too short");
    let mut tag = u16_at(chunk, 0).ok_or_else(short)?;
    let channels = usize::from(u16_at(chunk, 2).ok_or_else(short)?);
    let rate = u32_at(chunk, 4).ok_or_else(short)?;
    let bits = usize::from(u16_at(chunk, 14).ok_or_else(short)?);
    if tag == 0xfffe {
        // extensible: the first two bytes of the sub-format's identifier are the tag
        tag = u16_at(chunk, 24).ok_or_else(short)?;
    }
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(bad("the number of channels is not 1 to 256").into());
    }
    let rate = SampleRate::new(f64::from(rate)).map_err(|_| bad("the sampling rate is 0"))?;
    let coding = match (tag, bits) {
        (1, 1..=32) => Coding::Integer(bits.div_ceil(8)),
        (3, 32) => Coding::Float32,
        (3, 64) => Coding::Float64,
        (6, 8) => Coding::ALaw,
        (7, 8) => Coding::MuLaw,
        (1 | 3 | 6 | 7, _) => return Err(bad("the number of bits does not fit the coding").into()),
        _ => {
            let what = format!("WAV coding {tag:#06x}");
            return Err(Unsupported::new(what, "convert it to PCM").into());
        }
    };
    Ok(Header { coding, channels, rate })
}

fn read_samples(data: &[u8], header: &Header, limits: &Limits) -> Result<Audio> {
    let width = header.coding.bytes();
    let count = data.len() / (width * header.channels) * header.channels;
    let data = &data[..count * width];
    limits.product("samples (bytes)", &[count as u64, 4])?;
    let samples = match header.coding {
        Coding::Integer(1) => data.iter().map(|b| (f32::from(*b) - 128.0) / 128.0).collect(),
        Coding::Integer(2) => data.as_chunks().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32768.0).collect(),
        Coding::Integer(3) => {
            let wide = |b: &[u8; 3]| i32::from_le_bytes([0, b[0], b[1], b[2]]);
            data.as_chunks().0.iter().map(|b| (f64::from(wide(b)) / 2147483648.0) as f32).collect()
        }
        Coding::Integer(_) => {
            data.as_chunks().0.iter().map(|b| (f64::from(i32::from_le_bytes(*b)) / 2147483648.0) as f32).collect()
        }
        Coding::Float32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Coding::Float64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Coding::ALaw => data.iter().map(|b| a_law(*b)).collect(),
        Coding::MuLaw => data.iter().map(|b| mu_law(*b)).collect(),
    };
    Ok(Audio::new(samples, header.channels, header.rate))
}

/// ITU-T G.711 A-law.
fn a_law(byte: u8) -> f32 {
    let code = byte ^ 0x55;
    let (segment, step) = (i32::from((code >> 4) & 7), i32::from(code & 15));
    let size = if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 264) << (segment - 1) };
    (if code & 0x80 == 0 { -size } else { size }) as f32 / 32768.0
}

/// ITU-T G.711 µ-law.
fn mu_law(byte: u8) -> f32 {
    let code = !byte;
    let size = (((i32::from(code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
    (if code & 0x80 == 0 { size } else { -size }) as f32 / 32768.0
}

/// A file of one channel of 32-bit floating-point samples.
pub(crate) fn encode(samples: &[f32], rate: SampleRate) -> Vec<u8> {
    let size = u32::try_from(samples.len().saturating_mul(4)).unwrap_or(u32::MAX);
    let rate = rate.hz().round() as u32;
    let mut file = Vec::with_capacity(44 + samples.len() * 4);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&size.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x03\0\x01\0");
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&rate.saturating_mul(4).to_le_bytes());
    file.extend_from_slice(b"\x04\0\x20\0data");
    file.extend_from_slice(&size.to_le_bytes());
    file.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a `fmt` chunk of `tag`, `channels`, `rate` and `bits`, and `data`.
    fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut f = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        f.extend_from_slice(&tag.to_le_bytes());
        f.extend_from_slice(&channels.to_le_bytes());
        f.extend_from_slice(&rate.to_le_bytes());
        f.extend_from_slice(&[0; 6]);
        f.extend_from_slice(&bits.to_le_bytes());
        f.extend_from_slice(b"LIST\x03\0\0\0abc\0data");
        f.extend_from_slice(&(data.len() as u32).to_le_bytes());
        f.extend_from_slice(data);
        f
    }

    fn samples(tag: u16, bits: u16, data: &[u8]) -> Vec<f32> {
        decode(&file(tag, 1, 8000, bits, data), &Limits::default()).unwrap().interleaved
    }

    #[test]
    fn all_codings() {
        assert_eq!(samples(1, 8, &[0, 128, 192]), [-1.0, 0.0, 0.5]);
        assert_eq!(samples(1, 16, &[0, 0x80, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(samples(1, 24, &[0, 0, 0x80, 1, 0, 0]), [-1.0, 2f32.powi(-23)]);
        assert_eq!(samples(1, 32, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(samples(3, 32, &0.25f32.to_le_bytes()), [0.25]);
        assert_eq!(samples(3, 64, &0.25f64.to_le_bytes()), [0.25]);
        assert_eq!(samples(6, 8, &[0xd5, 0x55, 0xaa]), [8.0 / 32768.0, -8.0 / 32768.0, 32256.0 / 32768.0]);
        assert_eq!(samples(7, 8, &[0xff, 0x7f, 0x00, 0x80]), [0.0, 0.0, -32124.0 / 32768.0, 32124.0 / 32768.0]);
    }

    #[test]
    fn a_claim_is_no_memory() {
        let mut f = file(1, 1, 8000, 16, &[0, 0x40]);
        let size = f.len() - 6;
        f[size..size + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decode(&f, &Limits::default()).unwrap().interleaved, [0.5]);
        let error = decode(&file(1, 1, 8000, 8, &[0; 100]), &Limits::default().with_bytes(99)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "samples (bytes) asks for 400, the limit is 99: raise the limit if the input is trusted"
        );
    }

    #[test]
    fn broken_headers_are_named() {
        let text = |f: &[u8]| decode(f, &Limits::default()).unwrap_err().to_string();
        assert!(text(&file(1, 0, 8000, 16, &[])).contains("channels"));
        assert!(text(&file(1, 1, 0, 16, &[])).contains("rate is 0"));
        assert!(text(&file(0x11, 1, 8000, 4, &[])).contains("0x0011"));
        assert!(text(b"RIFF\0\0\0\0WAVE").contains("no data chunk"));
    }
}
