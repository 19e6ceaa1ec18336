//! Promises that every reader, simulator and sampler keeps.
use eir_core::Limits;
use eir_core::testing::{PeakAlloc, contract, faults, recipes, shared};
use eir_synth::{
    CsvConfig, CtgConfig, EcgConfig, Exercise, Fidelity, GaussianCopula, GaussianCopulaConfig, Kind,
    KneeExerciseConfig, KneeVolumeConfig, LfSource, Modality, Table, VoiceConfig, closeness, ctg, ecg, fidelity,
    knee_exercise, knee_volume, simulated_patients, synthesise, voice,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// By text, where NaN equals itself.
fn same<T: std::fmt::Debug>(make: impl Fn(u64) -> T) {
    let (first, again, other) = (format!("{:?}", make(7)), format!("{:?}", make(7)), format!("{:?}", make(8)));
    assert_eq!(first, again, "the same seed gave something else");
    assert_ne!(first, other, "another seed gave the same");
}

#[test]
fn csv_reader_survives_broken_files() {
    let table = simulated_patients(200, 1).unwrap().table;
    let valid = CsvConfig::default().to_csv(&table).unwrap();
    let parse = |config: &CsvConfig, bytes: &[u8]| config.parse(bytes, &Limits::default()).map(drop);
    // a row that ends early or late is an error, a changed digit another table: both are results
    contract::bounded_reader("CSV", &valid, &MEMORY, |bytes| parse(&CsvConfig::default(), bytes));
    let typed = CsvConfig::default().with_kind("age", Kind::Integer).with_kind("hba1c_mmol_mol", Kind::Continuous);
    contract::bounded_reader("CSV with kinds", &valid, &MEMORY, |bytes| parse(&typed, bytes));
    let commas = [vec![b','; 900_000], vec![b'\n'], vec![b','; 900_000]].concat();
    assert!(parse(&CsvConfig::default(), &commas).is_err());
    assert!(parse(&CsvConfig::default(), &[b','; 2_000_000]).is_err());
}

#[test]
fn malformed_tables() {
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    contract::withstands("CSV", recipes::csv(), |bytes| CsvConfig::default().parse(bytes, &small));
    let table = simulated_patients(20, 1).unwrap().table;
    faults::file("a.csv", |path| CsvConfig::default().write(&table, path));
}

#[test]
fn every_prefix_and_every_byte() {
    let table = simulated_patients(12, 1).unwrap().table;
    let valid = CsvConfig::default().to_csv(&table).unwrap();
    let rows = |b: &[u8]| CsvConfig::default().parse(b, &Limits::default()).map(|table| table.rows());
    contract::prefix_law("CSV", &valid, rows);
    contract::byte_law("CSV", &valid, rows);
}

#[test]
fn whatever_is_read_can_be_synthesised_or_is_refused() {
    let table = simulated_patients(60, 1).unwrap().table;
    let valid = CsvConfig::default().to_csv(&table).unwrap();
    contract::bounded_reader("copula", &valid, &MEMORY, |bytes| {
        let read = CsvConfig::default().parse(bytes, &Limits::default())?;
        let synthetic = synthesise(&read, 1)?;
        let _ = fidelity(&read, &synthetic)?;
        closeness(&read, &synthetic, &read).map(drop)
    });
}

#[test]
fn extreme_numbers_do_no_harm() {
    contract::detector("copula", |samples| {
        let values = samples.iter().map(|v| v.is_finite().then_some(f64::from(*v))).collect();
        let table =
            Table::new(vec![eir_synth::Column::new("x", eir_synth::Values::Continuous { values, decimals: 17 })])?;
        let synthetic = synthesise(&table, 3)?;
        fidelity(&table, &synthetic)
    });
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let table = simulated_patients(3000, 4).unwrap().table;
    let with = |threads: usize| -> (GaussianCopula, Vec<u8>, Fidelity) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let copula = GaussianCopulaConfig::default().fit(&table).unwrap();
            let synthetic = copula.sample(5000, 11).unwrap();
            let report = fidelity(&table, &synthetic).unwrap();
            (copula, CsvConfig::default().to_csv(&synthetic).unwrap(), report)
        })
    };
    let one = with(1);
    assert!(one == with(2) && one == with(8));
}

