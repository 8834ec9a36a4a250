// Command matrixagent is one end of the language matrix in Go. What it does and prints is in tests/matrix/README.md.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	sallyport "sallyport.dev/go"
)

const patience = time.Minute

type agent struct {
	zoo, mode string
	port      int
}

func main() {
	var a agent
	flags := flag.NewFlagSet("matrixagent", flag.ExitOnError)
	flags.StringVar(&a.zoo, "dir", "", "where the certificates are")
	flags.StringVar(&a.mode, "mode", "echo", "echo, refused, late, cancel or deadline")
	flags.IntVar(&a.port, "port", 0, "of the server")
	if len(os.Args) < 2 {
		fail(errors.New("usage: matrixagent server|client --dir DIR --mode MODE [--port N]"))
	}
	flags.Parse(os.Args[2:])
	if _, err := os.Stat(filepath.Join(a.zoo, "zoo")); err == nil {
		a.zoo = filepath.Join(a.zoo, "zoo")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	time.AfterFunc(patience, func() { fail(context.DeadlineExceeded) })
	side := a.client
	if os.Args[1] == "server" {
		side = a.server
	}
	if err := side(ctx); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Println("error", err)
	os.Exit(1)
}

func (a *agent) size() int {
	if a.mode == "echo" {
		return 1 << 20
	}
	return 64
}

func (a *agent) options(name string) (options sallyport.Options, err error) {
	credential, err := sallyport.LoadCredential(filepath.Join(a.zoo, name+".pem"), filepath.Join(a.zoo, name+".key"))
	if err != nil {
		return options, err
	}
	options.Credentials = []*sallyport.Credential{credential}
	options.Trust, err = sallyport.LoadTrust(filepath.Join(a.zoo, "ca-root.pem"))
	return options, err
}

func (a *agent) server(ctx context.Context) error {
	options, err := a.options("server-good")
	if err != nil {
		return err
	}
	options.ClientAuth = sallyport.ClientAuthRequire
	// A client that knew whom the server trusts would keep another certificate to itself.
	options.HideAcceptableCAs = a.mode == "refused"
	if a.mode == "late" {
		options.VerifyPeer = func(context.Context, *sallyport.Peer) error {
			time.Sleep(200 * time.Millisecond)
			return nil
		}
	}
	config, err := sallyport.NewServerConfig(options)
	if err != nil {
		return err
	}
	listener, err := sallyport.Listen("127.0.0.1:0", config)
	if err != nil {
		return err
	}
	defer listener.Close()
	var port int
	fmt.Sscanf(listener.Addr().String(), "127.0.0.1:%d", &port)
	fmt.Println("port", port)
	if a.mode == "refused" {
		refusal, err := listener.NextRefusal(ctx)
		if err != nil {
			return err
		}
		fmt.Println("status", refusal.Why.Status.String())
		return nil
	}
	conn, err := listener.AcceptContext(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return a.echoBack(conn)
}

func (a *agent) echoBack(conn *sallyport.Conn) error {
	count, err := io.Copy(conn, conn)
	if err != nil {
		return err
	}
	if count != int64(a.size()) {
		return fmt.Errorf("%d bytes came", count)
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	fmt.Println("ok", count)
	return nil
}

func (a *agent) client(ctx context.Context) error {
	name := "client-good"
	if a.mode == "refused" {
		name = "client-unknown-ca"
	}
	options, err := a.options(name)
	if err != nil {
		return err
	}
	config, err := sallyport.NewClientConfig(options)
	if err != nil {
		return err
	}
	dialer := sallyport.Dialer{Config: config, VerifyName: "localhost"}
	conn, err := dialer.Dial(ctx, fmt.Sprintf("127.0.0.1:%d", a.port))
	if err == nil {
		defer conn.Close()
	}
	switch {
	case a.mode == "refused":
		if err == nil {
			_, err = conn.Read(make([]byte, 1)) // in TLS 1.3 this tells
		}
		return tell(err)
	case err != nil:
		return err
	case a.mode == "cancel":
		err = canceled(ctx, conn)
	case a.mode == "deadline":
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err = conn.Read(make([]byte, 1))
		conn.SetReadDeadline(time.Time{})
		err = tell(err)
	}
	if err != nil {
		return err
	}
	return a.echo(conn)
}

// tell prints the status of an error that is expected.
func tell(err error) error {
	var known *sallyport.Error
	if !errors.As(err, &known) {
		return fmt.Errorf("no error with a status, but %v", err)
	}
	fmt.Println("status", known.Status.String())
	return nil
}

// canceled reads with a context that ends.
func canceled(ctx context.Context, conn *sallyport.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := conn.ReadContext(ctx, make([]byte, 1))
	return tell(err)
}

func (a *agent) echo(conn *sallyport.Conn) error {
	sent := make([]byte, a.size())
	for i := range sent {
		sent[i] = byte(i * 3)
	}
	written := make(chan error, 1)
	go func() {
		_, err := conn.Write(sent)
		if err == nil {
			err = conn.CloseWrite()
		}
		written <- err
	}()
	came, err := io.ReadAll(conn)
	if err != nil {
		return err
	}
	if err := <-written; err != nil {
		return err
	}
	if !bytes.Equal(came, sent) {
		return errors.New("other bytes came back")
	}
	fmt.Println("ok", len(came))
	return nil
}
