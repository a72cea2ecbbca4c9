//! Specifications that are not networks: the error names the layer, what was
//! found, what was expected, and the fix.

use cotangent_net::NetSpec;
use expect_test::{Expect, expect};

fn check(text: &str, expected: Expect) {
    let error = match NetSpec::from_toml(text).and_then(|spec| spec.network()) {
        Ok(net) => panic!("accepted: {net:?}"),
        Err(e) => e.to_string(),
    };
    expected.assert_eq(&error);
}

fn layers(input: &str, layers: &str) -> String {
    format!("name = \"t\"\ninput = {input}\nlayers = [{layers}]\n")
}

#[test]
fn nested_beyond_what_is_read() {
    let deep = |n: usize, inner: &str| {
        let open = "{ kind = 'residual', layers = [".repeat(n);
        layers("[4]", &format!("{open}{inner}{}", "] }".repeat(n)))
    };
    assert!(NetSpec::from_toml(&deep(30, "{ kind = 'dense', features = 4 }")).is_ok());
    check(
        &deep(70, "{ kind = 'dense', features = 4 }"),
        expect![[
            r#"line 3: lists and tables are nested more than 80 deep; put inner layers into a sub-network under [shared], and { kind = "use", net = "NAME" } in their place"#
        ]],
    );
}

#[test]
fn dense_on_an_image() {
    check(
        &layers(
            "[28, 28, 1]",
            "{ kind = 'conv2d', features = 4, kernel = 3 }, { kind = 'dense', features = 10 }",
        ),
        expect![
            "layer 2 (dense_1): input is [28, 28, 4], expected a vector [features] or tokens [tokens, features]; put a `flatten` before it (gives [3136])"
        ],
    );
}

#[test]
fn convolution_on_a_vector() {
    check(
        &layers("[784]", "{ kind = 'conv2d', name = 'stem', features = 4, kernel = 3 }"),
        expect![
            "layer 1 (stem): input is [784], expected an image [height, width, channels]; place it before `flatten`, or give the net an image `input`"
        ],
    );
}

#[test]
fn window_larger_than_the_image() {
    check(
        &layers("[4, 8, 1]", "{ kind = 'max_pool', window = 5 }, { kind = 'flatten' }"),
        expect![
            "layer 1 (max_pool_1): a window that spans 5 does not fit the height of 4 with padding (0, 0); use a window of at most 4, or more padding"
        ],
    );
}

#[test]
fn padding_larger_than_the_window() {
    check(
        &layers("[4, 4, 1]", "{ kind = 'max_pool', window = 2, padding = 2 }"),
        expect![
            "layer 1 (max_pool_1): with padding (2, 2) a window of 2 over 4 cells lies wholly in the padding; pad by less than the window"
        ],
    );
}

#[test]
fn groups_that_do_not_divide() {
    check(
        &layers("[4, 4, 3]", "{ kind = 'conv2d', features = 4, kernel = 1, groups = 2 }"),
        expect![
            "layer 1 (conv2d_1): 3 input channels and 4 features must both divide into 2 groups; use a common divisor"
        ],
    );
}

#[test]
fn unknown_layer() {
    check(
        &layers("[4]", "{ kind = 'dens', features = 4 }"),
        expect![
            "layer 1: unknown layer `dens`; did you mean `dense`? Known here: dense, conv2d, depthwise_conv2d, conv_transpose2d, batch_norm, layer_norm, rms_norm, group_norm, relu, relu6, leaky_relu, elu, gelu, silu, sigmoid, tanh, softplus, hard_swish, hard_sigmoid, max_pool, avg_pool, global_avg_pool, upsample, flatten, reshape, concat, parallel, residual, repeat, use, squeeze_excite, dropout, drop_path, layer_scale, patch_embed, class_token, position_embedding, select_token, embedding, multi_head_attention, transformer_block, basic_block, bottleneck, inverted_residual, mb_conv, fused_mb_conv, universal_inverted_bottleneck, convnext_block"
        ],
    );
}

#[test]
fn unknown_key() {
    check(
        &layers("[4]", "{ kind = 'dense', feature = 4 }"),
        expect![
            "layer 1 (dense): unknown key `feature`; did you mean `features`? Known here: kind, name, features, bias, init"
        ],
    );
    check(
        "nam = 'x'",
        expect![
            "the net: unknown key `nam`; did you mean `name`? Known here: name, input, loss, losses, layers, shared"
        ],
    );
}

