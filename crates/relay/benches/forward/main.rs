//! What forwarding costs beyond the kernel: a packet of the host's, planned, rewritten and sealed for every classroom.
//!
//! `cargo bench -p relay` takes the time. `--instructions FRAMES` runs so many frames once, for a tool that counts instructions
//! inside [`counted_frames`] (`cargo xtask instructions`), and prints how many packets they were.

mod lesson;

use divan::{Bencher, counter::ItemsCount};
use lesson::Lesson;

/// Enough that their state does not stay in the first-level cache.
const CLASSROOMS: usize = 200;
/// Under a machine that is simulated instruction by instruction a handshake takes long; the cost of a packet is the same.
const CLASSROOMS_COUNTED: usize = 20;

#[expect(clippy::print_stdout, reason = "a benchmark's result")]
fn main() {
    let mut args = std::env::args().skip_while(|arg| arg != "--instructions").skip(1);
    let Some(frames) = args.next() else { return divan::main() };
    let frames = frames.parse().expect("--instructions takes a number of frames");
    let mut lesson = Lesson::new(CLASSROOMS_COUNTED);
    println!("{}", counted_frames(&mut lesson, frames));
}

#[inline(never)]
fn counted_frames(lesson: &mut Lesson, frames: u64) -> u64 {
    (0..frames).map(|_| lesson.frame()).sum()
}

#[divan::bench]
fn frame_to_200_classrooms(bencher: Bencher<'_, '_>) {
    let mut lesson = Lesson::new(CLASSROOMS);
    // Nine in ten frames come with one or two packets of voice: the first is as good as any to say how many packets that is.
    let packets = lesson.frame();
    bencher.counter(ItemsCount::new(packets)).bench_local(|| lesson.frame());
}
