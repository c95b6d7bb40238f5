//! A program that is run with a notice: in a process group of its own, which is killed when its time is over.

use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::ExitStatusExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::message::Message;
use super::target::Refusal;

/// How much of what a program says is kept, in bytes.
const KEPT: usize = 2_048;

/// How long the output of a program is still read once it has ended: something that it started may hold it open for ever.
const GRACE: Duration = Duration::from_millis(200);

/// The process group of a program that runs; killed whole when this is dropped before it ended.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(Pid::from_raw))
    }

    /// Says that the program ended by itself. Its number may be another's from now on.
    fn has_ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // One that has just ended by itself is no longer there, which is as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program once: the notice on its stdin, the main fields in its environment. It takes the notice by ending with 0.
pub(super) async fn run(
    words: &[String],
    hidden: &[String],
    message: &Message,
    timeout: Duration,
) -> Result<String, Refusal> {
    let mut command = prepared(words, hidden, message);
    let mut child = command
        .spawn()
        .map_err(|error| Refusal::lasting(format!("it cannot be started: {error}")))?;
    let mut group = Group::of(&child);
    let kept = Mutex::new(Vec::new());
    let ended = tokio::time::timeout(timeout, attend(&mut child, &message.body, &kept)).await;
    if ended.is_ok() {
        group.has_ended();
    }
    let output = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    let output = String::from_utf8_lossy(&output);
    let output = output.trim();
    let program = words.first().map_or("", String::as_str);
    match &ended {
        Ok(Ok(status)) => tracing::info!(program, %status, output, "a program was told"),
        Ok(Err(error)) => tracing::info!(program, %error, output, "a program was not told"),
        Err(_) => tracing::info!(program, output, "a program is killed, since its time is over"),
    }
    match ended {
        Ok(Ok(status)) => judged(status),
        Ok(Err(error)) => Err(Refusal::passing(format!("it cannot be waited for: {error}"))),
        Err(_) => {
            drop(group);
            // The killed child is taken off the list of processes, which is at once.
            let _ = tokio::time::timeout(GRACE, child.wait()).await;
            Err(Refusal::passing(format!("it was killed after {} s", timeout.as_secs_f64())))
        }
    }
}

fn prepared(words: &[String], hidden: &[String], message: &Message) -> Command {
    let (program, arguments) = words
        .split_first()
        .map_or(("", &[][..]), |(program, arguments)| (program.as_str(), arguments));
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A field that this notice has not must not be found from elsewhere.
    for name in Message::FIELDS.into_iter().chain(hidden.iter().map(String::as_str)) {
        command.env_remove(name);
    }
    command.envs(message.fields.iter().map(|(name, value)| (name, value)));
    command
}

/// Feeds a program, keeps what it says first, and waits for its end.
async fn attend(
    child: &mut Child,
    body: &str,
    kept: &Mutex<Vec<u8>>,
) -> Result<ExitStatus, std::io::Error> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = async {
        if let Some(mut stdin) = stdin {
            // A program need not read what it is given.
            let _ = stdin.write_all(body.as_bytes()).await;
        }
    };
    let talking = async {
        tokio::join!(feeding, keep(stdout, kept), keep(stderr, kept));
    };
    tokio::pin!(talking);
    let mut is_silent = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut talking, if !is_silent => is_silent = true,
        }
    };
    if !is_silent {
        let _ = tokio::time::timeout(GRACE, talking).await;
    }
    Ok(status)
}

/// Reads to the end, so that the program never waits for us, and keeps the beginning.
async fn keep(from: Option<impl AsyncRead + Unpin>, kept: &Mutex<Vec<u8>>) {
    let Some(mut from) = from else { return };
    let mut piece = [0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&piece[..room]);
    }
}

fn judged(status: ExitStatus) -> Result<String, Refusal> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok("ended with exit code 0".to_owned()),
        (Some(code), _) => Err(Refusal::passing(format!("ended with exit code {code}"))),
        (None, Some(signal)) => Err(Refusal::passing(format!("ended by signal {signal}"))),
        (None, None) => Err(Refusal::passing("ended in an unknown way")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::message::{About, Source};
    use super::*;
    use crate::playbook::Moment;

    fn message() -> Message {
        let about = About { batch: Some("pilot".into()), ..About::default() };
        Message::new(&Source::default(), Some(Moment::BatchBegan), "it begins", &about)
    }

    async fn shell(script: &str, seconds: f64) -> Result<String, Refusal> {
        let words = ["sh", "-c", script].map(str::to_owned);
        run(&words, &["HOME".to_owned()], &message(), Duration::from_secs_f64(seconds)).await
    }

    #[tokio::test]
    async fn a_program_reads_the_notice_and_finds_its_fields_but_no_secret_and_no_other_field() {
        let script = r#"test "$STUDIO_MIGRATE_NOTICE $STUDIO_MIGRATE_BATCH" = "batch-began pilot" \
            && test -z "$STUDIO_MIGRATE_GATE$HOME" && grep -q '"text":"it begins"'"#;
        assert_eq!(shell(script, 5.0).await.unwrap(), "ended with exit code 0");
        assert!(message().fields.iter().all(|(name, _)| Message::FIELDS.contains(name)));
    }

    #[tokio::test]
    async fn how_a_program_ended_is_said() {
        assert_eq!(shell("exit 3", 5.0).await.unwrap_err().why, "ended with exit code 3");
        assert_eq!(shell("kill -9 $$", 5.0).await.unwrap_err().why, "ended by signal 9");
        let words = ["/no/such/program".to_owned()];
        let missing = run(&words, &[], &message(), Duration::from_secs(5)).await.unwrap_err();
        assert!(missing.is_final && missing.why.starts_with("it cannot be started"), "{missing:?}");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let began = Instant::now();
        // The inner one would outlive a shell that is killed alone.
        let script = format!("sh -c 'echo $$ > {}; sleep 60' & wait", file.display());
        let killed = shell(&script, 0.5).await.unwrap_err();
        assert_eq!(killed.why, "it was killed after 0.5 s");
        assert!(began.elapsed() < Duration::from_secs(10));
        let inner: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{inner}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        for _ in 0..100 {
            if is_gone() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("process {inner} still runs");
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_and_what_it_says_hold_nothing_up() {
        let began = Instant::now();
        assert!(shell("sleep 30 & exit 0", 20.0).await.is_ok());
        assert!(shell("head -c 1000000 /dev/zero; exit 0", 20.0).await.is_ok());
        assert!(began.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn only_the_beginning_of_what_a_program_says_is_kept() {
        let kept = Mutex::new(Vec::new());
        keep(Some(&[b'x'; 10_000][..]), &kept).await;
        assert_eq!(kept.into_inner().unwrap().len(), KEPT);
    }
}
