//! Runs on data of every kind: colour images varied by the run's seed, scenes of a class per pixel, and
//! text.

mod support;

use cotangent_data::{
    Augment, Dataset, Encoding, NO_CLASS, Split, SyntheticConfig, TextTarget, synthetic_images,
    synthetic_masks, synthetic_text,
};
use cotangent_net::{Loss, NetSpec, Network};
use cotangent_train::{
    Backend, Config, Execution, Outcome, RunDir, Silent, TrainError, Weights, check_fit, evaluate,
    predict, predict_classes, resume, train,
};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use support::{Recorder, metrics, tensors};

static GO: AtomicBool = AtomicBool::new(false);

fn colour() -> Dataset {
    let config = SyntheticConfig { train: 100, test: 30, seed: 1 };
    synthetic_images(&config, [16, 16, 3], 4).unwrap()
}

fn colour_net() -> Network {
    let spec = NetSpec::new("colour", [16, 16, 3]).conv2d(4, 3).relu().max_pool(4).flatten();
    spec.dense(4).network().unwrap()
}

/// A class for every pixel of 16 x 16.
fn scenes() -> Dataset {
    let config = SyntheticConfig { train: 100, test: 30, seed: 1 };
    synthetic_masks(&config, [16, 16, 3], 4).unwrap()
}

/// A class per pixel, from the pixels around it.
fn scene_net(classes: usize) -> Network {
    let spec = NetSpec::new("scene", [16, 16, 3]).conv2d(8, 3).relu();
    spec.conv2d(classes, 1).network().unwrap()
}

/// Windows of 6 characters of 9, and the one that comes next.
fn text() -> Dataset {
    let config = SyntheticConfig { train: 400, test: 50, seed: 1 };
    synthetic_text(&config, 6, 9, TextTarget::Next).unwrap()
}

fn text_net() -> Network {
    NetSpec::new("text", [6, 9]).flatten().dense(32).relu().dense(9).network().unwrap()
}

fn config(net: &Network, augment: Option<Augment>) -> Config {
    let config = Config::new(net, &"adamw".parse().unwrap(), "synthetic");
    Config { batch: 20, epochs: 3, threads: 1, seed: 7, augment, ..config }
}

fn run(config: &Config, data: &Dataset, dir: &Path) -> Result<Outcome, TrainError> {
    train(config, data, dir, &GO, &mut Silent)
}

/// Stopped in the middle of an epoch and resumed, a run with varied examples ends with the same bits.
fn resumes_bit_for_bit(config: &Config, data: &Dataset) {
    let folder = tempfile::tempdir().unwrap();
    let (straight, stopped) = (folder.path().join("straight"), folder.path().join("stopped"));
    run(config, data, &straight).unwrap();
    let stop = AtomicBool::new(false);
    let mut recorder = Recorder::stopping_after(7, &stop);
    let outcome = train(config, data, &stopped, &stop, &mut recorder).unwrap();
    assert!(matches!(outcome, Outcome::Interrupted(_)));
    assert!(matches!(resume(&stopped, data, &GO, &mut Silent), Ok(Outcome::Finished(_))));
    let last = |dir: &Path| tensors(&RunDir::open(dir).last());
    assert_eq!(last(&straight), last(&stopped));
    assert_eq!(metrics(&straight), metrics(&stopped));
}

#[test]
fn varied_images_resume_bit_for_bit() {
    resumes_bit_for_bit(&config(&colour_net(), Some(Augment::FlipCrop)), &colour());
}

/// What a crop leaves without a class is stored with the progress: the accuracy goes on as well.
#[test]
fn varied_masks_resume_bit_for_bit() {
    resumes_bit_for_bit(&config(&scene_net(4), Some(Augment::FlipCrop)), &scenes());
}

#[test]
fn shifted_text_resumes_bit_for_bit() {
    resumes_bit_for_bit(&config(&text_net(), None), &text());
}

#[test]
fn augmentation_changes_what_is_trained_on_and_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let trained = |name: &str, augment| {
        let dir = folder.path().join(name);
        run(&config(&colour_net(), augment), &colour(), &dir).unwrap();
        (Config::load(&dir).unwrap().augment, tensors(&RunDir::open(&dir).last()))
    };
    let (by_default, plain) = trained("default", None);
    assert_eq!(by_default, Some(Augment::None));
    assert_eq!(trained("none", Some(Augment::None)), (by_default, plain.clone()));
    let (stored, varied) = trained("varied", Some(Augment::FlipCrop));
    assert_eq!(stored, Some(Augment::FlipCrop));
    assert_ne!(varied, plain);
    // Another one is another run.
    let dir = folder.path().join("varied");
    let text = std::fs::read_to_string(dir.join("config.toml")).unwrap();
    std::fs::write(dir.join("config.toml"), text.replace("flip-crop", "none")).unwrap();
    let error = resume(&dir, &colour(), &GO, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("augment = \"none\""), "{error}");
    // One of the other kind is none.
    let error =
        run(&config(&colour_net(), Some(Augment::Shift)), &colour(), &folder.path().join("x"));
    assert!(error.unwrap_err().to_string().contains("none or flip-crop"));
}

