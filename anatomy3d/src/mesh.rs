//! Triangle meshes and what can be measured on them.

use crate::affine::{cross, dot, norm, sub};
use crate::{Error, Result};
use eir_core::error::{Mismatch, NotFinite};

/// A surface of triangles: vertices in mm (LPS) and, counter-clockwise seen from outside, three of them per triangle.
///
/// # Examples
/// ```
/// use eir_anatomy3d::Mesh;
/// let corner = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// let mesh = Mesh::new(corner.to_vec(), vec![[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])?;
/// assert!((mesh.volume_mm3() - 1.0 / 6.0).abs() < 1e-12);
/// assert_eq!(mesh.topology().euler, 2);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    pub(crate) vertices: Vec<[f32; 3]>,
    pub(crate) triangles: Vec<[u32; 3]>,
}

/// Whether and how a surface hangs together.
///
/// # References
/// Euler number `V − E + F` of the used vertices: 2 for a closed surface without holes, 0 with one handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topology {
    /// All vertices.
    pub vertices: usize,
    /// Vertices that a triangle uses.
    pub used_vertices: usize,
    /// Edges, each counted once.
    pub edges: usize,
    /// Triangles.
    pub faces: usize,
    /// Used vertices − edges + triangles.
    pub euler: i64,
    /// Edges of one triangle only: the rims of holes.
    pub boundary_edges: usize,
    /// Edges of more than two triangles.
    pub non_manifold_edges: usize,
    /// Directed edges that occur more than once: neighbours whose sides do not agree.
    pub inconsistent_edges: usize,
    /// Triangles of less than 1e-12 mm².
    pub zero_area_faces: usize,
    /// Parts that no edge joins.
    pub components: usize,
}

impl Topology {
    /// Whether every edge has exactly two triangles with agreeing sides: only then has the mesh a volume.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.faces > 0 && self.boundary_edges == 0 && self.non_manifold_edges == 0 && self.inconsistent_edges == 0
    }
}

/// A mesh with its name and colour, for pictures and files.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Part<'a> {
    /// The surface.
    pub mesh: &'a Mesh,
    /// What it is: "femur".
    pub name: &'a str,
    /// Red, green, blue: 0 to 255 (sRGB).
    pub rgb: [u8; 3],
}

impl<'a> Part<'a> {
    /// A part of a picture or file.
    #[must_use]
    pub fn new(mesh: &'a Mesh, name: &'a str, rgb: [u8; 3]) -> Self {
        Self { mesh, name, rgb }
    }
}

impl Mesh {
    /// A mesh of the given parts.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if a triangle names a vertex that does not exist, [`Error::NotFinite`] if a coordinate is NaN or infinite.
    pub fn new(vertices: Vec<[f32; 3]>, triangles: Vec<[u32; 3]>) -> Result<Self> {
        NotFinite::check_f32("coordinate", vertices.as_flattened())?;
        if let Some(v) = triangles.iter().flatten().find(|v| **v as usize >= vertices.len()) {
            return Err(Error::from(Mismatch::new("vertex of a triangle", format!("below {}", vertices.len()), v)));
        }
        Ok(Self { vertices, triangles })
    }

    /// Vertices in mm.
    #[must_use]
    pub fn vertices(&self) -> &[[f32; 3]] {
        &self.vertices
    }

