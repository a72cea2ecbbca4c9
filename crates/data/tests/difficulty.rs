//! Synthetic images are worth a network: a linear model reads most of the digits, but not 97 %, and
//! few of the colour images.

use cotangent_data::{Dataset, Sampler, Split, SyntheticConfig, synthetic, synthetic_images};

const BATCH: usize = 50;

/// Softmax regression trained by plain SGD, averaged over its second half for a steady answer.
struct Linear {
    pixels: usize,
    classes: usize,
    weights: Vec<f32>,
}

impl Linear {
    fn logits(&self, x: &[f32], z: &mut [f32]) {
        let stride = self.pixels + 1; // the last weight of a row is the bias
        for (z, w) in z.iter_mut().zip(self.weights.chunks_exact(stride)) {
            // Eight sums at once, so that the loop vectorises.
            let mut sums = [0.0; 8];
            for (x, w) in x.chunks_exact(8).zip(w.chunks_exact(8)) {
                for k in 0..8 {
                    sums[k] += x[k] * w[k];
                }
            }
            *z = sums.iter().sum::<f32>() + w[self.pixels];
        }
    }

    fn train(data: &Dataset, epochs: u64, rate: f32) -> Self {
        let (pixels, classes) = (data.example_len(), data.classes());
        let mut model = Self { pixels, classes, weights: vec![0.0; classes * (pixels + 1)] };
        let (mut x, mut t) = (vec![0.0; BATCH * pixels], vec![0.0; BATCH * classes]);
        let mut mean = vec![0.0; model.weights.len()];
        let mut averaged = 0.0;
        let mut sampler = Sampler::new(data.train(), BATCH, 0);
        for epoch in 0..epochs {
            sampler.start_epoch(epoch);
            for step in 0..sampler.full_steps() {
                data.fill_batch(data.train(), sampler.batch(step), &mut x, &mut t).unwrap();
                model.step(&x, &t, rate);
            }
            if epoch >= epochs / 2 {
                averaged += 1.0;
                for (m, w) in mean.iter_mut().zip(&model.weights) {
                    *m += (w - *m) / averaged;
                }
            }
        }
        Self { weights: mean, ..model }
    }

    fn step(&mut self, x: &[f32], t: &[f32], rate: f32) {
        let stride = self.pixels + 1;
        let mut z = vec![0.0; t.len()];
        for ((x, t), z) in x
            .chunks_exact(self.pixels)
            .zip(t.chunks_exact(self.classes))
            .zip(z.chunks_exact_mut(self.classes))
        {
            self.logits(x, z);
            let max = z.iter().copied().fold(f32::MIN, f32::max);
            z.iter_mut().for_each(|z| *z = (*z - max).exp());
            let sum: f32 = z.iter().sum();
            z.iter_mut().zip(t).for_each(|(z, t)| *z = *z / sum - t);
        }
        for (x, dz) in x.chunks_exact(self.pixels).zip(z.chunks_exact(self.classes)) {
            for (w, dz) in self.weights.chunks_exact_mut(stride).zip(dz) {
                let scale = rate * dz / BATCH as f32;
                w[..self.pixels].iter_mut().zip(x).for_each(|(w, x)| *w -= scale * x);
                w[self.pixels] -= scale;
            }
        }
    }

    fn accuracy(&self, data: &Dataset, split: &Split) -> f64 {
        let mut x = vec![0.0; self.pixels];
        let mut z = vec![0.0; self.classes];
        let right = (0..split.len()).filter(|&i| {
            data.encoding().normalize(split.image(i).unwrap(), &mut x);
            self.logits(&x, &mut z);
            let best = (0..self.classes).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap();
            split.label(i) == Some(best as u16)
        });
        right.count() as f64 / split.len() as f64
    }
}

#[test]
fn a_linear_model_reads_some_but_not_all() {
    let data = synthetic(&SyntheticConfig::default());
    let model = Linear::train(&data, 8, 0.01);
    let accuracy = model.accuracy(&data, data.test());
    assert!((0.80..0.97).contains(&accuracy), "linear accuracy {accuracy}");
}

#[test]
fn a_linear_model_reads_little_in_colour() {
    let config = SyntheticConfig { train: 6000, test: 1000, seed: 0 };
    let data = synthetic_images(&config, [32, 32, 3], 10).unwrap();
    let model = Linear::train(&data, 6, 0.002);
    let accuracy = model.accuracy(&data, data.test());
    assert!((0.05..0.5).contains(&accuracy), "linear accuracy {accuracy}");
}
