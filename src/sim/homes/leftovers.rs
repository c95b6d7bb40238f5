//! What programs leave in a home: settings, caches, conda environments, the trash. Most of it is not worth moving.

use std::io;

use super::tree::{Author, Tree};

/// Writes settings of shell, git, ssh and AWS; some are dangerous in the new Studio, some are the person's own.
pub(super) fn dotfiles(tree: &mut Tree, author: &Author) -> io::Result<()> {
    tree.file(".bashrc", "export PATH=/opt/conda/bin:$PATH\neval \"$(conda shell.bash hook)\"\n")?;
    tree.file(".profile", "[ -f ~/.bashrc ] && . ~/.bashrc\n")?;
    tree.file(".condarc", "envs_dirs:\n  - /root/.conda/envs\nauto_activate_base: true\n")?;
    let history = format!("git status\npip install {}\n", tree.word());
    tree.file_with(".bash_history", history, 0o600)?;
    tree.file(
        ".gitconfig",
        format!("[user]\n\tname = {}\n\temail = {}\n", author.name, author.email),
    )?;
    tree.folder_with(".ssh", 0o700)?;
    let key = format!("-----BEGIN FAKE KEY-----\n{}\n-----END FAKE KEY-----\n", tree.hex(64));
    tree.file_with(".ssh/id_ed25519", key, 0o600)?;
    let host = format!("git.example.invalid ssh-ed25519 {}\n", tree.hex(32));
    tree.file(".ssh/known_hosts", host)?;
    tree.folder_with(".aws", 0o700)?;
    tree.file_with(".aws/config", "[default]\nregion = eu-west-1\n", 0o600)
}

/// Makes a conda environment that points at programs of Classic, and conda's own download cache.
pub(super) fn conda(tree: &mut Tree, name: &str, files: usize) -> io::Result<()> {
    let env = format!(".conda/envs/{name}");
    tree.link(format!("{env}/bin/python"), "python3.7")?;
    tree.link(format!("{env}/bin/python3.7"), "/opt/conda/bin/python3.7")?;
    tree.file_with(
        format!("{env}/bin/pip"),
        format!("#!/root/.conda/envs/{name}/bin/python\n"),
        0o755,
    )?;
    tree.file(
        format!("{env}/conda-meta/history"),
        "==> 2023-04-01 10:00:00 <==\n# cmd: conda create\n",
    )?;
    for number in 0..files {
        let package = tree.word();
        let size = tree.between(200, 6_000);
        let content = tree.bytes(size);
        let folder = format!("{env}/lib/python3.7/site-packages/{package}");
        tree.file(format!("{folder}/module_{number}.so"), content)?;
        if number % 8 == 0 {
            tree.file(
                format!("{env}/conda-meta/{package}-{number}.json"),
                format!("{{\"name\": \"{package}\"}}\n"),
            )?;
        }
    }
    for number in 0..files / 5 {
        let size = tree.between(20_000, 150_000);
        let archive = tree.bytes(size);
        let package = tree.word();
        tree.file(format!(".conda/pkgs/{package}-{number}.tar.bz2"), archive)?;
    }
    tree.file(".conda/environments.txt", format!("/root/{env}\n"))
}

/// Fills caches, the largest leftovers of most homes.
pub(super) fn caches(tree: &mut Tree, files: usize) -> io::Result<()> {
    for number in 0..files {
        let (hash, size) = (tree.hex(56), tree.between(5_000, 120_000));
        let content = tree.bytes(size);
        let path = match number % 3 {
            0 => format!(".cache/pip/http/{}/{}/{hash}", &hash[..1], &hash[1..2]),
            1 => format!(".cache/huggingface/hub/{}/{hash}", tree.word()),
            _ => format!(".npm/_cacache/content-v2/sha512/{}/{hash}", &hash[..2]),
        };
        tree.file(path, content)?;
    }
    tree.file(".cache/matplotlib/fontlist-v330.json", "{}\n")
}

/// Fills the trash of JupyterLab.
pub(super) fn trash(tree: &mut Tree, files: usize) -> io::Result<()> {
    for number in 0..files {
        let name = format!("{} {number}.csv", tree.word());
        let size = tree.between(1_000, 60_000);
        let content = tree.bytes(size);
        tree.file(format!(".local/share/Trash/files/{name}"), content)?;
        let info = format!(
            "[Trash Info]\nPath=/root/{}\nDeletionDate=2023-05-0{}T10:00:00\n",
            name,
            number % 9 + 1
        );
        tree.file(format!(".local/share/Trash/info/{name}.trashinfo"), info)?;
    }
    Ok(())
}

/// Writes what Classic's JupyterLab and its extensions keep.
pub(super) fn jupyter(tree: &mut Tree) -> io::Result<()> {
    tree.file(
        ".jupyter/lab/user-settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings",
        "{\"theme\": \"JupyterLab Dark\"}\n",
    )?;
    tree.file(".jupyter/jupyter_notebook_config.py", "c.NotebookApp.nbserver_extensions = {}\n")?;
    tree.file(
        ".local/share/jupyter/kernels/old/kernel.json",
        "{\"argv\": [\"/root/.conda/envs/old/bin/python\"]}\n",
    )?;
    tree.file(".ipython/profile_default/startup/00-imports.py", "import numpy as np\n")?;
    let history = [b"SQLite format 3\0".as_slice(), &tree.bytes(8_000)].concat();
    tree.file(".ipython/profile_default/history.sqlite", history)?;
    for number in 0..4 {
        let compiled = tree.bytes(3_000);
        let package = tree.word();
        tree.file(
            format!(".local/lib/python3.7/site-packages/{package}_{number}/core.py"),
            compiled,
        )?;
    }
    tree.file(".virtual_documents/notebook.ipynb", "# made by the language server\n")?;
    tree.file(".sagemaker_studio_docker_cli/config.json", "{}\n")
}
