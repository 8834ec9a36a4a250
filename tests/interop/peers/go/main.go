// A server of Go's crypto/tls that insists on a client certificate and sends back what comes.
//
//	go-server CERTIFICATES KEY CA 1.2|1.3 tickets|no-tickets
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(0)
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	trusted, err := os.ReadFile(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(trusted)
	version := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[os.Args[4]]

	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates:           []tls.Certificate{certificate},
		ClientCAs:              clients,
		ClientAuth:             tls.RequireAndVerifyClientCert,
		MinVersion:             version,
		MaxVersion:             version,
		SessionTicketsDisabled: os.Args[5] == "no-tickets",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go echo(client)
	}
}

func echo(client net.Conn) {
	defer client.Close()
	if _, err := io.Copy(client, client); err != nil {
		log.Printf("refused: %v", err)
	}
}
