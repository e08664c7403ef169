//! Memory of a process, as the kernel counts it.

use serde::Serialize;

const MIB: f64 = 1024.0;

/// What a process holds, in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Memory {
    /// Resident now.
    pub rss_mib: f64,
    /// The most that was resident at once, so far.
    pub peak_mib: f64,
}

/// Memory of a process; `None` where there is no `/proc`, or no such process.
pub fn of(pid: u32) -> Option<Memory> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// Lines such as `VmRSS:     12345 kB`.
fn parse(status: &str) -> Option<Memory> {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kib| kib / MIB)
    };
    Some(Memory { rss_mib: value("VmRSS")?, peak_mib: value("VmHWM")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let status =
            "Name:\tfalaj VmRSS: 1 kB\nVmPeak:\t  999999 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\nThreads:\t4\n";
        assert_eq!(parse(status), Some(Memory { rss_mib: 2.0, peak_mib: 4.0 }));
        assert_eq!(parse("Name:\tzombie\n"), None);
        let own = of(std::process::id()).expect("every Linux has /proc");
        assert!(own.rss_mib > 1.0 && own.peak_mib >= own.rss_mib, "{own:?}");
    }
}
