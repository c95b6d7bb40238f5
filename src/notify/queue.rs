//! What waits to be delivered to one target: a bounded line, from which the least important is dropped first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::message::Message;

/// How many notices wait at most for one target.
pub(super) const ROOM: usize = 64;

/// A bounded line of notices, first in, first out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Message>,
    is_closed: bool,
    is_underway: bool,
    dropped: usize,
}

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a notice at the end, and returns at once. Where there is no room, the oldest of those that nobody has to act upon
    /// is dropped, and else the oldest.
    pub(super) fn push(&self, message: Message) {
        let mut line = self.line();
        line.waiting.push_back(message);
        if line.waiting.len() > ROOM {
            let least = line.waiting.iter().position(|message| !message.is_important());
            line.waiting.remove(least.unwrap_or(0));
            line.dropped += 1;
        }
        drop(line);
        self.arrived.notify_one();
    }

    /// Waits for the next notice; `None` once the line is closed and empty. Whoever took one before is done with it.
    pub(super) async fn next(&self) -> Option<Message> {
        loop {
            {
                let mut line = self.line();
                line.is_underway = false;
                if let Some(message) = line.waiting.pop_front() {
                    line.is_underway = true;
                    return Some(message);
                }
                if line.is_closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Says that no more will come.
    pub(super) fn close(&self) {
        self.line().is_closed = true;
        self.arrived.notify_one();
    }

    /// Returns how many were dropped for want of room.
    pub(super) fn dropped(&self) -> usize {
        self.line().dropped
    }

    /// Returns how many still wait or are being delivered.
    pub(super) fn left(&self) -> usize {
        let line = self.line();
        line.waiting.len() + usize::from(line.is_underway)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{About, Source};
    use super::*;
    use crate::playbook::Moment;

    fn message(moment: Moment) -> Message {
        Message::new(&Source::default(), Some(moment), "", &About::default())
    }

    fn waiting(queue: &Queue) -> Vec<Moment> {
        queue.line().waiting.iter().filter_map(|message| message.moment).collect()
    }

    #[test]
    fn where_there_is_no_room_what_nobody_has_to_act_upon_goes_first() {
        let queue = Queue::default();
        queue.push(message(Moment::MigrationFailed));
        queue.push(message(Moment::BatchBegan));
        for _ in 0..ROOM - 1 {
            queue.push(message(Moment::MigrationFailed));
        }
        assert_eq!((queue.left(), queue.dropped()), (ROOM, 1));
        assert!(waiting(&queue).iter().all(|moment| *moment == Moment::MigrationFailed));
        // Only what matters waits: something that does not is not let in.
        queue.push(message(Moment::BatchEnded));
        assert!(waiting(&queue).iter().all(|moment| *moment == Moment::MigrationFailed));
        queue.push(message(Moment::RunEnded));
        assert_eq!((queue.left(), queue.dropped()), (ROOM, 3));
        assert_eq!(waiting(&queue).last(), Some(&Moment::RunEnded));
    }

    #[tokio::test]
    async fn a_closed_line_is_emptied_first() {
        let queue = Queue::default();
        queue.push(message(Moment::RunEnded));
        queue.close();
        assert!(queue.next().await.is_some());
        assert_eq!(queue.left(), 1, "it is not delivered yet");
        assert!(queue.next().await.is_none());
        assert_eq!(queue.left(), 0);
    }
}
