//! Declaring a network in Rust.

use crate::layers::{AvgPool, Conv2d, Dense, Flatten, MaxPool, Relu};
use crate::{Layer, LayerKind, Loss, NetSpec};

impl NetSpec {
    /// A network without layers, for examples of shape `input`, trained by
    /// softmax cross-entropy.
    pub fn new(name: impl Into<String>, input: impl Into<Vec<usize>>) -> Self {
        NetSpec {
            name: name.into(),
            input: input.into(),
            loss: Loss::SoftmaxCrossEntropy,
            layers: Vec::new(),
        }
    }

    /// Appends a layer.
    pub fn layer(mut self, kind: LayerKind) -> Self {
        self.layers.push(Layer { name: None, kind });
        self
    }

    /// Names the layer appended last; its parameters carry that name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(layer) = self.layers.last_mut() {
            layer.name = Some(name.into());
        }
        self
    }

    /// A fully connected layer with bias.
    pub fn dense(self, features: usize) -> Self {
        self.layer(LayerKind::Dense(Dense::new(features)))
    }

    /// A convolution with a square kernel, stride 1, `same` padding and bias;
    /// other settings through [`Conv2d`] and [`NetSpec::layer`].
    pub fn conv2d(self, features: usize, kernel: usize) -> Self {
        self.layer(LayerKind::Conv2d(Conv2d::new(features, kernel)))
    }

    /// Max-pooling by a square window, stride equal to the window.
    pub fn max_pool(self, window: usize) -> Self {
        self.layer(LayerKind::MaxPool(MaxPool::new(window)))
    }

    /// Average pooling by a square window, stride equal to the window.
    pub fn avg_pool(self, window: usize) -> Self {
        self.layer(LayerKind::AvgPool(AvgPool::new(window)))
    }

    /// `max(x, 0)`.
    pub fn relu(self) -> Self {
        self.layer(LayerKind::Relu(Relu {}))
    }

    /// Each example as one vector, row-major.
    pub fn flatten(self) -> Self {
        self.layer(LayerKind::Flatten(Flatten {}))
    }

    /// The network on images of `size` by `size` (images only).
    pub fn with_image(mut self, size: usize) -> Self {
        if let [h, w, _] = self.input.as_mut_slice() {
            (*h, *w) = (size, size);
        }
        self
    }

    /// The network with `classes` outputs: the last dense layer's features.
    pub fn with_classes(mut self, classes: usize) -> Self {
        let last = self.layers.iter_mut().rev().find_map(|l| match &mut l.kind {
            LayerKind::Dense(dense) => Some(dense),
            _ => None,
        });
        if let Some(dense) = last {
            dense.features = classes;
        }
        self
    }
}
