//! The two text formats of Prometheus: OpenMetrics 1.0 where a client asks for it, and the older 0.0.4, which every client and
//! `promtool check metrics` read, for all others.
//!
//! They differ in little: 0.0.4 names a counter with its `_total` and knows no `info`, no unit and no end.

use std::fmt::Write;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format 0.0.4.
    Text,
}

impl Format {
    /// What an `Accept` header asks for; OpenMetrics only where it is named, and not liked less than plain text.
    pub fn accepted(header: Option<&str>) -> Self {
        let (mut open, mut text) = (0.0_f32, 0.0_f32);
        for range in header.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let quality: f32 = quality.unwrap_or(0.0);
            match media_type.as_str() {
                "application/openmetrics-text" => open = open.max(quality),
                "text/plain" => text = text.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Writes what registries hold.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn write(self, registries: &[&Registry]) -> Result<String, std::fmt::Error> {
        let mut text = String::with_capacity(64 * 1024);
        for registry in registries {
            encode_registry(&mut text, registry)?;
        }
        match self {
            Self::OpenMetrics => {
                encode_eof(&mut text)?;
                Ok(text)
            }
            Self::Text => older(&text),
        }
    }
}

/// OpenMetrics as 0.0.4. The encoder writes the help of a family, then its type, then its samples.
fn older(open: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(open.len() + open.len() / 16);
    let mut help = "";
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.rsplit_once(' ').unwrap_or((rest, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            let said = help.strip_prefix(name).unwrap_or(help).trim_start();
            writeln!(text, "# HELP {name}{suffix} {said}\n# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;

    use super::*;

    #[test]
    fn a_client_gets_the_format_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (header, format) in [
            (None, Format::Text),
            (Some("*/*"), Format::Text),
            (Some(prometheus), Format::OpenMetrics),
            (Some("text/plain;version=0.0.4"), Format::Text),
            (Some("text/plain, application/openmetrics-text; q=0.5"), Format::Text),
            (Some("application/openmetrics-text;q=0"), Format::Text),
            (Some("Application/OpenMetrics-Text"), Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted(header), format, "{header:?}");
        }
    }

    #[test]
    fn the_older_format_has_its_own_names() {
        let mut registry = Registry::default();
        registry.register("a", "As", Counter::<u64>::default());
        registry.register("b_seconds", "Bs", Histogram::new([1.0]));
        registry.register("c", "Cs", Info::new(vec![("version", "1")]));
        let text = Format::Text.write(&[&registry]).unwrap();
        let expected = "# HELP a_total As.\n# TYPE a_total counter\na_total 0\n\
                        # HELP b_seconds Bs.\n# TYPE b_seconds histogram\nb_seconds_sum 0.0\nb_seconds_count 0\n\
                        b_seconds_bucket{le=\"1.0\"} 0\nb_seconds_bucket{le=\"+Inf\"} 0\n\
                        # HELP c_info Cs.\n# TYPE c_info gauge\nc_info{version=\"1\"} 1\n";
        assert_eq!(text, expected);
        let open = Format::OpenMetrics.write(&[&registry]).unwrap();
        assert!(open.contains("# TYPE a counter\na_total 0\n") && open.ends_with("# EOF\n"), "{open}");
    }
}
