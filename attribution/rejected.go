package attribution

import (
	"github.com/spendclaim/spendclaim/cur"
)

// bookRejected books the rows that the reader left out: they count, and what they
// cost is in no sum. A row of which not even the currency could be read is booked
// with the others where all others have one currency.
func bookRejected(p *cur.Partial, tallies map[string]*tally, of func(currency string) *tally) {
	only := ""
	if len(tallies) == 1 {
		for only = range tallies {
		}
	}
	for _, r := range p.Rejected() {
		currency := r.Key.Currency
		if currency == "" {
			currency = only
		}
		t, x := of(currency), &amounts{rows: r.Rows}
		t.outcome(Rejected, Reason(r.Key.Reason), x)
		sum(t.others, Reason(r.Key.Reason), x)
		sum(t.types, r.Key.LineItemType, x)
		sum(t.products, r.Key.ProductCode, x)
		sum(t.control, r.Key.LineItemType, x)
	}
}

// isRejected reports whether a reason is one of rejected rows.
func isRejected(r Reason) bool { return r == ReasonCostUnreadable || r == ReasonRowUnreadable }

// rejected adds up what was rejected.
func (t *tally) rejected() (total amounts) {
	for r, x := range t.others {
		if isRejected(r) {
			total.add(x)
		}
	}
	return total
}

// rejectedNotes say what keeps the statement from being complete.
func (t *tally) rejectedNotes() (out []Note) {
	for _, n := range [...]struct {
		reason Reason
		column cur.Column
	}{{ReasonCostUnreadable, unblendedColumn}, {ReasonRowUnreadable, ""}} {
		if x := t.others[n.reason]; x != nil {
			out = append(out, Note{string(n.reason), n.column, x.rows})
		}
	}
	return out
}
