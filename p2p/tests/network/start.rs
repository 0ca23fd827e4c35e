//! What cannot work is said at the start, with the address that is at fault.

use guardian_p2p::{Config, Error, Network};

use crate::committee::{QUIC, TCP, config, identity, start};

async fn refused(config: Config) -> Error {
    match Network::start(config, identity(1)).await {
        Ok(_) => panic!("it has started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    for listen in [TCP, QUIC] {
        let first = start(2, config(listen, vec![])).await;
        let taken = first.network.listen_addresses().remove(0);
        let error = refused(config(&taken.to_string(), vec![])).await;
        assert!(matches!(&error, Error::AddressInUse(address) if *address == taken), "{error:?}");
        assert!(error.to_string().contains(&taken.to_string()));
    }
}

#[tokio::test]
async fn an_address_of_another_machine_is_named() {
    // TEST-NET-1 (RFC 5737): nobody's.
    let listen = "/ip4/192.0.2.1/tcp/0";
    let error = refused(config(listen, vec![])).await;
    assert!(matches!(&error, Error::Listen { address, .. } if address.to_string() == listen), "{error:?}");
}

#[tokio::test]
async fn a_transport_that_is_not_spoken_is_named() {
    for listen in ["/ip4/127.0.0.1/udp/0", "/dns4/localhost/tcp/0", "/ip4/127.0.0.1/tcp/0/ws", "/memory/1"] {
        let error = refused(config(listen, vec![])).await;
        assert!(matches!(&error, Error::ListenUnsupported(address) if address.to_string() == listen), "{error:?}");
    }
}

#[tokio::test]
async fn every_listening_address_is_shown_with_its_port() {
    let listen = vec![TCP.parse().unwrap(), QUIC.parse().unwrap()];
    let node = start(1, Config { listen, ..Config::default() }).await;
    let shown: Vec<String> = node.network.listen_addresses().iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 2);
    assert!(shown.iter().all(|address| !address.contains("/0")), "{shown:?}");
}
