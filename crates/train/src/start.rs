//! What a run starts from: drawn parameters, or weights.

use crate::setup::{Setup, sha256};
use crate::whole_file::read_whole;
use crate::{TrainError, Weights};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// A weights file to start from: a checkpoint or imported weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The file, an absolute path.
    pub weights: String,
    /// Its sha256.
    pub sha256: String,
    /// Whether the layer that makes the classes is drawn instead.
    pub reset_head: bool,
}

impl Start {
    /// Of the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or its path is not UTF-8.
    pub fn new(path: &Path, reset_head: bool) -> Result<Self, TrainError> {
        let read = |source| TrainError::Read { path: path.into(), source };
        let absolute = std::path::absolute(path).map_err(read)?;
        let sha256 = sha256(&read_whole(path).map_err(read)?);
        match absolute.to_str() {
            Some(weights) => Ok(Start { weights: weights.into(), sha256, reset_head }),
            None => Err(TrainError::Invalid {
                what: "weights",
                reason: format!(
                    "{} is not valid UTF-8 and cannot be written to config.toml; move the file",
                    absolute.display()
                ),
            }),
        }
    }

    fn load(&self) -> Result<Weights, TrainError> {
        let path = Path::new(&self.weights);
        let now = Start::new(path, self.reset_head)?.sha256;
        if now != self.sha256 {
            return Err(TrainError::Invalid {
                what: "weights",
                reason: format!(
                    "{} has sha256 {now}, but the run began with {}; restore the file, or begin \
                     a new run",
                    path.display(),
                    self.sha256
                ),
            });
        }
        Weights::load(path)
    }
}

/// Parameters and running statistics before the first step, by name.
pub(crate) fn initial(setup: &Setup) -> Result<HashMap<String, Vec<f32>>, TrainError> {
    let net = &setup.net;
    let params = net.params().iter().map(|p| p.name.clone());
    let drawn = cotangent_net::initialize(net, setup.config.seed);
    let mut initial: HashMap<String, Vec<f32>> = params.zip(drawn).collect();
    for s in net.stats() {
        initial.insert(s.name.clone(), vec![s.initial; s.shape.iter().product()]);
    }
    if let Some(start) = &setup.config.start {
        for (name, value) in start.load()?.start(net, start.reset_head)? {
            initial.insert(name.into(), value.into());
        }
    }
    Ok(initial)
}
