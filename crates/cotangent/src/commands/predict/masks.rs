//! What `predict` says of a network that gives every pixel a class.

use super::Example;
use crate::output::{commit, print, print_json, stage_bytes};
use cotangent::data::{Encoding, NO_CLASS, encode_mask, resize_mask};
use cotangent::net::Network;
use miette::{Result, miette};
use std::path::{Path, PathBuf};

/// Height and width of the answer of `net` to an image, where it has a class per pixel.
pub fn size(net: &Network) -> Option<[usize; 2]> {
    match (net.spec().input.as_slice(), net.target_type(1).shape.as_slice()) {
        ([_, _, _], &[_, height, width, _]) => Some([height, width]),
        _ => None,
    }
}

/// Where the masks go, one per example, if they are to be written.
pub struct Output(Option<Vec<PathBuf>>);

impl Output {
    /// Masks in `dir`, named as `images`, or by number for `count` examples that have no files. None
    /// may take the place of an image or of another.
    pub fn new(
        dir: Option<&Path>,
        images: &[PathBuf],
        count: usize,
        net: &Network,
    ) -> Result<Self> {
        let Some(dir) = dir else { return Ok(Self(None)) };
        let (classes, most) = (net.classes(), usize::from(NO_CLASS));
        if classes > most {
            return Err(miette!(
                help = "leave out --output",
                "net `{}` has {classes} classes; a mask holds at most {most}",
                net.spec().name
            ));
        }
        let mut places: Vec<PathBuf> = Vec::with_capacity(count);
        for i in 0..count {
            let name = match images.get(i) {
                Some(image) => image.file_stem().unwrap_or_default().to_owned(),
                None => format!("test-{i}").into(),
            };
            let place = dir.join(name).with_added_extension("png");
            if places.contains(&place) {
                return Err(miette!(
                    help = "give images of different names, or call the command for each",
                    "two masks would be {}",
                    place.display()
                ));
            }
            let found = place.canonicalize().ok();
            if images.iter().any(|image| found.is_some() && image.canonicalize().ok() == found) {
                return Err(miette!(
                    help = "choose another folder for --output",
                    "the mask {} would replace an image",
                    place.display()
                ));
            }
            places.push(place);
        }
        std::fs::create_dir_all(dir).map_err(|e| {
            miette!(
                help = "choose another folder for --output",
                "cannot make {}: {e}",
                dir.display()
            )
        })?;
        Ok(Self(Some(places)))
    }

    /// Writes the mask of example `i`, an answer of size `from`, at the size `to`; where it is.
    pub fn write(
        &self,
        i: usize,
        answer: &[usize],
        from: [usize; 2],
        to: [usize; 2],
    ) -> Result<Option<&Path>> {
        let Some(place) = self.0.as_ref().and_then(|places| places.get(i)) else { return Ok(None) };
        // The classes are at most 255.
        let mask: Vec<u8> = answer.iter().map(|&class| class as u8).collect();
        let bytes = encode_mask(&resize_mask(&mask, from, to), to).map_err(|e| miette!("{e}"))?;
        commit(stage_bytes(place, &bytes)?, place)?;
        Ok(Some(place))
    }
}

/// The share of each class, the largest first, and how many pixels are right where that is known.
pub fn show(
    json: bool,
    example: &Example,
    answer: &[usize],
    encoding: &Encoding,
    classes: usize,
    mask: Option<&Path>,
) -> Result<()> {
    let mut pixels = vec![0usize; classes];
    answer.iter().for_each(|&class| pixels[class] += 1);
    // The mask of an example has the size of the answer.
    let score = example.mask.as_ref().map(|truth| {
        let known = truth.iter().zip(answer).filter(|(t, _)| **t != NO_CLASS);
        known.fold([0; 2], |[right, of], (t, a)| {
            [right + usize::from(usize::from(*t) == *a), of + 1]
        })
    });
    if json {
        return print_json(&serde_json::json!({
            "image": example.name,
            "pixels": pixels,
            "right": score.map(|[right, _]| right),
            "of": score.map(|[_, of]| of),
            "mask": mask.map(|path| path.display().to_string()),
        }));
    }
    let mut seen: Vec<usize> = (0..classes).filter(|&class| pixels[class] > 0).collect();
    seen.sort_by_key(|&class| std::cmp::Reverse(pixels[class]));
    let share = |&class: &usize| {
        let share = 100.0 * pixels[class] as f64 / answer.len().max(1) as f64;
        format!("{} ({share:.1} %)", encoding.class_name(class))
    };
    let mut text = format!("{}: ", example.name);
    text.push_str(&seen.iter().map(share).collect::<Vec<_>>().join(", "));
    if let Some([right, of]) = score {
        text.push_str(&format!("; {right} of {of} pixels right"));
    }
    if let Some(path) = mask {
        text.push_str(&format!("; mask {}", path.display()));
    }
    print(&(text + "\n"))
}
