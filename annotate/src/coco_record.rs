//! The records of COCO files: what they hold, how they are read and what of them is written.

use crate::json::{Cursor, Value};
use crate::rle::Rle;
use crate::{Error, Result};
use eir_core::Limits;
use eir_core::error::{LimitExceeded, Mismatch};

/// A picture.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CocoImage {
    /// Its number.
    pub id: i64,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Name of its file.
    pub file_name: Option<String>,
}

/// An entry of the label schema.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CocoCategory {
    /// Its number.
    pub id: i64,
    /// What it is called.
    pub name: Option<String>,
    /// The class above it.
    pub supercategory: Option<String>,
    /// Names of the keypoints.
    pub keypoints: Option<Vec<String>>,
    /// Pairs of keypoints that belong together, counted from 1.
    pub skeleton: Option<Vec<[i64; 2]>>,
}

/// An annotation of a data set, or a result. Which entries it has says what kind it is.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CocoAnnotation {
    /// Its number; results have none.
    pub id: Option<i64>,
    /// Number of the picture.
    pub image_id: Option<i64>,
    /// Number of the category.
    pub category_id: Option<i64>,
    /// Left, top, width, height in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Area in square pixels.
    pub area: Option<f64>,
    /// A crowd of things rather than one.
    pub iscrowd: Option<bool>,
    /// Its outline or mask.
    pub segmentation: Option<Segmentation>,
    /// Per keypoint x, y and visibility (0, 1, 2; a score in some results).
    pub keypoints: Option<Vec<[f64; 3]>>,
    /// How many keypoints are labelled.
    pub num_keypoints: Option<i64>,
    /// What is to be seen.
    pub caption: Option<String>,
    /// How certain a result is.
    pub score: Option<f64>,
    /// Name of the picture whose colours number the segments (panoptic).
    pub file_name: Option<String>,
    /// The segments of the picture (panoptic).
    pub segments_info: Option<Vec<CocoSegment>>,
}

/// A segment of a panoptic annotation.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct CocoSegment {
    /// Its colour: red + 256 · green + 65536 · blue.
    pub id: i64,
    /// Number of the category.
    pub category_id: Option<i64>,
    /// Left, top, width, height in pixels.
    pub bbox: Option<[f64; 4]>,
    /// Area in square pixels.
    pub area: Option<f64>,
    /// A crowd of things rather than one.
    pub iscrowd: Option<bool>,
}

/// An outline or a mask.
#[derive(Debug, Clone, PartialEq)]
pub enum Segmentation {
    /// Outlines with their corners.
    Polygons(Vec<Vec<[f64; 2]>>),
    /// A mask, written as a string of run lengths (`compressed`) or as a list of numbers.
    Mask {
        /// The mask.
        mask: Rle,
        /// How it is written.
        compressed: bool,
    },
}

pub(crate) fn present(fields: Fields) -> Vec<(&'static str, Value)> {
    fields.into_iter().filter_map(|(k, v)| Some((k, v?))).collect()
}

/// Memory that the reader may still take.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    pub(crate) bytes: u64,
}

