//! What is looked at: which list, and from which row on. Keys change it.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::cli::drawn::Size;
use crate::journal::{Moment, Rows, Wanted};

/// The lines above the lists.
pub(super) const HEAD: u16 = 4;

/// The lines above the lists and the line of keys below.
const FRAME: usize = HEAD as usize + 1;

/// Which list has the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Focus {
    /// A bit of everything, and the people at work scroll.
    #[default]
    All,
    /// Failures only, with what can be done.
    Failures,
    /// Every batch.
    Batches,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Which list has the screen.
    pub(super) focus: Focus,
    /// The first row of it that is shown.
    pub(super) from: usize,
}

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Up,
    Down,
    PageUp,
    PageDown,
    Failures,
    Batches,
}

/// What a key means; most mean nothing.
pub(super) fn key(event: &Event) -> Option<Key> {
    let pressed = event.as_key_press_event()?;
    if pressed.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        // While every key is read, no signal comes of Ctrl-C.
        return (pressed == KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL))
            .then_some(Key::Quit);
    }
    Some(match pressed.code {
        KeyCode::Char('q') => Key::Quit,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown | KeyCode::Char(' ') => Key::PageDown,
        KeyCode::Char('f') => Key::Failures,
        KeyCode::Char('b') => Key::Batches,
        _ => return None,
    })
}

impl View {
    /// Does what a key says; `false` is to leave.
    pub(super) fn press(&mut self, key: Key, moment: &Moment, size: Size) -> bool {
        let page = size.height.saturating_sub(FRAME + 1).max(1);
        let all = match self.focus {
            Focus::All => moment.all_at_work,
            Focus::Failures => moment.all_failures,
            Focus::Batches => moment.batches.len(),
        };
        match key {
            Key::Quit => return false,
            Key::Up => self.from = self.from.saturating_sub(1),
            Key::Down => self.from += 1,
            Key::PageUp => self.from = self.from.saturating_sub(page),
            Key::PageDown => self.from += page,
            Key::Failures => self.turn_to(Focus::Failures),
            Key::Batches => self.turn_to(Focus::Batches),
        }
        self.from = self.from.min(all.saturating_sub(1));
        true
    }

    /// The same key again leads back.
    fn turn_to(&mut self, focus: Focus) {
        let focus = if self.focus == focus { Focus::All } else { focus };
        *self = Self { focus, from: 0 };
    }

    /// What has to be read to show it: no more than fits.
    pub(super) fn wanted(&self, size: Size) -> Wanted {
        let rows = |focus: Focus, most: usize| Rows {
            from: if self.focus == focus { self.from } else { 0 },
            most,
        };
        let most = size.height;
        match self.focus {
            Focus::All => Wanted {
                at_work: rows(Focus::All, most),
                failures: Rows { from: 0, most: most / 4 },
                events: Rows { from: 0, most: most / 4 },
            },
            Focus::Failures => {
                Wanted { failures: rows(Focus::Failures, most), ..Wanted::default() }
            }
            Focus::Batches => Wanted::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 80, height: 24 };

    #[test]
    fn a_letter_with_another_key_held_is_not_that_letter_and_ctrl_c_leaves() {
        let pressed = |code, held| key(&Event::Key(KeyEvent::new(code, held)));
        assert_eq!(pressed(KeyCode::Char('f'), KeyModifiers::NONE), Some(Key::Failures));
        assert_eq!(pressed(KeyCode::Char('f'), KeyModifiers::ALT), None);
        assert_eq!(pressed(KeyCode::Char('q'), KeyModifiers::CONTROL), None);
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(key(&Event::Paste("q".to_owned())), None);
    }

    #[test]
    fn scrolling_ends_where_the_list_ends_and_a_key_pressed_again_leads_back() {
        let moment = Moment { all_at_work: 3, all_failures: 50, ..Moment::default() };
        let mut view = View::default();
        (0..9).for_each(|_| assert!(view.press(Key::Down, &moment, SIZE)));
        assert_eq!(view.wanted(SIZE).at_work, Rows { from: 2, most: 24 });
        view.press(Key::Failures, &moment, SIZE);
        view.press(Key::PageDown, &moment, SIZE);
        assert_eq!(view.wanted(SIZE).failures.from, 18);
        assert_eq!(view.wanted(SIZE).at_work, Rows::default());
        view.press(Key::Failures, &moment, SIZE);
        assert_eq!(view, View::default());
        assert!(!view.press(Key::Quit, &moment, SIZE));
    }
}
