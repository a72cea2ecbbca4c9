//! What a run learns and leaves behind.

mod support;

use cotangent_data::{SyntheticConfig, synthetic};
use cotangent_net::layers::Dense;
use cotangent_net::{Layer, Loss, LossPart, NetSpec, Network, Number};
use cotangent_stablehlo::Program;
use cotangent_step::StepOptions;
use cotangent_train::{
    Backend, Config, HEADER, Outcome, RunDir, Schedule, Silent, Summary, Weights, check_fit,
    evaluate, predict, resume, train,
};
use std::fs;
use std::sync::atomic::AtomicBool;
use support::{Recorder, config, digits, metrics, small_net, tensors, train_quietly};

#[test]
fn a_run_leaves_its_directory_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/run");
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder::new(&stop);
    let config = config("adamw");
    let outcome = train(&config, &digits(), &path, &stop, &mut recorder).unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };

    let mut names: Vec<String> = fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names.join(" "),
        "best.safetensors config.toml eval.json eval.mlir forward.json forward.mlir \
         last.safetensors metrics.csv plot.png plot.svg step.json step.mlir summary.json"
    );
    let csv = fs::read_to_string(path.join("metrics.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,images_per_second"
    );
    assert_eq!(lines[0], HEADER);
    assert_eq!(lines.len(), 4);
    assert!(lines[3].starts_with("3,30,"), "{}", lines[3]);
    let stored: Summary =
        serde_json::from_str(&fs::read_to_string(path.join("summary.json")).unwrap()).unwrap();
    assert_eq!(stored, summary);
    assert_eq!((stored.epochs, stored.steps, &*stored.model), (3, 30, "small"));

    // The configuration says everything, and asks for the very same step.
    let resolved = Config::load(&path).unwrap();
    assert_eq!(resolved.schedule, Schedule::Cosine { warmup_steps: Some(1) });
    assert_eq!(resolved.dataset, "synthetic");
    let text = fs::read_to_string(path.join("step.mlir")).unwrap();
    let program = Program::from_text(&text).unwrap();
    assert_eq!(program.meta.options.as_deref(), Some(&*resolved.optimizer));
    assert_eq!(program.meta.spec.as_deref(), Some(&*resolved.spec));
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path.join("step.json")).unwrap()).unwrap();
    assert_eq!(manifest["batch"], 32);

    assert_eq!(recorder.events.first().unwrap(), "RunStarted");
    assert_eq!(recorder.events.last().unwrap(), "Finished");
    let count = |name: &str| recorder.events.iter().filter(|e| *e == name).count();
    assert_eq!((count("StepDone"), count("EpochDone")), (30, 3));
}

