package cur

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// keyVersion changes whenever a Key of the same row changes: a new column, a
// new way to cut a session, another bucket. Stored groups name the version they
// were made with.
const keyVersion = 1

// Spec is what a rollup groups and sums: the identity of stored groups beside
// the delivery they come from.
type Spec struct {
	KeyVersion int      `json:"key_version"`
	Where      Where    `json:"where"`
	Columns    []Column `json:"columns,omitempty"` // declared columns and tag keys, sorted
	RestUnread bool     `json:"rest_unread,omitempty"`
	Bucket     string   `json:"bucket"`             // finest bucket: "hour", "day" or "month"
	Sessions   string   `json:"sessions,omitempty"` // session names that principals hold: none, "plain" or hashed, see [SessionsOf]
	Measures   []string `json:"measures"`
}

// Digest identifies the spec.
func (s Spec) Digest() [32]byte { return sha256.Sum256(s.json()) }

// Has reports whether keys made with s hold column c.
func (s Spec) Has(c Column) bool {
	return slices.Contains(s.Columns, c) || slices.Contains(keyColumns[:], c)
}

// json is the canonical form of s. Encoding strings and booleans cannot fail.
func (s Spec) json() []byte {
	b, _ := json.Marshal(s)
	return b
}

// keyColumns are the columns whose absence from a report matters: those of Key.
var keyColumns = [...]Column{
	ColPayer, ColBillingPeriod, ColInvoiceID, ColInvoicingEntity, ColLegalEntity, ColBillType,
	ColBillingEntity, ColProductCode, ColProductFamily, ColProductName, ColModel, ColUsageType,
	ColOperation, ColPricingUnit, ColLineItemType, ColCurrency, ColUsageAccount, ColRegion,
	ColPrincipal, ColResource,
}

// columnSet holds a bit for each of keyColumns, and beyond them one for each
// declared column.
type columnSet uint64

func (s columnSet) has(i int) bool { return s&(1<<i) != 0 }

// Object is a file that a partial was made from.
type Object struct {
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	ModTime time.Time `json:"mod_time,omitzero"`
	ETag    string    `json:"etag,omitempty"`
	SHA256  string    `json:"sha256,omitempty"` // of the decompressed bytes, of the file for Parquet; only of files without a manifest
	Rows    int64     `json:"rows"`
}

// same reports whether a and b are the same content.
func (a Object) same(b Object) bool {
	if a.SHA256 != "" || b.SHA256 != "" {
		return a.SHA256 == b.SHA256
	}
	return a.Name == b.Name && a.ETag == b.ETag && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
}

// Group is one group of rows: what they have in common, and their exact sums.
type Group struct {
	Key Key
	Measures
}

// RestGroup is a group of rows outside the rollup's predicate.
type RestGroup struct {
	Key RestKey
	Measures
}

// Control is a total that the decoder keeps on its own, row by row, before any
// predicate or grouping. The outcomes of a statement have to add up to it.
type Control struct {
	Key ControlKey
	Measures
}

// Partial is the exact result of a rollup over some files: groups, the rest and
// control totals. Partials of parts of a month merge to the partial of the
// month, in any order and grouping. A Partial is immutable and may be shared.
//
// Its body, the groups and totals, has one canonical form: the same rows give
// the same bytes, however they were split into files. The provenance beside it
// says where it came from and takes no part in comparisons.
type Partial struct {
	t       *table
	objects []Object
}

// Contents are what [NewPartial] makes a partial of.
type Contents struct {
	Measures MeasureSet // measures the source has columns for
	Columns  []Column   // key columns and declared columns the source has
	Groups   []Group    // keys without session; declared columns in the order of Spec.Columns
	Rest     []RestGroup
	Control  []Control
	Unread   int64 // rows left unread
	Rejected []Rejected
	Objects  []Object // provenance
}

