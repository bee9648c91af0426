package cur

import (
	"errors"
	"strings"
	"time"
)

// column returns the value of any column of the current row.
func (r *row) column(c Column) (value string, ok bool) {
	ways := r.resolve(c)
	for i, w := range ways {
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
			r.agree(v, ways[i+1:])
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

// agree refuses a row in which two tags that share a name have different values:
// whichever was taken, the other would be lost.
func (r *row) agree(value string, ways []way) {
	for _, w := range ways {
		if !w.twin {
			return
		}
		v, err := r.dec.text(w.col)
		if err == nil && v != "" && v != value {
			err = errCollision
		}
		if err != nil {
			r.fail(w.col, err)
			return
		}
	}
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
	errCollision   = errors.New("two tags share this column's name, and have different values")
)

// fill reads the current row into li.
func (r *row) fill(li *LineItem) (err error) {
	if err := r.texts(li); err != nil {
		return err
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

// texts empties li and fills the fields that columns of their own have.
func (r *row) texts(li *LineItem) (err error) {
	li.reset()
	li.row, r.err = r, nil
	for i := range textFields {
		if c := r.text[i]; c >= 0 {
			if *textFields[i].of(li), err = r.dec.text(c); err != nil {
				return r.at(c, err)
			}
		}
	}
	return nil
}

// billed fills what says what is billed: texts and the billing period, which the
// report must have a column for.
func (r *row) billed(li *LineItem) error {
	if err := r.texts(li); err != nil {
		return err
	}
	if err := r.month(li, time.Time{}); err != nil {
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
	if start.IsZero() && !r.left.times {
		return &RowError{Source: r.source, Row: r.n, Err: errNoTime}
	}
	return r.month(li, start)
}

// month fills the billing period, which is that of start where the report has
// none.
func (r *row) month(li *LineItem, start time.Time) (err error) {
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
		for _, k := range productKeys {
			if v := textFields[k.field].of(li); *v == "" && !r.left.fields[k.field] {
				if *v, err = r.dec.lookup(r.product, k.key); err != nil {
					return r.at(r.product, err)
				}
			}
		}
	}
	if li.Region == "" && r.region >= 0 && !r.left.fields[fieldRegion] {
		if li.Region, err = r.dec.text(r.region); err != nil {
			return r.at(r.region, err)
		}
	}
	if r.untyped {
		li.LineItemType = "Usage"
	}
	if li.PricingUnit == "" && li.BillingEntity == marketplace && !r.left.fields[fieldUnit] {
		d := li.Description
		if c := r.left.description; c >= 0 {
			if d, err = r.dec.text(c); err != nil {
				return r.at(c, err)
			}
		}
		li.PricingUnit = unitOf(d)
	}
	return nil
}

// productKeys are the keys of the product map that fields are taken from when
// their own column is missing or blank.
var productKeys = [...]struct {
	field int
	key   string
}{{fieldName, "product_name"}, {fieldModel, "model"}, {fieldRegion, "region_code"}, {fieldRegion, "region"}}

// left is what the options of a reader leave out of a row.
type left struct {
	fields      [numTextFields]bool
	times       bool // a row may be without
	description int  // the column of the description, where it is read for the unit alone; else -1
}

// project leaves out what o does not ask for, and returns the measures left.
func (r *row) project(o *ReaderOptions, have MeasureSet) MeasureSet {
	asked, places := map[string]bool{}, map[int]bool{}
	ask := func(c Column) {
		asked[fold(string(c))] = true
		if i := r.find(c); i >= 0 {
			places[i] = true // by another name, which is the report's own
		}
	}
	for _, c := range [...]Column{ColPayer, ColBillingPeriod, ColCurrency, ColLineItemType} {
		ask(c)
	}
	for _, c := range o.Columns {
		ask(c)
	}
	for _, clause := range o.Where.Any {
		for _, c := range clause {
			ask(c.Column)
		}
	}
	wants := func(c Column) bool { return asked[fold(string(c))] || places[r.find(c)] }
	if wants(ColPricingUnit) {
		ask(ColBillingEntity)
	}
	if r.period < 0 { // it is worked out from these
		ask(colInterval)
		ask(colUsageStart)
	}
	if !wants(colDescription) && wants(ColPricingUnit) {
		r.left.description = r.text[fieldDescription]
	}
	for i := range textFields {
		if !wants(textFields[i].column) {
			r.text[i], r.there[i], r.left.fields[i] = -1, false, true
		}
	}
	for m := range Measure(NumMeasures) {
		switch {
		case !wants(measureColumns[m]):
			r.amount[m] = -1
			have &^= 1 << m
		case (m == UnblendedWhereNetBlank || m == ReservationFee) && !wants(measureColumns[UnblendedCost]):
			have &^= 1 << m
		}
	}
	r.left.times = r.period >= 0 && !wants(colInterval) && !wants(colUsageStart)
	for c, at := range map[Column]*int{colInterval: &r.interval, colUsageStart: &r.start, colUsageEnd: &r.end} {
		if !wants(c) {
			*at = -1
		}
	}
	return have
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
