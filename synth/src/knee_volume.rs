//! Knee volumes with known labels and true sizes.

use crate::Result;
use crate::error::within;
use crate::implicit::{Point, capsule, plate, union, volume_mm3};
use eir_core::Limits;
use eir_core::error::Parameter;
use eir_core::random::{Generator, Stream};
use serde::{Deserialize, Serialize};

/// Simulates a knee: settings, then a seed.
///
/// See [`KneeVolumeConfig`] for the model, its settings and an example.
///
/// # Errors
/// As [`KneeVolumeConfig::validate`].
pub fn knee_volume(config: &KneeVolumeConfig, seed: u64) -> Result<KneeVolume> {
    config.validate()?;
    let random = Generator::new(seed, "knee volume");
    let knee = Knee::new(config, &mut random.stream(0));
    let [nx, ny, nz] = config.shape;
    let spacing = config.spacing_mm;
    let n = nx * ny * nz;
    let (mut intensity, mut labels) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let size: Point = std::array::from_fn(|a| config.shape[a] as f64 * spacing[a]);
    // the knee's own origin lies behind the middle, as the patella stands out in front
    let low: Point = [-size[0] / 2.0, -size[1] / 2.0 + 4.0, -size[2] / 2.0];
    let soften = (spacing[0] * spacing[1] * spacing[2]).cbrt();
    for k in 0..nz {
        let mut noise = random.stream(1 + k as u64);
        for j in 0..ny {
            for i in 0..nx {
                let at = [i, j, k];
                let p: Point = std::array::from_fn(|a| low[a] + (at[a] as f64 + 0.5) * spacing[a]);
                let solids = knee.solids(p);
                let inside = |wanted: &f64| *wanted < 0.0;
                labels.push(solids.iter().position(inside).map_or(0, |s| s as u8 + 1));
                let clean = config.modality.intensity(&solids, knee.skin(p), soften);
                intensity.push(config.modality.noisy(clean, config.noise, &mut noise) as f32);
            }
        }
    }
    let high: Point = std::array::from_fn(|a| low[a] + size[a]);
    let bones = (0..3).map(|s| volume_mm3(low, high, &|p| knee.bones(p)[s]));
    let mut volume_mm3: Vec<f64> = std::iter::once(0.0).chain(bones).collect();
    // each layer by itself: between two of them lies less than a cell of the integration
    volume_mm3.push((0..3).map(|s| volume_mm3_of_layer(&knee, low, high, s)).sum());
    let rest = size[0] * size[1] * size[2] - volume_mm3.iter().sum::<f64>();
    if let Some(background) = volume_mm3.first_mut() {
        *background = rest;
    }
    Ok(KneeVolume { shape: config.shape, spacing_mm: spacing, intensity, labels, volume_mm3 })
}

fn volume_mm3_of_layer(knee: &Knee, low: Point, high: Point, layer: usize) -> f64 {
    volume_mm3(low, high, &|p| knee.layers(p, knee.bones(p))[layer])
}

/// A simulated knee and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct KneeVolume {
    /// Voxels along x (the patient's right to left), y (back to front) and z (foot to head).
    pub shape: [usize; 3],
    /// Distance of the voxels' centres along each axis in mm.
    pub spacing_mm: [f64; 3],
    /// Intensity, x fastest: Hounsfield units, or the arbitrary units of an MR picture.
    pub intensity: Vec<f32>,
    /// Label at each voxel's centre, x fastest: 0 background, 1 femur, 2 tibia, 3 patella, 4 cartilage.
    pub labels: Vec<u8>,
    /// True volume of each label inside the picture in mm³, by its number.
    pub volume_mm3: Vec<f64>,
}

/// What the intensities are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Modality {
    /// Computed tomography in Hounsfield units, Gaussian noise.
    Ct,
    /// Proton-density-weighted magnetic resonance with fat suppression in arbitrary units, Rician noise.
    Mr,
}

