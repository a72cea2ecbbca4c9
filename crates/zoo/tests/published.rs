//! The networks against the published ones: how many parameters, and that
//! every parameter and running statistic has its name and shape there.
//!
//! The digest is FNV-1a (64 bits) over the sorted lines `name sizes`, sizes
//! sorted and without ones (layouts differ by transposition), of timm 1.0.31
//! or torchvision 0.29.2:
//!
//! ```python
//! def digest(model):
//!     lines = []
//!     for name, t in [*model.named_parameters(), *model.named_buffers()]:
//!         if not name.endswith("num_batches_tracked"):
//!             lines.append(" ".join([name, *map(str, sorted(n for n in t.shape if n > 1))]))
//!     h = 0xCBF29CE484222325
//!     for byte in "\n".join(sorted(lines)).encode():
//!         h = (h ^ byte) * 0x100000001B3 % 2**64
//!     return h
//! ```

use cotangent_net::Network;

/// Name here, name there, parameters, digest of names and shapes.
const PUBLISHED: [(&str, &str, usize, u64); 21] = [
    ("resnet18", "timm resnet18", 11_689_512, 0x5f74_d3d1_3d3e_9852),
    ("resnet34", "timm resnet34", 21_797_672, 0x5482_1ddb_9f96_4602),
    ("resnet50", "timm resnet50", 25_557_032, 0xf041_290b_7167_7e91),
    ("resnet101", "timm resnet101", 44_549_160, 0x114d_30a4_6def_c8de),
    ("mobilenet-v1", "timm mobilenetv1_100", 4_231_976, 0xe0fe_ddb0_3cb8_76e8),
    ("mobilenet-v2", "timm mobilenetv2_100", 3_504_872, 0x81cb_71a9_28ba_5eda),
    ("mobilenet-v3-large", "timm mobilenetv3_large_100", 5_483_032, 0x28a0_591c_c492_25f3),
    ("mobilenet-v4-conv-small", "timm mobilenetv4_conv_small", 3_774_024, 0x12fe_74fe_0dfa_337b),
    ("efficientnet-b0", "timm efficientnet_b0", 5_288_548, 0x77a4_c0d1_3177_6d46),
    ("efficientnet-v2-s", "timm efficientnetv2_s", 21_458_488, 0xc95d_02b0_0495_9aba),
    ("convnext-tiny", "timm convnext_tiny", 28_589_128, 0x83e8_19d9_cb81_c951),
    ("convnext-small", "timm convnext_small", 50_223_688, 0xef70_debe_6dd3_63de),
    ("convnext-base", "timm convnext_base", 88_591_464, 0x704d_0c6f_aa2d_edd5),
    ("vit-tiny", "timm vit_tiny_patch16_224", 5_717_416, 0xa147_05e6_d924_78c4),
    ("vit-small", "timm vit_small_patch16_224", 22_050_664, 0x9693_8776_31d7_b1b3),
    ("vit-base", "timm vit_base_patch16_224", 86_567_656, 0xc4eb_d067_d800_df29),
    ("vgg16", "torchvision vgg16", 138_357_544, 0x15e7_d2e9_25a5_aaf8),
    ("vgg16-bn", "torchvision vgg16_bn", 138_365_992, 0x8d05_b642_d2d9_68eb),
    ("densenet121", "torchvision densenet121", 7_978_856, 0x6c0f_3074_8ffc_7901),
    ("squeezenet", "torchvision squeezenet1_0", 1_248_424, 0xf6c1_f4a1_94cd_5b5b),
    ("squeezenet-1.1", "torchvision squeezenet1_1", 1_235_496, 0x93b8_5e5a_dffa_0012),
];

/// Networks that no library has, counted from a PyTorch version of the same.
const OTHERS: [(&str, usize); 9] = [
    ("mnist-linear", 7_850),
    ("mnist-mlp", 669_706),
    ("mnist-cnn", 3_226_474),
    ("mnist-cnn-bn", 3_227_050),
    ("cifar-cnn", 814_122),
    ("cifar-cnn-bn", 288_746),
    ("cifar-resnet20", 272_474),
    ("unet", 31_037_698),
    ("tiny-gpt", 818_176),
];

fn network(name: &str) -> Network {
    cotangent_zoo::find(name).unwrap().spec().network().unwrap()
}

/// What timm calls a parameter.
fn published_name(name: &str) -> &str {
    // There they are parameters, here the weights of layers.
    match name {
        "cls_token.weight" | "pos_embed.weight" => name.trim_end_matches(".weight"),
        _ => name,
    }
}

fn lines(net: &Network) -> Vec<String> {
    let params = net.params().iter().map(|p| (&p.name, &p.shape));
    let stats = net.stats().iter().map(|s| (&s.name, &s.shape));
    let mut lines: Vec<String> = params
        .chain(stats)
        .map(|(name, shape)| {
            let mut sizes: Vec<usize> = shape.iter().copied().filter(|&n| n > 1).collect();
            sizes.sort_unstable();
            let sizes = sizes.iter().map(|n| format!(" {n}")).collect::<String>();
            format!("{}{sizes}", published_name(name))
        })
        .collect();
    lines.sort_unstable();
    lines
}

fn digest(lines: &[String]) -> u64 {
    lines
        .join("\n")
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[test]
fn parameters_are_as_many_as_published() {
    for (name, there, count, _) in PUBLISHED {
        assert_eq!(network(name).param_count(), count, "{name}, {there}");
    }
    for (name, count) in OTHERS {
        assert_eq!(network(name).param_count(), count, "{name}");
    }
    assert_eq!(PUBLISHED.len() + OTHERS.len(), cotangent_zoo::MODELS.len());
}

#[test]
fn names_and_shapes_are_the_published_ones() {
    for (name, there, _, expected) in PUBLISHED {
        let lines = lines(&network(name));
        assert_eq!(digest(&lines), expected, "{name}, {there}:\n{}", lines.join("\n"));
    }
}

#[test]
fn the_digest_sees_a_name_and_a_size() {
    let lines = lines(&network("resnet18"));
    let renamed: Vec<String> = lines.iter().map(|l| l.replace("fc.bias", "fc.shift")).collect();
    let resized: Vec<String> =
        lines.iter().map(|l| l.replace("fc.bias 1000", "fc.bias 999")).collect();
    assert_ne!(digest(&renamed), digest(&lines));
    assert_ne!(digest(&resized), digest(&lines));
}
