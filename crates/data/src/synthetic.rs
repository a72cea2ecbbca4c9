//! Data made by the program: no files, no network, nothing to install.
//!
//! An image takes one of several pen paths for each digit of its class ([`glyphs`]), bends it by an
//! affine map and a smooth elastic field ([`warp`]; after Simard, Steinkraus and Platt, "Best
//! Practices for Convolutional Neural Networks Applied to Visual Document Analysis", 2003), draws it
//! with a pen of varying width ([`pen`]) and adds noise. With one channel the format is MNIST's,
//! light ink on black; with more, ink of a random colour lies on a textured background of another
//! ([`colour`]). Images with a class per pixel are scenes of simple shapes ([`scenes`]). A text is of a small artificial language ([`grammar`]).

mod colour;
#[rustfmt::skip] // one glyph per line
mod glyphs;
mod grammar;
mod pen;
mod scenes;
mod warp;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Dataset, Encoding, Split, TextTarget};
use pen::Canvas;
pub use scenes::synthetic_masks;
use warp::{Cell, SIDE, Warp};

/// Size and seed of the synthetic data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticConfig {
    /// Number of training examples.
    pub train: u32,
    /// Number of test examples.
    pub test: u32,
    /// Images are a function of the seed, the split and their index: a larger set begins with the
    /// smaller one. So are texts.
    pub seed: u64,
}

impl Default for SyntheticConfig {
    fn default() -> Self {
        Self { train: 20_000, test: 4_000, seed: 0 }
    }
}

/// Numbers for which there is no synthetic data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum SyntheticError {
    #[error(
        "no synthetic images of {height} x {width} x {channels} with {classes} classes: numbers of \
         {digits} digits need at least 8 x {}, at most 4096 on a side, 1 to 64 channels; give real \
         data with --data DIR", (6 * digits).max(8)
    )]
    Image { height: usize, width: usize, channels: usize, classes: usize, digits: usize },
    #[error(
        "no synthetic images of {classes} classes: expected 1 to 65535; give real data with --data DIR"
    )]
    Classes { classes: usize },
    #[error(
        "no synthetic images of {height} x {width} x {channels} with masks of {classes} classes: \
         expected 8 to 4096 on a side, 1 to 64 channels, 1 to 255 classes; give real data with \
         --data DIR"
    )]
    Masks { height: usize, width: usize, channels: usize, classes: usize },
    #[error(
        "no synthetic text of {vocabulary} characters in windows of {window}: expected 2 to 4096 \
         characters in windows of 1 to 65536; give a text with --data DIR"
    )]
    Text { vocabulary: usize, window: usize },
}

/// The synthetic digits in MNIST's format; the same for every number of threads.
///
/// Labels go round 0 to 9, so the classes are balanced.
pub fn synthetic(config: &SyntheticConfig) -> Dataset {
    images(config, [28, 28, 1], 10)
}

/// Synthetic images of shape `[height, width, channels]`: numbers 0 to `classes - 1`, all with as
/// many digits as the largest, side by side. [`synthetic`] is the case of `[28, 28, 1]` and 10.
///
/// There are at most as many as fill 200 MB (train) and 40 MB (test).
///
/// # Errors
/// The images are too small for that many digits, or too large.
pub fn synthetic_images(
    config: &SyntheticConfig,
    image: [usize; 3],
    classes: usize,
) -> Result<Dataset, SyntheticError> {
    if !(1..=usize::from(u16::MAX)).contains(&classes) {
        return Err(SyntheticError::Classes { classes });
    }
    let ([height, width, channels], digits) = (image, digits(classes));
    let sides = 8..=4096;
    if !sides.contains(&height)
        || !sides.contains(&width)
        || width < 6 * digits
        || !(1..=64).contains(&channels)
    {
        return Err(SyntheticError::Image { height, width, channels, classes, digits });
    }
    Ok(images(&capped(config, image), image, classes))
}

/// At most as many images as fill 200 MB (train) and 40 MB (test).
fn capped(config: &SyntheticConfig, image: [usize; 3]) -> SyntheticConfig {
    let most = |bytes: usize| (bytes / image.iter().product::<usize>()).max(1) as u32;
    SyntheticConfig {
        train: config.train.min(most(200_000_000)),
        test: config.test.min(most(40_000_000)),
        ..*config
    }
}

