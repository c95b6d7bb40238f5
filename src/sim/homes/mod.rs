//! Homes worth migrating: real trees such as people leave behind in Studio Classic, made from a seed.
//!
//! The same kind and seed give the same tree: paths, kinds, modes, times, sizes and bytes. Nothing is read from a clock.

mod code;
mod leftovers;
mod oddities;
mod science;
mod tree;

use std::io;
use std::path::Path;

use tree::Tree;

/// Every kind of home that [`make`] knows.
pub const KINDS: [&str; 7] =
    ["data-scientist", "engineer", "big", "awkward", "empty", "shared", "tidy"];

/// Makes a home of a kind in a folder that is not there yet, or is empty; the folder gets mode 0700.
///
/// - `data-scientist`: a few hundred files: notebooks with outputs, data, models, a project, caches.
/// - `engineer`: a thousand small files in git projects, with `node_modules` and conda environments.
/// - `big`: one file of 200 MB, and a few others.
/// - `awkward`: every oddity that a file system allows: names, links, holes, modes, sockets, times.
/// - `empty`: nothing.
/// - `shared`: one home that three people have worked in.
/// - `tidy`: a dozen notebooks and nothing that anyone would mind.
///
/// # Errors
///
/// The kind is unknown, the folder holds something already, or the file system refuses.
pub fn make(home: &Path, kind: &str, seed: u64) -> io::Result<()> {
    let fill: fn(&mut Tree) -> io::Result<()> = match kind {
        "data-scientist" => data_scientist,
        "engineer" => engineer,
        "big" => big,
        "awkward" => awkward,
        "empty" => |_| Ok(()),
        "shared" => shared,
        "tidy" => |tree| science::notebooks(tree, "notebooks", 12),
        unknown => {
            let message = format!("no home is of kind `{unknown}`, there are {}", KINDS.join(", "));
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    };
    let mut tree = Tree::new(home, seed)?;
    fill(&mut tree)?;
    tree.finish()
}

fn data_scientist(tree: &mut Tree) -> io::Result<()> {
    let author = tree.author();
    leftovers::dotfiles(tree, &author)?;
    for folder in ["churn", "forecast/2024 Q3", "image-models", "scratch"] {
        let count = tree.between(6, 11);
        science::notebooks(tree, folder, count)?;
    }
    science::data(tree, "data", 18)?;
    science::models(tree, "models", 3)?;
    science::flows(tree, "wrangler", 3)?;
    code::project(tree, "projects/features", &author, 40, 15)?;
    leftovers::conda(tree, "churn-env", 40)?;
    leftovers::caches(tree, 30)?;
    leftovers::trash(tree, 8)?;
    leftovers::jupyter(tree)
}

fn engineer(tree: &mut Tree) -> io::Result<()> {
    let author = tree.author();
    leftovers::dotfiles(tree, &author)?;
    for project in ["platform", "training-jobs", "inference service", "tools/etl"] {
        code::project(tree, project, &author, 100, 60)?;
    }
    code::node_modules(tree, "platform/web", 30)?;
    science::notebooks(tree, "notebooks", 4)?;
    leftovers::conda(tree, "py37", 60)?;
    leftovers::caches(tree, 15)?;
    leftovers::trash(tree, 3)?;
    leftovers::jupyter(tree)
}

fn big(tree: &mut Tree) -> io::Result<()> {
    let author = tree.author();
    leftovers::dotfiles(tree, &author)?;
    science::large(tree, "checkpoints/epoch-90.ckpt", 200)?;
    science::models(tree, "checkpoints", 2)?;
    science::data(tree, "data", 4)?;
    science::notebooks(tree, "training", 3)
}

fn awkward(tree: &mut Tree) -> io::Result<()> {
    let author = tree.author();
    leftovers::dotfiles(tree, &author)?;
    oddities::names(tree)?;
    oddities::links(tree)?;
    oddities::holes(tree)?;
    oddities::modes(tree)?;
    oddities::special(tree)?;
    oddities::times(tree)?;
    science::flows(tree, "flows", 2)?;
    science::notebooks(tree, "notebooks", 2)?;
    code::project(tree, "project", &author, 12, 6)?;
    code::node_modules(tree, "project/web", 3)?;
    leftovers::conda(tree, "old", 8)?;
    leftovers::caches(tree, 4)?;
    leftovers::trash(tree, 2)?;
    leftovers::jupyter(tree)
}

fn shared(tree: &mut Tree) -> io::Result<()> {
    let first = tree.author();
    leftovers::dotfiles(tree, &first)?;
    for person in ["anna", "boris", "chloe"] {
        let author = tree.author();
        science::notebooks(tree, &format!("{person}/notebooks"), 4)?;
        code::project(tree, &format!("{person}/project"), &author, 12, 6)?;
    }
    science::data(tree, "team/data", 6)?;
    science::notebooks(tree, "team/reports", 5)?;
    leftovers::caches(tree, 5)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::PathBuf;

    use super::*;

    /// Kind, mode, time, size and content of every entry by path.
    type Listing = BTreeMap<Vec<u8>, String>;

    fn list(root: &Path, folder: &Path, listing: &mut Listing) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            let kind = about.file_type();
            let content = if kind.is_symlink() {
                format!("-> {:?}", fs::read_link(&path).unwrap())
            } else if kind.is_file() {
                fs::read(&path).map_or_else(|_| "?".to_owned(), |b| blake3::hash(&b).to_string())
            } else {
                String::new()
            };
            let time = (about.mtime(), about.mtime_nsec());
            let line = format!("{:o} {time:?} {} {content}", about.mode(), about.size());
            let line = if kind.is_dir() { format!("{:o} {time:?}", about.mode()) } else { line };
            let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
            listing.insert(name, line);
            if kind.is_dir() {
                list(root, &path, listing);
            }
        }
    }

    fn made(kind: &str, seed: u64) -> (tempfile::TempDir, PathBuf, Listing) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("200001");
        make(&home, kind, seed).unwrap();
        let mut listing = Listing::new();
        list(&home, &home, &mut listing);
        (folder, home, listing)
    }

    fn weight(listing: &Listing, home: &Path) -> (usize, u64) {
        use std::ffi::OsStr;
        let files = listing.keys().map(|name| home.join(OsStr::from_bytes(name)));
        let files: Vec<_> = files.map(|path| fs::symlink_metadata(path).unwrap()).collect();
        let files: Vec<_> = files.iter().filter(|about| about.is_file()).collect();
        (files.len(), files.iter().map(|about| about.len()).sum())
    }

    #[test]
    fn the_same_seed_gives_the_same_tree_and_another_seed_another() {
        for kind in KINDS.into_iter().filter(|&kind| kind != "big") {
            let (_keep, _, first) = made(kind, 7);
            let (_keep, _, second) = made(kind, 7);
            assert_eq!(first, second, "{kind}");
            let (_keep, _, other) = made(kind, 8);
            assert_eq!(kind == "empty", first == other, "{kind}");
        }
    }

    #[test]
    fn the_default_demo_of_twelve_people_is_small_enough_to_make_and_copy() {
        let (mut files, mut bytes) = (0, 0);
        let people =
            [("data-scientist", 5), ("engineer", 4), ("big", 1), ("awkward", 1), ("shared", 1)];
        for (kind, people) in people {
            let (_keep, home, listing) = made(kind, 1);
            let (count, size) = weight(&listing, &home);
            files += count * people;
            bytes += size * u64::try_from(people).unwrap();
            match kind {
                "data-scientist" => assert!((200..600).contains(&count), "{count}"),
                "engineer" => assert!((1_000..2_000).contains(&count), "{count}"),
                "big" => assert!(size > 200 << 20 && count < 60, "{count} {size}"),
                _ => {}
            }
        }
        assert!(files < 10_000, "{files} files");
        assert!(bytes < 500 << 20, "{bytes} bytes");
    }

    #[test]
    fn an_awkward_home_has_every_oddity() {
        let (_keep, home, listing) = made("awkward", 3);
        let has = |test: &dyn Fn(&[u8]) -> bool| listing.keys().any(|name| test(name));
        assert!(has(&|name| name.contains(&b'\n')), "a line end");
        assert!(has(&|name| name.contains(&b' ')), "a space");
        assert!(has(&|name| std::str::from_utf8(name).is_err()), "not UTF-8");
        assert!(has(&|name| name.len() > 1_024), "longer than an S3 key");
        assert!(has(&|name| name.rsplit(|&c| c == b'/').next().is_some_and(|n| n.len() == 255)));
        assert!(has(&|name| name.ends_with(b".flow")), "a Data Wrangler flow");
        let all: Vec<_> = listing
            .keys()
            .map(|name| fs::symlink_metadata(home.join(std::ffi::OsStr::from_bytes(name))).unwrap())
            .collect();
        let any = |test: &dyn Fn(&fs::Metadata) -> bool| all.iter().any(test);
        assert!(any(&|about| about.file_type().is_fifo()));
        assert!(any(&|about| about.file_type().is_socket()));
        assert!(any(&|about| about.file_type().is_symlink()));
        assert!(any(&|about| about.is_file() && about.nlink() == 3), "hard links");
        assert!(any(&|about| about.is_file() && about.blocks() * 512 < about.len() / 2), "a hole");
        assert!(any(&|about| about.is_file() && about.len() == 0), "an empty file");
        for mode in [0, 0o400, 0o444, 0o600, 0o755] {
            assert!(any(&|about| about.is_file() && about.mode() & 0o7777 == mode), "{mode:o}");
        }
        assert!(any(&|about| about.is_dir() && about.mode() & 0o7777 == 0o555));
        assert!(any(&|about| about.mtime() == 0) && any(&|about| about.mtime() > 1 << 31));
    }

    #[test]
    fn git_objects_are_read_only_and_hooks_run() {
        let (_keep, _, listing) = made("engineer", 3);
        let with = |part: &str, mode: &str| {
            listing.iter().any(|(name, line)| {
                String::from_utf8_lossy(name).contains(part) && line.starts_with(mode)
            })
        };
        assert!(with("platform/.git/objects/", "100444 "));
        assert!(with("platform/.git/hooks/pre-commit", "100755 "));
        assert!(with("platform/web/node_modules/", "100644 "));
        assert!(with("platform/current", "120777 "));
        assert!(with(".conda/envs/py37/bin/python", "120777 "));
    }

    #[test]
    fn times_are_past_and_finer_than_seconds_and_homes_are_private() {
        let (_keep, home, _) = made("data-scientist", 5);
        let about = fs::metadata(&home).unwrap();
        assert_eq!(about.mode() & 0o7777, 0o700);
        assert!(about.mtime() < 1_740_000_000 && about.mtime_nsec() > 0);
    }

    #[test]
    fn an_unknown_kind_and_a_home_that_is_not_empty_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let error = make(&home, "manager", 1).unwrap_err();
        assert!(error.to_string().contains("data-scientist"), "{error}");
        assert!(!home.exists());
        make(&home, "empty", 1).unwrap();
        fs::write(home.join("mine"), "x").unwrap();
        assert_eq!(make(&home, "empty", 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(home.join("mine").exists());
    }
}
