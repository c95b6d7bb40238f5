//! What engineers keep: Python projects under git, and JavaScript packages.

use std::io;

use super::tree::{Author, Tree};

/// Makes a project: sources, tests, scripts, links, and a `.git` folder as git lays it out.
pub(super) fn project(
    tree: &mut Tree,
    at: &str,
    author: &Author,
    objects: usize,
    sources: usize,
) -> io::Result<()> {
    let about = format!("# {}\n\nBy {}.\n", tree.sentence(2), author.name);
    tree.file(format!("{at}/README.md"), about)?;
    tree.file(format!("{at}/.gitignore"), "__pycache__/\n.ipynb_checkpoints/\n*.egg-info/\n")?;
    tree.file(
        format!("{at}/pyproject.toml"),
        "[project]\nname = \"package\"\nversion = \"0.1.0\"\n",
    )?;
    for number in 0..sources {
        let lines = tree.between(5, 60);
        let text: String = (0..lines).map(|_| format!("# {}\n", tree.sentence(6))).collect();
        let folder = ["src/package", "src/package/core", "tests"][number % 3];
        let name = format!("{}_{number}", tree.word());
        tree.file(format!("{at}/{folder}/{name}.py"), text)?;
        if number % 4 == 0 {
            let compiled = tree.bytes(600);
            tree.file(format!("{at}/{folder}/__pycache__/{name}.cpython-37.pyc"), compiled)?;
        }
    }
    tree.file(format!("{at}/src/package/__init__.py"), "")?;
    tree.file_with(
        format!("{at}/scripts/run.sh"),
        "#!/bin/bash\nexec python -m package \"$@\"\n",
        0o755,
    )?;
    tree.link(format!("{at}/current"), "src/package")?;
    tree.link(format!("{at}/scripts/latest"), "run.sh")?;
    git(tree, &format!("{at}/.git"), author, objects)
}

fn git(tree: &mut Tree, at: &str, author: &Author, objects: usize) -> io::Result<()> {
    let head = tree.hex(40);
    let before = tree.hex(40);
    let Author { name, email } = author;
    let log = format!(
        "{before} {head} {name} <{email}> 1690000000 +0000\tcommit: {}\n",
        tree.sentence(4)
    );
    tree.file(format!("{at}/HEAD"), "ref: refs/heads/main\n")?;
    tree.file(
        format!("{at}/config"),
        format!(
            "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[user]\n\tname = {name}\n\temail = \
             {email}\n[remote \"origin\"]\n\turl = https://git.example.invalid/team/project.git\n\tfetch = \
             +refs/heads/*:refs/remotes/origin/*\n"
        ),
    )?;
    tree.file(format!("{at}/description"), "Unnamed repository; edit this file to name it.\n")?;
    tree.file(format!("{at}/refs/heads/main"), format!("{head}\n"))?;
    tree.file(format!("{at}/refs/heads/feature/new-data"), format!("{before}\n"))?;
    tree.file(format!("{at}/refs/remotes/origin/HEAD"), "ref: refs/remotes/origin/main\n")?;
    tree.file(
        format!("{at}/packed-refs"),
        format!("# pack-refs with: peeled fully-peeled sorted\n{before} refs/tags/v1\n"),
    )?;
    tree.folder(format!("{at}/refs/tags"))?;
    tree.folder(format!("{at}/branches"))?;
    tree.folder(format!("{at}/objects/info"))?;
    tree.file(format!("{at}/logs/HEAD"), &log)?;
    tree.file(format!("{at}/logs/refs/heads/main"), &log)?;
    tree.file(
        format!("{at}/info/exclude"),
        "# git ls-files --others --exclude-from=.git/info/exclude\n",
    )?;
    let index = [b"DIRC\0\0\0\x02".as_slice(), &tree.bytes(2_000)].concat();
    tree.file(format!("{at}/index"), index)?;
    tree.file_with(format!("{at}/hooks/pre-commit"), "#!/bin/sh\nexec python -m flake8\n", 0o755)?;
    tree.file_with(format!("{at}/hooks/pre-push.sample"), "#!/bin/sh\nexit 0\n", 0o755)?;
    for _ in 0..objects {
        // Loose objects are compressed, so they look like noise, and git takes every right to write from them.
        let (name, size) = (tree.hex(40), tree.between(60, 3_000));
        let content = [b"\x78\x01".as_slice(), &tree.bytes(size)].concat();
        tree.file_with(format!("{at}/objects/{}/{}", &name[..2], &name[2..]), content, 0o444)?;
    }
    let (pack, size) = (tree.hex(40), tree.between(40_000, 200_000));
    let packed = [b"PACK\0\0\0\x02\0\0\0\x10".as_slice(), &tree.bytes(size)].concat();
    tree.file_with(format!("{at}/objects/pack/pack-{pack}.pack"), packed, 0o444)?;
    let index = [b"\xfftOc\0\0\0\x02".as_slice(), &tree.bytes(1_500)].concat();
    tree.file_with(format!("{at}/objects/pack/pack-{pack}.idx"), index, 0o444)
}

/// Makes a JavaScript project with so many packages installed.
pub(super) fn node_modules(tree: &mut Tree, at: &str, packages: usize) -> io::Result<()> {
    tree.file(format!("{at}/package.json"), "{\"name\": \"web\", \"private\": true}\n")?;
    tree.file(format!("{at}/package-lock.json"), "{\"name\": \"web\", \"lockfileVersion\": 3}\n")?;
    for number in 0..packages {
        let package = format!("{at}/node_modules/{}-{number}", tree.word());
        tree.file(
            format!("{package}/package.json"),
            format!("{{\"version\": \"{number}.0.0\"}}\n"),
        )?;
        for (name, words) in [("index.js", 30), ("lib/util.js", 60)] {
            let text = format!("// {}\n", tree.sentence(words));
            tree.file(format!("{package}/{name}"), text)?;
        }
        if number == 0 {
            tree.file_with(format!("{package}/bin/cli.js"), "#!/usr/bin/env node\n", 0o755)?;
            let target = package.trim_start_matches(&format!("{at}/node_modules")).to_owned();
            tree.link(format!("{at}/node_modules/.bin/cli"), format!("..{target}/bin/cli.js"))?;
        }
    }
    Ok(())
}
