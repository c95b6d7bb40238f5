//! The server: a simulator on a loopback port, for other processes and the `aws` command.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::front::{Body, Simulator};
use super::world::World;

/// How long requests under way may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Takes a loopback port: the wanted one, or else the one that this world was served on last, or else any. The port is
/// remembered in the world.
///
/// # Errors
///
/// `InvalidInput` for an address that is not loopback; an error of the system when the wanted port cannot be had.
pub async fn bind(world: &World, wanted: Option<SocketAddr>) -> io::Result<TcpListener> {
    let loopback = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = match wanted {
        Some(address) if !address.ip().is_loopback() => {
            let message =
                format!("{address} is not a loopback address; a simulator is served on none other");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Some(address) => TcpListener::bind(address).await?,
        None => {
            let last = world.read(|state| state.port).unwrap_or(0);
            match TcpListener::bind(loopback(last)).await {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind(loopback(0)).await?,
            }
        }
    };
    let port = listener.local_addr()?.port();
    world
        .change(|state| {
            state.port = Some(port);
            Ok(())
        })
        .map_err(io::Error::other)?;
    Ok(listener)
}

/// Serves until `stop` ends, and then lets the requests under way end.
///
/// # Errors
///
/// `InvalidInput` for a listener that is not on loopback, or an error of the system when the listener fails.
pub async fn serve(
    simulator: Simulator,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let message = format!("{address} is not a loopback address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    simulator.world().set_endpoint(&format!("http://{address}"));
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(simulator.clone(), stream, stopped.clone()));
                }
                Err(error) if is_passing(&error) => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            },
        }
    }
    drop(listener);
    // Nobody listens when there are no connections, which is no error.
    let _ = stopping.send(true);
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} })
        .await;
    Ok(())
}

/// Tells whether a failed accept says nothing about the listener: the peer has gone, or files are short for a moment.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
    let kinds = [ConnectionAborted, ConnectionReset, Interrupted, WouldBlock];
    // EMFILE and ENFILE have no kind of their own.
    kinds.contains(&error.kind()) || matches!(error.raw_os_error(), Some(23 | 24))
}

/// Serves one connection. A lost reply ends it without a word, as a broken network would.
async fn converse(simulator: Simulator, stream: TcpStream, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let simulator = simulator.clone();
        async move { simulator.handle(request.map(Body::from)).await }
    });
    let _ = stream.set_nodelay(true);
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        result = connection.as_mut() => Some(result),
        _ = stopped.changed() => None,
    };
    let result = match ended {
        Some(result) => result,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
