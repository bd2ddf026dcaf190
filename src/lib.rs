//! faultlab: SQL on a local cluster that can be broken.
//!
//! The life of a query, in the order of the modules:
//!
//! 1. [`sql`] cuts the input into statements, parses them and knows where everything stood in the text.
//! 2. [`catalog`] knows which tables there are, their columns and sizes, and how to read a piece of a file.
//! 3. [`functions`] holds every SQL function and operator: name, types, meaning, help.
//! 4. [`plan`] binds names and types, optimizes, and cuts the plan into stages at exchanges.
//! 5. [`scheduler`] decides what runs where, and what a failure means: events in, actions out, nothing else.
//! 6. [`cluster`] performs the actions on node threads, through a network that can be cut.
//! 7. [`kernel`] runs one task attempt: one fragment over its inputs, on Polars columns.
//! 8. [`journal`] is the ordered record of all of it; everything that is shown is read from there.
//! 9. [`shell`] is what a person or a script talks to.

pub mod catalog;
pub mod cluster;
pub mod functions;
pub mod journal;
pub mod kernel;
pub mod plan;
pub mod scheduler;
pub mod shell;
pub mod sql;
