//! Ctrl-C and termination signals.

use crate::output::note;
use miette::{Result, miette};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an interrupted process ends with: 128 + SIGINT.
const STATUS: u8 = 130;

static STOP: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C (and a termination signal) sets the flag, and tells what `then`
/// says; a second one ends the process at once.
///
/// # Errors
/// Signals cannot be listened to.
pub fn stop_on_interrupt(then: Option<&'static str>) -> Result<&'static AtomicBool> {
    ctrlc::set_handler(move || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(STATUS.into());
        }
        if let Some(then) = then {
            note(then);
        }
    })
    .map_err(|e| miette!("cannot listen for Ctrl-C: {e}"))?;
    Ok(&STOP)
}

/// What a command that did not do what it should ends with.
pub fn failure() -> ExitCode {
    match STOP.load(Ordering::Relaxed) {
        true => interrupted(),
        false => ExitCode::FAILURE,
    }
}

/// What a command that was asked to stop ends with.
pub fn interrupted() -> ExitCode {
    ExitCode::from(STATUS)
}
