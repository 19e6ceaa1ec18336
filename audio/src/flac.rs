//! FLAC (RFC 9639).
//!
//! Written here rather than taken from a crate, so that no sum can overflow whatever the bytes (each sample is checked
//! against its bit depth), memory is taken block by block within the limits, and a stream whose rate, bit depth or
//! channels change is an error instead of a wrong scale.

use crate::{Audio, Result};
use eir_core::error::{Malformed, Unsupported};
use eir_core::{Limits, SampleRate};

const FORMAT: &str = "FLAC file";

fn bad(at: usize, reason: &'static str) -> Malformed {
    Malformed::at(FORMAT, at as u64, reason)
}

/// What the first metadata block says about the whole stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct StreamInfo {
    rate: u32,
    channels: usize,
    bits: u32,
    /// Samples per channel; 0 where unknown.
    total: u64,
}

pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Audio> {
    let (info, mut at) = read_metadata(bytes)?;
    let rate = SampleRate::new(f64::from(info.rate)).map_err(|_| bad(8, "the sampling rate is 0"))?;
    let scale = 1.0 / f64::from(info.bits - 1).exp2();
    let mut samples: Vec<f32> = Vec::new();
    let mut block: Vec<Vec<i64>> = vec![Vec::new(); info.channels];
    let complete = |n: usize| info.total > 0 && (n / info.channels) as u64 >= info.total;
    while at < bytes.len() && !complete(samples.len()) {
        at = read_frame(bytes, at, &info, &mut block)?;
        let length = block.first().map_or(0, Vec::len);
        let after = samples.len() + length * info.channels;
        limits.product("samples (bytes)", &[after as u64, 4])?;
        for i in 0..length {
            samples.extend(block.iter().map(|channel| (channel[i] as f64 * scale) as f32));
        }
    }
    if info.total > 0 {
        if !complete(samples.len()) {
            return Err(bad(at, "it ends before its last frame").into());
        }
        samples.truncate(usize::try_from(info.total).unwrap_or(usize::MAX).saturating_mul(info.channels));
    }
    Ok(Audio::new(samples, info.channels, rate))
}

/// Reads the metadata blocks; gives the stream's description and where the first frame starts.
fn read_metadata(bytes: &[u8]) -> Result<(StreamInfo, usize)> {
    let (mut info, mut at) = (None, 4usize);
    loop {
        let head = bytes.get(at..at + 4).ok_or_else(|| bad(at, "it ends inside its metadata"))?;
        let length = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        let body = bytes.get(at + 4..at + 4 + length).ok_or_else(|| bad(at, "it ends inside its metadata"))?;
        if info.is_none() {
            if head[0] & 0x7f != 0 || body.len() < 34 {
                return Err(bad(at, "the first metadata block is not STREAMINFO").into());
            }
            let word = body[10..18].iter().fold(0u64, |a, b| a << 8 | u64::from(*b));
            let bits = ((word >> 36) & 31) as u32 + 1;
            if bits < 4 {
                return Err(bad(at, "fewer than 4 bits per sample").into());
            }
            info = Some(StreamInfo {
                rate: (word >> 44) as u32,
                channels: ((word >> 41) & 7) as usize + 1,
                bits,
                total: word & 0xf_ffff_ffff,
            });
        }
        at += 4 + length;
        if let (Some(info), 0x80..) = (info, head[0]) {
            return Ok((info, at));
        }
    }
}

