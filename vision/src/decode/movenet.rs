//! MoveNet's four heads.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite};

/// What MoveNet says: planes of `side` × `side` cells, one after the other.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MoveNetHeads {
    /// Cells along each side: 48 for lightning, 64 for thunder.
    pub side: usize,
    /// Probability of each joint in each cell.
    pub heat: Vec<f32>,
    /// Probability of a person's centre in each cell.
    pub centre: Vec<f32>,
    /// For a person centred in a cell, where the joints are, in cells from it: y and x of each joint.
    pub joints: Vec<f32>,
    /// For a joint in a cell, where in it: y and x of each joint.
    pub offsets: Vec<f32>,
}

impl MoveNetHeads {
    /// Heads of `side` × `side` cells from a network's four outputs.
    #[must_use]
    pub fn new(side: usize, [heat, centre, joints, offsets]: [Vec<f32>; 4]) -> Self {
        Self { side, heat, centre, joints, offsets }
    }
}

/// A joint found by MoveNet.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MoveNetJoint {
    /// x and y as fractions of the input.
    pub xy: [f64; 2],
    /// Probability of the joint in its cell.
    pub score: f64,
}

/// The joints of the person nearest to the middle of the picture.
///
/// **Use it** on pictures with one person. **Not** for several: the others are invisible to it.
///
/// # Formula
/// The person's cell is the largest of `centre / (distance to the middle cell + 1.8)`; a joint's cell the largest of
/// `heat / (distance to the place that the person's cell says + 1.8)`; the joint is that cell plus its offset, over `side`.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if the heads do not belong together,
/// [`Error::NotFinite`](crate::Error::NotFinite).
///
/// # Validation
/// The same cells as the published graph, joints within 2e-4 of the picture's side (`cargo xtask golden vision`).
pub fn movenet(heads: &MoveNetHeads) -> Result<Vec<MoveNetJoint>> {
    let (n, area) = (heads.side, heads.side * heads.side);
    Mismatch::check("values of the centre", area, heads.centre.len())?;
    let count = heads.heat.len() / area.max(1);
    Mismatch::check("values of the heat maps", count * area, heads.heat.len())?;
    for (what, values) in [("values of the joints", &heads.joints), ("values of the offsets", &heads.offsets)] {
        Mismatch::check(what, 2 * count * area, values.len())?;
        NotFinite::check_f32(what, values)?;
    }
    NotFinite::check_f32("heat-map value", &heads.heat)?;
    NotFinite::check_f32("centre", &heads.centre)?;
    if area == 0 {
        return Ok(Vec::new());
    }
    let best = |map: &[f32], [y, x]: [f64; 2]| {
        let weight = |i: usize, v: f32| {
            let distance = ((i / n) as f64 - y).hypot((i % n) as f64 - x);
            f64::from(v) / (distance + 1.8)
        };
        let all = map.iter().enumerate().map(|(i, v)| (i, weight(i, *v)));
        all.fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best }).0
    };
    let person = best(&heads.centre, [(n / 2) as f64; 2]);
    let at = |planes: &[f32], joint: usize, cell: usize| {
        [0, 1].map(|axis| planes.get((2 * joint + axis) * area + cell).map_or(0.0, |v| f64::from(*v)))
    };
    let joints = heads.heat.chunks_exact(area).enumerate().map(|(joint, map)| {
        let [dy, dx] = at(&heads.joints, joint, person);
        let cell = best(map, [(person / n) as f64 + dy, (person % n) as f64 + dx]);
        let [oy, ox] = at(&heads.offsets, joint, cell);
        let xy = [((cell % n) as f64 + ox) / n as f64, ((cell / n) as f64 + oy) / n as f64];
        MoveNetJoint { xy, score: map.get(cell).map_or(0.0, |v| f64::from(*v)) }
    });
    Ok(joints.collect())
}
