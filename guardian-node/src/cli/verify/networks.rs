//! Public networks, as far as voluntary exits and deposits depend on them. From their published configurations (github.com/eth-clients).

use alloy_primitives::{B256, b256};
use clap::ValueEnum;

/// A network of Ethereum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Network {
    Mainnet,
    Hoodi,
    Holesky,
    Sepolia,
}

impl Network {
    /// `CAPELLA_FORK_VERSION`, under which all exits are signed since Deneb (EIP-7044).
    pub(super) const fn capella_version(self) -> [u8; 4] {
        match self {
            Self::Mainnet => [0x03, 0, 0, 0],
            Self::Hoodi => [0x40, 0x00, 0x09, 0x10],
            Self::Holesky => [0x04, 0x01, 0x70, 0x00],
            Self::Sepolia => [0x90, 0x00, 0x00, 0x72],
        }
    }

    /// `GENESIS_FORK_VERSION`, for which deposits are signed.
    pub(super) const fn genesis_fork_version(self) -> [u8; 4] {
        match self {
            Self::Mainnet => [0; 4],
            Self::Hoodi => [0x10, 0x00, 0x09, 0x10],
            Self::Holesky => [0x01, 0x01, 0x70, 0x00],
            Self::Sepolia => [0x90, 0x00, 0x00, 0x69],
        }
    }

    /// `genesis_validators_root`.
    pub(super) const fn genesis_validators_root(self) -> B256 {
        match self {
            Self::Mainnet => b256!("4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
            Self::Hoodi => b256!("212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f"),
            Self::Holesky => b256!("9143aa7c615a7f7115e2b6aac319c03529df8242ae705fba9df39b79c59fa8b1"),
            Self::Sepolia => b256!("d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guardian_crypto::bls::exit::ExitDomain;

    /// Domains that an independent implementation computed.
    #[test]
    fn exits_domains_are_the_published_ones() {
        for (network, domain) in [
            (Network::Mainnet, "0x04000000bba4da96354c9f25476cf1bc69bf583a7f9e0af049305b62de676640"),
            (Network::Holesky, "0x0400000017e2dad36f1d3595152042a9ad23430197557e2e7e82bc7f7fc72972"),
            (Network::Hoodi, "0x0400000072bbc3705de0766b1ea9cfd60f0a5cc5f2dca3b942b222e8320b035b"),
            (Network::Sepolia, "0x0400000047eb72b3be36f08feffcaba760f0a2ed78c1a85f0654941a0d19d0fa"),
        ] {
            let ours = ExitDomain::new(network.capella_version(), &network.genesis_validators_root().0);
            assert_eq!(ours.to_string(), domain, "{network:?}");
        }
    }
}
