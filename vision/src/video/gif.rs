//! GIF: frames drawn over one another, each with its delay.

use super::frames::{Frame, Input, Source};
use crate::{Image, Result};
use eir_core::Limits;
use eir_core::error::{Malformed, Mismatch};
use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit};
use std::num::NonZeroU64;

/// What a delay of 0 stands for, in hundredths of a second: so browsers show it.
const UNTOLD: u64 = 10;

pub(super) struct Gif<R: std::io::Read> {
    decoder: Decoder<R>,
    size: [usize; 2],
    /// What is shown, before the next frame is drawn over it; none before the first.
    canvas: Option<Image>,
    /// Hundredths of a second.
    time: u64,
}

impl<R: Input> Gif<R> {
    pub(super) fn open(input: R, limits: &Limits) -> Result<Self> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        options.check_frame_consistency(true);
        options.check_lzw_end_code(true);
        options.set_memory_limit(NonZeroU64::new(limits.bytes).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
        let decoder = options.read_info(input).map_err(foreign)?;
        let (width, height) = (decoder.width(), decoder.height());
        if width == 0 || height == 0 {
            return Err(Malformed::new("GIF film", "its width or height is 0").into());
        }
        // the decoder's frame with its alpha, what is shown, and the frame that is given out
        limits.product("frame of a film (bytes)", &[u64::from(width), u64::from(height), 4 + 3 + 3])?;
        Ok(Self { decoder, size: [usize::from(width), usize::from(height)], canvas: None, time: 0 })
    }
}

impl<R: Input> Source for Gif<R> {
    fn size(&self) -> Option<[usize; 2]> {
        Some(self.size)
    }

    fn count(&self) -> Option<usize> {
        None
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        let Some(drawn) = self.decoder.read_next_frame().map_err(foreign)? else { return Ok(false) };
        let [left, top, width, height] = [drawn.left, drawn.top, drawn.width, drawn.height].map(usize::from);
        let [columns, rows] = self.size;
        if left + width > columns || top + height > rows {
            return Err(Mismatch::new("frame of a GIF film", format!("within {columns} x {rows}"), "beyond it").into());
        }
        let canvas = match &mut self.canvas {
            Some(canvas) => canvas,
            none => none.insert(Image::filled(columns, rows, [0; 3])?),
        };
        frame.image.clone_from(canvas);
        let pixels = drawn.buffer.as_chunks::<4>().0;
        for (y, line) in pixels.chunks_exact(width.max(1)).take(height).enumerate() {
            let from = ((top + y) * columns + left) * 3;
            let to = frame.image.rgb_mut().get_mut(from..from + width * 3).unwrap_or_default();
            for (pixel, [r, g, b, alpha]) in to.as_chunks_mut::<3>().0.iter_mut().zip(line) {
                if *alpha > 0 {
                    *pixel = [*r, *g, *b];
                }
            }
        }
        match drawn.dispose {
            DisposalMethod::Previous => {}
            DisposalMethod::Background => {
                canvas.clone_from(&frame.image);
                for y in top..top + height {
                    let from = (y * columns + left) * 3;
                    canvas.rgb_mut().get_mut(from..from + width * 3).unwrap_or_default().fill(0);
                }
            }
            _ => canvas.clone_from(&frame.image),
        }
        frame.time_s = self.time as f64 / 100.0;
        self.time += if drawn.delay == 0 { UNTOLD } else { u64::from(drawn.delay) };
        Ok(true)
    }
}

fn foreign(error: gif::DecodingError) -> crate::Error {
    Malformed::new("GIF film", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::super::VideoConfig;
    use super::*;
    use crate::Error;

    /// Frames of delay, disposal, place and palette index; index 2 is transparent.
    fn film(frames: &[(u16, DisposalMethod, [u16; 4], Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let palette = [200, 10, 10, 10, 200, 10, 0, 0, 0];
        let mut encoder = gif::Encoder::new(&mut bytes, 4, 3, &palette).unwrap();
        for (delay, dispose, [left, top, width, height], pixels) in frames {
            let mut frame = gif::Frame::from_indexed_pixels(*width, *height, pixels.clone(), Some(2));
            (frame.delay, frame.dispose, frame.left, frame.top) = (*delay, *dispose, *left, *top);
            encoder.write_frame(&frame).unwrap();
        }
        drop(encoder);
        bytes
    }

    #[test]
    fn delays_and_what_stays() {
        let whole = [0, 0, 4, 3];
        let bytes = film(&[
            (7, DisposalMethod::Keep, whole, vec![0; 12]),
            (0, DisposalMethod::Previous, [1, 1, 2, 1], vec![1, 2]),
            (3, DisposalMethod::Background, [0, 0, 1, 1], vec![1]),
            (3, DisposalMethod::Keep, [3, 2, 1, 1], vec![2]),
        ]);
        let frames: Vec<Frame> =
            VideoConfig::default().decode(bytes, &Limits::default()).unwrap().collect::<Result<_>>().unwrap();
        let times: Vec<f64> = frames.iter().map(|f| f.time_s).collect();
        assert_eq!(times, [0.0, 0.07, 0.17, 0.2]);
        let (red, green) = (Some([200, 10, 10]), Some([10, 200, 10]));
        assert_eq!([frames[1].image.pixel(1, 1), frames[1].image.pixel(2, 1)], [green, red]);
        assert_eq!(frames[2].image.pixel(1, 1), red); // taken back
        assert_eq!([frames[2].image.pixel(0, 0), frames[3].image.pixel(0, 0)], [green, Some([0; 3])]);
    }

    #[test]
    fn the_size_is_checked_before_memory_is_taken() {
        let mut bytes = film(&[(1, DisposalMethod::Keep, [0, 0, 4, 3], vec![0; 12])]);
        bytes[6..10].fill(0xff);
        let small = Limits::default().with_bytes(1 << 20);
        assert!(matches!(VideoConfig::default().decode(bytes, &small), Err(Error::Limit(_))));
    }
}
