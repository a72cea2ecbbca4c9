//! Labelled images in memory, and the way from them to the arrays a train step takes.

/// A labelled image data set: pixels as bytes, normalised only when a batch is filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    name: String,
    train: Split,
    test: Split,
    image: [usize; 3],
    classes: usize,
    mean: f32,
    std: f32,
}

/// One part of a data set: images (NHWC bytes) and their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    images: Vec<u8>,
    labels: Vec<u8>,
    pixels: usize,
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
    LabelOutOfRange { index: usize, label: u8, classes: usize },
    #[error(
        "images of the {part} split have {found} pixels, but the data set's shape {image:?} has {expected}"
    )]
    ShapeMismatch { part: &'static str, found: usize, image: [usize; 3], expected: usize },
    #[error("{name}: the label of {part} example {index} is {label}, expected 0 to {}: {classes} classes", classes.saturating_sub(1))]
    TooFewClasses { name: String, part: &'static str, index: usize, label: u8, classes: usize },
}

/// Buffers or indices that do not fit a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BatchError {
    #[error(
        "batch buffers do not fit: x has {x} elements and t has {t}, \
         expected batch x {pixels} (pixels) and batch x {classes} (classes) for one batch size"
    )]
    Buffers { x: usize, t: usize, pixels: usize, classes: usize },
    #[error("{indices} indices for a batch of {batch}: pass at most {batch}")]
    TooManyIndices { indices: usize, batch: usize },
    #[error("example {index} does not exist: the split has {len} examples, numbered from 0")]
    Index { index: u32, len: usize },
    #[error("example {index} has label {label}, but this data set has {classes} classes")]
    Label { index: u32, label: u8, classes: usize },
    #[error(
        "a split with images of {found} pixels is not part of this data set, whose images have {expected}"
    )]
    ForeignSplit { found: usize, expected: usize },
}

impl Split {
    /// A split of `labels.len()` images of `pixels` bytes each (height x width x channels).
    pub fn new(images: Vec<u8>, labels: Vec<u8>, pixels: usize) -> Result<Self, DatasetError> {
        if labels.len().checked_mul(pixels) != Some(images.len()) {
            return Err(DatasetError::SizeMismatch {
                bytes: images.len(),
                labels: labels.len(),
                pixels,
            });
        }
        if u32::try_from(labels.len()).is_err() {
            return Err(DatasetError::TooManyExamples { len: labels.len() });
        }
        Ok(Self { images, labels, pixels })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes per image.
    pub fn pixels(&self) -> usize {
        self.pixels
    }

    /// The pixels of example `i`, in height, width, channel order; `None` past the end.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        (i < self.len()).then(|| &self.images[i * self.pixels..(i + 1) * self.pixels])
    }

    /// The class of example `i`; `None` past the end.
    pub fn label(&self, i: usize) -> Option<u8> {
        self.labels.get(i).copied()
    }

    /// All labels, in order.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All pixels, in order of examples.
    pub fn images(&self) -> &[u8] {
        &self.images
    }
}

impl Dataset {
    /// Mean and standard deviation of the pixels of MNIST's training images, as fractions of 255.
    ///
    /// The customary constants; the synthetic digits use them too, so that a network trained on one
    /// reads the other.
    pub const MNIST_MEAN_STD: (f32, f32) = (0.1307, 0.3081);

    /// A data set of `classes` classes and images of shape `[height, width, channels]`, whose pixels
    /// enter a batch as `(p/255 - mean)/std` with [`Self::MNIST_MEAN_STD`].
    pub fn new(
        name: impl Into<String>,
        train: Split,
        test: Split,
        image: [usize; 3],
        classes: usize,
    ) -> Result<Self, DatasetError> {
        let pixels = image
            .iter()
            .try_fold(1usize, |n, &d| n.checked_mul(d))
            .filter(|&n| n > 0)
            .ok_or(DatasetError::EmptyImage { image })?;
        for (part, split) in [("training", &train), ("test", &test)] {
            if split.pixels != pixels {
                return Err(DatasetError::ShapeMismatch {
                    part,
                    found: split.pixels,
                    image,
                    expected: pixels,
                });
            }
            if let Some(index) = split.labels.iter().position(|&l| usize::from(l) >= classes) {
                return Err(DatasetError::LabelOutOfRange {
                    index,
                    label: split.labels[index],
                    classes,
                });
            }
        }
        let (mean, std) = Self::MNIST_MEAN_STD;
        Ok(Self { name: name.into(), train, test, image, classes, mean, std })
    }

