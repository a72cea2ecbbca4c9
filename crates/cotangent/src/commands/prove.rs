//! `cotangent prove MODEL`

use crate::certify::{Certified, certify, report};
use crate::interrupt::stop_on_interrupt;
use crate::model::{ModelArgs, SizeArgs};
use crate::options::{OptimizerArgs, encoding, load_data, load_weights};
use crate::output::{print, print_json};
use crate::theorem_words::theorem_words;
use cotangent::graph::Precision;
use cotangent::prove::{AtVerdict, Kink, ProveError, Subject, Verdict, kinks};
use cotangent::stablehlo::What;
use cotangent::train::{MaskDraw, Weights, read_whole};
use miette::{Result, miette};
use std::fmt::Write;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Arguments of `prove`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A zoo name (`cotangent models`), a spec file (.toml), or an emitted file (.mlir).
    model: String,
    #[command(flatten)]
    size: SizeArgs,
    /// The step [default: train].
    #[arg(long, value_enum)]
    what: Option<Step>,
    /// Batch size [default: 128].
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    /// Where the certificate goes; by default certificates/MODEL-STEP-1, -2, …
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Certify also that no condition about kinks is left at the weights of this checkpoint and
    /// the examples of --batch-from.
    #[arg(long, value_name = "F", requires = "batch_from")]
    at: Option<PathBuf>,
    /// With --at: the data whose first test examples are the batch, as --data of `train` names it.
    #[arg(long, value_name = "auto|synthetic|DIR", requires = "at")]
    batch_from: Option<String>,
    /// With --at: how many examples, which is the batch size [default: 1].
    #[arg(long, value_name = "N", requires = "at", conflicts_with = "batch", value_parser = some, allow_negative_numbers = true)]
    count: Option<NonZeroUsize>,
    /// With --at, where dropout or drop_path comes before a kink: the theorem fixes the masks of
    /// the first step of a run with this seed [default: of the step that comes after the
    /// checkpoint, by the seed of its run].
    #[arg(long, value_name = "N", requires = "at")]
    mask_seed: Option<u64>,
    /// Have coqchk, Coq's independent checker, go over the certificate too.
    #[arg(long)]
    recheck: bool,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Step {
    /// Forward, loss, backward, optimiser.
    Train,
    /// Loss and gradients.
    Grad,
    /// Logits.
    Forward,
}

/// Reads a count of at least 1.
fn some(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("found `{text}`, expected a whole number, 1 or more"))
}

/// Writes a certificate and has Coq check it.
pub fn run(args: &Args) -> Result<()> {
    let mut here = None;
    let stop = stop_on_interrupt(None)?;
    let subject = subject(args)?;
    if args.at.is_some() {
        has_conditions(&subject)?;
        subject.kinks_are_followed().map_err(report)?;
    }
    let mut certified = certify(subject, args.quiet, stop, |subject| {
        // Before Coq runs: weights or data may not fit.
        here = args.at.as_ref().map(|at| Here::load(args, at, subject)).transpose()?;
        match &args.out {
            Some(path) => vacant(path),
            None => Ok(numbered(subject, 1)),
        }
    })?;
    let at = here.as_ref().map(|here| here.certify(&certified)).transpose()?;
    let draw = here.as_ref().and_then(|here| here.draw);
    if args.recheck {
        certified.recheck()?;
    }
    match &args.out {
        Some(path) => certified.keep(std::iter::once(path.clone()))?,
        None => {
            let subject = certified.subject.clone();
            certified.keep((1..).map(|n| numbered(&subject, n)))?;
        }
    }
    let path = certified.path();
    let Certified { subject, stated, verdict, .. } = &certified;
    if args.json {
        let kinks = conditions(subject, verdict)
            .iter()
            .map(|k| serde_json::json!({"layer": k.layer, "op": k.op, "condition": k.condition}));
        return print_json(&serde_json::json!({
            "model": subject.network.spec().name,
            "file": path.join("step.mlir"),
            "sha256": verdict.sha256,
            "theorem": format!("{stated}\n\n{}", verdict.statement),
            "kinks": kinks.collect::<Vec<_>>(),
            "axioms": verdict.axioms,
            "instructions": subject.instructions,
            "seconds": verdict.seconds,
            "recheck_seconds": verdict.recheck_seconds,
            "at": at.as_ref().zip(here.as_ref()).map(|(at, here)| serde_json::json!({
                "weights": here.weights.path(), "weights_sha256": here.weights.file_sha256(),
                "data": here.data, "examples": subject.batch,
                "theorem": at.statement, "axioms": at.axioms, "seconds": at.seconds,
                "masks": draw.map(|d| serde_json::json!({
                    "seed": d.seed, "step": d.step + 1, "names": subject.masks_before_kinks(),
                })),
            })),
        }));
    }
    if args.quiet {
        return Ok(());
    }
    let mut text = in_words(subject, stated, verdict, path);
    if let (Some(at), Some(here)) = (&at, &here) {
        text.push_str(&at_in_words(at, &here.origin, path));
    }
    print(&text)
}

