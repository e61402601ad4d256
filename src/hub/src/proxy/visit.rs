//! A request that was let through to a person's server. It wakes a server that sleeps, unless an open tab asks by
//! itself what it was told before.

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use hyper::{Request, Response, StatusCode};

use super::forward::Right;
use super::saves::Sent;
use super::{Head, away, gate, page, polls, refuse, to_stopped, upgrade};
use crate::app::App;
use crate::clock::now;
use crate::http::faults::Fault;
use crate::http::origin::Origin;
use crate::servers::answers::Question;
use crate::servers::saves::Save;
use crate::servers::server::Server;
use crate::servers::state::{Backend, InUse};
use crate::servers::suspension::NotWoken;

/// What a program is told that waited for a server.
const STOPPED: &str = "The server was stopped before it answered.";

/// Where a request goes, and for whom.
#[derive(Clone, Copy)]
pub struct Visit<'v> {
    /// The hub.
    pub app: &'v App,
    /// Who asks.
    pub origin: &'v Origin,
    /// The server.
    pub server: &'v Arc<Server>,
    /// Where it is reached.
    pub backend: &'v Arc<Backend>,
}

/// What is asked of it.
pub enum Asked {
    /// What a tab reads again and again.
    Again(Question),
    /// What a tab saves again and again.
    Save(Save),
    /// Everything else.
    Other,
}

impl Asked {
    /// A request is one or the other, or neither.
    pub fn of(question: Option<Question>, save: Option<Save>) -> Self {
        question.map(Self::Again).or(save.map(Self::Save)).unwrap_or(Self::Other)
    }
}

impl Visit<'_> {
    /// Answers it.
    pub async fn answer(self, asked: Asked, right: Right, request: Request<Sent>) -> Response<Body> {
        match asked {
            Asked::Again(question) => self.tell(question, right, request).await,
            Asked::Save(save) => self.save(save, right, request).await,
            Asked::Other => self.wake(right, request).await,
        }
    }

    /// Somebody waits for this: a server that sleeps is woken, and does not fall asleep meanwhile.
    async fn wake(self, right: Right, request: Request<Sent>) -> Response<Body> {
        let in_use = self.backend.enter();
        if self.backend.is_asleep() {
            // Whoever wakes it is a person, also by a read that a tab makes by itself at other times; connections come
            // back by themselves.
            if !gate::is_upgrade(&request) {
                self.backend.attend(now());
            }
            if let Err(error) = self.app.servers.wake(&self.server.id).await {
                return self.asleep(error, &request);
            }
        }
        self.forward(Some(in_use), right, request).await
    }

    /// A tab may ask this by itself: when the server sleeps, or falls asleep meanwhile, it is told what it was told
    /// last. What it was never told wakes the server.
    async fn tell(self, question: Question, right: Right, request: Request<Sent>) -> Response<Body> {
        let Some(known) = self.backend.answers.find(&question) else {
            let response = self.wake(right, request).await;
            return self.keep(question, response).await;
        };
        let asked = request.headers().clone();
        if self.backend.is_asleep() {
            return polls::told(known, &asked);
        }
        let fresh = async {
            let response = self.forward(None, right, request).await;
            self.keep(question, response).await
        };
        tokio::select! {
            biased;
            response = fresh => response,
            // It will not answer any more.
            () = polls::asleep(self.server) => polls::told(known, &asked),
        }
    }

    /// A tab may save this by itself: a server that sleeps, or falls asleep meanwhile, sleeps on where it holds the same.
    async fn save(self, save: Save, right: Right, request: Request<Sent>) -> Response<Body> {
        let saves = &self.backend.saves;
        let response = if saves.holds(&save) {
            if self.backend.is_asleep() {
                return StatusCode::NO_CONTENT.into_response();
            }
            tokio::select! {
                biased;
                response = self.forward(None, right, request) => response,
                // It will not answer any more.
                () = polls::asleep(self.server) => return StatusCode::NO_CONTENT.into_response(),
            }
        } else {
            self.wake(right, request).await
        };
        if response.status().is_success() {
            saves.keep(save);
        } else {
            saves.forget(&save.target);
        }
        response
    }

    /// Keeps what may be told again.
    async fn keep(self, question: Question, response: Response<Body>) -> Response<Body> {
        match polls::read(response, &question).await {
            Ok((response, answer)) => {
                if let Some(answer) = answer {
                    self.backend.answers.keep(question, answer);
                }
                response
            }
            Err(error) if upgrade::is_ended(&error) => self.broken(None, &Fault::NoCredentials),
            Err(error) => self.broken(None, &Fault::Silent(error.to_string().into())),
        }
    }

    async fn forward(self, in_use: Option<InUse>, right: Right, request: Request<Sent>) -> Response<Body> {
        // Only people get a page, which needs to know who asked.
        let head = gate::is_navigation(&request).then(|| Head::of(&request));
        let Self { app, origin, server, backend } = self;
        let sent = app.forwarder.forward(&app.stop, (server, backend, in_use), right, &origin.address(), request).await;
        sent.unwrap_or_else(|fault| self.broken(head, &fault))
    }

    /// It did not answer: something is wrong with it, unless it was stopped meanwhile. A `head` is that of a page.
    fn broken(self, head: Option<Head>, fault: &Fault) -> Response<Body> {
        let stopped = !self.server.snapshot().state.is_ready();
        match head {
            Some(head) if stopped => {
                to_stopped(self.app, head.uri.path_and_query().map_or("/", |target| target.as_str()))
            }
            Some(head) => page(self.app, self.origin, &head, fault),
            None if stopped => Fault::Told(StatusCode::SERVICE_UNAVAILABLE, STOPPED.into()).json(),
            None => fault.json(),
        }
    }

    /// It could not be woken: it is gone by now, or sleeps on.
    fn asleep(self, error: NotWoken, request: &Request<Sent>) -> Response<Body> {
        match error {
            NotWoken::NotRunning => away(self.app, &self.server.id, request),
            NotWoken::Failed(text) => refuse(self.app, self.origin, request, &Fault::Silent(text.into())),
        }
    }
}
