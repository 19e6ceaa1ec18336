//! ISO base media (MP4, QuickTime): boxes with a name and a length, tables of where each picture lies and when it is shown.
//!
//! By hand because the kept readers go on for ever, or panic, on broken boxes. Only what a film of H.264 needs is read: the
//! tables of the first stream of pictures. Every table is walked within its own box, and no memory is taken before it is there.
//!
//! ISO/IEC 14496-12 and 14496-15.

use super::frames::Input;
use crate::Result;
use eir_core::Limits;
use eir_core::error::{Io, Malformed, Unsupported};
use std::io::{Read, SeekFrom};

/// Least size of pictures that all have one: the table then costs nothing.
const LEAST: u64 = 16;

/// The stream of pictures of a film.
#[derive(Debug, Default)]
pub(super) struct Film {
    /// In the order in which they are decoded.
    pub(super) pictures: Vec<Picture>,
    /// Units of time in a second.
    pub(super) timescale: u32,
    /// When the film begins, in these units.
    pub(super) start: i64,
    /// The decoder's configuration (`avcC`).
    pub(super) config: Vec<u8>,
    /// Quarters by which the pictures are turned to the right before they are shown.
    pub(super) turns: u8,
}

/// A picture as it lies in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    pub(super) offset: u64,
    pub(super) size: u32,
    /// When it is shown.
    pub(super) time: i64,
}

impl Film {
    /// Reads the tables.
    pub(super) fn read(input: &mut impl Input, limits: &Limits) -> Result<Self> {
        let length = input.seek(SeekFrom::End(0)).map_err(io)?;
        let mut at = 0;
        while at < length {
            input.seek(SeekFrom::Start(at)).map_err(io)?;
            let mut head = Vec::new();
            (&mut *input).take(16).read_to_end(&mut head).map_err(io)?;
            let (kind, begin, size) = header(&head, length - at)?;
            if kind == *b"moov" {
                limits.check("tables of a film (bytes)", size)?;
                input.seek(SeekFrom::Start(at + begin)).map_err(io)?;
                let mut body = Vec::new();
                (&mut *input).take(size - begin).read_to_end(&mut body).map_err(io)?;
                return movie(&body, length, limits);
            }
            at += size;
        }
        Err(malformed("it has no tables: it was not closed"))
    }
}

fn movie(body: &[u8], length: u64, limits: &Limits) -> Result<Film> {
    if find(body, b"mvex")?.is_some() {
        return Err(Unsupported::new("a fragmented MP4 film", "ffmpeg -i film.mp4 -c copy whole.mp4").into());
    }
    for track in boxes(body) {
        let (kind, track) = track?;
        if kind != *b"trak" {
            continue;
        }
        let media = need(track, b"mdia")?;
        if need(media, b"hdlr")?.get(8..12) == Some(b"vide") {
            return stream(track, media, length, limits);
        }
    }
    Err(malformed("it has no stream of pictures"))
}

fn stream(track: &[u8], media: &[u8], length: u64, limits: &Limits) -> Result<Film> {
    let table = need(need(media, b"minf")?, b"stbl")?;
    let mut film = Film { config: description(need(table, b"stsd")?)?, ..Film::default() };
    let head = need(media, b"mdhd")?;
    film.timescale = u32_at(head, if head.first() == Some(&1) { 20 } else { 12 })?;
    if film.timescale == 0 {
        return Err(malformed("its unit of time is none"));
    }
    film.turns = turns(need(track, b"tkhd")?)?;
    film.pictures = pictures(table, length, limits)?;
    film.start = match find(track, b"edts")?.map(|edits| find(edits, b"elst")).transpose()?.flatten() {
        Some(edits) => start(edits)?,
        None => None,
    }
    .or(film.pictures.iter().map(|picture| picture.time).min())
    .unwrap_or(0);
    Ok(film)
}

