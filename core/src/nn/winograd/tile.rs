//! The algebra of minimal filtering.

use super::super::ConvConfig;
use pulp::Simd;

/// What a patch of the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// F(2, 3): four values in a row and three weights, 4 products for 2 outputs instead of 6.
    Three,
    /// F(8, 5): twelve values in a row and five weights, 17 products for 8 outputs instead of 40. The even and the odd
    /// values are filtered with the even and the odd weights: F(2, 2) of which each product is F(4, 3) or F(4, 2).
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
            Self::Five => 12,
        }
    }

    /// Outputs of a patch along the last two axes.
    pub(super) fn outputs(self) -> [usize; 2] {
        match self {
            Self::Three => [1, 2],
            Self::Five => [1, 8],
            Self::Square => [2, 2],
        }
    }

    /// Products of a patch.
    pub(super) fn points(self) -> usize {
        match self {
            Self::Three => 4,
            Self::Five => 17,
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
                let [even, both] = [[g[0], g[2], g[4]], [g[0] + g[1], g[2] + g[3], g[4]]].map(four);
                [&even[..], &both, &two([g[1], g[3]])].concat()
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

/// The points of three weights at the places of F(4, 3): 0, ±3/4, ±3/2 and ∞.
pub(super) fn four([a, b, c]: [f64; 3]) -> [f64; 6] {
    let at = |x: f64| a + x * (b + x * c);
    let (near, far) = (243.0 / 128.0, 243.0 / 32.0);
    [at(0.0) * 64.0 / 81.0, -at(0.75) / near, -at(-0.75) / near, at(1.5) / far, at(-1.5) / far, c]
}

/// The points of two weights at the places of F(4, 2): 0, ±1, 1/2 and ∞.
fn two([a, b]: [f64; 2]) -> [f64; 5] {
    [2.0 * a, a + b, (b - a) / 3.0, -(8.0 * a + 4.0 * b) / 3.0, b]
}

/// The two linear maps of a [`Kind`], on vectors: patches of `I` values, `P` points, `O` outputs.
pub(super) trait Tile<const I: usize, const P: usize, const O: usize> {
    /// Input channels whose products are summed in one run: shorter runs keep the digits that the maps cost.
    const RUN: usize = usize::MAX;
    /// The points of a patch.
    fn points<S: Simd>(simd: S, x: [S::f32s; I]) -> [S::f32s; P];
    /// The outputs of the sums of products.
    fn outputs<S: Simd>(simd: S, m: [S::f32s; P]) -> [S::f32s; O];
}

/// F(2, 3).
pub(super) struct Three;
/// F(4, 3).
pub(super) struct Four;
/// F(8, 5).
pub(super) struct Five;
/// F(2 × 2, 3 × 3).
pub(super) struct Square;

impl Tile<4, 4, 2> for Three {
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 4]) -> [S::f32s; 4] {
        let [a, b, c, d] = x;
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 4]) -> [S::f32s; 2] {
        let [a, b, c, d] = m;
        [simd.add_f32s(simd.add_f32s(a, b), c), simd.sub_f32s(simd.sub_f32s(b, c), d)]
    }
}

impl Tile<6, 6, 4> for Four {
    /// The values times the polynomial that vanishes at every other place.
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 6]) -> [S::f32s; 6] {
        // the squares of 3/4 and 3/2
        let [near, far, both, product] = [-0.5625, -2.25, -2.8125, 1.265625].map(|value| simd.splat_f32s(value));
        let ends = |a, b, c| simd.mul_add_e_f32s(product, a, simd.mul_add_e_f32s(both, b, c));
        let pair = |square, place: f32| {
            let even = simd.mul_add_e_f32s(square, x[2], x[4]);
            let odd = simd.mul_add_e_f32s(square, x[1], x[3]);
            [place, -place].map(|place| simd.mul_add_e_f32s(simd.splat_f32s(place), odd, even))
        };
        let ([a, b], [c, d]) = (pair(far, 0.75), pair(near, 1.5));
        [ends(x[0], x[2], x[4]), a, b, c, d, ends(x[1], x[3], x[5])]
    }

    /// Powers of 3/4 and 3/2, the second twice the first.
    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
        let [p, q] = [simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2])];
        let [r, s] = [simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4])];
        let power = |near: f32, ratio: f32, a, b| {
            simd.mul_f32s(simd.splat_f32s(near), simd.mul_add_e_f32s(simd.splat_f32s(ratio), b, a))
        };
        [
            simd.add_f32s(m[0], simd.add_f32s(p, r)),
            power(0.75, 2.0, q, s),
            power(0.5625, 4.0, p, r),
            simd.add_f32s(power(0.421875, 8.0, q, s), m[5]),
        ]
    }
}

