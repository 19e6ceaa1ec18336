//! Fewer triangles.

use crate::affine::{cross, dot, norm, sub};
use crate::{Mesh, Result};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// The mesh with at most `triangles` triangles where its form allows that.
///
/// # Errors
/// As [`Decimate::apply`].
pub fn decimate(mesh: &Mesh, triangles: usize) -> Result<Mesh> {
    DecimateConfig::default().with_triangles(triangles).build()?.apply(mesh)
}

/// Settings of [`Decimate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecimateConfig {
    /// How many triangles may stay: 4 and more. Default 60 000, what a page can turn smoothly.
    pub triangles: usize,
    /// How far a triangle may turn in one step, in degrees: above 0 to 90. Default 80.
    pub turn_deg: f64,
}

impl Default for DecimateConfig {
    fn default() -> Self {
        Self { triangles: 60_000, turn_deg: 80.0 }
    }
}

impl DecimateConfig {
    /// Sets [`triangles`](Self::triangles).
    #[must_use]
    pub fn with_triangles(self, triangles: usize) -> Self {
        Self { triangles, ..self }
    }
    /// Sets [`turn_deg`](Self::turn_deg).
    #[must_use]
    pub fn with_turn_deg(self, turn_deg: f64) -> Self {
        Self { turn_deg, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.triangles < 4 {
            return Err(Parameter::new("triangles", self.triangles as f64, "4 or more").into());
        }
        if !(self.turn_deg > 0.0 && self.turn_deg <= 90.0) {
            return Err(Parameter::new("turn_deg", self.turn_deg, "above 0 to 90").into());
        }
        Ok(())
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<Decimate> {
        self.validate()?;
        Ok(Decimate { config: self })
    }
}

/// Decimation by collapsing the edge that moves the surface least, again and again.
///
/// A closed surface stays closed, and keeps its Euler number: an edge is only collapsed where that holds (link condition),
/// and where no triangle turns over. How many triangles are left is seen on the result; it may be more than asked.
///
/// **Use it** for pictures, pages and printing. **Not** before a measurement: measure first.
///
/// # Formula
/// Each vertex carries `Q = Σ area · (n, d)(n, d)ᵀ` of its triangles' planes, an open rim also a plane at a right angle with
/// a thousand times the weight; edge (a, b) costs `vᵀ (Q_a + Q_b) v` at the `v` where that is least. All in `f64`.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, Volume, decimate, isosurface};
/// let ball = Volume::from_fn([40, 40, 40], Affine::from_spacing([1.0; 3])?, |i| {
///     15.0 - i.iter().map(|v| (*v as f32 - 19.5).powi(2)).sum::<f32>().sqrt()
/// })?;
/// let fine = isosurface(&ball, 0.0)?;
/// let coarse = decimate(&fine, 800)?;
/// assert!(coarse.triangles().len() <= 800 && coarse.topology().is_closed());
/// assert!((coarse.volume_mm3() / fine.volume_mm3() - 1.0).abs() < 0.006);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Validation
/// Closed, and with the same Euler number, on all surfaces of the tests; volume of a ball within 0.6 % at a tenth of
/// the triangles.
///
/// # References
/// Garland, Heckbert 1997, doi:10.1145/258734.258849.
#[derive(Debug, Clone, PartialEq)]
pub struct Decimate {
    config: DecimateConfig,
}

impl Decimate {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> DecimateConfig {
        DecimateConfig::default()
    }

    /// The decimated mesh, without unused vertices.
    ///
    /// # Errors
    /// None yet for a valid mesh: what cannot be collapsed stays.
    pub fn apply(&self, mesh: &Mesh) -> Result<Mesh> {
        let mut work = Work::new(mesh, self.config.turn_deg.to_radians().cos());
        let mut faces = mesh.triangles.len();
        while faces > self.config.triangles {
            let Some(step) = work.queue.pop() else { break };
            let [a, b] = step.edge;
            if work.version[a as usize] != step.versions[0] || work.version[b as usize] != step.versions[1] {
                continue;
            }
            faces -= work.collapse(a as usize, b as usize, step.place);
        }
        work.finish()
    }
}

/// A symmetric 4×4 matrix: xx xy xz xd yy yz yd zz zd dd.
type Quadric = [f64; 10];

fn plane(n: [f64; 3], d: f64, weight: f64) -> Quadric {
    let [x, y, z] = n;
    [x * x, x * y, x * z, x * d, y * y, y * z, y * d, z * z, z * d, d * d].map(|v| v * weight)
}

fn add(a: &Quadric, b: &Quadric) -> Quadric {
    let mut sum = *a;
    for (s, v) in sum.iter_mut().zip(b) {
        *s += v;
    }
    sum
}

fn cost(q: &Quadric, v: [f64; 3]) -> f64 {
    let [x, y, z] = v;
    let squares = q[0] * x * x + q[4] * y * y + q[7] * z * z + q[9];
    (squares + 2.0 * (q[1] * x * y + q[2] * x * z + q[3] * x + q[5] * y * z + q[6] * y + q[8] * z)).max(0.0)
}

/// Where `q` is least. In directions in which it hardly changes, as along a smooth surface, the place stays near `middle`:
/// a thousandth of the trace is added for every mm² from there, so that the system can always be solved.
fn least(q: &Quadric, middle: [f64; 3]) -> Option<[f64; 3]> {
    let hold = 1e-3 * (q[0] + q[4] + q[7]);
    let (r0, r1, r2) = ([q[0] + hold, q[1], q[2]], [q[1], q[4] + hold, q[5]], [q[2], q[5], q[7] + hold]);
    let det = dot(r0, cross(r1, r2));
    if det <= 0.0 || !det.is_finite() {
        return None;
    }
    let rhs = [hold * middle[0] - q[3], hold * middle[1] - q[6], hold * middle[2] - q[8]];
    // columns of the inverse of a symmetric matrix are cross products of its rows
    let (c0, c1, c2) = (cross(r1, r2), cross(r2, r0), cross(r0, r1));
    Some([0, 1, 2].map(|i| (c0[i] * rhs[0] + c1[i] * rhs[1] + c2[i] * rhs[2]) / det))
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    cost: f64,
    edge: [u32; 2],
    versions: [u32; 2],
    place: [f64; 3],
}

impl Eq for Step {}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Step {
    /// The cheapest is the largest; equal costs go by the vertices, so that the order is always the same.
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then_with(|| other.edge.cmp(&self.edge))
    }
}

struct Work {
    place: Vec<[f64; 3]>,
    quadric: Vec<Quadric>,
    /// Changes with the vertex; old entries of the queue are known by it.
    version: Vec<u32>,
    /// Triangles around each vertex.
    around: Vec<Vec<u32>>,
    faces: Vec<Option<[u32; 3]>>,
    queue: BinaryHeap<Step>,
    turn: f64,
}

impl Work {
    fn new(mesh: &Mesh, turn: f64) -> Self {
        let n = mesh.vertices.len();
        let mut work = Self {
            place: mesh.vertices.iter().map(|v| v.map(f64::from)).collect(),
            quadric: vec![[0.0; 10]; n],
            version: vec![0; n],
            around: vec![Vec::new(); n],
            faces: mesh.triangles.iter().map(|t| Some(*t)).collect(),
            queue: BinaryHeap::new(),
            turn,
        };
        for (f, t) in mesh.triangles.iter().enumerate() {
            let [a, b, c] = mesh.corners(*t);
            let n = cross(sub(b, a), sub(c, a));
            let length = norm(n);
            let unit = n.map(|v| if length > 0.0 { v / length } else { 0.0 });
            let q = plane(unit, -dot(unit, a), 0.5 * length);
            for v in t {
                work.quadric[*v as usize] = add(&work.quadric[*v as usize], &q);
                work.around[*v as usize].push(f as u32);
            }
        }
        work.fasten_rims(mesh);
        let mut steps = Vec::new();
        for a in 0..n {
            for b in work.neighbours(a) {
                if (b as usize) > a {
                    steps.push(work.step(a, b as usize));
                }
            }
        }
        work.queue = BinaryHeap::from(steps);
        work
    }

