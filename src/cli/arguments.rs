//! The commands and their order in the help, which is the order of the work.

use clap::{Parser, Subcommand};

use super::command::{
    audit, carry, cleanup, completions, cutover, demo, doctor, explain, flows, gate, iam,
    inventory, mover, notebooks, notify, orphans, plan, playbook, readiness, rehearse, report,
    retire, retry, rollback, run, sim, status, steer, team, verify, version,
};
use super::context::Global;

/// Takes people from SageMaker Studio Classic to the new SageMaker Studio, with every file proven
///
/// The order of the work: inventory, readiness, plan, plan approve, run, report, cutover, cleanup. `demo` shows all of it on
/// a simulated account, in a minute.
#[derive(Debug, Parser)]
#[command(name = "studio-migrate", version, max_term_width = 100)]
pub struct Arguments {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole migration on a simulated account with real files
    Demo(demo::Demo),
    /// Take a snapshot of what is there
    Inventory(inventory::Inventory),
    /// Make profiles for the people of a team that shared one, by a table
    #[command(subcommand)]
    Team(team::Team),
    /// Say what stands in the way, before anything is touched
    Readiness(readiness::Readiness),
    /// Explain a finding's code
    Explain(explain::Explain),
    /// Draw up, show, compare and approve a plan
    Plan(plan::Plan),
    /// Check, make and show playbooks
    Playbook(playbook::Playbook),
    /// Run the plan on a simulated copy of the snapshot, in virtual time, and say how it would go
    Rehearse(rehearse::Rehearse),
    /// Migrate the people of the approved plan; goes on where an earlier run stopped
    Run(run::Run),
    /// Run again what failed
    Retry(retry::Retry),
    /// Let a run that is at work finish its steps and begin none, until `resume`
    Pause,
    /// Let a paused run go on
    Resume,
    /// Let a run that is at work finish its steps, then end; the next one goes on from there
    Drain,
    /// Change how much a run that is at work does at once
    Set(steer::Set),
    /// Stop people in a run that is at work, and nobody else
    Abort(steer::Abort),
    /// Say where everyone stands, from the journal alone
    Status(status::Status),
    /// Prove again what was proven
    Verify(verify::Verify),
    /// Take people back as far as can be, and say what cannot
    Rollback(rollback::Rollback),
    /// Flip the default of whole domains, after the last batch
    Cutover(cutover::Cutover),
    /// Say what of Classic's scripts, images and settings goes along, and take it over, as the playbook says
    Carry(carry::Carry),
    /// Say what still needs the Classic file systems, and make them cheap, as the playbook says
    Retire(retire::Retire),
    /// Copy the notebooks that people shared in Classic to where the playbook says, with an index
    Notebooks(notebooks::Notebooks),
    /// Copy Data Wrangler flows of Classic homes to where Canvas imports from, with an index
    Flows(flows::Flows),
    /// Say where homes are that nobody owns, archive them, and assign them to people; nothing is deleted
    Orphans(orphans::Orphans),
    /// Take away what the tool left in the account
    Cleanup(cleanup::Cleanup),
    /// Say what happened, with the proof
    Report(report::Report),
    /// Verify and export the audit trail
    Audit(audit::Audit),
    /// Print least-privilege policies
    Iam(iam::Iam),
    /// Check caller, permissions, bucket, clock and journal
    Doctor(doctor::Doctor),
    /// Open the gates that keep batches waiting, and list them
    Gate(gate::Gate),
    /// Try whether those who are told of a run can be reached
    Notify(notify::Notify),
    /// Move one directory: what runs inside a space, and works anywhere
    Mover(mover::Mover),
    /// Serve a simulated account over the AWS protocols
    Sim(sim::Sim),
    /// Print shell completions
    Completions(completions::Completions),
    /// Print the manual page
    Man,
    /// Print the version
    Version(version::Version),
}
