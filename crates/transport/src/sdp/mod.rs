//! SDP: reading offers of every legal shape, writing our answers, and RFC 8840 fragments.

mod answer;
mod fragment;
mod lines;
mod negotiate;
mod negotiated;
mod offer;

pub(crate) use answer::write_answer;
pub(crate) use fragment::Fragment;
pub(crate) use negotiate::{Agreed, negotiate, negotiate_answer};
pub use negotiated::{
    Direction, ExtensionIds, Negotiated, NegotiatedCodec, NegotiatedFeedback, Section, SendStreams,
    SourceSsrcs,
};
pub(crate) use offer::{Credentials, Offer, SetUp};

/// Longest SDP that is read.
pub const MAX_SDP_BYTES: usize = 64 * 1024;
/// Most m-lines of an offer.
pub const MAX_SECTIONS: usize = 32;

/// Why an offer was refused. [`code`](Self::code) is stable, the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It cannot be read: `sdp_malformed`.
    #[error("{0}")]
    Malformed(String),
    /// It holds nothing we can carry, or something we cannot do: `sdp_unsupported`.
    #[error("{0}")]
    Unsupported(String),
}

impl OfferError {
    /// Stable code, as in the protocol's table of problems.
    pub fn code(&self) -> &'static str {
        match self {
            OfferError::Malformed(_) => "sdp_malformed",
            OfferError::Unsupported(_) => "sdp_unsupported",
        }
    }
}

/// Why a fragment (RFC 8840) was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// It cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The peer is closed.
    #[error("the session is over")]
    Closed,
}
