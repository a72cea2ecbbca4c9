//! Other specifications, options and kinks than a certificate's own.

/// The definitions of a certificate with one thing in them changed, and what.
pub fn others(definitions: &str) -> Vec<(String, String)> {
    let mut others = Vec::new();
    let mut change = |what: &str, changed: String| {
        if changed != definitions {
            others.push((what.to_string(), changed));
        }
    };
    let first = |from: &str, to: &str| definitions.replacen(from, to, 1);
    change("another batch size", first("Options ", "Options 1"));
    change("another layer name", first("Next \"dense", "Next \"thick"));
    change("no bias", first(" true)", " false)"));
    change("features are more", first("Layer.Dense ", "Layer.Dense 1"));
    change("inputs are more", first("[:: ", "[:: 1"));
    change("another padding", first("2 1 1 1 1)", "2 1 2 0 1)"));
    change("another stride", first("2 1 1 1 1)", "2 2 1 1 1)"));
    change("another dilation", first("2 1 1 1 1)", "2 1 1 1 2)"));
    change("another kernel", first("(Layer.Window 2", "(Layer.Window 1"));
    change("groups", first(") 1 true", ") 2 true"));
    change("no groups", first(") 2 true", ") 1 true"));
    change("another padding", first("2 1 1 0 1)", "2 1 0 1 1)"));
    change("another output padding", first(" 1 0 2 true", " 0 0 2 true"));
    change("no groups", first(" 1 0 2 true", " 1 0 1 true"));
    change("another weight", first("Bilinear.Weights ((3)", "Bilinear.Weights ((5)"));
    change("padding that counts", first("1) false)", "1) true)"));
    change("no rectifier", first("Layer.Pointwise (Layer.Relu)", "Layer.Flatten"));
    change("no flattening", first("Layer.Flatten", "Layer.Pointwise Layer.Relu"));
    change("another activation", first("Layer.Tanh", "Layer.Sigmoid"));
    change("another activation", first("Layer.Relu6", "Layer.HardSigmoid"));
    change("another slope", first("Layer.LeakyRelu (", "Layer.LeakyRelu (1"));
    change("another constant", first("Layer.Elu (", "Layer.Elu (1"));
    change("another constant", first("Layer.Gelu (", "Layer.Gelu (1"));
    change("another constant", first("Layer.GeluTanh (", "Layer.GeluTanh (1"));
    change("a product", first("%string Sum", "%string Product"));
    change("a sum", first("%string Product", "%string Sum"));
    change("a sum", first("%string Maximum", "%string Sum"));
    change("a branch less", first("Branch (in_turn [::]);", ""));
    change("no way around", first("(in_turn [::])", "(in_turn [:: Next \"a\"%string Layer.Tanh])"));
    change("another number of heads", first("Attend 2", "Attend 4"));
    change("another epsilon", first("Layer.BatchNorm (", "Layer.BatchNorm (1"));
    change("another epsilon", first("Layer.GroupNorm 2 (", "Layer.GroupNorm 2 (1"));
    change("another epsilon", first("Layer.LayerNorm (", "Layer.LayerNorm (1"));
    change("another epsilon", first("Layer.RmsNorm (", "Layer.RmsNorm (1"));
    change("masks of examples", first("Layer.Dropout", "Layer.DropPath"));
    change("masks of elements", first("Layer.DropPath", "Layer.Dropout"));
    change("no mask", first("Layer.Dropout (1)", "Layer.Dropout (0)"));
    change("another loss", first("Loss.SoftmaxCrossEntropy", "Loss.MeanSquaredError"));
    change("another loss", first("Loss.BinaryCrossEntropyWithLogits", "Loss.MeanSquaredError"));
    change("another weight", first("2 (1)%Z 4%positive])", "2 (1)%Z 1%positive])"));
    change("a loss less", first("; Loss.Part Loss.MeanSquaredError 2 (1)%Z 4%positive", ""));
    change(
        "losses exchanged",
        definitions.replace(
            "Loss.SoftmaxCrossEntropy 2 (1)%Z 1%positive; Loss.Part Loss.MeanSquaredError",
            "Loss.MeanSquaredError 2 (1)%Z 1%positive; Loss.Part Loss.SoftmaxCrossEntropy",
        ),
    );
    if definitions.contains("Again ") && definitions.contains("Layer.BatchNorm") {
        let own = "Again 2 2 ";
        assert!(definitions.contains(own), "{definitions}");
        change("running statistics past the last", first(own, "Again 2 4 "));
        // Where they are updated: the gradient does not depend on them.
        if definitions.contains("(Train ") {
            change("another layer's running statistics", first(own, "Again 2 0 "));
        }
    }
    change("another momentum", first(" (13421773)%Z", " (3421773)%Z"));
    change("no groups", first("Layer.GroupNorm 2", "Layer.GroupNorm 1"));
    change("the gradient alone", up_to_end(definitions, "(Train ", "Grad"));
    change("the forward pass alone", up_to_end(definitions, "(Train ", "Forward"));
    change("the forward pass alone", up_to_end(definitions, "Grad", "Forward"));
    let sgd = "(Train (Sgd (Over (1)%Z 4%positive)) plain)";
    change("another optimiser", up_to_end(definitions, "(Train (A", sgd));
    change("another optimiser", up_to_end(definitions, "(Train (M", sgd));
    change("another optimiser", up_to_end(definitions, "(Train (N", sgd));
    change("another optimiser", up_to_end(definitions, "(Train (R", sgd));
    change("another optimiser", up_to_end(definitions, "(Train (L", sgd));
    change("no features", up_to_end(definitions, "{|", "plain)"));
    for feature in ["accumulate", "clip", "ema"] {
        let without = format!("{feature} := None; {feature}_was := Some");
        let removed = first(&format!("{feature} := Some"), &without);
        change(&format!("no {feature}"), until_next(&removed, &format!("{feature}_was := ")));
    }
    change("decay for all", first("spared := true", "spared := false"));
    change("trust", first("(AdamW ", "(Lamb "));
    change("no trust", first("(Lamb ", "(AdamW "));
    change("plain momentum", first("(Nesterov ", "(Momentum "));
    change("decay apart", first("(Adam ", "(AdamW "));
    change("decay coupled", first("(AdamW ", "(Adam "));
    change("an optimiser", up_to_end(definitions, "Grad", sgd));
    for (k, (at, _)) in definitions.match_indices("Over (").enumerate() {
        let at = at + "Over (".len();
        let more = format!("{}1{}", &definitions[..at], &definitions[at..]);
        change(&format!("constant {k} of the optimiser changed"), more);
    }
    if ["Layer.Relu)", "Layer.MaxPool", "Maximum"].iter().any(|k| definitions.contains(k)) {
        let kinks = "Eval vm_compute in kinks_of the_spec";
        assert!(definitions.contains(kinks));
        change("kinks concealed", first(kinks, "[::]"));
    }
    others
}

/// `text` without the field of a record that begins with `start`.
fn until_next(text: &str, start: &str) -> String {
    let Some(at) = text.find(start) else { return text.to_string() };
    let end = at + text[at..].find("; ").expect("another field follows") + "; ".len();
    format!("{}{}", &text[..at], &text[end..])
}

/// `text` with what goes from `start` to the end of its definition replaced.
fn up_to_end(text: &str, start: &str, with: &str) -> String {
    let Some(at) = text.find(start) else { return text.to_string() };
    let end = at + text[at..].find(".\n").expect("definitions end");
    format!("{}{with}{}", &text[..at], &text[end..])
}
