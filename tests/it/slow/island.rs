//! A file system of its own on a loop device, with a switch that cuts its power.
//!
//! The switch is ext4's shutdown call without a journal flush: from then on nothing reaches the image any more, and what had not
//! been synced is gone. Mounted again, the journal is replayed, as after a real cut. This needs root, loop devices and e2fsprogs;
//! where they are missing the tests fail and say so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bus::Folder;

/// The image is sparse: this is what the bus believes to have, above its floor of free space.
const IMAGE_BYTES: u64 = 2 << 30;
/// How long an unmount may be busy with a process that is just ending.
const UNMOUNT: Duration = Duration::from_secs(10);
/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`. The file is opened before, so that the cut itself takes no time.
const CUT: &str = "
import fcntl, os, struct, sys
island = os.open(sys.argv[1], os.O_RDONLY)
print('armed', flush=True)
sys.stdin.readline()
fcntl.ioctl(island, 0x8004587D, struct.pack('I', 2))
";

/// A mounted file system; dropping it unmounts it, busy or not.
#[derive(Debug)]
pub struct Island {
    folder: Folder,
}

impl Island {
    /// Makes an ext4 file system in a file, and mounts it.
    pub fn new() -> Self {
        let island = Self { folder: Folder::new("island") };
        std::fs::create_dir(island.path()).expect("the folder is writable");
        let image = std::fs::File::create(island.image()).expect("the folder is writable");
        image.set_len(IMAGE_BYTES).expect("a sparse file");
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(island.image()).env("PATH", path()));
        island.mount();
        island
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount(&self) {
        run(Command::new("mount").arg("-o").arg("loop").arg(self.image()).arg(self.path()).env("PATH", path()));
    }

    /// Holds a switch ready.
    pub fn arm(&self) -> Switch {
        Switch::new(&self.path())
    }

    /// Unmounts what was cut and mounts it again. Nobody may have it open any more.
    pub fn mount_again(&self) {
        let begun = Instant::now();
        loop {
            let output = Command::new("umount").arg(self.path()).env("PATH", path()).output().expect("umount runs");
            if output.status.success() {
                break;
            }
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(begun.elapsed() < UNMOUNT, "cannot unmount {}: {says}", self.path().display());
            std::thread::yield_now();
        }
        self.mount();
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        // Lazily: a test that fails may leave a process behind that is just being killed.
        let _not_mounted = Command::new("umount").arg("-l").arg(self.path()).env("PATH", path()).output();
    }
}

/// A switch that was opened beforehand.
#[derive(Debug)]
pub struct Switch(Child);

impl Switch {
    fn new(island: &Path) -> Self {
        let mut child = Command::new("python3")
            .args(["-I", "-S", "-c", CUT])
            .arg(island)
            .env("PATH", path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("python3 speaks");
        assert_eq!(line.trim_end(), "armed");
        Self(child)
    }

    /// Cuts the power, now.
    pub fn cut(mut self) {
        self.0.stdin.take().expect("piped").write_all(b"\n").expect("python3 listens");
        let status = self.0.wait().expect("it is our child");
        assert!(status.success(), "the shutdown call of ext4 failed; it needs root and Linux 5.0");
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// The system's own tools first: mkfs and mount are missing from some paths, and python3 is a slow wrapper on others.
fn path() -> String {
    format!("/usr/sbin:/usr/bin:/sbin:/bin:{}", std::env::var("PATH").unwrap_or_default())
}

fn run(command: &mut Command) {
    let what = format!("{command:?}");
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}; install e2fsprogs and mount"));
    assert!(
        output.status.success(),
        "{what}: {}\nPower cuts need root and loop devices: run as root, or leave them out with tests/run --fast.",
        String::from_utf8_lossy(&output.stderr)
    );
}
