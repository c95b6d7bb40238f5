//! One moment of a run as a picture on a terminal.

use std::time::Duration;

use console::measure_text_width;
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

use super::view::{Focus, HEAD, View};
use crate::cli::drawn::{Size, bar, bar_width, fit, share, span};
use crate::cli::steering;
use crate::execute::Look;
use crate::journal::{AtWork, BatchCounts, Happened, Moment, Trouble};
use crate::names::MigrationId;

/// The keys.
const KEYS: &str = "q quit   ↑ ↓ scroll   f failures   b batches";

/// What there is to draw.
pub(super) struct Seen<'a> {
    /// What the journal says.
    pub(super) moment: &'a Moment,
    /// What the run says of itself, where it can be asked.
    pub(super) run: Option<Look>,
    /// When that is.
    pub(super) now: Timestamp,
}

/// Draws a moment, whatever the size of the terminal.
pub(super) fn draw(frame: &mut Frame<'_>, seen: &Seen<'_>, view: View) {
    // Where there is little room, people at work come first.
    let head = (frame.area().height / 3).clamp(1, HEAD);
    let areas = [Constraint::Max(head), Constraint::Fill(1), Constraint::Max(1)];
    let [head, body, keys] = Layout::vertical(areas).areas(frame.area());
    frame.render_widget(Paragraph::new(seen.head(size(head))), head);
    match view.focus {
        Focus::All => seen.all(frame, body, view),
        Focus::Failures => frame.render_widget(seen.failures(size(body)), body),
        Focus::Batches => {
            let shown = seen.moment.batches.iter().skip(view.from);
            frame.render_widget(batches(shown, body), body);
        }
    }
    frame.render_widget(Line::from(KEYS).dim(), keys);
}

