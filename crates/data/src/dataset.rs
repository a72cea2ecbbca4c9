//! A data set in memory, and the way from it to the arrays a train step takes.

use crate::split::Examples;
use crate::{Augment, Encoding, Split, Variation};
use sha2::{Digest, Sha256};

/// Examples to train on and examples held out: labelled images or a text.
///
/// Pixels stay bytes and characters stay indices; they become numbers only when a batch is filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    name: String,
    train: Split,
    test: Split,
    example: Vec<usize>,
    target: Vec<usize>,
    encoding: Encoding,
    augment: Augment,
}

/// Parts that do not form a data set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum DatasetError {
    #[error(
        "an image of shape {image:?} (height, width, channels) has no pixels; every dimension must be at least 1"
    )]
    EmptyImage { image: [usize; 3] },
    #[error(
        "{bytes} bytes of images and {labels} labels of {pixels} pixels each do not match: \
         expected {labels} x {pixels} bytes"
    )]
    SizeMismatch { bytes: usize, labels: usize, pixels: usize },
    #[error("a split of {len} examples is too large: at most {} are supported", u32::MAX)]
    TooManyExamples { len: usize },
    #[error("label {label} of example {index} is out of range: the data set has {classes} classes")]
    LabelOutOfRange { index: usize, label: u16, classes: usize },
    #[error(
        "images of the {part} split have {found} pixels, but the data set's shape {image:?} has {expected}"
    )]
    ShapeMismatch { part: &'static str, found: usize, image: [usize; 3], expected: usize },
    #[error("{name}: the label of {part} example {index} is {label}, expected 0 to {}: {classes} classes", classes.saturating_sub(1))]
    TooFewClasses {
        name: String,
        part: &'static str,
        index: usize,
        label: u16,
        /// The largest label of both splits.
        largest: u16,
        classes: usize,
    },
    #[error(
        "{found} characters are too few: a window of {window} and the character after it need {}",
        window.saturating_add(1)
    )]
    TextTooShort { found: usize, window: usize },
    #[error("character {index} of the {part} split is number {found} of a vocabulary of {size}")]
    CharacterOutOfRange { part: &'static str, index: usize, found: u16, size: usize },
    #[error("the {part} split holds {found}, expected {expected}")]
    Kind { part: &'static str, found: &'static str, expected: &'static str },
    #[error(
        "{name}: {reason}; give the data the weights were trained on, or data of the same kind"
    )]
    OtherEncoding { name: String, reason: String },
}

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
    #[error("augmentation {augment} is not for {name}; expected {expected}")]
    Augment { augment: Augment, name: String, expected: &'static str },
}

/// What the target of a window of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTarget {
    /// At every position the character that comes next: `[window, vocabulary]`.
    EveryNext,
    /// The one character after the window: `[vocabulary]`.
    Next,
}

impl Dataset {
    /// A data set of `classes` classes and images of shape `[height, width, channels]`.
    ///
    /// Images of one channel are normalised by [`Encoding::MNIST_MEAN_STD`], others by the mean and
    /// standard deviation of their training split, channel by channel.
    ///
    /// # Errors
    /// A split does not have that shape or those classes.
    pub fn new(
        name: impl Into<String>,
        train: Split,
        test: Split,
        image: [usize; 3],
        classes: usize,
    ) -> Result<Self, DatasetError> {
        let encoding = match image[2] {
            1 => Encoding::mnist(),
            channels => Encoding::of_images(&train, channels, vec![]),
        };
        Self::images(name, train, test, image, classes, encoding)
    }

    /// As [`Dataset::new`], with this encoding.
    pub(crate) fn images(
        name: impl Into<String>,
        train: Split,
        test: Split,
        image: [usize; 3],
        classes: usize,
        encoding: Encoding,
    ) -> Result<Self, DatasetError> {
        let pixels = image
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .filter(|&n| n > 0)
            .ok_or(DatasetError::EmptyImage { image })?;
        for (part, split) in [("training", &train), ("test", &test)] {
            let Examples::Images { labels, size, .. } = &split.0 else {
                return Err(DatasetError::Kind { part, found: "a text", expected: "images" });
            };
            if *size != pixels {
                let (found, expected) = (*size, pixels);
                return Err(DatasetError::ShapeMismatch { part, found, image, expected });
            }
            if let Some(index) = labels.iter().position(|&l| usize::from(l) >= classes) {
                let label = labels[index];
                return Err(DatasetError::LabelOutOfRange { index, label, classes });
            }
        }
        let (example, target) = (image.to_vec(), vec![classes]);
        let (name, augment) = (name.into(), Augment::None);
        Ok(Self { name, train, test, example, target, encoding, augment })
    }

