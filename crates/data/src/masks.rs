//! Images with a class per pixel, in two folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::folders::{ENDINGS, data_name, entries, hold_out, is_image, parts};
use crate::image_file::read_sized;
use crate::mask_file::{read_mask, resize_mask};
use crate::{Dataset, DatasetError, Encoding, FolderError, ImageError, NO_CLASS, Split};

/// The folder of images, and that of their masks.
pub(crate) const IMAGES: &str = "images";
pub(crate) const MASKS: &str = "masks";

/// Images and masks that are not a data set.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum MaskError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(
        "{}: no such folder; PNG or JPEG files belong into {IMAGES}, and for each a PNG of the same \
         name into {MASKS} beside it", dir.display()
    )]
    NoFolder { dir: PathBuf },
    #[error("{}: no PNG or JPEG files; put some there, and their masks into {MASKS}", dir.display())]
    NoImages { dir: PathBuf },
    #[error("{}: found something else than {expected}; move it elsewhere", path.display())]
    Extra { path: PathBuf, expected: &'static str },
    #[error("{} and {} have one name, and so one mask; rename one", first.display(), second.display())]
    SameName { first: PathBuf, second: PathBuf },
    #[error(
        "{}: the image has no mask; expected {}, a PNG of the image's size whose values are classes",
        image.display(), mask.display()
    )]
    NoMask { image: PathBuf, mask: PathBuf },
    #[error(
        "{}: the mask is of no image: no PNG or JPEG file in {} has its name; add the image or move \
         the mask elsewhere", mask.display(), images.display()
    )]
    NoImage { mask: PathBuf, images: PathBuf },
    #[error(
        "{}: {reason}; give a PNG of one channel, grey or with a palette, whose values are classes",
        path.display()
    )]
    Decode { path: PathBuf, reason: String },
    #[error(
        "{}: the mask has {} x {} pixels, but its image {} x {} (height x width); make them the same",
        path.display(), found[0], found[1], expected[0], expected[1]
    )]
    Size { path: PathBuf, found: [usize; 2], expected: [usize; 2] },
    #[error(
        "{}: the pixel of row {row}, column {column} (from 0) has class {value}, expected 0 to {}, or \
         {NO_CLASS} for no class; {}",
        path.display(), classes.saturating_sub(1), fix(*value)
    )]
    Value { path: PathBuf, row: usize, column: usize, value: u16, classes: usize },
    #[error(
        "{}: every pixel of the training masks that has a class is of class {class}, so there is \
         nothing to learn; {NO_CLASS} says that a pixel has no class, so write class 1 as 1, class 2 \
         as 2", dir.display()
    )]
    OneClass { dir: PathBuf, class: u16 },
    #[error(
        "{}: nothing is left to validate with: there is a single image; add images, or put some with \
         their masks into {}/val/{IMAGES} and {}/val/{MASKS}, and the others into {}/train",
        dir.display(), dir.display(), dir.display(), dir.display()
    )]
    NoValidation { dir: PathBuf },
    #[error("{}: {source}", dir.display())]
    Dataset { dir: PathBuf, source: DatasetError },
    #[error("no PNG can be made of a mask of {height} x {width}: {reason}")]
    Encode { height: usize, width: usize, reason: String },
}

fn fix(value: u16) -> String {
    match value {
        0..=254 => format!("correct the mask, or give --classes {}", value + 1),
        _ => "correct the mask: at most 255 classes are supported".into(),
    }
}

/// An image and its mask.
type Pair = (PathBuf, PathBuf);