#[test]
fn weights_know_how_their_data_was_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let (data, net) = (colour(), colour_net());
    run(&config(&net, None), &data, folder.path()).unwrap();
    let stored = Config::load(folder.path()).unwrap().encoding.unwrap();
    let Encoding::Images { mean, std, .. } = &stored else { panic!("{stored:?}") };
    assert_eq!((mean.len(), std.len()), (3, 3));
    // Recomputed from the pixels.
    for (c, &mean) in mean.iter().enumerate() {
        let channel = data.train().images().iter().skip(c).step_by(3);
        let sum: f64 = channel.map(|&p| f64::from(p) / 255.0).sum();
        assert!((sum / (100.0 * 256.0) - f64::from(mean)).abs() < 1e-6, "channel {c}: {mean}");
    }
    let weights = Weights::load(&RunDir::open(folder.path()).last()).unwrap();
    assert_eq!(
        (weights.encoding().unwrap().as_ref(), &stored),
        (Some(data.encoding()), data.encoding())
    );
}

#[test]
fn text_is_learnt_scored_and_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let (data, net) = (text(), text_net());
    let Ok(Outcome::Finished(summary)) =
        run(&Config { epochs: 40, ..config(&net, None) }, &data, folder.path())
    else {
        panic!("not finished")
    };
    let weights = Weights::load(&RunDir::open(folder.path()).last()).unwrap();
    let execution = Execution { backend: Backend::Native, threads: 1 };
    let scores = evaluate(&net, &weights, &data, 20, execution).unwrap();
    assert_eq!((scores.n, scores.accuracy), (50, summary.val_accuracy));
    // The most frequent character alone is right far less often.
    let characters = data.test().characters();
    let count = |c: u16| characters.iter().filter(|&&x| x == c).count() as f64;
    let frequent = (0..9).map(count).fold(0.0, f64::max) / characters.len() as f64;
    assert!(scores.accuracy > frequent + 0.1, "{} {frequent}", scores.accuracy);
    // Predicting is what evaluating counts.
    let mut x = vec![0.0; 50 * data.example_len()];
    let mut t = vec![0.0; 50 * data.target_len()];
    let indices: Vec<u32> = (0..50).collect();
    data.fill_batch(data.test(), &indices, &mut x, &mut t).unwrap();
    let predictions = predict(&net, &weights, &x, execution).unwrap();
    let right = predictions.iter().zip(t.chunks_exact(9)).filter(|(p, t)| t[p.class] == 1.0);
    assert_eq!(right.count() as f64 / 50.0, scores.accuracy);
}

#[test]
fn scenes_are_learnt_pixel_by_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let unet = cotangent_zoo::find("unet").unwrap();
    let size = cotangent_zoo::Config { classes: Some(4), ..unet.small() };
    let net = unet.spec_with(&size).network().unwrap();
    let made = SyntheticConfig { train: 400, test: 60, seed: 1 };
    let data = synthetic_masks(&made, [16, 16, 3], 4).unwrap();
    let config = Config { epochs: 6, lr: 0.01, ..config(&net, Some(Augment::FlipCrop)) };
    let Ok(Outcome::Finished(summary)) = run(&config, &data, folder.path()) else {
        panic!("not finished")
    };
    let weights = Weights::load(&RunDir::open(folder.path()).last()).unwrap();
    let execution = Execution { backend: Backend::Native, threads: 1 };
    let scores = evaluate(&net, &weights, &data, 20, execution).unwrap();
    assert_eq!((scores.n, scores.accuracy), (60, summary.val_accuracy));
    // The background alone is right far less often.
    let masks = data.test().all_masks();
    let background = masks.iter().filter(|&&c| c == 0).count() as f64 / masks.len() as f64;
    assert!(scores.accuracy > background + 0.15, "{} {background}", scores.accuracy);
    // Predicting is what evaluating counts.
    let mut x = vec![0.0; 60 * data.example_len()];
    let mut t = vec![0.0; 60 * data.target_len()];
    let indices: Vec<u32> = (0..60).collect();
    data.fill_batch(data.test(), &indices, &mut x, &mut t).unwrap();
    let classes = predict_classes(&net, &weights, &x, execution).unwrap();
    let right = classes.iter().zip(masks).filter(|(c, mask)| **c == usize::from(**mask)).count();
    assert_eq!(right as f64 / masks.len() as f64, scores.accuracy);
}

