//! HTTP over a Unix socket, for a broker on this machine: ureq's transport with another kind of stream. Nothing is sent
//! to a socket that another user could have put there.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use crate::platform::private_files::Distrust;
use crate::platform::unix_socket::{self as socket, Stream};
use crate::tokens::error::{Failure, Kind};

/// Connects to one socket, whatever the URL.
#[derive(Debug)]
pub struct UnixConnector(pub PathBuf);

impl Connector for UnixConnector {
    type Out = UnixTransport;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<UnixTransport>, ureq::Error> {
        let peers = socket::check(&self.0).map_err(distrusted)?;
        let stream = Stream::connect(&self.0)?;
        peers.check(&stream).map_err(distrusted)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(UnixTransport { stream, buffers }))
    }
}

fn distrusted(Distrust { cause, fix }: Distrust) -> ureq::Error {
    ureq::Error::Other(Box::new(Failure::new(Kind::Settings, cause).hint(fix)))
}

/// A connected socket.
#[derive(Debug)]
pub struct UnixTransport {
    stream: Stream,
    buffers: LazyBuffers,
}

fn late(error: io::Error, timeout: NextTimeout) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
        _ => error.into(),
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.set_write_timeout(timeout.not_zero().map(|time| *time))?;
        self.stream.write_all(&self.buffers.output()[..amount]).map_err(|error| late(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.set_read_timeout(timeout.not_zero().map(|time| *time))?;
        let read = self.stream.read(self.buffers.input_append_buf()).map_err(|error| late(error, timeout))?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        // A new connection costs next to nothing here, so that none is used twice.
        false
    }
}

/// There is nothing to look up.
#[derive(Debug)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