// NewPartial makes a partial of groups that another engine computed. Groups with
// equal keys are added up. ErrMismatch means that a group's declared columns are
// not those of the spec, ErrPartial that the contents could not be kept: columns
// that no rollup declares, counts below zero, buckets that are none. Sums of
// measures that the source has no columns for are left out.
func NewPartial(spec Spec, c Contents) (*Partial, error) {
	fail := func(what string, i int, err error) (*Partial, error) {
		return nil, fmt.Errorf("cur: new partial: %s %d: %w: %w", what, i, ErrPartial, err)
	}
	if err := spec.check(); err != nil {
		return nil, fmt.Errorf("cur: new partial: %w: %w", ErrPartial, err)
	}
	c.Measures &= 1<<NumMeasures - 1
	var cols columnSet
	for i, k := range slices.Concat(keyColumns[:], spec.Columns) {
		if slices.Contains(c.Columns, k) {
			cols |= 1 << i
		}
	}
	t := newTable(spec, c.Measures, cols)
	for i := range c.Groups {
		g := &c.Groups[i]
		if !slices.Equal(g.Key.names, spec.Columns) {
			return nil, fmt.Errorf("cur: new partial: group %d declares columns %q, spec %q: %w", i, g.Key.names, spec.Columns, ErrMismatch)
		}
		if err := cmp.Or(g.check(), g.Key.BillingPeriod.check()); err != nil {
			return fail("group", i, err)
		}
		if !g.Key.Bucket.valid() {
			return fail("group", i, fmt.Errorf("no bucket %+v", g.Key.Bucket))
		}
		m := g.only(c.Measures)
		t.groups.add(t.groups.find(t.intern(&g.Key)), &m)
	}
	for i := range c.Rest {
		if err := cmp.Or(c.Rest[i].check(), c.Rest[i].Key.BillingPeriod.check()); err != nil {
			return fail("rest group", i, err)
		}
		m := c.Rest[i].only(c.Measures)
		t.rest.add(t.rest.find(t.internRest(&c.Rest[i].Key)), &m)
	}
	for i := range c.Control {
		if err := cmp.Or(c.Control[i].check(), c.Control[i].Key.BillingPeriod.check()); err != nil {
			return fail("control total", i, err)
		}
		m := c.Control[i].only(c.Measures)
		t.addControl(c.Control[i].Key, &m)
	}
	if t.unread = c.Unread; t.unread < 0 || t.unread > maxCount {
		return fail("unread rows", 0, fmt.Errorf("count %d", t.unread))
	}
	for i, r := range c.Rejected {
		if err := cmp.Or(r.Key.BillingPeriod.check(), r.check()); err != nil {
			return fail("rejected rows", i, err)
		}
		t.reject(r.Key, r.Rows)
	}
	t.finish()
	return &Partial{t: t, objects: slices.Clone(c.Objects)}, nil
}

// check refuses the spec of groups that no rollup makes.
func (s Spec) check() error {
	if len(s.Columns) > maxKeys {
		return fmt.Errorf("%d declared columns, at most %d", len(s.Columns), maxKeys)
	}
	for i, c := range s.Columns {
		if i > 0 && s.Columns[i-1] >= c || slices.Contains(keyColumns[:], c) {
			return fmt.Errorf("declared column %q is out of order or part of every key", c)
		}
	}
	return nil
}

// maxCount bounds a count of rows, so that adding up partials cannot overflow
// one: a row a nanosecond would take three days to get there.
const maxCount = 1 << 48

// check refuses counts that no rows add up to.
func (m *Measures) check() error {
	if m.Rows < 0 || m.Rows > maxCount || m.NetRows < 0 || m.NetRows > m.Rows || m.CostBlank < 0 || m.CostBlank > m.Rows {
		return fmt.Errorf("%d rows, %d with net cost, %d without cost", m.Rows, m.NetRows, m.CostBlank)
	}
	return nil
}

// only returns m with the sums of the given measures and no others.
func (m *Measures) only(have MeasureSet) Measures {
	out := *m
	for i := range out.sums {
		if !have.Has(Measure(i)) {
			out.sums[i] = exact.Num{}
		}
	}
	return out
}

// check refuses a month outside the calendar.
func (m Month) check() error {
	if m.n < 0 || m.n > maxMonth {
		return fmt.Errorf("no month %d", m.n)
	}
	return nil
}

// Merge adds partials up. All must have been made with one spec over files with
// the same columns, else ErrMismatch; a file that two of them were made from is
// ErrDuplicate. Merging nothing is ErrMismatch too.
func Merge(ps ...*Partial) (*Partial, error) {
	if len(ps) == 0 {
		return nil, fmt.Errorf("cur: merge: no partials: %w", ErrMismatch)
	}
	first, out := ps[0].t, new(Partial)
	tables := make([]*table, len(ps))
	for n, p := range ps {
		if p.t.spec.Digest() != first.spec.Digest() || p.t.measures != first.measures || p.t.columns != first.columns {
			return nil, fmt.Errorf("cur: merge: partial %d: %w", n, ErrMismatch)
		}
		for _, o := range p.objects {
			if i := slices.IndexFunc(out.objects, o.same); i >= 0 {
				return nil, fmt.Errorf("cur: merge: %q and %q are the same content: %w", out.objects[i].Name, o.Name, ErrDuplicate)
			}
		}
		out.objects = append(out.objects, p.objects...)
		tables[n] = p.t
	}
	out.t = union(tables...)
	return out, nil
}

