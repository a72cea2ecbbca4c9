//! Data of every kind through the command.

use crate::common::{fails, ok};
use serde_json::Value;
use std::path::Path;

const COLOUR: &str = "name = 'colour'\ninput = [32, 32, 3]\nlayers = [\n\
    { kind = 'avg_pool', window = 8 },\n{ kind = 'flatten' },\n{ kind = 'dense', features = 10 },\n]\n\
    loss = 'softmax_cross_entropy'\n";

/// Two images per file, of one colour each.
fn write_cifar10(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let batches = (1..=5).map(|k| format!("data_batch_{k}.bin"));
    for (k, name) in batches.chain(["test_batch.bin".into()]).enumerate() {
        let image = |label: usize| {
            let planes = [label * 25, 255 - label * 25, k * 10].map(|p| [p as u8; 1024]);
            [&[label as u8][..], &planes.concat()].concat()
        };
        std::fs::write(dir.join(name), [image(2 * k % 10), image((2 * k + 1) % 10)].concat())
            .unwrap();
    }
}

#[test]
fn cifar10_is_found_varied_and_predicted_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("net.toml"), COLOUR).unwrap();
    write_cifar10(&d.join("data/cifar10"));
    let train = ["train", "net.toml", "--epochs", "2", "--batch", "5", "--threads", "1"];
    ok(d, &[&train[..], &["--run-dir", "a"]].concat());
    let config = std::fs::read_to_string(d.join("a/config.toml")).unwrap();
    for line in ["data = \"auto\"", "dataset = \"cifar10\"", "augment = \"flip-crop\"", "mean = ["]
    {
        assert!(config.contains(line), "{line}: {config}");
    }
    ok(d, &[&train[..], &["--run-dir", "b", "--augment", "none"]].concat());
    let weights = |run: &str| std::fs::read(d.join(run).join("last.safetensors")).unwrap();
    let tensors = |bytes: &[u8]| {
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert!(tensors(&weights("a")) != tensors(&weights("b")), "augmentation changed nothing");
    let error = fails(d, &[&train[..], &["--run-dir", "c", "--augment", "shift"]].concat());
    assert!(error.contains("shift") && error.contains("none or flip-crop"), "{error}");
    let error = fails(d, &[&train[..], &["--run-dir", "c", "--classes", "7"]].concat());
    assert!(error.contains("10 classes") && error.contains("--classes 10"), "{error}");

    let with = ["net.toml", "--weights", "a/last.safetensors"];
    let line: Value =
        serde_json::from_str(&ok(d, &[&["eval"], &with[..], &["--json"]].concat())).unwrap();
    assert_eq!((&line["dataset"], &line["n"]), (&"cifar10".into(), &2.into()));
    let text = ok(d, &[&["predict"], &with[..]].concat());
    assert_eq!(text.lines().count(), 2, "{text}");
    // The label of the first test image, 0, or what was taken for it.
    assert!(text.lines().next().unwrap().contains("airplane"), "{text}");
    // An image file is encoded as the training data was: the same answer as for the test image.
    let image = image::RgbImage::from_pixel(40, 50, image::Rgb([0, 255, 50]));
    image.save(d.join("plain.png")).unwrap();
    let answer = |args: &[&str]| -> Value {
        let text = ok(d, &[&["predict"], &with[..], args, &["--json"]].concat());
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    assert_eq!(answer(&["plain.png"])["probabilities"], answer(&["--count", "1"])["probabilities"]);
}

#[test]
fn folders_of_images_train_and_predict() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("net.toml"), COLOUR.replace("32, 32, 3", "16, 16, 3")).unwrap();
    for (class, colour) in [("blue", [20, 40, 200]), ("red", [200, 30, 10])] {
        let folder = d.join("photos").join(class);
        std::fs::create_dir_all(&folder).unwrap();
        for i in 0..20u8 {
            let pixel = image::Rgb([colour[0] + i, colour[1], colour[2] + i]);
            let image = image::RgbImage::from_pixel(20 + u32::from(i), 18, pixel);
            image.save(folder.join(format!("{i}.png"))).unwrap();
        }
    }
    let train = ["train", "net.toml", "--data", "photos", "--batch", "6", "--epochs", "20"];
    let error = fails(d, &train);
    assert!(error.contains("2 classes") && error.contains("--classes 2"), "{error}");
    let train =
        [&train[..], &["--classes", "2", "--run-dir", "a", "--lr", "0.05", "--json"]].concat();
    let line: Value = serde_json::from_str(&ok(d, &train)).unwrap();
    assert_eq!(line["val_accuracy"], 1.0);
    let args = ["predict", "net.toml", "--classes", "2", "--weights", "a/best.safetensors"];
    let text = ok(d, &[&args[..], &["photos/red/3.png", "photos/blue/0.png"]].concat());
    assert!(text.contains("red/3.png: red (") && text.contains("blue/0.png: blue ("), "{text}");
    // A class the weights do not know.
    std::fs::create_dir_all(d.join("others/green")).unwrap();
    std::fs::copy(d.join("photos/red/0.png"), d.join("others/green/0.png")).unwrap();
    let eval = [&["eval"], &args[1..], &["--data", "others"]].concat();
    let error = fails(d, &eval);
    assert!(error.contains("no class `green`") && error.contains("`blue`, `red`"), "{error}");
}

#[test]
fn text_trains_and_predicts_the_next_character() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let net = "name = 'text'\ninput = [3, 4]\nlayers = [\n{ kind = 'flatten' },\n\
        { kind = 'dense', features = 4 },\n]\nloss = 'softmax_cross_entropy'\n";
    std::fs::write(d.join("net.toml"), net).unwrap();
    std::fs::write(d.join("song.txt"), "abc ".repeat(100)).unwrap();
    let train = ["train", "net.toml", "--data", "song.txt", "--epochs", "30", "--batch", "10"];
    let train = [&train[..], &["--lr", "0.05", "--run-dir", "a", "--json"]].concat();
    let line: Value = serde_json::from_str(&ok(d, &train)).unwrap();
    assert_eq!(line["val_accuracy"], 1.0);
    let predict = ["predict", "net.toml", "--weights", "a/best.safetensors", "--data"];
    let text = ok(d, &[&predict[..], &["song.txt", "--count", "2"]].concat());
    assert!(text.contains("\"abc\" next \" \", it is \" \": 1 of 1 right"), "{text}");
    // Text of fewer characters is numbered as the training text was.
    std::fs::write(d.join("other.txt"), "bc".repeat(100)).unwrap();
    ok(d, &[&predict[..], &["other.txt"]].concat());
    std::fs::write(d.join("other.txt"), "bcd".repeat(100)).unwrap();
    let error = fails(d, &[&predict[..], &["other.txt"]].concat());
    assert!(error.contains("'d' is not in the vocabulary of the weights"), "{error}");
    let error = fails(d, &["train", "net.toml", "--data", "other.txt"]);
    assert!(error.contains("3 distinct characters") && error.contains("input = [3, 3]"), "{error}");
    // Without any data it trains on text of its own.
    let args =
        ["train", "net.toml", "--data", "synthetic", "--epochs", "1", "--batch", "512", "--quiet"];
    ok(d, &args);
    assert!(
        !d.join("runs/text-1/plot.svg").exists() || d.join("runs/text-1/best.safetensors").exists()
    );
}
