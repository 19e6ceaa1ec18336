//! COCO files as a [`Document`], and back.

use crate::coco::{CocoFile, CocoRecord};
use crate::coco_record::{CocoAnnotation, CocoCategory, CocoImage, Segmentation};
use crate::model::{Annotation, Document, Keypoint, Label, Loss, Media, MediaKind, Target, Visibility};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

impl CocoFile {
    /// The annotations as a document: a medium per picture, a label per category.
    ///
    /// Pictures and categories that annotations name and the file does not list (in a results file, all of them) get a
    /// medium or a label with their number alone. A panoptic record is one annotation per segment.
    ///
    /// # Examples
    /// ```
    /// use eir_annotate::{CocoFile, Limits, Target};
    /// let text = r#"[{"image_id": 42, "category_id": 18, "bbox": [1, 2, 30, 40.5], "score": 0.9}]"#;
    /// let document = CocoFile::from_text(text, &Limits::default())?.to_document();
    /// assert_eq!(document.annotations[0].targets, [Target::Box([1.0, 2.0, 30.0, 40.5])]);
    /// assert_eq!((document.media[0].id.as_str(), document.labels[0].number), ("42", Some(18)));
    /// # Ok::<(), eir_annotate::Error>(())
    /// ```
    #[must_use]
    pub fn to_document(&self) -> Document {
        let mut document = Document::default();
        let (mut media, mut labels) = (BTreeMap::new(), BTreeMap::new());
        for (source, image) in self.images.iter().map(|r| &r.value).enumerate() {
            let mut one = Media::new(image.id.to_string(), MediaKind::Image);
            one.file.clone_from(&image.file_name);
            one.size_px = image.width.zip(image.height).map(|(w, h)| [w, h]);
            one.source = Some(source);
            let place = document.add_media(one);
            media.entry(image.id).or_insert(place);
        }
        for category in self.categories.iter().map(|r| &r.value) {
            let place = document.add_label(label(category));
            labels.entry(category.id).or_insert(place);
        }
        for (source, record) in self.annotations.iter().map(|r| &r.value).enumerate() {
            let image = record.image_id.unwrap_or_default();
            let place = *media
                .entry(image)
                .or_insert_with(|| document.add_media(Media::new(image.to_string(), MediaKind::Image)));
            let mut label = |document: &mut Document, id: Option<i64>| {
                id.map(|id| {
                    let new = || document.add_label(Label::new(id.to_string()).with_number(id));
                    *labels.entry(id).or_insert_with(new)
                })
            };
            for segment in record.segments_info.iter().flatten() {
                let mut one = Annotation::new(place, segment.bbox.map_or(Target::Whole, Target::Box));
                one.label = label(&mut document, segment.category_id);
                one.number = Some(segment.id);
                one.crowd = segment.iscrowd == Some(true);
                one.provenance.source = Some(source);
                document.annotations.push(one);
            }
            if record.segments_info.is_none() {
                let label = label(&mut document, record.category_id);
                document.annotations.push(annotation(record, place, label, source));
            }
        }
        document
    }

