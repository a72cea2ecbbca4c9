//! A run that was stopped ends with the same bits as one that was not.

mod support;

use cotangent_train::{Config, Outcome, RunDir, Silent, resume, train};
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use support::{Recorder, config, digits, metrics, tensors, train_quietly, train_stopped};

/// Trains, stopped after each of `stops` further steps, then to the end.
fn train_with_stops(config: &Config, dir: &Path, stops: &[usize]) {
    let data = digits();
    for (k, &n) in stops.iter().enumerate() {
        let stop = AtomicBool::new(false);
        let mut recorder = Recorder::stopping_after(n, &stop);
        let outcome = match k {
            0 => train(config, &data, dir, &stop, &mut recorder),
            _ => resume(dir, &data, &stop, &mut recorder),
        };
        assert!(matches!(outcome, Ok(Outcome::Interrupted(_))), "{outcome:?}");
        assert_eq!(recorder.losses.len(), n);
        assert_eq!(recorder.events.last().unwrap(), "Interrupted");
    }
    let outcome = resume(dir, &data, &AtomicBool::new(false), &mut Silent).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)), "{outcome:?}");
}

#[test]
fn resuming_is_as_if_never_stopped() {
    // The groups of 3 run across the ends of the epochs of 10 steps.
    let features = "adamw clip(norm=1) ema(decay=0.9) accumulate(steps=3)";
    for optimizer in ["momentum", "adamw", "sgd(weight_decay=0.001)", features] {
        let dir = tempfile::tempdir().unwrap();
        let straight = dir.path().join("straight");
        let config = config(optimizer);
        train_quietly(&config, &straight).unwrap();
        let expected = tensors(&straight.join("last.safetensors"));
        // Mid-epoch; the last step of an epoch; several times; the last step
        // of the run.
        for stops in [&[3][..], &[10], &[1, 1, 20], &[30], &[17, 13]] {
            let stopped = dir.path().join(format!("stopped{stops:?}"));
            train_with_stops(&config, &stopped, stops);
            assert_eq!(tensors(&stopped.join("last.safetensors")), expected, "{stops:?}");
            let best = |dir: &Path| tensors(&dir.join("best.safetensors"));
            assert_eq!(best(&stopped), best(&straight), "{stops:?}");
            assert_eq!(metrics(&stopped), metrics(&straight), "{stops:?}");
        }
    }
}

#[test]
fn a_kill_between_checkpoint_and_metrics_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let (straight, killed) = (dir.path().join("straight"), dir.path().join("killed"));
    let config = config("adamw");
    train_quietly(&config, &straight).unwrap();
    // `last` from the middle of epoch 2, but the metrics of a later moment.
    train_stopped(&config, &killed, 15).unwrap();
    fs::copy(straight.join("metrics.csv"), killed.join("metrics.csv")).unwrap();
    fs::write(killed.join(".last.safetensors.tmp"), b"half").unwrap();
    resume(&killed, &digits(), &AtomicBool::new(false), &mut Silent).unwrap();
    assert_eq!(metrics(&killed), metrics(&straight));
    assert!(!killed.join(".last.safetensors.tmp").exists());
}

#[test]
fn a_kill_between_best_and_last_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    for epochs in [1, 3] {
        let config = Config { epochs, ..config("adamw") };
        let (straight, killed) = (dir.path().join("straight"), dir.path().join("killed"));
        train_quietly(&config, &straight).unwrap();
        // `best` is that of the first epoch, and alone.
        train_stopped(&config, &killed, 11).unwrap();
        let run = RunDir::open(&killed);
        for path in [run.last(), run.metrics(), run.summary()] {
            fs::remove_file(path).unwrap_or_default();
        }
        let stop = AtomicBool::new(false);
        let mut recorder = Recorder::new(&stop);
        resume(&killed, &digits(), &stop, &mut recorder).unwrap();
        assert_eq!(recorder.losses.len(), 10 * (epochs - 1));
        assert_eq!(tensors(&run.last()), tensors(&straight.join("last.safetensors")));
        assert_eq!(tensors(&run.best()), tensors(&straight.join("best.safetensors")));
        assert_eq!(metrics(&killed), metrics(&straight));
        assert!(epochs > 1 || run.summary().exists());
        fs::remove_dir_all(&straight).unwrap();
        fs::remove_dir_all(&killed).unwrap();
    }
}

/// A run stopped in its second epoch.
fn stopped(dir: &Path) -> RunDir {
    train_stopped(&config("momentum"), dir, 12).unwrap();
    RunDir::open(dir)
}

