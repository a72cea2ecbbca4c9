//! `--data`: what each value resolves to, downloads included, against a server on the loopback.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use cotangent_data::{
    DataError, DataSource, DownloadError, Encoding, Options, Progress, RemoteFile, Silent,
    SyntheticConfig, Wanted, fetch, load,
};
use support::write_set;

/// A network on MNIST's images.
const DIGITS: Wanted<'static> = Wanted { input: &[28, 28, 1], target: &[10], encoding: None };

/// sha256 of `hello`.
const HELLO: RemoteFile = RemoteFile {
    name: "hello.txt",
    bytes: 5,
    sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
};

/// Answers each request with `answer(path)`, a status line and a body; returns the server's address.
fn serve(answer: impl Fn(&str) -> (&'static str, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            for _ in lines.take_while(|l| !l.is_empty()) {}
            let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default());
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}

#[derive(Default)]
struct Log(Vec<String>);

impl Progress for Log {
    fn start(&mut self, file: &str, bytes: u64) {
        self.0.push(format!("start {file} {bytes}"));
    }
    fn advance(&mut self, bytes: u64) {
        self.0.push(format!("advance {bytes}"));
    }
    fn finish(&mut self) {
        self.0.push("finish".into());
    }
}

fn entries(dir: &Path) -> Vec<String> {
    let entry =
        |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    std::fs::read_dir(dir).unwrap().map(entry).collect()
}

fn options(data_dir: &Path, mirror: &str) -> Options {
    Options {
        data_dir: data_dir.into(),
        offline: false,
        mirror: mirror.into(),
        text_mirror: mirror.into(),
        synthetic: SyntheticConfig { train: 20, test: 10, seed: 0 },
    }
}

/// An address where nothing listens: the port was free a moment ago.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

#[test]
fn fetches_a_file_with_the_right_digest() {
    let mirror = serve(|path| {
        assert_eq!(path, "/hello.txt");
        ("200 OK", b"hello".to_vec())
    });
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("made/on/demand");
    let mut log = Log::default();
    let path = fetch(&mirror, &HELLO, &target, &mut log).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"hello");
    assert_eq!(log.0, ["start hello.txt 5", "advance 5", "finish"]);
    assert_eq!(entries(&target), ["hello.txt"]);
}

#[test]
fn refuses_wrong_bytes_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let try_body = |body: &'static [u8]| {
        let mut log = Log::default();
        let error = fetch(&serve(move |_| ("200 OK", body.to_vec())), &HELLO, dir.path(), &mut log)
            .unwrap_err();
        assert_eq!(log.0.last().unwrap(), "finish");
        assert_eq!(entries(dir.path()), [""; 0]);
        error
    };
    let error = try_body(b"hellO");
    assert!(matches!(error, DownloadError::Digest { .. }), "{error}");
    assert!(error.to_string().contains(HELLO.sha256), "{error}");
    assert!(matches!(try_body(b"hell"), DownloadError::Size { found: 4, expected: 5, .. }));
    assert!(matches!(try_body(b"hello, world"), DownloadError::Size { found: 6, .. }));
}

#[test]
fn a_failed_request_names_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = serve(|_| ("404 Not Found", Vec::new()));
    for mirror in [mirror, nowhere()] {
        let error = fetch(&mirror, &HELLO, dir.path(), &mut Silent).unwrap_err();
        assert!(matches!(error, DownloadError::Request { .. }), "{error}");
        assert!(error.to_string().contains(&mirror), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let mirror = serve(|_| ("200 OK", b"hello".to_vec()));
    let error = fetch(&mirror, &HELLO, &file.join("below"), &mut Silent).unwrap_err();
    assert!(matches!(error, DownloadError::Write { .. }), "{error}");
}

#[test]
fn auto_falls_back_to_synthetic_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let not_found = serve(|_| ("404 Not Found", Vec::new()));
    for (mirror, reason) in [(not_found, "404"), (nowhere(), "127.0.0.1")] {
        let start = Instant::now();
        let loaded =
            load(&DataSource::Auto, &DIGITS, &options(dir.path(), &mirror), &mut Silent).unwrap();
        assert!(start.elapsed() < Duration::from_secs(3), "took {:?}", start.elapsed());
        let notice = loaded.notice.unwrap();
        assert_eq!(loaded.dataset.name(), "synthetic");
        assert!(notice.contains(reason) && notice.contains("synthetic"), "{notice}");
        assert_eq!(notice.lines().count(), 1, "{notice}");
    }
}

