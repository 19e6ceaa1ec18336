//! Which part of a trace a network's answer rests on.

use super::{CtgVae, CtgWindow};
use crate::Result;
use burn::tensor::{Device, Tensor, TensorData};
use eir_core::error::Mismatch;
use eir_core::{Differentiable, Model, Rows};

/// What a [`CtgVae`] reads off the code of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CtgReading {
    /// Baseline in bpm.
    Baseline,
    /// Natural logarithm of the short-term variation in ms.
    LogShortTermVariation,
    /// Natural logarithm of the minute range in ms.
    LogMinuteRange,
}

/// A reading of a [`CtgVae`] as a function of the samples of one window: what integrated gradients and occlusion of
/// `eir_core::explain` explain.
///
/// **Use it** to see which samples a reading rests on. **Not** to find out what is wrong with a child: it explains the
/// network. A sample that was lost stays lost: whatever stands there, it changes nothing and explains nothing.
///
/// # Shapes and units
/// A row is 960 samples in bpm at 4 Hz; contributions have the unit of the reading.
///
/// # Examples
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::Device;
/// use eir_core::explain::{IntegratedGradients, Occlusion};
/// use eir_signal::models::{CtgReading, CtgVae, CtgVaeReading, CtgWindow};
/// let vae = CtgVae::shipped(&Device::flex())?;
/// let x: Vec<f64> = (0..960).map(|i| if (480..600).contains(&i) { 120.0 } else { 140.0 }).collect();
/// let reading = CtgVaeReading::new(&vae, &CtgWindow::new(&x)?, CtgReading::LogMinuteRange)?;
/// // against a heart rate that does not vary
/// let found = IntegratedGradients::default().with_steps(20).explain(&reading, &x, &[140.0; 960])?;
/// assert_eq!(found.contributions.len(), 960);
/// let covered = Occlusion::new(&[960], &[120], &[120]).with_baseline(140.0).explain(&reading, &x)?;
/// assert_eq!(covered.windows.len(), 8);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Validation
/// Its derivatives equal finite differences within 2 % (test below).
///
/// # References
/// Sundararajan, Taly, Yan 2017, arXiv:1703.01365; Zeiler, Fergus 2014, doi:10.1007/978-3-319-10590-1_53.
#[derive(Debug)]
pub struct CtgVaeReading<'a> {
    vae: &'a CtgVae,
    measured: Vec<bool>,
    reading: CtgReading,
    device: Device,
}

impl<'a> CtgVaeReading<'a> {
    /// The reading for windows that are measured where `window` is.
    ///
    /// # Errors
    /// [`Unsupported`](eir_core::error::Unsupported) for a [`fused`](CtgVae::fused) network, which has no derivatives.
    pub fn new(vae: &'a CtgVae, window: &CtgWindow, reading: CtgReading) -> Result<Self> {
        let device = vae.device()?.clone();
        Ok(Self { vae, measured: window.measured().to_vec(), reading, device })
    }

    /// Samples with gaps bridged, and 1 where measured.
    fn inputs(&self, rows: Rows<'_>, device: &Device) -> (Tensor<2>, Tensor<2>) {
        let (n, length) = (rows.len(), self.measured.len());
        let mut bpm = Vec::with_capacity(n * length);
        for row in rows {
            let from = bpm.len();
            bpm.extend(row.iter().map(|v| *v as f32));
            super::vae::bridge(&mut bpm[from..], &self.measured);
        }
        let mask = || self.measured.iter().map(|m| f32::from(u8::from(*m)));
        let masks: Vec<f32> = (0..n).flat_map(|_| mask()).collect();
        let tensor = |values| Tensor::from_data(TensorData::new(values, [n, length]), device);
        (tensor(bpm), tensor(masks))
    }
}

type Core<T> = std::result::Result<T, eir_core::Error>;

/// A device that fails has no answer.
fn device_failed<E>(_: E) -> eir_core::Error {
    eir_core::Error::NoOptimum { what: "the reading of a window", reason: "the device gave no answer" }
}

