//! Stable problem codes with a sentence for people, and RFC 9457 problem details.
//!
//! The Vietnamese sentence speaks to a teacher (*thầy/cô*) and says what to do next; the English one
//! says the same. Programs match on the code and never on a sentence.

use domain::{ParseCodeError, ParseIdError, Refusal};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $vi:literal, $en:literal;)+) => {
        /// Why something was refused; the string is stable for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ProblemCode {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [ProblemCode] = &[$(ProblemCode::$name),+];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ProblemCode::$name => $code,)+ }
            }

            /// The HTTP status; for problems that only a WebSocket has, the one that fits best.
            pub const fn http_status(self) -> u16 {
                match self { $(ProblemCode::$name => $status,)+ }
            }

            /// What happened and what to do, for a teacher.
            pub const fn detail_vi(self) -> &'static str {
                match self { $(ProblemCode::$name => $vi,)+ }
            }

            /// The same in English.
            pub const fn detail_en(self) -> &'static str {
                match self { $(ProblemCode::$name => $en,)+ }
            }
        }
    };
}

problems! {
    /// No token, or not one we know.
    Unauthorized = "unauthorized", 401,
        "Đường liên kết không đúng hoặc bị thiếu một phần. Thầy/cô hãy mở lại đúng đường liên kết hoặc mã QR đã nhận, hoặc xin người tổ chức gửi lại.",
        "The link is wrong or incomplete. Open the link or QR code you were given again, or ask the organiser to send it again.";
    /// The link was revoked.
    InvitationRevoked = "invitation_revoked", 401,
        "Đường liên kết này đã bị thu hồi. Thầy/cô hãy xin người tổ chức một đường liên kết mới.",
        "This link was revoked. Ask the organiser for a new one.";
    /// The link is over.
    InvitationExpired = "invitation_expired", 401,
        "Đường liên kết này đã hết hạn. Thầy/cô hãy xin người tổ chức một đường liên kết mới.",
        "This link has expired. Ask the organiser for a new one.";
    /// The role may not do this.
    Forbidden = "forbidden", 403,
        "Đường liên kết của thầy/cô không có quyền làm việc này. Nếu cần, thầy/cô hãy nhờ người tổ chức hoặc giáo viên dạy.",
        "Your link does not allow this. If it is needed, ask the organiser or the host teacher.";
    /// No such lesson.
    LessonUnknown = "lesson_unknown", 404,
        "Không tìm thấy tiết dạy này; có thể tiết dạy đã bị xóa. Thầy/cô hãy xem lại lịch dạy hoặc hỏi người tổ chức.",
        "There is no such lesson; it may have been deleted. Look at the schedule or ask the organiser.";
    /// No such place.
    PlaceUnknown = "place_unknown", 404,
        "Không tìm thấy điểm cầu này; có thể điểm cầu đã bị xóa. Thầy/cô hãy tải lại danh sách điểm cầu.",
        "There is no such place; it may have been deleted. Reload the list of places.";
    /// No such invitation.
    InvitationUnknown = "invitation_unknown", 404,
        "Không tìm thấy lời mời này. Thầy/cô hãy tải lại danh sách lời mời.",
        "There is no such invitation. Reload the list of invitations.";
    /// No such media session.
    SessionUnknown = "session_unknown", 404,
        "Phiên truyền hình ảnh và âm thanh này không còn nữa. Thầy/cô hãy tải lại trang để kết nối lại.",
        "This media session is gone. Reload the page to connect again.";
    /// No such address.
    NotFound = "not_found", 404,
        "Không có trang nào ở địa chỉ này. Thầy/cô hãy kiểm tra lại đường liên kết.",
        "There is nothing at this address. Check the link.";
    /// The address exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405,
        "Địa chỉ này không nhận yêu cầu kiểu đó. Thầy/cô hãy tải lại trang rồi thử lại.",
        "This address does not take that kind of request. Reload the page and try again.";
    /// The lesson is over.
    LessonEnded = "lesson_ended", 409,
        "Tiết dạy đã kết thúc. Nếu cần dạy tiếp, thầy/cô hãy nhờ người tổ chức tạo tiết dạy mới.",
        "The lesson has ended. To go on teaching, ask the organiser for a new lesson.";
    /// Another host link is publishing this slot.
    SecondHost = "second_host", 409,
        "Một giáo viên dạy khác đang phát trong tiết dạy này. Thầy/cô hãy chờ người đó dừng phát, hoặc nhờ người tổ chức thu hồi đường liên kết kia.",
        "Another host teacher is publishing in this lesson. Wait until they stop, or ask the organiser to revoke the other link.";
    /// The lesson is in another state than needed.
    WrongState = "wrong_state", 409,
        "Không làm được việc này ở trạng thái hiện tại của tiết dạy. Thầy/cô hãy xem trạng thái tiết dạy trên màn hình rồi thử lại.",
        "This cannot be done in the lesson's present state. Look at the state shown and try again.";
    /// What would be made exists already.
    Conflict = "conflict", 409,
        "Có người vừa thay đổi cùng một nội dung. Thầy/cô hãy tải lại trang rồi thử lại.",
        "Somebody changed the same thing a moment ago. Reload the page and try again.";
    /// The offer cannot be read.
    SdpMalformed = "sdp_malformed", 400,
        "Máy chủ không đọc được đề nghị kết nối (SDP) của thiết bị. Thầy/cô hãy tải lại trang; nếu dùng phần mềm phát riêng, hãy kiểm tra lại cài đặt.",
        "The connection offer of the device cannot be read. Reload the page; with your own encoder, check its settings.";
    /// The offer has nothing we can carry.
    SdpUnsupported = "sdp_unsupported", 422,
        "Thiết bị không có định dạng hình ảnh và âm thanh mà hệ thống hỗ trợ (H.264 hoặc VP8, Opus). Thầy/cô hãy dùng trình duyệt mới hơn hoặc đổi cài đặt phần mềm phát.",
        "The device offers no format we carry (H.264 or VP8, Opus). Use a newer browser or change the encoder's settings.";
    /// Body or message over its limit.
    TooLarge = "too_large", 413,
        "Nội dung gửi lên quá lớn. Thầy/cô hãy rút ngắn rồi gửi lại.",
        "What was sent is too large. Shorten it and send it again.";
    /// The content type is not the one needed.
    UnsupportedMediaType = "unsupported_media_type", 415,
        "Kiểu nội dung gửi lên không đúng. Thầy/cô hãy tải lại trang; nếu dùng phần mềm phát riêng, hãy kiểm tra lại cài đặt WHIP hoặc WHEP.",
        "The content type is not the one needed. Reload the page; with your own program, check its WHIP or WHEP settings.";
    /// PATCH against another ICE session.
    EtagMismatch = "etag_mismatch", 412,
        "Kết nối đã được làm mới ở nơi khác. Thầy/cô hãy tải lại trang để kết nối lại.",
        "The connection was renewed elsewhere. Reload the page to connect again.";
    /// PATCH without `If-Match`.
    EtagMissing = "etag_missing", 428,
        "Yêu cầu cập nhật kết nối thiếu tiêu đề If-Match. Thầy/cô hãy tải lại trang; nếu dùng phần mềm riêng, hãy cập nhật phần mềm đó.",
        "The request to update the connection lacks If-Match. Reload the page; with your own program, update it.";
    /// Tried too often.
    RateLimited = "rate_limited", 429,
        "Đã thử quá nhiều lần. Thầy/cô hãy chờ một lát rồi thử lại.",
        "Tried too often. Wait a moment and try again.";
    /// JSON that is not what the request needs.
    BodyMalformed = "body_malformed", 400,
        "Nội dung gửi lên thiếu hoặc sai. Thầy/cô hãy kiểm tra các ô đã nhập rồi gửi lại.",
        "What was sent is incomplete or wrong. Check what was filled in and send it again.";
    /// Pairing code wrong or expired.
    CodeUnknown = "code_unknown", 404,
        "Mã lớp không đúng hoặc đã hết hạn. Thầy/cô hãy xem lại 6 chữ số đang hiện trên màn hình TV rồi nhập lại.",
        "The code is wrong or has expired. Look at the 6 digits on the TV now and type them again.";
    /// No such sheet.
    SheetUnknown = "sheet_unknown", 404,
        "Không tìm thấy phiếu này trên máy chủ; có thể phiếu đã bị xóa. Bản trên máy của thầy/cô, nếu có, vẫn còn nguyên.",
        "There is no such sheet on the server; it may have been deleted. The copy on your device, if there is one, is untouched.";
    /// No such form.
    FormUnknown = "form_unknown", 404,
        "Không tìm thấy mẫu phiếu này. Thầy/cô hãy tải lại danh sách mẫu phiếu.",
        "There is no such form. Reload the list of forms.";
    /// A form that cannot be used.
    FormInvalid = "form_invalid", 422,
        "Mẫu phiếu còn chỗ chưa đúng. Thầy/cô hãy xem lại chỗ được nêu trong ngoặc rồi lưu lại.",
        "The form is not right yet. Look at the place named in brackets and save it again.";
    /// A sheet, its pictures or a lesson's comments are as many as there may be.
    NotesFull = "notes_full", 413,
        "Phiếu đã đầy. Thầy/cô hãy xóa bớt ảnh hoặc dòng không cần, phần đã ghi vẫn còn nguyên.",
        "The sheet is full. Delete pictures or rows you do not need; what was written is untouched.";
    /// The group's timeline is not open to observers.
    TimelineClosed = "timeline_closed", 403,
        "Dòng thời gian chung chưa mở. Thầy/cô hãy chờ hết tiết dạy hoặc chờ người tổ chức mở.",
        "The shared timeline is not open yet. Wait for the end of the lesson, or until the organiser opens it.";
    /// Observers' sheets may not be deleted by others yet.
    NotesKept = "notes_kept", 409,
        "Chưa đến thời hạn được xóa phiếu của người dự. Đến hạn, thầy/cô hãy thử lại.",
        "Observers' sheets may not be deleted yet. Try again when their time is over.";
    /// As many connections as one lesson carries.
    LessonFull = "lesson_full", 503,
        "Tiết dạy đã đủ số người kết nối. Thầy/cô hãy thử lại sau ít phút hoặc báo người tổ chức.",
        "The lesson has as many connections as it carries. Try again in a few minutes or tell the organiser.";
    /// Another host link holds the lesson.
    NotInCharge = "not_in_charge", 409,
        "Giáo viên dạy khác đang giữ tiết dạy này. Thầy/cô hãy xin người đó bàn giao, hoặc nhờ người tổ chức chuyển quyền.",
        "Another host teacher is in charge of this lesson. Ask them to hand it over, or ask the organiser to.";
    /// The place was sent out of the lesson.
    PlaceRemoved = "place_removed", 403,
        "Điểm cầu này đã được mời ra khỏi tiết dạy. Nếu có nhầm lẫn, thầy/cô hãy báo người tổ chức.",
        "This place was removed from the lesson. If that is a mistake, tell the organiser.";
    /// The lesson is locked.
    LessonLocked = "lesson_locked", 403,
        "Lớp đang khóa, chỉ những người đã vào từ trước mới vào lại được. Thầy/cô hãy nhờ giáo viên dạy hoặc người tổ chức mở khóa.",
        "The class is locked: only those who were there before may come back. Ask the host or the organiser to unlock it.";
    /// The room was not called to speak.
    NotCalled = "not_called", 409,
        "Lớp chưa được mời phát biểu nên chưa mở được mic và camera. Thầy/cô hãy bấm Giơ tay rồi chờ giáo viên dạy mời.",
        "The class has not been called, so its microphone and camera stay closed. Raise the hand and wait for the host.";
    /// As many rooms as may speak in turn have been called.
    FloorFull = "floor_full", 409,
        "Đã có đủ hai lớp được mời phát biểu. Thầy/cô hãy dừng một lớp rồi mời lớp khác.",
        "Two classes have been called already. End one of them, then call another.";
    /// Another question is open.
    QuestionOpen = "question_open", 409,
        "Đang có một câu hỏi mở. Thầy/cô hãy đóng câu hỏi đó trước.",
        "A question is open already. Close it first.";
    /// The question takes no answers any more.
    QuestionClosed = "question_closed", 409,
        "Câu hỏi đã đóng, không nhận thêm trả lời. Thầy/cô hãy chờ câu hỏi tiếp theo.",
        "The question is closed and takes no more answers. Wait for the next one.";
    /// No such question.
    QuestionUnknown = "question_unknown", 404,
        "Không tìm thấy câu hỏi này. Thầy/cô hãy tải lại trang.",
        "There is no such question. Reload the page.";
    /// The answer or question is of another kind than needed.
    Unfit = "unfit", 422,
        "Nội dung không hợp với câu hỏi hoặc yêu cầu này. Thầy/cô hãy xem lại rồi gửi lại.",
        "This does not fit the question or request. Look at it again and send it again.";
    /// No such pupil's work.
    WorkUnknown = "work_unknown", 404,
        "Không tìm thấy bài làm này; có thể bài đã được xóa. Thầy/cô hãy tải lại danh sách.",
        "There is no such pupil's work; it may have been deleted. Reload the list.";
    /// No such still of the slides any more.
    StillUnknown = "still_unknown", 404,
        "Ảnh trang chiếu này không còn nữa. Thầy/cô đợi vài giây, ảnh mới hơn sẽ tự hiện.",
        "This still of the slides is gone; the newer one appears by itself.";
    /// The picture cannot be read.
    PictureUnreadable = "picture_unreadable", 422,
        "Máy chủ không đọc được ảnh này. Thầy/cô hãy chụp lại bài làm, hoặc chọn ảnh JPEG, PNG hay WebP.",
        "The picture cannot be read. Take it again, or choose a JPEG, PNG or WebP picture.";
    /// As many as may be kept.
    TooMany = "too_many", 409,
        "Đã đủ số lượng cho phép. Thầy/cô hãy xóa bớt rồi thử lại.",
        "There are as many as are allowed. Delete some and try again.";
    /// The QR code on the classroom's screen is too old.
    TicketUnknown = "ticket_unknown", 404,
        "Mã QR này đã hết hạn. Thầy/cô hãy quét lại mã đang hiện trên màn hình TV của lớp.",
        "This QR code has expired. Scan the one the classroom's TV shows now.";
    /// No such helper's phone.
    HelperUnknown = "helper_unknown", 404,
        "Không tìm thấy điện thoại hỗ trợ này. Thầy/cô hãy tải lại danh sách.",
        "There is no such helper's phone. Reload the list.";
    /// No such unit.
    UnitUnknown = "unit_unknown", 404,
        "Không tìm thấy đơn vị này; có thể đơn vị đã bị xóa. Thầy/cô hãy tải lại danh sách.",
        "There is no such unit; it may have been deleted. Reload the list.";
    /// A unit would be below itself.
    UnitLoop = "unit_loop", 409,
        "Một đơn vị không thể nằm trong chính nó, và không quá 16 cấp. Thầy/cô hãy chọn đơn vị cấp trên khác.",
        "A unit cannot be below itself, nor deeper than 16 levels. Choose another unit above it.";
    /// The unit is not empty.
    UnitInUse = "unit_in_use", 409,
        "Đơn vị này còn trường hoặc phòng bên trong. Thầy/cô hãy chuyển hoặc xóa chúng trước.",
        "Schools or rooms still belong to this unit. Move or delete them first.";
    /// The server is shutting down.
    Draining = "draining", 503,
        "Máy chủ đang khởi động lại. Thầy/cô không cần làm gì, trang sẽ tự kết nối lại.",
        "The server is restarting. Nothing to do: the page will connect again by itself.";
    /// The disk is full or cannot be written.
    StorageFull = "storage_full", 507,
        "Máy chủ không còn chỗ để lưu. Thầy/cô hãy báo người phụ trách kỹ thuật; tiết dạy đang phát không bị ảnh hưởng.",
        "The server has no room left to save. Tell the technician; a lesson that is live is not affected.";
    /// A player's playlist cannot hold what is published.
    CodecUnplayable = "codec_unplayable", 415,
        "Tiết dạy đang phát bằng kiểu hình mà màn hình này không mở được. Thầy/cô dùng trình duyệt khác, hoặc nối máy tính với TV bằng dây HDMI.",
        "The lesson is sent in a format this screen cannot play. Use another browser, or connect a computer to the TV's HDMI input.";
    /// A player needs AAC and the configuration names no encoder.
    AacUnavailable = "aac_unavailable", 501,
        "Màn hình này cần tiếng AAC mà máy chủ chưa có ffmpeg. Thầy/cô báo phụ trách kỹ thuật đặt segments.ffmpeg, hoặc nối máy tính với TV bằng dây HDMI.",
        "This screen needs AAC sound and the server has no ffmpeg. Ask the technician to set segments.ffmpeg, or connect a computer to the TV's HDMI input.";
    /// It came unencrypted from another machine.
    HttpsRequired = "https_required", 403,
        "Máy chủ chỉ phục vụ qua kết nối mã hóa. Thầy/cô mở địa chỉ bắt đầu bằng https://.",
        "The server speaks only over an encrypted connection. Open the address that begins with https://.";
    /// Our fault.
    Internal = "internal", 500,
        "Máy chủ gặp lỗi. Thầy/cô hãy thử lại; nếu vẫn lỗi, hãy báo người phụ trách kỹ thuật.",
        "The server failed. Try again; if it keeps failing, tell the technician.";
    /// The first WebSocket message was not `hello`, or none came in time.
    HelloFirst = "hello_first", 400,
        "Trang này chưa kết nối đúng cách với máy chủ. Thầy/cô hãy tải lại trang.",
        "The page has not introduced itself to the server. Reload the page.";
    /// A second `hello`.
    HelloTwice = "hello_twice", 400,
        "Trang này đã kết nối với máy chủ rồi. Nếu thông báo này hiện nhiều lần, thầy/cô hãy tải lại trang.",
        "The page has introduced itself already. If this appears often, reload the page.";
    /// The page speaks another version of the protocol.
    VersionUnsupported = "version_unsupported", 400,
        "Trang đang mở là phiên bản khác với máy chủ. Thầy/cô hãy tải lại trang.",
        "The open page is of another version than the server. Reload the page.";
    /// A `type` the server does not know.
    MessageUnknown = "message_unknown", 400,
        "Máy chủ không hiểu yêu cầu của trang. Thầy/cô hãy tải lại trang để dùng phiên bản mới.",
        "The server does not know this request. Reload the page to get the newest version.";
    /// A message that is not JSON, or lacks a field.
    MessageMalformed = "message_malformed", 400,
        "Máy chủ không đọc được yêu cầu của trang. Thầy/cô hãy tải lại trang.",
        "The server cannot read the page's request. Reload the page.";
    /// More messages than a page needs.
    MessageTooOften = "message_too_often", 429,
        "Trang gửi yêu cầu quá nhanh. Thầy/cô hãy chờ một lát; nếu vẫn vậy, hãy tải lại trang.",
        "The page sends requests too fast. Wait a moment; if it goes on, reload the page.";
}

