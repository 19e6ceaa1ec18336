//! Broken inputs give an error or a result, never a panic, and take bounded memory.

use eir_annotate::{
    CocoFile, CohenKappa, DawidSkene, KrippendorffAlpha, Limits, Measurement, Rating, Ratings, Rle, TimeBase,
    WfdbAnnotation, WfdbFile, WfdbRecord, polygon_mask, timeline, wfdb_header_clock,
};
use eir_core::testing::{PeakAlloc, contract, faults, recipes, shared};
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// An annotation file with every kind of field.
fn annotations() -> eir_annotate::Result<Vec<u8>> {
    let mut file = WfdbFile::default();
    let note = |text: &str| WfdbAnnotation { code: 22, aux: Some(text.into()), ..WfdbAnnotation::default() };
    file.records.extend(["## time resolution: 360", "odd"].map(|t| WfdbRecord::new(note(t))));
    for i in 0..300 {
        let aux = (i % 50 == 0).then(|| b"(AFIB\0".to_vec());
        let (time, code) = (i64::from(i) * 700, if aux.is_some() { 28 } else { 1 + (i % 41) as u8 });
        let (subtype, channel, number) = ((i % 3) as i8 - 1, (i % 7) as u8, (i % 5) as i8);
        file.records.push(WfdbRecord::new(WfdbAnnotation { time, code, subtype, channel, number, aux }));
    }
    file.to_bytes()
}

const COCO: &str = r#"{"info": {"a": [1, {"b": null}]}, "images": [{"id": 5, "width": 10, "height": 5, "file_name": "\u00e9.jpg"}],
"categories": [{"id": 1, "name": "a", "keypoints": ["l", "r"], "skeleton": [[1, 2]]}],
"annotations": [{"id": 1, "image_id": 5, "category_id": 1, "segmentation": [[1, 1, 3.5, 1, 3, 3]], "area": 3.0, "bbox": [2.0, 2, 3, 1],
"iscrowd": 0, "keypoints": [0, 0, 0, 4, 1, 2], "num_keypoints": 1, "score": 0.5},
{"id": 7, "image_id": 5, "segmentation": {"counts": [10, 10, 5, 10, 15], "size": [5, 10]}, "caption": "two\n\"dogs\""},
{"id": 8, "image_id": 5, "segmentation": {"size": [2, 3], "counts": "24"}, "segments_info": [{"id": 3, "bbox": [1, 2, 3, 4]}]}]}"#;

fn read_coco(bytes: &[u8]) -> eir_annotate::Result<()> {
    let mut file = CocoFile::from_bytes(bytes.to_vec(), &Limits::default())?;
    let text = file.to_text()?;
    assert_eq!(text.as_bytes(), bytes, "unedited, so the same bytes");
    let document = file.to_document();
    if document.validate().is_ok() {
        file.update(&document)?;
        file.to_text()?;
    }
    Ok(())
}

fn read_wfdb(bytes: &[u8]) -> eir_annotate::Result<()> {
    let mut file = WfdbFile::from_bytes(bytes, &Limits::default())?;
    assert_eq!(file.to_bytes()?, bytes, "unedited, so the same bytes");
    let clock = TimeBase::samples(360.into())?;
    let document = file.to_document("x", clock)?;
    timeline(&document).or_else(|e| if document.annotations.is_empty() { Ok(String::new()) } else { Err(e) })?;
    file.update(&document, 0, clock)?;
    assert_eq!(file.to_bytes()?, bytes, "unedited, so the same bytes");
    Ok(())
}

#[test]
fn readers_are_bounded() {
    contract::bounded_reader("WFDB annotations", &annotations().unwrap(), &MEMORY, read_wfdb);
    contract::bounded_reader("COCO", COCO.as_bytes(), &MEMORY, read_coco);
    contract::bounded_reader("WFDB header", b"# note\n100 2 360/720(3) 650000\n", &MEMORY, |b| {
        wfdb_header_clock(b).map(drop)
    });
    let mask = Rle::new(40, 30, vec![7; 171].into_iter().chain([3]).collect()).unwrap().to_compressed();
    contract::bounded_reader("COCO run lengths", mask.as_bytes(), &MEMORY, |bytes| {
        let mask = Rle::from_compressed(40, 30, &String::from_utf8_lossy(bytes))?;
        std::hint::black_box((mask.area(), mask.bounding_box()));
        mask.union(&Rle::new(40, 30, vec![1200])?).map(drop)
    });
}

#[test]
fn malformed_files() {
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    contract::withstands("COCO", recipes::coco(), |b| CocoFile::from_bytes(b.to_vec(), &small));
    contract::withstands("JSON as COCO", recipes::json(), |b| CocoFile::from_bytes(b.to_vec(), &small));
    contract::withstands("WFDB annotations", recipes::wfdb_annotations(), |b| WfdbFile::from_bytes(b, &small));
    // only the clock is read of a header: what lies in its signals' lines is not looked at
    let headers = recipes::wfdb_header().into_iter().map(|recipe| recipe.with_must(recipes::Must::Either));
    contract::withstands("WFDB header", headers, wfdb_header_clock);
}

