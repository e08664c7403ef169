//! Charts over time: lines and stacks with their scale, drawn on the server. A stretch that nobody watched is shaded, one with an
//! open circuit is tinted; nothing is drawn through a gap. Labels stand beside the picture as text, so that it can be stretched.

use std::fmt::Write as _;

use super::say::{Html, escape};

/// Width of one stretch in the picture's own measure.
const STEP: f64 = 10.0;
/// Height of the picture in the same.
const HEIGHT: f64 = 160.0;
/// Room above the highest value.
const ABOVE: f64 = 4.0;

/// What happened to the stretches themselves: `None` where nobody watched, else the share of it with an open circuit.
pub(super) type Watched = [Option<f64>];

/// One line, or one layer of a stack.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// How it is coloured.
    pub(super) class: &'static str,
    /// A value for each stretch that has one.
    pub(super) values: Vec<Option<f64>>,
}

/// A picture with the value at its top.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) svg: Html,
    /// A round number that nothing exceeds.
    pub(super) top: f64,
}

/// Lines over each other.
pub(super) fn lines(label: &str, watched: &Watched, series: &[Series]) -> Picture {
    let most = series.iter().flat_map(|one| one.values.iter().flatten()).fold(0.0, |most: f64, value| most.max(*value));
    let top = round_up(most);
    let mut svg = open(label, watched);
    for one in series {
        let _infallible = write!(svg, "<path class=\"line {}\" d=\"{}\"/>", one.class, path(&one.values, top));
    }
    svg.push_str("</svg>");
    Picture { svg: Html(svg), top }
}

/// Layers upon each other, a bar for each stretch.
pub(super) fn stack(label: &str, watched: &Watched, series: &[Series]) -> Picture {
    let height = |at: usize| series.iter().filter_map(|one| one.values.get(at).copied().flatten()).sum::<f64>();
    let top = round_up((0..watched.len()).map(height).fold(0.0, f64::max));
    let mut svg = open(label, watched);
    for at in 0..watched.len() {
        let mut under = 0.0;
        for one in series {
            let Some(value) = one.values.get(at).copied().flatten().filter(|value| *value > 0.0) else { continue };
            let (from, to) = (y(under, top), y(under + value, top));
            under += value;
            // What is there is seen, however little it is.
            let tall = (from - to).max(1.0);
            let (x, y) = (at as f64 * STEP + 1.0, from - tall);
            let _infallible = write!(
                svg,
                "<rect class=\"{}\" x=\"{x}\" y=\"{y:.1}\" width=\"{}\" height=\"{tall:.1}\"/>",
                one.class,
                STEP - 2.0
            );
        }
    }
    svg.push_str("</svg>");
    Picture { svg: Html(svg), top }
}

/// The beginning of a picture: its name, its shades and its grid.
fn open(label: &str, watched: &Watched) -> String {
    let width = watched.len() as f64 * STEP;
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        escape(label)
    );
    for (from, to) in runs(watched, |stretch| stretch.is_none()) {
        shade(&mut svg, "gap", from, to);
    }
    for (from, to) in runs(watched, |stretch| stretch.is_some_and(|share| share > 0.0)) {
        shade(&mut svg, "cut", from, to);
    }
    for share in [0.0, 0.5, 1.0] {
        let y = y(share, 1.0);
        let _infallible = write!(svg, "<path class=\"rule\" d=\"M0 {y:.1}H{width}\"/>");
    }
    svg
}

fn shade(svg: &mut String, class: &str, from: usize, to: usize) {
    let (x, width) = (from as f64 * STEP, (to - from) as f64 * STEP);
    let _infallible = write!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"{HEIGHT}\"/>");
}

/// Stretches next to each other that are alike: the first, and the one after the last.
fn runs(watched: &Watched, is: impl Fn(&Option<f64>) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in watched.iter().enumerate().filter(|(_, stretch)| is(stretch)) {
        match runs.last_mut().filter(|(_, to)| *to == at) {
            Some((_, to)) => *to = at + 1,
            None => runs.push((at, at + 1)),
        }
    }
    runs
}

