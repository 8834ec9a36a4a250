package sallyport

import (
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// unbound is what Go does without on purpose. cgo checks against the headers whatever is bound.
var unbound = map[string]string{
	// Handles have one owner in Go, which counts its users itself; what is copied out is given back at once.
	"sally_bytes_retain": "copied", "sally_certificate_retain": "copied", "sally_stream_info_retain": "copied",
	"sally_verdict_retain": "copied", "sally_decision_retain": "owned once", "sally_operation_retain": "owned once",
	"sally_credential_retain": "handle counts", "sally_trust_store_retain": "handle counts",
	"sally_ticket_keys_retain": "handle counts", "sally_tls_config_retain": "handle counts",
	"sally_stream_retain": "handle counts", "sally_listener_retain": "handle counts", "sally_runtime_retain": "handle counts",
	"sally_queue_retain": "one queue, which stays", "sally_queue_close": "one queue, which stays",
	"sally_queue_pending": "one queue, which stays",
	"sally_trace_retain":  "handle counts", "sally_trace_record_retain": "copied",
	"sally_trace_record_release": "disposed of with its event",
	// The same is had in another form.
	"sally_error_": "in the error's JSON", "sally_certificate_": "DER, which crypto/x509 decodes",
	"sally_credential_load_certificates":   "NewSignerCredential of a file's bytes",
	"sally_decision_signature_scheme_name": "the number tells",
	"sally_stream_info_version_name":       "the number tells",
	"sally_stream_info_secured":            "the version tells",
	"sally_stream_protection":              "Info tells",
	"sally_listener_port":                  "Addr tells",
	"sally_stream_read_exactly":            "io.ReadFull",
	"sally_stream_read_until":              "bufio.Reader",
	"sally_stream_writev":                  "SALLY_MORE, which needs no array of Go pointers",
	"sally_stream_flush_async":             "closing and CloseWrite flush",
	// Go's poller waits, and deadlines and closing end that.
	"sally_stream_wait": "Go's poller waits", "sally_stream_wait_async": "Go's poller waits",
	"sally_stream_cancel": "nothing of it is pending in the library", "sally_stream_close_async": "an attempt closes in the background",
	"sally_stream_connect": "blocks a thread", "sally_stream_upgrade": "blocks a thread",
	"sally_stream_authenticate": "blocks a thread", "sally_stream_shutdown": "blocks a thread",
	"sally_listener_next_refusal":  "blocks a thread",
	"sally_credential_wait_change": "blocks a thread", "sally_trust_store_wait_change": "blocks a thread",
	"sally_ticket_keys_wait_change": "blocks a thread", "sally_runtime_run": "blocks a thread", "sally_runtime_wake": "with run",
	"sally_runtime_fd": "a runtime without threads would need run; streams' own descriptors are watched",
	// The garbage collector may move or free what would be lent.
	"sally_stream_read_some_async": "lends Go memory", "sally_stream_read_exactly_async": "lends Go memory",
	"sally_stream_read_until_async": "lends Go memory", "sally_stream_write_async": "lends Go memory",
	"sally_stream_writev_async":  "lends Go memory",
	"sally_tls_config_set_clock": "C would call into Go within handshakes; Rules.Time",
}

func read(t *testing.T, patterns ...string) string {
	t.Helper()
	var text strings.Builder
	for _, pattern := range patterns {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				text.Write(data)
			}
		}
	}
	return text.String()
}

func reasonFor(name string) (entry string, known bool) {
	if _, known = unbound[name]; known {
		return name, true
	}
	for entry := range unbound {
		if strings.HasSuffix(entry, "_") && strings.HasPrefix(name, entry) {
			return entry, true
		}
	}
	return "", false
}

func TestEveryFunctionOfTheHeadersIsBoundOrLeftOutOnPurpose(t *testing.T) {
	comment := regexp.MustCompile(`(?s)/\*.*?\*/`)
	headers := comment.ReplaceAllString(read(t, "../../include/sallyport/*.h"), "")
	if headers == "" {
		t.Skip("the headers are not beside this package")
	}
	declared := make(map[string]bool)
	for _, found := range regexp.MustCompile(`(?s)SALLY_API[^;]*?\b(sally_\w+)\(`).FindAllStringSubmatch(headers, -1) {
		declared[found[1]] = true
	}
	called := make(map[string]bool)
	for _, found := range regexp.MustCompile(`\b(sally_\w+)\(`).FindAllStringSubmatch(read(t, "*.go")+comment.ReplaceAllString(read(t, "waist.h"), ""), -1) {
		called[found[1]] = true
	}
	var missing []string
	used := make(map[string]bool)
	for name := range declared {
		entry, left := reasonFor(name)
		switch {
		case !called[name] && !left:
			missing = append(missing, name)
		case !called[name]:
			used[entry] = true
		case left && entry == name:
			t.Errorf("%s is bound, and in the list of what is not", name)
		}
	}
	for entry := range unbound {
		if !used[entry] {
			t.Errorf("%s is in the list of what is not bound, and nowhere else", entry)
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 || len(declared) < 200 {
		t.Errorf("of %d functions these are not bound: %s", len(declared), strings.Join(missing, " "))
	}
}

func TestTheNumbersOfStatusesAreTheLibrarys(t *testing.T) {
	text := read(t, "status_codes.go")
	found := regexp.MustCompile(`(?m)^\tStatus(\w+)\s+Status = (\d+)$`).FindAllStringSubmatch(text, -1)
	if len(found) < 100 {
		t.Fatal(len(found))
	}
	for _, constant := range found {
		number := 0
		for _, digit := range constant[2] {
			number = number*10 + int(digit-'0')
		}
		name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(Status(number).String(), "SALLY_"), "_", ""))
		if strings.HasPrefix(name, "status") {
			t.Errorf("the library does not know %d, %s", number, constant[1])
		} else if name != strings.ToLower(constant[1]) {
			t.Errorf("%d is %s, not %s", number, name, constant[1])
		}
	}
}