    /// The same examples, with `classes` classes: the files do not tell how many there are, so
    /// whoever classifies them decides.
    ///
    /// # Errors
    /// A label is not below `classes`.
    pub fn with_classes(self, classes: usize) -> Result<Self, DatasetError> {
        for (part, split) in [("training", &self.train), ("test", &self.test)] {
            if let Some(index) = split.labels.iter().position(|&l| usize::from(l) >= classes) {
                let (name, label) = (self.name.clone(), split.labels[index]);
                return Err(DatasetError::TooFewClasses { name, part, index, label, classes });
            }
        }
        Ok(Self { classes, ..self })
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

    /// Height, width and channels of every image.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image
    }

    /// Height x width x channels.
    pub fn pixels(&self) -> usize {
        self.train.pixels
    }

    /// Number of classes; labels lie in `0..classes`.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The mean and standard deviation that pixels are normalised by, as fractions of 255.
    pub fn mean_std(&self) -> (f32, f32) {
        (self.mean, self.std)
    }

    /// Writes normalised pixels, as [`normalize`] with [`Dataset::mean_std`].
    pub fn normalize(&self, pixels: &[u8], x: &mut [f32]) {
        normalize(pixels, self.mean_std(), x);
    }

    /// Fills a batch with the examples `indices` of `split`, without allocating.
    ///
    /// `x` is `[batch, height, width, channels]`, normalised; `t` is `[batch, classes]`, one-hot. The
    /// batch size is that of the buffers. Rows past the last index are zero in both: a zero target
    /// row adds neither loss nor gradient. After an error the buffers hold no batch.
    pub fn fill_batch(
        &self,
        split: &Split,
        indices: &[u32],
        x: &mut [f32],
        t: &mut [f32],
    ) -> Result<(), BatchError> {
        let (pixels, classes) = (self.pixels(), self.classes);
        if split.pixels != pixels {
            return Err(BatchError::ForeignSplit { found: split.pixels, expected: pixels });
        }
        let batch = x.len() / pixels;
        if batch * pixels != x.len() || batch * classes != t.len() {
            return Err(BatchError::Buffers { x: x.len(), t: t.len(), pixels, classes });
        }
        if indices.len() > batch {
            return Err(BatchError::TooManyIndices { indices: indices.len(), batch });
        }
        t.fill(0.0);
        for (row, &index) in indices.iter().enumerate() {
            let i = index as usize;
            let (Some(image), Some(label)) = (split.image(i), split.label(i)) else {
                return Err(BatchError::Index { index, len: split.len() });
            };
            self.normalize(image, &mut x[row * pixels..(row + 1) * pixels]);
            // Only a split from elsewhere can hold a label out of range.
            let hot = t[row * classes..(row + 1) * classes].get_mut(usize::from(label));
            *hot.ok_or(BatchError::Label { index, label, classes })? = 1.0;
        }
        x[indices.len() * pixels..].fill(0.0);
        Ok(())
    }
}

/// Writes normalised pixels, `(p/255 - mean)/std`; `x` and `pixels` have one length.
///
/// Use it for images that come from elsewhere; of slices of unequal length the shorter decides.
pub fn normalize(pixels: &[u8], (mean, std): (f32, f32), x: &mut [f32]) {
    // One multiplication and one addition per pixel, so that the loop vectorises.
    let scale = 1.0 / (255.0 * std);
    let shift = -mean / std;
    for (x, &p) in x.iter_mut().zip(pixels) {
        *x = f32::from(p) * scale + shift;
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
        assert_eq!(fill(5, 6, &[0]), BatchError::Buffers { x: 5, t: 6, pixels: 2, classes: 3 });
        assert_eq!(fill(4, 9, &[0]), BatchError::Buffers { x: 4, t: 9, pixels: 2, classes: 3 });
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
}
