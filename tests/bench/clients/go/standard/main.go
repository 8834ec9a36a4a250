// Go's crypto/tls.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"

	"sallyport/bench/clients/crowd"
)

type library struct {
	address        string
	full, resuming *tls.Config
}

func (l *library) Dial(resume bool) (crowd.Conn, error) {
	config := l.full
	if resume {
		config = l.resuming
	}
	return tls.Dial("tcp", l.address, config)
}

func (l *library) End(conn crowd.Conn) error {
	if err := conn.(*tls.Conn).CloseWrite(); err != nil {
		return err
	}
	if err := crowd.ReadToEnd(conn); err != nil {
		return err
	}
	return conn.Close()
}

func configure(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"))
	if err != nil {
		return nil, err
	}
	root, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "localhost"}, nil
}

func main() {
	options := crowd.Parse()
	full, err := configure(options.Dir)
	if err != nil {
		crowd.Fail(err)
	}
	resuming := full.Clone()
	resuming.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	crowd.ObeyAll(&library{options.Address, full, resuming}, options)
}