#[test]
fn auto_refuses_a_forged_download() {
    let dir = tempfile::tempdir().unwrap();
    // The right size, so that only the digest can tell.
    let mirror = serve(|_| ("200 OK", vec![7; 9_912_422]));
    let loaded =
        load(&DataSource::Auto, &DIGITS, &options(dir.path(), &mirror), &mut Silent).unwrap();
    assert!(loaded.notice.unwrap().contains("sha256"));
    assert_eq!(loaded.dataset.name(), "synthetic");
    assert_eq!(entries(&dir.path().join("mnist")), [""; 0]);
}

#[test]
fn auto_offline_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (asked, was_asked) = std::sync::mpsc::channel();
    let mirror = serve(move |_| {
        asked.send(()).unwrap();
        ("404 Not Found", Vec::new())
    });
    let mut options = options(dir.path(), &mirror);
    options.offline = true;
    let loaded = load(&DataSource::Auto, &DIGITS, &options, &mut Silent).unwrap();
    assert!(loaded.notice.unwrap().contains("COTANGENT_OFFLINE"));
    assert!(was_asked.try_recv().is_err());
    // The channel can tell: with downloads on, the server is asked.
    options.offline = false;
    load(&DataSource::Auto, &DIGITS, &options, &mut Silent).unwrap();
    assert!(was_asked.try_recv().is_ok());
}

#[test]
fn auto_prefers_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    write_set(&dir.path().join("mnist"));
    let loaded =
        load(&DataSource::Auto, &DIGITS, &options(dir.path(), &nowhere()), &mut Silent).unwrap();
    assert_eq!((loaded.dataset.name(), loaded.notice), ("mnist", None));

    // Damaged files are not passed over in silence.
    std::fs::write(dir.path().join("mnist/train-labels-idx1-ubyte"), b"junk").unwrap();
    let error = load(&DataSource::Auto, &DIGITS, &options(dir.path(), &nowhere()), &mut Silent)
        .unwrap_err();
    assert!(error.to_string().contains("train-labels-idx1-ubyte"), "{error}");
}

#[test]
fn a_directory_never_falls_back() {
    let dir = tempfile::tempdir().unwrap();
    let source: DataSource = dir.path().to_str().unwrap().parse().unwrap();
    let error = load(&source, &DIGITS, &options(dir.path(), &nowhere()), &mut Silent).unwrap_err();
    assert!(matches!(error, DataError::Nothing { .. }), "{error}");
    assert!(error.to_string().contains("train-images-idx3-ubyte"), "{error}");
}

#[test]
fn sources_are_parsed_and_printed() {
    for (text, source) in [
        ("auto", DataSource::Auto),
        ("synthetic", DataSource::Synthetic),
        ("./auto", DataSource::Dir("./auto".into())),
    ] {
        assert_eq!(text.parse(), Ok(source.clone()));
        assert_eq!(source.to_string(), text);
    }
    assert!("".parse::<DataSource>().is_err());
}

/// A network on small text windows, every next character its target.
fn text(vocabulary: usize) -> ([usize; 2], [usize; 2]) {
    ([4, vocabulary], [4, vocabulary])
}

#[test]
fn a_directory_is_told_by_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let load = |place: &Path, input: &[usize], target: &[usize]| {
        let wanted = Wanted { input, target, encoding: None };
        let options = options(d, &nowhere());
        load(&DataSource::Dir(place.into()), &wanted, &options, &mut Silent)
    };
    write_set(&d.join("mnist"));
    support::write_cifar10(&d.join("cifar10"), 3);
    support::write_folders(&d.join("photos"), &[("cat", 3), ("dog", 2)]);
    std::fs::create_dir(d.join("shakespeare")).unwrap();
    let words = "to be or not to be that is the question ".repeat(5);
    std::fs::write(d.join("shakespeare/input.txt"), &words).unwrap();

    // The folder that has them all: the network's shapes decide.
    let name = |input: &[usize], target: &[usize]| {
        load(d, input, target).map(|l| (l.dataset.name().to_owned(), l.notice))
    };
    assert_eq!(name(&[28, 28, 1], &[10]).unwrap(), ("mnist".into(), None));
    assert_eq!(name(&[784], &[12]).unwrap(), ("mnist".into(), None));
    assert_eq!(name(&[32, 32, 3], &[10]).unwrap(), ("cifar10".into(), None));
    let (input, target) = text(15);
    assert_eq!(name(&input, &target).unwrap(), ("shakespeare".into(), None));

    // Folders of their own.
    let photos = load(&d.join("photos"), &[6, 9, 3], &[2]).unwrap().dataset;
    assert_eq!((photos.name(), photos.example_shape()), ("photos", &[6, 9, 3][..]));
    let text = load(&d.join("shakespeare/input.txt"), &[4, 13], &[13]).unwrap().dataset;
    assert_eq!((text.name(), text.target_shape()), ("shakespeare", &[13][..]));

    // The other kind is named.
    for (place, input, target, parts) in [
        ("cifar10", &[4, 15][..], &[15][..], ["CIFAR-10", "text"]),
        ("shakespeare", &[32, 32, 3], &[10], ["a text", "images"]),
        ("photos", &[4, 15], &[15], ["images in folders", "[4, 15]"]),
    ] {
        let error = load(&d.join(place), input, target).unwrap_err().to_string();
        assert!(error.contains(place) && parts.iter().all(|p| error.contains(p)), "{error}");
    }
    let error = load(&d.join("none"), &[8, 8, 1], &[2]).unwrap_err();
    assert!(matches!(error, DataError::NotADirectory { .. }), "{error}");
    let error = load(d, &[2, 3], &[4, 3]).unwrap_err();
    assert!(matches!(error, DataError::NoKind { .. }), "{error}");
}

