//! YUV4MPEG2: a line of text, then frames without compression.

use super::frames::{Frame, Input, Source};
use super::yuv::{ColourMatrix, ToRgb, load};
use crate::{Image, Result};
use eir_core::Limits;
use eir_core::error::{Io, Malformed, Unsupported};
use std::io::{BufRead, Read};

/// Longest line of the head or of a frame.
const LINE: u64 = 4096;

/// Planes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chroma {
    Grey,
    /// Whether columns and rows of the chrominance are halved.
    Colour([bool; 2]),
}

pub(super) struct Y4m<R> {
    input: R,
    width: usize,
    height: usize,
    /// Frames a second as a fraction.
    rate: [u64; 2],
    chroma: Chroma,
    bits: u32,
    to_rgb: ToRgb,
    bytes: usize,
    buffer: Vec<u8>,
    rows: [Vec<f32>; 3],
    count: u64,
}

impl<R: Input> Y4m<R> {
    pub(super) fn open(
        mut input: R,
        colours: Option<ColourMatrix>,
        full_range: Option<bool>,
        limits: &Limits,
    ) -> Result<Self> {
        let head = line(&mut input)?.ok_or_else(|| malformed("it has no head"))?;
        let (mut width, mut height, mut rate, mut bits, mut full) = (0usize, 0usize, [0u64; 2], 8, None);
        let mut chroma = Chroma::Colour([true, true]);
        for word in head.split(' ').skip(1).filter(|w| !w.is_empty()) {
            let (key, value) = word.split_at_checked(1).ok_or_else(|| malformed("its head is not ASCII"))?;
            match key {
                "W" => width = side(value)?,
                "H" => height = side(value)?,
                "F" => rate = ratio(value).ok_or_else(|| malformed("its rate is no fraction"))?,
                "I" if !matches!(value, "p" | "?") => {
                    return Err(Unsupported::new("interlaced Y4M", "deinterlace it first").into());
                }
                "A" => match ratio(value) {
                    Some([a, b]) if a == b => {} // 0:0 is unknown
                    Some(_) => {
                        let instead = "scale it to square pixels: angles would be wrong";
                        return Err(Unsupported::new("Y4M with pixels that are not square", instead).into());
                    }
                    None => return Err(malformed("its pixel aspect is no fraction")),
                },
                "C" => (chroma, bits) = planes(value)?,
                "X" => match value {
                    "COLORRANGE=FULL" => full = Some(true),
                    "COLORRANGE=LIMITED" => full = Some(false),
                    _ => {}
                },
                _ => {}
            }
        }
        if width == 0 || height == 0 {
            return Err(malformed("its head gives no width or height"));
        }
        if rate.contains(&0) {
            return Err(malformed("its head gives no rate"));
        }
        let sample = if bits > 8 { 2 } else { 1 };
        let values = (width * height) as u64 + 2 * chroma.area(width, height) as u64;
        let bytes = limits.product("frame of a film (bytes)", &[values, sample])?;
        limits.product("decoded frame (bytes)", &[width as u64, height as u64, 3])?;
        let matrix = colours.unwrap_or(ColourMatrix::usual(height));
        let to_rgb = ToRgb::new(matrix, full_range.or(full).unwrap_or(false));
        let (buffer, rows) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
        Ok(Self { input, width, height, rate, chroma, bits, to_rgb, bytes, buffer, rows, count: 0 })
    }

    /// Row `y` of all planes as numbers on the scale 0 to 255.
    fn load(&mut self, y: usize) {
        let (w, h, bits) = (self.width, self.height, self.bits);
        let size = if bits > 8 { 2 } else { 1 };
        let half = |n: usize, halved: bool| if halved { n.div_ceil(2) } else { n };
        let (chroma_width, chroma_height, chroma_y, halved) = match self.chroma {
            Chroma::Grey => (0, 0, 0, false),
            Chroma::Colour([x, rows]) => (half(w, x), half(h, rows), if rows { y / 2 } else { y }, x),
        };
        let area = chroma_width * chroma_height;
        let starts = [y * w, w * h + chroma_y * chroma_width, w * h + area + chroma_y * chroma_width];
        let lines = starts.into_iter().zip([(w, false), (chroma_width, halved), (chroma_width, halved)]);
        for (row, (start, (n, halved))) in self.rows.iter_mut().zip(lines) {
            load(self.buffer.get(start * size..(start + n) * size).unwrap_or_default(), bits, halved, row);
        }
    }
}

impl Chroma {
    /// Values of one plane of chrominance.
    fn area(self, width: usize, height: usize) -> usize {
        let half = |n: usize, halved: bool| if halved { n.div_ceil(2) } else { n };
        match self {
            Self::Grey => 0,
            Self::Colour([x, y]) => half(width, x) * half(height, y),
        }
    }
}

impl<R: Input> Source for Y4m<R> {
    fn size(&self) -> Option<[usize; 2]> {
        Some([self.width, self.height])
    }

