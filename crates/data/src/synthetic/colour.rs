//! Numbers in colour on a textured background.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::pen::{Canvas, trace};
use super::warp::Field;

/// A few strokes that mean nothing lie below the number.
const CLUTTER: usize = 3;

/// Draws a number. In each channel the ink is lighter or darker than the background, by chance, so
/// that no pixel by itself tells of a class.
pub(super) fn draw(
    rng: &mut ChaCha8Rng,
    label: u16,
    figures: usize,
    [height, width, channels]: [usize; 3],
    image: &mut [u8],
) {
    let ink = super::number(rng, label, figures, [height, width]);
    let clutter = clutter(rng, height, width);
    let texture: Vec<Field<1>> = (0..channels).map(|_| Field::random(rng)).collect();
    // Background, number, clutter.
    let colours: Vec<[f32; 3]> = (0..channels)
        .map(|_| {
            let ground = rng.random_range(0.0..255.0);
            let contrast = rng.random_range(80.0..127.0);
            let side = if ground < 127.5 { 1.0 } else { -1.0 };
            [ground, ground + side * contrast, rng.random_range(0.0..255.0)]
        })
        .collect();
    let rough = rng.random_range(4.0..20.0);
    let noise = rng.random_range(4.0..24.0);
    let mut bytes = vec![0; image.len()];
    rng.fill_bytes(&mut bytes);
    for (at, (pixel, bytes)) in
        image.chunks_exact_mut(channels).zip(bytes.chunks_exact(channels)).enumerate()
    {
        let place = [(at % width) as f32 / width as f32, (at / width) as f32 / height as f32];
        let (ink, clutter) = (ink.coverage()[at], 0.6 * clutter.coverage()[at]);
        for (c, (value, byte)) in pixel.iter_mut().zip(bytes).enumerate() {
            let [ground, written, other] = colours[c];
            let below = ground + clutter * (other - ground) + rough * texture[c].at(place)[0];
            let noise = (f32::from(*byte) / 255.0 - 0.5) * noise;
            *value = (below + ink * (written - below) + noise).clamp(0.0, 255.0) as u8;
        }
    }
}

fn clutter(rng: &mut ChaCha8Rng, height: usize, width: usize) -> Canvas {
    let mut canvas = Canvas::new(height, width, 1.2);
    let size = [width as f32, height as f32];
    let radius = 0.02 * size[0].min(size[1]);
    for _ in 0..CLUTTER {
        let points = [(); 3].map(|()| size.map(|s| s * rng.random::<f32>()));
        let mut path = Vec::with_capacity(16);
        trace(&points, &mut path);
        canvas.stroke(&path, [radius, radius * rng.random_range(0.5..1.5)]);
    }
    canvas
}
