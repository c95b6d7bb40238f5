//! The socket beside the journal on which a run can be steered from another shell.
//!
//! One line of JSON asks, one answers. Only the same user of the operating system, or root, is heard, and only a run of theirs is
//! believed. Whatever is asked is in the journal.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Ui;
use crate::execute::{Control, Look, Steering};
use crate::journal::{Journal, NewEvent, OperationId};

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

/// Listens for as long as the lease of this journal is held. A run that cannot listen goes on unsteered, and says so.
pub fn listen(
    ui: Ui,
    journal: &Journal,
    operation: OperationId,
    control: &Control,
) -> Option<Listening> {
    let path = socket(journal.path());
    // Whoever holds the lease is alone: what lies there is of a run that was killed.
    let _gone = std::fs::remove_file(&path);
    let listener = match bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            ui.warning(format_args!(
                "this run cannot be steered: {} cannot be made: {error}",
                path.display()
            ));
            return None;
        }
    };
    let (journal, control) = (journal.clone(), control.clone());
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (journal, control) = (journal.clone(), control.clone());
            tokio::spawn(async move {
                // Whoever goes away before the answer misses nothing that the journal does not say.
                let _answered =
                    timeout(PATIENCE, answer(stream, &journal, operation, &control)).await;
            });
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

async fn answer(
    mut stream: UnixStream,
    journal: &Journal,
    operation: OperationId,
    control: &Control,
) -> io::Result<()> {
    let uid = peer(&stream)?;
    let said = match read_line(&mut stream).await.map(|line| serde_json::from_str(&line)) {
        Ok(Ok(asked)) => heard(journal, operation, control, &asked, uid),
        Ok(Err(error)) => Err(format!("this is no request: {error}")),
        Err(error) => return Err(error),
    };
    let reply = Reply {
        schema: 1,
        is_done: said.is_ok(),
        said: said.unwrap_or_else(|why| why),
        run: control.look(),
    };
    write_line(&mut stream, &reply).await
}

/// Writes down what is asked, then does it.
fn heard(
    journal: &Journal,
    operation: OperationId,
    control: &Control,
    asked: &Steering,
    uid: u32,
) -> Result<String, String> {
    if *asked != Steering::Look {
        let event = NewEvent {
            operation: Some(operation),
            kind: "steered",
            detail: json!({ "asked": asked, "uid": uid }),
            ..NewEvent::default()
        };
        journal.record(&event).map_err(|error| error.to_string())?;
    }
    control.steer(asked)
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
        serde_json::from_str(&line).map_err(io::Error::other)
    };
    match timeout(PATIENCE, asking).await {
        Ok(reply) => reply.map(Some),
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

async fn read_line(stream: &mut UnixStream) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line).await?;
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
