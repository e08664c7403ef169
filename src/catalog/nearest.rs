//! "Did you mean ...?": the nearest of a set of names, for hints.

/// The longest name that is compared; a longer one has no near neighbour.
const NAME_CHARS_MAX: usize = 128;

/// The candidate nearest to a name by edit distance (a swap of neighbours counts once), if one is near enough to be meant:
/// at most a third of the name, and at least one character of it, may differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(NAME_CHARS_MAX + 1).collect();
    if name.len() > NAME_CHARS_MAX {
        return None;
    }
    let allowed = (name.len() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(name.len()) <= allowed)
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The hint that names the nearest candidate, or lists them all where they are few, or says `otherwise`.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone, otherwise: &str) -> String {
    const LISTED_MAX: usize = 12;
    if let Some(nearest) = nearest(name, candidates.clone()) {
        return format!("Did you mean \"{nearest}\"?");
    }
    let few: Vec<&str> = candidates.into_iter().take(LISTED_MAX + 1).collect();
    if few.is_empty() || few.len() > LISTED_MAX {
        return otherwise.to_owned();
    }
    format!("One of: {}.", few.join(", "))
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let names = ["timeout", "transport", "url", "in_flight"];
        for (name, near) in [
            ("timeuot", Some("timeout")),
            ("tranport", Some("transport")),
            ("ur", Some("url")),
            ("inflight", Some("in_flight")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), near, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(4000), names), None);
        assert_eq!(hint("colour", names, "-"), "One of: timeout, transport, url, in_flight.");
        assert_eq!(hint("colour", ["a"; 40], "-"), "-");
    }
}
