//! Benchmarks of this crate against crowd-kit, krippendorff, pycocotools, scikit-learn and wfdb, on inputs that both
//! sides make from one recipe (see `peers.py`), so that no file is needed.

use eir_annotate::{
    CocoAnnotation, CocoFile, CocoRecord, DawidSkene, DawidSkeneFit, KrippendorffAlpha, Limits, Measurement,
    PixelOrder, Rating, Ratings, Rle, Segmentation, Stop, WfdbFile, cohen_kappa, mask_iou, polygon_mask,
};
use eir_core::testing::bench::Bench;
use std::f64::consts::TAU;
use std::path::PathBuf;

/// The recipe's numbers: the same in `peers.py`.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn main() -> std::process::ExitCode {
    match rows() {
        Ok(code) => code,
        Err(error) => {
            println!("the benchmark's input could not be made: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// 20 000 items with five ratings each by 500 raters, five classes.
fn ratings() -> eir_annotate::Result<Ratings> {
    let mut numbers = Numbers(1);
    let mut all = Vec::new();
    for item in 0..20_000 {
        let truth = numbers.below(5);
        let first = numbers.below(500);
        for step in 0..5 {
            let answer = if numbers.below(100) < 70 { truth } else { numbers.below(5) };
            all.push(Rating { item, rater: ((first + 97 * step) % 500) as u32, class: answer as u32 });
        }
    }
    Ratings::new(20_000, 500, 5, all)
}

/// 20 raters, 5000 units, five classes, 30 % missing.
fn matrix() -> Vec<f64> {
    let mut numbers = Numbers(2);
    let truth: Vec<u64> = (0..5000).map(|_| numbers.below(5)).collect();
    let mut rate = |t: &u64| {
        let answer = if numbers.below(100) < 65 { *t } else { numbers.below(5) };
        if numbers.below(100) < 30 { f64::NAN } else { answer as f64 }
    };
    (0..20).flat_map(|_| truth.iter().map(&mut rate).collect::<Vec<_>>()).collect()
}

/// A hundred masks of 480 × 640 pixels, column by column: three ellipses each.
fn masks() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(3);
    let mut one = || {
        let mut mask = vec![0u8; 480 * 640];
        for _ in 0..3 {
            let (cy, cx) = (numbers.below(480) as i64, numbers.below(640) as i64);
            let (ry, rx) = (20 + numbers.below(140) as i64, 20 + numbers.below(190) as i64);
            for x in 0..640 {
                for y in 0..480 {
                    if ((y - cy) * rx).pow(2) + ((x - cx) * ry).pow(2) <= (rx * ry).pow(2) {
                        mask[(x * 480 + y) as usize] = 1;
                    }
                }
            }
        }
        mask
    };
    (0..100).map(|_| one()).collect()
}

/// A thousand stars with thirty corners.
fn stars() -> Vec<Vec<[f64; 2]>> {
    let mut numbers = Numbers(4);
    let mut star = || {
        let corner = |i: u64, radius: f64| {
            let angle = TAU * i as f64 / 30.0;
            [
                ((320.0 + radius * angle.cos()) * 100.0).round() / 100.0,
                ((240.0 + radius * angle.sin()) * 100.0).round() / 100.0,
            ]
        };
        (0..30).map(|i| corner(i, 30.0 + numbers.below(200) as f64)).collect()
    };
    (0..1000).map(|_| star()).collect()
}

/// A results file with a box, a mask and a score for each of 10 000 things.
fn results(masks: &[Rle]) -> String {
    let mut numbers = Numbers(5);
    let mut rows = Vec::new();
    for i in 0..10_000 {
        let mask = masks[i % masks.len()].to_compressed().replace('\\', "\\\\");
        let bbox: Vec<String> = (0..4).map(|_| format!("{}.{:02}", numbers.below(400), numbers.below(100))).collect();
        rows.push(format!(
            "{{\"image_id\": {}, \"category_id\": {}, \"bbox\": [{}], \"segmentation\": {{\"size\": [48, 64], \"counts\": \"{mask}\"}}, \"score\": 0.{}}}",
            i / 10,
            1 + numbers.below(80),
            bbox.join(", "),
            100 + numbers.below(900),
        ));
    }
    format!("[{}]", rows.join(", "))
}

fn rows() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    let folder =
        PathBuf::from(std::env::var_os("CARGO_TARGET_TMPDIR").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()));
    std::fs::create_dir_all(&folder)?;
    // what the peers read
    let small: Vec<Rle> = (0..50)
        .map(|i| {
            let mut numbers = Numbers(100 + i);
            let mut mask = vec![0u8; 48 * 64];
            for _ in 0..6 {
                let (x, y) = (numbers.below(56) as usize, numbers.below(40) as usize);
                (0..8).for_each(|dx| mask[(x + dx) * 48 + y..(x + dx) * 48 + y + 8].fill(1));
            }
            Rle::from_mask(&mask, 48, 64, PixelOrder::Columns)
        })
        .collect::<Result<_, _>>()?;
    let json = results(&small);
    std::fs::write(folder.join("eir-annotate-results.json"), &json)?;
    let mut beats: Vec<u8> = Vec::new();
    let mut numbers = Numbers(6);
    for _ in 0..2274 {
        beats.extend(
            (((1 + 4 * u16::from(numbers.below(20) == 0)) << 10) | (250 + numbers.below(100) as u16)).to_le_bytes(),
        );
    }
    beats.extend([0, 0]);
    std::fs::write(folder.join("eir-annotate-beats.atr"), &beats)?;
    let mut bench = Bench::from_args("annotate", env!("CARGO_MANIFEST_DIR"));

    let ratings = ratings()?;
    let mut fit = DawidSkeneFit::default();
    let ten = DawidSkene::default().with_max_iterations(10).with_stop(Stop::Posterior(-1.0));
    bench
        .row("Dawid-Skene, 10 iterations", "100k ratings, 500 raters, 5 classes", 31.0)
        .peer("crowd-kit 1.4.2", "dawid_skene")
        .run(|| ten.fit_into(&ratings, &mut fit).is_ok());
    bench
        .row("majority vote", "100k ratings, 500 raters, 5 classes", 30.0)
        .peer("crowd-kit 1.4.2", "majority")
        .run(|| eir_annotate::majority_vote(&ratings));
    let values = matrix();
    for (level, name, peer) in [
        (Measurement::Nominal, "alpha, nominal", "alpha_nominal"),
        (Measurement::Ordinal, "alpha, ordinal", "alpha_ordinal"),
        (Measurement::Interval, "alpha, interval", "alpha_interval"),
    ] {
        let config = KrippendorffAlpha::default().with_measurement(level);
        bench
            .row(name, "20 raters x 5000 units, 30 % missing", 13.0)
            .peer("krippendorff 0.9.0", peer)
            .run(|| config.alpha(&values, 20));
    }
    let mut numbers = Numbers(7);
    let (a, b): (Vec<u32>, Vec<u32>) = (0..1_000_000)
        .map(|_| {
            let truth = numbers.below(5);
            let mut rate = || if numbers.below(100) < 70 { truth as u32 } else { numbers.below(5) as u32 };
            (rate(), rate())
        })
        .unzip();
    bench
        .row("Cohen's kappa", "1M pairs, 5 classes (ours with interval)", 20.0)
        .peer("scikit-learn 1.9.1", "kappa")
        .run(|| cohen_kappa(&a, &b));

    let masks = masks();
    let encode =
        || masks.iter().map(|m| Rle::from_mask(m, 480, 640, PixelOrder::Columns)).collect::<Result<Vec<_>, _>>();
    bench
        .row("masks to RLE strings", "100 masks 480 x 640", 20.0)
        .peer("pycocotools 2.0.11", "encode")
        .run(|| encode().map(|all| all.iter().map(Rle::to_compressed).collect::<Vec<_>>()));
    let encoded = encode()?;
    let strings: Vec<String> = encoded.iter().map(Rle::to_compressed).collect();
    let limits = Limits::default();
    bench.row("RLE strings to masks", "100 masks 480 x 640", 10.0).peer("pycocotools 2.0.11", "decode").run(|| {
        let decode = |s: &String| Rle::from_compressed(480, 640, s)?.to_mask(PixelOrder::Columns, &limits);
        strings.iter().map(decode).collect::<Result<Vec<_>, _>>()
    });
    bench.row("RLE overlap", "100 x 100 masks 480 x 640", 1.0).peer("pycocotools 2.0.11", "iou").run(|| {
        let each = encoded.iter().flat_map(|a| encoded.iter().map(move |b| mask_iou(a, b, eir_annotate::Crowd::No)));
        each.collect::<Result<Vec<_>, _>>()
    });
    let stars = stars();
    bench.row("polygons to RLE", "1000 polygons with 30 corners", 2.0).peer("pycocotools 2.0.11", "polygons").run(
        || stars.iter().map(|s| polygon_mask(s, 480, 640).map(|m| m.to_compressed())).collect::<Result<Vec<_>, _>>(),
    );
    bench
        .row("COCO results with area and box", "10 000 results with masks", 2.0)
        .peer("pycocotools 2.0.11", "load")
        .run(|| {
            let file = CocoFile::from_text(&json, &limits)?;
            let of = |record: &CocoRecord<CocoAnnotation>| match &record.value.segmentation {
                Some(Segmentation::Mask { mask, .. }) => (mask.area(), mask.bounding_box()),
                _ => (0, [0.0; 4]),
            };
            let measures: Vec<_> = file.annotations.iter().map(of).collect();
            Ok::<_, eir_annotate::Error>((file, measures))
        });
    bench
        .row("WFDB annotations read", "2274 beats", 100.0)
        .peer("wfdb 4.3.1", "rdann")
        .run(|| WfdbFile::read(&folder.join("eir-annotate-beats.atr"), &limits));
    Ok(bench.finish())
}
