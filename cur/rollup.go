package cur

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Rollup sums rows exactly by what they have in common. The zero Rollup groups
// every row at the full key, in buckets of a day.
type Rollup struct {
	// Where says which rows are grouped; the zero Where, all. The others fold
	// into few groups, so that they cost no memory and totals still cover them.
	Where Where
	// Keys are further columns, or tag keys, to group by. What is not stored
	// cannot be claimed later without reading the files again.
	Keys []Column
	// RestUnread leaves rows outside Where unread: their costs are then in no
	// total, which the result says.
	RestUnread bool
	// Bucket is the finest bucket of time; the zero Span means Day. Buckets are
	// never finer than the report.
	Bucket Span
	// MaxGroups ends the rollup with ErrCardinality; 0 means 4,194,304.
	MaxGroups int
	// AsOf overrides when the delivery was written.
	AsOf time.Time
	// Progress, when set, is called now and then, and at the end of each file.
	Progress func(Progress)

	_ struct{}
}

// Progress says how far a rollup is.
type Progress struct {
	File  string // being read
	Files int    // finished
	Of    int    // files in all
	Rows  int64  // read
}

// Rolled is the partial of one delivery.
type Rolled struct {
	Delivery Delivery
	Partial  *Partial
	// Files are what the delivery consists of, the manifest included.
	Files []Info
}

const defaultMaxGroups = 4 << 20

// maxKeys is how many columns a key can declare.
const maxKeys = 40

// Spec returns the spec of the groups that r makes.
func (r *Rollup) Spec() Spec {
	keys := slices.Clone(r.Keys)
	slices.Sort(keys)
	keys = slices.DeleteFunc(slices.Compact(keys), func(c Column) bool { return slices.Contains(keyColumns[:], c) })
	return Spec{KeyVersion: keyVersion, Where: r.Where, Columns: keys, RestUnread: r.RestUnread,
		Bucket: r.Bucket.String(), Measures: slices.Clone(measureNames[:])}
}

// Run reads a set and returns the partial of each delivery in it. A manifest's
// period is the delivery's, whatever its rows say. Bare files are one delivery
// for each payer and billing period found in their rows.
//
// Errors: *RowError for a row that cannot be read, ErrFormat for a file, ErrMixed
// for files of one delivery whose headers differ, ErrDuplicate for content given
// twice, ErrCardinality, or the context's.
func (r *Rollup) Run(ctx context.Context, s *Set) ([]Rolled, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	run := newRun(r, s)
	for i, info := range s.files {
		if err := run.file(ctx, i, info); err != nil {
			return nil, err
		}
	}
	return run.result()
}

// check refuses specs that cannot be kept.
func (r *Rollup) check() error {
	if len(r.Keys) > maxKeys {
		return fmt.Errorf("cur: rollup: %d keys, at most %d", len(r.Keys), maxKeys)
	}
	spec := r.Spec()
	for _, clause := range r.Where.Any {
		for _, c := range clause {
			if !spec.Has(c.Column) {
				return fmt.Errorf("cur: rollup: predicate on column %q, which is no part of the key; declare it in Keys", c.Column)
			}
		}
	}
	return nil
}

// Rows rolls up rows of any source into one partial, whatever payers and periods
// they have. All columns count as there.
func (r *Rollup) Rows(rows iter.Seq2[*LineItem, error]) (*Partial, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	run := newRun(r, nil)
	t := newTable(run.spec, 1<<NumMeasures-1, 1<<(len(keyColumns)+len(run.spec.Columns))-1)
	for li, err := range rows {
		if err != nil {
			return nil, err
		}
		var m Measures
		li.measure(&m, t.measures)
		t.addControl(ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType}, &m)
		if err := run.add(t, li); err != nil {
			return nil, err
		}
	}
	t.finish()
	return &Partial{t: t}, nil
}

// part is what one delivery's rows go to.
type part struct {
	*table
	payer   string
	period  Month
	file    string // the first that brought rows, and its header
	format  Format
	header  []string
	objects []Object
	rows    int64 // of the file being read
}

type partKey struct {
	payer  string
	period Month
}

// run is the state of one Run.
type run struct {
	*Rollup
	set   *Set
	spec  Spec
	where compiled
	limit int

	parts   map[partKey]*part
	last    *part
	lastKey partKey
	header  *Reader // the first file with a header, for a delivery without rows
	objects []Object

	rows int64
	key  Key
}

func newRun(r *Rollup, s *Set) *run {
	spec := r.Spec()
	limit := r.MaxGroups
	if limit == 0 {
		limit = defaultMaxGroups
	}
	return &run{Rollup: r, set: s, spec: spec, where: compile(r.Where), limit: limit,
		parts: make(map[partKey]*part)}
}

