//! What a person or a script talks to: arguments, the session, the terminal, and everything that is shown.

mod app;
mod arguments;
mod banner;
mod batch;
mod clean;
mod commands;
mod completion;
mod console;
mod folders;
pub mod output;
mod repl;
mod report;
mod script;
mod session;
mod units;
mod view;

pub use app::run;
pub use session::{Answer, Failure, Session, SessionConfig, StatementResult};
pub use view::{Watch, Watched};