/// Decodes the frame at `at` into `block` (one row per channel); gives where the next frame starts.
fn read_frame(bytes: &[u8], at: usize, info: &StreamInfo, block: &mut [Vec<i64>]) -> Result<usize> {
    let mut bits = Bits::new(bytes, at);
    if bits.read(15)? != 0b111_1111_1111_1100 {
        return Err(bad(at, "no frame starts here").into());
    }
    bits.read(1)?; // fixed or variable block size: either way the size stands in each frame
    let (size_code, rate_code) = (bits.read(4)?, bits.read(4)?);
    let (channel_code, bits_code) = (bits.read(4)?, bits.read(3)?);
    bits.read(1)?;
    // the frame's or first sample's number, coded as UTF-8 codes characters; its value is not needed
    let first = bits.read(8)?;
    let more = match first {
        0..=0x7f => 0,
        0xc0..=0xfe => (first as u8).leading_ones() - 1,
        _ => return Err(bad(at, "the frame's number is broken").into()),
    };
    for _ in 0..more {
        if bits.read(8)? >> 6 != 0b10 {
            return Err(bad(at, "the frame's number is broken").into());
        }
    }
    let size = match size_code {
        1 => 192,
        2..=5 => 576 << (size_code - 2),
        6 => bits.read(8)? + 1,
        7 => bits.read(16)? + 1,
        8..=15 => 256 << (size_code - 8),
        _ => 0,
    } as usize;
    if size == 0 || size > 65_535 {
        return Err(bad(at, "the block size is not 1 to 65535").into());
    }
    let rate = match rate_code {
        0 => info.rate,
        1..=11 => {
            let known = [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
            known[rate_code as usize - 1]
        }
        12 => bits.read(8)? as u32 * 1000,
        13 => bits.read(16)? as u32,
        14 => bits.read(16)? as u32 * 10,
        _ => return Err(bad(at, "the frame's sampling rate is broken").into()),
    };
    let depth = match bits_code {
        0 => info.bits,
        3 => return Err(bad(at, "the frame's bit depth is broken").into()),
        code => [0, 8, 12, 0, 16, 20, 24, 32][code as usize],
    };
    let channels = match channel_code {
        0..=7 => channel_code as usize + 1,
        8..=10 => 2,
        _ => return Err(bad(at, "the frame's channels are broken").into()),
    };
    let header_end = bits.byte();
    if bits.read(8)? != u64::from(crc8(&bytes[at..header_end])) {
        return Err(bad(at, "the frame header's checksum is wrong").into());
    }
    if (rate, depth, channels) != (info.rate, info.bits, info.channels) {
        let what = "a FLAC file whose rate, bit depth or channels change";
        return Err(Unsupported::new(what, "split it where it changes").into());
    }
    for (channel, samples) in block.iter_mut().enumerate() {
        let side = matches!((channel_code, channel), (8, 1) | (9, 0) | (10, 1));
        read_subframe(&mut bits, depth + u32::from(side), size, samples)?;
    }
    if let ([a, b], 8..=10) = (&mut *block, channel_code) {
        for (a, b) in a.iter_mut().zip(b) {
            match channel_code {
                8 => *b = *a - *b,
                9 => *a += *b,
                _ => {
                    let (mid, side) = (*a << 1 | (*b & 1), *b);
                    (*a, *b) = ((mid + side) >> 1, (mid - side) >> 1);
                }
            }
        }
    }
    bits.align();
    let end = bits.byte();
    if bits.read(16)? != u64::from(crc16(&bytes[at..end])) {
        return Err(bad(at, "the frame's checksum is wrong").into());
    }
    Ok(bits.byte())
}

/// One channel of a frame: `size` samples of `depth` bits.
fn read_subframe(bits: &mut Bits<'_>, depth: u32, size: usize, samples: &mut Vec<i64>) -> Result<()> {
    let at = bits.byte();
    if bits.read(1)? != 0 {
        return Err(bad(at, "a subframe does not start with 0").into());
    }
    let kind = bits.read(6)? as usize;
    let wasted = if bits.read(1)? == 1 { bits.zeros(depth)? + 1 } else { 0 };
    let depth = depth.checked_sub(wasted).filter(|d| *d > 0).ok_or_else(|| bad(at, "all bits are wasted"))?;
    samples.clear();
    match kind {
        0 => {
            let value = bits.signed(depth)?;
            samples.resize(size, value);
        }
        1 => {
            for _ in 0..size {
                samples.push(bits.signed(depth)?);
            }
        }
        8..=12 => {
            const FIXED: [&[i64]; 5] = [&[], &[1], &[2, -1], &[3, -3, 1], &[4, -6, 4, -1]];
            predicted(bits, depth, size, FIXED[kind - 8].len(), samples, |_| Ok((0, FIXED[kind - 8].to_vec())))?;
        }
        32..=63 => predicted(bits, depth, size, kind - 31, samples, |bits| {
            let precision = bits.read(4)? as u32 + 1;
            let shift = bits.signed(5)?;
            if precision == 16 || shift < 0 {
                return Err(bad(at, "a predictor's precision or shift is broken").into());
            }
            let weights = (0..kind - 31).map(|_| bits.signed(precision)).collect::<Result<Vec<i64>>>()?;
            Ok((shift as u32, weights))
        })?,
        _ => return Err(bad(at, "a subframe is of no known kind").into()),
    }
    if wasted > 0 {
        samples.iter_mut().for_each(|s| *s <<= wasted);
    }
    Ok(())
}

/// Warm-up samples, predictor (`weights` reads its shift and weights) and residual.
fn predicted(
    bits: &mut Bits<'_>,
    depth: u32,
    size: usize,
    order: usize,
    samples: &mut Vec<i64>,
    weights: impl Fn(&mut Bits<'_>) -> Result<(u32, Vec<i64>)>,
) -> Result<()> {
    let at = bits.byte();
    if order > size {
        return Err(bad(at, "a predictor is longer than its block").into());
    }
    for _ in 0..order {
        samples.push(bits.signed(depth)?);
    }
    let (shift, weights) = weights(bits)?;
    let method = bits.read(2)?;
    if method > 1 {
        return Err(bad(at, "the residual is of no known kind").into());
    }
    let parameter_bits = 4 + method as u32;
    let escape = (1u64 << parameter_bits) - 1;
    let partitions = 1usize << bits.read(4)?;
    let length = size / partitions;
    if !size.is_multiple_of(partitions) || length < order {
        return Err(bad(at, "the residual's partitions do not fit the block").into());
    }
    // beyond this a sample is broken; within it 32 products of 15 and 33 bits stay in 64
    let (low, high) = (-(1i64 << (depth - 1)), (1i64 << (depth - 1)) - 1);
    for partition in 0..partitions {
        let parameter = bits.read(parameter_bits)?;
        let raw = if parameter == escape { Some(bits.read(5)? as u32) } else { None };
        for _ in 0..length - if partition == 0 { order } else { 0 } {
            let residual = match raw {
                Some(0) => 0,
                Some(width) => bits.signed(width)?,
                None => {
                    let quotient = u64::from(bits.zeros(u32::MAX)?);
                    let code = quotient << parameter | bits.read(parameter as u32)?;
                    (code >> 1) as i64 ^ -((code & 1) as i64)
                }
            };
            let past = samples.iter().rev().zip(&weights).map(|(s, w)| s * w).sum::<i64>() >> shift;
            let sample = past + residual;
            if !(low..=high).contains(&sample) {
                return Err(bad(bits.byte(), "a sample exceeds its bit depth").into());
            }
            samples.push(sample);
        }
    }
    Ok(())
}

/// Reads bits, most significant first.
#[derive(Debug)]
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte that is not in `cache`.
    next: usize,
    cache: u64,
    /// Bits of `cache` that are not read yet: its lowest.
    left: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, next: at, cache: 0, left: 0 }
    }

    /// The byte that holds the next bit.
    fn byte(&self) -> usize {
        self.next - self.left.div_ceil(8) as usize
    }

    fn align(&mut self) {
        self.left -= self.left % 8;
    }

    fn fill(&mut self) {
        while self.left <= 56 {
            let Some(byte) = self.bytes.get(self.next) else { break };
            self.cache = self.cache << 8 | u64::from(*byte);
            self.left += 8;
            self.next += 1;
        }
    }

    /// The next `count` bits, at most 57.
    fn read(&mut self, count: u32) -> Result<u64> {
        if count == 0 {
            return Ok(0);
        }
        if self.left < count {
            self.fill();
            if self.left < count {
                return Err(bad(self.next, "it ends inside a frame").into());
            }
        }
        self.left -= count;
        Ok(self.cache >> self.left & ((1 << count) - 1))
    }

    /// As `read`, in two's complement; `count` at least 1.
    fn signed(&mut self, count: u32) -> Result<i64> {
        let shift = 64 - count;
        Ok((self.read(count)? << shift) as i64 >> shift)
    }

    /// The number of zeros before the next one, which is read as well; more than `most` are an error.
    fn zeros(&mut self, most: u32) -> Result<u32> {
        let mut count = 0u32;
        loop {
            self.fill();
            if self.left == 0 {
                return Err(bad(self.next, "it ends inside a frame").into());
            }
            let rest = self.cache << (64 - self.left);
            let zeros = rest.leading_zeros().min(self.left);
            count = count.saturating_add(zeros);
            if count > most.min(1 << 25) {
                return Err(bad(self.byte(), "a run of zeros is too long").into());
            }
            if zeros < self.left {
                self.left -= zeros + 1;
                return Ok(count);
            }
            self.left = 0;
        }
    }
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| CRC8[usize::from(crc ^ byte)])
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)])
}