/// Settings of [`knee_volume`]: femur, tibia, patella and cartilage as smooth solids whose volumes are known.
///
/// **Use it** to test segmentation, surfaces and measurement. **Not** as anatomy: no ligaments, no menisci, bones of
/// blended capsules and plates.
///
/// # Formula
/// Each bone is the set where a function f (1-Lipschitz, in mm) is negative: smooth unions of capsules and plates.
/// Cartilage is the layer 0 ≤ f < thickness over the parts that meet. A label is what holds at the voxel's centre;
/// intensities are mixed over one voxel at each border. The true volume is integrated on cells of half a millimetre with
/// the surface as a plane inside each, in f64.
///
/// # Examples
/// ```
/// use eir_synth::{KneeVolumeConfig, knee_volume};
/// let config = KneeVolumeConfig::default().with_shape([48, 48, 56]).with_spacing_mm([2.0; 3]);
/// let knee = knee_volume(&config, 1)?;
/// assert_eq!((knee.labels.len(), knee.volume_mm3.len()), (48 * 48 * 56, 5));
/// let counted = knee.labels.iter().filter(|l| **l == 1).count() as f64 * 8.0;
/// assert!((counted / knee.volume_mm3[1] - 1.0).abs() < 0.02); // femur, mm³
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// The integration against spheres, capsules and plates within 2e-4; counted voxels against it within 0.5 %
/// (cartilage 1 %) at 1 mm
/// (tests). There is no peer with known truth to compare with.
///
/// # References
/// 1. Quilez, "Distance functions" (the primitives' formulas). 2. Gudbjartsson, Patz 1995, doi:10.1002/mrm.1910340618
///    (Rician noise).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct KneeVolumeConfig {
    /// Voxels along x, y, z, each 4 to 1024, at most 2²⁷ together. Default 96, 96, 112.
    pub shape: [usize; 3],
    /// Spacing in mm, each 0.2 to 10. Default 1, 1, 1.
    pub spacing_mm: [f64; 3],
    /// Kind of intensities. Default MR.
    pub modality: Modality,
    /// Thickness of the cartilage in mm, 1 to 4. Default 2.5.
    pub cartilage_mm: f64,
    /// Size of the knee relative to the model's, 0.5 to 1.2; the seed changes it by up to 3 %. Default 1.
    pub scale: f64,
    /// Standard deviation of the noise in units of the intensity, 0 to 1000. Default 20.
    pub noise: f64,
}

impl Default for KneeVolumeConfig {
    fn default() -> Self {
        Self {
            shape: [96, 96, 112],
            spacing_mm: [1.0; 3],
            modality: Modality::Mr,
            cartilage_mm: 2.5,
            scale: 1.0,
            noise: 20.0,
        }
    }
}

impl KneeVolumeConfig {
    /// Sets [`shape`](Self::shape).
    #[must_use]
    pub fn with_shape(self, shape: [usize; 3]) -> Self {
        Self { shape, ..self }
    }
    /// Sets [`spacing_mm`](Self::spacing_mm).
    #[must_use]
    pub fn with_spacing_mm(self, spacing_mm: [f64; 3]) -> Self {
        Self { spacing_mm, ..self }
    }
    /// Sets [`modality`](Self::modality).
    #[must_use]
    pub fn with_modality(self, modality: Modality) -> Self {
        Self { modality, ..self }
    }
    /// Sets [`cartilage_mm`](Self::cartilage_mm).
    #[must_use]
    pub fn with_cartilage_mm(self, cartilage_mm: f64) -> Self {
        Self { cartilage_mm, ..self }
    }
    /// Sets [`scale`](Self::scale).
    #[must_use]
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }
    /// Sets [`noise`](Self::noise).
    #[must_use]
    pub fn with_noise(self, noise: f64) -> Self {
        Self { noise, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) or [`Error::LimitExceeded`](crate::Error::LimitExceeded) names the
    /// first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for side in self.shape {
            if !(4..=1024).contains(&side) {
                return Err(Parameter::new("shape", side as f64, "4 to 1024 voxels along each axis").into());
            }
        }
        let sides = self.shape.map(|s| s as u64);
        Limits::default().with_bytes(1 << 27).product("voxels", &sides)?;
        for spacing in self.spacing_mm {
            within("spacing_mm", spacing, 0.2, 10.0, "0.2 to 10 mm")?;
        }
        within("cartilage_mm", self.cartilage_mm, 1.0, 4.0, "1 to 4 mm")?;
        within("scale", self.scale, 0.5, 1.2, "0.5 to 1.2")?;
        within("noise", self.noise, 0.0, 1000.0, "0 to 1000")
    }
}

/// The knee of one person, with the joint line at z = 0, y to the front, z to the head.
struct Knee {
    scale: f64,
    cartilage_mm: f64,
    /// Half width between the condyles in mm.
    condyles_mm: f64,
    /// Place of the patella in mm.
    patella: Point,
    /// Cosine and sine of the turns about x (flexion) and y (tilt).
    turns: [(f64, f64); 2],
}

