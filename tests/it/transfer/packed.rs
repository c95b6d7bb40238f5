//! The packed layout: what goes in comes out, and only what changed is moved.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use studio_migrate::sim::bucket::{file_of, put};

use super::stage::{Stage, awkward, noise};
use crate::common::tool::{command_on, until};
use crate::common::trees;

/// Everything that lies below the prefix, by its key.
fn keys(stage: &Stage) -> Vec<String> {
    let client = crate::common::client::Client::administrator(&stage.served);
    let listed = client.wait(client.account.objects("data", "homes/alice/")).unwrap();
    listed.into_iter().map(|(key, _)| key).collect()
}

/// The file that holds the only shard.
fn the_shard(stage: &Stage) -> PathBuf {
    let keys = keys(stage);
    let shards: Vec<_> = keys.iter().filter(|key| key.ends_with(".tar.zst")).collect();
    assert_eq!(shards.len(), 1, "{keys:?}");
    file_of(&stage.served.dir, "data", shards[0]).unwrap()
}

#[test]
fn a_home_comes_back_as_it_was() {
    let stage = Stage::new();
    awkward(&stage.home());
    let pushed = stage.push(&[]).ended(0).said();
    let manifest = stage.path("manifest");
    let pulled = stage.pull("there", &["--manifest", manifest.to_str().unwrap()]).ended(0).said();
    assert_eq!(pulled["proven"], true);
    assert_eq!(pulled["source"], pushed["source"]);
    assert_eq!(pulled["destination"], pushed["source"]);
    stage.assert_like_home("there");
    let blocks = |name: &str| fs::metadata(stage.path(name).join("sparse")).unwrap().blocks();
    assert!(blocks("there") <= 64, "{} blocks of a sparse file", blocks("there"));
    let there = stage.path("there");
    let words = ["verify", there.to_str().unwrap(), "--manifest", manifest.to_str().unwrap()];
    stage.mover(&words).ended(0);
}

#[test]
fn attributes_of_files_and_folders_come_back_too() {
    let stage = Stage::new();
    stage.file("folder/file", "content");
    stage.file("folder/read-only", "content");
    let value = |path: &std::path::Path| {
        let mut value = vec![0; 100];
        let length = rustix::fs::getxattr(path, "user.tag", &mut value[..]).unwrap();
        value.truncate(length);
        value
    };
    for path in ["folder", "folder/file", "folder/read-only"] {
        let tag = [path.as_bytes(), b"\x00\xff"].concat();
        let none = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(stage.home().join(path), "user.tag", &tag, none).unwrap();
    }
    let mode = PermissionsExt::from_mode(0o444);
    fs::set_permissions(stage.home().join("folder/read-only"), mode).unwrap();
    stage.push(&[]).ended(0);
    stage.pull("there", &[]).ended(0);
    stage.assert_like_home("there");
    for path in ["folder", "folder/file", "folder/read-only"] {
        assert_eq!(value(&stage.path("there").join(path)), [path.as_bytes(), b"\x00\xff"].concat());
    }
}

#[test]
fn an_ordinary_tar_unpacks_a_shard() {
    let stage = Stage::new();
    awkward(&stage.home());
    stage.push(&[]).ended(0);
    let there = stage.path("there");
    fs::create_dir(&there).unwrap();
    let unpacked = Command::new("tar")
        .args(["--zstd", "--same-permissions", "-x", "-f"])
        .arg(the_shard(&stage))
        .arg("-C")
        .arg(&there)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&unpacked.stderr).into_owned();
    assert!(unpacked.status.success(), "{said}");
    // Folders that tar goes back to have its own time.
    let files = |root: &std::path::Path| {
        let mut listing = trees::listing(root, false);
        listing.retain(|path, _| !root.join(path).is_dir() || root.join(path).is_symlink());
        listing
    };
    assert_eq!(files(&there), files(&stage.home()));
}

#[test]
fn a_second_push_uploads_no_shard_and_a_changed_file_one() {
    let stage = Stage::new();
    for number in 0..40 {
        stage.file(&format!("{number:02}.bin"), noise(200_000, number));
    }
    let first = stage.push(&["--shard-size", "1"]).ended(0).said();
    assert!(first["shards"].as_u64().unwrap() >= 3, "{first}");
    let second = stage.push(&["--shard-size", "1"]).ended(0);
    assert_eq!(second.said()["uploaded"], 0);
    assert_eq!(second.said()["source"], first["source"]);
    assert_eq!(second.requests("PutObject", ".tar.zst").len(), 0);
    stage.file("05.bin", noise(200_000, 99));
    let third = stage.push(&["--shard-size", "1"]).ended(0);
    assert_eq!((&third.said()["uploaded"], &third.said()["shards"]), (&1.into(), &first["shards"]));
    stage.pull("there", &[]).ended(0);
    stage.assert_like_home("there");
}

