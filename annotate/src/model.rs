//! One data model for labels of every modality: a [`Document`] holds media, labels, raters and annotations.

use crate::rle::Rle;
use crate::time::{Rational, TimeBase};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Annotations of one or more media, with the labels and raters that they refer to by position.
///
/// **Use it** to bring labels of several formats and modalities together, to compare raters, and to write any of the
/// formats. **Not** as a store for millions of annotations: it is held in memory.
///
/// # Examples
/// ```
/// use eir_annotate::{Annotation, Document, Label, Media, MediaKind, Rational, Target, TimeBase};
/// let mut document = Document::default();
/// let ecg = document.add_media(Media::new("100", MediaKind::Signal).with_time(TimeBase::samples(360.into())?));
/// let normal = document.add_label(Label::new("N"));
/// document.annotations.push(Annotation::new(ecg, Target::Point(77.into())).with_label(normal));
/// document.validate()?;
/// assert_eq!(document.seconds(0)?, Some((Rational::new(77, 360)?, Rational::new(77, 360)?)));
/// # Ok::<(), eir_annotate::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// What is annotated.
    pub media: Vec<Media>,
    /// The label schema.
    pub labels: Vec<Label>,
    /// Who annotated.
    pub raters: Vec<Rater>,
    /// The annotations.
    pub annotations: Vec<Annotation>,
}

/// What kind of thing is annotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum MediaKind {
    /// A still picture.
    Image,
    /// A biosignal.
    Signal,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
}

/// A picture, a signal, a recording: what annotations lie on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Media {
    /// Name by which the file format knows it: a record name, an image id.
    pub id: String,
    /// What it is.
    pub kind: MediaKind,
    /// Name of its file.
    pub file: Option<String>,
    /// Width and height in pixels.
    pub size_px: Option<[u32; 2]>,
    /// The clock in whose ticks annotations of this medium count time.
    pub time: Option<TimeBase>,
    /// Which record of the file it was read from.
    pub source: Option<usize>,
}

/// An entry of the label schema.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Label {
    /// What it is called: a symbol, a category name.
    pub name: String,
    /// Its number in the file format: a WFDB code, a COCO category id.
    pub number: Option<i64>,
    /// What it means.
    pub description: Option<String>,
    /// The class above it.
    pub group: Option<String>,
    /// The concept of a terminology.
    pub code: Option<Code>,
    /// Names of the keypoints that annotations with this label have.
    pub keypoints: Vec<String>,
    /// Pairs of keypoints that belong together, as the format counts them.
    pub skeleton: Vec<[i64; 2]>,
}

/// A concept of a terminology such as SNOMED CT or LOINC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The terminology's URI.
    pub system: String,
    /// The concept's code.
    pub code: String,
    /// The terminology's edition.
    pub version: Option<String>,
}

/// What a rater is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RaterKind {
    /// A person.
    Human,
    /// A program.
    Machine,
    /// Who settled disagreements.
    Adjudicator,
    /// The truth, as far as it is known.
    Gold,
}

/// Who made an annotation. Use a pseudonym: documents are shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rater {
    /// Pseudonym.
    pub id: String,
    /// What the rater is.
    pub kind: RaterKind,
}

/// A keypoint of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Keypoint {
    /// Pixels from the left edge.
    pub x_px: f64,
    /// Pixels from the upper edge.
    pub y_px: f64,
    /// Whether it can be seen.
    pub visibility: Visibility,
}

/// Whether a keypoint can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// It was not labelled; its place means nothing.
    NotLabelled,
    /// It is labelled where it must be, but hidden.
    Hidden,
    /// It is seen.
    Visible,
}

/// The part of a medium that an annotation is about. Times are ticks of the medium's [`TimeBase`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Target {
    /// All of it.
    Whole,
    /// A moment.
    Point(Rational),
    /// From a moment to another.
    Interval {
        /// First moment.
        start: Rational,
        /// Last moment, not before `start`.
        end: Rational,
    },
    /// A rectangle: left, top, width, height in pixels.
    Box([f64; 4]),
    /// Areas, each with its corners in pixels.
    Polygons(Vec<Vec<[f64; 2]>>),
    /// A skeleton.
    Keypoints(Vec<Keypoint>),
    /// Pixels.
    Mask(Rle),
}

/// Where an annotation comes from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// Position of the rater in the document.
    pub rater: Option<usize>,
    /// Which record of the file it was read from: the writer keeps that record's bytes if the annotation is unedited.
    pub source: Option<usize>,
    /// The tool or model and its version.
    pub tool: Option<String>,
    /// Positions of the annotations that it was made from.
    pub derived_from: Vec<usize>,
}

