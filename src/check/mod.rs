//! The `check` room: gates over rendered objects.
