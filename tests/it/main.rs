//! The integration tests, one binary: a test that is not listed here does not run, and `layers` notices.

#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod aws_cli;
mod bucket;
mod careful_world;
mod carry;
mod common;
mod crash;
mod datasync;
mod datasync_route;
mod demo;
mod doctor;
mod evidence;
mod exit_codes;
mod flows;
mod front;
mod full_disk;
mod inventory;
mod layers;
mod lookers;
mod mover;
mod notebooks;
mod notifications;
mod orphans;
mod others;
mod packed_route;
mod planning;
mod playbooks;
mod progress;
mod promises;
mod rehearse;
mod reliability;
mod replan;
mod report_page;
mod rereading;
mod retire;
mod saga;
mod serving;
mod spaces;
mod steering;
mod step_back;
mod teams;
mod transfer;
mod two_passes;
mod volume;
mod watching;
