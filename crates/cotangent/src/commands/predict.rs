//! `cotangent predict MODEL --weights F IMAGE…`

mod masks;

use crate::model::ModelArgs;
use crate::options::{BackendArgs, DataArgs, count, encoding as stored_encoding, load_weights};
use crate::output::{print, print_json};
use cotangent::data::{Dataset, Encoding, read_sized};
use cotangent::net::Network;
use cotangent::train::{Prediction, Weights, predict, predict_classes};
use miette::{Result, miette};
use std::path::PathBuf;

/// Arguments of `predict`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A checkpoint, such as RUN/best.safetensors.
    #[arg(long, value_name = "F")]
    weights: PathBuf,
    /// Images to classify, PNG or JPEG; without any, examples of the test split, which may be text.
    images: Vec<PathBuf>,
    /// The images are dark on light; the training digits are light on dark.
    #[arg(long)]
    invert: bool,
    /// Networks with a class per pixel: write the mask of each image into this folder, as a PNG of
    /// the image's size whose values are the classes, which is what --data reads.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// How many examples of the test split.
    #[arg(long, default_value_t = 10, value_name = "N", conflicts_with = "images", value_parser = count, allow_negative_numbers = true)]
    count: usize,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print one JSON object per image; of a network with a class per pixel, the pixels of each class.
    #[arg(long)]
    json: bool,
    /// Print no notices.
    #[arg(long)]
    quiet: bool,
}

/// Something to answer to: what it is called, the height and width of an image, its class or its mask
/// where that is known, and its text where it is one.
#[derive(Default)]
struct Example {
    name: String,
    size: [usize; 2],
    label: Option<u16>,
    mask: Option<Vec<u8>>,
    text: Option<Text>,
}

/// A window of text and what comes next: at every position, or after the last.
struct Text {
    window: String,
    target: Vec<u16>,
}

/// Classifies.
pub fn run(args: &Args) -> Result<()> {
    let net = args.model.network()?;
    let quiet = args.quiet || args.json;
    let size = masks::size(&net);
    if args.output.is_some() && size.is_none() {
        return Err(miette!(
            help = "leave out --output",
            "net `{}` does not answer with a class per pixel, so there are no masks to write",
            net.spec().name
        ));
    }
    let weights = load_weights(&args.weights, &net, quiet)?;
    let (encoding, examples, x) = if args.images.is_empty() {
        let dataset = args.data.load(&net, &weights, quiet)?;
        let (examples, x) = of_test_split(&dataset, args.count)?;
        (dataset.encoding().clone(), examples, x)
    } else {
        // Image files need no data set.
        let (encoding, shape) = for_images(&net, &weights)?;
        let mut examples = Vec::with_capacity(args.images.len());
        let mut x = Vec::new();
        for path in &args.images {
            let (mut pixels, size) = read_sized(path, shape).map_err(|e| miette!("{e}"))?;
            if args.invert {
                pixels.iter_mut().for_each(|p| *p = 255 - *p);
            }
            let start = x.len();
            x.resize(start + pixels.len(), 0.0);
            encoding.normalize(&pixels, &mut x[start..]);
            let name = path.display().to_string();
            examples.push(Example { name, size, ..Example::default() });
        }
        (encoding, examples, x)
    };
    if let Some(size) = size {
        let output =
            masks::Output::new(args.output.as_deref(), &args.images, examples.len(), &net)?;
        let classes = predict_classes(&net, &weights, &x, args.backend.execution())
            .map_err(|e| miette!("{e}"))?;
        let answers = classes.chunks_exact(size[0] * size[1]);
        return examples.iter().zip(answers).enumerate().try_for_each(|(i, (example, answer))| {
            let mask = output.write(i, answer, size, example.size)?;
            masks::show(args.json, example, answer, &encoding, net.classes(), mask)
        });
    }
    let predictions =
        predict(&net, &weights, &x, args.backend.execution()).map_err(|e| miette!("{e}"))?;
    let positions = predictions.len() / examples.len().max(1);
    for (example, answers) in examples.iter().zip(predictions.chunks(positions.max(1))) {
        match &example.text {
            Some(text) => show_text(args.json, &example.name, text, answers, &encoding)?,
            None => answers.iter().try_for_each(|p| show(args.json, example, p, &encoding))?,
        }
    }
    Ok(())
}

