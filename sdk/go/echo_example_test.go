package sallyport_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEchoExampleServesItselfAndTurnsAwayStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("it has to be built")
	}
	program := filepath.Join(t.TempDir(), "echo")
	if output, err := exec.Command("go", "build", "-o", program, "./examples/echo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	serverChain, serverKey := files(t, server)
	roots := writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), ca.pem)
	serving := exec.Command(program, "-listen", "127.0.0.1:0", "-cert", serverChain, "-key", serverKey, "-ca", roots, "-count", "1")
	output, err := serving.StdoutPipe()
	ok(t, err)
	ok(t, serving.Start())
	defer serving.Process.Kill()
	said := bufio.NewScanner(output)
	line := func() string {
		if !said.Scan() {
			t.Fatal("the server has ended")
		}
		return said.Text()
	}
	_, address, found := strings.Cut(line(), "listening on ")
	if !found {
		t.Fatal(said.Text())
	}
	dial := func(i *identity) (string, error) {
		chain, key := files(t, i)
		told, err := exec.Command(program, "-connect", address, "-cert", chain, "-key", key, "-ca", roots).CombinedOutput()
		return string(told), err
	}
	if told, err := dial(otherClient); err == nil || !strings.Contains(told, "SALLY_ALERT_CERTIFICATE_REQUIRED") || !strings.Contains(told, "hint: ") {
		t.Error(told, err)
	}
	if refused := line(); !strings.Contains(refused, "SALLY_CLIENT_CERTIFICATE_REQUIRED") {
		t.Error(refused)
	}
	if told, err := dial(client); err != nil || told != "echo: hello\n" {
		t.Error(told, err)
	}
	if closed := line(); !strings.Contains(closed, `"CN=client": 5 bytes, <nil>`) {
		t.Error(closed)
	}
	ok(t, serving.Wait())
}