/// A synthetic text in windows of `window` characters, of a vocabulary of `vocabulary` characters;
/// at most a million characters to train on, and 200,000 to test on.
///
/// # Errors
/// The vocabulary has a single character or far too many, or the window has none.
pub fn synthetic_text(
    config: &SyntheticConfig,
    window: usize,
    vocabulary: usize,
    target: TextTarget,
) -> Result<Dataset, SyntheticError> {
    if !(2..=4096).contains(&vocabulary) || !(1..=65536).contains(&window) {
        return Err(SyntheticError::Text { vocabulary, window });
    }
    let split = |stream, windows: u32, most: usize| {
        let windows = (windows as usize).clamp(1, (most / window).max(1));
        let text = grammar::write(config.seed, stream, vocabulary, windows * window + 1);
        Split::text(text, window).expect("a whole number of windows and a character were written")
    };
    let (train, test) = (split(0, config.train, 1_000_000), split(1, config.test, 200_000));
    Ok(Dataset::text("synthetic", train, test, grammar::alphabet(vocabulary), target)
        .expect("the text is written in its own vocabulary"))
}

/// Decimal digits of the largest class.
fn digits(classes: usize) -> usize {
    classes.saturating_sub(1).max(1).ilog10() as usize + 1
}

/// The numbers have been checked.
fn images(config: &SyntheticConfig, image: [usize; 3], classes: usize) -> Dataset {
    let train = draw_split(config.seed, 0, config.train, image, classes);
    let test = draw_split(config.seed, 1, config.test, image, classes);
    let encoding = match image[2] {
        1 => Encoding::mnist(),
        channels => Encoding::of_images(&train, channels, vec![]),
    };
    Dataset::images("synthetic", train, test, image, classes, encoding)
        .expect("labels are below the number of classes and images have the shape stated")
}

fn draw_split(seed: u64, split: u64, len: u32, image: [usize; 3], classes: usize) -> Split {
    let labels: Vec<u16> = (0..len).map(|i| (i as usize % classes) as u16).collect();
    let size = image.iter().product();
    let mut images = vec![0; labels.len() * size];
    let figures = digits(classes);
    images.par_chunks_exact_mut(size).zip(&labels).enumerate().for_each(|(i, (pixels, &label))| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((split << 32) | i as u64);
        match image {
            [height, width, 1] => grey(&mut rng, label, figures, [height, width], pixels),
            _ => colour::draw(&mut rng, label, figures, image, pixels),
        }
    });
    Split::new(images, labels, size).expect("one image was drawn per label")
}

/// Draws a number, light on black.
fn grey(rng: &mut ChaCha8Rng, label: u16, figures: usize, size: [usize; 2], image: &mut [u8]) {
    let canvas = number(rng, label, figures, size);
    let ink = rng.random_range(190.0..255.0);
    let noise = rng.random_range(0.0..24.0);
    let mut bytes = vec![0; image.len()];
    rng.fill_bytes(&mut bytes);
    for ((pixel, coverage), byte) in image.iter_mut().zip(canvas.coverage()).zip(bytes) {
        let noise = (f32::from(byte) / 255.0 - 0.5) * noise;
        *pixel = (coverage * ink + noise).clamp(0.0, 255.0) as u8;
    }
}

/// The ink of `label`, written with `figures` digits side by side.
fn number(rng: &mut ChaCha8Rng, label: u16, figures: usize, [height, width]: [usize; 2]) -> Canvas {
    let cell_width = width as f32 / figures as f32;
    // A digit is narrower than MNIST's image around it; beside others it has less room.
    let fitting = if figures == 1 { cell_width / SIDE } else { cell_width / 18.0 };
    let scale = fitting.min(height as f32 / SIDE);
    let mut canvas = None;
    for place in 0..figures {
        let power = 10u32.pow((figures - 1 - place) as u32);
        let digit = (u32::from(label) / power % 10) as usize;
        let cell = Cell {
            origin: [place as f32 * cell_width, 0.0],
            size: [cell_width, height as f32],
            scale,
        };
        digit_into(rng, digit, cell, |softness| Canvas::new(height, width, softness), &mut canvas);
    }
    canvas.unwrap_or_else(|| Canvas::new(height, width, 1.0))
}

