package sallyport_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

// settle waits until the kinds of handle that a connection is made of are as few as they were: the last release never
// waits, so the event loops let go a moment later, and what was forgotten goes with the garbage.
func settle(t *testing.T, before map[sallyport.HandleKind]int64) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for kind, count := range before {
		for sallyport.LiveHandles(kind) > count {
			if time.Now().After(deadline) {
				t.Fatalf("handles of kind %d: %d, and %d before", kind, sallyport.LiveHandles(kind), count)
			}
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}
}

// census counts all handles but those that other tests have forgotten.
func census(t *testing.T) map[sallyport.HandleKind]int64 {
	t.Helper()
	// The package's own queue is made at first need, and stays.
	_, err := sallyport.Dial(within(t), "127.0.0.1:1", clientConfig(t))
	if err == nil {
		t.Fatal("somebody listens on port 1")
	}
	expected := make(map[sallyport.HandleKind]int64)
	for kind := sallyport.HandleError; kind <= sallyport.HandleTraceRecord; kind++ {
		expected[kind] = 0
	}
	expected[sallyport.HandleQueue] = 1
	settle(t, expected)
	return expected
}

func TestNothingIsLeftOfTenThousandConnections(t *testing.T) {
	count := 10_000
	if wanted := os.Getenv("SALLYPORT_TEST_CONNECTIONS"); wanted != "" {
		count, _ = strconv.Atoi(wanted)
	} else if testing.Short() {
		count = 500
	}
	expected := census(t)
	func() {
		serverSide, clientSide := serverConfig(t), clientConfig(t)
		defer serverSide.Close()
		defer clientSide.Close()
		listener, err := sallyport.Listen("127.0.0.1:0", serverSide)
		ok(t, err)
		defer listener.Close()
		go echo(listener)
		var workers sync.WaitGroup
		for worker := 0; worker < 8; worker++ {
			workers.Add(1)
			go func() {
				defer workers.Done()
				buffer := make([]byte, 64)
				for i := 0; i < count/8; i++ {
					conn, err := sallyport.Dial(context.Background(), listener.Addr().String(), clientSide)
					if err != nil {
						t.Error(err)
						return
					}
					_, err = conn.Write(buffer)
					if err == nil {
						_, err = conn.Read(buffer)
					}
					if err != nil {
						t.Error(err)
					}
					conn.Close()
				}
			}()
		}
		workers.Wait()
	}()
	settle(t, expected)
}

func TestWhatIsForgottenIsClosed(t *testing.T) {
	expected := census(t)
	func() {
		listener, err := sallyport.Listen("127.0.0.1:0", serverConfig(t))
		ok(t, err)
		trace, err := sallyport.NewTrace(sallyport.TraceOptions{})
		ok(t, err)
		config := clientConfig(t)
		ok(t, config.SetTrace(trace))
		dialed, err := sallyport.Dial(within(t), listener.Addr().String(), config)
		ok(t, err)
		accepted, err := listener.AcceptContext(within(t))
		ok(t, err)
		// Something pending, and a timer, must not keep it.
		ok(t, dialed.SetDeadline(time.Now().Add(time.Millisecond)))
		dialed.Read(make([]byte, 1))
		ok(t, accepted.SetDeadline(time.Now().Add(time.Hour)))
	}()
	settle(t, expected)
}

func TestWaitingHoldsNoThreads(t *testing.T) {
	const waiting = 200
	listener := listen(t, serverConfig(t))
	go echo(listener)
	config := clientConfig(t)
	threads := func() int {
		entries, err := os.ReadDir("/proc/self/task")
		ok(t, err)
		return len(entries)
	}
	before := threads()
	var conns []*sallyport.Conn
	var ended sync.WaitGroup
	for i := 0; i < waiting; i++ {
		conn, err := sallyport.Dial(within(t), listener.Addr().String(), config)
		ok(t, err)
		write(t, conn, "x")
		expect(t, conn, "x")
		conns = append(conns, conn)
		ended.Add(1)
		go func() {
			defer ended.Done()
			conn.Read(make([]byte, 1))
		}()
	}
	if more := threads() - before; more > waiting/2 { // Go has some for each processor
		t.Errorf("%d more threads for %d connections that wait", more, waiting)
	}
	for _, conn := range conns {
		conn.Close()
	}
	ended.Wait()
}

func TestNoDescriptorNowIsNoneForGood(t *testing.T) {
	if os.Getenv("SALLYPORT_TEST_DESCRIPTORS") == "" {
		// In a program of its own, whose first use of the package it is.
		command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		command.Env = append(os.Environ(), "SALLYPORT_TEST_DESCRIPTORS=none")
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, output)
		}
		return
	}
	var limit syscall.Rlimit
	ok(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 3
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	listening := sallyport.ListenConfig{Plain: true}
	if _, err := listening.Listen("127.0.0.1:0"); !errors.Is(err, sallyport.StatusTooManyOpenFiles) {
		t.Error(err)
	}
	ok(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	listener, err := listening.Listen("127.0.0.1:0")
	ok(t, err)
	ok(t, listener.Close())
}
