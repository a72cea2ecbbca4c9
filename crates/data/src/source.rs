//! From the value of `--data` to a data set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::mnist::locate;
use crate::{
    Dataset, DirError, DownloadError, MNIST_FILES, MNIST_MIRROR, Progress, SyntheticConfig, fetch,
    load_idx_dir, synthetic,
};

/// What `--data` names. [`FromStr`] reads `auto`, `synthetic`, or a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DataSource {
    /// MNIST from the data directory, else downloaded into it, else the synthetic digits.
    #[default]
    Auto,
    /// The digits drawn by the program.
    Synthetic,
    /// A folder with four IDX files, or with a folder `mnist` that has them.
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

/// Where [`DataSource::Auto`] looks, and how the synthetic digits are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where data sets are kept and downloaded to.
    pub data_dir: PathBuf,
    /// Never download.
    pub offline: bool,
    /// Address that the names of [`MNIST_FILES`] are appended to.
    pub mirror: String,
    /// Size and seed of the synthetic digits.
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
pub enum DataError {
    /// The directory given, or the data directory, holds no usable data set.
    #[error(transparent)]
    Dir(#[from] DirError),
}

/// Loads the data that `source` names.
///
/// Only [`DataSource::Auto`] ever downloads or falls back, and it says so in the notice. Files that
/// are there but damaged are an error for it too.
pub fn load(
    source: &DataSource,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Loaded, DataError> {
    let (dataset, notice) = match source {
        DataSource::Synthetic => (synthetic(&options.synthetic), None),
        DataSource::Dir(dir) => (load_idx_dir(dir)?, None),
        DataSource::Auto => auto(options, progress)?,
    };
    Ok(Loaded { dataset, notice })
}

fn auto(
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<(Dataset, Option<String>), DataError> {
    let dir = &options.data_dir;
    let why = if locate(dir).is_ok() {
        return Ok((load_idx_dir(dir)?, None));
    } else if options.offline {
        "downloads are off (COTANGENT_OFFLINE)".to_owned()
    } else {
        match download(&options.mirror, &dir.join("mnist"), progress) {
            Ok(()) => return Ok((load_idx_dir(dir)?, None)),
            Err(error) => format!("the download failed ({error})"),
        }
    };
    let notice = format!(
        "no MNIST in {}, and {why}; using synthetic digits (give real data with --data DIR)",
        dir.display()
    );
    Ok((synthetic(&options.synthetic), Some(notice)))
}

fn download(mirror: &str, dir: &Path, progress: &mut dyn Progress) -> Result<(), DownloadError> {
    MNIST_FILES
        .iter()
        .filter(|file| !dir.join(file.name).is_file())
        .try_for_each(|file| fetch(mirror, file, dir, progress).map(drop))
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