impl Seen<'_> {
    /// Which plan, who is at work, what the run says of itself, and the whole: of these, the last that fit.
    fn head(&self, size: Size) -> Vec<Line<'static>> {
        let plan = self.moment.plan.as_ref().map_or_else(String::new, |plan| {
            format!("Plan {}, account {}, {}", plan.id, plan.account, plan.region)
        });
        let holder = self.moment.holder.as_ref().map_or_else(
            || "Nobody is at work".to_owned(),
            |(holder, beat)| {
                let (since, beat) = (self.ago(&holder.since), self.ago(beat));
                let (who, host, pid) = (&holder.who, &holder.host, holder.pid);
                // Who it is may be long, and where it is must be seen.
                format!(
                    "At work for {since}, heartbeat {beat} ago on {host} (process {pid}): {who}"
                )
            },
        );
        let whole = BatchCounts { batch: "all".to_owned(), ..BatchCounts::default() };
        let sum = self.moment.batches.iter().fold(whole, |sum, one| BatchCounts {
            batch: sum.batch,
            people: sum.people + one.people,
            moved: sum.moved + one.moved,
            failed: sum.failed + one.failed,
            underway: sum.underway + one.underway,
            rolled_back: sum.rolled_back + one.rolled_back,
        });
        let unasked = || "The run itself cannot be asked from here".to_owned();
        let run = self.run.as_ref().map_or_else(unasked, steering::words);
        let mut rows = [plan, holder, run, batch(&sum, size)].map(|row| line(&row, size)).to_vec();
        rows.split_off(rows.len().saturating_sub(size.height))
    }

    /// A bit of everything; the people at work get what is left.
    fn all(&self, frame: &mut Frame<'_>, area: Rect, view: View) {
        let (moment, height) = (self.moment, usize::from(area.height));
        let shown = moment.batches.len().min(height / 5);
        let rows = [
            shown,
            // A line each, and one for what can be done.
            if moment.failures.is_empty() {
                0
            } else {
                (2 * moment.failures.len() + 1).min(height / 4)
            },
            (moment.events.len() + 1).min(height / 5),
        ];
        let [some, troubled, happened] = rows.map(|rows| Constraint::Length(rows as u16));
        let areas = Layout::vertical([some, Constraint::Fill(1), troubled, happened]).areas(area);
        let [some, people, troubled, happened] = areas;
        // Those that are done are the least interesting.
        let first = moment.batches.iter().position(|one| one.moved < one.people).unwrap_or(0);
        let first = first.min(moment.batches.len() - shown);
        frame.render_widget(batches(moment.batches.iter().skip(first), some), some);
        frame.render_widget(self.at_work(people, view), people);
        frame.render_widget(self.failures(size(troubled)), troubled);
        let events = moment.events.iter().map(|one| line(&event(one), size(happened)));
        let events = Paragraph::new(events.collect::<Vec<_>>());
        frame.render_widget(events.block(titled("Last events")), happened);
    }

    fn at_work(&self, area: Rect, view: View) -> Table<'static> {
        let room = usize::from(area.height.saturating_sub(1));
        let shown: Vec<&AtWork> = self.moment.at_work.iter().take(room).collect();
        let from = if shown.is_empty() { 0 } else { view.from + 1 };
        let last = view.from + shown.len();
        let step = |one: &AtWork| match one.is_undone {
            true => format!("undoing {}", one.step),
            false => one.step.clone(),
        };
        let longest = |text: &dyn Fn(&AtWork) -> String| {
            let widths = shown.iter().map(|one| measure_text_width(&text(one)));
            widths.max().unwrap_or(0) as u16
        };
        let names = longest(&|one| one.migration.clone()).min(area.width / 2);
        let widths = [
            Constraint::Length(1),
            Constraint::Length(names),
            Constraint::Length(longest(&step)),
            Constraint::Length(8),
            Constraint::Fill(1),
        ];
        let rows = shown.iter().map(|one| {
            let waits = self.waits(&one.migration).unwrap_or_default();
            Row::new([
                Line::default(),
                fit(&one.migration, names.into()).into(),
                step(one).into(),
                Line::from(self.ago(&one.since)).right_aligned(),
                fit(&format!(" {}{waits}", one.batch), area.width.into()).into(),
            ])
        });
        let title = format!("In a step: {from}–{last} of {}", self.moment.all_at_work);
        Table::new(rows, widths).block(titled(title))
    }

    /// What somebody is waiting for.
    fn waits(&self, migration: &str) -> Option<String> {
        let run = self.run.as_ref()?;
        let waits = run.at_work.get(&MigrationId::new(migration))?.waits_for.as_ref()?;
        Some(format!(", waits for {waits}"))
    }

    /// Failures, with what can be done about each.
    fn failures(&self, size: Size) -> Paragraph<'static> {
        let said = |one: &Trouble| {
            let since = self.ago(&one.at);
            let what = format!("  {} {}, {since} ago: {}", one.migration, one.step, one.why);
            let hint = one.hint.as_ref().map(|hint| format!("    {hint}"));
            std::iter::once(what).chain(hint).collect::<Vec<_>>()
        };
        let rows = self.moment.failures.iter().flat_map(said);
        let rows: Vec<_> = rows.take(size.height).map(|row| line(&row, size)).collect();
        let title = format!("Failures: {}", self.moment.all_failures);
        Paragraph::new(rows).block(titled(title))
    }

    /// How long ago something was; a clock that was set back makes it now.
    fn ago(&self, then: &str) -> String {
        let passed = then.parse::<Timestamp>().map(|then| self.now.duration_since(then));
        passed.map_or_else(
            |_| "some time".to_owned(),
            |passed| span(Duration::try_from(passed).unwrap_or_default()),
        )
    }
}

/// A block without a frame, whose first line says what follows.
fn titled(title: impl Into<Line<'static>>) -> Block<'static> {
    Block::new().title(title.into().bold())
}

fn size(area: Rect) -> Size {
    Size { width: area.width.into(), height: area.height.into() }
}

/// A line that says when it was cut.
fn line(row: &str, size: Size) -> Line<'static> {
    Line::from(fit(row, size.width))
}

fn batches<'a>(all: impl Iterator<Item = &'a BatchCounts>, area: Rect) -> Paragraph<'static> {
    let size = size(area);
    let rows = all.take(size.height).map(|one| line(&batch(one, size), size));
    Paragraph::new(rows.collect::<Vec<_>>())
}

fn batch(one: &BatchCounts, size: Size) -> String {
    let also = |count: usize, word: &str| {
        if count > 0 { format!(", {count} {word}") } else { String::new() }
    };
    format!(
        "{} {}: {} of {} moved{}{}{}",
        bar(share(one.moved, one.people), bar_width(size)),
        one.batch,
        one.moved,
        one.people,
        also(one.failed, "failed"),
        also(one.underway, "under way"),
        also(one.rolled_back, "rolled back"),
    )
}