#[test]
fn shared_nets_that_use_each_other() {
    check(
        &format!(
            "{}[shared]\nbody = [{{ kind = 'use', net = 'tail' }}]\ntail = [{{ kind = 'residual', layers = [{{ kind = 'use', net = 'body' }}] }}]\n",
            layers("[4]", "{ kind = 'use', net = 'body' }"),
        ),
        expect![
            "layer 1 (use_1.use_1.residual_1.use_1): the shared net `body` uses itself (body > tail > body); leave one of these uses out"
        ],
    );
}

#[test]
fn wrong_type() {
    check(
        &layers("[4]", "{ kind = 'dense', features = 'many' }"),
        expect![[
            r#"layer 1 (dense): `features`: invalid type: string "many", expected a whole number, 1 or more"#
        ]],
    );
    check(
        &layers("[4, 4, 1]", "{ kind = 'conv2d', features = 4, kernel = [1, 2, 3] }"),
        expect![
            "layer 1 (conv2d): `kernel`: expected a number or a pair of numbers such as [3, 3]"
        ],
    );
    check(
        &layers("[4, 4, 1]", "{ kind = 'conv2d', features = 4, kernel = 3, padding = 'some' }"),
        expect![[
            r#"layer 1 (conv2d): `padding`: expected "same", "valid", a number, or [[top, bottom], [left, right]]"#
        ]],
    );
    check(
        &layers("[-4]", "{ kind = 'relu' }"),
        expect![
            "the net: `input = [-4]`: invalid value: integer `-4`, expected a whole number, 0 or more"
        ],
    );
}