#[test]
fn every_prefix_and_every_byte() {
    let limits = Limits::default();
    let coco = |b: &[u8]| CocoFile::from_bytes(b.to_vec(), &limits).map(|file| file.annotations.len());
    contract::prefix_law("COCO", COCO.as_bytes(), coco);
    contract::byte_law("COCO", COCO.as_bytes(), coco);
    let records = |b: &[u8]| WfdbFile::from_bytes(b, &limits).map(|file| file.records.len());
    contract::prefix_law("WFDB annotations", &annotations().unwrap(), records);
    contract::byte_law("WFDB annotations", &annotations().unwrap(), records);
}

#[test]
fn writers_leave_the_old_file_or_the_new_one() {
    let file = CocoFile::from_text(COCO, &Limits::default()).unwrap();
    faults::file("a.json", |path| file.write(path));
    let file = WfdbFile::from_bytes(&annotations().unwrap(), &Limits::default()).unwrap();
    faults::file("a.atr", |path| file.write(path));
}

#[test]
fn a_claim_of_a_huge_picture_takes_no_memory() {
    let claim = r#"[{"segmentation":{"size":[65000,65000],"counts":[4225000000]}}]"#;
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let file = CocoFile::from_text(claim, &Limits::default()).unwrap();
    let Some(eir_annotate::Segmentation::Mask { mask, .. }) = &file.annotations[0].value.segmentation else {
        panic!("no mask")
    };
    assert!(mask.to_mask(eir_annotate::PixelOrder::Rows, &Limits::default()).is_err());
    assert!(MEMORY.peak_usage_as_mb() - before < 64.0);
}

#[test]
fn deep_nesting_is_an_error() {
    for text in ["[".repeat(1_000_000), format!("{{\"annotations\":{}", "[{\"x\":".repeat(200_000))] {
        assert!(CocoFile::from_text(&text, &Limits::default()).is_err());
    }
}

#[test]
fn measures_give_a_result_or_an_error() {
    for level in [Measurement::Nominal, Measurement::Ordinal, Measurement::Interval, Measurement::Ratio] {
        contract::detector("alpha", |x| {
            let values: Vec<f64> = x.iter().take(400).map(|v| f64::from(*v)).collect();
            let config = KrippendorffAlpha::default().with_measurement(level).with_draws(100);
            config.estimate(&values, 2).map(|e| (e.value.to_bits(), e.lower.to_bits()))
        });
    }
    contract::detector("kappa", |x| {
        let classes: Vec<u32> = x.iter().map(|v| if *v > 0.0 { 1 } else { 0 }).collect();
        let (a, b) = classes.split_at(classes.len() / 2);
        CohenKappa::default().estimate(a, b, 2).map(|k| k.estimate.value.to_bits())
    });
    contract::detector("Dawid and Skene", |x| {
        let class = |v: &f32| if v.is_finite() { v.abs().min(3.0) as u32 } else { 0 };
        let place = |i: usize| (i as u32 / 3, i as u32 % 3);
        let all = x.iter().enumerate().map(|(i, v)| Rating { item: place(i).0, rater: place(i).1, class: class(v) });
        let ratings = Ratings::new(x.len().div_ceil(3), 3, 4, all.collect())?;
        let fit = DawidSkene::default().fit(&ratings)?;
        assert!(fit.posterior.iter().all(|p| p.is_finite()));
        Ok::<_, eir_annotate::Error>(fit.labels())
    });
    contract::detector("polygon", |x| {
        let corners: Vec<[f64; 2]> = x.as_chunks::<2>().0.iter().map(|c| c.map(f64::from)).collect();
        polygon_mask(&corners, 50, 60)
    });
}

#[test]
fn types_go_between_threads() {
    contract::send_sync::<eir_annotate::Document>();
    contract::send_sync::<CocoFile>();
    contract::send_sync::<WfdbFile>();
    contract::send_sync::<eir_annotate::DawidSkeneFit>();
    contract::send_sync::<eir_annotate::Error>();
}

/// Files below `folder` whose name `wanted` accepts.
fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, wanted, found);
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

#[test]
fn every_real_file_comes_back_byte_for_byte_and_broken_ones_do_no_harm() {
    let Some(folder) = shared() else { return };
    let extension = |p: &Path| p.extension().and_then(|e| e.to_str()).unwrap_or_default().to_owned();
    let is_annotation = |p: &Path| matches!(extension(p).as_str(), "atr" | "qrs" | "anI" | "gqrsh" | "gqrsl");
    let mut found = Vec::new();
    files(&folder.join("data"), &is_annotation, &mut found);
    assert!(!found.is_empty(), "no WFDB annotation file below {}", folder.display());
    for path in &found {
        let bytes = std::fs::read(path).unwrap();
        read_wfdb(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        contract::bounded_reader("WFDB annotations", &bytes, &MEMORY, read_wfdb);
    }
    let mut coco = Vec::new();
    files(&folder.join("data/annotate/coco"), &|p| extension(p) == "json", &mut coco);
    assert!(!coco.is_empty(), "no COCO file below {}", folder.display());
    for path in &coco {
        contract::bounded_reader("COCO", &std::fs::read(path).unwrap(), &MEMORY, read_coco);
    }
    println!("{} WFDB and {} COCO files", found.len(), coco.len());
}
