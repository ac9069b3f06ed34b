//! Git beside hydrate: whose configuration is obeyed, what a commit holds, and what is left when it is stopped.

mod commits;
mod scene;
mod stops;
mod trust;
