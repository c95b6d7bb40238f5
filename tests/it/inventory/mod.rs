//! Phase 1 as a platform team runs it: killed and gone on with, compared, annotated, and against a server not ours.

mod again;
mod careful;
mod elsewhere;
mod honest;
mod mounts;
mod people;
mod report;
mod several;
