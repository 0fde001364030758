//! Instants as people and programs write them: ISO 8601 with more or less of it.

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use super::Timestamp;

/// As [`Timestamp::parse`] says.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let date = date(text.get(..10)?)?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return timestamp(date, Time::MIDNIGHT, UtcOffset::UTC);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    timestamp(date, time(&rest[..zone])?, offset(&rest[zone..])?)
}

fn timestamp(date: Date, time: Time, offset: UtcOffset) -> Option<Timestamp> {
    let at = PrimitiveDateTime::new(date, time).assume_offset(offset);
    let millis = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
    // An offset can lead out of the years that can be written.
    Some(Timestamp::from_millis(millis)).filter(|at| at.as_millis() == millis)
}

fn date(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let month = Month::try_from(digits::<u8>(month, 2)?).ok()?;
    Date::from_calendar_date(digits(year, 4)?, month, digits(day, 2)?).ok()
}

fn time(text: &str) -> Option<Time> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    if parts.next().is_some() || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    let nanos = digits::<u32>(&format!("{fraction:0<9}"), 9)?;
    Time::from_hms_nano(hour, minute, second, nanos).ok()
}

fn offset(text: &str) -> Option<UtcOffset> {
    if matches!(text, "" | "Z" | "z") {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    // No place on earth is further away than this.
    let hours = digits::<i8>(rest.get(..2)?, 2).filter(|hours| *hours <= 18)?;
    let rest = rest.get(2..)?;
    let minutes = rest.strip_prefix(':').unwrap_or(rest);
    let minutes: i8 = if minutes.is_empty() { 0 } else { digits(minutes, 2)? };
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

/// A number of exactly so many digits.
fn digits<T: std::str::FromStr>(text: &str, count: usize) -> Option<T> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_clients_send_is_read() {
        for (text, expected) in [
            ("2015-01-07T18:00:00.000-06:00", "2015-01-08T00:00:00.000Z"),
            ("2015-01-08T00:00:00.000Z", "2015-01-08T00:00:00.000Z"),
            ("2015-01-04", "2015-01-04T00:00:00.000Z"),
            ("2015-01-04T10:00:00+0100", "2015-01-04T09:00:00.000Z"),
            ("2015-01-04T10:00:00.5", "2015-01-04T10:00:00.500Z"),
            ("2015-01-04 10:00", "2015-01-04T10:00:00.000Z"),
            ("2014-11-14T23:50:10.207+00:00", "2014-11-14T23:50:10.207Z"),
            ("0000-01-01", "0000-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse(text).map(|at| at.to_string()), Some(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "x",
            "2015-02-30",
            "2015-1-4",
            "2015-01-04T25:00",
            "2015-01-04T10:00:00.",
            "2015-01-04T10:00:00+25:00",
            "2015-01-04Tx",
            "+015-01-04",
            "２０１５-01-04",
            "2015-01-04T10:00:00Zx",
            "2016-12-31T23:59:60Z",
            "10000-01-01",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
