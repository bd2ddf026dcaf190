//! Arguments, session, exit code.
fn main() {}
