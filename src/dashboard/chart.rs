//! Small charts, drawn on the server: pictures for the eye, with a sentence for whoever does not see them. Time runs from left to
//! right in both languages, as clocks' charts do.

use std::fmt::Write as _;

use super::say::{Html, escape};

/// Width of one bar with its gap.
const STEP: usize = 10;

/// Bars, one for each value; the first `near` of them stand apart and pale, being of a finer step.
pub(super) fn bars(values: &[u64], near: usize, height: u32, label: &str) -> Html {
    let gap = if near > 0 { STEP } else { 0 };
    let (width, most) = (values.len() * STEP + gap, values.iter().copied().max().unwrap_or(0).max(1));
    let mut svg = format!(
        "<svg class=\"bars\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        escape(label)
    );
    for (at, value) in values.iter().enumerate() {
        // What is there is seen, however little it is beside the rest.
        let tall = if *value == 0 { 0.0 } else { (*value as f64 / most as f64 * f64::from(height)).max(2.0) };
        let apart = if at < near { 0 } else { gap };
        let (x, y) = (at * STEP + 1 + apart, f64::from(height) - tall);
        let class = if at < near { " class=\"near\"" } else { "" };
        let _infallible =
            write!(svg, "<rect{class} x=\"{x}\" y=\"{y:.1}\" width=\"{}\" height=\"{tall:.1}\"/>", STEP - 2);
    }
    svg.push_str("</svg>");
    Html(svg)
}

/// A line as small as a word, filled below. Two values are one step, so that it stays small in the page too.
pub(super) fn spark(values: &[u64], label: &str) -> Html {
    const STEP: usize = 3;
    const HEIGHT: u64 = 20;
    let steps: Vec<u64> = values.chunks(2).map(|two| two.iter().sum()).collect();
    let most = steps.iter().copied().max().unwrap_or(0).max(1);
    let mut path = String::new();
    for (at, value) in steps.iter().enumerate() {
        // What is there is seen, however little it is beside the rest.
        let tall = if *value == 0 { 0 } else { (value.saturating_mul(HEIGHT - 2) / most).max(1) };
        let _infallible = write!(path, "{}{} {}", if at == 0 { 'M' } else { 'L' }, at * STEP, HEIGHT - 1 - tall);
    }
    let width = steps.len().saturating_sub(1).max(1) * STEP;
    Html(format!(
        "<svg class=\"spark\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><path \
         class=\"under\" d=\"{path}V{HEIGHT}H0Z\"/><path d=\"{path}\"/></svg>",
        escape(label)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_fills_the_picture_and_the_lowest_is_seen() {
        let Html(svg) = bars(&[0, 1, 1000], 1, 40, "a \"label\"");
        assert!(svg.contains("aria-label=\"a &quot;label&quot;\""));
        assert!(svg.contains("y=\"0.0\" width=\"8\" height=\"40.0\""), "{svg}");
        assert!(svg.contains("y=\"38.0\" width=\"8\" height=\"2.0\""), "{svg}");
        assert!(svg.contains("height=\"0.0\""), "{svg}");
        assert!(
            !bars(&[], 0, 40, "").0.contains("NaN")
                && !spark(&[], "").0.contains("NaN")
                && !spark(&[1], "").0.contains("NaN")
        );
    }
}