/// Halves of black and white, all of which a net can get right, and noise of no class between them.
#[test]
fn pixels_of_no_class_are_neither_right_nor_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let split = |n: u8| {
        let masks: Vec<u8> = (0..n).flat_map(|i| [i % 2, NO_CLASS, 1 - i % 2, NO_CLASS]).collect();
        let shade = |&c: &u8| if c == NO_CLASS { 128 } else { 255 * c };
        Split::masks(masks.iter().map(shade).collect(), masks, 4, 1).unwrap()
    };
    let data = Dataset::new("halves", split(50), split(30), [2, 2, 1], 2).unwrap();
    let spec = NetSpec::new("pixel", [2, 2, 1]).conv2d(2, 1);
    let net = spec.network().unwrap();
    let config = Config { epochs: 20, lr: 0.1, ..config(&net, None) };
    assert!(matches!(run(&config, &data, folder.path()), Ok(Outcome::Finished(_))));
    let rows = metrics(folder.path());
    let last: Vec<f64> = rows.last().unwrap().split(',').map(|v| v.parse().unwrap()).collect();
    // epoch, step, lr, train_loss, train_accuracy, val_loss, val_accuracy
    assert_eq!((last[4], last[6]), (1.0, 1.0), "{rows:?}");
    // Under another loss a row of zeros would be learnt.
    for loss in [Loss::MeanSquaredError, Loss::BinaryCrossEntropyWithLogits] {
        let with = |spec: NetSpec| spec.loss(loss).network().unwrap();
        let error = check_fit(&with(net.spec().clone()), &data).unwrap_err().to_string();
        assert!(error.contains("no class") && error.contains("softmax_cross_entropy"), "{error}");
        let net = with(scene_net(4).spec().clone());
        assert!(check_fit(&net, &scenes()).is_ok());
        let error = run(&self::config(&net, Some(Augment::FlipCrop)), &scenes(), folder.path());
        assert!(error.unwrap_err().to_string().contains("give --augment none"));
    }
}

#[test]
fn data_that_does_not_fit_says_what_to_do() {
    let fit = |net: NetSpec, data: &Dataset| match check_fit(&net.network().unwrap(), data) {
        Ok(()) => "fits".to_string(),
        Err(e) => e.to_string(),
    };
    let image = |shape: [usize; 3]| NetSpec::new("n", shape).flatten();
    assert_eq!(fit(image([16, 16, 3]).dense(4), &colour()), "fits");
    assert_eq!(fit(NetSpec::new("n", [768]).dense(4), &colour()), "fits");
    let error = fit(image([16, 16, 3]).dense(5), &colour());
    assert!(error.contains("4 classes") && error.contains("5 outputs"), "{error}");
    assert!(error.contains("--classes 4"), "{error}");
    let error = fit(image([8, 8, 3]).dense(4), &colour());
    assert!(error.contains("[16, 16, 3], expected [8, 8, 3]"), "{error}");
    assert_eq!(fit(scene_net(4).spec().clone(), &scenes()), "fits");
    let error = fit(scene_net(3).spec().clone(), &scenes());
    assert!(error.contains("4 classes") && error.contains("--classes 4"), "{error}");
    let error = fit(image([16, 16, 3]).dense(4), &scenes());
    assert!(error.contains("targets are [16, 16, 4], expected [4]"), "{error}");
    let words = |window, characters| NetSpec::new("n", [window, characters]).flatten();
    assert_eq!(fit(words(6, 9).dense(9), &text()), "fits");
    let error = fit(words(6, 8).dense(8), &text());
    assert!(error.contains("9 distinct characters") && error.contains("input = [6, 9]"), "{error}");
    let config = SyntheticConfig { train: 400, test: 50, seed: 1 };
    let every = synthetic_text(&config, 6, 9, TextTarget::EveryNext).unwrap();
    let error = fit(words(6, 9).dense(9), &every);
    assert!(error.contains("targets are [6, 9], expected [9]"), "{error}");
    let empty = Split::new(vec![], vec![], 768).unwrap();
    let empty = Dataset::new("d", colour().train().clone(), empty, [16, 16, 3], 4).unwrap();
    assert!(fit(image([16, 16, 3]).dense(4), &empty).contains("test split is empty"));
}
