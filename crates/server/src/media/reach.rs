//! Answers those who only ask whether their packets get here (`nhipcau doctor` on a second machine).

use super::{
    burst::{Path, Sink as _},
    worker::Worker,
};
use transport::reach;

/// Answers of one worker in a second: plenty for people who are looking for a fault, nothing for anybody else.
pub(super) const ANSWERS_MAX: u32 = 50;

impl Worker {
    /// A datagram from an address that belongs to nobody, and that names no peer.
    pub(super) fn on_stranger(&mut self, path: Path, bytes: &[u8]) {
        let answer = if self.answers_left == 0 { None } else { reach::answer(bytes, path.to.addr) };
        let Some(answer) = answer else {
            self.counts.unknown += 1;
            return;
        };
        self.answers_left -= 1;
        self.egress.socket.send(path, &answer, answer.len());
    }
}
