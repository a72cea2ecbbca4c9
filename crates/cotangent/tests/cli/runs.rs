//! Run directories and what is used with them: who may write one, what moves,
//! what goes missing, and which weights and data belong to a net.

use crate::common::{command, fails, ok, run, with_data};
use crate::training::SHORT;
use cotangent::train::Config;
use std::time::{Duration, Instant};

#[test]
fn runs_begun_at_once_have_a_directory_each() {
    let dir = with_data();
    let d = dir.path();
    let args = ["train", "mnist-linear", "--data", "data", "--epochs", "1", "--batch", "64"];
    let begin = |seed: u32| {
        let mut command = command(d, &args);
        command.args(["--threads", "1", "--quiet", "--seed", &seed.to_string()]);
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(begin).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut seeds: Vec<u64> = (1..=4)
        .map(|n| Config::load(&d.join(format!("runs/mnist-linear-{n}"))).unwrap().seed)
        .collect();
    seeds.sort();
    assert_eq!(seeds, [0, 1, 2, 3]);
}

#[test]
fn a_run_in_use_is_left_alone_and_a_killed_one_is_free() {
    let dir = with_data();
    let d = dir.path();
    let args = ["train", "mnist-mlp", "--data", "data", "--epochs", "100000", "--run-dir", "r"];
    let mut child = command(d, &args).stdout(std::process::Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !d.join("r/config.toml").exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no run");
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = fails(d, &["train", "--resume", "r"]);
    assert!(error.contains(&format!("in use by process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = command(d, &["train", "--resume", "r", "--quiet"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let int = ["-INT", &child.id().to_string()];
    assert!(std::process::Command::new("kill").args(int).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(d.join("r/last.safetensors").exists() && !d.join("r/.cotangent.lock").exists());
}

#[test]
fn a_directory_made_for_a_run_that_cannot_begin_is_gone() {
    let dir = with_data();
    let d = dir.path();
    fails(d, &["train", "mnist-mlp", "--data", "data", "--batch", "100000"]);
    assert!(!d.join("runs/mnist-mlp-1").exists());
    // A user's directory stays, and what is in it.
    std::fs::create_dir(d.join("mine")).unwrap();
    std::fs::write(d.join("mine/best.safetensors"), "precious").unwrap();
    // Before the data are looked at.
    let error = fails(d, &["train", "mnist-mlp", "--data", "none", "--run-dir", "mine"]);
    assert!(error.contains("mine is not empty: it holds best.safetensors"), "{error}");
    assert_eq!(std::fs::read(d.join("mine/best.safetensors")).unwrap(), b"precious");
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"bad\xff".to_vec());
    let mut bad = command(d, &["train", "mnist-mlp", "--data", "data", "--run-dir"]);
    let output = bad.arg(&name).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("UTF-8"), "{error}");
    assert!(!d.join(&name).exists());
}

#[test]
fn a_folder_that_is_no_text_is_told_before_training() {
    let dir = with_data();
    let odd: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"odd\xff".to_vec());
    let odd = dir.path().join(odd);
    std::fs::create_dir(&odd).unwrap();
    std::fs::rename(dir.path().join("data"), odd.join("data")).unwrap();
    let error = fails(&odd, &SHORT);
    assert!(error.contains("--data data") && error.contains("UTF-8"), "{error}");
    assert!(!odd.join("runs").exists());
}

#[test]
fn a_run_goes_on_after_its_data_moved() {
    let dir = with_data();
    let d = dir.path();
    let stop_at_once = |args: &[&str]| {
        let mut child = command(d, args).stdout(std::process::Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while !d.join("r/last.safetensors").exists() {
            assert!(started.elapsed() < Duration::from_secs(60), "no checkpoint");
            std::thread::sleep(Duration::from_millis(1));
        }
        let int = ["-INT", &child.id().to_string()];
        assert!(std::process::Command::new("kill").args(int).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
    };
    let begin = |epochs| {
        [
            "train",
            "mnist-linear",
            "--data",
            "data",
            "--batch",
            "8",
            "--epochs",
            epochs,
            "--run-dir",
            "r",
        ]
    };
    stop_at_once(&begin("100"));
    std::fs::rename(d.join("data"), d.join("moved")).unwrap();
    let error = fails(d, &["train", "--resume", "r"]);
    assert!(error.contains("train --resume r --data DIR"), "{error}");
    let error = fails(d, &["train", "--resume", "r", "--data", "synthetic"]);
    assert!(error.contains("sha256"), "{error}");
    ok(d, &["train", "--resume", "r", "--data", "moved", "--quiet"]);
    // It is remembered.
    ok(d, &["train", "--resume", "r"]);

    // What `auto` came to be is kept: here it would be the files by now.
    std::fs::remove_dir_all(d.join("r")).unwrap();
    let args = ["train", "mnist-linear", "--epochs", "2", "--run-dir", "r"];
    stop_at_once(&args);
    std::fs::rename(d.join("moved"), d.join("data")).unwrap();
    ok(d, &["train", "--resume", "r"]);
}

#[test]
fn weights_of_a_net_with_equal_shapes_are_refused() {
    let dir = with_data();
    let d = dir.path();
    let toml = ok(d, &["show", "mnist-mlp", "--format", "toml"]);
    ok(d, &SHORT);
    let eval = |spec: &str, weights: &str| {
        std::fs::write(d.join("net.toml"), spec).unwrap();
        command(d, &["eval", "net.toml", "--weights", weights, "--data", "data"]).output().unwrap()
    };
    let best = "runs/a/best.safetensors";
    assert!(eval(&toml.replace("mnist-mlp", "mine"), best).status.success());
    let output = eval(&toml.replacen("relu", "flatten", 1), best);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{error}");
    assert!(error.contains("relu") && error.contains("flatten"), "{error}");

    // A file from elsewhere says no more than names and shapes; that is told.
    let net = cotangent::net::NetSpec::from_toml(&toml).unwrap().network().unwrap();
    let bytes: Vec<(_, _, Vec<u8>)> = net
        .params()
        .iter()
        .zip(cotangent::net::initialize(&net, 0))
        .map(|(p, v)| {
            (p.name.clone(), p.shape.clone(), v.iter().flat_map(|x| x.to_le_bytes()).collect())
        })
        .collect();
    let mut header = serde_json::Map::new();
    let mut at = 0;
    for (name, shape, data) in &bytes {
        let entry = serde_json::json!({
            "dtype": "F32", "shape": shape, "data_offsets": [at, at + data.len()]
        });
        at += data.len();
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    let header_len = header.len();
    let data = bytes.iter().flat_map(|b| &b.2).copied();
    let file: Vec<u8> =
        (header.len() as u64).to_le_bytes().into_iter().chain(header).chain(data).collect();
    std::fs::write(d.join("else.safetensors"), &file).unwrap();
    let output = eval(&toml, "else.safetensors");
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{note}");
    assert!(note.contains("else.safetensors does not say which net it is of"), "{note}");
    // One that is not a number in the last tensor.
    let broken = [&file[..file.len() - 4], &f32::NAN.to_le_bytes()].concat();
    std::fs::write(d.join("else.safetensors"), broken).unwrap();
    let args = ["eval", "net.toml", "--weights", "else.safetensors", "--data", "data"];
    let error = fails(d, &args);
    assert!(error.contains("tensor `dense_3.bias` is NaN at [9], expected finite"), "{error}");
    // Finite weights, of which the net makes numbers that are not.
    let huge: Vec<u8> = file[..8 + header_len]
        .iter()
        .copied()
        .chain(1e38f32.to_le_bytes().into_iter().cycle().take(file.len() - 8 - header_len))
        .collect();
    std::fs::write(d.join("else.safetensors"), huge).unwrap();
    let error = fails(d, &args);
    assert!(error.contains("else.safetensors") && error.contains("too large"), "{error}");
    let error = fails(d, &[&["predict"], &args[1..]].concat());
    assert!(error.contains("else.safetensors") && error.contains("too large"), "{error}");
}

#[test]
fn image_files_need_no_data() {
    let dir = with_data();
    let d = dir.path();
    ok(d, &SHORT);
    image::GrayImage::new(28, 28).save(d.join("digit.png")).unwrap();
    std::fs::remove_dir_all(d.join("data")).unwrap();
    let args = ["predict", "mnist-mlp", "digit.png", "--weights", "runs/a/best.safetensors"];
    let output = run(d, &[&args[..], &["--data", "nowhere"]].concat());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_net_decides_how_many_classes_there_are() {
    let dir = with_data();
    let d = dir.path();
    // The last of the training labels is of a 27th class.
    let path = d.join("data/train-labels-idx1-ubyte");
    let mut labels = std::fs::read(&path).unwrap();
    *labels.last_mut().unwrap() = 26;
    std::fs::write(&path, labels).unwrap();
    let error = fails(d, &SHORT);
    assert!(error.contains("training example 639 is 26, expected 0 to 9"), "{error}");
    assert!(error.contains("--classes 27"), "{error}");
    let more = |n| [&SHORT[..], &["--classes", n]].concat();
    assert!(fails(d, &more("26")).contains("expected 0 to 25"));
    ok(d, &more("27"));
    let weights = ["--weights", "runs/a/best.safetensors", "--data", "data", "--classes", "27"];
    ok(d, &[&["eval", "mnist-mlp"][..], &weights].concat());
    ok(d, &["train", "--resume", "runs/a"]);
}

#[test]
fn a_finished_run_names_only_what_is_there() {
    let dir = with_data();
    let d = dir.path();
    ok(d, &SHORT);
    for name in ["plot.svg", "summary.json"] {
        std::fs::remove_file(d.join("runs/a").join(name)).unwrap();
    }
    let text = ok(d, &["train", "--resume", "runs/a"]);
    assert!(text.contains("brought up to date: plot.svg, summary.json"), "{text}");
    assert!(text.contains("curves runs/a/plot.svg") && d.join("runs/a/plot.svg").exists());
}
