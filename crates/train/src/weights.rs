//! Weights files: safetensors, read and matched to a network by name.

use crate::error::Misfit;
use crate::whole_file::read_whole;
use crate::{MaskDraw, TrainError, checkpoint};
use cotangent_data::Encoding;
use cotangent_net::{LayerKind, LayerPlan, NetSpec, Network, Param};
use cotangent_step::StepOptions;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A tensor of f32, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// The tensors of a safetensors file: a run's checkpoint, or any file that
/// has a network's parameters by name, such as `dense_1.weight`.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    metadata: BTreeMap<String, String>,
    file_sha256: String,
}

impl Weights {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is not safetensors, holds anything but finite f32, or,
    /// being a checkpoint, its content does not match its sha256.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let bytes =
            read_whole(path).map_err(|source| TrainError::Read { path: path.into(), source })?;
        Self::from_bytes(path, &bytes)
            .map_err(|reason| TrainError::Checkpoint { path: path.into(), reason })
    }

    fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        let not_safetensors = |e| format!("{e}; expected a whole safetensors file");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let metadata: BTreeMap<String, String> =
            header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(format!("tensor `{name}` is {}, expected F32", view.dtype()));
            }
            let data = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            tensors.insert(name.to_string(), Tensor { shape: view.shape().to_vec(), data });
        }
        if let Some(expected) = metadata.get(SHA256) {
            let views = file.tensors();
            let views = views.iter().map(|(name, v)| (name.as_str(), v.shape(), v.data()));
            let found = digest(&metadata, views.collect());
            if found != *expected {
                return Err(format!(
                    "its content has sha256 {found}, but it says {expected}: the file is damaged"
                ));
            }
        }
        for (name, tensor) in &tensors {
            if let Some(at) = tensor.data.iter().position(|x| !x.is_finite()) {
                return Err(format!(
                    "tensor `{name}` is {} at {:?}, expected finite numbers; give weights from \
                     before they broke",
                    tensor.data[at],
                    index(at, &tensor.shape)
                ));
            }
        }
        let file_sha256 = hex(&Sha256::digest(bytes));
        Ok(Weights { path: path.into(), tensors, metadata, file_sha256 })
    }

    /// The file they were read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn file_sha256(&self) -> &str {
        &self.file_sha256
    }

    /// The name of the network the file says it is of.
    pub fn model(&self) -> Option<&str> {
        self.metadata("model")
    }

    /// The specification, TOML, of the network the file says it is of.
    pub fn spec(&self) -> Option<&str> {
        self.metadata("spec")
    }

    /// How the examples were encoded that they were trained on; `None` if the file does not say.
    ///
    /// # Errors
    /// A run wrote it, and what it says of that cannot be read.
    pub fn encoding(&self) -> Result<Option<Encoding>, TrainError> {
        let Some(config) = self.metadata("config") else { return Ok(None) };
        match checkpoint::configuration(config) {
            Ok(config) => Ok(config.encoding),
            Err(_) if !checkpoint::is_of_a_run(self) => Ok(None),
            Err(reason) => Err(TrainError::Checkpoint { path: self.path.clone(), reason }),
        }
    }

    /// Where the run that wrote the file draws the masks of its next step; `None` if no run did.
    ///
    /// # Errors
    /// A run wrote it, and what it says of that cannot be read.
    pub fn next_masks(&self) -> Result<Option<MaskDraw>, TrainError> {
        match checkpoint::stands_at(self) {
            Ok(at) => Ok(at.map(|(seed, step)| MaskDraw { seed, step })),
            Err(reason) => Err(TrainError::Checkpoint { path: self.path.clone(), reason }),
        }
    }

    /// A file without tensors.
    #[cfg(test)]
    pub(crate) fn with_metadata(metadata: BTreeMap<String, String>) -> Self {
        let file_sha256 = String::new();
        Weights { path: PathBuf::new(), tensors: BTreeMap::new(), metadata, file_sha256 }
    }

    /// What the file says about itself under `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// The parameters and running statistics of `net` by name, in order. In a
    /// checkpoint that has moving averages of the parameters, those: they are
    /// what the run was scored and kept by.
    ///
    /// # Errors
    /// A tensor is missing, has another shape, or is one too many; optimiser
    /// state is not, in a file that names its optimiser. Or the file has the
    /// specification of another network: equal shapes do not make it the same.
    pub fn params<'a>(&'a self, net: &'a Network) -> Result<Vec<(&'a str, &'a [f32])>, TrainError> {
        let state = self.state(net);
        let names = net.params().iter().map(|p| p.name.as_str());
        let stats = net.stats().iter().map(|s| s.name.as_str());
        self.no_others(net, names.chain(stats).chain(state.iter().map(String::as_str)))?;
        self.check_spec(net)?;
        let stored = self.stored(net);
        stored.iter().map(|(name, at, shape)| Ok((*name, self.tensor(net, at, shape)?))).collect()
    }

    /// Name, name in the file and shape of the parameters and the running
    /// statistics, in order.
    fn stored<'a>(&self, net: &'a Network) -> Vec<(&'a str, String, &'a [usize])> {
        let averaged = self.options().is_some_and(|o| o.ema.is_some());
        let at = |param: &str| match averaged {
            true => StepOptions::ema_name(param),
            false => param.into(),
        };
        let params = net.params().iter().map(|p| (&*p.name, at(&p.name), &*p.shape));
        params.chain(net.stats().iter().map(|s| (&*s.name, s.name.clone(), &*s.shape))).collect()
    }

    /// The step's options, in a file that names them.
    fn options(&self) -> Option<StepOptions> {
        self.metadata("optimizer")?.parse().ok()
    }

    /// The parameters and running statistics that training of `net` starts
    /// from, by name; without the layer that makes the classes if `reset_head`.
    ///
    /// # Errors
    /// As [`Weights::params`]; a layer for another number of classes is one
    /// that says so.
    pub(crate) fn start<'a>(
        &'a self,
        net: &'a Network,
        reset_head: bool,
    ) -> Result<Vec<(&'a str, &'a [f32])>, TrainError> {
        if reset_head && !net.losses().parts().is_empty() {
            let reason = format!(
                "network `{}` has several losses, so its outputs are of several layers; leave it out",
                net.spec().name
            );
            return Err(TrainError::Invalid { what: "reset-head", reason });
        }
        let head: Vec<&str> = head(net).iter().map(|p| p.name.as_str()).collect();
        let mut values = Vec::new();
        for (name, at, shape) in self.stored(net) {
            if head.contains(&name) {
                match self.tensors.get(&at) {
                    _ if reset_head => continue,
                    Some(t) if t.shape != *shape && t.shape.len() == shape.len() => {
                        return Err(TrainError::OtherClasses {
                            path: self.path.clone(),
                            model: net.spec().name.clone(),
                            tensor: name.into(),
                            found: t.shape.clone(),
                            expected: shape.to_vec(),
                        });
                    }
                    _ => {}
                }
            }
            values.push((name, self.tensor(net, &at, shape)?));
        }
        let mut known: BTreeSet<String> = self.state(net).into_iter().collect();
        known.extend(values.iter().map(|(name, _)| name.to_string()));
        known.extend(head.iter().map(|name| name.to_string()));
        self.none_but(net, |name| known.contains(name))?;
        self.check_spec(net)?;
        Ok(values)
    }

    /// Names of the optimiser's state, in a file that names its optimiser.
    fn state(&self, net: &Network) -> Vec<String> {
        self.options().map_or(vec![], |o| o.state(net)).into_iter().map(|s| s.name).collect()
    }

    /// Refuses the specification of a network that computes something else. The
    /// network's own name computes nothing, and the number of classes is told
    /// by the tensors.
    fn check_spec(&self, net: &Network) -> Result<(), TrainError> {
        let Some(stored) = self.spec() else { return Ok(()) };
        let bad = |e| TrainError::Checkpoint {
            path: self.path.clone(),
            reason: format!("its specification cannot be read: {e}"),
        };
        let stored = NetSpec::from_toml(stored)
            .and_then(|s| s.with_classes(net.classes()).network())
            .map_err(bad)?;
        let text = |net: &Network| NetSpec { name: String::new(), ..net.resolved() }.to_toml();
        let (found, expected) = (text(&stored), text(net));
        if found == expected {
            return Ok(());
        }
        let (mut found, mut expected) = (found.lines(), expected.lines());
        let (found, expected) = loop {
            match (found.next(), expected.next()) {
                (None, None) => break (None, None),
                (f, e) if f != e => break (f, e),
                _ => {}
            }
        };
        let line = |l: Option<&str>| match l {
            Some(l) => format!("`{}`", l.trim().trim_end_matches(',')),
            None => "nothing more".into(),
        };
        Err(TrainError::OtherSpec {
            path: self.path.clone(),
            model: net.spec().name.clone(),
            found: line(found),
            expected: line(expected),
        })
    }

    /// The tensor `name`, which must have `shape`.
    pub(crate) fn tensor(
        &self,
        net: &Network,
        name: &str,
        shape: &[usize],
    ) -> Result<&[f32], TrainError> {
        match self.tensors.get(name) {
            Some(t) if t.shape == shape => Ok(&t.data),
            Some(t) => Err(self.misfit(net, name, format!("{:?}", t.shape), format!("{shape:?}"))),
            None => Err(self.misfit(net, name, "none".into(), format!("{shape:?}"))),
        }
    }

    /// Refuses a tensor that is not among `names`. A missing tensor is the
    /// better explanation where there is one, so that is looked for first.
    pub(crate) fn no_others<'a>(
        &self,
        net: &Network,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), TrainError> {
        for p in net.params() {
            self.tensor(net, &p.name, &p.shape)?;
        }
        for s in net.stats() {
            self.tensor(net, &s.name, &s.shape)?;
        }
        let known: BTreeSet<&str> = names.collect();
        self.none_but(net, |name| known.contains(name))
    }

    fn none_but(&self, net: &Network, known: impl Fn(&str) -> bool) -> Result<(), TrainError> {
        match self.tensors.iter().find(|(name, _)| !known(name)) {
            Some((name, t)) => {
                Err(self.misfit(net, name, format!("{:?}", t.shape), "no such tensor".into()))
            }
            None => Ok(()),
        }
    }

    fn misfit(&self, net: &Network, tensor: &str, found: String, expected: String) -> TrainError {
        TrainError::Tensor(Box::new(Misfit {
            path: self.path.clone(),
            found_model: self.model().map(String::from),
            model: net.spec().name.clone(),
            tensor: tensor.into(),
            found,
            expected,
        }))
    }
}

