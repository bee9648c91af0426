package ledger_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/cur"
	"github.com/spendclaim/spendclaim/storage"
)

const sharedRole = "arn:aws:sts::" + account + ":assumed-role/shared-svc"

// call is an edit: a model call by a session of the shared role.
func call(session string) func(*cur.LineItem) {
	return func(li *cur.LineItem) {
		li.ProductCode, li.UsageType, li.PricingUnit = "AmazonBedrock", "USE1-Claude-input-tokens", "1K tokens"
		li.Principal, li.Resource = sharedRole+"/"+session, ""
	}
}

// withSessions rolls up rows at both grains.
func withSessions(t *testing.T, key []byte, asOf, execution string, rows ...*cur.LineItem) cur.Rolled {
	t.Helper()
	r := cur.Rollup{Where: attribution.DefaultScope().Where()}
	out := delivery(t, asOf, execution, rollWith(t, r, rows))
	r.Sessions, r.SessionKey, r.RestUnread = true, key, true
	out.Sessions = rollWith(t, r, rows)
	return out
}

func sessionClaim(id, value, workload string) attribution.Claim {
	c := claim(id, "", workload)
	c.Anchor = attribution.Anchor{Kind: attribution.KindSession, Value: value}
	return c
}

// The session grain is kept with its generation: claims on sessions need no file
// from then on, and the books say the same when they are read back.
func TestSessionsAreBooked(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		l := open(d, nil)
		rows := []*cur.LineItem{row(t, "2026-05-03", "1", "", call("returns-1")), row(t, "2026-05-03", "2", "", call("documents-1")), row(t, "2026-05-04", "4", "", call("returns-2"))}
		role := claim("role", "", "documents")
		role.Anchor = attribution.Anchor{Kind: attribution.KindRole, Value: sharedRole}
		check := func(b *ledger.Booking, number uint64, cause ledger.Cause, want map[string]string) {
			t.Helper()
			g := b.Generation
			if g.Number != number || g.Cause != cause || !g.Reconciled {
				t.Errorf("generation %d, cause %s, reconciled %v; want %d, %s", g.Number, g.Cause, g.Reconciled, number, cause)
			}
			again, err := l.Statements(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]decimal.Decimal{}
			for _, w := range again[0].Workloads() {
				got[string(w.Workload)] = w.Unblended
			}
			if d := cmp.Diff(want, texts(got)); d != "" {
				t.Errorf("workloads (-want +got):\n%s", d)
			}
			list, err := l.Totals(ctx, g)
			if err != nil {
				t.Fatal(err)
			}
			stated := map[string]decimal.Decimal{}
			for _, x := range list {
				stated[string(x.Workload)] = stated[string(x.Workload)].Add(x.Unblended)
			}
			if d := cmp.Diff(want, texts(stated)); d != "" {
				t.Errorf("totals (-want +got):\n%s", d)
			}
		}
		first := book(t, l, delivery(t, "2026-05-25", "1", rollWith(t, cur.Rollup{Where: attribution.DefaultScope().Where()}, rows)), claims(role), nil)
		check(first, 1, ledger.First, map[string]string{"documents": "7"})
		returns := sessionClaim("r", sharedRole+"/returns-*", "returns")
		if _, err := l.Reattribute(ctx, payer, month(t, "2026-05"), claims(role, returns)); !errors.Is(err, attribution.ErrNotStored) {
			t.Errorf("sessions that are not kept: %v, want ErrNotStored", err)
		}
		second := book(t, l, withSessions(t, nil, "2026-05-25", "1", rows...), claims(role, returns), nil)
		check(second, 2, "ownership", map[string]string{"documents": "2", "returns": "5"})
		if s, err := l.Sessions(ctx, second.Generation); err != nil || s.Len() != 3 {
			t.Errorf("the sessions kept: %v, %v", s, err)
		}
		if s, err := l.Sessions(ctx, first.Generation); err != nil || s != nil {
			t.Errorf("sessions of a generation without: %v, %v", s, err)
		}
		// The same again, with the grain or without: nothing to write.
		for name, r := range map[string]cur.Rolled{"with": withSessions(t, nil, "2026-05-25", "1", rows...),
			"without": delivery(t, "2026-05-25", "1", rollWith(t, cur.Rollup{Where: attribution.DefaultScope().Where()}, rows))} {
			if b, err := l.Prepare(ctx, r, claims(role, returns), nil); err != nil || !b.Unchanged {
				t.Errorf("the same delivery %s sessions: unchanged %v, %v", name, err == nil && b.Unchanged, err)
			}
		}
		third := reattribute(t, l, claims(role, sessionClaim("r", sharedRole+"/returns-2", "returns")))
		check(third, 3, "ownership", map[string]string{"documents": "3", "returns": "4"})
		// A restatement of one session's row is that session's owner's alone.
		rows[2] = row(t, "2026-05-04", "5", "", call("returns-2"))
		fourth := book(t, l, withSessions(t, nil, "2026-05-26", "2", rows...), claims(role, sessionClaim("r", sharedRole+"/returns-2", "returns")), nil)
		check(fourth, 4, "restated", map[string]string{"documents": "3", "returns": "5"})
	})
}

// With a key, no name of a session is in the store, in claims neither.
func TestHashedSessionsAreBooked(t *testing.T) {
	onEach(t, func(t *testing.T, d storage.Driver) {
		key := []byte("0123456789abcdef")
		l := open(d, &ledger.Options{Rules: &attribution.Rules{SessionKey: key}})
		ann := claims(sessionClaim("a", sharedRole+"/ann@example.com", "ann"))
		if _, err := l.SaveClaims(ctx, ann); err != nil {
			t.Fatal(err)
		}
		b := book(t, l, withSessions(t, key, "2026-05-25", "1", row(t, "2026-05-03", "1", "", call("ann@example.com")), row(t, "2026-05-03", "2", "", call("bob@example.com"))), ann, nil)
		if w := b.Statements[0].Workloads(); len(w) != 1 || w[0].Unblended.String() != "1" {
			t.Errorf("workloads %+v", w)
		}
		again, err := l.Prepare(ctx, withSessions(t, key, "2026-05-25", "1", row(t, "2026-05-03", "1", "", call("ann@example.com")), row(t, "2026-05-03", "2", "", call("bob@example.com"))), ann, nil)
		if err != nil || !again.Unchanged {
			t.Errorf("the same again: %+v, %v", again, err)
		}
		known, err := l.Record(ctx, ann)
		if err != nil || len(known.Claims) != 1 || !known.Claims[0].RecordedAt.Equal(clock()) {
			t.Errorf("recorded: %+v, %v", known, err)
		}
		for _, item := range scan(t, d) {
			for _, name := range []string{"ann@example", "bob@example", string(key)} {
				if bytes.Contains(item.Body, []byte(name)) {
					t.Errorf("%q is in the store, under %v", name, item.Key)
				}
			}
		}
		// Who has no key cannot make the statements again.
		if _, err := open(d, nil).Statements(ctx, b.Generation); !errors.Is(err, ledger.ErrRules) {
			t.Errorf("without the key: %v, want ErrRules", err)
		}
	})
}
