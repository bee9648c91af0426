package ledger_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/attribution/ledger"
	"github.com/spendclaim/spendclaim/storage/memstore"
)

func TestFreshnessIsThatOfTheStatements(t *testing.T) {
	for horizon, want := range map[int]string{0: "2026-05-23", 3: "2026-05-22", -1: "2026-05-25"} {
		l := open(memstore.New(), &ledger.Options{Horizon: horizon})
		b := book(t, l, delivery(t, "2026-05-25T12:00:00Z", "1", roll(t, nil, row(t, "2026-05-04", "1", "r1"))), nil, nil)
		f := l.Freshness(b.Generation)
		if got := f.CompleteThrough.Format("2006-01-02"); got != want || !f.CompleteThrough.Equal(b.Statements[0].CompleteThrough) || f.Generation != 1 {
			t.Errorf("horizon %d: %+v, want through %s", horizon, f, want)
		}
		last := f.CompleteThrough
		if !f.Complete(last) || !f.Complete(last.Add(23*60*60*1e9)) || f.Complete(last.AddDate(0, 0, 1)) {
			t.Errorf("horizon %d: the days beside %s", horizon, want)
		}
	}
	if (ledger.Freshness{}).Complete(at(t, "2026-05-01")) {
		t.Error("what is not known is complete")
	}
}
