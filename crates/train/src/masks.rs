//! The random masks of dropout and stochastic depth, drawn by the host: the
//! step takes them as inputs, so that it stays a pure function.

use crate::engine::Step;
use cotangent_net::{Mask, Network};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What is mixed into the seed, so that masks do not repeat the numbers of the
/// initial weights.
const DOMAIN: u64 = 0x006d_6173_6b73;

/// Where a run draws masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskDraw {
    /// The run's seed.
    pub seed: u64,
    /// Steps since the beginning of the run.
    pub step: u64,
}

impl MaskDraw {
    /// The masks of [`Network::masks`], in order, for so many examples.
    pub fn masks(&self, net: &Network, batch: usize) -> Vec<Vec<f32>> {
        let draw = |(k, m): (usize, &Mask)| {
            let mut mask = vec![0.0; batch * m.shape.iter().product::<usize>()];
            self.site(k, m.rate, &mut Vec::new(), &mut mask);
            mask
        };
        net.masks().iter().enumerate().map(draw).collect()
    }

    fn site(&self, k: usize, rate: f64, words: &mut Vec<u8>, mask: &mut [f32]) {
        words.resize(4 * mask.len(), 0);
        // One stream per site; a step starts 2^36 words after the one before.
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ DOMAIN);
        rng.set_stream(k as u64);
        rng.set_word_pos(u128::from(self.step) << 36);
        rng.fill_bytes(words);
        apply(rate, words, mask);
    }
}

/// The masks of a step: the draw depends on seed, step and site alone.
pub(crate) struct Masks {
    sites: Vec<Site>,
    seed: u64,
    words: Vec<u8>,
}

struct Site {
    /// Its place in [`Network::masks`].
    mask: usize,
    input: usize,
    rate: f64,
}

impl Masks {
    pub fn new(net: &Network, step: &Step, seed: u64) -> Self {
        let site = |(mask, m): (usize, &Mask)| {
            Some(Site { mask, input: step.find_input(&m.name)?, rate: m.rate })
        };
        let sites = net.masks().iter().enumerate().filter_map(site).collect();
        Masks { sites, seed, words: Vec::new() }
    }

    /// Draws the masks of step number `at`.
    pub fn draw(&mut self, at: u64, step: &mut Step) {
        let draw = MaskDraw { seed: self.seed, step: at };
        for site in &self.sites {
            draw.site(site.mask, site.rate, &mut self.words, step.input_at(site.input));
        }
    }
}

/// 0 where the word is below `rate · 2^32`, else `1 / (1 - rate)`.
fn apply(rate: f64, words: &[u8], mask: &mut [f32]) {
    let bound = (rate * 4_294_967_296.0) as u64;
    let kept = (1.0 / (1.0 - rate)) as f32;
    for (m, word) in mask.iter_mut().zip(words.as_chunks().0) {
        *m = if u64::from(u32::from_le_bytes(*word)) < bound { 0.0 } else { kept };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_step_and_site() {
        let layers = "{ kind = 'dropout', rate = 0.5 }, { kind = 'dropout', rate = 0.5 }, \
                      { kind = 'drop_path', rate = 0.5 }, { kind = 'dense', features = 2 }";
        let text = format!("name = 'n'\ninput = [40]\nlayers = [{layers}]");
        let net = cotangent_net::NetSpec::from_toml(&text).unwrap().network().unwrap();
        let at = |seed, step| MaskDraw { seed, step }.masks(&net, 3);
        let masks = at(7, 2);
        assert_eq!(masks.iter().map(Vec::len).collect::<Vec<_>>(), [120, 120, 3]);
        assert_eq!(masks, at(7, 2));
        assert!(masks[0] != masks[1] && masks[0] != at(8, 2)[0] && masks[0] != at(7, 3)[0]);
        // Fewer examples have the first rows.
        assert_eq!(MaskDraw { seed: 7, step: 2 }.masks(&net, 2)[0], masks[0][..80]);
    }

    #[test]
    fn zeros_come_at_the_rate_and_the_mean_stays() {
        let mut words = vec![0; 4 << 16];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut words);
        let mut mask = vec![0.0; 1 << 16];
        apply(0.3, &words, &mut mask);
        let zeros = mask.iter().filter(|m| **m == 0.0).count() as f64 / 65536.0;
        let mean = mask.iter().map(|&m| f64::from(m)).sum::<f64>() / 65536.0;
        assert!((zeros - 0.3).abs() < 0.006 && (mean - 1.0).abs() < 0.01, "{zeros} {mean}");
        assert!(mask.iter().all(|&m| m == 0.0 || m == 1.0 / 0.7));
    }
}
