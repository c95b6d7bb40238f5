//! studio-migrate takes people from SageMaker Studio Classic to the new SageMaker Studio.
//!
//! Follow one person, alice, through the modules in the order of the work:
//!
//! 1. A [`playbook`] says what the platform team wants: who, how fast, what is left out.
//! 2. [`aws`] is the account, the only place that speaks to it.
//! 3. [`inventory`] asks what is there and keeps a snapshot: alice's profile, her Classic home, her apps.
//! 4. [`readiness`] says what stands in her way, each thing with a code and a way out.
//! 5. [`plan`] puts her into a batch and names everything that will be made for her.
//! 6. [`journal`] keeps the plan, and records each step of her migration before it is taken.
//! 7. [`execute`] takes the steps: it makes her space, starts the [`mover`] in it, proves that every file arrived, and only
//!    then flips her default experience. Each step can be undone.
//! 8. [`notify`] tells others while it happens: programs and webhooks.
//! 9. [`report`] says what happened, with the proof.
//!
//! [`cli`] is the only place that prints. [`sim`] is an AWS account of our own beneath the SDK, for demos, rehearsals and
//! tests. A module uses only those before it in this file.

pub mod names;

pub mod playbook;

pub mod aws;

pub mod mover;

pub mod inventory;

pub mod readiness;

pub mod plan;

pub mod journal;

pub mod execute;

pub mod notify;

pub mod report;

pub mod sim;

pub mod cli;
