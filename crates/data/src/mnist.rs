//! Data sets in MNIST's file layout: two IDX files for training and two for testing.

use std::path::{Path, PathBuf};

use crate::{Dataset, DatasetError, IdxError, Images, RemoteFile, Split, read_images, read_labels};

/// Where MNIST is downloaded from: the mirror kept by the PyTorch project.
pub const MNIST_MIRROR: &str = "https://ossci-datasets.s3.amazonaws.com/mnist/";

/// The four files of MNIST as distributed, with size and sha256.
pub const MNIST_FILES: [RemoteFile; 4] = [
    RemoteFile {
        name: "train-images-idx3-ubyte.gz",
        bytes: 9_912_422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    },
    RemoteFile {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 28_881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    },
    RemoteFile {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 1_648_877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    },
    RemoteFile {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 4_542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
];

/// Classes of MNIST and Fashion-MNIST.
const CLASSES: usize = 10;

/// A directory that does not hold a usable data set.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum DirError {
    #[error("{}: no directory is there; give the folder that holds {}", dir.display(), MNIST_FILES[0].name)]
    NotADirectory { dir: PathBuf },
    #[error(
        "{}: no {file}, neither here nor in mnist/, with or without .gz; \
         give the folder that holds the four MNIST files", dir.display()
    )]
    Missing { dir: PathBuf, file: String },
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error("{}: {source}", dir.display())]
    Dataset { dir: PathBuf, source: DatasetError },
}

/// Reads the four IDX files in `dir`, or in `dir/mnist`; each may be plain or gzip.
///
/// Ten classes, as in MNIST and Fashion-MNIST, or as many as the labels need; the format does not
/// say, and [`Dataset::with_classes`] sets another number. The data set is named after the folder of
/// the files.
pub fn load_idx_dir(dir: &Path) -> Result<Dataset, DirError> {
    if !dir.is_dir() {
        return Err(DirError::NotADirectory { dir: dir.into() });
    }
    let [train_images, train_labels, test_images, test_labels] = locate(dir)?;
    let (train, test) = rayon::join(
        || read_split(&train_images, &train_labels),
        || read_split(&test_images, &test_labels),
    );
    let ((train, shape), (test, test_shape)) = (train?, test?);
    if shape != test_shape {
        return Err(DirError::Idx(IdxError::ShapeMismatch {
            train: train_images,
            test: test_images,
            expected: shape,
            found: test_shape,
        }));
    }
    let folder = train_images.parent().unwrap_or(dir);
    let name = std::fs::canonicalize(folder)
        .ok()
        .and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "idx".into());
    let largest = train.1.iter().chain(&test.1).max().map_or(0, |&label| usize::from(label));
    let classes = CLASSES.max(largest + 1);
    split(train)
        .and_then(|train| Dataset::new(name, train, split(test)?, [shape[0], shape[1], 1], classes))
        .map_err(|source| DirError::Dataset { dir: dir.into(), source })
}

/// Paths of the four files in the order of [`MNIST_FILES`], all from one folder.
pub(crate) fn locate(dir: &Path) -> Result<[PathBuf; 4], DirError> {
    let mut missing = None;
    for folder in [dir.to_path_buf(), dir.join("mnist")] {
        let found = MNIST_FILES.map(|file| find(&folder, file.name));
        if let [Some(a), Some(b), Some(c), Some(d)] = found {
            return Ok([a, b, c, d]);
        }
        // Of two incomplete folders, report on the one where something was found.
        let first = MNIST_FILES.iter().zip(&found).find(|(_, path)| path.is_none());
        if missing.is_none() || found.iter().any(Option::is_some) {
            missing = first.map(|(file, _)| file.name.trim_end_matches(".gz").to_owned());
        }
    }
    Err(DirError::Missing { dir: dir.into(), file: missing.unwrap_or_default() })
}

fn find(folder: &Path, gz_name: &str) -> Option<PathBuf> {
    let name = gz_name.trim_end_matches(".gz");
    // Some distributions unpack to `train-images.idx3-ubyte`.
    let dotted = name.replace("-idx", ".idx");
    [name, gz_name, &dotted].iter().map(|n| folder.join(n)).find(|p| p.is_file())
}

type Part = (Images, Vec<u8>);

fn read_split(images: &Path, labels: &Path) -> Result<(Part, [usize; 2]), IdxError> {
    // Every byte may be a label.
    let part = (read_images(images)?, read_labels(labels, 1 << u8::BITS)?);
    if part.0.count != part.1.len() {
        return Err(IdxError::CountMismatch {
            images: images.into(),
            labels: labels.into(),
            expected: part.0.count,
            found: part.1.len(),
        });
    }
    let shape = [part.0.rows, part.0.cols];
    Ok((part, shape))
}

fn split((images, labels): Part) -> Result<Split, DatasetError> {
    let labels = labels.into_iter().map(u16::from).collect();
    Split::new(images.pixels, labels, images.rows * images.cols)
}

/// Whether any of the four files is in `dir`.
pub(crate) fn any_idx(dir: &Path) -> bool {
    MNIST_FILES.iter().any(|file| find(dir, file.name).is_some())
}
