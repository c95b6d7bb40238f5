//! Phase 4: taking people from Classic to New, one saga each.
