//! Digits drawn by the program: no files, no network, nothing to install.
//!
//! Each image takes one of several pen paths for its digit ([`glyphs`]), bends it by an affine map and a
//! smooth elastic field (after Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
//! Networks Applied to Visual Document Analysis", 2003), draws it with a pen of varying width
//! ([`pen`]) and adds noise. The format is MNIST's: 28 x 28 bytes, light ink on black.

#[rustfmt::skip] // one glyph per line
mod glyphs;
mod pen;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Dataset, Split};
use pen::{Canvas, SIDE};

const PIXELS: usize = SIDE * SIDE;

/// Size and seed of the synthetic digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticConfig {
    /// Number of training images.
    pub train: u32,
    /// Number of test images.
    pub test: u32,
    /// Images are a function of the seed, the split and their index: a larger set begins with the
    /// smaller one.
    pub seed: u64,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self { train: 20_000, test: 4_000, seed: 0 }
    }
}

/// Draws the synthetic digits; the same for every number of threads.
///
/// Labels go round 0 to 9, so the classes are balanced.
pub fn synthetic(config: &SyntheticConfig) -> Dataset {
    let train = draw_split(config.seed, 0, config.train);
    let test = draw_split(config.seed, 1, config.test);
    Dataset::new("synthetic", train, test, [SIDE, SIDE, 1], 10)
        .expect("labels are digits and images have the shape stated")
}

fn draw_split(seed: u64, split: u64, len: u32) -> Split {
    let labels: Vec<u8> = (0..len).map(|i| (i % 10) as u8).collect();
    let mut images = vec![0; labels.len() * PIXELS];
    images.par_chunks_exact_mut(PIXELS).zip(&labels).enumerate().for_each(
        |(i, (image, &label))| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream((split << 32) | i as u64);
            draw(&mut rng, label, image);
        },
    );
    Split::new(images, labels, PIXELS).expect("one image was drawn per label")
}

/// Draws one digit.
fn draw(rng: &mut ChaCha8Rng, digit: u8, image: &mut [u8]) {
    let variants = glyphs::GLYPHS[usize::from(digit)];
    let strokes = variants[rng.random_range(0..variants.len() as u32) as usize];
    let warp = Warp::random(rng);
    let width = rng.random_range(0.75..1.75);
    let mut path = Vec::with_capacity(128);
    let ends = strokes.iter().map(|stroke| {
        pen::trace(stroke, &mut path);
        path.len()
    });
    let ends: Vec<usize> = ends.collect();
    path.iter_mut().for_each(|p| *p = warp.apply(*p));
    fit(&mut path, width + 1.5);

    let mut canvas = Canvas::new(rng.random_range(0.9..1.5));
    let mut start = 0;
    for end in ends {
        // Pressure differs from the start of a stroke to its end.
        let radius = [(); 2].map(|()| width * rng.random_range(0.8..1.2));
        canvas.stroke(&path[start..end], radius);
        start = end;
    }
    let ink = rng.random_range(190.0..255.0);
    let noise = rng.random_range(0.0..24.0);
    let mut bytes = [0; PIXELS];
    rand::Rng::fill_bytes(rng, &mut bytes);
    for ((pixel, coverage), byte) in image.iter_mut().zip(canvas.coverage()).zip(bytes) {
        let noise = (f32::from(byte) / 255.0 - 0.5) * noise;
        *pixel = (coverage * ink + noise).clamp(0.0, 255.0) as u8;
    }
}

/// Moves the path, and shrinks it if it must, to stay `margin` pixels inside the image.
fn fit(path: &mut [[f32; 2]], margin: f32) {
    let room = SIDE as f32 - 2.0 * margin;
    for k in [0, 1] {
        let low = path.iter().map(|p| p[k]).fold(f32::INFINITY, f32::min);
        let high = path.iter().map(|p| p[k]).fold(f32::NEG_INFINITY, f32::max);
        let scale = (room / (high - low).max(1.0)).min(1.0);
        let at = low.clamp(margin, (SIDE as f32 - margin - scale * (high - low)).max(margin));
        path.iter_mut().for_each(|p| p[k] = at + scale * (p[k] - low));
    }
}

