// Package crowd has what clients in Go share: the command line, the orders that come by line (clients/crowd.h lists
// them), and what each connection says, on a goroutine of its own.
package crowd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	headerSize   = 16
	bufferSize   = 64 << 10
	openedAtOnce = 64
)

// Conn is what the libraries give.
type Conn interface {
	net.Conn
}

// Library connects, handshake included, and ends a connection with both goodbyes.
type Library interface {
	Dial(resume bool) (Conn, error)
	End(conn Conn) error
}

// Options are those of the command line.
type Options struct {
	Dir     string
	Address string
	strict  bool
}

// Parse reads the command line.
func Parse() Options {
	dir := flag.String("dir", "", "the folder of the certificates")
	port := flag.Int("port", 0, "where the server is")
	strict := flag.Int("strict", 0, "1: look at every byte")
	flag.Parse()
	return Options{*dir, fmt.Sprintf("127.0.0.1:%d", *port), *strict != 0}
}

// Fail ends the program; the driver reads why.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// pattern is that of servers/pattern.h, twice.
var pattern = func() []byte {
	all := make([]byte, 2*bufferSize)
	for i := range all {
		at := i % bufferSize
		all[i] = byte(at + 3*(at>>8))
	}
	return all
}()

// job is what is said on a connection in one go; see Job in clients/plan.h.
type job struct {
	command      []byte
	size, writes int
	expected     int
	patterned    bool
	goesOn       bool
	operations   int
}

func command(work byte, size uint32, count uint64) []byte {
	wire := make([]byte, headerSize)
	wire[0] = work
	binary.LittleEndian.PutUint32(wire[4:], size)
	binary.LittleEndian.PutUint64(wire[8:], count)
	return wire
}

type peer struct {
	conn           Conn
	sent, received int
	buffer         []byte
	strict         bool
}

func (p *peer) talk(j *job) error {
	if !j.goesOn {
		p.sent, p.received = 0, 0
	}
	if j.command != nil {
		if _, err := p.conn.Write(j.command); err != nil {
			return err
		}
	}
	for i := 0; i < j.writes; i++ {
		at := p.sent % bufferSize
		if _, err := p.conn.Write(pattern[at : at+j.size]); err != nil {
			return err
		}
		p.sent += j.size
	}
	if p.buffer == nil || j.expected > len(p.buffer) && len(p.buffer) < bufferSize {
		p.buffer = make([]byte, 1)
		if j.expected > 1 {
			p.buffer = make([]byte, bufferSize)
		}
	}
	for left := j.expected; left > 0; {
		size, err := p.conn.Read(p.buffer)
		if err != nil {
			return err
		}
		if size > left {
			return fmt.Errorf("more came than was asked for")
		}
		if !p.fits(p.buffer[:size], j.patterned) {
			return fmt.Errorf("something else came than was sent")
		}
		p.received += size
		left -= size
	}
	return nil
}

func (p *peer) fits(data []byte, patterned bool) bool {
	if !patterned {
		return data[0] == 'y'
	}
	right := pattern[p.received%bufferSize:][:len(data)]
	if p.strict {
		return bytes.Equal(right, data)
	}
	return right[0] == data[0] && right[len(data)-1] == data[len(data)-1]
}

type crowd struct {
	library Library
	strict  bool
	peers   []*peer
}

// inTurns has so many goroutines call something with the numbers from 0 on, until it answers false.
func inTurns(goroutines int, something func(number int) (bool, error)) {
	var begun int64 = -1
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				more, err := something(int(atomic.AddInt64(&begun, 1)))
				if err != nil {
					Fail(err)
				}
				if !more {
					return
				}
			}
		}()
	}
	all.Wait()
}

func (c *crowd) open(count int, work byte) int {
	j := &job{command: command(work, 0, 0), expected: 1}
	if work == 'E' {
		j.size, j.writes, j.patterned = 1, 1, true
	}
	before := len(c.peers)
	c.peers = append(c.peers, make([]*peer, count)...)
	inTurns(openedAtOnce, func(number int) (bool, error) {
		if number >= count {
			return false, nil
		}
		conn, err := c.library.Dial(false)
		if err != nil {
			return false, err
		}
		p := &peer{conn: conn, strict: c.strict}
		c.peers[before+number] = p
		return true, p.talk(j)
	})
	return count
}

func (c *crowd) talk(j *job, duration time.Duration) int {
	end := time.Now().Add(duration)
	var operations int64
	var all sync.WaitGroup
	for _, each := range c.peers {
		all.Add(1)
		go func(p *peer) {
			defer all.Done()
			for {
				if err := p.talk(j); err != nil {
					Fail(err)
				}
				atomic.AddInt64(&operations, int64(j.operations))
				if !time.Now().Before(end) {
					return
				}
			}
		}(each)
	}
	all.Wait()
	return int(operations)
}

func (c *crowd) shakeHands(resume bool, pending int, duration time.Duration, limit int) int {
	end := time.Now().Add(duration)
	var operations int64
	inTurns(pending, func(number int) (bool, error) {
		if limit != 0 && number >= limit || duration != 0 && !time.Now().Before(end) {
			return false, nil
		}
		conn, err := c.library.Dial(resume)
		if err == nil {
			err = c.library.End(conn)
		}
		atomic.AddInt64(&operations, 1)
		return true, err
	})
	return int(operations)
}

func (c *crowd) obey(line string) int {
	var order, first string
	var a, b, ms int
	fmt.Sscan(line, &order, &first)
	if order == "open" {
		var work string
		fmt.Sscan(line, &order, &a, &work)
		if work == "echo" {
			return c.open(a, 'E')
		}
		return c.open(a, 'I')
	}
	fmt.Sscan(line, &order, &a, &b, &ms)
	duration := time.Duration(ms) * time.Millisecond
	switch order {
	case "echo":
		return c.talk(&job{size: a, writes: b, expected: a * b, patterned: true, goesOn: true, operations: b}, duration)
	case "upload":
		return c.talk(&job{command: command('U', 0, uint64(b)), size: a, writes: b / a, expected: 1, operations: b}, duration)
	case "download":
		return c.talk(&job{command: command('D', uint32(a), uint64(b)), expected: b, patterned: true, operations: b}, duration)
	case "full", "resumed":
		return c.shakeHands(order == "resumed", a, time.Duration(b)*time.Millisecond, ms)
	case "close":
		for _, p := range c.peers {
			p.conn.Close()
		}
		c.peers = nil
		return 0
	}
	Fail(fmt.Errorf("not an order: %s", line))
	return 0
}

// ObeyAll does what it is told until nobody tells it anything any more.
func ObeyAll(library Library, options Options) {
	c := crowd{library: library, strict: options.strict}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Printf("{\"operations\":%d}\n", c.obey(lines.Text()))
	}
}

// ReadToEnd reads what the server says before it ends, its sessions for example.
func ReadToEnd(conn Conn) error {
	rest, err := io.Copy(io.Discard, conn)
	if err == nil && rest != 0 {
		err = fmt.Errorf("something came that nobody has asked for")
	}
	return err
}
