//! The settings of a session: one table with name, kind, default, help and the peers' names, and the values.

use super::diagnostic::{Diagnostic, Result};
use super::suggest::{did_you_mean, similar};
use crate::journal::ErrorCode;
use crate::scheduler::graph::Mode;
use std::collections::BTreeMap;
use std::time::Duration;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number in this range.
    Number { min: u64, max: u64 },
    /// A whole number in this range, or this word.
    NumberOr { min: u64, max: u64, word: &'static str },
    /// `300ms`, `2s`, `5min`, `0`.
    Duration,
    /// `64MB`, `1.5GB`, bytes.
    Bytes,
    /// `on` or `off`.
    Switch,
    /// `2026-03-31`, or `off`.
    DateOrOff,
    /// `Europe/Berlin`.
    TimeZone,
}

impl SettingKind {
    /// The range as SHOW SETTINGS prints it: `abort, recompute`, `1 to 100`.
    pub fn range(self) -> String {
        match self {
            SettingKind::Choice(words) => words.join(", "),
            SettingKind::Number { min, max } => format!("{min} to {max}"),
            SettingKind::NumberOr { min, max, word } => format!("{word}, {min} to {max}"),
            SettingKind::Duration => "a duration such as 300ms, 2s, 5min".into(),
            SettingKind::Bytes => "a size such as 64MB, 1GB".into(),
            SettingKind::Switch => "on, off".into(),
            SettingKind::DateOrOff => "off, a date such as 2026-03-31".into(),
            SettingKind::TimeZone => "a time zone such as UTC, Europe/Berlin".into(),
        }
    }

    /// One word for the kind of value.
    pub fn name(self) -> &'static str {
        match self {
            SettingKind::Choice(_) => "choice",
            SettingKind::Number { .. } | SettingKind::NumberOr { .. } => "number",
            SettingKind::Duration => "duration",
            SettingKind::Bytes => "size",
            SettingKind::Switch => "switch",
            SettingKind::DateOrOff => "date",
            SettingKind::TimeZone => "time zone",
        }
    }
}

