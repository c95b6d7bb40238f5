//! Programs of others and our own, run as a shell would run them.

use std::fs;
use std::io::Seek;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;

/// Who takes longer than this has failed.
const LONGEST: &str = "1800";

/// Looking at a file and opening it, in all the ways that programs have.
const METADATA_CALLS: &str = "%%stat,getdents64,open,openat,openat2";

/// Tells whether a program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A shell script as a command, with its arguments and what it runs under.
pub(crate) fn script(under: &[String], script: &str) -> Command {
    let mut command = Command::new("timeout");
    // Cargo's own, in which every program would look for its libraries first.
    command.env_remove("LD_LIBRARY_PATH").args(["-k", "5", LONGEST]).args(under);
    command.args(["sh", "-ec", script, "sh"]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Runs to the end and says how long it took; a failure says what the program said.
pub(crate) fn time(command: &mut Command) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = command.output()?;
    let time = start.elapsed();
    if output.status.success() {
        return Ok(time);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(output.status, &said).into())
}

/// The line that says most: the first that calls itself an error, or else the last.
fn failed(status: ExitStatus, said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.to_ascii_lowercase().starts_with("error");
    let line = lines.clone().find(is_error).or(lines.next_back());
    format!("{status}: {}", line.unwrap_or("it said nothing"))
}

/// Time and greatest memory of one process.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// `VmHWM`: the most bytes that were resident at once, as Linux counts them.
    pub(crate) peak: u64,
}

/// Runs one program to the end and watches its memory.
///
/// Linux forgets the mark when the process ends, so it is read every two milliseconds; what is allocated after the last
/// look is missed.
pub(crate) fn cost(command: &mut Command) -> Result<Cost, Failure> {
    // A file, because nobody reads a pipe meanwhile, and a full one would stop the program.
    let mut said = tempfile::tempfile()?;
    command.env_remove("LD_LIBRARY_PATH").stdin(Stdio::null());
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(said.try_clone()?).spawn()?;
    let mut peak = 0;
    let status = loop {
        peak = resident(&child).unwrap_or_default().max(peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let time = start.elapsed();
    if status.success() {
        return Ok(Cost { time, peak });
    }
    said.rewind()?;
    Err(failed(status, &std::io::read_to_string(said)?).into())
}

/// The mark in bytes.
fn resident(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(child.id().to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// What makes every look at a file take a millisecond, as it does on EFS; none where that is not possible.
pub(crate) fn a_millisecond_a_call() -> Option<Vec<String>> {
    let trace = format!("trace={METADATA_CALLS}");
    let inject = format!("inject={METADATA_CALLS}:delay_exit=1000");
    let under =
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let under = under.map(str::to_owned).to_vec();
    time(&mut script(&under, "true")).is_ok().then_some(under)
}
