//! The links people get: `{base}/{page}#t={token}`.

use crate::token::Token;
use domain::Role;
use std::net::SocketAddr;

/// The page a role's link opens.
pub(crate) fn page_of(role: Role) -> &'static str {
    match role {
        Role::Host => "day",
        Role::Organiser => "to-chuc",
        Role::Observer => "du-gio",
        Role::Place => "diem-cau",
        Role::Helper => "phong",
    }
}

/// The link that makes its holder `role`. The token is in the fragment: browsers never send it, so it
/// reaches neither access logs nor `Referer`.
pub(crate) fn link(base: &str, role: Role, token: &Token) -> String {
    format!("{base}/{}#t={}", page_of(role), token.reveal())
}

/// The link on a classroom's screen by which a helper's phone comes in.
pub(crate) fn ticket(base: &str, ticket: &Token) -> String {
    format!("{base}/{}#m={}", page_of(Role::Helper), ticket.reveal())
}

/// The base of a link printed at the start, when nothing is configured: browsers give camera and
/// microphone only to `https` and to this machine itself, so a wildcard address is called `localhost`.
pub(crate) fn local_base(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        format!("http://localhost:{}", listen.port())
    } else {
        format!("http://{listen}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_the_page_of_its_role_with_the_token_in_the_fragment() {
        let token = Token::random();
        let made = link("https://cau.example.vn", Role::Place, &token);
        assert_eq!(made, format!("https://cau.example.vn/diem-cau#t={}", token.reveal()));
    }

    #[test]
    fn a_server_on_every_address_prints_a_link_in_which_the_camera_works() {
        assert_eq!(local_base(SocketAddr::from(([0, 0, 0, 0], 7443))), "http://localhost:7443");
        assert_eq!(local_base(SocketAddr::from(([10, 0, 0, 2], 80))), "http://10.0.0.2:80");
    }
}