/// The first `count` examples of the test split.
fn of_test_split(dataset: &Dataset, count: usize) -> Result<(Vec<Example>, Vec<f32>)> {
    let split = dataset.test();
    let count = count.min(split.len());
    let mut x = vec![0.0; count * dataset.example_len()];
    let mut targets = vec![0.0; count * dataset.target_len()];
    // A split holds at most u32::MAX examples.
    let indices: Vec<u32> = (0..count as u32).collect();
    dataset.fill_batch(split, &indices, &mut x, &mut targets).map_err(|e| miette!("{e}"))?;
    let classes = dataset.classes().max(1);
    let hot = |rows: &[f32]| -> Vec<u16> {
        let hot = |row: &[f32]| row.iter().position(|&v| v == 1.0).unwrap_or(0) as u16;
        rows.chunks_exact(classes).map(hot).collect()
    };
    let examples = (0..count).map(|i| {
        let text = matches!(dataset.encoding(), Encoding::Text { .. }).then(|| {
            let (size, answers) = (dataset.example_len(), dataset.target_len());
            let window = spell(&hot(&x[i * size..(i + 1) * size]), dataset.encoding());
            Text { window, target: hot(&targets[i * answers..(i + 1) * answers]) }
        });
        let size = match *dataset.example_shape() {
            [height, width, _] => [height, width],
            _ => [0; 2],
        };
        let (label, mask) = (split.label(i), split.mask(i).map(<[u8]>::to_vec));
        Example { name: format!("{} test {i}", dataset.name()), size, label, mask, text }
    });
    let examples = examples.collect();
    Ok((examples, x))
}

fn spell(characters: &[u16], encoding: &Encoding) -> String {
    characters.iter().map(|&c| encoding.class_name(c.into())).collect()
}

/// How image files become the input of `net`.
fn for_images(net: &Network, weights: &Weights) -> Result<(Encoding, [usize; 3])> {
    let name = &net.spec().name;
    let &[height, width, channels] = net.spec().input.as_slice() else {
        return Err(miette!("net `{name}` does not take images"));
    };
    let encoding = match stored_encoding(weights)? {
        Some(encoding) => encoding,
        None if channels == 1 => Encoding::mnist(),
        None => {
            return Err(miette!(
                help = "give a checkpoint of a run, or leave out the images and name the data it \
                        was trained on with --data DIR",
                "{} does not say how the pixels were normalised that it was trained on",
                weights.path().display()
            ));
        }
    };
    match &encoding {
        Encoding::Images { mean, .. } if mean.len() == channels => {
            Ok((encoding, [height, width, channels]))
        }
        _ => Err(miette!(
            help = "give weights of a run of this network",
            "{} was trained on other data than images of {channels} channels",
            weights.path().display()
        )),
    }
}

fn show(json: bool, example: &Example, p: &Prediction, encoding: &Encoding) -> Result<()> {
    if json {
        return print_json(&serde_json::json!({
            "image": example.name,
            "class": p.class,
            "name": encoding.class_name(p.class),
            "probabilities": (!p.probabilities.is_empty()).then_some(&p.probabilities),
            "label": example.label,
        }));
    }
    let probability = match p.probabilities.get(p.class) {
        Some(p) => format!(" ({:.1} %)", 100.0 * p),
        None => String::new(),
    };
    let verdict = match example.label.map(usize::from) {
        None => String::new(),
        Some(l) if l == p.class => "  right".into(),
        Some(l) => format!("  wrong: it is {}", encoding.class_name(l)),
    };
    let class = encoding.class_name(p.class);
    print(&format!("{}: {class}{probability}{verdict}\n", example.name))
}

fn show_text(
    json: bool,
    name: &str,
    text: &Text,
    answers: &[Prediction],
    encoding: &Encoding,
) -> Result<()> {
    let found: Vec<u16> = answers.iter().map(|p| p.class as u16).collect();
    let (next, target) = (spell(&found, encoding), spell(&text.target, encoding));
    let right = found.iter().zip(&text.target).filter(|(f, t)| f == t).count();
    let window = &text.window;
    if json {
        return print_json(&serde_json::json!({
            "text": window, "next": next, "target": target, "right": right, "of": found.len(),
        }));
    }
    print(&format!(
        "{name}: {window:?} next {next:?}, it is {target:?}: {right} of {} right\n",
        found.len()
    ))
}
