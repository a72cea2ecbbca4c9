//! The files of a run that follow from its checkpoint.

use crate::checkpoint::Progress;
use crate::metrics::{best, csv};
use crate::setup::{Setup, to_json};
use crate::{Event, Observer, Row, RunDir, Summary, TrainError, Weights};

/// The figures of a finished run.
pub(crate) fn summary(setup: &Setup, dir: &RunDir, progress: &Progress) -> Summary {
    let last = progress.rows.last();
    Summary {
        model: setup.config.model.clone(),
        epochs: progress.epoch,
        steps: progress.epoch * setup.steps,
        best_val_accuracy: best(&progress.rows).map_or(f64::NAN, |r| r.val_accuracy),
        val_accuracy: last.map_or(f64::NAN, |r| r.val_accuracy),
        val_loss: last.map_or(f64::NAN, |r| r.val_loss),
        seconds: progress.seconds,
        run_dir: dir.path().into(),
    }
}

/// Brings the plots up to date; the names written.
pub(crate) fn plots(
    setup: &Setup,
    dir: &RunDir,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Vec<&'static str>, TrainError> {
    let plot = match crate::plot::render(&setup.config.model, &progress.rows) {
        Ok(plot) => plot,
        Err(reason) => {
            // Training is worth more than its picture.
            observer.event(&Event::Notice(&format!("no plot: {reason}")));
            return Ok(vec![]);
        }
    };
    let mut written = vec![];
    for (name, bytes) in [("plot.svg", plot.svg.as_bytes()), ("plot.png", &plot.png)] {
        if dir.restore(name, bytes)? {
            written.push(name);
        }
    }
    Ok(written)
}

/// Brings the files of a finished run up to date, which a kill or a full disk
/// after its last checkpoint can prevent; tells which, and what is lost.
pub(crate) fn finish(
    setup: &Setup,
    dir: &RunDir,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<Summary, TrainError> {
    let mut written = setup.restore(dir)?;
    if dir.restore("metrics.csv", csv(&progress.rows).as_bytes())? {
        written.push("metrics.csv");
    }
    written.extend(plots(setup, dir, progress, observer)?);
    let summary = summary(setup, dir, progress);
    if dir.restore("summary.json", to_json(&summary)?.as_bytes())? {
        written.push("summary.json");
    }
    if restore_best(dir, progress, observer)? {
        written.push("best.safetensors");
    }
    let text = match written.is_empty() {
        true => "this run is finished; there is nothing to do".to_string(),
        false => format!("this run is finished; brought up to date: {}", written.join(", ")),
    };
    observer.event(&Event::Notice(&text));
    Ok(summary)
}

/// Makes a missing `best.safetensors` again where the last checkpoint is of
/// the best epoch, else tells that it is lost; whether it was made. A damaged
/// one is an error.
pub(crate) fn restore_best(
    dir: &RunDir,
    progress: &Progress,
    observer: &mut dyn Observer,
) -> Result<bool, TrainError> {
    let Some(&Row { epoch, .. }) = best(&progress.rows) else { return Ok(false) };
    if dir.best().exists() {
        return match Weights::load(&dir.best()) {
            Err(TrainError::Checkpoint { path, reason }) => {
                let reason = format!("{reason}; remove it to go on without");
                Err(TrainError::Checkpoint { path, reason })
            }
            found => found.map(|_| false),
        };
    }
    if epoch == progress.epoch && progress.step == 0 {
        let path = dir.last();
        let bytes = std::fs::read(&path).map_err(|source| TrainError::Read { path, source })?;
        dir.write("best.safetensors", &bytes)?;
        return Ok(true);
    }
    observer.event(&Event::Notice(&format!(
        "{} is missing and cannot be made again: it held the parameters after epoch {epoch}; {} \
         has those after epoch {} step {}",
        dir.best().display(),
        dir.last().display(),
        progress.epoch,
        progress.step
    )));
    Ok(false)
}
