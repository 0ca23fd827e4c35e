# The Guardian node. `docker build -t guardian .`; with `--target devnet` a whole development network in one image.
ARG RUST_IMAGE=rust:1.95-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS source
RUN apt-get update \
 && apt-get install -y --no-install-recommends clang libclang-dev make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .

# Alone, so that the program of operators has nothing in it that only tests need.
FROM source AS build
# The context has no history: `--build-arg GUARDIAN_COMMIT=$(git rev-parse --short=12 HEAD)` says what `guardian --version` shows.
ARG GUARDIAN_COMMIT
RUN cargo build --locked --release -p guardian-node --bins \
 && install -D -t /out target/release/guardian

FROM source AS build-devnet
RUN cargo build --locked --release -p guardian-node -p guardian-tests --bins \
 && install -D -t /out target/release/guardian target/release/devnet

FROM ${RUNTIME_IMAGE} AS guardian
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tini libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/guardian --create-home guardian
COPY --from=build out/guardian /usr/local/bin/guardian
# Where the operator's files are: commands find guardian.toml and plan.toml here. The store is in its volume, and the pages can be reached from
# outside the container, whatever that file says.
WORKDIR /etc/guardian
ENV GUARDIAN_DATA_DIR=/var/lib/guardian \
    GUARDIAN_HTTP_LISTEN=0.0.0.0:23702
# With each commit another one, so after all that takes long.
ARG GUARDIAN_COMMIT
LABEL org.opencontainers.image.title="Guardian node" \
      org.opencontainers.image.description="Watches the validators of Puffer, and signs with the other guardians" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.revision="${GUARDIAN_COMMIT}"
USER guardian
VOLUME /var/lib/guardian
# The other guardians, the same during key ceremonies, and the operator's pages.
EXPOSE 23700/udp 23700/tcp 23701/udp 23701/tcp 23702/tcp
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["guardian", "status", "--quiet"]
ENTRYPOINT ["tini", "--", "guardian"]
CMD ["run"]

FROM ${NODE_IMAGE} AS devnet
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini util-linux libstdc++6 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY contracts contracts
COPY tests/real-beacon tests/real-beacon
COPY tests/real-chain tests/real-chain
RUN (cd contracts && npm ci --no-audit --no-fund && node forge.mjs build --quiet) \
 && (cd tests/real-beacon && npm ci --no-audit --no-fund) \
 && (cd tests/real-chain && npm ci --no-audit --no-fund)
COPY --from=build-devnet /out/ /usr/local/bin/
EXPOSE 8545 9596 23711-23714
ENTRYPOINT ["tini", "--", "devnet"]
CMD ["--dir", "/devnet"]

# The default is the node.
FROM guardian
