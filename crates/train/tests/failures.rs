//! Runs that cannot go on, and files of other networks.

mod support;

use cotangent_net::{NetSpec, initialize};
use cotangent_step::Optimizer;
use cotangent_train::{
    Backend, Config, Execution, Outcome, RunDir, Schedule, Silent, TrainError, Weights, evaluate,
    predict, resume,
};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use support::{config, digits, small_net, tensors, train_quietly, train_stopped};

/// A constant rate at which this optimiser blows up within a few steps: its
/// decay factor `1 - lr·λ` is -9, so the parameters grow ninefold per step.
fn diverging() -> Config {
    Config { lr: 10.0, schedule: Schedule::Constant, ..config("sgd(weight_decay=1)") }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let error = train_quietly(&diverging(), dir.path()).unwrap_err();
    let TrainError::Diverged { epoch, step, lr, ref checkpoint, .. } = error else {
        panic!("{error}")
    };
    let text = error.to_string();
    for part in
        [format!("step {step} of epoch {epoch}"), "rate 1e1".into(), "--lr such as 1e0".into()]
    {
        assert!(text.contains(&part), "{part}: {text}");
    }
    assert_eq!(lr, 10.0);
    assert_eq!(checkpoint.is_some(), dir.path().join("last.safetensors").exists());
    let csv = fs::read_to_string(dir.path().join("metrics.csv")).unwrap();
    let last = csv.lines().last().unwrap();
    let steps = (epoch - 1) * 10 + step;
    assert!(last.starts_with(&format!("{epoch},{steps},10,")), "{last}");
    assert!(last.contains("NaN"), "{last}");
}

#[test]
fn divergence_keeps_the_last_good_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    // Slow enough to end an epoch, too fast to end the run: the decay factor is
    // -1.2.
    let optimizer = "sgd(weight_decay=220)".to_string();
    let config = Config { lr: 0.01, epochs: 100, optimizer, ..diverging() };
    let error = train_quietly(&config, dir.path()).unwrap_err();
    let TrainError::Diverged { epoch, checkpoint: Some(path), .. } = &error else {
        panic!("{error}")
    };
    assert!(*epoch > 1, "{error}");
    assert_eq!(*path, RunDir::open(dir.path()).last());
    assert!(error.to_string().contains("The last good checkpoint is"), "{error}");
    for (name, _, bytes) in tensors(path) {
        let finite = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap()).is_finite();
        assert!(bytes.chunks_exact(4).all(finite), "{name}");
    }
    // It is the end of the epoch before, and continuing from it fails alike.
    let csv = || fs::read_to_string(dir.path().join("metrics.csv")).unwrap();
    let first = csv();
    assert_eq!(first.lines().count() as u64, epoch + 1);
    let before = fs::read(path).unwrap();
    let again = resume(dir.path(), &digits(), &AtomicBool::new(false), &mut Silent).unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(csv(), first);
    assert_eq!(fs::read(path).unwrap(), before);
}

/// Interrupted right after the update that broke the parameters, a run must
/// not save them.
#[test]
fn broken_parameters_are_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let TrainError::Diverged { epoch, step, .. } =
        train_quietly(&diverging(), &dir.path().join("probe")).unwrap_err()
    else {
        panic!("did not diverge")
    };
    let good = ((epoch - 1) * 10 + step - 1) as usize;
    for n in 1..=good {
        let run = RunDir::open(&dir.path().join(format!("stop{n}")));
        let outcome = train_stopped(&diverging(), run.path(), n);
        match outcome {
            Ok(_) => drop(Weights::load(&run.last()).unwrap()),
            Err(error) => assert!(matches!(error, TrainError::Diverged { .. }), "{error}"),
        }
        if run.last().exists() {
            for (name, _, bytes) in tensors(&run.last()) {
                let finite = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap()).is_finite();
                assert!(bytes.chunks_exact(4).all(finite), "stopped after {n}: {name}");
            }
        }
    }
}

