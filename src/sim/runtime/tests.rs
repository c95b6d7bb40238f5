//! Real scripts in real folders.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;
use crate::sim::state::{Role, State};

const ROLE: &str = "arn:aws:iam::000000000000:role/execution";

struct Space {
    folder: tempfile::TempDir,
    world: World,
}

impl Space {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State { region: "eu-west-1".to_owned(), ..State::default() };
        state.roles.insert(ROLE.to_owned(), Role { arn: ROLE.to_owned(), ..Role::default() });
        let world = World::create(folder.path(), Path::new("/bin/echo"), state).unwrap();
        Self { folder, world }
    }

    fn launch(&self, scripts: &[&str]) -> Launch {
        Launch {
            key: "key".to_owned(),
            domain: "d-1".to_owned(),
            space: "alice-studio".to_owned(),
            app_type: "JupyterLab".to_owned(),
            volume_gb: 5,
            efs_home: Some(("fs-1".to_owned(), "200001".to_owned())),
            mount_error: None,
            scripts: scripts
                .iter()
                .enumerate()
                .map(|(number, text)| (format!("script-{number}"), (*text).to_owned()))
                .collect(),
            role: None,
            limit_seconds: 60.0,
        }
    }

    /// Starts the app and waits for its scripts.
    fn run(&self, launch: Launch) -> Result<(), String> {
        let (send, receive) = mpsc::channel();
        start_and(&self.world, launch, move |result| send.send(result).unwrap());
        receive.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    fn stop(&self) {
        stop(&self.world, "d-1", "alice-studio");
    }

    fn place(&self) -> Place {
        Place::new(self.world.dir(), "d-1", "alice-studio", "JupyterLab")
    }

    /// What the scripts said; what the simulator says of their volume is left out.
    fn said(&self) -> String {
        let said = fs::read_to_string(self.place().stream).unwrap();
        let ours = |line: &&str| !line.starts_with("simulated volume: ");
        said.split_inclusive('\n').filter(ours).collect()
    }

    fn processes(&self) -> Vec<i32> {
        processes::find(&self.place().mark, &std::collections::BTreeSet::new())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_script_finds_its_home_its_metadata_and_the_credentials_of_its_role() {
    let space = Space::new();
    let mut launch = space.launch(&[
        "pwd; echo home=$HOME; cat $STUDIO_MIGRATE_METADATA; echo; echo key=$AWS_ACCESS_KEY_ID region=$AWS_REGION",
        "echo second; command -v aws; echo x > file; env | grep -c CARGO; true",
    ]);
    launch.role = Some(ROLE.to_owned());
    space.world.set_endpoint("http://127.0.0.1:9");
    space.run(launch).unwrap();
    let said = space.said();
    let lines: Vec<&str> = said.lines().collect();
    let home = space.world.dir().join("ebs/d-1/alice-studio");
    assert_eq!(lines[0], home.to_string_lossy());
    assert_eq!(lines[1], format!("home={}", home.display()));
    let metadata: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(metadata["DomainId"], "d-1");
    assert_eq!(metadata["SpaceName"], "alice-studio");
    assert_eq!(metadata["ExecutionRoleArn"], ROLE);
    let arn = "arn:aws:sagemaker:eu-west-1:000000000000:app/d-1/alice-studio/JupyterLab/default";
    assert_eq!(metadata["ResourceArn"], arn);
    assert!(
        lines[3].starts_with("key=A") && lines[3].ends_with("region=eu-west-1"),
        "{}",
        lines[3]
    );
    let aws = space.world.dir().join("run/d-1/alice-studio/bin/aws");
    assert_eq!(lines[4..], ["second", &aws.to_string_lossy(), "0"]);
    assert_eq!(fs::read_to_string(home.join("file")).unwrap(), "x\n");
}

#[test]
fn a_script_that_fails_ends_the_app_with_its_name() {
    let space = Space::new();
    let result = space.run(space.launch(&["sleep 100 & exit 3", "echo never"]));
    assert_eq!(result.unwrap_err(), "LifecycleConfigOnStart: script script-0 exited with 3");
    assert!(!space.said().contains("never"));
    assert_eq!(space.processes(), [0; 0]);
    assert!(!space.place().volume.join("user-default-efs").exists());
}

#[test]
fn a_script_that_sleeps_beyond_its_limit_is_killed_and_reported() {
    let space = Space::new();
    let mut launch = space.launch(&["setsid sleep 100 & sleep 100"]);
    launch.limit_seconds = 0.3;
    let start = Instant::now();
    let result = space.run(launch);
    assert_eq!(
        result.unwrap_err(),
        "LifecycleConfigOnStart: script script-0 ran longer than 0.3 seconds"
    );
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(space.processes(), [0; 0]);
    assert!(space.said().contains("ran longer than"));
}

#[test]
fn what_a_script_left_running_lives_until_the_app_is_stopped() {
    let space = Space::new();
    let mover = "nohup setsid bash -c 'while true; do echo x >> $HOME/beat; sleep 0.02; done' > /dev/null 2>&1 &";
    space.run(space.launch(&[mover, "env -i sleep 100 &"])).unwrap();
    let beat = space.place().volume.join("beat");
    let length = || fs::metadata(&beat).map_or(0, |about| about.len());
    let before = length();
    let deadline = Instant::now() + Duration::from_secs(10);
    while length() <= before + 4 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(length() > before + 4, "the background process is gone");
    assert!(!space.processes().is_empty());
    let sessions = APPS.lock().unwrap()[&space.place().mark].sessions();
    space.stop();
    let after = length();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(length(), after);
    assert_eq!(space.processes(), [0; 0]);
    assert_eq!(processes::find(&space.place().mark, &sessions), [0; 0]);
    assert!(fs::symlink_metadata(space.place().volume.join("user-default-efs")).is_err());
}

#[test]
fn what_a_simulator_that_was_killed_left_behind_is_stopped_by_the_next() {
    let space = Space::new();
    space.run(space.launch(&["setsid sleep 100 &"])).unwrap();
    assert!(!space.processes().is_empty());
    // As if this process had never started it.
    APPS.lock().unwrap().remove(&space.place().mark);
    space.stop();
    assert_eq!(space.processes(), [0; 0]);
}

#[test]
fn an_app_that_is_stopped_while_a_script_runs_says_nothing_more() {
    let space = Space::new();
    let (send, receive) = mpsc::channel();
    let launch = space.launch(&["touch began; sleep 100", "touch second"]);
    start_and(&space.world, launch, move |result| send.send(result).unwrap());
    let volume = space.place().volume;
    let deadline = Instant::now() + Duration::from_secs(10);
    while !volume.join("began").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    space.stop();
    assert!(receive.recv_timeout(Duration::from_secs(10)).is_err());
    assert!(volume.join("began").exists());
    assert!(!volume.join("second").exists());
}

#[test]
fn the_classic_home_is_mounted_and_told_from_the_volume_and_the_rest() {
    let space = Space::new();
    let home = space.world.dir().join("efs/fs-1/200001");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("classic.txt"), "classic").unwrap();
    space
        .run(space.launch(&[r#"
            cat user-default-efs/classic.txt; echo
            findmnt -n -o SOURCE,FSTYPE -T "$HOME"
            findmnt -no SOURCE,FSTYPE -T "$HOME/user-default-efs/"
            findmnt -T user-default-efs/classic.txt -nofstype
            findmnt -nT / --output=SOURCE,TARGET
            findmnt -n -T nowhere || echo none
            df -h "$HOME/user-default-efs" | tail -n 1
            df --output=source,size -B1 "$HOME" | tail -n 1
            df -P -k "$HOME" / | tail -n 2 | cut -d ' ' -f 1
            df -h / | tail -n 1
            df | wc -l
            dd if=/dev/zero of=filler bs=1M count=3 status=none
            df -k --output=used,avail . | tail -n 1
        "#]))
        .unwrap();
    let said = space.said();
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "classic");
    assert_eq!(lines[1], "/dev/nvme1n1 ext4");
    assert_eq!(lines[2], "127.0.0.1:/ nfs4");
    assert_eq!(lines[3], "nfs4");
    assert_eq!(lines[4], "/dev/nvme0n1p1 /opt/.sagemakerinternal");
    assert_eq!(lines[5], "none");
    assert_eq!(lines[6], format!("127.0.0.1:/ 8.0E 0 8.0E 0% {}", home.display()));
    assert_eq!(lines[7], format!("/dev/nvme1n1 {}", 5_u64 << 30));
    assert_eq!(lines[8..10], ["/dev/nvme1n1", "/dev/nvme0n1p1"]);
    assert_eq!(lines[10], "/dev/nvme0n1p1 180G 31G 149G 18% /opt/.sagemakerinternal");
    assert_eq!(lines[11], "4");
    let numbers: Vec<u64> = lines[12].split(' ').map(|number| number.parse().unwrap()).collect();
    assert!((3072..3300).contains(&numbers[0]), "{numbers:?}");
    assert_eq!(numbers[0] + numbers[1], 5 * 1024 * 1024);
}

#[test]
fn a_home_that_cannot_be_mounted_leaves_an_error_and_one_that_is_not_wanted_leaves_nothing() {
    let space = Space::new();
    let script = "cat user-default-efs/error.txt; findmnt -no FSTYPE -T user-default-efs; true";
    let mut launch = space.launch(&[script]);
    launch.mount_error = Some("mount.nfs4: Connection timed out".to_owned());
    space.run(launch).unwrap();
    assert_eq!(space.said(), "mount.nfs4: Connection timed outext4\n");
    let mut launch = space.launch(&["ls -a | wc -l"]);
    launch.efs_home = None;
    space.run(launch).unwrap();
    assert!(space.said().ends_with("\n2\n"), "{}", space.said());
    space.run(space.launch(&["test -L user-default-efs && echo mounted"])).unwrap();
    assert!(space.said().ends_with("mounted\n"));
    assert!(space.folder.path().join("efs/fs-1/200001").is_dir());
}

#[test]
fn permission_bits_hold_for_scripts_even_when_root_runs_the_simulator() {
    let space = Space::new();
    let script = "echo secret > locked; chmod 000 locked; cat locked && echo read; true";
    space.run(space.launch(&[script])).unwrap();
    assert!(space.said().contains("Permission denied"), "{}", space.said());
    assert!(!space.said().contains("secret"));
}

#[test]
fn an_app_whose_volume_is_over_its_size_is_killed_and_the_log_says_why() {
    let space = Space::new();
    let mut launch =
        space.launch(&["dd if=/dev/zero of=full bs=1M count=8 status=none; sleep 100"]);
    launch.volume_gb = 0;
    let result = space.run(launch).unwrap_err();
    assert!(result.contains("script-0 was killed: No space left on device"), "{result}");
    assert!(space.said().contains("No space left on device"));
    assert!(measure::used(&space.place().volume) >= 8 << 20);
}

/// A space in a world whose volumes are file systems; `None` where nothing can be mounted, which root never is content with.
fn real_space() -> Option<Space> {
    let space = Space::new();
    space
        .world
        .change(|state| {
            state.real_volumes = true;
            Ok(())
        })
        .unwrap();
    let limit = volume::Limit::of(&space.world);
    assert!(limit == volume::Limit::Enforced || !rustix::process::geteuid().is_root(), "{limit:?}");
    (limit == volume::Limit::Enforced).then_some(space)
}

#[test]
fn a_real_volume_is_full_when_it_is_full_and_is_nowhere_to_be_seen() {
    let Some(space) = real_space() else { return };
    let mut launch = space.launch(&[r#"
        pwd
        fallocate -l 2G full || true
        stat -f -c '%b %S' .
        df -B1 --output=size . | tail -n 1
        df -B1 --output=source user-default-efs/. . | tail -n 2
        rm -f full
        echo x > kept
        setsid sleep 100 &
    "#]);
    launch.volume_gb = 1;
    space.run(launch).unwrap();
    let said = space.said();
    let lines: Vec<&str> = said.lines().collect();
    let volume = space.place().volume;
    assert_eq!(lines[0], volume.to_string_lossy());
    assert!(lines[1].ends_with("No space left on device"), "{said}");
    let numbers: Vec<u64> = lines[2].split(' ').map(|number| number.parse().unwrap()).collect();
    assert!((900 << 20..1 << 30).contains(&(numbers[0] * numbers[1])), "{said}");
    assert_eq!(lines[3].trim(), (numbers[0] * numbers[1]).to_string());
    assert_eq!(lines[4].trim(), "127.0.0.1:/");
    assert_eq!(lines[5].trim(), "/dev/nvme1n1");
    let log = fs::read_to_string(space.place().stream).unwrap();
    assert!(log.contains("1 GiB, enforced by a file system of that size"), "{log}");
    let world = space.world.dir().to_string_lossy().into_owned();
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&world));
    assert!(!volume.join("kept").exists());
    space.stop();
    assert_eq!(fs::read_to_string(volume.join("kept")).unwrap(), "x\n");
    assert!(fs::symlink_metadata(volume.join("user-default-efs")).is_err());
    assert!(!volume.join("lost+found").exists());
    assert!(!space.place().backing.exists());
}

#[test]
fn whatever_is_on_a_real_volume_survives_its_apps() {
    let Some(space) = real_space() else { return };
    let make = r#"
        set -e
        truncate -s 1G sparse
        echo data | dd of=sparse bs=1 seek=500M conv=notrunc status=none
        echo locked > locked && ln locked twin && ln -s nowhere link && mkdir -m 500 folder && mkfifo fifo
        python3 -c 'import os; os.setxattr("sparse", "user.note", b"kept")'
        touch -d 2001-02-03T04:05:06.123456789Z locked && touch -h -d 1999-01-01T00:00:00.000000001Z link
        chmod 000 locked
    "#;
    let tell = r#"
        find . -mindepth 1 ! -name user-default-efs -printf '%p %m %n %s %T@ %l %U\n' | sort
        stat -c 'few %b' sparse | awk '{print $1, ($2 < 100)}'
        [ locked -ef twin ] && echo one
        python3 -c 'import os; print(os.getxattr("sparse", "user.note"))'
    "#;
    space.run(space.launch(&[make, tell])).unwrap();
    let first = space.said();
    assert!(first.contains("few 1\none\nb'kept'\n"), "{first}");
    assert!(first.contains("./locked 0 2 7 981173106.1234567890"), "{first}");
    for _ in 0..2 {
        space.stop();
        fs::remove_file(space.place().stream).unwrap();
        space.run(space.launch(&[tell])).unwrap();
        assert_eq!(space.said(), first);
    }
    space.stop();
    // Root may read it, the script may not.
    assert_eq!(fs::read_to_string(space.place().volume.join("locked")).unwrap(), "locked\n");
}

#[test]
fn what_a_killed_simulator_left_of_a_real_volume_is_brought_back() {
    let Some(space) = real_space() else { return };
    let place = space.place();
    space.run(space.launch(&["echo one > one; setsid sleep 100 &"])).unwrap();
    // Everything is killed, and nobody brought the files back.
    APPS.lock().unwrap().remove(&place.mark);
    let sessions = std::collections::BTreeSet::new();
    assert!(processes::kill_all(&place.mark, &sessions, STOP));
    assert!(place.backing.join("image").exists() && !place.volume.join("one").exists());
    // The bringing back was cut off, once in the middle of the copy, once between the two folders.
    fs::create_dir_all(place.backing.join("out")).unwrap();
    fs::write(place.backing.join("out/half"), "").unwrap();
    fs::remove_dir_all(&place.volume).unwrap();
    space.run(space.launch(&["cat one; ls; echo two > two"])).unwrap();
    assert_eq!(space.said(), "one\none\nuser-default-efs\n");
    space.stop();
    let mut names: Vec<_> =
        fs::read_dir(&place.volume).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    assert!(!place.backing.exists());
}

#[test]
fn a_real_volume_that_cannot_hold_what_is_in_its_folder_fails_the_app_and_keeps_the_folder() {
    let Some(space) = real_space() else { return };
    let volume = space.place().volume;
    fs::create_dir_all(&volume).unwrap();
    let file = fs::File::create(volume.join("large")).unwrap();
    for _ in 0..1100 {
        std::io::Write::write_all(&mut &file, &vec![1; 1 << 20]).unwrap();
    }
    let mut launch = space.launch(&["echo never"]);
    launch.volume_gb = 1;
    let result = space.run(launch).unwrap_err();
    assert!(result.starts_with("the volume cannot be mounted: "), "{result}");
    assert!(result.contains("No space left on device"), "{result}");
    assert_eq!(fs::metadata(volume.join("large")).unwrap().len(), 1100 << 20);
    assert!(!space.place().backing.exists());
}
