//! Checkpoints: everything a run needs to go on.

use crate::engine::Step;
use crate::metrics::{csv, parse_csv};
use crate::weights::{SHA256, digest};
use crate::{Config, Row, TrainError, Weights};
use safetensors::{Dtype, View, serialize};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// The version written.
const FORMAT: &str = "cotangent-checkpoint-1";

/// How it begins in every version.
const FAMILY: &str = "cotangent-checkpoint-";

/// Where a run stands, beside its tensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Progress {
    /// Epochs done.
    pub epoch: u64,
    /// Steps done in the epoch under way.
    pub step: u64,
    /// Sum of that epoch's losses so far.
    pub loss_sum: f64,
    /// Examples of that epoch classified right so far, or their characters or pixels.
    pub correct: u64,
    /// Pixels of that epoch so far that are of no class.
    pub unanswered: u64,
    /// Wall time so far.
    pub seconds: f64,
    /// The epochs done.
    pub rows: Vec<Row>,
}

/// [`Progress`] as it is stored. Sums are stored as bits, since reading a
/// decimal back may round.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    epoch: u64,
    step: u64,
    loss_sum_bits: u64,
    correct: u64,
    /// Left out where there are none, as before there could be any.
    #[serde(default, skip_serializing_if = "is_zero")]
    unanswered: u64,
    /// Once written; the metrics say it.
    #[serde(default, skip_serializing)]
    #[allow(dead_code)]
    best_correct: Option<u64>,
    seconds: f64,
    metrics: String,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Progress {
    fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Stored {
            epoch: self.epoch,
            step: self.step,
            loss_sum_bits: self.loss_sum.to_bits(),
            correct: self.correct,
            unanswered: self.unanswered,
            best_correct: None,
            seconds: self.seconds,
            metrics: csv(&self.rows),
        })
    }

    fn from_json(text: &str) -> Result<Self, String> {
        let stored: Stored = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let rows = parse_csv(&stored.metrics)?;
        if rows.len() as u64 != stored.epoch {
            return Err(format!("it has the metrics of {} epochs of {}", rows.len(), stored.epoch));
        }
        Ok(Progress {
            epoch: stored.epoch,
            step: stored.step,
            loss_sum: f64::from_bits(stored.loss_sum_bits),
            correct: stored.correct,
            unanswered: stored.unanswered,
            seconds: stored.seconds,
            rows,
        })
    }
}

/// What a checkpoint says about the run it is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    pub model: String,
    pub spec: String,
    pub optimizer: String,
    pub config: String,
    pub step_sha256: String,
    pub data_sha256: String,
}

/// A checkpoint's metadata.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    pub identity: Identity,
    pub progress: Progress,
}

struct TensorBytes<'a> {
    shape: &'a [usize],
    bytes: Vec<u8>,
}