#[test]
fn run_directories_that_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    for path in [file.clone(), file.join("run")] {
        let error = train_quietly(&config("sgd"), &path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains("--run-dir"), "{error}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let none = dir.path().join("none");
    let error = resume(&none, &digits(), &AtomicBool::new(false), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("none/config.toml is missing"), "{error}");
    assert!(!none.exists());
}

const LIMITED_RUN: &str = "COTANGENT_TEST_LIMITED_RUN";

/// What the process started by [`limited`] does: it begins or resumes the run
/// in `dir` and leaves the error it met beside it.
fn in_limited_process(dir: &str) {
    let run = RunDir::open(Path::new(dir));
    let result = match run.config().exists() {
        true => resume(run.path(), &digits(), &AtomicBool::new(false), &mut Silent),
        false => train_quietly(&config("adamw"), run.path()),
    };
    fs::write(format!("{dir}.error"), result.unwrap_err().to_string()).unwrap();
}

/// Runs this test again in a process whose files are limited to `blocks` of 512 bytes and gives
/// the error it met.
fn limited(run: &RunDir, blocks: usize) -> String {
    // With SIGXFSZ ignored a write beyond the limit is an error, as on a full
    // disk, instead of a signal.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "a_full_disk_leaves_nothing_half_written"])
        .env(LIMITED_RUN, run.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let path = format!("{}.error", run.path().display());
    let error = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    error
}

/// Every file of a run directory and its bytes; none may be temporary.
fn files(run: &RunDir) -> HashMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        assert!(!name.ends_with(".tmp"), "{name} was left behind");
        (name, fs::read(path).unwrap())
    };
    fs::read_dir(run.path()).unwrap().map(read).collect()
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    if let Ok(dir) = std::env::var(LIMITED_RUN) {
        return in_limited_process(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let whole = RunDir::open(&dir.path().join("whole"));
    train_quietly(&config("adamw"), whole.path()).unwrap();
    let whole = files(&whole);

    // Too full for the step: there is no run, and the same command works once
    // there is room.
    let run = RunDir::open(&dir.path().join("early"));
    let error = limited(&run, whole["step.mlir"].len() / 512 - 1);
    assert!(error.contains("early/step.mlir") && error.contains("free some space"), "{error}");
    assert!(!files(&run).contains_key("step.mlir"));
    train_quietly(&config("adamw"), run.path()).unwrap();

    // Too full for a checkpoint.
    let run = RunDir::open(&dir.path().join("late"));
    assert!(whole["last.safetensors"].len() > whole["step.mlir"].len() + 2048, "no room between");
    let blocks = whole["last.safetensors"].len() / 512 - 1;
    let error = limited(&run, blocks);
    assert!(error.contains("late/best.safetensors"), "{error}");
    let written = files(&run);
    assert!(!written.contains_key("best.safetensors") && !written.contains_key("last.safetensors"));
    assert_eq!(written["step.mlir"], whole["step.mlir"]);

    // Full later: the checkpoint before stays, and the run goes on once there
    // is room.
    let run = RunDir::open(&dir.path().join("resumed"));
    train_stopped(&config("adamw"), run.path(), 13).unwrap();
    let before = files(&run);
    let error = limited(&run, blocks);
    assert!(error.contains(".safetensors: ") && error.contains("free some space"), "{error}");
    let after = files(&run);
    for name in ["last.safetensors", "best.safetensors", "step.mlir", "config.toml"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    let outcome = resume(run.path(), &digits(), &AtomicBool::new(false), &mut Silent).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
    let last = |run: &RunDir| tensors(&run.last());
    assert_eq!(last(&run), last(&RunDir::open(&dir.path().join("whole"))));
}

/// A safetensors file without metadata.
fn plain(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)], dtype: Dtype) {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.2.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), b)| {
        (name.as_str(), TensorView::new(dtype, shape.clone(), b).unwrap())
    });
    fs::write(path, serialize(views, None).unwrap()).unwrap();
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let net = small_net();
    let execution = Execution { backend: Backend::Native, threads: 1 };
    let params = initialize(&net, 1);
    let whole: Vec<_> = net
        .params()
        .iter()
        .zip(params)
        .map(|(p, v)| (p.name.clone(), p.shape.clone(), v))
        .collect();
    let evaluated = || {
        let weights = Weights::load(&path)?;
        evaluate(&net, &weights, &digits(), 32, execution)
    };
    plain(&path, &whole, Dtype::F32);
    assert_eq!(evaluated().unwrap().n, 50);

    let refused = |tensors: &[_], parts: &[&str]| {
        plain(&path, tensors, Dtype::F32);
        let error = evaluated().unwrap_err().to_string();
        for part in [&["w.safetensors", "`small`"], parts].concat() {
            assert!(error.contains(part), "{part}: {error}");
        }
    };
    refused(&whole[1..], &["`conv2d_1.weight`", "found none", "expected [3, 3, 1, 4]"]);
    let mut reshaped = whole.clone();
    reshaped[2].1.reverse();
    refused(&reshaped, &["`dense_1.weight`", "found [16, 196]", "expected [196, 16]"]);
    let extra = [&whole[..], &[("head".to_string(), vec![2], vec![0.0; 2])]].concat();
    refused(&extra, &["`head`", "found [2]", "expected no such tensor"]);

    plain(&path, &whole, Dtype::I32);
    assert!(evaluated().unwrap_err().to_string().contains("expected F32"));
    let bytes = fs::read(&path).unwrap();
    for len in (0..bytes.len()).step_by(97) {
        fs::write(&path, &bytes[..len]).unwrap();
        assert!(evaluated().is_err(), "{len}");
    }
    fs::remove_file(&path).unwrap();
    assert!(evaluated().unwrap_err().to_string().contains("cannot read"));
}

