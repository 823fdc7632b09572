//! Offers of real clients, and of every legal shape: what the relay answers. The `.sdp` files were captured from Chromium 156, Firefox ESR
//! 153 and ffmpeg 9.0.2; OBS's and `GStreamer`'s are written after theirs.

mod support;

use domain::{Codec, Layer, Slot, Timestamp};
use std::io::Cursor;
use support::{endpoint, secrets};
use transport::{Direction, Negotiated, OfferError};

fn answer(offer: &str, direction: Direction) -> Result<(Negotiated, String), OfferError> {
    let (peer, answer) = endpoint().answer(offer, direction, &secrets(1), Timestamp::ZERO)?;
    let negotiated = peer.negotiated().clone();
    // An independent reader takes it, section for section.
    let read =
        rtc_sdp::description::session::SessionDescription::unmarshal(&mut Cursor::new(answer.as_bytes()))
            .unwrap_or_else(|error| panic!("{error}\n{answer}"));
    let offered = offer.lines().filter(|line| line.starts_with("m=")).count();
    assert_eq!(read.media_descriptions.len(), offered);
    Ok((negotiated, answer))
}

fn accepted(offer: &str, direction: Direction) -> (Negotiated, String) {
    answer(offer, direction).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(offer: &str, direction: Direction) -> OfferError {
    match answer(offer, direction) {
        Ok((_, answer)) => panic!("it was answered:\n{answer}"),
        Err(error) => error,
    }
}

fn slots(negotiated: &Negotiated) -> Vec<Slot> {
    negotiated.sections.iter().map(|section| section.slot).collect()
}

/// The lines of the `n`-th section.
fn section(sdp: &str, n: usize) -> Vec<&str> {
    let mut sections = sdp.split("m=").skip(1);
    sections.nth(n).map(|section| section.lines().collect()).unwrap_or_default()
}

const CHROMIUM_PUBLISH: &str = include_str!("fixtures/chromium-publish.sdp");
const CHROMIUM_PUBLISH_H264: &str = include_str!("fixtures/chromium-publish-h264.sdp");
const CHROMIUM_PLAY: &str = include_str!("fixtures/chromium-play.sdp");
const FIREFOX_PUBLISH: &str = include_str!("fixtures/firefox-publish.sdp");
const FIREFOX_PLAY: &str = include_str!("fixtures/firefox-play.sdp");
const FFMPEG: &str = include_str!("fixtures/ffmpeg-publish.sdp");
const FFMPEG_ACTIVE: &str = include_str!("fixtures/ffmpeg-active-publish.sdp");
const OBS: &str = include_str!("fixtures/obs-publish.sdp");
const GSTREAMER: &str = include_str!("fixtures/gstreamer-publish.sdp");

#[test]
fn a_teachers_chromium_sends_three_layers_slides_and_a_voice_with_red() {
    let (negotiated, answer) = accepted(CHROMIUM_PUBLISH, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramAudio, Slot::ProgramVideo, Slot::SlidesVideo]);
    let camera = negotiated.section(Slot::ProgramVideo).expect("taken");
    let rids: Vec<_> = camera.rids.iter().map(|(rid, layer)| (rid.as_str(), *layer)).collect();
    assert_eq!(rids, [("q", Layer::Low), ("h", Layer::Mid), ("f", Layer::High)]);
    let codecs: Vec<_> = camera.codecs.iter().map(|codec| codec.codec).collect();
    assert_eq!(codecs, [Codec::Vp8, Codec::H264]);
    assert!(camera.codecs.iter().all(|codec| codec.rtx_payload_type.is_some()));
    assert!(
        camera.feedback.nack
            && camera.feedback.pli
            && camera.feedback.fir
            && camera.feedback.remb
            && camera.feedback.transport_cc
    );
    assert!(
        camera.extensions.mid.is_some()
            && camera.extensions.rid.is_some()
            && camera.extensions.repaired_rid.is_some()
    );
    let lines = section(&answer, 1);
    for expected in [
        "a=rid:q recv",
        "a=rid:h recv",
        "a=rid:f recv",
        "a=simulcast:recv q;h;f",
        "a=recvonly",
        "a=setup:passive",
        "a=rtcp-mux",
    ] {
        assert!(lines.contains(&expected), "{expected} in {lines:#?}");
    }
    let voice = negotiated.section(Slot::ProgramAudio).expect("taken");
    let red = voice.red.expect("Chromium offers RED");
    assert!(
        section(&answer, 0)[0].ends_with(&format!(" {red} {}", voice.codecs[0].payload_type)),
        "RED is preferred"
    );
    let slides = negotiated.section(Slot::SlidesVideo).expect("taken");
    assert!(slides.rids.is_empty());
    assert_eq!(slides.sources.len(), 1, "a plain stream announces its SSRC");
    assert!(slides.sources[0].rtx.is_some());
}

