//! What each error code means, what to do about it, and what a real Trino or Spark says in the same situation, and when.
//! What they say about lost nodes, memory, time and bad values follows running ones (Trino 476, Spark 4.1.4); the other
//! texts were not compared with a running one.

use super::ErrorCode;

/// What there is to say about an error code; `\why CODE` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    pub code: ErrorCode,
    /// One sentence.
    pub meaning: &'static str,
    /// What to do.
    pub hint: &'static str,
    pub peers: &'static [PeerSays],
}

/// What another engine does in the same situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerSays {
    /// `Trino` or `Spark`.
    pub peer: &'static str,
    /// Its code or exception.
    pub code: &'static str,
    /// Its message; variable parts in angle brackets.
    pub text: &'static str,
    /// How long it takes to say so, or what it does before.
    pub when: &'static str,
}

/// What Trino says: code, text, when. (Macros, because a literal can live in a constant and a call cannot.)
macro_rules! trino {
    ($code:expr, $text:expr, $when:expr $(,)?) => {
        PeerSays { peer: "Trino", code: $code, text: $text, when: $when }
    };
}

/// What Spark says: code, text, when.
macro_rules! spark {
    ($code:expr, $text:expr, $when:expr $(,)?) => {
        PeerSays { peer: "Spark", code: $code, text: $text, when: $when }
    };
}

/// Said of user errors: nobody should retry them.
const AT_ONCE: &str = "at once; never retried";
const SPARK_RETRIES: &str = "after four attempts of the task: Spark retries user errors too";
const ANALYSIS: &str = "at once, before anything runs";