#[test]
fn seeds_repeat() {
    same(|seed| ecg(&EcgConfig::default(), seed).unwrap());
    same(|seed| ctg(&CtgConfig::default(), seed).unwrap());
    same(|seed| voice(&VoiceConfig::default(), seed).unwrap());
    same(|seed| simulated_patients(50, seed).unwrap());
    let small = KneeVolumeConfig::default().with_shape([24; 3]).with_spacing_mm([4.0; 3]);
    same(|seed| knee_volume(&small, seed).unwrap());
    for exercise in [Exercise::Squat, Exercise::HeelSlide] {
        same(|seed| knee_exercise(&KneeExerciseConfig::default().with_exercise(exercise), seed).unwrap());
    }
}

#[test]
fn settings_survive_json_and_everything_crosses_threads() {
    contract::serde_round_trip(&EcgConfig::default());
    contract::serde_round_trip(&CtgConfig::default());
    contract::serde_round_trip(&KneeExerciseConfig::default().with_exercise(Exercise::HeelSlide));
    contract::serde_round_trip(&VoiceConfig::default());
    contract::serde_round_trip(&KneeVolumeConfig::default().with_modality(Modality::Ct));
    contract::serde_round_trip(&CsvConfig::default().with_kind("a", Kind::Date));
    contract::serde_round_trip(&GaussianCopulaConfig::default());
    contract::serde_round_trip(&LfSource::new(1.0).unwrap());
    let table = simulated_patients(300, 1).unwrap().table;
    contract::serde_round_trip(&table);
    contract::serde_round_trip(&GaussianCopulaConfig::default().fit(&table.select(&["age", "bmi"]).unwrap()).unwrap());
    contract::send_sync::<GaussianCopula>();
    contract::send_sync::<eir_synth::Error>();
}

#[test]
fn simulated_signals_are_finite_in_many_settings() {
    for seed in 0..20 {
        let bpm = 30.0 + 10.0 * seed as f64;
        let beats = ecg(&EcgConfig::default().with_heart_rate_bpm(bpm).with_duration_s(10.0).with_rr_sd_ms(20.0), seed)
            .unwrap();
        assert!(beats.samples_mv.iter().all(|v| v.is_finite()) && beats.r_peaks.is_sorted());
        let trace = ctg(&CtgConfig::default().with_duration_s(900.0).with_gap_share(0.3), seed).unwrap();
        assert!(trace.fhr_bpm.iter().all(|v| v.is_nan() || (50.0..=230.0).contains(v)));
        assert!(trace.uc_mmhg.iter().all(|v| (0.0..=150.0).contains(v)));
        let sound =
            voice(&VoiceConfig::default().with_f0_hz(60.0 + 25.0 * seed as f64).with_duration_s(1.0), seed).unwrap();
        assert!(sound.samples.iter().all(|v| v.abs() <= 0.5001));
    }
}

/// Facts that a copula loses which draws missing values at random, jitters levels and smooths spikes.
#[test]
fn a_real_clinic_keeps_its_spikes_and_missing_values() {
    let Some(folder) = shared() else { return };
    let path = folder.join("data/synth/own/clinic_mixed.csv");
    let table = CsvConfig::default().read(&path, &Limits::default()).unwrap();
    assert!(synthesise(&table, 1).unwrap_err().to_string().contains("patient"));
    let real = table.without(&["patient"]).unwrap();
    let synthetic = GaussianCopulaConfig::default().fit(&real).unwrap().sample(40_000, 1).unwrap();
    let share = |table: &Table, column: &str, of: &dyn Fn(Option<f64>) -> bool, where_: (&str, &str)| {
        let by = table.column(where_.0).unwrap();
        let levels = by.levels();
        let rows = by.numbers().iter().map(|v| v.is_some_and(|c| levels[c as usize] == where_.1)).collect::<Vec<_>>();
        let hits = table.column(column).unwrap().numbers().iter().zip(&rows).filter(|(v, r)| **r && of(**v)).count();
        hits as f64 / rows.iter().filter(|r| **r).count() as f64
    };
    for (column, of, where_, allowed) in [
        ("hba1c_mmol_mol", &(|v: Option<f64>| v.is_none()) as &dyn Fn(Option<f64>) -> bool, ("diabetes", "0"), 0.03),
        ("hba1c_mmol_mol", &|v: Option<f64>| v.is_none(), ("diabetes", "1"), 0.03),
        ("visits", &|v: Option<f64>| v == Some(0.0), ("diabetes", "0"), 0.03),
        ("death5y", &|v: Option<f64>| v == Some(1.0), ("diabetes", "1"), 0.03),
        ("death5y", &|v: Option<f64>| v == Some(1.0), ("diabetes", "0"), 0.03),
    ] {
        let (r, s) = (share(&real, column, of, where_), share(&synthetic, column, of, where_));
        assert!((r - s).abs() < allowed, "{column} where {where_:?}: real {r}, synthetic {s}");
    }
}