// Spec returns what the partial groups and sums.
func (p *Partial) Spec() Spec { return p.t.spec }

// Measures says which measures the files had columns for.
func (p *Partial) Measures() MeasureSet { return p.t.measures }

// HasColumn reports whether the files had a column that is part of the key. A
// column that was missing is blank in every key, or has the default that the
// package comment states.
func (p *Partial) HasColumn(c Column) bool {
	i := slices.Index(keyColumns[:], c)
	if i < 0 {
		if i = slices.Index(p.t.spec.Columns, c); i < 0 {
			return false
		}
		i += len(keyColumns)
	}
	return p.t.columns.has(i)
}

// HasValue reports whether any row that was grouped has a value in a declared
// column. A tag's map may be there and the tag in no row of it: the name may be
// mistyped, or the tag not activated.
func (p *Partial) HasValue(c Column) bool {
	i := slices.Index(p.t.spec.Columns, c)
	return i >= 0 && slices.ContainsFunc(p.t.dicts[fixedSlots+i].vals, func(v string) bool { return v != "" })
}

// Objects returns the files the partial was made from.
func (p *Partial) Objects() []Object { return slices.Clone(p.objects) }

// WithObjects returns the same body with another provenance. It serves whoever
// keeps bodies and provenance apart.
func (p *Partial) WithObjects(o []Object) *Partial { return &Partial{t: p.t, objects: slices.Clone(o)} }

// Unread is the number of rows that were outside the predicate and, as the spec
// asked, not read.
func (p *Partial) Unread() int64 { return p.t.unread }

// Len returns the number of groups.
func (p *Partial) Len() int { return p.t.groups.len() }

// Key returns the key of group i; groups are in the order of [Key.Compare].
func (p *Partial) Key(i int) *Key {
	k := new(Key) // small enough to be inlined, so that callers who do not keep it pay no memory
	p.t.fill(k, i)
	return k
}

// Sums returns the measures of group i.
func (p *Partial) Sums(i int) Measures { return p.t.groups.measures(i) }

// Series returns the end of the series of groups that begins with group i: the number
// of the first group after it whose key differs in more than the bucket. In the order
// of groups the days of one thing follow one another.
func (p *Partial) Series(i int) (end int) {
	keys := p.t.groups.keys.vals[i*keyParts:]
	stem, tail := keys[keyStem], keys[keyTail]
	for end = i; len(keys) >= keyParts && keys[keyStem] == stem && keys[keyTail] == tail; end++ {
		keys = keys[keyParts:]
	}
	return end
}

// Total returns the measures of the groups from number i to before number end, added
// up.
func (p *Partial) Total(i, end int) Measures { return p.t.groups.sums.total(i, end) }

// Exact returns one sum of group i without copying the others.
func (p *Partial) Exact(i int, m Measure) exact.Num { return p.t.groups.sum(i, m) }

// Groups ranges over the groups, in order.
func (p *Partial) Groups() iter.Seq2[int, Group] {
	return func(yield func(int, Group) bool) {
		for i := range p.Len() {
			if !yield(i, Group{*p.Key(i), p.Sums(i)}) {
				return
			}
		}
	}
}

// Rest ranges over the groups of rows outside the predicate, in order.
func (p *Partial) Rest() iter.Seq[RestGroup] {
	return func(yield func(RestGroup) bool) {
		for i := range p.t.rest.len() {
			k := p.t.rest.keys.at(i)
			text := func(n int) string { return p.t.dicts[restSlots[n]].vals[k[n]] }
			key := RestKey{Payer: text(0), BillingPeriod: Month{int32(k[1])}, Invoice: p.t.invoiceAt(k[2]),
				BillingEntity: text(3), ProductCode: text(4), LineItemType: text(5),
				UsageAccount: text(6), Currency: text(7)}
			if !yield(RestGroup{key, p.t.rest.measures(i)}) {
				return
			}
		}
	}
}

// Control returns the decoder's own totals, in order of their keys.
func (p *Partial) Control() []Control {
	keys := slices.SortedFunc(maps.Keys(p.t.control), ControlKey.Compare)
	out := make([]Control, len(keys))
	for i, k := range keys {
		out[i] = Control{k, *p.t.control[k]}
	}
	return out
}

// Digest identifies the body.
func (p *Partial) Digest() [32]byte { return sha256.Sum256(p.AppendBody(nil)) }
