//! Room for so much at once, whose size can be changed while it is in use.
//!
//! Whoever came first goes first: what is large is not overtaken for ever by what is small. What is larger than the whole room
//! gets it to itself, since it would wait for ever otherwise.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Room for so many people, apps or bytes at once.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    size: u64,
    used: u64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    wanted: u64,
    go: oneshot::Sender<Place>,
}

/// A place in a room, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Room,
    taken: u64,
}

impl Room {
    /// Makes room for `size` at once.
    pub(super) fn of(size: u64) -> Self {
        Self(Arc::new(Mutex::new(State { size, used: 0, waiting: VecDeque::new() })))
    }

    /// Waits for a place of this size. In a room of size 0 nobody gets one.
    pub(super) async fn enter(&self, wanted: u64) -> Place {
        // Dropped after the channel: whoever goes away lets in the one behind.
        let _leaving = Leaving(self);
        let (go, place) = oneshot::channel();
        self.lock().waiting.push_back(Waiting { wanted, go });
        self.let_in();
        match place.await {
            Ok(place) => place,
            // The room keeps the sender for as long as it lives, and this holds the room.
            Err(_) => std::future::pending().await,
        }
    }

    /// Changes the size. Who is in already stays.
    pub(super) fn resize(&self, size: u64) {
        self.lock().size = size;
        self.let_in();
    }

    /// Returns the size, what of it is used, and how many wait.
    pub(super) fn look(&self) -> (u64, u64, usize) {
        let state = self.lock();
        (state.size, state.used, state.waiting.iter().filter(|one| !one.go.is_closed()).count())
    }

    /// Lets in whoever is first, as long as there is room.
    fn let_in(&self) {
        while let Some((go, place)) = self.next() {
            // Whoever has gone away meanwhile drops the place, and with it gives it back.
            drop(go.send(place));
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Place>, Place)> {
        let mut state = self.lock();
        while state.waiting.front().is_some_and(|one| one.go.is_closed()) {
            state.waiting.pop_front();
        }
        let first = state.waiting.front()?;
        let fits = state.used == 0 || state.used.saturating_add(first.wanted) <= state.size;
        if !fits || state.size == 0 {
            return None;
        }
        let first = state.waiting.pop_front()?;
        state.used = state.used.saturating_add(first.wanted);
        Some((first.go, Place { room: self.clone(), taken: first.wanted }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Someone who waits, or has waited.
struct Leaving<'a>(&'a Room);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.let_in();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.room.lock();
            state.used = state.used.saturating_sub(self.taken);
        }
        self.room.let_in();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn entered(room: &Room, wanted: u64) -> Option<Place> {
        timeout(Duration::from_millis(1), room.enter(wanted)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_in_than_there_is_room_for() {
        let room = Room::of(2);
        let first = entered(&room, 1).await.unwrap();
        let _second = entered(&room, 1).await.unwrap();
        assert!(entered(&room, 1).await.is_none());
        drop(first);
        assert!(entered(&room, 1).await.is_some());
        // Whoever gave up waiting holds no place.
        assert_eq!(room.look(), (2, 1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_large_is_not_overtaken_and_what_is_too_large_goes_alone() {
        let room = Room::of(10);
        let small = entered(&room, 4).await.unwrap();
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.enter(50).await }
        });
        tokio::task::yield_now().await;
        assert!(entered(&room, 1).await.is_none(), "the large one was first");
        drop(small);
        let large = waiting.await.unwrap();
        assert_eq!(large.taken, 50);
        assert!(entered(&room, 1).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_does_not_keep_out_those_behind() {
        let room = Room::of(10);
        let _small = entered(&room, 4).await.unwrap();
        let large = tokio::spawn({
            let room = room.clone();
            async move { room.enter(50).await }
        });
        tokio::task::yield_now().await;
        let behind = tokio::spawn({
            let room = room.clone();
            async move { room.enter(1).await }
        });
        tokio::task::yield_now().await;
        large.abort();
        assert!(timeout(Duration::from_millis(1), behind).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_that_grows_lets_in_who_waits_and_one_that_shrinks_throws_nobody_out() {
        let room = Room::of(0);
        assert!(entered(&room, 1).await.is_none());
        let waiting = tokio::spawn({
            let room = room.clone();
            async move { room.enter(1).await }
        });
        tokio::task::yield_now().await;
        room.resize(1);
        let _place = waiting.await.unwrap();
        room.resize(0);
        assert_eq!(room.look(), (0, 1, 0));
    }
}
