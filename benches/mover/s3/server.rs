//! The servers that stand in for S3. None of them is S3; every client meets the same one in the same race.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::{Failure, OURS};

/// The bucket of every race.
pub(crate) const BUCKET: &str = "race";

/// The Region that everyone is told.
pub(crate) const REGION: &str = "eu-west-1";

/// A simulated account with nothing in it.
const WORLD: &str = "name: race\nseed: 1\n";

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The kinds of server, the neutral ones first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `s3s-fs`, a folder behind the protocol and little more: the fastest of the three.
    S3sFs,
    /// `rclone serve s3`, written by other people than any client but rclone.
    Rclone,
    /// `studio-migrate sim serve`, which also checks every signature and every request.
    Sim,
}

impl Kind {
    /// The program, and what it is called in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::S3sFs => "s3s-fs",
            Self::Rclone => "rclone serve s3",
            Self::Sim => "studio-migrate sim serve",
        }
    }

    /// The program without which it cannot run.
    pub(crate) const fn needs(self) -> Option<&'static str> {
        match self {
            Self::S3sFs => Some("s3s-fs"),
            Self::Rclone => Some("rclone"),
            Self::Sim => None,
        }
    }
}

/// A simulated account: a second S3, and whom our own commands ask who they are.
pub(crate) struct Account {
    said: Value,
    _process: Process,
}

impl Account {
    /// Serves one from a folder that is to be.
    pub(crate) fn serve(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir(folder)?;
        let world = folder.join("world.yaml");
        fs::write(&world, WORLD)?;
        let mut command = Command::new(OURS);
        command.args(["sim", "serve", "--world"]).arg(&world);
        command.arg("--dir").arg(folder.join("world")).stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let out = process.child.stdout.take().ok_or("the simulated account has no stdout")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let said = serde_json::from_str(&line)
            .map_err(|error| format!("the simulated account said {line:?}: {error}"))?;
        Ok(Self { said, _process: process })
    }

    /// Something that it said when it was ready.
    fn said(&self, what: &str) -> String {
        self.said[what].as_str().unwrap_or_default().to_owned()
    }
}

/// A server that is up, until it is dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) endpoint: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    /// Where the caller's identity is asked for; the neutral servers know nothing of it.
    identity: String,
    _process: Option<Process>,
}

impl Server {
    /// Serves a folder that is to be, with the credentials of the account.
    pub(crate) fn serve(kind: Kind, account: &Account, folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder.join(BUCKET))?;
        let (id, secret) = (account.said("access_key_id"), account.said("secret_access_key"));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let command = match kind {
            Kind::Sim => None,
            Kind::S3sFs => {
                let mut command = Command::new("s3s-fs");
                command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
                command.args(["--access-key", &id, "--secret-key", &secret]).arg(folder);
                // It would log every request.
                command.env("RUST_LOG", "error");
                Some(command)
            }
            Kind::Rclone => {
                let mut command = Command::new("rclone");
                command.args(["--config", "/dev/null", "serve", "s3", "--addr", &address]);
                command.arg("--auth-key").arg(format!("{id},{secret}")).arg(folder);
                Some(command)
            }
        };
        let process = command.map(|mut command| Process::start(command.stdout(Stdio::null())));
        let process = process.transpose()?;
        let endpoint = match kind {
            Kind::Sim => account.said("endpoint"),
            _ => {
                wait_for(&address)?;
                format!("http://{address}")
            }
        };
        let identity = account.said("endpoint");
        let (access_key_id, secret_access_key) = (id, secret);
        Ok(Self { kind, endpoint, access_key_id, secret_access_key, identity, _process: process })
    }

    /// What tells every client of it, each in its own words.
    pub(crate) fn vars(&self) -> Vec<(String, String)> {
        let (endpoint, id) = (self.endpoint.as_str(), self.access_key_id.as_str());
        let secret = self.secret_access_key.as_str();
        let all = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_ENDPOINT_URL_STS", &self.identity),
            ("S3_ENDPOINT_URL", endpoint),
            ("BUCKET", BUCKET),
            ("RCLONE_CONFIG", "/dev/null"),
            ("RCLONE_CONFIG_RACE_TYPE", "s3"),
            ("RCLONE_CONFIG_RACE_PROVIDER", "Other"),
            ("RCLONE_CONFIG_RACE_ENDPOINT", endpoint),
            ("RCLONE_CONFIG_RACE_REGION", REGION),
            ("RCLONE_CONFIG_RACE_ACCESS_KEY_ID", id),
            ("RCLONE_CONFIG_RACE_SECRET_ACCESS_KEY", secret),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}

fn wait_for(address: &str) -> Result<(), Failure> {
    const STEP: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    while TcpStream::connect(address).is_err() {
        if waited > PATIENCE {
            return Err(format!("nothing listens on {address}").into());
        }
        thread::sleep(STEP);
        waited += STEP;
    }
    Ok(())
}

/// A process that ends with its owner.
struct Process {
    child: Child,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        command.env_remove("LD_LIBRARY_PATH").stdin(Stdio::null()).stderr(Stdio::null());
        let program = command.get_program().display().to_string();
        let child = command.spawn().map_err(|error| format!("start {program}: {error}"))?;
        Ok(Self { child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
