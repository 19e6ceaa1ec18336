//! H.264 in MP4: pictures are decoded in the order in which they lie and shown in that of their times.

use super::frames::{Frame, Input, Source};
use super::mp4::{Film, io, malformed};
use super::yuv::{ColourMatrix, ToRgb, load};
use crate::{Image, Result};
use eir_core::Limits;
use eir_core::error::Unsupported;
use rust_h264::decoder::{ChromaFormat, Decoder, Frame as Planes};
use rust_h264::nal::{NalUnit, NalUnitType, SpsInfo, parse_avcc, parse_avcc_config, parse_sps_info};
use std::io::{Read, SeekFrom};

/// Pictures that may wait for one that is shown before them: as many as the standard lets a decoder keep.
const WAITING: usize = 16;

pub(super) struct H264<R> {
    input: R,
    film: Film,
    decoder: Decoder,
    /// Bytes of the lengths before the pieces of a picture.
    prefix: usize,
    info: SpsInfo,
    to_rgb: ToRgb,
    /// The pictures in the order in which they are shown, and how many were.
    order: Vec<u32>,
    shown: usize,
    /// Pictures given to the decoder, and which of them it works on.
    given: usize,
    within: Option<u32>,
    waiting: Vec<(u32, Planes)>,
    bytes: Vec<u8>,
    rows: [Vec<f32>; 3],
    /// The picture before it is turned.
    upright: Image,
}

impl<R: Input> H264<R> {
    pub(super) fn open(
        mut input: R,
        colours: Option<ColourMatrix>,
        full_range: Option<bool>,
        limits: &Limits,
    ) -> Result<Self> {
        let film = Film::read(&mut input, limits)?;
        let config = parse_avcc_config(&film.config).map_err(malformed)?;
        let mut decoder = Decoder::new();
        let head = config.sps_nals.first().ok_or_else(|| malformed("it has no head of its pictures"))?;
        let info = sps(head, limits)?;
        let matrix = match (colours, info.matrix) {
            (Some(matrix), _) => matrix,
            (None, 1) => ColourMatrix::Bt709,
            (None, 4..=6) => ColourMatrix::Bt601,
            (None, 2) => ColourMatrix::usual(info.height as usize),
            _ => return Err(Unsupported::new("H.264 with these colours", "convert it to BT.709").into()),
        };
        for nal in config.sps_nals.iter().chain(&config.pps_nals) {
            decoder.decode_nal(nal).map_err(|_| malformed("the head of its pictures is broken"))?;
        }
        let time = |i: &u32| film.pictures[*i as usize].time;
        let mut order: Vec<u32> = (0..film.pictures.len() as u32).filter(|i| time(i) >= film.start).collect();
        order.sort_unstable_by_key(time);
        if !order.is_sorted_by(|a, b| time(a) < time(b)) {
            return Err(malformed("two pictures have one time"));
        }
        let to_rgb = ToRgb::new(matrix, full_range.unwrap_or(info.full_range));
        let (prefix, rows) = (config.length_size, [Vec::new(), Vec::new(), Vec::new()]);
        let (waiting, bytes) = (Vec::new(), Vec::new());
        Ok(Self {
            input,
            film,
            decoder,
            prefix,
            info,
            to_rgb,
            order,
            shown: 0,
            given: 0,
            within: None,
            waiting,
            bytes,
            rows,
            upright: Image::filled(1, 1, [0; 3])?,
        })
    }

