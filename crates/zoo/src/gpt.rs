//! A language model of characters: the decoder of Vaswani et al. (2017),
//! normalised before each part as in GPT-2 (Radford et al., 2019).

use crate::Config;
use crate::config::heads;
use cotangent_net::layers::{
    Dense, Embedding, InitScheme, LayerNorm, PositionEmbedding, TransformerBlock,
};
use cotangent_net::{Layer, NetSpec, Number};

/// 64 one-hot characters of 65; at each, which comes next.
pub(crate) fn tiny(name: &str, c: &Config) -> NetSpec {
    let (symbols, features) = (c.classes(65), c.features(128));
    let head = Dense { bias: false, init: InitScheme::TruncatedNormal, ..Dense::new(symbols) };
    NetSpec::new(name, [64, symbols])
        .layer(Embedding::new(features))
        .named("tok_embed")
        .layer(PositionEmbedding::new())
        .named("pos_embed")
        .layers((0..c.blocks(4)).map(|k| {
            let block = TransformerBlock {
                causal: true,
                eps: Number::ratio(1, 100_000),
                ..TransformerBlock::new(heads(4, features))
            };
            Layer::named(format!("blocks.{k}"), block)
        }))
        .layer(LayerNorm::new())
        .named("norm")
        .layer(head)
        .named("head")
}