    /// A data set with all pictures of `document`, and what had no place in it.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn from_document(document: &Document) -> Result<(Self, Vec<Loss>)> {
        let mut file = Self::empty(false);
        let mut fresh = document.clone();
        fresh.annotations.iter_mut().for_each(|a| a.provenance.source = None);
        let losses = file.update(&fresh)?;
        Ok((file, losses))
    }

    /// Takes over what `document` says, and tells what had no place in the file.
    ///
    /// An annotation that was read from this file and is unedited keeps its bytes; an edited one changes the entries that
    /// were edited. Deleted ones go, new ones come at the document's place for them. Panoptic records stay as they are.
    ///
    /// # Errors
    /// [`Error::Reference`] or [`Error::Target`] if the document is not valid.
    pub fn update(&mut self, document: &Document) -> Result<Vec<Loss>> {
        document.validate()?;
        let before = self.to_document();
        let mut known: BTreeMap<usize, &Annotation> = BTreeMap::new();
        for old in &before.annotations {
            known.extend(old.provenance.source.map(|s| (s, old)));
        }
        let mut losses = Vec::new();
        let images = self.image_ids(document, &before);
        let categories = self.category_ids(document, &before);
        let mut records: Vec<CocoRecord<CocoAnnotation>> = Vec::with_capacity(document.annotations.len());
        let mut next_id = self.annotations.iter().filter_map(|a| a.value.id).max().unwrap_or(0);
        let mut used = BTreeSet::new();
        for (i, annotation) in document.annotations.iter().enumerate() {
            let source = annotation.provenance.source;
            let old = source.and_then(|s| Some((s, self.annotations.get(s)?, *known.get(&s)?)));
            if let Some((s, record, _)) = old.filter(|o| o.1.value.segments_info.is_some()) {
                if used.insert(s) {
                    records.push(record.clone());
                }
                if !before.annotations.contains(annotation) {
                    losses.push(Loss::new(i, "an edit of a panoptic segment"));
                }
                continue;
            }
            let first = source.is_some_and(|s| used.insert(s));
            let (mut record, was) = match old {
                Some((_, record, was)) if first => (record.clone(), Some(was)),
                _ => (CocoRecord::new(CocoAnnotation::default()), None),
            };
            let same = was.is_some_and(|was| {
                let medium = |d: &Document, a: &Annotation| d.media.get(a.media).map(|m| m.id.clone());
                let number =
                    |d: &Document, a: &Annotation| a.label.and_then(|l| d.labels.get(l)).and_then(|l| l.number);
                let moved = Annotation { media: was.media, label: was.label, ..annotation.clone() };
                moved == *was
                    && medium(document, annotation) == medium(&before, was)
                    && number(document, annotation) == number(&before, was)
            });
            if !same {
                let value = &mut record.value;
                value.image_id = images.get(annotation.media).copied();
                value.category_id = annotation.label.and_then(|l| categories.get(l).copied());
                apply(annotation, was, value, i, &mut losses);
                if value.id.is_none() && !self.is_results() {
                    next_id += 1;
                    value.id = Some(next_id);
                }
            }
            records.push(record);
        }
        self.annotations = records;
        Ok(losses)
    }

    /// The number of each medium's picture; pictures that the file lacks and did not lack `before` are added.
    fn image_ids(&mut self, document: &Document, before: &Document) -> Vec<i64> {
        let mut listed: BTreeSet<i64> = self.images.iter().map(|i| i.value.id).collect();
        listed.extend(before.media.iter().filter_map(|m| m.id.parse::<i64>().ok()));
        let mut next = listed.last().copied().unwrap_or(0);
        let mut ids = Vec::with_capacity(document.media.len());
        for media in &document.media {
            let id = media.id.parse().unwrap_or_else(|_| next + 1);
            next = next.max(id);
            ids.push(id);
            if !self.is_results() && listed.insert(id) {
                let [width, height] = media.size_px.map_or([None; 2], |size| size.map(Some));
                let image = CocoImage { id, width, height, file_name: media.file.clone() };
                self.images.push(CocoRecord::new(image));
            }
        }
        ids
    }

    /// The number of each label's category; categories that the file lacks and did not lack `before` are added, changed
    /// names taken over.
    fn category_ids(&mut self, document: &Document, before: &Document) -> Vec<i64> {
        let mut next = self.categories.iter().map(|c| c.value.id).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(document.labels.len());
        for one in &document.labels {
            let id = one.number.unwrap_or(next + 1);
            next = next.max(id);
            ids.push(id);
            if self.is_results() {
                continue;
            }
            match self.categories.iter_mut().find(|c| c.value.id == id) {
                Some(record) if label(&record.value) != *one => {
                    record.value.name = Some(one.name.clone());
                    record.value.supercategory.clone_from(&one.group);
                }
                Some(_) => {}
                None if before.labels.contains(one) => {} // named by annotations alone
                None => {
                    let category = CocoCategory {
                        id,
                        name: Some(one.name.clone()),
                        supercategory: one.group.clone(),
                        keypoints: (!one.keypoints.is_empty()).then(|| one.keypoints.clone()),
                        skeleton: (!one.skeleton.is_empty()).then(|| one.skeleton.clone()),
                    };
                    self.categories.push(CocoRecord::new(category));
                }
            }
        }
        ids
    }
}

fn label(category: &CocoCategory) -> Label {
    let mut label = Label::new(category.name.clone().unwrap_or_default()).with_number(category.id);
    label.group.clone_from(&category.supercategory);
    label.keypoints = category.keypoints.clone().unwrap_or_default();
    label.skeleton = category.skeleton.clone().unwrap_or_default();
    label
}

fn annotation(record: &CocoAnnotation, media: usize, label: Option<usize>, source: usize) -> Annotation {
    let mut annotation = Annotation::new(media, Target::Whole);
    annotation.targets = targets(record);
    annotation.label = label;
    annotation.number = record.id;
    annotation.score = record.score;
    annotation.text.clone_from(&record.caption);
    annotation.crowd = record.iscrowd == Some(true);
    annotation.provenance.source = Some(source);
    annotation
}

