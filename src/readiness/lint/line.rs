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
        let is_here = here.is_some();
        if !is_here {
            here = here_document(code);
        }
        if !code.is_empty() {
            found.push(Line { number, code: code.to_owned(), is_here });
        }
    }
    found
}

/// Returns the word that ends the here-document which a line begins.
pub(super) fn here_document(code: &str) -> Option<String> {
    let (_, after) = code.split_once("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    // `<<<` hands a string over.
    if after.starts_with('<') {
        return None;
    }
    let word = after.trim_start().trim_start_matches(['"', '\'', '\\']);
    let end: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // `1 << 2` shifts.
    (end.starts_with(|c: char| c.is_alphabetic() || c == '_')).then_some(end)
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
const BEFORE: [&str; 14] = [
    "sudo", "nohup", "time", "exec", "if", "then", "else", "elif", "do", "while", "!", "{", "-E",
    "-H",
];

impl Line {
    /// Returns the commands of a line, each as its words, without `sudo` and the like.
    pub(super) fn commands(&self) -> impl Iterator<Item = Vec<&str>> {
        self.code.split([';', '|', '&', '(', ')', '`', '"', '\'']).filter_map(|part| {
            let words = part.split_whitespace();
            let is_before = |word: &&str| BEFORE.contains(word) || is_assignment(word);
            let words: Vec<_> = words.skip_while(is_before).collect();
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
