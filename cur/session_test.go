package cur

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

func TestSplitSession(t *testing.T) {
	for in, want := range map[string][2]string{
		"arn:aws:sts::111111111111:assumed-role/App/s-1": {"arn:aws:sts::111111111111:assumed-role/App", "s-1"},
		"arn:aws:sts::111111111111:assumed-role/App/a/b": {"arn:aws:sts::111111111111:assumed-role/App", "a/b"},
		"arn:aws:sts::111111111111:assumed-role/App/":    {"arn:aws:sts::111111111111:assumed-role/App", ""},
		"arn:aws:sts::111111111111:assumed-role/App":     {"arn:aws:sts::111111111111:assumed-role/App", ""},
		"arn:aws:iam::111111111111:user/x/bob":           {"arn:aws:iam::111111111111:user/x/bob", ""},
		"":                                               {"", ""},
	} {
		role, session, ok := SplitSession(in)
		if role != want[0] || session != want[1] || ok != (want[1] != "") {
			t.Errorf("SplitSession(%q) = %q, %q, %v, want %q", in, role, session, ok, want)
		}
	}
}

// The session grain adds up to the book by group, on the row path and on the column
// path, with names as they are and hashed.
func TestSessionGrainAddsUpToTheBook(t *testing.T) {
	key := []byte("0123456789abcdef")
	set := monthFiles(t, curtest.Config{Rows: 3000, AIShare: 60, Roles: 5, Sessions: 9}, curtest.Delivery{RowGroup: 700}, t.TempDir())
	book := sameByColumns(t, Rollup{Where: scopeWhere}, set)[0].Partial
	for name, r := range map[string]Rollup{
		"plain":  {Where: scopeWhere, Sessions: true, RestUnread: true},
		"hashed": {Where: scopeWhere, Sessions: true, SessionKey: key, RestUnread: true},
	} {
		sessions := sameByColumns(t, r, set)[0].Partial
		if got := sessions.Spec().Sessions; (got == "plain") != (name == "plain") || strings.Contains(got, string(key)) {
			t.Errorf("%s: spec says %q", name, got)
		}
		again, err := DecodePartial(sessions.AppendBody(nil))
		if err != nil || again.Digest() != sessions.Digest() {
			t.Errorf("%s: read back: %v", name, err)
		}
		var groups []Group
		split := 0
		for i, g := range sessions.Groups() {
			role, session, ok := SplitSession(g.Key.Principal)
			if ok {
				split++
			}
			if ok && strings.HasPrefix(session, HashedSession) != (name == "hashed") {
				t.Fatalf("%s: session %q", name, session)
			}
			_ = i
			g.Key.Principal = role
			groups = append(groups, g)
		}
		if split == 0 || sessions.Len() <= book.Len() {
			t.Fatalf("%s: %d sessions, %d groups of %d: the month tests nothing", name, split, sessions.Len(), book.Len())
		}
		folded, err := NewPartial(book.Spec(), Contents{Measures: book.Measures(), Columns: keyColumns[:], Groups: groups})
		if err != nil {
			t.Fatal(err)
		}
		if folded.Len() != book.Len() {
			t.Fatalf("%s: %d groups, the book has %d", name, folded.Len(), book.Len())
		}
		for i := range book.Len() {
			a, b := book.Sums(i), folded.Sums(i)
			if book.Key(i).Compare(folded.Key(i)) != 0 || !a.Equal(&b) {
				t.Fatalf("%s: group %d differs", name, i)
			}
		}
		if body := sessions.AppendBody(nil); name == "hashed" && bytes.Contains(body, key) {
			t.Error("the key is kept")
		}
	}
}

// A predicate sees the role, also where the key keeps the session.
func TestSessionsOfSomeRoles(t *testing.T) {
	set := monthFiles(t, curtest.Config{Rows: 2000, AIShare: 60, Roles: 5, Sessions: 4}, curtest.Delivery{RowGroup: 700}, t.TempDir())
	all := sameByColumns(t, Rollup{Where: scopeWhere}, set)[0].Partial
	role := ""
	for i := range all.Len() {
		if p := all.Key(i).Principal; strings.Contains(p, ":assumed-role/") {
			role = p
		}
	}
	r := Rollup{Sessions: true, RestUnread: true, Where: Where{Any: []Clause{{{ColPrincipal, In, []string{role}}}}}}
	some := sameByColumns(t, r, set)[0].Partial
	if some.Len() == 0 {
		t.Fatalf("no groups of %q", role)
	}
	for i := range some.Len() {
		if got, _, ok := SplitSession(some.Key(i).Principal); got != role || !ok {
			t.Errorf("group of %q, want a session of %q", some.Key(i).Principal, role)
		}
	}
}

func TestSessionKeys(t *testing.T) {
	for name, r := range map[string]Rollup{
		"short":               {Sessions: true, SessionKey: []byte("short")},
		"for nothing":         {SessionKey: []byte("0123456789abcdef")},
		"where none was kept": {SessionKey: []byte("0123456789abcdef"), RestUnread: true},
	} {
		if _, err := r.Run(context.Background(), nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	a, b := HashSession([]byte("0123456789abcdef"), "ann"), HashSession([]byte("0123456789abcdeg"), "ann")
	if a == b || a != HashSession([]byte("0123456789abcdef"), "ann") || !strings.HasPrefix(a, HashedSession) {
		t.Errorf("hashes %q and %q", a, b)
	}
}
