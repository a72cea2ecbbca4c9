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

/// A light square on a dark ground, or the other way round, wherever it lies; its mask says which
/// pixels are its own, and its rim is of no class.
fn write_square(part: &Path, name: &str, at: u32, light: bool) {
    for folder in ["images", "masks"] {
        std::fs::create_dir_all(part.join(folder)).unwrap();
    }
    let (mut image, mut mask) = (image::GrayImage::new(40, 30), image::GrayImage::new(40, 30));
    for (x, y, pixel) in mask.enumerate_pixels_mut() {
        let [dx, dy] = [(x, at), (y, at / 2)].map(|(p, at)| p.wrapping_sub(at));
        let class = match (dx.max(dy), dx.min(dy)) {
            (1..12, 1..11) => 1,
            (0..13, 0..12) => 255,
            _ => 0,
        };
        *pixel = image::Luma([class]);
        let shade = if (class == 0) == light { 40 } else { 210 };
        image.put_pixel(x, y, image::Luma([shade]));
    }
    image.save(part.join("images").join(format!("{name}.png"))).unwrap();
    mask.save(part.join("masks").join(format!("{name}.png"))).unwrap();
}

#[test]
fn masks_train_evaluate_and_predict() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for i in 0..30 {
        write_square(&d.join("squares"), &format!("{i}"), i % 26, true);
    }
    let size = ["--image", "16", "--width", "0.01", "--classes", "2"];
    let train = [&["train", "unet", "--data", "squares", "--batch", "9"], &size[..]].concat();
    let run =
        ["--augment", "flip-crop", "--epochs", "12", "--lr", "0.01", "--run-dir", "a", "--json"];
    let line: Value = serde_json::from_str(&ok(d, &[&train[..], &run].concat())).unwrap();
    // A square is a fifth of its image.
    let accuracy = line["val_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{line}");

    let with = [&["unet", "--weights", "a/last.safetensors"], &size[..]].concat();
    let eval = [&["eval", "--data", "squares", "--json"], &with[..]].concat();
    let line: Value = serde_json::from_str(&ok(d, &eval)).unwrap();
    assert_eq!((&line["n"], line["accuracy"].as_f64()), (&3.into(), Some(accuracy)));

    // Of the test split it is known what is right, of a file not; its mask is as large as the file.
    let predict = [&["predict"], &with[..]].concat();
    let known = [&predict[..], &["--data", "squares", "--json"]].concat();
    let (mut right, mut of) = (0, 0);
    for line in ok(d, &known).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let pixels: u64 = line["pixels"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
        assert_eq!((pixels, &line["mask"]), (256, &Value::Null));
        right += line["right"].as_u64().unwrap();
        of += line["of"].as_u64().unwrap();
    }
    assert!(of < 3 * 256, "the rims were counted");
    assert_eq!(right as f64 / of as f64, accuracy);
    write_square(&d.join("new"), "photo", 8, true);
    let text = ok(d, &[&predict[..], &["new/images/photo.png", "--output", "out"]].concat());
    assert!(text.starts_with("new/images/photo.png: 0 (") && text.contains(" %), 1 ("), "{text}");
    assert!(text.trim_end().ends_with("; mask out/photo.png") && !text.contains("right"), "{text}");
    // What was written can be trained on.
    std::fs::create_dir_all(d.join("next/images")).unwrap();
    std::fs::create_dir_all(d.join("next/masks")).unwrap();
    for name in ["p.png", "q.png"] {
        std::fs::copy(d.join("new/images/photo.png"), d.join("next/images").join(name)).unwrap();
        std::fs::copy(d.join("out/photo.png"), d.join("next/masks").join(name)).unwrap();
    }
    let eval = [&["eval", "--data", "next", "--json"], &with[..]].concat();
    let line: Value = serde_json::from_str(&ok(d, &eval)).unwrap();
    assert_eq!(line["accuracy"], 1.0, "the network disagrees with itself");

    // Nothing is written over but masks.
    let over = [&predict[..], &["next/images/p.png", "--output", "next/images"]].concat();
    assert!(fails(d, &over).contains("next/images/p.png would replace an image"));
    let twice = ["next/images/p.png", "next/masks/p.png", "--output", "out"];
    assert!(fails(d, &[&predict[..], &twice].concat()).contains("two masks would be out/p.png"));
    std::fs::write(d.join("net.toml"), COLOUR).unwrap();
    let error = fails(d, &["predict", "net.toml", "--weights", "none", "--output", "out"]);
    assert!(error.contains("no masks to write") && error.contains("--output"), "{error}");

    // Wrong masks are named, and what to do about them.
    let train = ["train", "unet", "--image", "16", "--width", "0.01", "--data", "next"];
    image::GrayImage::from_pixel(40, 30, image::Luma([2]))
        .save(d.join("next/masks/q.png"))
        .unwrap();
    let error = fails(d, &train);
    for part in ["next/masks/q.png", "row 0, column 0", "class 2, expected 0 to 1", "--classes 3"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    std::fs::remove_file(d.join("next/masks/q.png")).unwrap();
    assert!(fails(d, &train).contains("next/images/q.png: the image has no mask"));
    let error = fails(d, &["train", "mnist-cnn", "--data", "squares"]);
    assert!(error.contains("holds images with masks") && error.contains("images"), "{error}");
    assert!(!d.join("runs").exists(), "a run was made for data that is none");
}

#[test]
fn scenes_are_made_for_a_class_per_pixel() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let net = "name = 'seg'\ninput = [16, 16, 1]\nlayers = [\n\
        { kind = 'conv2d', features = 8, kernel = 3 },\n{ kind = 'relu' },\n\
        { kind = 'conv2d', features = 3, kernel = 3 },\n]\nloss = 'softmax_cross_entropy'\n";
    std::fs::write(d.join("net.toml"), net).unwrap();
    let train = ["train", "net.toml", "--epochs", "1", "--lr", "0.01", "--json"];
    let line: Value = serde_json::from_str(&ok(d, &train)).unwrap();
    // The background alone is two thirds.
    assert!(line["val_accuracy"].as_f64().unwrap() > 0.85, "{line}");
    let weights = "runs/seg-1/best.safetensors";
    let predict = ["predict", "net.toml", "--weights", weights, "--count", "2", "--output", "out"];
    let text = ok(d, &predict);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("of 256 pixels right; mask out/test-1.png"), "{text}");
    assert_eq!(image::image_dimensions(d.join("out/test-1.png")).unwrap(), (16, 16));
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
