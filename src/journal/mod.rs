//! The one place that knows SQL: schema, operations, events, leases, rows.
