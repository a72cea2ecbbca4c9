//! From examples to the arrays a train step takes.

use crate::split::{Examples, Labels};
use crate::{Augment, Dataset, Encoding, NO_CLASS, Split, Variation};

/// Buffers or indices that do not fit a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BatchError {
    #[error(
        "batch buffers do not fit: x has {x} elements and t has {t}, \
         expected batch x {example} and batch x {target} for one batch size"
    )]
    Buffers { x: usize, t: usize, example: usize, target: usize },
    #[error("{indices} indices for a batch of {batch}: pass at most {batch}")]
    TooManyIndices { indices: usize, batch: usize },
    #[error("example {index} does not exist: the split has {len} examples, numbered from 0")]
    Index { index: u32, len: usize },
    #[error("example {index} has label {label}, but this data set has {classes} classes")]
    Label { index: u32, label: u16, classes: usize },
    #[error(
        "the split is not part of this data set: its examples have {found} values, expected {expected}"
    )]
    ForeignSplit { found: usize, expected: usize },
    #[error(
        "the split is not part of this data set: its examples have {found} labels each, expected \
         {expected}"
    )]
    ForeignLabels { found: usize, expected: usize },
    #[error("augmentation {augment} is not for {name}; expected {expected}")]
    Augment { augment: Augment, name: String, expected: &'static str },
}

impl Dataset {
    /// Fills a batch with the examples `indices` of `split`, as they are.
    ///
    /// `x` is `[batch, ..example]` and `t`, one-hot, `[batch, ..target]`. The batch size is that of
    /// the buffers. Rows past the last index are zero in both, and so is the target of a pixel of no
    /// class: a zero target row adds neither loss nor gradient to a cross-entropy. After an error the buffers hold no batch.
    ///
    /// # Errors
    /// The buffers are not of one batch size, an example does not exist, or the split is of another
    /// data set.
    pub fn fill_batch(
        &self,
        split: &Split,
        indices: &[u32],
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        self.fill_varied(split, indices, &Variation::default(), x, t)
    }

    /// As [`Dataset::fill_batch`], with the examples varied.
    ///
    /// # Errors
    /// As [`Dataset::fill_batch`], and where images are to be varied as text or text as images.
    pub fn fill_varied(
        &self,
        split: &Split,
        indices: &[u32],
        variation: &Variation,
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        let (example, target) = (self.example_len(), self.target_len());
        self.check_augment(variation.augment)?;
        let batch = x.len() / example;
        if batch * example != x.len() || batch * target != t.len() {
            return Err(BatchError::Buffers { x: x.len(), t: t.len(), example, target });
        }
        if indices.len() > batch {
            return Err(BatchError::TooManyIndices { indices: indices.len(), batch });
        }
        t.fill(0.0);
        match &split.0 {
            Examples::Images { pixels, size, labels } => {
                self.fill_images((pixels, *size, labels), indices, variation, x, t)?;
            }
            Examples::Text { characters, window } => {
                x.fill(0.0);
                self.fill_text((characters, *window), indices, variation, x, t)?;
            }
        }
        x[indices.len() * example..].fill(0.0);
        Ok(())
    }

    /// Whether examples of this kind can be varied so.
    ///
    /// # Errors
    /// They cannot.
    pub fn check_augment(&self, augment: Augment) -> Result<(), BatchError> {
        let expected = match (self.encoding(), augment) {
            (_, Augment::None)
            | (Encoding::Images { .. }, Augment::FlipCrop)
            | (Encoding::Text { .. }, Augment::Shift) => return Ok(()),
            (Encoding::Images { .. }, Augment::Shift) => "none or flip-crop for images",
            (Encoding::Text { .. }, Augment::FlipCrop) => "none or shift for a text",
        };
        Err(BatchError::Augment { augment, name: self.name().into(), expected })
    }

