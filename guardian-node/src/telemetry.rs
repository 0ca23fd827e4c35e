//! Log lines, for people or for machines, on stderr.

use crate::{
    config::{LogConfig, LogFormat},
    hint::{Hinted, WithHint},
};
use std::{env, fmt, io::IsTerminal, sync::Arc};
use tracing_subscriber::{EnvFilter, fmt::Subscriber, reload::Handle};

/// The filter of the running log, which may be replaced.
#[derive(Clone)]
pub(crate) struct LogFilter(Arc<Replace>);

/// Puts another filter in the place of the one in force.
type Replace = dyn Fn(EnvFilter) -> Result<(), tracing_subscriber::reload::Error> + Send + Sync;

impl LogFilter {
    fn of<S: 'static>(handle: Handle<EnvFilter, S>) -> Self {
        Self(Arc::new(move |filter| handle.reload(filter)))
    }

    /// The filter of no log, for tests.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(Arc::new(|_| Ok(())))
    }

    /// The filter that `config` says, checked and not in force yet.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn next(&self, config: &LogConfig) -> Result<NextFilter, Hinted> {
        if let Ok(filter) = env::var(EnvFilter::DEFAULT_ENV) {
            let line = format!("log filter: `{filter}`, from RUST_LOG, which wins over the configuration");
            return Ok(NextFilter { filter: None, line });
        }
        let filter = parse("[log] filter", &config.filter)?;
        Ok(NextFilter { filter: Some(filter), line: format!("log filter: `{}`", config.filter) })
    }

    /// Shows from now on what `next` says. Returns a line about it.
    pub(crate) fn put(&self, next: NextFilter) -> String {
        match next.filter.map(|filter| (self.0)(filter)) {
            None | Some(Ok(())) => next.line,
            // There is no log any more.
            Some(Err(error)) => format!("log filter: not changed: {error}"),
        }
    }
}

/// A filter that may be put in force.
pub(crate) struct NextFilter {
    /// `None`: the one in force stays.
    filter: Option<EnvFilter>,
    line: String,
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogFilter")
    }
}

/// Starts logging. `RUST_LOG` wins over the configuration.
pub(crate) fn start(config: &LogConfig) -> Result<LogFilter, Hinted> {
    let filter = match env::var(EnvFilter::DEFAULT_ENV) {
        Ok(filter) => parse("RUST_LOG", &filter)?,
        Err(_) => parse("[log] filter", &config.filter)?,
    };
    let colours = std::io::stderr().is_terminal();
    let builder = Subscriber::builder().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let (filter, started) = match config.format {
        LogFormat::Human => {
            let builder = builder.with_filter_reloading();
            (LogFilter::of(builder.reload_handle()), builder.try_init())
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            (LogFilter::of(builder.reload_handle()), builder.try_init())
        }
    };
    started.map_err(|error| Hinted::new(format!("can't start logging: {error}"), "this is a defect: report it"))?;
    Ok(filter)
}

fn parse(source: &str, filter: &str) -> Result<EnvFilter, Hinted> {
    EnvFilter::try_new(filter)
        .hint(format!("{source} is not a log filter"), "write it like `info` or `info,guardian_p2p=debug`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn another_filter_is_in_force_at_once_and_nonsense_changes_nothing() {
        let builder = Subscriber::builder().with_env_filter(EnvFilter::new("info")).with_filter_reloading();
        let filter = LogFilter::of(builder.reload_handle());
        tracing::subscriber::with_default(builder.finish(), || {
            assert!(!tracing::enabled!(Level::DEBUG));
            let config = |filter: &str| LogConfig { filter: filter.to_owned(), ..LogConfig::default() };
            let next = filter.next(&config("debug")).unwrap();
            assert!(!tracing::enabled!(Level::DEBUG), "not in force yet");
            assert_eq!(filter.put(next), "log filter: `debug`");
            assert!(tracing::enabled!(Level::DEBUG));
            let error = filter.next(&config("nonsense=nonsense")).err().unwrap();
            assert!(error.to_string().contains("[log] filter is not a log filter"), "{error}");
            assert!(tracing::enabled!(Level::DEBUG));
        });
    }
}
