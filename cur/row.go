package cur

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// decoder reads the rows of one file. Cells are asked for by their place in the
// header; what is not asked for need not be decoded. Null and blank are alike.
type decoder interface {
	// header returns the columns as spelled.
	header() []string
	// next moves to the next row; io.EOF after the last.
	next() error
	text(col int) (string, error)
	amount(col int) (n exact.Num, present bool, err error)
	time(col int) (time.Time, error)
	// lookup returns the value of one key of a map column.
	lookup(col int, key string) (string, error)
	close() error
}

// row binds a file's header to the fields of LineItem.
type row struct {
	dec    decoder
	header []string
	exact  map[string]int // columns as spelled
	folded map[string]int // columns by fold; the first of several wins

	text     [numTextFields]int
	amount   [NumMeasures]int
	period   int
	interval int
	start    int
	end      int
	product  int // the product map
	region   int // product_region, of reports without product_region_code

	ways map[Column][]way // how a column outside LineItem is reached
	err  error            // first failure of a look-up in the current row

	// times repeat from row to row; the text tells
	lastInterval         string
	intervalFrom, intvTo time.Time
}

// way is one place where the value of a column may be: a column, or a key of a
// map column.
type way struct {
	col int
	key string
}

// bind matches a header. ErrFormat or ErrMissingColumn if it is not that of a
// cost and usage report.
func bind(dec decoder) (*row, Format, error) {
	header := dec.header()
	r := &row{dec: dec, header: header, exact: make(map[string]int, len(header)),
		folded: make(map[string]int, len(header)), ways: make(map[Column][]way)}
	for i, h := range header {
		if _, ok := r.exact[h]; !ok {
			r.exact[h] = i
		}
		if f := fold(h); f != "" {
			if _, ok := r.folded[f]; !ok {
				r.folded[f] = i
			}
		}
	}
	for i := range textFields {
		r.text[i] = r.find(textFields[i].column)
	}
	for m := range r.amount {
		r.amount[m] = r.find(measureColumns[m])
	}
	// Two measures are derived; they have no cell of their own.
	r.amount[UnblendedWhereNetBlank], r.amount[ReservationFee] = -1, -1
	r.period, r.interval = r.find(ColBillingPeriod), r.find(colInterval)
	r.start, r.end = r.find(colUsageStart), r.find(colUsageEnd)
	r.product, r.region = r.find("product"), r.find("product_region")

	missing := func(what string) (*row, Format, error) {
		if r.find("BilledCost") >= 0 && r.find("ChargePeriodStart") >= 0 {
			return nil, 0, fmt.Errorf("%w: this is a FOCUS export, which is not read yet; give the CUR 2.0 export of the same account", ErrFormat)
		}
		if r.amount[UnblendedCost] < 0 && r.find(ColProductCode) < 0 && r.find(ColUsageType) < 0 {
			return nil, 0, fmt.Errorf("%w: none of its %d columns is one of a cost report; the first is %q", ErrFormat, len(header), cut(first(header)))
		}
		return nil, 0, fmt.Errorf("%w: %w: %s", ErrFormat, ErrMissingColumn, what)
	}
	switch {
	case r.amount[UnblendedCost] < 0:
		return missing("no column for the unblended cost (" + string(measureColumns[UnblendedCost]) + ")")
	case r.start < 0 && r.interval < 0:
		return missing("no column for the usage start (" + string(colUsageStart) + ") or interval (" + string(colInterval) + ")")
	case r.find(ColProductCode) < 0 && r.find(ColUsageType) < 0:
		return missing("no column for the product code (" + string(ColProductCode) + ") or usage type (" + string(ColUsageType) + ")")
	}
	return r, r.format(), nil
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// find returns the place of a column, or -1.
func (r *row) find(c Column) int {
	if i, ok := r.folded[fold(string(c))]; ok {
		return i
	}
	return -1
}

// format tells the family from the header's spelling.
func (r *row) format() Format {
	slash := false
	for _, h := range r.header {
		if strings.Contains(h, "/") {
			slash = true
		}
	}
	switch {
	case slash:
		return FormatLegacy
	case r.product >= 0 || r.find(ColPrincipal) >= 0 || r.find("resource_tags") >= 0 ||
		r.find("cost_category") >= 0 || r.find(ColProductName) < 0:
		return FormatCUR2
	}
	return FormatAthena
}

// measures returns the measures the file has columns for.
func (r *row) measures() (s MeasureSet) {
	for m := range Measure(NumMeasures) {
		if r.find(measureColumns[m]) >= 0 {
			s = s.with(m)
		}
	}
	return s
}

// columns returns which key columns, and which of the declared ones, the file
// has. A key of a map counts as there when the map is.
func (r *row) columns(declared []Column) (s columnSet) {
	for i, c := range keyColumns {
		has := r.find(c) >= 0
		switch c {
		case ColProductName, ColModel:
			has = has || r.product >= 0
		case ColRegion:
			has = has || r.product >= 0 || r.region >= 0
		}
		if has {
			s |= 1 << i
		}
	}
	for i, c := range declared {
		if len(r.resolve(c)) > 0 {
			s |= 1 << (len(keyColumns) + i)
		}
	}
	return s
}

// resolve finds the places where the value of a column may be, best first. A tag
// has two spellings in one report: raw in the tags map, normalised in the
// resource_tags map or in a column of its own.
func (r *row) resolve(c Column) []way {
	if w, ok := r.ways[c]; ok {
		return w
	}
	var w []way
	if i, ok := r.exact[string(c)]; ok {
		w = append(w, way{col: i})
	}
	family, key, isMap := strings.Cut(string(c), "/")
	if isMap {
		if i := r.find("tags"); i >= 0 {
			w = append(w, way{i, string(c)})
		}
		if i := r.find(Column(family)); i >= 0 {
			w = append(w, way{i, key})
			if n := normalizeTag(key); n != key {
				w = append(w, way{i, n})
			}
		}
	}
	if i := r.find(c); i >= 0 && (len(w) == 0 || w[0].col != i) {
		w = append(w, way{col: i})
	}
	r.ways[c] = w
	return w
}

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
	}
	return "", len(ways) > 0
}