fn targets(record: &CocoAnnotation) -> Vec<Target> {
    let mut targets: Vec<Target> = record.bbox.map(Target::Box).into_iter().collect();
    match &record.segmentation {
        Some(Segmentation::Polygons(list)) if !list.is_empty() => targets.push(Target::Polygons(list.clone())),
        Some(Segmentation::Mask { mask, .. }) => targets.push(Target::Mask(mask.clone())),
        _ => {}
    }
    if let Some(points) = &record.keypoints {
        let visibility = |v: f64| match v {
            0.0 => Visibility::NotLabelled,
            1.0 => Visibility::Hidden,
            _ => Visibility::Visible,
        };
        let point = |p: &[f64; 3]| Keypoint { x_px: p[0], y_px: p[1], visibility: visibility(p[2]) };
        targets.push(Target::Keypoints(points.iter().map(point).collect()));
    }
    if targets.is_empty() { vec![Target::Whole] } else { targets }
}

/// Writes what `annotation` says into `value` where it differs from what the record said.
fn apply(
    annotation: &Annotation,
    was: Option<&Annotation>,
    value: &mut CocoAnnotation,
    i: usize,
    losses: &mut Vec<Loss>,
) {
    let mut lose = |lost: bool, what| {
        if lost {
            losses.push(Loss::new(i, what))
        }
    };
    lose(annotation.provenance.rater.is_some(), "the rater");
    lose(annotation.channel.is_some(), "the channel");
    lose(annotation.subtype.is_some(), "the subtype");
    value.id = annotation.number;
    value.score = annotation.score;
    value.caption.clone_from(&annotation.text);
    if annotation.crowd != (value.iscrowd == Some(true)) {
        value.iscrowd = Some(annotation.crowd);
    }
    if was.is_some_and(|was| was.targets == annotation.targets) {
        return;
    }
    let compressed = !matches!(value.segmentation, Some(Segmentation::Mask { compressed: false, .. }));
    let (mut bbox, mut segmentation, mut keypoints) = (None, None, None);
    for target in &annotation.targets {
        match target {
            Target::Whole => {}
            Target::Point(_) | Target::Interval { .. } => lose(true, "a time"),
            Target::Box(b) => bbox = Some(*b),
            Target::Polygons(list) => segmentation = Some(Segmentation::Polygons(list.clone())),
            Target::Mask(mask) => segmentation = Some(Segmentation::Mask { mask: mask.clone(), compressed }),
            Target::Keypoints(points) => {
                let seen = |v| match v {
                    Visibility::NotLabelled => 0.0,
                    Visibility::Hidden => 1.0,
                    Visibility::Visible => 2.0,
                };
                let labelled = points.iter().filter(|p| p.visibility != Visibility::NotLabelled).count();
                value.num_keypoints = i64::try_from(labelled).ok();
                keypoints = Some(points.iter().map(|p| [p.x_px, p.y_px, seen(p.visibility)]).collect());
            }
        }
    }
    if let (None, Some(Segmentation::Polygons(empty))) = (&segmentation, &value.segmentation) {
        segmentation = Some(Segmentation::Polygons(empty.clone())).filter(|_| empty.is_empty());
    }
    (value.bbox, value.segmentation, value.keypoints) = (bbox, segmentation, keypoints);
    if value.area.is_some() || was.is_none() {
        value.area = area(value).or(value.area);
    }
}

/// Area of the mask, of the outlines or of the box, in square pixels.
fn area(value: &CocoAnnotation) -> Option<f64> {
    match &value.segmentation {
        Some(Segmentation::Mask { mask, .. }) => Some(mask.area() as f64),
        Some(Segmentation::Polygons(list)) if !list.is_empty() => Some(list.iter().map(|p| shoelace(p)).sum()),
        _ => value.bbox.map(|[_, _, w, h]| w * h),
    }
}

