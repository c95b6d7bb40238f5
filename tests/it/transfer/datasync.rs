//! An object a file, as DataSync leaves a home: restored with its metadata, and never outside the destination.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use studio_migrate::sim::bucket::file_of;

use super::stage::{Stage, noise};
use crate::common::tool::{command_on, until};
use crate::common::trees;

/// Writes objects as DataSync does.
struct Writer {
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Writer {
    fn of(stage: &Stage) -> Self {
        let said = |name: &str| stage.served.said[name].as_str().unwrap().to_owned();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(said("region")))
            .credentials_provider(Credentials::new(
                said("access_key_id"),
                said("secret_access_key"),
                None,
                None,
                "test",
            ))
            .endpoint_url(said("endpoint"))
            .force_path_style(true)
            .build();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self { client: Client::from_conf(config), runtime }
    }

    fn put(&self, path: &str, permissions: &str, mtime: &str, content: impl Into<Vec<u8>>) {
        let put = self
            .client
            .put_object()
            .bucket("data")
            .key(format!("homes/alice/{path}"))
            .metadata("file-permissions", permissions)
            .metadata("file-mtime", mtime)
            .metadata("file-owner", "200001")
            .metadata("file-group", "1001")
            .metadata("file-atime", mtime)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .body(ByteStream::from(content.into()));
        self.runtime.block_on(put.send()).unwrap();
    }
}

const TIME: &str = "1595002920123456789ns";

/// A home of every kind of object.
fn home(stage: &Stage) -> Writer {
    let writer = Writer::of(stage);
    writer.put("notes/", "0040750", "1595002920000000001ns", "");
    writer.put("notes/a b+ü.ipynb", "0100640", TIME, "{}");
    writer.put("notes/run.sh", "0755", TIME, "#!/bin/sh\n");
    writer.put("hollow/", "0700", TIME, "");
    writer.put("link", "0120777", TIME, "notes/run.sh");
    writer.put("untold/deep/file", "0100600", "1595002920001", "x");
    writer.put("setuid", "0104755", TIME, "dangerous");
    writer.put("large.bin", "0100644", TIME, noise(20 << 20, 3));
    writer
}

#[test]
fn a_home_is_restored_with_modes_times_links_and_empty_folders() {
    let stage = Stage::new();
    home(&stage);
    let manifest = stage.path("manifest");
    let pulled = stage.pull("there", &["--manifest", manifest.to_str().unwrap()]).ended(0);
    assert_eq!(pulled.said()["proven"], true);
    let there = stage.path("there");
    let seen = |path: &str| {
        let seen = fs::symlink_metadata(there.join(path)).unwrap();
        (seen.mode() & 0o7777, seen.mtime(), seen.mtime_nsec())
    };
    assert_eq!(seen("notes"), (0o750, 1_595_002_920, 1));
    assert_eq!(seen("notes/a b+ü.ipynb"), (0o640, 1_595_002_920, 123_456_789));
    assert_eq!(seen("notes/run.sh"), (0o755, 1_595_002_920, 123_456_789));
    assert_eq!(seen("hollow"), (0o700, 1_595_002_920, 123_456_789));
    assert_eq!(seen("untold/deep/file"), (0o600, 1_595_002_920, 1_000_000));
    assert_eq!(seen("untold").0, 0o755);
    assert_eq!(seen("setuid").0, 0o755);
    assert_eq!(fs::read_link(there.join("link")).unwrap().to_str(), Some("notes/run.sh"));
    assert!(fs::read(there.join("large.bin")).unwrap() == noise(20 << 20, 3));
    let gets = pulled.requests("GetObject", "/large.bin");
    assert_eq!(gets.len(), 3);
    assert!(gets.iter().all(|get| get["request_headers"]["if-match"].is_string()));
    // A small object is one request, which brings its metadata along.
    assert_eq!(pulled.requests("GetObject", "/run.sh").len(), 1);
    assert_eq!(pulled.requests("HeadObject", "/run.sh").len(), 0);
    let stored = zstd::decode_all(fs::File::open(manifest).unwrap()).unwrap();
    let stored = String::from_utf8(stored).unwrap();
    let setuid = stored.lines().find(|line| line.contains("\"setuid\"")).unwrap();
    assert!(setuid.contains("the special bits of mode 4755 were dropped"), "{setuid}");
}

#[test]
fn a_second_pull_fetches_only_what_differs_and_a_paranoid_one_all() {
    let stage = Stage::new();
    home(&stage);
    stage.pull("there", &[]).ended(0);
    let before = trees::listing(&stage.path("there"), true);
    let second = stage.pull("there", &[]).ended(0);
    assert_eq!(second.said()["written"], 0);
    assert_eq!(second.requests("GetObject", "/large.bin").len(), 0);
    assert_eq!(trees::listing(&stage.path("there"), true), before);
    fs::remove_file(stage.path("there/setuid")).unwrap();
    let third = stage.pull("there", &[]).ended(0);
    assert_eq!(
        (&third.said()["written"], third.requests("GetObject", "/setuid").len()),
        (&1.into(), 1)
    );
    let paranoid = stage.pull("there", &["--paranoid"]).ended(0);
    assert_eq!(paranoid.requests("GetObject", "/large.bin").len(), 3);
    assert_eq!(paranoid.said()["written"], 0);
}

