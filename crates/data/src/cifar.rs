//! CIFAR-10, binary version: records of a label and 32 x 32 pixels, all red, then green, then blue.
//!
//! Format: <https://www.cs.toronto.edu/~kriz/cifar.html>, section "Binary version".

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use rayon::prelude::*;

use crate::{Augment, Dataset, DatasetError, Encoding, Split};

/// Names of the files, less `.gz`: five of training images and one of test images.
pub const CIFAR10_FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// The command that fetches them.
pub const CIFAR10_COMMAND: &str =
    "curl -L https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz | tar xz -C";

const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Height, width, channels.
const SHAPE: [usize; 3] = [32, 32, 3];
const PLANE: usize = 32 * 32;
const IMAGE: usize = 3 * PLANE;
const RECORD: usize = 1 + IMAGE;

/// A directory that does not hold CIFAR-10.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum CifarError {
    #[error(
        "{}: no {file}, with or without .gz; give the folder that holds the six files of the \
         binary version of CIFAR-10, data_batch_1.bin to data_batch_5.bin and test_batch.bin",
        dir.display()
    )]
    Missing { dir: PathBuf, file: &'static str },
    #[error("{}: cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: the gzip stream is damaged: {source}; fetch the file again", path.display())]
    Gzip { path: PathBuf, source: io::Error },
    #[error(
        "{}: truncated: {found} bytes, expected a multiple of {RECORD}, one label and 3072 pixels \
         per image; fetch the file again", path.display()
    )]
    Truncated { path: PathBuf, found: usize },
    #[error(
        "{}: the label of image {index} is {label}, expected 0 to 9; the file is damaged or not of \
         CIFAR-10", path.display()
    )]
    Label { path: PathBuf, index: usize, label: u8 },
    #[error("{}: {source}", dir.display())]
    Dataset { dir: PathBuf, source: DatasetError },
}

/// Reads the six files of CIFAR-10 in `dir`, each plain or gzip: images `[32, 32, 3]`, ten classes,
/// normalised by the mean and standard deviation of the training images.
///
/// A file may have any number of images but none.
///
/// # Errors
/// A file is missing, cannot be read, or is not made of such records.
pub fn load_cifar10_dir(dir: &Path) -> Result<Dataset, CifarError> {
    let mut parts = CIFAR10_FILES
        .map(|file| find(dir, file).ok_or(CifarError::Missing { dir: dir.into(), file }))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .par_iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let dataset = |source| CifarError::Dataset { dir: dir.into(), source };
    let test = parts.split_off(5);
    let split = |parts: Vec<Part>| {
        let labels = parts.iter().flat_map(|p| p.labels.iter().copied()).collect();
        let pixels: Vec<Vec<u8>> = parts.into_iter().map(|p| p.pixels).collect();
        Split::new(pixels.concat(), labels, IMAGE).map_err(dataset)
    };
    let (train, test) = (split(parts)?, split(test)?);
    let encoding = Encoding::of_images(&train, 3, CLASSES.map(String::from).to_vec());
    Dataset::images("cifar10", train, test, SHAPE, CLASSES.len(), encoding)
        .map(|data| data.augmented(Augment::FlipCrop))
        .map_err(dataset)
}

/// Whether any of the six files is in `dir`.
pub(crate) fn any_cifar10(dir: &Path) -> bool {
    CIFAR10_FILES.iter().any(|file| find(dir, file).is_some())
}

fn find(dir: &Path, file: &str) -> Option<PathBuf> {
    [file.to_owned(), format!("{file}.gz")].iter().map(|n| dir.join(n)).find(|p| p.is_file())
}

struct Part {
    /// Height, width, channel order.
    pixels: Vec<u8>,
    labels: Vec<u16>,
}

fn read(path: &Path) -> Result<Part, CifarError> {
    let mut bytes =
        std::fs::read(path).map_err(|source| CifarError::Io { path: path.into(), source })?;
    // By content, not by name; a plain file begins with a label, 0 to 9.
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut plain)
            .map_err(|source| CifarError::Gzip { path: path.into(), source })?;
        bytes = plain;
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        return Err(CifarError::Truncated { path: path.into(), found: bytes.len() });
    }
    let mut pixels = vec![0; bytes.len() / RECORD * IMAGE];
    let mut labels = Vec::with_capacity(bytes.len() / RECORD);
    let records = bytes.chunks_exact(RECORD).zip(pixels.chunks_exact_mut(IMAGE));
    for (index, (record, image)) in records.enumerate() {
        if usize::from(record[0]) >= CLASSES.len() {
            return Err(CifarError::Label { path: path.into(), index, label: record[0] });
        }
        labels.push(record[0].into());
        let (red, rest) = record[1..].split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let planes = red.iter().zip(green).zip(blue);
        for (pixel, ((&r, &g), &b)) in image.chunks_exact_mut(3).zip(planes) {
            pixel.copy_from_slice(&[r, g, b]);
        }
    }
    Ok(Part { pixels, labels })
}
