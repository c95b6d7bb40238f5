//! A proposal for the new Studio, made from a Classic script where that is mechanical.
//!
//! What is not mechanical is left as it stands, and named. The proposal is as sound to `bash -n` as the script was.

use super::check;
use super::line::{Line, here_document, is_shell, lines};
use super::{CHECKS, FOREGROUND, LARGEST, may_hold_secret, without_logins};

/// The home of the new Studio, whatever Classic's was.
const HOME: &str = "/home/sagemaker-user";
/// Where a script writes that goes on in the background.
const LOG: &str = "$HOME/.lifecycle-script.log";

/// A proposed script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// The script, for JupyterLab in the new Studio.
    pub text: String,
    /// What was changed, by the line of the old script; 0 is the script as a whole.
    pub changes: Vec<(usize, String)>,
    /// What a person must look at, by the line of the new script; 0 is the script as a whole.
    pub left: Vec<(usize, String)>,
}

/// Converts a Classic script.
pub fn convert(text: &str) -> Converted {
    let mut converted = Converted::default();
    if !is_shell(text) {
        let why = "it is no shell script, and stands as it was: a person has to look at all of it"
            .to_owned();
        return Converted { text: text.to_owned(), changes: Vec::new(), left: vec![(0, why)] };
    }
    let text = &text.replace("\r\n", "\n");
    let long: Vec<_> = lines(text).into_iter().filter(check::foreground).collect();
    let has_options = lines(text).iter().any(|line| line.code.starts_with("set -e"));
    let mut body = String::new();
    let mut installs = false;
    let mut here: Option<String> = None;
    let mut is_continued = false;
    for (number, old) in (1..).zip(text.lines()) {
        if number == 1 && old.starts_with("#!") {
            continue;
        }
        let is_here = here.is_some();
        if here.as_deref().is_some_and(|end| old.trim() == end) {
            here = None;
        } else {
            if !is_here && !is_continued {
                here = here_document(old.trim());
            }
            let is_alone = !is_here && !is_continued && !old.ends_with('\\');
            let (new, changes) = line(old, is_alone);
            installs |= changes.iter().any(|change| change == APT);
            converted.changes.extend(changes.into_iter().map(|change| (number, change)));
            is_continued = old.ends_with('\\');
            body.push_str(&new);
            body.push('\n');
            continue;
        }
        body.push_str(old);
        body.push('\n');
    }
    // What is left open at the end would take in what is put behind it.
    if is_continued {
        body.push('\n');
    }
    if let Some(end) = here {
        body.push_str(&end);
        body.push('\n');
    }
    converted.text = framed(&body, installs, has_options, &long);
    if !has_options {
        converted.changes.push((0, "`set -eux` at the top: the first failure ends it".to_owned()));
    }
    if let Some(first) = long.first() {
        converted.changes.push((
            0,
            format!(
                "all of it goes on in the background, writing to {LOG}: line {} alone may take longer than the five minutes \
                 that a script is given",
                first.number
            ),
        ));
    }
    converted.left = left(&converted.text);
    converted
}

/// Puts the head before the script, and all of it into the background where it is long.
fn framed(body: &str, installs: bool, has_options: bool, long: &[Line]) -> String {
    let mut text = String::from("#!/bin/bash\n");
    if !has_options {
        text.push_str("set -eux\n");
    }
    if !long.is_empty() {
        text.push_str("(\ntrap '' HUP\n");
    }
    if installs {
        text.push_str("sudo apt-get update\n");
    }
    text.push_str(body);
    if !long.is_empty() {
        text.push_str(&format!(") </dev/null >>\"{LOG}\" 2>&1 &\n"));
    }
    text
}

const APT: &str = "yum became sudo apt-get; packages may have other names";

/// Converts one line; `is_alone` when no other line continues it or is continued by it.
fn line(old: &str, is_alone: bool) -> (String, Vec<String>) {
    let mut changes = Vec::new();
    if old.trim_start().starts_with('#') {
        return (old.to_owned(), changes);
    }
    let read = Line { number: 1, code: old.trim().to_owned(), is_here: false };
    if is_alone && is_plain(old) && is_gone(&read) {
        let indent: String = old.chars().take_while(|c| c.is_whitespace()).collect();
        changes.push("it has no place in the new Studio, and became a remark".to_owned());
        return (format!("{indent}: # Classic had: {}", old.trim()), changes);
    }
    let mut new = apt(old);
    if new != old {
        changes.push(APT.to_owned());
    }
    let before = new.clone();
    for home in ["/home/ec2-user", "/root"] {
        let places: Vec<_> = check::paths(&new, home).collect();
        for at in places.into_iter().rev() {
            new.replace_range(at..at + home.len(), HOME);
        }
    }
    new = new.replace("ec2-user", "sagemaker-user");
    if new != before {
        changes.push(format!("the home is {HOME}, and the user sagemaker-user"));
    }
    (new, changes)
}