impl ProblemCode {
    /// The code for a string from the wire.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == code)
    }
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&Refusal> for ProblemCode {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Forbidden { .. } => ProblemCode::Forbidden,
            Refusal::WrongState { .. } => ProblemCode::WrongState,
            Refusal::LessonEnded => ProblemCode::LessonEnded,
            Refusal::SecondHost { .. } => ProblemCode::SecondHost,
            Refusal::LessonFull { .. } => ProblemCode::LessonFull,
            Refusal::InvitationRevoked => ProblemCode::InvitationRevoked,
            Refusal::InvitationExpired => ProblemCode::InvitationExpired,
            Refusal::TextLength { .. } | Refusal::InvitationScope { .. } => ProblemCode::BodyMalformed,
            Refusal::CodeUnknown => ProblemCode::CodeUnknown,
            Refusal::NotInCharge => ProblemCode::NotInCharge,
            Refusal::PlaceRemoved => ProblemCode::PlaceRemoved,
            Refusal::LessonLocked => ProblemCode::LessonLocked,
            Refusal::PlaceUnknown => ProblemCode::PlaceUnknown,
            Refusal::NotCalled => ProblemCode::NotCalled,
            Refusal::FloorFull { .. } => ProblemCode::FloorFull,
            Refusal::QuestionOpen => ProblemCode::QuestionOpen,
            Refusal::QuestionClosed => ProblemCode::QuestionClosed,
            Refusal::QuestionUnknown => ProblemCode::QuestionUnknown,
            Refusal::Unfit { .. } => ProblemCode::Unfit,
            Refusal::WorkUnknown => ProblemCode::WorkUnknown,
            Refusal::TooMany { .. } => ProblemCode::TooMany,
            Refusal::TicketUnknown => ProblemCode::TicketUnknown,
            Refusal::UnitUnknown => ProblemCode::UnitUnknown,
            Refusal::UnitLoop => ProblemCode::UnitLoop,
            Refusal::UnitInUse => ProblemCode::UnitInUse,
            Refusal::RateLimited { .. } => ProblemCode::RateLimited,
        }
    }
}