#[test]
fn auto_chooses_by_the_networks_shapes() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let auto = |at: &Path, input: &[usize], target: &[usize]| {
        let wanted = Wanted { input, target, encoding: None };
        let mut options = options(at, &nowhere());
        options.offline = true;
        load(&DataSource::Auto, &wanted, &options, &mut Silent)
    };
    // With nothing there everything is synthetic, and the notice says what is missing.
    let (text_in, text_out) = text(15);
    for (input, target, part) in [
        (&[32, 32, 3][..], &[10][..], "cifar-10-binary.tar.gz | tar xz -C"),
        (&[48, 48, 3], &[20], "images of 48 x 48 x 3"),
        (&text_in, &text_out, "no text"),
        (&[28, 28, 1], &[10], "no MNIST"),
    ] {
        let loaded = auto(d, input, target).unwrap();
        assert_eq!(loaded.dataset.name(), "synthetic");
        assert_eq!(
            (loaded.dataset.example_shape(), loaded.dataset.target_shape()),
            (input, target)
        );
        let notice = loaded.notice.unwrap();
        assert!(notice.contains(part) && notice.lines().count() == 1, "{notice}");
    }
    support::write_cifar10(&d.join("cifar-10-batches-bin"), 2);
    let loaded = auto(d, &[32, 32, 3], &[10]).unwrap();
    assert_eq!((loaded.dataset.name(), loaded.notice), ("cifar10", None));
    // The data directory itself may be the folder; one of another data set is passed over.
    let itself = d.join("cifar-10-batches-bin");
    assert_eq!(auto(&itself, &[32, 32, 3], &[10]).unwrap().dataset.name(), "cifar10");
    assert_eq!(auto(&itself, &[28, 28, 1], &[10]).unwrap().dataset.name(), "synthetic");
    // Files that are there but damaged are named.
    std::fs::write(itself.join("test_batch.bin"), [1; 100]).unwrap();
    let error = auto(d, &[32, 32, 3], &[10]).unwrap_err().to_string();
    assert!(error.contains("test_batch.bin") && error.contains("truncated"), "{error}");
}

#[test]
fn auto_downloads_a_text_and_checks_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(
        dir.path(),
        &serve(|path| {
            assert_eq!(path, "/input.txt");
            ("200 OK", vec![b'a'; 1_115_394])
        }),
    );
    let wanted = Wanted { input: &[4, 15], target: &[15], encoding: None };
    let loaded = load(&DataSource::Auto, &wanted, &options, &mut Silent).unwrap();
    let notice = loaded.notice.unwrap();
    assert!(notice.contains("sha256") && notice.contains("synthetic text"), "{notice}");
    assert_eq!(entries(&dir.path().join("shakespeare")), [""; 0]);
}

#[test]
fn weights_bring_their_encoding() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let load = |encoding: &Encoding, input: &[usize], target: &[usize]| {
        let wanted = Wanted { input, target, encoding: Some(encoding) };
        load(&DataSource::Dir(d.into()), &wanted, &options(d, &nowhere()), &mut Silent)
    };
    std::fs::write(d.join("a.txt"), "abba ".repeat(20)).unwrap();
    let encoding = Encoding::Text { vocabulary: "zba ".into() };
    let data = load(&encoding, &[4, 4], &[4]).unwrap().dataset;
    assert_eq!(
        (data.encoding(), &data.train().characters()[..5]),
        (&encoding, &[2, 1, 1, 2, 3][..])
    );
    let error = load(&Encoding::Text { vocabulary: "ab".into() }, &[4, 2], &[2]).unwrap_err();
    assert!(error.to_string().contains("' ' is not in the vocabulary"), "{error}");
    let error = load(&Encoding::mnist(), &[4, 2], &[2]).unwrap_err();
    assert!(error.to_string().contains("the weights are for images"), "{error}");
}
