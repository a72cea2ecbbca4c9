//! The theorem behind each layer, and where a layer has no derivative.
//!
//! For people who look at a network before they have it certified: a
//! certificate takes its kinks from Coq, and a test holds the two together.

use crate::verdict::Kink;
use cotangent_net::layers::{
    Activation, BatchNorm, Conv2d, DepthwiseConv2d, Interpolation, LayerNorm, Merge,
};
use cotangent_net::{LayerKind, LayerPlan, Network, Number};
use std::collections::HashSet;

/// The theorem, `File.name` in `proofs/theories`, about the backward of this
/// layer: the closed form of what is emitted where there is one, else that of
/// the layer, else that its instructions compute its formula, to which
/// `GradCorrect.grad_correct` applies. `None` where there is none of its own.
pub fn theorem(layer: &LayerPlan) -> Option<&'static str> {
    Some(match &layer.kind {
        LayerKind::Dense(d) => match (layer.input.len(), d.bias) {
            (1, true) => "LayersGraph.dense_graph_weight",
            (1, false) => "Layers.dense_weight",
            (2, true) => "LayersGraphAttention.dense_pulls",
            _ => "TokensSound.token_sound",
        },
        LayerKind::Embedding(_) => "TokensSound.token_sound",
        LayerKind::Conv2d(Conv2d { bias: true, .. })
        | LayerKind::DepthwiseConv2d(DepthwiseConv2d { bias: true, .. }) => {
            "LayersGraphConv2d.conv2d_gradients"
        }
        LayerKind::Conv2d(_) | LayerKind::DepthwiseConv2d(_) => {
            "LayersGraphConv2d.conv2d_gradients_unbiased"
        }
        LayerKind::ConvTranspose2d(_) => "TransposedSound.conv_transpose_sound",
        LayerKind::Upsample(u) if u.method == Interpolation::Bilinear => {
            "BilinearSound.bilinear_sound"
        }
        LayerKind::BatchNorm(BatchNorm { affine: true, .. }) => {
            "LayersGraphBatchNorm.batch_norm_gradients"
        }
        LayerKind::BatchNorm(_) => "LayersNorm.batch_norm_layer_vjp",
        LayerKind::LayerNorm(LayerNorm { affine: true, bias: true, .. }) => {
            "LayersGraphLayerNorm.layer_norm_gradients"
        }
        LayerKind::LayerNorm(_) => "LayersNorm.layer_norm_layer_vjp",
        LayerKind::RmsNorm(_) => "LayersNorm.rms_norm_vjp",
        LayerKind::GroupNorm(_) => "NormsSound.group_norm_sound",
        LayerKind::Relu(_)
        | LayerKind::Relu6(_)
        | LayerKind::LeakyRelu(_)
        | LayerKind::Elu(_)
        | LayerKind::Gelu(_)
        | LayerKind::Silu(_)
        | LayerKind::Sigmoid(_)
        | LayerKind::Tanh(_)
        | LayerKind::Softplus(_)
        | LayerKind::HardSwish(_)
        | LayerKind::HardSigmoid(_) => "LayersGraphPointwise.pointwise_gradients",
        LayerKind::MaxPool(_) => "LayersGraphMaxPool.max_pool_gradients",
        LayerKind::AvgPool(_) => "PoolsSound.pool_sum_sound",
        LayerKind::GlobalAvgPool(p) if !p.keep && layer.input.len() == 3 => {
            "LayersGraphPool.global_average_gradients"
        }
        LayerKind::GlobalAvgPool(_) => "LayersPooling.average_vjp",
        LayerKind::Flatten(_) | LayerKind::Reshape(_) | LayerKind::SelectToken(_) => {
            "LayersRules.vjp_mx_gather"
        }
        LayerKind::Residual(_) => "LayersRules.vjp_mx_add",
        LayerKind::Parallel(p) => match p.merge {
            Merge::Sum => "LayersRules.vjp_mx_add",
            Merge::Product => "LayersRules.vjp_mx_hadamard",
            Merge::Maximum => "MeaningJoinSound.emit_join_smooth",
        },
        LayerKind::Concat(_) => "JoinsSound.join_sound",
        LayerKind::Dropout(_) | LayerKind::DropPath(_) | LayerKind::LayerScale(_) => {
            "LayersRules.vjp_mx_hadamard"
        }
        LayerKind::ClassToken(_) | LayerKind::PositionEmbedding(_) => "TokensSound.token_sound",
        LayerKind::MultiHeadAttention(a) => match (a.context.is_empty(), a.bias) {
            (true, true) => "LayersGraphMultiHead.self_attention_gradients",
            (true, false) => "LayersGraphMultiHead.self_attention_gradients0",
            (false, _) => "LayersGraphMultiHead.attend_gradients",
        },
        LayerKind::TransformerBlock(t) => {
            let off = |rate: &Number| rate.is_zero();
            let plain = off(&t.dropout) && off(&t.drop_path) && off(&t.layer_scale) && !t.causal;
            match plain && t.activation == Activation::Gelu {
                true => "LayersGraphBlock.block_gradients",
                false => "LayersAttention.transformer_block_vjp",
            }
        }
        LayerKind::PatchEmbed(_) => "LayersPooling.patch_embed_vjp",
        LayerKind::SqueezeExcite(_) => "LayersGraphSqueezeExcite.excite_gradients",
        _ if layer.is_sequence() => "Vjp.vjp_comp",
        _ => return None,
    })
}

/// Where the network has no derivative, in the order and the words of its
/// certificate.
pub fn kinks(net: &Network) -> Vec<Kink> {
    let mut found = Vec::new();
    append(&mut found, net.layers(), &mut HashSet::new(), false);
    found
}

/// `again` within a later use of a shared sub-network: layers there go by their
/// places, elsewhere by their roots.
fn append<'a>(
    found: &mut Vec<Kink>,
    layers: &'a [LayerPlan],
    shared: &mut HashSet<&'a str>,
    again: bool,
) {
    for layer in layers {
        let name = if again { &layer.name } else { &layer.root };
        let again = match &layer.kind {
            LayerKind::Use(u) => again || !shared.insert(&u.net),
            _ => again,
        };
        layer.branches.iter().for_each(|branch| append(found, branch, shared, again));
        found.extend(kinks_of(layer, name));
    }
}

/// Where a layer has no derivative itself, those inside it left out.
pub(crate) fn kinks_of(layer: &LayerPlan, name: &str) -> Vec<Kink> {
    let kink = |op: &str, condition: String| Kink { layer: name.into(), op: op.into(), condition };
    let points: &[i64] = match &layer.kind {
        LayerKind::Relu(_) | LayerKind::LeakyRelu(_) => &[0],
        // A slope of 1 on both sides is no kink.
        LayerKind::Elu(e) if e.alpha.to_f64() != 1.0 => &[0],
        LayerKind::Relu6(_) => &[0, 6],
        LayerKind::HardSigmoid(_) | LayerKind::HardSwish(_) => &[-3, 3],
        LayerKind::MaxPool(_) => {
            let condition = "in every window the first greatest cell stays greatest nearby";
            return vec![kink("max_pool", condition.into())];
        }
        LayerKind::Parallel(p) if p.merge == Merge::Maximum => {
            let condition = "nowhere is a branch equal to the maximum of those before it";
            return vec![kink("maximum", condition.into())];
        }
        _ => &[],
    };
    let at = |z: &i64| kink(layer.kind.name(), format!("no entry of its input is {z}"));
    points.iter().map(at).collect()
}
