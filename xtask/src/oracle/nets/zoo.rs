//! The networks of the zoo.

use super::super::write::Case;
use super::declared::Run;
use super::{PRECISIONS, Result, case};

const OPTIMIZERS: [&str; 4] = [
    "sgd(weight_decay=0.01)",
    "momentum(momentum=0.9,weight_decay=0.01)",
    "adamw(weight_decay=0.01)",
    "adamw(beta1=0.8,beta2=0.9,eps=0.001,weight_decay=0)",
];

pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for model in cotangent_zoo::MODELS {
        let net = model.spec().network()?;
        let mut runs =
            vec![Run::Forward, Run::Grad { kinks: None }, Run::Grad { kinks: Some(1.0) }];
        runs.extend(OPTIMIZERS.map(Run::Train));
        for run in runs {
            for precision in PRECISIONS {
                cases.push(case(&format!("net/{}", model.name), &net, run, 4, precision)?);
            }
        }
    }
    Ok(cases)
}
