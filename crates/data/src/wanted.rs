//! What a network takes, and which data is of that kind.

use crate::{Encoding, TextTarget};

/// What a network takes, so that data can be found or made for it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Shape of one input: `[height, width, channels]`, `[values]` of an image row by row, or
    /// `[window, vocabulary]` of a text.
    pub input: &'a [usize],
    /// Shape of one target: `[classes]`, `[height, width, classes]`, or `[window, vocabulary]`.
    pub target: &'a [usize],
    /// How the examples were encoded that some weights were trained on; `None` to train anew.
    pub encoding: Option<&'a Encoding>,
}

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a class each.
    Images([usize; 3]),
    /// Images with a class per pixel.
    Masks([usize; 3]),
    Text {
        window: usize,
        vocabulary: usize,
        target: TextTarget,
    },
}

impl Wanted<'_> {
    /// The kind of data of such an input and target; `None` if there is none.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match (self.input, self.target) {
            (&[height, width, channels], [_]) => Some(Kind::Images([height, width, channels])),
            (&[height, width, channels], &[rows, columns, _])
                if [rows, columns] == [height, width] =>
            {
                Some(Kind::Masks([height, width, channels]))
            }
            (&[values], [_]) => flat(values).map(Kind::Images),
            (&[window, vocabulary], target) => {
                let target = match target {
                    [_] => TextTarget::Next,
                    &[positions, _] if positions == window => TextTarget::EveryNext,
                    _ => return None,
                };
                Some(Kind::Text { window, vocabulary, target })
            }
            _ => None,
        }
    }

    /// Number of classes.
    pub(crate) fn classes(&self) -> usize {
        self.target.last().copied().unwrap_or(0)
    }
}

/// The square image, grey or else in colour, that has so many values.
fn flat(values: usize) -> Option<[usize; 3]> {
    [1, 3].into_iter().find_map(|channels| {
        let side = (values / channels).isqrt();
        (side > 0 && side * side * channels == values).then_some([side, side, channels])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_tell_the_kind() {
        let kind =
            |input: &[usize], target: &[usize]| Wanted { input, target, encoding: None }.kind();
        assert_eq!(kind(&[28, 28, 1], &[10]), Some(Kind::Images([28, 28, 1])));
        assert_eq!(kind(&[784], &[10]), Some(Kind::Images([28, 28, 1])));
        assert_eq!(kind(&[3072], &[10]), Some(Kind::Images([32, 32, 3])));
        assert_eq!(kind(&[16, 24, 3], &[16, 24, 5]), Some(Kind::Masks([16, 24, 3])));
        assert_eq!(kind(&[16, 24, 3], &[24, 16, 5]), None);
        assert_eq!(kind(&[785], &[10]), None);
        assert_eq!(kind(&[0], &[10]), None);
        let text = |target| Some(Kind::Text { window: 64, vocabulary: 65, target });
        assert_eq!(kind(&[64, 65], &[64, 65]), text(TextTarget::EveryNext));
        assert_eq!(kind(&[64, 65], &[65]), text(TextTarget::Next));
        assert_eq!(kind(&[64, 65], &[32, 65]), None);
        assert_eq!(kind(&[28, 28, 1], &[28, 10]), None);
        assert_eq!(kind(&[1, 2, 3, 4], &[10]), None);
    }
}
