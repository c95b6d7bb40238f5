//! Everything that a file system allows and a copy easily gets wrong.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::Timespec;

use super::tree::Tree;

/// Writes files whose names are hard to print, to quote, or to store.
pub(super) fn names(tree: &mut Tree) -> io::Result<()> {
    let longest = "n".repeat(255);
    let plain = [
        "with spaces and (brackets).txt",
        "line\nend.txt",
        "tab\tand \u{1}control.txt",
        "-rf",
        "*[glob]?{a,b}.txt",
        "quote's \"double\" `back` $HOME \\.txt",
        " leading and trailing ",
        "café – 数据 – данные.ipynb",
        "\u{e9}-composed.txt",
        "e\u{301}-decomposed.txt",
        "🧪 experiment.txt",
        "UPPER.txt",
        "upper.txt",
        "#comment; semicolon & ampersand | pipe.txt",
        longest.as_str(),
    ];
    for name in plain {
        let text = tree.sentence(5);
        tree.file(Path::new("names").join(name), text)?;
    }
    for name in [b"latin1-caf\xe9.csv".as_slice(), b"broken-\xff\xfe.txt"] {
        let text = tree.sentence(5);
        tree.file(Path::new("names").join(OsStr::from_bytes(name)), text)?;
    }
    // Longer than the 1,024 bytes of an S3 key, and well within what a file system takes.
    let deep: PathBuf = (0..6).map(|level| format!("{level}{}", "d".repeat(199))).collect();
    let text = tree.sentence(5);
    tree.file(Path::new("deep").join(deep).join("end.txt"), text)?;
    tree.file("empty-file", "")?;
    tree.folder("empty-folder/inner")?;
    tree.folder("names/.hidden folder")
}

/// Makes links of every kind.
pub(super) fn links(tree: &mut Tree) -> io::Result<()> {
    let text = tree.sentence(200);
    tree.file("links/original.txt", text)?;
    tree.hard_link("links/second name.txt", "links/original.txt")?;
    tree.hard_link("links/elsewhere/third name.txt", "links/original.txt")?;
    tree.link("links/relative", "original.txt")?;
    tree.link("links/to-folder", "elsewhere")?;
    tree.link("links/elsewhere/up", "../original.txt")?;
    tree.link("links/dangling", "no such file")?;
    tree.link("links/absolute", "/root/links/original.txt")?;
    tree.link("links/absolute-outside", "/opt/conda/bin/python")?;
    tree.link("links/out-of-home", "../../../etc/hostname")?;
    tree.link("links/loop-a", "loop-b")?;
    tree.link("links/loop-b", "loop-a")?;
    tree.link("links/to-above", "..")?;
    tree.link("links/not-utf8", OsStr::from_bytes(b"caf\xe9"))?;
    tree.link("links/long", "t/".repeat(500))
}

/// Writes files with holes.
pub(super) fn holes(tree: &mut Tree) -> io::Result<()> {
    let (head, tail) = (tree.bytes(4_096), tree.bytes(100));
    tree.sparse("sparse/hole-inside.bin", &[(0, &head), (3 << 20, &tail)], (3 << 20) + 100)?;
    tree.sparse("sparse/hole-first.bin", &[(2 << 20, &tail)], (2 << 20) + 100)?;
    tree.sparse("sparse/hole-last.bin", &[(0, &head)], 2 << 20)?;
    tree.sparse("sparse/only-a-hole.bin", &[], 1 << 20)
}

/// Writes files and folders with modes that stand in a copy's way.
pub(super) fn modes(tree: &mut Tree) -> io::Result<()> {
    for mode in [0o400, 0o444, 0o600, 0o640, 0o755, 0o777] {
        let text = tree.sentence(5);
        tree.file_with(format!("modes/{mode:04o}.txt"), text, mode)?;
    }
    tree.folder_with("modes/read-only folder", 0o555)?;
    let text = tree.sentence(5);
    tree.file_with("modes/read-only folder/inside.txt", text, 0o444)?;
    tree.folder_with("modes/private", 0o700)?;
    let text = tree.sentence(5);
    tree.file("modes/private/inside.txt", text)?;
    let text = tree.sentence(5);
    tree.file_with("modes/unreadable.txt", text, 0)
}

/// Makes what is no file at all, and is never copied.
pub(super) fn special(tree: &mut Tree) -> io::Result<()> {
    tree.fifo("special/pipe")?;
    tree.socket("special/kernel.sock")
}

/// Writes files from before and after the times that programs expect.
pub(super) fn times(tree: &mut Tree) -> io::Result<()> {
    for (name, tv_sec, tv_nsec) in [
        ("epoch.txt", 0, 1),
        ("after-2038.txt", 2_500_000_000, 999_999_999),
        ("whole-second.txt", 1_700_000_000, 0),
    ] {
        let text = tree.sentence(5);
        tree.file_at(format!("times/{name}"), text, 0o644, Timespec { tv_sec, tv_nsec })?;
    }
    Ok(())
}
