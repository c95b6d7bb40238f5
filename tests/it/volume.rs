//! Volumes with a file system of their own: a home that nobody measured meets a real limit.
//!
//! Root must be able to mount them. Whoever is not root gets the measured limit, and the log stream says so.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use crate::common::account::Served;
use crate::common::tool::{PLAYBOOK, Ran, light_mover, run_on};
use crate::common::trees;

/// One of these worlds takes fifteen gigabytes of disk, since a home is on EFS, on its volume and on the way from there: one at
/// a time.
static DISK: Mutex<()> = Mutex::new(());

/// A person whose home is empty until [`fill`] makes it large, in a domain that allows the smallest volumes only.
const WORLD: &str = r##"
name: volumes
real_volumes: true
timing:
  space: 0.05
  update: 0.05
  app_start: 0.1
  app_stop: 0.05
  volume_change: 0
domains:
  - name: research
    members:
      DefaultUserSettings:
        ExecutionRole: arn:aws:iam::000000000000:role/service-role/AmazonSageMaker-ExecutionRole
        StudioWebPortal: DISABLED
        DefaultLandingUri: "app:JupyterServer:"
        SpaceStorageSettings:
          DefaultEbsStorageSettings:
            DefaultEbsVolumeSizeInGb: 5
            MaximumEbsVolumeSizeInGb: 5
    profiles:
      - name: alice
        home: empty
        settings:
          StudioWebPortal: DISABLED
          DefaultLandingUri: "app:JupyterServer:"
"##;

/// MiB of a home that needs less than five GiB, the mover's twentieth to spare included, and more than the 4.82 GiB that ext4
/// leaves for files on a volume of five.
const MEBIBYTES: u64 = 4_720;

fn folder_below(path: &Path) -> PathBuf {
    std::fs::read_dir(path).unwrap().next().unwrap().unwrap().path()
}

/// Makes files of real blocks and one with something in it.
fn fill(world: &Path, mebibytes: u64) -> PathBuf {
    let home = folder_below(&folder_below(&world.join("efs")));
    for number in 0..4 {
        let file = home.join(format!("part-{number}.bin"));
        let size = format!("{}M", mebibytes / 4);
        let made = Command::new("fallocate").args(["-l", &size]).arg(&file).status().unwrap();
        assert!(made.success());
        assert!(std::fs::metadata(&file).unwrap().blocks() * 512 >= (mebibytes / 4) << 20);
    }
    std::fs::write(home.join("notes.txt"), "small\n").unwrap();
    home
}

/// Plans without looking at homes, for at most so many GiB.
fn prepare(served: &Served, journal: &Path, maximum_gb: u64) {
    let set = |line: &str| {
        let name = line.trim_start().split(':').next().unwrap_or_default();
        match name {
            "poll_seconds" => "  poll_seconds: 0.05".to_owned(),
            "calls_per_second" => "  calls_per_second: 100".to_owned(),
            "maximum_gb" => format!("    maximum_gb: {maximum_gb}"),
            "headroom_gb" => "    headroom_gb: 0".to_owned(),
            _ => line.to_owned(),
        }
    };
    let playbook = journal.with_extension("yaml");
    std::fs::write(&playbook, PLAYBOOK.lines().map(set).collect::<Vec<_>>().join("\n")).unwrap();
    run_on(served, journal, &["inventory"]).ended(0);
    run_on(served, journal, &["plan", "--playbook", playbook.to_str().unwrap()]).ended(0);
    run_on(served, journal, &["plan", "approve", "--latest", "--note", "test"]).ended(0);
}

fn run(served: &Served, journal: &Path) -> Ran {
    run_on(served, journal, &["run", "--yes", "--mover", light_mover().to_str().unwrap()])
}

fn space(served: &Served) -> Value {
    let spaces = served.state()["studio"]["spaces"].clone();
    spaces.as_object().unwrap().values().next().unwrap().clone()
}

fn volume_gb(served: &Served) -> u64 {
    let settings = &space(served)["settings"];
    settings["SpaceStorageSettings"]["EbsStorageSettings"]["EbsVolumeSizeInGb"].as_u64().unwrap()
}

fn log(served: &Served) -> String {
    let folder = folder_below(&folder_below(&served.dir.join("logs")));
    std::fs::read_to_string(folder.join("JupyterLab/default/LifecycleConfigOnStart")).unwrap()
}

/// Insists that no trace of a mount is left: not here, not on a loop device, not beside the volumes.
fn assert_nothing_is_mounted(served: &Served) {
    let world = served.dir.to_string_lossy().into_owned();
    assert!(!std::fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&world));
    for device in std::fs::read_dir("/sys/block").unwrap() {
        let file = device.unwrap().path().join("loop/backing_file");
        assert!(!std::fs::read_to_string(file).unwrap_or_default().contains(&world));
    }
    let images = trees::listing(&served.dir.join("volumes"), false);
    assert!(images.keys().all(|path| path.components().count() < 2), "{images:?}");
}