impl Model for CtgVaeReading<'_> {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Core<()> {
        Mismatch::check("samples of a window", self.measured.len(), rows.columns())?;
        Mismatch::check("places for predictions", rows.len(), out.len())?;
        let (bpm, measured) = self.inputs(rows, &self.device);
        let read = self.vae.read_off(bpm, measured, self.reading, false).map_err(device_failed)?;
        let values = super::vae::numbers(read).map_err(device_failed)?;
        out.iter_mut().zip(values).for_each(|(to, v)| *to = f64::from(v));
        Ok(())
    }
}

impl Differentiable for CtgVaeReading<'_> {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Core<f64> {
        Mismatch::check("samples of a window", self.measured.len(), x.len())?;
        Mismatch::check("places for the gradient", x.len(), out.len())?;
        let device = self.device.clone().autodiff();
        let (bpm, measured) = self.inputs(Rows::new(x, x.len())?, &device);
        let bpm = bpm.require_grad();
        let read = self.vae.read_off(bpm.clone(), measured, self.reading, true).map_err(device_failed)?;
        let value = super::vae::numbers(read.clone().without_autodiff()).map_err(device_failed)?;
        let gradients = read.sum().backward();
        let gradient = bpm.grad(&gradients).ok_or_else(|| device_failed(()))?;
        let gradient = super::vae::numbers(gradient).map_err(device_failed)?;
        for ((to, g), measured) in out.iter_mut().zip(gradient).zip(&self.measured) {
            *to = if *measured { f64::from(g) } else { 0.0 };
        }
        Ok(value.first().copied().map_or(f64::NAN, f64::from))
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use eir_core::explain::IntegratedGradients;

    #[test]
    fn derivatives_are_those_of_the_function() {
        let vae = CtgVae::shipped(&Device::flex()).unwrap();
        let mut x: Vec<f64> =
            (0..960).map(f64::from).map(|i| 135.0 + 6.0 * (i / 40.0).sin() + 2.0 * (i / 7.0).cos()).collect();
        let mut lost = x.clone();
        lost[600..700].fill(0.0);
        let window = CtgWindow::new(&lost).unwrap();
        let reading = CtgVaeReading::new(&vae, &window, CtgReading::LogShortTermVariation).unwrap();
        let mut gradient = vec![0.0; 960];
        let value = reading.gradient_into(&x, &mut gradient).unwrap();
        let at = |x: &[f64]| reading.predict(Rows::new(x, 960).unwrap()).unwrap()[0];
        assert!((at(&x) - value).abs() < 1e-5);
        // all samples of a second at once: f32 is too coarse for one. Away from the gap, whose line moves with its ends
        for from in [40, 300, 800] {
            let step = 0.1;
            let mut moved = x.clone();
            moved[from..from + 4].iter_mut().for_each(|v| *v += step);
            let up = at(&moved);
            moved[from..from + 4].iter_mut().for_each(|v| *v -= 2.0 * step);
            let difference = (up - at(&moved)) / (2.0 * step);
            let sum: f64 = gradient[from..from + 4].iter().sum();
            assert!((sum - difference).abs() < 2e-3 + 0.02 * difference.abs(), "{from}: {sum} {difference}");
        }
        assert!(gradient[600..700].iter().all(|g| *g == 0.0));
        x[650] = 20.0;
        assert_eq!(at(&x), value);
    }

    #[test]
    fn contributions_add_up_and_lost_samples_have_none() {
        let vae = CtgVae::shipped(&Device::flex()).unwrap();
        let mut fhr: Vec<f64> = (0..960).map(|i| 140.0 + 10.0 * (f64::from(i) / 30.0).sin()).collect();
        fhr[100..220].fill(0.0);
        let window = CtgWindow::new(&fhr).unwrap();
        let reading = CtgVaeReading::new(&vae, &window, CtgReading::Baseline).unwrap();
        let x: Vec<f64> = window.bridged_bpm().iter().map(|v| f64::from(*v)).collect();
        let found = IntegratedGradients::default().explain(&reading, &x, &[120.0; 960]).unwrap();
        assert!(found.residual().abs() < 0.05 * (found.value - found.reference).abs() + 0.3, "{}", found.residual());
        assert!(found.contributions[100..220].iter().all(|c| *c == 0.0));
        assert!(CtgVaeReading::new(&vae.fused().unwrap(), &window, CtgReading::Baseline).is_err());
    }
}
