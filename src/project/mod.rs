//! The `project` room: hydrate.yaml, environments, components and values.
