package cur

import (
	"errors"
	"strings"
)

// column returns the value of any column of the current row.
func (r *row) column(c Column) (value string, ok bool) {
	ways := r.resolve(c)
	for _, w := range ways {
		v, err := "", error(nil)
		if w.key == "" {
			v, err = r.dec.text(w.col)
		} else {
			v, err = r.dec.lookup(w.col, w.key)
		}
		if err != nil {
			r.fail(w.col, err)
			return "", true
		}
		if v != "" {
			return v, true
		}
		if w.knows != "" {
			knows, err := r.dec.holds(w.col, w.knows)
			if err != nil {
				r.fail(w.col, err)
			}
			if err != nil || knows {
				return "", true
			}
		}
	}
	return "", len(ways) > 0
}

// fail records the first failure of a look-up; the row is then refused.
func (r *row) fail(col int, err error) {
	if r.err == nil {
		r.err = r.at(col, err)
	}
}

// at gives an error its coordinates and the cell.
func (r *row) at(col int, err error) error {
	v, _ := r.dec.text(col)
	return &RowError{Source: r.source, Row: r.n, Column: r.header[col], Value: cut(v), Err: err}
}

var (
	errBlankPeriod = errors.New("blank billing period")
	errNoTime      = errors.New("row has neither an interval nor a usage start")
)

// fill reads the current row into li.
func (r *row) fill(li *LineItem) (err error) {
	li.reset()
	li.row, r.err = r, nil
	for i := range textFields {
		if c := r.text[i]; c >= 0 {
			if *textFields[i].of(li), err = r.dec.text(c); err != nil {
				return r.at(c, err)
			}
		}
	}
	for m, c := range r.amount {
		if c < 0 {
			continue
		}
		n, present, err := r.dec.amount(c)
		if err != nil {
			return r.at(c, err)
		}
		// A net cost of zero that stands for a blank is no discount of the whole
		// price. The two cannot be told apart; the blank is far more frequent.
		if present && !(Measure(m) == NetUnblendedCost && r.netZero && n.IsZero()) {
			li.setAmount(Measure(m), n)
		}
	}
	if err := r.times(li); err != nil {
		return err
	}
	return r.derive(li)
}

// times fills the interval, the usage times and the billing period.
func (r *row) times(li *LineItem) (err error) {
	if c := r.interval; c >= 0 {
		s, err := r.dec.text(c)
		if err != nil {
			return r.at(c, err)
		}
		if s != "" {
			v, err := r.intervals.parse(s)
			if err != nil {
				return r.at(c, err)
			}
			li.IntervalStart, li.IntervalEnd = v.start, v.end
		}
	}
	if c := r.start; c >= 0 {
		if li.UsageStart, err = r.dec.time(c); err != nil {
			return r.at(c, err)
		}
	}
	if c := r.end; c >= 0 {
		if li.UsageEnd, err = r.dec.time(c); err != nil {
			return r.at(c, err)
		}
	}
	start := li.IntervalStart
	if start.IsZero() {
		start = li.UsageStart
	}
	if start.IsZero() {
		return &RowError{Source: r.source, Row: r.n, Err: errNoTime}
	}
	if r.period >= 0 {
		if start, err = r.dec.time(r.period); err != nil {
			return r.at(r.period, err)
		}
		if start.IsZero() {
			return r.at(r.period, errBlankPeriod)
		}
	}
	if start != r.lastStart {
		r.lastStart, r.lastMonth = start, MonthOf(start)
	}
	li.BillingPeriod = r.lastMonth
	return nil
}

// derive fills the fields that have a second home.
func (r *row) derive(li *LineItem) (err error) {
	if r.product >= 0 {
		for _, f := range [...]struct {
			field *string
			key   string
		}{{&li.ProductName, "product_name"}, {&li.Model, "model"}, {&li.Region, "region_code"}, {&li.Region, "region"}} {
			if *f.field != "" {
				continue
			}
			if *f.field, err = r.dec.lookup(r.product, f.key); err != nil {
				return r.at(r.product, err)
			}
		}
	}
	if li.Region == "" && r.region >= 0 {
		if li.Region, err = r.dec.text(r.region); err != nil {
			return r.at(r.region, err)
		}
	}
	if r.untyped {
		li.LineItemType = "Usage"
	}
	if li.PricingUnit == "" && li.BillingEntity == marketplace {
		li.PricingUnit = unitOf(li.Description)
	}
	return nil
}

const marketplace = "AWS Marketplace"

// unitOf returns the third field of a Marketplace description, where rows that
// leave the unit blank print it.
func unitOf(description string) string {
	_, rest, _ := strings.Cut(description, "|")
	_, rest, _ = strings.Cut(rest, "|")
	unit, _, _ := strings.Cut(rest, "|")
	return strings.TrimSpace(unit)
}
