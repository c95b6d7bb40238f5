//! Several ways to do the same, one after another and then all over again, so that a noisy moment meets everyone.

use std::fs;
use std::time::Duration;

use crate::contestant::{Check, Contestant, Run};
use crate::report::{Row, Standing};
use crate::tree::Tree;
use crate::{Bench, Failure, program};

/// A race.
pub(crate) struct Race<'a> {
    pub(crate) title: String,
    pub(crate) tree: &'a Tree,
    /// What everyone runs under; empty for nothing.
    pub(crate) under: Vec<String>,
    /// What everyone finds in the environment.
    pub(crate) vars: Vec<(String, String)>,
    pub(crate) contestants: Vec<Contestant>,
    /// What is looked at after each run, unless a contestant has a check of its own.
    pub(crate) check: Check,
}

impl<'a> Race<'a> {
    /// A race in which nothing arrives anywhere.
    pub(crate) fn new(title: &str, tree: &'a Tree, contestants: Vec<Contestant>) -> Self {
        Self {
            title: title.to_owned(),
            tree,
            under: Vec::new(),
            vars: Vec::new(),
            contestants,
            check: Box::new(|_| Ok(String::new())),
        }
    }

    /// Runs all contestants in turn, round after round, and prints a table. Who fails is out, and named.
    pub(crate) fn run(&self, bench: &mut Bench) -> Result<(), Failure> {
        let begin = |contestant: &Contestant| match contestant.lacks() {
            Some(program) => Standing::Absent(program.to_owned()),
            None => Standing::Ran { times: Vec::new(), kept: String::new() },
        };
        let mut standings: Vec<Standing> = self.contestants.iter().map(begin).collect();
        for round in 0..bench.options.rounds() {
            for (place, (contestant, standing)) in
                self.contestants.iter().zip(&mut standings).enumerate()
            {
                let Standing::Ran { times, kept } = standing else { continue };
                match self.once(bench, contestant, round, place)? {
                    Ok((time, what)) => {
                        times.push(time);
                        *kept = what;
                    }
                    Err(why) => *standing = Standing::Failed(why.to_string()),
                }
            }
        }
        let rows = self.contestants.iter().zip(standings).map(|(contestant, standing)| Row {
            name: contestant.name.clone(),
            aim: contestant.aim.filter(|_| !bench.options.quick),
            is_ours: contestant.is_ours,
            standing,
        });
        bench.report.race(&self.title, self.tree, rows.collect())
    }

    /// One run of one contestant; the inner failure is the contestant's, the outer one ours.
    fn once(
        &self,
        bench: &Bench,
        contestant: &Contestant,
        round: usize,
        place: usize,
    ) -> Result<Result<(Duration, String), Failure>, Failure> {
        let run = Run {
            tree: self.tree.root.clone(),
            into: bench.folder.path().join("into"),
            scratch: bench.folder.path().join("scratch"),
            prefix: format!("run-{round}-{place}"),
            round,
        };
        fs::create_dir(&run.into)?;
        fs::create_dir(&run.scratch)?;
        let mut command = program::script(&self.under, &contestant.script);
        command.args([&run.tree, &run.into, &run.scratch]).env("PREFIX", &run.prefix);
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        let check = contestant.check.as_ref().unwrap_or(&self.check);
        let ran = program::time(&mut command).and_then(|time| Ok((time, check(&run)?)));
        for folder in [&run.into, &run.scratch] {
            // Some programs make their destination themselves, and not always before they fail.
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(ran)
    }
}
