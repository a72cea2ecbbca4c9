//! Declaring a network in Rust.

use crate::layers::*;
use crate::{Layer, LayerKind, Loss, LossPart, Losses, NetSpec, Number};
use std::collections::BTreeMap;

impl NetSpec {
    /// A network without layers, for examples of shape `input`, trained by
    /// softmax cross-entropy.
    pub fn new(name: impl Into<String>, input: impl Into<Vec<usize>>) -> Self {
        NetSpec {
            name: name.into(),
            input: input.into(),
            loss: Losses::default(),
            layers: Vec::new(),
            shared: BTreeMap::new(),
        }
    }

    /// With another loss.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss.into();
        self
    }

    /// With several losses, each of some of the output's features, in order.
    pub fn losses(mut self, parts: impl IntoIterator<Item = LossPart>) -> Self {
        self.loss = Losses::Parts(parts.into_iter().collect());
        self
    }

    /// Appends a layer.
    pub fn layer(mut self, kind: impl Into<LayerKind>) -> Self {
        self.layers.push(Layer::new(kind));
        self
    }

    /// Appends layers.
    pub fn layers(mut self, layers: impl IntoIterator<Item = Layer>) -> Self {
        self.layers.extend(layers);
        self
    }

    /// Names the layer appended last; its parameters carry that name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(layer) = self.layers.last_mut() {
            layer.name = Some(name.into());
        }
        self
    }

    /// Declares a sub-network that layers [`Use`] by `name`, with one set of
    /// parameters.
    pub fn share(mut self, name: impl Into<String>, layers: Vec<Layer>) -> Self {
        self.shared.insert(name.into(), layers);
        self
    }

    /// A fully connected layer with bias.
    pub fn dense(self, features: usize) -> Self {
        self.layer(Dense::new(features))
    }

    /// A convolution with a square kernel, stride 1, `same` padding and bias;
    /// other settings through [`Conv2d`] and [`NetSpec::layer`].
    pub fn conv2d(self, features: usize, kernel: usize) -> Self {
        self.layer(Conv2d::new(features, Pair::both(kernel)))
    }

    /// Normalisation over the batch and all positions.
    pub fn batch_norm(self) -> Self {
        self.layer(BatchNorm::new())
    }

    /// Normalisation over the features.
    pub fn layer_norm(self) -> Self {
        self.layer(LayerNorm::new())
    }

    /// Max-pooling by a square window, stride equal to the window.
    pub fn max_pool(self, window: usize) -> Self {
        self.layer(MaxPool::new(Pair::both(window)))
    }

    /// Average pooling by a square window, stride equal to the window.
    pub fn avg_pool(self, window: usize) -> Self {
        self.layer(AvgPool::new(Pair::both(window)))
    }

    /// The mean over all positions.
    pub fn global_avg_pool(self) -> Self {
        self.layer(GlobalAvgPool::new())
    }

    /// `max(x, 0)`.
    pub fn relu(self) -> Self {
        self.layer(Relu::new())
    }

    /// `x·Φ(x)`.
    pub fn gelu(self) -> Self {
        self.layer(Gelu::new())
    }

    /// `x·σ(x)`.
    pub fn silu(self) -> Self {
        self.layer(Silu::new())
    }

    /// Each example as one vector, row-major.
    pub fn flatten(self) -> Self {
        self.layer(Flatten::new())
    }

    /// The input added to what the layers make of it.
    pub fn residual(self, layers: Vec<Layer>) -> Self {
        self.layer(Residual::new(layers))
    }

    /// Branches that start from the input, joined along the features.
    pub fn concat(self, branches: Vec<Vec<Layer>>) -> Self {
        self.layer(Concat::new(branches))
    }

    /// Elements zeroed in training with probability `rate`.
    pub fn dropout(self, rate: Number) -> Self {
        self.layer(Dropout::new(rate))
    }

    /// The layers several times over.
    pub fn repeat(self, times: usize, layers: Vec<Layer>) -> Self {
        self.layer(Repeat::new(times, layers))
    }

    /// The network on images of `size` by `size` (images only).
    pub fn with_image(mut self, size: usize) -> Self {
        if let [h, w, _] = self.input.as_mut_slice() {
            (*h, *w) = (size, size);
        }
        self
    }

    /// The network with `classes` outputs: the features of the last dense
    /// layer or convolution among its outermost layers. A network that has as
    /// many stays as it is, and so does one with several losses: its outputs
    /// are of several layers.
    pub fn with_classes(mut self, classes: usize) -> Self {
        let has = |spec: Self| spec.network().is_ok_and(|net| net.classes() == classes);
        if !self.loss.parts().is_empty() || has(self.clone()) {
            return self;
        }
        let last = self.layers.iter_mut().rev().find_map(|l| match &mut l.kind {
            LayerKind::Dense(dense) => Some(&mut dense.features),
            LayerKind::Conv2d(conv) => Some(&mut conv.features),
            _ => None,
        });
        if let Some(features) = last {
            *features = classes;
        }
        self
    }
}
