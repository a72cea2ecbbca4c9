//! Running the command, and small data for it.

use cotangent::data::{Split, SyntheticConfig, synthetic};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The theories that `make -C proofs` compiles.
pub const THEORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proofs/theories");

/// The command with these arguments, in `dir`, never downloading.
pub fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cotangent"));
    command.args(args).current_dir(dir).env("COTANGENT_OFFLINE", "1").env_remove("COTANGENT_DATA");
    command.env("COTANGENT_PROOFS", THEORIES);
    command
}

/// What the command prints and how it ends.
pub fn run(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

/// Standard output of a command that must succeed.
pub fn ok(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that must fail, on one line without the
/// frame drawn around it.
pub fn fails(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{args:?} succeeded");
    assert!(!text.contains("panicked"), "{text}");
    let words = text.split_whitespace().filter(|w| !matches!(*w, "│" | "×"));
    words.collect::<Vec<_>>().join(" ")
}

/// A directory with IDX files of few digits under `data/`.
pub fn with_data() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let digits = synthetic(&SyntheticConfig { train: 640, test: 100, seed: 0 });
    write_split(&data, "train", digits.train());
    write_split(&data, "t10k", digits.test());
    dir
}

fn write_split(dir: &Path, prefix: &str, split: &Split) {
    let n = (split.len() as u32).to_be_bytes();
    let side = 28u32.to_be_bytes();
    let images = [&[0, 0, 8, 3], &n[..], &side, &side, split.images()].concat();
    let classes: Vec<u8> = split.labels().iter().map(|&l| l as u8).collect();
    let labels = [&[0, 0, 8, 1], &n[..], &classes].concat();
    std::fs::write(dir.join(format!("{prefix}-images-idx3-ubyte")), images).unwrap();
    std::fs::write(dir.join(format!("{prefix}-labels-idx1-ubyte")), labels).unwrap();
}
