//! AAC for players that know no Opus: one ffmpeg for each lesson that needs it, started by us.

use bytes::{Bytes, BytesMut};
use domain::{Layer, Slot, Timestamp};
use segments::{MediaTime, Segmenter};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};
use tracing::{info, warn};

/// Chunks of voice that may wait for ffmpeg: six seconds. Full: it has hung, and another one is started.
const WAITING_MAX: usize = 40;
/// A new one is started this long after one has ended.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Encoded frames that may wait to be taken: the hub looks at every packet.
const ENCODED_MAX: usize = 2_048;
/// Longest ADTS frame: 13 bits of length.
const FRAME_MAX: usize = 8_191;

/// Where an encoder's sound began, and frames of it.
type Encoded = Vec<(MediaTime, Vec<Bytes>)>;

/// Runs ffmpeg for one lesson and starts it again when it ends.
pub(super) struct Encoder {
    ffmpeg: Arc<PathBuf>,
    running: Option<Running>,
    ended_at: Option<Timestamp>,
    encoded: Arc<Mutex<Encoded>>,
}

struct Running {
    input: mpsc::Sender<Bytes>,
    next_chunk: u64,
    init: u32,
}

impl Encoder {
    pub(super) fn new(ffmpeg: Arc<PathBuf>) -> Self {
        Self { ffmpeg, running: None, ended_at: None, encoded: Arc::default() }
    }

    /// Gives the encoder the voice that has come.
    pub(super) fn feed(&mut self, now: Timestamp, lesson: &Segmenter) {
        let Some(lane) = lesson.lane(Slot::ProgramAudio, Layer::High) else { return };
        if self.running.is_none() {
            let resting = self.ended_at.is_some_and(|at| now.saturating_since(at) < AGAIN_AFTER);
            let Some(first) = lane.newest().filter(|_| !resting) else { return };
            // full: see below; the encoder is given up.
            let (input, chunks) = mpsc::channel(WAITING_MAX);
            match start(&self.ffmpeg) {
                Ok(child) => {
                    tokio::spawn(run(child, chunks, first.begin, Arc::clone(&self.encoded)));
                }
                Err(error) => {
                    warn!(
                        %error,
                        "cannot start {}: {error}; players that need AAC stay without sound until segments.ffmpeg names a program that works",
                        self.ffmpeg.display()
                    );
                    self.ended_at = Some(now);
                    return;
                }
            }
            // There is room: the channel is new.
            let _ = input.try_send(first.init.bytes.clone());
            self.running = Some(Running { input, next_chunk: first.number, init: first.init.number });
        }
        let Some(running) = &mut self.running else { return };
        let mut broken = false;
        while let Some(chunk) = lane.get(running.next_chunk) {
            // Another initialisation segment means another stream: the encoder begins anew.
            broken |=
                chunk.init.number != running.init || running.input.try_send(chunk.bytes.clone()).is_err();
            running.next_chunk += 1;
        }
        // What came while we were not looking is gone.
        broken |= running.next_chunk < lane.next_number() && lane.get(running.next_chunk).is_none();
        if broken {
            self.running = None;
            self.ended_at = Some(now);
        }
    }

    /// What has been encoded since the last time.
    pub(super) fn take(&mut self) -> Encoded {
        std::mem::take(&mut self.encoded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn start(ffmpeg: &Path) -> std::io::Result<Child> {
    Command::new(ffmpeg)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-fflags", "nobuffer", "-probesize", "4096"])
        .args([
            "-analyzeduration",
            "0",
            "-f",
            "matroska",
            "-i",
            "pipe:0",
            "-vn",
            "-af",
            "aresample=async=1000",
        ])
        .args([
            "-c:a",
            "aac",
            "-b:a",
            "64k",
            "-ar",
            "48000",
            "-ac",
            "2",
            "-f",
            "adts",
            "-flush_packets",
            "1",
            "pipe:1",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Feeds one ffmpeg until the lesson needs it no more, and collects what it makes.
async fn run(
    mut child: Child,
    mut chunks: mpsc::Receiver<Bytes>,
    from: MediaTime,
    encoded: Arc<Mutex<Encoded>>,
) {
    let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return;
    };
    info!("ffmpeg makes AAC for players without Opus");
    let write = async move {
        while let Some(chunk) = chunks.recv().await {
            if stdin.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    let read = async {
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        while stdout.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
            let frames = adts_frames(&mut buffer);
            let mut encoded = encoded.lock().unwrap_or_else(PoisonError::into_inner);
            // full: nobody has looked for minutes.
            if encoded.iter().map(|(_, frames)| frames.len()).sum::<usize>() < ENCODED_MAX {
                encoded.push((from, frames));
            }
        }
    };
    let complain = async {
        let mut last = String::new();
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            last = line;
        }
        last
    };
    tokio::select! {
        () = write => {}
        ((), last) = async { tokio::join!(read, complain) } => {
            let last: String = last.chars().take(300).collect();
            warn!("ffmpeg ended, it is started again while a player needs it; it said last: {last}");
        }
    }
    // Whoever wrote has stopped: the lesson needs it no more.
    let _ = child.kill().await;
}

/// Takes whole frames off the front (ISO/IEC 14496-3 section 1.A.2.2); bytes before a frame's beginning are left out.
fn adts_frames(buffer: &mut BytesMut) -> Vec<Bytes> {
    let mut frames = Vec::new();
    loop {
        let start = buffer.windows(2).position(|pair| pair[0] == 0xff && pair[1] & 0xf6 == 0xf0);
        let Some(start) = start else {
            if buffer.len() > FRAME_MAX {
                buffer.clear();
            }
            return frames;
        };
        drop(buffer.split_to(start));
        let Some(&[_, _, _, b3, b4, b5]) = buffer.first_chunk::<6>() else { return frames };
        let len = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
        if len < 7 {
            drop(buffer.split_to(2));
            continue;
        }
        if buffer.len() < len {
            return frames;
        }
        frames.push(buffer.split_to(len).freeze());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(len: u16, fill: u8) -> Vec<u8> {
        let mut frame =
            vec![0xff, 0xf1, 0x4c, 0x80 | (len >> 11) as u8, (len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc];
        frame.resize(usize::from(len), fill);
        frame
    }

    #[test]
    fn frames_are_found_wherever_the_pipe_cut_them_and_after_rubbish() {
        let (first, second) = (frame(200, 1), frame(2_100, 2));
        let stream = [&[1, 2, 0xff, 3][..], &first, &second].concat();
        for cut in [1, 5, 7, 100, 1_000] {
            let mut buffer = BytesMut::new();
            let mut frames = Vec::new();
            for piece in stream.chunks(cut) {
                buffer.extend_from_slice(piece);
                frames.extend(adts_frames(&mut buffer));
            }
            assert_eq!(frames, [first.clone(), second.clone()], "cut every {cut} bytes");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error_with_its_reason() {
        let error = start(Path::new("/no/such/ffmpeg")).expect_err("it is not there");
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}
