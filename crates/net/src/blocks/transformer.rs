//! The blocks of the vision transformer (Dosovitskiy et al.: *An Image is
//! Worth 16x16 Words*, 2021), pre-normalised, causal for language models.

use super::{drop_path, residual};
use crate::Layer;
use crate::field::attributes;
use crate::layers::{
    Activation, Conv2d, Dense, Dropout, InitScheme, LayerNorm, LayerScale, MultiHeadAttention,
    Padding, Pair, Reshape, image, positive, tokens,
};
use crate::number::Number;

attributes! {
    /// An image cut into patches, each a token: a convolution whose stride is
    /// its kernel.
    PatchEmbed {
        /// Features of a token.
        features: usize,
        /// Patch size.
        patch: Pair,
        ;
        /// Whether there is a bias.
        bias: bool = true,
    }
}
attributes! {
    /// `x + attention(norm(x))`, then `x + mlp(norm(x))`.
    TransformerBlock {
        /// Number of heads; it divides the features.
        heads: usize,
        ;
        /// Hidden features of the perceptron; 0 for four times the input's.
        mlp: usize = 0,
        /// Whether a token sees itself and those before it only.
        causal: bool = false,
        /// Activation of the perceptron.
        activation: Activation = Activation::Gelu,
        /// Rate of dropout after the attention and inside the perceptron.
        dropout: Number = Number::from(0),
        /// Rate of stochastic depth.
        drop_path: Number = Number::from(0),
        /// What scales per feature start from; 0 for no scales.
        layer_scale: Number = Number::from(0),
        /// ε of the normalisations.
        eps: Number = Number::ratio(1, 1_000_000),
        /// How the weights start.
        init: InitScheme = InitScheme::TruncatedNormal,
    }
}

super::block!(PatchEmbed, |block, input| {
    let [h, w, _] = image(input)?;
    let [ph, pw] = block.patch.0;
    if !block.patch.is_positive() || !h.is_multiple_of(ph) || !w.is_multiple_of(pw) {
        return Err(format!(
            "an image of {h}x{w} does not divide into patches of {ph}x{pw}; \
             use a patch that divides the image"
        ));
    }
    let features = positive("features", block.features)?;
    let projection = Conv2d {
        stride: block.patch,
        padding: Padding::VALID,
        bias: block.bias,
        init: InitScheme::TruncatedNormal,
        ..Conv2d::new(features, block.patch)
    };
    let shape = vec![(h / ph) * (w / pw), features];
    Ok(vec![Layer::named("proj", projection), Layer::new(Reshape::new(shape))])
});

super::block!(TransformerBlock, |block, input| {
    let [_, features] = tokens(input)?;
    let hidden = match block.mlp {
        0 => features.saturating_mul(4),
        hidden => hidden,
    };
    let norm =
        |name: &str| Layer::named(name, LayerNorm { eps: block.eps.clone(), ..LayerNorm::new() });
    let dense = |name: &str, features: usize| {
        Layer::named(name, Dense { init: block.init, ..Dense::new(features) })
    };
    let dropout = |name: &str| {
        (!block.dropout.is_zero()).then(|| Layer::named(name, Dropout::new(block.dropout.clone())))
    };
    let scale = |name: &str| {
        let layer = LayerScale { init: block.layer_scale.clone() };
        (!block.layer_scale.is_zero()).then(|| Layer::named(name, layer))
    };
    let attention = MultiHeadAttention {
        causal: block.causal,
        init: block.init,
        ..MultiHeadAttention::new(block.heads)
    };
    let mut first = vec![norm("norm1"), Layer::named("attn", attention)];
    first.extend(dropout("attn.drop"));
    first.extend(scale("ls1"));
    first.extend(drop_path("drop_path1", &block.drop_path));
    let mut second = vec![norm("norm2"), dense("mlp.fc1", hidden), block.activation.layer()];
    second.extend(dropout("mlp.drop1"));
    second.push(dense("mlp.fc2", features));
    second.extend(dropout("mlp.drop2"));
    second.extend(scale("ls2"));
    second.extend(drop_path("drop_path2", &block.drop_path));
    Ok(vec![residual(first, Vec::new()), residual(second, Vec::new())])
});
