//! A data set in memory, and the way from it to the arrays a train step takes.

mod error;

use crate::split::{Examples, Labels};
use crate::{Augment, Encoding, NO_CLASS, Split};
pub use error::DatasetError;
use sha2::{Digest, Sha256};

/// Examples to train on and examples held out: images of a class each, images with a class per pixel,
/// or a text.
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

/// What the target of a window of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTarget {
    /// At every position the character that comes next: `[window, vocabulary]`.
    EveryNext,
    /// The one character after the window: `[vocabulary]`.
    Next,
}

impl Dataset {
    /// A data set of `classes` classes and images of shape `[height, width, channels]`; targets are
    /// `[classes]`, or `[height, width, classes]` where the splits have masks.
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
        let [height, width, _] = image;
        let has_masks =
            |s: &Split| matches!(s.0, Examples::Images { labels: Labels::Masks { .. }, .. });
        let with_masks = has_masks(&train);
        for (part, split) in [("training", &train), ("test", &test)] {
            let Examples::Images { labels, size, .. } = &split.0 else {
                return Err(DatasetError::Kind { part, found: "a text", expected: "images" });
            };
            if has_masks(split) != with_masks {
                let (found, expected) = (
                    "other labels",
                    "those of the training split: classes of images, or of pixels",
                );
                return Err(DatasetError::Kind { part, found, expected });
            }
            if *size != pixels {
                let (found, expected) = (*size, pixels);
                return Err(DatasetError::ShapeMismatch { part, found, image, expected });
            }
            let (found, expected) = (labels.area(), height * width);
            if with_masks && found != expected {
                return Err(DatasetError::MaskShape { part, found, image, expected });
            }
            if let Some((index, label)) = split.out_of_range(classes) {
                return Err(DatasetError::LabelOutOfRange { index, label, classes });
            }
            if with_masks && !split.is_empty() && split.largest_class().is_none() {
                return Err(DatasetError::NoAnswers { part });
            }
        }
        let target = if with_masks { vec![height, width, classes] } else { vec![classes] };
        let example = image.to_vec();
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
    pub fn with_classes(mut self, classes: usize) -> Result<Self, DatasetError> {
        for (part, split) in [("training", &self.train), ("test", &self.test)] {
            if let Some((index, label)) = split.out_of_range(classes) {
                let largest = self.train.largest_class().max(self.test.largest_class());
                let (name, largest) = (self.name, largest.unwrap_or(label));
                let error =
                    DatasetError::TooFewClasses { name, part, index, label, largest, classes };
                return Err(error);
            }
        }
        if let Some(last) = self.target.last_mut() {
            *last = classes;
        }
        Ok(self)
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

    /// Shape of a target: `[classes]`, `[height, width, classes]` of masks, or `[window, vocabulary]`
    /// of a text.
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

    /// Whether the target of a pixel may be a row of zeros, with training examples varied so: it is of
    /// no class, or a crop reaches beyond its image.
    pub fn leaves_out_pixels(&self, augment: Augment) -> bool {
        let masks = [self.train.all_masks(), self.test.all_masks()];
        let beyond = augment == Augment::FlipCrop && masks.iter().any(|m| !m.is_empty());
        beyond || masks.iter().any(|mask| mask.contains(&NO_CLASS))
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
            hash.update(split.all_masks());
            for numbers in [split.labels(), split.characters()] {
                for chunk in numbers.chunks(4096) {
                    let bytes: Vec<u8> = chunk.iter().flat_map(|n| n.to_le_bytes()).collect();
                    hash.update(bytes);
                }
            }
        }
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Three 1x2 images, labels 0..3.
    pub(crate) fn tiny() -> Dataset {
        let split = || Split::new(vec![0, 255, 51, 102, 7, 9], vec![0, 1, 2], 2).unwrap();
        Dataset::new("tiny", split(), split(), [1, 2, 1], 3).unwrap()
    }

    /// "abcabcabc": windows of 3, the third cut off by the last character being a target only.
    pub(crate) fn text(target: TextTarget) -> Dataset {
        let split = || Split::text(vec![0, 1, 2, 0, 1, 2, 0, 1, 2], 3).unwrap();
        Dataset::text("abc", split(), split(), "abc".into(), target).unwrap()
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
    fn masks_that_are_none() {
        let masks = |classes: &[u8], area| Split::masks(vec![0; 12], classes.to_vec(), area, 2);
        for (classes, area) in [(&[0; 5][..], 5), (&[0; 6], 4), (&[0; 6], 0), (&[0; 12], 6)] {
            let error = masks(classes, area).unwrap_err();
            assert!(matches!(error, DatasetError::MaskMismatch { .. }), "{error}");
        }
        let split = |class| masks(&[class; 6], 3).unwrap();
        let make = |a, b| Dataset::new("m", a, b, [1, 3, 2], 3);
        let data = make(split(2), split(0)).unwrap();
        assert_eq!(
            make(split(2), split(3)),
            Err(DatasetError::LabelOutOfRange { index: 0, label: 3, classes: 3 })
        );
        assert_eq!(make(split(2), split(255)), Err(DatasetError::NoAnswers { part: "test" }));
        let labels = Split::new(vec![0; 12], vec![0, 1], 6).unwrap();
        assert!(matches!(make(split(2), labels.clone()), Err(DatasetError::Kind { .. })));
        assert!(matches!(make(labels, split(2)), Err(DatasetError::Kind { .. })));
        let halves = masks(&[0; 6], 6).unwrap();
        assert!(matches!(
            Dataset::new("m", halves.clone(), halves, [1, 3, 4], 3),
            Err(DatasetError::MaskShape { found: 6, expected: 3, .. })
        ));
        // The digest is of the masks too, and there may be more classes than are seen.
        assert_ne!(data.sha256(), make(split(1), split(0)).unwrap().sha256());
        assert!(data.clone().with_classes(2).is_err());
        assert_eq!(data.with_classes(5).unwrap().target_shape(), [1, 3, 5]);
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
