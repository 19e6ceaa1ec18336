//! The file of weights.

use super::data::Scaled;
use super::judge::Calibration;
use super::network::Tcn;
use eir_core::Limits;
use eir_core::weights::{self, Weights};
use std::path::Path;

/// Names, shapes, values.
#[derive(Default)]
pub(super) struct Tensors {
    all: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Tensors {
    /// Those of a file.
    pub(super) fn read(path: &Path) -> Result<Self, weights::Error> {
        let mut weights = Weights::open(path, &Limits::default())?;
        let named: Vec<_> = weights.shapes().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        let take = |(name, shape): (String, Vec<usize>)| weights.take(&name, &shape).map(|v| (name, shape, v));
        Ok(Self { all: named.into_iter().map(take).collect::<Result<_, _>>()? })
    }

    fn put(&mut self, name: String, values: Vec<f32>) {
        self.all.push((name, vec![values.len()], values));
    }

    pub(super) fn put_network(&mut self, network: &str, tcn: &Tcn, scaled: &Scaled) {
        self.put(format!("{network}.mean"), scaled.mean.clone());
        self.put(format!("{network}.scale"), scaled.scale.clone());
        if network == "quality" {
            self.put("quality.target_mean".to_owned(), scaled.target_mean.clone());
            self.put("quality.target_scale".to_owned(), scaled.target_scale.clone());
        }
        let named = |(name, shape, values)| (format!("{network}.{name}"), shape, values);
        self.all.extend(tcn.tensors().into_iter().map(named));
    }

    /// The file with a calibration.
    pub(super) fn bytes(&mut self, calibration: &Calibration) -> Result<Vec<u8>, weights::Error> {
        self.all.retain(|(name, ..)| !Calibration::NAMES.contains(&name.as_str()));
        let calibrated = Calibration::NAMES.into_iter().zip(calibration.tensors());
        self.all.extend(calibrated.map(|(name, (shape, values))| (name.to_owned(), shape, values)));
        weights::write(self.all.iter().map(|(name, shape, values)| (name.as_str(), shape.clone(), values.clone())))
    }
}