    /// Triangles as positions of vertices.
    #[must_use]
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.triangles
    }

    /// Vertices and triangles, to be used further.
    #[must_use]
    pub fn into_parts(self) -> (Vec<[f32; 3]>, Vec<[u32; 3]>) {
        (self.vertices, self.triangles)
    }

    /// The corners of triangle `t` in `f64`.
    pub(crate) fn corners(&self, t: [u32; 3]) -> [[f64; 3]; 3] {
        t.map(|v| self.vertices[v as usize].map(f64::from))
    }

    /// Area, in `f64`.
    ///
    /// # Formula
    /// `Σ ½ |(b − a) × (c − a)|`.
    #[must_use]
    pub fn area_mm2(&self) -> f64 {
        let area = |t: &[u32; 3]| {
            let [a, b, c] = self.corners(*t);
            norm(cross(sub(b, a), sub(c, a)))
        };
        0.5 * self.triangles.iter().map(area).sum::<f64>()
    }

    /// Enclosed volume by the divergence theorem, in `f64`. Only a [closed](Topology::is_closed) mesh has one; it is negative if
    /// the mesh is inside out.
    ///
    /// # Formula
    /// `⅙ Σ a · (b × c)`.
    #[must_use]
    pub fn volume_mm3(&self) -> f64 {
        let part = |t: &[u32; 3]| {
            let [a, b, c] = self.corners(*t);
            dot(a, cross(b, c))
        };
        self.triangles.iter().map(part).sum::<f64>() / 6.0
    }

    /// Centre of mass of the enclosed volume; none if that is 0.
    ///
    /// # Formula
    /// `Σ v (a + b + c) / 4 / Σ v`, `v = a · (b × c)`, about the middle of the bounding box.
    #[must_use]
    pub fn centroid_mm(&self) -> Option<[f64; 3]> {
        let (low, high) = self.bounds_mm()?;
        let middle = [0, 1, 2].map(|i| (f64::from(low[i]) + f64::from(high[i])) / 2.0);
        let (mut sum, mut volume) = ([0.0; 3], 0.0);
        for t in &self.triangles {
            let [a, b, c] = self.corners(*t).map(|p| sub(p, middle));
            let v = dot(a, cross(b, c));
            volume += v;
            for i in 0..3 {
                sum[i] += v * (a[i] + b[i] + c[i]);
            }
        }
        (volume != 0.0).then(|| [0, 1, 2].map(|i| middle[i] + sum[i] / (4.0 * volume)))
    }

    /// Smallest and largest coordinates of the vertices that triangles use; none without triangles.
    #[must_use]
    pub fn bounds_mm(&self) -> Option<([f32; 3], [f32; 3])> {
        let mut bounds = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        for v in self.triangles.iter().flatten().map(|v| self.vertices[*v as usize]) {
            bounds = ([0, 1, 2].map(|i: usize| bounds.0[i].min(v[i])), [0, 1, 2].map(|i: usize| bounds.1[i].max(v[i])));
        }
        (!self.triangles.is_empty()).then_some(bounds)
    }

    /// Normals of the vertices, of length 1: the mean of the triangles around, each by its area. 0 where there is none.
    #[must_use]
    pub fn normals(&self) -> Vec<[f32; 3]> {
        let mut normals = vec![[0f64; 3]; self.vertices.len()];
        for t in &self.triangles {
            let [a, b, c] = self.corners(*t);
            let n = cross(sub(b, a), sub(c, a));
            for v in t {
                for (sum, part) in normals[*v as usize].iter_mut().zip(n) {
                    *sum += part;
                }
            }
        }
        let unit = |n: [f64; 3]| {
            let length = norm(n);
            n.map(|c| if length > 0.0 { (c / length) as f32 } else { 0.0 })
        };
        normals.into_iter().map(unit).collect()
    }

    /// How the surface hangs together.
    ///
    /// # Validation
    /// All counts equal those of NumPy and SciPy on the meshes of the reference set (`tests/golden.rs`).
    #[must_use]
    pub fn topology(&self) -> Topology {
        let n = self.vertices.len();
        // edges, sorted into the bucket of their lower vertex: the higher one, and in the lowest bit the direction
        let mut start = vec![0usize; n + 2];
        let mut edges = vec![0u64; 3 * self.triangles.len()];
        let pairs = || self.triangles.iter().flat_map(|[a, b, c]| [(*a, *b), (*b, *c), (*c, *a)]);
        for (a, b) in pairs() {
            start[a.min(b) as usize + 2] += 1;
        }
        for v in 1..start.len() {
            start[v] += start[v - 1];
        }
        for (a, b) in pairs() {
            let place = &mut start[a.min(b) as usize + 1];
            edges[*place] = u64::from(a.max(b)) << 1 | u64::from(a > b);
            *place += 1;
        }
        let mut result = Topology {
            vertices: n,
            used_vertices: 0,
            edges: 0,
            faces: self.triangles.len(),
            euler: 0,
            boundary_edges: 0,
            non_manifold_edges: 0,
            inconsistent_edges: 0,
            zero_area_faces: 0,
            components: 0,
        };
        let mut parts = Parts::new(n);
        for v in 0..n {
            let bucket = &mut edges[start[v]..start[v + 1]];
            bucket.sort_unstable();
            for same in bucket.chunk_by(|a, b| a >> 1 == b >> 1) {
                let back = same.iter().filter(|e| **e & 1 == 1).count();
                result.edges += 1;
                result.boundary_edges += usize::from(same.len() == 1);
                result.non_manifold_edges += usize::from(same.len() > 2);
                result.inconsistent_edges += usize::from(back > 1) + usize::from(same.len() - back > 1);
                parts.join(v, (same[0] >> 1) as usize);
            }
        }
        let mut used = vec![false; n];
        for v in self.triangles.iter().flatten() {
            used[*v as usize] = true;
        }
        result.used_vertices = used.iter().filter(|u| **u).count();
        result.components = (0..n).filter(|v| used[*v] && parts.root(*v) == *v).count();
        result.euler = result.used_vertices as i64 - result.edges as i64 + result.faces as i64;
        let empty = |t: &&[u32; 3]| {
            let [a, b, c] = self.corners(**t);
            0.5 * norm(cross(sub(b, a), sub(c, a))) < 1e-12
        };
        result.zero_area_faces = self.triangles.iter().filter(empty).count();
        result
    }
}

