//! A ticket carried out in a space whose home is a folder and whose Classic home is a link in it.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::mover::{Done, Phase, Progress, ReportKey, Ticket, deliver_locally, manifest};

struct Space {
    root: tempfile::TempDir,
}

impl Space {
    fn new() -> Self {
        let space = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(space.classic()).unwrap();
        fs::create_dir(space.home()).unwrap();
        space
    }

    fn mounted() -> Self {
        let space = Self::new();
        std::os::unix::fs::symlink(space.classic(), space.mount()).unwrap();
        fs::create_dir_all(space.classic().join("project")).unwrap();
        fs::write(space.classic().join("project/notebook.ipynb"), "{}").unwrap();
        space
    }

    fn classic(&self) -> PathBuf {
        self.root.path().join("efs")
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("sagemaker-user")
    }

    fn mount(&self) -> PathBuf {
        self.home().join("user-default-efs")
    }

    fn deliver(&self, alter: impl Fn(&mut Ticket)) -> (Done, Option<Vec<u8>>) {
        let mut ticket = Ticket {
            schema: 1,
            migration: "d-1/alice".to_owned(),
            domain: "d-1".to_owned(),
            space: "alice-studio".to_owned(),
            folder: String::new(),
            conflict: "refuse".to_owned(),
            leave_out: Vec::new(),
            bucket: "bucket".to_owned(),
            bucket_owner: "000000000000".to_owned(),
            region: "eu-west-1".to_owned(),
            reports: "reports".to_owned(),
            key: ReportKey::derive(b"secret", "d-1/alice"),
            packed: None,
        };
        alter(&mut ticket);
        deliver_locally(&ticket, &self.home(), &self.mount(), &|_| ())
    }
}

#[test]
fn a_home_is_delivered_with_its_proof() {
    let space = Space::mounted();
    let (done, stored) = space.deliver(|_| ());
    assert_eq!(done.error, None);
    assert_eq!((done.source.files, done.source.directories), (1, 1));
    assert_eq!(done.source, done.destination);
    assert!(!done.evidence.df.is_empty());
    let stored = stored.unwrap();
    assert_eq!(done.manifest_blake3, blake3::hash(&stored).to_hex().to_string());
    assert_eq!(done.manifest_bytes, stored.len() as u64);
    let mut summing = manifest::Summing::default();
    manifest::read(stored.as_slice()).unwrap().for_each(|entry| summing.add(&entry.unwrap()));
    assert_eq!(summing.totals(), done.source);
    assert!(space.home().join("project/notebook.ipynb").exists());
    assert!(space.mount().is_symlink());
}

#[test]
fn a_home_goes_into_a_folder_without_what_is_left_out() {
    let space = Space::mounted();
    fs::write(space.classic().join("big.tmp"), "scratch").unwrap();
    let (done, _) = space.deliver(|ticket| {
        ticket.folder = "classic".to_owned();
        ticket.leave_out = vec![("*.tmp".to_owned(), "scratch".to_owned())];
    });
    assert_eq!(done.error, None);
    assert_eq!(done.not_copied.get("excluded"), Some(&1));
    assert!(space.home().join("classic/project/notebook.ipynb").exists());
}

#[test]
fn a_home_that_is_not_mounted_is_told_with_the_words_that_aws_left() {
    let space = Space::new();
    let missing = space.deliver(|_| ()).0.error;
    assert_eq!(missing.as_deref(), Some("the Classic home is not mounted: it is missing"));
    fs::create_dir(space.mount()).unwrap();
    fs::write(space.mount().join("error.txt"), "mount target timed out\n").unwrap();
    let failed = space.deliver(|_| ()).0.error;
    assert_eq!(failed.as_deref(), Some("the Classic home is not mounted: mount target timed out"));
    fs::remove_file(space.mount().join("error.txt")).unwrap();
    let (done, stored) = space.deliver(|_| ());
    assert!(done.error.unwrap().contains("one is within the other"));
    assert_eq!(stored, None);
}

#[test]
fn a_conflict_that_is_refused_fails_the_delivery_by_name() {
    let space = Space::mounted();
    fs::create_dir(space.home().join("project")).unwrap();
    fs::write(space.home().join("project/notebook.ipynb"), "theirs").unwrap();
    let (done, stored) = space.deliver(|_| ());
    let words = "something else is already at the place of `project/notebook.ipynb`";
    assert_eq!(done.error.as_deref(), Some(words));
    assert!(stored.is_some());
    assert_eq!(space.deliver(|ticket| ticket.conflict = "keep-both".to_owned()).0.error, None);
}

#[test]
fn a_ticket_that_makes_no_sense_is_refused() {
    let space = Space::mounted();
    for folder in ["../elsewhere", "/tmp", "user-default-efs/inner", ".studio-migrate"] {
        assert!(
            space.deliver(|ticket| ticket.folder = folder.to_owned()).0.error.is_some(),
            "{folder}"
        );
    }
    assert!(space.deliver(|ticket| ticket.conflict = "whatever".to_owned()).0.error.is_some());
    assert!(
        space
            .deliver(|ticket| ticket.leave_out = vec![("[".to_owned(), String::new())])
            .0
            .error
            .is_some()
    );
    assert_eq!(fs::read_dir(space.classic()).unwrap().count(), 1);
}

#[test]
fn progress_goes_through_the_phases() {
    let space = Space::mounted();
    let seen = Mutex::new(Vec::<Progress>::new());
    let ticket = Ticket { ..ticket_of(&space) };
    deliver_locally(&ticket, &space.home(), &space.mount(), &|progress| {
        seen.lock().unwrap().push(progress.clone())
    });
    let mut phases: Vec<Phase> =
        seen.lock().unwrap().iter().map(|progress| progress.phase).collect();
    phases.dedup();
    assert_eq!(phases, [Phase::Scanning, Phase::Copying, Phase::Verifying, Phase::Finished]);
    assert!(seen.lock().unwrap().is_sorted_by_key(|progress| progress.beat));
}

fn ticket_of(space: &Space) -> Ticket {
    let kept = Mutex::new(None);
    space.deliver(|ticket| *kept.lock().unwrap() = Some(ticket.clone()));
    kept.into_inner().unwrap().unwrap()
}