impl Budget {
    /// For text that was read before, within its limits.
    pub(crate) fn free() -> Self {
        Self { limits: Limits::default().with_bytes(u64::MAX).with_items(u64::MAX), bytes: 0 }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> std::result::Result<(), LimitExceeded> {
        self.bytes += bytes as u64;
        if self.bytes > self.limits.bytes {
            return Err(LimitExceeded::new("COCO records (bytes)", self.bytes, self.limits.bytes));
        }
        Ok(())
    }
}

pub(crate) type Fields = Vec<(&'static str, Option<Value>)>;

/// A kind of record.
pub(crate) trait Item: Sized + PartialEq {
    fn read(cursor: &mut Cursor<'_>, budget: &mut Budget) -> Result<Self>;
    /// All entries that the type knows, always in the same order.
    fn fields(&self) -> Result<Fields>;
}

/// Reads the value of a key that may stand once.
fn once<'a, T>(slot: &mut Option<T>, c: &mut Cursor<'a>, f: impl FnOnce(&mut Cursor<'a>) -> Result<T>) -> Result<()> {
    if slot.is_some() {
        return Err(c.bad("a key occurs twice in a record"));
    }
    *slot = c.optional(f)?;
    Ok(())
}

fn text(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<String> {
    let text = c.string()?.into_owned();
    budget.take(text.len())?;
    Ok(text)
}

/// A list of groups of `N` numbers.
fn groups<const N: usize>(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Vec<[f64; N]>> {
    let (mut all, mut group, mut filled) = (Vec::new(), [0.0; N], 0);
    c.array(|c| {
        group[filled] = c.f64()?; // filled < N
        filled += 1;
        if filled == N {
            budget.take(8 * N)?;
            all.push(group);
            filled = 0;
        }
        Ok(())
    })?;
    if filled == 0 { Ok(all) } else { Err(c.bad(format!("a list of coordinates is no multiple of {N} long"))) }
}

fn area_box(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Option<[f64; 4]>> {
    match groups::<4>(c, budget)?.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(c.bad("a box has four numbers")),
    }
}

fn segmentation(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Segmentation> {
    if c.peek() == Some(b'[') {
        let mut polygons = Vec::new();
        c.array(|c| {
            polygons.push(groups::<2>(c, budget)?);
            budget.take(size_of::<Vec<[f64; 2]>>())?;
            Ok(())
        })?;
        return Ok(Segmentation::Polygons(polygons));
    }
    let (mut size, mut text, mut list) = (None, None, None);
    c.object(|c, key, _| match key {
        "size" => once(&mut size, c, |c| {
            let mut values = Vec::new();
            c.array(|c| {
                values.push(c.u32()?);
                if values.len() > 2 { Err(c.bad("a size has two numbers")) } else { Ok(()) }
            })?;
            Ok(values)
        }),
        "counts" if c.peek() == Some(b'"') => once(&mut text, c, |c| {
            let text = c.string()?.into_owned();
            budget.take(4 * text.len())?;
            Ok(text)
        }),
        "counts" => once(&mut list, c, |c| {
            let mut counts = Vec::new();
            c.array(|c| {
                budget.take(4)?;
                counts.push(c.u32()?);
                Ok(())
            })?;
            Ok(counts)
        }),
        _ => c.skip(),
    })?;
    let Some([height, width]) = size.as_deref().and_then(|s| <[u32; 2]>::try_from(s).ok()) else {
        return Err(c.bad("a mask needs size: [height, width]"));
    };
    match (text, list) {
        (Some(text), None) => {
            Ok(Segmentation::Mask { mask: Rle::from_compressed(height, width, &text)?, compressed: true })
        }
        (None, Some(counts)) => Ok(Segmentation::Mask { mask: Rle::new(height, width, counts)?, compressed: false }),
        _ => Err(c.bad("a mask needs counts, as a string or as a list")),
    }
}

fn required(id: Option<i64>, c: &Cursor<'_>) -> Result<i64> {
    id.ok_or_else(|| c.bad("a record has no id"))
}

fn integer(value: Option<i64>) -> Option<Value> {
    value.map(Value::Integer)
}

fn number(value: f64) -> Result<Value> {
    eir_core::error::NotFinite::check_f64("number of a COCO record", &[value])?;
    Ok(Value::Number(value))
}

fn numbers(values: &[f64]) -> Result<Value> {
    Ok(Value::Array(values.iter().map(|v| number(*v)).collect::<Result<_>>()?))
}

fn string(value: Option<&String>) -> Option<Value> {
    value.map(|v| Value::Text(v.clone()))
}

impl Item for CocoImage {
    fn read(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Self> {
        let (mut id, mut image) = (None, Self::default());
        c.object(|c, key, _| match key {
            "id" => once(&mut id, c, Cursor::i64),
            "width" => once(&mut image.width, c, Cursor::u32),
            "height" => once(&mut image.height, c, Cursor::u32),
            "file_name" => once(&mut image.file_name, c, |c| text(c, budget)),
            _ => c.skip(),
        })?;
        image.id = required(id, c)?;
        Ok(image)
    }

    fn fields(&self) -> Result<Fields> {
        Ok(vec![
            ("id", Some(Value::Integer(self.id))),
            ("width", integer(self.width.map(i64::from))),
            ("height", integer(self.height.map(i64::from))),
            ("file_name", string(self.file_name.as_ref())),
        ])
    }
}

impl Item for CocoCategory {
    fn read(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Self> {
        let (mut id, mut category) = (None, Self::default());
        c.object(|c, key, _| match key {
            "id" => once(&mut id, c, Cursor::i64),
            "name" => once(&mut category.name, c, |c| text(c, budget)),
            "supercategory" => once(&mut category.supercategory, c, |c| text(c, budget)),
            "keypoints" => once(&mut category.keypoints, c, |c| {
                let mut names = Vec::new();
                c.array(|c| {
                    budget.take(size_of::<String>())?;
                    names.push(text(c, budget)?);
                    Ok(())
                })?;
                Ok(names)
            }),
            "skeleton" => once(&mut category.skeleton, c, |c| {
                let mut edges = Vec::new();
                c.array(|c| {
                    let mut ends = [0; 2];
                    let mut count = 0;
                    c.array(|c| {
                        let value = c.i64()?;
                        *ends.get_mut(count).ok_or_else(|| c.bad("an edge of a skeleton has two ends"))? = value;
                        count += 1;
                        Ok(())
                    })?;
                    budget.take(size_of::<[i64; 2]>())?;
                    edges.push(ends);
                    if count == 2 { Ok(()) } else { Err(c.bad("an edge of a skeleton has two ends")) }
                })?;
                Ok(edges)
            }),
            _ => c.skip(),
        })?;
        category.id = required(id, c)?;
        Ok(category)
    }

    fn fields(&self) -> Result<Fields> {
        let names = |names: &Vec<String>| Value::Array(names.iter().map(|n| Value::Text(n.clone())).collect());
        let edge = |edge: &[i64; 2]| Value::Array(edge.iter().map(|i| Value::Integer(*i)).collect());
        Ok(vec![
            ("id", Some(Value::Integer(self.id))),
            ("name", string(self.name.as_ref())),
            ("supercategory", string(self.supercategory.as_ref())),
            ("keypoints", self.keypoints.as_ref().map(names)),
            ("skeleton", self.skeleton.as_ref().map(|s| Value::Array(s.iter().map(edge).collect()))),
        ])
    }
}

impl Item for CocoAnnotation {
    fn read(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Self> {
        let (mut a, mut bbox) = (Self::default(), None);
        c.object(|c, key, _| match key {
            "id" => once(&mut a.id, c, Cursor::i64),
            "image_id" => once(&mut a.image_id, c, Cursor::i64),
            "category_id" => once(&mut a.category_id, c, Cursor::i64),
            "bbox" => once(&mut bbox, c, |c| area_box(c, budget)),
            "area" => once(&mut a.area, c, Cursor::f64),
            "iscrowd" => once(&mut a.iscrowd, c, Cursor::flag),
            "segmentation" => once(&mut a.segmentation, c, |c| segmentation(c, budget)),
            "keypoints" => once(&mut a.keypoints, c, |c| groups::<3>(c, budget)),
            "num_keypoints" => once(&mut a.num_keypoints, c, Cursor::i64),
            "caption" => once(&mut a.caption, c, |c| text(c, budget)),
            "score" => once(&mut a.score, c, Cursor::f64),
            "file_name" => once(&mut a.file_name, c, |c| text(c, budget)),
            "segments_info" => once(&mut a.segments_info, c, |c| {
                let mut segments = Vec::new();
                c.array(|c| {
                    segments.push(CocoSegment::read(c, budget)?);
                    Ok(budget.take(size_of::<CocoSegment>())?)
                })?;
                Ok(segments)
            }),
            _ => c.skip(),
        })?;
        a.bbox = bbox.flatten();
        Ok(a)
    }

    fn fields(&self) -> Result<Fields> {
        let segments = self.segments_info.as_ref().map(|list| {
            list.iter().map(|s| Ok(Value::Object(present(s.fields()?)))).collect::<Result<_>>().map(Value::Array)
        });
        Ok(vec![
            ("id", integer(self.id)),
            ("image_id", integer(self.image_id)),
            ("category_id", integer(self.category_id)),
            ("bbox", self.bbox.map(|b| numbers(&b)).transpose()?),
            ("area", self.area.map(number).transpose()?),
            ("iscrowd", integer(self.iscrowd.map(i64::from))),
            ("segmentation", self.segmentation.as_ref().map(Segmentation::value).transpose()?),
            ("keypoints", self.keypoints.as_ref().map(|k| numbers(k.as_flattened())).transpose()?),
            ("num_keypoints", integer(self.num_keypoints)),
            ("caption", string(self.caption.as_ref())),
            ("score", self.score.map(number).transpose()?),
            ("file_name", string(self.file_name.as_ref())),
            ("segments_info", segments.transpose()?),
        ])
    }
}

impl Item for CocoSegment {
    fn read(c: &mut Cursor<'_>, budget: &mut Budget) -> Result<Self> {
        let (mut id, mut segment, mut bbox) = (None, Self::default(), None);
        c.object(|c, key, _| match key {
            "id" => once(&mut id, c, Cursor::i64),
            "category_id" => once(&mut segment.category_id, c, Cursor::i64),
            "bbox" => once(&mut bbox, c, |c| area_box(c, budget)),
            "area" => once(&mut segment.area, c, Cursor::f64),
            "iscrowd" => once(&mut segment.iscrowd, c, Cursor::flag),
            _ => c.skip(),
        })?;
        (segment.id, segment.bbox) = (required(id, c)?, bbox.flatten());
        Ok(segment)
    }

    fn fields(&self) -> Result<Fields> {
        Ok(vec![
            ("id", Some(Value::Integer(self.id))),
            ("category_id", integer(self.category_id)),
            ("bbox", self.bbox.map(|b| numbers(&b)).transpose()?),
            ("area", self.area.map(number).transpose()?),
            ("iscrowd", integer(self.iscrowd.map(i64::from))),
        ])
    }
}

impl Segmentation {
    fn value(&self) -> Result<Value> {
        match self {
            Self::Polygons(list) => {
                Ok(Value::Array(list.iter().map(|p| numbers(p.as_flattened())).collect::<Result<_>>()?))
            }
            Self::Mask { mask, compressed } => {
                let list = |values: &[u32]| Value::Array(values.iter().map(|v| Value::Integer((*v).into())).collect());
                let counts = if *compressed { Value::Text(mask.to_compressed()) } else { list(mask.counts()) };
                Ok(Value::Object(vec![("size", list(&[mask.height(), mask.width()])), ("counts", counts)]))
            }
        }
    }

    /// The mask of the segmentation on a picture of `height` × `width` pixels.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is a mask of another size, and as [`polygon_mask`](crate::polygon_mask).
    pub fn to_mask(&self, height: u32, width: u32) -> Result<Rle> {
        match self {
            Self::Polygons(list) => crate::polygons_mask(list, height, width),
            Self::Mask { mask, .. } if (mask.height(), mask.width()) == (height, width) => Ok(mask.clone()),
            Self::Mask { mask, .. } => {
                let size = |h: u32, w: u32| format!("{h} x {w}");
                let found = size(mask.height(), mask.width());
                Err(Error::from(Mismatch::new("size of a mask", size(height, width), found)))
            }
        }
    }
}
