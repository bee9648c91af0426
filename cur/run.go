package cur

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

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
	faults  []*RowError
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
	objects []Object
	// What the first file with a header has, for a delivery without rows.
	found    bool
	measures MeasureSet
	columns  columnSet

	groups, rests int // held, over all parts

	rows  int64
	key   Key
	stats Stats

	faults  faultLog
	pending []leftOut // rows left out before any row was read of the file
}

func newRun(r *Rollup, s *Set) *run {
	spec := r.Spec()
	limit := min(cmp.Or(r.MaxGroups, defaultMaxGroups), groupsLimit)
	return &run{Rollup: r, set: s, spec: spec, where: compile(r.Where), limit: limit,
		parts: make(map[partKey]*part), faults: faultLog{Faults: r.Faults}}
}

// reader opens a file as the rollup asks for.
func (r *run) reader(ctx context.Context, f File) (*Reader, error) {
	return NewReader(ctx, f, &ReaderOptions{MaxRow: r.MaxRow, byRows: r.Rollup.Faults.active(), summed: r.sums(f.Info())})
}

// sums reports whether the content of a file is hashed: a manifest names its
// execution, that of bare files is their content. Hashing costs more than rolling
// up, for it reads all columns.
func (r *run) sums(i Info) bool { return r.set.manifest == nil && i.Size > 0 }

// file reads one file row by row.
func (r *run) file(ctx context.Context, n int, rd *Reader) error {
	info := rd.info
	if !r.found && rd.row != nil {
		r.found, r.measures, r.columns = true, rd.have, rd.row.columns(r.spec.Columns)
	}
	r.last = nil
	rd.leaveOut = nil
	if r.faults.active() {
		rd.leaveOut = func(e *RowError, li *LineItem) error { return r.leaveOut(rd, e, li) }
	}
	rd.readAhead()
	defer rd.stopAhead()
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
		if len(r.pending) > 0 {
			if err := r.settle(rd, p); err != nil {
				return err
			}
		}
		unread := p.unread
		if err := r.add(p.table, &li); err != nil {
			if err := r.lookUpFailed(rd, &li, err); err != nil {
				return err
			}
			continue
		} else if p.unread > unread {
			rd.forget(&li)
		}
		p.rows++
		if r.rows++; r.rows&0xffff == 0 && r.Progress != nil {
			r.Progress(Progress{info.Name, n, len(r.set.files), r.rows})
		}
	}
	if err := r.settle(rd, r.last); err != nil {
		return err
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
		if len(r.parts) == maxParts {
			return nil, fmt.Errorf("cur: rollup: more than %d deliveries; columns %q and %q tell them apart: %w",
				maxParts, ColPayer, ColBillingPeriod, ErrCardinality)
		}
		k.payer = strings.Clone(k.payer)
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
	if r.sums(rd.info) {
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
	grouped := r.where.match(li)
	if grouped {
		k := &r.key
		k.fill(li, r.Bucket)
		if r.Sessions {
			k.Principal = r.principal(li.Principal)
		}
		if n := len(r.spec.Columns); n > 0 {
			k.names, k.values = r.spec.Columns, slices.Grow(k.values[:0], n)
			for _, c := range r.spec.Columns {
				v, _ := li.Column(c)
				k.values = append(k.values, v)
			}
		}
	}
	if li.row != nil && li.row.err != nil {
		return li.row.err
	}
	if !grouped && r.RestUnread {
		t.unread++
		return nil
	}
	g, held, key := &t.groups, &r.groups, []uint32(nil)
	if grouped {
		key = t.intern(&r.key)
	} else {
		g, held = &t.rest, &r.rests
		key = t.internRest(&RestKey{li.Payer, li.BillingPeriod, invoiceSlice(li), li.BillingEntity,
			li.ProductCode, li.LineItemType, li.UsageAccount, li.Currency})
	}
	before := g.len()
	i := g.find(key)
	if g.len() > before {
		if *held++; *held > r.limit {
			c, n := t.widest()
			return fmt.Errorf("cur: rollup: more than %d groups; column %q has most values, %d: %w", r.limit, c, n, ErrCardinality)
		}
	}
	var m Measures
	li.measure(&m, t.measures)
	g.add(i, &m)
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

// result makes the partials of tables that are finished.
func (r *run) result() ([]Rolled, error) {
	m := r.set.manifest
	if len(r.parts) == 0 && m != nil {
		// Every chunk was empty: the month was delivered, and it is zero.
		p := &part{table: newTable(r.spec, r.measures, r.columns)}
		p.finish()
		r.parts[partKey{}] = p
	}
	var out []Rolled
	for _, p := range r.parts {
		d, err := r.delivery(p)
		if err != nil {
			return nil, err
		}
		files := r.set.Files()
		if m == nil {
			// Bare files of other periods are no part of this delivery.
			files = slices.DeleteFunc(files, func(i Info) bool {
				return !slices.ContainsFunc(p.objects, func(o Object) bool { return o.Name == i.Name })
			})
		}
		out = append(out, Rolled{Delivery: d, Partial: &Partial{t: p.table, objects: p.objects}, Files: files, Faults: p.faults, Stats: r.stats})
	}
	slices.SortFunc(out, func(a, b Rolled) int {
		return cmp.Or(a.Delivery.Period.Compare(b.Delivery.Period), cmp.Compare(a.Delivery.Payer, b.Delivery.Payer))
	})
	return out, nil
}

// delivery says what a part is the content of.
func (r *run) delivery(p *part) (Delivery, error) {
	d := Delivery{Payer: p.payer, Period: p.period, AsOf: r.AsOf.UTC()}
	m := r.set.manifest
	if m == nil {
		d.Execution = executionOf(p.objects)
		for _, o := range p.objects {
			if r.AsOf.IsZero() && o.ModTime.After(d.AsOf) {
				d.AsOf = o.ModTime.UTC()
			}
		}
		return d, nil
	}
	if r.AsOf.IsZero() {
		d.AsOf = r.set.asOf().UTC()
	}
	d.Export, d.Execution, d.Period = m.Export, m.Execution, m.Period
	d.Payer = cmp.Or(d.Payer, m.Account)
	if d.Period.IsZero() {
		// A manifest whose path does not say: the rows must agree.
		keys := slices.SortedFunc(maps.Keys(p.control), ControlKey.Compare)
		for _, k := range keys {
			if !d.Period.IsZero() && d.Period != k.BillingPeriod {
				return d, fmt.Errorf("cur: rollup: manifest %q names no billing period and its rows have %s and %s: %w", m.Name, d.Period, k.BillingPeriod, ErrManifest)
			}
			d.Period = k.BillingPeriod
		}
	}
	return d, nil
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
