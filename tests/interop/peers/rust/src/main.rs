//! A server of rustls that insists on a client certificate and sends back what comes.
//!
//!     rustls-server CERTIFICATES KEY CA 1.2|1.3 tickets|no-tickets

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let chain = CertificateDer::pem_file_iter(&words[1])?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&words[2])?;
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(&words[3])? {
        roots.add(root?)?;
    }
    let clients = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
    let version = if words[4] == "1.2" { &TLS12 } else { &TLS13 };
    let mut config = ServerConfig::builder_with_protocol_versions(&[version])
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    if words[5] == "no-tickets" {
        config.send_tls13_tickets = 0;
    }
    let config = Arc::new(config);

    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    for client in listener.incoming() {
        let (client, config) = (client?, config.clone());
        std::thread::spawn(move || {
            if let Err(error) = echo(client, config) {
                println!("refused: {error}");
            }
        });
    }
    Ok(())
}

fn echo(client: TcpStream, config: Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
    let mut tls = StreamOwned::new(ServerConnection::new(config)?, client);
    let mut bytes = [0; 4096];
    loop {
        let size = tls.read(&mut bytes)?;
        if size == 0 {
            return Ok(());
        }
        tls.write_all(&bytes[..size])?;
    }
}