/// A label on a part of a medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Annotation {
    /// Position of the medium in the document.
    pub media: usize,
    /// Its part; several where a format gives one thing a box and a mask.
    pub targets: Vec<Target>,
    /// Position of the label in the document.
    pub label: Option<usize>,
    /// Channel of a signal or of a sound.
    pub channel: Option<u32>,
    /// Free text: a caption, a note.
    pub text: Option<String>,
    /// The annotation's own number in the format: WFDB `num`, COCO `id`.
    pub number: Option<i64>,
    /// A finer class: WFDB `subtype`.
    pub subtype: Option<i64>,
    /// How certain, as the format counts it.
    pub score: Option<f64>,
    /// A crowd of things rather than one.
    pub crowd: bool,
    /// Where it comes from.
    pub provenance: Provenance,
}

impl Media {
    /// A medium without file, size or clock.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: MediaKind) -> Self {
        Self { id: id.into(), kind, file: None, size_px: None, time: None, source: None }
    }

    /// Sets [`time`](Self::time).
    #[must_use]
    pub fn with_time(self, time: TimeBase) -> Self {
        Self { time: Some(time), ..self }
    }

    /// Sets [`size_px`](Self::size_px).
    #[must_use]
    pub fn with_size_px(self, size_px: [u32; 2]) -> Self {
        Self { size_px: Some(size_px), ..self }
    }

    /// Sets [`file`](Self::file).
    #[must_use]
    pub fn with_file(self, file: impl Into<String>) -> Self {
        Self { file: Some(file.into()), ..self }
    }
}

impl Label {
    /// A label with a name alone.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets [`number`](Self::number).
    #[must_use]
    pub fn with_number(self, number: i64) -> Self {
        Self { number: Some(number), ..self }
    }

    /// Sets [`description`](Self::description).
    #[must_use]
    pub fn with_description(self, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..self }
    }
}

impl Rater {
    /// A rater known by a pseudonym.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: RaterKind) -> Self {
        Self { id: id.into(), kind }
    }
}

impl Annotation {
    /// An annotation of `target` on the medium at position `media`, without a label.
    #[must_use]
    pub fn new(media: usize, target: Target) -> Self {
        Self {
            media,
            targets: vec![target],
            label: None,
            channel: None,
            text: None,
            number: None,
            subtype: None,
            score: None,
            crowd: false,
            provenance: Provenance::default(),
        }
    }

    /// Sets [`label`](Self::label).
    #[must_use]
    pub fn with_label(self, label: usize) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Sets who made it.
    #[must_use]
    pub fn with_rater(mut self, rater: usize) -> Self {
        self.provenance.rater = Some(rater);
        self
    }

    /// Sets [`text`](Self::text).
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..self }
    }

    /// First and last moment in ticks of the medium's clock; none if it has no time.
    #[must_use]
    pub fn ticks(&self) -> Option<(Rational, Rational)> {
        self.targets.iter().find_map(|target| match target {
            Target::Point(at) => Some((*at, *at)),
            Target::Interval { start, end } => Some((*start, *end)),
            _ => None,
        })
    }
}

impl Document {
    /// Adds a medium and gives its position.
    pub fn add_media(&mut self, media: Media) -> usize {
        self.media.push(media);
        self.media.len() - 1
    }

    /// Adds a label and gives its position.
    pub fn add_label(&mut self, label: Label) -> usize {
        self.labels.push(label);
        self.labels.len() - 1
    }

    /// Adds a rater and gives the position.
    pub fn add_rater(&mut self, rater: Rater) -> usize {
        self.raters.push(rater);
        self.raters.len() - 1
    }

    /// Checks that every reference leads somewhere and every target makes sense on its medium.
    ///
    /// # Errors
    /// [`Error::Reference`] or [`Error::Target`] names the first annotation that does not.
    pub fn validate(&self) -> Result<()> {
        for (i, annotation) in self.annotations.iter().enumerate() {
            let known = |what, index: Option<usize>, count: usize| match index {
                Some(index) if index >= count => Err(Error::Reference { annotation: i, what, index }),
                _ => Ok(()),
            };
            known("medium", Some(annotation.media), self.media.len())?;
            known("label", annotation.label, self.labels.len())?;
            known("rater", annotation.provenance.rater, self.raters.len())?;
            for from in &annotation.provenance.derived_from {
                known("annotation", Some(*from), self.annotations.len())?;
            }
            let Some(media) = self.media.get(annotation.media) else { continue };
            for target in &annotation.targets {
                target.validate(media).map_err(|reason| Error::Target { annotation: i, reason })?;
            }
        }
        Ok(())
    }

    /// First and last moment of annotation `index` in seconds of its recording, exactly; none if it has no time.
    ///
    /// # Errors
    /// [`Error::Reference`] if there is no such annotation or medium, [`Error::TimeRange`] if it does not fit.
    pub fn seconds(&self, index: usize) -> Result<Option<(Rational, Rational)>> {
        let reference = |what, wrong| Error::Reference { annotation: index, what, index: wrong };
        let annotation = self.annotations.get(index).ok_or_else(|| reference("annotation", index))?;
        let media = self.media.get(annotation.media).ok_or_else(|| reference("medium", annotation.media))?;
        match (annotation.ticks(), media.time) {
            (Some((start, end)), Some(base)) => Ok(Some((base.to_seconds(start)?, base.to_seconds(end)?))),
            _ => Ok(None),
        }
    }

