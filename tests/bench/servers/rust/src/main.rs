//! tokio-rustls, a task a connection, on one thread.

use std::{error::Error, fs::File, io::BufReader, path::Path, sync::Arc};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::{server::WebPkiClientVerifier, RootCertStore, ServerConfig};
use tokio_rustls::{server::TlsStream, TlsAcceptor};

const BUFFER_SIZE: usize = 64 << 10;

type Failure = Box<dyn Error>;
type Peer = TlsStream<TcpStream>;

struct Command {
    work: u8,
    size: u64,
    count: u64,
}

async fn read_command(peer: &mut Peer) -> Result<Command, Failure> {
    let mut wire = [0; 16];
    peer.read_exact(&mut wire).await?;
    let size = u32::from_le_bytes(wire[4..8].try_into()?) as u64;
    if size > BUFFER_SIZE as u64 {
        return Err("a write of that size is too large".into());
    }
    Ok(Command { work: wire[0], size, count: u64::from_le_bytes(wire[8..16].try_into()?) })
}

async fn send(peer: &mut Peer, data: &[u8]) -> Result<(), Failure> {
    peer.write_all(data).await?;
    peer.flush().await?;
    Ok(())
}

async fn echo(peer: &mut Peer, buffer: &mut [u8]) -> Result<(), Failure> {
    loop {
        let size = peer.read(buffer).await?;
        if size == 0 {
            return Err("the end".into());
        }
        send(peer, &buffer[..size]).await?;
    }
}

async fn take(peer: &mut Peer, buffer: &mut [u8], mut count: u64) -> Result<(), Failure> {
    while count > 0 {
        let size = peer.read(buffer).await?;
        if size == 0 {
            return Err("the end".into());
        }
        count = count.saturating_sub(size as u64);
    }
    send(peer, b"y").await
}

async fn give(peer: &mut Peer, buffer: &[u8], size: u64, mut count: u64) -> Result<(), Failure> {
    while count > 0 {
        let now = size.min(count);
        peer.write_all(&buffer[..now as usize]).await?;
        count -= now;
    }
    peer.flush().await?;
    Ok(())
}

async fn serve(acceptor: TlsAcceptor, socket: TcpStream) -> Result<(), Failure> {
    socket.set_nodelay(true)?;
    let mut peer = acceptor.accept(socket).await?;
    let mut buffer = Vec::new();
    loop {
        let Ok(command) = read_command(&mut peer).await else {
            peer.shutdown().await?;
            return Ok(());
        };
        if command.work != b'I' {
            buffer.resize(BUFFER_SIZE, 0);
        }
        match command.work {
            b'E' => echo(&mut peer, &mut buffer).await?,
            b'U' => take(&mut peer, &mut buffer, command.count).await?,
            b'D' => give(&mut peer, &buffer, command.size, command.count).await?,
            b'S' | b'V' => give(&mut peer, &buffer, command.size, command.count * command.size).await?,
            _ => send(&mut peer, b"y").await?,
        }
    }
}

fn configure(dir: &Path) -> Result<ServerConfig, Failure> {
    let open = |name: &str| File::open(dir.join(name)).map(BufReader::new);
    let mut roots = RootCertStore::empty();
    for root in rustls_pemfile::certs(&mut open("ca.pem")?) {
        roots.add(root?)?;
    }
    let chain = rustls_pemfile::certs(&mut open("server.pem")?).collect::<Result<_, _>>()?;
    let key = rustls_pemfile::private_key(&mut open("server.key")?)?.ok_or("no key")?;
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
    Ok(ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let dir = std::env::args().skip_while(|argument| argument != "--dir").nth(1).ok_or("usage: --dir CERTDIR")?;
    let acceptor = TlsAcceptor::from(Arc::new(configure(Path::new(&dir))?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move { serve(acceptor, socket).await.map_err(|_| ()) });
    }
}
