//! One part of a data set.

use crate::DatasetError;

/// What a mask has where a pixel is of no class, as in the masks of PASCAL VOC and Cityscapes. Such
/// a pixel's target is a row of zeros, which adds nothing to a cross-entropy, and accuracy leaves it
/// out.
pub const NO_CLASS: u8 = 255;

/// One part of a data set: what its examples are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split(pub(crate) Examples);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Examples {
    /// Bytes of height x width x channels per example, and what they show.
    Images { pixels: Vec<u8>, size: usize, labels: Labels },
    /// Example `i` is the window of characters from `i * window` on; its target is what comes after.
    Text { characters: Vec<u16>, window: usize },
}

/// What images show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Labels {
    /// Each its class.
    Classes(Vec<u16>),
    /// Each pixel its class, or [`NO_CLASS`]: `area` of them per image, which is at least 1.
    Masks { classes: Vec<u8>, area: usize },
}

impl Labels {
    /// Number of images.
    fn images(&self) -> usize {
        match self {
            Labels::Classes(classes) => classes.len(),
            Labels::Masks { classes, area } => classes.len() / area,
        }
    }

    /// Answers per image.
    pub fn area(&self) -> usize {
        match self {
            Labels::Classes(_) => 1,
            Labels::Masks { area, .. } => *area,
        }
    }
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
        Self(Examples::Images { pixels, size, labels: Labels::Classes(labels) }).counted()
    }

    /// A split of images of `channels` bytes per pixel, `area` pixels each (height x width), with the
    /// class of every pixel, or [`NO_CLASS`], in `masks`.
    ///
    /// # Errors
    /// The numbers do not match, or there are more examples than a `u32` counts.
    pub fn masks(
        pixels: Vec<u8>,
        masks: Vec<u8>,
        area: usize,
        channels: usize,
    ) -> Result<Self, DatasetError> {
        let whole = area > 0 && masks.len().is_multiple_of(area);
        if !whole || masks.len().checked_mul(channels) != Some(pixels.len()) {
            let (bytes, classes) = (pixels.len(), masks.len());
            return Err(DatasetError::MaskMismatch { bytes, classes, area, channels });
        }
        let labels = Labels::Masks { classes: masks, area };
        // `area` is at most the number of bytes, unless there are no images at all.
        Self(Examples::Images { pixels, size: area.saturating_mul(channels), labels }).counted()
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
            Examples::Images { labels, .. } => labels.images(),
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

    /// The class of image `i`; `None` past the end, where every pixel has its own, and for a text.
    pub fn label(&self, i: usize) -> Option<u16> {
        self.labels().get(i).copied()
    }

    /// The classes of all images, in order; empty where every pixel has its own, and for a text.
    pub fn labels(&self) -> &[u16] {
        match &self.0 {
            Examples::Images { labels: Labels::Classes(classes), .. } => classes,
            _ => &[],
        }
    }

    /// The classes of the pixels of image `i`, in height, width order, [`NO_CLASS`] where there is
    /// none; `None` past the end and where examples have no masks.
    pub fn mask(&self, i: usize) -> Option<&[u8]> {
        match &self.0 {
            Examples::Images { labels: Labels::Masks { classes, area }, .. } if i < self.len() => {
                Some(&classes[i * area..(i + 1) * area])
            }
            _ => None,
        }
    }

    /// The classes of the pixels of all images, in order; empty where examples have no masks.
    pub fn all_masks(&self) -> &[u8] {
        match &self.0 {
            Examples::Images { labels: Labels::Masks { classes, .. }, .. } => classes,
            _ => &[],
        }
    }

    /// The first example of a class that is not below `classes`, and that class.
    pub(crate) fn out_of_range(&self, classes: usize) -> Option<(usize, u16)> {
        let outside = |label: u16| usize::from(label) >= classes;
        match &self.0 {
            Examples::Images { labels: Labels::Classes(labels), .. } => {
                labels.iter().copied().enumerate().find(|&(_, label)| outside(label))
            }
            Examples::Images { labels: Labels::Masks { classes, area }, .. } => {
                let found = |&class: &u8| class != NO_CLASS && outside(class.into());
                let at = classes.iter().position(found)?;
                Some((at / area, classes[at].into()))
            }
            Examples::Text { .. } => None,
        }
    }

    /// The largest class of an image or a pixel.
    pub(crate) fn largest_class(&self) -> Option<u16> {
        let pixels = self.all_masks().iter().filter(|&&c| c != NO_CLASS).map(|&c| c.into());
        self.labels().iter().copied().chain(pixels).max()
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
