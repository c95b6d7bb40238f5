//! Telling others of what happens in a run: programs on this machine, and signed webhooks.
//!
//! [`Notice`](crate::execute::Notice)s come in; those of a [`Moment`](crate::playbook::Moment) that somebody asked for become a
//! [`Message`], and wait in a bounded queue for the one task that delivers to that target. A migration never waits for any
//! of this and never fails by it: what cannot be delivered is said once and written to the journal. A way that is not there
//! yet (a topic, an event bus) is another [`Target`], and needs no word more than there are.

mod deliver;
mod message;
mod messenger;
mod program;
mod queue;
mod signature;
mod target;
mod teller;
mod webhook;

pub use deliver::{Delivered, Undelivered, deliver};
pub use message::{About, Counts, Message, Source, Trouble};
pub use messenger::{Complain, Messenger, Register};
pub use signature::{SIGNATURE, sign};
pub use target::{Refusal, Target, targets};
pub use teller::Teller;