#[test]
fn mnist_mlp_learns_synthetic_digits() {
    let data = synthetic(&SyntheticConfig { train: 2560, test: 500, seed: 1 });
    let net = cotangent_zoo::find("mnist-mlp").unwrap().spec().network().unwrap();
    let mut config = Config::new(&net, &"adamw".parse().unwrap(), "synthetic");
    (config.epochs, config.batch, config.threads) = (4, 64, 2);
    let dir = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder::new(&stop);
    let outcome = train(&config, &data, dir.path(), &stop, &mut recorder).unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    assert!(recorder.losses[0] > 1.5, "{}", recorder.losses[0]);
    assert!(summary.val_accuracy > 0.75, "{summary:?}");
    assert!(summary.val_loss < 0.9, "{summary:?}");

    // What the run said of its checkpoint is what the checkpoint scores, at
    // another batch size too, up to rounding of the loss.
    let last = Weights::load(&RunDir::open(dir.path()).last()).unwrap();
    assert_eq!(last.model(), Some("mnist-mlp"));
    for batch in [64, 77, 10_000] {
        let scores = evaluate(&net, &last, &data, batch, config.execution()).unwrap();
        assert_eq!((scores.n, scores.accuracy), (500, summary.val_accuracy));
        assert!((scores.loss - summary.val_loss).abs() < 1e-5, "{scores:?} {summary:?}");
    }
    let mut images = vec![0.0; data.test().images().len()];
    data.encoding().normalize(data.test().images(), &mut images);
    let predictions = predict(&net, &last, &images, config.execution()).unwrap();
    let right =
        predictions.iter().zip(data.test().labels()).filter(|(p, l)| p.class == **l as usize);
    assert_eq!(right.count() as f64 / 500.0, summary.val_accuracy);
    assert!(predictions.iter().all(|p| (p.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    assert!(predict(&net, &last, &images[1..], config.execution()).is_err());
    assert_eq!(predict(&net, &last, &[], config.execution()).unwrap(), []);
}

/// 50 examples, whole, in even batches, and in batches of which the last is short.
#[test]
fn the_batch_size_of_an_evaluation_does_not_matter() {
    use Loss::{BinaryCrossEntropyWithLogits, MeanSquaredError, SoftmaxCrossEntropy};
    let folder = tempfile::tempdir().unwrap();
    for loss in [SoftmaxCrossEntropy, MeanSquaredError, BinaryCrossEntropyWithLogits] {
        let net = small_net().spec().clone().loss(loss).network().unwrap();
        let mut config = Config::new(&net, &"adamw".parse().unwrap(), "synthetic");
        (config.batch, config.epochs, config.threads) = (32, 1, 1);
        let dir = folder.path().join(format!("{loss:?}"));
        train_quietly(&config, &dir).unwrap();
        let weights = Weights::load(&RunDir::open(&dir).last()).unwrap();
        let at = |batch| evaluate(&net, &weights, &digits(), batch, config.execution()).unwrap();
        let whole = at(50);
        for batch in [1, 25, 32, 49] {
            let found = at(batch);
            assert_eq!((found.n, found.accuracy), (50, whole.accuracy), "{loss:?}, {batch}");
            let apart = (found.loss - whole.loss).abs();
            assert!(apart < 1e-6 * whole.loss, "{loss:?}, {batch}: {apart:e}");
        }
    }
}

/// A classifier with two heads on its trunk.
fn two_heads(first: LossPart, second: LossPart) -> Network {
    let head = || vec![Layer::new(Dense::new(10))];
    let trunk = NetSpec::new("two-heads", [28, 28, 1]).flatten();
    let net = trunk.dense(128).relu().concat(vec![head(), head()]).losses([first, second]);
    net.network().unwrap()
}

/// The accuracy and the answers are of the first head, whichever loss it has.
#[test]
fn two_heads_with_two_losses() {
    let folder = tempfile::tempdir().unwrap();
    let data = synthetic(&SyntheticConfig { train: 2560, test: 50, seed: 1 });
    let softmax = LossPart::new(Loss::SoftmaxCrossEntropy, 10).weight(Number::ratio(1, 2));
    let squares = LossPart::new(Loss::MeanSquaredError, 10).weight(Number::from(5));
    for (first, second, probabilities) in
        [(softmax.clone(), squares.clone(), 10), (squares, softmax, 0)]
    {
        let net = two_heads(first, second);
        let mut config = Config::new(&net, &"adamw".parse().unwrap(), "synthetic");
        (config.epochs, config.batch, config.threads) = (5, 32, 1);
        let dir = folder.path().join(probabilities.to_string());
        let outcome = train(&config, &data, &dir, &AtomicBool::new(false), &mut Silent).unwrap();
        let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
        assert!(summary.val_accuracy > 0.7, "{summary:?}");
        let weights = Weights::load(&RunDir::open(&dir).last()).unwrap();
        for batch in [1, 25, 32, 50] {
            let scores = evaluate(&net, &weights, &data, batch, config.execution()).unwrap();
            assert_eq!((scores.n, scores.accuracy), (50, summary.val_accuracy));
            let apart = (scores.loss - summary.val_loss).abs();
            assert!(apart < 1e-5 * summary.val_loss, "{batch}: {apart:e}");
        }
        let mut images = vec![0.0; data.test().images().len()];
        data.encoding().normalize(data.test().images(), &mut images);
        let answers = predict(&net, &weights, &images, config.execution()).unwrap();
        assert!(answers.iter().all(|p| p.probabilities.len() == probabilities));
        let labels = data.test().labels();
        let right = answers.iter().zip(labels).filter(|(p, l)| p.class == **l as usize);
        assert_eq!(right.count() as f64 / 50.0, summary.val_accuracy);
    }
}

/// A loss needs a feature for every class.
#[test]
fn losses_of_other_features_than_classes() {
    let net = NetSpec::new("n", [784]).dense(13).losses([
        LossPart::new(Loss::SoftmaxCrossEntropy, 10),
        LossPart::new(Loss::MeanSquaredError, 3),
    ]);
    let error = check_fit(&net.network().unwrap(), &digits()).unwrap_err().to_string();
    assert!(
        error.contains("it has 10 classes, but loss 2 (mean_squared_error) is of 3"),
        "{error}"
    );
    assert!(error.contains("set its features"), "{error}");
    let both = [Loss::MeanSquaredError, Loss::SoftmaxCrossEntropy];
    let [first, second] = both.map(|loss| LossPart::new(loss, 10));
    assert!(check_fit(&two_heads(first, second), &digits()).is_ok());
}

#[test]
fn a_seed_is_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, seed| {
        let path = dir.path().join(name);
        let config = Config { seed, ..config("momentum") };
        train_quietly(&config, &path).unwrap();
        (tensors(&path.join("last.safetensors")), metrics(&path))
    };
    let (one, other) = (run("a", 5), run("c", 6));
    assert_eq!(one, run("b", 5));
    assert_ne!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn the_back_ends_agree() {
    let dir = tempfile::tempdir().unwrap();
    let run = |backend: Backend| {
        let path = dir.path().join(backend.name());
        let config = Config { backend, epochs: 1, ..config("sgd") };
        train_quietly(&config, &path).unwrap();
        let summary = fs::read_to_string(path.join("summary.json")).unwrap();
        serde_json::from_str::<Summary>(&summary).unwrap().val_loss
    };
    let (native, interp) = (run(Backend::Native), run(Backend::Interp));
    assert!((native - interp).abs() < 1e-4 * interp, "{native} {interp}");
}

#[test]
fn best_is_the_best_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let config = Config { epochs: 6, lr: 0.02, schedule: Schedule::Constant, ..config("adamw") };
    let outcome = train_quietly(&config, &path).unwrap();
    let Outcome::Finished(summary) = outcome else { panic!("{outcome:?}") };
    let best = Weights::load(&RunDir::open(&path).best()).unwrap();
    let scores = evaluate(&small_net(), &best, &digits(), 32, config.execution()).unwrap();
    assert_eq!(scores.accuracy, summary.best_val_accuracy);
}

#[test]
fn a_finished_run_has_nothing_to_resume() {
    let dir = tempfile::tempdir().unwrap();
    let Outcome::Finished(summary) = train_quietly(&config("sgd"), dir.path()).unwrap() else {
        panic!("not finished")
    };
    let before = fs::read(dir.path().join("last.safetensors")).unwrap();
    let stop = AtomicBool::new(false);
    let again = resume(dir.path(), &digits(), &stop, &mut Silent).unwrap();
    let Outcome::AlreadyFinished(again) = again else { panic!("{again:?}") };
    assert_eq!(again.val_accuracy, summary.val_accuracy);
    assert_eq!(again.steps, summary.steps);
    assert_eq!(fs::read(dir.path().join("last.safetensors")).unwrap(), before);
    // And a fresh run does not overwrite it.
    let error = train_quietly(&config("sgd"), dir.path()).unwrap_err().to_string();
    assert!(error.contains("--resume"), "{error}");
}

#[test]
fn settings_out_of_range_are_errors_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let base = config("sgd");
    let other_input = cotangent_net::NetSpec::new("n", [8, 8, 1]).flatten().dense(10).to_toml();
    let other_classes = cotangent_net::NetSpec::new("n", [784]).dense(7).to_toml();
    for (config, expected) in [
        (Config { epochs: 0, ..base.clone() }, "epochs"),
        (Config { batch: 0, ..base.clone() }, "batch"),
        (Config { batch: 331, ..base.clone() }, "330"),
        (Config { threads: 0, ..base.clone() }, "threads"),
        (Config { threads: 1 << 20, ..base.clone() }, "threads"),
        (Config { lr: f64::NAN, ..base.clone() }, "lr"),
        (Config { lr: 1e300, ..base.clone() }, "lr"),
        (
            Config { lr: 1e300, ..base.clone() },
            "found 1e300, expected a number above 0, from 1.2e-38",
        ),
        (Config { lr: 1e-60, ..base.clone() }, "lr: found 1e-60"),
        (Config { lr: 1e-320, ..base.clone() }, "lr: found 1e-320"),
        (Config { lr: -0.5, ..base.clone() }, "lr: found -0.5"),
        (Config { epochs: usize::MAX, ..base.clone() }, "expected 1 to 1000000000"),
        (Config { seed: u64::MAX, ..base.clone() }, "seed"),
        (Config { optimizer: "adamax".into(), ..base.clone() }, "adamax"),
        (Config { spec: "name = 3".into(), ..base.clone() }, "input"),
        (Config { spec: other_input, ..base.clone() }, "[28, 28, 1], expected [8, 8, 1]"),
        (Config { spec: other_classes, ..base.clone() }, "--classes 10"),
    ] {
        let error = train_quietly(&config, &path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!path.exists(), "{expected}");
    }
}

#[test]
fn default_rates_follow_the_optimizer() {
    let lr = |o: &str| Config::new(&small_net(), &o.parse::<StepOptions>().unwrap(), "auto").lr;
    assert_eq!((lr("sgd"), lr("momentum"), lr("adamw")), (0.1, 0.05, 0.001));
    assert_eq!((lr("nesterov"), lr("adam"), lr("rmsprop")), (0.05, 0.001, 0.001));
    assert_eq!(lr("lamb ema(decay=0.9)"), 0.01);
}