#[test]
fn the_codec_a_browser_puts_first_stays_first_unless_the_relay_prefers_another() {
    let first = |offer, prefer| {
        let direction = Direction::Publish { first_slot: Slot::ProgramVideo, prefer };
        accepted(offer, direction).0.section(Slot::ProgramVideo).map(|section| section.codecs[0].codec)
    };
    assert_eq!(first(CHROMIUM_PUBLISH, None), Some(Codec::Vp8));
    assert_eq!(first(CHROMIUM_PUBLISH_H264, None), Some(Codec::H264));
    assert_eq!(first(CHROMIUM_PUBLISH, Some(Codec::H264)), Some(Codec::H264));
    assert_eq!(first(CHROMIUM_PUBLISH_H264, Some(Codec::Vp8)), Some(Codec::Vp8));
}

#[test]
fn constrained_baseline_is_chosen_among_many_profiles() {
    let (negotiated, answer) = accepted(CHROMIUM_PUBLISH_H264, Direction::PUBLISH);
    let chosen =
        negotiated.section(Slot::ProgramVideo).and_then(|section| section.codec(Codec::H264)).expect("taken");
    let line = format!(
        "a=fmtp:{} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        chosen.payload_type
    );
    assert!(answer.lines().any(|found| found == line), "{line}");
}

#[test]
fn an_encoder_may_fill_the_slides_instead() {
    let direction = Direction::Publish { first_slot: Slot::SlidesVideo, prefer: None };
    assert_eq!(slots(&accepted(OBS, direction).0), [Slot::ExtraAudio, Slot::SlidesVideo]);
}

#[test]
fn a_classrooms_chromium_gets_five_streams_that_never_change() {
    let (negotiated, answer) = accepted(CHROMIUM_PLAY, Direction::Play);
    assert_eq!(slots(&negotiated).len(), 5);
    let streams: Vec<_> = negotiated.sections.iter().filter_map(|section| section.send).collect();
    let mut ssrcs: Vec<_> =
        streams.iter().flat_map(|streams| [Some(streams.ssrc), streams.rtx_ssrc]).flatten().collect();
    assert_eq!(ssrcs.len(), 8, "two voices, three pictures with repair");
    let mut places: Vec<_> = streams
        .iter()
        .flat_map(|streams| [Some(streams.stream), streams.rtx_stream])
        .flatten()
        .map(|at| at.0)
        .collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7]);
    ssrcs.sort_unstable();
    ssrcs.dedup();
    assert_eq!(ssrcs.len(), 8);
    for (n, section_of) in negotiated.sections.iter().enumerate() {
        let lines = section(&answer, n);
        let streams = section_of.send.expect("played");
        assert!(lines.contains(&"a=sendonly"));
        assert!(
            lines.contains(&format!("a=ssrc:{} cname:{}", streams.ssrc, negotiated.cname).as_str()),
            "{lines:#?}"
        );
        if let Some(rtx) = streams.rtx_ssrc {
            assert!(lines.contains(&format!("a=ssrc-group:FID {} {rtx}", streams.ssrc).as_str()));
        } else {
            assert!(lines.contains(&"a=rtcp-fb:111 nack"), "voices are repaired too");
        }
    }
    let stream_of = |slot| {
        let at = negotiated.sections.iter().position(|section| section.slot == slot).expect("taken");
        section(&answer, at)
            .into_iter()
            .find_map(|line| line.strip_prefix("a=msid:")?.split(' ').next())
            .map(ToOwned::to_owned)
    };
    assert_eq!(
        stream_of(Slot::ProgramAudio),
        stream_of(Slot::ProgramVideo),
        "the voice is in step with the picture"
    );
    assert_eq!(answer.matches("a=candidate:").count(), 1, "candidates are in the tagged section only");
}