    fn count(&self) -> Option<usize> {
        None
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        let Some(head) = line(&mut self.input)? else { return Ok(false) };
        if head != "FRAME" && !head.starts_with("FRAME ") {
            return Err(malformed("a frame does not begin with FRAME"));
        }
        // grows with what is there: the head's size is a claim
        self.buffer.clear();
        let mut rest = (&mut self.input).take(self.bytes as u64);
        let got = rest.read_to_end(&mut self.buffer).map_err(|e| Io::new("film", e))?;
        if got < self.bytes {
            return Err(malformed("it is cut within a frame"));
        }
        if [frame.image.width(), frame.image.height()] != [self.width, self.height] {
            frame.image = Image::filled(self.width, self.height, [0; 3])?;
        }
        for y in 0..self.height {
            self.load(y);
            let out = frame.image.rgb_mut().get_mut(y * self.width * 3..(y + 1) * self.width * 3).unwrap_or_default();
            let [luma, u, v] = &self.rows;
            match self.chroma {
                Chroma::Grey => self.to_rgb.grey_row(luma, out),
                Chroma::Colour(_) => self.to_rgb.row(luma, u, v, out),
            }
        }
        let [frames, seconds] = self.rate;
        frame.time_s = (u128::from(self.count) * u128::from(seconds)) as f64 / frames as f64;
        self.count += 1;
        Ok(true)
    }
}

fn malformed(reason: &'static str) -> crate::Error {
    Malformed::new("Y4M film", reason).into()
}

/// The next line without its end; none at the end of the file.
fn line(input: &mut impl BufRead) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(LINE).read_until(b'\n', &mut bytes).map_err(|e| Io::new("film", e))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(malformed("a line does not end"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| malformed("a line is not ASCII"))
}

fn side(text: &str) -> Result<usize> {
    text.parse()
        .ok()
        .filter(|n| (1..=65_535).contains(n))
        .ok_or_else(|| malformed("width or height is not 1 to 65 535"))
}

fn ratio(text: &str) -> Option<[u64; 2]> {
    let (a, b) = text.split_once(':')?;
    // as large as any real rate, so that times stay exact
    let number = |t: &str| t.parse::<u64>().ok().filter(|n| *n <= 1 << 40);
    Some([number(a)?, number(b)?])
}

/// Planes and bits of a colour space's name.
fn planes(name: &str) -> Result<(Chroma, u32)> {
    let unknown = || Unsupported::new("this colour space of Y4M", "write it as yuv420p, yuv422p, yuv444p or gray");
    if let Some(bits) = name.strip_prefix("mono") {
        let bits = if bits.is_empty() { Some(8) } else { bits.parse().ok() };
        return Ok((Chroma::Grey, bits.filter(|b| (8..=16).contains(b)).ok_or_else(unknown)?));
    }
    let (kind, rest) = name.split_at_checked(3).ok_or_else(unknown)?;
    let chroma = match kind {
        "420" => Chroma::Colour([true, true]),
        "422" => Chroma::Colour([true, false]),
        "444" => Chroma::Colour([false, false]),
        _ => return Err(unknown().into()),
    };
    let bits = match rest {
        "" | "jpeg" | "mpeg2" | "paldv" => Some(8),
        _ => rest.strip_prefix('p').and_then(|b| b.parse().ok()),
    };
    Ok((chroma, bits.filter(|b| (8..=16).contains(b)).ok_or_else(unknown)?))
}

#[cfg(test)]
mod tests {
    use super::super::VideoConfig;
    use super::*;

    fn frames(film: &[u8]) -> Result<Vec<Frame>> {
        VideoConfig::default().decode(film.to_vec(), &Limits::default())?.collect()
    }

    #[test]
    fn planes_of_odd_sizes_and_many_bits() {
        // 3 x 3: chrominance of 2 x 2
        let mut film = b"YUV4MPEG2 W3 H3 F30000:1001 Ip A0:0 C420jpeg XCOLORRANGE=FULL\nFRAME\n".to_vec();
        film.extend([100u8; 9]);
        film.extend([128, 128, 128, 128, 128, 228, 128, 128]);
        film.extend(b"FRAME Ixyz\n");
        film.extend([7u8; 9 + 8]);
        let got = frames(&film).unwrap();
        assert_eq!(got[0].image.pixel(0, 0), Some([100, 100, 100]));
        assert_eq!(got[0].image.pixel(2, 1).unwrap()[0], 240); // 100 + 1.402 * 100
        assert_eq!(got[1].time_s, 1001.0 / 30000.0);
        let mut deep = b"YUV4MPEG2 W2 H1 F25:1 C444p10\nFRAME\n".to_vec();
        for value in [64u16, 940, 512, 512, 512, 512] {
            deep.extend(value.to_le_bytes());
        }
        let got = frames(&deep).unwrap();
        assert_eq!((got[0].image.pixel(0, 0), got[0].image.pixel(1, 0)), (Some([0; 3]), Some([255; 3])));
    }

    #[test]
    fn heads_that_are_wrong() {
        for head in [
            "YUV4MPEG2 H2 F1:1",
            "YUV4MPEG2 W2 H2",
            "YUV4MPEG2 W2 H2 F0:1",
            "YUV4MPEG2 W2 H2 F1",
            "YUV4MPEG2 W0 H2 F1:1",
            "YUV4MPEG2 W2 H99999 F1:1",
            "YUV4MPEG2 W2 H2 F1:1 It",
            "YUV4MPEG2 W2 H2 F1:1 A16:11",
            "YUV4MPEG2 W2 H2 F1:1 C411",
            "YUV4MPEG2 W2 H2 F1:1 C420p17",
            "YUV4MPEG2 W60000 H60000 F1:1",
            "YUV4MPEG2 W2 H2 F1:1 Cé",
        ] {
            assert!(frames(format!("{head}\n").as_bytes()).is_err(), "{head}");
        }
        assert!(frames(b"YUV4MPEG2 W2 H2 F1:1 Cmono\nFRAME\n\0\0\0").is_err());
        assert!(frames(b"YUV4MPEG2 W2 H2 F1:1 Cmono\nframe\n\0\0\0\0").is_err());
        assert!(frames(b"YUV4MPEG2 W2 H2 F1:1 Cmono\n").unwrap().is_empty());
    }
}
