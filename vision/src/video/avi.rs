//! Motion JPEG in AVI: pieces with a name and a length, one JPEG picture in each.
//!
//! The index is not read: pieces are walked in their order, so that a broken or missing index costs nothing, and OpenDML
//! files beyond 4 GB need nothing more.

use super::frames::{Frame, Input, Source};
use crate::{Image, Result};
use eir_core::Limits;
use eir_core::error::{Io, Malformed, Mismatch, Unsupported};
use std::io::{Read, SeekFrom};

pub(super) struct Avi<R> {
    input: R,
    /// Length of the input and where we are.
    length: u64,
    at: u64,
    /// End of the outermost piece: what lies behind and is no further one is no film.
    end: u64,
    video: Video,
    /// Frames whose time has passed, dropped ones among them.
    slots: u64,
    jpeg: Vec<u8>,
    limits: Limits,
}

/// The first stream of pictures.
#[derive(Debug, Clone, Copy, Default)]
struct Video {
    /// The number in the names of its pieces.
    stream: usize,
    /// Frames a second as a fraction.
    rate: [u32; 2],
    start: u32,
    length: u32,
    size: [u32; 2],
}

/// A piece's name and the length of its body.
type Piece = ([u8; 4], u64);

impl<R: Input> Avi<R> {
    pub(super) fn open(mut input: R, limits: &Limits) -> Result<Self> {
        let length = input.seek(SeekFrom::End(0)).map_err(io)?;
        input.seek(SeekFrom::Start(0)).map_err(io)?;
        let (video, jpeg) = (Video::default(), Vec::new());
        let mut avi = Self { input, length, at: 0, end: 0, video, slots: 0, jpeg, limits: *limits };
        avi.head()?;
        Ok(avi)
    }

    /// Reads up to the first piece of the film itself.
    fn head(&mut self) -> Result<()> {
        let (mut streams, mut found, mut per_frame_us) = (0usize, None::<Video>, 0);
        let (mut pending, mut format) = (None::<Video>, None::<[u8; 4]>);
        while let Some((name, size)) = self.piece()? {
            match &name {
                b"avih" => per_frame_us = number(&self.body(size, 56)?, 0),
                b"strh" => {
                    let body = self.body(size, 56)?;
                    let [scale, rate, start, length] = [20, 24, 28, 32].map(|at| number(&body, at));
                    let of_pictures = body.starts_with(b"vids");
                    format = body.get(4..8).and_then(|b| b.try_into().ok());
                    let video = Video { stream: streams, rate: [rate, scale], start, length, size: [0; 2] };
                    pending = of_pictures.then_some(video);
                    streams += 1;
                }
                b"strf" => {
                    let body = self.body(size, 40)?;
                    let (Some(mut video), None) = (pending.take(), &found) else { continue };
                    let compression: [u8; 4] = body.get(16..20).and_then(|b| b.try_into().ok()).unwrap_or_default();
                    if !is_jpeg(compression) && !format.is_some_and(is_jpeg) {
                        let instead = "convert it to Motion JPEG or Y4M";
                        return Err(Unsupported::new("AVI with another compression than Motion JPEG", instead).into());
                    }
                    // rows may be negative: from the top
                    let [width, height] = [4, 8].map(|at| (number(&body, at) as i32).unsigned_abs());
                    video.size = [width, height];
                    found = Some(video);
                }
                b"movi" => break,
                _ => self.skip(size)?,
            }
        }
        let Some(mut video) = found else { return Err(malformed("it has no stream of pictures")) };
        if video.rate.contains(&0) {
            video.rate = [1_000_000, per_frame_us];
        }
        if video.rate.contains(&0) {
            return Err(malformed("its head gives no rate"));
        }
        let [width, height] = video.size.map(u64::from);
        self.limits.product("decoded frame (bytes)", &[width, height, 3])?;
        self.video = video;
        Ok(())
    }

