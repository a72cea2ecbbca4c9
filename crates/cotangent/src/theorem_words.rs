//! What a certificate's theorem says, in words: the inputs it is for all of, the
//! results it is about, and what they are. `Certified.v` says the same in Coq.

use cotangent::graph::Precision;
use cotangent::prove::{Kink, Subject};
use cotangent::stablehlo::What;
use cotangent::step::{DecayExclusion, StepOptions};

/// Letters in a line.
const WIDTH: usize = 100;

/// The theorem about `subject`, whose conditions are `kinks`.
pub fn theorem_words(subject: &Subject, kinks: &[Kink]) -> String {
    let (batch, inputs) = (subject.batch, listed(&inputs(subject)));
    let computes = "step.mlir computes";
    let mut lines = wrapped(
        &format!("Over the real numbers, at batch {batch} and for all {inputs}, {computes}"),
        "",
    );
    for result in results(subject) {
        lines.extend(wrapped(&format!("- {result}"), "  "));
    }
    let premise = match (subject.what, kinks.is_empty()) {
        (What::Forward, _) => "The theorem has no premise.",
        (_, true) => {
            "The gradient is the derivative of that loss in all parameters at once. No kinks: the theorem \
             has no premise."
        }
        (_, false) => {
            "The gradient is the derivative of that loss in all parameters at once, wherever the following \
             hold:"
        }
    };
    let said = format!(
        "Its arguments and results have the names, roles, shapes and order of the step's. Constants are \
         those that {} stores, exact in the terms below. {premise}",
        match subject.precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    );
    lines.extend(wrapped(&said, ""));
    if subject.what != What::Forward {
        lines.extend(kinks.iter().map(|k| format!("  {} ({}): {}", k.layer, k.op, k.condition)));
    }
    lines.join("\n") + "\n"
}

/// What the theorem is for all of: the arguments of `@main`.
fn inputs(subject: &Subject) -> Vec<&'static str> {
    let (net, what) = (&subject.network, subject.what);
    let options = subject.options.as_ref();
    let accumulates = options.is_some_and(|o| o.accumulate > 1);
    let has_state = options.is_some_and(|o| !o.optimizer.state(net).is_empty());
    let has_ema = options.is_some_and(|o| o.ema.is_some());
    let trains = what == What::Train;
    let all = [
        ("parameters", true),
        ("optimiser state", has_state),
        ("sums of gradients", accumulates),
        ("moving averages of the parameters", has_ema),
        ("running statistics", what != What::Grad && !net.stats().is_empty()),
        ("data", true),
        ("targets", what != What::Forward),
        ("random masks", what != What::Forward && !net.masks().is_empty()),
        ("learning rate", trains),
        ("`apply`", accumulates),
    ];
    all.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
}

/// What `@main` returns.
fn results(subject: &Subject) -> Vec<String> {
    let net = &subject.network;
    let (masks, stats) = (!net.masks().is_empty(), !net.stats().is_empty());
    if subject.what == What::Forward {
        let how = match (stats, masks) {
            (true, true) => ", batch norm by the running statistics, no mask applied",
            (true, false) => ", batch norm by the running statistics",
            (false, true) => ", no mask applied",
            (false, false) => "",
        };
        return vec![format!("the logits of the network{how}")];
    }
    let how = match (stats, masks) {
        (true, true) => ", batch norm by the mean and variance of the batch, the masks applied",
        (true, false) => ", batch norm by the mean and variance of the batch",
        (false, true) => ", the masks applied",
        (false, false) => "",
    };
    match &subject.options {
        None => vec![
            format!("the loss of the network{how}"),
            "for every parameter the gradient of that loss".into(),
        ],
        Some(options) => {
            let mut results = vec![format!("the loss and the logits of the network{how}")];
            results.extend(updates(options, !options.optimizer.state(net).is_empty()));
            if stats {
                results.push(
                    "the new running statistics of batch normalisation, from those before and those of the \
                     batch"
                        .into(),
                );
            }
            results
        }
    }
}

/// What becomes of the parameters and of what is kept beside them.
fn updates(options: &StepOptions, has_state: bool) -> Vec<String> {
    let accumulates = options.accumulate > 1;
    let gradient = match options.accumulate {
        1 => "the gradient of that loss".to_string(),
        steps => format!("1/{steps} of the sum of gradients, that of this loss included"),
    };
    let clipped = options.clip.as_ref().map_or(String::new(), |c| {
        format!(
            ", scaled by min(1, {c} / (n + 1e-6)), n being its norm over all parameters together"
        )
    });
    let spared = match options.no_decay {
        DecayExclusion::Nothing => "",
        DecayExclusion::BiasAndNorm => ", those of rank 0 and 1 without weight decay",
    };
    let mut results = vec![format!(
        "{}for every parameter its new value{} by {}{spared}, at {gradient}{clipped}",
        if accumulates { "where `apply` is above 0, " } else { "" },
        if has_state { " and state" } else { "" },
        options.optimizer,
    )];
    if let Some(decay) = &options.ema {
        results.push(format!(
            "{}for every parameter its new average, d times the one before and 1 - d times the new value, d \
             being {decay}",
            if accumulates { "there too, " } else { "" },
        ));
    }
    if accumulates {
        let mut kept = vec!["parameters"];
        kept.extend(has_state.then_some("optimiser state"));
        kept.extend(options.ema.is_some().then_some("averages"));
        results.push("there too, sums of gradients that are 0".into());
        results.push(format!(
            "where `apply` is not above 0, the sums with this gradient added, and the {} as they were",
            listed(&kept)
        ));
    }
    results
}

