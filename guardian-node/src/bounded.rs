//! A listener for pages that anybody who may connect can ask for: no more connections at once than a few, and none for long. File
//! descriptors are shared with the network and the store.

use axum::serve::Listener;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Connections at once: a few scrapers, and people.
const MOST: usize = 64;
/// How long one connection lasts. A scraper connects again.
const LIFE: Duration = Duration::from_secs(60);

/// A TCP listener with these bounds.
pub(crate) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    life: Duration,
}

/// A connection that ends in time.
pub(crate) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _room: OwnedSemaphorePermit,
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self::with(listener, MOST, LIFE)
    }

    fn with(listener: TcpListener, most: usize, life: Duration) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(most)), life }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // Others wait in the system's queue. The semaphore is never closed.
            let Ok(room) = Arc::clone(&self.room).acquire_owned().await else { std::future::pending().await };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let end = Box::pin(sleep_until(Instant::now() + self.life));
                    return (Connection { stream, end, _room: room }, peer);
                }
                // Such as no file descriptors left.
                Err(error) => {
                    tracing::debug!(%error, "a connection for a page was not accepted");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    /// Whether its time is over; if not, it is woken when it is.
    fn is_over(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.end.as_mut().poll(context).is_ready() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_over(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, routing::get};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn serve(most: usize, life: Duration) -> SocketAddr {
        let listener = Bounded::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), most, life);
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "page" }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn who_says_nothing_is_let_go_and_makes_room() {
        // Two that hold everything, and one that is served after all.
        let address = serve(2, Duration::from_millis(300)).await;
        let mut silent = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        silent[1].write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        third.read_to_string(&mut said).await.unwrap();
        assert!(said.ends_with("page"), "{said}");
        for connection in &mut silent {
            // Closed by the other side, with or without an answer.
            connection.read_to_end(&mut Vec::new()).await.ok();
        }
    }
}