/// A row of the table of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    pub kind: SettingKind,
    /// As it would be written after `=`.
    pub default: &'static str,
    pub help: &'static str,
    /// What Trino and Spark call it.
    pub aliases: &'static [&'static str],
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "mode",
        kind: SettingKind::Choice(&["abort", "recompute"]),
        default: "recompute",
        help: "what the cluster does when a worker is lost: abort fails the query (as Trino), recompute runs the lost tasks again (as Spark)",
        aliases: &["retry_policy"],
    },
    Setting {
        name: "pace",
        kind: SettingKind::Duration,
        default: "0",
        help: "the least time that every task takes, so that people can follow; 0 is full speed",
        aliases: &[],
    },
    Setting {
        name: "join_distribution",
        kind: SettingKind::Choice(&["automatic", "broadcast", "partitioned"]),
        default: "automatic",
        help: "how joins are spread: broadcast copies one side to every worker, partitioned sends equal keys to the same one",
        aliases: &["join_distribution_type"],
    },
    Setting {
        name: "exchange_partitions",
        kind: SettingKind::NumberOr { min: 1, max: 1000, word: "automatic" },
        default: "automatic",
        help: "how many partitions a hash exchange has; automatic goes by the size of the data",
        aliases: &[
            "spark.sql.shuffle.partitions",
            "hash_partition_count",
            "fault_tolerant_execution_max_partition_count",
        ],
    },
    Setting {
        name: "broadcast_bytes",
        kind: SettingKind::Bytes,
        default: "48MB",
        help: "the side of a join up to this size is copied to every worker instead of sending equal keys to the same one",
        aliases: &["spark.sql.autoBroadcastJoinThreshold", "join_max_broadcast_table_size"],
    },
    Setting {
        name: "adaptive",
        kind: SettingKind::Switch,
        default: "on",
        help: "whether a plan is completed when the true sizes are known: joins broadcast after all, small partitions read together, large ones by several tasks",
        aliases: &["spark.sql.adaptive.enabled"],
    },
    Setting {
        name: "exchange_task_bytes",
        kind: SettingKind::Bytes,
        default: "32MB",
        help: "neighbouring partitions of an exchange up to this size are read by one task (adaptive)",
        aliases: &[
            "spark.sql.adaptive.advisoryPartitionSizeInBytes",
            "fault_tolerant_execution_hash_distribution_compute_task_target_size",
        ],
    },
    Setting {
        name: "skew_factor",
        kind: SettingKind::Number { min: 1, max: 1000 },
        default: "5",
        help: "a partition so many times the median, and of skew_bytes, is read by several tasks (adaptive)",
        aliases: &["spark.sql.adaptive.skewJoin.skewedPartitionFactor"],
    },
    Setting {
        name: "skew_bytes",
        kind: SettingKind::Bytes,
        default: "64MB",
        help: "the least size of a partition that is read by several tasks (adaptive)",
        aliases: &["spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes"],
    },
    Setting {
        name: "scan_task_rows",
        kind: SettingKind::Number { min: 1, max: 1_000_000_000 },
        default: "500000",
        help: "about how many rows a scan task reads",
        aliases: &[],
    },
    Setting {
        name: "scan_task_bytes",
        kind: SettingKind::Bytes,
        default: "32MB",
        help: "about how many bytes of files a scan task reads",
        aliases: &["spark.sql.files.maxPartitionBytes"],
    },
    Setting {
        name: "task_max_failures",
        kind: SettingKind::Number { min: 1, max: 1000 },
        default: "4",
        help: "how often one task may fail before its query fails (recompute)",
        aliases: &["spark.task.maxFailures", "task_retry_attempts_per_task"],
    },
    Setting {
        name: "stage_max_attempts",
        kind: SettingKind::Number { min: 1, max: 1000 },
        default: "4",
        help: "how many times in a row a stage may lose its inputs before its query fails (recompute)",
        aliases: &["spark.stage.maxConsecutiveAttempts"],
    },
    Setting {
        name: "query_max_execution_time",
        kind: SettingKind::Duration,
        default: "0",
        help: "a query that runs on workers for longer fails; 0 is no limit",
        aliases: &["query_max_run_time", "statement_timeout"],
    },
    Setting {
        name: "memory_per_node",
        kind: SettingKind::Bytes,
        default: "2GB",
        help: "what the queries may hold on one worker",
        aliases: &["query_max_memory_per_node", "spark.executor.memory"],
    },
    Setting {
        name: "max_rows",
        kind: SettingKind::NumberOr { min: 0, max: 1_000_000_000, word: "all" },
        default: "40",
        help: "how many rows of a result a terminal shows",
        aliases: &[],
    },
    Setting {
        name: "timing",
        kind: SettingKind::Switch,
        default: "on",
        help: "whether a footer with times follows every result",
        aliases: &[],
    },
    Setting {
        name: "today",
        kind: SettingKind::DateOrOff,
        default: "off",
        help: "the date at which the session's clock starts: current_date and current_timestamp; off is the real one",
        aliases: &[],
    },
    Setting {
        name: "timezone",
        kind: SettingKind::TimeZone,
        default: "UTC",
        help: "the time zone in which points in time (TIMESTAMP WITH TIME ZONE) are shown, read and taken apart",
        aliases: &["time_zone", "spark.sql.session.timeZone"],
    },
];

/// Names of the peers that mean nothing here, with the reason.
const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("nodes", "the number of workers is fixed when the shell starts: faultlab --nodes 4"),
    ("slots", "the slots of a worker are fixed when the shell starts: faultlab --slots 2"),
    ("spark.executor.instances", "the number of workers is fixed when the shell starts: faultlab --nodes 4"),
    ("spark.executor.cores", "the slots of a worker are fixed when the shell starts: faultlab --slots 2"),
    ("task_concurrency", "the slots of a worker are fixed when the shell starts: faultlab --slots 2"),
    ("spark.network.timeout", "a crashed worker is noticed at once here"),
    ("spark.executor.heartbeatinterval", "a crashed worker is noticed at once here"),
    ("spark.speculation", "slow tasks are not run twice here yet"),
    ("spark.dynamicallocation.enabled", "workers do not come and go by themselves here"),
    ("query_retry_attempts", "there is no mode that runs the whole query again; RERUN does it by hand"),
    ("retry_initial_delay", "retries do not wait here"),
    ("retry_max_delay", "retries do not wait here"),
    ("exchange_manager", "exchange outputs are kept by the worker that made them"),
    ("threads", "a worker has its own threads: faultlab --nodes 4 --slots 2"),
    ("memory_limit", "SET memory_per_node limits what one worker holds"),
];

/// The values of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Those that are not at their default, in canonical form.
    values: BTreeMap<&'static str, String>,
}

/// A setting with its present value, for SHOW SETTINGS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    pub setting: &'static Setting,
    pub value: String,
    pub is_default: bool,
}

