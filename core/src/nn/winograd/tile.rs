//! The algebra of minimal filtering.

use super::super::ConvConfig;
use pulp::Simd;

/// What a patch of the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// F(2, 3): four values in a row and three weights, 4 products for 2 outputs instead of 6.
    Three,
    /// F(4, 5): eight values in a row and five weights, 11 products for 4 outputs instead of 20. The even and the odd
    /// values are filtered with the even and the odd weights, each pair by F(2, 3) or F(2, 2), and the pairs of these
    /// again by F(2, 2).
    Five,
    /// F(2 × 2, 3 × 3): four by four values, 16 products for 4 outputs instead of 36. `Three` along both axes.
    Square,
}

impl Kind {
    /// The kind for a kernel; none if it has another width, a stride, or too few channels.
    pub(in super::super) fn of(config: &ConvConfig<3>) -> Option<Self> {
        let channels = [config.in_channels, config.out_channels].map(|c| c / config.groups);
        if config.stride != [1; 3] || channels[0] < 4 || channels[1] < 8 {
            return None;
        }
        match config.kernel {
            [_, 3, 3] if config.dilation[1..] == [1, 1] => Some(Self::Square),
            // the sum stays direct along one axis only
            [1, _, 3] | [_, 1, 3] => Some(Self::Three),
            [1, _, 5] | [_, 1, 5] => Some(Self::Five),
            _ => None,
        }
    }

    /// Values of a patch along the last axis.
    pub(super) fn patch(self) -> usize {
        match self {
            Self::Three | Self::Square => 4,
            Self::Five => 8,
        }
    }

    /// Outputs of a patch along the last two axes.
    pub(super) fn outputs(self) -> [usize; 2] {
        match self {
            Self::Three => [1, 2],
            Self::Five => [1, 4],
            Self::Square => [2, 2],
        }
    }

    /// Products of a patch.
    pub(super) fn points(self) -> usize {
        match self {
            Self::Three => 4,
            Self::Five => 11,
            Self::Square => 16,
        }
    }

    /// Weights that belong to a patch.
    pub(super) fn taps(self) -> usize {
        match self {
            Self::Three => 3,
            Self::Five => 5,
            Self::Square => 9,
        }
    }

    /// The points of such weights.
    pub(super) fn filter(self, weights: &[f32]) -> Vec<f64> {
        let g: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
        match self {
            Self::Three => three([g[0], g[1], g[2]]).to_vec(),
            Self::Five => {
                let [even, both] = [[g[0], g[2], g[4]], [g[0] + g[1], g[2] + g[3], g[4]]].map(three);
                [&even[..], &both, &[g[1], g[1] + g[3], g[3]]].concat()
            }
            Self::Square => {
                let [a, b, c] = [0, 3, 6].map(|row| three([g[row], g[row + 1], g[row + 2]]));
                let columns: [[f64; 4]; 4] = std::array::from_fn(|x| three([a[x], b[x], c[x]]));
                (0..16).map(|i| columns[i % 4][i / 4]).collect()
            }
        }
    }
}

/// The points of three weights.
pub(super) fn three([a, b, c]: [f64; 3]) -> [f64; 4] {
    [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c]
}

/// The two linear maps of a [`Kind`], on vectors: patches of `I` values, `P` points, `O` outputs.
pub(super) trait Tile<const I: usize, const P: usize, const O: usize> {
    /// The points of a patch.
    fn points<S: Simd>(simd: S, x: [S::f32s; I]) -> [S::f32s; P];
    /// The outputs of the sums of products.
    fn outputs<S: Simd>(simd: S, m: [S::f32s; P]) -> [S::f32s; O];
}

/// F(2, 3).
pub(super) struct Three;
/// F(4, 5).
pub(super) struct Five;
/// F(2 × 2, 3 × 3).
pub(super) struct Square;

#[inline(always)]
pub(super) fn points3<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

#[inline(always)]
fn outputs3<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
}

impl Tile<4, 4, 2> for Three {
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 4]) -> [S::f32s; 4] {
        points3(simd, x)
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
        outputs3(simd, m)
    }
}

