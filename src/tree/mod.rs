//! The `tree` room: the layout of manifests/, atomic writes and pruning.
