package sallyport_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"

	sallyport "sallyport.dev/go"
)

func tracing(t *testing.T, options sallyport.TraceOptions) *sallyport.Trace {
	t.Helper()
	trace, err := sallyport.NewTrace(options)
	ok(t, err)
	t.Cleanup(func() { trace.Close() })
	return trace
}

// visit connects, says something both ways, and closes.
func visit(t *testing.T, serverSide, clientSide *sallyport.Config) {
	t.Helper()
	listener, err := sallyport.Listen("127.0.0.1:0", serverSide)
	ok(t, err)
	defer listener.Close()
	go echo(listener)
	conn, err := sallyport.Dial(within(t), listener.Addr().String(), clientSide)
	ok(t, err)
	write(t, conn, "hello")
	expect(t, conn, "hello")
	ok(t, conn.Close())
}

// untilEnds takes records until so many connections are over, by the side that left them.
func untilEnds(t *testing.T, trace *sallyport.Trace, ends int) map[sallyport.Role][]*sallyport.TraceRecord {
	t.Helper()
	records := make(map[sallyport.Role][]*sallyport.TraceRecord)
	for ends > 0 {
		record, err := trace.Next(within(t))
		ok(t, err)
		records[record.Side] = append(records[record.Side], record)
		if record.Kind == sallyport.TraceEnd {
			ends--
		}
	}
	return records
}

func TestATraceTellsWhatHappensOnBothSides(t *testing.T) {
	expected := census(t)
	func() {
		trace := tracing(t, sallyport.TraceOptions{})
		defer trace.Close()
		serverSide, clientSide := serverConfig(t), clientConfig(t)
		defer serverSide.Close()
		defer clientSide.Close()
		ok(t, serverSide.SetTrace(trace))
		ok(t, clientSide.SetTrace(trace))
		visit(t, serverSide, clientSide)
		records := untilEnds(t, trace, 2)
		ids := make(map[string]bool)
		for side, list := range records {
			var states []string
			for i, record := range list {
				var told struct{ Kind, State, Side string }
				ok(t, json.Unmarshal([]byte(record.JSON), &told))
				if told.State != "" {
					states = append(states, told.State)
				}
				if i > 0 && record.Time < list[i-1].Time || record.Connection != list[0].Connection || record.Connection == 0 {
					t.Error(list[0], record)
				}
				if !strings.Contains(record.String(), record.CorrelationID) {
					t.Error(record)
				}
				ids[record.CorrelationID] = true
			}
			if list[0].Kind != sallyport.TraceConnect || list[len(list)-1].Kind != sallyport.TraceEnd ||
				strings.Join(states, " ") != "handshake established" {
				t.Error(side, states, list)
			}
		}
		if len(records) != 2 || len(ids) != 1 || ids[""] || trace.Dropped() != 0 {
			t.Error(len(records), ids, trace.Dropped())
		}
		if err := clientSide.SetTrace(trace); !errors.Is(err, sallyport.StatusInvalidState) {
			t.Error("of a config in use:", err)
		}
	}()
	settle(t, expected)
}

func TestATraceIsBoundedAndEnds(t *testing.T) {
	trace := tracing(t, sallyport.TraceOptions{MaxWaiting: 1, MaxPerConnection: 2})
	config := clientConfig(t)
	ok(t, config.SetTrace(trace))
	visit(t, serverConfig(t), config)
	record, err := trace.Next(within(t))
	ok(t, err)
	if record.Kind != sallyport.TraceConnect || record.Side != sallyport.RoleClient {
		t.Error(record)
	}
	if trace.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for err == nil { // the end may have come meanwhile
		_, err = trace.Next(canceled)
	}
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ok(t, trace.Close())
	for err = nil; err == nil; {
		_, err = trace.Next(within(t))
	}
	if !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := sallyport.NewTrace(sallyport.TraceOptions{MaxWaiting: -1}); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	if err := clientConfig(t).SetTrace(trace); !errors.Is(err, net.ErrClosed) {
		t.Error("of a trace that is closed:", err)
	}
}

func TestTheRecordsThatWaitAreNotLostWithTheTrace(t *testing.T) {
	trace := tracing(t, sallyport.TraceOptions{})
	serverSide, clientSide := serverConfig(t), clientConfig(t)
	ok(t, clientSide.SetTrace(trace))
	visit(t, serverSide, clientSide)
	const some = 5 // it has connected, begun, said hello, heard an answer, and been established
	for sallyport.WaitingRecords(trace) < some {
		runtime.Gosched()
	}
	ok(t, trace.Close())
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for i := 0; i < some; i++ {
		_, err := trace.Next(over)
		ok(t, err)
	}
	for err := error(nil); !errors.Is(err, sallyport.StatusClosed); _, err = trace.Next(over) {
		ok(t, err)
	}
	if _, err := tracing(t, sallyport.TraceOptions{}).Next(over); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
