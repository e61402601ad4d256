//! A person's server for the tests: tells what reached it, streams, and switches protocols.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderValue, SET_COOKIE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;

use crate::kernel;

type Body = BoxBody<Bytes, hyper::Error>;

/// `reached` counts the requests, but for the hub's own first one.
pub async fn serve(socket: PathBuf, reached: Arc<AtomicU32>) {
    serve_freezable(socket, reached, Standing::default()).await;
}

/// Whether a server stands still, and how often somebody wanted something of it then.
#[derive(Clone, Default)]
pub struct Standing {
    pub still: watch::Sender<bool>,
    pub wanted: Arc<AtomicU32>,
}

/// As [`serve`]; while it stands still, nothing is read or answered.
pub async fn serve_freezable(socket: PathBuf, reached: Arc<AtomicU32>, standing: Standing) {
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let reached = Arc::clone(&reached);
        connections.spawn(speak(Freezable { stream, standing: standing.clone(), waiting: None }, reached));
    }
}

pub async fn serve_tcp(listener: TcpListener) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(speak(stream, Arc::default()));
    }
}

/// A connection of a process that may be frozen: what is sent to it waits in the kernel meanwhile.
struct Freezable {
    stream: UnixStream,
    standing: Standing,
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Freezable {
    fn poll_running(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(waiting) = &mut self.waiting {
                std::task::ready!(waiting.as_mut().poll(context));
                self.waiting = None;
            }
            if !*self.standing.still.borrow() {
                return Poll::Ready(());
            }
            self.standing.wanted.fetch_add(1, Ordering::Relaxed);
            let mut still = self.standing.still.subscribe();
            self.waiting = Some(Box::pin(async move {
                let _ = still.wait_for(|still| !still).await;
            }));
        }
    }
}

impl AsyncRead for Freezable {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        std::task::ready!(this.poll_running(cx));
        Pin::new(&mut this.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Freezable {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        std::task::ready!(this.poll_running(cx));
        Pin::new(&mut this.stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, reached: Arc<AtomicU32>) {
    let service = service_fn(|request: Request<Incoming>| {
        if request.headers().get("host").is_some_and(|host| host != "localhost") {
            reached.fetch_add(1, Ordering::Relaxed);
        }
        async { Ok::<_, Infallible>(answer(request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

/// What the servers of a person tell of their kernels, as long as the tests run.
static KERNELS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// From now on the servers of that person tell this of their kernels; until then that there is one, which rests.
pub fn kernels(user: &str, json: &str) {
    KERNELS.lock().unwrap().insert(user.to_owned(), json.to_owned());
}

/// Whether a kernel computes, as the field `computes` of what is told of it says.
fn computes(user: &str, kernel: &str) -> bool {
    let told = KERNELS.lock().unwrap().get(user).cloned().unwrap_or_default();
    let kernels: Vec<Value> = serde_json::from_str(&told).unwrap();
    let kernel = kernels.iter().find(|told| told["id"] == kernel);
    kernel.unwrap()["computes"] == true
}

fn switched(protocol: &'static str) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    response.headers_mut().insert("upgrade", HeaderValue::from_static(protocol));
    response
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()
}

async fn answer(mut request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let (_, what) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
    let (user, what) = what.split_once('/').unwrap_or(("", what));
    if let Some(kernel) = what.strip_prefix("api/kernels/").and_then(|rest| rest.strip_suffix("/channels")) {
        kernel::speak(request, computes(user, kernel));
        return switched("websocket");
    }
    match what {
        "api/terminals" => Response::new(full("[]".into())),
        "upgrade" => {
            let upgraded = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut stream = TokioIo::new(upgraded.await.unwrap());
                let mut bytes = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    stream.write_all(&bytes[..count]).await.unwrap();
                }
            });
            switched("websocket")
        }
        "events" => {
            let ticks = stream::unfold(0_u32, |number| async move {
                if number > 0 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let frame = Frame::data(Bytes::from(format!("data: {number}\n\n")));
                Some((Ok::<_, hyper::Error>(frame), number + 1))
            });
            let mut response = Response::new(BodyExt::boxed(StreamBody::new(ticks)));
            response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
            response
        }
        "api/kernels" => {
            // What JupyterLab asks again and again.
            let told = KERNELS.lock().unwrap().get(user).cloned();
            let told = told.unwrap_or_else(|| format!("[{{\"id\": \"{}\"}}]", request.uri()));
            let mut response = Response::new(full(told));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response.headers_mut().insert("etag", HeaderValue::from_static("\"one\""));
            response
        }
        "api/contents/" => {
            let folder = request.uri().query().is_some_and(|query| query.contains("folder"));
            let kind = if folder { "directory" } else { "notebook" };
            let mut response = Response::new(full(format!("{{\"type\": \"{kind}\", \"uri\": \"{}\"}}", request.uri())));
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
        "length" => {
            let bytes = request.into_body().collect().await.unwrap().to_bytes();
            Response::new(full(bytes.len().to_string()))
        }
        "never" => std::future::pending().await,
        "empty" => {
            let mut response = Response::new(full(String::new()));
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        "refuse" => {
            let mut response = Response::new(full(String::new()));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
        "singleuser-cookies" => {
            let mut response = Response::new(full("ok".into()));
            for value in [
                "jupyterhub-hub-login=evil; Path=/hub/",
                "jupyterhub-user-alice=a; Path=/user/alice/",
                "_xsrf=2|own; Path=/user/alice/",
            ] {
                response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(value));
            }
            response
        }
        "cookies" => {
            let mut response = Response::new(full("ok".into()));
            for value in ["jupyterhub-hub-login=evil; Path=/hub/", "_xsrf=2|own; Path=/user/alice/"] {
                response.headers_mut().append(SET_COOKIE, HeaderValue::from_static(value));
            }
            response.headers_mut().insert("keep-alive", HeaderValue::from_static("timeout=5"));
            response
        }
        _ => {
            let mut seen = format!("{} {}\n", request.method(), request.uri());
            for (name, value) in request.headers() {
                seen.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
            }
            Response::new(full(seen))
        }
    }
}
