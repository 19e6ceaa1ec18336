//! Video in: frames with their times, one after the other, in bounded memory.
//!
//! [`Frames`] is one iterator for a folder of pictures, GIF, Y4M and Motion JPEG in AVI; which of them a file is, its
//! first bytes tell. One frame is in memory at a time, whatever the length of the film.
//!
//! | file | times |
//! |---|---|
//! | folder of PNG and JPEG with `times.csv` | as listed: any distances |
//! | folder without it | the rate of [`VideoConfig`] |
//! | GIF | the delay of each frame, in 1/100 s |
//! | Y4M (8 to 16 bits, 4:2:0, 4:2:2, 4:4:4, grey) | the rate of its head, a fraction |
//! | AVI with Motion JPEG (also beyond 4 GB: OpenDML) | the rate of its head; a dropped frame leaves its time empty |
//!
//! # What it does not read
//! **MP4 (H.264, H.265)**: no decoder in Rust alone is kept under a permissive licence; those that are, build C source.
//! Convert once, without loss of pictures or times:
//! `ffmpeg -i film.mp4 -fps_mode passthrough -pix_fmt yuv420p film.y4m` for a constant rate, or frames and `times.csv`
//! for a variable one (phones record so). Sound is passed over.

mod avi;
mod folder;
mod frames;
mod gif;
mod y4m;
mod yuv;

pub use folder::TIMES_FILE;
pub use frames::{Frame, Frames, VideoConfig, VideoFormat};
pub use yuv::ColourMatrix;