impl Knee {
    fn new(config: &KneeVolumeConfig, random: &mut Stream) -> Self {
        let scale = config.scale * random.range(0.97, 1.03);
        let condyles_mm = random.range(18.5, 20.5);
        let front = 34.5 + 2.0 * config.cartilage_mm / scale;
        let patella = [random.range(-1.5, 1.5), front, random.range(15.0, 19.0)];
        // nobody lies straight: without it, flat layers would lie along the voxels
        let turns = [random.range(3.0, 7.0), random.range(-5.0, -2.0)].map(|degrees: f64| {
            let angle = degrees.to_radians();
            (libm::cos(angle), libm::sin(angle))
        });
        Self { scale, cartilage_mm: config.cartilage_mm, condyles_mm, patella, turns }
    }

    /// `p` in the model's own axes and size.
    fn own(&self, p: Point) -> Point {
        let [(cx, sx), (cy, sy)] = self.turns;
        let [x, y, z] = p.map(|v| v / self.scale);
        let (y, z) = (cx * y - sx * z, sx * y + cx * z);
        [cy * x + sy * z, y, cy * z - sy * x]
    }

    /// Femur, tibia, patella and cartilage at `p`: negative inside.
    fn solids(&self, p: Point) -> [f64; 4] {
        let bones @ [femur, tibia, patella] = self.bones(p);
        let [a, b, c] = self.layers(p, bones);
        [femur, tibia, patella, a.min(b).min(c)]
    }

    /// Femur, tibia and patella.
    fn bones(&self, p: Point) -> [f64; 3] {
        let q = self.own(p);
        let thick = self.cartilage_mm / self.scale;
        let gap = thick + 0.3; // between the two layers of cartilage
        let femur = {
            let up = [q[0], q[1], q[2] - gap];
            let x = self.condyles_mm;
            let medial = capsule(up, [-x, -13.0, 14.0], [-x + 2.0, 11.0, 15.0], 13.5);
            let lateral = capsule(up, [x, -13.0, 14.0], [x - 2.0, 11.0, 15.0], 13.5);
            let bridge = capsule(up, [-12.0, 2.0, 22.0], [12.0, 2.0, 22.0], 11.0);
            let shaft = capsule(up, [0.0, 3.0, 24.0], [0.0, 5.0, 38.0], 12.0);
            union(union(medial, lateral, 6.0), union(bridge, shaft, 10.0), 8.0)
        };
        let tibia = {
            let top = plate([q[0], q[1] + 1.0, q[2] + gap + 7.0], [34.0, 23.0], 19.0, 7.0, 4.0);
            let down = [q[0], q[1], q[2] + gap];
            union(top, capsule(down, [0.0, -1.0, -18.0], [0.0, -3.0, -38.0], 12.0), 12.0)
        };
        let patella = {
            let at = [q[0] - self.patella[0], q[2] - self.patella[2], q[1] - self.patella[1]];
            plate(at, [17.0, 18.0], 15.0, 7.5, 6.0)
        };
        [femur, tibia, patella].map(|f| f * self.scale)
    }

    /// The cartilage of each bone, where the bones meet: below and in front of the condyles, two discs on the plateau,
    /// the back of the patella.
    fn layers(&self, p: Point, bones: [f64; 3]) -> [f64; 3] {
        let q = self.own(p);
        let [femur, tibia, patella] = bones.map(|f| f / self.scale);
        let thick = self.cartilage_mm / self.scale;
        let disc = |x: f64| (q[0] - x).hypot(q[1] + 1.0) - 14.0;
        let femoral = (femur - thick).max((q[2] - 24.0 - 0.2 * q[1]) / 1.02).max(-28.0 - q[1]);
        let tibial = (tibia - thick).max(disc(-17.0).min(disc(17.0))).max(-thick - 1.3 - q[2]);
        let patellar = (patella - thick).max(q[1] - self.patella[1] + 2.0);
        let bone = femur.min(tibia).min(patella);
        [femoral, tibial, patellar].map(|f| f.max(-bone) * self.scale)
    }

    /// The leg's surface: negative inside.
    fn skin(&self, p: Point) -> f64 {
        p[0].hypot(p[1] - 4.0) - 46.0 * self.scale
    }
}

