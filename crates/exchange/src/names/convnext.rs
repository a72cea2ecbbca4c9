//! ConvNeXt in torchvision (`torchvision/models/convnext.py`): one sequence of
//! stem, stage, downsampling, stage, ...

use super::{numbered, replace_prefix};

pub(super) fn rename(name: &str) -> Option<String> {
    let Some(rest) = name.strip_prefix("stages.") else {
        return replace_prefix(
            name,
            &[
                ("stem.", "features.0."),
                ("head.norm.", "classifier.0."),
                ("head.fc.", "classifier.2."),
            ],
        );
    };
    let (stage, rest) = numbered(rest)?;
    if let Some(part) = rest.strip_prefix("downsample.") {
        return Some(format!("features.{}.{part}", 2 * stage));
    }
    let (block, part) = numbered(rest.strip_prefix("blocks.")?)?;
    let part = replace_prefix(
        part,
        &[
            ("conv_dw.", "block.0."),
            ("norm.", "block.2."),
            ("mlp.fc1.", "block.3."),
            ("mlp.fc2.", "block.5."),
            ("gamma", "layer_scale"),
        ],
    )?;
    Some(format!("features.{}.{block}.{part}", 2 * stage + 1))
}