// fail records the first failure of a look-up; the row is then refused.
func (r *row) fail(col int, err error) {
	if r.err == nil {
		r.err = r.at(col, err)
	}
}

// at gives an error the column and the cell; the reader adds file and row.
func (r *row) at(col int, err error) error {
	v, _ := r.dec.text(col)
	return &RowError{Column: r.header[col], Value: cut(v), Err: err}
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
		if present {
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
			if s != r.lastInterval {
				if r.intervalFrom, r.intvTo, err = parseInterval(s); err != nil {
					r.lastInterval = ""
					return r.at(c, err)
				}
				r.lastInterval = strings.Clone(s)
			}
			li.IntervalStart, li.IntervalEnd = r.intervalFrom, r.intvTo
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
		return &RowError{Err: errNoTime}
	}
	if r.period < 0 {
		li.BillingPeriod = MonthOf(start)
		return nil
	}
	t, err := r.dec.time(r.period)
	if err != nil {
		return r.at(r.period, err)
	}
	if t.IsZero() {
		return r.at(r.period, errBlankPeriod)
	}
	li.BillingPeriod = MonthOf(t)
	return nil
}

// derive fills the fields that have a second home.
func (r *row) derive(li *LineItem) error {
	if r.product >= 0 {
		for _, f := range [...]struct {
			field *string
			key   string
		}{{&li.ProductName, "product_name"}, {&li.Model, "model"}, {&li.Region, "region_code"}} {
			if *f.field != "" {
				continue
			}
			v, err := r.dec.lookup(r.product, f.key)
			if err != nil {
				return r.at(r.product, err)
			}
			*f.field = v
		}
	}
	if li.Region == "" && r.region >= 0 {
		v, err := r.dec.text(r.region)
		if err != nil {
			return r.at(r.region, err)
		}
		li.Region = v
	}
	if r.find(ColLineItemType) < 0 {
		li.LineItemType = "Usage"
	}
	// Marketplace rows leave the unit blank and print it as the third field of
	// the description.
	if li.PricingUnit == "" && li.BillingEntity == marketplace {
		if f := strings.SplitN(li.Description, "|", 4); len(f) >= 3 {
			li.PricingUnit = strings.TrimSpace(f[2])
		}
	}
	return r.err
}

const marketplace = "AWS Marketplace"