fn refusal(run: &RunDir) -> String {
    let before = fs::read(run.last()).unwrap_or_default();
    let error = resume(run.path(), &digits(), &AtomicBool::new(false), &mut Silent).unwrap_err();
    assert_eq!(fs::read(run.last()).unwrap_or_default(), before);
    error.to_string()
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn what_has_changed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = stopped(dir.path());
    let sha = |text: &[u8]| {
        use sha2::Digest;
        sha2::Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>()
    };

    let step = fs::read(run.step()).unwrap();
    let edited = [&step[..], b"\n"].concat();
    fs::write(run.step(), &edited).unwrap();
    let error = refusal(&run);
    assert!(error.contains(&sha(&step)) && error.contains(&sha(&edited)), "{error}");
    fs::write(run.step(), &step).unwrap();

    let config = fs::read(run.config()).unwrap();
    for (from, to, expected) in [
        ("batch = 32", "batch = 16", "what config.toml asks for has sha256"),
        ("seed = 5", "seed = 6", "found `seed = 6`, expected `seed = 5`"),
        ("threads = 2", "threads = 1", "`threads = 1`"),
        ("features = 16", "features = 15", "found [784"),
        ("momentum(momentum=0.9", "momentum(momentum=0.8", "sha256"),
        ("format = 2", "format = 7", "format 7, expected 2"),
        ("epochs = 3", "epochs = 0", "epochs"),
        ("mean = [", "mean = [1", "found `mean = [1"),
        ("model = \"", "model = \"x", "found `model = \"x"),
    ] {
        edit(&run.config(), from, to);
        let error = refusal(&run);
        match expected {
            "found [784" => assert!(error.contains("tensor `dense_1.weight`"), "{error}"),
            expected => assert!(error.contains(expected), "{error}"),
        }
        fs::write(run.config(), &config).unwrap();
    }

    let best = fs::read(run.best()).unwrap();
    for damaged in [&best[..best.len() / 2], &[&best[..best.len() - 1], b"x"].concat()] {
        fs::write(run.best(), damaged).unwrap();
        let error = refusal(&run);
        assert!(error.contains("best.safetensors") && error.contains("remove it"), "{error}");
    }
    fs::write(run.best(), &best).unwrap();

    edit(&run.config(), "momentum(momentum=0.9,weight_decay=0)", "sgd");
    let error = refusal(&run);
    assert!(error.contains("tensor `momentum.") && error.contains("no such tensor"), "{error}");
    fs::write(run.config(), &config).unwrap();
    edit(&run.config(), "momentum(momentum=0.9,weight_decay=0)", "adamw");
    let error = refusal(&run);
    assert!(error.contains("tensor `") && error.contains("does not fit"), "{error}");
    fs::write(run.config(), &config).unwrap();

    let other = cotangent_data::synthetic(&cotangent_data::SyntheticConfig {
        train: 330,
        test: 50,
        seed: 4,
    });
    let error = resume(run.path(), &other, &AtomicBool::new(false), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("give the same data"), "{error}");

    fs::remove_file(run.config()).unwrap();
    assert!(refusal(&run).contains("config.toml is missing"));
    fs::write(run.config(), &config).unwrap();
    resume(run.path(), &digits(), &AtomicBool::new(false), &mut Silent).unwrap();
}

#[test]
fn damaged_checkpoints_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = stopped(dir.path());
    let whole = fs::read(run.last()).unwrap();
    let ends = (0..24).chain((24..whole.len()).step_by(whole.len() / 60)).chain([whole.len() - 1]);
    for len in ends {
        fs::write(run.last(), &whole[..len]).unwrap();
        let error = refusal(&run);
        assert!(error.contains("last.safetensors is not a usable checkpoint"), "{len}: {error}");
    }
    // One bit anywhere: the header's length, the metadata, the numbers.
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(run.last(), &flipped).unwrap();
        let refused = resume(run.path(), &digits(), &AtomicBool::new(true), &mut Silent);
        // Only what means nothing may change unseen: the header's white space.
        assert!(refused.is_err() || whole[at] == b' ', "{at}");
        fs::write(run.last(), &whole).unwrap();
    }
    fs::write(run.last(), [&whole[..], b"x"].concat()).unwrap();
    refusal(&run);
    fs::remove_file(run.last()).unwrap();
    let best = fs::read(run.best()).unwrap();
    fs::write(run.best(), &best[..best.len() - 1]).unwrap();
    assert!(refusal(&run).contains("best.safetensors is not a usable checkpoint"));
    fs::remove_file(run.best()).unwrap();
    for shown_by in ["metrics.csv", "summary.json"] {
        let error = refusal(&run);
        let expected = format!("{shown_by} shows that the run did not stop before its first");
        assert!(error.contains(&expected), "{error}");
        fs::remove_file(run.metrics()).unwrap_or_default();
        fs::write(run.summary(), "{}").unwrap();
    }
    fs::remove_file(run.summary()).unwrap();
    fs::write(run.last(), &whole).unwrap();
    resume(run.path(), &digits(), &AtomicBool::new(false), &mut Silent).unwrap();
}