impl Tile<8, 11, 4> for Five {
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 8]) -> [S::f32s; 11] {
        let apart = [
            simd.sub_f32s(x[0], x[1]),
            simd.sub_f32s(x[2], x[3]),
            simd.sub_f32s(x[4], x[5]),
            simd.sub_f32s(x[6], x[7]),
        ];
        let [a0, a1, a2, a3] = points3(simd, apart);
        let [b0, b1, b2, b3] = points3(simd, [x[1], x[3], x[5], x[7]]);
        let c = [simd.sub_f32s(x[1], x[2]), simd.sub_f32s(x[3], x[4]), simd.sub_f32s(x[5], x[6])];
        [a0, a1, a2, a3, b0, b1, b2, b3, simd.sub_f32s(c[0], c[1]), c[1], simd.sub_f32s(c[1], c[2])]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 11]) -> [S::f32s; 4] {
        let [a0, a1] = outputs3(simd, [m[0], m[1], m[2], m[3]]);
        let [b0, b1] = outputs3(simd, [m[4], m[5], m[6], m[7]]);
        let [c0, c1] = [simd.add_f32s(m[8], m[9]), simd.sub_f32s(m[9], m[10])];
        [simd.add_f32s(a0, b0), simd.sub_f32s(b0, c0), simd.add_f32s(a1, b1), simd.sub_f32s(b1, c1)]
    }
}

impl Tile<16, 16, 4> for Square {
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 16]) -> [S::f32s; 16] {
        let a = points3(simd, [x[0], x[4], x[8], x[12]]);
        let b = points3(simd, [x[1], x[5], x[9], x[13]]);
        let c = points3(simd, [x[2], x[6], x[10], x[14]]);
        let d = points3(simd, [x[3], x[7], x[11], x[15]]);
        let [p0, p1, p2, p3] = points3(simd, [a[0], b[0], c[0], d[0]]);
        let [p4, p5, p6, p7] = points3(simd, [a[1], b[1], c[1], d[1]]);
        let [p8, p9, p10, p11] = points3(simd, [a[2], b[2], c[2], d[2]]);
        let [p12, p13, p14, p15] = points3(simd, [a[3], b[3], c[3], d[3]]);
        [p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 16]) -> [S::f32s; 4] {
        let a = outputs3(simd, [m[0], m[1], m[2], m[3]]);
        let b = outputs3(simd, [m[4], m[5], m[6], m[7]]);
        let c = outputs3(simd, [m[8], m[9], m[10], m[11]]);
        let d = outputs3(simd, [m[12], m[13], m[14], m[15]]);
        let [left_top, left_bottom] = outputs3(simd, [a[0], b[0], c[0], d[0]]);
        let [right_top, right_bottom] = outputs3(simd, [a[1], b[1], c[1], d[1]]);
        [left_top, right_top, left_bottom, right_bottom]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::Scalar;

    /// One patch by the formula, and by its points.
    fn check<T: Tile<I, P, O>, const I: usize, const P: usize, const O: usize>(kind: Kind) {
        let x: [f32; I] = std::array::from_fn(|i| ((i * i + 3) % 7) as f32);
        let g: Vec<f32> = (0..kind.taps()).map(|i| ((5 * i + 2) % 11) as f32 - 4.0).collect();
        let points = T::points(Scalar, x);
        let filter = kind.filter(&g);
        let y = T::outputs(Scalar, std::array::from_fn(|j| points[j] * filter[j] as f32));
        let ([_, across], patch) = (kind.outputs(), kind.patch());
        let wide = kind.taps() / (I / patch).clamp(1, 3);
        let high = kind.taps() / wide;
        for (o, y) in y.iter().enumerate() {
            let (row, column) = (o / across, o % across);
            let sum: f32 = (0..kind.taps()).map(|k| g[k] * x[(row + k / wide) * patch + column + k % wide]).sum();
            assert!((sum - y).abs() < 1e-4, "{kind:?} {high} x {wide}, output {o}: {sum} {y}");
        }
        assert_eq!((kind.points(), kind.outputs().iter().product::<usize>()), (P, O));
    }

    #[test]
    fn points_and_outputs_are_the_convolution() {
        check::<Three, 4, 4, 2>(Kind::Three);
        check::<Five, 8, 11, 4>(Kind::Five);
        check::<Square, 16, 16, 4>(Kind::Square);
    }
}
