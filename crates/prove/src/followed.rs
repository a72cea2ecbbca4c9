//! The layers whose values Coq computes at a point (`Exact.v`), so that a network with a
//! kink behind another is refused by that layer's name, before Coq is asked. What is
//! let through here in error Coq refuses.

use crate::theorem::kinks_of;
use cotangent_net::layers::GeluForm;
use cotangent_net::{LayerKind, LayerPlan};

/// The layers that can come before a kink.
pub(crate) const FOLLOWED: &str = "dense, conv2d, depthwise_conv2d, conv_transpose2d, \
    batch_norm, activations but elu, softplus and gelu by erf, max_pool, avg_pool, \
    global_avg_pool, upsample, flatten, reshape, patch_embed, embedding, position_embedding, \
    class_token, select_token, layer_scale, multi_head_attention without context, and branches of \
    these";

/// A kink, and the layer before it whose values are not computed.
pub(crate) struct Lost<'a> {
    pub(crate) kink: &'a LayerPlan,
    pub(crate) after: &'a LayerPlan,
}

/// Goes through layers that follow each other, after a layer whose values are not
/// computed or none; the same of what follows them.
pub(crate) fn follow<'a>(
    layers: &'a [LayerPlan],
    mut lost: Option<&'a LayerPlan>,
) -> Result<Option<&'a LayerPlan>, Lost<'a>> {
    for layer in layers {
        let before = lost;
        // Branches start alike.
        for branch in &layer.branches {
            let end = follow(branch, before)?;
            lost = lost.or(end);
        }
        // Of a join, what comes into it are its branches.
        if let (Some(after), false) = (lost, kinks_of(layer, &layer.name).is_empty()) {
            return Err(Lost { kink: layer, after });
        }
        if lost.is_none() && !is_followed(layer) {
            lost = Some(layer);
        }
    }
    Ok(lost)
}

fn is_followed(layer: &LayerPlan) -> bool {
    match &layer.kind {
        LayerKind::Gelu(g) => g.approximate == GeluForm::Tanh,
        LayerKind::GlobalAvgPool(_) => matches!(layer.input.len(), 2 | 3),
        LayerKind::Dropout(_) | LayerKind::DropPath(_) => layer.mask.is_none(),
        LayerKind::Dense(_)
        | LayerKind::Conv2d(_)
        | LayerKind::DepthwiseConv2d(_)
        | LayerKind::ConvTranspose2d(_)
        | LayerKind::Upsample(_)
        | LayerKind::BatchNorm(_)
        | LayerKind::Relu(_)
        | LayerKind::Relu6(_)
        | LayerKind::LeakyRelu(_)
        | LayerKind::Sigmoid(_)
        | LayerKind::Tanh(_)
        | LayerKind::Silu(_)
        | LayerKind::HardSigmoid(_)
        | LayerKind::HardSwish(_)
        | LayerKind::MaxPool(_)
        | LayerKind::AvgPool(_)
        | LayerKind::Flatten(_)
        | LayerKind::Reshape(_)
        | LayerKind::LayerScale(_)
        | LayerKind::Embedding(_)
        | LayerKind::PositionEmbedding(_)
        | LayerKind::ClassToken(_)
        | LayerKind::SelectToken(_) => true,
        LayerKind::MultiHeadAttention(a) => a.context.is_empty(),
        // A block is what is inside it.
        _ => !layer.branches.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_net::NetSpec;

    fn refused(input: &str, layers: &str) -> Option<(String, String)> {
        let text = format!(
            "name = 'n'\ninput = {input}\nlayers = [{layers}, {{ kind = 'flatten' }}, \
             {{ kind = 'dense', features = 2 }}]"
        );
        let network = NetSpec::from_toml(&text).unwrap().network().unwrap();
        let lost = follow(network.layers(), None).err()?;
        Some((lost.kink.name.clone(), lost.after.name.clone()))
    }

    #[test]
    fn the_layer_that_stops_is_named() {
        let found = |input, layers| refused(input, layers).unwrap();
        let named = |kink: &str, after: &str| (kink.to_string(), after.to_string());
        let layers = "{ kind = 'layer_norm' }, { kind = 'tanh' }, { kind = 'relu' }";
        assert_eq!(found("[4]", layers), named("relu_1", "layer_norm_1"));
        let layers = "{ kind = 'parallel', merge = 'maximum', branches = [[], \
                      [{ kind = 'softplus' }]] }";
        assert_eq!(found("[4]", layers), named("parallel_1", "parallel_1.branch2_softplus_1"));
        let layers = "{ kind = 'multi_head_attention', heads = 2, context = [{ kind = 'relu' }] }, \
                      { kind = 'relu' }";
        assert_eq!(found("[4, 4]", layers), named("relu_1", "multi_head_attention_1"));
        let layers = "{ kind = 'dropout', rate = 0.5 }, { kind = 'concat', branches = [[], \
                      [{ kind = 'relu' }]] }";
        assert_eq!(found("[4]", layers), named("concat_1.branch2_relu_1", "dropout_1"));
    }

    #[test]
    fn what_is_followed_is_let_through() {
        for (input, layers) in [
            ("[4]", "{ kind = 'relu' }, { kind = 'layer_norm' }"),
            // The kink is beside it.
            (
                "[4]",
                "{ kind = 'concat', branches = [[{ kind = 'elu', alpha = 2.0 }], [{ kind = 'relu' }]] }",
            ),
            ("[4, 2]", "{ kind = 'multi_head_attention', heads = 2 }, { kind = 'relu' }"),
            (
                "[4, 4, 2]",
                "{ kind = 'upsample', scale = 2, method = 'bilinear' }, \
                 { kind = 'conv_transpose2d', features = 2, kernel = 2, groups = 2 }, { kind = 'relu' }",
            ),
            (
                "[4, 4, 2]",
                "{ kind = 'upsample', scale = 2 }, { kind = 'patch_embed', features = 3, patch = 2 }, \
                 { kind = 'class_token' }, { kind = 'position_embedding' }, { kind = 'layer_scale' }, \
                 { kind = 'reshape', shape = [51] }, { kind = 'relu' }",
            ),
            ("[4, 4, 2]", "{ kind = 'squeeze_excite', reduced = 2 }, { kind = 'relu' }"),
            (
                "[4, 4, 2]",
                "{ kind = 'basic_block', features = 2 }, { kind = 'max_pool', window = 2 }",
            ),
        ] {
            assert_eq!(refused(input, layers), None, "{layers}");
        }
    }
}