    /// `t` holds zeros.
    fn fill_images(
        &self,
        (images, size, labels): (&[u8], usize, &Labels),
        indices: &[u32],
        variation: &Variation,
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        let (&[height, width, channels], classes) = (self.example_shape(), self.classes()) else {
            return Err(BatchError::ForeignSplit { found: size, expected: self.example_len() });
        };
        let expected = height * width * channels;
        if size != expected {
            return Err(BatchError::ForeignSplit { found: size, expected });
        }
        let (found, expected) = (labels.area(), self.target_len() / classes.max(1));
        if found != expected {
            return Err(BatchError::ForeignLabels { found, expected });
        }
        let len = images.len() / size;
        let (mut seen, mut seen_mask) = match (variation.augment, labels) {
            (Augment::FlipCrop, Labels::Masks { area, .. }) => (vec![0; size], vec![0; *area]),
            (Augment::FlipCrop, Labels::Classes(_)) => (vec![0; size], vec![]),
            _ => (vec![], vec![]),
        };
        let rows = x.chunks_exact_mut(size).zip(t.chunks_exact_mut(self.target_len()));
        for ((x, t), &index) in rows.zip(indices) {
            let i = index as usize;
            if i >= len {
                return Err(BatchError::Index { index, len });
            }
            let crop = (variation.augment == Augment::FlipCrop).then(|| variation.flip_crop(index));
            let mut image = &images[i * size..(i + 1) * size];
            if let Some(crop) = crop {
                crop.apply(image, [height, width, channels], 0, &mut seen);
                image = &seen;
            }
            self.encoding().normalize(image, x);
            // Only a split from elsewhere can hold a label out of range.
            let hot = |row: &mut [f32], label: u16| {
                let error = BatchError::Label { index, label, classes };
                row.get_mut(usize::from(label)).map(|hot| *hot = 1.0).ok_or(error)
            };
            match labels {
                Labels::Classes(labels) => hot(t, labels[i])?,
                Labels::Masks { classes: masks, area } => {
                    let mut mask = &masks[i * area..(i + 1) * area];
                    if let Some(crop) = crop {
                        crop.apply(mask, [height, width, 1], NO_CLASS, &mut seen_mask);
                        mask = &seen_mask;
                    }
                    let rows = t.chunks_exact_mut(classes).zip(mask);
                    rows.filter(|(_, class)| **class != NO_CLASS)
                        .try_for_each(|(row, &class)| hot(row, class.into()))?;
                }
            }
        }
        Ok(())
    }

