//! Image files: PNG and JPEG, at the size a network takes.

use std::path::{Path, PathBuf};

use image::imageops::FilterType;

/// An image file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum ImageError {
    #[error("{}: {reason}; give a PNG or JPEG file", path.display())]
    Decode { path: PathBuf, reason: String },
    #[error(
        "a network of {channels} channels cannot take image files, which have 1 (grey) or 3 (red, green, blue)"
    )]
    Channels { channels: usize },
    #[error("images of {height} x {width} are too large; at most 65535 on a side")]
    Size { height: usize, width: usize },
}

/// Reads an image of any size, in colour or grey, and resizes it to `[height, width, channels]`
/// without keeping its proportions: 1 channel is luma, 3 are red, green and blue. Transparency is
/// left out.
///
/// # Errors
/// The file is not a PNG or JPEG, or the shape is not that of an image.
pub fn read_image(path: &Path, shape: [usize; 3]) -> Result<Vec<u8>, ImageError> {
    read_sized(path, shape).map(|(pixels, _)| pixels)
}

/// As [`read_image`], with the height and width that the image has in its file.
///
/// # Errors
/// As [`read_image`].
pub fn read_sized(
    path: &Path,
    [height, width, channels]: [usize; 3],
) -> Result<(Vec<u8>, [usize; 2]), ImageError> {
    let (Ok(h), Ok(w)) = (u16::try_from(height), u16::try_from(width)) else {
        return Err(ImageError::Size { height, width });
    };
    let decode = |reason: String| ImageError::Decode { path: path.into(), reason };
    let image = image::ImageReader::open(path)
        .and_then(image::ImageReader::with_guessed_format)
        .map_err(|e| decode(e.to_string()))?
        .decode()
        .map_err(|e| decode(e.to_string()))?;
    let size = [image.height() as usize, image.width() as usize];
    let resized = image.resize_exact(w.into(), h.into(), FilterType::Triangle);
    match channels {
        1 => Ok((resized.into_luma8().into_raw(), size)),
        3 => Ok((resized.into_rgb8().into_raw(), size)),
        _ => Err(ImageError::Channels { channels }),
    }
}
