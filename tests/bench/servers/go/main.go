// Go's crypto/tls, a goroutine a connection.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
)

const bufferSize = 64 << 10

type command struct {
	work  byte
	size  uint64
	count uint64
}

func readCommand(peer net.Conn) (command, error) {
	var wire [16]byte
	if _, err := io.ReadFull(peer, wire[:]); err != nil {
		return command{}, err
	}
	size := uint64(binary.LittleEndian.Uint32(wire[4:]))
	if size > bufferSize {
		return command{}, fmt.Errorf("a write of that size is too large")
	}
	return command{wire[0], size, binary.LittleEndian.Uint64(wire[8:])}, nil
}

func answer(peer net.Conn) error {
	_, err := peer.Write([]byte{'y'})
	return err
}

func echo(peer net.Conn, buffer []byte) error {
	for {
		size, err := peer.Read(buffer)
		if err != nil {
			return err
		}
		if _, err = peer.Write(buffer[:size]); err != nil {
			return err
		}
	}
}

func take(peer net.Conn, buffer []byte, count uint64) error {
	for count > 0 {
		size, err := peer.Read(buffer)
		if err != nil {
			return err
		}
		if uint64(size) > count {
			size = int(count)
		}
		count -= uint64(size)
	}
	return answer(peer)
}

func give(peer net.Conn, buffer []byte, size, count uint64) error {
	for count > 0 {
		if size > count {
			size = count
		}
		if _, err := peer.Write(buffer[:size]); err != nil {
			return err
		}
		count -= size
	}
	return nil
}

func serve(peer net.Conn) {
	defer peer.Close()
	var buffer []byte
	for {
		what, err := readCommand(peer)
		if err != nil {
			return
		}
		if what.work != 'I' && buffer == nil {
			buffer = make([]byte, bufferSize)
		}
		switch what.work {
		case 'E':
			err = echo(peer, buffer)
		case 'U':
			err = take(peer, buffer, what.count)
		case 'D':
			err = give(peer, buffer, what.size, what.count)
		case 'S', 'V':
			err = give(peer, buffer, what.size, what.count*what.size)
		default:
			err = answer(peer)
		}
		if err != nil {
			return
		}
	}
}

func configure(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		return nil, err
	}
	root, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}, nil
}

func run(dir string) error {
	config, err := configure(dir)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		peer, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(peer)
	}
}

func main() {
	dir := flag.String("dir", "", "the folder of the certificates")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