    /// Gives the decoder the next picture; at the end it gives back the last one.
    fn give(&mut self) -> Result<()> {
        let Some(picture) = self.film.pictures.get(self.given) else {
            let last = self.decoder.flush().ok_or_else(|| malformed("a picture is missing"))?;
            return self.keep(last);
        };
        self.input.seek(SeekFrom::Start(picture.offset)).map_err(io)?;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        (&mut self.input).take(u64::from(picture.size)).read_to_end(&mut bytes).map_err(io)?;
        let now = self.given as u32;
        self.given += 1;
        for nal in parse_avcc(&bytes, self.prefix) {
            if nal.nal_unit_type == NalUnitType::Sps && parse_sps_info(&nal).ok() != Some(self.info) {
                return Err(
                    Unsupported::new("H.264 whose pictures change their kind", "write it anew with ffmpeg").into()
                );
            }
            if let Some(before) = self.decoder.decode_nal(&nal).map_err(|_| malformed("a picture is broken"))? {
                self.keep(before)?;
            }
            if matches!(nal.nal_unit_type, NalUnitType::Slice | NalUnitType::SliceIdr) {
                self.within.get_or_insert(now);
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Keeps the picture that the decoder has worked on until it is shown.
    fn keep(&mut self, planes: Planes) -> Result<()> {
        let picture = self.within.take().ok_or_else(|| malformed("a picture is missing"))?;
        if self.waiting.len() > WAITING {
            return Err(malformed("its pictures are too far from their order"));
        }
        if self.film.pictures[picture as usize].time >= self.film.start {
            self.waiting.push((picture, planes));
        }
        Ok(())
    }

    fn show(&mut self, planes: &Planes, image: &mut Image) -> Result<()> {
        let (width, height, half) = (planes.width as usize, planes.height as usize, planes.chroma_width() as usize);
        if [image.width(), image.height()] != [width, height] {
            *image = Image::filled(width, height, [0; 3])?;
        }
        let (bits, shared) = (u32::from(planes.bit_depth), planes.chroma_format == ChromaFormat::Yuv420);
        let size = if bits > 8 { 2 } else { 1 };
        for (y, out) in image.rgb_mut().chunks_exact_mut(3 * width).enumerate() {
            let line = if shared { y / 2 } else { y };
            let from = [(&planes.y, y, width), (&planes.u, line, half), (&planes.v, line, half)];
            for (row, (plane, line, n)) in self.rows.iter_mut().zip(from) {
                let bytes = plane.get(line * n * size..(line + 1) * n * size).unwrap_or_default();
                load(bytes, bits, n < width, row);
            }
            let [luma, u, v] = &self.rows;
            self.to_rgb.row(luma, u, v, out);
        }
        Ok(())
    }
}

impl<R: Input> Source for H264<R> {
    fn size(&self) -> Option<[usize; 2]> {
        let [width, height] = [self.info.width, self.info.height].map(|side| side as usize);
        Some(if self.film.turns.is_multiple_of(2) { [width, height] } else { [height, width] })
    }

    fn count(&self) -> Option<usize> {
        Some(self.order.len())
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        let Some(next) = self.order.get(self.shown).copied() else { return Ok(false) };
        let planes = loop {
            if let Some(at) = self.waiting.iter().position(|(picture, _)| *picture == next) {
                break self.waiting.swap_remove(at).1;
            }
            self.give()?;
        };
        if self.film.turns == 0 {
            self.show(&planes, &mut frame.image)?;
        } else {
            let mut picture = std::mem::replace(&mut self.upright, Image::filled(1, 1, [0; 3])?);
            self.show(&planes, &mut picture)?;
            frame.image = picture.turned(self.film.turns)?;
            self.upright = picture;
        }
        let ticks = i128::from(self.film.pictures[next as usize].time) - i128::from(self.film.start);
        frame.time_s = ticks as f64 / f64::from(self.film.timescale);
        self.shown += 1;
        Ok(true)
    }
}

/// What the head of the pictures says, if it is read here and within the limits.
fn sps(nal: &NalUnit<'_>, limits: &Limits) -> Result<SpsInfo> {
    let info = parse_sps_info(nal).map_err(|_| malformed("the head of its pictures is broken"))?;
    if !info.progressive {
        return Err(Unsupported::new("interlaced H.264", "deinterlace it first").into());
    }
    // of each pixel three bytes shown, and two samples at most in every picture that is kept to foresee others
    let sample = if info.bit_depth_luma > 8 { 2 } else { 1 };
    let pictures =
        2 + u64::from(info.reference_frames.min(WAITING as u32)) + info.max_reorder_frames.map_or(0, u64::from);
    let [width, height] = [info.coded_width, info.coded_height].map(u64::from);
    limits.product("decoded frames (bytes)", &[width, height, 3 + 2 * sample * pictures])?;
    Ok(info)
}
