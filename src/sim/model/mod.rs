//! AWS's own service models, as far as the simulator serves them, and the checks against them.
//!
//! The JSON files beside this one are extracted from botocore (Copyright Amazon.com, Inc. or its affiliates, Apache-2.0) by
//! `tests/conformance/extract_models.py`; they hold shapes and no documentation.

pub mod check;
mod shape;

pub use shape::{Kind, Model, Operation, Pattern, Service, Shape};
