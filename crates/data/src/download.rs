//! Fetching a file of known size and digest.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// A file to fetch, and how to know it arrived whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFile {
    /// File name, appended to the mirror's address and used on disk.
    pub name: &'static str,
    /// Exact size in bytes.
    pub bytes: u64,
    /// sha256 digest, lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Told how a download proceeds, so that a front end can draw it.
pub trait Progress {
    /// The download of `file`, of `bytes` bytes, begins.
    fn start(&mut self, file: &str, bytes: u64);
    /// `bytes` more bytes arrived.
    fn advance(&mut self, bytes: u64);
    /// The file is complete, or the download gave up.
    fn finish(&mut self);
}

/// A [`Progress`] that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&mut self, _file: &str, _bytes: u64) {}
    fn advance(&mut self, _bytes: u64) {}
    fn finish(&mut self) {}
}

/// A download that failed; nothing is left behind under the file's name.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the messages name every field
pub enum DownloadError {
    #[error("{url}: {reason}")]
    Request { url: String, reason: String },
    #[error("{url}: sha256 is {found}, expected {expected}")]
    Digest { url: String, found: String, expected: &'static str },
    #[error("{url}: {found} bytes arrived, expected {expected}")]
    Size { url: String, found: u64, expected: u64 },
    #[error("{}: cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Downloads `file` from `mirror` (an address that ends in `/`) into the folder `dir`.
///
/// The bytes go to a temporary file beside the target, renamed only once size and digest are right.
/// Waiting is bounded: 3 s to resolve the name and as much to connect, 10 s for each answer, so that a
/// machine without a network finds out at once.
pub fn fetch(
    mirror: &str,
    file: &RemoteFile,
    dir: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, DownloadError> {
    progress.start(file.name, file.bytes);
    let result = fetch_inner(mirror, file, dir, progress);
    progress.finish();
    result
}

fn fetch_inner(
    mirror: &str,
    file: &RemoteFile,
    dir: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, DownloadError> {
    let url = format!("{mirror}{}", file.name);
    let target = dir.join(file.name);
    let request = |reason: String| DownloadError::Request { url: url.clone(), reason };
    let write = |source| DownloadError::Write { path: target.clone(), source };

    let connect = Some(Duration::from_secs(3));
    let answer = Some(Duration::from_secs(10));
    let config = ureq::Agent::config_builder()
        .timeout_resolve(connect)
        .timeout_connect(connect)
        .timeout_recv_response(answer)
        .timeout_per_read(answer);
    // A proxy set for the outside world cannot reach this machine's loopback.
    let config = if is_loopback(&url) { config.proxy(None) } else { config };
    let agent = ureq::Agent::new_with_config(config.build());
    let response = agent
        .get(&url)
        // The digest is of the stored bytes: no transfer compression on top.
        .header("accept-encoding", "identity")
        .call()
        .map_err(|e| request(e.to_string()))?;

    std::fs::create_dir_all(dir).map_err(write)?;
    let mut temporary = temporary_in(dir, file.name).map_err(write)?;
    // One byte more than expected is enough to know that the size is wrong.
    let mut body = response.into_body().into_reader().take(file.bytes + 1);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut received = 0;
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(request(e.to_string())),
        };
        hasher.update(&buffer[..n]);
        temporary.write_all(&buffer[..n]).map_err(write)?;
        received += n as u64;
        progress.advance(n as u64);
    }
    if received != file.bytes {
        return Err(DownloadError::Size { url, found: received, expected: file.bytes });
    }
    let found: String = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    if found != file.sha256 {
        return Err(DownloadError::Digest { url, found, expected: file.sha256 });
    }
    temporary.persist(&target).map_err(|e| write(e.error))?;
    Ok(target)
}

fn is_loopback(url: &str) -> bool {
    let uri = url.parse::<ureq::http::Uri>().ok();
    let address = uri.as_ref().and_then(|uri| uri.host()?.parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}

/// A temporary file that, renamed, has the permissions of any other new file.
fn temporary_in(dir: &Path, name: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(name).suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666)); // less the umask
    }
    builder.tempfile_in(dir)
}
