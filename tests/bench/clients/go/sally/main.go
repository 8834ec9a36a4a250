// Sallyport's binding for Go.
package main

import (
	"context"
	"path/filepath"

	"sallyport/bench/clients/crowd"

	sallyport "sallyport.dev/go"
)

type library struct {
	address        string
	full, resuming *sallyport.Config
}

func (l *library) Dial(resume bool) (crowd.Conn, error) {
	config := l.full
	if resume {
		config = l.resuming
	}
	dialer := sallyport.Dialer{Config: config, VerifyName: "localhost"}
	return dialer.Dial(context.Background(), l.address)
}

func (l *library) End(conn crowd.Conn) error {
	if err := conn.(*sallyport.Conn).CloseWrite(); err != nil {
		return err
	}
	if err := crowd.ReadToEnd(conn); err != nil {
		return err
	}
	return conn.Close()
}

func configure(dir string, resumes bool) *sallyport.Config {
	credential, err := sallyport.LoadCredential(filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"))
	if err != nil {
		crowd.Fail(err)
	}
	trust, err := sallyport.LoadTrust(filepath.Join(dir, "ca.pem"))
	if err != nil {
		crowd.Fail(err)
	}
	config, err := sallyport.NewClientConfig(sallyport.Options{
		Credentials:       []*sallyport.Credential{credential},
		Trust:             trust,
		DisableResumption: !resumes,
	})
	if err != nil {
		crowd.Fail(err)
	}
	return config
}

func main() {
	options := crowd.Parse()
	crowd.ObeyAll(&library{options.Address, configure(options.Dir, false), configure(options.Dir, true)}, options)
}
