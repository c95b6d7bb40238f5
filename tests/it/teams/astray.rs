//! A team's home that is not what the table or the plan takes it for: nothing is lost in silence, and nothing that is another's moves.

use std::fs;

use super::lab::{TABLE, closed, mount, plan, planned, profile, run, volume, write};
use super::split::ready_up_to_verify;

#[test]
fn a_file_that_moved_between_two_peoples_parts_keeps_the_old_profile_open() {
    let ready = planned();
    let mount = mount(&ready);
    let home = ready.classic_home("lab");
    ready.run(&run(&mount, &["ana"])).ended(0);
    // As many files as before are ana's, and one of them is in no space.
    fs::rename(home.join("ana/model.ipynb"), home.join("ben/model.ipynb")).unwrap();
    fs::rename(home.join("ben/notes.txt"), home.join("ana/notes.txt")).unwrap();
    ready.run(&run(&mount, &["ben"])).ended(0);
    let refused = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(
        refused.err.contains("in nobody's space as it is now: `ana/notes.txt`")
            && refused.err.contains("`studio-migrate rollback --user ana`"),
        "{}",
        refused.err
    );
    assert_ne!(profile(&ready, "lab")["settings"], closed());
    ready.run(&["rollback", "--user", "ana", "--yes"]).ended(0);
    ready.run(&run(&mount, &["ana"])).ended(0);
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    assert!(volume(&ready, "ana-studio").join("from-lab/ana/notes.txt").exists());
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn what_was_worked_on_after_it_was_packed_keeps_the_old_profile_open() {
    let ready = planned();
    let mount = mount(&ready);
    let home = ready.classic_home("lab");
    ready_up_to_verify(&ready, &mount);
    fs::write(home.join("ana/model.ipynb"), "THIS is ana/model.ipynb").unwrap();
    fs::write(home.join("notebooks/late.ipynb"), "late").unwrap();
    // What the playbook leaves out goes nowhere, and counts for nothing.
    fs::create_dir_all(home.join("ben/__pycache__")).unwrap();
    fs::write(home.join("ben/__pycache__/x.pyc"), "made again").unwrap();
    let foretold = ready.run(&["run", "--dry-run", "--user", "team.lab"]).ended(0).err;
    assert!(foretold.contains("it would be refused: "), "{foretold}");
    let without = ["run", "--yes", "--user", "team.lab"];
    let without = ready.run(&without).ended(2);
    assert!(without.err.contains("no file system is mounted here"), "{}", without.err);
    let refused = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(
        refused.err.contains("2 files of its home are in nobody's space as they are now")
            && refused.err.contains("`ana/model.ipynb`, `notebooks/late.ipynb`")
            && refused.err.contains("`studio-migrate rollback --user ana --user team.lab`"),
        "{}",
        refused.err
    );
    assert_ne!(profile(&ready, "lab")["settings"], closed());
    ready
        .run(&["rollback", "--user", "ana", "--user", "team.lab", "--delete-spaces", "--yes"])
        .ended(0);
    ready.run(&run(&mount, &["ana", "team.lab"])).ended(0);
    assert_eq!(
        fs::read(volume(&ready, "ana-studio").join("from-lab/ana/model.ipynb")).unwrap(),
        b"THIS is ana/model.ipynb"
    );
    assert!(volume(&ready, "lab-studio").join("notebooks/late.ipynb").exists());
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn a_claim_for_nothing_moves_nothing_and_is_named() {
    let ready = planned();
    let mount = mount(&ready);
    write(&ready, &TABLE.replace("ben/**", "ben/**;Ben/;gone.txt"));
    plan(&ready);
    for who in ["ben", "team.lab"] {
        let refused = ready.run(&run(&mount, &[who])).ended(4);
        assert!(
            refused.err.contains("`Ben/`, which ben claims (line 3), `gone.txt`, which ben claims (line 3) match nothing in the home of lab")
                && refused.err.contains("correct the table of teams"),
            "{}",
            refused.err
        );
    }
    assert!(!volume(&ready, "ben-studio").exists() && !volume(&ready, "lab-studio").exists());
    // Ana's claims are hers, and she does not wait for his.
    ready.run(&run(&mount, &["ana"])).ended(0);
    write(&ready, TABLE);
    plan(&ready);
    // Whoever has moved may tidy up, and is not asked for what they claimed.
    fs::remove_dir_all(ready.classic_home("lab").join("ana")).unwrap();
    ready.run(&run(&mount, &["ben", "team.lab"])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn a_team_s_home_that_is_empty_or_another_is_not_shared_out() {
    let ready = planned();
    let mount = mount(&ready);
    let home = ready.classic_home("lab");
    let aside = home.with_extension("aside");
    fs::rename(&home, &aside).unwrap();
    fs::create_dir(&home).unwrap();
    let says = |what: &str, who: &str| {
        let refused = ready.run(&run(&mount, &[who])).ended(4);
        assert!(refused.err.contains(what), "{who}: {}", refused.err);
        assert!(!volume(&ready, "ana-studio").exists() && !volume(&ready, "lab-studio").exists());
    };
    says("is not the home that the inventory of", "ana");
    says("is empty, and the plan knows of", "team.lab");
    for number in 0..9 {
        fs::write(home.join(format!("{number}.txt")), "another's").unwrap();
    }
    says("its largest files are others, 0 of 6 are as they were", "ana");
    says("its largest files are others, 0 of 6 are as they were", "team.lab");
    fs::remove_dir_all(&home).unwrap();
    fs::rename(&aside, &home).unwrap();
    ready.run(&run(&mount, &[])).ended(0);
}

#[test]
fn a_wrong_mount_gives_nobody_of_a_team_anything_however_often_it_is_measured() {
    let ready = planned();
    let mount = mount(&ready);
    ready.run(&run(&mount, &["ana"])).ended(0);
    // Another team's home has the number, and something at every place that somebody claims.
    let home = ready.classic_home("lab");
    let aside = home.with_extension("aside");
    fs::rename(&home, &aside).unwrap();
    for folder in ["ana", "ben", "notebooks"] {
        fs::create_dir_all(home.join(folder)).unwrap();
        for number in 0..3 {
            fs::write(home.join(folder).join(format!("{number}.ipynb")), "another's").unwrap();
        }
    }
    let (table, playbook) = (ready.file("team.csv"), ready.journal.with_extension("yaml"));
    let words = ["inventory", "--mount", &mount, "--teams", table.to_str().unwrap()];
    let measured = ready.run(&words).ended(4);
    assert!(measured.err.contains("not taken: d-sim000000001/lab"), "{}", measured.err);
    ready.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest", "--note", "test"]).ended(0);
    for who in ["ben", "team.lab"] {
        let refused = ready.run(&run(&mount, &[who])).ended(4);
        assert!(refused.err.contains("is not the home that the inventory of"), "{}", refused.err);
    }
    assert!(!volume(&ready, "ben-studio").exists() && !volume(&ready, "lab-studio").exists());
    assert_ne!(profile(&ready, "lab")["settings"], closed());
    fs::remove_dir_all(&home).unwrap();
    fs::rename(&aside, &home).unwrap();
    ready.run(&run(&mount, &[])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}

#[test]
fn a_wrong_mount_does_not_close_the_old_profile() {
    let ready = planned();
    let mount = mount(&ready);
    ready_up_to_verify(&ready, &mount);
    let home = ready.classic_home("lab");
    let aside = home.with_extension("aside");
    fs::rename(&home, &aside).unwrap();
    // Nothing in it is in nobody's space, because nothing is in it.
    fs::create_dir(&home).unwrap();
    let refused = ready.run(&run(&mount, &["team.lab"])).ended(4);
    assert!(refused.err.contains("is empty, and the plan knows of"), "{}", refused.err);
    assert_ne!(profile(&ready, "lab")["settings"], closed());
    fs::remove_dir(&home).unwrap();
    fs::rename(&aside, &home).unwrap();
    ready.run(&run(&mount, &["team.lab"])).ended(0);
    assert_eq!(profile(&ready, "lab")["settings"], closed());
}
