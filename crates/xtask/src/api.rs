//! The few calls to the relay's HTTP API that a demonstration needs (`crates/signalling/PROTOCOL.md`).

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A caller with one token.
pub(crate) struct Api {
    base: String,
    token: String,
}

impl Api {
    /// From a link `{base}/{page}#t={token}`.
    pub(crate) fn from_link(link: &str) -> Result<Self> {
        let (page, token) = link.split_once("#t=").context("the link has no token")?;
        let (base, _) = page.rsplit_once('/').context("the link has no page")?;
        Ok(Self { base: base.to_owned(), token: token.trim().to_owned() })
    }

    /// The same caller, reaching the server at `host` instead of the name in the link: links it is given back
    /// carry that host.
    pub(crate) fn at_host(&self, host: &str) -> Self {
        let port = self.base.rsplit_once(':').map_or("", |(_, port)| port);
        Self { base: format!("http://{host}:{port}"), token: self.token.clone() }
    }

    /// The token this caller shows.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The server's base address, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let mut response = ureq::post(&url)
            .header("Authorization", &format!("Bearer {}", self.token))
            .send_json(body)
            .with_context(|| format!("POST {path}"))?;
        response.body_mut().read_json().with_context(|| format!("POST {path} did not answer with JSON"))
    }

    /// Creates a lesson and gives its id.
    pub(crate) fn create_lesson(&self, title: &str, host_place: &str) -> Result<String> {
        text(&self.post("/api/lessons", &json!({ "title": title, "host_place": host_place }))?, "id")
    }

    /// Creates a place and gives its permanent link.
    pub(crate) fn create_place(&self, name: &str) -> Result<String> {
        text(&self.post("/api/places", &json!({ "name": name }))?, "url")
    }

    /// Creates an invitation of `role` and gives its link.
    pub(crate) fn invite(&self, lesson: &str, role: &str, label: &str) -> Result<String> {
        let path = format!("/api/lessons/{lesson}/invitations");
        text(&self.post(&path, &json!({ "role": role, "label": label }))?, "url")
    }
}

fn text(answer: &Value, key: &str) -> Result<String> {
    let found = answer.get(key).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the answer has no {key:?}"))?.to_owned())
}
