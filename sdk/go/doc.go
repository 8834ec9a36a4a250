// Package sallyport gives Go programs TCP sockets with TLS 1.2 and 1.3, where both sides can be made to show a
// certificate, and errors that say exactly why a connection was refused. It binds libsallyport by cgo.
//
// A [Conn] is a net.Conn and a [Listener] a net.Listener: they go where those go, into net/http for example
// ([Dialer.DialContext] is what http.Transport.DialTLSContext takes). A [Config] is built once and shared; it refers to
// a [Credential] (who this side is) and a [TrustStore] (whom it trusts), which can be reloaded while they are in use.
//
// Every error is an *[Error]; each [Status] is a sentinel for errors.Is:
//
//	if errors.Is(err, sallyport.StatusAlertCertificateRequired) { ... }
//
// # How it waits
//
// Reads and writes are attempted at once, straight from and into the caller's slice, which C sees for the length of that
// call only. What would block waits in Go's own poller, which watches the connection itself: no goroutine holds a thread
// while it waits, and no thread of the library has a part in it. Dials, handshakes and decisions run on the library's
// event loops, and wait in Go's poller for the one descriptor of a completion queue. No C thread calls into Go.
package sallyport
