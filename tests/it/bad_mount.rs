//! A home that AWS cannot mount: nothing says so before a space has started, and the failure names the ways on.

use std::path::PathBuf;

use studio_migrate::names::{DomainId, ProfileName};

use crate::common::ONE_PERSON;
use crate::common::ready::Ready;
use crate::common::tool::light_mover;
use crate::common::trees::listing;

#[test]
fn a_home_that_aws_cannot_mount_says_how_it_can_move_and_moves_so() {
    let error =
        "        home: awkward\n        mount_error: \"mount.nfs4: access denied by server\"\n";
    let world = ONE_PERSON.replace("        home: awkward\n", error);
    let ready = Ready::with(&world, None, &["  unmounted_homes: packed"]);
    let failed = ready.run_alice(&[]).ended(4);
    for said in [
        "the Classic home is not mounted: mount.nfs4: access denied by server",
        "--user-profile-name alice --user-settings AutoMountHomeEFS=Disabled",
        "`routes.unmounted_homes: packed`",
        "SM315",
    ] {
        assert!(failed.err.contains(said), "{said} in {}", failed.err);
    }
    // The road that it names, walked.
    let (domain, alice) = (DomainId::new("d-sim000000001"), ProfileName::from("alice"));
    let ready = ready.edited(|state| {
        let profile = &mut state["studio"]["profiles"][format!("{domain}/{alice}")];
        profile["settings"]["AutoMountHomeEFS"] = "Disabled".into();
    });
    let mount = ready.served.dir.join("efs");
    let mount = mount.to_str().unwrap();
    let playbook = ready.journal.with_extension("yaml");
    ready.run(&["inventory", "--mount", mount]).ended(0);
    ready.run(&["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    ready.run(&["plan", "approve", "--latest", "--note", "test"]).ended(0);
    let mover = light_mover().to_str().unwrap();
    ready.run(&["run", "--yes", "--user", "alice", "--mover", mover, "--mount", mount]).ended(0);
    let home = listing(&ready.classic_home("alice"), false);
    let mut arrived = listing(&ready.served.dir.join("ebs/d-sim000000001/alice-studio"), false);
    arrived.retain(|path: &PathBuf, _| !path.starts_with(".studio-migrate"));
    assert!(arrived.len() > 20, "{}", arrived.len());
    for (path, line) in &arrived {
        assert_eq!(home.get(path), Some(line), "{}", path.display());
    }
    ready.run(&["verify", "--user", "alice"]).ended(0);
}
