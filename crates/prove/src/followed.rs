//! The layers whose values Coq computes at a point (`Exact.v`), so that a network with a
//! kink behind another is refused by that layer's name, before Coq is asked. What is
//! let through here in error Coq refuses.

use crate::theorem::kinks_of;
use cotangent_net::{LayerKind, LayerPlan, Mask, Network};

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

/// All but means over more than height and width.
fn is_followed(layer: &LayerPlan) -> bool {
    !matches!(layer.kind, LayerKind::GlobalAvgPool(_)) || layer.input.len() <= 3
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

    /// A mean over three dimensions.
    const MEAN: &str = "{ kind = 'reshape', shape = [2, 1, 2, 1] }, { kind = 'global_avg_pool' }";

    #[test]
    fn the_layer_that_stops_is_named() {
        let found = |input, layers: &str| refused(input, &layers.replace("MEAN", MEAN)).unwrap();
        let named = |kink: &str, after: &str| (kink.to_string(), after.to_string());
        let layers = "MEAN, { kind = 'tanh' }, { kind = 'relu' }";
        assert_eq!(found("[4]", layers), named("relu_1", "global_avg_pool_1"));
        let layers = "{ kind = 'parallel', merge = 'maximum', branches = [[MEAN], \
                      [{ kind = 'dense', features = 1 }]] }";
        let inside = "parallel_1.branch1_global_avg_pool_1";
        assert_eq!(found("[4]", layers), named("parallel_1", inside));
        let layers = "{ kind = 'multi_head_attention', heads = 1, context = [MEAN, \
                      { kind = 'reshape', shape = [1, 1] }] }, { kind = 'relu' }";
        let inside = "multi_head_attention_1.context_global_avg_pool_1";
        assert_eq!(found("[4, 1]", layers), named("relu_1", inside));
        let layers = "MEAN, { kind = 'concat', branches = [[], [{ kind = 'relu' }]] }";
        let inside = "concat_1.branch2_relu_1";
        assert_eq!(found("[4]", layers), named(inside, "global_avg_pool_1"));
        let layers = MEAN.replace("'global_avg_pool'", "'global_avg_pool', keep = true");
        assert_eq!(found("[4]", &(layers + ", { kind = 'relu' }")).1, "global_avg_pool_1");
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
            (
                "[4]",
                "{ kind = 'elu', alpha = 2.0 }, { kind = 'gelu' }, { kind = 'relu' }, \
                 { kind = 'gelu', approximate = 'tanh' }, { kind = 'relu' }",
            ),
            // The kink is beside it, or before it.
            (
                "[4]",
                "{ kind = 'concat', branches = [[{ kind = 'relu' }, \
                 { kind = 'reshape', shape = [2, 1, 2, 1] }, { kind = 'global_avg_pool' }], \
                 [{ kind = 'relu' }]] }",
            ),
            // The same mean, as the refusal suggests.
            (
                "[4]",
                "{ kind = 'reshape', shape = [2, 1, 2, 1] }, { kind = 'reshape', shape = [4, 1] }, \
                 { kind = 'global_avg_pool' }, { kind = 'relu' }",
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