fn shoelace(corners: &[[f64; 2]]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

impl Document {
    /// The position of the label called `name`.
    ///
    /// # Errors
    /// [`Error::Undefined`] if there is none.
    pub fn label_named(&self, name: &str) -> Result<usize> {
        let missing = Error::Undefined { what: "the label", why: "the document has none of this name" };
        self.labels.iter().position(|l| l.name == name).ok_or(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::Limits;

    const TEXT: &str = r#"{"images":[{"id":5,"width":10,"height":5,"file_name":"a.jpg","x":[1]}],
"categories":[{"id":1,"name":"a","keypoints":["l","r"],"skeleton":[[1,2]]},{"id":4,"name":"c"}],
"annotations":[{"id":1,"image_id":5,"category_id":1,"segmentation":[],"area":3.0,"bbox":[2.0,2,3,1],"iscrowd":0,"keypoints":[0,0,0,4,1,2],"num_keypoints":1},
{"id":7,"image_id":5,"category_id":4,"segmentation":{"counts":[10,10,5,10,15],"size":[5,10]},"area":20.0}]}"#;

    fn file() -> CocoFile {
        CocoFile::from_text(TEXT, &Limits::default()).unwrap()
    }

    #[test]
    fn unedited_it_is_the_same() {
        let mut file = file();
        let document = file.to_document();
        document.validate().unwrap();
        assert_eq!((document.annotations[0].targets.len(), document.labels[0].skeleton.len()), (2, 1));
        assert_eq!(file.update(&document).unwrap(), []);
        assert_eq!(file.to_text().unwrap(), TEXT);
    }

    #[test]
    fn categories_that_only_annotations_name_are_not_added() {
        let text =
            r#"{"images":[],"categories":[],"annotations":[{"id":1,"image_id":5,"category_id":0,"caption":"hello"}]}"#;
        let mut file = CocoFile::from_text(text, &Limits::default()).unwrap();
        let document = file.to_document();
        assert_eq!((document.media.len(), document.labels.len()), (1, 1));
        file.update(&document).unwrap();
        assert_eq!(file.to_text().unwrap(), text);
    }

    #[test]
    fn a_changed_label_changes_one_number() {
        let mut file = file();
        let mut document = file.to_document();
        document.annotations[0].label = Some(document.label_named("c").unwrap());
        file.update(&document).unwrap();
        assert_eq!(file.to_text().unwrap(), TEXT.replacen("\"category_id\":1", "\"category_id\":4", 1));
        assert!(document.label_named("z").is_err());
    }

    #[test]
    fn edited_targets_and_new_annotations() {
        let mut file = file();
        let mut document = file.to_document();
        document.annotations[1].targets = vec![Target::Polygons(vec![vec![[0.0, 0.0], [4.0, 0.0], [4.0, 2.0]]])];
        let label = document.add_label(Label::new("new"));
        document.annotations.push(Annotation::new(0, Target::Box([1.0, 1.0, 2.0, 2.5])).with_label(label));
        document.annotations.push(Annotation::new(0, Target::Whole).with_text("two dogs"));
        assert_eq!(file.update(&document).unwrap(), []);
        let again = CocoFile::from_text(&file.to_text().unwrap(), &Limits::default()).unwrap();
        assert_eq!(again.annotations[1].value.area, Some(4.0));
        let new = &again.annotations[2].value;
        assert_eq!((new.id, new.category_id, new.area), (Some(8), Some(5), Some(5.0)));
        assert_eq!(again.categories[2].value.name.as_deref(), Some("new"));
        assert_eq!(again.annotations[3].value.caption.as_deref(), Some("two dogs"));
    }

    #[test]
    fn a_document_of_another_origin() {
        let (fresh, losses) = CocoFile::from_document(&file().to_document()).unwrap();
        assert!(losses.is_empty());
        let again = CocoFile::from_text(&fresh.to_text().unwrap(), &Limits::default()).unwrap();
        let (a, b) = (again.to_document(), file().to_document());
        assert_eq!((a.annotations, a.labels), (b.annotations, b.labels));
    }

    #[test]
    fn panoptic_records_stay() {
        let text = r#"{"images":[{"id":5}],"annotations":[{"image_id":5,"file_name":"a.png","segments_info":[
            {"id":7,"category_id":1,"area":20.0,"bbox":[2.0,0.0,4.0,4.0],"iscrowd":0},{"id":9}]}]}"#;
        let mut file = CocoFile::from_text(text, &Limits::default()).unwrap();
        let mut document = file.to_document();
        assert_eq!(document.annotations.len(), 2);
        document.labels.clear();
        document.annotations.iter_mut().for_each(|a| a.label = None);
        assert_eq!(file.update(&document).unwrap().len(), 1);
        assert_eq!(file.to_text().unwrap(), text);
        file.annotations[0].value.segments_info.as_mut().unwrap()[1].category_id = Some(3);
        assert_eq!(file.to_text().unwrap(), text.replace("{\"id\":9}", "{\"id\":9,\"category_id\":3}"));
    }
}
