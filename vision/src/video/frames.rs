//! One iterator for every kind of film.

#[cfg(feature = "mp4")]
use super::h264;
use super::yuv::ColourMatrix;
use super::{avi, folder, gif, y4m};
use crate::{Error, Image, Result};
use eir_core::Limits;
use eir_core::error::{Io, Parameter, Unsupported};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

/// A picture of a film and when it is shown.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Frame {
    /// Seconds since the film began.
    pub time_s: f64,
    /// The picture.
    pub image: Image,
}

/// What kind of film it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VideoFormat {
    /// A folder of PNG and JPEG files.
    Folder,
    /// GIF.
    Gif,
    /// YUV4MPEG2.
    Y4m,
    /// Motion JPEG in AVI.
    AviMjpeg,
    /// H.264 in MP4 or QuickTime (feature `mp4`).
    Mp4H264,
}

/// What is read from: a file or bytes.
pub(super) trait Input: BufRead + Seek + Send {}

impl<T: BufRead + Seek + Send> Input for T {}

/// A reader of one format: puts the next frame into place, or says that there is none.
pub(super) trait Source: Send {
    /// Width and height, where the head says so.
    fn size(&self) -> Option<[usize; 2]>;

    /// Number of frames, where the head says so.
    fn count(&self) -> Option<usize>;

    fn read(&mut self, frame: &mut Frame) -> Result<bool>;
}

/// How films are read.
///
/// # Examples
/// ```no_run
/// use eir_core::Limits;
/// use eir_vision::video::VideoConfig;
/// use std::path::Path;
///
/// for frame in VideoConfig::default().with_rate_hz(29.97).open(Path::new("frames"), &Limits::default())? {
///     let frame = frame?;
///     println!("{:.3} s: {} x {}", frame.time_s, frame.image.width(), frame.image.height());
/// }
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VideoConfig {
    /// Frames a second of a folder without `times.csv`, above 0 to 100 000. Default: such a folder is refused.
    pub rate_hz: Option<f64>,
    /// How luminance and chrominance of Y4M and MP4 become red, green and blue. Default: BT.601 below 720 rows, BT.709 from there,
    /// as players do, unless the file says.
    pub colours: Option<ColourMatrix>,
    /// Whether Y4M and MP4 use all levels (0 … 255) and not 16 … 235. Default: what the file says, else 16 … 235.
    pub full_range: Option<bool>,
}

impl VideoConfig {
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz: Some(rate_hz), ..self }
    }

    /// Sets [`colours`](Self::colours).
    #[must_use]
    pub fn with_colours(self, colours: ColourMatrix) -> Self {
        Self { colours: Some(colours), ..self }
    }

    /// Sets [`full_range`](Self::full_range).
    #[must_use]
    pub fn with_full_range(self, full_range: bool) -> Self {
        Self { full_range: Some(full_range), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        match self.rate_hz {
            Some(rate) if !(rate > 0.0 && rate <= 100_000.0) => {
                Err(Parameter::new("rate_hz", rate, "above 0, at most 100 000").into())
            }
            _ => Ok(()),
        }
    }

    /// Opens a folder of pictures or a file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Unsupported`] if it is no film that is read here,
    /// [`Error::Malformed`] and [`Error::Limit`] for its head.
    pub fn open(&self, path: &Path, limits: &Limits) -> Result<Frames> {
        self.validate()?;
        if path.is_dir() {
            let source = folder::Folder::open(path, self.rate_hz, limits)?;
            return Ok(Frames::new(VideoFormat::Folder, Box::new(source), limits));
        }
        let file = File::open(path).map_err(|e| Io::new(path, e))?;
        self.of(BufReader::with_capacity(1 << 16, file), limits)
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn decode(&self, bytes: Vec<u8>, limits: &Limits) -> Result<Frames> {
        self.validate()?;
        self.of(Cursor::new(bytes), limits)
    }

    fn of(&self, mut input: impl Input + 'static, limits: &Limits) -> Result<Frames> {
        let head = input.fill_buf().map_err(|e| Io::new("film", e))?;
        let starts = |text: &[u8]| head.starts_with(text);
        if starts(b"GIF8") {
            let source = gif::Gif::open(input, limits)?;
            return Ok(Frames::new(VideoFormat::Gif, Box::new(source), limits));
        }
        if starts(b"YUV4MPEG2") {
            let source = y4m::Y4m::open(input, self.colours, self.full_range, limits)?;
            return Ok(Frames::new(VideoFormat::Y4m, Box::new(source), limits));
        }
        if starts(b"RIFF") {
            let source = avi::Avi::open(input, limits)?;
            return Ok(Frames::new(VideoFormat::AviMjpeg, Box::new(source), limits));
        }
        // QuickTime may have no first box that says so
        if matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"wide")) {
            return self.mp4(input, limits);
        }
        let instead = "give Y4M, AVI with Motion JPEG, GIF or a folder of pictures";
        Err(Unsupported::new("this kind of film", instead).into())
    }

    #[cfg(feature = "mp4")]
    fn mp4(&self, input: impl Input + 'static, limits: &Limits) -> Result<Frames> {
        let source = h264::H264::open(input, self.colours, self.full_range, limits)?;
        Ok(Frames::new(VideoFormat::Mp4H264, Box::new(source), limits))
    }

    #[cfg(not(feature = "mp4"))]
    fn mp4(&self, _: impl Input, _: &Limits) -> Result<Frames> {
        let instead = "switch on the feature `mp4`, or give Y4M, AVI with Motion JPEG, GIF or a folder of pictures";
        Err(Unsupported::new("an MP4 or QuickTime film", instead).into())
    }
}