#[test]
fn a_shard_of_many_parts_is_one_object_with_the_checksum_of_the_whole() {
    let stage = Stage::new();
    stage.file("large.bin", noise(50 << 20, 1));
    let pushed = stage.push(&[]).ended(0);
    assert_eq!(pushed.requests("CreateMultipartUpload", ".tar.zst").len(), 1);
    assert_eq!(pushed.requests("UploadPart", ".tar.zst").len(), 7);
    let completed = pushed.requests("CompleteMultipartUpload", ".tar.zst");
    let headers = &completed[0]["request_headers"];
    assert_eq!(headers["x-amz-checksum-type"], "FULL_OBJECT");
    assert!(headers["x-amz-checksum-crc64nvme"].is_string());
    let pulled = stage.pull("there", &[]).ended(0);
    assert_eq!(pulled.requests("GetObject", ".tar.zst").len(), 7);
    stage.assert_like_home("there");
}

#[test]
fn a_push_that_fails_takes_its_upload_back_and_the_next_goes_on() {
    let fault = "[{operation: 's3:UploadPart', from: 3, times: 0, effect: denied}]";
    let stage = Stage::with_faults(fault);
    stage.file("a.bin", noise(2 << 20, 1));
    stage.file("b.bin", noise(50 << 20, 2));
    let failed = stage.push(&["--shard-size", "1"]).ended(8);
    assert!(failed.ran.err.contains(".tar.zst"), "{}", failed.ran.err);
    assert_eq!(failed.requests("AbortMultipartUpload", ".tar.zst").len(), 1);
    let uploads = stage.served.dir.join("s3/data/uploads");
    assert_eq!(fs::read_dir(uploads).unwrap().count(), 0);
    assert!(!keys(&stage).contains(&"homes/alice/packed.json".to_owned()));
    let stage = stage.again("[]");
    let pushed = stage.push(&["--shard-size", "1"]).ended(0).said();
    assert_eq!((&pushed["shards"], &pushed["uploaded"]), (&2.into(), &1.into()));
    stage.pull("there", &[]).ended(0);
    stage.assert_like_home("there");
}

#[test]
fn a_push_that_is_killed_goes_on_where_it_was() {
    let fault = "[{operation: 's3:PutObject', from: 6, times: 1, effect: {slow: 60}}]";
    let stage = Stage::with_faults(fault);
    for number in 0..40 {
        stage.file(&format!("{number:02}.bin"), noise(200_000, number));
    }
    let home = stage.home();
    let words =
        ["mover", "push", home.to_str().unwrap(), "s3://data/homes/alice", "--shard-size", "1"];
    let mut push = command_on(&stage.served, &stage.path("journal.db"), &words).spawn().unwrap();
    until("two shards are finished", || {
        keys(&stage).iter().filter(|key| key.ends_with(".jsonl.zst")).count() >= 2
    });
    push.kill().unwrap();
    push.wait().unwrap();
    assert!(!keys(&stage).contains(&"homes/alice/packed.json".to_owned()));
    let stage = stage.again("[]");
    let pushed = stage.push(&["--shard-size", "1"]).ended(0).said();
    assert!(pushed["uploaded"].as_u64() < pushed["shards"].as_u64(), "{pushed}");
    stage.pull("there", &[]).ended(0);
    stage.assert_like_home("there");
}

#[test]
fn a_push_that_is_asked_to_end_takes_its_upload_back() {
    let fault = "[{operation: 's3:UploadPart', from: 1, times: 0, effect: {slow: 1}}]";
    let stage = Stage::with_faults(fault);
    stage.file("large.bin", noise(150 << 20, 1));
    let home = stage.home();
    let words = ["mover", "push", home.to_str().unwrap(), "s3://data/homes/alice"];
    let mut push = command_on(&stage.served, &stage.path("journal.db"), &words).spawn().unwrap();
    let uploads = stage.served.dir.join("s3/data/uploads");
    let under_way = || fs::read_dir(&uploads).is_ok_and(|found| found.count() > 0);
    until("an upload is under way", under_way);
    let child = rustix::process::Pid::from_child(&push);
    rustix::process::kill_process(child, rustix::process::Signal::TERM).unwrap();
    assert_eq!(push.wait().unwrap().code(), Some(143));
    assert!(!under_way());
    assert!(keys(&stage).is_empty());
}

