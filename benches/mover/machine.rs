//! The machine and the programs, named, because no number means anything without them.

use std::fs;
use std::process::{Command, Stdio};

use crate::{Bench, Failure, program};

/// Programs and how they say their version.
const PROGRAMS: [(&str, &str); 21] = [
    ("cp", "--version"),
    ("du", "--version"),
    ("tar", "--version"),
    ("rsync", "--version"),
    ("fpart", "-V"),
    ("xcp", "--version"),
    ("cpz", "--version"),
    ("rcp", "--version"),
    ("diskus", "--version"),
    ("pdu", "--version"),
    ("dua", "--version"),
    ("gdu", "--version"),
    ("fdfind", "--version"),
    ("bfs", "--version"),
    ("b3sum", "--version"),
    ("zstd", "--version"),
    ("strace", "--version"),
    ("rclone", "version"),
    ("s5cmd", "version"),
    ("aws", "--version"),
    ("s3s-fs", "--version"),
];

/// Says where this runs and with what.
pub(crate) fn describe(bench: &Bench) -> Result<String, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown".to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let folder = bench.folder.path();
    let system = said("stat", &["-f", "-c", "%T", &folder.display().to_string()]);
    let versions: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| program::is_installed(program))
        .map(|(program, flag)| format!("{program}: {}", said(program, &[flag])))
        .collect();
    let rounds = bench.options.rounds();
    let warning = if bench.options.quick {
        "QUICK: this proves that the harness works. Its numbers mean nothing.\n\n"
    } else {
        ""
    };
    Ok(format!(
        "{warning}{cores} cores ({processor}), {memory} of memory, Linux {}, files in {} ({system}).\n\
         Rounds: {rounds}, everyone in turn; the best time counts. Only ratios mean anything: seconds are those of this \
         machine in this minute.\n\n{}.",
        kernel.trim(),
        folder.display(),
        versions.join("; ")
    ))
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// The first line that a program says.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .env_remove("LD_LIBRARY_PATH")
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else { return "it does not run".to_owned() };
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    let text = String::from_utf8_lossy(&text);
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("unknown").trim().to_owned()
}
