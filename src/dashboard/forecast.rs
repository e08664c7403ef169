//! When what waits for an agency now will be through, at the pace of the last minutes; and how sure that is.
//!
//! What waits is done in order, so what comes meanwhile does not matter to it. The pace is the mean of the minutes that were watched;
//! its uncertainty is twice its standard error, of the minutes' spread or of mere chance, whichever is larger.

use std::time::Duration;

/// Minutes that must have been watched.
const MINUTES_MIN: usize = 3;
/// Of a minute, how many seconds must have been watched for it to count.
const SECONDS_MIN: u32 = 30;
/// Farther than this nobody looks.
const FAR: Duration = Duration::from_secs(365 * 86_400);

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forecast {
    /// Nothing waits.
    Nothing,
    /// Nothing left in the last minutes.
    Still,
    /// Too little is known.
    Unknown,
    /// It will take about so long.
    About {
        /// At the mean pace.
        about: Duration,
        /// At the least.
        low: Duration,
        /// At the most; `None` where the pace varies too much to say.
        high: Option<Duration>,
    },
}

/// Looks ahead. `minutes` are the seconds watched and the deliveries ended of each.
pub(super) fn forecast(waiting: u64, minutes: &[(u32, u64)]) -> Forecast {
    if waiting == 0 {
        return Forecast::Nothing;
    }
    let watched = minutes.iter().filter(|(seconds, _)| *seconds >= SECONDS_MIN);
    let paces: Vec<f64> = watched.map(|(seconds, ended)| *ended as f64 * 60.0 / f64::from(*seconds)).collect();
    if paces.len() < MINUTES_MIN {
        return Forecast::Unknown;
    }
    let count = paces.len() as f64;
    let sum: f64 = paces.iter().sum();
    let mean = sum / count;
    if mean <= 0.0 {
        return Forecast::Still;
    }
    let variance = paces.iter().map(|pace| (pace - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // Counts of chance vary by their root, also where these few did not.
    let error = 2.0 * (variance / count).sqrt().max(sum.sqrt() / count);
    let at = |pace: f64| Duration::try_from_secs_f64(waiting as f64 / pace * 60.0).map_or(FAR, |time| time.min(FAR));
    Forecast::About { about: at(mean), low: at(mean + error), high: (mean > error).then(|| at(mean - error)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn a_steady_pace_is_foretold_closely() {
        let steady = [(60, 1000); 15];
        let Forecast::About { about, low, high } = forecast(60_000, &steady) else { panic!("foretold") };
        assert_eq!(about, minutes(60));
        assert!(low > minutes(58) && low < about, "{low:?}");
        assert!(high.unwrap() < minutes(62) && high.unwrap() > about, "{high:?}");
    }

    #[test]
    fn a_pace_that_jumps_says_so() {
        let mut jumps = [(60, 0); 15];
        jumps[3] = (60, 150);
        assert!(matches!(forecast(100, &jumps), Forecast::About { high: None, .. }));
        let mut half = [(60, 10); 15];
        half[0] = (20, 900);
        let Forecast::About { about, .. } = forecast(100, &half) else { panic!("foretold") };
        assert_eq!(about, minutes(10), "a minute that was hardly watched is passed over");
    }

    #[test]
    fn what_cannot_be_known_is_not_guessed() {
        assert_eq!(forecast(0, &[(60, 5); 9]), Forecast::Nothing);
        assert_eq!(forecast(7, &[(60, 0); 9]), Forecast::Still);
        assert_eq!(forecast(7, &[(60, 5); 2]), Forecast::Unknown);
        assert_eq!(forecast(7, &[(10, 5); 9]), Forecast::Unknown);
        assert!(matches!(forecast(u64::MAX, &[(60, 1); 9]), Forecast::About { about, .. } if about == FAR));
    }
}
