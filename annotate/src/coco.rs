//! COCO JSON: data sets (instances, keypoints, captions, stuff, panoptic) and results, without loss.

#[cfg(doc)]
use crate::Error;
use crate::Result;
use crate::coco_record::{Budget, CocoAnnotation, CocoCategory, CocoImage, Item, present};
use crate::json::{self, Cursor, Value};
use eir_core::Limits;
use eir_core::error::Malformed;
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

/// A COCO file: its records, and its text, of which every unedited record keeps its bytes.
///
/// **Use it** to read, correct and write COCO files of all kinds. **Not** for evaluation (mean average precision).
///
/// Number formats, key order, white space and keys that COCO does not know stay as they were; an edited record changes
/// only the values that were edited. A new record is written as other records are separated.
///
/// # Examples
/// ```
/// use eir_annotate::{CocoFile, Limits};
/// let text = r#"{"images": [], "annotations": [{"id": 7, "image_id": 5, "category_id": 2, "bbox": [2.0, 2, 3.50, 1]}]}"#;
/// let mut file = CocoFile::from_text(text, &Limits::default())?;
/// assert_eq!(file.to_text()?, text);
/// file.annotations[0].value.category_id = Some(3);
/// assert_eq!(file.to_text()?, text.replace("\"category_id\": 2", "\"category_id\": 3"));
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Malformed`] names the byte at which the text stops being JSON or COCO; [`Error::Mismatch`] run lengths that
/// do not fill their picture; [`Error::Limit`] more records or numbers than allowed. Nesting beyond 64 levels is refused.
///
/// # Validation
/// Every COCO file of the data folder is written back byte for byte. Area, number of runs and box of the masks of
/// cocoapi's result file equal pycocotools 2.0.11 exactly.
///
/// # References
/// Lin et al. 2014, doi:10.1007/978-3-319-10602-1_48; Kirillov et al. 2019, doi:10.1109/CVPR.2019.00963 (panoptic).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CocoFile {
    /// The pictures; empty in a results file.
    pub images: Vec<CocoRecord<CocoImage>>,
    /// The label schema; empty in a results file.
    pub categories: Vec<CocoRecord<CocoCategory>>,
    /// The annotations or results.
    pub annotations: Vec<CocoRecord<CocoAnnotation>>,
    text: String,
    results: bool,
    /// Where images, categories and annotations lie in the text.
    lists: [Option<List>; 3],
}

/// A list of records in the text.
#[derive(Debug, Clone, Default)]
struct List {
    all: Range<usize>,
    records: Vec<Range<usize>>,
}

const KEYS: [&str; 3] = ["images", "categories", "annotations"];

/// A record and the place where it stood in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct CocoRecord<T> {
    /// What it says.
    pub value: T,
    source: Option<usize>,
}

impl<T> CocoRecord<T> {
    /// A record that is in no file yet.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self { value, source: None }
    }

    /// Position in the file that it was read from.
    #[must_use]
    pub fn source(&self) -> Option<usize> {
        self.source
    }
}

impl CocoFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] and all that the [type](Self) names.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self> {
        Self::from_bytes(eir_core::file::read(path, limits)?, limits)
    }

    /// As [`from_text`](Self::from_text), from bytes.
    ///
    /// # Errors
    /// As `from_text`; bytes that are not UTF-8 are [`Error::Malformed`].
    pub fn from_bytes(bytes: Vec<u8>, limits: &Limits) -> Result<Self> {
        let text = String::from_utf8(bytes)
            .map_err(|e| Malformed::at("COCO JSON", e.utf8_error().valid_up_to() as u64, "not UTF-8"))?;
        Self::parse(text, limits)
    }

    /// The file whose text is `text`.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub fn from_text(text: &str, limits: &Limits) -> Result<Self> {
        limits.check("COCO JSON (bytes)", text.len() as u64)?;
        Self::parse(text.to_owned(), limits)
    }

    /// An empty data set, or an empty list of results.
    #[must_use]
    pub fn empty(results: bool) -> Self {
        Self { results, ..Self::default() }
    }

    /// Whether it is a list of results.
    #[must_use]
    pub fn is_results(&self) -> bool {
        self.results
    }

    fn parse(text: String, limits: &Limits) -> Result<Self> {
        let mut file = Self::default();
        let mut budget = Budget { limits: *limits, bytes: text.len() as u64 };
        let mut cursor = Cursor::new(&text);
        if cursor.peek() == Some(b'[') {
            file.results = true;
            let (records, list) = read_list(&mut cursor, &mut budget)?;
            (file.annotations, file.lists[2]) = (records, Some(list));
        } else {
            cursor.object(|c, key, _| {
                let Some(slot) = KEYS.iter().position(|k| *k == key) else { return c.skip() };
                if file.lists[slot].is_some() {
                    return Err(c.bad("a list of records occurs twice"));
                }
                file.lists[slot] = Some(match slot {
                    0 => assign(&mut file.images, read_list(c, &mut budget)?),
                    1 => assign(&mut file.categories, read_list(c, &mut budget)?),
                    _ => assign(&mut file.annotations, read_list(c, &mut budget)?),
                });
                Ok(())
            })?;
        }
        cursor.end()?;
        file.text = text;
        Ok(file)
    }

    /// The text: the bytes that were read where nothing was edited.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error) for a number that JSON cannot hold.
    pub fn to_text(&self) -> Result<String> {
        let lists = [
            self.list_text(0, &self.images)?,
            self.list_text(1, &self.categories)?,
            self.list_text(2, &self.annotations)?,
        ];
        if self.results {
            let [_, _, annotations] = lists;
            let all = self.lists[2].as_ref().map_or(0..self.text.len(), |l| l.all.clone());
            let around = |range: Range<usize>| self.text.get(range).unwrap_or_default();
            let middle = annotations.unwrap_or_else(|| around(all.clone()).to_owned());
            return Ok(format!("{}{middle}{}", around(0..all.start), around(all.end..self.text.len())));
        }
        let mut changes = Vec::new();
        for ((key, text), list) in KEYS.iter().zip(lists).zip(&self.lists) {
            if let Some(text) = text.filter(|_| list.is_some() || self.text.is_empty() || !self.is_empty_list(key)) {
                changes.push((*key, Some(Value::Raw(text))));
            }
        }
        let whole = if self.text.is_empty() { "{}" } else { self.text.as_str() };
        if changes.is_empty() { Ok(whole.to_owned()) } else { json::edit_object(whole, &changes) }
    }

    /// Writes the file: the old one or the new one is there afterwards, never half of it.
    ///
    /// # Errors
    /// As [`to_text`](Self::to_text), and [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(eir_core::file::write_atomic(path, self.to_text()?.as_bytes())?)
    }

    fn is_empty_list(&self, key: &str) -> bool {
        match key {
            "images" => self.images.is_empty(),
            "categories" => self.categories.is_empty(),
            _ => self.annotations.is_empty(),
        }
    }

    /// The text of a list of records; none if it is unedited.
    fn list_text<T: Item>(&self, slot: usize, records: &[CocoRecord<T>]) -> Result<Option<String>> {
        let empty = List::default();
        let list = self.lists[slot].as_ref();
        let (all, old) = list.map_or(("[]", &empty.records), |l| (self.at(&l.all), &l.records));
        let mut edited = list.is_none() || records.len() != old.len();
        let mut pieces = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let before = record.source.and_then(|s| Some((s, self.at(old.get(s)?))));
            edited |= record.source != Some(i);
            let piece = match before {
                None => Cow::Owned(Value::Object(present(record.value.fields()?)).print()),
                Some((_, text)) => {
                    let was = T::read(&mut Cursor::new(text), &mut Budget::free())?;
                    if was == record.value {
                        Cow::Borrowed(text)
                    } else {
                        edited = true;
                        let (was, is) = (was.fields()?, record.value.fields()?);
                        let changes: Vec<_> = was.into_iter().zip(is).filter(|(a, b)| a != b).map(|(_, b)| b).collect();
                        Cow::Owned(json::edit_object(text, &changes)?)
                    }
                }
            };
            pieces.push((before.map(|b| b.0), piece));
        }
        if !edited {
            return Ok(None);
        }
        let start = list.map_or(0, |l| l.all.start);
        let spans: Vec<_> = old.iter().map(|s| s.start - start..s.end - start).collect();
        Ok(Some(json::rejoin(all, &spans, &pieces)))
    }

    fn at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

fn assign<T>(to: &mut Vec<CocoRecord<T>>, (records, list): (Vec<CocoRecord<T>>, List)) -> List {
    *to = records;
    list
}

fn read_list<T: Item>(cursor: &mut Cursor<'_>, budget: &mut Budget) -> Result<(Vec<CocoRecord<T>>, List)> {
    let (mut values, mut records) = (Vec::new(), Vec::new());
    let ((), all) = cursor.spanned(|c| {
        c.array(|c| {
            let (value, span) = c.spanned(|c| T::read(c, budget))?;
            budget.take(size_of::<CocoRecord<T>>() + size_of::<Range<usize>>())?;
            values.push(CocoRecord { value, source: Some(values.len()) });
            records.push(span);
            budget.limits.check_items("COCO records", records.len() as u64)?;
            Ok(())
        })
    })?;
    Ok((values, List { all, records }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::coco_record::Segmentation;
    use crate::rle::Rle;

    const TEXT: &str = "{\n \"info\": {\"year\": 2014},\n \"images\": [{\"id\": 5, \"width\": 10, \"height\": 5, \"flickr_url\": \"\"}],\n \
         \"categories\": [\n  {\"id\":1,\"name\":\"caf\\u00e9\"}\n ],\n \"annotations\": [\n  {\"id\":7, \"segmentation\": \
         {\"counts\":[10,10,5,10,15],\"size\":[5,10]}, \"area\": 20.0, \"iscrowd\": 1},\n  {\"id\":8,\"category_id\":1,\
         \"segmentation\":[[1,1,3.50,1,3,3]],\"keypoints\":[1,2,2]}\n ]\n}\n";

    fn file() -> CocoFile {
        CocoFile::from_text(TEXT, &Limits::default()).unwrap()
    }

    #[test]
    fn unedited_is_the_same_and_an_edit_touches_its_value() {
        let mut file = file();
        assert_eq!(file.to_text().unwrap(), TEXT);
        assert_eq!(file.categories[0].value.name.as_deref(), Some("café"));
        file.annotations[1].value.category_id = Some(4);
        assert_eq!(file.to_text().unwrap(), TEXT.replace("\"category_id\":1", "\"category_id\":4"));
        file.annotations[1].value.category_id = Some(1);
        if let Some(Segmentation::Polygons(p)) = &mut file.annotations[1].value.segmentation {
            p[0][1][1] = 1.25;
        }
        assert_eq!(file.to_text().unwrap(), TEXT.replace("3.50,1,", "3.50,1.25,"));
    }

    #[test]
    fn records_come_and_go() {
        let mut file = file();
        file.annotations.remove(0);
        file.annotations.push(CocoRecord::new(CocoAnnotation { id: Some(9), ..CocoAnnotation::default() }));
        file.categories.clear();
        let text = file.to_text().unwrap();
        let again = CocoFile::from_text(&text, &Limits::default()).unwrap();
        let ids: Vec<_> = again.annotations.iter().filter_map(|a| a.value.id).collect();
        assert_eq!((ids, again.categories.len()), (vec![8, 9], 0));
        assert!(
            text.contains("\"keypoints\":[1,2,2]},\n  {\"id\": 9}\n ]") && text.contains("\"categories\": [],"),
            "{text}"
        );
    }

    #[test]
    fn a_new_file_and_results() {
        let mut results = CocoFile::from_text("[ ]\n", &Limits::default()).unwrap();
        assert!(results.is_results());
        assert_eq!(results.to_text().unwrap(), "[ ]\n");
        let mask = Rle::new(2, 3, vec![2, 4]).unwrap();
        let segmentation = Some(Segmentation::Mask { mask, compressed: true });
        results.annotations.push(CocoRecord::new(CocoAnnotation {
            score: Some(0.5),
            segmentation,
            ..Default::default()
        }));
        let text = results.to_text().unwrap();
        assert_eq!(text, "[{\"segmentation\": {\"size\": [2, 3], \"counts\": \"24\"}, \"score\": 0.5}]\n");
        let empty = CocoFile::empty(false);
        assert_eq!(empty.to_text().unwrap(), "{\"images\": [], \"categories\": [], \"annotations\": []}");
    }

    #[test]
    fn wrong_files_are_refused_at_their_place() {
        let error = |text: &str| CocoFile::from_text(text, &Limits::default()).unwrap_err().to_string();
        assert!(error("{\"annotations\": [{\"bbox\": [1,2,3]}]}").contains("multiple of 4"));
        assert!(error("[{\"segmentation\":{\"size\":[2,3],\"counts\":[1]}}]").contains("expected 6, found 1"));
        assert!(error("[{\"segmentation\":{\"size\":[99999,99999],\"counts\":\"1\"}}]").contains("found"));
        assert!(error("{\"images\":[{\"width\":1}]}").contains("no id"));
        assert!(error("[{\"id\":1,\"id\":2}]").contains("twice"));
        assert!(error("{}{}").contains("at 2"));
        let few = Limits::default().with_items(1);
        assert!(matches!(CocoFile::from_text("[{},{}]", &few), Err(Error::Limit(_))));
        let long = format!("[{{\"keypoints\":[{}0,0,0]}}]", "0,0,0,".repeat(1000));
        assert!(matches!(CocoFile::from_text(&long, &Limits::default().with_bytes(10_000)), Err(Error::Limit(_))));
    }
}