    /// The next piece; lists are entered (their kind is the name), `None` is the end of the film.
    fn piece(&mut self) -> Result<Option<Piece>> {
        loop {
            let rest = self.length.saturating_sub(self.at);
            let outside = self.at >= self.end;
            if rest == 0 || (rest < 8 && outside) {
                return Ok(None);
            }
            let mut head = [0; 8];
            self.exactly(&mut head)?;
            let [a, b, c, d, size @ ..] = head;
            let (name, size) = ([a, b, c, d], u64::from(u32::from_le_bytes(size)));
            match &name {
                b"RIFF" => {
                    // files that were never closed have 0 there
                    self.end = if size == 0 { self.length } else { self.at.saturating_add(size) };
                    let mut kind = [0; 4];
                    self.exactly(&mut kind)?;
                    if !matches!(&kind, b"AVI " | b"AVIX") {
                        return Err(Unsupported::new("a RIFF file that is no AVI film", "give AVI, Y4M or GIF").into());
                    }
                }
                _ if outside => return Ok(None),
                b"LIST" => {
                    let mut kind = [0; 4];
                    self.exactly(&mut kind)?;
                    match &kind {
                        b"movi" => return Ok(Some((kind, 0))),
                        b"hdrl" | b"strl" | b"rec " => {}
                        _ => self.skip(size.saturating_sub(4))?,
                    }
                }
                _ => return Ok(Some((name, size))),
            }
        }
    }

    fn exactly(&mut self, to: &mut [u8]) -> Result<()> {
        match self.input.read_exact(to) {
            Ok(()) => {
                self.at += to.len() as u64;
                Ok(())
            }
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(malformed("it is cut within a piece")),
            Err(e) => Err(io(e)),
        }
    }

    /// The first bytes of a body; the rest is passed over.
    fn body(&mut self, size: u64, most: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; size.min(most) as usize];
        self.exactly(&mut bytes)?;
        self.skip_rest(size, bytes.len() as u64)?;
        Ok(bytes)
    }

    fn skip(&mut self, size: u64) -> Result<()> {
        self.skip_rest(size, 0)
    }

    /// Passes over what is left of a body and the byte that fills it up to an even length.
    fn skip_rest(&mut self, size: u64, read: u64) -> Result<()> {
        let end = self.at + (size - read);
        if end > self.length {
            return Err(malformed("it is cut within a piece"));
        }
        self.at = (end + size % 2).min(self.length);
        self.input.seek(SeekFrom::Start(self.at)).map_err(io)?;
        Ok(())
    }

    /// Whether a piece holds a picture of our stream: "00dc", "00db".
    fn is_ours(&self, [tens, ones, kind @ ..]: [u8; 4]) -> bool {
        let digit = |b: u8| char::from(b).to_digit(10).map(|d| d as usize);
        let stream = digit(tens).zip(digit(ones)).map(|(t, o)| 10 * t + o);
        stream == Some(self.video.stream) && matches!(&kind, b"dc" | b"db")
    }
}

impl<R: Input> Source for Avi<R> {
    fn size(&self) -> Option<[usize; 2]> {
        Some(self.video.size.map(|s| s as usize)).filter(|s| !s.contains(&0))
    }

    fn count(&self) -> Option<usize> {
        Some(self.video.length as usize).filter(|n| *n > 0)
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        while let Some((name, size)) = self.piece()? {
            if &name == b"movi" {
                continue;
            }
            if !self.is_ours(name) {
                self.skip(size)?;
                continue;
            }
            let slot = self.slots;
            self.slots += 1;
            if size == 0 {
                continue; // a dropped frame: its time stays empty
            }
            self.limits.check("frame of a film (bytes)", size)?;
            if size > self.length - self.at {
                return Err(malformed("it is cut within a frame"));
            }
            self.jpeg.clear();
            (&mut self.input).take(size).read_to_end(&mut self.jpeg).map_err(io)?;
            self.at += self.jpeg.len() as u64;
            self.skip_rest(size, self.jpeg.len() as u64)?;
            frame.image = match with_tables(&self.jpeg) {
                Some(whole) => Image::decode(&whole, &self.limits)?,
                None => Image::decode(&self.jpeg, &self.limits)?,
            };
            self.check_size(&frame.image)?;
            let [frames, seconds] = self.video.rate.map(u64::from);
            let ticks = (u64::from(self.video.start) + slot).saturating_mul(seconds);
            frame.time_s = ticks as f64 / frames as f64;
            return Ok(true);
        }
        Ok(false)
    }
}

