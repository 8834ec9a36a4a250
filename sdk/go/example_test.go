package sallyport_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"path/filepath"

	sallyport "sallyport.dev/go"
)

// A client that shows a certificate, in ten lines.
func Example() {
	address, folder, stop := exampleServer()
	defer stop()
	os.Chdir(folder)

	trust, err := sallyport.LoadTrust("ca.pem")
	check(err)
	credential, err := sallyport.LoadCredential("client.pem", "client.key")
	check(err)
	config, err := sallyport.NewClientConfig(sallyport.Options{Trust: trust, Credentials: []*sallyport.Credential{credential}})
	check(err)
	conn, err := sallyport.Dial(context.Background(), address, config)
	check(err)
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	check(err)
	fmt.Print(answer)
	// Output: hello
}

// A server that only lets in clients with a certificate of its CA, and says hello to each by name.
func ExampleListener() {
	credential, err := sallyport.NewCredential(server.chain, server.keyPEM)
	check(err)
	trust, err := sallyport.NewTrust(ca.pem)
	check(err)
	config, err := sallyport.NewServerConfig(sallyport.Options{
		Credentials: []*sallyport.Credential{credential}, Trust: trust, ClientAuth: sallyport.ClientAuthRequire,
	})
	check(err)
	listener, err := sallyport.Listen("127.0.0.1:0", config)
	check(err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.AcceptContext(context.Background())
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				certificate, err := conn.PeerCertificate()
				check(err)
				fmt.Fprintf(conn, "hello, %s\n", certificate.Subject.CommonName)
			}()
		}
	}()

	credentials := []*sallyport.Credential{must(sallyport.NewCredential(client.chain, client.keyPEM))}
	clientConfig, err := sallyport.NewClientConfig(sallyport.Options{Trust: trust, Credentials: credentials})
	check(err)
	conn, err := sallyport.Dial(context.Background(), listener.Addr().String(), clientConfig)
	check(err)
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	check(err)
	fmt.Print(line)
	// Output: hello, client
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// exampleServer echoes, and leaves what its clients need in a folder.
func exampleServer() (address, folder string, stop func()) {
	back := must(os.Getwd())
	folder = must(os.MkdirTemp("", "sallyport"))
	identity := ca.issue("example", newKey(), x509.ExtKeyUsageClientAuth)
	for name, data := range map[string][]byte{"ca.pem": ca.pem, "client.pem": identity.chain, "client.key": identity.keyPEM} {
		check(os.WriteFile(filepath.Join(folder, name), data, 0o600))
	}
	config := must(sallyport.NewServerConfig(sallyport.Options{
		Credentials: []*sallyport.Credential{server.credential()}, Trust: ca.trust(), ClientAuth: sallyport.ClientAuthRequire,
	}))
	listener := must(sallyport.Listen("127.0.0.1:0", config))
	go echo(listener)
	return listener.Addr().String(), folder, func() {
		listener.Close()
		os.Chdir(back)
		os.RemoveAll(folder)
	}
}
