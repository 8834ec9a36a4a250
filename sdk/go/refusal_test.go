package sallyport_test

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
	"testing"

	sallyport "sallyport.dev/go"
)

func credentials(list ...*sallyport.Credential) change {
	return func(o *sallyport.Options) { o.Credentials = list }
}

func TestBothSidesTellWhyAClientIsRefused(t *testing.T) {
	cases := map[string]struct {
		credentials  change
		here, theirs sallyport.Status
	}{
		"of another CA":  {credentials(otherClient.credential()), sallyport.StatusAlertUnknownCa, sallyport.StatusCertificateUnknownCa},
		"no certificate": {credentials(), sallyport.StatusAlertCertificateRequired, sallyport.StatusClientCertificateRequired},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// A client that knows which CAs the server accepts shows nothing else; here it is not told.
			listener := listen(t, serverConfig(t, func(o *sallyport.Options) { o.HideAcceptableCAs = true }))
			_, err := (&sallyport.Dialer{Config: clientConfig(t, c.credentials), Confirmed: true}).Dial(within(t), listener.Addr().String())
			if !errors.Is(err, c.here) {
				t.Error("client:", err)
			}
			refusal, err := listener.NextRefusal(within(t))
			ok(t, err)
			if !errors.Is(refusal.Why, c.theirs) || refusal.Address == "" {
				t.Error("server:", refusal.Address, refusal.Why)
			}
		})
	}
}

func TestTheFirstReadTellsARefusalOfTLS13(t *testing.T) {
	listener := listen(t, serverConfig(t))
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, credentials()))
	ok(t, err)
	defer dialed.Close()
	_, err = dialed.Read(make([]byte, 1))
	var detail *sallyport.Error
	if !errors.Is(err, sallyport.StatusAlertCertificateRequired) || !errors.As(err, &detail) {
		t.Fatal(err)
	}
	if detail.Alert == nil || detail.Alert.Name != "certificate_required" || detail.Alert.Direction != "received" || detail.Hint == "" || detail.CorrelationID == "" {
		t.Errorf("%+v %s", detail, detail.JSON())
	}
}

func TestAServerOfAnotherCAIsRefused(t *testing.T) {
	listener := listen(t, serverConfig(t))
	_, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, func(o *sallyport.Options) { o.Trust = otherCA.trust() }))
	var detail *sallyport.Error
	if !errors.As(err, &detail) || detail.Status != sallyport.StatusCertificateUnknownCa || len(detail.Faults) == 0 || detail.Subject != "CN=server" {
		t.Errorf("%v %+v", err, detail)
	}
}

func TestNoErrorIsNoneOfAnyKind(t *testing.T) {
	verdict, err := sallyport.Verify(sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain})
	ok(t, err)
	if errors.Is(verdict.Refused, sallyport.StatusCertificateExpired) || errors.Is(verdict.Refused, fs.ErrNotExist) {
		t.Error(verdict.Refused)
	}
}

func TestErrorsMeanWhatTheStandardLibraryMeans(t *testing.T) {
	if _, err := sallyport.LoadTrust("/nowhere.pem"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	listener := listen(t, serverConfig(t))
	address := listener.Addr().String()
	ok(t, listener.Close())
	_, err := sallyport.Dial(within(t), address, clientConfig(t))
	if !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, sallyport.StatusConnectionRefused) {
		t.Error(err)
	}
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	ok(t, accepted.Close())
	if _, err := dialed.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	if _, err := sallyport.Listen("127.0.0.1", nil); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
}
