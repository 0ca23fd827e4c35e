//! An HTTP server that says what a closure tells it to, and remembers what it was asked.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header},
    serve::Listener,
};
use futures::StreamExt;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use url::Url;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Said,
}

/// A body.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    Whole(Vec<u8>),
    /// Announces more bytes than come.
    Truncated(Vec<u8>),
    /// Comes, and then never ends.
    Hanging(Vec<u8>),
    /// Comes whole, head and all, only after this long.
    Late(Vec<u8>, Duration),
    /// Comes, head and all, only when the test has added a permit for it.
    Held(Vec<u8>, Arc<Semaphore>),
    /// Repeats for ever.
    Endless(Vec<u8>),
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: Said::Whole(body.into()) }
    }

    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", body)
    }

    pub(crate) fn saying(self, body: Said) -> Self {
        Self { body, ..self }
    }
}

impl Asked {
    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// A running server; stops when dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        Self::serve(listener, url, answer)
    }

    /// The same on a listener of the caller's, which is at `url`.
    pub(super) fn serve<L: Listener>(
        listener: L,
        url: Url,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
                let asked = Asked {
                    method: head.method.to_string(),
                    target: head.uri.to_string(),
                    headers: head.headers,
                    body: body.to_vec(),
                };
                log.lock().unwrap().push(asked.clone());
                let reply = answer(&asked);
                if let Said::Held(_, released) = &reply.body {
                    released.acquire().await.unwrap().forget();
                }
                if let Said::Late(_, delay) = reply.body {
                    tokio::time::sleep(delay).await;
                }
                respond(reply)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked, task }
    }

    /// What was asked so far, as `METHOD target`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|asked| format!("{} {}", asked.method, asked.target)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn respond(reply: Reply) -> Response<Body> {
    let pieces = |bytes: Vec<u8>| futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]);
    let broken = || std::io::Error::other("broken off");
    let body = match reply.body {
        Said::Whole(bytes) | Said::Late(bytes, _) | Said::Held(bytes, _) => Body::from(bytes),
        Said::Truncated(bytes) => {
            // The pause lets the first piece out before the connection is torn down.
            let failure = futures::stream::once(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(broken())
            });
            Body::from_stream(pieces(bytes).chain(failure))
        }
        Said::Hanging(bytes) => Body::from_stream(pieces(bytes).chain(futures::stream::pending())),
        Said::Endless(bytes) => {
            Body::from_stream(futures::stream::repeat_with(move || Ok::<_, std::io::Error>(Bytes::from(bytes.clone()))))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(header::HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    response
}
