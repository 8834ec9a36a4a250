// Command echo is a server that sends back what its clients send, to those that show a certificate of the right CA, and a
// client that shows one. With certificates as certs/generate.py makes them in build/certs/dev:
//
//	echo -listen 127.0.0.1:4433 -cert server.pem -key server.key -ca ca.pem
//	echo -connect localhost:4433 -cert client.pem -key client.key -ca ca.pem -message hello
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	sallyport "sallyport.dev/go"
)

func main() {
	listen := flag.String("listen", "", "serve on this HOST:PORT; port 0 picks one")
	connect := flag.String("connect", "", "connect to this HOST:PORT")
	cert := flag.String("cert", "", "chain of this side, PEM")
	key := flag.String("key", "", "its key; default: in the same file")
	ca := flag.String("ca", "", "whom to trust; default: the system's roots")
	name := flag.String("name", "", "what the server's certificate must bear; default: the host")
	message := flag.String("message", "hello", "what the client sends")
	count := flag.Int("count", 0, "end after so many clients; 0: with an interrupt")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	options, err := sides(*cert, *key, *ca)
	switch {
	case err != nil:
	case *listen != "":
		err = serve(ctx, *listen, options, *count)
	case *connect != "":
		err = send(ctx, *connect, *name, options, *message)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		if hint := sallyport.StatusOf(err).Hint(); hint != "" {
			fmt.Fprintln(os.Stderr, "hint:", hint)
		}
		os.Exit(1)
	}
}

// sides is what both have in common: who they are, and whom they trust.
func sides(cert, key, ca string) (options sallyport.Options, err error) {
	if cert != "" {
		credential, err := sallyport.LoadCredential(cert, key)
		if err != nil {
			return options, err
		}
		options.Credentials = []*sallyport.Credential{credential}
	}
	if ca != "" {
		options.Trust, err = sallyport.LoadTrust(ca)
	}
	return options, err
}

func serve(ctx context.Context, address string, options sallyport.Options, count int) error {
	options.ClientAuth = sallyport.ClientAuthRequire
	config, err := sallyport.NewServerConfig(options)
	if err != nil {
		return err
	}
	listener, err := sallyport.Listen(address, config)
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Println("listening on", listener.Addr())
	go report(ctx, listener)
	ended := make(chan struct{})
	for served := 0; count == 0 || served < count; served++ {
		conn, err := listener.AcceptContext(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			echo(conn)
			ended <- struct{}{}
		}()
	}
	for ; count > 0; count-- {
		<-ended
	}
	return nil
}

// report tells whom the server has turned away, and why; the peer itself was told no more than an alert.
func report(ctx context.Context, listener *sallyport.Listener) {
	for {
		refusal, err := listener.NextRefusal(ctx)
		if err != nil {
			return
		}
		fmt.Println("refused", refusal.Address, refusal.Why)
	}
}

func echo(conn *sallyport.Conn) {
	defer conn.Close()
	certificate, err := conn.PeerCertificate()
	if err != nil {
		return
	}
	size, err := io.Copy(conn, conn)
	fmt.Printf("closed %s %q: %d bytes, %v\n", conn.RemoteAddr(), certificate.Subject, size, err)
}

func send(ctx context.Context, address, name string, options sallyport.Options, message string) error {
	config, err := sallyport.NewClientConfig(options)
	if err != nil {
		return err
	}
	conn, err := (&sallyport.Dialer{Config: config, VerifyName: name}).Dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, message); err != nil {
		return err
	}
	// In TLS 1.3 a server refuses a client after the client's handshake: the first read tells.
	answer := make([]byte, len(message))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	fmt.Printf("echo: %s\n", answer)
	return nil
}
