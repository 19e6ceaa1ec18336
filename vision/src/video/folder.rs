//! A folder of pictures, with a list of their times or a rate.

use super::frames::{Frame, Source};
use crate::{Image, Result};
use eir_core::error::{Io, Malformed, TooShort, Unsupported};
use eir_core::{Limits, file};
use std::path::{Path, PathBuf};

/// The list of times in a folder of pictures: a head `file,time_s`, then a line for each picture, times rising.
pub const TIMES_FILE: &str = "times.csv";

pub(super) struct Folder {
    pictures: std::vec::IntoIter<(f64, PathBuf)>,
    limits: Limits,
}

impl Folder {
    pub(super) fn open(path: &Path, rate_hz: Option<f64>, limits: &Limits) -> Result<Self> {
        let times = path.join(TIMES_FILE);
        let pictures = if times.is_file() { listed(path, &times, limits)? } else { counted(path, rate_hz, limits)? };
        if pictures.is_empty() {
            return Err(TooShort::new("pictures in the folder", 0, 1).into());
        }
        Ok(Self { pictures: pictures.into_iter(), limits: *limits })
    }
}

impl Source for Folder {
    fn size(&self) -> Option<[usize; 2]> {
        None
    }

    fn count(&self) -> Option<usize> {
        Some(self.pictures.len())
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        let Some((time_s, path)) = self.pictures.next() else { return Ok(false) };
        frame.image = Image::read(&path, &self.limits)?;
        frame.time_s = time_s;
        Ok(true)
    }
}

fn malformed(reason: String) -> crate::Error {
    Malformed::new("times.csv of a folder of pictures", reason).into()
}

/// The pictures of the list.
fn listed(folder: &Path, times: &Path, limits: &Limits) -> Result<Vec<(f64, PathBuf)>> {
    let text = String::from_utf8(file::read(times, limits)?).map_err(|_| malformed("it is not UTF-8".into()))?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let head = lines.next().map(|(_, l)| l.trim()).unwrap_or_default();
    if head != "file,time_s" {
        return Err(malformed("its first line is not `file,time_s`".into()));
    }
    let mut pictures: Vec<(f64, PathBuf)> = Vec::new();
    for (i, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
        limits.check_items("frames", pictures.len() as u64 + 1)?;
        let wrong = |what: &str| malformed(format!("line {} {what}", i + 1));
        let (name, time) = line.trim().rsplit_once(',').ok_or_else(|| wrong("has no comma"))?;
        let time_s: f64 = time.trim().parse().map_err(|_| wrong("has a time that is no number"))?;
        if !time_s.is_finite() || pictures.last().is_some_and(|(before, _)| *before >= time_s) {
            return Err(wrong("has a time that is not above the one before"));
        }
        // a list from elsewhere must not lead out of its folder
        let name = Path::new(name.trim().trim_matches('"'));
        let plain = name.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        if !plain || name.as_os_str().is_empty() {
            return Err(wrong("names a file outside of the folder"));
        }
        pictures.push((time_s, folder.join(name)));
    }
    Ok(pictures)
}

/// All pictures of the folder, in the order of the numbers in their names.
fn counted(folder: &Path, rate_hz: Option<f64>, limits: &Limits) -> Result<Vec<(f64, PathBuf)>> {
    let Some(rate) = rate_hz else {
        let what = "a folder of pictures without times.csv";
        return Err(Unsupported::new(what, "give a rate (`VideoConfig::with_rate_hz`) or write the list").into());
    };
    let mut names: Vec<(Vec<Part>, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Io::new(folder, e))? {
        let path = entry.map_err(|e| Io::new(folder, e))?.path();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).unwrap_or_default();
        if matches!(ending.as_str(), "png" | "jpg" | "jpeg") {
            limits.check_items("frames", names.len() as u64 + 1)?;
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            names.push((parts(&name), path));
        }
    }
    names.sort();
    Ok(names.into_iter().enumerate().map(|(i, (_, path))| (i as f64 / rate, path)).collect())
}

/// A stretch of a name: numbers sort by their value, so that frame 10 comes after frame 9.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Without leading zeros: by length, then by digits.
    Number(usize, String),
    Text(String),
}

fn parts(name: &str) -> Vec<Part> {
    let bytes: Vec<char> = name.chars().collect();
    bytes
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|piece| {
            let text: String = piece.iter().collect();
            if piece.first().is_some_and(char::is_ascii_digit) {
                let digits = text.trim_start_matches('0').to_owned();
                Part::Number(digits.len(), digits)
            } else {
                Part::Text(text)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Frames, VideoConfig};
    use super::*;
    use crate::Error;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("eir-vision-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    fn write(folder: &Path, name: &str, level: u8) {
        std::fs::write(folder.join(name), Image::filled(2, 2, [level; 3]).unwrap().png().unwrap()).unwrap();
    }

    #[test]
    fn numbers_sort_by_value_and_lists_give_times() {
        let path = folder("frames");
        for n in [9u8, 10, 100] {
            write(&path, &format!("f{n}.png"), n);
        }
        std::fs::write(path.join("notes.txt"), "x").unwrap();
        assert!(matches!(Frames::open(&path, &Limits::default()), Err(Error::Unsupported(_))));
        let read = |frames: Frames| -> Vec<(f64, u8)> {
            frames.map(|f| f.unwrap()).map(|f| (f.time_s, f.image.rgb()[0])).collect()
        };
        let regular = VideoConfig::default().with_rate_hz(30.0).open(&path, &Limits::default()).unwrap();
        assert_eq!(regular.announced(), Some(3));
        assert_eq!(read(regular), [(0.0, 9), (1.0 / 30.0, 10), (2.0 / 30.0, 100)]);
        std::fs::write(path.join(TIMES_FILE), "file,time_s\nf100.png,0.25\nf9.png,0.3125\n").unwrap();
        assert_eq!(read(Frames::open(&path, &Limits::default()).unwrap()), [(0.25, 100), (0.3125, 9)]);
        for list in [
            "",
            "file;time_s\n",
            "file,time_s\n",
            "file,time_s\nf9.png,1\nf10.png,1\n",
            "file,time_s\nf9.png,2\nf10.png,1\n",
            "file,time_s\nf9.png,NaN\n",
            "file,time_s\n../f9.png,1\n",
            "file,time_s\n/f9.png,1\n",
            "file,time_s\nf9.png\n",
        ] {
            std::fs::write(path.join(TIMES_FILE), list).unwrap();
            assert!(Frames::open(&path, &Limits::default()).is_err(), "{list:?}");
        }
        std::fs::write(path.join(TIMES_FILE), "file,time_s\nmissing.png,1\nf9.png,2\n").unwrap();
        let items: Vec<_> = Frames::open(&path, &Limits::default()).unwrap().collect();
        assert!(items.len() == 1 && items[0].is_err(), "nothing follows an error");
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn an_empty_folder_is_no_film() {
        let path = folder("empty");
        assert!(VideoConfig::default().with_rate_hz(1.0).open(&path, &Limits::default()).is_err());
        std::fs::remove_dir_all(&path).unwrap();
    }
}
