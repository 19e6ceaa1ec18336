//! Reads a COCO file or a WFDB annotation file, edits one label, and shows that nothing else changed.
//!
//! Without arguments on files that it makes itself; with a path, on that file (nothing is written).

use eir_annotate::{CocoFile, Limits, TimeBase, WfdbAnnotation, WfdbFile, WfdbRecord};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1) {
        Some(path) if path.ends_with(".json") => coco(&std::fs::read(&path).map_err(|e| format!("{path}: {e}"))?),
        Some(path) => wfdb(&std::fs::read(&path).map_err(|e| format!("{path}: {e}"))?),
        None => {
            coco(br#"{"images": [], "annotations": [{"id": 7, "category_id": 2, "bbox": [2.0, 2, 3.50, 1], "mine": {"x": 1e0}}]}"#)?;
            let mut file = WfdbFile::default();
            for time in [77, 370, 662, 10_000_000_000] {
                file.records.push(WfdbRecord::new(WfdbAnnotation { time, code: 1, ..WfdbAnnotation::default() }));
            }
            wfdb(&file.to_bytes()?)
        }
    }
}

fn coco(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = CocoFile::from_bytes(bytes.to_vec(), &Limits::default())?;
    println!(
        "COCO: {} annotations, unedited the same bytes: {}",
        file.annotations.len(),
        file.to_text()?.as_bytes() == bytes
    );
    if let Some(record) = file.annotations.first_mut() {
        record.value.category_id = Some(record.value.category_id.unwrap_or(0) + 1);
    }
    report(bytes, file.to_text()?.as_bytes());
    Ok(())
}

fn wfdb(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = WfdbFile::from_bytes(bytes, &Limits::default())?;
    let clock = TimeBase::samples(360.into())?;
    let mut document = file.to_document("record", clock)?;
    println!(
        "WFDB: {} annotations, labels {:?}",
        document.annotations.len(),
        document.labels.iter().map(|l| &l.name).collect::<Vec<_>>()
    );
    document.convert_time(0, TimeBase::milliseconds())?;
    let losses = file.update(&document, 0, clock)?;
    println!("in milliseconds and back the same bytes: {}, {} losses", file.to_bytes()? == bytes, losses.len());
    if let Some(record) = file.records.iter_mut().find(|r| r.value.is_event()) {
        record.value.code = 5;
    }
    report(bytes, &file.to_bytes()?);
    Ok(())
}

fn report(before: &[u8], after: &[u8]) {
    let differ = before.iter().zip(after).filter(|(a, b)| a != b).count() + before.len().abs_diff(after.len());
    println!("one label edited: {differ} of {} bytes differ", before.len());
}