/// Tells whether a line is one command, with no quote left open, so that taking it out leaves whole what is around it.
fn is_plain(old: &str) -> bool {
    let even = |quote: char| old.matches(quote).count().is_multiple_of(2);
    let words: Vec<_> = old.split_whitespace().collect();
    const GRAMMAR: [&str; 12] =
        ["if", "then", "else", "elif", "fi", "do", "done", "while", "for", "case", "{", "}"];
    even('"')
        && even('\'')
        && !old.contains(['`', ';', '&', '|', '(', ')', '<'])
        && !words.iter().any(|word| GRAMMAR.contains(word))
}

fn is_gone(line: &Line) -> bool {
    let activates = line.commands().any(|words| {
        matches!(
            words.as_slice(),
            ["source" | ".", "activate" | "deactivate", ..] | ["conda", "deactivate", ..]
        )
    });
    activates
        || line.runs(&["initctl", "restart-jupyter-server"])
        || check::extension(line)
            && line.runs(&["jupyter", "jupyter-labextension", "jupyter-serverextension"])
}

/// Turns `yum install`, with or without `sudo` and `-y`, into `sudo apt-get install -y`.
fn apt(old: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    // Spaces are kept: they may stand in quotes.
    for word in old.split_inclusive(char::is_whitespace) {
        words.push(word.to_owned());
    }
    let bare = |word: &String| word.trim().to_owned();
    let mut at = 0;
    while at < words.len() {
        let is_manager = matches!(bare(&words[at]).as_str(), "yum" | "dnf" | "/usr/bin/yum");
        let verb = (at + 1..words.len()).find(|next| !bare(&words[*next]).starts_with('-'));
        let verb_word = verb.map(|verb| bare(&words[verb])).unwrap_or_default();
        let is_at_start = at == 0
            || words[..at].iter().all(|word| {
                let word = bare(word);
                word.is_empty()
                    || matches!(word.as_str(), "sudo" | "-E" | "if" | "!" | "then" | "do" | "else")
            })
            || matches!(bare(&words[at - 1]).as_str(), "sudo" | "&&" | "||" | ";" | "-E");
        if is_manager
            && is_at_start
            && matches!(verb_word.as_str(), "install" | "update" | "remove" | "upgrade")
        {
            let has_sudo = words[..at]
                .iter()
                .rev()
                .map(bare)
                .find(|word| !word.starts_with('-') && !word.is_empty())
                == Some("sudo".to_owned());
            let sudo = if has_sudo { "" } else { "sudo " };
            let verb_at = verb.unwrap_or(at + 1);
            let tail: String = words[verb_at].chars().skip(verb_word.chars().count()).collect();
            // A bare `yum update` brings packages up to date, which `apt-get update` does not.
            let (verb, yes) = match verb_word.as_str() {
                "update" | "upgrade" => ("upgrade", " -y"),
                "remove" => ("remove", " -y"),
                _ => ("install", " -y"),
            };
            words.splice(at..=verb_at, [format!("{sudo}apt-get {verb}{yes}{tail}")]);
            if let Some(next) = words.get(at + 1)
                && matches!(next.trim(), "-y" | "-q")
            {
                let tail: String = next.chars().skip(2).collect();
                // A line may end with it.
                words[at + 1] = if tail == " " { String::new() } else { tail };
            }
        }
        at += 1;
    }
    words.concat()
}

/// What the checks still see in the new script.
fn left(text: &str) -> Vec<(usize, String)> {
    let mut left: Vec<(usize, String)> = Vec::new();
    for read in lines(text) {
        for check in CHECKS.iter().filter(|check| check.code != FOREGROUND) {
            if (check.looks)(&read) {
                left.push((read.number, check.left.to_owned()));
            }
        }
        if read.runs(&["apt-get"]) && read.code.contains(" install ") {
            left.push((
                read.number,
                "packages of Debian may have other names, such as -dev for -devel".to_owned(),
            ));
        }
    }
    if text.len() > LARGEST {
        left.push((0, format!("it has {} bytes, and a script may have {}", text.len(), LARGEST)));
    }
    left
}

