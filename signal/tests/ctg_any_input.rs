//! Every public function on cardiotocograms has an answer or an error on any samples, and soon.

use eir_core::SampleRate;
use eir_signal::{ctg, figure};
use std::time::Instant;

fn kinds(n: usize) -> Vec<Vec<f64>> {
    let swing = |i: usize| 140.0 + 8.0 * (i as f64 * 0.03).sin();
    let mut mixed: Vec<f64> = (0..n).map(swing).collect();
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -140.0, 1e300, 5e-324, 49.9, 220.1];
    mixed.iter_mut().step_by(7).zip(odd.iter().cycle()).for_each(|(v, o)| *v = *o);
    let constants = [f64::NAN, f64::INFINITY, 0.0, 140.0, 1e300, 50.0, 220.0].map(|v| vec![v; n]);
    constants.into_iter().chain([mixed, (0..n).map(swing).collect()]).collect()
}

fn sound(x: &[f64], uc: &[f64]) {
    for method in ctg::BaselineMethod::ALL {
        if let Ok(baseline) = method.baseline(x) {
            assert!(baseline.len() == x.len() && baseline.iter().all(|b| b.is_finite()), "{}", method.name());
        }
        for sign in [1.0, -1.0] {
            for events in
                [method.standard_events(x, x, sign), method.standard_events(x, uc, sign)].into_iter().flatten()
            {
                assert!(events.iter().all(|e| e.start < e.end && e.end <= x.len()));
            }
        }
    }
    let variability = ctg::variability(x);
    assert!(variability.stv_ms.is_none_or(f64::is_finite));
    let _ = (ctg::episodes(&variability), ctg::irregularity(x), ctg::bandwidth_segments(x));
    if let Ok(found) = ctg::contractions(uc) {
        let _ = ctg::contraction_rate(&found, uc.len());
    }
    let _ = ctg::is_tocogram_usable(uc);
    for prepare in [ctg::PreparationConfig::default(), ctg::PreparationConfig::fhrma()] {
        if let Ok(prepared) = prepare.prepare(x) {
            let _ = ctg::sinusoidal(&prepared);
            let _ = ctg::baseline_doubts(&prepared, x);
            assert!(ctg::baseline_doubts(&prepared, &x[1..]).is_err());
        }
    }
    if let Ok(found) = ctg::analyse(x, Some(uc)) {
        assert!(!found.figo.reasons.is_empty());
        assert!(found.figo.reasons.iter().all(|r| r.value.is_finite() && !r.sentence().contains("NaN")));
        assert!(ctg::DawesRedmanConfig::default().assess(&found, x).is_ok());
        let picture = figure::ctg(&found, &figure::CtgFigureConfig::default());
        assert!(picture.is_ok_and(|p| !p.contains("NaN") && !p.contains("inf\"")));
    }
    let _ = ctg::CtgConfig::default().analyse_with_baseline(x, None, uc);
}

#[test]
fn any_samples() {
    for n in [1, 2, 3, 12, 61, 239, 2400, 7201] {
        for x in kinds(n) {
            let start = Instant::now();
            sound(&x, &x);
            sound(&x, &vec![f64::NAN; n]);
            assert!(start.elapsed().as_secs() < 20, "{n} samples of {:?}", x.first());
        }
    }
    assert!(ctg::analyse(&[], None).is_err() && ctg::analyse(&[140.0; 9], Some(&[1.0; 8])).is_err());
}

#[test]
fn any_rate() {
    for hz in [0.25, 0.999, 50.5, 1000.0, 1e9] {
        let rate = SampleRate::new(hz).unwrap();
        assert!(ctg::fhr_at_4_hz(&[140.0; 3000], rate).is_err() && ctg::uc_at_4_hz(&[140.0; 3000], rate).is_err());
    }
    for hz in [1.0, 1.7, 2.0, 4.0, 10.0, 50.0] {
        let rate = SampleRate::new(hz).unwrap();
        for x in kinds(2400) {
            let y = ctg::fhr_at_4_hz(&x, rate).unwrap();
            assert_eq!(y.len(), (2400.0 * 4.0 / hz).floor() as usize);
            let _ = ctg::analyse(&y, None);
        }
    }
}