impl<R> Avi<R> {
    fn check_size(&self, image: &Image) -> Result<()> {
        let [width, height] = self.video.size.map(|s| s as usize);
        let [w, h] = [image.width(), image.height()];
        if w == width && 2 * h == height {
            return Err(Unsupported::new("interlaced Motion JPEG", "deinterlace it first").into());
        }
        if width > 0 && height > 0 && [w, h] != [width, height] {
            let [expected, found] = [[width, height], [w, h]].map(|[w, h]| format!("{w} x {h}"));
            return Err(Mismatch::new("size of a frame of the film", expected, found).into());
        }
        Ok(())
    }
}

fn is_jpeg(code: [u8; 4]) -> bool {
    matches!(&code.map(|b| b.to_ascii_uppercase()), b"MJPG" | b"JPEG" | b"AVRN" | b"DMB1")
}

/// The number at `at` of a head; 0 where the head is too short.
fn number(body: &[u8], at: usize) -> u32 {
    body.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn malformed(reason: &'static str) -> crate::Error {
    Malformed::new("AVI film", reason).into()
}

fn io(error: std::io::Error) -> crate::Error {
    Io::new("film", error).into()
}

/// The picture with the usual Huffman tables before its scan, if it has none: cameras leave them out.
fn with_tables(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut at = 2;
    loop {
        let [0xff, kind, high, low] = *jpeg.get(at..at + 4)? else { return None };
        match kind {
            0xc4 => return None,
            0xff => at += 1, // filler
            0xda => {
                let (head, scan) = jpeg.split_at_checked(at)?;
                return Some([head, &tables(), scan].concat());
            }
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
}

/// The tables of ITU-T T.81, annex K.3, as one segment.
fn tables() -> Vec<u8> {
    const DC_COUNTS: [[u8; 16]; 2] =
        [[0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]];
    const AC_COUNTS: [[u8; 16]; 2] =
        [[0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119]];
    // the frequent ones, in their order; all others follow in the order of their numbers
    const AC_FIRST: [&[u8]; 2] = [
        &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
            0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
            0x82,
        ],
        &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
            0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
            0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1,
        ],
    ];
    let mut body = Vec::with_capacity(416);
    for (i, (dc, ac)) in DC_COUNTS.iter().zip(&AC_COUNTS).enumerate() {
        body.push(i as u8);
        body.extend(dc);
        body.extend(0..12u8);
        let first = AC_FIRST[i];
        body.push(0x10 | i as u8);
        body.extend(ac);
        body.extend(first);
        let codes = (0u8..=255).filter(|v| (1..=10).contains(&(v & 15)));
        body.extend(codes.filter(|v| !first.contains(v)));
    }
    let mut segment = vec![0xff, 0xc4];
    segment.extend(((body.len() + 2) as u16).to_be_bytes());
    segment.extend(body);
    segment
}

#[cfg(test)]
mod tests {
    use super::super::VideoConfig;
    use super::*;
    use crate::Error;
    use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

    fn jpeg(level: u8) -> Vec<u8> {
        let rgb: Vec<u8> = (0..24 * 16 * 3).map(|i| level.wrapping_add((i / 3 % 24 * 3) as u8)).collect();
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 90).encode(&rgb, 24, 16, ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    /// Without its Huffman tables.
    fn bare(jpeg: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (jpeg[..2].to_vec(), 2);
        while jpeg[at + 1] != 0xda {
            let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] != 0xc4 {
                out.extend(&jpeg[at..end]);
            }
            at = end;
        }
        out.extend(&jpeg[at..]);
        out
    }

    fn piece(name: &[u8], body: &[u8]) -> Vec<u8> {
        let fill = if body.len() % 2 == 1 { &[0][..] } else { &[] };
        [name, &(body.len() as u32).to_le_bytes(), body, fill].concat()
    }

    fn list(kind: &[u8], body: &[u8]) -> Vec<u8> {
        piece(b"LIST", &[kind, body].concat())
    }

    fn words(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    fn film(frames: &[Vec<u8>], code: &[u8; 4], size: [u32; 2]) -> Vec<u8> {
        let sound =
            list(b"strl", &[piece(b"strh", &[&b"auds"[..], &[0; 44]].concat()), piece(b"strf", &[0; 18])].concat());
        let strh = [b"vids".to_vec(), code.to_vec(), words(&[0, 0, 0, 1001, 30000, 2, frames.len() as u32])].concat();
        let strf = [words(&[40, size[0], size[1], 1]), code.to_vec(), words(&[0; 5])].concat();
        let video = list(b"strl", &[piece(b"strh", &strh), piece(b"strf", &strf)].concat());
        let head = list(b"hdrl", &[piece(b"avih", &words(&[33_333; 14])), sound, video].concat());
        let mut movi = piece(b"00wb", &[9; 5]);
        movi.extend(frames.iter().flat_map(|f| piece(b"01dc", f)));
        let info = list(b"INFO", &piece(b"ISFT", b"nobody"));
        let body =
            [&b"AVI "[..], &head, &info, &piece(b"JUNK", &[0; 7]), &list(b"movi", &movi), &piece(b"idx1", &[0xff; 8])];
        piece(b"RIFF", &body.concat())
    }

    fn read(film: Vec<u8>) -> Result<Vec<Frame>> {
        VideoConfig::default().decode(film, &Limits::default())?.collect()
    }

    #[test]
    fn frames_dropped_frames_and_missing_tables() {
        let whole = Image::decode(&jpeg(40), &Limits::default()).unwrap();
        let frames = read(film(&[jpeg(40), Vec::new(), bare(&jpeg(40))], b"MJPG", [24, 16])).unwrap();
        assert_eq!(frames.len(), 2);
        assert_eq!([frames[0].time_s, frames[1].time_s], [2002.0 / 30000.0, 4004.0 / 30000.0]);
        assert!(frames[0].image == whole && frames[1].image == whole);
        assert_eq!(tables().len(), 420);
    }

    #[test]
    fn more_than_one_outer_piece() {
        let mut long = film(&[jpeg(1)], b"mjpg", [24, 16]);
        let more = [&b"AVIX"[..], &list(b"movi", &list(b"rec ", &piece(b"01dc", &jpeg(2))))].concat();
        long.extend(piece(b"RIFF", &more));
        long.extend([0; 30]); // what is behind is no film
        assert_eq!(read(long).unwrap().len(), 2);
    }

    #[test]
    fn what_is_refused() {
        assert!(matches!(read(film(&[jpeg(1)], b"H264", [24, 16])), Err(Error::Unsupported(_))));
        assert!(matches!(read(film(&[jpeg(1)], b"MJPG", [24, 32])), Err(Error::Unsupported(_))));
        assert!(matches!(read(film(&[jpeg(1)], b"MJPG", [20, 16])), Err(Error::Mismatch(_))));
        assert!(matches!(read(film(&[jpeg(1)], b"MJPG", [60_000, 60_000])), Err(Error::Limit(_))));
        assert!(read(film(&[vec![1, 2, 3]], b"MJPG", [24, 16])).is_err());
        let cut = film(&[jpeg(1), jpeg(2)], b"MJPG", [24, 16]);
        let items: Vec<_> =
            VideoConfig::default().decode(cut[..cut.len() - 300].to_vec(), &Limits::default()).unwrap().collect();
        assert!(items.len() == 2 && items[0].is_ok() && items[1].is_err());
        assert!(read(b"RIFF\x04\0\0\0WAVE".to_vec()).is_err() && read(b"RIFF".to_vec()).is_err());
    }
}
