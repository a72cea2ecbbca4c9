//! From a glyph's unit square to the pixels of the cell it is drawn in.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Pixels per side of MNIST's images, which the sizes here are given for.
pub(super) const SIDE: f32 = 28.0;

/// The part of an image that a glyph is drawn in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// Left and top.
    pub origin: [f32; 2],
    /// Width and height.
    pub size: [f32; 2],
    /// How much larger the glyph is than in MNIST's images.
    pub scale: f32,
}

/// Nodes per side of the elastic field.
const NODES: usize = 5;

/// A smooth field of vectors in the plane, interpolated between a grid of nodes.
pub(super) struct Field<const K: usize>([[[f32; K]; NODES]; NODES]);

impl<const K: usize> Field<K> {
    pub fn random(rng: &mut ChaCha8Rng) -> Self {
        Self([[(); NODES]; NODES].map(|row| row.map(|()| [(); K].map(|()| normal(rng)))))
    }

    /// The value at `p`, a point of the unit square; outside, that of its edge.
    pub fn at(&self, p: [f32; 2]) -> [f32; K] {
        let last = (NODES - 1) as f32;
        let [(i, u), (j, v)] = p.map(|c| {
            let g = c.clamp(0.0, 0.999) * last;
            let f = g.fract();
            (g as usize, f * f * (3.0 - 2.0 * f))
        });
        let lerp = |a: f32, b: f32, t: f32| a + (b - a) * t;
        std::array::from_fn(|k| {
            let at = |j: usize, i: usize| self.0[j][i][k];
            lerp(lerp(at(j, i), at(j, i + 1), u), lerp(at(j + 1, i), at(j + 1, i + 1), u), v)
        })
    }
}

/// The map from the glyph's unit square to pixels: affine, then elastic.
pub(super) struct Warp {
    linear: [[f32; 2]; 2],
    centre: [f32; 2],
    /// Displacements in pixels of MNIST's images.
    field: Field<2>,
    cell: Cell,
}

impl Warp {
    pub fn random(rng: &mut ChaCha8Rng, cell: Cell) -> Self {
        let (sin, cos) = (0.13 * normal(rng)).clamp(-0.45, 0.45).sin_cos();
        let height = 19.0 * cell.scale * rng.random_range(0.8..1.1);
        let width = height * rng.random_range(0.6..0.95);
        // Handwriting leans to the right more often than to the left.
        let shear = (0.12 + 0.16 * normal(rng)).clamp(-0.35, 0.5);
        // rotation * shear * scale, with y pointing down
        let linear = [
            [cos * width, (-cos * shear - sin) * height],
            [sin * width, (cos - sin * shear) * height],
        ];
        let centre = [0, 1].map(|k| {
            cell.origin[k] + cell.size[k] / 2.0 + cell.scale * (1.1 * normal(rng)).clamp(-2.0, 2.0)
        });
        Self { linear, centre, field: Field::random(rng), cell }
    }

    pub fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - 0.5, y - 0.5);
        let p = self.linear.map(|[a, b]| a * x + b * y);
        let p = [p[0] + self.centre[0], p[1] + self.centre[1]];
        let cell = &self.cell;
        let shift = self.field.at([0, 1].map(|k| (p[k] - cell.origin[k]) / cell.size[k]));
        [0, 1].map(|k| p[k] + cell.scale * shift[k])
    }

    /// Moves the path, and shrinks it if it must, to stay `margin` pixels inside the cell.
    pub fn fit(&self, path: &mut [[f32; 2]], margin: f32) {
        for k in [0, 1] {
            let (origin, size) = (self.cell.origin[k], self.cell.size[k]);
            let room = size - 2.0 * margin;
            let low = path.iter().map(|p| p[k]).fold(f32::INFINITY, f32::min);
            let high = path.iter().map(|p| p[k]).fold(f32::NEG_INFINITY, f32::max);
            let scale = (room / (high - low).max(1.0)).min(1.0);
            let most = (size - margin - scale * (high - low)).max(margin);
            let at = origin + (low - origin).clamp(margin, most);
            path.iter_mut().for_each(|p| p[k] = at + scale * (p[k] - low));
        }
    }
}

/// Nearly normal, mean 0 and variance 1: the sum of four uniforms. Exact arithmetic, so the same on
/// every machine, unlike a logarithm.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random::<f32>()).sum();
    (sum - 2.0) * 3f32.sqrt()
}
