//! How a network of the zoo is scaled.

/// Another size of a network. The default is the published one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Number of classes; of a language model, the number of symbols.
    pub classes: Option<usize>,
    /// Height and width of the images.
    pub image: Option<usize>,
    /// Factor on every number of features between input and output.
    pub width: f64,
    /// Factor on the number of blocks of each stage.
    pub depth: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config { classes: None, image: None, width: 1.0, depth: 1.0 }
    }
}

impl Config {
    /// The classes, `published` if not said otherwise.
    pub(crate) fn classes(&self, published: usize) -> usize {
        self.classes.unwrap_or(published)
    }

    /// The shape of an image, `published` high and wide if not said otherwise.
    pub(crate) fn image(&self, published: usize, channels: usize) -> [usize; 3] {
        let size = self.image.unwrap_or(published);
        [size, size, channels]
    }

    /// So many features, scaled.
    pub(crate) fn features(&self, published: usize) -> usize {
        if self.width == 1.0 { published } else { multiple_of_8(published as f64 * self.width) }
    }

    /// So many blocks in a row, scaled; at least one.
    pub(crate) fn blocks(&self, published: usize) -> usize {
        ((published as f64 * self.depth).round() as usize).max(1)
    }
}

/// To the nearest multiple of 8 that is not below nine tenths, at least 8: how
/// the MobileNet family rounds scaled widths. Groups and heads divide it.
pub(crate) fn multiple_of_8(x: f64) -> usize {
    let nearest = (((x + 4.0) / 8.0).floor() as usize).saturating_mul(8).max(8);
    if (nearest as f64) < 0.9 * x { nearest.saturating_add(8) } else { nearest }
}

/// Most heads, up to `published`, that divide the features.
pub(crate) fn heads(published: usize, features: usize) -> usize {
    (1..=published).rev().find(|&heads| features.is_multiple_of(heads)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_sizes_stay_usable() {
        let eighth = Config { width: 0.125, depth: 0.2, ..Config::default() };
        assert_eq!([16, 64, 96, 1280].map(|n| eighth.features(n)), [8, 8, 16, 160]);
        assert_eq!([1, 2, 3, 23].map(|n| eighth.blocks(n)), [1, 1, 1, 5]);
        assert_eq!([(12, 96), (12, 40), (3, 8)].map(|(n, f)| heads(n, f)), [12, 10, 2]);
        // As published, whatever divides it.
        assert_eq!(Config::default().features(65), 65);
    }
}
