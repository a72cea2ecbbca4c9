//! Sizes as users write them: one number for both directions, or a pair.

use serde::{Deserialize, Serialize};

/// Height and width; `3` in TOML means `[3, 3]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PairText", into = "PairText")]
pub struct Pair(pub [usize; 2]);

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a pair of numbers such as [3, 3]")]
enum PairText {
    Both(usize),
    Each([usize; 2]),
}

impl From<PairText> for Pair {
    fn from(text: PairText) -> Self {
        match text {
            PairText::Both(n) => Pair([n, n]),
            PairText::Each(p) => Pair(p),
        }
    }
}

impl From<Pair> for PairText {
    fn from(Pair([h, w]): Pair) -> Self {
        if h == w { PairText::Both(h) } else { PairText::Each([h, w]) }
    }
}

impl Pair {
    /// `n` both ways.
    pub const fn both(n: usize) -> Self {
        Pair([n, n])
    }

    pub(crate) fn is_positive(&self) -> bool {
        self.0.iter().all(|&n| n > 0)
    }
}

/// Padding around height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"same\", \"valid\", a number, or [[top, bottom], [left, right]]"
)]
pub enum Padding {
    /// By name.
    Named(NamedPadding),
    /// As many cells on every side.
    All(usize),
    /// `[[top, bottom], [left, right]]`.
    Sides([(usize, usize); 2]),
}

/// Padding by the size it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedPadding {
    /// Output size `ceil(input / stride)`; the odd cell goes to the bottom
    /// and right (TensorFlow's and JAX's `SAME`).
    Same,
    /// None.
    Valid,
}

impl Padding {
    /// TensorFlow's and JAX's `SAME`.
    pub const SAME: Padding = Padding::Named(NamedPadding::Same);
    /// None.
    pub const VALID: Padding = Padding::Named(NamedPadding::Valid);

    /// The cells on each side for a window over `input`.
    pub(crate) fn resolve(
        &self,
        input: [usize; 2],
        window: Pair,
        stride: Pair,
        dilation: Pair,
    ) -> [(usize, usize); 2] {
        let same = |d: usize| {
            let (n, s) = (input[d], stride.0[d]);
            let span = (window.0[d] - 1).saturating_mul(dilation.0[d]).saturating_add(1);
            let steps = (n.div_ceil(s) - 1) * s;
            let total = steps.saturating_add(span).saturating_sub(n);
            (total / 2, total - total / 2)
        };
        match *self {
            Padding::Named(NamedPadding::Valid) => [(0, 0); 2],
            Padding::Named(NamedPadding::Same) => [same(0), same(1)],
            Padding::All(n) => [(n, n); 2],
            Padding::Sides(sides) => sides,
        }
    }

    /// The cells of [`Padding::resolve`] that some window reaches. The others,
    /// behind the last step of a stride, change nothing, and not every lowerer
    /// bears them.
    pub(crate) fn reached(
        &self,
        input: [usize; 2],
        window: Pair,
        stride: Pair,
        dilation: Pair,
    ) -> [(usize, usize); 2] {
        let padding = self.resolve(input, window, stride, dilation);
        let one = |d: usize| {
            let ((low, high), s) = (padding[d], stride.0[d]);
            let span = (window.0[d] - 1) * dilation.0[d] + 1;
            let end = (input[d] + low + high - span) / s * s + span;
            (low, high.min(end.saturating_sub(input[d] + low)))
        };
        [one(0), one(1)]
    }
}

/// `[height, width, channels]`, or an error that says how to get there.
pub(crate) fn image(input: &[usize]) -> Result<[usize; 3], String> {
    <[usize; 3]>::try_from(input).map_err(|_| {
        format!(
            "input is {input:?}, expected an image [height, width, channels]; \
             place it before `flatten`, or give the net an image `input`"
        )
    })
}

/// Output height and width of a window; the error names the direction, the
/// sizes and the fix. Values are checked to be small enough to add up.
pub(crate) fn slide(
    input: [usize; 2],
    window: Pair,
    stride: Pair,
    dilation: Pair,
    padding: [(usize, usize); 2],
) -> Result<[usize; 2], String> {
    const LIMIT: usize = 1 << 24;
    let flat = [window.0, stride.0, dilation.0].concat();
    let sides = padding.iter().flat_map(|&(low, high)| [low, high]);
    if flat.iter().copied().chain(sides).any(|n| n > LIMIT) {
        return Err(format!("window, stride, dilation and padding must be at most {LIMIT}"));
    }
    let one = |d: usize| {
        let direction = ["height", "width"][d];
        let span = (window.0[d] - 1) * dilation.0[d] + 1;
        let room = input[d] + padding[d].0 + padding[d].1;
        if span > room {
            return Err(format!(
                "a window that spans {span} does not fit the {direction} of {} with padding {:?}; \
                 use a window of at most {room}, or more padding",
                input[d], padding[d]
            ));
        }
        Ok((room - span) / stride.0[d] + 1)
    };
    Ok([one(0)?, one(1)?])
}
