use crate::Error;
use crate::error::{Mismatch, NotFinite, TooShort};
use serde::{Deserialize, Serialize};

/// Where in a feature map a network finds the evidence for a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClassMap {
    /// Weight of each channel.
    pub weights: Vec<f64>,
    /// One value per place, 0 or more.
    pub map: Vec<f64>,
}

impl ClassMap {
    /// The map divided by its largest value; all 0 if there is no evidence.
    #[must_use]
    pub fn normalised(&self) -> Vec<f64> {
        let largest = self.map.iter().fold(0.0f64, |m, v| m.max(*v));
        self.map.iter().map(|v| if largest > 0.0 { v / largest } else { 0.0 }).collect()
    }
}

/// Grad-CAM: the channels of a feature map, weighted by the mean gradient of the class and added up.
///
/// **Use it** on the last convolution of a classifier. The map is as coarse as that layer; it shows where, not why.
/// `activations` and `gradients` (of the class score by the activations) are `channels` × places, channel after channel;
/// places may be a signal's, a picture's or a volume's. Gradients are those of the inference form of the model.
///
/// # Formula
/// ReLU(Σₖ αₖ Aₖ), αₖ the mean of ∂y/∂Aₖ over the places.
///
/// # Examples
/// ```
/// let map = eir_core::explain::grad_cam(&[1.0, 0.0, 0.0, 2.0], &[1.0, 1.0, -1.0, 0.0], 2)?;
/// assert_eq!((map.weights, map.map), (vec![1.0, -0.5], vec![1.0, 0.0]));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// Lengths that differ or do not divide into channels, values that are not finite.
///
/// # Validation
/// captum 0.9.0 within 1e-9 (`reference/core/captum.json`).
///
/// # References
/// Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74.
pub fn grad_cam(activations: &[f64], gradients: &[f64], channels: usize) -> Result<ClassMap, Error> {
    let places = check(activations, gradients, channels)?;
    let weights = gradients.chunks_exact(places).map(|g| g.iter().sum::<f64>() / places as f64).collect();
    Ok(weighted(activations, weights, places))
}

/// Grad-CAM++: as [`grad_cam`], with weights that also find several, small or weak occurrences.
///
/// # Formula
/// αₖᵢ = g²/(2 g² + ΣAₖ g³), 0 where the denominator is; the channel's weight is Σᵢ αₖᵢ ReLU(gₖᵢ).
///
/// # Errors
/// As `grad_cam`.
///
/// # References
/// Chattopadhay et al. 2018, doi:10.1109/WACV.2018.00097.
pub fn grad_cam_plus_plus(activations: &[f64], gradients: &[f64], channels: usize) -> Result<ClassMap, Error> {
    let places = check(activations, gradients, channels)?;
    let weight = |(a, g): (&[f64], &[f64])| {
        let sum: f64 = a.iter().sum();
        let of_place = |g: &f64| {
            let below = 2.0 * g * g + sum * g * g * g;
            if below == 0.0 { 0.0 } else { g * g / below * g.max(0.0) }
        };
        g.iter().map(of_place).sum()
    };
    let weights = activations.chunks_exact(places).zip(gradients.chunks_exact(places)).map(weight).collect();
    Ok(weighted(activations, weights, places))
}

/// Number of places per channel.
fn check(activations: &[f64], gradients: &[f64], channels: usize) -> Result<usize, Error> {
    Mismatch::check("gradients", activations.len(), gradients.len())?;
    NotFinite::check_f64("activation", activations)?;
    NotFinite::check_f64("gradient", gradients)?;
    if channels == 0 || activations.is_empty() {
        return Err(TooShort::new("channels and activations", channels.min(activations.len()), 1).into());
    }
    Mismatch::check("activations beyond whole channels", 0, activations.len() % channels)?;
    Ok(activations.len() / channels)
}

fn weighted(activations: &[f64], weights: Vec<f64>, places: usize) -> ClassMap {
    let mut map = vec![0.0; places];
    for (channel, weight) in activations.chunks_exact(places).zip(&weights) {
        map.iter_mut().zip(channel).for_each(|(m, a)| *m += weight * a);
    }
    map.iter_mut().for_each(|m| *m = m.max(0.0));
    ClassMap { weights, map }
}
