//! MobileNetV2, MobileNetV3 and EfficientNet in torchvision
//! (`mobilenetv2.py`, `mobilenetv3.py`, `efficientnet.py` of
//! `torchvision/models`): a block is a sequence of units, each a convolution
//! and its normalisation, or a squeeze-and-excitation.

use super::{Rename, numbered};
use cotangent_net::LayerPlan;
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    MobileNetV2,
    MobileNetV3,
    EfficientNet,
}

pub(super) fn rename(layers: &[&LayerPlan], family: Family) -> Rename {
    let table = table(layers, family);
    Box::new(move |name| {
        let found = name.rsplit_once('.').and_then(|(root, last)| {
            table.get(root).map(|theirs: &String| format!("{theirs}.{last}"))
        });
        found.unwrap_or_else(|| name.into())
    })
}

/// From what names begin with in timm's style to what they begin with in
/// torchvision's.
fn table(layers: &[&LayerPlan], family: Family) -> HashMap<String, String> {
    let mut roots: Vec<&str> = Vec::new();
    for l in layers.iter().filter(|l| !l.params.is_empty() || !l.stats.is_empty()) {
        if !roots.contains(&l.root.as_str()) {
            roots.push(&l.root);
        }
    }
    // Blocks in order, each with its stage, its place there, and its parts.
    let mut blocks: Vec<(usize, usize, Vec<&str>)> = Vec::new();
    for root in &roots {
        let Some((stage, block, part)) = block_part(root) else { continue };
        match blocks.last_mut() {
            Some((s, b, parts)) if (*s, *b) == (stage, block) => parts.push(part),
            _ => blocks.push((stage, block, vec![part])),
        }
    }
    let mut table = HashMap::new();
    let mut put = |ours: String, theirs: String| table.insert(ours, theirs);
    put("conv_stem".into(), "features.0.0".into());
    put("bn1".into(), "features.0.1".into());
    let last = match family {
        Family::EfficientNet => blocks.iter().map(|b| b.0 + 2).max().unwrap_or(1),
        _ => 1 + blocks.len(),
    };
    match family {
        // Its last convolution comes after the pooling.
        Family::MobileNetV3 => {
            put("conv_head".into(), "classifier.0".into());
            put("classifier".into(), "classifier.3".into());
        }
        Family::MobileNetV2 | Family::EfficientNet => {
            put("conv_head".into(), format!("features.{last}.0"));
            put("bn2".into(), format!("features.{last}.1"));
            put("classifier".into(), "classifier.1".into());
        }
    }
    for (k, (stage, block, parts)) in blocks.iter().enumerate() {
        let place = match family {
            Family::EfficientNet => format!("features.{}.{block}.block", stage + 1),
            // The last of its blocks in timm is not a block there.
            Family::MobileNetV3 if parts.first() == Some(&"conv") => format!("features.{}", k + 1),
            Family::MobileNetV3 => format!("features.{}.block", k + 1),
            Family::MobileNetV2 => format!("features.{}.conv", k + 1),
        };
        for (part, theirs) in units(parts, family) {
            put(format!("blocks.{stage}.{block}.{part}"), format!("{place}.{theirs}"));
        }
    }
    table
}

/// Stage, block and the rest of `blocks.0.1.rest`.
fn block_part(root: &str) -> Option<(usize, usize, &str)> {
    let (stage, rest) = numbered(root.strip_prefix("blocks.")?)?;
    let (block, part) = numbered(rest)?;
    Some((stage, block, part))
}

/// What a block's parts are called in its sequence of units.
fn units<'a>(parts: &[&'a str], family: Family) -> Vec<(&'a str, String)> {
    let convolutions = parts.iter().filter(|p| p.starts_with("conv")).count();
    let (mut unit, mut convolution) = (0, 0);
    let mut names = Vec::with_capacity(parts.len());
    for &part in parts {
        let name = match part {
            "se.conv_reduce" => format!("{unit}.fc1"),
            "se.conv_expand" => {
                unit += 1;
                format!("{}.fc2", unit - 1)
            }
            // The one normalised convolution outside a block.
            "conv" if family == Family::MobileNetV3 => "0".into(),
            "bn1" if family == Family::MobileNetV3 && convolutions == 1 => "1".into(),
            _ if part.starts_with("conv") => {
                convolution += 1;
                match family == Family::MobileNetV2 && convolution == convolutions {
                    true => format!("{unit}"),
                    false => format!("{unit}.0"),
                }
            }
            // A normalisation ends its unit.
            _ => {
                unit += 1;
                match family == Family::MobileNetV2 && convolution == convolutions {
                    true => format!("{unit}"),
                    false => format!("{}.1", unit - 1),
                }
            }
        };
        names.push((part, name));
    }
    names
}
