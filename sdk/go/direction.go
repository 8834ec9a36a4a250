package sallyport

// #include "waist.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"time"
)

// direction is what waits on one side of a stream: at most one goroutine, for readiness that the queue tells, for a
// deadline, or for the closing. Each of them pokes; whoever was poked looks again. A wait for readiness lends nothing, so
// it is left in place when a deadline ends the read; the next one goes on with it.
type direction struct {
	mutex    sync.Mutex // held by who reads, or writes
	wake     chan struct{}
	armed    atomic.Bool // the queue will tell
	tag      uint64
	deadline deadline
}

func newDirection(e *engine) *direction {
	d := &direction{wake: make(chan struct{}, 1)}
	d.tag = e.expect(d)
	return d
}

func (d *direction) receive(*C.sally_event) {
	d.armed.Store(false)
	d.poke()
}

func (d *direction) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *direction) setDeadline(t time.Time) { d.deadline.set(t, d.poke) }

// deadline is when a read or a write ends. Zero is none.
type deadline struct {
	over  atomic.Bool
	mutex sync.Mutex
	timer *time.Timer
	count uint64 // of the times it was set, so that a timer that was too late to stop knows it
}

func (d *deadline) set(t time.Time, poke func()) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.count++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	left := time.Until(t)
	d.over.Store(!t.IsZero() && left <= 0)
	if t.IsZero() {
		return
	}
	if left <= 0 {
		poke()
		return
	}
	mine := d.count
	d.timer = time.AfterFunc(left, func() {
		d.mutex.Lock()
		late := d.count != mine
		if !late {
			d.over.Store(true)
		}
		d.mutex.Unlock()
		if !late {
			poke()
		}
	})
}
