//! The layers whose values Coq computes at a point (`Exact.v`), so that a network with a
//! kink behind another is refused by that layer's name, before Coq is asked. What is
//! let through here in error Coq refuses.

use crate::theorem::kinks_of;
use cotangent_net::layers::GeluForm;
use cotangent_net::{LayerKind, LayerPlan, Mask, Network};

/// The layers that can come before a kink.
pub(crate) const FOLLOWED: &str = "dense, conv2d, depthwise_conv2d, conv_transpose2d, \
    batch_norm, layer_norm, rms_norm, group_norm, activations but gelu by erf, dropout, drop_path, \
    max_pool, avg_pool, global_avg_pool, upsample, flatten, reshape, patch_embed, embedding, \
    position_embedding, class_token, select_token, layer_scale, multi_head_attention, and \
    branches of these";

/// A kink, and the layer before it whose values are not computed.
pub(crate) struct Lost<'a> {
    pub(crate) kink: &'a LayerPlan,
    pub(crate) after: &'a LayerPlan,
}

/// Goes through all layers of a network.
pub(crate) fn follow(network: &Network) -> Result<(), Lost<'_>> {
    through(network.layers(), None, &is_followed).map(|_| ())
}

/// For each mask, whether a kink depends on it.
pub(crate) fn masks_before_kinks(network: &Network) -> Vec<bool> {
    let open = |mask: &Mask| {
        let other = |layer: &LayerPlan| layer.mask.as_ref().is_none_or(|m| m.name != mask.name);
        through(network.layers(), None, &other).is_err()
    };
    network.masks().iter().map(open).collect()
}

/// Goes through layers that follow each other, after a layer whose values are not
/// computed or none; the same of what follows them.
fn through<'a>(
    layers: &'a [LayerPlan],
    mut lost: Option<&'a LayerPlan>,
    is_followed: &impl Fn(&LayerPlan) -> bool,
) -> Result<Option<&'a LayerPlan>, Lost<'a>> {
    for layer in layers {
        let before = lost;
        // Branches start alike.
        for branch in &layer.branches {
            let end = through(branch, before, is_followed)?;
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
        LayerKind::Dense(_)
        | LayerKind::Conv2d(_)
        | LayerKind::DepthwiseConv2d(_)
        | LayerKind::ConvTranspose2d(_)
        | LayerKind::Upsample(_)
        | LayerKind::BatchNorm(_)
        | LayerKind::LayerNorm(_)
        | LayerKind::RmsNorm(_)
        | LayerKind::GroupNorm(_)
        | LayerKind::Relu(_)
        | LayerKind::Relu6(_)
        | LayerKind::LeakyRelu(_)
        | LayerKind::Elu(_)
        | LayerKind::Softplus(_)
        | LayerKind::Sigmoid(_)
        | LayerKind::Tanh(_)
        | LayerKind::Silu(_)
        | LayerKind::HardSigmoid(_)
        | LayerKind::HardSwish(_)
        | LayerKind::Dropout(_)
        | LayerKind::DropPath(_)
        | LayerKind::MaxPool(_)
        | LayerKind::AvgPool(_)
        | LayerKind::Flatten(_)
        | LayerKind::Reshape(_)
        | LayerKind::LayerScale(_)
        | LayerKind::Embedding(_)
        | LayerKind::PositionEmbedding(_)
        | LayerKind::ClassToken(_)
        | LayerKind::SelectToken(_)
        | LayerKind::MultiHeadAttention(_) => true,
        // A block is what is inside it.
        _ => !layer.branches.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_net::NetSpec;

    fn network(input: &str, layers: &str) -> Network {
        let text = format!(
            "name = 'n'\ninput = {input}\nlayers = [{layers}, {{ kind = 'flatten' }}, \
             {{ kind = 'dense', features = 2 }}]"
        );
        NetSpec::from_toml(&text).unwrap().network().unwrap()
    }

    fn refused(input: &str, layers: &str) -> Option<(String, String)> {
        let network = network(input, layers);
        let lost = follow(&network).err()?;
        Some((lost.kink.name.clone(), lost.after.name.clone()))
    }

    #[test]
    fn the_layer_that_stops_is_named() {
        let found = |input, layers| refused(input, layers).unwrap();
        let named = |kink: &str, after: &str| (kink.to_string(), after.to_string());
        let layers = "{ kind = 'gelu' }, { kind = 'tanh' }, { kind = 'relu' }";
        assert_eq!(found("[4]", layers), named("relu_1", "gelu_1"));
        let layers = "{ kind = 'parallel', merge = 'maximum', branches = [[], \
                      [{ kind = 'gelu' }]] }";
        assert_eq!(found("[4]", layers), named("parallel_1", "parallel_1.branch2_gelu_1"));
        let layers = "{ kind = 'multi_head_attention', heads = 2, context = [{ kind = 'gelu' }] }, \
                      { kind = 'relu' }";
        let inside = "multi_head_attention_1.context_gelu_1";
        assert_eq!(found("[4, 4]", layers), named("relu_1", inside));
        let layers = "{ kind = 'gelu' }, { kind = 'concat', branches = [[], \
                      [{ kind = 'relu' }]] }";
        assert_eq!(found("[4]", layers), named("concat_1.branch2_relu_1", "gelu_1"));
    }

    #[test]
    fn masks_that_no_kink_follows_are_told_from_those_before_one() {
        let layers = "{ kind = 'dropout', rate = 0.5 }, { kind = 'dense', features = 4 }, \
                      { kind = 'concat', branches = [[{ kind = 'drop_path', rate = 0.5 }], \
                      [{ kind = 'relu' }]] }, { kind = 'dropout', rate = 0.5 }";
        assert_eq!(masks_before_kinks(&network("[4]", layers)), [true, false, false]);
    }

    #[test]
    fn what_is_followed_is_let_through() {
        for (input, layers) in [
            ("[4]", "{ kind = 'layer_norm' }, { kind = 'relu' }"),
            (
                "[4, 4]",
                "{ kind = 'rms_norm' }, { kind = 'relu' }, { kind = 'multi_head_attention', heads = 2 }",
            ),
            (
                "[4, 4, 2]",
                "{ kind = 'group_norm', groups = 2 }, { kind = 'softplus' }, { kind = 'relu' }",
            ),
            // The kink is beside it.
            (
                "[4]",
                "{ kind = 'concat', branches = [[{ kind = 'elu', alpha = 2.0 }, { kind = 'gelu' }], [{ kind = 'relu' }]] }",
            ),
            (
                "[4]",
                "{ kind = 'dropout', rate = 0.5 }, { kind = 'drop_path', rate = 0.5 }, { kind = 'relu' }",
            ),
            ("[4, 2]", "{ kind = 'multi_head_attention', heads = 2 }, { kind = 'relu' }"),
            (
                "[4, 2]",
                "{ kind = 'multi_head_attention', heads = 2, context = [{ kind = 'relu' }] }, \
                 { kind = 'relu' }",
            ),
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
