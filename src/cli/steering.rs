//! The socket beside the journal on which a run can be steered from another shell.
//!
//! One line of JSON asks, one answers. Only the same user of the operating system, or root, is heard, and only a run of theirs is
//! believed. Whatever is asked is in the journal.

use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::progress::Progress;
use crate::execute::{Control, Look, Steering};
use crate::journal::{Journal, NewEvent, OperationId};
use crate::names::counted;

/// The longest line that is read.
const LONGEST: u64 = 1 << 24;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a socket's path may be long, without the zero at its end: `sun_path` of unix(7).
const LONGEST_PATH: usize = 107;

/// What a run answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// The version of this format; 1 today.
    pub schema: u32,
    /// Whether it was done.
    pub is_done: bool,
    /// What that means, or why not.
    pub said: String,
    /// How the run is.
    pub run: Look,
}

/// A run that listens, until this is dropped.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // What is left is taken away by the next run.
        let _gone = std::fs::remove_file(&self.path);
    }
}

/// Returns where the run of a journal listens: beside it, or in the folder for temporary files where that path is too long.
pub fn socket(journal: &Path) -> PathBuf {
    let whole = journal.canonicalize().unwrap_or_else(|_| journal.to_owned());
    let mut beside = whole.clone().into_os_string();
    beside.push(".sock");
    if beside.len() <= LONGEST_PATH {
        return beside.into();
    }
    let hash = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex();
    std::env::temp_dir().join(format!("studio-migrate-{}.sock", &hash[..16]))
}

/// A run that can be steered.
#[derive(Clone)]
pub struct Steered {
    /// Where what is asked is written down.
    pub journal: Journal,
    /// The command that runs.
    pub operation: OperationId,
    /// Its controls.
    pub control: Control,
    /// Where it is told what was asked.
    pub progress: Progress,
}

/// Listens for as long as the lease of this journal is held. A run that cannot listen goes on unsteered, and says so.
pub fn listen(run: Steered) -> Option<Listening> {
    let path = socket(run.journal.path());
    // Whoever holds the lease is alone: a socket that lies there is of a run that was killed. Anything else is somebody's.
    if path.symlink_metadata().is_ok_and(|there| there.file_type().is_socket()) {
        let _gone = std::fs::remove_file(&path);
    }
    let listener = match bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            run.progress.warning(&format!(
                "this run cannot be steered: {} cannot be made: {error}",
                path.display()
            ));
            return None;
        }
    };
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Too many files are open, say: that passes.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let run = run.clone();
            // Whoever goes away before the answer misses nothing that the journal does not say.
            tokio::spawn(async move { timeout(PATIENCE, answer(stream, &run)).await });
        }
    });
    Some(Listening { path, task })
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn answer(mut stream: UnixStream, run: &Steered) -> io::Result<()> {
    let uid = peer(&stream)?;
    let line = read_line(&mut stream).await?;
    // Bytes that are no UTF-8 are no request either, and are answered.
    let said = match serde_json::from_slice(&line) {
        Ok(asked) => heard(run, &asked, uid),
        Err(error) => Err(format!("this is no request: {error}")),
    };
    let reply = Reply {
        schema: 1,
        is_done: said.is_ok(),
        said: said.unwrap_or_else(|why| why),
        run: run.control.look(),
    };
    write_line(&mut stream, &reply).await
}

/// Writes down what is asked, then does it and tells of it.
fn heard(run: &Steered, asked: &Steering, uid: u32) -> Result<String, String> {
    if *asked == Steering::Look {
        return run.control.steer(asked);
    }
    run.control.check(asked)?;
    let event = NewEvent {
        operation: Some(run.operation),
        kind: "steered",
        detail: json!({ "asked": asked, "uid": uid }),
        ..NewEvent::default()
    };
    run.journal.record(&event).map_err(|error| match error.is_about_lease() {
        true => "no run is at work any more: this one has just ended".to_owned(),
        false => error.to_string(),
    })?;
    let said = run.control.steer(asked)?;
    run.progress.say(&format!("Asked by uid {uid}: {said}"));
    Ok(said)
}

/// Asks the run of a journal how it is. One of another host, or of another user, cannot be asked.
pub async fn look(journal: &Path) -> Option<Look> {
    let reply = ask(journal, &Steering::Look).await;
    reply.ok().flatten().map(|reply| reply.run)
}

/// Says how much a run does at once, and whether it was asked to hold still.
pub fn words(run: &Look) -> String {
    let paused = match run.is_paused {
        true => "paused, until `studio-migrate resume`; ",
        false => "",
    };
    let mut said = format!(
        "{paused}{} at once at most, {} at work, {} of {} apps copying",
        counted(run.concurrency, "person", "people"),
        run.at_work.len(),
        run.apps.1,
        run.apps.0
    );
    if let Some(gib) = run.gib_in_flight {
        said.push_str(&format!(", {gib} GiB in flight at most"));
    }
    if run.is_draining {
        let why = run.why.as_deref().unwrap_or("as somebody asked");
        said.push_str(&format!("; ends once the steps under way are done: {why}"));
    }
    said
}

/// Asks the run of a journal. `None` where no run listens.
///
/// # Errors
///
/// The run is another user's, or it does not answer in five seconds.
pub async fn ask(journal: &Path, asked: &Steering) -> io::Result<Option<Reply>> {
    let mut stream = match UnixStream::connect(socket(journal)).await {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    peer(&stream)?;
    let asking = async {
        write_line(&mut stream, asked).await?;
        let line = read_line(&mut stream).await?;
        // A run that ends meanwhile goes away without a word.
        if line.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(io::Error::other)
    };
    match timeout(PATIENCE, asking).await {
        Ok(Err(error))
            if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
        {
            Ok(None)
        }
        Ok(reply) => reply,
        Err(_) => Err(io::Error::new(ErrorKind::TimedOut, "the run does not answer")),
    }
}

/// Returns the user at the other end, who has to be the same as at this one, or root.
fn peer(stream: &UnixStream) -> io::Result<u32> {
    let uid = stream.peer_cred()?.uid();
    if uid == rustix::process::geteuid().as_raw() || uid == 0 {
        return Ok(uid);
    }
    Err(io::Error::new(ErrorKind::PermissionDenied, format!("it is of another user, uid {uid}")))
}

async fn read_line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST)).read_until(b'\n', &mut line).await?;
    Ok(line)
}

async fn write_line(stream: &mut UnixStream, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_s_path_always_fits() {
        assert_eq!(socket(Path::new("/x/journal.db")), Path::new("/x/journal.db.sock"));
        let deep = PathBuf::from(format!("/x/{}/journal.db", "y".repeat(200)));
        let other = PathBuf::from(format!("/x/{}/journal.db", "z".repeat(200)));
        assert!(socket(&deep).as_os_str().len() <= LONGEST_PATH);
        assert_ne!(socket(&deep), socket(&other));
    }
}
