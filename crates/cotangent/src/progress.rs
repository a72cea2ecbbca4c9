//! How a run is shown: a progress bar on a terminal, plain lines elsewhere.

use crate::output::{note, print};
use cotangent::data;
use cotangent::train::{Event, Observer, Position, Row, StepDone};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::{Duration, Instant};

/// Seconds between plain lines within an epoch.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// Renders the events of a run.
pub struct Renderer {
    /// `None` where standard error is not a terminal.
    bar: Option<ProgressBar>,
    quiet: bool,
    last_line: Instant,
}

impl Renderer {
    /// Draws to standard error if it is a terminal; says nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::IsTerminal::is_terminal(&std::io::stderr())).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            // The template is a constant; a bad one would show at once.
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Renderer { bar, quiet, last_line: Instant::now() }
    }

    /// Whether nothing is to be said.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of its own, above the bar if there is one.
    fn line(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(text),
            // What cannot be shown is lost; the run goes on.
            None => drop(print(&format!("{text}\n"))),
        }
    }

    fn step(&mut self, s: &StepDone) {
        let Position { epoch, epochs, step, steps } = s.position;
        let figures = format!(
            "loss {:.4}  accuracy {:.2} %  {:.0} images/s  lr {:.2e}  {} left",
            s.mean_loss,
            100.0 * s.accuracy,
            s.images_per_second,
            s.lr,
            human(s.eta),
        );
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(format!("epoch {epoch}/{epochs}"));
                bar.set_length(steps);
                bar.set_position(step);
                bar.set_message(figures);
            }
            None if !self.quiet && self.last_line.elapsed() >= PLAIN_INTERVAL => {
                self.last_line = Instant::now();
                self.line(&format!("epoch {epoch}/{epochs} step {step}/{steps}  {figures}"));
            }
            None => {}
        }
    }

    fn epoch(&mut self, row: &Row, best: bool) {
        self.last_line = Instant::now();
        self.line(&format!(
            "epoch {}  train loss {:.4} accuracy {:.2} %   test loss {:.4} accuracy {:.2} %{}   {:.0} images/s",
            row.epoch,
            row.train_loss,
            100.0 * row.train_accuracy,
            row.val_loss,
            100.0 * row.val_accuracy,
            if best { " (best)" } else { "" },
            row.images_per_second,
        ));
    }
}

impl Observer for Renderer {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::RunStarted {
                config,
                dir,
                params,
                train_examples,
                test_examples,
                position,
                ..
            } => {
                let at = match position.epoch {
                    1 if position.step == 0 => String::new(),
                    e => format!(", continuing at epoch {e} step {}", position.step),
                };
                self.line(&format!(
                    "{}: {params} parameters, {} on {} ({train_examples} train, {test_examples} test), \
                     batch {}, {} threads, run directory {}{at}",
                    config.model,
                    config.optimizer,
                    config.dataset,
                    config.batch,
                    config.threads,
                    dir.display(),
                ));
            }
            Event::StepDone(step) => self.step(step),
            Event::EvalStarted { .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_message("testing");
                }
            }
            Event::EpochDone { row, best } => self.epoch(row, *best),
            Event::Notice(text) => self.line(text),
            Event::Interrupted(_) | Event::Finished(_) => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            Event::CheckpointSaved { .. } => {}
        }
    }
}

fn human(d: Duration) -> String {
    let s = d.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}

/// Shows work that goes item by item: a bar on a terminal, else a line every
/// few seconds on standard error.
pub struct Items {
    what: &'static str,
    bar: ProgressBar,
    last_line: Instant,
}

impl Items {
    /// `what` is done to each item, such as "checking".
    pub fn new(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:24} {pos}/{len}") {
            bar.set_style(style);
        }
        Items { what, bar, last_line: Instant::now() }
    }

    /// Item `k` (from 0) of `of` is begun.
    pub fn item(&mut self, name: &str, k: usize, of: usize) {
        let text = format!("{} {name}", self.what);
        if self.bar.is_hidden() && self.last_line.elapsed() >= PLAIN_INTERVAL {
            self.last_line = Instant::now();
            note(&format!("{text} ({} of {of})", k + 1));
        }
        self.bar.set_length(of as u64);
        self.bar.set_position(k as u64);
        self.bar.set_message(text);
    }

    /// All are done.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Shows downloads.
pub struct Download {
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl Download {
    /// Says nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Download { quiet, bar: None }
    }
}

impl data::Progress for Download {
    fn start(&mut self, file: &str, bytes: u64) {
        if self.quiet {
            return;
        }
        // Hidden by indicatif itself where standard error is not a terminal.
        let bar = ProgressBar::new(bytes);
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec}")
        {
            bar.set_style(style);
        }
        bar.set_message(file.to_string());
        if bar.is_hidden() {
            note(&format!("downloading {file} ({bytes} bytes)"));
        }
        self.bar = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
