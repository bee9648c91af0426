package dynamotest

import (
	"net"
	"net/url"
	"strings"
	"testing"
)

func TestServerLivesAsLongAsTheTest(t *testing.T) {
	if Given() {
		t.Skip("the server is given, not started")
	}
	var endpoint string
	t.Run("inner", func(t *testing.T) {
		endpoint = Endpoint(t)
		if !answers(endpoint) {
			t.Errorf("%s does not answer", endpoint)
		}
	})
	if endpoint == "" {
		t.Skip("no server was started")
	}
	if answers(endpoint) {
		t.Errorf("%s answers after the test that started it", endpoint)
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if ip := net.ParseIP(u.Hostname()); !ip.IsLoopback() {
		t.Errorf("server listens on %s, want loopback", ip)
	}
}

func TestGivenEndpointIsTaken(t *testing.T) {
	t.Setenv("STORAGE_DYNAMODB_ENDPOINT", "http://127.0.0.1:1")
	if got := Endpoint(t); got != "http://127.0.0.1:1" || !Given() {
		t.Errorf("got %q, given %t, want what the environment names", got, Given())
	}
}

// recorder stands in for a test that may skip or fail.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper()                           {}
func (r *recorder) Skipf(format string, args ...any)  { r.skipped = format }
func (r *recorder) Fatalf(format string, args ...any) { r.failed = format }

func TestAbsenceSkipsOrFails(t *testing.T) {
	for _, required := range []string{"", "1"} {
		t.Setenv("REQUIRE_DYNAMODB", required)
		r := new(recorder)
		absent(r, net.ErrClosed)
		// A real Fatalf does not return; here the skip after it is without effect.
		failed := strings.Contains(r.failed, "REQUIRE_DYNAMODB")
		if failed != (required == "1") || !failed && r.skipped == "" {
			t.Errorf("REQUIRE_DYNAMODB=%q: skipped %q, failed %q", required, r.skipped, r.failed)
		}
	}
}
