//! Helm: values, rendering, hooks, order, functions.
