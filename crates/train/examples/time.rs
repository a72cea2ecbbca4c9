//! Times a run: `time MODEL EPOCHS RUN_DIR [DATA_DIR]`. Prints how long it took to
//! the first step, the speed of each epoch, and what comes on top of the steps.
#![allow(clippy::print_stdout)]

use cotangent_data::{DataSource, Options, Silent, Wanted, load};
use cotangent_train::{Config, Event, Observer, train};
use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

struct Watch(Instant, bool);

impl Observer for Watch {
    fn event(&mut self, event: &Event<'_>) {
        let ms = 1e3 * self.0.elapsed().as_secs_f64();
        match event {
            Event::StepDone(s) => {
                if !std::mem::replace(&mut self.1, true) {
                    println!("first step done after {ms:.0} ms");
                }
                if s.position.step == s.position.steps {
                    println!("{ms:.0} ms: last step, {:.0} images/s", s.images_per_second);
                }
            }
            Event::RunStarted { peak_bytes, .. } => {
                println!("{ms:.0} ms: started, {peak_bytes:?} bytes")
            }
            Event::EpochDone { row, .. } => println!("{ms:.0} ms: {row}"),
            Event::CheckpointSaved { path } => println!("{ms:.0} ms: {}", path.display()),
            Event::EvalStarted { .. } | Event::Notice(_) | Event::Interrupted(_) => {}
            Event::Finished(summary) => println!("{ms:.0} ms: {summary:?}"),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, epochs, dir, data @ ..] = &args[..] else {
        return Err("usage: time MODEL EPOCHS RUN_DIR [DATA_DIR]".into());
    };
    let source: DataSource = data.first().map_or("synthetic", |d| d).parse()?;
    let net = cotangent_zoo::find(model).ok_or("no such model")?.spec().network()?;
    let target = net.target_type(1).shape[1..].to_vec();
    let wanted = Wanted { input: &net.spec().input, target: &target, encoding: None };
    let dataset = load(&source, &wanted, &Options::from_env(), &mut Silent)?.dataset;
    let mut config = Config::new(&net, &"adamw".parse()?, source.to_string());
    config.epochs = epochs.parse()?;
    let mut watch = Watch(Instant::now(), false);
    train(&config, &dataset, dir.as_ref(), &AtomicBool::new(false), &mut watch)?;
    Ok(())
}