/// `application/problem+json` (RFC 9457 section 3), with our extension members `code` and `detail_vi`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Always `about:blank`: the code says more than an address would.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words, as RFC 9457 section 4.2.1 wants it for `about:blank`.
    pub title: String,
    /// The HTTP status, repeated for programs that lost it on the way.
    pub status: u16,
    /// For programs.
    pub code: ProblemCode,
    /// For teachers.
    pub detail_vi: String,
    /// The same in English, with the technical cause where there is one.
    pub detail: String,
    /// When to try again; also the value of `Retry-After`, seconds, at least 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with its standard sentences.
    pub fn new(code: ProblemCode) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status_title(code.http_status()).to_owned(),
            status: code.http_status(),
            code,
            detail_vi: code.detail_vi().to_owned(),
            detail: code.detail_en().to_owned(),
            retry_after_s: None,
        }
    }

    /// Adds the technical cause ("line 7: …"), which must not hold a token or an address. It is appended to
    /// both sentences: a teacher can read it out to a technician.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        // Causes may quote what a client sent; nobody needs more than a line of it.
        let cause: String = cause.to_string().chars().take(300).collect();
        self.detail = format!("{} ({cause})", self.detail);
        self.detail_vi = format!("{} (Chi tiết kỹ thuật: {cause})", self.detail_vi);
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        // Rounded up: who comes back a moment early is refused again.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after_s = Some(seconds.max(1));
        self
    }
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let problem = Problem::new(refusal.into());
        match refusal {
            Refusal::TextLength { .. }
            | Refusal::InvitationScope { .. }
            | Refusal::Unfit { .. }
            | Refusal::TooMany { .. } => problem.because(refusal),
            Refusal::RateLimited { retry_after } => problem.retry_after(*retry_after),
            _ => problem,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::from(&refusal)
    }
}