/// `a, b and c`
fn listed(items: &[&str]) -> String {
    match items {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => items.concat(),
    }
}

/// The text in lines, each indented, those after the first once more where it is an item.
fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let hanging = if text.starts_with("- ") { "  " } else { "" };
    let mut lines = vec![indent.to_string()];
    let mut fresh = true;
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |l| l.chars().count());
        if !fresh && line + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{indent}{hanging}"));
            fresh = true;
        }
        if let Some(line) = lines.last_mut() {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        }
        fresh = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use cotangent::net::NetSpec;

    const NETS: [&str; 2] = [
        r#"name = "plain"
input = [2]
layers = [{ kind = "dense", features = 3 }]"#,
        r#"name = "full"
input = [2]
layers = [{ kind = "dense", features = 3 }, { kind = "batch_norm" }, { kind = "dropout", rate = 0.5 }]"#,
    ];

    fn words(net: &str, what: What, options: &str) -> String {
        let net = NetSpec::from_toml(net).unwrap().network().unwrap();
        let options = options.parse().unwrap();
        let program = cotangent::emit::program(&net, what, 2, &options, Precision::F32).unwrap();
        theorem_words(&Subject::read(program.to_text().unwrap()).unwrap(), &[])
    }

    /// Every role of the file's arguments and results is spoken of, and no other.
    #[test]
    fn the_words_name_the_arguments_and_results_that_there_are() {
        let full =
            "lamb clip(norm=0.5) ema(decay=0.99) accumulate(steps=4) no_decay(bias-and-norm)";
        for net in NETS {
            for (what, options) in [
                (What::Forward, "sgd"),
                (What::Grad, "sgd"),
                (What::Train, "sgd"),
                (What::Train, "adamw"),
                (What::Train, "sgd accumulate(steps=2)"),
                (What::Train, "momentum ema(decay=0.5)"),
                (What::Train, full),
            ] {
                let text =
                    words(net, what, options).split_whitespace().collect::<Vec<_>>().join(" ");
                let (inputs, results) = text.split_once("computes").unwrap();
                let stats = net.contains("batch_norm");
                let train = what == What::Train;
                let accumulates = options.contains("accumulate");
                let has_state = train && !options.starts_with("sgd");
                let average = options.contains("ema");
                for (part, place, is) in [
                    ("optimiser state", inputs, has_state),
                    ("sums of gradients", inputs, accumulates),
                    ("moving averages", inputs, average),
                    ("running statistics", inputs, stats && what != What::Grad),
                    ("targets", inputs, what != What::Forward),
                    ("random masks", inputs, stats && what != What::Forward),
                    ("learning rate", inputs, train),
                    ("`apply`", inputs, accumulates),
                    ("`apply` is not above 0", results, accumulates),
                    ("its new average", results, average),
                    ("its new value and state by", results, has_state),
                    ("min(1, 0.5 / (n + 1e-6))", results, options.contains("clip")),
                    ("without weight decay", results, options.contains("no_decay")),
                    ("new running statistics", results, stats && train),
                    (
                        "batch norm by the running statistics",
                        results,
                        stats && !train && what == What::Forward,
                    ),
                    ("mean and variance of the batch", results, stats && what != What::Forward),
                    ("the masks applied", results, stats && what != What::Forward),
                    ("the derivative of that loss", results, what != What::Forward),
                    ("the logits", results, what != What::Grad),
                    ("the loss", results, what != What::Forward),
                ] {
                    assert_eq!(place.contains(part), is, "{part}: {text}");
                }
            }
        }
    }

    #[test]
    fn the_words_of_a_step_with_everything() {
        let options = "sgd(weight_decay=0.1) clip(norm=0.5) ema(decay=0.99) accumulate(steps=4)";
        let expected = "Over the real numbers, at batch 2 and for all parameters, sums of gradients, moving averages of the\n\
parameters, running statistics, data, targets, random masks, learning rate and `apply`, step.mlir\n\
computes\n\
\x20 - the loss and the logits of the network, batch norm by the mean and variance of the batch, the\n\
\x20   masks applied\n\
\x20 - where `apply` is above 0, for every parameter its new value by sgd(weight_decay=0.1), at 1/4 of\n\
\x20   the sum of gradients, that of this loss included, scaled by min(1, 0.5 / (n + 1e-6)), n being\n\
\x20   its norm over all parameters together\n\
\x20 - there too, for every parameter its new average, d times the one before and 1 - d times the new\n\
\x20   value, d being 0.99\n\
\x20 - there too, sums of gradients that are 0\n\
\x20 - where `apply` is not above 0, the sums with this gradient added, and the parameters and averages\n\
\x20   as they were\n\
\x20 - the new running statistics of batch normalisation, from those before and those of the batch\n\
Its arguments and results have the names, roles, shapes and order of the step's. Constants are those\n\
that f32 stores, exact in the terms below. The gradient is the derivative of that loss in all\n\
parameters at once. No kinks: the theorem has no premise.\n";
        assert_eq!(words(NETS[1], What::Train, options), expected);
    }
}
