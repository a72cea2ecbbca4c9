//! Images in folders, one folder per class.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::masks::{IMAGES, MASKS, any_masks};
use crate::{Dataset, DatasetError, Encoding, ImageError, Split, read_image};

/// Endings of the files that are read, in lower case.
pub(crate) const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// A folder of images that is not a data set.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum FolderError {
    #[error("{}: cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: the name is not UTF-8; rename it", path.display())]
    Name { path: PathBuf },
    #[error(
        "{}: no class folders; make one folder per class and put its PNG or JPEG files there",
        dir.display()
    )]
    NoClasses { dir: PathBuf },
    #[error("{}: no PNG or JPEG files; put some there or remove the folder", dir.display())]
    EmptyClass { dir: PathBuf },
    #[error("{}: there is no class `{class}`; the classes are {}", dir.display(), list(classes))]
    NoSuchClass { dir: PathBuf, class: String, classes: Vec<String> },
    #[error("{}: {found} classes are too many: at most 65535 are supported", dir.display())]
    TooManyClasses { dir: PathBuf, found: usize },
    #[error(
        "{}: nothing is left to validate with: every class has a single image; add images, or put \
         some into {}/val/CLASS", dir.display(), dir.display()
    )]
    NoValidation { dir: PathBuf },
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("{}: {source}", dir.display())]
    Dataset { dir: PathBuf, source: DatasetError },
}

fn list(classes: &[String]) -> String {
    let shown = classes.iter().take(12).map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
    if classes.len() > 12 { format!("{shown}, … ({} in all)", classes.len()) } else { shown }
}

/// A file and its class.
type Labelled = (PathBuf, u16);

/// Reads `dir/CLASS/FILE`, or `dir/train/CLASS/FILE` with `dir/val` or `dir/test` beside it: PNG and
/// JPEG files, resized to `image`, `[height, width, channels]`.
///
/// The classes are the folders' names in order, or those of `classes`, of which each folder has to
/// be one. Without a folder for validation one in ten images of each class is held out, which ones
/// being a function of class and file name alone. Files with other endings are passed over.
///
/// # Errors
/// A folder or file cannot be read, is no image, or there is nothing to train or validate on.
pub fn load_image_folders(
    dir: &Path,
    image: [usize; 3],
    classes: Option<&[String]>,
) -> Result<Dataset, FolderError> {
    let (train_dir, val_dir) = parts(dir);
    let names = match classes {
        Some(classes) if !classes.is_empty() => classes.to_vec(),
        _ => class_folders(&train_dir)?,
    };
    if names.len() > usize::from(u16::MAX) {
        return Err(FolderError::TooManyClasses { dir: train_dir, found: names.len() });
    }
    let mut train = files(&train_dir, &names)?;
    let val = match &val_dir {
        Some(val_dir) => files(val_dir, &names)?,
        None => hold_out(&mut train, |a, b| a == b),
    };
    if val.is_empty() {
        return Err(FolderError::NoValidation { dir: dir.into() });
    }
    let dataset = |source| FolderError::Dataset { dir: dir.into(), source };
    let size = image.iter().product();
    let read = |files: Vec<Labelled>| {
        let images = files.par_iter().map(|(path, _)| read_image(path, image));
        let images = images.collect::<Result<Vec<_>, _>>()?;
        let labels = files.iter().map(|&(_, label)| label).collect();
        Split::new(images.concat(), labels, size).map_err(dataset)
    };
    let (train, val) = (read(train)?, read(val)?);
    let encoding = Encoding::of_images(&train, image[2], names.clone());
    Dataset::images(data_name(dir), train, val, image, names.len(), encoding).map_err(dataset)
}

/// Whether `dir` holds images in folders of their class.
pub(crate) fn any_images(dir: &Path) -> bool {
    let (train, _) = parts(dir);
    // Images and their masks are two folders of images, but no two classes.
    let masks = any_masks(dir).then(|| [IMAGES, MASKS].map(|name| train.join(name)));
    let class = |folder: &PathBuf| !masks.iter().flatten().any(|f| f == folder);
    let has_images = |class: &PathBuf| images_in(class).is_ok_and(|files| !files.is_empty());
    subfolders(&train).is_ok_and(|folders| folders.iter().any(|f| class(f) && has_images(f)))
}

