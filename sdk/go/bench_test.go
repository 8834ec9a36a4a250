package sallyport_test

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// transports make both ends of a connection, with client certificates; the first is what the others are compared with.
var transports = []struct {
	name string
	pair func(b *testing.B) (net.Conn, net.Conn)
}{{"crypto_tls", standardPair}, {"sallyport", sallyportPair}}

func sallyportPair(b *testing.B) (net.Conn, net.Conn) {
	return pair(b, serverConfig(b), clientConfig(b))
}

func standardPair(b *testing.B) (net.Conn, net.Conn) {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{server.forTLS()}, ClientCAs: ca.pool(), ClientAuth: tls.RequireAndVerifyClientCert,
		MinVersion: tls.VersionTLS13,
	})
	ok(b, err)
	defer listener.Close()
	accepted := make(chan net.Conn)
	go func() {
		conn, _ := listener.Accept()
		conn.(*tls.Conn).Handshake()
		accepted <- conn
	}()
	dialed, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{
		RootCAs: ca.pool(), Certificates: []tls.Certificate{client.forTLS()}, ServerName: "localhost",
	})
	ok(b, err)
	peer := <-accepted
	b.Cleanup(func() { dialed.Close(); peer.Close() })
	return dialed, peer
}

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure runs work, and reports the CPU time of the whole process, its library's and runtime's threads among it.
func measure(b *testing.B, work func()) {
	b.ResetTimer()
	before := cpu()
	work()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
	b.StopTimer()
}

func BenchmarkEcho64(b *testing.B) {
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			dialed, accepted := transport.pair(b)
			go func() {
				buffer := make([]byte, 64)
				for {
					if _, err := io.ReadFull(accepted, buffer); err != nil {
						return
					}
					accepted.Write(buffer)
				}
			}()
			buffer := make([]byte, 64)
			measure(b, func() {
				for i := 0; i < b.N; i++ {
					dialed.Write(buffer)
					if _, err := io.ReadFull(dialed, buffer); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkTransfer1MiB(b *testing.B) {
	const size = 1 << 20
	for _, transport := range transports {
		b.Run(transport.name, func(b *testing.B) {
			dialed, accepted := transport.pair(b)
			b.SetBytes(size)
			ended := make(chan error)
			go func() {
				buffer := make([]byte, 64<<10)
				_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(accepted, int64(b.N)*size), buffer)
				ended <- err
			}()
			data := make([]byte, size)
			measure(b, func() {
				for i := 0; i < b.N; i++ {
					if _, err := dialed.Write(data); err != nil {
						b.Fatal(err)
					}
				}
				ok(b, <-ended)
			})
		})
	}
}