/// The setting of a name or of a peer's name for it; case, `-` and `_` do not matter.
pub fn find(name: &str) -> Result<&'static Setting> {
    let key = normal(name);
    if let Some(setting) = SETTINGS.iter().find(|s| s.name == key || s.aliases.iter().any(|a| normal(a) == key)) {
        return Ok(setting);
    }
    if let Some((_, reason)) = WITHOUT_MEANING.iter().find(|(other, _)| normal(other) == key) {
        return Err(
            Diagnostic::new(ErrorCode::InvalidSetting, format!("setting \"{name}\" has no meaning here")).hint(*reason)
        );
    }
    let names = similar(&key, SETTINGS.iter().flat_map(|s| std::iter::once(s.name).chain(s.aliases.iter().copied())));
    Err(Diagnostic::new(ErrorCode::InvalidSetting, format!("unknown setting \"{name}\""))
        .hint(did_you_mean(&names).unwrap_or_else(|| "SHOW SETTINGS lists them".into())))
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

impl Settings {
    /// Sets a value and answers what that means, for the user. INVALID_SETTING for an unknown name or a bad value;
    /// nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<String> {
        let setting = find(name)?;
        let canonical = canonical(setting, value)?;
        let answer = answer(setting, &canonical);
        if canonical == setting.default {
            self.values.remove(setting.name);
        } else {
            self.values.insert(setting.name, canonical);
        }
        Ok(answer)
    }

    /// Back to the default, with the same kind of answer.
    pub fn reset(&mut self, name: &str) -> Result<String> {
        let setting = find(name)?;
        self.values.remove(setting.name);
        Ok(answer(setting, setting.default))
    }

    /// All of them back to their defaults.
    pub fn reset_all(&mut self) {
        self.values.clear();
    }

    /// The present value as text, under our name or a peer's.
    pub fn get(&self, name: &str) -> Result<String> {
        Ok(self.text(find(name)?))
    }

    /// Every setting with its value, in the order of the table.
    pub fn list(&self) -> Vec<SettingRow> {
        let row = |setting| SettingRow {
            setting,
            value: self.text(setting),
            is_default: !self.values.contains_key(setting.name),
        };
        SETTINGS.iter().map(row).collect()
    }

    /// How the cluster answers a failure.
    pub fn mode(&self) -> Mode {
        if self.value("mode") == "abort" { Mode::Abort } else { Mode::Recompute }
    }

    /// The least time of a task.
    pub fn pace(&self) -> Duration {
        parse_duration(self.value("pace")).unwrap_or_default()
    }

    /// How joins are spread.
    pub fn join_distribution(&self) -> JoinDistribution {
        match self.value("join_distribution") {
            "broadcast" => JoinDistribution::Broadcast,
            "partitioned" => JoinDistribution::Partitioned,
            _ => JoinDistribution::Automatic,
        }
    }

    /// Partitions of a hash exchange; None is automatic.
    pub fn exchange_partitions(&self) -> Option<u32> {
        self.value("exchange_partitions").parse().ok()
    }

    /// Bytes up to which the build side of a join is broadcast.
    pub fn broadcast_bytes(&self) -> u64 {
        parse_bytes(self.value("broadcast_bytes")).unwrap_or_default()
    }

    /// Whether plans are completed when sizes are known.
    pub fn adaptive(&self) -> bool {
        self.value("adaptive") == "on"
    }

    /// Bytes of an exchange that one task reads, about, where there is a choice.
    pub fn exchange_task_bytes(&self) -> u64 {
        parse_bytes(self.value("exchange_task_bytes")).unwrap_or(u64::MAX)
    }

    /// How many times the median a skewed partition is.
    pub fn skew_factor(&self) -> u64 {
        self.value("skew_factor").parse().unwrap_or(u64::MAX)
    }

    /// The least bytes of a skewed partition.
    pub fn skew_bytes(&self) -> u64 {
        parse_bytes(self.value("skew_bytes")).unwrap_or(u64::MAX)
    }

    /// Rows of a scan task, about.
    pub fn scan_task_rows(&self) -> u64 {
        self.value("scan_task_rows").parse().unwrap_or(u64::MAX)
    }

    /// Bytes of a scan task, about.
    pub fn scan_task_bytes(&self) -> u64 {
        parse_bytes(self.value("scan_task_bytes")).unwrap_or(u64::MAX)
    }

    /// Counted failures of one task before its query fails.
    pub fn task_max_failures(&self) -> u32 {
        self.value("task_max_failures").parse().unwrap_or(4)
    }

    /// Attempts of a stage in a row before its query fails.
    pub fn stage_max_attempts(&self) -> u32 {
        self.value("stage_max_attempts").parse().unwrap_or(4)
    }

    /// After this a query fails; None is never.
    pub fn query_max_execution_time(&self) -> Option<Duration> {
        parse_duration(self.value("query_max_execution_time")).filter(|d| !d.is_zero())
    }

    /// In bytes.
    pub fn memory_per_node(&self) -> u64 {
        parse_bytes(self.value("memory_per_node")).unwrap_or(u64::MAX)
    }

    /// Rows that a terminal shows; None is all.
    pub fn max_rows(&self) -> Option<u64> {
        self.value("max_rows").parse().ok()
    }

    /// Whether a footer with times follows every result.
    pub fn timing(&self) -> bool {
        self.value("timing") == "on"
    }

    /// The time zone of points in time.
    pub fn zone(&self) -> chrono_tz::Tz {
        zone_named(self.value("timezone")).unwrap_or(chrono_tz::UTC)
    }

    /// The date at which the session's clock starts, in days since 1970-01-01; None is the real one.
    pub fn today(&self) -> Option<i32> {
        parse_date(self.value("today"))
    }

    fn value(&self, name: &'static str) -> &str {
        match self.values.get(name) {
            Some(value) => value,
            None => SETTINGS.iter().find(|s| s.name == name).map_or("", |s| s.default),
        }
    }

    fn text(&self, setting: &'static Setting) -> String {
        self.value(setting.name).to_string()
    }
}

