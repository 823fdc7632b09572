//! Two associations back to back, for what a whole peer cannot be made to do.

use super::*;
use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "rtc-dtls counts in instants; only differences to this one matter"
)]
fn shared(client_profiles: Option<Vec<SrtpProtectionProfile>>) -> Arc<Shared> {
    let identity = Identity::generate().expect("ring makes a certificate");
    let mut dtls = DtlsConfigs::new(&identity).expect("rtc-dtls takes it");
    if let Some(profiles) = client_profiles {
        dtls.client = ConfigBuilder::default()
            .with_crypto_provider(identity.provider.clone())
            .with_certificates(vec![identity.certificate.clone()])
            .with_srtp_protection_profiles(profiles)
            .with_insecure_skip_verify(true)
            .build(true, None)
            .map(Arc::new)
            .expect("rtc-dtls takes it");
    }
    Arc::new(Shared { identity, candidates: Vec::new(), epoch: Instant::now(), dtls })
}

/// Runs a handshake; what each side ended with.
fn shake(client: Arc<Shared>, server: Arc<Shared>) -> [Option<DtlsEvent>; 2] {
    let mut now = Timestamp::ZERO;
    let mut server = Dtls::server(server, now);
    let (mut client, begun) = Dtls::client(client, now);
    assert!(begun.is_none());
    let mut events = [None, None];
    for _ in 0..20 {
        now += Duration::from_millis(1);
        while let Some(bytes) = client.poll_transmit() {
            events[1] = server.handle(now, &bytes).0.or(events[1].take());
        }
        while let Some(bytes) = server.poll_transmit() {
            events[0] = client.handle(now, &bytes).0.or(events[0].take());
        }
    }
    events
}

fn profiles(events: &[Option<DtlsEvent>; 2]) -> Vec<Option<Profile>> {
    let profile = |event: &Option<DtlsEvent>| match event {
        Some(DtlsEvent::Connected { keys, .. }) => Some(keys.profile()),
        _ => None,
    };
    events.iter().map(profile).collect()
}

#[test]
fn gcm_wins_even_when_the_client_lists_sha1_first() {
    let gcm = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
    let sha1 = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
    let events = shake(shared(Some(vec![sha1, gcm])), shared(None));
    assert_eq!(profiles(&events), [Some(Profile::Aes128Gcm); 2]);
}

#[test]
fn a_client_without_gcm_gets_sha1() {
    let events = shake(shared(Some(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])), shared(None));
    assert_eq!(profiles(&events), [Some(Profile::Aes128CmSha1_80); 2]);
    let [Some(DtlsEvent::Connected { keys: client, .. }), Some(DtlsEvent::Connected { keys: server, .. })] =
        events
    else {
        panic!("both are connected")
    };
    assert_eq!((client.local.key, client.remote.salt), (server.remote.key, server.local.salt));
}

#[test]
fn a_client_with_no_profile_of_ours_is_refused() {
    let events = shake(shared(Some(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32])), shared(None));
    assert!(matches!(events[1], Some(DtlsEvent::Ended(CloseReason::HandshakeFailed))), "{events:?}");
    let events = shake(shared(Some(Vec::new())), shared(None));
    assert!(matches!(events[1], Some(DtlsEvent::Ended(CloseReason::NoSrtp))), "{events:?}");
}

#[test]
fn a_handshake_shows_at_least_what_the_path_carries() {
    let mut now = Timestamp::ZERO;
    let mut server = Dtls::server(shared(None), now);
    let (mut client, _) = Dtls::client(shared(None), now);
    for _ in 0..5 {
        now += Duration::from_millis(60);
        while let Some(bytes) = client.poll_transmit() {
            server.handle(now, &bytes);
        }
        now += Duration::from_millis(60);
        while let Some(bytes) = server.poll_transmit() {
            client.handle(now, &bytes);
        }
    }
    let shown = server.shown().expect("the client answered");
    assert_eq!(shown.within, Duration::from_millis(120));
    assert_eq!(server.answered(), Some(Duration::from_millis(120)));
    assert!((500..3_000).contains(&shown.bytes), "a flight with a certificate: {}", shown.bytes);
}

#[test]
fn a_flight_that_had_to_be_sent_again_shows_no_rate_but_still_how_far_the_other_side_is_at_most() {
    let mut now = Timestamp::ZERO;
    let mut server = Dtls::server(shared(None), now);
    let (mut client, _) = Dtls::client(shared(None), now);
    for _ in 0..30 {
        now += Duration::from_millis(400);
        while let Some(bytes) = client.poll_transmit() {
            server.handle(now, &bytes);
        }
        // Every flight of the server is sent twice before an answer comes.
        let first: Vec<_> = std::iter::from_fn(|| server.poll_transmit()).collect();
        now += Duration::from_millis(400);
        server.handle_timeout(now);
        let again: Vec<_> = std::iter::from_fn(|| server.poll_transmit()).collect();
        for bytes in first.iter().chain(&again) {
            client.handle(now, bytes);
        }
        client.handle_timeout(now);
    }
    assert_eq!(server.shown(), None);
    // 400 ms until it was sent again, 400 ms until the answer to either.
    assert_eq!(server.answered(), Some(Duration::from_millis(800)));
}
