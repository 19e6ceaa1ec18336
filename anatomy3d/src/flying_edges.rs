//! The common part of all surfaces: from "inside or not" on a grid to triangles.
//!
//! Schroeder et al. 2015, "Flying edges", with one bit per voxel: whether a voxel is inside is found once, 64 cells are
//! skipped at a time where nothing changes, and every vertex is made once and known by its number, so that nothing has
//! to be merged afterwards.

use crate::cell_cases::CASES;
use crate::{Affine, Mesh, Result};
use eir_core::error::LimitExceeded;

/// Memory that is used again from one surface to the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine {
    /// One bit per node of the grid (with its border), rows of `words` numbers.
    bits: Vec<u64>,
    /// Number of the first vertex on an x, y and z edge of each row.
    first: Vec<[u32; 3]>,
}

/// The grid of one run: the volume, with a border of `pad` nodes that are outside.
struct Grid {
    /// Nodes along each axis, border included.
    nodes: [usize; 3],
    /// Voxels along x and y.
    inner: [usize; 2],
    pad: usize,
    words: usize,
}

impl Grid {
    fn row(&self, y: usize, z: usize) -> usize {
        y + self.nodes[1] * z
    }

    /// Whether node `at` of `axis` is a voxel and no border.
    fn is_voxel(&self, axis: usize, at: usize) -> bool {
        at >= self.pad && at + self.pad < self.nodes[axis]
    }

    /// The voxel of a node that is none of the border.
    fn voxel(&self, x: usize, y: usize, z: usize) -> usize {
        (x - self.pad) + self.inner[0] * ((y - self.pad) + self.inner[1] * (z - self.pad))
    }
}

impl Engine {
    /// Replaces `mesh` by the surface between the nodes that are inside and those that are not.
    ///
    /// `inside(row, words)` sets the bits of a row of voxels (rows count y first); `cut(a, b)` gives the place (0 to 1) of
    /// the surface between two neighbouring voxels. Between a voxel and the border it lies in the middle.
    pub(crate) fn run(
        &mut self,
        shape: [usize; 3],
        closed: bool,
        affine: &Affine,
        inside: impl Fn(usize, &mut [u64]),
        cut: impl Fn(usize, usize) -> Result<f64>,
        mesh: &mut Mesh,
    ) -> Result<()> {
        let pad = usize::from(closed);
        let nodes = shape.map(|n| n + 2 * pad);
        let grid = Grid { nodes, inner: [shape[0], shape[1]], pad, words: nodes[0].div_ceil(64) };
        self.mark(&grid, shape, inside);
        let vertices = self.count(&grid)?;
        mesh.vertices.clear();
        mesh.triangles.clear();
        mesh.vertices.reserve(vertices);
        mesh.triangles.reserve(2 * vertices);
        self.place(&grid, affine, cut, &mut mesh.vertices)?;
        self.connect(&grid, affine.determinant() < 0.0, &mut mesh.triangles);
        Ok(())
    }

    fn bits(&self, grid: &Grid, row: usize) -> &[u64] {
        &self.bits[row * grid.words..(row + 1) * grid.words]
    }

    fn mark(&mut self, grid: &Grid, shape: [usize; 3], inside: impl Fn(usize, &mut [u64])) {
        self.bits.clear();
        self.bits.resize(grid.words * grid.nodes[1] * grid.nodes[2], 0);
        for z in 0..shape[2] {
            for y in 0..shape[1] {
                let row = grid.row(y + grid.pad, z + grid.pad);
                let words = &mut self.bits[row * grid.words..(row + 1) * grid.words];
                inside(y + shape[1] * z, words);
                if grid.pad == 1 {
                    let mut carry = 0;
                    for word in words {
                        (*word, carry) = (*word << 1 | carry, *word >> 63);
                    }
                }
            }
        }
    }

    /// Numbers the vertices: those of a row's x edges first, then its y and its z edges.
    fn count(&mut self, grid: &Grid) -> Result<usize> {
        let [_, ny, nz] = grid.nodes;
        let mut first = std::mem::take(&mut self.first);
        first.clear();
        let mut total = 0usize;
        for z in 0..nz {
            for y in 0..ny {
                let row = self.bits(grid, grid.row(y, z));
                let along = x_cuts(row, grid.nodes[0]).map(u64::count_ones).sum::<u32>() as usize;
                let differ = |other: usize| {
                    row.iter().zip(self.bits(grid, other)).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>() as usize
                };
                let up = if y + 1 < ny { differ(grid.row(y + 1, z)) } else { 0 };
                let over = if z + 1 < nz { differ(grid.row(y, z + 1)) } else { 0 };
                first.push([total, total + along, total + along + up].map(|n| n as u32)); // checked below
                total += along + up + over;
            }
        }
        self.first = first;
        if total > u32::MAX as usize {
            return Err(LimitExceeded::new("vertices of a surface", total as u64, u64::from(u32::MAX)).into());
        }
        Ok(total)
    }