/// The frames of a film, one after the other; see [the module's page](super) for the formats.
///
/// Ends after the first error: what follows a broken frame cannot be trusted.
///
/// # Examples
/// Two grey frames of 4 × 2 pixels, a tenth of a second apart:
/// ```
/// use eir_core::Limits;
/// use eir_vision::video::{Frames, VideoConfig};
///
/// let mut film = b"YUV4MPEG2 W4 H2 F10:1 Ip A1:1 Cmono\n".to_vec();
/// for level in [16, 235] {
///     film.extend(b"FRAME\n");
///     film.extend([level; 8]);
/// }
/// let frames: Frames = VideoConfig::default().decode(film, &Limits::default())?;
/// let frames: Vec<_> = frames.collect::<Result<_, _>>()?;
/// assert_eq!((frames[1].time_s, frames[1].image.pixel(3, 1)), (0.1, Some([255; 3])));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// Each item may be [`Error::Malformed`] (cut or broken), [`Error::Limit`] (a picture or a number of frames beyond the
/// limits), [`Error::Unsupported`], [`Error::Mismatch`] (a frame of another size than the head says) or [`Error::Io`].
///
/// # Validation
/// Times of frames equal their fractions to the last bit; pictures of Y4M equal the formula of BT.601 and BT.709 rounded,
/// those of AVI the JPEG decoder's of [`Image`], those of GIF the pixels that were written (unit tests).
pub struct Frames {
    format: VideoFormat,
    source: Box<dyn Source>,
    most: u64,
    count: u64,
    done: bool,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frames").field("format", &self.format).field("read", &self.count).finish_non_exhaustive()
    }
}

impl Frames {
    fn new(format: VideoFormat, source: Box<dyn Source>, limits: &Limits) -> Self {
        Self { format, source, most: limits.items, count: 0, done: false }
    }

    /// Opens a folder of pictures with `times.csv`, or a file, with the default settings.
    ///
    /// # Errors
    /// As [`VideoConfig::open`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        VideoConfig::default().open(path, limits)
    }

    /// What kind of film it is.
    #[must_use]
    pub fn format(&self) -> VideoFormat {
        self.format
    }

    /// Width and height in pixels, where the head says so (all but folders).
    #[must_use]
    pub fn size(&self) -> Option<[usize; 2]> {
        self.source.size()
    }

    /// How many frames the film says it has (folders, AVI). A film that was cut has fewer.
    #[must_use]
    pub fn announced(&self) -> Option<usize> {
        self.source.count()
    }

    /// Puts the next frame into `frame`, whose memory is used again where the size is the same; `false` at the end.
    ///
    /// # Errors
    /// As the items; after an error there is no further frame.
    pub fn read_into(&mut self, frame: &mut Frame) -> Result<bool> {
        if self.done {
            return Ok(false);
        }
        let outcome = match self.source.read(frame) {
            Ok(true) if self.count >= self.most => {
                Err(Error::from(eir_core::error::LimitExceeded::new("frames", self.count + 1, self.most)))
            }
            other => other,
        };
        self.done = !matches!(outcome, Ok(true));
        self.count += u64::from(!self.done);
        outcome
    }
}

impl Frame {
    /// A frame to be read into.
    ///
    /// # Errors
    /// Never for the one pixel that it makes.
    pub fn empty() -> Result<Self> {
        Ok(Self { time_s: 0.0, image: Image::filled(1, 1, [0; 3])? })
    }
}

impl Iterator for Frames {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = Frame::empty().and_then(|mut frame| Ok(self.read_into(&mut frame)?.then_some(frame)));
        read.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_named_as_such() {
        let open = |bytes: &[u8]| VideoConfig::default().decode(bytes.to_vec(), &Limits::default()).map(drop);
        let text = open(b"\0\0\0\x20ftypisom").unwrap_err().to_string();
        assert!(text.contains("MP4"), "{text}");
        assert!(open(b"").is_err() && open(b"hello").is_err());
        assert!(Frames::open(Path::new("/nowhere/film.avi"), &Limits::default()).is_err());
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(VideoConfig::default().with_rate_hz(rate).validate().is_err());
        }
    }

    #[test]
    fn the_number_of_frames_is_limited() {
        let mut film = b"YUV4MPEG2 W1 H1 F1:1 Cmono\n".to_vec();
        (0..5).for_each(|_| film.extend(b"FRAME\n\x50"));
        let limits = Limits::default().with_items(3);
        let items: Vec<_> = VideoConfig::default().decode(film, &limits).unwrap().collect();
        assert_eq!(items.len(), 4);
        assert!(matches!(items[3], Err(Error::Limit(_))));
    }
}
