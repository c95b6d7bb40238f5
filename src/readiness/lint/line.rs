//! A shell script as the checks read it: logical lines, and the commands in them. No parser of bash: quotes are not followed,
//! and what is told of a line is meant for a person who reads it.

/// A line with those that continue it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The number of its first line, from 1.
    pub(super) number: usize,
    /// The text without comments, its continuations joined by spaces.
    pub(super) code: String,
    /// Whether it stands in a here-document.
    pub(super) is_here: bool,
}

/// A script in logical lines; empty ones and comments are left out.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut here: Option<String> = None;
    let mut feeds_shell = false;
    let mut rest = (1..).zip(text.lines());
    while let Some((number, first)) = rest.next() {
        let first: &str = first;
        if here.as_deref().is_some_and(|end| first.trim() == end) {
            here = None;
            continue;
        }
        let mut code = first.trim().to_owned();
        while code.ends_with('\\') {
            code.pop();
            let Some((_, more)) = rest.next() else { break };
            code.truncate(code.trim_end().len());
            code.push(' ');
            code.push_str(more.trim());
        }
        let code = without_comment(&code);
        let is_here = here.is_some() && !feeds_shell;
        if here.is_none() {
            here = here_document(code);
            // What is handed to a shell is run, as if it stood there by itself.
            feeds_shell = here.is_some() && hands_to_shell(code);
        }
        if !code.is_empty() {
            found.push(Line { number, code: code.to_owned(), is_here });
        }
    }
    found
}

/// Returns the word that ends the here-document which a line begins.
pub(super) fn here_document(code: &str) -> Option<String> {
    let (mut single, mut double) = (false, false);
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = after.chars().next().map_or(0, char::len_utf8);
                rest = &after[escaped..];
                continue;
            }
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            // `((1 << 2))` shifts.
            '(' if after.starts_with('(') && !single => {
                let end = after.find("))").map_or(after.len(), |end| end + 2);
                rest = &after[end..];
                continue;
            }
            // `<<<` hands a string over.
            '<' if after.starts_with("<<") => {
                rest = &after[2..];
                continue;
            }
            '<' if after.starts_with('<') && !single && !double => {
                let word = after[1..].strip_prefix('-').unwrap_or(&after[1..]).trim_start();
                let word = word.trim_start_matches(['"', '\'', '\\']);
                let end: String =
                    word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                return (end.starts_with(|c: char| c.is_alphabetic() || c == '_')).then_some(end);
            }
            _ => {}
        }
        rest = after;
    }
    None
}

/// Tells whether a script is a shell's: anything else is neither judged nor converted line by line.
pub(super) fn is_shell(text: &str) -> bool {
    let Some(line) = text.lines().next().and_then(|first| first.strip_prefix("#!")) else {
        return true;
    };
    let words = line.split_whitespace().filter(|word| !word.starts_with('-'));
    let program =
        words.map(|word| word.rsplit('/').next().unwrap_or(word)).find(|word| *word != "env");
    program.is_none_or(|program| ["sh", "bash", "dash", "ash", "ksh", "zsh"].contains(&program))
}

/// A `#` at the beginning of a word begins a comment, unless a quote is open.
fn without_comment(code: &str) -> &str {
    let mut before = ' ';
    let (mut single, mut double) = (false, false);
    for (at, c) in code.char_indices() {
        match c {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '#' if before.is_whitespace() && !single && !double => return code[..at].trim_end(),
            _ => {}
        }
        before = c;
    }
    code
}

/// Words that may stand before a command.
const BEFORE: [&str; 12] =
    ["nohup", "time", "exec", "if", "then", "else", "elif", "do", "while", "!", "{", "env"];

/// Options of `sudo` that are followed by a word.
const OF_SUDO: [&str; 6] = ["-u", "-g", "-h", "-p", "--user", "--group"];

/// Programs that run what they are handed.
const SHELLS: [&str; 5] = ["bash", "sh", "su", "sudo", "eval"];

