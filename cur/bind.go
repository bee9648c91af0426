package cur

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// decoder reads the rows of one file. Cells are asked for by their place in the
// header; what is not asked for need not be decoded. Null and blank are alike.
// Texts stay valid when the decoder moves on.
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
	// holds reports whether a map column has a key that begins with prefix.
	holds(col int, prefix string) (bool, error)
	// blankIsZero reports whether the column writes 0 for what is blank.
	blankIsZero(col int) bool
	close() error
}

// row binds a file's header to the fields of LineItem, and holds what is needed
// to read the current row.
type row struct {
	dec    decoder
	source string
	family *family
	n      int64 // the current row; 1 is the first
	header []string
	folded map[string][]int // columns by fold

	text     [numTextFields]int
	there    [numTextFields]bool // the file says something of the field
	amount   [NumMeasures]int
	period   int
	interval int
	start    int
	end      int
	product  int  // the product map
	region   int  // product_region, of reports without product_region_code
	untyped  bool // no line item type: every row is Usage
	netZero  bool // the net cost is 0 where it should be blank
	left     left // what the reader's options leave out

	blocks *blocks          // reads the rows ahead, and knows which is the current; nil: none
	ways   map[Column][]way // how a column outside LineItem is reached
	err    error            // first failure of a look-up in the current row

	intervals intervals
	lastStart time.Time // of the billing period, and its month
	lastMonth Month
}

// bind matches a header. ErrFormat or ErrMissingColumn if it is not that of a
// cost and usage report.
func bind(dec decoder, source string) (*row, Format, error) {
	r := recognise(dec.header())
	r.dec, r.source = dec, source
	if d, ok := dec.(interface{ nullIsBlank() }); ok && r.family.nullText {
		d.nullIsBlank()
	}
	for i := range textFields {
		r.text[i] = r.find(textFields[i].column)
	}
	for i := range textFields {
		r.there[i] = r.has(textFields[i].column)
	}
	r.untyped = r.find(ColLineItemType) < 0
	if net := r.amount[NetUnblendedCost]; net >= 0 {
		r.netZero = dec.blankIsZero(net)
	}

	if err := r.complete(); err != nil {
		return nil, 0, &headerError{r.header, err}
	}
	return r, r.format(), r.unambiguous()
}

// headerError is a header that lacks what reading needs. What it has is kept for
// whoever wants to say what to do about it.
type headerError struct {
	header []string
	error
}

func (e *headerError) Unwrap() error { return e.error }

// recognise tells what a header's columns are, whatever rows follow it.
func recognise(header []string) *row {
	r := &row{header: header, folded: make(map[string][]int, len(header)), ways: make(map[Column][]way), left: left{description: -1}}
	for i, h := range header {
		if f := fold(h); f != "" {
			r.folded[f] = append(r.folded[f], i)
		}
	}
	r.family = &familyCUR
	if r.isFOCUS() {
		r.family = &familyFOCUS
	}
	for m := range r.amount {
		r.amount[m] = r.find(measureColumns[m])
	}
	// Two measures are derived; they have no cell of their own.
	r.amount[UnblendedWhereNetBlank], r.amount[ReservationFee] = -1, -1
	r.period, r.interval = r.find(ColBillingPeriod), r.find(colInterval)
	r.start, r.end = r.find(colUsageStart), r.find(colUsageEnd)
	r.product, r.region = r.find("product"), r.find("product_region")
	return r
}

// isFOCUS reports whether the header is that of a FOCUS report. One that also has
// CUR's cost is CUR with something added.
func (r *row) isFOCUS() bool {
	for _, c := range focusMark {
		if len(r.folded[fold(c)]) == 0 {
			return false
		}
	}
	return len(r.folded[fold(string(measureColumns[UnblendedCost]))]) == 0
}

// complete refuses a header that lacks what nothing can be done without.
func (r *row) complete() error {
	f := r.family
	service := slices.ContainsFunc(f.service, func(c Column) bool { return r.find(c) >= 0 })
	missing := func(what string) error {
		return fmt.Errorf("%w: %w: no column for the %s", ErrFormat, ErrMissingColumn, what)
	}
	for _, m := range f.needs {
		switch {
		case r.amount[m] >= 0:
		case !service:
			return fmt.Errorf("%w: none of its %d columns is one of a cost report; the first is %q", ErrFormat, len(r.header), cut(first(r.header)))
		default:
			return missing(m.String() + " cost (" + f.name(measureColumns[m]) + ")")
		}
	}
	switch {
	case r.start < 0 && r.interval < 0:
		return missing("usage start (" + f.name(colUsageStart) + ") or interval (" + f.name(colInterval) + ")")
	case !service:
		var names []string
		for _, c := range f.service {
			names = append(names, f.name(c))
		}
		return missing("product or service (" + strings.Join(names, ", ") + ")")
	}
	return nil
}