#[test]
fn missing_parts() {
    check(
        "name = 't'\ninput = [4]",
        expect![[
            r#"the net: `layers` is missing; write for example `layers = [{ kind = "dense", features = 10 }]`"#
        ]],
    );
    check(
        &layers("[4]", "{ features = 4 }"),
        expect![[r#"layer 1: `kind` is missing; write for example `kind = "dense"`"#]],
    );
    check(&layers("[4]", "{ kind = 'dense' }"), expect!["layer 1 (dense): `features` is missing"]);
    check(
        &layers("[4]", ""),
        expect!["net `t`: it has no layers; add at least one, such as `dense`"],
    );
    check(
        &layers("[4]", "3"),
        expect!["layer 1: found a bare value, expected a table such as { kind = \"relu\" }"],
    );
}

#[test]
fn one_name_twice() {
    check(
        &layers("[4]", "{ kind = 'relu', name = 'a' }, { kind = 'relu', name = 'a' }"),
        expect!["layer 2 (a): an earlier layer has this name; give one of them another `name`"],
    );
}

#[test]
fn absurd_sizes() {
    check(
        &layers("[4]", "{ kind = 'dense', features = 4000000000 }"),
        expect!["layer 1 (dense_1): output [4000000000] has 2^31 elements or more"],
    );
    check(
        &layers("[0]", "{ kind = 'relu' }"),
        expect!["net `t`: input [0] has a dimension of size 0"],
    );
    check(
        &layers("[4, 4, 1]", "{ kind = 'conv2d', features = 1, kernel = 9223372036854775807 }"),
        expect![
            "layer 1 (conv2d_1): window, stride, dilation and padding must be at most 16777216"
        ],
    );
    check(
        &layers("[4, 4, 1]", "{ kind = 'conv2d', features = 1, kernel = 0 }"),
        expect![
            "layer 1 (conv2d_1): features, kernel, stride, dilation and groups must be at least 1"
        ],
    );
}

#[test]
fn nothing_to_train() {
    check(
        &layers("[4, 4, 1]", "{ kind = 'flatten' }"),
        expect!["net `t`: it has nothing to train; add a layer with parameters, such as `dense`"],
    );
}

#[test]
fn name_of_optimiser_state() {
    check(
        &layers(
            "[4]",
            "{ kind = 'dense', name = 'x', features = 3 }, { kind = 'dense', name = 'm.x', features = 3 }",
        ),
        expect![
            "layer 2 (m.x): names that begin with `m.` are those of optimiser state; choose another"
        ],
    );
}

#[test]
fn names_without_end() {
    let layer = format!("{{ kind = 'dense', features = 2, name = '{}' }}", "n".repeat(256));
    check(
        &layers("[4]", &layer),
        expect![
            "layer 1 (nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…): its name has 256 characters, expected at most 255; shorten it"
        ],
    );
}

#[test]
fn expansion_beside_hidden() {
    check(
        &layers(
            "[4, 4, 8]",
            "{ kind = 'inverted_residual', features = 8, expansion = 3, hidden = 16 }",
        ),
        expect![
            "layer 1 (inverted_residual_1): `expansion` and `hidden` both say the hidden features; leave one out"
        ],
    );
}

#[test]
fn a_constant_that_f32_does_not_hold() {
    check(
        &layers("[4]", "{ kind = 'leaky_relu', slope = 1e39 }, { kind = 'dense', features = 2 }"),
        expect![
            "layer 1 (leaky_relu): `slope`: found 1e39, expected a number that f32 holds, at most 3.4e38"
        ],
    );
}

fn losses(losses: &str) -> String {
    let layers = "{ kind = 'dense', features = 5 }";
    format!("name = 't'\ninput = [4]\n{losses}\nlayers = [{layers}]\n")
}

#[test]
fn losses_of_more_features_than_there_are() {
    check(
        &losses(
            "losses = [{ kind = 'softmax_cross_entropy', features = 4 }, { kind = 'mean_squared_error', features = 2 }]",
        ),
        expect![
            "net `t`: its losses are of 4 + 2 = 6 features, but its output [5] has 5, expected the same; change `features` in `losses`, or those of the layers at the end"
        ],
    );
    check(
        &losses("losses = [{ kind = 'mean_squared_error', features = 4 }]"),
        expect![
            "net `t`: its losses are of 4 features, but its output [5] has 5, expected the same; change `features` in `losses`, or those of the layers at the end"
        ],
    );
}

#[test]
fn losses_that_are_none() {
    check(
        &losses("loss = 'mean_squared_error'\nlosses = []"),
        expect![
            "the net: found `loss` and `losses`, expected one of them: `loss` is of the whole output, `losses` of its parts; leave one out"
        ],
    );
    check(
        &losses("losses = []"),
        expect!["net `t`: `losses` is empty; give at least one, or `loss` in its place"],
    );
    check(
        &losses("losses = 'mean_squared_error'"),
        expect![[
            r#"the net: `losses` must be a list of tables such as [{ kind = "softmax_cross_entropy", features = 10 }]"#
        ]],
    );
    check(
        &losses("losses = ['mean_squared_error']"),
        expect![[
            r#"the net: `losses` must be a list of tables such as [{ kind = "softmax_cross_entropy", features = 10 }]"#
        ]],
    );
    check(
        &losses("losses = [{ kind = 'mean_square_error', features = 5 }]"),
        expect![
            "loss 1: unknown loss `mean_square_error`; did you mean `mean_squared_error`? Known here: softmax_cross_entropy, mean_squared_error, binary_cross_entropy_with_logits"
        ],
    );
    check(
        &losses("losses = [{ kind = 'mean_squared_error', feature = 5 }]"),
        expect![
            "loss 1: unknown key `feature`; did you mean `features`? Known here: kind, features, weight"
        ],
    );
    check(
        &losses("losses = [{ kind = 'mean_squared_error' }]"),
        expect!["loss 1: `features` is missing; write for example `features = 10`"],
    );
    check(
        &losses("losses = [{ kind = 'mean_squared_error', features = -5 }]"),
        expect![
            "loss 1: `features = -5`: invalid value: integer `-5`, expected a whole number, 1 or more"
        ],
    );
    check(
        &losses(
            "losses = [{ kind = 'mean_squared_error', features = 5 }, { kind = 'mean_squared_error', features = 0 }]",
        ),
        expect![
            "net `t`: loss 2 (mean_squared_error): found `features` 0, expected 1 or more; leave the loss out, or give it its features of the 5 that the output has"
        ],
    );
}

#[test]
fn weights_of_losses() {
    let weight = |weight: &str| {
        losses(&format!(
            "losses = [{{ kind = 'mean_squared_error', features = 5, weight = {weight} }}]"
        ))
    };
    check(
        &weight("0"),
        expect![
            "net `t`: loss 1 (mean_squared_error): found `weight` 0, expected a number above 0, from 1.2e-38 to 3.4e38; leave it out for 1"
        ],
    );
    check(
        &weight("-0.5"),
        expect![
            "net `t`: loss 1 (mean_squared_error): found `weight` -0.5, expected a number above 0, from 1.2e-38 to 3.4e38; leave it out for 1"
        ],
    );
    check(
        &weight("1e-60"),
        expect![
            "net `t`: loss 1 (mean_squared_error): found `weight` 1e-60, expected a number above 0, from 1.2e-38 to 3.4e38; leave it out for 1"
        ],
    );
    check(
        &weight("1e39"),
        expect![
            "loss 1: `weight = 1000000000000000000000000000000000000000.0`: found 1e39, expected a number that f32 holds, at most 3.4e38"
        ],
    );
    check(
        &weight("'much'"),
        expect![[r#"loss 1: `weight = "much"`: expected a number such as 0.1 or 1e-5"#]],
    );
}