/// Reads `dir/images/NAME.png` (or `.jpg`, `.jpeg`) with `dir/masks/NAME.png`, or the same two folders
/// in `dir/train` with `dir/val` or `dir/test` beside it. Images are resized to `image`, `[height,
/// width, channels]`, their masks by the nearest pixel.
///
/// A mask is a PNG of one channel, as large as its image, whose values, grey or a palette's indices,
/// are classes below `classes`; 255 is [`NO_CLASS`]. Without a folder for validation one in ten images
/// is held out, which ones being a function of their names alone.
///
/// # Errors
/// A file cannot be read, an image has no mask or a mask no image, a mask is of another size or has a
/// value that is no class, or there is nothing to train or validate on.
pub fn load_masks(dir: &Path, image: [usize; 3], classes: usize) -> Result<Dataset, MaskError> {
    let (train_dir, val_dir) = parts(dir);
    let mut train = pairs(&train_dir)?;
    let val = match &val_dir {
        Some(val_dir) => pairs(val_dir)?,
        None => hold_out(&mut train, |_, _| true),
    };
    if val.is_empty() {
        return Err(MaskError::NoValidation { dir: dir.into() });
    }
    let dataset = |source| MaskError::Dataset { dir: dir.into(), source };
    let [height, width, channels] = image;
    let read = |pairs: Vec<Pair>| {
        let read = |(picture, mask): &Pair| -> Result<_, MaskError> {
            let (pixels, size) = read_sized(picture, image)?;
            let mask = read_mask(mask, size, classes)?;
            Ok((pixels, resize_mask(&mask, size, [height, width])))
        };
        let read: Vec<_> = pairs.par_iter().map(read).collect::<Result<_, _>>()?;
        let (pixels, masks): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        Split::masks(pixels.concat(), masks.concat(), height * width, channels).map_err(dataset)
    };
    let (train, val) = (read(train)?, read(val)?);
    let mut seen = train.all_masks().iter().filter(|&&class| class != NO_CLASS);
    if let Some(&class) = seen.next()
        && classes > 1
        && seen.all(|&other| other == class)
    {
        return Err(MaskError::OneClass { dir: dir.into(), class: class.into() });
    }
    let encoding = Encoding::of_images(&train, channels, vec![]);
    Dataset::images(data_name(dir), train, val, image, classes, encoding).map_err(dataset)
}

/// Whether `dir` holds images and, beside them, masks.
pub(crate) fn any_masks(dir: &Path) -> bool {
    let (train, _) = parts(dir);
    [IMAGES, MASKS].iter().all(|name| train.join(name).is_dir())
}

/// The images of `part` with their masks, in order of name.
fn pairs(part: &Path) -> Result<Vec<Pair>, MaskError> {
    let images = files(&part.join(IMAGES), &ENDINGS, "PNG and JPEG files")?;
    let mut masks = files(&part.join(MASKS), &["png"], "PNG files")?;
    if images.is_empty() {
        return Err(MaskError::NoImages { dir: part.join(IMAGES) });
    }
    let mut pairs = Vec::with_capacity(images.len());
    for (name, image) in images {
        let Some(mask) = masks.remove(&name) else {
            let mask = part.join(MASKS).join(name).with_added_extension("png");
            return Err(MaskError::NoMask { image, mask });
        };
        pairs.push((image, mask));
    }
    match masks.into_values().next() {
        Some(mask) => Err(MaskError::NoImage { mask, images: part.join(IMAGES) }),
        None => Ok(pairs),
    }
}

/// The files of `dir` by name without ending; all of them have one of these endings.
fn files(
    dir: &Path,
    endings: &[&str],
    expected: &'static str,
) -> Result<BTreeMap<OsString, PathBuf>, MaskError> {
    if !dir.is_dir() {
        return Err(MaskError::NoFolder { dir: dir.into() });
    }
    let mut files = BTreeMap::new();
    for path in entries(dir)? {
        if !is_image(&path, endings) {
            return Err(MaskError::Extra { path, expected });
        }
        let name = path.file_stem().unwrap_or_default().to_owned();
        if let Some(first) = files.insert(name, path.clone()) {
            return Err(MaskError::SameName { first, second: path });
        }
    }
    Ok(files)
}