#[test]
fn one_file_is_restored_with_one_request_for_a_range() {
    let stage = Stage::new();
    awkward(&stage.home());
    stage.push(&[]).ended(0);
    let pulled = stage.pull("one", &["--only", "many/03/3.csv"]).ended(0);
    let gets = pulled.requests("GetObject", ".tar.zst");
    assert_eq!(gets.len(), 1);
    let range = gets[0]["request_headers"]["range"].as_str().unwrap();
    let ends: Vec<u64> =
        range.trim_start_matches("bytes=").split('-').map(|end| end.parse().unwrap()).collect();
    assert!(ends[1] - ends[0] < 2 << 20, "{range}");
    let restored = stage.path("one/many/03/3.csv");
    assert_eq!(fs::read(&restored).unwrap(), fs::read(stage.home().join("many/03/3.csv")).unwrap());
    let seen = fs::metadata(&restored).unwrap();
    assert_eq!((seen.mode() & 0o777, seen.mtime_nsec()), (0o400, 123_456_789));
    assert_eq!(trees::listing(&stage.path("one"), false).len(), 3);
}

#[test]
fn a_folder_or_a_further_name_is_restored_by_itself() {
    let stage = Stage::new();
    awkward(&stage.home());
    stage.push(&[]).ended(0);
    stage.pull("folder", &["--only", "/many/04/"]).ended(0);
    let beside = |root: PathBuf| trees::listing(&root.join("many/04"), false);
    assert_eq!(beside(stage.path("folder")), beside(stage.home()));
    stage.pull("link", &["--only", "hollow"]).ended(0);
    assert_eq!(fs::read(stage.path("link/hollow/second")).unwrap(), b"shared content");
    let absent = stage.pull("absent", &["--only", "many/nothing"]).ended(2);
    assert!(absent.ran.err.contains("many/nothing"), "{}", absent.ran.err);
}

#[test]
fn a_second_pull_fetches_nothing_and_a_third_only_what_is_not_the_same() {
    let stage = Stage::new();
    awkward(&stage.home());
    stage.push(&[]).ended(0);
    stage.pull("there", &[]).ended(0);
    let second = stage.pull("there", &[]).ended(0);
    assert_eq!(second.requests("GetObject", ".tar.zst").len(), 0);
    assert_eq!(second.said()["written"], 0);
    fs::remove_file(stage.path("there/many/02/2.csv")).unwrap();
    fs::write(stage.path("there/third"), "other").unwrap();
    let refused = stage.pull("there", &[]).ended(0);
    assert!(refused.ran.err.contains("conflict"), "{}", refused.ran.err);
    assert_eq!(fs::read(stage.path("there/third")).unwrap(), b"other");
    assert!(stage.path("there/many/02/2.csv").exists());
    let third = stage.pull("there", &["--conflict", "source-wins"]).ended(0);
    assert_eq!(third.requests("GetObject", ".tar.zst").len(), 1);
    stage.assert_like_home("there");
}

#[test]
fn a_shard_that_was_tampered_with_is_noticed_by_the_names_of_its_files() {
    let stage = Stage::new();
    for number in 0..20 {
        stage.file(&format!("{number:02}.bin"), noise(300_000, number));
    }
    stage.push(&[]).ended(0);
    let shard = the_shard(&stage);
    let mut bytes = fs::read(&shard).unwrap();
    let within_a_file = bytes.len() / 3;
    bytes[within_a_file] ^= 1;
    fs::write(&shard, bytes).unwrap();
    let pulled = stage.pull("there", &[]).ended(4);
    let lost: Vec<_> =
        pulled.ran.err.lines().filter(|line| line.starts_with("not copied: ")).collect();
    assert!(!lost.is_empty() && lost.len() <= 4, "{lost:?}");
    assert!(lost.iter().all(|line| line.contains(".bin: unreadable: ")), "{lost:?}");
    assert_eq!(fs::read_dir(stage.path("there")).unwrap().count(), 20 - lost.len());
}

#[test]
fn an_index_that_is_another_ends_the_pull_and_says_which() {
    let stage = Stage::new();
    stage.file("a", "a");
    stage.push(&[]).ended(0);
    let index = keys(&stage)
        .into_iter()
        .find(|key| key.starts_with("homes/alice/shards/") && key.ends_with(".jsonl.zst"))
        .unwrap();
    put(&stage.served.dir, "data", &index, b"not an index").unwrap();
    let pulled = stage.pull("there", &[]).ended(1);
    assert!(pulled.ran.err.contains(&index), "{}", pulled.ran.err);
}

#[test]
fn a_packed_home_without_a_sound_packed_json_is_not_taken_for_files() {
    let stage = Stage::new();
    stage.file("a", "a");
    stage.push(&[]).ended(0);
    let packed = "homes/alice/packed.json";
    let other = br#"{"schema":1,"kind":"something-else"}"#;
    put(&stage.served.dir, "data", packed, other).unwrap();
    let pulled = stage.pull("there", &[]).ended(1);
    assert!(pulled.ran.err.contains("no sound packed.json"), "{}", pulled.ran.err);
    assert_eq!(fs::read_dir(stage.path("there")).unwrap().count(), 0);
}

