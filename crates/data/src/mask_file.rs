//! Masks as PNG files: the class of each pixel is its value.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::{MaskError, NO_CLASS};

/// Reads the mask of an image of `size`, `[height, width]`: a PNG of one channel, grey or with a
/// palette, whose values are classes, or [`NO_CLASS`].
///
/// # Errors
/// The file is no such PNG, of another size, or has a value that is no class.
pub(crate) fn read_mask(
    path: &Path,
    size: [usize; 2],
    classes: usize,
) -> Result<Vec<u8>, MaskError> {
    let decode = |reason: String| MaskError::Decode { path: path.into(), reason };
    let file = File::open(path).map_err(|e| decode(e.to_string()))?;
    let mut decoder = png::Decoder::new(BufReader::new(file));
    // Values as they are stored: scaled to 8 bits, or put into colours, they are no classes.
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(|e| decode(e.to_string()))?;
    let found = [reader.info().height as usize, reader.info().width as usize];
    if found != size {
        return Err(MaskError::Size { path: path.into(), found, expected: size });
    }
    let (colour, depth) = reader.output_color_type();
    if !matches!(colour, png::ColorType::Grayscale | png::ColorType::Indexed) {
        let channels = colour.samples();
        return Err(decode(format!("it has {channels} channels, expected 1, grey or a palette")));
    }
    let bytes = reader.output_buffer_size().ok_or_else(|| decode("it is too large".into()))?;
    let mut buffer = vec![0; bytes];
    let frame = reader.next_frame(&mut buffer).map_err(|e| decode(e.to_string()))?;
    let bits = depth as usize;
    let value = |row: &[u8], column: usize| -> u16 {
        let at = column * bits;
        let byte = |k: usize| u16::from(row.get(at / 8 + k).copied().unwrap_or(0));
        match bits {
            16 => byte(0) << 8 | byte(1),
            _ => byte(0) >> (8 - bits - at % 8) & ((1 << bits) - 1),
        }
    };
    let [height, width] = size;
    let mut mask = Vec::with_capacity(height * width);
    for (row, values) in buffer.chunks_exact(frame.line_size.max(1)).take(height).enumerate() {
        for column in 0..width {
            let value = value(values, column);
            match u8::try_from(value) {
                Ok(class) if class == NO_CLASS || usize::from(class) < classes => mask.push(class),
                _ => {
                    let path = path.into();
                    return Err(MaskError::Value { path, row, column, value, classes });
                }
            }
        }
    }
    match mask.len() == height * width {
        true => Ok(mask),
        false => Err(decode("it ends too early".into())),
    }
}

/// The mask `mask` of size `from`, `[height, width]`, at the size `to`: each pixel takes the class of
/// the nearest, since between two classes there is none.
///
/// Where `mask` is not of that size, what is missing is [`NO_CLASS`].
pub fn resize_mask(mask: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    // The pixel whose square holds the centre of pixel `at`.
    let nearest = |at: usize, k: usize| ((2 * at + 1) * from[k]) / (2 * to[k]);
    let columns: Vec<usize> = (0..to[1]).map(|column| nearest(column, 1)).collect();
    let mut resized = Vec::with_capacity(to[0] * to[1]);
    for row in 0..to[0] {
        let start = nearest(row, 0) * from[1];
        let class = |column: &usize| mask.get(start + column).copied().unwrap_or(NO_CLASS);
        resized.extend(columns.iter().map(class));
    }
    resized
}

/// A mask of size `[height, width]` as the bytes of a PNG: a palette's indices are the classes, so
/// that it can be looked at as well as read back. The colours are those of PASCAL VOC.
///
/// # Errors
/// `mask` is not of that size, or no PNG can be.
pub fn encode_mask(mask: &[u8], [height, width]: [usize; 2]) -> Result<Vec<u8>, MaskError> {
    let error = |reason: String| MaskError::Encode { height, width, reason };
    let (Ok(h), Ok(w)) = (u32::try_from(height), u32::try_from(width)) else {
        return Err(error("a side is too long".into()));
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, w, h);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette((0..=255).flat_map(colour).collect::<Vec<u8>>());
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(mask)?;
            writer.finish()
        })
        .map_err(|e| error(e.to_string()))?;
    Ok(bytes)
}

/// The colour of a class: its bits, three at a time, are the upper bits of red, green and blue.
fn colour(class: u8) -> [u8; 3] {
    let bit = |k: u32| (u16::from(class) >> k & 1) as u8;
    [0, 1, 2].map(|k| bit(k) << 7 | bit(k + 3) << 6 | bit(k + 6) << 5)
}