#[test]
fn firefox_is_understood_both_ways() {
    let (negotiated, answer) = accepted(FIREFOX_PUBLISH, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramAudio, Slot::ProgramVideo]);
    assert_eq!(negotiated.sections[1].rids.len(), 3);
    assert_eq!(negotiated.sections[1].codecs[0].codec, Codec::Vp8);
    assert_eq!(negotiated.sections[0].red, None, "it has no RED");
    assert!(answer.contains("a=simulcast:recv q;h;f"));
    let (negotiated, _) = accepted(FIREFOX_PLAY, Direction::Play);
    assert_eq!(slots(&negotiated).len(), 5);
}

#[test]
fn ffmpeg_gets_the_dtls_role_it_asks_for() {
    let (negotiated, answer) = accepted(FFMPEG, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramAudio, Slot::ProgramVideo]);
    assert!(section(&answer, 0).contains(&"a=setup:active"));
    let video = &negotiated.sections[1];
    assert_eq!((video.sources[0].media, video.sources[0].rtx), (1_600_911_413, Some(1_600_911_414)));
    assert!(video.feedback.nack && !video.feedback.pli && !video.feedback.transport_cc);
    assert_eq!(video.extensions.mid, None);
    let (_, answer) = accepted(FFMPEG_ACTIVE, Direction::PUBLISH);
    assert!(section(&answer, 0).contains(&"a=setup:passive"));
}

#[test]
fn obs_keeps_its_stereo_and_its_session_level_transport() {
    let (negotiated, answer) = accepted(OBS, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramAudio, Slot::ProgramVideo]);
    let fmtp = "a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1";
    assert!(section(&answer, 0).contains(&fmtp), "{answer}");
    assert_eq!(negotiated.sections[1].sources[0].rtx, None);
}

#[test]
fn gstreamer_may_bundle_video_first_and_audio_without_a_port() {
    let (negotiated, answer) = accepted(GSTREAMER, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramVideo, Slot::ProgramAudio]);
    assert!(answer.contains("a=group:BUNDLE video0 audio1\r\n"));
    assert!(!answer.contains("ulpfec"), "what we do not carry is not answered");
}

