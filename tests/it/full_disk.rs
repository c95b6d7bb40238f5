//! A disk that is full under the journal: said in words, nothing lost, and gone on with once there is room.

use std::fs;
use std::io::Write;

use crate::common::ready::Ready;
use crate::common::small::Small;

#[test]
fn a_full_disk_stops_a_run_in_words_and_loses_nothing() {
    let ready = Ready::new();
    let folder = tempfile::tempdir().unwrap();
    let test = "full_disk::a_full_disk_stops_a_run_in_words_and_loses_nothing";
    let Some(_small) = Small::mount(folder.path(), "size=4m", test) else { return };
    let journal = folder.path().join("journal.db");
    ready.run(&["audit", "verify"]).ended(0);
    fs::copy(&ready.journal, &journal).unwrap();
    let ready = ready.with_journal(&journal);
    let filler = folder.path().join("filler");
    // No room at all, and room for a part of a run.
    for room in [0, 128 * 1024] {
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        file.set_len(file.metadata().unwrap().len() - room).unwrap();
        drop(file);
        let ran = ready.run_alice(&[]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.err.contains("the disk is full"), "{}", ran.err);
        assert!(ran.err.contains("make room"), "{}", ran.err);
        assert_eq!(ready.settings("alice")["StudioWebPortal"], "DISABLED");
        fs::remove_file(&filler).unwrap();
        ready.run(&["audit", "verify"]).ended(0);
    }
    ready.run_alice(&[]).ended(0);
    ready.run(&["audit", "verify"]).ended(0);
}
