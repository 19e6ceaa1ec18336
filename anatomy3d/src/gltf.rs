//! Binary glTF 2.0 (`.glb`).

use crate::{Part, Result};
use std::path::Path;

/// Writes meshes as binary glTF, for viewers, browsers and headsets.
///
/// The vertices stay in mm (LPS); glTF wants metres with y up and z to the front, so the node carries the matrix for that
/// (left stays +x, up is superior, front is anterior), and `extras` names unit and axes. The file appears whole or not at
/// all.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Mesh, Part, gltf};
/// let mesh = Mesh::new(vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], vec![[0, 1, 2]])?;
/// let bytes = gltf::to_bytes(&[Part::new(&mesh, "patella", [240, 228, 208])]);
/// assert_eq!(bytes[..4], *b"glTF");
/// assert_eq!(bytes.len() % 4, 0);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if it cannot be written.
///
/// # References
/// Khronos glTF 2.0, ISO/IEC 12113:2022.
pub fn write(path: impl AsRef<Path>, parts: &[Part<'_>]) -> Result<()> {
    Ok(eir_core::file::write_atomic(path.as_ref(), &to_bytes(parts))?)
}

/// The bytes of the file that [`write()`] writes. Parts without triangles are left out.
#[must_use]
pub fn to_bytes(parts: &[Part<'_>]) -> Vec<u8> {
    let mut binary: Vec<u8> = Vec::new();
    let (mut nodes, mut meshes, mut materials, mut accessors, mut views) = (vec![], vec![], vec![], vec![], vec![]);
    for part in parts {
        let Some((low, high)) = part.mesh.bounds_mm() else { continue };
        let count = part.mesh.vertices.len();
        let k = meshes.len();
        let name = escape(part.name);
        // millimetres LPS to metres with y up: columns left, posterior, superior
        nodes.push(format!(
            "{{\"mesh\":{k},\"name\":\"{name}\",\"matrix\":[0.001,0,0,0,0,0,-0.001,0,0,0.001,0,0,0,0,0,1],\
             \"extras\":{{\"unit\":\"mm\",\"space\":\"LPS\"}}}}"
        ));
        meshes.push(format!(
            "{{\"name\":\"{name}\",\"primitives\":[{{\"attributes\":{{\"POSITION\":{},\"NORMAL\":{}}},\"indices\":{},\"material\":{k}}}]}}",
            3 * k,
            3 * k + 1,
            3 * k + 2
        ));
        let [r, g, b] = part.rgb.map(linear);
        materials.push(format!(
            "{{\"name\":\"{name}\",\"pbrMetallicRoughness\":{{\"baseColorFactor\":[{r:.4},{g:.4},{b:.4},1],\
             \"metallicFactor\":0,\"roughnessFactor\":0.7}}}}"
        ));
        // every vertex counts for the bounds of the accessor, used or not
        let (low, high) = part
            .mesh
            .vertices
            .iter()
            .fold((low, high), |(l, h), v| ([0, 1, 2].map(|i| l[i].min(v[i])), [0, 1, 2].map(|i| h[i].max(v[i]))));
        let mut view = |bytes: usize, start: usize, target: u32| {
            views.push(format!("{{\"buffer\":0,\"byteOffset\":{start},\"byteLength\":{bytes},\"target\":{target}}}"));
        };
        let mut put = |numbers: &mut dyn Iterator<Item = [u8; 4]>, binary: &mut Vec<u8>, target: u32| {
            let start = binary.len();
            numbers.for_each(|n| binary.extend_from_slice(&n));
            view(binary.len() - start, start, target);
        };
        put(&mut part.mesh.vertices.as_flattened().iter().map(|v| v.to_le_bytes()), &mut binary, 34962);
        // a vertex that no triangle uses has no normal; glTF wants length 1
        let normals = part.mesh.normals().into_iter().map(|n| if n == [0.0; 3] { [0.0, 0.0, 1.0] } else { n });
        let normals: Vec<[f32; 3]> = normals.collect();
        put(&mut normals.as_flattened().iter().map(|v| v.to_le_bytes()), &mut binary, 34962);
        put(&mut part.mesh.triangles.as_flattened().iter().map(|v| v.to_le_bytes()), &mut binary, 34963);
        let [lx, ly, lz] = low;
        let [hx, hy, hz] = high;
        accessors.push(format!(
            "{{\"bufferView\":{},\"componentType\":5126,\"count\":{count},\"type\":\"VEC3\",\"min\":[{lx},{ly},{lz}],\"max\":[{hx},{hy},{hz}]}}",
            3 * k
        ));
        accessors.push(format!(
            "{{\"bufferView\":{},\"componentType\":5126,\"count\":{count},\"type\":\"VEC3\"}}",
            3 * k + 1
        ));
        accessors.push(format!(
            "{{\"bufferView\":{},\"componentType\":5125,\"count\":{},\"type\":\"SCALAR\"}}",
            3 * k + 2,
            3 * part.mesh.triangles.len()
        ));
    }
    let mut json = "{\"asset\":{\"version\":\"2.0\",\"generator\":\"eir-anatomy3d\"}".to_owned();
    if !meshes.is_empty() {
        let roots: Vec<String> = (0..nodes.len()).map(|n| n.to_string()).collect();
        json += &format!(",\"scene\":0,\"scenes\":[{{\"nodes\":[{}]}}]", roots.join(","));
        let lists = [
            ("nodes", &nodes),
            ("meshes", &meshes),
            ("materials", &materials),
            ("accessors", &accessors),
            ("bufferViews", &views),
        ];
        for (name, list) in lists {
            json += &format!(",\"{name}\":[{}]", list.join(","));
        }
        json += &format!(",\"buffers\":[{{\"byteLength\":{}}}]", binary.len());
    }
    json.push('}');
    let mut text = json.into_bytes();
    text.resize(text.len().next_multiple_of(4), b' ');
    let chunks: &[(&[u8], &[u8; 4])] =
        if binary.is_empty() { &[(&text, b"JSON")] } else { &[(&text, b"JSON"), (&binary, b"BIN\0")] };
    let total = 12 + chunks.iter().map(|(c, _)| 8 + c.len()).sum::<usize>();
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(b"glTF");
    bytes.extend_from_slice(&2u32.to_le_bytes());
    bytes.extend_from_slice(&(total as u32).to_le_bytes());
    for (chunk, kind) in chunks {
        bytes.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
        bytes.extend_from_slice(*kind);
        bytes.extend_from_slice(chunk);
    }
    bytes
}

/// An sRGB value as the linear one that glTF wants.
fn linear(value: u8) -> f64 {
    let v = f64::from(value) / 255.0;
    if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// Text made safe inside a JSON string.
fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c if c.is_control() => vec![' '],
            c => vec![c],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mesh;

    #[test]
    fn lengths_are_true_and_names_are_escaped() {
        let mesh = Mesh::new(vec![[0.5, -1.0, 2.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], vec![[0, 1, 2]]).unwrap();
        let bytes = to_bytes(&[Part::new(&mesh, "a\"b\n", [255, 0, 128]), Part::new(&Mesh::default(), "none", [0; 3])]);
        assert_eq!(u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, bytes.len());
        let length = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]) as usize;
        let json: serde_json::Value = serde_json::from_slice(&bytes[20..20 + length]).unwrap();
        assert_eq!(json["meshes"][0]["name"], "a\"b ");
        assert_eq!(json["accessors"][0]["min"][1], -1.0);
        assert_eq!(json["buffers"][0]["byteLength"], 3 * 12 * 2 + 12);
        assert_eq!(json["meshes"].as_array().unwrap().len(), 1);
    }
}