    /// Edges of one triangle get a plane at a right angle to it.
    fn fasten_rims(&mut self, mesh: &Mesh) {
        for t in &mesh.triangles {
            for k in 0..3 {
                let (a, b) = (t[k] as usize, t[(k + 1) % 3] as usize);
                if self.shared(a, b).len() == 1 {
                    let [p, q, r] = mesh.corners(*t);
                    let normal = cross(sub(q, p), sub(r, p));
                    let side = sub(self.place[b], self.place[a]);
                    let n = cross(side, normal);
                    let length = norm(n);
                    if length > 0.0 {
                        let n = n.map(|v| v / length);
                        let rim = plane(n, -dot(n, self.place[a]), 1000.0 * dot(side, side));
                        self.quadric[a] = add(&self.quadric[a], &rim);
                        self.quadric[b] = add(&self.quadric[b], &rim);
                    }
                }
            }
        }
    }

    /// Triangles that both vertices belong to.
    fn shared(&self, a: usize, b: usize) -> Vec<u32> {
        self.around[a].iter().filter(|f| self.around[b].contains(f)).copied().collect()
    }

    /// Vertices that an edge joins to `v`, in order.
    fn neighbours(&self, v: usize) -> Vec<u32> {
        let faces = self.around[v].iter().filter_map(|f| self.faces[*f as usize]);
        let mut all: Vec<u32> = faces.flatten().filter(|u| *u as usize != v).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn step(&self, a: usize, b: usize) -> Step {
        let q = add(&self.quadric[a], &self.quadric[b]);
        let (p, r) = (self.place[a], self.place[b]);
        let middle = [0, 1, 2].map(|i| (p[i] + r[i]) / 2.0);
        let length = norm(sub(r, p));
        // a far optimum is a badly conditioned one
        let best = least(&q, middle).filter(|v| norm(sub(*v, middle)) <= 2.0 * length);
        let place = best.unwrap_or_else(|| {
            let options = [middle, p, r].map(|v| (cost(&q, v), v));
            options.iter().fold(options[0], |a, b| if b.0 < a.0 { *b } else { a }).1
        });
        Step { cost: cost(&q, place), edge: [a as u32, b as u32], versions: [self.version[a], self.version[b]], place }
    }

    /// Collapses `b` into `a` at `place`, and gives the number of triangles that vanish: 0 where it must not be.
    fn collapse(&mut self, a: usize, b: usize, place: [f64; 3]) -> usize {
        let gone = self.shared(a, b);
        if !self.keeps_topology(a, b, &gone) || !self.keeps_sides(a, b, &gone, place) {
            return 0;
        }
        for f in &gone {
            let Some(t) = self.faces[*f as usize].take() else { continue };
            for v in t {
                self.around[v as usize].retain(|g| g != f);
            }
        }
        for f in std::mem::take(&mut self.around[b]) {
            if let Some(t) = &mut self.faces[f as usize] {
                for v in t.iter_mut().filter(|v| **v as usize == b) {
                    *v = a as u32;
                }
                self.around[a].push(f);
            }
        }
        self.place[a] = place;
        self.quadric[a] = add(&self.quadric[a], &self.quadric[b]);
        self.version[a] += 1;
        self.version[b] += 1;
        for v in self.neighbours(a) {
            let v = v as usize;
            let step = self.step(a.min(v), a.max(v));
            self.queue.push(step);
        }
        gone.len()
    }

    /// The link condition: the vertices next to both ends are just those of the triangles at the edge.
    fn keeps_topology(&self, a: usize, b: usize, gone: &[u32]) -> bool {
        let (near_a, near_b) = (self.neighbours(a), self.neighbours(b));
        let common = near_a.iter().filter(|v| near_b.binary_search(v).is_ok());
        let mut count = 0;
        for v in common {
            count += 1;
            // a vertex of three triangles would be left with two that lie upon each other
            if self.around[*v as usize].len() <= 3 && gone.len() == 2 {
                return false;
            }
        }
        count == gone.len() && (1..=2).contains(&gone.len()) && (gone.len() == 2 || near_a.len() + near_b.len() > 4)
            // two rims must not meet
            && (gone.len() == 1 || !(self.on_rim(a) && self.on_rim(b)))
    }

    fn on_rim(&self, v: usize) -> bool {
        self.neighbours(v).len() != self.around[v].len()
    }

    fn keeps_sides(&self, a: usize, b: usize, gone: &[u32], place: [f64; 3]) -> bool {
        let moved = self.around[a].iter().chain(&self.around[b]).filter(|f| !gone.contains(f));
        moved.filter_map(|f| self.faces[*f as usize]).all(|t| {
            let old = t.map(|v| self.place[v as usize]);
            let new = t.map(|v| if v as usize == a || v as usize == b { place } else { self.place[v as usize] });
            let (before, after) =
                (cross(sub(old[1], old[0]), sub(old[2], old[0])), cross(sub(new[1], new[0]), sub(new[2], new[0])));
            let (m, n) = (norm(before), norm(after));
            // no splinters either: the height stays above a thousandth of the longest side
            let sides = [sub(new[1], new[0]), sub(new[2], new[1]), sub(new[0], new[2])].map(|s| dot(s, s));
            let longest = sides.iter().fold(0.0f64, |l, s| l.max(*s));
            n > 1e-3 * longest && dot(before, after) >= self.turn * m * n
        })
    }

    fn finish(self) -> Result<Mesh> {
        let mut number = vec![u32::MAX; self.place.len()];
        let mut vertices = Vec::new();
        let mut triangles = Vec::new();
        for t in self.faces.into_iter().flatten() {
            triangles.push(t.map(|v| {
                let v = v as usize;
                if number[v] == u32::MAX {
                    number[v] = vertices.len() as u32;
                    vertices.push(self.place[v].map(|c| c as f32));
                }
                number[v]
            }));
        }
        Mesh::new(vertices, triangles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, Border, Isosurface, Volume, isosurface};

    fn torus() -> Volume {
        Volume::from_fn([50, 50, 24], Affine::from_spacing([1.0; 3]).unwrap(), |[x, y, z]| {
            let (x, y, z) = (x as f32 - 24.4, y as f32 - 24.6, z as f32 - 11.5);
            let ring = (x * x + y * y).sqrt() - 15.0;
            5.0 - (ring * ring + z * z).sqrt()
        })
        .unwrap()
    }

    #[test]
    fn a_torus_stays_a_torus() {
        let fine = isosurface(&torus(), 0.0).unwrap();
        for target in [2000, 500, 4] {
            let coarse = decimate(&fine, target).unwrap();
            let topology = coarse.topology();
            assert!(topology.is_closed() && topology.euler == 0, "{target}: {topology:?}");
            assert!(coarse.triangles().len() <= target.max(200), "{target}: {}", coarse.triangles().len());
            if target >= 500 {
                assert!((coarse.volume_mm3() / fine.volume_mm3() - 1.0).abs() < 0.02, "{target}");
            }
        }
    }

    #[test]
    fn rims_stay_where_they_are() {
        let half = Volume::from_fn([20, 20, 10], Affine::from_spacing([1.0; 3]).unwrap(), |[x, y, z]| {
            8.0 - ((x as f32 - 9.5).powi(2) + (y as f32 - 9.5).powi(2) + (z as f32).powi(2)).sqrt()
        })
        .unwrap();
        let open =
            Isosurface::config().with_border(Border::Open).build().and_then(|mut s| s.extract(&half, 0.0)).unwrap();
        let coarse = decimate(&open, 200).unwrap();
        assert_eq!(coarse.topology().euler, open.topology().euler);
        assert_eq!(coarse.topology().non_manifold_edges, 0);
        assert!(coarse.bounds_mm().unwrap().0[2].abs() < 0.05);
        assert!((coarse.area_mm2() / open.area_mm2() - 1.0).abs() < 0.03);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(decimate(&Mesh::default(), 3).is_err());
        assert!(Decimate::config().with_turn_deg(0.0).build().is_err());
        assert_eq!(decimate(&Mesh::default(), 4).unwrap(), Mesh::default());
    }
}
