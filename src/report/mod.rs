//! Phase 5: what happened, with the proof.
