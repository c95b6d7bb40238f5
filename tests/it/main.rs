//! The integration tests, one binary: a test that is not listed here does not run, and `layers` notices.

#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod aws_cli;
mod bucket;
mod common;
mod crash;
mod datasync;
mod datasync_route;
mod demo;
mod exit_codes;
mod front;
mod full_disk;
mod inventory;
mod layers;
mod mover;
mod notebooks;
mod notifications;
mod others;
mod packed_route;
mod planning;
mod playbooks;
mod promises;
mod rehearse;
mod replan;
mod report_page;
mod saga;
mod spaces;
mod transfer;
mod volume;
