//! Who may write a run directory, and what of it can be made again.

mod support;

use cotangent_data::{Dataset, SyntheticConfig, synthetic};
use cotangent_train::{
    Config, Event, Observer, Outcome, RunDir, Silent, TrainError, resume, resume_from,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use support::{config, digits, metrics, tensors, train_quietly, train_stopped};

static GO: AtomicBool = AtomicBool::new(false);

/// Keeps the notices.
#[derive(Default)]
struct Notices(Vec<String>);

impl Observer for Notices {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Notice(text) = event {
            self.0.push(text.to_string());
        }
    }
}

fn resume_noting(dir: &Path) -> (Outcome, String) {
    let mut notices = Notices::default();
    let outcome = resume(dir, &digits(), &GO, &mut notices).unwrap();
    (outcome, notices.0.join("\n"))
}

/// At each step, tries to begin and to continue a run in the same directory.
struct Intruder {
    dir: PathBuf,
    refused: usize,
}

impl Observer for Intruder {
    fn event(&mut self, event: &Event<'_>) {
        if !matches!(event, Event::StepDone(_)) {
            return;
        }
        let again = resume(&self.dir, &digits(), &GO, &mut Silent).unwrap_err();
        assert!(matches!(again, TrainError::InUse { .. }), "{again}");
        let process = format!("in use by process {}", std::process::id());
        assert!(again.to_string().contains(&process), "{again}");
        train_quietly(&config("sgd"), &self.dir).unwrap_err();
        self.refused += 1;
    }
}

#[test]
fn a_run_has_its_directory_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (alone, watched) = (dir.path().join("alone"), dir.path().join("watched"));
    train_quietly(&config("adamw"), &alone).unwrap();
    let mut intruder = Intruder { dir: watched.clone(), refused: 0 };
    cotangent_train::train(&config("adamw"), &digits(), &watched, &GO, &mut intruder).unwrap();
    assert_eq!(intruder.refused, 30);
    assert_eq!(tensors(&RunDir::open(&alone).last()), tensors(&RunDir::open(&watched).last()));
    assert_eq!(metrics(&alone), metrics(&watched));
}

#[test]
fn many_runs_begun_at_once_in_one_directory_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let seeds: Vec<Option<u64>> = std::thread::scope(|scope| {
        let begin = |seed| {
            let config = Config { seed, threads: 1, ..config("sgd") };
            train_quietly(&config, &path).ok().map(|_| seed)
        };
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || begin(seed))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let winners: Vec<u64> = seeds.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(Config::load(&path).unwrap().seed, winners[0]);
    assert!(matches!(resume_noting(&path).0, Outcome::AlreadyFinished(_)));
}

#[test]
fn what_a_user_keeps_in_a_directory_stays() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["step.mlir", "plot.png", "summary.json", "best.safetensors"] {
        fs::write(dir.path().join(name), "precious").unwrap();
    }
    let error = train_quietly(&config("sgd"), dir.path()).unwrap_err().to_string();
    assert!(error.contains("is not empty") && error.contains("--run-dir"), "{error}");
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(files.iter().all(|f| fs::read(f).unwrap() == b"precious"));
}

#[test]
fn a_finished_run_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    train_quietly(&config("adamw"), dir.path()).unwrap();
    let names = ["metrics.csv", "plot.svg", "plot.png", "summary.json", "step.mlir", "step.json"];
    let read = || names.map(|n| fs::read(dir.path().join(n)).unwrap());
    let whole = read();
    assert!(resume_noting(dir.path()).1.ends_with("nothing to do"));
    for name in names {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let (outcome, notice) = resume_noting(dir.path());
    assert!(matches!(outcome, Outcome::AlreadyFinished(_)));
    assert!(names.iter().all(|n| notice.contains(n)), "{notice}");
    assert_eq!(read(), whole);
    // Metrics and plots of an earlier epoch, as a kill leaves them.
    let old: Vec<&str> = std::str::from_utf8(&whole[0]).unwrap().lines().take(3).collect();
    fs::write(dir.path().join("metrics.csv"), old.join("\n") + "\n").unwrap();
    fs::write(dir.path().join("plot.svg"), "old").unwrap();
    let (_, notice) = resume_noting(dir.path());
    assert!(notice.ends_with("brought up to date: metrics.csv, plot.svg"), "{notice}");
    assert_eq!(read(), whole);
}

