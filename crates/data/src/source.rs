//! From the value of `--data` to a data set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::mnist::locate;
use crate::recognise::{Format, find};
use crate::wanted::Kind;
use crate::{
    CIFAR10_COMMAND, CifarError, Dataset, DatasetError, DirError, Encoding, FolderError,
    MNIST_FILES, MNIST_MIRROR, MaskError, Progress, RemoteFile, SHAKESPEARE_FILE,
    SHAKESPEARE_MIRROR, SyntheticConfig, SyntheticError, TextError, Wanted, fetch,
    load_cifar10_dir, load_idx_dir, load_image_folders, load_masks, load_text, synthetic_images,
    synthetic_masks, synthetic_text,
};

/// What `--data` names. [`FromStr`] reads `auto`, `synthetic`, or a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DataSource {
    /// What suits the network from the data directory, MNIST and Shakespeare downloaded into it if
    /// they are missing, else synthetic.
    #[default]
    Auto,
    /// Made by the program.
    Synthetic,
    /// A folder with IDX files, with CIFAR-10, of folders of images, of images and their masks, or
    /// with a text; or a folder `mnist`, `cifar10` or `shakespeare` in it; or a text.
    Dir(PathBuf),
}

/// A `--data` value that names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the data source is empty; give auto, synthetic, or a directory")]
pub struct ParseSourceError;

impl FromStr for DataSource {
    type Err = ParseSourceError;

    fn from_str(s: &str) -> Result<Self, ParseSourceError> {
        match s {
            "" => Err(ParseSourceError),
            "auto" => Ok(Self::Auto),
            "synthetic" => Ok(Self::Synthetic),
            dir => Ok(Self::Dir(dir.into())),
        }
    }
}

impl std::fmt::Display for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Synthetic => f.write_str("synthetic"),
            Self::Dir(dir) => dir.display().fmt(f),
        }
    }
}

/// Where [`DataSource::Auto`] looks, and how synthetic data is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where data sets are kept and downloaded to.
    pub data_dir: PathBuf,
    /// Never download.
    pub offline: bool,
    /// Address that the names of [`MNIST_FILES`] are appended to.
    pub mirror: String,
    /// Address that the name of [`SHAKESPEARE_FILE`] is appended to.
    pub text_mirror: String,
    /// Size and seed of the synthetic data.
    pub synthetic: SyntheticConfig,
}

impl Options {
    /// The defaults, with `$COTANGENT_DATA` (default `data`) as the data directory, and no downloads
    /// if `$COTANGENT_OFFLINE` is set to anything but `0`.
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var_os(name))
    }

    fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| var(name).filter(|v| !v.is_empty());
        Self {
            data_dir: set("COTANGENT_DATA").map_or_else(|| "data".into(), PathBuf::from),
            offline: set("COTANGENT_OFFLINE").is_some_and(|v| v != "0"),
            mirror: MNIST_MIRROR.into(),
            text_mirror: SHAKESPEARE_MIRROR.into(),
            synthetic: SyntheticConfig::default(),
        }
    }
}

/// A data set, and what its user should be told about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The data set.
    pub dataset: Dataset,
    /// One line to show: why this is not the data one might expect.
    pub notice: Option<String>,
}

