//! Who watches a run for the terminal, in whichever of the three ways.

use std::sync::{Arc, Mutex, PoisonError};

use super::drawing::Drawing;
use super::json::Json;
use super::lines::Lines;
use crate::cli::Ui;
use crate::execute::{Notice, Watch};

/// Draws, or writes lines, as notices come in.
#[derive(Clone)]
pub struct Progress {
    way: Way,
    ui: Ui,
}

/// How it is told.
#[derive(Clone)]
enum Way {
    Drawn(Drawing),
    Lines(Arc<Mutex<Lines>>),
    Json(Arc<Mutex<Json>>),
}

impl Progress {
    /// Begins to show the progress of so many migrations.
    pub fn start(ui: Ui, migrations: usize) -> Self {
        let way = if ui.is_json() {
            Way::Json(Arc::default())
        } else if ui.can_draw() {
            Way::Drawn(Drawing::start(ui, migrations))
        } else {
            Way::Lines(Arc::default())
        };
        Self { way, ui }
    }

    /// Returns what execution tells.
    pub fn watch(&self) -> Watch {
        let progress = self.clone();
        Arc::new(move |notice| progress.take(&notice))
    }

    fn take(&self, notice: &Notice) {
        match &self.way {
            Way::Drawn(drawing) => drawing.take(notice),
            Way::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(PoisonError::into_inner).line(notice);
                line.into_iter().for_each(|line| self.ui.status(line));
            }
            Way::Json(json) => {
                // Written under the lock, so that lines stand in the order in which things happened.
                let mut json = json.lock().unwrap_or_else(PoisonError::into_inner);
                self.ui.json_line(&json.line(notice));
            }
        }
    }

    /// Tells of something, above the bars where there are any.
    pub fn say(&self, line: &str) {
        match &self.way {
            Way::Drawn(drawing) => drawing.aside(|ui| ui.status(line)),
            Way::Lines(_) | Way::Json(_) => self.ui.status(line),
        }
    }

    /// Tells of something that is wrong but does not stop the work, above the bars where there are any.
    pub fn warning(&self, line: &str) {
        match &self.way {
            Way::Drawn(drawing) => drawing.aside(|ui| ui.warning(line)),
            Way::Lines(_) | Way::Json(_) => self.ui.warning(line),
        }
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        if let Way::Drawn(drawing) = &self.way {
            drawing.finish();
        }
    }
}