    /// A text whose characters are numbered by their place in `vocabulary`; both splits have windows
    /// of one length.
    ///
    /// # Errors
    /// A split is not a text of such windows or has a number outside the vocabulary.
    pub fn text(
        name: impl Into<String>,
        train: Split,
        test: Split,
        vocabulary: String,
        target: TextTarget,
    ) -> Result<Self, DatasetError> {
        let size = vocabulary.chars().count();
        let mut windows = [0; 2];
        for ((part, split), slot) in
            [("training", &train), ("test", &test)].into_iter().zip(&mut windows)
        {
            let Examples::Text { characters, window } = &split.0 else {
                return Err(DatasetError::Kind { part, found: "images", expected: "a text" });
            };
            *slot = *window;
            if let Some(index) = characters.iter().position(|&c| usize::from(c) >= size) {
                let found = characters[index];
                return Err(DatasetError::CharacterOutOfRange { part, index, found, size });
            }
        }
        if windows[0] != windows[1] {
            let expected = "windows as long as those of the training split";
            return Err(DatasetError::Kind { part: "test", found: "other windows", expected });
        }
        let example = vec![windows[0], size];
        let target = match target {
            TextTarget::EveryNext => example.clone(),
            TextTarget::Next => vec![size],
        };
        let (name, augment) = (name.into(), Augment::Shift);
        let encoding = Encoding::Text { vocabulary };
        Ok(Self { name, train, test, example, target, encoding, augment })
    }

    /// The same images, with `classes` classes: the files of MNIST's format do not tell how many
    /// there are, so whoever classifies them decides.
    ///
    /// # Errors
    /// A label is not below `classes`.
    pub fn with_classes(self, classes: usize) -> Result<Self, DatasetError> {
        for (part, split) in [("training", &self.train), ("test", &self.test)] {
            let labels = split.labels();
            if let Some(index) = labels.iter().position(|&l| usize::from(l) >= classes) {
                let (name, label) = (self.name.clone(), labels[index]);
                let all = self.train.labels().iter().chain(self.test.labels());
                let largest = all.max().copied().unwrap_or(label);
                let error =
                    DatasetError::TooFewClasses { name, part, index, label, largest, classes };
                return Err(error);
            }
        }
        Ok(Self { target: vec![classes], ..self })
    }

    /// The same examples, encoded as those were that some weights were trained on.
    ///
    /// # Errors
    /// The data is of another kind, its channels are others, or its classes or its vocabulary.
    pub fn with_encoding(self, encoding: &Encoding) -> Result<Self, DatasetError> {
        let name = self.name.clone();
        let other = |reason: String| Err(DatasetError::OtherEncoding { name, reason });
        match (&self.encoding, encoding) {
            (
                Encoding::Images { mean, classes: found, .. },
                Encoding::Images { mean: given, std, classes: expected },
            ) => {
                if mean.len() != given.len() || mean.len() != std.len() {
                    let (found, expected) = (mean.len(), given.len());
                    return other(format!("its images have {found} channels, expected {expected}"));
                }
                if let Some((f, e)) = found.iter().zip(expected).find(|(f, e)| f != e) {
                    return other(format!("it has the class `{f}` where the weights have `{e}`"));
                }
            }
            (Encoding::Text { vocabulary: found }, Encoding::Text { vocabulary }) => {
                if found != vocabulary {
                    return other("its characters are numbered otherwise".into());
                }
            }
            (Encoding::Text { .. }, Encoding::Images { .. }) => {
                return other("it is a text, and the weights are for images".into());
            }
            (Encoding::Images { .. }, Encoding::Text { .. }) => {
                return other("it has images, and the weights are for text".into());
            }
        }
        Ok(Self { encoding: encoding.clone(), ..self })
    }

    /// The same data set, whose training examples are by custom varied as `augment` says.
    pub(crate) fn augmented(self, augment: Augment) -> Self {
        Self { augment, ..self }
    }

    /// The name shown to users, such as `mnist`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The examples to train on.
    pub fn train(&self) -> &Split {
        &self.train
    }

    /// The examples held out.
    pub fn test(&self) -> &Split {
        &self.test
    }

    /// Shape of an example: `[height, width, channels]`, or `[window, vocabulary]` of a text.
    pub fn example_shape(&self) -> &[usize] {
        &self.example
    }

    /// Shape of a target: `[classes]`, or `[window, vocabulary]` of a text.
    pub fn target_shape(&self) -> &[usize] {
        &self.target
    }

    /// Numbers in an example.
    pub fn example_len(&self) -> usize {
        self.example.iter().product()
    }

