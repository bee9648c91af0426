package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

// recorded spells claims and when they were recorded.
func recorded(c *attribution.Claims) []string {
	out := []string{}
	for _, x := range c.Claims {
		out = append(out, string(x.ID)+" "+string(x.Target.(attribution.Whole).Workload)+" "+x.RecordedAt.Format(time.DateTime))
	}
	return out
}

func TestClaimsKeepTheTimeTheyWereRecorded(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		var now time.Time
		l := ledger.New(storage.New(d, nil), &ledger.Options{Now: func() time.Time { return now }})
		said := claim("c4", "r4", "w4")
		said.RecordedAt = at(t, "2026-01-01")
		for i, step := range []struct {
			claims *attribution.Claims
			want   []string
			writes bool
		}{
			{nil, []string{}, false},
			{claims(), []string{}, false},
			{claims(claim("c1", "r1", "w1"), claim("c2", "r2", "w2")), []string{"c1 w1 2026-06-03 00:00:00", "c2 w2 2026-06-03 00:00:00"}, true},
			{claims(claim("c1", "r1", "w1"), claim("c2", "r2", "w2")), []string{"c1 w1 2026-06-03 00:00:00", "c2 w2 2026-06-03 00:00:00"}, false},
			{claims(claim("c1", "r1", "w1"), claim("c2", "r2", "w3")), []string{"c1 w1 2026-06-03 00:00:00", "c2 w3 2026-06-05 00:00:00"}, true},
			{claims(claim("c1", "r1", "w1"), said), []string{"c1 w1 2026-06-03 00:00:00", "c4 w4 2026-01-01 00:00:00"}, true},
			// A claim that was not current for a while is a new one.
			{claims(claim("c2", "r2", "w3")), []string{"c2 w3 2026-06-07 00:00:00"}, true},
			{nil, []string{}, true},
			{claims(), []string{}, false},
		} {
			now = at(t, "2026-06-01").AddDate(0, 0, i)
			before := image(t, d)
			preview, err := l.Record(ctx, step.claims)
			if err != nil {
				t.Fatal(err)
			}
			if image(t, d) != before {
				t.Errorf("step %d: Record wrote", i)
			}
			saved, err := l.SaveClaims(ctx, step.claims)
			if err != nil {
				t.Fatal(err)
			}
			if got := image(t, d) != before; got != step.writes {
				t.Errorf("step %d: wrote %t, want %t", i, got, step.writes)
			}
			current, err := l.CurrentClaims(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for what, c := range map[string]*attribution.Claims{"Record": preview, "SaveClaims": saved, "CurrentClaims": current} {
				if diff := cmp.Diff(recorded(c), step.want); diff != "" {
					t.Errorf("step %d: %s, got and want:\n%s", i, what, diff)
				}
			}
			if step.claims != nil && len(step.claims.Claims) > 0 && step.claims.Claims[0].RecordedAt != (time.Time{}) {
				t.Errorf("step %d: the caller's claims were changed", i)
			}
		}
	})
}

func TestNamesOfWorkloadsAreSaved(t *testing.T) {
	l := open(memstore.New(), nil)
	c := claims(claim("c", "r1", "w"))
	for _, name := range []string{"one", "two"} {
		c.Workloads = []attribution.Workload{{ID: "w", Name: name, Owner: "o", Portfolio: "p"}}
		if _, err := l.SaveClaims(ctx, c); err != nil {
			t.Fatal(err)
		}
		got, err := l.CurrentClaims(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got.Workloads, c.Workloads); diff != "" {
			t.Errorf("got and want:\n%s", diff)
		}
	}
}

