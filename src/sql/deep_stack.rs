//! Room for recursion: trees that people write by machine are deep, and a stack overflow would end the whole shell.

/// Address space for one call; pages are only used when they are reached.
const STACK_BYTES: usize = 256 << 20;
/// What must be left of the present stack for a call to stay on it: inner calls of a call that already moved do not move again.
const ENOUGH_BYTES: usize = 128 << 20;

/// Runs `f` on a stack of 256 MB, on this thread. Parsing, binding, planning and dropping of statements belong in here.
pub fn with_deep_stack<T>(f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENOUGH_BYTES, STACK_BYTES, f)
}