#[test]
fn what_we_cannot_carry_is_refused_section_by_section() {
    let extra = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:9\r\na=sctp-port:5000\r\n";
    let offer = OBS.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 9 1 0") + extra;
    let (negotiated, answer) = accepted(&offer, Direction::PUBLISH);
    assert_eq!(negotiated.sections.len(), 2);
    assert!(answer.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(answer.contains("a=group:BUNDLE 1 0\r\n"), "{answer}");
    assert!(
        section(&answer, 1).iter().any(|line| line.starts_with("a=candidate")),
        "the first accepted mid of the group is the tagged one"
    );
}

#[test]
fn one_m_line_needs_neither_bundle_nor_mid() {
    let audio: String = OBS
        .split("m=video")
        .next()
        .expect("audio comes first")
        .replace("a=group:BUNDLE 0 1", "a=x")
        .replace("a=mid:0\n", "");
    let (negotiated, answer) = accepted(&audio, Direction::PUBLISH);
    assert_eq!(slots(&negotiated), [Slot::ProgramAudio]);
    assert!(!answer.contains("BUNDLE") && !answer.contains("a=mid"));
}

#[test]
fn refusals_have_a_stable_code_and_say_where() {
    let check = |offer: &str, direction, code: &str, words: &str| {
        let error = refused(offer, direction);
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error} should say {words:?}");
    };
    let publish = Direction::PUBLISH;
    check("", publish, "sdp_malformed", "empty");
    check("hello", publish, "sdp_malformed", "line 1");
    check("v=0\r\n", publish, "sdp_malformed", "no m-line");
    check(&OBS.replace("m=audio 9", "m=audio nine"), publish, "sdp_malformed", "line 13");
    check(&OBS.replace("a=mid:1", "a=mid:0"), publish, "sdp_malformed", "a=mid:0");
    check(
        &OBS.replace("a=ice-pwd:SuZzsiNcEyXdZaaGzKEKHd", "a=ice-pwd:short"),
        publish,
        "sdp_malformed",
        "line 9",
    );
    check(&OBS.replace("a=ice-ufrag:jkQ8\n", ""), publish, "sdp_malformed", "a=ice-ufrag");
    check(
        &OBS.replace("a=fingerprint:sha-256", "a=fingerprint:sha-1"),
        publish,
        "sdp_unsupported",
        "fingerprint",
    );
    check(&OBS.replace("a=rtcp-mux\n", ""), publish, "sdp_unsupported", "rtcp-mux");
    check(&OBS.replace("a=group:BUNDLE 0 1\n", ""), publish, "sdp_unsupported", "BUNDLE");
    check(
        &OBS.replace("OPUS", "PCMU").replace("H264", "VP9"),
        publish,
        "sdp_unsupported",
        "section 0 (audio): no opus",
    );
    check(&OBS.replace("s=-\n", "s=-\na=ice-lite\n"), publish, "sdp_unsupported", "ICE-lite");
    check(OBS, Direction::Play, "sdp_unsupported", "must receive");
    check(CHROMIUM_PLAY, publish, "sdp_unsupported", "must send");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a bomb is measured by the time it takes")]
fn sdp_bombs_are_refused_at_once() {
    let started = std::time::Instant::now();
    let many: String = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".repeat(10_000);
    assert_eq!(refused(&format!("v=0\r\n{many}"), Direction::PUBLISH).code(), "sdp_malformed");
    let long = format!("{OBS}a=x:{}\r\n", "y".repeat(1 << 20));
    assert_eq!(refused(&long, Direction::PUBLISH).code(), "sdp_malformed");
    let formats = "96 ".repeat(20_000);
    let lines = "a=rtpmap:96 VP8/90000\r\n".repeat(100);
    let _ = answer(&format!("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF {formats}\r\n{lines}"), Direction::PUBLISH);
    let ssrcs = (0..3_000).fold(String::new(), |lines, ssrc| {
        lines
            + &format!(
                "a=ssrc:{ssrc} cname:x
"
            )
    });
    let (negotiated, _) = accepted(&format!("{OBS}{ssrcs}"), Direction::PUBLISH);
    assert_eq!(negotiated.sections[1].sources.len(), 1);
    let twice = CHROMIUM_PUBLISH.replace("a=rid:h send", "a=rid:q send");
    assert_eq!(refused(&twice, Direction::PUBLISH).code(), "sdp_malformed");
    let again = CHROMIUM_PUBLISH.replace("a=simulcast:send q;h;f", "a=simulcast:send q;q;f");
    assert_eq!(refused(&again, Direction::PUBLISH).code(), "sdp_malformed");
    let bundle = (0..9_000).fold(String::new(), |mids, mid| mids + &format!(" {mid}"));
    let _ =
        answer(&OBS.replace("a=group:BUNDLE 0 1", &format!("a=group:BUNDLE{bundle}")), Direction::PUBLISH);
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
}

proptest::proptest! {
    /// Real offers with lines cut, doubled, swapped or spoilt: an answer or an error with a code, never a panic.
    #[test]
    fn a_spoilt_offer_is_answered_or_refused(
        which in 0usize..5, cuts in proptest::collection::vec((0usize..600, 0u8..4, ".{0,12}"), 1..8)
    ) {
        let whole = [CHROMIUM_PUBLISH, CHROMIUM_PLAY, FIREFOX_PUBLISH, FFMPEG, GSTREAMER][which];
        let mut lines: Vec<String> = whole.lines().map(ToOwned::to_owned).collect();
        for (at, what, text) in cuts {
            let at = at % lines.len();
            match what {
                0 => { lines.remove(at); }
                1 => lines.insert(at, lines[at].clone()),
                2 => lines[at].push_str(&text),
                _ => lines[at] = lines[at].chars().take(3).chain(text.chars()).collect(),
            }
            if lines.is_empty() { break; }
        }
        let offer = lines.join("\r\n");
        for direction in [Direction::PUBLISH, Direction::Play] {
            if let Err(error) = endpoint().answer(&offer, direction, &secrets(1), Timestamp::ZERO) {
                proptest::prop_assert!(["sdp_malformed", "sdp_unsupported"].contains(&error.code()));
            }
        }
    }
}