/// Parameters of the layer that [`NetSpec::with_classes`] changes, where nothing
/// after it makes other features of its classes.
fn head(net: &Network) -> &[Param] {
    if !net.losses().parts().is_empty() {
        return &[];
    }
    let makes_classes =
        |l: &&LayerPlan| matches!(l.kind, LayerKind::Dense(_) | LayerKind::Conv2d(_));
    let mut end = net.layers().iter().rev().take_while(|l| l.branches.is_empty());
    end.find(makes_classes).map_or(&[], |l| &l.params)
}

/// The metadata key of a checkpoint's [`digest`].
pub(crate) const SHA256: &str = "sha256";

/// sha256 over the metadata, but for the digest itself, and over every
/// tensor's name, shape and bytes, all in order of name.
pub(crate) fn digest(
    metadata: &BTreeMap<String, String>,
    mut tensors: Vec<(&str, &[usize], &[u8])>,
) -> String {
    let mut hash = Sha256::new();
    for (key, value) in metadata.iter().filter(|(key, _)| *key != SHA256) {
        hash.update(format!("{}:{key} {}:{value}\n", key.len(), value.len()));
    }
    tensors.sort_unstable();
    for (name, shape, bytes) in tensors {
        hash.update(format!("{}:{name} {shape:?} {}\n", name.len(), bytes.len()));
        hash.update(bytes);
    }
    hex(&hash.finalize())
}

/// The index of element `at` of a row-major tensor.
fn index(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&d| {
            let i = at % d.max(1);
            at /= d.max(1);
            i
        })
        .collect();
    index.reverse();
    index
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
