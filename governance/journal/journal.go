package journal

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/attribution"
)

// What callers branch on. Each is wrapped in an *Error.
var (
	// ErrCurrency: it is not known how many decimals the currency has.
	ErrCurrency = errors.New("minor unit of the currency is not known")
	// ErrAmount: an amount is not one that could be posted.
	ErrAmount = errors.New("absurd amount")
	// ErrPosted: what is to be reversed is a reversal itself.
	ErrPosted = errors.New("cannot be reversed")
	// ErrFormat: what was read is not a journal.
	ErrFormat = errors.New("not a journal")
)

// Error says where something is wrong.
type Error struct {
	Op     string
	Line   int    // of a file, from 1; 0 where there is none
	Column string // of a file
	Detail string
	Err    error
}

// Error prints "journal: op line: column: detail: cause".
func (e *Error) Error() string {
	s := "journal: " + e.Op
	if e.Line > 0 {
		s += fmt.Sprintf(" line %d", e.Line)
	}
	if e.Column != "" {
		s += ": column " + e.Column
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Type says what a journal is of.
type Type string

// The types.
const (
	Actual  Type = "actual"
	Accrual Type = "accrual"
)

// Posting is where money belongs; it is what lines are told apart by.
type Posting struct {
	Entity        string                 `json:"entity"`
	CostCentre    string                 `json:"cost_centre"`
	LedgerAccount string                 `json:"ledger_account"`
	Payer         string                 `json:"payer"`
	Month         string                 `json:"month"` // that the money was spent in, "2026-05"
	Currency      string                 `json:"currency"`
	Invoice       string                 `json:"invoice"` // "" for what is on none
	Workload      attribution.WorkloadID `json:"workload"`
	Kind          attribution.ChargeKind `json:"kind"`
	Generation    uint64                 `json:"generation"` // of the statement
}

func (p *Posting) compare(o *Posting) int {
	return cmp.Or(cmp.Compare(p.Payer, o.Payer), cmp.Compare(p.Month, o.Month), cmp.Compare(p.Currency, o.Currency), cmp.Compare(p.Invoice, o.Invoice),
		cmp.Compare(p.Entity, o.Entity), cmp.Compare(p.CostCentre, o.CostCentre), cmp.Compare(p.LedgerAccount, o.LedgerAccount),
		cmp.Compare(p.Workload, o.Workload), cmp.Compare(p.Kind, o.Kind), cmp.Compare(p.Generation, o.Generation))
}

// Item is exact money to be posted.
type Item struct {
	Posting
	Amount decimal.Decimal
}

// Line is an entry: a whole number of minor units.
type Line struct {
	Type Type `json:"type"`
	Posting
	// Period is the accounting period that the line is posted in, "2026-06".
	Period string `json:"period"`
	// Minor is the amount in minor units, of which Digits decimals are one unit.
	Minor  int64 `json:"amount_minor"`
	Digits int32 `json:"minor_digits"`
	// Exact is what was rounded.
	Exact    decimal.Decimal `json:"exact"`
	Reversal bool            `json:"reversal"`
}

// Residual is what the line has more than its exact amount.
func (l *Line) Residual() decimal.Decimal { return decimal.New(l.Minor, -l.Digits).Sub(l.Exact) }

// Slice is what was rounded as one.
type Slice struct {
	Payer    string          `json:"payer"`
	Month    string          `json:"month"`
	Currency string          `json:"currency"`
	Invoice  string          `json:"invoice"`
	Exact    decimal.Decimal `json:"exact"`
	Minor    int64           `json:"amount_minor"`
	Digits   int32           `json:"minor_digits"`
	Residual decimal.Decimal `json:"residual"` // rounded less exact
	Lines    int             `json:"lines"`
}

// Options adjust a journal. Nil and the zero value mean the defaults.
type Options struct {
	// Period is the accounting period to post in; by default the month of the money.
	Period string
	// Digits returns how many decimals a currency has, false where that is not
	// known; by default attribution.MinorDigits.
	Digits func(currency string) (int32, bool)

	_ struct{}
}

// New makes the lines of items, in order of postings. Items of one posting are added
// up. Lines of nothing at all are left out; those of an amount that rounds to nothing
// stay, for their exact amounts are part of the slice.
func New(t Type, items []Item, o *Options) ([]Line, error) {
	var opt Options
	if o != nil {
		opt = *o
	}
	if opt.Digits == nil {
		opt.Digits = attribution.MinorDigits
	}
	if t != Actual && t != Accrual {
		return nil, &Error{Op: "make", Detail: fmt.Sprintf("type %q", t), Err: ErrFormat}
	}
	sums := map[Posting]decimal.Decimal{}
	for _, i := range items {
		if !plausible(i.Amount) {
			return nil, &Error{Op: "make", Detail: fmt.Sprintf("of %q, invoice %q", i.Workload, i.Invoice), Err: ErrAmount}
		}
		sums[i.Posting] = sums[i.Posting].Add(i.Amount)
	}
	var lines []Line
	for p, sum := range sums {
		if sum.IsZero() {
			continue
		}
		digits, ok := opt.Digits(p.Currency)
		if !ok || digits < 0 || digits > maxDigits {
			return nil, &Error{Op: "make", Detail: fmt.Sprintf("%q", p.Currency), Err: ErrCurrency}
		}
		lines = append(lines, Line{Type: t, Posting: p, Period: cmp.Or(opt.Period, p.Month), Digits: digits, Exact: sum})
	}
	slices.SortFunc(lines, func(a, b Line) int { return a.compare(&b.Posting) })
	for i := 0; i < len(lines); {
		j := i + 1
		for j < len(lines) && lines[j].sliceKey() == lines[i].sliceKey() {
			j++
		}
		if err := share(lines[i:j]); err != nil {
			return nil, err
		}
		i = j
	}
	return lines, nil
}

// sliceKey names the slice of a posting: its invoice, or its payer's month.
func (p *Posting) sliceKey() [4]string {
	return [4]string{p.Payer, p.Month, p.Currency, p.Invoice}
}

// share gives the lines of a slice their minor units.
func share(lines []Line) error {
	digits := lines[0].Digits
	exact := decimal.Decimal{}
	floors := decimal.Decimal{}
	lost := make([]decimal.Decimal, len(lines))
	for i := range lines {
		l := &lines[i]
		exact = exact.Add(l.Exact)
		floor := l.Exact.Shift(digits).Floor()
		floors = floors.Add(floor)
		lost[i] = l.Exact.Shift(digits).Sub(floor)
		var err error
		if l.Minor, err = whole(floor); err != nil {
			return err
		}
	}
	// What the floors leave of the rounded total is less than a unit for each line.
	left, err := whole(exact.Shift(digits).Round(0).Sub(floors))
	if err != nil {
		return err
	}
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return lost[j].Cmp(lost[i]) })
	for _, i := range order[:left] {
		lines[i].Minor++
	}
	return nil
}