/// The time zone of that name, in any case: `Europe/Berlin`, `UTC`, `EST`.
pub fn zone_named(name: &str) -> Option<chrono_tz::Tz> {
    let same = |zone: &&chrono_tz::Tz| zone.name().eq_ignore_ascii_case(name);
    name.parse().ok().or_else(|| chrono_tz::TZ_VARIANTS.iter().find(same).copied())
}

/// How joins are spread over the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinDistribution {
    /// By size.
    Automatic,
    Broadcast,
    Partitioned,
}

/// The value in the form that is stored and shown.
fn canonical(setting: &'static Setting, value: &str) -> Result<String> {
    let value = value.trim();
    let word = value.to_lowercase();
    let bad = || {
        Diagnostic::new(ErrorCode::InvalidSetting, format!("\"{value}\" is not a value of {}", setting.name))
            .hint(format!("{} takes {}", setting.name, setting.kind.range()))
    };
    match setting.kind {
        SettingKind::Choice(choices) => {
            if setting.name == "mode" {
                return canonical_mode(&word).ok_or_else(bad).and_then(|mode| mode.map(str::to_string));
            }
            let meant = if word == "auto" { "automatic" } else { word.as_str() };
            if let Some(choice) = choices.iter().find(|c| **c == meant) {
                return Ok(choice.to_string());
            }
            let names = similar(&word, choices.iter().copied());
            Err(match did_you_mean(&names) {
                Some(hint) => bad().hint(hint),
                None => bad(),
            })
        }
        SettingKind::Number { min, max } => {
            let number: u64 = word.replace('_', "").parse().map_err(|_| bad())?;
            if (min..=max).contains(&number) { Ok(number.to_string()) } else { Err(bad()) }
        }
        SettingKind::NumberOr { min, max, word: other } => {
            if word == other || (other == "automatic" && word == "auto") {
                return Ok(other.to_string());
            }
            let number: u64 = word.replace('_', "").parse().map_err(|_| bad())?;
            if (min..=max).contains(&number) { Ok(number.to_string()) } else { Err(bad()) }
        }
        SettingKind::Duration => parse_duration(&word).map(|_| word.replace(' ', "")).ok_or_else(bad),
        SettingKind::Bytes => parse_bytes(&word).map(|_| word.replace(' ', "").to_uppercase()).ok_or_else(bad),
        SettingKind::Switch => match word.as_str() {
            "on" | "true" | "1" | "yes" => Ok("on".into()),
            "off" | "false" | "0" | "no" => Ok("off".into()),
            _ => Err(bad()),
        },
        SettingKind::TimeZone => match zone_named(value) {
            Some(zone) => Ok(zone.name().to_string()),
            None => {
                let names = similar(value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
                Err(did_you_mean(&names).map_or_else(bad, |hint| bad().hint(hint)))
            }
        },
        SettingKind::DateOrOff if word == "off" => Ok(word),
        SettingKind::DateOrOff => parse_date(&word).map(|_| word.clone()).ok_or_else(bad),
    }
}

/// Our word for a mode; an error for a mode that is planned; None for no mode at all.
fn canonical_mode(word: &str) -> Option<Result<&'static str>> {
    match word {
        "abort" | "trino" | "none" => Some(Ok("abort")),
        "recompute" | "spark" => Some(Ok("recompute")),
        "retry" | "spool" | "auto" | "query" | "task" => {
            Some(Err(Diagnostic::new(ErrorCode::NotSupported, format!("not supported yet: mode = {word}"))
                .hint("the modes so far are abort and recompute")))
        }
        _ => None,
    }
}

