//! The figures of a run: `metrics.csv` and `summary.json`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// First line of `metrics.csv`.
pub const HEADER: &str =
    "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,images_per_second";

/// One epoch: a line of `metrics.csv`. Accuracies are fractions, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Epoch, from 1.
    pub epoch: u64,
    /// Steps since the beginning of the run.
    pub step: u64,
    /// Learning rate of the epoch's last step.
    pub lr: f32,
    /// Mean training loss, each batch measured just before its update.
    pub train_loss: f64,
    /// Training accuracy, measured likewise.
    pub train_accuracy: f64,
    /// Mean loss over the test split after the epoch; NaN if it was not
    /// measured.
    pub val_loss: f64,
    /// Accuracy on the test split after the epoch; NaN if it was not measured.
    pub val_accuracy: f64,
    /// Training images per second, evaluation left out.
    pub images_per_second: f64,
}

impl fmt::Display for Row {
    /// The CSV line. Numbers print in full: reading them back gives equal ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { epoch, step, lr, train_loss, train_accuracy, val_loss, val_accuracy, .. } = self;
        write!(
            f,
            "{epoch},{step},{lr},{train_loss},{train_accuracy},{val_loss},{val_accuracy},{:.1}",
            self.images_per_second
        )
    }
}

impl FromStr for Row {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        fn next<T: FromStr>(fields: &mut std::str::Split<'_, char>) -> Option<T> {
            fields.next()?.parse().ok()
        }
        let fields = &mut line.split(',');
        let row = (|| {
            Some(Row {
                epoch: next(fields)?,
                step: next(fields)?,
                lr: next(fields)?,
                train_loss: next(fields)?,
                train_accuracy: next(fields)?,
                val_loss: next(fields)?,
                val_accuracy: next(fields)?,
                images_per_second: next(fields)?,
            })
        })();
        row.filter(|_| fields.next().is_none())
            .ok_or_else(|| format!("`{line}` is not a line of `{HEADER}`"))
    }
}

/// The text of `metrics.csv`.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        text.push_str(&format!("{row}\n"));
    }
    text
}

/// The rows of a text that [`csv`] wrote.
pub(crate) fn parse_csv(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines();
    match lines.next() {
        Some(HEADER) => lines.map(str::parse).collect(),
        found => Err(format!("found the header `{}`, expected `{HEADER}`", found.unwrap_or(""))),
    }
}

/// The epoch whose parameters are the ones to keep: of the highest accuracy;
/// of those, of the lowest loss; of those, the first.
pub(crate) fn best(rows: &[Row]) -> Option<&Row> {
    rows.iter().reduce(|best, row| {
        let (accuracy, before) = (row.val_accuracy, best.val_accuracy);
        let better = accuracy > before || (accuracy == before && row.val_loss < best.val_loss);
        if better { row } else { best }
    })
}

/// A finished run: `summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The network's name.
    pub model: String,
    /// Epochs.
    pub epochs: u64,
    /// Steps.
    pub steps: u64,
    /// Best accuracy on the test split after any epoch.
    pub best_val_accuracy: f64,
    /// Accuracy on the test split after the last epoch.
    pub val_accuracy: f64,
    /// Loss on the test split after the last epoch.
    pub val_loss: f64,
    /// Wall time of the run, over all its sessions.
    pub seconds: f64,
    /// The run directory.
    pub run_dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row {
        epoch: 1,
        step: 469,
        lr: 0.1,
        train_loss: 1.0 / 3.0,
        train_accuracy: 0.5,
        val_loss: 1e-9,
        val_accuracy: 1.0,
        images_per_second: 1234.5,
    };

    #[test]
    fn the_best_epoch_is_the_most_accurate_then_that_of_the_lowest_loss_then_the_first() {
        let best_of = |figures: &[(f64, f64)]| {
            let row = |&(val_accuracy, val_loss)| Row { val_accuracy, val_loss, ..ROW };
            let rows: Vec<Row> = figures.iter().map(row).collect();
            best(&rows).map(|b| rows.iter().position(|r| std::ptr::eq(r, b)).unwrap())
        };
        assert_eq!(best_of(&[]), None);
        assert_eq!(best_of(&[(0.5, 1.0), (0.6, 2.0), (0.4, 0.1)]), Some(1));
        assert_eq!(best_of(&[(0.5, 1.0), (0.5, 0.9), (0.5, 0.9)]), Some(1));
    }

    #[test]
    fn rows_read_back_and_damage_is_refused() {
        let row = ROW;
        let text = csv(&[row, row]);
        assert!(text.starts_with(
            "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,images_per_second\n\
             1,469,0.1,0.3333333333333333,0.5,0.000000001,1,1234.5\n"
        ));
        assert_eq!(parse_csv(&text).unwrap(), [row, row]);
        assert!(parse_csv("").is_err());
        assert!(parse_csv(&text[1..]).is_err());
        assert!(parse_csv(&format!("{HEADER}\n1,2,3\n")).is_err());
        assert!(parse_csv(&format!("{HEADER}\n1,2,3,4,5,6,7,8,9\n")).is_err());
    }
}