/// Nodes per side of the elastic field.
const NODES: usize = 5;

/// The map from the glyph's unit square to pixels: affine, then elastic.
struct Warp {
    linear: [[f32; 2]; 2],
    centre: [f32; 2],
    /// Displacements in pixels at a grid of nodes, interpolated smoothly between them.
    field: [[[f32; 2]; NODES]; NODES],
}

impl Warp {
    fn random(rng: &mut ChaCha8Rng) -> Self {
        let (sin, cos) = (0.13 * normal(rng)).clamp(-0.45, 0.45).sin_cos();
        let height = 19.0 * rng.random_range(0.8..1.1);
        let width = height * rng.random_range(0.6..0.95);
        // Handwriting leans to the right more often than to the left.
        let shear = (0.12 + 0.16 * normal(rng)).clamp(-0.35, 0.5);
        // rotation * shear * scale, with y pointing down
        let linear = [
            [cos * width, (-cos * shear - sin) * height],
            [sin * width, (cos - sin * shear) * height],
        ];
        let middle = SIDE as f32 / 2.0;
        let centre = [(); 2].map(|()| middle + (1.1 * normal(rng)).clamp(-2.0, 2.0));
        let field = [[(); NODES]; NODES].map(|row| row.map(|()| [normal(rng), normal(rng)]));
        Self { linear, centre, field }
    }

    fn apply(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - 0.5, y - 0.5);
        let p = self.linear.map(|[a, b]| a * x + b * y);
        let p = [p[0] + self.centre[0], p[1] + self.centre[1]];
        let shift = self.displacement(p);
        [p[0] + shift[0], p[1] + shift[1]]
    }

    fn displacement(&self, p: [f32; 2]) -> [f32; 2] {
        let last = (NODES - 1) as f32;
        let [(i, u), (j, v)] = p.map(|c| {
            let g = (c / SIDE as f32).clamp(0.0, 0.999) * last;
            let f = g.fract();
            (g as usize, f * f * (3.0 - 2.0 * f))
        });
        let lerp = |a: f32, b: f32, t: f32| a + (b - a) * t;
        [0, 1].map(|k| {
            let at = |j: usize, i: usize| self.field[j][i][k];
            lerp(lerp(at(j, i), at(j, i + 1), u), lerp(at(j + 1, i), at(j + 1, i + 1), u), v)
        })
    }
}

/// Nearly normal, mean 0 and variance 1: the sum of four uniforms. Exact arithmetic, so the same on
/// every machine, unlike a logarithm.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random::<f32>()).sum();
    (sum - 2.0) * 3f32.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small(train: u32, seed: u64) -> Dataset {
        synthetic(&SyntheticConfig { train, test: 30, seed })
    }

    #[test]
    fn deterministic_for_every_number_of_threads() {
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let one = pool(1).install(|| small(200, 3));
        let many = pool(5).install(|| small(200, 3));
        assert_eq!(one, many);
        assert_ne!(one, small(200, 4));
        assert_eq!(one.train().images()[..50 * PIXELS], *small(50, 3).train().images());
    }

    #[test]
    fn images_differ_within_a_class_and_between_splits() {
        let data = small(60, 0);
        assert_ne!(data.train().image(3), data.train().image(13));
        assert_ne!(data.train().image(3), data.test().image(3));
    }

    /// Ink lies inside the image, in an amount a pen leaves, on every digit.
    #[test]
    fn digits_are_drawn_inside_the_image() {
        let data = small(5000, 0);
        for i in 0..data.train().len() {
            let image = data.train().image(i).unwrap();
            let ink = image.iter().filter(|&&p| p > 96).count();
            assert!((15..350).contains(&ink), "image {i}: {ink} pixels of ink");
            let edge = |i: usize| i == 0 || i == SIDE - 1;
            let cut =
                (0..PIXELS).filter(|p| edge(p % SIDE) || edge(p / SIDE)).any(|p| image[p] > 96);
            assert!(!cut, "image {i}: ink on the border");
        }
    }
}
