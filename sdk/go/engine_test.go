package sallyport

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestNoTagOutlivesWhatItWasFor(t *testing.T) {
	e, err := sharedEngine()
	if err != nil {
		t.Fatal(err)
	}
	e.mutex.Lock()
	before := e.last
	e.mutex.Unlock()
	// Those of earlier tests may go meanwhile.
	tags := func() int {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		count := 0
		for tag := range e.receivers {
			if tag > before {
				count++
			}
		}
		return count
	}
	listener, err := (&ListenConfig{Plain: true}).Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var conns []*Conn
	for i := 0; i < 10; i++ {
		dialed, err := (&Dialer{Plain: true}).Dial(ctx, listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := listener.AcceptContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, dialed, accepted)
	}
	if tags() < 11 {
		t.Error("questions about a connection have nowhere to go")
	}
	listener.Close()
	for _, conn := range conns {
		conn.Close()
	}
	for tags() > 0 {
		if ctx.Err() != nil {
			t.Fatalf("%d tags are left", tags())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestTheReadmeShowsWhatTheExampleRuns(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "README.md"), "```go\n")
	shown, _, found := strings.Cut(rest, "```")
	if !found {
		t.Skip("there is no README beside this package")
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(shown, "\n") {
		line = strings.ReplaceAll(line, `"localhost:4433"`, "address")
		if !strings.Contains(string(source), line) {
			t.Errorf("the example does not have %q", line)
		}
	}
}
