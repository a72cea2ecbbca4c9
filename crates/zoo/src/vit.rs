//! Vision transformers (Dosovitskiy et al.: *An Image is Worth 16x16 Words*,
//! 2021; the smaller ones Touvron et al., 2021). Names and constants as in
//! timm's `vit_*_patch16_224`.

use crate::Config;
use crate::config::heads;
use cotangent_net::layers::{
    ClassToken, Dense, InitScheme, LayerNorm, Pair, PatchEmbed, PositionEmbedding, SelectToken,
    TransformerBlock,
};
use cotangent_net::{Layer, NetSpec, Number};

/// Twelve blocks on patches of 16x16, with so many heads of 64 features.
pub(crate) fn patch16(name: &str, c: &Config, published_heads: usize) -> NetSpec {
    let features = c.features(64 * published_heads);
    let norm = LayerNorm { eps: Number::ratio(1, 1_000_000), ..LayerNorm::new() };
    let head = Dense { init: InitScheme::TruncatedNormal, ..Dense::new(c.classes(1000)) };
    NetSpec::new(name, c.image(224, 3))
        .layer(PatchEmbed::new(features, Pair::both(16)))
        .named("patch_embed")
        .layer(ClassToken::new())
        .named("cls_token")
        .layer(PositionEmbedding::new())
        .named("pos_embed")
        .layers((0..c.blocks(12)).map(|k| {
            let block = TransformerBlock::new(heads(published_heads, features));
            Layer::named(format!("blocks.{k}"), block)
        }))
        .layer(norm)
        .named("norm")
        .layer(SelectToken::new())
        .layer(head)
        .named("head")
}
