//! The `hydrate` binary: one result, one exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hydrate::cli::main(std::env::args_os())
}
