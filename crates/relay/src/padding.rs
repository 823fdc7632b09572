//! How many bytes of RTP padding make the packets of a frame equal, so that a frame is one run of a GSO send.

/// Padding spent on one packet at most to make it as long as its neighbours, bytes. Chromium's packets of a
/// frame differ by one byte; eight also joins small frames without being felt on a thin link.
const PADDING_MAX: usize = 8;

/// Bytes of padding for each of `lens` (packets of one layer in the order they leave), so that neighbours of
/// nearly the same length become equal and share a run. A packet that is shorter by more ends its run as the
/// tail and costs nothing.
pub(crate) fn equalise(lens: &[usize], paddings: &mut Vec<u8>) {
    paddings.clear();
    let mut first = 0;
    while let Some(&len) = lens.get(first) {
        let (mut shortest, mut longest) = (len, len);
        let near = lens[first..]
            .iter()
            .take_while(|&&len| {
                let (low, high) = (shortest.min(len), longest.max(len));
                let fits = high - low <= PADDING_MAX;
                if fits {
                    (shortest, longest) = (low, high);
                }
                fits
            })
            .count();
        let alike = &lens[first..first + near];
        paddings.extend(alike.iter().map(|len| (longest - len) as u8));
        // The last of the run may be shorter anyway.
        if near > 1
            && let Some(last) = paddings.last_mut()
        {
            *last = 0;
        }
        first += near;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lens: &[usize], expected: &[u8]) {
        let mut paddings = Vec::new();
        equalise(lens, &mut paddings);
        assert_eq!(paddings, expected);
    }

    #[test]
    fn chromiums_frame_gets_one_byte_on_its_shorter_packets() {
        check(&[1100, 1100, 1101, 1101], &[1, 1, 0, 0]);
    }

    #[test]
    fn an_encoder_that_fills_packets_and_leaves_a_rest_pays_nothing() {
        check(&[1200, 1200, 431], &[0, 0, 0]);
        check(&[1200, 1199], &[0, 0]);
    }

    #[test]
    fn a_parameter_set_before_a_keyframe_stays_small() {
        check(&[24, 1100, 1101], &[0, 1, 0]);
        check(&[], &[]);
    }
}
