//! The table of error codes: name and class. What each means, what to do, and what the peers say is in [`super::explain`].

use serde::{Deserialize, Serialize};

/// Who can do something about an error; it decides whether a mode may retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrorClass {
    /// The statement or the data: never retried, reads the same in every mode.
    User,
    /// The engine or a node.
    Internal,
    /// Memory, disk, time, nodes.
    Resources,
    /// Files and folders outside the engine.
    External,
}

macro_rules! codes {
    ($($variant:ident = $name:literal, $class:ident;)*) => {
        /// What went wrong, by the name that Trino gives it where Trino has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorCode { $(#[serde(rename = $name)] $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The name that is shown and searched: `REMOTE_HOST_GONE`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)* }
            }

            /// The code of that name, in any case of letters.
            pub fn from_name(name: &str) -> Option<ErrorCode> {
                ErrorCode::ALL.iter().copied().find(|code| code.name().eq_ignore_ascii_case(name))
            }

            /// Who can do something about it.
            pub fn class(self) -> ErrorClass {
                match self { $(ErrorCode::$variant => ErrorClass::$class,)* }
            }
        }
    };
}

codes! {
    SyntaxError = "SYNTAX_ERROR", User;
    NotSupported = "NOT_SUPPORTED", User;
    TableNotFound = "TABLE_NOT_FOUND", User;
    SchemaNotFound = "SCHEMA_NOT_FOUND", User;
    ColumnNotFound = "COLUMN_NOT_FOUND", User;
    AmbiguousName = "AMBIGUOUS_NAME", User;
    FunctionNotFound = "FUNCTION_NOT_FOUND", User;
    TypeMismatch = "TYPE_MISMATCH", User;
    InvalidArguments = "INVALID_ARGUMENTS", User;
    ExpressionNotAggregate = "EXPRESSION_NOT_AGGREGATE", User;
    SubqueryMultipleRows = "SUBQUERY_MULTIPLE_ROWS", User;
    DivisionByZero = "DIVISION_BY_ZERO", User;
    NumericValueOutOfRange = "NUMERIC_VALUE_OUT_OF_RANGE", User;
    InvalidCastArgument = "INVALID_CAST_ARGUMENT", User;
    InvalidSetting = "INVALID_SETTING", User;
    InvalidFault = "INVALID_FAULT", User;
    NodeNotFound = "NODE_NOT_FOUND", User;
    TableAlreadyExists = "TABLE_ALREADY_EXISTS", User;
    ConstraintViolation = "CONSTRAINT_VIOLATION", User;
    UserCanceled = "USER_CANCELED", User;
    FileNotFound = "FILE_NOT_FOUND", External;
    FileUnreadable = "FILE_UNREADABLE", External;
    BadData = "BAD_DATA", External;
    SourceChanged = "SOURCE_CHANGED", External;
    OutputFailed = "OUTPUT_FAILED", External;
    TransactionConflict = "TRANSACTION_CONFLICT", External;
    RemoteHostGone = "REMOTE_HOST_GONE", Internal;
    RemoteTaskError = "REMOTE_TASK_ERROR", Internal;
    PageTransportError = "PAGE_TRANSPORT_ERROR", Internal;
    GenericInternalError = "GENERIC_INTERNAL_ERROR", Internal;
    ChecksumMismatch = "CHECKSUM_MISMATCH", Internal;
    NoNodesAvailable = "NO_NODES_AVAILABLE", Resources;
    TaskAttemptsExceeded = "TASK_ATTEMPTS_EXCEEDED", Internal;
    ExceededLocalMemoryLimit = "EXCEEDED_LOCAL_MEMORY_LIMIT", Resources;
    ExceededTimeLimit = "EXCEEDED_TIME_LIMIT", Resources;
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ErrorClass::User => "user error",
            ErrorClass::Internal => "internal error",
            ErrorClass::Resources => "insufficient resources",
            ErrorClass::External => "external",
        })
    }
}
