//! Processor time of this process, as the kernel counts it.

use std::time::Duration;

/// The kernel's unit in `/proc`: `USER_HZ`, 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads so far; `None` where there is no `/proc`.
pub fn used() -> Option<Duration> {
    parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Time used since `before` for each of so many things, in microseconds.
pub fn since(before: Option<Duration>, things: u64) -> Option<f64> {
    let used = used()?.checked_sub(before?)?;
    (things > 0).then(|| used.as_secs_f64() * 1e6 / things as f64)
}

/// `pid (name) state ...`: user and system time are the 14th and 15th field; the name may contain anything.
fn parse(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_confuses_nobody() {
        let stat = "4711 (fa) 1 2 (laj) S 1 4711 4711 0 -1 4194560 1 0 0 0 123 77 0 0 20 0 3 0 1 1 1";
        assert_eq!(parse(stat), Some(Duration::from_secs(2)));
        assert_eq!(parse("nothing"), None);
    }
}
