//! What the tests of progress share: a batch of two hundred people under way.

use std::time::Duration;

use super::board::Board;
use crate::execute::{Notice, Step};
use crate::mover::{Phase, Progress};
use crate::names::MigrationId;

/// The nth person.
pub(super) fn who(number: usize) -> MigrationId {
    format!("d-sim1/p{number:03}").into()
}

/// Somebody's copy has begun.
pub(super) fn copying_notice(migration: MigrationId, total_bytes: u64, eta: u64) -> Notice {
    let progress = Progress {
        phase: Phase::Copying,
        total_bytes,
        total_files: 12,
        bytes_per_second: 1 << 20,
        eta_seconds: Some(eta),
        ..Progress::default()
    };
    Notice::Copying { migration, progress }
}

/// The notices of two hundred people of one batch who have all begun: the first half copies, the others wait.
pub(super) fn notices_of_200() -> Vec<Notice> {
    let mut notices = vec![
        Notice::RunBegan { migrations: 200 },
        Notice::BatchBegan { batch: "batch-1".into(), migrations: 200 },
    ];
    for number in 0..200 {
        let migration = who(number);
        notices.push(Notice::MigrationBegan { migration: migration.clone(), is_resumed: false });
        notices.push(Notice::StepBegan { migration: migration.clone(), step: Step::Hydrate });
        notices.push(if number < 100 {
            copying_notice(migration, 1 << 30, 60)
        } else {
            Notice::Waiting { migration, what: "the app".to_owned() }
        });
    }
    notices
}

/// The board after these notices, all of the first second.
pub(super) fn board_of_200() -> Board {
    let mut board = Board::new(0);
    for notice in notices_of_200() {
        board.take(&notice, Duration::from_secs(1));
    }
    board
}