// whole returns an integer, with room for one more.
func whole(d decimal.Decimal) (int64, error) {
	i := d.BigInt()
	if !i.IsInt64() || i.CmpAbs(big.NewInt(1<<62)) > 0 {
		return 0, &Error{Op: "make", Detail: "more minor units than can be posted", Err: ErrAmount}
	}
	return i.Int64(), nil
}

// plausible keeps absurd exponents from becoming gigabytes of digits.
func plausible(d decimal.Decimal) bool {
	return d.Exponent() >= -64 && d.Exponent() <= 32 && d.Coefficient().BitLen() <= 256
}

// Slices returns what the lines add up to, by type, period and slice, in order of the
// lines.
func Slices(lines []Line) []Slice {
	type key struct {
		t        Type
		period   string
		reversal bool
		slice    [4]string
	}
	at := map[key]int{}
	var out []Slice
	for i := range lines {
		l := &lines[i]
		k := key{l.Type, l.Period, l.Reversal, l.sliceKey()}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, Slice{Payer: l.Payer, Month: l.Month, Currency: l.Currency, Invoice: l.Invoice, Digits: l.Digits})
		}
		s := &out[n]
		s.Exact, s.Minor, s.Lines = s.Exact.Add(l.Exact), s.Minor+l.Minor, s.Lines+1
	}
	for i := range out {
		s := &out[i]
		s.Residual = decimal.New(s.Minor, -s.Digits).Sub(s.Exact)
	}
	return out
}

// Reverse returns the lines that take lines back, posted in a period: those of an
// accrual once the invoice is there, those of a month that was restated. Reversing a
// reversal is ErrPosted.
func Reverse(lines []Line, period string) ([]Line, error) {
	out := slices.Clone(lines)
	for i := range out {
		l := &out[i]
		if l.Reversal {
			return nil, &Error{Op: "reverse", Detail: fmt.Sprintf("of %q, invoice %q", l.Workload, l.Invoice), Err: ErrPosted}
		}
		l.Minor, l.Exact, l.Period, l.Reversal = -l.Minor, l.Exact.Neg(), period, true
	}
	return out, nil
}

// Correct returns what to post in a period when what was posted has come to be
// something else: of each slice that changed, the reversal of what was posted and the
// lines of what it is now. Slices of which every line is as it was, but for the
// generation, are left alone. Currencies and invoices of now that were not posted are
// new lines.
func Correct(posted, now []Line, period string) ([]Line, error) {
	before, after := bySlice(posted), bySlice(now)
	var keys [][4]string
	for k := range before {
		keys = append(keys, k)
	}
	for k := range after {
		if _, ok := before[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b [4]string) int { return slices.Compare(a[:], b[:]) })
	var out []Line
	for _, k := range keys {
		if same(before[k], after[k]) {
			continue
		}
		back, err := Reverse(before[k], period)
		if err != nil {
			return nil, err
		}
		out = append(out, back...)
		for _, l := range after[k] {
			l.Period = period
			out = append(out, l)
		}
	}
	return out, nil
}

func bySlice(lines []Line) map[[4]string][]Line {
	out := map[[4]string][]Line{}
	for _, l := range lines {
		out[l.sliceKey()] = append(out[l.sliceKey()], l)
	}
	return out
}

// same reports whether two slices post the same.
func same(a, b []Line) bool {
	return slices.EqualFunc(a, b, func(x, y Line) bool {
		p, q := x.Posting, y.Posting
		p.Generation, q.Generation = 0, 0
		return p == q && x.Minor == y.Minor && x.Digits == y.Digits && x.Reversal == y.Reversal
	})
}