impl Modality {
    /// Intensity without noise from the functions of the solids, mixed over `soften` mm at each border.
    fn intensity(self, solids: &[f64; 4], skin: f64, soften: f64) -> f64 {
        // air, soft tissue, cartilage, cortical bone, marrow
        let [air, tissue, cartilage, cortical, marrow] = match self {
            Self::Ct => [-1000.0, 50.0, 110.0, 1200.0, 250.0],
            Self::Mr => [5.0, 260.0, 720.0, 60.0, 180.0],
        };
        let share = |f: f64| (0.5 - f / soften).clamp(0.0, 1.0);
        let mut value = air + share(skin) * (tissue - air);
        let [femur, tibia, patella, layer] = *solids;
        value += share(layer) * (cartilage - value);
        for bone in [femur, tibia, patella] {
            let inside = cortical + share(bone + 2.0) * (marrow - cortical);
            value += share(bone) * (inside - value);
        }
        value
    }

    fn noisy(self, clean: f64, sd: f64, random: &mut Stream) -> f64 {
        match self {
            Self::Ct => clean + sd * random.normal(),
            Self::Mr => (clean + sd * random.normal()).hypot(sd * random.normal()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_voxels_have_the_true_volume() {
        for seed in 0..3 {
            let knee = knee_volume(&KneeVolumeConfig::default(), seed).unwrap();
            for label in 0..5u8 {
                let counted = knee.labels.iter().filter(|l| **l == label).count() as f64;
                let truth = knee.volume_mm3[usize::from(label)];
                let allowed = if label == 4 { 0.01 } else { 0.005 };
                assert!((counted / truth - 1.0).abs() < allowed, "label {label}: {counted} {truth}");
            }
        }
    }

    #[test]
    fn bones_are_apart_and_inside_the_picture() {
        for (seed, thickness) in [(1, 1.0), (2, 2.5), (3, 4.0)] {
            let config = KneeVolumeConfig::default().with_cartilage_mm(thickness);
            let mut stream = Generator::new(seed, "knee volume").stream(0);
            let knee = Knee::new(&config, &mut stream);
            let volume = knee_volume(&config, seed).unwrap();
            let [nx, ny, nz] = volume.shape;
            for (i, label) in volume.labels.iter().enumerate() {
                let at = [i % nx, i / nx % ny, i / nx / ny];
                let edge =
                    at[0] == 0 || at[1] == 0 || at[2] == 0 || at[0] + 1 == nx || at[1] + 1 == ny || at[2] + 1 == nz;
                assert!(!edge || *label == 0, "label {label} at the edge {at:?}");
            }
            let mut place = Generator::new(seed, "places").stream(0);
            for _ in 0..50_000 {
                let p: Point = std::array::from_fn(|_| place.range(-45.0, 45.0));
                let [femur, tibia, patella, _] = knee.solids(p);
                let inside = [femur, tibia, patella].iter().filter(|f| **f < 0.0).count();
                assert!(inside < 2, "two bones at {p:?}");
            }
        }
    }

    #[test]
    fn both_modalities_differ_as_they_should() {
        let config = KneeVolumeConfig::default().with_shape([48, 48, 56]).with_spacing_mm([2.0; 3]).with_noise(5.0);
        let mean = |modality, label: u8| {
            let knee = knee_volume(&config.clone().with_modality(modality), 1).unwrap();
            let hit: Vec<f64> = (knee.labels.iter().zip(&knee.intensity))
                .filter(|(l, _)| **l == label)
                .map(|(_, v)| f64::from(*v))
                .collect();
            hit.iter().sum::<f64>() / hit.len() as f64
        };
        assert!(mean(Modality::Ct, 1) > mean(Modality::Ct, 4) + 100.0);
        assert!(mean(Modality::Mr, 4) > mean(Modality::Mr, 1) + 200.0);
    }

    #[test]
    fn says_what_is_wrong() {
        let text = |c: KneeVolumeConfig| knee_volume(&c, 0).unwrap_err().to_string();
        assert!(text(KneeVolumeConfig::default().with_shape([3, 96, 96])).contains("shape is 3"));
        assert!(text(KneeVolumeConfig::default().with_shape([1024; 3])).contains("voxels"));
        assert!(text(KneeVolumeConfig::default().with_spacing_mm([1.0, f64::NAN, 1.0])).contains("spacing_mm is NaN"));
    }
}
