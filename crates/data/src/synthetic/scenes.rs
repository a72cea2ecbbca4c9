//! Scenes of a class per pixel: discs, rectangles and bars on a noisy background.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::warp::Field;
use super::{SyntheticConfig, SyntheticError, capped};
use crate::{Dataset, Encoding, Split};

/// Synthetic images of shape `[height, width, channels]` with a class per pixel: class 0 is the
/// background, the others, by turns, discs, rectangles and bars of a colour of their own, some behind
/// others.
///
/// There are at most as many as [`synthetic_images`](crate::synthetic_images) makes.
///
/// # Errors
/// The images are too small or too large, or a mask has not so many classes.
pub fn synthetic_masks(
    config: &SyntheticConfig,
    image: [usize; 3],
    classes: usize,
) -> Result<Dataset, SyntheticError> {
    let [height, width, channels] = image;
    let sides = 8..=4096;
    let fits = sides.contains(&height) && sides.contains(&width) && (1..=64).contains(&channels);
    if !fits || !(1..=255).contains(&classes) {
        return Err(SyntheticError::Masks { height, width, channels, classes });
    }
    let config = capped(config, image);
    let train = draw_split(config.seed, 0, config.train, image, classes);
    let test = draw_split(config.seed, 1, config.test, image, classes);
    let encoding = Encoding::of_images(&train, channels, vec![]);
    Ok(Dataset::images("synthetic", train, test, image, classes, encoding)
        .expect("classes are below their number, and images and masks have the shape stated"))
}

fn draw_split(seed: u64, split: u64, len: u32, image: [usize; 3], classes: usize) -> Split {
    let [height, width, channels] = image;
    let area = height * width;
    let mut masks = vec![0; len as usize * area];
    let mut pixels = vec![0; masks.len() * channels];
    let examples =
        pixels.par_chunks_exact_mut(area * channels).zip(masks.par_chunks_exact_mut(area));
    examples.enumerate().for_each(|(i, (pixels, mask))| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((split << 32) | i as u64);
        for above in (0..rng.random_range(2..=5u64)).rev() {
            // The one on top goes round the classes, so that each is seen.
            let class = match (above, classes) {
                (_, 1) => 0,
                (0, _) => 1 + i % (classes - 1),
                _ => rng.random_range(1..classes as u64) as usize,
            };
            Shape::random(&mut rng, class, [height, width]).cover(class as u8, width, mask);
        }
        paint(&mut rng, mask, image, classes, pixels);
    });
    Split::masks(pixels, masks, area, channels).expect("a class was drawn for every pixel")
}

/// A disc, or a box turned in any direction; lengths in pixels.
struct Shape {
    centre: [f32; 2],
    /// A unit vector, along the first half side.
    along: [f32; 2],
    /// Half the sides; of a disc the radius, twice.
    half: [f32; 2],
    disc: bool,
}

impl Shape {
    /// The shape of a class: a disc, a rectangle or a bar.
    fn random(rng: &mut ChaCha8Rng, class: usize, [height, width]: [usize; 2]) -> Self {
        let side = height.min(width) as f32;
        let mut between = |low: f32, high: f32| side * rng.random_range(low..high);
        let half = match class % 3 {
            1 => [between(0.12, 0.28); 2],
            2 => [between(0.12, 0.28), between(0.12, 0.28)],
            _ => [between(0.3, 0.5), between(0.06, 0.1)],
        };
        let centre = [width, height].map(|s| s as f32 * rng.random_range(0.1..0.9));
        Self { centre, along: direction(rng), half, disc: class % 3 == 1 }
    }

    /// Gives the pixels whose centre lies inside this class.
    fn cover(&self, class: u8, width: usize, mask: &mut [u8]) {
        let [a, b] = self.half;
        for (at, pixel) in mask.iter_mut().enumerate() {
            let x = (at % width) as f32 + 0.5 - self.centre[0];
            let y = (at / width) as f32 + 0.5 - self.centre[1];
            let inside = match self.disc {
                true => x * x + y * y < a * a,
                false => {
                    let [u, v] = self.along;
                    (x * u + y * v).abs() < a && (y * u - x * v).abs() < b
                }
            };
            if inside {
                *pixel = class;
            }
        }
    }
}

/// A unit vector; by arithmetic that is the same on every machine, unlike sine and cosine.
fn direction(rng: &mut ChaCha8Rng) -> [f32; 2] {
    loop {
        let [x, y] = [(); 2].map(|()| rng.random_range(-1.0..1.0f32));
        let square = x * x + y * y;
        if (0.01..1.0).contains(&square) {
            return [x, y].map(|c| c / square.sqrt());
        }
    }
}

