//! What the system knows of a process: its CPU time, its memory, the cores it may use.

use rustix::{io::Errno, thread::Pid};
use std::{
    io,
    process::{Child, Command},
    sync::OnceLock,
    time::Duration,
};

/// CPU time of a process since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) sys: Duration,
}

impl CpuTime {
    /// Of all threads of process `pid`, dead ones included; 10 ms steps, as the kernel shows it.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
            .ok_or_else(|| io::Error::other("/proc/<pid>/stat cannot be read"))
    }

    /// Of the threads of process `pid` whose name starts with `prefix`, those that live now.
    pub(crate) fn of_threads(pid: u32, prefix: &str) -> io::Result<Self> {
        let mut sum = Self::default();
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end while we look.
            let Ok(stat) = std::fs::read_to_string(task?.path().join("stat")) else { continue };
            let named = stat.split_once('(').is_some_and(|(_, rest)| rest.starts_with(prefix));
            if let Some(time) = parse_stat(&stat).filter(|_| named) {
                sum = Self { user: sum.user + time.user, sys: sum.sys + time.sys };
            }
        }
        Ok(sum)
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user.saturating_sub(earlier.user), sys: self.sys.saturating_sub(earlier.sys) }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.sys
    }
}

/// Fields 14 and 15, counted behind the name in parentheses, which may hold anything.
fn parse_stat(stat: &str) -> Option<CpuTime> {
    /// `USER_HZ`: 100 on every Linux.
    const TICK: Duration = Duration::from_millis(10);
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
    Some(CpuTime { user: TICK * ticks(11)?, sys: TICK * ticks(12)? })
}

/// Memory of process `pid` that is in RAM, KiB.
pub(crate) fn resident_kib(pid: u32) -> io::Result<u64> {
    std::fs::read_to_string(format!("/proc/{pid}/status"))?
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok())
        .ok_or_else(|| io::Error::other("no VmRSS in /proc/<pid>/status"))
}

/// Which cores the measured process gets, and which everybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cores {
    measured: Vec<usize>,
    others: Vec<usize>,
}

impl Cores {
    /// One core for the measured process, the rest for the others; on a single core both share it.
    pub(crate) fn split() -> Self {
        // Asked once: a thread that already keeps off the measured core would find one core fewer, and put everybody on the same.
        static COUNT: OnceLock<usize> = OnceLock::new();
        let count = *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
        Self { measured: vec![0], others: if count > 1 { (1..count).collect() } else { vec![0] } }
    }

    /// Starts a process on the measured core. The caller's thread goes there for the moment of starting, for a child inherits
    /// its place, and threads of the child then never begin elsewhere.
    pub(crate) fn spawn_measured(&self, command: &mut Command) -> io::Result<Child> {
        pin(None, &self.measured)?;
        let child = command.spawn();
        self.stay_away()?;
        child
    }

    /// Keeps this program off the measured core: the threads it has, and so those they start.
    pub(crate) fn stay_away(&self) -> io::Result<()> {
        for thread in std::fs::read_dir("/proc/self/task")? {
            let thread = thread?.file_name();
            let id = thread.to_str().and_then(|id| Pid::from_raw(id.parse().ok()?));
            match pin(id, &self.others) {
                // It has ended since.
                Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn pin(thread: Option<Pid>, cores: &[usize]) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    for &core in cores {
        set.set(core);
    }
    Ok(rustix::thread::sched_setaffinity(thread, &set)?)
}

#[cfg(not(target_os = "linux"))]
fn pin(_: Option<Pid>, _: &[usize]) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "the fan-out benchmark pins processes to cores and needs Linux",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_with_spaces_and_parentheses() {
        let stat = "77 (a) b) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 1 0";
        let expected = CpuTime { user: Duration::from_millis(1_500), sys: Duration::from_millis(250) };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("77"), None);
    }

    #[test]
    fn the_second_measurement_splits_the_machine_as_the_first_did() {
        let first = Cores::split();
        first.stay_away().unwrap();
        assert_eq!(Cores::split(), first);
    }

    #[test]
    fn our_own_process_uses_memory() {
        assert!(resident_kib(std::process::id()).unwrap() > 100);
    }
}
