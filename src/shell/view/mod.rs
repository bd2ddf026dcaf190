//! What is seen while a query runs: the lines that tell what happens, and the live view on a terminal.

mod frame;
mod generating;
mod live;
mod narrator;
#[cfg(test)]
pub(in crate::shell) use narrator::tests as narrator_tests;
mod watch;

pub use frame::{Frame, frame};
pub use generating::generation_watch;
pub use live::LiveView;
pub use narrator::Narrator;
pub use watch::{PlainWatch, SilentWatch, Watch, Watched};
