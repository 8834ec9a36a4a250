package sallyport

// #cgo LDFLAGS: -lsallyport
// #include "waist.h"
import "C"

import (
	"context"
	"math"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// engine is the one completion queue of the process, and the goroutine that waits for it in Go's poller.
type engine struct {
	queue *C.sally_queue

	mutex     sync.Mutex
	receivers map[uint64]receiver
	last      uint64
}

// receiver takes the events of one tag, on the goroutine that waits, so it must not wait itself. What it takes out of
// the event (sets to nil) is its own; the rest is disposed of.
type receiver interface {
	receive(event *C.sally_event)
}

var shared struct {
	mutex  sync.Mutex
	engine *engine
}

// sharedEngine makes it at first need; where that fails, for want of descriptors, the next need is the first.
func sharedEngine() (e *engine, err error) {
	shared.mutex.Lock()
	defer shared.mutex.Unlock()
	if shared.engine == nil {
		shared.engine, err = newEngine()
	}
	return shared.engine, err
}

func newEngine() (*engine, error) {
	var queue *C.sally_queue
	var cause *C.sally_error
	if status := C.sally_queue_create(&queue, &cause); status != C.SALLY_OK {
		return nil, check("queue", status, cause)
	}
	// The queue's own descriptor is not Go's to close, so Go gets one of its own for the same thing.
	descriptor, err := duplicate(uintptr(C.sally_queue_fd(queue)))
	if err != nil {
		C.sally_queue_release(queue)
		return nil, failure("queue", StatusTooManyOpenFiles, err)
	}
	file := os.NewFile(descriptor, "sallyport")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		C.sally_queue_release(queue)
		return nil, failure("queue", StatusInternal, err)
	}
	e := &engine{queue: queue, receivers: make(map[uint64]receiver)}
	go e.wait(file, raw)
	return e, nil
}

func duplicate(descriptor uintptr) (uintptr, error) {
	copied, _, errno := syscall.Syscall(syscall.SYS_FCNTL, descriptor, syscall.F_DUPFD_CLOEXEC, 0)
	if errno != 0 {
		return 0, errno
	}
	return copied, syscall.SetNonblock(int(copied), true)
}

const batch = 128

func (e *engine) wait(file *os.File, raw syscall.RawConn) {
	events := make([]C.sally_event, batch)
	receivers := make([]receiver, batch)
	// The poller is edge-triggered: take until fewer come than were asked for, then wait.
	err := raw.Read(func(uintptr) bool {
		for e.take(events, receivers) == batch {
		}
		return false
	})
	panic("sallyport: the descriptor of the queue cannot be waited for: " + err.Error() + file.Name())
}

func (e *engine) take(events []C.sally_event, receivers []receiver) int {
	var count C.size_t
	C.sally_queue_take(e.queue, &events[0], C.sizeof_sally_event, batch, &count, C.SALLY_TIMEOUT_ATTEMPT, nil)
	taken := events[:count]
	e.mutex.Lock()
	for i := range taken {
		receivers[i] = e.receivers[uint64(taken[i].tag)]
	}
	e.mutex.Unlock()
	for i := range taken {
		if receivers[i] != nil {
			receivers[i].receive(&taken[i])
			receivers[i] = nil
		}
		if taken[i].object != nil || taken[i].error != nil {
			C.sally_event_dispose(&taken[i])
		}
	}
	return len(taken)
}

// expect gives a tag under which events go to r until it is dropped.
func (e *engine) expect(r receiver) uint64 {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.last++
	e.receivers[e.last] = r
	return e.last
}

func (e *engine) drop(tags ...uint64) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for _, tag := range tags {
		delete(e.receivers, tag)
	}
}

func (e *engine) completion(tag uint64) C.sally_completion {
	return C.waist_to(e.queue, C.uint64_t(tag))
}

// outcome is how one operation ended. The object is its taker's.
type outcome struct {
	status C.sally_status
	size   uint64
	object unsafe.Pointer
	cause  *C.sally_error
}

// once receives a single event.
type once struct {
	engine *engine
	tag    uint64
	done   func(outcome)
}

func (o *once) receive(event *C.sally_event) {
	o.engine.drop(o.tag)
	result := outcome{event.status, uint64(event.size), event.object, event.error}
	event.object, event.error = nil, nil
	o.done(result)
}

func (e *engine) once(done func(outcome)) *once {
	o := &once{engine: e, done: done}
	o.tag = e.expect(o)
	return o
}

type submission func(*C.sally_completion, **C.sally_operation, **C.sally_error) C.sally_status

// run submits an operation, with the time-out of the context, and waits until it has ended; when the context ends first,
// it is cancelled. It ends then, too, and where it had its result already, that counts.
func (e *engine) run(ctx context.Context, op string, submit submission) (outcome, *Error) {
	return e.runUntil(ctx, nil, op, submit)
}

// runUntil cancels it also when the channel is closed.
func (e *engine) runUntil(ctx context.Context, interrupt <-chan struct{}, op string, submit submission) (outcome, *Error) {
	if ctx.Err() != nil {
		return outcome{}, failure(op, StatusCanceled, nil).because(ctx)
	}
	ended := make(chan outcome, 1)
	o := e.once(func(result outcome) { ended <- result })
	completion := e.completion(o.tag)
	var operation *C.sally_operation
	var cause *C.sally_error
	if status := submit(&completion, &operation, &cause); status != C.SALLY_OK {
		e.drop(o.tag)
		return outcome{}, takeError(op, status, cause)
	}
	var result outcome
	select {
	case result = <-ended:
	case <-ctx.Done():
		if deadline, has := ctx.Deadline(); !has || time.Now().Before(deadline) {
			C.sally_operation_cancel(operation)
		} // or else its own time-out, the same, ends it in this moment, and tells more
		result = <-ended
	case <-interrupt:
		C.sally_operation_cancel(operation)
		result = <-ended
	}
	C.sally_operation_release(operation)
	if result.status != C.SALLY_OK {
		return result, takeError(op, result.status, result.cause).because(ctx)
	}
	return result, nil
}

// milliseconds is the time-out that a context asks for; 0, the operation's default, where it asks for none.
func milliseconds(ctx context.Context) C.int64_t {
	deadline, has := ctx.Deadline()
	if !has {
		return C.SALLY_TIMEOUT_DEFAULT
	}
	return C.int64_t(atLeastOne(time.Until(deadline)))
}

// option is a duration that the program has set; the library refuses a negative one.
func option(duration time.Duration) C.int64_t {
	if duration < 0 {
		return math.MinInt64
	}
	return C.int64_t(atLeastOne(duration))
}

func atLeastOne(duration time.Duration) int64 {
	count := duration.Milliseconds()
	if duration%time.Millisecond > 0 {
		count++ // the library's time-out should not come before the context's own end
	}
	if count < 1 {
		return 1
	}
	return count
}
