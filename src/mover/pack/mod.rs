//! The packed layout: a home as a few large objects, so that a million small files are not a million requests.
//!
//! [`push()`] cuts a home into shards, each a tar of compressed frames with an index beside it, and writes `packed.json` last:
//! until then the prefix holds no packed home. `docs/packed.md` describes every object. Nothing here knows how a packed home
//! is placed again; that is [`super::pull`](mod@super::pull).

pub(super) mod contents;
mod cut;
pub(super) mod error;
mod frame;
pub(super) mod headway;
pub(super) mod index;
pub(super) mod lanes;
mod large;
pub(super) mod links;
mod member;
mod outgoing;
mod push;
mod shard;
mod source;
pub(super) mod veil;

pub use error::TransferError;
pub use headway::Headway;
pub use push::{PushOrder, Pushed, push};