/// A data source that cannot be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum DataError {
    #[error(transparent)]
    Idx(#[from] DirError),
    #[error(transparent)]
    Cifar(#[from] CifarError),
    #[error(transparent)]
    Folders(#[from] FolderError),
    #[error(transparent)]
    Masks(#[from] MaskError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Synthetic(#[from] SyntheticError),
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(
        "there is no data for a network that takes {input:?} and answers {target:?}: images are \
         [height, width, channels] with [classes], or with [height, width, classes], text is [window, characters] with the same or \
         [characters]"
    )]
    NoKind { input: Vec<usize>, target: Vec<usize> },
    #[error("{}: no directory is there; give the folder that holds the data", dir.display())]
    NotADirectory { dir: PathBuf },
    #[error(
        "{}: no {wanted} here: neither {}", dir.display(), looked_for(wanted)
    )]
    Nothing { dir: PathBuf, wanted: &'static str },
    #[error("{} holds {found}, but the network takes {input:?}: {wanted}", place.display())]
    OtherKind { place: PathBuf, found: &'static str, input: Vec<usize>, wanted: &'static str },
}

fn looked_for(wanted: &str) -> &'static str {
    match wanted {
        "text" => "a .txt file nor a folder shakespeare or text that has one",
        "images with masks" => {
            "the folders images and masks, with a PNG mask for each image, nor such folders in train \
             and val"
        }
        _ => {
            "the four MNIST files (train-images-idx3-ubyte, …), nor those of CIFAR-10 \
             (data_batch_1.bin, …), nor folders of PNG or JPEG files, one per class"
        }
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::Images(_) => "images",
            Kind::Masks(_) => "images with masks",
            Kind::Text { .. } => "text",
        }
    }
}

/// Loads the data that `source` names for a network that takes what `wanted` says.
///
/// A directory's format is told by its files. Only [`DataSource::Auto`] ever downloads or falls back
/// to synthetic data, and it says so in the notice. Files that are there but damaged are an error for
/// it too. Whether the classes are as many as the network's is for the caller to see, but for IDX
/// files, which do not tell: they have as many as are wanted.
///
/// # Errors
/// There is no such data, it is damaged, or it is encoded otherwise than wanted.
pub fn load(
    source: &DataSource,
    wanted: &Wanted<'_>,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Loaded, DataError> {
    let Some(kind) = wanted.kind() else {
        let (input, target) = (wanted.input.to_vec(), wanted.target.to_vec());
        return Err(DataError::NoKind { input, target });
    };
    let (dataset, notice) = match source {
        DataSource::Synthetic => (made(wanted, &kind, options)?, None),
        DataSource::Dir(dir) => (from_dir(dir, wanted, &kind)?, None),
        DataSource::Auto => auto(wanted, &kind, options, progress)?,
    };
    let dataset = match wanted.encoding {
        Some(encoding) => dataset.with_encoding(encoding)?,
        None => dataset,
    };
    Ok(Loaded { dataset, notice })
}

fn made(wanted: &Wanted<'_>, kind: &Kind, options: &Options) -> Result<Dataset, SyntheticError> {
    match *kind {
        Kind::Images(image) => synthetic_images(&options.synthetic, image, wanted.classes()),
        Kind::Masks(image) => synthetic_masks(&options.synthetic, image, wanted.classes()),
        Kind::Text { window, vocabulary, target } => {
            synthetic_text(&options.synthetic, window, vocabulary, target)
        }
    }
}

fn from_dir(dir: &Path, wanted: &Wanted<'_>, kind: &Kind) -> Result<Dataset, DataError> {
    // A text may be named itself.
    let text = matches!(kind, Kind::Text { .. }) && dir.is_file();
    if !dir.is_dir() && !text {
        return Err(DataError::NotADirectory { dir: dir.into() });
    }
    match find(dir, kind) {
        Ok((place, format)) => read(&place, format, wanted, kind),
        Err(Some((place, format))) => Err(DataError::OtherKind {
            place,
            found: format.describe(),
            input: wanted.input.to_vec(),
            wanted: kind.name(),
        }),
        Err(None) => Err(DataError::Nothing { dir: dir.into(), wanted: kind.name() }),
    }
}

fn read(
    place: &Path,
    format: Format,
    wanted: &Wanted<'_>,
    kind: &Kind,
) -> Result<Dataset, DataError> {
    match (format, *kind) {
        (Format::Cifar10, _) => Ok(load_cifar10_dir(place)?),
        (Format::Folders, Kind::Images(image)) => {
            let classes = match wanted.encoding {
                Some(Encoding::Images { classes, .. }) => Some(&classes[..]),
                _ => None,
            };
            Ok(load_image_folders(place, image, classes)?)
        }
        (Format::Masks, Kind::Masks(image)) => Ok(load_masks(place, image, wanted.classes())?),
        (Format::Text, Kind::Text { window, target, .. }) => {
            let vocabulary = match wanted.encoding {
                Some(Encoding::Text { vocabulary }) => Some(&**vocabulary),
                _ => None,
            };
            Ok(load_text(place, window, target, vocabulary)?)
        }
        (Format::Idx | Format::Folders | Format::Masks | Format::Text, _) => {
            Ok(load_idx_dir(place)?.with_classes(wanted.classes())?)
        }
    }
}

