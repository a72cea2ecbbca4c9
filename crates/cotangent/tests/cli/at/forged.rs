//! What a certificate at a point says of itself, which `check.sh` does not listen to.

use super::Own;
use crate::common::THEORIES;
use std::fs;
use std::process::{Command, Output};

const NET: &str = r#"
name = "plain"
input = [28, 28, 1]
layers = [
  { kind = "flatten" }, { kind = "dense", features = 2, name = "see" }, { kind = "relu", name = "bend" },
  { kind = "dense", features = 10, name = "last" },
]
"#;

#[test]
fn a_step_that_only_the_point_prints_is_refused() {
    let net = Own::new(NET).with(&["--out", "c"]);
    net.certified(&[
        ("see.weight", &[784, 2], vec![0.0; 1568]),
        ("see.bias", &[2], vec![1.0, -1.0]),
        ("last.weight", &[2, 10], vec![0.0; 20]),
        ("last.bias", &[10], vec![0.0; 10]),
    ]);
    let certificate = net.dir.path().join("c");
    let check = || -> Output {
        let mut command = Command::new("sh");
        command.arg("check.sh").current_dir(&certificate).env("THEORIES", THEORIES);
        command.output().unwrap()
    };
    let output = check();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("certified_at") && said.contains("certified: step.mlir"), "{said}");
    // Another step, which files of the point print where the certificate's own would be.
    let file = certificate.join("step.mlir");
    let step = fs::read_to_string(&file).unwrap();
    let forged = step.replacen("module @train", "module @forged", 1);
    assert!(forged != step);
    fs::write(&file, &forged).unwrap();
    let quoted = forged.replace('"', "\"\"");
    for (k, name) in ["Point1.v", "Point.v", "At.v"].into_iter().enumerate() {
        let place = certificate.join(name);
        let honest = fs::read_to_string(&place).unwrap();
        let print = format!(
            "\nFrom Coq Require Import String.\n\
             Definition forged{k} : string := \"{quoted}\"%string.\n\
             Set Printing Depth 10000000.\n\
             Redirect \"step\" Eval cbv delta [forged{k}] in forged{k}.\n"
        );
        fs::write(&place, honest + &print).unwrap();
    }
    let output = check();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("differ"), "{said}");
}
