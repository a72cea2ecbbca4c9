//! One part of a data set.

use crate::DatasetError;

/// One part of a data set: what its examples are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split(pub(crate) Examples);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Examples {
    /// Bytes of height x width x channels per example, and a class.
    Images { pixels: Vec<u8>, labels: Vec<u16>, size: usize },
    /// Example `i` is the window of characters from `i * window` on; its target is what comes after.
    Text { characters: Vec<u16>, window: usize },
}

impl Split {
    /// A split of `labels.len()` images of `size` bytes each (height x width x channels).
    ///
    /// # Errors
    /// The numbers do not match, or there are more examples than a `u32` counts.
    pub fn new(pixels: Vec<u8>, labels: Vec<u16>, size: usize) -> Result<Self, DatasetError> {
        if labels.len().checked_mul(size) != Some(pixels.len()) {
            let (bytes, labels, pixels) = (pixels.len(), labels.len(), size);
            return Err(DatasetError::SizeMismatch { bytes, labels, pixels });
        }
        Self(Examples::Images { pixels, labels, size }).counted()
    }

    /// A split of the windows of `window` characters, one after the other, of a text given as
    /// indices into its vocabulary. The last character is a target only.
    ///
    /// # Errors
    /// There is no whole window and a character after it, or there are more windows than a `u32`
    /// counts.
    pub fn text(characters: Vec<u16>, window: usize) -> Result<Self, DatasetError> {
        let found = characters.len();
        if window == 0 || found <= window {
            return Err(DatasetError::TextTooShort { found, window });
        }
        Self(Examples::Text { characters, window }).counted()
    }

    fn counted(self) -> Result<Self, DatasetError> {
        match u32::try_from(self.len()) {
            Ok(_) => Ok(self),
            Err(_) => Err(DatasetError::TooManyExamples { len: self.len() }),
        }
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        match &self.0 {
            Examples::Images { labels, .. } => labels.len(),
            Examples::Text { characters, window } => (characters.len() - 1) / window,
        }
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pixels of image `i`, in height, width, channel order; `None` past the end and for a text.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        match &self.0 {
            Examples::Images { pixels, size, .. } if i < self.len() => {
                Some(&pixels[i * size..(i + 1) * size])
            }
            _ => None,
        }
    }

    /// The class of image `i`; `None` past the end and for a text.
    pub fn label(&self, i: usize) -> Option<u16> {
        self.labels().get(i).copied()
    }

    /// The classes of all images, in order; empty for a text.
    pub fn labels(&self) -> &[u16] {
        match &self.0 {
            Examples::Images { labels, .. } => labels,
            Examples::Text { .. } => &[],
        }
    }

    /// All pixels, in order of examples; empty for a text.
    pub fn images(&self) -> &[u8] {
        match &self.0 {
            Examples::Images { pixels, .. } => pixels,
            Examples::Text { .. } => &[],
        }
    }

    /// Indices of all characters of a text into its vocabulary; empty for images.
    pub fn characters(&self) -> &[u16] {
        match &self.0 {
            Examples::Images { .. } => &[],
            Examples::Text { characters, .. } => characters,
        }
    }
}