#[test]
fn a_checkpoint_of_another_network_names_it() {
    let dir = tempfile::tempdir().unwrap();
    train_quietly(&Config { epochs: 1, ..config("adamw") }, dir.path()).unwrap();
    let weights = Weights::load(&RunDir::open(dir.path()).last()).unwrap();
    let optimizer: Optimizer = "adamw".parse().unwrap();
    assert!(weights.spec().unwrap().contains("conv2d"));
    assert_eq!(weights.params(&small_net()).unwrap().len(), small_net().params().len());
    assert!(!optimizer.state(&small_net()).is_empty());

    let other = NetSpec::new("other", [28, 28, 1]).flatten().dense(10).network().unwrap();
    let execution = Execution { backend: Backend::Native, threads: 1 };
    let error = predict(&other, &weights, &[0.0; 784], execution).unwrap_err().to_string();
    for part in ["`other`", "of the network `small`", "`dense_1.weight`", "[196, 16]", "[784, 10]"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    // A network that the file's network contains is not the file's.
    let mut spec = small_net().spec().clone();
    spec.layers.truncate(5);
    let error = weights.params(&spec.network().unwrap()).unwrap_err().to_string();
    assert!(error.contains("no such tensor"), "{error}");
}

/// The last dense layer of all, which makes no classes here, stays what it is.
#[test]
fn a_network_that_ends_in_branches_takes_its_own_weights() {
    let text = "name = \"cat\"\ninput = [784]\nlayers = [
      { kind = \"dense\", features = 12 }, { kind = \"relu\" }, { kind = \"concat\", branches = [
        [{ kind = \"dense\", features = 4 }], [{ kind = \"dense\", features = 6 }]] } ]\n";
    let net = NetSpec::from_toml(text).unwrap().network().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let config = Config::new(&net, &"sgd".parse().unwrap(), "synthetic");
    train_quietly(&Config { batch: 32, epochs: 1, threads: 1, ..config }, &path).unwrap();
    let weights = Weights::load(&RunDir::open(&path).best()).unwrap();
    assert_eq!(weights.params(&net).unwrap().len(), net.params().len());
}

#[test]
fn a_network_with_equal_shapes_is_still_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    train_quietly(&Config { epochs: 1, ..config("adamw") }, &path).unwrap();
    let weights = Weights::load(&RunDir::open(&path).best()).unwrap();
    let base = || NetSpec::new("small", [28, 28, 1]).conv2d(4, 3);
    let end = |spec: NetSpec| spec.flatten().dense(16).relu().dense(10).network().unwrap();
    for (net, found, expected) in [
        (
            end(base().relu().avg_pool(4)),
            "has `{ kind = \"max_pool\"",
            "has `{ kind = \"avg_pool\"",
        ),
        (end(base().max_pool(4)), "\"relu\"", "\"max_pool\""),
        (end(base().relu().max_pool(4).relu()), "\"flatten\"", "\"relu\""),
    ] {
        let error = weights.params(&net).unwrap_err().to_string();
        for part in ["best.safetensors", "`small`", found, expected, "config.toml"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    // The same network: under another name, with its defaults written out.
    let mut same = small_net().resolved();
    same.name = "mine".into();
    assert!(weights.params(&same.network().unwrap()).is_ok());
    assert!(weights.params(&end(base().relu().max_pool(4))).is_ok());
}

#[test]
fn weights_that_are_not_numbers_are_refused_by_index() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let net = small_net();
    let params = initialize(&net, 1);
    let mut tensors: Vec<_> = net
        .params()
        .iter()
        .zip(params)
        .map(|(p, v)| (p.name.clone(), p.shape.clone(), v))
        .collect();
    for (value, text) in [(f32::NAN, "NaN"), (f32::NEG_INFINITY, "-inf")] {
        tensors[2].2[3 * 16 + 5] = value;
        plain(&path, &tensors, Dtype::F32);
        let error = Weights::load(&path).unwrap_err().to_string();
        let part = format!("tensor `dense_1.weight` is {text} at [3, 5]");
        assert!(error.contains(&part) && error.contains("w.safetensors"), "{error}");
    }
}