const CRC8: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = (i as u8, 0);
        while bit < 8 {
            crc = crc << 1 ^ if crc & 0x80 == 0 { 0 } else { 0x07 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let (mut crc, mut bit) = ((i as u16) << 8, 0);
        while bit < 8 {
            crc = crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x8005 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Example 1 of RFC 9639 (appendix D.1): one stereo sample of 16 bits, verbatim.
    const EXAMPLE: [u8; 57] = [
        0x66, 0x4c, 0x61, 0x43, 0x80, 0x00, 0x00, 0x22, 0x10, 0x00, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x00, 0x00, 0x0f,
        0x0a, 0xc4, 0x42, 0xf0, 0x00, 0x00, 0x00, 0x01, 0x3e, 0x84, 0xb4, 0x18, 0x07, 0xdc, 0x69, 0x03, 0x07, 0x58,
        0x6a, 0x3d, 0xad, 0x1a, 0x2e, 0x0f, 0xff, 0xf8, 0x69, 0x18, 0x00, 0x00, 0xbf, 0x03, 0x58, 0xfd, 0x03, 0x12,
        0x8b, 0xaa, 0x9a,
    ];

    #[test]
    fn the_example_of_the_standard() {
        let audio = decode(&EXAMPLE, &Limits::default()).unwrap();
        assert_eq!((audio.channels, audio.rate.hz()), (2, 44_100.0));
        assert_eq!(audio.interleaved, [25588.0 / 32768.0, 10416.0 / 32768.0]);
    }

    #[test]
    fn damage_is_an_error() {
        for at in 42..EXAMPLE.len() {
            let mut broken = EXAMPLE;
            broken[at] ^= 1;
            assert!(decode(&broken, &Limits::default()).is_err(), "byte {at}");
            assert!(decode(&EXAMPLE[..at], &Limits::default()).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn long_runs_of_zeros_and_signs() {
        let mut bits = Bits::new(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0b0000_1101, 0x80], 0);
        assert_eq!(bits.zeros(u32::MAX).unwrap(), 76);
        assert_eq!(bits.signed(2).unwrap(), -2);
        assert_eq!(bits.byte(), 9);
        assert_eq!(bits.signed(2).unwrap(), -1);
        assert!(bits.read(8).is_err());
    }
}