// unambiguous refuses a header in which an amount or a time has two columns:
// either may be the bill. Of texts that are there twice, which real reports
// have, the first counts.
func (r *row) unambiguous() error {
	for _, c := range append(measureColumns[:], ColBillingPeriod, colInterval, colUsageStart, colUsageEnd) {
		if at := r.places(c); len(at) > 1 && c != colReservationARN {
			return fmt.Errorf("%w: column %q is there twice, as column %d and as %q, column %d", ErrFormat,
				r.header[at[0]], at[0]+1, r.header[at[1]], at[1]+1)
		}
	}
	return nil
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// places returns the columns that are c: those of the first of its names that the
// header has.
func (r *row) places(c Column) []int {
	for _, n := range r.family.names(c) {
		if at := r.folded[fold(n)]; len(at) > 0 {
			return at
		}
	}
	return nil
}

// find returns the place of a column, or -1.
func (r *row) find(c Column) int {
	if at := r.places(c); len(at) > 0 {
		return at[0]
	}
	return -1
}

// format tells the family from the header's spelling.
func (r *row) format() Format {
	slash := slices.ContainsFunc(r.header, func(h string) bool { return strings.Contains(h, "/") })
	switch {
	case r.family == &familyFOCUS:
		return FormatFOCUS
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

// has reports whether the file says anything of a column of LineItem.
func (r *row) has(c Column) bool {
	switch c {
	case ColProductName, ColModel:
		return r.find(c) >= 0 || r.product >= 0
	case ColRegion:
		return r.find(c) >= 0 || r.product >= 0 || r.region >= 0
	}
	return r.find(c) >= 0
}

// columns returns which key columns, and which of the declared ones, the file
// has. A key of a map counts as there when the map is.
func (r *row) columns(declared []Column) (s columnSet) {
	for i, c := range keyColumns {
		if r.has(c) {
			s |= 1 << i
		}
	}
	for i, c := range declared {
		if f := fieldOf(c); f >= 0 && r.there[f] || f < 0 && len(r.resolve(c)) > 0 {
			s |= 1 << (len(keyColumns) + i)
		}
	}
	return s
}

// way is one place where the value of a column may be: a column, or a key of a
// map column.
type way struct {
	col int
	key string

	// A map that holds keys with this prefix knows the value if anybody does:
	// where it has none, later ways are not for this row.
	knows string

	// Another column of the same tag as the one before: where both have a value,
	// it has to be one.
	twin bool
}

// Maps whose keys users choose. A tag's case and punctuation matter, so its key
// is compared more strictly than a column's name.
const (
	tagMap      = "resource_tags"
	categoryMap = "cost_category"
	rawTags     = "resourceTags/" // in the tags map
)

// resolve finds the places where the value of a column may be, best first.
func (r *row) resolve(c Column) []way {
	w, ok := r.ways[c]
	if !ok {
		w = r.search(c)
		for i := 1; i < len(w); i++ {
			w[i].twin = w[i].key == "" && w[i-1].key == "" && isTag(c)
		}
		r.ways[c] = w
	}
	return w
}

func (r *row) search(c Column) (w []way) {
	// As the header spells it; a name that is there twice is one column.
	for i, h := range r.header {
		if h == string(c) {
			w = append(w, way{col: i})
		}
	}
	if len(w) > 0 {
		return w
	}
	family, key, isKey := strings.Cut(string(c), "/")
	if !isKey {
		for _, i := range r.places(c) {
			w = append(w, way{col: i})
		}
		return w
	}
	// A tag has two spellings in one report: raw in the tags map, normalised in
	// the map of its family. Two tags can share the normalised one.
	if i := r.find("tags"); i >= 0 {
		t := way{col: i, key: string(c)}
		if fold(family) == fold(tagMap) && strings.Contains(key, ":") {
			t.knows = rawTags
		}
		w = append(w, t)
	}
	if i := r.find(Column(family)); i >= 0 {
		w = append(w, way{col: i, key: key})
		if n := normalizeTag(key); n != key {
			w = append(w, way{col: i, key: n})
		}
		if _, bare, ok := strings.Cut(key, ":"); ok && r.family == &familyFOCUS {
			w = append(w, way{col: i, key: bare}) // `team` for `user:team`
		}
	}
	return append(w, r.spread(string(c), family, key)...)
}

// isTag reports whether a column is a tag or a cost category: users choose their
// keys, and AWS spells several alike where it makes columns of them.
func isTag(c Column) bool {
	f := fold(string(c))
	return strings.HasPrefix(f, fold(tagMap)) || strings.HasPrefix(f, fold(categoryMap))
}

// folds returns all columns that are c but for case and punctuation.
func (r *row) folds(c string) (w []way) {
	for _, i := range r.folded[fold(c)] {
		w = append(w, way{col: i})
	}
	return w
}

// spread finds a key of a map in reports that give each key a column.
func (r *row) spread(c, family, key string) (w []way) {
	if f := fold(family); f != fold(tagMap) && f != fold(categoryMap) {
		return r.folds(c)
	}
	normal := normalizeTag(family) + "_" + normalizeTag(key)
	var exactly, nearly []way
	for _, i := range r.folded[fold(c)] {
		h := r.header[i]
		hf, hk, raw := strings.Cut(h, "/")
		switch {
		case raw && (hk == key || normalizeTag(hk) == key) && fold(hf) == fold(family):
			exactly = append(exactly, way{col: i})
		case raw: // another tag, but for whose case or punctuation it is this one
		case strings.EqualFold(h, normal):
			exactly = append(exactly, way{col: i})
		default:
			nearly = append(nearly, way{col: i})
		}
	}
	if len(exactly) == 0 && len(nearly) == 1 {
		return nearly
	}
	return exactly
}