/// What SET answers.
fn answer(setting: &Setting, value: &str) -> String {
    let meaning = match (setting.name, value) {
        ("mode", "abort") => "abort (as Trino): if a worker is lost, the query fails and you run it again",
        ("mode", "recompute") => {
            "recompute (as Spark): if a worker is lost, only its outputs that are still needed run again"
        }
        ("pace", "0") => "0: tasks run at full speed",
        ("query_max_execution_time", "0") => "0: no limit",
        _ => value,
    };
    format!("{} = {meaning}", setting.name)
}

/// `300ms`, `2s`, `1.5 min`, `1h`, `0`; a bare number other than 0 is not a duration.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..unit_at].parse().ok()?;
    let milliseconds = match text[unit_at..].trim() {
        "" if number == 0.0 => 0.0,
        "us" | "µs" => 0.001,
        "ms" => 1.0,
        "s" | "sec" | "second" | "seconds" => 1_000.0,
        "m" | "min" | "minute" | "minutes" => 60_000.0,
        "h" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => 86_400_000.0,
        _ => return None,
    };
    let seconds = number * milliseconds / 1_000.0;
    (seconds <= 1e9).then(|| Duration::from_secs_f64(seconds))
}

/// `64MB`, `1.5GB`, `512 kb`, `4096`: units of 1000 with B, of 1024 with iB.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..unit_at].parse().ok()?;
    let unit = match text[unit_at..].trim() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1_048_576.0,
        "gib" => 1_073_741_824.0,
        _ => return None,
    };
    let bytes = number * unit;
    (1.0..=1e18).contains(&bytes).then_some(bytes as u64)
}

fn parse_date(text: &str) -> Option<i32> {
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1)?;
    i32::try_from(date.signed_duration_since(epoch).num_days()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_setting() {
        for setting in SETTINGS {
            assert_eq!(canonical(setting, setting.default).as_deref(), Ok(setting.default), "{}", setting.name);
        }
    }

    #[test]
    fn peers_names_and_words_are_accepted() {
        let mut settings = Settings::default();
        assert_eq!(settings.mode(), Mode::Recompute);
        let answer = settings.set("MODE", "Trino").unwrap();
        assert_eq!(answer, "mode = abort (as Trino): if a worker is lost, the query fails and you run it again");
        assert_eq!(settings.mode(), Mode::Abort);
        settings.set("spark.task.maxFailures", "7").unwrap();
        assert_eq!(settings.task_max_failures(), 7);
        settings.set("pace", "300 ms").unwrap();
        assert_eq!(settings.pace(), Duration::from_millis(300));
        settings.set("today", "1970-01-03").unwrap();
        assert_eq!(settings.today(), Some(2));
        settings.reset("mode").unwrap();
        assert_eq!(settings.list().iter().filter(|row| !row.is_default).count(), 3);
    }

    #[test]
    fn bad_names_and_values_say_what_would_do() {
        let mut settings = Settings::default();
        let hint = |r: Result<String>| r.unwrap_err().hint.unwrap();
        assert_eq!(hint(settings.set("mod", "abort")), "did you mean \"mode\"?");
        assert_eq!(hint(settings.set("mode", "fast")), "mode takes abort, recompute");
        assert_eq!(hint(settings.set("join_distribution", "brodcast")), "did you mean \"broadcast\"?");
        assert_eq!(hint(settings.set("pace", "3")), "pace takes a duration such as 300ms, 2s, 5min");
        assert_eq!(
            settings.set("spark.speculation", "true").unwrap_err().message,
            "setting \"spark.speculation\" has no meaning here"
        );
        assert_eq!(settings, Settings::default());
    }
}
