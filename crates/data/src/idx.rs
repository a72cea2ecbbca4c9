//! The IDX format of MNIST and Fashion-MNIST: a magic number that gives element type and number of
//! dimensions, the dimensions as big-endian `u32`, then the elements.
//!
//! Format: <http://yann.lecun.com/exdb/mnist/>, section "File formats".

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

const DTYPE_U8: u8 = 0x08;

/// The images of one IDX file, row-major bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub count: usize,
    /// Height.
    pub rows: usize,
    /// Width.
    pub cols: usize,
    /// `count * rows * cols` bytes.
    pub pixels: Vec<u8>,
}

/// An IDX file that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum IdxError {
    #[error("{}: cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: the gzip stream is damaged: {source}; fetch the file again", path.display())]
    Gzip { path: PathBuf, source: io::Error },
    #[error("{}: {found} bytes, expected at least {expected} for an IDX header; fetch the file again", path.display())]
    TruncatedHeader { path: PathBuf, found: usize, expected: usize },
    #[error(
        "{}: starts with bytes {found:02x?}, expected 00 00 (IDX) or 1f 8b (gzip): not an IDX file; \
         unpack archives first", path.display()
    )]
    Magic { path: PathBuf, found: [u8; 4] },
    #[error(
        "{}: element type 0x{found:02x} ({}), expected 0x08 (unsigned byte); convert the file",
        path.display(), dtype_name(*found)
    )]
    Dtype { path: PathBuf, found: u8 },
    #[error(
        "{}: a label file (1 dimension), expected images (3 dimensions); \
         the image and label files may be swapped", path.display()
    )]
    LabelsGivenAsImages { path: PathBuf },
    #[error(
        "{}: an image file (3 dimensions), expected labels (1 dimension); \
         the image and label files may be swapped", path.display()
    )]
    ImagesGivenAsLabels { path: PathBuf },
    #[error("{}: {found} dimensions, expected {expected}; this is neither an image nor a label file", path.display())]
    Dimensions { path: PathBuf, found: u8, expected: u8 },
    #[error("{}: dimensions {dims:?} are not usable: each must be at least 1 and their product fit in memory", path.display())]
    Size { path: PathBuf, dims: Vec<u32> },
    #[error(
        "{}: truncated: the header promises {expected} bytes of data, found {found}; fetch the file again",
        path.display()
    )]
    Truncated { path: PathBuf, expected: usize, found: usize },
    #[error("{}: data goes on after the {expected} bytes the header promises; fetch the file again", path.display())]
    Trailing { path: PathBuf, expected: usize },
    #[error(
        "{}: label {label} of example {index} is out of range, expected 0..{classes}; \
         the file is damaged or belongs to another data set", path.display()
    )]
    LabelOutOfRange { path: PathBuf, index: usize, label: u8, classes: usize },
    #[error(
        "{} holds {found} labels, but {} holds {expected} images; take both files from the same split",
        labels.display(), images.display()
    )]
    CountMismatch { images: PathBuf, labels: PathBuf, expected: usize, found: usize },
    #[error(
        "{}: images are {found:?} (height, width), but those of {} are {expected:?}; \
         take both files from the same data set", test.display(), train.display()
    )]
    ShapeMismatch { train: PathBuf, test: PathBuf, expected: [usize; 2], found: [usize; 2] },
}

/// The element types of the format, so that an error can name the one found.
fn dtype_name(code: u8) -> &'static str {
    match code {
        0x08 => "unsigned byte",
        0x09 => "signed byte",
        0x0b => "16-bit integer",
        0x0c => "32-bit integer",
        0x0d => "32-bit float",
        0x0e => "64-bit float",
        _ => "unknown",
    }
}

/// Reads an IDX file of images (`u8`, three dimensions), plain or gzip.
pub fn read_images(path: &Path) -> Result<Images, IdxError> {
    let (dims, pixels) = read_u8(path, 3)?;
    Ok(Images { count: dims[0], rows: dims[1], cols: dims[2], pixels })
}