/// The decoder's configuration.
fn description(body: &[u8]) -> Result<Vec<u8>> {
    let (kind, entry) =
        boxes(body.get(8..).unwrap_or_default()).next().ok_or_else(|| malformed("it does not say its codec"))??;
    match &kind {
        b"avc1" | b"avc3" => {}
        b"hvc1" | b"hev1" => {
            let instead = "ffmpeg -i film.mp4 -c:v libx264 -crf 12 -fps_mode passthrough other.mp4";
            return Err(Unsupported::new("H.265 in MP4", instead).into());
        }
        _ => return Err(Unsupported::new("MP4 with another codec than H.264", "convert it to H.264").into()),
    }
    let inner = entry.get(78..).unwrap_or_default();
    if let Some(shape) = find(inner, b"pasp")?
        && u32_at(shape, 0)? != u32_at(shape, 4)?
    {
        let instead = "scale it to square pixels: angles would be wrong";
        return Err(Unsupported::new("MP4 with pixels that are not square", instead).into());
    }
    Ok(need(inner, b"avcC")?.to_vec())
}

/// Quarters to the right, from the matrix that maps a place of the picture to one of the screen.
fn turns(head: &[u8]) -> Result<u8> {
    let at = if head.first() == Some(&1) { 52 } else { 40 };
    let matrix = [0, 4, 12, 16].map(|i| u32_at(head, at + i).map(|v| v.cast_signed().signum()));
    let [a, b, c, d] = matrix;
    match [a?, b?, c?, d?] {
        [1, 0, 0, 1] | [0, 0, 0, 0] => Ok(0),
        [0, 1, -1, 0] => Ok(1),
        [-1, 0, 0, -1] => Ok(2),
        [0, -1, 1, 0] => Ok(3),
        _ => Err(Unsupported::new(
            "an MP4 film that is mirrored or turned askew",
            "write its pictures as they are shown",
        )
        .into()),
    }
}

/// When the film begins, of its one edit.
fn start(edits: &[u8]) -> Result<Option<i64>> {
    let (wide, mut start) = (edits.first() == Some(&1), None);
    let rows = edits.get(8..).unwrap_or_default();
    for row in rows.chunks_exact(if wide { 20 } else { 12 }).take(u32_at(edits, 4)? as usize) {
        let time = if wide { u64_at(row, 8)?.cast_signed() } else { i64::from(u32_at(row, 4)?.cast_signed()) };
        if time >= 0 && start.replace(time).is_some() {
            return Err(Unsupported::new("an MP4 film with cuts in its edit list", "write it anew with ffmpeg").into());
        }
    }
    Ok(start)
}

/// Where each picture lies and when it is shown.
fn pictures(table: &[u8], length: u64, limits: &Limits) -> Result<Vec<Picture>> {
    let sizes = need(table, b"stsz")?;
    let (same, count) = (u32_at(sizes, 4)?, u32_at(sizes, 8)?);
    let listed = sizes.get(12..).unwrap_or_default().as_chunks::<4>().0;
    if same == 0 && (listed.len() as u64) < u64::from(count) {
        return Err(malformed("its table of sizes is cut"));
    }
    if same > 0 && (u64::from(same) < LEAST || u64::from(same) * u64::from(count) > length) {
        return Err(malformed("its pictures are more than the file"));
    }
    limits.check_items("frames", u64::from(count))?;
    let mut durations = runs(need(table, b"stts")?)?;
    let mut delays = find(table, b"ctts")?.map(runs).transpose()?;
    let mut chunks = Chunks::new(table)?;
    let (mut pictures, mut decoded) = (Vec::new(), 0i64);
    for i in 0..count as usize {
        let size = if same > 0 { same } else { listed.get(i).map_or(0, |bytes| u32::from_be_bytes(*bytes)) };
        let offset = chunks.next(size)?;
        if offset.checked_add(u64::from(size)).is_none_or(|end| end > length) {
            return Err(malformed("a picture lies outside it"));
        }
        let delay = match &mut delays {
            Some(delays) => delays.next().ok_or_else(|| malformed("its table of delays is cut"))?,
            None => 0,
        };
        // of version 0 too they are read with their sign, as players do
        pictures.push(Picture { offset, size, time: decoded.saturating_add(i64::from(delay.cast_signed())) });
        let duration = durations.next().ok_or_else(|| malformed("its table of times is cut"))?;
        decoded = decoded.saturating_add(i64::from(duration));
    }
    Ok(pictures)
}

/// The values of a table of runs: how many, and which.
fn runs(body: &[u8]) -> Result<impl Iterator<Item = u32>> {
    let rows = body.get(8..).unwrap_or_default().as_chunks::<8>().0;
    let rows = rows.get(..u32_at(body, 4)? as usize).ok_or_else(|| malformed("a table is cut"))?;
    Ok(rows.iter().flat_map(|[a, b, c, d, value @ ..]| {
        std::iter::repeat_n(u32::from_be_bytes(*value), u32::from_be_bytes([*a, *b, *c, *d]) as usize)
    }))
}