/// What the data in `dir` is called.
pub(crate) fn data_name(dir: &Path) -> String {
    let name = dir.canonicalize().ok().and_then(|p| Some(p.file_name()?.to_str()?.to_owned()));
    name.unwrap_or_else(|| "images".into())
}

/// The folder to train on and the one to validate on.
pub(crate) fn parts(dir: &Path) -> (PathBuf, Option<PathBuf>) {
    let train = dir.join("train");
    let val = ["val", "valid", "validation", "test"].map(|n| dir.join(n));
    match val.into_iter().find(|d| d.is_dir()) {
        Some(val) if train.is_dir() => (train, Some(val)),
        None if train.is_dir() => (train, None),
        _ => (dir.into(), None),
    }
}

/// Entries of `dir` in order of name, hidden ones left out.
pub(crate) fn entries(dir: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let error = |source| FolderError::Io { path: dir.into(), source };
    let entries = std::fs::read_dir(dir).map_err(error)?;
    let mut paths =
        entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(error)?;
    paths.retain(|p| !name_of(p).is_ok_and(|n| n.starts_with('.')));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> Result<&str, FolderError> {
    let name = path.file_name().and_then(|n| n.to_str());
    name.ok_or_else(|| FolderError::Name { path: path.into() })
}

fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, FolderError> {
    Ok(entries(dir)?.into_iter().filter(|p| p.is_dir()).collect())
}

fn class_folders(dir: &Path) -> Result<Vec<String>, FolderError> {
    let folders = subfolders(dir)?;
    if folders.is_empty() {
        return Err(FolderError::NoClasses { dir: dir.into() });
    }
    folders.iter().map(|p| name_of(p).map(String::from)).collect()
}

fn images_in(class: &Path) -> Result<Vec<PathBuf>, FolderError> {
    Ok(entries(class)?.into_iter().filter(|path| is_image(path, &ENDINGS)).collect())
}

/// Whether `path` is a file with one of these endings, in whichever case.
pub(crate) fn is_image(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    path.is_file() && ending.is_some_and(|e| endings.contains(&&*e))
}

/// All images of `dir`, class by class; every folder has some.
fn files(dir: &Path, classes: &[String]) -> Result<Vec<Labelled>, FolderError> {
    let folders = subfolders(dir)?;
    if folders.is_empty() {
        return Err(FolderError::NoClasses { dir: dir.into() });
    }
    let mut all = Vec::new();
    for folder in folders {
        let class = name_of(&folder)?;
        let Some(label) = classes.iter().position(|c| c == class) else {
            let (class, classes) = (class.to_owned(), classes.to_vec());
            return Err(FolderError::NoSuchClass { dir: dir.into(), class, classes });
        };
        let images = images_in(&folder)?;
        if images.is_empty() {
            return Err(FolderError::EmptyClass { dir: folder });
        }
        // There are at most 65535 classes.
        all.extend(images.into_iter().map(|path| (path, label as u16)));
    }
    Ok(all)
}

/// Takes out one in ten images of each class, rounded, at least one of two or more: those whose
/// names have the smallest sha256, so that which ones is settled by the names, and a file more moves
/// few others. `alike` tells of two neighbours whether they are of one class.
pub(crate) fn hold_out<L: Clone + Ord>(
    train: &mut Vec<(PathBuf, L)>,
    alike: fn(&L, &L) -> bool,
) -> Vec<(PathBuf, L)> {
    let all = std::mem::take(train);
    let mut held = Vec::new();
    for class in all.chunk_by(|a, b| alike(&a.1, &b.1)) {
        let n = ((class.len() + 5) / 10).clamp(usize::from(class.len() > 1), class.len() - 1);
        let digest = |(path, _): &(PathBuf, L)| {
            let names = [path.parent().and_then(Path::file_name), path.file_name()];
            let names = names.map(|n| n.unwrap_or_default().as_encoded_bytes());
            Sha256::digest(names.join(&b'/'))
        };
        let mut order: Vec<&(PathBuf, L)> = class.iter().collect();
        order.sort_by_cached_key(|file| digest(file));
        let (val, rest) = order.split_at(n);
        for (part, files) in [(&mut held, val), (&mut *train, rest)] {
            let mut files: Vec<_> = files.iter().map(|&f| f.clone()).collect();
            files.sort();
            part.extend(files);
        }
    }
    held
}
