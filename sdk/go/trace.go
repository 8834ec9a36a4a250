package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// TraceKind is what a record is about. More may come: pass over those that are not known.
type TraceKind int32

const (
	TraceConnect    = TraceKind(C.SALLY_TRACE_CONNECT)    // a client resolved and connected; a listener accepted
	TraceState      = TraceKind(C.SALLY_TRACE_STATE)      // the handshake has begun, is established, or has failed
	TraceFlight     = TraceKind(C.SALLY_TRACE_FLIGHT)     // handshake messages in one direction
	TraceAlert      = TraceKind(C.SALLY_TRACE_ALERT)      // an alert, but for close_notify
	TraceDecision   = TraceKind(C.SALLY_TRACE_DECISION)   // a question was asked, or answered
	TraceResumption = TraceKind(C.SALLY_TRACE_RESUMPTION) // a session was offered, accepted, or refused
	TraceKeyUpdate  = TraceKind(C.SALLY_TRACE_KEY_UPDATE) // a direction has new keys
	TraceClose      = TraceKind(C.SALLY_TRACE_CLOSE)      // close_notify, in one direction
	TraceEnd        = TraceKind(C.SALLY_TRACE_END)        // the connection is over, with its totals
)

// Role is a side of a connection.
type Role int32

const (
	RoleClient = Role(C.SALLY_ROLE_CLIENT)
	RoleServer = Role(C.SALLY_ROLE_SERVER)
)

// TraceRecord is one thing that happened on a connection: names, numbers and sizes, nothing secret.
type TraceRecord struct {
	Kind          TraceKind
	Side          Role          // this one
	Connection    uint64        // its number among those of the trace, from 1 on
	Time          time.Duration // after the connection began
	CorrelationID string        // the same on both sides; "" where no hello was seen
	Text          string        // all of it as a line for people
	JSON          string        // all of it as one object on one line
}

// String is its Text.
func (r *TraceRecord) String() string { return r.Text }

// TraceOptions bounds a [Trace]; what is beyond is dropped and counted. Zero is a default in every field.
type TraceOptions struct {
	MaxWaiting       int // records that nobody has taken; default 4096
	MaxPerConnection int // the last is always that of its end; default 256
}

// Trace gathers what happens on the connections of every [Config] that has it: [Config.SetTrace].
type Trace struct{ inbox *traceInbox }

// traceInbox is where records wait, which the engine knows and a forgotten Trace leaves.
type traceInbox struct {
	engine  *engine
	tag     uint64
	handle  *handle
	records chan *TraceRecord
	dropped atomic.Uint64
	closing sync.Once
	closed  chan struct{}
}

const defaultMaxWaiting = 4096

// NewTrace makes a trace, for any number of configs.
func NewTrace(options TraceOptions) (*Trace, error) {
	e, err := sharedEngine()
	if err != nil {
		return nil, err
	}
	var waiting, perConnection C.uint32_t
	if err := limit("trace", options.MaxWaiting, &waiting); err != nil {
		return nil, err
	}
	if err := limit("trace", options.MaxPerConnection, &perConnection); err != nil {
		return nil, err
	}
	inbox := &traceInbox{engine: e, closed: make(chan struct{})}
	inbox.tag = e.expect(inbox)
	var trace *C.sally_trace
	var cause *C.sally_error
	status := C.waist_trace(e.queue, C.uint64_t(inbox.tag), waiting, perConnection, &trace, &cause)
	if err := check("trace", status, cause); err != nil {
		e.drop(inbox.tag)
		return nil, err
	}
	if waiting == 0 {
		waiting = defaultMaxWaiting
	}
	inbox.records = make(chan *TraceRecord, waiting)
	inbox.handle = newHandle(unsafe.Pointer(trace), func(object unsafe.Pointer) {
		C.sally_trace_release((*C.sally_trace)(object))
	})
	t := &Trace{inbox}
	whenForgotten(t, inbox)
	return t, nil
}

// receive copies the record, which is then disposed of.
func (i *traceInbox) receive(event *C.sally_event) {
	if event.kind != C.SALLY_EVENT_TRACE || event.object == nil {
		return
	}
	record := (*C.sally_trace_record)(event.object)
	select {
	case i.records <- &TraceRecord{
		Kind:          TraceKind(C.sally_trace_record_kind(record)),
		Side:          Role(C.sally_trace_record_side(record)),
		Connection:    uint64(C.sally_trace_record_connection(record)),
		Time:          time.Duration(C.sally_trace_record_time_us(record)) * time.Microsecond,
		CorrelationID: C.GoString(C.sally_trace_record_correlation_id(record)),
		Text:          C.GoString(C.sally_trace_record_text(record)),
		JSON:          C.GoString(C.sally_trace_record_json(record)),
	}:
	default:
		i.dropped.Add(1)
	}
}

func (i *traceInbox) forget() {
	i.closing.Do(func() {
		i.engine.drop(i.tag)
		i.handle.close()
		close(i.closed)
	})
}

// Next waits for the next record. Those of one connection come in their order.
func (t *Trace) Next(ctx context.Context) (*TraceRecord, error) {
	defer runtime.KeepAlive(t)
	select {
	case record := <-t.inbox.records:
		return record, nil
	case <-t.inbox.closed:
	case <-ctx.Done():
	}
	select {
	case record := <-t.inbox.records: // it came before the end
		return record, nil
	default:
	}
	select {
	case <-t.inbox.closed:
		return nil, failure("trace", StatusClosed, nil)
	default:
		return nil, failure("trace", StatusCanceled, nil).because(ctx)
	}
}

// Dropped counts the records that were dropped, because too many waited or the connection had left as many as it may.
func (t *Trace) Dropped() uint64 {
	defer runtime.KeepAlive(t)
	dropped := t.inbox.dropped.Load()
	if object := t.inbox.handle.acquire(); object != nil {
		dropped += uint64(C.sally_trace_dropped((*C.sally_trace)(object)))
		t.inbox.handle.release()
	}
	return dropped
}

// Close ends it; records that wait can still be taken. Connections that are traced go on.
func (t *Trace) Close() error {
	t.inbox.forget()
	return nil
}

// SetTrace has every connection of this config traced; it must come before the first one. A client that another config
// serves (Hosts, ChooseConfig) is traced by the one that it first came to.
func (c *Config) SetTrace(t *Trace) error {
	defer runtime.KeepAlive(c)
	defer runtime.KeepAlive(t)
	return usingBoth("config", c.handle, t.inbox.handle, func(object, trace unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_trace((*C.sally_tls_config)(object), (*C.sally_trace)(trace), cause)
	})
}
