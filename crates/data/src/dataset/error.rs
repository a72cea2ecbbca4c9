//! What is wrong with the parts of a data set.

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
    #[error(
        "{bytes} bytes of images with {channels} channels and {classes} classes of pixels do not \
         match: expected {channels} bytes per class, and masks of {area} pixels each, at least 1"
    )]
    MaskMismatch { bytes: usize, classes: usize, area: usize, channels: usize },
    #[error("a split of {len} examples is too large: at most {} are supported", u32::MAX)]
    TooManyExamples { len: usize },
    #[error("label {label} of example {index} is out of range: the data set has {classes} classes")]
    LabelOutOfRange { index: usize, label: u16, classes: usize },
    #[error(
        "images of the {part} split have {found} pixels, but the data set's shape {image:?} has {expected}"
    )]
    ShapeMismatch { part: &'static str, found: usize, image: [usize; 3], expected: usize },
    #[error(
        "masks of the {part} split have {found} pixels, but the images of shape {image:?} have \
         {expected}"
    )]
    MaskShape { part: &'static str, found: usize, image: [usize; 3], expected: usize },
    #[error("no pixel of the {part} split is of a class; 255 in a mask means that there is none")]
    NoAnswers { part: &'static str },
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
