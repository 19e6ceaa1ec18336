//! Speed against the tools that are otherwise used: `cargo xtask bench --peers synth`.
use eir_core::Limits;
use eir_core::testing::bench::Bench;
use eir_synth::{CsvConfig, EcgConfig, GaussianCopulaConfig, Table, ecg, fidelity, simulated_patients};

fn main() -> std::process::ExitCode {
    let mut bench = Bench::from_args("synth", env!("CARGO_MANIFEST_DIR"));
    // one thread, as the peers
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let Ok(pool) = pool else { return std::process::ExitCode::FAILURE };
    pool.install(|| {
        let config = EcgConfig::default().with_rate_hz(500.0).with_noise_mv(0.01);
        bench
            .row("ECG, dynamical model", "60 s at 500 Hz", 50.0)
            .peer("neurokit2 0.2.12", "ecg_ecgsyn")
            .run(|| ecg(&config, 1));

        // the peer reads the same table from this file
        let path = eir_core::testing::target().join("bench/synth_table.csv");
        let written = table().and_then(|table| {
            std::fs::create_dir_all(path.parent().unwrap_or(&path)).ok();
            CsvConfig::default().write(&table, &path).map(|()| table)
        });
        let Ok(table) = written else {
            println!("the table could not be made");
            return;
        };
        let synthetic = simulated_patients(20_000, 2).and_then(|p| p.table.without(&["diabetes", "hba1c_mmol_mol"]));
        let Ok(numeric) = table.without(&["diabetes", "hba1c_mmol_mol", "sex", "smoking"]) else { return };
        bench
            .row("Gaussian copula, fit", "20,000 × 4, complete numbers", 20.0)
            .peer("copulas 0.14.0", "copula_fit")
            .run(|| GaussianCopulaConfig::default().fit(&numeric));
        let Ok(copula) = GaussianCopulaConfig::default().fit(&numeric) else { return };
        bench
            .row("Gaussian copula, sample", "20,000 × 4", 20.0)
            .peer("copulas 0.14.0", "copula_sample")
            .run(|| copula.sample(20_000, 1));
        bench
            .row("Gaussian copula, fit, mixed", "20,000 × 8, missing values", 0.0)
            .run(|| GaussianCopulaConfig::default().fit(&table));
        if let (Ok(real), Ok(other)) = (table.without(&["diabetes", "hba1c_mmol_mol"]), synthetic) {
            bench
                .row("fidelity report", "20,000 × 6 twice", 20.0)
                .peer("sdmetrics 0.32.0", "quality_report")
                .run(|| fidelity(&real, &other));
        }
        if let Ok(text) = CsvConfig::default().to_csv(&table) {
            bench
                .row("CSV, read", "20,000 × 8", 1.0)
                .peer("pandas 2.3.3", "csv_read")
                .run(|| CsvConfig::default().parse(&text, &Limits::default()));
        }
    });
    bench.finish()
}

fn table() -> eir_synth::Result<Table> {
    Ok(simulated_patients(20_000, 1)?.table)
}
