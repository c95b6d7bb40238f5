//! What the lines of a script give away: one function a check, each on one line.

use super::line::Line;

/// Programs that fetch something.
const FETCHING: [&str; 11] =
    ["pip", "pip3", "conda", "mamba", "curl", "wget", "git", "apt-get", "apt", "npm", "yum"];

/// Tells whether a package manager of Amazon Linux is called; the new Studio is Debian's kin.
pub(super) fn yum(line: &Line) -> bool {
    line.runs(&["yum", "dnf", "rpm", "amazon-linux-extras", "yum-config-manager"])
}

/// Tells whether a path or user of Classic is named: `/root`, `/home/ec2-user`, `root`.
pub(super) fn root(line: &Line) -> bool {
    let is_user = line.commands().any(|words| {
        let has = |word: &str| words.contains(&word);
        matches!(words.first(), Some(&"su"))
            || has("-u") && (has("ec2-user") || has("root"))
            || matches!(words.first(), Some(&"chown"))
                && words.iter().any(|word| word.starts_with("root") || word.starts_with("ec2-user"))
    });
    is_user
        || line.code.contains("ec2-user")
        || line.code.contains("$EUID")
        || has_path(&line.code, "/root")
}

/// Tells whether a whole path stands in the code, and not only a part of another one.
pub(super) fn has_path(code: &str, path: &str) -> bool {
    paths(code, path).next().is_some()
}

/// Where a path stands in the code.
pub(super) fn paths<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '/');
    code.match_indices(path).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        !before.is_some_and(is_part)
            && !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    })
}

/// Tells whether an environment or a layout of Classic's conda is used.
pub(super) fn conda(line: &Line) -> bool {
    let activates = line.commands().any(|words| match words.as_slice() {
        ["source" | ".", "activate" | "deactivate", ..] => true,
        ["source" | ".", path, ..] => path.ends_with("/activate"),
        ["conda" | "mamba", "activate", name, ..] => *name != "base",
        ["conda" | "mamba", "create", ..] => true,
        ["conda" | "mamba", "env", "create" | "update", ..] => true,
        _ => false,
    });
    activates
        || ["/opt/conda/envs", "anaconda3", "miniconda3", "condabin"]
            .iter()
            .any(|part| line.code.contains(part))
}

/// Tells whether something long runs while the app waits for the script, which is given five minutes.
pub(super) fn foreground(line: &Line) -> bool {
    !line.is_here && !line.is_in_background() && is_long(line)
}

/// Tells whether a line may run for minutes.
pub(super) fn is_long(line: &Line) -> bool {
    line.commands().any(|words| {
        let has = |word: &str| words.contains(&word);
        match words.as_slice() {
            [
                "pip" | "pip3" | "conda" | "mamba" | "yum" | "dnf" | "apt" | "apt-get" | "npm",
                ..,
            ] => has("install") || has("upgrade") || has("create") || has("update"),
            [python, "-m", "pip", ..] if python.starts_with("python") => has("install"),
            ["git", "clone", ..] | ["docker", "pull" | "build", ..] | ["wget", ..] => true,
            ["aws", "s3", "sync", ..] => true,
            ["aws", "s3", "cp", ..] => has("--recursive"),
            ["jupyter", "lab", "build", ..] | ["sleep", ..] => true,
            _ => false,
        }
    })
}

/// Tells whether the line needs the internet.
pub(super) fn internet(line: &Line) -> bool {
    const OWN_INDEX: [&str; 5] =
        ["--index-url", "--no-index", "-i http", "codeartifact", "localhost"];
    if OWN_INDEX.iter().any(|own| line.code.contains(own)) {
        return false;
    }
    line.commands().any(|words| match words.as_slice() {
        ["git", verb, ..] => matches!(*verb, "clone" | "pull" | "fetch" | "submodule"),
        [python, "-m", "pip", "install", ..] if python.starts_with("python") => true,
        ["curl" | "wget", ..] => true,
        [program, rest @ ..] => {
            let verb = rest.iter().find(|word| !word.starts_with('-'));
            const VERBS: [&str; 5] = ["install", "update", "upgrade", "create", "download"];
            FETCHING.contains(program) && verb.is_some_and(|verb| VERBS.contains(verb))
        }
        _ => false,
    })
}

/// Tells whether extensions are handled by commands that JupyterLab 4 has no more, or an older JupyterLab is asked for.
pub(super) fn extension(line: &Line) -> bool {
    let commands = line.commands().any(|words| {
        matches!(
            words.as_slice(),
            ["jupyter", "labextension" | "serverextension" | "nbextension", ..]
                | ["jupyter", "lab", "build" | "clean", ..]
                | ["jupyter-labextension" | "jupyter-serverextension" | "jupyter-nbextension", ..]
        )
    });
    let older = [
        "jupyterlab==1",
        "jupyterlab==2",
        "jupyterlab==3",
        "jupyterlab<4",
        "jupyter_server<2",
        "jupyter-server<2",
    ];
    commands || older.iter().any(|older| line.code.contains(older))
}

/// Tells whether the server of Classic is restarted.
pub(super) fn restart(line: &Line) -> bool {
    let is_about_jupyter = line.code.contains("jupyter");
    line.runs(&["initctl", "restart-jupyter-server"])
        || line.code.contains("supervisorctl") && line.code.contains("restart")
        || line.runs(&["pkill", "killall", "systemctl", "service"]) && is_about_jupyter
}

/// Tells whether the profile's name is read from the metadata, where the new Studio has the space's.
pub(super) fn metadata(line: &Line) -> bool {
    line.code.contains("UserProfileName")
}

/// Tells whether the line belongs to an auto-shutdown of Classic.
pub(super) fn auto_stop(line: &Line) -> bool {
    const WORDS: [&str; 5] =
        ["auto-shutdown", "auto_shutdown", "autostop", "idle_time", "set-time-interval"];
    let lower = line.code.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}
