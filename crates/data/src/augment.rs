//! Training examples, varied.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the examples of the training split are varied from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Not at all.
    #[default]
    None,
    /// Images: mirrored left to right half of the time, and cropped at random out of the image with
    /// a border of 4 black pixels (He et al., "Deep Residual Learning for Image Recognition", 2016,
    /// section 4.2). Masks alike, the border being of no class.
    FlipCrop,
    /// Text: each window begins up to a window's length later.
    Shift,
}

impl Augment {
    /// All of them.
    pub const ALL: [Augment; 3] = [Augment::None, Augment::FlipCrop, Augment::Shift];

    /// The name on the command line and in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Augment::None => "none",
            Augment::FlipCrop => "flip-crop",
            Augment::Shift => "shift",
        }
    }
}

impl fmt::Display for Augment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Augment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Augment::ALL.into_iter().find(|a| a.name() == text).ok_or_else(|| {
            format!("`{text}` is not an augmentation; they are none, flip-crop and shift")
        })
    }
}

/// How one epoch varies its examples: a pure function of seed, epoch and the example's index, so that
/// a resumed run sees the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variation {
    /// In which way.
    pub augment: Augment,
    /// The run's seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: u64,
}

/// Pixels of the border that a crop may reach into.
const BORDER: usize = 4;

/// Which part of an image is seen, and whether in a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlipCrop {
    flip: bool,
    /// Offset of the crop in the bordered image, 0 to twice the border.
    top: usize,
    left: usize,
}

impl Variation {
    fn rng(&self, example: u32) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        key[16..].copy_from_slice(b"augmentation--01"); // keeps other users of the seed apart
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(example.into());
        rng
    }

    pub(crate) fn flip_crop(&self, example: u32) -> FlipCrop {
        let mut rng = self.rng(example);
        let mut offset = || rng.random_range(0..=2 * BORDER as u32) as usize;
        let (top, left) = (offset(), offset());
        FlipCrop { flip: rng.random_range(0..2u32) == 1, top, left }
    }

    /// How many characters later the window of `example` begins, less than `window`.
    pub(crate) fn shift(&self, example: u32, window: usize) -> usize {
        self.rng(example).random_range(0..window.max(1) as u64) as usize
    }
}

impl FlipCrop {
    /// Writes what is seen of `image`, of shape `[height, width, channels]`, into `seen`; around it
    /// lies `border`.
    pub fn apply(
        self,
        image: &[u8],
        [height, width, channels]: [usize; 3],
        border: u8,
        seen: &mut [u8],
    ) {
        // A coordinate of the crop in the image; `None` on the border.
        let inside = |at: usize, offset: usize, size: usize| {
            (at + offset).checked_sub(BORDER).filter(|&at| at < size)
        };
        for (row, seen) in seen.chunks_exact_mut(width * channels).enumerate() {
            let Some(y) = inside(row, self.top, height) else {
                seen.fill(border);
                continue;
            };
            for (column, seen) in seen.chunks_exact_mut(channels).enumerate() {
                let column = if self.flip { width - 1 - column } else { column };
                match inside(column, self.left, width) {
                    Some(x) => {
                        let at = (y * width + x) * channels;
                        seen.copy_from_slice(&image[at..at + channels]);
                    }
                    None => seen.fill(border),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [2, 3, 2];
    const IMAGE: [u8; 12] = [10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 61];

    fn seen(flip: bool, top: usize, left: usize) -> [u8; 12] {
        let mut seen = [9; 12];
        FlipCrop { flip, top, left }.apply(&IMAGE, SHAPE, 0, &mut seen);
        seen
    }

    #[test]
    fn crops_and_mirrors() {
        assert_eq!(seen(false, 4, 4), IMAGE);
        assert_eq!(seen(true, 4, 4), [30, 31, 20, 21, 10, 11, 60, 61, 50, 51, 40, 41]);
        // One row down, one column to the left.
        assert_eq!(seen(false, 5, 3), [0, 0, 40, 41, 50, 51, 0, 0, 0, 0, 0, 0]);
        assert_eq!(seen(true, 5, 3), [50, 51, 40, 41, 0, 0, 0, 0, 0, 0, 0, 0]);
        // A mask of one class per pixel, and a border of none.
        let mut mask = [0; 6];
        FlipCrop { flip: true, top: 5, left: 3 }.apply(
            &[0, 1, 2, 3, 4, 5],
            [2, 3, 1],
            9,
            &mut mask,
        );
        assert_eq!(mask, [4, 3, 9, 9, 9, 9]);
        // Past the image altogether.
        assert_eq!(seen(false, 0, 0), [0; 12]);
        assert_eq!(seen(true, 8, 8), [0; 12]);
    }

    /// Checkpoints outlive builds: an update of the random number crates must not move these.
    #[test]
    fn variations_are_pinned() {
        let v = Variation { augment: Augment::FlipCrop, seed: 42, epoch: 3 };
        let drawn: Vec<_> = (0..4)
            .map(|i| {
                let FlipCrop { flip, top, left } = v.flip_crop(i);
                (flip, top, left, v.shift(i, 64))
            })
            .collect();
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [(bool, usize, usize, usize); 4] =
        [(true, 3, 3, 23), (false, 8, 0, 3), (false, 3, 6, 47), (true, 8, 1, 7)];

    #[test]
    fn every_offset_and_both_sides_are_seen_equally() {
        let v = Variation { augment: Augment::FlipCrop, seed: 1, epoch: 0 };
        let (mut tops, mut lefts, mut flips) = ([0; 9], [0; 9], 0);
        for i in 0..9000 {
            let FlipCrop { flip, top, left } = v.flip_crop(i);
            tops[top] += 1;
            lefts[left] += 1;
            flips += u32::from(flip);
        }
        // Six standard deviations.
        assert!(tops.iter().chain(&lefts).all(|&n| (820..1180).contains(&n)), "{tops:?} {lefts:?}");
        assert!((4215..4785).contains(&flips), "{flips}");
    }

    #[test]
    fn variations_depend_on_seed_epoch_and_example() {
        let shifts = |seed, epoch| {
            let v = Variation { augment: Augment::Shift, seed, epoch };
            (0..50).map(|i| v.shift(i, 1000)).collect::<Vec<_>>()
        };
        assert_eq!(shifts(1, 2), shifts(1, 2));
        assert_ne!(shifts(1, 2), shifts(1, 3));
        assert_ne!(shifts(1, 2), shifts(2, 1));
        assert!(shifts(1, 2).iter().all(|&s| s < 1000) && shifts(1, 2)[0] != shifts(1, 2)[1]);
    }

    #[test]
    fn names_are_read_back() {
        for a in Augment::ALL {
            assert_eq!(a.name().parse(), Ok(a));
        }
        assert!("mixup".parse::<Augment>().unwrap_err().contains("flip-crop"));
    }
}
