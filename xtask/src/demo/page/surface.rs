//! Surfaces as the viewer of the report reads them.

use eir_core::svg::base64;

/// The surface for the viewer: positions as u16 inside the bounding box, then indices, little endian, in base64.
pub(super) fn surface(vertices: &[[f32; 3]], triangles: &[[u32; 3]]) -> String {
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for vertex in vertices {
        for ((low, high), v) in low.iter_mut().zip(&mut high).zip(vertex) {
            (*low, *high) = (low.min(*v), high.max(*v));
        }
    }
    let mut bytes = Vec::with_capacity(vertices.len() * 6 + triangles.len() * 12);
    for vertex in vertices {
        for ((low, high), v) in low.iter().zip(&high).zip(vertex) {
            let part = f64::from(v - low) / f64::from(high - low).max(f64::MIN_POSITIVE);
            bytes.extend(((part * 65535.0).round() as u16).to_le_bytes());
        }
    }
    let long = vertices.len() > usize::from(u16::MAX);
    for index in triangles.iter().flatten() {
        match u16::try_from(*index) {
            Ok(short) if !long => bytes.extend(short.to_le_bytes()),
            _ => bytes.extend(index.to_le_bytes()),
        }
    }
    let (count, index, data) = (vertices.len(), if long { "u32" } else { "u16" }, base64(&bytes));
    let [x, y, z] = [0, 1, 2].map(|i| high[i] - low[i]);
    format!(
        "<script type=\"text/plain\" data-vertices=\"{count}\" data-index=\"{index}\" data-extent=\"{x} {y} {z}\">{data}</script>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surfaces_are_quantised_to_their_box() {
        let text = surface(&[[0.0, 5.0, -1.0], [10.0, 5.0, 1.0], [5.0, 5.0, 0.0]], &[[0, 1, 2]]);
        let bytes = [0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 255, 0, 128, 0, 0, 0, 128, 0, 0, 1, 0, 2, 0];
        assert!(text.contains("data-extent=\"10 0 2\"") && text.contains(&format!(">{}<", base64(&bytes))), "{text}");
        let many = vec![[0.0; 3]; 70_000];
        assert!(surface(&many, &[[0, 1, 69_999]]).contains("data-index=\"u32\""));
    }
}