/// Serves the world again after its domain was made to allow larger volumes.
fn allowing(served: Served, maximum_gb: u64) -> Served {
    let dir = served.dir.clone();
    drop(served);
    let file = dir.join("world.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let (from, to) = ("\"MaximumEbsVolumeSizeInGb\":", format!("{maximum_gb}"));
    assert!(text.contains(&format!("{from}5")), "{text}");
    std::fs::write(&file, text.replace(&format!("{from}5"), &format!("{from}{to}"))).unwrap();
    Served::start(&dir, WORLD)
}

/// What shows whether anything has touched a home.
fn stamps(home: &Path) -> Vec<String> {
    let mut stamps: Vec<String> = std::fs::read_dir(home)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let seen = entry.metadata().unwrap();
            format!("{:?} {} {}.{}", entry.path(), seen.len(), seen.ctime(), seen.ctime_nsec())
        })
        .collect();
    stamps.sort();
    stamps
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_home_that_nobody_measured_gets_a_larger_volume_when_its_own_is_too_small() {
    let _disk = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (world, journal) = (folder.path().join("world"), folder.path().join("journal.db"));
    let served = Served::start(&world, WORLD);
    let home = fill(&world, MEBIBYTES);
    prepare(&served, &journal, 20);
    let served = allowing(served, 20);
    run(&served, &journal).ended(0);
    let log = log(&served);
    let limits: Vec<&str> = log.lines().filter(|line| line.starts_with("simulated ")).collect();
    let enforced =
        |gb: u64| format!("simulated volume: {gb} GiB, enforced by a file system of that size");
    assert_eq!(limits, [enforced(5), enforced(6)]);
    assert_eq!(volume_gb(&served), 6);
    let volume = folder_below(&folder_below(&world.join("ebs")));
    for entry in std::fs::read_dir(&home).unwrap() {
        let (there, here) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let (there, here) = (there.metadata().unwrap(), volume.join(here).metadata().unwrap());
        assert_eq!((here.len(), here.mtime_nsec()), (there.len(), there.mtime_nsec()));
    }
    assert_eq!(std::fs::read(volume.join("notes.txt")).unwrap(), b"small\n");
    assert_nothing_is_mounted(&served);
}

#[test]
fn a_home_for_whose_volume_the_playbook_does_not_pay_stays_where_it_is() {
    let _disk = DISK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (world, journal) = (folder.path().join("world"), folder.path().join("journal.db"));
    let served = Served::start(&world, WORLD);
    let home = fill(&world, MEBIBYTES);
    let before = stamps(&home);
    prepare(&served, &journal, 5);
    let ran = run(&served, &journal);
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    let said = format!("{}{}", ran.out, ran.err);
    let needs = ((MEBIBYTES << 20) + 4096) * 21 / 20;
    assert!(said.contains("bytes free, and the copy needs"), "{said}");
    assert!(said.contains(&needs.to_string()), "{needs}: {said}");
    assert!(said.contains("the playbook pays for 5 GiB (target.volume.maximum_gb)"), "{said}");
    assert_eq!(volume_gb(&served), 5);
    let state = served.state();
    let profile = state["studio"]["profiles"].as_object().unwrap().values().next().unwrap();
    assert_eq!(profile["settings"]["StudioWebPortal"], "DISABLED");
    assert_eq!(profile["settings"]["DefaultLandingUri"], "app:JupyterServer:");
    let volume = folder_below(&folder_below(&world.join("ebs")));
    let left: Vec<PathBuf> = trees::listing(&volume, false).into_keys().collect();
    assert!(left.iter().all(|path| path.starts_with(".studio-migrate")), "{left:?}");
    assert!(!left.iter().any(|path| path.to_string_lossy().contains(".part")), "{left:?}");
    assert_eq!(stamps(&home), before);
    assert_nothing_is_mounted(&served);
}

#[test]
fn where_nothing_can_be_mounted_the_size_is_measured_and_the_log_stream_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (world, journal) = (folder.path().join("world"), folder.path().join("journal.db"));
    let served = Served::without_capabilities(&world, WORLD);
    prepare(&served, &journal, 20);
    run(&served, &journal).ended(0);
    let log = log(&served);
    assert!(log.contains("simulated volume: 5 GiB, measured only, and an app that"), "{log}");
    let why = if is_root() { "no file system can be mounted here: " } else { "only root may" };
    assert!(log.contains(why), "{log}");
    assert!(!world.join("volumes").exists());
}
