//! Writes a sheet of synthetic digits as PNG, one row per digit: `contact_sheet FILE.png [SEED]`.

use cotangent_data::{SyntheticConfig, synthetic};
use image::{GrayImage, imageops};

const COLUMNS: u32 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: contact_sheet FILE.png [SEED]")?;
    let seed = args.next().map_or(Ok(0), |s| s.parse())?;
    let data = synthetic(&SyntheticConfig { train: 10 * COLUMNS, test: 0, seed });
    let (height, width) = (28, 28);
    let mut sheet = GrayImage::new(COLUMNS * width, 10 * height);
    for i in 0..10 * COLUMNS {
        let pixels = data.train().image(i as usize).ok_or("missing image")?.to_vec();
        let digit = GrayImage::from_raw(width, height, pixels).ok_or("wrong size")?;
        imageops::replace(&mut sheet, &digit, (i / 10 * width).into(), (i % 10 * height).into());
    }
    imageops::resize(&sheet, COLUMNS * width * 2, 20 * height, imageops::FilterType::Nearest)
        .save(path)?;
    Ok(())
}