// file reads one file.
func (r *run) file(ctx context.Context, n int, info Info) (err error) {
	f, err := r.set.src.Open(ctx, info.Name)
	if err != nil {
		return fmt.Errorf("cur: open %q: %w", info.Name, err)
	}
	defer f.Close()
	rd, err := NewReader(ctx, f)
	if err != nil {
		return err
	}
	defer rd.Close()
	if r.header == nil && rd.row != nil {
		r.header = rd
	}
	r.last = nil
	var li LineItem
	for {
		err := rd.Read(&li)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p, err := r.part(rd, &li)
		if err != nil {
			return err
		}
		if err := r.add(p.table, &li); err != nil {
			var e *RowError
			if errors.As(err, &e) {
				e.Source, e.Row = info.Name, rd.n
			}
			return err
		}
		p.rows++
		if r.rows++; r.rows&0xffff == 0 && r.Progress != nil {
			r.Progress(Progress{info.Name, n, len(r.set.files), r.rows})
		}
	}
	if err := r.finishFile(rd); err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(Progress{info.Name, n + 1, len(r.set.files), r.rows})
	}
	return nil
}

// part returns the delivery that a row belongs to. When a file brings its first
// row to it, the file's header must be that of the files before.
func (r *run) part(rd *Reader, li *LineItem) (*part, error) {
	k := partKey{li.Payer, li.BillingPeriod}
	if r.set.manifest != nil {
		k.period = Month{}
	}
	if r.last != nil && k == r.lastKey {
		return r.last, nil
	}
	p := r.parts[k]
	if p == nil {
		k.payer = string([]byte(k.payer))
		p = &part{table: newTable(r.spec, rd.have, rd.row.columns(r.spec.Columns)), payer: k.payer, period: k.period,
			file: rd.info.Name, format: rd.format, header: rd.row.header}
		r.parts[k] = p
	} else if p.rows == 0 && p.file != rd.info.Name {
		if err := sameHeader(p, rd); err != nil {
			return nil, err
		}
	}
	r.last, r.lastKey = p, k
	return p, nil
}

// sameHeader refuses files of different exports for one delivery.
func sameHeader(p *part, rd *Reader) error {
	has := func(header []string) map[string]bool {
		m := make(map[string]bool, len(header))
		for _, h := range header {
			m[fold(h)] = true
		}
		return m
	}
	fail := func(what string) error {
		return fmt.Errorf("cur: rollup: %q and %q are not of one export: %s; give the files of one export: %w", p.file, rd.info.Name, what, ErrMixed)
	}
	if p.format != rd.format {
		return fail(fmt.Sprintf("the one is %s, the other %s", p.format, rd.format))
	}
	a, b := has(p.header), has(rd.row.header)
	for _, h := range rd.row.header {
		if !a[fold(h)] {
			return fail(fmt.Sprintf("only the second has a column %q", h))
		}
	}
	for _, h := range p.header {
		if !b[fold(h)] {
			return fail(fmt.Sprintf("only the first has a column %q", h))
		}
	}
	return nil
}

// finishFile books the file's control totals and provenance.
func (r *run) finishFile(rd *Reader) error {
	o := Object{Name: rd.info.Name, Size: rd.info.Size, ModTime: rd.info.ModTime, ETag: rd.info.ETag, Rows: rd.n}
	if o.ETag == "" && o.Size > 0 {
		sum, err := rd.digest()
		if err != nil {
			return err
		}
		o.SHA256 = sum
	}
	if o.Rows > 0 {
		if i := slices.IndexFunc(r.objects, o.same); i >= 0 {
			return fmt.Errorf("cur: rollup: %q and %q are the same content: %w", r.objects[i].Name, o.Name, ErrDuplicate)
		}
		r.objects = append(r.objects, o)
	}
	for _, c := range rd.Control() {
		k := partKey{c.Key.Payer, c.Key.BillingPeriod}
		if r.set.manifest != nil {
			k.period = Month{}
		}
		r.parts[k].addControl(c.Key, &c.Measures)
	}
	for _, p := range r.parts {
		if p.rows > 0 {
			o.Rows = p.rows
			p.objects, p.rows = append(p.objects, o), 0
		}
	}
	return nil
}

// add books one row: to its group, or to the rest.
func (r *run) add(t *table, li *LineItem) error {
	if r.where.match(li) {
		k := &r.key
		k.fill(li, r.Bucket)
		if n := len(r.spec.Columns); n > 0 {
			k.names, k.values = r.spec.Columns, slices.Grow(k.values[:0], n)
			for _, c := range r.spec.Columns {
				v, _ := li.Column(c)
				k.values = append(k.values, v)
			}
			if li.row != nil && li.row.err != nil {
				return li.row.err
			}
		}
		var m Measures
		li.measure(&m, t.measures)
		t.groups.add(t.groups.find(t.intern(k)), &m)
		if t.groups.len() > r.limit {
			c, n := t.widest()
			return fmt.Errorf("cur: rollup: more than %d groups; column %q has most values, %d: %w", r.limit, c, n, ErrCardinality)
		}
		return nil
	}
	if r.RestUnread {
		t.unread++
		return nil
	}
	var m Measures
	li.measure(&m, t.measures)
	t.rest.add(t.rest.find(t.internRest(&RestKey{li.Payer, li.BillingPeriod, invoiceSlice(li), li.BillingEntity,
		li.ProductCode, li.LineItemType, li.UsageAccount, li.Currency})), &m)
	return nil
}