fn auto(
    wanted: &Wanted<'_>,
    kind: &Kind,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<(Dataset, Option<String>), DataError> {
    let dir = &options.data_dir;
    if let Ok((place, format)) = find(dir, kind) {
        let partial = format == Format::Idx && locate(&place).is_err();
        let suits = match (format, kind) {
            (Format::Idx, Kind::Images(image)) => image[2] == 1 && !partial,
            (Format::Cifar10, Kind::Images(image)) => *image == [32, 32, 3],
            _ => true,
        };
        if suits {
            return Ok((read(&place, format, wanted, kind)?, None));
        }
    }
    let at = dir.display();
    let (missing, why) = match kind {
        Kind::Images([28, 28, 1]) => {
            let place = dir.join("mnist");
            match download(&options.mirror, &MNIST_FILES, &place, options.offline, progress) {
                Ok(()) => return Ok((read(&place, Format::Idx, wanted, kind)?, None)),
                Err(why) => (format!("no MNIST in {at}"), why),
            }
        }
        Kind::Text { .. } => {
            let (place, mirror) = (dir.join("shakespeare"), &options.text_mirror);
            match download(mirror, &[SHAKESPEARE_FILE], &place, options.offline, progress) {
                Ok(()) => return Ok((read(&place, Format::Text, wanted, kind)?, None)),
                Err(why) => (format!("no text in {at}"), why),
            }
        }
        Kind::Images([32, 32, 3]) => (
            format!("no CIFAR-10 in {at}"),
            format!("it is not downloaded by itself: {CIFAR10_COMMAND} {at}"),
        ),
        Kind::Images([height, width, channels]) => (
            format!("no folders of images in {at}"),
            format!("there is nothing to download for images of {height} x {width} x {channels}"),
        ),
        Kind::Masks(_) => (
            format!("no images with masks in {at}"),
            "there is nothing to download for a class per pixel".into(),
        ),
    };
    let instead = match kind {
        Kind::Images([_, _, 1]) => "digits",
        Kind::Images(_) => "images",
        Kind::Masks(_) => "scenes",
        Kind::Text { .. } => "text",
    };
    let notice =
        format!("{missing}, and {why}; using synthetic {instead} (give real data with --data DIR)");
    Ok((made(wanted, kind, options)?, Some(notice)))
}

/// Downloads what is missing of `files`; why not, if that fails.
fn download(
    mirror: &str,
    files: &[RemoteFile],
    dir: &Path,
    offline: bool,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    if offline {
        return Err("downloads are off (COTANGENT_OFFLINE)".into());
    }
    files
        .iter()
        .filter(|file| !dir.join(file.name).is_file())
        .try_for_each(|file| fetch(mirror, file, dir, progress).map(drop))
        .map_err(|error| format!("the download failed ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_environment() {
        let options = |data: &'static str, offline: &'static str| {
            Options::from_vars(|name| match name {
                "COTANGENT_DATA" => Some(data.into()),
                "COTANGENT_OFFLINE" => Some(offline.into()),
                _ => None,
            })
        };
        let unset = Options::from_vars(|_| None);
        assert_eq!((unset.data_dir.as_path(), unset.offline), (Path::new("data"), false));
        assert_eq!(options("", ""), unset);
        let set = options("/srv/sets", "1");
        assert_eq!((set.data_dir.as_path(), set.offline), (Path::new("/srv/sets"), true));
        assert!(!options("", "0").offline);
    }
}
