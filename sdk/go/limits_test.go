package sallyport_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

// As an unset variable of a configuration would have it.
func TestAnEmptyRestrictionIsRefusedAndNotTakenForNone(t *testing.T) {
	for name, with := range map[string]change{
		"AllowPeers": func(o *sallyport.Options) { o.AllowPeers = []sallyport.PeerName{{Kind: sallyport.NameDNS}} },
		"Pins":       func(o *sallyport.Options) { o.Pins = []string{""} },
		"Hosts":      func(o *sallyport.Options) { o.Hosts = map[string]*sallyport.Config{"": serverConfig(t)} },
		"a host":     func(o *sallyport.Options) { o.Hosts = map[string]*sallyport.Config{"host.example": nil} },
	} {
		if _, err := sallyport.NewServerConfig(options([]change{with}, sallyport.Options{})); !errors.Is(err, sallyport.StatusInvalidArgument) {
			t.Error(name, err)
		}
	}
}

func TestADeadlineInAnotherCenturyIsFarAway(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().AddDate(1000, 0, 0))
	defer cancel()
	listening := sallyport.ListenConfig{Config: serverConfig(t), HandshakeTimeout: math.MaxInt64}
	listener, err := listening.Listen("127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	ok(t, listener.SetDeadline(time.Now().AddDate(1000, 0, 0)))
	dialed, err := sallyport.Dial(ctx, listener.Addr().String(), clientConfig(t, func(o *sallyport.Options) {
		o.DecisionTimeout = math.MaxInt64
		o.VerifyPeer = func(ctx context.Context, peer *sallyport.Peer) error { return ctx.Err() }
	}))
	ok(t, err)
	defer dialed.Close()
	accepted, err := listener.Accept()
	ok(t, err)
	defer accepted.Close()
	ok(t, accepted.SetDeadline(time.Now().AddDate(1000, 0, 0)))
	write(t, dialed, "in time")
	expect(t, accepted, "in time")
}

func TestTheFirstMomentOf1970IsNotNow(t *testing.T) {
	verdict, err := sallyport.Verify(sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Time: time.Unix(0, 0)})
	ok(t, err)
	if !errors.Is(verdict.Refused, sallyport.StatusCertificateNotYetValid) {
		t.Error(verdict.Refused)
	}
	config := clientConfig(t, func(o *sallyport.Options) { o.Rules.Time = time.Unix(0, 0) })
	verdict, err = sallyport.Verify(sallyport.VerifyOptions{Config: config, Leaf: server.chain})
	ok(t, err)
	if !errors.Is(verdict.Refused, sallyport.StatusCertificateNotYetValid) {
		t.Error(verdict.Refused)
	}
}

func TestLimitsThatAreNoneAreRefused(t *testing.T) {
	for name, wrong := range map[string]sallyport.ListenConfig{
		"MaxPendingHandshakes":    {MaxPendingHandshakes: -1},
		"MaxUnaccepted":           {MaxUnaccepted: -1},
		"Backlog":                 {Backlog: -1},
		"MaxRefusals":             {MaxRefusals: -1},
		"MaxConnections":          {MaxConnections: -1},
		"MaxConnectionsPerSource": {MaxConnectionsPerSource: 1 << 32},
	} {
		wrong.Plain = true
		listener, err := wrong.Listen("127.0.0.1:0")
		if !errors.Is(err, sallyport.StatusInvalidArgument) {
			t.Error(name, err)
		}
		if err == nil {
			listener.Close()
		}
	}
	listening := sallyport.ListenConfig{Plain: true, HandshakeTimeout: -1}
	if _, err := listening.Listen("127.0.0.1:0"); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error("HandshakeTimeout", err)
	}
	for name, wrong := range map[string]sallyport.Options{
		"DecisionTimeout": {DecisionTimeout: -1}, "Resumable": {Resumable: -1},
		"DrainTime": {TrustChange: sallyport.TrustChangeDrain, DrainTime: -1},
	} {
		if _, err := sallyport.NewServerConfig(wrong); !errors.Is(err, sallyport.StatusInvalidArgument) {
			t.Error(name, err)
		}
	}
	if _, err := sallyport.NewRuntime(1 << 32); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	if _, err := sallyport.NewTrace(sallyport.TraceOptions{MaxPerConnection: 1 << 32}); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	if err := sallyport.NoCredential.Replace(server.credential()); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	if err := server.credential().Replace(sallyport.NoCredential); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	dialed, _ := pair(t, serverConfig(t), clientConfig(t))
	if err := dialed.Upgrade(within(t), nil, ""); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	for _, length := range []int{-1, 0, 8161, math.MaxInt} {
		if _, err := dialed.ExportKeyingMaterial("EXPERIMENTAL test", nil, length); !errors.Is(err, sallyport.StatusInvalidArgument) {
			t.Error(length, err)
		}
	}
	for _, host := range []string{strings.Repeat("a", 1<<20), "a\x00b", ""} {
		if _, err := sallyport.Dial(within(t), host+":1", clientConfig(t)); !errors.Is(err, sallyport.StatusInvalidArgument) {
			t.Error(len(host), err)
		}
	}
}