    /// Both buffers hold zeros.
    fn fill_text(
        &self,
        (characters, window): (&[u16], usize),
        indices: &[u32],
        variation: &Variation,
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        let &[expected, vocabulary] = self.example_shape() else {
            return Err(BatchError::ForeignSplit { found: window, expected: self.example_len() });
        };
        if window != expected {
            return Err(BatchError::ForeignSplit { found: window, expected });
        }
        let len = (characters.len() - 1) / window;
        let rows =
            x.chunks_exact_mut(self.example_len()).zip(t.chunks_exact_mut(self.target_len()));
        for ((x, t), &index) in rows.zip(indices) {
            let i = index as usize;
            if i >= len {
                return Err(BatchError::Index { index, len });
            }
            let shift = match variation.augment {
                Augment::Shift => variation.shift(index, window),
                _ => 0,
            };
            // The last windows have less room to move.
            let start = (i * window + shift).min(characters.len() - 1 - window);
            let hot = |row: &mut [f32], c: u16| {
                let label = BatchError::Label { index, label: c, classes: vocabulary };
                row.get_mut(usize::from(c)).map(|hot| *hot = 1.0).ok_or(label)
            };
            for (row, &c) in x.chunks_exact_mut(vocabulary).zip(&characters[start..]) {
                hot(row, c)?;
            }
            // One row per position, or one for the last.
            let first = start + 1 + window - t.len() / vocabulary;
            for (row, &c) in t.chunks_exact_mut(vocabulary).zip(&characters[first..]) {
                hot(row, c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextTarget;
    use crate::dataset::tests::{text, tiny};

    /// The numbers of the characters of one-hot rows.
    fn decode(rows: &[f32]) -> Vec<usize> {
        let row = |r: &[f32]| {
            assert_eq!(r.iter().sum::<f32>(), 1.0);
            r.iter().position(|&v| v == 1.0).unwrap()
        };
        rows.chunks_exact(3).map(row).collect()
    }

    #[test]
    fn fills_normalised_pixels_and_one_hot_targets() {
        let data = tiny();
        let (mut x, mut t) = ([9.0; 4], [9.0; 6]);
        data.fill_batch(data.train(), &[1, 0], &mut x, &mut t).unwrap();
        let expected =
            [51.0, 102.0, 0.0, 255.0].map(|p: f64| ((p / 255.0 - 0.1307) / 0.3081) as f32);
        for (x, e) in x.iter().zip(expected) {
            assert!((x - e).abs() < 1e-6, "{x} {e}");
        }
        assert_eq!(t, [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn short_batches_are_zero_filled() {
        let data = tiny();
        let (mut x, mut t) = ([9.0; 6], [9.0; 9]);
        data.fill_batch(data.test(), &[2], &mut x, &mut t).unwrap();
        assert!(x[0] != 0.0 && x[1] != 0.0);
        assert_eq!(x[2..], [0.0; 4]);
        assert_eq!(t, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn bad_batches_are_errors() {
        let data = tiny();
        let fill = |x: usize, t: usize, indices: &[u32]| {
            data.fill_batch(data.train(), indices, &mut vec![0.0; x], &mut vec![0.0; t])
                .unwrap_err()
        };
        assert_eq!(fill(5, 6, &[0]), BatchError::Buffers { x: 5, t: 6, example: 2, target: 3 });
        assert_eq!(fill(4, 9, &[0]), BatchError::Buffers { x: 4, t: 9, example: 2, target: 3 });
        assert_eq!(fill(2, 3, &[0, 1]), BatchError::TooManyIndices { indices: 2, batch: 1 });
        assert_eq!(fill(2, 3, &[3]), BatchError::Index { index: 3, len: 3 });
        let foreign = Split::new(vec![1, 2, 3], vec![0], 3).unwrap();
        assert_eq!(
            data.fill_batch(&foreign, &[0], &mut [0.0; 2], &mut [0.0; 3]),
            Err(BatchError::ForeignSplit { found: 3, expected: 2 })
        );
        let foreign = Split::new(vec![1, 2], vec![3], 2).unwrap();
        assert_eq!(
            data.fill_batch(&foreign, &[0], &mut [0.0; 2], &mut [0.0; 3]),
            Err(BatchError::Label { index: 0, label: 3, classes: 3 })
        );
    }

    #[test]
    fn windows_of_text_and_what_comes_next() {
        let data = text(TextTarget::EveryNext);
        assert_eq!((data.example_shape(), data.target_shape()), (&[3, 3][..], &[3, 3][..]));
        assert_eq!((data.train().len(), data.classes()), (2, 3));
        let (mut x, mut t) = (vec![9.0; 27], vec![9.0; 27]);
        data.fill_batch(data.train(), &[1, 0], &mut x, &mut t).unwrap();
        assert_eq!(decode(&x[..18]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(decode(&t[..18]), [1, 2, 0, 1, 2, 0]);
        assert!(x[18..].iter().chain(&t[18..]).all(|&v| v == 0.0));
        let data = text(TextTarget::Next);
        assert_eq!(data.target_shape(), [3]);
        let mut t = vec![9.0; 6];
        data.fill_batch(data.train(), &[0, 1], &mut x[..18], &mut t).unwrap();
        assert_eq!(decode(&t), [0, 0]);
    }

    #[test]
    fn shifted_windows_stay_in_the_text_and_keep_their_targets() {
        let characters: Vec<u16> = (0..100).collect();
        let split = Split::text(characters, 7).unwrap();
        let vocabulary: String = (0..100u8).map(|c| char::from(c + 27)).collect();
        let data =
            Dataset::text("t", split.clone(), split, vocabulary, TextTarget::EveryNext).unwrap();
        assert_eq!((data.train().len(), data.default_augment()), (14, Augment::Shift));
        let (mut x, mut t) = (vec![0.0; 14 * 700], vec![0.0; 14 * 700]);
        let indices: Vec<u32> = (0..14).collect();
        let mut starts = vec![];
        for epoch in 0..20 {
            let variation = Variation { augment: Augment::Shift, seed: 1, epoch };
            data.fill_varied(data.train(), &indices, &variation, &mut x, &mut t).unwrap();
            for (i, (x, t)) in x.chunks_exact(700).zip(t.chunks_exact(700)).enumerate() {
                let start = x[..100].iter().position(|&v| v == 1.0).unwrap();
                assert!((i * 7..i * 7 + 7).contains(&start) && start + 7 < 100, "{i}: {start}");
                for k in 0..7 {
                    assert_eq!(x[k * 100 + start + k], 1.0);
                    assert_eq!(t[k * 100 + start + k + 1], 1.0);
                }
                starts.push(start);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        // Nearly every beginning is seen; without shifts there are 14.
        assert!(starts.len() > 80, "{starts:?}");
    }

    #[test]
    fn flip_crop_is_what_it_says_in_every_row() {
        let pixels: Vec<u8> = (1..=60).collect();
        let split = || Split::new(pixels.clone(), vec![0, 1], 30).unwrap();
        let data = Dataset::new("d", split(), split(), [5, 2, 3], 2).unwrap();
        let variation = Variation { augment: Augment::FlipCrop, seed: 3, epoch: 9 };
        let (mut x, mut t) = ([0.0; 60], [0.0; 4]);
        data.fill_varied(data.train(), &[1, 0], &variation, &mut x, &mut t).unwrap();
        assert_eq!(t, [0.0, 1.0, 1.0, 0.0]);
        for (x, i) in x.chunks_exact(30).zip([1u32, 0]) {
            let (mut seen, mut expected) = ([0; 30], [0.0; 30]);
            let image = data.train().image(i as usize).unwrap();
            variation.flip_crop(i).apply(image, [5, 2, 3], 0, &mut seen);
            data.encoding().normalize(&seen, &mut expected);
            assert_eq!(x, expected);
        }
    }

    /// Two images of 2 x 3 pixels, grey, of two classes or none.
    fn masked() -> Dataset {
        let mask = vec![0, 1, NO_CLASS, 1, 0, 0, 1, 1, 1, 0, NO_CLASS, NO_CLASS];
        let split = || Split::masks((10..22).collect(), mask.clone(), 6, 1).unwrap();
        Dataset::new("m", split(), split(), [2, 3, 1], 2).unwrap()
    }

    #[test]
    fn a_pixel_has_its_class_or_zeros() {
        let data = masked();
        assert_eq!(
            (data.target_shape(), data.target_len(), data.train().len()),
            (&[2, 3, 2][..], 12, 2)
        );
        let (mut x, mut t) = ([9.0; 18], [9.0; 36]);
        data.fill_batch(data.train(), &[1, 0], &mut x, &mut t).unwrap();
        assert_eq!(t[..12], [0., 1., 0., 1., 0., 1., 1., 0., 0., 0., 0., 0.]);
        assert_eq!(t[12..24], [1., 0., 0., 1., 0., 0., 0., 1., 1., 0., 1., 0.]);
        assert_eq!((&x[12..], &t[24..]), (&[0.0; 6][..], &[0.0; 12][..]));
        let error = data.fill_batch(data.train(), &[2], &mut x, &mut t);
        assert_eq!(error, Err(BatchError::Index { index: 2, len: 2 }));
    }

    /// Whatever is seen of an image is seen of its mask: where each pixel's class is its shade.
    #[test]
    fn masks_are_varied_as_their_images() {
        let shades: Vec<u8> = (0..200).collect();
        let split = || Split::masks(shades.clone(), shades.clone(), 50, 1).unwrap();
        let data = Dataset::new("m", split(), split(), [10, 5, 1], 200).unwrap();
        let mut levels = [0.0; 256];
        data.encoding().normalize(&(0..=255).collect::<Vec<_>>(), &mut levels);
        let (mut x, mut t) = (vec![0.0; 200], vec![0.0; 200 * 200]);
        let (mut inside, mut beyond, mut moved) = (0, 0, 0);
        for epoch in 0..30 {
            let variation = Variation { augment: Augment::FlipCrop, seed: 5, epoch };
            data.fill_varied(data.train(), &[0, 1, 2, 3], &variation, &mut x, &mut t).unwrap();
            for (at, (x, row)) in x.iter().zip(t.chunks_exact(200)).enumerate() {
                match row.iter().position(|&v| v != 0.0) {
                    Some(class) => {
                        assert_eq!((*x, row.iter().sum::<f32>()), (levels[class], 1.0));
                        inside += 1;
                        moved += usize::from(class != at);
                    }
                    None => {
                        assert_eq!(*x, levels[0]);
                        beyond += 1;
                    }
                }
            }
        }
        assert!(inside > 1000 && beyond > 1000 && moved > 1000, "{inside} {beyond} {moved}");
        assert!(!data.leaves_out_pixels(Augment::None));
        assert!(data.leaves_out_pixels(Augment::FlipCrop));
        assert!(masked().leaves_out_pixels(Augment::None));
        assert!(!tiny().leaves_out_pixels(Augment::FlipCrop));
    }

    #[test]
    fn splits_with_and_without_masks_are_not_mixed_up() {
        let data = masked();
        let labels = Split::new(vec![0; 12], vec![0, 1], 6).unwrap();
        let error = data.fill_batch(&labels, &[0], &mut [0.0; 6], &mut [0.0; 12]);
        assert_eq!(error, Err(BatchError::ForeignLabels { found: 1, expected: 6 }));
        let plain = Dataset::new("p", labels.clone(), labels, [2, 3, 1], 2).unwrap();
        let error = plain.fill_batch(data.train(), &[0], &mut [0.0; 6], &mut [0.0; 2]);
        assert_eq!(error, Err(BatchError::ForeignLabels { found: 6, expected: 1 }));
        let foreign = Split::masks(vec![0; 6], vec![7; 6], 6, 1).unwrap();
        let error = data.fill_batch(&foreign, &[0], &mut [0.0; 6], &mut [0.0; 12]);
        assert_eq!(error, Err(BatchError::Label { index: 0, label: 7, classes: 2 }));
    }

    #[test]
    fn augmentations_of_the_other_kind_are_errors() {
        let error = tiny().check_augment(Augment::Shift).unwrap_err().to_string();
        assert_eq!(
            error,
            "augmentation shift is not for tiny; expected none or flip-crop for images"
        );
        let data = text(TextTarget::Next);
        let error = data.check_augment(Augment::FlipCrop).unwrap_err().to_string();
        assert!(error.contains("none or shift"), "{error}");
        assert!(data.check_augment(Augment::Shift).is_ok());
    }
}
