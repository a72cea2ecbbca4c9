//! `cotangent predict MODEL --weights F IMAGE…`

use crate::model::ModelArgs;
use crate::options::{BackendArgs, DataArgs, count, load_weights};
use crate::output::{print, print_json};
use cotangent::data::{Dataset, normalize};
use cotangent::net::Network;
use cotangent::train::{Prediction, predict};
use image::imageops::FilterType;
use miette::{Result, miette};
use std::path::{Path, PathBuf};

/// Arguments of `predict`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A checkpoint, such as RUN/best.safetensors.
    #[arg(long, value_name = "F")]
    weights: PathBuf,
    /// Images to classify, PNG or JPEG; without any, examples of the test split.
    images: Vec<PathBuf>,
    /// The images are dark on light; the training digits are light on dark.
    #[arg(long)]
    invert: bool,
    /// How many examples of the test split.
    #[arg(long, default_value_t = 10, value_name = "N", conflicts_with = "images", value_parser = count, allow_negative_numbers = true)]
    count: usize,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print one JSON object per image.
    #[arg(long)]
    json: bool,
    /// Print no notices.
    #[arg(long)]
    quiet: bool,
}

/// An image, what it is called, and its class where that is known.
struct Example {
    name: String,
    label: Option<u8>,
}

/// Classifies.
pub fn run(args: &Args) -> Result<()> {
    let net = args.model.network()?;
    let quiet = args.quiet || args.json;
    let weights = load_weights(&args.weights, &net, quiet)?;
    let mut examples = Vec::new();
    let mut x = Vec::new();
    let mut add = |example: Example, pixels: &[u8]| {
        let start = x.len();
        x.resize(start + pixels.len(), 0.0);
        normalize(pixels, Dataset::MNIST_MEAN_STD, &mut x[start..]);
        examples.push(example);
    };
    for path in &args.images {
        let pixels = read(path, &net, args.invert)?;
        add(Example { name: path.display().to_string(), label: None }, &pixels);
    }
    // Image files need no data set.
    if args.images.is_empty() {
        let dataset = args.data.load(&net, quiet)?;
        fits(&dataset, &net)?;
        let split = dataset.test();
        for i in 0..args.count.min(split.len()) {
            let (Some(pixels), label) = (split.image(i), split.label(i)) else { continue };
            add(Example { name: format!("{} test {i}", dataset.name()), label }, pixels);
        }
    }
    let predictions =
        predict(&net, &weights, &x, args.backend.execution()).map_err(|e| miette!("{e}"))?;
    for (example, prediction) in examples.iter().zip(&predictions) {
        show(args.json, example, prediction)?;
    }
    Ok(())
}

fn show(json: bool, example: &Example, p: &Prediction) -> Result<()> {
    if json {
        return print_json(&serde_json::json!({
            "image": example.name,
            "class": p.class,
            "probabilities": p.probabilities,
            "label": example.label,
        }));
    }
    let probability = p.probabilities.get(p.class).copied().unwrap_or(f32::NAN);
    let verdict = match example.label {
        None => String::new(),
        Some(l) if usize::from(l) == p.class => "  right".into(),
        Some(l) => format!("  wrong: it is {l}"),
    };
    print(&format!("{}: {} ({:.1} %){verdict}\n", example.name, p.class, 100.0 * probability))
}

/// The pixels of an image file at the network's input size.
fn read(path: &Path, net: &Network, invert: bool) -> Result<Vec<u8>> {
    let &[height, width, channels] = net.spec().input.as_slice() else {
        return Err(miette!("net `{}` does not take images", net.spec().name));
    };
    let image = image::ImageReader::open(path)
        .and_then(image::ImageReader::with_guessed_format)
        .map_err(|e| miette!("{}: {e}", path.display()))?
        .decode()
        .map_err(|e| miette!(help = "give a PNG or JPEG file", "{}: {e}", path.display()))?;
    let image = image.resize_exact(width as u32, height as u32, FilterType::Triangle);
    let mut pixels = match channels {
        1 => image.into_luma8().into_raw(),
        3 => image.into_rgb8().into_raw(),
        n => {
            return Err(miette!(
                "net `{}` takes {n} channels; images have 1 or 3",
                net.spec().name
            ));
        }
    };
    if invert {
        pixels.iter_mut().for_each(|p| *p = 255 - *p);
    }
    Ok(pixels)
}

fn fits(dataset: &Dataset, net: &Network) -> Result<()> {
    let pixels: usize = net.spec().input.iter().product();
    if pixels == dataset.pixels() {
        return Ok(());
    }
    Err(miette!(
        help = "give images as arguments; they are resized",
        "net `{}` takes {:?}, but the images of {} are {:?}",
        net.spec().name,
        net.spec().input,
        dataset.name(),
        dataset.image_shape()
    ))
}
