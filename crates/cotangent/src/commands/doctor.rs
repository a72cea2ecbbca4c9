//! `cotangent doctor`

use crate::output::{print, print_json};
use cotangent::data::{DataSource, Options, Silent, Wanted};
use miette::Result;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, serde::Serialize)]
struct Item {
    name: &'static str,
    needed_for: &'static str,
    present: bool,
    found: String,
    install: &'static str,
}

/// Says what is there and how to get the rest. Nothing beyond this program is
/// needed to train, so missing items are not an error.
pub fn run(args: &Args) -> Result<()> {
    let items = [native(), data(), coq(), python(), oracle(), peers()];
    if args.json {
        return print_json(&items);
    }
    let mut text = String::new();
    for item in &items {
        let mark = if item.present { "ok     " } else { "missing" };
        let _ = writeln!(text, "{mark}  {:<10} {}", item.name, item.found);
        if !item.present {
            let _ = writeln!(text, "{:>9}needed for {}: {}", "", item.needed_for, item.install);
        }
    }
    print(&text)
}

fn native() -> Item {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Item {
        name: "native",
        needed_for: "training",
        present: true,
        found: format!("embedded executor, {cores} threads, {}", instruction_set()),
        install: "",
    }
}

/// The widest vector instructions this machine has.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "AVX2";
        }
    }
    std::env::consts::ARCH
}

fn data() -> Item {
    let options = Options { offline: true, ..Options::from_env() };
    let mnist = Wanted { input: &[28, 28, 1], target: &[10], encoding: None };
    let found = cotangent::data::load(&DataSource::Auto, &mnist, &options, &mut Silent);
    let (present, found) = match found {
        Ok(loaded) if loaded.notice.is_none() => (true, loaded.dataset.name().to_string()),
        Ok(_) => (false, "no MNIST in $COTANGENT_DATA or ./data; synthetic digits stand in".into()),
        Err(e) => (false, e.to_string()),
    };
    Item {
        name: "data",
        needed_for: "training on MNIST",
        present,
        found,
        install: "cotangent train mnist-mlp --data auto downloads it; or --data DIR names it",
    }
}

fn coq() -> Item {
    let (present, found) = match cotangent::prove::Coq::find() {
        Ok(coq) => (true, format!("{} with MathComp-Analysis", coq.version())),
        Err(e) => (false, e.to_string()),
    };
    Item {
        name: "coq",
        needed_for: "cotangent prove",
        present,
        found,
        install: cotangent::prove::install_command(),
    }
}

fn python() -> Item {
    let version = output_of(Command::new("python3").arg("--version"));
    Item {
        name: "python3",
        needed_for: "the JAX oracle and the peers",
        present: version.is_some(),
        found: version.unwrap_or_else(|| "python3 does not run".into()),
        install: "apt-get install python3 python3-venv",
    }
}

fn oracle() -> Item {
    environment("jax", ".venv-oracle", "the tests", "bash scripts/setup-python.sh oracle")
}

fn peers() -> Item {
    environment(
        "torch",
        ".venv-peers",
        "cotangent bench --peers",
        "bash scripts/setup-python.sh peers",
    )
}

fn environment(
    module: &'static str,
    folder: &str,
    needed_for: &'static str,
    install: &'static str,
) -> Item {
    let python = Path::new(folder).join("bin/python");
    let query = format!("import importlib.metadata as m; print(m.version('{module}'))");
    let version = output_of(Command::new(python).args(["-c", &query]));
    Item {
        name: module,
        needed_for,
        present: version.is_some(),
        found: version
            .map_or_else(|| format!("not in ./{folder}"), |v| format!("{v} in ./{folder}")),
        install,
    }
}

fn output_of(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}