/// Refuses a step whose theorem has nothing to settle at a point.
fn has_conditions(subject: &Subject) -> Result<()> {
    let why = if subject.what == What::Forward {
        "a forward pass has no gradient"
    } else if kinks(&subject.network).is_empty() {
        "the network has no kinks"
    } else {
        return Ok(());
    };
    Err(miette!(
        help = "leave out --at, --batch-from and --count: the theorem holds at every point",
        "--at: {why}: the theorem of `{}` has no condition to settle",
        subject.network.spec().name
    ))
}

/// Weights, a batch and masks to certify at.
struct Here {
    weights: Weights,
    x: Vec<f32>,
    draw: Option<MaskDraw>,
    /// Whose first test examples `x` holds.
    data: String,
    /// What these are, in words.
    origin: String,
}

impl Here {
    fn load(args: &Args, at: &Path, subject: &Subject) -> Result<Self> {
        let (net, quiet) = (&subject.network, args.quiet || args.json);
        let source = args.batch_from.as_deref().unwrap_or("auto");
        let count = subject.batch;
        if let Some(given) = args.count.filter(|given| given.get() != count) {
            return Err(miette!(
                help = format!("give --count {count}, or leave it out"),
                "--count {given}: the step is of {count} examples"
            ));
        }
        let weights = load_weights(at, net, quiet)?;
        let dataset =
            load_data(["--batch-from", source], net, encoding(&weights)?.as_ref(), quiet)?;
        let split = dataset.test();
        if split.len() < count {
            let name = dataset.name();
            let found = split.len();
            let help = format!("give a step of at most {found} examples, or data with more");
            return Err(miette!(
                help = help,
                "--batch-from {source}: {name} has {found} test examples; the step is of {count}"
            ));
        }
        let mut x = vec![0.0; count * dataset.example_len()];
        let mut targets = vec![0.0; count * dataset.target_len()];
        // A split holds at most u32::MAX examples.
        let indices: Vec<u32> = (0..count as u32).collect();
        dataset.fill_batch(split, &indices, &mut x, &mut targets).map_err(|e| miette!("{e}"))?;
        let draw = mask_draw(args, at, subject, &weights)?;
        let data = match dataset.name() {
            name if source == "auto" || source == name => name.to_string(),
            name => format!("{name} in {source}"),
        };
        let origin = origin(&weights, &data, draw, subject);
        Ok(Here { weights, x, draw, data, origin })
    }

    fn certify(&self, certified: &Certified) -> Result<AtVerdict> {
        let net = &certified.subject.network;
        let stored = self.weights.params(net).map_err(|e| miette!("{e}"))?;
        let params: Vec<&[f32]> =
            stored.iter().take(net.params().len()).map(|(_, data)| *data).collect();
        let masks = self.draw.map(|draw| draw.masks(net, certified.subject.batch));
        certified.at(&params, &self.x, &masks.unwrap_or_default(), &self.origin)
    }
}

/// Where the masks before kinks are drawn; `None` if there are none.
fn mask_draw(
    args: &Args,
    at: &Path,
    subject: &Subject,
    weights: &Weights,
) -> Result<Option<MaskDraw>> {
    if subject.masks_before_kinks().is_empty() {
        return match args.mask_seed {
            None => Ok(None),
            Some(seed) => Err(miette!(
                help = "leave out --mask-seed: the theorem holds with any masks",
                "--mask-seed {seed}: in `{}` no kink depends on a mask",
                subject.network.spec().name
            )),
        };
    }
    let help = "give --mask-seed N: the seed whose first masks the theorem fixes";
    let draw = match args.mask_seed {
        Some(seed) => Some(MaskDraw { seed, step: 0 }),
        None => weights.next_masks().map_err(|e| miette!(help = help, "{e}"))?,
    };
    draw.map(Some).ok_or_else(|| {
        miette!(
            help = help,
            "{}: it does not say the seed of its run, and kinks of `{}` depend on masks",
            at.display(),
            subject.network.spec().name
        )
    })
}

/// The point, in words.
fn origin(weights: &Weights, data: &str, draw: Option<MaskDraw>, subject: &Subject) -> String {
    let masks = draw.map_or(String::new(), |d| {
        format!(
            "\nwith {} as training would draw them at step {} by seed {}",
            subject.masks_before_kinks().join(", "),
            d.step + 1,
            d.seed
        )
    });
    let examples = match subject.batch {
        1 => "the first test example".to_string(),
        count => format!("the first {count} test examples"),
    };
    let (path, sha256) = (weights.path().display(), weights.file_sha256());
    format!("the weights of {path} (sha256 {sha256})\nand {examples} of {data}{masks}")
}

