//! A COCO file: unedited it comes back byte for byte, and an edited one can be read again.
#![no_main]
use eir_annotate::{CocoFile, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default().with_bytes(16 << 20);
    let Ok(mut file) = CocoFile::from_bytes(bytes.to_vec(), &limits) else { return };
    assert!(file.to_text().is_ok_and(|text| text.as_bytes() == bytes));
    let document = file.to_document();
    if document.validate().is_ok() {
        let _ = file.update(&document);
    }
    for record in &mut file.annotations {
        record.value.category_id = record.value.category_id.map(|id| id ^ 1);
        record.value.caption = Some("edited".to_owned());
    }
    file.images.pop();
    if let Ok(text) = file.to_text() {
        assert!(CocoFile::from_text(&text, &limits).is_ok_and(|again| again.annotations.len() == file.annotations.len()));
    }
});
