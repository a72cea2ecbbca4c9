//! The layers in order: what each does to the order of its features, and how
//! its tensors lie in a file.

use crate::order::{Order, Reordered};
use crate::{ExchangeError, Library};
use cotangent_net::{LayerKind, LayerPlan, Network};
use std::collections::HashMap;

/// How a tensor lies in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// Its name in timm's style.
    pub name: String,
    /// What its name here begins with.
    pub root: String,
    pub shapes: Vec<Vec<usize>>,
    pub order: Order,
}

/// What a walk over a network finds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By the name here.
    pub layouts: HashMap<String, Layout>,
    /// Counts of batches, in timm's style.
    pub counters: Vec<String>,
    /// What the names of the last layer with features of its own begin with.
    pub head: Option<String>,
}

pub(crate) fn walk(net: &Network, library: Library) -> Result<Found, ExchangeError> {
    let mut walk = Walk { net, library, convnext: false, found: Found::default() };
    walk.sequence(net.layers(), None)?;
    Ok(walk.found)
}

struct Walk<'a> {
    net: &'a Network,
    library: Library,
    /// Inside a block of ConvNeXt.
    convnext: bool,
    found: Found,
}

/// The order of a vector's features; `None` where it is the same on both
/// sides, as it is for the channels of images and the features of tokens.
type Features = Option<Reordered>;

