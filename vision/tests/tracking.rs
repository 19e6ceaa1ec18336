//! A person in a photograph that moves by known steps is followed.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use burn::tensor::Device;
use eir_core::Limits;
use eir_core::testing::shared;
use eir_vision::Image;
use eir_vision::pose::PoseEstimator;

/// The picture moved by whole pixels, the edge replicated.
fn moved(image: &Image, [dx, dy]: [isize; 2]) -> Image {
    let mut out = image.clone();
    let (columns, rows) = (image.width(), image.height());
    for (y, row) in out.rgb_mut().chunks_exact_mut(3 * columns).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let from = [(x, dx, columns), (y, dy, rows)].map(|(at, by, n)| at.saturating_add_signed(-by).min(n - 1));
            *pixel = image.pixel(from[0], from[1]).unwrap();
        }
    }
    out
}

#[test]
fn a_person_is_followed_lost_and_found_again() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/vision");
    let [detector, landmarker] =
        ["blazepose_detector", "blazepose_full"].map(|name| folder.join(format!("weights/{name}.safetensors")));
    let estimator = PoseEstimator::load(&detector, &landmarker, &Device::flex()).unwrap();
    let picture = Image::read(&folder.join("images/coco_000000000785.png"), &Limits::default()).unwrap();
    let mut tracker = estimator.tracker();
    let mut start: Vec<[f64; 2]> = Vec::new();
    // the picture stands still, then it moves
    const STILL: isize = 4;
    for step in 0..STILL + 6 {
        let by = [4, -2].map(|by| by * (step + 1 - STILL).max(0));
        let found = tracker.next(0.04 * step as f64, &moved(&picture, by)).unwrap();
        assert_eq!(found.len(), 1);
        let points = found[0].points_px();
        let seen = found[0].visibility();
        if step == 0 {
            // the first picture is what a single one is
            assert_eq!(points, estimator.estimate(&picture).unwrap()[0].points_px());
        }
        if step > 0 {
            let far = |((p, s), _): ((&[f64; 2], &[f64; 2]), &f64)| {
                (p[0] - s[0] - by[0] as f64).hypot(p[1] - s[1] - by[1] as f64)
            };
            let pairs = points.iter().zip(&start).zip(&seen).filter(|(_, v)| **v > 0.5);
            let mut far: Vec<f64> = pairs.map(far).collect();
            far.sort_by(f64::total_cmp);
            println!("step {step}: median {:.2} px, most {:.2} px", far[far.len() / 2], far[far.len() - 1]);
            // the square comes to rest: what is left are the points' own small changes
            let most = if (2..STILL).contains(&step) { 0.8 } else { 3.0 };
            assert!(far[far.len() / 2] < most, "{far:?}");
        }
        if step < STILL {
            start = points;
        }
    }
    assert_eq!(tracker.looks(), 1);
    let empty = Image::filled(picture.width(), picture.height(), [90, 120, 150]).unwrap();
    assert!(tracker.next(1.0, &empty).unwrap().is_empty());
    assert_eq!(tracker.looks(), 2);
    assert!(tracker.next(1.0, &picture).is_err());
    assert_eq!(tracker.next(1.1, &picture).unwrap().len(), 1);
    assert_eq!(tracker.looks(), 3);
    tracker.reset();
    // another size of picture is no matter
    let small = Image::filled(64, 48, [0; 3]).unwrap();
    assert!(tracker.next(0.0, &small).unwrap().is_empty());
}