/// The points of F(4, 2).
#[inline(always)]
fn points2<S: Simd>(simd: S, x: [S::f32s; 5]) -> [S::f32s; 5] {
    let half = simd.splat_f32s(-0.5);
    let [u, v, w] = [simd.sub_f32s(x[2], x[0]), simd.sub_f32s(x[3], x[1]), simd.sub_f32s(x[4], x[2])];
    let [s, t] = [simd.mul_add_e_f32s(half, x[2], x[3]), simd.mul_add_e_f32s(half, x[1], x[2])];
    let ends = |a, b| simd.mul_add_e_f32s(half, a, b);
    [ends(u, v), simd.add_f32s(s, t), simd.sub_f32s(s, t), v, ends(v, w)]
}

/// The outputs of F(4, 2).
#[inline(always)]
fn outputs2<S: Simd>(simd: S, m: [S::f32s; 5]) -> [S::f32s; 4] {
    let [p, q] = [simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2])];
    let power = |half: f32, sum| simd.mul_add_e_f32s(simd.splat_f32s(half), m[3], sum);
    [simd.add_f32s(m[0], simd.add_f32s(p, m[3])), power(0.5, q), power(0.25, p), simd.add_f32s(power(0.125, q), m[4])]
}

impl Tile<12, 17, 8> for Five {
    const RUN: usize = 32;

    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 12]) -> [S::f32s; 17] {
        let apart = |i: usize| simd.sub_f32s(x[i], x[i + 1]);
        let a = Four::points(simd, [apart(0), apart(2), apart(4), apart(6), apart(8), apart(10)]);
        let b = Four::points(simd, [x[1], x[3], x[5], x[7], x[9], x[11]]);
        let c = points2(simd, [apart(1), apart(3), apart(5), apart(7), apart(9)]);
        [a[0], a[1], a[2], a[3], a[4], a[5], b[0], b[1], b[2], b[3], b[4], b[5], c[0], c[1], c[2], c[3], c[4]]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 17]) -> [S::f32s; 8] {
        let a = Four::outputs(simd, [m[0], m[1], m[2], m[3], m[4], m[5]]);
        let b = Four::outputs(simd, [m[6], m[7], m[8], m[9], m[10], m[11]]);
        let c = outputs2(simd, [m[12], m[13], m[14], m[15], m[16]]);
        let (even, odd) = (|i: usize| simd.add_f32s(a[i], b[i]), |i: usize| simd.sub_f32s(b[i], c[i]));
        [even(0), odd(0), even(1), odd(1), even(2), odd(2), even(3), odd(3)]
    }
}

impl Tile<16, 16, 4> for Square {
    #[inline(always)]
    fn points<S: Simd>(simd: S, x: [S::f32s; 16]) -> [S::f32s; 16] {
        let a = Three::points(simd, [x[0], x[4], x[8], x[12]]);
        let b = Three::points(simd, [x[1], x[5], x[9], x[13]]);
        let c = Three::points(simd, [x[2], x[6], x[10], x[14]]);
        let d = Three::points(simd, [x[3], x[7], x[11], x[15]]);
        let [p0, p1, p2, p3] = Three::points(simd, [a[0], b[0], c[0], d[0]]);
        let [p4, p5, p6, p7] = Three::points(simd, [a[1], b[1], c[1], d[1]]);
        let [p8, p9, p10, p11] = Three::points(simd, [a[2], b[2], c[2], d[2]]);
        let [p12, p13, p14, p15] = Three::points(simd, [a[3], b[3], c[3], d[3]]);
        [p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15]
    }

    #[inline(always)]
    fn outputs<S: Simd>(simd: S, m: [S::f32s; 16]) -> [S::f32s; 4] {
        let a = Three::outputs(simd, [m[0], m[1], m[2], m[3]]);
        let b = Three::outputs(simd, [m[4], m[5], m[6], m[7]]);
        let c = Three::outputs(simd, [m[8], m[9], m[10], m[11]]);
        let d = Three::outputs(simd, [m[12], m[13], m[14], m[15]]);
        let [left_top, left_bottom] = Three::outputs(simd, [a[0], b[0], c[0], d[0]]);
        let [right_top, right_bottom] = Three::outputs(simd, [a[1], b[1], c[1], d[1]]);
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
        check::<Five, 12, 17, 8>(Kind::Five);
        check::<Square, 16, 16, 4>(Kind::Square);
    }
}
