//! Binary STL.

use crate::{Mesh, Result};
use eir_core::Limits;
use eir_core::error::{Malformed, Unsupported};
use std::collections::HashMap;
use std::path::Path;

const FORMAT: &str = "STL";

/// Writes a mesh as binary STL, for printing and for CAD.
///
/// STL has neither unit nor axes: the 80 bytes of text in front say `UNIT=mm SPACE=LPS`, the convention of 3D Slicer. The file
/// appears whole or not at all.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Limits, Mesh, stl};
/// let mesh = Mesh::new(vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], vec![[0, 1, 2]])?;
/// let bytes = stl::to_bytes(&mesh);
/// assert_eq!(bytes.len(), 84 + 50);
/// assert_eq!(stl::from_bytes(&bytes, &Limits::default())?, mesh);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if it cannot be written.
pub fn write(path: impl AsRef<Path>, mesh: &Mesh) -> Result<()> {
    Ok(eir_core::file::write_atomic(path.as_ref(), &to_bytes(mesh))?)
}

/// The bytes of the file that [`write()`] writes.
#[must_use]
pub fn to_bytes(mesh: &Mesh) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(84 + 50 * mesh.triangles.len());
    bytes.extend_from_slice(b"eir-anatomy3d binary STL UNIT=mm SPACE=LPS");
    bytes.resize(80, b' ');
    bytes.extend_from_slice(&(mesh.triangles.len() as u32).to_le_bytes());
    for t in &mesh.triangles {
        let [a, b, c] = t.map(|v| mesh.vertices[v as usize]);
        let side = |p: [f32; 3], q: [f32; 3]| [q[0] - p[0], q[1] - p[1], q[2] - p[2]];
        let (u, v) = (side(a, b), side(a, c));
        let n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
        let length = n.iter().map(|c| c * c).sum::<f32>().sqrt();
        let n = n.map(|c| if length > 0.0 { c / length } else { 0.0 });
        for number in [n, a, b, c].as_flattened() {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[0, 0]);
    }
    bytes
}

/// Reads a binary STL file; corners with equal coordinates become one vertex.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if it is none or is cut short, [`Error::Unsupported`](crate::Error::Unsupported)
/// for STL as text, [`Error::Limit`](crate::Error::Limit) if it is larger than allowed.
pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<Mesh> {
    from_bytes(&eir_core::file::read(path.as_ref(), limits)?, limits)
}

/// As [`read`], from a file that is in memory.
///
/// # Errors
/// As `read`.
pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Mesh> {
    let short = || Malformed::at(FORMAT, bytes.len() as u64, "it ends inside the header");
    let count = u32::from_le_bytes(*bytes.get(80..).and_then(|b| b.first_chunk::<4>()).ok_or_else(short)?);
    // 50 bytes in the file; in memory a triangle and at most three vertices with their places in a table
    limits.product("triangles (bytes)", &[u64::from(count), 12 + 3 * (12 + 32)])?;
    let body = bytes.get(84..84 + 50 * count as usize);
    let Some(body) = body else {
        if bytes.starts_with(b"solid") {
            return Err(Unsupported::new("STL as text", "write it as binary STL").into());
        }
        return Err(
            Malformed::at(FORMAT, 80, format!("{count} triangles do not fit into {} bytes", bytes.len())).into()
        );
    };
    let mut vertices = Vec::new();
    let mut known: HashMap<[u32; 3], u32> = HashMap::new();
    let mut triangles = Vec::with_capacity(count as usize);
    for record in body.as_chunks::<50>().0 {
        let number = |at: usize| {
            let at = 12 + 4 * at;
            f32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]) + 0.0 // -0 is 0
        };
        triangles.push([0, 3, 6].map(|k| {
            let corner = [number(k), number(k + 1), number(k + 2)];
            *known.entry(corner.map(f32::to_bits)).or_insert_with(|| {
                vertices.push(corner);
                vertices.len() as u32 - 1
            })
        }));
    }
    Mesh::new(vertices, triangles).map_err(|_| Malformed::new(FORMAT, "a coordinate is not finite").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, Error, LabelMap, label_surface};

    #[test]
    fn a_surface_is_whole_after_the_way_through_a_file() {
        let affine = Affine::from_spacing([0.7, 0.7, 1.1]).unwrap();
        let map = LabelMap::from_fn([6, 5, 4], affine, |[x, y, z]| u16::from(x > 1 && y != 2 && z > 0)).unwrap();
        let mesh = label_surface(&map, 1).unwrap();
        let back = from_bytes(&to_bytes(&mesh), &Limits::default()).unwrap();
        assert_eq!(back.topology(), mesh.topology());
        assert!((back.volume_mm3() - mesh.volume_mm3()).abs() < 1e-9);
    }

    #[test]
    fn says_what_is_wrong() {
        let limits = Limits::default();
        let mut bytes = vec![0; 84];
        bytes[80] = 1;
        assert!(matches!(from_bytes(&bytes, &limits), Err(Error::Malformed(_))));
        bytes[80..84].fill(0xff);
        assert!(matches!(from_bytes(&bytes, &limits), Err(Error::Limit(_))));
        let text = format!("solid a\n{}endsolid", "facet normal 0 0 1\n".repeat(20));
        assert!(matches!(from_bytes(text.as_bytes(), &limits), Err(Error::Unsupported(_) | Error::Limit(_))));
    }
}