/// Pictures lie one behind the other in chunks.
struct Chunks<'a> {
    /// First chunk (from 1), pictures in each, description.
    runs: &'a [[u8; 12]],
    /// Places of the chunks.
    places: &'a [u8],
    wide: usize,
    chunk: usize,
    left: u32,
    at: u64,
}

impl<'a> Chunks<'a> {
    fn new(table: &'a [u8]) -> Result<Self> {
        let runs = need(table, b"stsc")?;
        let (places, wide) = match find(table, b"stco")? {
            Some(places) => (places, 4),
            None => (need(table, b"co64")?, 8),
        };
        let runs = runs.get(8..).unwrap_or_default().as_chunks().0;
        Ok(Self { runs, places: places.get(8..).unwrap_or_default(), wide, chunk: 0, left: 0, at: 0 })
    }

    /// The place of the next picture.
    fn next(&mut self, size: u32) -> Result<u64> {
        while self.left == 0 {
            let place = self.places.get(self.chunk * self.wide..(self.chunk + 1) * self.wide);
            let place = place.ok_or_else(|| malformed("its table of places is cut"))?;
            self.at = place.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            self.chunk += 1;
            while let Some(next) = self.runs.get(1)
                && u32_at(next, 0)? as usize <= self.chunk
            {
                self.runs = &self.runs[1..];
            }
            let run = self.runs.first().ok_or_else(|| malformed("it does not say how many pictures a chunk has"))?;
            self.left = u32_at(run, 4)?;
            if u32_at(run, 8)? != 1 {
                return Err(Unsupported::new("an MP4 film whose codec changes", "write it anew with ffmpeg").into());
            }
        }
        self.left -= 1;
        let place = self.at;
        self.at = self.at.saturating_add(u64::from(size));
        Ok(place)
    }
}

/// A box's name, where its body begins and where it ends, of `rest` bytes that are left.
fn header(bytes: &[u8], rest: u64) -> Result<([u8; 4], u64, u64)> {
    let Some(&[a, b, c, d, e, f, g, h]) = bytes.first_chunk::<8>() else { return Err(malformed("a box is cut")) };
    let (begin, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, rest), // up to the end
        1 => (16, u64_at(bytes, 8)?),
        size => (8, u64::from(size)),
    };
    if size < begin || size > rest {
        return Err(malformed("a box is longer than what is there"));
    }
    Ok(([e, f, g, h], begin, size))
}

/// The boxes within a body.
fn boxes(mut body: &[u8]) -> impl Iterator<Item = Result<([u8; 4], &[u8])>> {
    std::iter::from_fn(move || {
        if body.len() < 8 {
            return None; // QuickTime ends lists with four zeros
        }
        let now = std::mem::take(&mut body);
        Some(header(now, now.len() as u64).map(|(kind, begin, size)| {
            let (this, rest) = now.split_at(size as usize);
            body = rest;
            (kind, &this[begin as usize..])
        }))
    })
}

fn find<'a>(body: &'a [u8], name: &[u8; 4]) -> Result<Option<&'a [u8]>> {
    boxes(body)
        .find(|b| b.as_ref().is_ok_and(|(kind, _)| kind == name) || b.is_err())
        .transpose()
        .map(|b| b.map(|b| b.1))
}

fn need<'a>(body: &'a [u8], name: &[u8; 4]) -> Result<&'a [u8]> {
    find(body, name)?.ok_or_else(|| malformed("a table is missing"))
}

fn u32_at(body: &[u8], at: usize) -> Result<u32> {
    let bytes = body.get(at..).and_then(|b| b.first_chunk());
    bytes.map(|b| u32::from_be_bytes(*b)).ok_or_else(|| malformed("a table is cut"))
}

fn u64_at(body: &[u8], at: usize) -> Result<u64> {
    let bytes = body.get(at..).and_then(|b| b.first_chunk());
    bytes.map(|b| u64::from_be_bytes(*b)).ok_or_else(|| malformed("a table is cut"))
}

pub(super) fn malformed(reason: &'static str) -> crate::Error {
    Malformed::new("MP4 film", reason).into()
}

pub(super) fn io(error: std::io::Error) -> crate::Error {
    Io::new("film", error).into()
}
