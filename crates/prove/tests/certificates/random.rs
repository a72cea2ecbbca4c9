//! Networks, steps, optimisers and features at random.

use crate::batch::{certify, emitted, refuses};
use crate::coq::Theories;
use cotangent_check::random_net;
use cotangent_prove::Subject;
use cotangent_stablehlo::What;
use std::env;

/// In a file for Coq.
const AT_ONCE: usize = 25;

/// How many networks; `COTANGENT_RANDOM_NETS=200` certifies more.
fn count() -> u64 {
    env::var("COTANGENT_RANDOM_NETS").map_or(50, |n| n.parse().expect("a number of networks"))
}

/// Mostly train steps.
fn subject(seed: u64) -> Subject {
    let net = random_net(seed);
    let what = match seed % 5 {
        0 => What::Forward,
        1 => What::Grad,
        _ => What::Train,
    };
    emitted(&net.spec, what, net.batch, &net.options)
}

#[test]
fn each_is_certified() {
    let subjects: Vec<Subject> = (0..count()).map(subject).collect();
    certify(&Theories::find(&["Main"]), "random", &subjects, AT_ONCE);
}

/// One attribute, constant or op of the file is another.
#[test]
fn another_file_is_refused() {
    let subject = subject(17);
    let changes =
        [("stablehlo.multiply", "stablehlo.divide"), ("stablehlo.subtract", "stablehlo.add")];
    let others = changes.map(|(from, to)| {
        let changed = subject.text.replacen(from, to, 1);
        assert_ne!(changed, subject.text, "{from} is not there: {}", subject.text);
        changed
    });
    refuses(&Theories::find(&["Main"]), "another", &subject, &others);
}