/// Colours the classes of `mask`: each has a level per channel, the background is uneven, the light
/// differs from image to image, and noise lies over everything, so that a pixel by itself is often
/// taken for another class, and those around it settle which it is.
fn paint(
    rng: &mut ChaCha8Rng,
    mask: &[u8],
    [height, width, channels]: [usize; 3],
    classes: usize,
    pixels: &mut [u8],
) {
    let ground: Vec<Field<1>> = (0..channels).map(|_| Field::random(rng)).collect();
    let light: f32 = rng.random_range(0.85..1.15);
    let mut bytes = vec![0; pixels.len()];
    rng.fill_bytes(&mut bytes);
    let examples = pixels.chunks_exact_mut(channels).zip(bytes.chunks_exact(channels)).zip(mask);
    for (at, ((pixel, bytes), &class)) in examples.enumerate() {
        let place = [(at % width) as f32 / width as f32, (at / width) as f32 / height as f32];
        for (c, (value, byte)) in pixel.iter_mut().zip(bytes).enumerate() {
            let uneven = if class == 0 { 8.0 * ground[c].at(place)[0] } else { 0.0 };
            let noise = (f32::from(*byte) / 255.0 - 0.5) * 60.0;
            let level = light * level(class.into(), c, classes);
            *value = (level + uneven + noise).clamp(0.0, 255.0) as u8;
        }
    }
}

/// How light class `class` is in channel `c`. In the first the classes are evenly spaced; in the
/// others, by multiples of an irrational number, they are in other orders.
fn level(class: usize, c: usize, classes: usize) -> f32 {
    let place = match c {
        0 => class as f32 / classes as f32,
        _ => (0.381_966 * (class * (2 * c - 1) + c) as f32).fract(),
    };
    25.0 + 205.0 * place
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn scenes(train: u32, image: [usize; 3], classes: usize) -> Dataset {
        synthetic_masks(&SyntheticConfig { train, test: 20, seed: 3 }, image, classes).unwrap()
    }

    #[test]
    fn any_size_colour_and_number_of_classes() {
        for (image, classes) in [
            ([32, 32, 3], 4),
            ([8, 8, 1], 2),
            ([8, 24, 2], 255),
            ([40, 16, 5], 21),
            ([16, 16, 1], 1),
        ] {
            let data = scenes(300, image, classes);
            let [height, width, _] = image;
            assert_eq!(
                (data.example_shape(), data.target_shape()),
                (&image[..], &[height, width, classes][..])
            );
            assert_eq!((data.train().len(), data.test().len()), (300, 20));
            let mut count = vec![0usize; classes];
            data.train().all_masks().iter().for_each(|&c| count[usize::from(c)] += 1);
            // Each is seen, and none is nearly everything.
            assert!(count.iter().all(|&n| n > 0), "{image:?} {count:?}");
            let most = *count.iter().max().unwrap() as f64 / count.iter().sum::<usize>() as f64;
            assert!(classes == 1 || (0.3..0.9).contains(&most), "{image:?} {most}");
            assert_ne!(data.train().image(1), data.train().image(0));
            assert!(classes == 1 || data.train().mask(1) != data.test().mask(1));
        }
        let large = capped(&SyntheticConfig::default(), [256, 256, 3]);
        assert_eq!(large.train, 200_000_000 / (256 * 256 * 3));
    }

    #[test]
    fn numbers_without_scenes() {
        let config = SyntheticConfig { train: 2, test: 2, seed: 1 };
        for (image, classes, part) in [
            ([7, 8, 1], 2, "7 x 8 x 1"),
            ([8, 5000, 1], 2, "8 to 4096"),
            ([8, 8, 0], 2, "1 to 64 channels"),
            ([8, 8, 1], 0, "0 classes"),
            ([8, 8, 1], 256, "1 to 255 classes"),
        ] {
            let error = synthetic_masks(&config, image, classes).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("--data DIR"), "{error}");
        }
    }

    /// Runs outlive builds: their data must not move, on any number of threads.
    #[test]
    fn scenes_are_pinned() {
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let one = pool(1).install(|| scenes(50, [16, 16, 3], 4));
        let many = pool(5).install(|| scenes(50, [16, 16, 3], 4));
        assert_eq!(one, many);
        let bytes = [one.train().images(), one.train().all_masks()].concat();
        let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "a95eea3d043ba71d5689cd3bf05b9da3be07777834b7c438fa3e7875f58f534b");
    }
}
