//! An AWS account of our own, strict and with real files.