/// A line through the middle of each stretch, broken where there is no value. A value alone is a short dash.
fn path(values: &[Option<f64>], top: f64) -> String {
    let mut path = String::new();
    let value = |at: usize| values.get(at).copied().flatten();
    for (at, here) in values.iter().enumerate() {
        let Some(here) = here else { continue };
        let (x, y) = ((at as f64 + 0.5) * STEP, y(*here, top));
        let joined = at > 0 && value(at - 1).is_some();
        let goes_on = value(at + 1).is_some();
        let _infallible = match (joined, goes_on) {
            (true, _) => write!(path, "L{x} {y:.1}"),
            (false, true) => write!(path, "M{x} {y:.1}"),
            (false, false) => write!(path, "M{} {y:.1}h{}", x - STEP / 2.0, STEP),
        };
    }
    path
}

fn y(value: f64, top: f64) -> f64 {
    HEIGHT - 1.0 - value / top * (HEIGHT - 1.0 - ABOVE)
}

/// The next of 1, 2, 5, 10, 20, 50 ...: whole, so that it can be halved in one's head.
fn round_up(most: f64) -> f64 {
    if most <= 1.0 {
        return 1.0;
    }
    let decade = 10_f64.powf(most.log10().floor());
    let fits = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * decade).find(|top| *top >= most * 0.999_999);
    fits.unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[Option<f64>]) -> Series {
        Series { class: "one", values: values.to_vec() }
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (most, top) in [
            (0.0, 1.0),
            (0.4, 1.0),
            (1.0, 1.0),
            (1.1, 2.0),
            (2.0, 2.0),
            (3.0, 5.0),
            (7.0, 10.0),
            (10.0, 10.0),
            (1234.0, 2000.0),
        ] {
            assert!((round_up(most) - top).abs() < 1e-9, "{most}: {}", round_up(most));
        }
    }

    #[test]
    fn a_line_is_broken_by_a_gap_and_a_value_alone_is_seen() {
        let watched = [Some(0.0), Some(0.0), None, Some(0.5), Some(0.0)];
        let Picture { svg: Html(svg), top } =
            lines("a \"label\"", &watched, &[series(&[Some(0.0), Some(10.0), None, Some(5.0), None])]);
        assert!((top - 10.0).abs() < 1e-9);
        assert!(svg.contains("d=\"M5 159.0L15 4.0M30 81.5h10\""), "{svg}");
        assert!(svg.contains("<rect class=\"gap\" x=\"20\" y=\"0\" width=\"10\""), "{svg}");
        assert!(svg.contains("<rect class=\"cut\" x=\"30\" y=\"0\" width=\"10\""), "{svg}");
        assert!(svg.contains("aria-label=\"a &quot;label&quot;\""), "{svg}");
    }

    #[test]
    fn layers_stand_upon_each_other() {
        let watched = [Some(0.0), Some(0.0)];
        let other = Series { class: "two", values: vec![Some(5.0), None] };
        let Picture { svg: Html(svg), top } = stack("x", &watched, &[series(&[Some(5.0), Some(0.0)]), other]);
        assert!((top - 10.0).abs() < 1e-9);
        assert!(svg.contains("<rect class=\"one\" x=\"1\" y=\"81.5\" width=\"8\" height=\"77.5\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"two\" x=\"1\" y=\"4.0\" width=\"8\" height=\"77.5\"/>"), "{svg}");
        assert_eq!(svg.matches("<rect class=\"one\"").count(), 1, "nothing is drawn of nothing");
        let empty = [lines("", &[], &[]), stack("", &[], &[]), lines("", &watched, &[series(&[None, None])])];
        assert!(empty.iter().all(|picture| !picture.svg.0.contains("NaN") && !picture.svg.0.contains("inf")));
    }
}