/// Union-find.
pub(crate) struct Parts {
    parent: Vec<u32>,
}

impl Parts {
    pub(crate) fn new(n: usize) -> Self {
        Self { parent: (0..n as u32).collect() }
    }

    pub(crate) fn root(&mut self, mut v: usize) -> usize {
        while self.parent[v] as usize != v {
            self.parent[v] = self.parent[self.parent[v] as usize];
            v = self.parent[v] as usize;
        }
        v
    }

    /// The lower number becomes the root.
    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Vec<[f32; 3]> {
        vec![[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [9.0, 9.0, 9.0]]
    }

    #[test]
    fn open_inconsistent_and_empty_are_seen() {
        let open = Mesh::new(square(), vec![[0, 1, 2], [0, 2, 3]]).unwrap().topology();
        assert_eq!((open.boundary_edges, open.edges, open.euler, open.used_vertices, open.components), (4, 5, 1, 4, 1));
        let turned = Mesh::new(square(), vec![[0, 1, 2], [0, 3, 2], [0, 0, 1]]).unwrap().topology();
        assert_eq!((turned.inconsistent_edges, turned.zero_area_faces), (2, 1));
        assert!(!Mesh::default().topology().is_closed());
        assert!(Mesh::new(square(), vec![[0, 1, 5]]).is_err());
        assert!(Mesh::new(vec![[f32::NAN; 3]], vec![]).is_err());
    }

    #[test]
    fn area_and_normals_of_a_square() {
        let mesh = Mesh::new(square(), vec![[0, 1, 2], [0, 2, 3]]).unwrap();
        assert_eq!(mesh.area_mm2(), 1.0);
        assert_eq!(mesh.normals()[0], [0.0, 0.0, 1.0]);
        assert_eq!(mesh.normals()[4], [0.0; 3]);
        assert_eq!(mesh.bounds_mm(), Some(([0.0; 3], [1.0, 1.0, 0.0])));
        assert_eq!(mesh.centroid_mm(), None);
    }
}
