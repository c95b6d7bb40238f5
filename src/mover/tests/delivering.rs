//! A ticket carried out in a space whose home is a folder and whose Classic home is a link in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::mover::{Done, Phase, Progress, ReportKey, Ticket, deliver_locally, kept, manifest};

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
            attempt: 1,
            earlier: None,
            deletes: false,
            brought: None,
            is_beside: false,
            rereads: None,
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
fn nothing_is_written_through_a_link_on_the_way_to_the_folder() {
    for (link, folder) in [("old", "old"), ("old", "old/deep"), ("old/deep", "old/deep")] {
        let space = Space::mounted();
        fs::create_dir(space.root.path().join("elsewhere")).unwrap();
        let at = space.home().join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(space.root.path().join("elsewhere"), &at).unwrap();
        let (done, stored) = space.deliver(|ticket| ticket.folder = folder.to_owned());
        let said = done.error.unwrap();
        assert!(said.contains(&format!("`~/{link}` is a link to `")), "{said}");
        assert!(stored.is_none());
        assert_eq!(fs::read_dir(space.root.path().join("elsewhere")).unwrap().count(), 0);
    }
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
fn a_later_pass_brings_the_home_up_to_date_and_leaves_what_its_owner_made() {
    let space = Space::mounted();
    let home = space.classic();
    for file in ["edited", "deleted", "old name", "becomes a folder", "mode"] {
        fs::write(home.join(file), file).unwrap();
    }
    fs::create_dir(home.join("becomes a link")).unwrap();
    fs::write(home.join("becomes a link/inner"), "inner").unwrap();
    fs::write(home.join("deleted too"), "but worked on there").unwrap();
    let (first, stored) = space.deliver(|_| ());
    assert_eq!(first.error, None);
    kept::keep(&space.home(), &stored.unwrap()).unwrap();

    fs::write(home.join("edited"), "by its owner, since").unwrap();
    fs::write(home.join("new"), "new").unwrap();
    for gone in ["deleted", "deleted too", "becomes a folder"] {
        fs::remove_file(home.join(gone)).unwrap();
    }
    fs::rename(home.join("old name"), home.join("new name")).unwrap();
    fs::create_dir(home.join("becomes a folder")).unwrap();
    fs::write(home.join("becomes a folder/inner"), "inner").unwrap();
    fs::remove_dir_all(home.join("becomes a link")).unwrap();
    std::os::unix::fs::symlink("new", home.join("becomes a link")).unwrap();
    fs::set_permissions(home.join("mode"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(space.home().join("deleted too"), "work in the new home").unwrap();
    fs::write(space.home().join("theirs"), "work in the new home").unwrap();

    let (later, stored) = space.deliver(|ticket| {
        ticket.attempt = 2;
        ticket.earlier = Some(first.manifest_blake3.clone());
        ticket.deletes = true;
    });
    assert_eq!((later.error, later.attempt), (None, Some(2)));
    assert_eq!(later.source, later.destination);
    let mut there = listing(&space.home());
    there.retain(|path, _| !path.starts_with(".studio-migrate") && path != "user-default-efs");
    for own in ["deleted too", "theirs"] {
        assert_eq!(there.remove(own).unwrap(), "100644 work in the new home", "{own}");
    }
    assert_eq!(there, listing(&home));
    let named: Vec<_> = manifest::read(stored.unwrap().as_slice())
        .unwrap()
        .filter_map(|entry| entry.unwrap().not_copied())
        .collect();
    let said = |path: &str, what: &str| {
        (path.to_owned(), format!("gone: it was deleted at the source since{what}"))
    };
    assert_eq!(
        named,
        [
            said("becomes a link/inner", ", and now here too"),
            said("deleted", ", and now here too"),
            said("deleted too", "; here it changed, and stays"),
            said("old name", ", and now here too"),
        ]
    );
}

/// Every path below a folder, with its mode, and what it holds or leads to.
fn listing(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let seen = fs::symlink_metadata(&path).unwrap();
            let holds = if seen.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else if seen.is_file() {
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
            } else {
                folders.push(path.clone());
                String::new()
            };
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, format!("{:o} {holds}", seen.permissions().mode()));
        }
    }
    found
}

#[test]
fn a_later_pass_without_the_list_of_the_earlier_one_is_refused() {
    let space = Space::mounted();
    let (first, stored) = space.deliver(|_| ());
    let later = || space.deliver(|ticket| ticket.earlier = Some(first.manifest_blake3.clone())).0;
    let gone = "the list of what the earlier pass copied is gone from the volume";
    assert_eq!(later().error.as_deref(), Some(gone));
    kept::keep(&space.home(), &stored.unwrap()).unwrap();
    assert_eq!(later().error, None);
    let list = kept::find(&space.home(), &first.manifest_blake3).unwrap();
    fs::write(list, "changed by somebody").unwrap();
    assert_eq!(later().error.as_deref(), Some(gone));
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
