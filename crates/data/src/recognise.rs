//! Which data set a folder holds, told by the names of its files.

use std::path::{Path, PathBuf};

use crate::cifar::any_cifar10;
use crate::folders::any_images;
use crate::masks::any_masks;
use crate::mnist::any_idx;
use crate::text::text_files;
use crate::wanted::Kind;

/// A format of data on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Idx,
    Cifar10,
    Folders,
    Masks,
    Text,
}

impl Format {
    pub fn describe(self) -> &'static str {
        match self {
            Format::Idx => "images in IDX files",
            Format::Cifar10 => "the images of CIFAR-10",
            Format::Folders => "images in folders",
            Format::Masks => "images with masks",
            Format::Text => "a text",
        }
    }

    fn is_for(self, kind: &Kind) -> bool {
        match self {
            Format::Idx | Format::Cifar10 | Format::Folders => matches!(kind, Kind::Images(_)),
            Format::Masks => matches!(kind, Kind::Masks(_)),
            Format::Text => matches!(kind, Kind::Text { .. }),
        }
    }
}

/// What `place`, a folder or a text file, holds: the format that is of this kind, else any.
fn recognise(place: &Path, kind: &Kind) -> Option<Format> {
    if place.is_file() {
        return Some(Format::Text);
    }
    let texts = |dir: &Path| text_files(dir).is_ok_and(|files| !files.is_empty());
    let found = [
        (Format::Idx, any_idx(place)),
        (Format::Cifar10, any_cifar10(place)),
        (Format::Folders, any_images(place)),
        (Format::Masks, any_masks(place)),
        (Format::Text, texts(place)),
    ];
    let found = found.into_iter().filter(|(_, there)| *there).map(|(format, _)| format);
    let all: Vec<Format> = found.collect();
    // CIFAR-10 comes with the names of its classes as a .txt file: not a text to read.
    let meta = all.contains(&Format::Cifar10);
    let suits = |f: &&Format| f.is_for(kind) && (**f != Format::Text || !meta);
    all.iter().find(suits).or(all.first()).copied()
}

/// The folders of `dir` to look in for data of this kind, the first first.
pub(crate) fn places(dir: &Path, kind: &Kind) -> Vec<PathBuf> {
    let known: &[&str] = match kind {
        Kind::Images([28, 28, 1]) => &["mnist"],
        Kind::Images([32, 32, 3]) => &["cifar10", "cifar-10-batches-bin"],
        Kind::Images(_) | Kind::Masks(_) => &[],
        Kind::Text { .. } => &["shakespeare", "text"],
    };
    let known = known.iter().map(|name| dir.join(name));
    std::iter::once(dir.to_path_buf()).chain(known).collect()
}

/// The first place that holds data of this kind, and in which format; else the first that holds any,
/// as the error.
pub(crate) fn find(
    dir: &Path,
    kind: &Kind,
) -> Result<(PathBuf, Format), Option<(PathBuf, Format)>> {
    let places = places(dir, kind).into_iter();
    let found: Vec<_> = places.filter_map(|p| recognise(&p, kind).map(|f| (p, f))).collect();
    match found.iter().find(|(_, format)| format.is_for(kind)) {
        Some(found) => Ok(found.clone()),
        None => Err(found.first().cloned()),
    }
}