#[test]
fn a_hostile_index_writes_nothing_outside() {
    for hostile in ["../escaped", "/escaped", "a/../../escaped", "link/escaped"] {
        let stage = Stage::new();
        stage.file("innocent", "content");
        stage.push(&[]).ended(0);
        let read = |key: &str| fs::read(file_of(&stage.served.dir, "data", key).unwrap()).unwrap();
        let index = keys(&stage)
            .into_iter()
            .find(|key| key.contains("/shards/") && key.ends_with(".jsonl.zst"));
        let index = index.unwrap();
        let text = String::from_utf8(zstd::decode_all(read(&index).as_slice()).unwrap()).unwrap();
        let forged = zstd::encode_all(text.replace("innocent", hostile).as_bytes(), 0).unwrap();
        let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let contents = String::from_utf8(read("homes/alice/packed.json")).unwrap();
        let contents = contents.replace(&hash(&read(&index)), &hash(&forged));
        put(&stage.served.dir, "data", &index, &forged).unwrap();
        put(&stage.served.dir, "data", "homes/alice/packed.json", contents.as_bytes()).unwrap();
        fs::create_dir(stage.path("there")).unwrap();
        symlink("..", stage.path("there/link")).unwrap();
        // A path that leads out is refused as such; of any other the sums do not fit any more.
        let pulled = stage.pull("there", &[]).ended(1);
        let refused = if hostile == "link/escaped" { "do not sum up" } else { "the path `" };
        assert!(pulled.ran.err.contains(refused), "{}", pulled.ran.err);
        assert!(!stage.path("escaped").exists(), "{hostile}");
        assert_eq!(fs::read_dir(stage.path("there")).unwrap().count(), 1, "{hostile}");
    }
}

#[test]
fn what_is_not_copied_is_listed_by_name_and_a_link_at_the_destination_is_not_followed() {
    let stage = Stage::new();
    stage.file("kept/file", "kept");
    stage.file("node_modules/x/y.js", "left");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        stage.home().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let pushed = stage.push(&["--playbook", "standard"]).ended(0);
    assert!(pushed.ran.err.contains("not copied: pipe: special"), "{}", pushed.ran.err);
    assert!(pushed.ran.err.contains("not copied: node_modules: excluded"), "{}", pushed.ran.err);
    let outside = stage.path("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir(stage.path("there")).unwrap();
    symlink(&outside, stage.path("there/kept")).unwrap();
    let pulled = stage.pull("there", &[]).ended(0);
    assert!(pulled.ran.err.contains("not copied: kept: conflict"), "{}", pulled.ran.err);
    assert!(
        pulled.ran.err.contains("not copied when this home was pushed: 2;"),
        "{}",
        pulled.ran.err
    );
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[test]
fn a_home_without_anything_is_a_packed_home_too() {
    let stage = Stage::new();
    let pushed = stage.push(&[]).ended(0).said();
    assert_eq!(pushed["shards"], 0);
    assert_eq!(stage.pull("there", &[]).ended(0).said()["source"], pushed["source"]);
    fs::set_permissions(stage.path("there"), PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn what_could_not_be_read_is_tried_again_and_the_earlier_push_stays_sound() {
    let stage = Stage::new();
    stage.file("a", "readable");
    stage.file("b", "closed");
    // Root reads whatever the mode says, so the index of a push that could not is made from one that could.
    stage.push(&[]).ended(0);
    let whole = keys(&stage);
    let index = whole.iter().find(|key| key.contains("/shards/") && key.ends_with(".jsonl.zst"));
    let index = index.unwrap();
    let read = |key: &str| fs::read(file_of(&stage.served.dir, "data", key).unwrap()).unwrap();
    let text = String::from_utf8(zstd::decode_all(read(index).as_slice()).unwrap()).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut line: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
    line["entry"]["not_copied"] =
        serde_json::json!({"class": "unreadable", "why": "it was closed"});
    lines[2] = line.to_string();
    let torn = zstd::encode_all((lines.join("\n") + "\n").as_bytes(), 0).unwrap();
    put(&stage.served.dir, "data", index, &torn).unwrap();
    let pushed = stage.push(&[]).ended(0);
    assert_eq!(pushed.said()["uploaded"], 1);
    assert_eq!(read(index), torn, "what was there is never changed");
    stage.pull("there", &[]).ended(0);
    stage.assert_like_home("there");
    assert_eq!(stage.push(&[]).ended(0).said()["uploaded"], 0);
}
