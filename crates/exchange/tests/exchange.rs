//! Every kind of tensor, there and back; and every way a file can be wrong.

use cotangent_exchange::{ExchangeError, Imported, Library, Notes, export, import, names};
use cotangent_net::layers::*;
use cotangent_net::{Layer, NetSpec, Network, Number};
use safetensors::{Dtype, SafeTensors, View, serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// A tensor of a file.
#[derive(Clone, PartialEq, Debug)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

type File = BTreeMap<String, Tensor>;

fn reals(shape: &[usize], from: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let bytes = (0..n).flat_map(|i| ((from + i) as f32).to_le_bytes()).collect();
    Tensor { dtype: Dtype::F32, shape: shape.into(), bytes }
}

fn count(n: i64) -> Tensor {
    Tensor { dtype: Dtype::I64, shape: vec![], bytes: n.to_le_bytes().into() }
}

fn bytes(file: &File) -> Vec<u8> {
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    serialize(file.iter(), Some(metadata)).unwrap()
}

fn read(bytes: &[u8]) -> File {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let tensor = |v: safetensors::tensor::TensorView| Tensor {
        dtype: v.dtype(),
        shape: v.shape().into(),
        bytes: v.data().into(),
    };
    tensors.tensors().into_iter().map(|(name, v)| (name, tensor(v))).collect()
}

/// A file with every tensor of `net`, no two elements alike.
fn file(net: &Network, library: Library) -> File {
    let mut from = 0;
    let mut file = File::new();
    for (name, shape) in names(net, library).unwrap() {
        from += shape.iter().product::<usize>();
        if let Some(root) = name.strip_suffix(".running_mean") {
            file.insert(format!("{root}.num_batches_tracked"), count(from as i64));
        }
        file.insert(name, reals(&shape, from));
    }
    file
}

fn back(net: &Network, library: Library, imported: &Imported) -> Vec<u8> {
    let params: Vec<&[f32]> = imported.params.iter().map(Vec::as_slice).collect();
    let stats: Vec<&[f32]> = imported.stats.iter().map(Vec::as_slice).collect();
    export(net, library, &params, &stats, &imported.notes).unwrap()
}

fn round_trip(net: &Network, library: Library) {
    let original = bytes(&file(net, library));
    let imported = import(net, library, &original).unwrap();
    let again = back(net, library, &imported);
    assert!(again == original, "{} as {library}", net.spec().name);
    let notes = Notes::from_json(&imported.notes.to_json()).unwrap();
    assert_eq!(notes, imported.notes);
}

fn value(net: &Network, imported: &Imported, name: &str) -> Vec<f32> {
    let at = net.params().iter().position(|p| p.name == name);
    match at {
        Some(at) => imported.params[at].clone(),
        None => {
            let at = net.stats().iter().position(|s| s.name == name).unwrap();
            imported.stats[at].clone()
        }
    }
}

/// A convolution, a depthwise one, a transposed one, a normalisation, and a
/// dense layer after a flatten.
fn convolutions() -> Network {
    let size = Pair::both(3);
    NetSpec::new("convolutions", [4, 6, 2])
        .layer(Conv2d { groups: 2, ..Conv2d::new(4, size) })
        .named("conv")
        .batch_norm()
        .named("bn")
        .layer(DepthwiseConv2d { multiplier: 2, ..DepthwiseConv2d::new(size) })
        .named("dw")
        .layer(ConvTranspose2d { groups: 2, ..ConvTranspose2d::new(6, Pair([1, 2])) })
        .named("up")
        .flatten()
        .batch_norm()
        .named("bn1d")
        .relu()
        .dense(5)
        .named("fc1")
        .dense(3)
        .named("fc2")
        .network()
        .unwrap()
}

fn transformer() -> Network {
    NetSpec::new("transformer", [4, 4, 3])
        .layer(PatchEmbed::new(4, Pair::both(2)))
        .named("patch_embed")
        .layer(ClassToken::new())
        .named("cls_token")
        .layer(PositionEmbedding::new())
        .named("pos_embed")
        .layer(TransformerBlock { layer_scale: Number::ratio(1, 10), ..TransformerBlock::new(2) })
        .named("blocks.0")
        .layer_norm()
        .named("norm")
        .layer(SelectToken::new())
        .dense(3)
        .named("head")
        .network()
        .unwrap()
}

fn convnext() -> Network {
    NetSpec::new("convnext", [4, 4, 2])
        .conv2d(4, 2)
        .named("stem.0")
        .layer(ConvnextBlock { kernel: 3, ..ConvnextBlock::new() })
        .named("stages.0.blocks.0")
        .layer_norm()
        .named("stages.1.downsample.0")
        .layer(ConvnextBlock { kernel: 3, ..ConvnextBlock::new() })
        .named("stages.1.blocks.0")
        .global_avg_pool()
        .layer_norm()
        .named("head.norm")
        .dense(3)
        .named("head.fc")
        .network()
        .unwrap()
}

fn mobile(name: &str, blocks: Vec<Layer>) -> Network {
    let conv = |features| Conv2d { bias: false, ..Conv2d::new(features, Pair::both(1)) };
    NetSpec::new(name, [4, 4, 2])
        .layer(conv(4))
        .named("conv_stem")
        .batch_norm()
        .named("bn1")
        .layers(blocks)
        .layer(conv(6))
        .named("conv_head")
        .batch_norm()
        .named("bn2")
        .global_avg_pool()
        .dense(3)
        .named("classifier")
        .network()
        .unwrap()
}

fn mobilenet() -> Network {
    let block = |expansion| InvertedResidual { expansion, ..InvertedResidual::new(4) };
    let blocks = vec![
        Layer::named("blocks.0.0", block(1)),
        Layer::named("blocks.1.0", block(2)),
        Layer::named("blocks.1.1", block(2)),
    ];
    mobile("mobilenet", blocks)
}

fn efficientnet() -> Network {
    let block = |expansion| MbConv { expansion, ..MbConv::new(4) };
    let blocks = vec![
        Layer::named("blocks.0.0", block(1)),
        Layer::named("blocks.1.0", block(2)),
        Layer::named("blocks.1.1", block(2)),
    ];
    mobile("efficientnet", blocks)
}

fn resnet() -> Network {
    NetSpec::new("resnet", [4, 4, 2])
        .layer(BasicBlock::new(4))
        .named("layer1.0")
        .global_avg_pool()
        .dense(3)
        .named("fc")
        .network()
        .unwrap()
}

#[test]
fn a_file_imported_and_exported_is_the_same_bytes() {
    let nets = [convolutions(), transformer(), convnext(), mobilenet(), efficientnet(), resnet()];
    for net in &nets {
        for library in Library::ALL {
            round_trip(net, library);
        }
    }
}

#[test]
fn every_element_goes_where_its_indices_say() {
    let net = convolutions();
    let original = file(&net, Library::Timm);
    let imported = import(&net, Library::Timm, &bytes(&original)).unwrap();
    let theirs = |name: &str, at: usize| {
        let b = &original[name].bytes[4 * at..4 * at + 4];
        f32::from_le_bytes(b.try_into().unwrap())
    };
    // Two groups of one channel: OIHW [4, 1, 3, 3], HWIO [3, 3, 1, 4].
    assert_eq!(original["conv.weight"].shape, [4, 1, 3, 3]);
    let ours = value(&net, &imported, "conv.weight");
    for (h, w, o) in [(0, 0, 0), (1, 2, 3), (2, 0, 1)] {
        assert_eq!(ours[(h * 3 + w) * 4 + o], theirs("conv.weight", (o * 3 + h) * 3 + w));
    }
    // Depthwise, two features per channel: [8, 1, 3, 3].
    assert_eq!(original["dw.weight"].shape, [8, 1, 3, 3]);
    let ours = value(&net, &imported, "dw.weight");
    for (h, w, o) in [(0, 1, 5), (2, 2, 7)] {
        assert_eq!(ours[(h * 3 + w) * 8 + o], theirs("dw.weight", (o * 3 + h) * 3 + w));
    }
    // Transposed, two groups: [inputs, features / 2, h, w] = [8, 3, 1, 2].
    assert_eq!(original["up.weight"].shape, [8, 3, 1, 2]);
    let ours = value(&net, &imported, "up.weight");
    for (w, o, i) in [(0, 2, 7), (1, 1, 4)] {
        assert_eq!(ours[(w * 3 + o) * 8 + i], theirs("up.weight", (i * 3 + o) * 2 + w));
    }
    // Flattened from [4, 7, 6]: by height, width, channel here, by channel,
    // height, width there; so is what the normalisation in between has.
    assert_eq!(original["fc1.weight"].shape, [5, 4 * 7 * 6]);
    let (fc1, gamma) =
        (value(&net, &imported, "fc1.weight"), value(&net, &imported, "bn1d.weight"));
    let mean = value(&net, &imported, "bn1d.running_mean");
    for (h, w, c, o) in [(0, 0, 1, 0), (3, 6, 5, 4), (2, 4, 3, 1)] {
        let (here, there) = ((h * 7 + w) * 6 + c, (c * 4 + h) * 7 + w);
        assert_eq!(fc1[here * 5 + o], theirs("fc1.weight", o * 168 + there));
        assert_eq!(gamma[here], theirs("bn1d.weight", there));
        assert_eq!(mean[here], theirs("bn1d.running_mean", there));
    }
    // The next dense layer has nothing to do with the image.
    let fc2 = value(&net, &imported, "fc2.weight");
    assert_eq!(fc2[4 * 3 + 1], theirs("fc2.weight", 5 + 4));
    assert_eq!(imported.notes.counters["bn.num_batches_tracked"], {
        i64::from_le_bytes(original["bn.num_batches_tracked"].bytes[..].try_into().unwrap())
    });
}

#[test]
fn flattened_images_are_followed_through_a_concat() {
    let branch = |features, name: &str| {
        vec![Layer::named(name, Conv2d::new(features, Pair::both(1))), Layer::new(Flatten::new())]
    };
    let net = NetSpec::new("n", [2, 2, 1])
        .concat(vec![branch(2, "a"), branch(3, "b")])
        .named("both")
        .dense(2)
        .named("fc")
        .network()
        .unwrap();
    let original = file(&net, Library::Timm);
    let imported = import(&net, Library::Timm, &bytes(&original)).unwrap();
    let first = f32::from_le_bytes(original["fc.weight"].bytes[..4].try_into().unwrap());
    let fc = value(&net, &imported, "fc.weight");
    // Cell 3, channel 2 of the second branch: after the 8 of the first.
    assert_eq!(fc[(8 + 3 * 3 + 2) * 2], first + (8 + 2 * 4 + 3) as f32);
    round_trip(&net, Library::Timm);
}

#[test]
fn another_rank_of_the_same_weight_is_taken_and_given_back() {
    // ConvNeXt's perceptron as 1x1 convolutions, and a classifier as one.
    let net = convnext();
    let mut other = file(&net, Library::Timm);
    assert_eq!(other["stages.0.blocks.0.mlp.fc1.weight"].shape, [16, 4]);
    for name in ["stages.0.blocks.0.mlp.fc1.weight", "head.fc.weight"] {
        other.get_mut(name).unwrap().shape.extend([1, 1]);
    }
    let other = bytes(&other);
    let imported = import(&net, Library::Timm, &other).unwrap();
    assert_eq!(imported.notes.shapes.len(), 2);
    assert!(back(&net, Library::Timm, &imported) == other);
    // A dense layer after a flatten as a convolution over the whole image.
    let net = NetSpec::new("n", [2, 3, 4]).flatten().dense(5).named("fc").network().unwrap();
    let mut other = file(&net, Library::Timm);
    let plain = import(&net, Library::Timm, &bytes(&other)).unwrap();
    other.get_mut("fc.weight").unwrap().shape = vec![5, 4, 2, 3];
    let imported = import(&net, Library::Timm, &bytes(&other)).unwrap();
    assert_eq!(imported.params, plain.params);
}

#[test]
fn names_are_those_of_the_library() {
    let theirs = |net: &Network, library| -> Vec<String> {
        names(net, library).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    let has = |net: &Network, library, expected: &[&str]| {
        let found = theirs(net, library);
        for name in expected {
            assert!(found.iter().any(|n| n == name), "{name} is not among {found:#?}");
        }
    };
    has(
        &transformer(),
        Library::Timm,
        &["cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"],
    );
    has(&transformer(), Library::Timm, &["blocks.0.ls1.gamma", "blocks.0.mlp.fc1.weight"]);
    has(
        &transformer(),
        Library::Torchvision,
        &[
            "class_token",
            "encoder.pos_embedding",
            "conv_proj.weight",
            "encoder.layers.encoder_layer_0.self_attention.in_proj_weight",
            "encoder.layers.encoder_layer_0.self_attention.in_proj_bias",
            "encoder.layers.encoder_layer_0.self_attention.out_proj.weight",
            "encoder.layers.encoder_layer_0.mlp.3.bias",
            "encoder.ln.weight",
            "heads.head.weight",
        ],
    );
    has(&convnext(), Library::Timm, &["stages.0.blocks.0.gamma", "stages.0.blocks.0.mlp.fc2.bias"]);
    has(
        &convnext(),
        Library::Torchvision,
        &[
            "features.0.0.weight",
            "features.1.0.layer_scale",
            "features.2.0.weight",
            "features.3.0.block.5.weight",
            "classifier.2.bias",
        ],
    );
    has(
        &mobilenet(),
        Library::Torchvision,
        &[
            "features.0.1.running_var",
            "features.1.conv.0.0.weight",
            "features.1.conv.1.weight",
            "features.1.conv.2.running_mean",
            "features.3.conv.1.0.weight",
            "features.3.conv.2.weight",
            "features.3.conv.3.weight",
            "features.4.0.weight",
            "classifier.1.weight",
        ],
    );
    has(
        &efficientnet(),
        Library::Torchvision,
        &[
            "features.1.0.block.0.0.weight",
            "features.1.0.block.1.fc2.bias",
            "features.1.0.block.2.1.weight",
            "features.2.1.block.2.fc1.weight",
            "features.2.1.block.3.0.weight",
            "features.3.0.weight",
        ],
    );
    assert_eq!(theirs(&resnet(), Library::Timm), theirs(&resnet(), Library::Torchvision));
    // The last is a shape: the gamma of torchvision's ConvNeXt.
    let shapes: BTreeMap<_, _> =
        names(&convnext(), Library::Torchvision).unwrap().into_iter().collect();
    assert_eq!(shapes["features.1.0.layer_scale"], [4, 1, 1]);
}

#[test]
fn counts_of_batches_are_not_needed_and_always_written() {
    let net = convolutions();
    let mut file = file(&net, Library::Timm);
    file.retain(|name, _| !name.ends_with("num_batches_tracked"));
    let imported = import(&net, Library::Timm, &bytes(&file)).unwrap();
    let again = read(&back(&net, Library::Timm, &imported));
    assert_eq!(again["bn.num_batches_tracked"], count(0));
    assert_eq!(again.len(), file.len() + 2);
}

fn message(net: &Network, file: &File) -> String {
    import(net, Library::Timm, &bytes(file)).unwrap_err().to_string()
}

#[test]
fn a_missing_tensor_is_named_with_what_it_would_be() {
    let net = convolutions();
    let mut file = file(&net, Library::Timm);
    file.remove("fc1.weight");
    assert_eq!(
        message(&net, &file),
        "tensor `fc1.weight` (here `fc1.weight`, [168, 5]): found none, expected [5, 168]; give \
         timm's weights of `convolutions`, or say --from torchvision if they are its"
    );
    file.remove("bn.running_var");
    assert!(message(&net, &file).contains("fc1.weight"));
}

#[test]
fn a_surplus_tensor_is_named() {
    let net = convolutions();
    let mut file = file(&net, Library::Timm);
    file.insert("fc3.weight".into(), reals(&[2, 5], 0));
    assert_eq!(
        message(&net, &file),
        "tensor `fc3.weight`: found [2, 5], expected no such tensor; give timm's weights of \
         `convolutions`, or leave that tensor out of the file"
    );
}

#[test]
fn a_wrong_shape_is_named_with_both() {
    let net = convolutions();
    let mut wrong = file(&net, Library::Timm);
    // Not transposed.
    wrong.insert("conv.weight".into(), reals(&[3, 3, 1, 4], 0));
    assert_eq!(
        message(&net, &wrong),
        "tensor `conv.weight` (here `conv.weight`, [3, 3, 1, 4]): found [3, 3, 1, 4], expected \
         [4, 1, 3, 3]; give the weights of `convolutions` as it is here"
    );
    let mut classes = file(&net, Library::Timm);
    classes.insert("fc2.weight".into(), reals(&[7, 5], 0));
    let said = message(&net, &classes);
    assert!(said.contains("found [7, 5], expected [3, 5]"), "{said}");
    assert!(said.contains("import with --classes 7") && said.contains("--reset-head"), "{said}");
}

#[test]
fn element_types_and_numbers_that_cannot_be_are_refused() {
    let net = convolutions();
    let good = file(&net, Library::Timm);
    let mut half = good.clone();
    half.insert("fc2.bias".into(), Tensor { dtype: Dtype::F16, shape: vec![3], bytes: vec![0; 6] });
    assert!(message(&net, &half).contains("`fc2.bias` is F16, expected F32"));
    let mut counter = good.clone();
    counter.insert("bn.num_batches_tracked".into(), reals(&[], 1));
    assert!(message(&net, &counter).contains("expected one I64"));
    let mut broken = good.clone();
    let nan = f32::NAN.to_le_bytes();
    broken.get_mut("fc2.bias").unwrap().bytes[4..8].copy_from_slice(&nan);
    assert!(message(&net, &broken).contains("`fc2.bias` holds NaN at element 1"));
    let mut broken = good.clone();
    broken.get_mut("bn.running_var").unwrap().bytes[..4].copy_from_slice(&(-1f32).to_le_bytes());
    let found = message(&net, &broken);
    assert!(
        found.contains("`bn.running_var` holds -1 at element 0, expected variances"),
        "{found}"
    );
    let pickle = import(&net, Library::Timm, b"PK\x03\x04 archive/data.pkl").unwrap_err();
    assert!(pickle.to_string().contains("safetensors.torch.save_file"), "{pickle}");
    let cut = import(&net, Library::Timm, &bytes(&good)[..100]).unwrap_err();
    assert!(matches!(cut, ExchangeError::NotSafetensors { .. }), "{cut}");
}

#[test]
fn a_file_of_the_other_library_is_told_from_ours() {
    let net = efficientnet();
    let other = file(&net, Library::Torchvision);
    let said = message(&net, &other);
    assert!(said.contains("`conv_stem.weight`") && said.contains("--from torchvision"), "{said}");
    assert!(import(&net, Library::Torchvision, &bytes(&other)).is_ok());
}

#[test]
fn what_has_no_counterpart_is_refused() {
    let net = NetSpec::new("n", [49])
        .dense(8)
        .layer(Reshape::new(vec![2, 2, 2]))
        .named("image")
        .conv2d(2, 1)
        .global_avg_pool()
        .network()
        .unwrap();
    let error = names(&net, Library::Timm).unwrap_err().to_string();
    assert!(error.contains("layer `image` turns [8] into [2, 2, 2]"), "{error}");
    // Sums of features in different orders.
    let net = NetSpec::new("n", [2, 2, 2])
        .layer(Parallel::new(vec![
            vec![Layer::new(Flatten::new())],
            vec![Layer::new(GlobalAvgPool::new()), Layer::new(Dense::new(8))],
        ]))
        .dense(2)
        .network()
        .unwrap();
    assert!(matches!(names(&net, Library::Timm), Err(ExchangeError::Unmapped { .. })));
}

#[test]
fn values_of_another_net_are_not_exported() {
    let net = resnet();
    let params = cotangent_net::initialize(&net, 1);
    let mut params: Vec<&[f32]> = params.iter().map(Vec::as_slice).collect();
    let stats = vec![[1.0; 4].as_slice(); net.stats().len()];
    assert!(export(&net, Library::Timm, &params, &stats, &Notes::default()).is_ok());
    params.pop();
    let error = export(&net, Library::Timm, &params, &stats, &Notes::default()).unwrap_err();
    assert!(matches!(error, ExchangeError::Length { .. }), "{error}");
}

#[test]
fn wrong_orders_are_noticed_by_the_round_trip_of_a_product() {
    // What import is for: the network here computes what the file's does. A
    // dense layer after a flatten, once as the file means it and once with
    // the inputs in our order.
    let net = NetSpec::new("n", [2, 2, 3]).flatten().dense(1).named("fc").network().unwrap();
    let file = file(&net, Library::Timm);
    let imported = import(&net, Library::Timm, &bytes(&file)).unwrap();
    let image: Vec<f32> = (0..12).map(|i| (i * i) as f32).collect();
    let theirs: Vec<f32> = file["fc.weight"]
        .bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let channels_first: Vec<f32> = (0..12).map(|j| image[(j % 4) * 3 + j / 4]).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let ours = value(&net, &imported, "fc.weight");
    assert_eq!(dot(&image, &ours), dot(&channels_first, &theirs));
    assert_ne!(dot(&image, &theirs), dot(&channels_first, &theirs));
}