impl View for &TensorBytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of a checkpoint file: what is resident in `step`, by name, and
/// the rest as metadata.
pub(crate) fn encode(
    step: &Step,
    identity: &Identity,
    progress: &Progress,
) -> Result<Vec<u8>, TrainError> {
    let invalid = |e: String| TrainError::Invalid { what: "checkpoint", reason: e };
    let progress = progress.to_json().map_err(|e| invalid(e.to_string()))?;
    let mut metadata: BTreeMap<String, String> = [
        ("format", FORMAT),
        ("model", &identity.model),
        ("spec", &identity.spec),
        ("optimizer", &identity.optimizer),
        ("config", &identity.config),
        ("step_sha256", &identity.step_sha256),
        ("data_sha256", &identity.data_sha256),
        ("progress", &progress),
    ]
    .map(|(k, v)| (k.to_string(), v.to_string()))
    .into();
    let tensors: Vec<(&str, TensorBytes<'_>)> = step
        .resident()
        .map(|(name, shape, data)| {
            (
                name,
                TensorBytes { shape, bytes: data.iter().flat_map(|x| x.to_le_bytes()).collect() },
            )
        })
        .collect();
    let views = tensors.iter().map(|(name, t)| (*name, t.shape, t.bytes.as_slice()));
    metadata.insert(SHA256.into(), digest(&metadata, views.collect()));
    let metadata: HashMap<String, String> = metadata.into_iter().collect();
    serialize(tensors.iter().map(|(name, t)| (*name, t)), Some(metadata))
        .map_err(|e| invalid(e.to_string()))
}

/// Reads a checkpoint file.
pub(crate) fn load(path: &Path) -> Result<(Weights, Checkpoint), TrainError> {
    let weights = Weights::load(path)?;
    let checkpoint =
        decode(&weights).map_err(|reason| TrainError::Checkpoint { path: path.into(), reason })?;
    Ok((weights, checkpoint))
}

/// Where a checkpoint stands: the seed of its run, and how many steps it has done.
/// `None` if no run wrote it.
pub(crate) fn stands_at(weights: &Weights) -> Result<Option<(u64, u64)>, String> {
    if !is_of_a_run(weights) {
        return Ok(None);
    }
    let Checkpoint { identity, progress } = decode(weights)?;
    let config = configuration(&identity.config)?;
    let done = progress.rows.last().map_or(0, |row| row.step);
    match done.checked_add(progress.step) {
        Some(step) if step < u64::MAX => Ok(Some((config.seed, step))),
        _ => Err(format!("it says {done} steps and {} more, too many", progress.step)),
    }
}

/// Whether a run of this or another version wrote the file.
pub(crate) fn is_of_a_run(weights: &Weights) -> bool {
    weights.metadata("format").is_some_and(|format| format.starts_with(FAMILY))
}

pub(crate) fn configuration(text: &str) -> Result<Config, String> {
    toml::from_str(text).map_err(|e| format!("its configuration cannot be read: {}", e.message()))
}

fn decode(weights: &Weights) -> Result<Checkpoint, String> {
    let get = |key: &str| match weights.metadata(key) {
        Some(value) => Ok(value.to_string()),
        None => Err(format!("its metadata lacks `{key}`; it was not written by a run")),
    };
    let format = get("format")?;
    if format != FORMAT {
        return Err(format!("its format is `{format}`, expected `{FORMAT}`"));
    }
    // Without the digest damage would go unnoticed.
    get(SHA256)?;
    let identity = Identity {
        model: get("model")?,
        spec: get("spec")?,
        optimizer: get("optimizer")?,
        config: get("config")?,
        step_sha256: get("step_sha256")?,
        data_sha256: get("data_sha256")?,
    };
    Ok(Checkpoint { identity, progress: Progress::from_json(&get("progress")?)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent_net::NetSpec;

    /// A file with this metadata.
    fn weights(metadata: &[(&str, &str)]) -> Weights {
        let metadata = metadata.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        Weights::with_metadata(metadata.collect())
    }

    /// Where it stands.
    fn found(metadata: &[(&str, &str)]) -> Result<Option<(u64, u64)>, String> {
        stands_at(&weights(metadata))
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_is_told_from_what_no_run_wrote() {
        let net = NetSpec::new("n", [4]).dense(2).network().unwrap();
        let config = Config { seed: 7, ..Config::new(&net, &"sgd".parse().unwrap(), "synthetic") };
        let config = config.to_toml().unwrap();
        let progress = Progress { step: 5, ..Progress::default() }.to_json().unwrap();
        let whole = [
            ("format", FORMAT),
            (SHA256, ""),
            ("model", "n"),
            ("spec", ""),
            ("optimizer", "sgd"),
            ("step_sha256", ""),
            ("data_sha256", ""),
            ("progress", &*progress),
            ("config", &*config),
        ];
        assert_eq!(found(&whole), Ok(Some((7, 5))));
        let but = |key, value| whole.map(|(k, v)| (k, if k == key { value } else { v }));
        let newer = format!("colour = 3\n{config}");
        let reason = found(&but("config", &newer)).unwrap_err();
        assert!(reason.starts_with("its configuration cannot be read: "), "{reason}");
        assert!(reason.contains("colour"), "{reason}");
        let encoding =
            |metadata: &[(&str, &str)]| weights(metadata).encoding().map_err(|e| e.to_string());
        assert!(encoding(&but("config", &newer)).unwrap_err().contains("colour"));
        assert_eq!(encoding(&[("config", "[]"), ("format", "pt")]), Ok(None));
        let reason = found(&but("format", "cotangent-checkpoint-2")).unwrap_err();
        assert!(reason.contains("`cotangent-checkpoint-2`"), "{reason}");
        assert!(found(&but("progress", "{}")).is_err());
        let all = Progress { step: u64::MAX, ..Progress::default() }.to_json().unwrap();
        assert!(found(&but("progress", &all)).unwrap_err().contains("too many"));
        assert_eq!(found(&but("format", "pt")), Ok(None));
        assert_eq!(found(&[]), Ok(None));
    }
}