/// Reads an IDX file of labels in `0..classes` (`u8`, one dimension), plain or gzip.
pub fn read_labels(path: &Path, classes: usize) -> Result<Vec<u8>, IdxError> {
    let (_, labels) = read_u8(path, 1)?;
    match labels.iter().position(|&l| usize::from(l) >= classes) {
        None => Ok(labels),
        Some(index) => Err(IdxError::LabelOutOfRange {
            path: path.into(),
            index,
            label: labels[index],
            classes,
        }),
    }
}

fn read_u8(path: &Path, rank: u8) -> Result<(Vec<usize>, Vec<u8>), IdxError> {
    let file = std::fs::read(path).map_err(|source| IdxError::Io { path: path.into(), source })?;
    // By content, not by name: unpacked files often keep their .gz ending, and no IDX file starts so.
    if file.starts_with(&[0x1f, 0x8b]) {
        // Deflate packs at most 1032 to 1, which bounds what a header may claim.
        let limit = file.len().saturating_mul(1032);
        decode(path, MultiGzDecoder::new(&file[..]), limit, rank).map_err(|error| {
            // Of a stream whose checksum fails, any other complaint is only a consequence.
            match io::copy(&mut MultiGzDecoder::new(&file[..]), &mut io::sink()) {
                Ok(_) => error,
                Err(source) => IdxError::Gzip { path: path.into(), source },
            }
        })
    } else {
        decode(path, &file[..], file.len(), rank)
    }
}

/// Decodes an IDX stream that holds at most `limit` bytes; allocates no more than that.
fn decode(
    path: &Path,
    mut stream: impl Read,
    limit: usize,
    rank: u8,
) -> Result<(Vec<usize>, Vec<u8>), IdxError> {
    let path = || path.to_path_buf();
    let gzip = |source| IdxError::Gzip { path: path(), source };

    let header = 4 + 4 * usize::from(rank);
    let mut head = Vec::with_capacity(header);
    stream.by_ref().take(4).read_to_end(&mut head).map_err(gzip)?;
    let Ok(magic) = <[u8; 4]>::try_from(&head[..]) else {
        return Err(IdxError::TruncatedHeader {
            path: path(),
            found: head.len(),
            expected: header,
        });
    };
    match magic {
        [0, 0, DTYPE_U8, found] if found == rank => {}
        [0, 0, DTYPE_U8, 1] => return Err(IdxError::LabelsGivenAsImages { path: path() }),
        [0, 0, DTYPE_U8, 3] => return Err(IdxError::ImagesGivenAsLabels { path: path() }),
        [0, 0, DTYPE_U8, found] => {
            return Err(IdxError::Dimensions { path: path(), found, expected: rank });
        }
        [0, 0, found, _] => return Err(IdxError::Dtype { path: path(), found }),
        found => return Err(IdxError::Magic { path: path(), found }),
    }

    stream.by_ref().take(4 * u64::from(rank)).read_to_end(&mut head).map_err(gzip)?;
    if head.len() < header {
        return Err(IdxError::TruncatedHeader {
            path: path(),
            found: head.len(),
            expected: header,
        });
    }
    let dims: Vec<u32> =
        head[4..].chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]])).collect();
    let size = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d as usize));
    let Some(size) = size.filter(|&n| n > 0) else {
        return Err(IdxError::Size { path: path(), dims });
    };

    // A bogus header must not make us allocate what it claims: a file this short cannot hold it, so
    // count what is there and say so.
    if size > limit {
        let found = io::copy(&mut stream, &mut io::sink()).map_err(gzip)?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        return Err(IdxError::Truncated { path: path(), expected: size, found });
    }
    let mut data = Vec::with_capacity(size + 1); // one more, to see whether anything follows
    stream.take(size as u64 + 1).read_to_end(&mut data).map_err(gzip)?;
    if data.len() < size {
        return Err(IdxError::Truncated { path: path(), expected: size, found: data.len() });
    }
    if data.len() > size {
        return Err(IdxError::Trailing { path: path(), expected: size });
    }
    Ok((dims.into_iter().map(|d| d as usize).collect(), data))
}
