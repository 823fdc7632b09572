//! The rungs of the ladder: what a place gets, as one number that can be said in words.

/// What leaves for a place, from nothing to everything. The numbers are those of the ladder in the users' pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rung {
    /// Nothing gets through.
    Outage = 0,
    /// Sound only.
    Audio = 1,
    /// Sound, and slides as still images when they change.
    Stills = 2,
    /// Sound and one small picture: the teacher, beside still slides, or the slides alone.
    OnePicture = 3,
    /// Sound, moving slides and a small picture of the teacher.
    SmallPictures = 4,
    /// Sound, slides and a middling picture of the teacher.
    MediumPicture = 5,
    /// Everything that is wanted.
    Full = 6,
}

impl Rung {
    /// All of them, lowest first.
    pub const ALL: [Rung; 7] = [
        Rung::Outage,
        Rung::Audio,
        Rung::Stills,
        Rung::OnePicture,
        Rung::SmallPictures,
        Rung::MediumPicture,
        Rung::Full,
    ];

    /// 0 to 6.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Why a place is not on the highest rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The link carries no more.
    Bandwidth,
    /// The link loses so much that repair takes the room.
    Loss,
    /// Nothing is heard of the place.
    Silence,
    /// A person or the organiser limited what the place may use.
    Ceiling,
    /// The connection is young: what the link carries is being found out.
    Starting,
}

impl Cause {
    /// A stable word for the protocol and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Cause::Bandwidth => "bandwidth",
            Cause::Loss => "loss",
            Cause::Silence => "silence",
            Cause::Ceiling => "ceiling",
            Cause::Starting => "starting",
        }
    }
}
