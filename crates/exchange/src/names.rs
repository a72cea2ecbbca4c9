//! What torchvision calls things.
//!
//! The zoo's names are timm's. torchvision's models of one family number what
//! timm names, so its names follow from the place of a layer among its
//! neighbours.

mod convnext;
mod mobile;
mod vit;

use crate::Library;
use cotangent_net::{LayerKind, LayerPlan, Network};

/// From a name in timm's style to the name in the file.
pub(crate) type Rename = Box<dyn Fn(&str) -> String>;

/// The names of `library` for the tensors of `net`. A net of no family below,
/// and a tensor that its family does not know, has one name for both: so it is
/// with ResNets.
pub(crate) fn names(net: &Network, library: Library) -> Rename {
    if library == Library::Timm {
        return Box::new(str::to_string);
    }
    let layers: Vec<&LayerPlan> = net.layers().iter().flat_map(LayerPlan::walk).collect();
    let has = |is: fn(&LayerKind) -> bool| layers.iter().any(|l| is(&l.kind));
    let squeezed = |k: &LayerKind| matches!(k, LayerKind::InvertedResidual(b) if b.squeeze > 0);
    if has(|k| matches!(k, LayerKind::MbConv(_) | LayerKind::FusedMbConv(_))) {
        mobile::rename(&layers, mobile::Family::EfficientNet)
    } else if has(squeezed) {
        mobile::rename(&layers, mobile::Family::MobileNetV3)
    } else if has(|k| matches!(k, LayerKind::InvertedResidual(_))) {
        mobile::rename(&layers, mobile::Family::MobileNetV2)
    } else if has(|k| matches!(k, LayerKind::ConvnextBlock(_))) {
        Box::new(|name| convnext::rename(name).unwrap_or_else(|| name.into()))
    } else if has(|k| matches!(k, LayerKind::TransformerBlock(_))) {
        Box::new(|name| vit::rename(name).unwrap_or_else(|| name.into()))
    } else {
        Box::new(str::to_string)
    }
}

/// `3` and `rest` of `3.rest`.
fn numbered(text: &str) -> Option<(usize, &str)> {
    let (number, rest) = text.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// The text after a prefix in a table, behind what the table has for it.
fn replace_prefix(text: &str, table: &[(&str, &str)]) -> Option<String> {
    table.iter().find_map(|(from, to)| text.strip_prefix(from).map(|rest| format!("{to}{rest}")))
}