impl ErrorCode {
    /// What it means, what to do, and what the peers say.
    pub fn explain(self) -> Explanation {
        let (meaning, hint, peers): (&'static str, &'static str, &'static [PeerSays]) = match self {
            ErrorCode::SyntaxError => (
                "The text is not SQL as faultlab understands it.",
                "Look at the caret: the word there, or the one before it, does not fit.",
                &[
                    trino!("SYNTAX_ERROR", "line 1:8: mismatched input '<word>'. Expecting: ...", ANALYSIS),
                    spark!("PARSE_SYNTAX_ERROR", "Syntax error at or near '<word>'. SQLSTATE: 42601", ANALYSIS),
                ],
            ),
            ErrorCode::NotSupported => (
                "The statement is understood, but faultlab cannot do this yet.",
                "The message names the part; most can be written in another way.",
                &[trino!("NOT_SUPPORTED", "line 1:8: <feature> not supported", ANALYSIS)],
            ),
            ErrorCode::TableNotFound => (
                "There is no table of that name.",
                "SHOW TABLES; lists them. A file can be read directly: FROM 'folder/*.parquet'.",
                &[
                    trino!("TABLE_NOT_FOUND", "line 1:15: Table 'hive.tpch.<name>' does not exist", ANALYSIS),
                    spark!("TABLE_OR_VIEW_NOT_FOUND", "The table or view `<name>` cannot be found.", ANALYSIS),
                ],
            ),
            ErrorCode::SchemaNotFound => (
                "There is no schema of that name.",
                "SHOW SCHEMAS; lists them. Each folder inside the data folder is a schema.",
                &[trino!("SCHEMA_NOT_FOUND", "line 1:15: Schema '<name>' does not exist", ANALYSIS)],
            ),
            ErrorCode::ColumnNotFound => (
                "No table in FROM has a column of that name.",
                "DESCRIBE the table; text is written in single quotes, 'US', not in double ones.",
                &[
                    trino!("COLUMN_NOT_FOUND", "line 1:8: Column '<name>' cannot be resolved", ANALYSIS),
                    spark!(
                        "UNRESOLVED_COLUMN",
                        "A column, variable, or function parameter with name `<name>` cannot be resolved.",
                        ANALYSIS,
                    ),
                ],
            ),
            ErrorCode::AmbiguousName => (
                "More than one table in FROM has a column of that name.",
                "Write the table's name or alias before it: o.customer_id.",
                &[trino!("AMBIGUOUS_NAME", "line 1:8: Column '<name>' is ambiguous", ANALYSIS)],
            ),
            ErrorCode::FunctionNotFound => (
                "There is no function of that name.",
                "SHOW FUNCTIONS; lists them.",
                &[trino!("FUNCTION_NOT_FOUND", "line 1:8: Function '<name>' not registered", ANALYSIS)],
            ),
            ErrorCode::TypeMismatch => (
                "The types of the values do not fit together.",
                "CAST(value AS type) converts one of them.",
                &[trino!("TYPE_MISMATCH", "line 1:8: Cannot apply operator: varchar = bigint", ANALYSIS)],
            ),
            ErrorCode::InvalidArguments => (
                "An argument has a value that the function, clause or command does not take.",
                "The message says what it takes.",
                &[trino!("INVALID_FUNCTION_ARGUMENT", "<what is wrong with the argument>", AT_ONCE)],
            ),
            ErrorCode::ExpressionNotAggregate => (
                "A column is neither grouped by nor inside an aggregate, so there is no one value for the group.",
                "Add it to GROUP BY, or write max(column) or another aggregate around it. GROUP BY ALL adds what is needed.",
                &[trino!(
                    "EXPRESSION_NOT_AGGREGATE",
                    "line 1:8: '<column>' must be an aggregate expression or appear in GROUP BY clause",
                    ANALYSIS,
                )],
            ),
            ErrorCode::SubqueryMultipleRows => (
                "A subquery that stands for one value gave more than one row.",
                "Add LIMIT 1 or an aggregate, or use IN (...).",
                &[
                    trino!("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows", AT_ONCE),
                    spark!("SCALAR_SUBQUERY_TOO_MANY_ROWS", "More than one row returned by a subquery", AT_ONCE),
                ],
            ),
            ErrorCode::DivisionByZero => (
                "An integer was divided by zero with // or %.",
                "nullif(divisor, 0) gives NULL for those rows.",
                &[
                    trino!("DIVISION_BY_ZERO", "Division by zero", AT_ONCE),
                    spark!(
                        "DIVIDE_BY_ZERO",
                        "[DIVIDE_BY_ZERO] Division by zero. Use try_divide ... SQLSTATE: 22012",
                        SPARK_RETRIES,
                    ),
                ],
            ),
            ErrorCode::NumericValueOutOfRange => (
                "A number became too large for its type.",
                "CAST one of the operands to a wider type: HUGEINT, DECIMAL(38,2) or DOUBLE.",
                &[
                    trino!("NUMERIC_VALUE_OUT_OF_RANGE", "bigint addition overflow: <a> + <b>", AT_ONCE),
                    spark!("ARITHMETIC_OVERFLOW", "[ARITHMETIC_OVERFLOW] ... SQLSTATE: 22003", SPARK_RETRIES),
                ],
            ),
            ErrorCode::InvalidCastArgument => (
                "A value cannot be read as the type that it was cast to.",
                "TRY_CAST(value AS type) gives NULL for such values.",
                &[
                    trino!("INVALID_CAST_ARGUMENT", "Cannot cast '<text>' to BIGINT", AT_ONCE),
                    spark!(
                        "CAST_INVALID_INPUT",
                        "[CAST_INVALID_INPUT] The value '<text>' of the type \"STRING\" cannot be cast to \"INT\" ... SQLSTATE: 22018",
                        SPARK_RETRIES,
                    ),
                ],
            ),
            ErrorCode::InvalidSetting => (
                "There is no setting of that name, or it does not take that value.",
                "SHOW SETTINGS; lists names, values and defaults.",
                &[trino!("INVALID_SESSION_PROPERTY", "line 1:1: Session property '<name>' does not exist", AT_ONCE)],
            ),
            ErrorCode::InvalidFault => {
                ("The fault cannot be injected as it was written.", "For example: INJECT CRASH ON NODE 2 AT 50%;", &[])
            }
            ErrorCode::NodeNotFound => ("There is no node of that number.", "SHOW NODES; lists them.", &[]),
            ErrorCode::UserCanceled => (
                "You canceled the query.",
                "RERUN; runs it again.",
                &[
                    trino!("USER_CANCELED", "Query was canceled", "at once"),
                    spark!("SparkException", "Job <n> cancelled", "at once"),
                ],
            ),
            ErrorCode::FileNotFound => (
                "A file or folder is not there.",
                "Check the path; it is read from the folder in which faultlab was started.",
                &[
                    trino!("HIVE_FILESYSTEM_ERROR", "Failed to read file: <path>", "when the task opens the file"),
                    spark!(
                        "FAILED_READ_FILE.FILE_NOT_EXIST",
                        "File does not exist.",
                        "after four attempts of the task"
                    ),
                ],
            ),
            ErrorCode::FileUnreadable => (
                "A file is there, but it is damaged or not what its name says.",
                "Write it again; the message names the file.",
                &[
                    trino!("HIVE_BAD_DATA", "<path> is not a valid Parquet file", "when the task opens the file"),
                    spark!(
                        "FAILED_READ_FILE",
                        "Encountered error while reading file <path>",
                        "after four attempts of the task",
                    ),
                ],
            ),
            ErrorCode::BadData => (
                "A line of a file does not fit the columns that the rest of the file has.",
                "The message names file and line. DESCRIBE shows what was detected.",
                &[trino!("HIVE_BAD_DATA", "Error parsing field value <text> for field <n>", AT_ONCE)],
            ),
            ErrorCode::SourceChanged => (
                "A file changed while the query that reads it was running, so its rows would have been a mixture.",
                "RERUN; reads it as it is now.",
                &[
                    trino!(
                        "HIVE_FILESYSTEM_ERROR",
                        "<whatever the reader stumbles over>",
                        "if at all: rows may be mixed",
                    ),
                    spark!("FAILED_READ_FILE", "It is possible the underlying files have been updated.", "if at all"),
                ],
            ),
            ErrorCode::TableAlreadyExists => (
                "There is a table, view or schema of that name already.",
                "CREATE OR REPLACE TABLE replaces it, CREATE TABLE IF NOT EXISTS leaves it as it is.",
                &[],
            ),
            ErrorCode::ConstraintViolation => (
                "A row has a NULL in a column that is declared NOT NULL; nothing of the statement was written.",
                "Give the column a value (coalesce), or leave such rows out with WHERE.",
                &[],
            ),
            ErrorCode::TransactionConflict => (
                "Somebody else wrote the table while the statement ran; nothing of the statement was written.",
                "Run the statement again.",
                &[],
            ),
            ErrorCode::OutputFailed => (
                "Rows or files could not be written.",
                "Check the disk's free space and the permissions of the folder.",
                &[],
            ),
            ErrorCode::RemoteHostGone => (
                "A node was lost while the query needed it, and the mode is abort: the query cannot go on without it.",
                "RERUN; starts from zero on the nodes that are left. SET mode = recompute; would have computed again only what was lost.",
                &[
                    trino!(
                        "REMOTE_HOST_GONE",
                        "Encountered too many errors talking to a worker node. The node may have crashed or be under too much load. \
                         This is probably a transient issue, so please retry your query in a few minutes. \
                         (http://<worker>/v1/task/<task>/results/0/0 - 124 failures, failure duration 60.14s, total failed request time 61.20s)",
                        "after about 60 s (query.remote-task.max-error-duration and exchange.max-error-duration are 1m); \
                         with retry-policy TASK the right answer comes after about 72 s",
                    ),
                    spark!(
                        "ExecutorLostFailure",
                        "ExecutorLostFailure (executor <n> exited ...) Reason: Command exited with code 137",
                        "noticed after 0.3 s when the process is dead, after 120 s when it hangs (spark.network.timeout); \
                         then it recomputes what was lost, so the query does not fail",
                    ),
                ],
            ),
            ErrorCode::RemoteTaskError => (
                "A task failed on its node for a reason that may well have passed, and the mode is abort.",
                "RERUN; or SET mode = recompute; which tries that task again elsewhere.",
                &[
                    trino!(
                        "REMOTE_TASK_ERROR",
                        "Remote task execution failed",
                        "at once; retried with retry-policy TASK",
                    ),
                    spark!(
                        "SparkException",
                        "Job aborted due to stage failure: Task <n> in stage <s> failed 4 times, most recent failure: ...",
                        "after four failures of the same task",
                    ),
                ],
            ),
            ErrorCode::PageTransportError => (
                "A task could not get its inputs from the nodes that hold them.",
                "SHOW NODES; shows which are up. RERUN; tries again.",
                &[
                    trino!(
                        "PAGE_TRANSPORT_ERROR",
                        "Could not fetch data from remote task: <uri>",
                        "after exchange.max-error-duration, 1m",
                    ),
                    spark!(
                        "FetchFailed",
                        "Missing an output location for shuffle <n> partition <p>",
                        "at once; the lost map outputs are recomputed, at most 4 times in a row for one stage",
                    ),
                ],
            ),
            ErrorCode::GenericInternalError => (
                "faultlab itself went wrong: a panic in a task, or an inner contradiction.",
                "This is a bug. Please report the statement; SET mode = abort; shows the first failure at once.",
                &[
                    trino!("GENERIC_INTERNAL_ERROR", "<text of the exception>", "at once"),
                    spark!(
                        "SparkException",
                        "Job aborted due to stage failure: Task <n> in stage <s> failed 4 times, most recent failure: ...",
                        "after four failures of the same task",
                    ),
                ],
            ),
            ErrorCode::ChecksumMismatch => (
                "An output that was computed again is not the same as the one that was lost, so the answer could not be trusted.",
                "This is a bug, or a source changed without a trace. Please report the statement.",
                &[spark!(
                    "INDETERMINATE",
                    "A shuffle map stage with indeterminate output was failed and retried.",
                    "only where Spark knows that the stage is indeterminate; otherwise nobody checks",
                )],
            ),
            ErrorCode::NoNodesAvailable => (
                "No node is up, so there is nothing to run on.",
                "RESTART ALL; brings all nodes back.",
                &[
                    trino!(
                        "NO_NODES_AVAILABLE",
                        "No nodes available to run query",
                        "after about 64 s if all die during the query; a query that starts without workers waits",
                    ),
                    spark!(
                        "(none)",
                        "Initial job has not accepted any resources; check your cluster UI to ensure that workers are registered",
                        "it waits for new executors, 10 s or without end",
                    ),
                ],
            ),
            ErrorCode::TaskAttemptsExceeded => (
                "One task failed too often: it would fail the next time too.",
                "The message has the last failure. SET task_max_failures changes how often a task is tried.",
                &[
                    trino!(
                        "(the last failure's)",
                        "<text of the last failure>",
                        "after 4 retries of the task, with retry-policy TASK",
                    ),
                    spark!(
                        "SparkException",
                        "Job aborted due to stage failure: Task 3 in stage 26.0 failed 4 times, most recent failure: Lost task 3.3 in \
                         stage 26.0 (TID 81) (127.0.0.1 executor 1): ...",
                        "after four failures of the same task (spark.task.maxFailures)",
                    ),
                ],
            ),
            ErrorCode::ExceededLocalMemoryLimit => (
                "A task needed more memory than its node has.",
                "Give nodes more memory, or group and join by fewer values.",
                &[
                    trino!(
                        "EXCEEDED_LOCAL_MEMORY_LIMIT",
                        "Query exceeded per-node memory limit of 30MB [Allocated: 29.73MB, Delta: 1.37MB, Top Consumers: \
                         {TableScanOperator=16.83MB, HashAggregationOperator=12.89MB, PagePartitioner=7.41kB}]",
                        "at once; retried with a larger estimate only with retry-policy TASK",
                    ),
                    spark!(
                        "ExecutorLostFailure",
                        "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Command exited with code 52",
                        "after four executors have died, or without end when there is a shuffle before",
                    ),
                ],
            ),
            ErrorCode::ExceededTimeLimit => (
                "The query ran longer than it was allowed to.",
                "Allow it more time, or read less.",
                &[trino!(
                    "EXCEEDED_TIME_LIMIT",
                    "Query exceeded maximum time limit of 1.00s",
                    "when the limit is reached",
                )],
            ),
        };
        Explanation { code: self, meaning, hint, peers }
    }
}

impl std::fmt::Display for Explanation {
    /// Several lines: the code, what it means, what to do, and what each peer says and when.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} ({})", self.code, self.code.class())?;
        writeln!(f, "  {}", self.meaning)?;
        write!(f, "  What to do: {}", self.hint)?;
        for peer in self.peers {
            write!(f, "\nA real {}: {}\n  \"{}\"\n  When: {}", peer.peer, peer.code, peer.text, peer.when)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_and_found_by_its_name() {
        for &code in ErrorCode::ALL {
            let explanation = code.explain();
            assert!(explanation.meaning.ends_with('.'), "{code}");
            assert!(!explanation.hint.is_empty(), "{code}");
            assert_eq!(ErrorCode::from_name(&code.name().to_lowercase()), Some(code));
        }
        assert_eq!(ErrorCode::from_name("NO_SUCH_CODE"), None);
    }

    #[test]
    fn a_lost_worker_is_told_with_the_minute_that_trino_takes() {
        let text = ErrorCode::RemoteHostGone.explain().to_string();
        assert!(text.contains("Encountered too many errors talking to a worker node"));
        assert!(text.contains("after about 60 s"));
    }
}
