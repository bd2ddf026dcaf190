//! Arguments to session to exit code; everything else is in the library.

use std::ffi::{c_int, c_long};
use std::process::ExitCode;

/// Short-lived small blocks of many threads are the normal case here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long freed memory is kept before the system gets it back, in milliseconds: the next query of a session wants it again, and
/// new pages must be cleared first.
const PURGE_DELAY_MS: c_long = 15_000;
/// `mi_option_purge_delay` of mimalloc's versions 2 and 3.
const PURGE_DELAY: c_int = 15;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

fn main() -> ExitCode {
    // SAFETY: a number is stored in mimalloc's table of options; no other thread runs yet.
    unsafe { mi_option_set(PURGE_DELAY, PURGE_DELAY_MS) };
    ExitCode::from(faultlab::shell::run(std::env::args_os().skip(1)))
}
