//! How examples become numbers.

use crate::Split;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How a data set's examples become numbers: what whoever uses trained weights has to know, so a run
/// keeps it in its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Encoding {
    /// Pixels enter as `(p/255 - mean)/std`, by channel.
    Images {
        /// Mean of each channel, as a fraction of 255.
        mean: Vec<f32>,
        /// Standard deviation of each channel, as a fraction of 255.
        std: Vec<f32>,
        /// Names of the classes; empty where the files do not tell.
        classes: Vec<String>,
    },
    /// Characters enter one-hot.
    Text {
        /// The characters, in order of their index.
        vocabulary: String,
    },
}

impl Encoding {
    /// Mean and standard deviation of the pixels of MNIST's training images, as fractions of 255.
    ///
    /// The customary constants; the synthetic grey digits use them too, so that a network trained on
    /// one reads the other.
    pub const MNIST_MEAN_STD: (f32, f32) = (0.1307, 0.3081);

    /// That of MNIST.
    pub fn mnist() -> Self {
        let (mean, std) = Self::MNIST_MEAN_STD;
        Self::Images { mean: vec![mean], std: vec![std], classes: vec![] }
    }

    /// Mean and standard deviation by channel of the images of `split`, from exact sums, so the same
    /// for every number of threads. A channel without contrast has standard deviation 1.
    pub fn of_images(split: &Split, channels: usize, classes: Vec<String>) -> Self {
        let channels = channels.max(1);
        let chunk = channels << 16;
        let add = |a: Vec<[u64; 2]>, b: Vec<[u64; 2]>| {
            a.iter().zip(&b).map(|(a, b)| [a[0] + b[0], a[1] + b[1]]).collect()
        };
        let zero = || vec![[0; 2]; channels];
        let sums = split.images().par_chunks(chunk).map(|pixels| {
            let mut sums = zero();
            for pixel in pixels.chunks_exact(channels) {
                for (sum, &p) in sums.iter_mut().zip(pixel) {
                    let p = u64::from(p);
                    *sum = [sum[0] + p, sum[1] + p * p];
                }
            }
            sums
        });
        let n = (split.images().len() / channels).max(1) as f64;
        let (mean, std) = sums
            .reduce(zero, add)
            .into_iter()
            .map(|[sum, squares]| {
                let mean = sum as f64 / n / 255.0;
                let std = (squares as f64 / n / 255.0 / 255.0 - mean * mean).max(0.0).sqrt();
                (mean as f32, if std > 1e-6 { std as f32 } else { 1.0 })
            })
            .unzip();
        Self::Images { mean, std, classes }
    }

    /// What class `k` is called: its name, its character, else its number.
    pub fn class_name(&self, k: usize) -> String {
        match self {
            Self::Images { classes, .. } => {
                classes.get(k).cloned().unwrap_or_else(|| k.to_string())
            }
            Self::Text { vocabulary } => {
                vocabulary.chars().nth(k).map_or_else(|| k.to_string(), String::from)
            }
        }
    }

    /// Writes normalised pixels, in height, width, channel order; of slices of unequal length the
    /// shorter decides. A text has no pixels, and nothing is written.
    pub fn normalize(&self, pixels: &[u8], x: &mut [f32]) {
        let Self::Images { mean, std, .. } = self else { return };
        // One multiplication and one addition per pixel, so that the loop vectorises.
        let line = |mean: f32, std: f32| (1.0 / (255.0 * std), -mean / std);
        if let (&[mean], &[std]) = (&mean[..], &std[..]) {
            let (scale, shift) = line(mean, std);
            for (x, &p) in x.iter_mut().zip(pixels) {
                *x = f32::from(p) * scale + shift;
            }
            return;
        }
        let channels = mean.len().max(1);
        for (c, (&mean, &std)) in mean.iter().zip(std).enumerate() {
            let (scale, shift) = line(mean, std);
            let rows = x.iter_mut().skip(c).step_by(channels);
            for (x, &p) in rows.zip(pixels.iter().skip(c).step_by(channels)) {
                *x = f32::from(p) * scale + shift;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_their_own_mean_and_deviation() {
        // Channel 0: 0, 51, 102, 255; channel 1: constant.
        let split = Split::new(vec![0, 9, 51, 9, 102, 9, 255, 9], vec![0, 0], 4).unwrap();
        let encoding = Encoding::of_images(&split, 2, vec!["a".into()]);
        let Encoding::Images { mean, std, .. } = &encoding else { panic!("{encoding:?}") };
        assert!((mean[0] - 0.4).abs() < 1e-6 && (mean[1] - 9.0 / 255.0).abs() < 1e-7, "{mean:?}");
        // mean of squares (0 + 0.04 + 0.16 + 1)/4 = 0.3, less 0.16
        assert!((std[0] - 0.14f32.sqrt()).abs() < 1e-6 && std[1] == 1.0, "{std:?}");
        let mut x = [7.0; 4];
        encoding.normalize(&[0, 9, 255, 9], &mut x);
        let expected = [-0.4 / 0.14f32.sqrt(), 0.0, 0.6 / 0.14f32.sqrt(), 0.0];
        for (x, e) in x.iter().zip(expected) {
            assert!((x - e).abs() < 1e-6, "{x} {e}");
        }
        assert_eq!((encoding.class_name(0), encoding.class_name(1)), ("a".into(), "1".into()));
        assert_eq!(Encoding::Text { vocabulary: "ab".into() }.class_name(1), "b");
    }
}