fn event(one: &Happened) -> String {
    // The day is not news.
    let time = one.at.get(11..19).unwrap_or(&one.at);
    let parts = [&one.migration, &one.step, &Some(one.kind.clone()), &one.operation];
    let said: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    format!("  {time} {}", said.join(" "))
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::execute;
    use crate::journal::{Holder, PlanHead};

    fn moment() -> Moment {
        let batch = |number: usize| BatchCounts {
            batch: format!("batch-{number}"),
            people: 40,
            moved: [40, 40, 24, 0, 0, 0, 0][number],
            failed: usize::from(number == 2),
            underway: if number == 2 { 12 } else { 0 },
            rolled_back: 0,
        };
        let at_work = |number: usize| AtWork {
            batch: "batch-2".to_owned(),
            migration: format!("d-abc/person-{number}"),
            step: if number == 3 { "flip" } else { "hydrate" }.to_owned(),
            is_undone: number == 3,
            since: format!("2026-08-03T07:0{number}:00Z"),
        };
        let event = |second: usize| Happened {
            at: format!("2026-08-03T07:09:0{second}Z"),
            kind: "call".to_owned(),
            migration: Some("d-abc/person-1".to_owned()),
            step: Some("hydrate".to_owned()),
            operation: Some("CreateApp".to_owned()),
        };
        let holder = Holder {
            who: "arn:aws:iam::000000000000:user/operator (ann)".to_owned(),
            host: "mover-1/0a1b2c3d".to_owned(),
            pid: 4711,
            since: "2026-08-03T05:00:00Z".to_owned(),
        };
        Moment {
            plan: Some(PlanHead {
                id: "0123456789ab".into(),
                account: "000000000000".to_owned(),
                region: "eu-west-1".to_owned(),
            }),
            holder: Some((holder, "2026-08-03T07:09:57Z".to_owned())),
            batches: (0..7).map(batch).collect(),
            at_work: (0..9).map(at_work).collect(),
            all_at_work: 12,
            failures: vec![Trouble {
                migration: "d-abc/person-20".to_owned(),
                step: "hydrate".to_owned(),
                at: "2026-08-03T07:08:00Z".to_owned(),
                why: "the volume is full\nand a second line".to_owned(),
                hint: Some("raise `target.volume` in the playbook".to_owned()),
            }],
            all_failures: 1,
            events: (0..9).map(event).collect(),
        }
    }

    fn drawn(focus: Focus, width: u16, height: u16) -> String {
        let waiting = execute::AtWork {
            waits_for: Some("the space to start".to_owned()),
            ..execute::AtWork::default()
        };
        let run = Look {
            is_paused: true,
            concurrency: 12,
            apps: (10, 9),
            at_work: [("d-abc/person-1".into(), waiting)].into(),
            ..Look::default()
        };
        on_terminal(&moment(), Some(run), View { focus, from: 0 }, (width, height))
    }

    fn on_terminal(
        moment: &Moment,
        run: Option<Look>,
        view: View,
        (width, height): (u16, u16),
    ) -> String {
        let now = "2026-08-03T07:10:00Z".parse().unwrap();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, &Seen { moment, run, now }, view)).unwrap();
        // The backend does not like to be asked what is on nothing.
        if width == 0 { String::new() } else { terminal.backend().to_string() }
    }

    #[test]
    fn a_terminal_as_they_have_always_been() {
        insta::assert_snapshot!(drawn(Focus::All, 80, 24));
    }

    #[test]
    fn a_large_terminal() {
        insta::assert_snapshot!(drawn(Focus::All, 120, 40));
    }

    #[test]
    fn failures_and_batches_alone() {
        insta::assert_snapshot!(drawn(Focus::Failures, 80, 10));
        insta::assert_snapshot!(drawn(Focus::Batches, 80, 10));
    }

    #[test]
    fn no_size_is_too_small() {
        for size in [(20, 5), (1, 1), (80, 2), (3, 60), (0, 0), (200, 3), (1, 100)] {
            for focus in [Focus::All, Focus::Failures, Focus::Batches] {
                for moment in [moment(), Moment::default()] {
                    on_terminal(&moment, None, View { focus, from: 2 }, size);
                }
            }
        }
        let low = on_terminal(&moment(), None, View::default(), (60, 5));
        assert!(low.contains("104 of 280") && low.contains("person-0"), "{low}");
        let narrow = on_terminal(&moment(), None, View::default(), (20, 24));
        assert!(narrow.contains("…") && narrow.contains("q quit"), "{narrow}");
    }
}