impl Walk<'_> {
    fn sequence(
        &mut self,
        layers: &[LayerPlan],
        mut features: Features,
    ) -> Result<Features, ExchangeError> {
        for layer in layers {
            features = self.layer(layer, features)?;
        }
        Ok(features)
    }

    fn layer(&mut self, l: &LayerPlan, features: Features) -> Result<Features, ExchangeError> {
        let outside = self.convnext;
        self.convnext |= matches!(l.kind, LayerKind::ConvnextBlock(_));
        let mut branches = Vec::with_capacity(l.branches.len());
        for branch in &l.branches {
            branches.push(self.sequence(branch, features.clone())?);
        }
        self.convnext = outside;
        self.tensors(l, &features);
        self.after(l, features, branches)
    }

    /// The order of the features that `l` gives.
    fn after(
        &self,
        l: &LayerPlan,
        features: Features,
        branches: Vec<Features>,
    ) -> Result<Features, ExchangeError> {
        use LayerKind::*;
        Ok(match &l.kind {
            Flatten(_) => match *l.input.as_slice() {
                [h, w, c] if h * w > 1 && c > 1 => Some(Reordered::image([h, w, c])),
                _ => features,
            },
            Reshape(_) => match (l.input.as_slice(), l.output.as_slice()) {
                (&[h, w, c], &[_]) if h * w > 1 && c > 1 => Some(Reordered::image([h, w, c])),
                (from, to) if from == to => features,
                (from, to) if features.is_none() && keeps_channels(from, to) => None,
                _ => return Err(self.unmapped(l)),
            },
            Concat(_) => match l.output.len() {
                1 => {
                    let lens = l.branches.iter().map(|b| {
                        b.last().map_or(&l.input, |last| &last.output).iter().product::<usize>()
                    });
                    let parts: Vec<_> = lens.zip(branches).collect();
                    Reordered::concatenated(&parts)
                }
                _ => None,
            },
            Parallel(_) | Residual(_) => match branches.split_first() {
                Some((first, rest)) if rest.iter().all(|b| b == first) => first.clone(),
                Some(_) => return Err(self.unmapped(l)),
                None => features,
            },
            Repeat(_)
            | Use(_)
            | SqueezeExcite(_)
            | PatchEmbed(_)
            | TransformerBlock(_)
            | BasicBlock(_)
            | Bottleneck(_)
            | InvertedResidual(_)
            | MbConv(_)
            | FusedMbConv(_)
            | UniversalInvertedBottleneck(_)
            | ConvnextBlock(_) => branches.into_iter().next().unwrap_or(features),
            Relu(_) | Relu6(_) | LeakyRelu(_) | Elu(_) | Gelu(_) | Silu(_) | Sigmoid(_)
            | Tanh(_) | Softplus(_) | HardSwish(_) | HardSigmoid(_) | Dropout(_) | DropPath(_)
            | BatchNorm(_) | LayerNorm(_) | RmsNorm(_) | GroupNorm(_) | LayerScale(_) => features,
            Dense(_)
            | Conv2d(_)
            | DepthwiseConv2d(_)
            | ConvTranspose2d(_)
            | MaxPool(_)
            | AvgPool(_)
            | GlobalAvgPool(_)
            | Upsample(_)
            | ClassToken(_)
            | PositionEmbedding(_)
            | SelectToken(_)
            | Embedding(_)
            | MultiHeadAttention(_) => None,
        })
    }

    fn unmapped(&self, l: &LayerPlan) -> ExchangeError {
        ExchangeError::Unmapped {
            model: self.net.spec().name.clone(),
            layer: l.name.clone(),
            input: l.input.clone(),
            output: l.output.clone(),
        }
    }

    /// Records the tensors of `l`, whose input has its features in this order.
    fn tensors(&mut self, l: &LayerPlan, features: &Features) {
        for p in &l.params {
            let (shapes, order) = self.layout(&l.kind, &p.shape, features);
            // These are parameters of the whole model there, not of a layer.
            let bare = matches!(l.kind, LayerKind::ClassToken(_) | LayerKind::PositionEmbedding(_));
            let name = if bare { l.root.clone() } else { p.name.clone() };
            self.record(&p.name, Layout { name, root: l.root.clone(), shapes, order });
        }
        for s in &l.stats {
            let (name, root) = (s.name.clone(), l.root.clone());
            let (shapes, order) = vector(&s.shape, features);
            self.record(&s.name, Layout { name, root, shapes, order });
        }
        if !l.stats.is_empty() {
            let counter = format!("{}.num_batches_tracked", l.root);
            if !self.found.counters.contains(&counter) {
                self.found.counters.push(counter);
            }
        }
        let own = matches!(l.kind, LayerKind::Dense(_) | LayerKind::Conv2d(_));
        if own && l.output.last() == Some(&self.net.classes()) {
            self.found.head = Some(l.root.clone());
        }
    }

    fn record(&mut self, name: &str, layout: Layout) {
        self.found.layouts.insert(name.into(), layout);
    }

    /// The shapes that a parameter may have in a file, and its order.
    fn layout(
        &self,
        kind: &LayerKind,
        shape: &[usize],
        features: &Features,
    ) -> (Vec<Vec<usize>>, Order) {
        use LayerKind::*;
        match (kind, shape) {
            (Dense(_) | MultiHeadAttention(_), &[inputs, out]) => {
                let mut shapes = vec![vec![out, inputs], vec![out, inputs, 1, 1]];
                if let Some(Reordered { image: Some([h, w, c]), .. }) = features {
                    shapes.push(vec![out, *c, *h, *w]);
                }
                (shapes, Order::Dense { inputs, features: out, rows: features.clone() })
            }
            (Conv2d(_) | DepthwiseConv2d(_) | ConvTranspose2d(_), &[h, w, a, b]) => {
                let mut shapes = vec![vec![b, a, h, w]];
                if h * w == 1 && matches!(kind, Conv2d(_)) {
                    shapes.push(vec![b, a]);
                    if self.convnext {
                        shapes.reverse();
                    }
                }
                (shapes, Order::Kernel([h, w, a, b]))
            }
            (LayerScale(_), &[size]) if features.is_none() => {
                let mut shapes = vec![vec![size], vec![size, 1, 1]];
                if self.convnext && self.library == Library::Torchvision {
                    shapes.reverse();
                }
                (shapes, Order::Same)
            }
            (ClassToken(_), &[size]) => (vec![vec![1, 1, size]], Order::Same),
            (PositionEmbedding(_), &[tokens, size]) => (vec![vec![1, tokens, size]], Order::Same),
            (BatchNorm(_) | LayerNorm(_) | RmsNorm(_) | GroupNorm(_) | LayerScale(_), _) => {
                vector(shape, features)
            }
            _ => (vec![shape.to_vec()], Order::Same),
        }
    }
}

/// A vector over the features.
fn vector(shape: &[usize], features: &Features) -> (Vec<Vec<usize>>, Order) {
    (vec![shape.to_vec()], features.clone().map_or(Order::Same, Order::Features))
}

/// Whether elements keep their order on both sides. That of an image differs
/// unless it has one channel or one position; that of vectors and tokens is
/// the same.
fn keeps_channels(from: &[usize], to: &[usize]) -> bool {
    let same = |shape: &&[usize]| match **shape {
        [h, w, c] => c == 1 || h * w == 1,
        _ => true,
    };
    from.last() == to.last() || [from, to].iter().all(same)
}