/// The theorem at the point.
fn at_in_words(at: &AtVerdict, origin: &str, path: &Path) -> String {
    format!(
        "\nAt {origin}, whatever the other arguments,\n\
         every one of these conditions holds: the gradient is the derivative there, and no premise is left.\n\n\
         {}\n\nthe point     {}\ntime          {:.1} s\n",
        at.statement,
        path.join("Point.v").display(),
        at.seconds,
    )
}

/// What is to be certified: the file named, or the step asked for.
fn subject(args: &Args) -> Result<Subject> {
    let path = Path::new(&args.model);
    if path.extension().is_some_and(|e| e == "mlir") {
        let given = [("--what", args.what.is_some()), ("--batch", args.batch.is_some())];
        let given = given.iter().find(|(_, given)| *given).map(|(flag, _)| *flag);
        if let Some(flag) = args.size.given().or(given).or(args.optimizer.given()) {
            return Err(miette!(
                help = format!("leave out {flag}"),
                "{}: the file says what it is; {flag} cannot change it",
                args.model
            ));
        }
        let help = "give a file that `cotangent emit` wrote, a spec file (.toml), or a name from \
                    `cotangent models`";
        let bytes = read_whole(path).map_err(|e| miette!(help = help, "{}: {e}", args.model))?;
        let text =
            String::from_utf8(bytes).map_err(|e| miette!(help = help, "{}: {e}", args.model))?;
        return Subject::read(text).map_err(|e| {
            let help = match e {
                ProveError::Evaluation { .. } => "emit it with --mode training",
                ProveError::Model { .. } => "give the file as `cotangent emit` wrote it",
                _ => "the file is not as `cotangent emit` writes it; emit it again",
            };
            miette!(help = help, "{}: {e}", args.model)
        });
    }
    let net = ModelArgs { model: args.model.clone(), size: args.size.clone() }.network()?;
    let what = match args.what {
        None | Some(Step::Train) => What::Train,
        Some(Step::Grad) => What::Grad,
        Some(Step::Forward) => What::Forward,
    };
    args.optimizer.suit(what)?;
    let options = args.optimizer.options()?;
    let batch = args.batch.or(args.count.map(NonZeroUsize::get)).unwrap_or(if args.at.is_some() {
        1
    } else {
        128
    });
    let text = cotangent::emit::program(&net, what, batch, &options, Precision::F32)
        .map_err(|e| miette!("{e}"))?
        .to_text()
        .map_err(|e| miette!("{e}"))?;
    Subject::read(text).map_err(|e| miette!("{e}"))
}

/// The place of a certificate that was given none.
fn numbered(subject: &Subject, n: usize) -> PathBuf {
    let stem = format!("{}-{}", subject.network.spec().name, subject.what.name());
    Path::new("certificates").join(format!("{stem}-{n}"))
}

/// `path`, if nothing is there that a certificate would replace.
fn vacant(path: &Path) -> Result<PathBuf> {
    let found = match std::fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(path.into()),
        Ok(false) => "it is not empty".to_string(),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(path.into()),
        Err(e) => e.to_string(),
    };
    let help = "name a directory that does not exist yet";
    Err(miette!(help = help, "--out {}: {found}", path.display()))
}

/// The kinks that the theorem assumes away: of a forward pass, which has no
/// derivative, none.
fn conditions<'a>(subject: &Subject, verdict: &'a Verdict) -> &'a [Kink] {
    if subject.what == What::Forward { &[] } else { &verdict.kinks }
}

/// The theorem for people, then for Rocq.
fn in_words(subject: &Subject, stated: &str, verdict: &Verdict, path: &Path) -> String {
    let name = &subject.network.spec().name;
    let mut text = format!("{name}: certified\n\n");
    text.push_str(&theorem_words(subject, conditions(subject, verdict)));
    let _ = write!(
        text,
        "\n{stated}\n\n{}\n\naxioms        {}\nfile          {}\nsha256        {}\ninstructions  {}\ntime          {:.1} s",
        verdict.statement,
        if verdict.axioms.is_empty() { "none".into() } else { verdict.axioms.join(", ") },
        path.join("step.mlir").display(),
        verdict.sha256,
        subject.instructions,
        verdict.seconds,
    );
    if let Some(seconds) = verdict.recheck_seconds {
        let _ = write!(text, ", coqchk {seconds:.1} s");
    }
    let _ = writeln!(
        text,
        "\ntrusted       Coq and its virtual machine, the axioms, the meaning given to StableHLO, the executor\n\
         \x20             and its rounding (TRUST.md)\ncheck again   sh {}",
        path.join("check.sh").display()
    );
    text
}
