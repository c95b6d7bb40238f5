//! What is looked at: which list, and from which row on. Keys change it.

use crate::cli::drawn::Size;
use crate::journal::{Moment, Rows, Wanted};

/// The lines above the lists and the line of keys below.
pub(super) const FRAME: usize = 5;

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

/// Reads keys from what a terminal sends; what means nothing is passed over.
pub(super) fn keys(mut sent: &[u8]) -> Vec<Key> {
    const WORDS: [(&[u8], Key); 13] = [
        (b"\x1b[A", Key::Up),
        (b"\x1bOA", Key::Up),
        (b"\x1b[B", Key::Down),
        (b"\x1bOB", Key::Down),
        (b"\x1b[5~", Key::PageUp),
        (b"\x1b[6~", Key::PageDown),
        (b"k", Key::Up),
        (b"j", Key::Down),
        (b" ", Key::PageDown),
        (b"q", Key::Quit),
        // Ctrl-C: while every key is read, no signal comes of it.
        (b"\x03", Key::Quit),
        (b"f", Key::Failures),
        (b"b", Key::Batches),
    ];
    let mut keys = Vec::new();
    while !sent.is_empty() {
        let found = WORDS.iter().find(|(word, _)| sent.starts_with(word));
        keys.extend(found.map(|(_, key)| *key));
        let skipped = found.map_or_else(|| unknown(sent), |(word, _)| word.len());
        sent = sent.get(skipped..).unwrap_or_default();
    }
    keys
}

/// How long a key is that means nothing here: a whole sequence, so that its letters are not taken for keys.
fn unknown(sent: &[u8]) -> usize {
    if !sent.starts_with(b"\x1b[") {
        return 1;
    }
    let end = sent.iter().skip(2).position(|byte| (0x40..=0x7e).contains(byte));
    end.map_or(sent.len(), |end| end + 3)
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
    fn keys_are_told_from_sequences_that_hold_their_letters() {
        assert_eq!(keys(b"jk\x1b[A\x1b[Bq"), [Key::Down, Key::Up, Key::Up, Key::Down, Key::Quit]);
        assert_eq!(keys(b"\x1b[1;5q\x1b[200~f"), [Key::Failures]);
        assert_eq!(keys(b"\xc3\xb6 \x1b["), [Key::PageDown]);
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
