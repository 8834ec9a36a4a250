//go:build go1.21

package sallyport_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	sallyport "sallyport.dev/go"
)

func TestAnErrorIsLoggedAsAttributes(t *testing.T) {
	listener := listen(t, serverConfig(t))
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, credentials()))
	ok(t, err)
	defer dialed.Close()
	_, err = dialed.Read(make([]byte, 1))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("refused", "error", err)
	for _, attribute := range []string{"error.status=SALLY_ALERT_CERTIFICATE_REQUIRED", "error.alert=certificate_required", "error.hint="} {
		if !strings.Contains(log.String(), attribute) {
			t.Error(attribute, "is not in", log.String())
		}
	}
}
