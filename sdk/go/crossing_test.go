package sallyport_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

// fragmenting starts a server of OpenSSL that cuts its messages into records of 512 bytes, and answers lines reversed.
func fragmenting(t *testing.T) (address string) {
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	chain, key := files(t, server)
	roots := writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), ca.pem)
	// A ticket with the client's certificate in it takes more than one record.
	command := exec.Command(program, "s_server", "-accept", "127.0.0.1:0", "-cert", chain, "-key", key, "-CAfile", roots,
		"-Verify", "1", "-max_send_frag", "512", "-tls1_3", "-rev")
	output, err := command.StdoutPipe()
	ok(t, err)
	ok(t, command.Start())
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if _, port, found := strings.Cut(lines.Text(), "ACCEPT 127.0.0.1:"); found {
			go io.Copy(io.Discard, output)
			return "127.0.0.1:" + port
		}
	}
	t.Fatal("openssl s_server did not say where it listens")
	return ""
}

// holding passes on what the server sends, but for what follows the first record behind the client's handshake: that is
// let through when the channel is closed.
func holding(t *testing.T, address string, held chan struct{}) net.Addr {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		defer near.Close()
		far, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		defer far.Close()
		proved := make(chan struct{})
		go func() {
			for told := false; ; {
				kind, sent, err := record(near)
				if err != nil {
					return
				}
				if kind == applicationData && !told {
					told = true
					close(proved)
				}
				far.Write(sent)
			}
		}()
		for {
			_, sent, err := record(far)
			if err != nil {
				return
			}
			near.Write(sent)
			select {
			case <-proved: // so this was the first record of the ticket
				<-held
				io.Copy(near, far)
				return
			default:
			}
		}
	}()
	return listener.Addr()
}

const applicationData = 23 // RFC 8446 section 5.1; under it comes what proves the client, too

func record(from io.Reader) (kind byte, all []byte, err error) {
	all = make([]byte, 5)
	if _, err := io.ReadFull(from, all); err != nil {
		return 0, nil, err
	}
	body := make([]byte, binary.BigEndian.Uint16(all[3:]))
	_, err = io.ReadFull(from, body)
	return all[0], append(all, body...), err
}

func TestAWriteWaitsForTheRestOfWhatThePeerHasBegunToSay(t *testing.T) {
	held := make(chan struct{})
	through := holding(t, fragmenting(t), held)
	dialer := sallyport.Dialer{Config: clientConfig(t), VerifyName: "localhost"}
	dialed, err := dialer.Dial(within(t), through.String())
	ok(t, err)
	defer dialed.Close()
	answer := make(chan string)
	go func() {
		line, _ := bufio.NewReader(dialed).ReadString('\n')
		answer <- line
	}()
	// The reader has to take in the first part of the ticket. Until then a write is taken, as a later one is not.
	line, refused := "hello\n", false
	for deadline := time.Now().Add(20 * time.Second); !refused && time.Now().Before(deadline); {
		ok(t, dialed.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
		n, err := dialed.Write([]byte(line))
		line = line[n:]
		if refused = errors.Is(err, os.ErrDeadlineExceeded); !refused {
			ok(t, err)
			line = "hello\n"
		}
	}
	if !refused {
		t.Fatal("a write did not wait for the rest of a message")
	}
	ok(t, dialed.SetWriteDeadline(time.Time{}))
	written := make(chan error)
	go func() {
		_, err := dialed.Write([]byte(line))
		written <- err
	}()
	close(held)
	ok(t, <-written)
	if got := <-answer; got != "olleh\n" {
		t.Errorf("%q", got)
	}
}

func TestClosingEndsAWriteThatWaitsForThePeer(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	through := holding(t, fragmenting(t), held)
	dialer := sallyport.Dialer{Config: clientConfig(t), VerifyName: "localhost"}
	dialed, err := dialer.Dial(within(t), through.String())
	ok(t, err)
	ended := make(chan error)
	go func() {
		_, err := dialed.Read(make([]byte, 1))
		ended <- err
	}()
	go func() {
		var err error
		for err == nil {
			_, err = dialed.Write([]byte("hello\n"))
		}
		ended <- err
	}()
	time.AfterFunc(100*time.Millisecond, func() { dialed.Close() })
	for i := 0; i < 2; i++ {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}