    /// Gives the medium at position `media` the clock `to`, and converts the times of its annotations exactly.
    ///
    /// # Errors
    /// [`Error::Undefined`] if the medium has no clock yet, [`Error::TimeRange`] if a time does not fit; nothing is
    /// changed then.
    pub fn convert_time(&mut self, media: usize, to: TimeBase) -> Result<()> {
        let missing = Error::Undefined { what: "a converted time", why: "the medium is not there or has no time base" };
        let from = self.media.get(media).and_then(|m| m.time).ok_or(missing)?;
        let mut converted = self.annotations.clone();
        for target in converted.iter_mut().filter(|a| a.media == media).flat_map(|a| &mut a.targets) {
            match target {
                Target::Point(at) => *at = from.convert(*at, &to)?,
                Target::Interval { start, end } => {
                    (*start, *end) = (from.convert(*start, &to)?, from.convert(*end, &to)?);
                }
                _ => {}
            }
        }
        self.annotations = converted;
        if let Some(media) = self.media.get_mut(media) {
            media.time = Some(to);
        }
        Ok(())
    }
}

impl Target {
    fn validate(&self, media: &Media) -> std::result::Result<(), &'static str> {
        let finite = |ok: bool| if ok { Ok(()) } else { Err("a coordinate is not finite") };
        match self {
            Self::Whole => Ok(()),
            Self::Point(_) | Self::Interval { .. } if media.time.is_none() => {
                Err("it has a time, but its medium has no time base")
            }
            Self::Interval { start, end } if end < start => Err("the interval ends before it starts"),
            Self::Point(_) | Self::Interval { .. } => Ok(()),
            Self::Box([_, _, width, height]) if *width < 0.0 || *height < 0.0 => Err("the box has a negative size"),
            Self::Box(values) => finite(values.iter().all(|v| v.is_finite())),
            Self::Polygons(areas) => finite(areas.iter().flatten().flatten().all(|v| v.is_finite())),
            Self::Keypoints(points) => finite(points.iter().all(|p| p.x_px.is_finite() && p.y_px.is_finite())),
            Self::Mask(mask) => match media.size_px {
                Some([width, height]) if (width, height) != (mask.width(), mask.height()) => {
                    Err("the mask has another size than its medium")
                }
                _ => Ok(()),
            },
        }
    }
}

/// What a conversion could not carry over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// Position of the annotation in the document.
    pub annotation: usize,
    /// What the format has no place for.
    pub what: &'static str,
}

impl Loss {
    pub(crate) fn new(annotation: usize, what: &'static str) -> Self {
        Self { annotation, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut document = Document::default();
        let base = TimeBase::samples(360.into()).unwrap();
        let ecg = document.add_media(Media::new("ecg", MediaKind::Signal).with_time(base));
        let image = document.add_media(Media::new("7", MediaKind::Image).with_size_px([4, 3]));
        let label = document.add_label(Label::new("N").with_number(1));
        let rater = document.add_rater(Rater::new("a1", RaterKind::Human));
        let interval = Target::Interval { start: 10.into(), end: 370.into() };
        document.annotations.push(Annotation::new(ecg, interval).with_label(label).with_rater(rater));
        let mask = Rle::new(3, 4, vec![5, 2, 5]).unwrap();
        document.annotations.push(Annotation::new(image, Target::Mask(mask)));
        document
    }

    #[test]
    fn survives_json() {
        eir_core::testing::contract::serde_round_trip(&document());
    }

    #[test]
    fn wrong_references_and_targets_are_named() {
        let mut one = document();
        one.annotations[1].label = Some(9);
        assert_eq!(
            one.validate().unwrap_err().to_string(),
            "annotation 1 refers to label 9, which the document does not have"
        );
        let mut two = document();
        two.annotations[0].targets = vec![Target::Interval { start: 2.into(), end: 1.into() }];
        assert_eq!(two.validate().unwrap_err().to_string(), "annotation 0: the interval ends before it starts");
        let mut three = document();
        three.media[1].size_px = Some([3, 4]);
        assert!(three.validate().is_err());
        document().validate().unwrap();
    }

    #[test]
    fn another_clock_and_back_is_the_same() {
        let before = document();
        let mut after = before.clone();
        after.convert_time(0, TimeBase::milliseconds()).unwrap();
        assert_eq!(after.seconds(0).unwrap(), before.seconds(0).unwrap());
        assert_eq!(after.annotations[0].ticks().unwrap().0, Rational::new(250, 9).unwrap());
        after.convert_time(0, before.media[0].time.unwrap()).unwrap();
        assert_eq!(after, before);
        assert!(after.convert_time(1, TimeBase::seconds()).is_err());
    }
}