    /// Makes the vertices in the order of their numbers.
    fn place(
        &self,
        grid: &Grid,
        affine: &Affine,
        cut: impl Fn(usize, usize) -> Result<f64>,
        vertices: &mut Vec<[f32; 3]>,
    ) -> Result<()> {
        let [nx, ny, nz] = grid.nodes;
        let steps = [affine.column(0), affine.column(1), affine.column(2)];
        let pad = grid.pad as f64;
        for z in 0..nz {
            for y in 0..ny {
                let row = self.bits(grid, grid.row(y, z));
                let start = affine.apply([-pad, y as f64 - pad, z as f64 - pad]);
                // a vertex on the edge from node (x, y, z) along `axis`
                let mut vertex = |x: usize, axis: usize, border: bool, next: usize| -> Result<()> {
                    let t = if border {
                        0.5
                    } else {
                        let a = grid.voxel(x, y, z);
                        cut(a, a + next)?
                    };
                    let along = x as f64;
                    vertices.push([0, 1, 2].map(|c| (start[c] + along * steps[0][c] + t * steps[axis][c]) as f32));
                    Ok(())
                };
                let plane = !(grid.is_voxel(1, y) && grid.is_voxel(2, z));
                for (w, cuts) in x_cuts(row, nx).enumerate() {
                    for x in ones(cuts, w) {
                        let border = plane || !grid.is_voxel(0, x) || !grid.is_voxel(0, x + 1);
                        vertex(x, 0, border, 1)?;
                    }
                }
                let neighbours = [
                    (1, y + 1 < ny, y + 1, z, grid.inner[0]),
                    (2, z + 1 < nz, y, z + 1, grid.inner[0] * grid.inner[1]),
                ];
                for (axis, exists, y2, z2, next) in neighbours {
                    if !exists {
                        continue;
                    }
                    let plane = plane || !(grid.is_voxel(1, y2) && grid.is_voxel(2, z2));
                    let other = self.bits(grid, grid.row(y2, z2));
                    for (w, (a, b)) in row.iter().zip(other).enumerate() {
                        for x in ones(a ^ b, w) {
                            vertex(x, axis, plane || !grid.is_voxel(0, x), next)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn connect(&self, grid: &Grid, mirrored: bool, triangles: &mut Vec<[u32; 3]>) {
        let [nx, ny, nz] = grid.nodes;
        for z in 0..nz.saturating_sub(1) {
            for y in 0..ny.saturating_sub(1) {
                let around = [(y, z), (y + 1, z), (y, z + 1), (y + 1, z + 1)].map(|(y, z)| grid.row(y, z));
                let rows = around.map(|r| self.bits(grid, r));
                // running numbers of the vertices on x edges of the four rows, y edges of two, z edges of two
                let mut x_at = around.map(|r| self.first[r][0]);
                let mut y_at = [around[0], around[2]].map(|r| self.first[r][1]);
                let mut z_at = [around[0], around[1]].map(|r| self.first[r][2]);
                for w in 0..grid.words {
                    let here = rows.map(|r| r[w]);
                    let next = rows.map(|r| {
                        let carry = r.get(w + 1).copied().unwrap_or(0) << 63;
                        r[w] >> 1 | carry
                    });
                    let any = here.iter().chain(&next).fold(0, |a, b| a | b);
                    let all = here.iter().chain(&next).fold(u64::MAX, |a, b| a & b);
                    for x in ones(any & !all & below((nx - 1).saturating_sub(64 * w)), 0) {
                        let bit = |word: u64| ((word >> x) & 1) as u32;
                        let (a, b) = (here.map(bit), next.map(bit));
                        let case = (0..4).fold(0, |c, k| c | a[k] << (2 * k) | b[k] << (2 * k + 1));
                        let y_cut = [(a[0] ^ a[1], b[0] ^ b[1]), (a[2] ^ a[3], b[2] ^ b[3])];
                        let z_cut = [a[0] ^ a[2], a[1] ^ a[3]];
                        let [x0, x1, x2, x3] = x_at;
                        let edges = [
                            x0,
                            x1,
                            x2,
                            x3,
                            y_at[0],
                            y_at[0] + y_cut[0].0,
                            y_at[1],
                            y_at[1] + y_cut[1].0,
                            z_at[0],
                            z_at[0] + z_cut[0],
                            z_at[1],
                            z_at[1] + z_cut[1],
                        ];
                        let mut word = CASES[case as usize & 255];
                        for _ in 0..word & 15 {
                            let corner = |k: u32| edges[((word >> (4 + 4 * k)) & 15) as usize];
                            let [p, q, r] = [corner(0), corner(1), corner(2)];
                            triangles.push(if mirrored { [p, r, q] } else { [p, q, r] });
                            word >>= 12;
                        }
                        for (k, at) in x_at.iter_mut().enumerate() {
                            *at += a[k] ^ b[k];
                        }
                        y_at = [y_at[0] + y_cut[0].0, y_at[1] + y_cut[1].0];
                        z_at = [z_at[0] + z_cut[0], z_at[1] + z_cut[1]];
                    }
                }
            }
        }
    }
}

/// Sets the bit of each value that is inside.
pub(crate) fn pack<T: Copy>(values: &[T], words: &mut [u64], inside: impl Fn(T) -> bool) {
    for (values, word) in values.chunks(64).zip(words) {
        let mut flags = [0u8; 64];
        for (flag, value) in flags.iter_mut().zip(values) {
            *flag = u8::from(inside(*value));
        }
        // eight flags become eight bits by one multiplication
        let bytes = flags.as_chunks::<8>().0.iter();
        let bytes = bytes.map(|b| u64::from_le_bytes(*b).wrapping_mul(0x0102_0408_1020_4080) >> 56);
        *word = bytes.enumerate().fold(0, |word, (i, b)| word | b << (8 * i));
    }
}

/// Bits where a row changes from one node to the next, word by word.
fn x_cuts(row: &[u64], nodes: usize) -> impl Iterator<Item = u64> {
    (0..row.len()).map(move |w| {
        let next = row[w] >> 1 | row.get(w + 1).copied().unwrap_or(0) << 63;
        (row[w] ^ next) & below((nodes - 1).saturating_sub(64 * w))
    })
}

/// A word whose lowest `n` bits are set.
fn below(n: usize) -> u64 {
    if n >= 64 { u64::MAX } else { (1 << n) - 1 }
}

/// Positions of the bits of word number `w` of a row.
fn ones(mut word: u64, w: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let at = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(64 * w + at)
    })
}
