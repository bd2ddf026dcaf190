//! Numbers as people read them: durations, sizes, counts, one way everywhere.

use std::time::Duration;

/// `0.4 ms`, `12 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`: a duration in a sentence.
pub fn duration(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0 => "0 ms".to_string(),
        1..1_000 => format!("{:.1} ms", (micros as f64 / 1_000.0).max(0.1)),
        1_000..999_500 => format!("{:.0} ms", micros as f64 / 1_000.0),
        999_500..59_950_000 => format!("{:.1} s", micros as f64 / 1_000_000.0),
        59_950_000..3_599_500_000 => {
            let seconds = (micros + 500_000) / 1_000_000;
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = (micros + 30_000_000) / 60_000_000;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// The same, for a number of microseconds.
pub fn micros(micros: u64) -> String {
    duration(Duration::from_micros(micros))
}

/// A moment of a query in the column before an event: `12ms`, `1.2s`, `2m05s`.
pub fn moment(micros: u64) -> String {
    match micros {
        0..999_500 => format!("{}ms", (micros + 500) / 1_000),
        999_500..99_950_000 => format!("{:.1}s", micros as f64 / 1_000_000.0),
        _ => format!("{}m{:02}s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}

/// A duration as `SET pace` takes it: `0`, `300ms`, `2s`.
pub fn setting_duration(time: Duration) -> String {
    match time.as_millis() {
        0 => "0".to_string(),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// Task-seconds in a sum: always seconds, one digit, two below a tenth, so that lines compare.
pub fn task_seconds(micros: u64) -> String {
    let seconds = micros as f64 / 1_000_000.0;
    match seconds {
        s if s >= 0.095 => format!("{s:.1}"),
        s if s >= 0.0005 => format!("{s:.3}"),
        _ => "0".to_string(),
    }
}

/// `512 MB`, `1.4 GB`, `0.3 MB`, `812 B`; 1 MB is 1024 × 1024 bytes, as in the settings.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1_000.0 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    if unit == 0 || value >= 10.0 || value.fract() == 0.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `119,960`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `6 rows`; the plural adds an `s`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `2`, `2 and 6`, `2, 6, 10`; more than twelve end in `, ... (24 in all)`.
pub fn listed(numbers: impl IntoIterator<Item = u32>) -> String {
    const SHOWN: usize = 12;
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let text: Vec<String> = numbers.iter().take(SHOWN).map(u32::to_string).collect();
    if numbers.len() > SHOWN { format!("{}, ... ({} in all)", text.join(", "), numbers.len()) } else { text.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_change_unit_where_reading_gets_hard() {
        let text = |us| duration(Duration::from_micros(us));
        assert_eq!(text(0), "0 ms");
        assert_eq!(text(40), "0.1 ms");
        assert_eq!(text(2_100), "2 ms");
        assert_eq!(text(999_600), "1.0 s");
        assert_eq!(text(1_234_000), "1.2 s");
        assert_eq!(text(125_000_000), "2 min 5 s");
        assert_eq!(text(3_780_000_000), "1 h 3 min");
        assert_eq!(moment(1_234_000), "1.2s");
        assert_eq!(moment(12_400), "12ms");
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(512 << 20), "512 MB");
        assert_eq!(bytes(300 << 10), "300 KB");
        assert_eq!(bytes(1_468_006), "1.4 MB");
        assert_eq!(count(119_960), "119,960");
        assert_eq!(count(12), "12");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(listed([2, 6, 10]), "2, 6, 10");
    }
}
