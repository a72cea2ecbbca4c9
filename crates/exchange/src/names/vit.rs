//! The vision transformer in torchvision
//! (`torchvision/models/vision_transformer.py`).

use super::{numbered, replace_prefix};

pub(super) fn rename(name: &str) -> Option<String> {
    let Some(rest) = name.strip_prefix("blocks.") else {
        return replace_prefix(
            name,
            &[
                ("cls_token", "class_token"),
                ("pos_embed", "encoder.pos_embedding"),
                ("patch_embed.proj.", "conv_proj."),
                ("norm.", "encoder.ln."),
                ("head.", "heads.head."),
            ],
        );
    };
    let (block, part) = numbered(rest)?;
    let part = replace_prefix(
        part,
        &[
            ("norm1.", "ln_1."),
            // A parameter of the attention itself, not of a layer inside it.
            ("attn.qkv.", "self_attention.in_proj_"),
            ("attn.proj.", "self_attention.out_proj."),
            ("norm2.", "ln_2."),
            ("mlp.fc1.", "mlp.0."),
            ("mlp.fc2.", "mlp.3."),
        ],
    )?;
    Some(format!("encoder.layers.encoder_layer_{block}.{part}"))
}
