//! What the races gave, as tables in Markdown.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

use crate::Failure;
use crate::tree::Tree;

/// Where the results go, and the sum of them.
pub(crate) struct Report {
    file: Option<File>,
    judged: Vec<Judged>,
    untried: Vec<String>,
    failed: Vec<String>,
}

/// An aim that could be judged.
pub(crate) struct Judged {
    pub(crate) race: String,
    pub(crate) against: String,
    pub(crate) aim: String,
    pub(crate) measured: String,
    pub(crate) is_met: bool,
}

impl Judged {
    fn verdict(&self) -> &'static str {
        if self.is_met { "met" } else { "**not met**" }
    }
}

/// How a contestant fared.
pub(crate) enum Standing {
    /// A program that it needs is not installed.
    Absent(String),
    /// It failed, or what arrived was wrong.
    Failed(String),
    /// It ran to the end each time.
    Ran { times: Vec<Duration>, kept: String },
}

/// A line of a table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) aim: Option<f64>,
    pub(crate) is_ours: bool,
    pub(crate) standing: Standing,
}

impl Row {
    /// The best time in seconds.
    fn best(&self) -> Option<f64> {
        let Standing::Ran { times, .. } = &self.standing else { return None };
        times.iter().min().map(Duration::as_secs_f64)
    }

    fn worst(&self) -> Option<f64> {
        let Standing::Ran { times, .. } = &self.standing else { return None };
        times.iter().max().map(Duration::as_secs_f64)
    }
}

impl Report {
    /// Reports to stdout, and to a file if there is one.
    pub(crate) fn new(file: Option<&Path>) -> Result<Self, Failure> {
        let open = |path: &Path| {
            File::create(path).map_err(|error| format!("write {}: {error}", path.display()))
        };
        let file = file.map(open).transpose()?;
        Ok(Self { file, judged: Vec::new(), untried: Vec::new(), failed: Vec::new() })
    }

    /// Says a line or more.
    pub(crate) fn say(&mut self, text: impl Display) -> io::Result<()> {
        println!("{text}");
        match &mut self.file {
            Some(file) => writeln!(file, "{text}"),
            None => Ok(()),
        }
    }

    /// Names a part that could not take place.
    pub(crate) fn skip(&mut self, title: &str, why: &str) -> io::Result<()> {
        self.untried.push(format!("{title}: {why}"));
        self.say(format_args!("\n## {title}\n\nSKIPPED: {why}"))
    }

    /// Names something of ours that failed.
    pub(crate) fn fail(&mut self, what: String) {
        self.failed.push(what);
    }

    /// Keeps a judgement for the sum, and says the word for it.
    pub(crate) fn judge(&mut self, judged: Judged) -> &'static str {
        let verdict = judged.verdict();
        self.judged.push(judged);
        verdict
    }

    /// Prints the table of a race.
    pub(crate) fn race(&mut self, title: &str, tree: &Tree, rows: Vec<Row>) -> Result<(), Failure> {
        let ours = rows.iter().find(|row| row.is_ours).and_then(Row::best);
        let arrives = rows
            .iter()
            .any(|row| matches!(&row.standing, Standing::Ran { kept, .. } if !kept.is_empty()));
        let mut headings = vec!["", "best, s", "worst, s", "files/s", "MB/s", "time / ours"];
        headings.extend(["aim", "is"]);
        headings.extend(arrives.then_some("keeps"));
        let mut table = table(&headings, 1..7);
        for row in rows {
            let cells = self.cells(title, tree, &row, ours);
            table.add_row(cells.into_iter().take(headings.len()));
        }
        let (files, folders, size) = (tree.files, tree.folders, tree.bytes as f64 / 1e6);
        let shape = format!("{files} files, {folders} folders, {size:.1} MB");
        Ok(self.say(format_args!("\n## {title}\n\n{shape}\n\n{table}"))?)
    }

    fn cells(&mut self, title: &str, tree: &Tree, row: &Row, ours: Option<f64>) -> Vec<String> {
        let (best, worst) = (row.best(), row.worst());
        let said = |value: Option<f64>, digits: usize| {
            value.map_or_else(String::new, |value| format!("{value:.digits$}"))
        };
        let ratio = best.zip(ours).map(|(theirs, ours)| theirs / ours);
        let what = format!("{title}: {}", row.name);
        let verdict = match (row.aim, ratio) {
            (Some(aim), Some(ratio)) => self.judge(Judged {
                race: title.to_owned(),
                against: row.name.clone(),
                aim: format!("≥ {aim}"),
                measured: format!("{ratio:.2}"),
                is_met: ratio >= aim,
            }),
            (Some(_), None) => {
                self.untried.push(what.clone());
                "**not tried**"
            }
            (None, _) => "",
        };
        let last = match &row.standing {
            Standing::Absent(program) => format!(": `{program}` is not installed"),
            Standing::Failed(why) => {
                if row.is_ours {
                    self.failed.push(format!("{what}: {why}"));
                }
                format!(": failed: {why}")
            }
            Standing::Ran { .. } => String::new(),
        };
        let name = if row.is_ours { format!("**{}**", row.name) } else { row.name.clone() };
        let kept = match &row.standing {
            Standing::Ran { kept, .. } => kept.clone(),
            _ => String::new(),
        };
        vec![
            format!("{name}{last}").replace('|', "\\|"),
            said(best, 3),
            said(worst, 3),
            said(best.map(|seconds| tree.files as f64 / seconds), 0),
            said(best.map(|seconds| tree.bytes as f64 / 1e6 / seconds), 0),
            said(ratio, 2),
            row.aim.map_or_else(String::new, |aim| format!("≥ {aim}")),
            verdict.to_owned(),
            kept,
        ]
    }

    /// Says at the end what was reached and, by name, what was not.
    pub(crate) fn sum_up(&mut self) -> io::Result<()> {
        let met = self.judged.iter().filter(|judged| judged.is_met).count();
        let all = self.judged.len();
        self.say(format_args!("\n## In sum\n\n{met} of {all} aims that could be judged are met."))?;
        let mut table = table(&["race", "against", "aim", "measured", "is"], 2..4);
        for judged in &self.judged {
            let Judged { race, against, aim, measured, .. } = judged;
            let against = against.replace('|', "\\|");
            table.add_row([race, &against, aim, measured, judged.verdict()]);
        }
        if all > 0 {
            self.say(format_args!("\n{table}"))?;
        }
        let lists = [("Not tried", self.untried.clone()), ("Ours failed", self.failed.clone())];
        for (title, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            self.say(format_args!("\n{title}:\n"))?;
            for name in names {
                self.say(format_args!("- {name}"))?;
            }
        }
        Ok(())
    }

    /// Tells whether something of ours failed.
    pub(crate) fn ours_failed(&self) -> bool {
        !self.failed.is_empty()
    }
}

/// An empty table in Markdown, with some columns of numbers.
pub(crate) fn table(headings: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(headings.to_vec());
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