    /// Numbers in a target.
    pub fn target_len(&self) -> usize {
        self.target.iter().product()
    }

    /// Number of classes, of characters for a text: the last dimension of a target.
    pub fn classes(&self) -> usize {
        self.target.last().copied().unwrap_or(0)
    }

    /// How examples become numbers.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// How training examples are varied unless one says otherwise.
    pub fn default_augment(&self) -> Augment {
        self.augment
    }

    /// sha256, in hexadecimal, over everything that training reads of the data set.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{:?} {:?} {:?}", self.example, self.target, self.encoding));
        for split in [&self.train, &self.test] {
            hash.update((split.len() as u64).to_le_bytes());
            hash.update(split.images());
            for numbers in [split.labels(), split.characters()] {
                for chunk in numbers.chunks(4096) {
                    let bytes: Vec<u8> = chunk.iter().flat_map(|n| n.to_le_bytes()).collect();
                    hash.update(bytes);
                }
            }
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Fills a batch with the examples `indices` of `split`, as they are.
    ///
    /// `x` is `[batch, ..example]` and `t`, one-hot, `[batch, ..target]`. The batch size is that of
    /// the buffers. Rows past the last index are zero in both: a zero target row adds neither loss
    /// nor gradient. After an error the buffers hold no batch.
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
            Examples::Images { pixels, labels, size } => {
                self.fill_images((pixels, labels, *size), indices, variation, x, t)?;
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
        let expected = match (&self.encoding, augment) {
            (_, Augment::None)
            | (Encoding::Images { .. }, Augment::FlipCrop)
            | (Encoding::Text { .. }, Augment::Shift) => return Ok(()),
            (Encoding::Images { .. }, Augment::Shift) => "none or flip-crop for images",
            (Encoding::Text { .. }, Augment::FlipCrop) => "none or shift for a text",
        };
        Err(BatchError::Augment { augment, name: self.name.clone(), expected })
    }

    fn fill_images(
        &self,
        (images, labels, size): (&[u8], &[u16], usize),
        indices: &[u32],
        variation: &Variation,
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        let (&[height, width, channels], classes) = (&self.example[..], self.classes()) else {
            return Err(BatchError::ForeignSplit { found: size, expected: self.example_len() });
        };
        let expected = height * width * channels;
        if size != expected {
            return Err(BatchError::ForeignSplit { found: size, expected });
        }
        let mut seen = match variation.augment {
            Augment::FlipCrop => vec![0; size],
            _ => vec![],
        };
        let rows = x.chunks_exact_mut(size).zip(t.chunks_exact_mut(classes));
        for ((x, t), &index) in rows.zip(indices) {
            let i = index as usize;
            let Some(&label) = labels.get(i) else {
                return Err(BatchError::Index { index, len: labels.len() });
            };
            let image = &images[i * size..(i + 1) * size];
            match variation.augment {
                Augment::FlipCrop => {
                    let shape = [height, width, channels];
                    variation.flip_crop(index).apply(image, shape, &mut seen);
                    self.encoding.normalize(&seen, x);
                }
                _ => self.encoding.normalize(image, x),
            }
            // Only a split from elsewhere can hold a label out of range.
            let hot = t.get_mut(usize::from(label));
            *hot.ok_or(BatchError::Label { index, label, classes })? = 1.0;
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
        let &[expected, vocabulary] = &self.example[..] else {
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

    /// Three 1x2 images, labels 0..3.
    fn tiny() -> Dataset {
        let split = || Split::new(vec![0, 255, 51, 102, 7, 9], vec![0, 1, 2], 2).unwrap();
        Dataset::new("tiny", split(), split(), [1, 2, 1], 3).unwrap()
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
    fn classes_are_as_many_as_the_labels_need_or_more() {
        let data = tiny().with_classes(7).unwrap();
        assert_eq!(data.classes(), 7);
        let (mut x, mut t) = ([0.0; 2], [0.0; 7]);
        data.fill_batch(data.train(), &[2], &mut x, &mut t).unwrap();
        assert_eq!(t, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let error = data.with_classes(2).unwrap_err().to_string();
        assert_eq!(error, "tiny: the label of training example 2 is 2, expected 0 to 1: 2 classes");
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
    fn inconsistent_parts_are_errors() {
        assert_eq!(
            Split::new(vec![0; 5], vec![0, 1], 2),
            Err(DatasetError::SizeMismatch { bytes: 5, labels: 2, pixels: 2 })
        );
        let split = || Split::new(vec![0; 4], vec![0, 3], 2).unwrap();
        assert_eq!(
            Dataset::new("d", split(), split(), [1, 2, 1], 3),
            Err(DatasetError::LabelOutOfRange { index: 1, label: 3, classes: 3 })
        );
        assert_eq!(
            Dataset::new("d", split(), split(), [2, 2, 1], 4),
            Err(DatasetError::ShapeMismatch {
                part: "training",
                found: 2,
                image: [2, 2, 1],
                expected: 4
            })
        );
        assert_eq!(
            Dataset::new("d", split(), split(), [0, 2, 1], 4),
            Err(DatasetError::EmptyImage { image: [0, 2, 1] })
        );
        assert!(split().image(2).is_none() && split().label(2).is_none());
    }

    /// "abcabcabc": windows of 3, the third cut off by the last character being a target only.
    fn text(target: TextTarget) -> Dataset {
        let split = || Split::text(vec![0, 1, 2, 0, 1, 2, 0, 1, 2], 3).unwrap();
        Dataset::text("abc", split(), split(), "abc".into(), target).unwrap()
    }

    /// The numbers of the characters of one-hot rows.
    fn decode(rows: &[f32]) -> Vec<usize> {
        let row = |r: &[f32]| {
            assert_eq!(r.iter().sum::<f32>(), 1.0);
            r.iter().position(|&v| v == 1.0).unwrap()
        };
        rows.chunks_exact(3).map(row).collect()
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
            variation.flip_crop(i).apply(image, [5, 2, 3], &mut seen);
            data.encoding().normalize(&seen, &mut expected);
            assert_eq!(x, expected);
        }
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

    #[test]
    fn weights_decide_the_encoding() {
        let encoding = |classes: &[&str]| Encoding::Images {
            mean: vec![0.5],
            std: vec![0.25],
            classes: classes.iter().map(|c| c.to_string()).collect(),
        };
        let data = tiny().with_encoding(&encoding(&["cat", "dog"])).unwrap();
        let (mut x, mut t) = ([0.0; 2], [0.0; 3]);
        data.fill_batch(data.train(), &[0], &mut x, &mut t).unwrap();
        assert_eq!(x, [-2.0, 2.0]);
        let error = data.with_encoding(&encoding(&["cat", "eel"])).unwrap_err().to_string();
        assert!(error.contains("`dog` where the weights have `eel`"), "{error}");
        let vocabulary = Encoding::Text { vocabulary: "abc".into() };
        assert!(tiny().with_encoding(&vocabulary).unwrap_err().to_string().contains("images"));
        assert!(text(TextTarget::Next).with_encoding(&vocabulary).is_ok());
        let other = Encoding::Text { vocabulary: "acb".into() };
        assert!(text(TextTarget::Next).with_encoding(&other).is_err());
        assert!(text(TextTarget::Next).with_encoding(&encoding(&[])).is_err());
    }

    #[test]
    fn the_digest_is_of_everything_that_is_read() {
        let data = tiny();
        let more_classes = data.clone().with_classes(4).unwrap();
        let encoding = Encoding::Images { mean: vec![0.0], std: vec![1.0], classes: vec![] };
        let encoded = data.clone().with_encoding(&encoding).unwrap();
        let relabelled = Split::new(vec![0, 255, 51, 102, 7, 9], vec![0, 1, 1], 2).unwrap();
        let relabelled =
            Dataset::new("tiny", relabelled, data.test().clone(), [1, 2, 1], 3).unwrap();
        let all = [&data, &more_classes, &encoded, &relabelled, &text(TextTarget::Next)];
        let mut digests: Vec<_> = all.iter().map(|d| d.sha256()).collect();
        assert_eq!(digests[0], tiny().sha256());
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 5);
    }

    #[test]
    fn texts_that_are_none() {
        assert_eq!(
            Split::text(vec![0; 3], 3),
            Err(DatasetError::TextTooShort { found: 3, window: 3 })
        );
        assert!(Split::text(vec![0; 4], 3).is_ok() && Split::text(vec![], 0).is_err());
        let split = |w| Split::text(vec![0, 1, 2, 3], w).unwrap();
        let make = |a, b, v: &str| Dataset::text("t", a, b, v.into(), TextTarget::Next);
        assert!(matches!(
            make(split(2), split(2), "abc"),
            Err(DatasetError::CharacterOutOfRange { index: 3, found: 3, size: 3, .. })
        ));
        assert!(make(split(2), split(3), "abcd").is_err());
        assert!(make(split(2), split(2), "abcd").is_ok());
        assert!(make(split(2), tiny().test().clone(), "abcd").is_err());
        assert!(Dataset::new("t", split(2), split(2), [1, 2, 1], 4).is_err());
    }
}