func invoiceSlice(li *LineItem) Invoice {
	return Invoice{li.InvoiceID, li.InvoicingEntity, li.LegalEntity, li.BillType}
}

// fill makes k the key of a row, but for declared columns.
func (k *Key) fill(li *LineItem, bucket Span) {
	k.Payer, k.BillingPeriod, k.Invoice = li.Payer, li.BillingPeriod, invoiceSlice(li)
	k.BillingEntity, k.ProductCode, k.ProductFamily = li.BillingEntity, li.ProductCode, li.ProductFamily
	k.ProductName, k.Model, k.UsageType, k.Operation = li.ProductName, li.Model, li.UsageType, li.Operation
	k.PricingUnit, k.LineItemType, k.Currency = li.PricingUnit, li.LineItemType, li.Currency
	k.UsageAccount, k.Region = li.UsageAccount, li.Region
	k.Principal, k.Resource = Role(li.Principal), li.Resource
	k.Bucket = bucketOf(li, bucket)
}

// KeyOf returns the key that a rollup with the given bucket groups li under,
// without declared columns.
func KeyOf(li *LineItem, bucket Span) *Key {
	k := new(Key)
	k.fill(li, bucket)
	return k
}

// result makes the partials.
func (r *run) result() ([]Rolled, error) {
	m := r.set.manifest
	if len(r.parts) == 0 && m != nil {
		// Every chunk was empty: the month was delivered, and it is zero.
		t := newTable(r.spec, 0, 0)
		if r.header != nil {
			t = newTable(r.spec, r.header.have, r.header.row.columns(r.spec.Columns))
		}
		r.parts[partKey{}] = &part{table: t}
	}
	var out []Rolled
	for _, p := range r.parts {
		d := Delivery{Payer: p.payer, Period: p.period, AsOf: cmp.Or(r.AsOf, r.set.asOf()).UTC()}
		files := r.set.infos
		if m != nil {
			d.Export, d.Execution, d.Period = m.Export, m.Execution, m.Period
			if d.Payer == "" {
				d.Payer = m.Account
			}
			if d.Period.IsZero() {
				// A manifest whose path does not say: the rows must agree.
				for k := range p.control {
					if !d.Period.IsZero() && d.Period != k.BillingPeriod {
						return nil, fmt.Errorf("cur: rollup: manifest %q names no billing period and its rows have %s and %s: %w", m.Name, d.Period, k.BillingPeriod, ErrManifest)
					}
					d.Period = k.BillingPeriod
				}
			}
		} else {
			d.Execution = executionOf(p.objects)
			// Bare files of other periods are no part of this delivery.
			files = slices.DeleteFunc(slices.Clone(files), func(i Info) bool {
				return !slices.ContainsFunc(p.objects, func(o Object) bool { return o.Name == i.Name })
			})
		}
		p.finish()
		out = append(out, Rolled{d, &Partial{t: p.table, objects: p.objects}, files})
	}
	slices.SortFunc(out, func(a, b Rolled) int {
		return cmp.Or(a.Delivery.Period.Compare(b.Delivery.Period), cmp.Compare(a.Delivery.Payer, b.Delivery.Payer))
	})
	return out, nil
}

// executionOf names the content of bare files, whatever their order and packing.
func executionOf(objects []Object) string {
	sums := make([]string, len(objects))
	for i, o := range objects {
		sums[i] = cmp.Or(o.SHA256, o.ETag)
	}
	slices.Sort(sums)
	h := sha256.New()
	for _, s := range sums {
		io.WriteString(h, s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// compiled is a Where whose columns are resolved to fields of LineItem.
type compiled [][]struct {
	Cond
	field int // index into textFields, -1 for columns reached by name
}

func compile(w Where) compiled {
	c := make(compiled, len(w.Any))
	for i, clause := range w.Any {
		c[i] = make([]struct {
			Cond
			field int
		}, len(clause))
		for j, cond := range clause {
			c[i][j].Cond = cond
			c[i][j].field = -1
			if cond.Column != ColPrincipal { // the key has no session
				c[i][j].field = slices.IndexFunc(textFields[:], func(f textField) bool { return f.column == cond.Column })
			}
		}
	}
	return c
}

func (c compiled) match(li *LineItem) bool {
	if len(c) == 0 {
		return true
	}
next:
	for _, clause := range c {
		for i := range clause {
			cond, v := &clause[i], ""
			if cond.field >= 0 {
				v = *textFields[cond.field].of(li)
			} else {
				v = keyText(li, cond.Column)
			}
			if !cond.match(v) {
				continue next
			}
		}
		return true
	}
	return false
}
