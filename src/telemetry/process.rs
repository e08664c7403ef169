//! What the system says of this process, under the names that every Prometheus client uses. Linux tells it in `/proc`; elsewhere
//! there is nothing to tell, and nothing is told.

use std::fs;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clock ticks a second in `/proc`: fixed in the kernel's interface, whatever the kernel's own is.
const TICKS: f64 = 100.0;

/// The process at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Processor time, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Memory in use.
    pub resident_bytes: u64,
    /// Address space.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open files and sockets.
    pub open_fds: u64,
    /// The most there may be.
    pub max_fds: Option<u64>,
    /// When it began, in seconds since 1970.
    pub started_at: f64,
}

impl Reading {
    /// Reads it; `None` where the system does not tell. Touches the file system.
    pub fn take() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        // The folder that is read is open meanwhile, and counts itself.
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
        let mut reading = parse(&stat, &status, &boot, &limits)?;
        reading.open_fds = u64::try_from(open_fds).ok()?;
        Some(reading)
    }

    /// Registers it.
    pub fn register(&self, registry: &mut Registry) {
        let cpu = Counter::<f64, AtomicU64>::default();
        cpu.inc_by(self.cpu_seconds);
        registry.register("process_cpu_seconds", "Seconds of processor time, user and system", cpu);
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        #[expect(clippy::cast_precision_loss, reason = "bytes and counts far below 2^53")]
        let whole = |n: u64| n as f64;
        gauge("process_resident_memory_bytes", "Bytes of memory in use", whole(self.resident_bytes));
        gauge("process_virtual_memory_bytes", "Bytes of address space", whole(self.virtual_bytes));
        gauge("process_threads", "Threads of the process", whole(self.threads));
        gauge("process_open_fds", "Open files and sockets", whole(self.open_fds));
        if let Some(max) = self.max_fds {
            gauge("process_max_fds", "The most files and sockets that may be open", whole(max));
        }
        gauge("process_start_time_seconds", "When the process began, in seconds since 1970", self.started_at);
    }
}

/// Reads `/proc/self/stat`, `/proc/self/status`, `/proc/stat` and `/proc/self/limits`.
fn parse(stat: &str, status: &str, boot: &str, limits: &str) -> Option<Reading> {
    // The second field is the program's name in brackets, which may itself hold blanks and brackets.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
    #[expect(clippy::cast_precision_loss, reason = "ticks far below 2^53")]
    let seconds = |ticks: u64| ticks as f64 / TICKS;
    Some(Reading {
        cpu_seconds: seconds(ticks(14)? + ticks(15)?),
        resident_bytes: first(status, "VmRSS:")? << 10,
        virtual_bytes: first(status, "VmSize:")? << 10,
        threads: first(status, "Threads:")?,
        open_fds: 0,
        max_fds: first(limits, "Max open files"),
        started_at: f64::from(u32::try_from(first(boot, "btime")?).ok()?) + seconds(ticks(22)?),
    })
}

/// The first number of the line that begins so.
fn first(text: &str, begin: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(begin))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_says_is_read_by_field() {
        let stat =
            "7 (fa) laj)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1000 209715200 512 18446744073709551615";
        let status = "Name:\tfalaj\nVmSize:\t  204800 kB\nVmRSS:\t    2048 kB\nThreads:\t9\n";
        let boot = "cpu  1 2 3\nbtime 1700000000\nprocesses 4\n";
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        let reading = parse(stat, status, boot, limits).unwrap();
        let expected = Reading {
            cpu_seconds: 3.0,
            resident_bytes: 2 << 20,
            virtual_bytes: 200 << 20,
            threads: 9,
            open_fds: 0,
            max_fds: Some(1024),
            started_at: 1_700_000_010.0,
        };
        assert_eq!(reading, expected);
        assert_eq!(parse("", status, boot, limits), None);
        assert_eq!(parse(stat, status, boot, "").unwrap().max_fds, None);
    }

    #[test]
    fn this_process_is_alive() {
        let reading = Reading::take().unwrap();
        assert!(reading.resident_bytes > 1 << 20 && reading.open_fds >= 3 && reading.threads >= 1, "{reading:?}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 86_400.0..=now + 1.0).contains(&reading.started_at), "{reading:?}");
    }
}