func TestTwoWritersOfClaims(t *testing.T) {
	d := memstore.New()
	l := open(d, nil)
	// The second saves while the first is between reading and writing.
	other := open(d, nil)
	hook := open(between{d, func() {
		if _, err := other.SaveClaims(ctx, claims(claim("c", "r1", "theirs"))); err != nil {
			t.Error(err)
		}
	}}, nil)
	if _, err := hook.SaveClaims(ctx, claims(claim("c", "r1", "ours"))); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("SaveClaims: %v, want ErrConflict", err)
	}
	c, err := l.CurrentClaims(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded(c), []string{"c theirs 2026-06-01 12:00:00"}); diff != "" {
		t.Errorf("current claims, got and want:\n%s", diff)
	}
}

// between is a driver that calls f before the first commit of the claims' head.
type between struct {
	storage.Driver
	f func()
}

func (d between) Commit(c context.Context, b *storage.WriteBatch) error {
	if len(b.Writes) == 1 && b.Writes[0].Key.Partition == "ledger/claims" {
		d.f()
	}
	return d.Driver.Commit(c, b)
}

// TestClaimsUnderOtherAliases has two anchors under the ledger's rules that are one
// under the default ones: they are saved, booked and read back all the same.
func TestClaimsUnderOtherAliases(t *testing.T) {
	alias := claim("c2", "r1", "w2")
	alias.Anchor.Value = "arn:aws:bedrock:us-east-1:" + account + ":agent-runtime/r1"
	both := claims(claim("c1", "r1", "w1"), alias)
	l := open(memstore.New(), &ledger.Options{Rules: noAliases()})
	if _, err := l.SaveClaims(ctx, both); err != nil {
		t.Fatal(err)
	}
	g := book(t, l, delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), both, nil).Generation
	for name, read := range map[string]func() (*attribution.Claims, error){
		"current": func() (*attribution.Claims, error) { return l.CurrentClaims(ctx) },
		"booked":  func() (*attribution.Claims, error) { return l.Claims(ctx, g) },
	} {
		if c, err := read(); err != nil || len(c.Claims) != 2 {
			t.Errorf("%s claims: %v, %v, want two", name, c, err)
		}
	}
	if _, err := l.Statements(ctx, g); err != nil {
		t.Error(err)
	}
}

// TestUnusableClaims are refused wherever they are handed in, and nothing is
// written.
func TestUnusableClaims(t *testing.T) {
	noTarget := claim("c", "r1", "w")
	noTarget.Target = nil
	alias := claim("c2", "r1", "w2")
	alias.Anchor.Value = "arn:aws:bedrock:us-east-1:" + account + ":agent-runtime/r1"
	for _, tc := range []struct {
		name   string
		rules  *attribution.Rules
		claims *attribution.Claims
		want   error
	}{
		{"two on one anchor", nil, claims(claim("c1", "r1", "w1"), claim("c2", "r1", "w2")), attribution.ErrClaimConflict},
		{"two on one anchor in two spellings", nil, claims(claim("c1", "r1", "w1"), alias), attribution.ErrClaimConflict},
		{"an id twice", nil, claims(claim("c", "r1", "w1"), claim("c", "r2", "w2")), attribution.ErrClaims},
		{"no target", nil, claims(noTarget), attribution.ErrClaims},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := memstore.New()
			l := open(d, &ledger.Options{Rules: tc.rules})
			r := delivery(t, "2026-05-20", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1")))
			book(t, l, r, nil, nil)
			before := image(t, d)
			if _, err := l.SaveClaims(ctx, tc.claims); !errors.Is(err, tc.want) {
				t.Errorf("SaveClaims: %v, want %v", err, tc.want)
			}
			if _, err := l.Prepare(ctx, r, tc.claims, nil); !errors.Is(err, tc.want) {
				t.Errorf("Prepare: %v, want %v", err, tc.want)
			}
			if _, err := l.Reattribute(ctx, payer, month(t, "2026-05"), tc.claims); !errors.Is(err, tc.want) {
				t.Errorf("Reattribute: %v, want %v", err, tc.want)
			}
			if image(t, d) != before {
				t.Error("something was written")
			}
		})
	}
}
