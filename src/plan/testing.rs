//! Snapshots to test planning with.

use crate::inventory::{Domain, Home, Profile, Snapshot, Space, Trust};
use crate::names::{AccountId, DomainId, HomeUid, ProfileName, Region, SpaceName};
use crate::playbook::Playbook;

/// One GiB.
pub(super) const G: u64 = 1 << 30;

/// A profile with a home of so many bytes.
pub(super) fn profile(name: &str, uid: u32, bytes: Option<u64>) -> Profile {
    Profile {
        name: ProfileName::from(name),
        status: "InService".to_owned(),
        home_uid: Some(HomeUid::new(uid.to_string())),
        home: bytes.map(|bytes| Home { bytes, files: 3, ..Home::default() }),
        ..Profile::default()
    }
}

/// A domain with these profiles.
pub(super) fn domain(id: &str, profiles: Vec<Profile>) -> Domain {
    Domain {
        id: DomainId::from(id),
        name: "research".to_owned(),
        status: "InService".to_owned(),
        auth_mode: "IAM".to_owned(),
        profiles,
        ..Domain::default()
    }
}

/// A private JupyterLab space.
pub(super) fn space(name: &str, owner: &str) -> Space {
    Space {
        name: SpaceName::from(name),
        status: "InService".to_owned(),
        app_type: Some("JupyterLab".to_owned()),
        sharing: Some("Private".to_owned()),
        owner: Some(ProfileName::from(owner)),
        volume_gb: Some(5),
        home_uid: None,
        home: None,
        trust: Trust::default(),
    }
}

/// A snapshot of these domains.
pub(super) fn snapshot(domains: Vec<Domain>) -> Snapshot {
    Snapshot {
        schema: 1,
        account: Some(AccountId::from(AccountId::SIMULATED)),
        region: Some(Region::from("eu-west-1")),
        domains,
        ..Snapshot::default()
    }
}

/// Domain `d-sim1` with people whose homes have so many GiB.
pub(super) fn people(homes: &[(&str, u64)]) -> Snapshot {
    let profiles = homes
        .iter()
        .zip(200_001..)
        .map(|(&(name, gb), uid)| profile(name, uid, Some(gb * G)))
        .collect();
    snapshot(vec![domain("d-sim1", profiles)])
}

/// A playbook without a pilot and with batches of two.
pub(super) fn playbook() -> Playbook {
    let mut playbook = Playbook::parse("schema: 1\nname: test\n", "test.yaml").unwrap();
    playbook.batches.pilot_users = 0;
    playbook.batches.users = 2;
    playbook
}
