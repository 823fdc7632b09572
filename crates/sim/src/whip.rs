//! The HTTP side of WHIP (RFC 9725) and WHEP: offer, answer, end of session; and the few calls of the organiser's API we need.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Where a server is and who asks.
#[derive(Debug, Clone)]
pub struct Door {
    http: reqwest::Client,
    /// `http://host:port`, without a slash at the end.
    base: String,
    token: String,
}

/// What the server granted for an offer.
#[derive(Debug)]
pub struct Granted {
    /// The answer.
    pub sdp: String,
    /// Address of the session; DELETE ends it.
    pub location: String,
}

/// Why the server gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The server was not reached, or broke off.
    #[error("the server does not answer: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// The server said no; `code` is one of PROTOCOL.md.
    #[error("the server refuses with {status} {code}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code for programs.
        code: String,
        /// A sentence for a person.
        detail: String,
    },
    /// A 201 without a Location header: not WHIP.
    #[error("the server's 201 answer has no Location header")]
    NoLocation,
}

impl DoorError {
    /// Asking again cannot help: the link, the lesson or the offer is wrong.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NoLocation)
            || matches!(self, Self::Refused { status: 400..=499, code, .. }
                if !matches!(code.as_str(), "rate_limited" | "wrong_state" | "second_host"))
    }
}

#[derive(Deserialize, Default)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

/// An invitation as the organiser's API answers it.
#[derive(Debug, Deserialize)]
pub struct Invitation {
    /// Names it, to revoke it.
    pub id: String,
    /// The link, shown this once: `{base}/{page}#t={token}`.
    pub url: String,
}

impl Invitation {
    /// The token inside the link.
    pub fn token(&self) -> Option<&str> {
        token_of(&self.url)
    }
}

/// The token of a link `{base}/{page}#t={token}`; a bare token is taken as it is.
pub fn token_of(link: &str) -> Option<&str> {
    match link.split_once("#t=") {
        Some((_, token)) => (!token.is_empty()).then_some(token),
        None => (!link.is_empty() && !link.contains('/')).then_some(link),
    }
}

impl Door {
    /// A door of the server at `base` (`http://host:port`) for the holder of `token`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(base: &str, token: &str) -> Result<Self, DoorError> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(15)).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// The same server with another token; connections are shared.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// Offers to publish into `lesson`.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn publish(&self, lesson: &str, offer: String) -> Result<Granted, DoorError> {
        self.offer(&format!("{}/whip/{lesson}", self.base), offer).await
    }

    /// Offers to play `lesson`.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn play(&self, lesson: &str, offer: String) -> Result<Granted, DoorError> {
        self.offer(&format!("{}/whep/{lesson}", self.base), offer).await
    }

    async fn offer(&self, url: &str, offer: String) -> Result<Granted, DoorError> {
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header("content-type", "application/sdp")
            .body(offer);
        let response = refused(request.send().await?).await?;
        let location = response
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok())
            .and_then(|relative| response.url().join(relative).ok())
            .ok_or(DoorError::NoLocation)?
            .to_string();
        Ok(Granted { sdp: response.text().await?, location })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or does not know the session any more.
    pub async fn end(&self, location: &str) -> Result<(), DoorError> {
        refused(self.http.delete(location).bearer_auth(&self.token).send().await?).await?;
        Ok(())
    }

    /// A new invitation of `lesson` for `role` (`host` or `observer`); the token of this door must be an organiser's.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn invite(&self, lesson: &str, role: &str, label: &str) -> Result<Invitation, DoorError> {
        self.call(
            &format!("/api/lessons/{lesson}/invitations"),
            &serde_json::json!({ "role": role, "label": label }),
        )
        .await
    }

    /// Revokes an invitation: whoever used it is shut out within a second.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn revoke(&self, invitation: &str) -> Result<(), DoorError> {
        let url = format!("{}/api/invitations/{invitation}", self.base);
        refused(self.http.delete(url).bearer_auth(&self.token).send().await?).await?;
        Ok(())
    }

    /// A new lesson; the token of this door must be an organiser's.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn create_lesson(&self, title: &str) -> Result<String, DoorError> {
        #[derive(Deserialize)]
        struct Lesson {
            id: String,
        }
        let lesson: Lesson = self.call("/api/lessons", &serde_json::json!({ "title": title })).await?;
        Ok(lesson.id)
    }

    /// The text of `/metrics`.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn metrics(&self) -> Result<String, DoorError> {
        let response = refused(self.http.get(format!("{}/metrics", self.base)).send().await?).await?;
        Ok(response.text().await?)
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, DoorError> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token);
        Ok(refused(request.send().await?).await?.json().await?)
    }

    /// Posts a text of some type; the answer is JSON.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn post_text<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<T, DoorError> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("content-type", content_type).body(body);
        Ok(refused(request.send().await?).await?.json().await?)
    }

    /// Posts JSON; the answer is JSON.
    ///
    /// # Errors
    /// [`DoorError`] when the server is not reached or refuses.
    pub async fn call<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, DoorError> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(body);
        Ok(refused(request.send().await?).await?.json().await?)
    }
}

/// Passes a good response on; turns RFC 9457 problem details into [`DoorError::Refused`].
async fn refused(response: reqwest::Response) -> Result<reqwest::Response, DoorError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let problem: Problem = response.json().await.unwrap_or_default();
    Err(DoorError::Refused { status: status.as_u16(), code: problem.code, detail: problem.detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_a_link_or_taken_bare() {
        assert_eq!(token_of("http://[::1]:8080/du-gio#t=abc"), Some("abc"));
        assert_eq!(token_of("abc"), Some("abc"));
        assert_eq!(token_of("http://[::1]:8080/du-gio"), None);
        assert_eq!(token_of(""), None);
    }

    #[test]
    fn a_wrong_link_is_final_and_a_busy_server_is_not() {
        let refused =
            |status, code: &str| DoorError::Refused { status, code: code.into(), detail: String::new() };
        assert!(refused(401, "unauthorized").is_final() && refused(404, "lesson_unknown").is_final());
        assert!(!refused(503, "draining").is_final() && !refused(429, "rate_limited").is_final());
    }
}
