package dynamostore_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/dynamostore"
)

var rewrite = flag.Bool("update", false, "write the requests of this release's layout anew")

// scripted answers every request without a server, and keeps what was asked.
type scripted struct{ asked []any }

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if _, ok := body["ClientRequestToken"]; ok {
		body["ClientRequestToken"] = "(a new one for each commit)"
	}
	s.asked = append(s.asked, map[string]any{op: body})
	if len(s.asked) == 1 {
		return answered(r, 200, `{"Item":{"pk":{"S":"s/layout"},"sk":{"S":"s/layout"},"v":{"N":"1"}}}`), nil
	}
	return answered(r, 200, "{}"), nil
}

// What is sent, and so what lies in the table, is what the release of layout 1 sends.
func TestRequestsAreThoseReleased(t *testing.T) {
	tr := new(scripted)
	d, err := dynamostore.Open(t.Context(), newClient("http://127.0.0.1:1", tr), "books", nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := storage.Stamp{Version: 2, Head: [32]byte{1, 2, 3}}
	next := storage.Stamp{Version: 3, Head: [32]byte{4, 5, 6}}
	err = d.Commit(t.Context(), &storage.WriteBatch{
		Writes: []storage.Write{
			{Key: storage.Key{Partition: "p/é", Sort: "new"}, Next: storage.Stamp{Version: 1}, Record: []byte("record")},
			{Key: key("audited"), Prev: seen, Next: next, Record: []byte("record"), Entry: []byte("entry")},
		},
		Deletes: []storage.Delete{{Key: key("gone"), Prev: seen}},
		Checks:  []storage.Check{{Key: key("seen"), Stamp: seen}, {Key: key("absent")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), key("a")); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("get: got error %v, want ErrNotFound", err)
	}
	for _, q := range []storage.Query{
		{Span: storage.Span{Partition: "p"}},
		{Span: storage.Span{Partition: "p", From: "a", To: "b", Reverse: true, Limit: 5}},
		{Span: storage.Span{Partition: "p"}, Log: "audited", Since: 2},
	} {
		if _, _, err := d.Page(t.Context(), q, ""); err != nil {
			t.Errorf("page: %v", err)
		}
	}
	got, err := json.MarshalIndent(tr.asked, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "layout-1.json")
	if *rewrite {
		if err := os.WriteFile(golden, fmt.Appendf(got, "\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("requests differ from the released ones (-want +got):\n%s", diff)
	}
}
