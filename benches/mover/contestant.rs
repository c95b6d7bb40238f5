//! One way to do the work of a race.

use std::path::PathBuf;

use crate::Failure;
use crate::program::is_installed;

/// What one run of a contestant gets: a tree, and empty folders of its own.
pub(crate) struct Run {
    /// `$1`: what is looked at or copied.
    pub(crate) tree: PathBuf,
    /// `$2`: the empty destination.
    pub(crate) into: PathBuf,
    /// `$3`: for manifests and whatever else a program leaves behind.
    pub(crate) scratch: PathBuf,
    /// `$PREFIX`: a prefix that no run had before.
    pub(crate) prefix: String,
    /// Which round this is, beginning with 0.
    pub(crate) round: usize,
}

/// Looks at what a run left, outside the time, and says what was kept.
pub(crate) type Check = Box<dyn Fn(&Run) -> Result<String, Failure>>;

/// One way to do the work.
pub(crate) struct Contestant {
    pub(crate) name: String,
    pub(crate) script: String,
    /// Programs without which it cannot run.
    needs: Vec<&'static str>,
    /// The least that its time divided by ours is to be.
    pub(crate) aim: Option<f64>,
    pub(crate) is_ours: bool,
    pub(crate) check: Option<Check>,
}

impl Contestant {
    /// A shell script, which gets the parts of a [`Run`] as `$1`, `$2`, `$3` and `$PREFIX`.
    pub(crate) fn new(name: &str, needs: &[&'static str], script: &str) -> Self {
        Self {
            name: name.to_owned(),
            script: script.to_owned(),
            needs: needs.to_vec(),
            aim: None,
            is_ours: false,
            check: None,
        }
    }

    /// Our own release executable.
    pub(crate) fn ours(name: &str, arguments: &str) -> Self {
        let script = format!(r#"exec "{}" {arguments}"#, crate::OURS);
        Self { is_ours: true, ..Self::new(name, &[], &script) }
    }

    /// We are to be this many times as fast.
    pub(crate) fn aim(self, times: f64) -> Self {
        Self { aim: Some(times), ..self }
    }

    /// What arrived is checked in a way of its own.
    pub(crate) fn checked(self, check: impl Fn(&Run) -> Result<String, Failure> + 'static) -> Self {
        Self { check: Some(Box::new(check)), ..self }
    }

    /// The program that is missing here.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        self.needs.iter().find(|program| !is_installed(program)).copied()
    }
}
