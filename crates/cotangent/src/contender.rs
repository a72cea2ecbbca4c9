//! A process that times train steps on demand.
//!
//! It says `ready {…}`; answers `block N` with a JSON list of N times in
//! milliseconds, and `quit` with `{"peak_bytes": …}`.

use cotangent::net::Network;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::NamedTempFile;

/// A contender and the pipes to it.
pub struct Contender {
    /// `native`, `torch`, `jax`.
    pub backend: String,
    /// The setting it found best; empty if it has one only.
    pub variant: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The specification it reads; deleted with the contender.
    _spec: NamedTempFile,
}

impl Contender {
    /// This program's own executor.
    pub fn native(net: &Network, batch: usize, threads: usize, optimizer: &str) -> Result<Self> {
        let spec = temporary(".toml", &net.spec().to_toml())?;
        let program = std::env::current_exe().into_diagnostic()?;
        let mut command = Command::new(program);
        command.arg("bench-worker").arg(spec.path());
        Self::start("native", command, spec, batch, threads, optimizer)
    }

    /// PyTorch or JAX, from `./.venv-peers`.
    pub fn peer(
        framework: &str,
        net: &Network,
        batch: usize,
        threads: usize,
        optimizer: &str,
    ) -> Result<Self> {
        let python = Path::new(".venv-peers/bin/python");
        if !python.exists() || !Path::new("oracle/peers").exists() {
            return Err(miette!(
                help = "in the project's folder, run: bash scripts/setup-python.sh peers",
                "{framework} is not installed in ./.venv-peers"
            ));
        }
        let json = net.to_json().to_string();
        let spec = temporary(".json", &json)?;
        let mut command = Command::new(python);
        command.args(["-m", "oracle.peers", framework, "--spec"]).arg(spec.path());
        Self::start(framework, command, spec, batch, threads, optimizer)
    }

    fn start(
        backend: &str,
        mut command: Command,
        spec: NamedTempFile,
        batch: usize,
        threads: usize,
        optimizer: &str,
    ) -> Result<Self> {
        command
            .args(["--batch", &batch.to_string(), "--threads", &threads.to_string()])
            .args(["--optimizer", optimizer])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let failed = || format!("cannot start {backend}");
        let mut child = command.spawn().into_diagnostic().wrap_err_with(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(miette!("{}", failed()));
        };
        let mut contender = Contender {
            backend: backend.into(),
            variant: String::new(),
            child,
            stdin,
            stdout: BufReader::new(stdout),
            _spec: spec,
        };
        let line = contender.line()?;
        let about = line
            .strip_prefix("ready")
            .ok_or_else(|| miette!("{backend} said `{line}`, expected `ready`"))?;
        let about: serde_json::Value = serde_json::from_str(about).unwrap_or_default();
        contender.variant = about["variant"].as_str().unwrap_or_default().to_string();
        Ok(contender)
    }

    /// Runs `steps` steps; their times in milliseconds.
    pub fn block(&mut self, steps: u32) -> Result<Vec<f64>> {
        self.say(&format!("block {steps}"))?;
        let line = self.line()?;
        let times: Vec<f64> = serde_json::from_str(&line)
            .map_err(|_| miette!("{} said `{line}`, expected a list of times", self.backend))?;
        if times.len() != steps as usize || !times.iter().all(|t| t.is_finite() && *t > 0.0) {
            return Err(miette!("{} said `{line}`, expected {steps} positive times", self.backend));
        }
        Ok(times)
    }

    /// Ends the process; its peak memory in bytes.
    pub fn quit(mut self) -> Result<u64> {
        self.say("quit")?;
        let line = self.line()?;
        let _ = self.child.wait();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        answer["peak_bytes"]
            .as_u64()
            .ok_or_else(|| miette!("{} said `{line}`, expected its peak memory", self.backend))
    }

    fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.stdin, "{line}")
            .and_then(|()| self.stdin.flush())
            .map_err(|e| miette!("{} went away: {e}", self.backend))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line) {
            Ok(0) => Err(miette!("{} ended early; its own message is above", self.backend)),
            Ok(_) => Ok(line.trim_end().to_string()),
            Err(e) => Err(miette!("{} cannot be read: {e}", self.backend)),
        }
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // Already gone after `quit`; after an error nobody else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn temporary(suffix: &str, text: &str) -> Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().into_diagnostic()?;
    file.write_all(text.as_bytes()).into_diagnostic()?;
    file.flush().into_diagnostic()?;
    Ok(file)
}