impl Converted {
    /// Returns the script as a report may show it: without logins in addresses, and without lines that may hold a secret.
    pub(in crate::readiness) fn shown(&self) -> String {
        let shown = self.text.lines().map(|line| {
            if may_hold_secret(line) {
                "# a line that may hold a secret is not shown".to_owned()
            } else {
                without_logins(line)
            }
        });
        shown.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// What bash itself says of a script, without running it.
    fn is_sound(text: &str) -> bool {
        let mut bash = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        bash.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        bash.wait().unwrap().success()
    }

    const SERVER: &str = r#"#!/bin/bash
set -eux
# Installs in /root what everyone needs.
sudo yum -y install jq gcc-c++
if ! yum install htop; then
    echo none
fi
mkdir -p /root/.config && cp -r /opt/x/root /home/ec2-user/y
sudo -u ec2-user -i <<'EOF'
source activate JupyterSystemEnv
pip install --quiet black
jupyter labextension install @jupyterlab/git
EOF
if [ -d "/root" ]; then
    jupyter serverextension enable --py jupyterlab_git
fi
restart-jupyter-server
"#;

    #[test]
    fn what_is_mechanical_is_done_and_the_rest_is_named() {
        let converted = convert(SERVER);
        let text = &converted.text;
        assert!(is_sound(text), "{text}");
        let head = "#!/bin/bash\n(\ntrap '' HUP\nsudo apt-get update\nset -eux\n";
        assert!(text.starts_with(head), "{text}");
        for part in [
            "sudo apt-get install -y jq gcc-c++\n",
            "if ! sudo apt-get install -y htop; then\n",
            "mkdir -p /home/sagemaker-user/.config && cp -r /opt/x/root /home/sagemaker-user/y\n",
            "sudo -u sagemaker-user -i <<'EOF'\n",
            "[ -d \"/home/sagemaker-user\" ]",
            "    : # Classic had: jupyter serverextension enable --py jupyterlab_git\n",
            ": # Classic had: restart-jupyter-server\n",
            "# Installs in /root what everyone needs.\n",
            ") </dev/null >>\"$HOME/.lifecycle-script.log\" 2>&1 &\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(converted.changes.iter().any(|(line, _)| *line == 8), "{:?}", converted.changes);
        // What stands in a here-document may be for another program, and is left to a person.
        let left = &converted.left;
        assert!(left.iter().any(|(_, what)| what.contains("extension")), "{left:?}");
    }

    #[test]
    fn a_short_script_stays_in_the_foreground() {
        let converted = convert("echo hello\r\ngit config --global pull.rebase true\r\n");
        assert_eq!(
            converted.text,
            "#!/bin/bash\nset -eux\necho hello\ngit config --global pull.rebase true\n"
        );
        assert!(converted.left.is_empty(), "{:?}", converted.left);
    }

    #[test]
    fn what_was_sound_to_bash_stays_so() {
        for text in [
            "",
            "#!/bin/bash",
            "pip install x \\",
            "cat <<EOF\npip install x\n",
            "for x in a b; do\n  yum install $x\ndone\n",
            "if true; then\n  initctl restart jupyter-server --no-wait\nfi\n",
            "f() {\n  jupyter labextension install a\n}\nf; pip install a\n",
            "su - ec2-user -c \"\npip install x\njupyter lab build\n\"\n",
            "case $1 in\n  a) yum install -y b ;;\nesac\n",
            "x=\"a\njupyter lab build\nb\"\npip install z\n",
            "jupyter labextension install \"a\n b\"\n",
            "yum install -y jq # and more\npip install y &\n",
        ] {
            assert!(is_sound(text), "the example itself: {text}");
            let converted = convert(text);
            assert!(is_sound(&converted.text), "from\n{text}\nto\n{}", converted.text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_conversion_panic(
            text in "(?s)(yum |/root|install |-y|\\\\|\n|é|<<E|\"|[a-z ]){0,30}"
        ) {
            let _ = convert(&text).shown();
        }
    }
}