impl From<ParseCodeError> for Problem {
    /// What was typed is not six digits, so no screen shows it.
    fn from(_: ParseCodeError) -> Self {
        Self::new(ProblemCode::CodeUnknown)
    }
}

impl From<ParseIdError> for Problem {
    fn from(error: ParseIdError) -> Self {
        Self::new(ProblemCode::BodyMalformed).because(error)
    }
}

/// The reason phrase of a status we use (RFC 9110 section 15, RFC 6585, RFC 4918).
fn status_title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{LessonState, Role, Slot};

    #[test]
    fn every_problem_speaks_to_a_teacher_and_says_what_to_do() {
        for &code in ProblemCode::ALL {
            let vi = code.detail_vi();
            assert!(vi.contains("hầy/cô") && vi.ends_with('.'), "{code}: {vi}");
            assert!(!vi.to_lowercase().contains("bạn"), "{code}: {vi}");
            assert!(code.detail_en().ends_with('.'), "{code}");
        }
    }

    #[test]
    fn every_problem_has_a_fitting_status_and_a_code_of_its_own() {
        for &code in ProblemCode::ALL {
            assert_eq!(ProblemCode::from_code(code.as_str()), Some(code));
            assert_eq!(serde_json::to_string(&code).ok(), Some(format!("{:?}", code.as_str())));
            let expected_unknown = code == ProblemCode::Internal;
            assert_eq!(
                status_title(code.http_status()) == "Internal Server Error",
                expected_unknown,
                "{code}"
            );
        }
    }

    #[test]
    fn every_refusal_of_the_domain_is_a_problem_of_the_same_code() {
        let refusals = [
            Refusal::Forbidden { role: Role::Place },
            Refusal::WrongState { state: LessonState::Live },
            Refusal::LessonEnded,
            Refusal::SecondHost { slot: Slot::SlidesVideo },
            Refusal::LessonFull { limit: 1 },
            Refusal::InvitationRevoked,
            Refusal::InvitationExpired,
            Refusal::TextLength { field: "title", max_chars: 200 },
            Refusal::InvitationScope { role: Role::Host, expected: "belongs to one lesson" },
            Refusal::CodeUnknown,
            Refusal::RateLimited { retry_after: Duration::from_millis(1_200) },
            Refusal::NotInCharge,
            Refusal::PlaceRemoved,
            Refusal::LessonLocked,
            Refusal::PlaceUnknown,
            Refusal::NotCalled,
            Refusal::FloorFull { limit: 2 },
            Refusal::QuestionOpen,
            Refusal::QuestionClosed,
            Refusal::QuestionUnknown,
            Refusal::Unfit { expected: "a text" },
            Refusal::WorkUnknown,
            Refusal::TooMany { what: "works", limit: 1 },
            Refusal::TicketUnknown,
            Refusal::UnitUnknown,
            Refusal::UnitLoop,
            Refusal::UnitInUse,
        ];
        for refusal in refusals {
            assert_eq!(Problem::from(&refusal).code.as_str(), refusal.code());
        }
        assert_eq!(Problem::from(refusals[10]).retry_after_s, Some(2));
        assert!(Problem::from(refusals[7]).detail.contains("title needs 1 to 200 characters"));
    }

    #[test]
    fn a_problem_is_rfc_9457_json() {
        let problem = Problem::new(ProblemCode::SdpMalformed).because("line 7: no such attribute");
        let json = serde_json::to_value(&problem).expect("it serialises");
        assert_eq!(json["type"], "about:blank");
        assert_eq!((json["title"].as_str(), json["status"].as_u64()), (Some("Bad Request"), Some(400)));
        assert_eq!(json["code"], "sdp_malformed");
        assert!(json["detail"].as_str().is_some_and(|text| text.ends_with("(line 7: no such attribute)")));
        assert!(json["detail_vi"].as_str().is_some_and(|text| text.contains("Thầy/cô")));
        assert!(json.get("retry_after_s").is_none());
    }

    #[test]
    fn the_protocol_page_lists_every_code_with_its_status() {
        let page = include_str!("../PROTOCOL.md");
        let quoted = |cell: &str| {
            cell.split('`').skip(1).step_by(2).filter_map(ProblemCode::from_code).collect::<Vec<_>>()
        };
        let mut listed: Vec<(ProblemCode, u16)> = Vec::new();
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = row.split('|').collect();
            let statuses: Vec<u16> =
                cells[2].split('/').filter_map(|status| status.trim().parse().ok()).collect();
            // One status for all codes of the row, or one for each.
            listed.extend(quoted(cells[1]).into_iter().zip(statuses.iter().copied().cycle()));
        }
        let on_websockets =
            page.lines().find(|line| line.starts_with("WebSocket only:")).expect("the line is there");
        for &code in ProblemCode::ALL {
            if !quoted(on_websockets).contains(&code) {
                assert!(
                    listed.contains(&(code, code.http_status())),
                    "{code} is not in PROTOCOL.md with its status"
                );
            }
        }
    }
}