fn hands_to_shell(code: &str) -> bool {
    let first = code.split_whitespace().next().unwrap_or_default();
    SHELLS.contains(&first.rsplit('/').next().unwrap_or(first))
}

impl Line {
    /// Returns the commands of a line, each as its words, without `sudo` and the like, and programs without their folders.
    ///
    /// What stands between quotation marks is text, unless a shell is told to run it.
    pub(super) fn commands(&self) -> impl Iterator<Item = Vec<&str>> {
        let runs_text = self.code.contains("-c ") || self.code.contains("eval ");
        parts(&self.code, runs_text).into_iter().filter_map(|part| {
            let mut words: Vec<_> = part.split_whitespace().collect();
            loop {
                let skipped = match words.first() {
                    Some(&"sudo") => of_sudo(&words),
                    Some(word) if BEFORE.contains(word) || is_assignment(word) => 1,
                    _ => break,
                };
                words.drain(..skipped.min(words.len()));
            }
            if let Some(program) = words.first_mut() {
                *program = program.rsplit('/').next().unwrap_or(program);
            }
            (!words.is_empty()).then_some(words)
        })
    }

    /// Tells whether a command begins with one of these words.
    pub(super) fn runs(&self, programs: &[&str]) -> bool {
        self.commands().any(|words| {
            let program = words.first().and_then(|word| word.rsplit('/').next());
            program.is_some_and(|program| programs.contains(&program))
        })
    }

    /// Tells whether the line ends in the background.
    pub(super) fn is_in_background(&self) -> bool {
        self.code.ends_with('&') && !self.code.ends_with("&&")
    }
}

/// How many words `sudo` and its options take.
fn of_sudo(words: &[&str]) -> usize {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at += if OF_SUDO.contains(word) { 2 } else { 1 };
    }
    at
}

/// Cuts a line where one command ends and the next begins; within quotation marks only where text is run.
fn parts(code: &str, runs_text: bool) -> Vec<&str> {
    let (mut single, mut double) = (false, false);
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, c) in code.char_indices() {
        let is_quote = match c {
            '\'' if !double => {
                single = !single;
                true
            }
            '"' if !single => {
                double = !double;
                true
            }
            _ => false,
        };
        let is_text = (single || double) && !runs_text;
        let ends = match c {
            _ if is_quote => runs_text,
            ';' | '|' | '&' | ')' => !is_text,
            // A command is run between double quotation marks, too.
            '(' | '`' => !single || runs_text,
            _ => false,
        };
        if ends {
            parts.push(&code[begin..at]);
            begin = at + c.len_utf8();
        }
    }
    parts.push(&code[begin..]);
    parts
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_in_logical_lines_with_their_numbers() {
        let text = "#!/bin/bash\n# yum\nsudo yum install \\\n  -y jq # quick\ncat > x <<'EOF'\nyum here\nEOF\n\necho \"a # b\"\n";
        let read: Vec<_> =
            lines(text).into_iter().map(|line| (line.number, line.code, line.is_here)).collect();
        assert_eq!(
            read,
            [
                (3, "sudo yum install -y jq".to_owned(), false),
                (5, "cat > x <<'EOF'".to_owned(), false),
                (6, "yum here".to_owned(), true),
                (9, "echo \"a # b\"".to_owned(), false),
            ]
        );
    }

    #[test]
    fn what_stands_before_a_command_is_not_the_command() {
        let line = |code: &str| Line { number: 1, code: code.to_owned(), is_here: false };
        assert!(line("if ! sudo -E LANG=C /usr/bin/yum install jq; then").runs(&["yum"]));
        assert!(line("cd x && yum update").runs(&["yum"]));
        assert!(!line("echo yummy yum").runs(&["yum"]));
        assert!(line("nohup pip install x &").is_in_background());
        assert!(here_document("x=$((1 << 2))").is_none());
        assert!(here_document("cat <<< EOF").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reading_panic(text in "(?s)[a-z#<&'\"\\\\\n é]{0,80}") {
            for line in lines(&text) {
                let _ = line.commands().count();
            }
        }
    }
}
