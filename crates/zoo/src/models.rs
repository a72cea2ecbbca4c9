//! The list of networks.

use crate::*;

const fn small(image: usize, width: f64, depth: f64) -> Config {
    Config { classes: Some(10), image: Some(image), width, depth }
}

macro_rules! models {
    ($($name:literal, $summary:literal, $declare:expr, $small:expr;)*) => {
        /// Every network, by family.
        pub static MODELS: &[Model] = &[
            $(Model { name: $name, summary: $summary, declare: $declare, small: $small },)*
        ];
    };
}

models! {
    "mnist-linear", "softmax regression on 28x28 digits: one dense layer",
        mnist::linear, small(8, 1.0, 1.0);
    "mnist-mlp", "784-512-512-10 perceptron with ReLU",
        mnist::mlp, small(8, 0.0625, 1.0);
    "mnist-cnn", "two 3x3 convolutions of 32 features, max-pool, dense 512",
        mnist::cnn, small(12, 0.125, 1.0);
    "mnist-cnn-bn", "mnist-cnn with batch normalisation",
        mnist::cnn_bn, small(12, 0.125, 1.0);
    "cifar-cnn", "six 3x3 convolutions and two dense layers on 32x32 images",
        cifar::cnn, small(16, 0.125, 1.0);
    "cifar-cnn-bn", "six normalised 3x3 convolutions, mean over all positions",
        cifar::cnn_bn, small(16, 0.125, 1.0);
    "cifar-resnet20", "ResNet-20 for 32x32 images (He et al., 2016)",
        cifar::resnet20, small(16, 0.5, 0.5);
    "vgg16", "VGG-16, configuration D (Simonyan, Zisserman, 2015)",
        |name, c| vgg::vgg16(name, c, false), small(32, 0.03125, 0.7);
    "vgg16-bn", "VGG-16 with batch normalisation",
        |name, c| vgg::vgg16(name, c, true), small(32, 0.03125, 0.7);
    "resnet18", "ResNet-18 (He et al., 2016)",
        |name, c| resnet::basic(name, c, [2, 2, 2, 2]), small(32, 0.0625, 1.0);
    "resnet34", "ResNet-34",
        |name, c| resnet::basic(name, c, [3, 4, 6, 3]), small(32, 0.0625, 0.3);
    "resnet50", "ResNet-50, stride at the 3x3 convolution",
        |name, c| resnet::bottleneck(name, c, [3, 4, 6, 3]), small(32, 0.0625, 0.3);
    "resnet101", "ResNet-101",
        |name, c| resnet::bottleneck(name, c, [3, 4, 23, 3]), small(32, 0.0625, 0.1);
    "mobilenet-v1", "MobileNetV1 (Howard et al., 2017)",
        mobilenet::v1, small(32, 0.125, 0.4);
    "mobilenet-v2", "MobileNetV2: inverted residuals (Sandler et al., 2018)",
        mobilenet::v2, small(32, 0.125, 0.4);
    "mobilenet-v3-large", "MobileNetV3-Large: squeeze-and-excitation, hard swish (Howard et al., 2019)",
        mobilenet::v3_large, small(32, 0.125, 0.4);
    "mobilenet-v4-conv-small", "MobileNetV4-Conv-S: universal inverted bottlenecks (Qin et al., 2024)",
        mobilenet::v4_conv_small, small(32, 0.125, 0.4);
    "efficientnet-b0", "EfficientNet-B0 (Tan, Le, 2019)",
        efficientnet::b0, small(32, 0.125, 0.4);
    "efficientnet-v2-s", "EfficientNetV2-S: fused blocks first (Tan, Le, 2021)",
        efficientnet::v2_s, small(32, 0.0625, 0.1);
    "convnext-tiny", "ConvNeXt-T (Liu et al., 2022)",
        |name, c| convnext::convnext(name, c, 96, [3, 3, 9, 3], 10), small(32, 0.0625, 0.2);
    "convnext-small", "ConvNeXt-S",
        |name, c| convnext::convnext(name, c, 96, [3, 3, 27, 3], 40), small(32, 0.0625, 0.08);
    "convnext-base", "ConvNeXt-B",
        |name, c| convnext::convnext(name, c, 128, [3, 3, 27, 3], 50), small(32, 0.0625, 0.06);
    "vit-tiny", "ViT-Ti/16: twelve transformer blocks, 3 heads (Dosovitskiy et al., 2021)",
        |name, c| vit::patch16(name, c, 3), small(32, 0.125, 0.2);
    "vit-small", "ViT-S/16: 6 heads",
        |name, c| vit::patch16(name, c, 6), small(32, 0.0625, 0.2);
    "vit-base", "ViT-B/16: 12 heads",
        |name, c| vit::patch16(name, c, 12), small(32, 0.0625, 0.2);
    "densenet121", "DenseNet-121 (Huang et al., 2017)",
        densenet::densenet121, small(32, 0.125, 0.12);
    "squeezenet", "SqueezeNet 1.0: fire modules (Iandola et al., 2016)",
        squeezenet::v1_0, small(32, 0.125, 1.0);
    "squeezenet-1.1", "SqueezeNet 1.1: the same accuracy with less to compute",
        squeezenet::v1_1, small(32, 0.125, 1.0);
    "unet", "U-Net: a class per pixel of a 256x256 image (Ronneberger et al., 2015)",
        unet::unet, small(16, 0.03125, 1.0);
    "tiny-gpt", "causal transformer on 64 characters of 65",
        gpt::tiny, small(1, 0.25, 0.5);
}