#[test]
fn a_pull_that_is_killed_goes_on_and_leaves_nothing_behind() {
    let stage = Stage::new();
    home(&stage);
    let stage = stage.again("[{operation: 's3:GetObject', from: 8, times: 0, effect: {slow: 60}}]");
    let there = stage.path("there");
    let words = ["mover", "pull", "s3://data/homes/alice", there.to_str().unwrap()];
    let mut pull = command_on(&stage.served, &stage.path("journal.db"), &words).spawn().unwrap();
    let left_over = || {
        let listing = trees::listing(&there, false);
        listing.keys().any(|path| path.to_string_lossy().contains(".studio-migrate-"))
    };
    until("a large file has begun to arrive", || there.exists() && left_over());
    pull.kill().unwrap();
    pull.wait().unwrap();
    assert!(left_over());
    let stage = stage.again("[]");
    let again = stage.pull("there", &[]).ended(0).said();
    assert_eq!((&again["proven"], &again["source"]["files"]), (&true.into(), &5.into()));
    assert!(!left_over());
}

#[test]
fn hostile_keys_stay_inside_and_are_listed() {
    let stage = Stage::new();
    let writer = Writer::of(&stage);
    let long = "x".repeat(256);
    for path in ["../escaped", "a/../../escaped", "a//b", "/absolute", "./dot", long.as_str()] {
        writer.put(path, "0644", TIME, "hostile");
    }
    writer.put("fine", "0644", TIME, "fine");
    writer.put("out", "0120777", TIME, "..");
    writer.put("out/through the link", "0644", TIME, "hostile");
    let around = trees::listing(&stage.path(""), false).len();
    let pulled = stage.pull("there", &[]).ended(0);
    let listed = |line: &&str| line.starts_with("not copied: ");
    let said: Vec<_> = pulled.ran.err.lines().filter(listed).collect();
    assert!(said.len() >= 7, "{said:#?}");
    assert_eq!(fs::read(stage.path("there/fine")).unwrap(), b"fine");
    assert!(!stage.path("escaped").exists() && !stage.path("through the link").exists());
    // Nothing is new but the destination with what fits, and the wire log.
    let inside = trees::listing(&stage.path("there"), false).len();
    assert!(trees::listing(&stage.path(""), false).len() <= around + inside + 2);
}

#[test]
fn a_link_at_the_destination_is_not_followed() {
    let stage = Stage::new();
    home(&stage);
    let outside = stage.path("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::create_dir(stage.path("there")).unwrap();
    symlink(&outside, stage.path("there/notes")).unwrap();
    let pulled = stage.pull("there", &[]).ended(0);
    assert!(pulled.ran.err.contains("not copied: notes: conflict"), "{}", pulled.ran.err);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn an_object_that_is_not_what_its_checksum_says_is_listed_by_name() {
    let stage = Stage::new();
    home(&stage);
    for path in ["notes/run.sh", "large.bin"] {
        let file = file_of(&stage.served.dir, "data", &format!("homes/alice/{path}")).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let pulled = stage.pull("there", &[]).ended(4);
    for path in ["notes/run.sh", "large.bin"] {
        let said = format!("not copied: {path}: unreadable: ");
        assert!(pulled.ran.err.contains(&said), "{}", pulled.ran.err);
        assert!(!stage.path("there").join(path).exists());
    }
}

#[test]
fn what_is_there_stays_or_gives_way_by_the_policy() {
    let stage = Stage::new();
    home(&stage);
    let mine = || {
        fs::create_dir_all(stage.path("there/notes")).unwrap();
        fs::write(stage.path("there/notes/run.sh"), "mine").unwrap();
    };
    mine();
    let read = |path: &str| fs::read_to_string(stage.path("there/notes").join(path)).unwrap();
    stage.pull("there", &[]).ended(0);
    assert_eq!(read("run.sh"), "mine");
    stage.pull("there", &["--conflict", "newer-wins"]).ended(0);
    assert_eq!(read("run.sh"), "mine");
    let both = stage.pull("there", &["--conflict", "keep-both"]).ended(0);
    assert_eq!((read("run.sh").as_str(), read("run.sh.classic").as_str()), ("mine", "#!/bin/sh\n"));
    assert_eq!(both.said()["proven"], true);
    stage.pull("there", &["--conflict", "source-wins"]).ended(0);
    assert_eq!(read("run.sh"), "#!/bin/sh\n");
}

#[test]
fn files_that_share_their_name_with_a_folder_or_with_ours_are_no_end_of_it() {
    let stage = Stage::new();
    let writer = Writer::of(&stage);
    writer.put("packed.json", "0644", TIME, "{\"kind\": \"mine\"}");
    writer.put("both", "0644", TIME, "a file");
    writer.put("both/", "0755", TIME, "");
    writer.put("both/inner", "0644", TIME, "inner");
    let manifest = stage.path("manifest");
    let pulled = stage.pull("there", &["--manifest", manifest.to_str().unwrap()]);
    let stored = zstd::decode_all(fs::File::open(manifest).unwrap()).unwrap();
    assert!(String::from_utf8(stored).unwrap().contains("there is another object of this path"));
    let said = "not copied: both: another object of this path is in place: ";
    assert!(pulled.ran.err.contains(said), "{}", pulled.ran.err);
    assert_eq!(pulled.said()["proven"], true);
    assert!(stage.path("there/packed.json").exists());
}

#[test]
fn a_prefix_with_nothing_below_is_no_home() {
    let stage = Stage::new();
    let pulled = stage.pull("there", &[]).ended(2);
    assert!(pulled.ran.err.contains("nothing below s3://data/homes/alice"), "{}", pulled.ran.err);
    home(&stage);
    stage.pull("there", &["--only", "notes"]).ended(1);
}
