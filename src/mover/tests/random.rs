//! Random small trees arrive as they were.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

use super::trees::{Pair, at, set_mode};

/// Something that is put into a tree.
#[derive(Clone, Debug)]
enum Thing {
    File {
        content: Vec<u8>,
        mode: u32,
        time: (i64, u32),
    },
    Sparse {
        zeros: u16,
        content: Vec<u8>,
    },
    /// A file that takes more than one read; its bytes are drawn from the seed.
    Large {
        bytes: usize,
        seed: u64,
    },
    Folder {
        mode: u32,
        time: (i64, u32),
    },
    Link {
        target: Vec<u8>,
    },
    /// A hard link to the first file that there is.
    Name,
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'a'),
        Just(b'.'),
        Just(b' '),
        Just(b'\n'),
        Just(0xff),
        Just(b'\\'),
        1..=255_u8
    ];
    let named = |name: &Vec<u8>| !name.contains(&b'/') && name != b"." && name != b"..";
    proptest::collection::vec(byte, 1..6).prop_filter("names have no slash and are no dots", named)
}

fn thing() -> impl Strategy<Value = Thing> {
    // From 1901 to 2446, which is all that ext4 can tell; most of it before 1970 and beyond these years.
    let seconds = || -(1_i64 << 31)..15_000_000_000_i64;
    let time = || (seconds(), 0..1_000_000_000_u32);
    let content = || proptest::collection::vec(any::<u8>(), 0..5000);
    prop_oneof![
        4 => (content(), 0..0o1000_u32, time()).prop_map(|(content, mode, time)| Thing::File { content, mode, time }),
        1 => (any::<u16>(), content()).prop_map(|(zeros, content)| Thing::Sparse { zeros, content }),
        1 => (1_usize << 20..3 << 20, any::<u64>()).prop_map(|(bytes, seed)| Thing::Large { bytes, seed }),
        3 => (0..0o1000_u32, time()).prop_map(|(mode, time)| Thing::Folder { mode: mode | 0o700, time }),
        1 => name().prop_map(|target| Thing::Link { target }),
        1 => Just(Thing::Name),
    ]
}

fn set_time(path: &Path, seconds: i64, nanos: u32) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Builds a tree; a thing whose place is taken, or whose folder is none, is left.
fn build(pair: &Pair, things: &[(Vec<Vec<u8>>, Thing)]) {
    let mut first = None;
    let mut later = Vec::new();
    for (steps, thing) in things {
        let path = at(&pair.home(), steps.join(&b'/'));
        if fs::create_dir_all(path.parent().unwrap()).is_err() || path.symlink_metadata().is_ok() {
            continue;
        }
        match thing {
            Thing::File { content, mode, time } => {
                fs::write(&path, content).unwrap();
                set_time(&path, time.0, time.1);
                set_mode(&path, *mode | 0o400);
                first.get_or_insert(path);
            }
            Thing::Sparse { zeros, content } => {
                let file = fs::File::create(&path).unwrap();
                let start = u64::from(*zeros) * 64;
                file.set_len(start * 2).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, content, start).unwrap();
            }
            Thing::Large { bytes, seed } => {
                let mut content = vec![0; *bytes];
                fastrand::Rng::with_seed(*seed).fill(&mut content);
                fs::write(&path, content).unwrap();
            }
            Thing::Folder { mode, time } => {
                fs::create_dir(&path).unwrap();
                later.push((path, *mode, *time));
            }
            Thing::Link { target } => {
                std::os::unix::fs::symlink(
                    std::os::unix::ffi::OsStrExt::from_bytes(target.as_slice()) as &std::ffi::OsStr,
                    &path,
                )
                .unwrap();
            }
            Thing::Name => {
                if let Some(first) = &first {
                    fs::hard_link(first, &path).unwrap();
                }
            }
        }
    }
    for (path, mode, time) in later.into_iter().rev() {
        set_time(&path, time.0, time.1);
        set_mode(&path, mode);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_arrives_as_it_was(
        things in proptest::collection::vec((proptest::collection::vec(name(), 1..4), thing()), 0..24),
    ) {
        let pair = Pair::in_memory();
        build(&pair, &things);
        let copied = pair.copy();
        prop_assert!(copied.not_copied.is_empty());
        pair.assert_same(&copied);
        let again = pair.copy();
        prop_assert_eq!(again.written, 0);
        prop_assert_eq!(&again.totals, &copied.totals);
        pair.assert_same(&again);
    }
}
