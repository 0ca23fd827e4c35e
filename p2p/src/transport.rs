//! How bytes leave the machine: QUIC, and TCP with Noise and Yamux; host names resolved by the system's configuration.
//!
//! Also opens the listening sockets, with an error that names the address. Not which peers may connect: see `behaviour`.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use libp2p::{
    Multiaddr, Swarm, Transport, TransportError,
    core::{
        muxing::StreamMuxerBox,
        transport::{ListenerId, timeout::TransportTimeout},
        upgrade::Version,
    },
    dns,
    identity::Keypair,
    multiaddr::Protocol,
    noise, quic,
    swarm::Config,
    tcp, yamux,
};

use crate::{
    Error,
    behaviour::Behaviour,
    distance::{self, Connections},
};

/// From the first packet to an authenticated connection, for one address that we dial.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The same of who dials us, while it takes a place that others may want. Four round trips of a slow link are below that.
const INBOUND_HANDSHAKE: Duration = Duration::from_secs(2);

/// Members stay connected whether or not they have something to say; ping and QUIC notice dead links.
const IDLE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Streams of one connection besides the direct messages: gossip, identify and ping, both ways, and those being negotiated.
const OTHER_STREAMS: u32 = 32;

/// QUIC has no reset when a process dies: the silence is what tells, after this many milliseconds.
const QUIC_IDLE_MS: u32 = 6_000;
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Bytes in flight on one QUIC stream and connection: a few of the largest messages.
const QUIC_STREAM_BYTES: u32 = 2 * 1024 * 1024;
const QUIC_CONNECTION_BYTES: u32 = 8 * 1024 * 1024;

/// Builds the swarm; nothing listens or dials yet. `in_flight` is how many direct messages may go each way on a connection.
pub(crate) fn build(
    keypair: &Keypair,
    behaviour: Behaviour,
    in_flight: usize,
    simulated_round_trip: Duration,
) -> Result<Swarm<Behaviour>, Error> {
    // Each stream may hold a window of 256 KiB that nobody has read yet, so this bounds memory too.
    let streams = u32::try_from(in_flight).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(OTHER_STREAMS);
    let transport = distance::apart(connections(keypair, streams)?, simulated_round_trip);
    let inbound = INBOUND_HANDSHAKE.saturating_add(simulated_round_trip.saturating_mul(2));
    let transport = TransportTimeout::with_ingoing_timeout(transport, inbound);
    let transport = TransportTimeout::with_outgoing_timeout(transport, HANDSHAKE).boxed();
    let config = swarm_config(Config::with_tokio_executor());
    Ok(Swarm::new(transport, behaviour, keypair.public().to_peer_id(), config))
}

/// Authenticated connections with any number of streams, over TCP and QUIC.
fn connections(keypair: &Keypair, streams: u32) -> Result<Connections, Error> {
    let failed = |error: noise::Error| Error::Protocol { protocol: "noise", why: error.to_string() };
    let mut multiplexed = yamux::Config::default();
    multiplexed.set_max_num_streams(streams as usize);
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair).map_err(failed)?)
        .multiplex(multiplexed)
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    let quic = quic::tokio::Transport::new(quic_config(quic::Config::new(keypair), streams))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    let either = tcp.or_transport(quic).map(|connection, _| connection.into_inner());
    Ok(dns::tokio::Transport::system(either).map_err(Error::Dns)?.boxed())
}

fn quic_config(mut config: quic::Config, streams: u32) -> quic::Config {
    config.handshake_timeout = HANDSHAKE;
    config.max_idle_timeout = QUIC_IDLE_MS;
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    config.max_concurrent_stream_limit = streams;
    config.max_stream_data = QUIC_STREAM_BYTES;
    config.max_connection_data = QUIC_CONNECTION_BYTES;
    config
}

/// Streams name their protocol together with their first bytes instead of a round trip earlier (V1Lazy).
fn swarm_config(config: Config) -> Config {
    config
        .with_idle_connection_timeout(IDLE)
        .with_substream_upgrade_protocol_override(Version::V1Lazy)
        .with_max_negotiating_inbound_streams(OTHER_STREAMS as usize)
}

/// Opens the socket. The swarm reports the real address later.
pub(crate) fn listen(swarm: &mut Swarm<Behaviour>, address: &Multiaddr) -> Result<ListenerId, Error> {
    let unsupported = || Error::ListenUnsupported(address.clone());
    let failed = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            Error::AddressInUse(address.clone())
        } else {
            Error::Listen { address: address.clone(), source }
        }
    };
    probe(socket_of(address).ok_or_else(unsupported)?).map_err(failed)?;
    swarm.listen_on(address.clone()).map_err(|error| match error {
        TransportError::MultiaddrNotSupported(_) => unsupported(),
        TransportError::Other(source) => failed(source),
    })
}

enum Socket {
    Tcp(SocketAddr),
    Quic(SocketAddr),
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddresses have thirty kinds of parts; these are what we listen on"
)]
fn socket_of(address: &Multiaddr) -> Option<Socket> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let socket = match (parts.next()?, parts.next()) {
        (Protocol::Tcp(port), None) => Socket::Tcp(SocketAddr::new(ip, port)),
        (Protocol::Udp(port), Some(Protocol::QuicV1)) => Socket::Quic(SocketAddr::new(ip, port)),
        _ => return None,
    };
    parts.next().is_none().then_some(socket)
}

/// Binds and lets go. libp2p listens on TCP with `SO_REUSEPORT`, with which two processes of one user share a port without an
/// error and each gets a part of the connections; the standard library binds without it.
fn probe(socket: Socket) -> io::Result<()> {
    match socket {
        Socket::Tcp(address) => TcpListener::bind(address).map(drop),
        Socket::Quic(address) => UdpSocket::bind(address).map(drop),
    }
}