/// Draws one digit in its cell; the first one makes the canvas.
fn digit_into(
    rng: &mut ChaCha8Rng,
    digit: usize,
    cell: Cell,
    new: impl Fn(f32) -> Canvas,
    canvas: &mut Option<Canvas>,
) {
    let variants = glyphs::GLYPHS[digit];
    let strokes = variants[rng.random_range(0..variants.len() as u32) as usize];
    let warp = Warp::random(rng, cell);
    // A thin pen leaves ink on small images too.
    let pen_scale = cell.scale.max(0.45);
    let width = pen_scale * rng.random_range(0.75..1.75);
    let mut path = Vec::with_capacity(128);
    let ends = strokes.iter().map(|stroke| {
        pen::trace(stroke, &mut path);
        path.len()
    });
    let ends: Vec<usize> = ends.collect();
    path.iter_mut().for_each(|p| *p = warp.apply(*p));
    warp.fit(&mut path, width + 1.5 * cell.scale.min(1.0));

    let softness = rng.random_range(0.9..1.5);
    let canvas = canvas.get_or_insert_with(|| new(softness));
    let mut start = 0;
    for end in ends {
        // Pressure differs from the start of a stroke to its end.
        let radius = [(); 2].map(|()| width * rng.random_range(0.8..1.2));
        canvas.stroke(&path[start..end], radius);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    const SIDE: usize = 28;
    const PIXELS: usize = SIDE * SIDE;

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

    /// Runs outlive builds: that other sizes and colours can be drawn too must not move a pixel.
    #[test]
    fn digits_are_pinned() {
        let digest = Sha256::digest(small(200, 3).train().images());
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "8ad1aa238bc29b5e98335db5b41d4e4332ae35f19334dbff3ce9b5dd602cffdd");
    }

    #[test]
    fn any_size_colour_and_number_of_classes() {
        let config = SyntheticConfig { train: 230, test: 20, seed: 1 };
        for (image, classes) in [
            ([32, 32, 3], 10),
            ([8, 8, 1], 2),
            ([8, 12, 3], 100),
            ([64, 48, 3], 1000),
            ([20, 60, 2], 200),
            ([28, 28, 1], 1),
        ] {
            let data = synthetic_images(&config, image, classes).unwrap();
            assert_eq!((data.example_shape(), data.target_shape()), (&image[..], &[classes][..]));
            assert_eq!((data.train().len(), data.test().len()), (230, 20));
            assert_eq!(
                usize::from(*data.train().labels().iter().max().unwrap()),
                classes.min(230) - 1
            );
            // No image is flat, and no two are the same.
            let mut images: Vec<_> = (0..230).map(|i| data.train().image(i).unwrap()).collect();
            for image in &images {
                let (low, high) = (image.iter().min().unwrap(), image.iter().max().unwrap());
                assert!(high - low > 60, "{classes}: {low} to {high}");
            }
            images.sort_unstable();
            images.dedup();
            assert_eq!(images.len(), 230);
        }
        let large = synthetic_images(&SyntheticConfig::default(), [512, 512, 3], 2).unwrap();
        assert_eq!(large.train().len(), 200_000_000 / (512 * 512 * 3));
    }

    #[test]
    fn numbers_without_synthetic_data() {
        let config = SyntheticConfig { train: 2, test: 2, seed: 1 };
        for (image, classes, part) in [
            ([7, 8, 1], 10, "7 x 8 x 1"),
            ([8, 8, 1], 100, "2 digits need at least 8 x 12"),
            ([8, 8, 0], 10, "1 to 64 channels"),
            ([8, 5000, 1], 10, "4096"),
            ([28, 28, 1], 0, "0 classes"),
            ([28, 28, 1], 70_000, "70000 classes"),
        ] {
            let error = synthetic_images(&config, image, classes).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("--data DIR"), "{error}");
        }
        for (window, vocabulary) in [(0, 5), (5, 1), (5, 5000), (70_000, 5)] {
            let error = synthetic_text(&config, window, vocabulary, TextTarget::Next);
            assert!(error.is_err(), "{window} {vocabulary}");
        }
    }

    #[test]
    fn texts_have_the_vocabulary_and_the_windows_asked_for() {
        let config = SyntheticConfig { train: 300, test: 10, seed: 1 };
        for vocabulary in [2, 3, 4, 5, 27, 65, 96, 200] {
            let data = synthetic_text(&config, 16, vocabulary, TextTarget::EveryNext).unwrap();
            assert_eq!(data.example_shape(), [16, vocabulary]);
            assert_eq!((data.train().len(), data.test().len()), (300, 10));
            let Encoding::Text { vocabulary: text } = data.encoding() else { panic!() };
            assert_eq!(text.chars().count(), vocabulary);
        }
        let long = synthetic_text(&SyntheticConfig::default(), 256, 65, TextTarget::Next).unwrap();
        assert_eq!(long.train().len(), 1_000_000 / 256);
    }
}
