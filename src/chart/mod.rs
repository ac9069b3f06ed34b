//! The `chart` room: loading charts, their dependencies and their supply.