#[test]
fn a_lost_best_checkpoint_is_made_again_or_said_to_be_lost() {
    for epochs in 1..=6 {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::open(dir.path());
        train_quietly(&Config { epochs, ..config("momentum") }, dir.path()).unwrap();
        let best = tensors(&run.best());
        fs::remove_file(run.best()).unwrap();
        let (_, notice) = resume_noting(dir.path());
        if run.best().exists() {
            assert!(notice.contains("best.safetensors"), "{notice}");
            assert_eq!(tensors(&run.best()), best);
            assert_eq!(tensors(&run.last()), best);
        } else {
            assert!(notice.contains("best.safetensors is missing and cannot"), "{notice}");
            assert_ne!(tensors(&run.last()), best);
        }
    }
}

#[test]
fn a_run_without_a_checkpoint_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    let (straight, killed) = (dir.path().join("straight"), dir.path().join("killed"));
    train_quietly(&config("adamw"), &straight).unwrap();
    // As a kill leaves it: in the first epoch, and while the files were written.
    for files in [&["config.toml", "step.mlir", "step.json"][..], &["config.toml"]] {
        fs::create_dir(&killed).unwrap();
        for name in files {
            fs::copy(straight.join(name), killed.join(name)).unwrap();
        }
        fs::write(killed.join(".best.safetensors.x.tmp"), "half").unwrap();
        let (outcome, notice) = resume_noting(&killed);
        assert!(matches!(outcome, Outcome::Finished(_)));
        assert!(notice.contains("begins again at its first step"), "{notice}");
        let last = |dir: &Path| tensors(&RunDir::open(dir).last());
        assert_eq!(last(&killed), last(&straight));
        assert_eq!(metrics(&killed), metrics(&straight));
        let count = |dir: &Path| fs::read_dir(dir).unwrap().count();
        assert_eq!(count(&killed), count(&straight));
        fs::remove_dir_all(&killed).unwrap();
    }
    // Not on other data than it was to have.
    fs::create_dir(&killed).unwrap();
    fs::copy(straight.join("config.toml"), killed.join("config.toml")).unwrap();
    let error = resume(&killed, &renamed("mnist"), &GO, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("`synthetic`, found `mnist`") && error.contains("--data"), "{error}");
}

/// The digits under another name, as a folder that was renamed gives them.
fn renamed(name: &str) -> Dataset {
    let d = digits();
    let (train, test) = (d.train().clone(), d.test().clone());
    Dataset::new(name, train, test, [28, 28, 1], d.classes()).unwrap()
}

#[test]
fn data_may_move() {
    let dir = tempfile::tempdir().unwrap();
    let (straight, moved) = (dir.path().join("straight"), dir.path().join("moved"));
    train_quietly(&config("momentum"), &straight).unwrap();
    train_stopped(&config("momentum"), &moved, 12).unwrap();
    let other = synthetic(&SyntheticConfig { train: 330, test: 50, seed: 4 });
    let before = fs::read(moved.join("config.toml")).unwrap();
    let error = resume_from(&moved, Some("/there"), &other, &GO, &mut Silent).unwrap_err();
    assert!(matches!(error, TrainError::OtherData { .. }), "{error}");
    assert_eq!(fs::read(moved.join("config.toml")).unwrap(), before);
    // Stopped at once, so that the new place has to be remembered.
    let stop = AtomicBool::new(true);
    let here = renamed("elsewhere");
    resume_from(&moved, Some("/elsewhere"), &here, &stop, &mut Silent).unwrap();
    let stored = Config::load(&moved).unwrap();
    assert_eq!((&*stored.data, &*stored.dataset), ("/elsewhere", "synthetic"));
    resume(&moved, &here, &GO, &mut Silent).unwrap();
    let last = |dir: &Path| tensors(&RunDir::open(dir).last());
    assert_eq!(last(&moved), last(&straight));
    assert_eq!(metrics(&moved), metrics(&straight));
}
