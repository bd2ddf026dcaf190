//! Arguments to session to exit code; everything else is in the library.

use std::process::ExitCode;

/// Short-lived small blocks of many threads are the normal case here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(faultlab::shell::run(std::env::args_os().skip(1)))
}
