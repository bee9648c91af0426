package cur

import (
	"slices"
	"time"

	"github.com/spendclaim/spendclaim/internal/colscan"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// amountOf reads a cost or usage, as parquetDecoder.amount does.
func amountOf(v *colscan.Value, double bool) (out amount, err error) {
	if !double {
		b, err := v.Text()
		if err != nil || len(b) == 0 {
			return out, err
		}
		out.n, err = exact.Parse(b)
		out.ok = true
		return out, err
	}
	if v.Null() {
		return out, nil
	}
	x, err := v.Float()
	if out.ok = true; err == nil && x != 0 {
		out.n, err = exact.FromFloat(x)
	}
	return out, err
}

// timeOf reads a time, as parquetDecoder.time does.
func (b *blocks) timeOf(col int, v *colscan.Value) (time.Time, error) {
	if v.Null() {
		return time.Time{}, nil
	}
	if b.dec.cols[col].Kind != colscan.Timestamp {
		s, err := v.Text()
		if err != nil || len(s) == 0 {
			return time.Time{}, err
		}
		return parseTime(s)
	}
	t, err := v.Time()
	if err != nil || t.Unix() == 0 && b.dec.blankIsZero(col) {
		return time.Time{}, err
	}
	if t.Unix() < 0 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t, nil
}

func (b *blocks) intervalOf(v *colscan.Value) (interval, error) {
	s, err := v.Text()
	if err != nil || len(s) == 0 {
		return interval{}, err
	}
	return b.row.intervals.parse(string(s))
}

// derive fills the fields that have a second home.
func (b *blocks) derive(n int) error {
	if err := b.product.fill(b, n); err != nil {
		return err
	}
	r := b.row
	if r.region >= 0 && !r.left.fields[fieldRegion] {
		if err := b.second(fieldRegion, n, func(at []int32, dst []string) error {
			p := &b.product
			same, err := blockValues(b, r.region, n, &p.region, &p.regions, b.dec.texts[r.region].value)
			if err != nil || same && p.region[0] == "" {
				return err
			}
			for _, i := range at {
				dst[i] = p.region[i]
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if r.untyped {
		b.tmpl.LineItemType = "Usage"
	}
	return b.units(n)
}

// second fills the blank values of a field, whose places from is given.
func (b *blocks) second(field, n int, from func(at []int32, dst []string) error) error {
	t, p := &b.texts[field], &b.product
	p.blank = p.blank[:0]
	if b.common(field) {
		if v := *textFields[field].of(&b.tmpl); v != "" {
			return nil
		}
		if t.vals == nil {
			t.vals = make([]string, readerBlock)
		}
		clear(t.vals[:n])
		for i := range int32(n) {
			p.blank = append(p.blank, i)
		}
	} else {
		for i, v := range t.vals[:n] {
			if v == "" {
				p.blank = append(p.blank, int32(i))
			}
		}
	}
	if len(p.blank) == 0 {
		return nil
	}
	if err := from(p.blank, t.vals); err != nil {
		return err
	}
	if b.common(field) && slices.ContainsFunc(t.vals[:n], func(s string) bool { return s != "" }) {
		b.settle(field, false)
	}
	return nil
}

// units finds the pricing unit of Marketplace rows that leave it blank.
func (b *blocks) units(n int) error {
	r := b.row
	if r.left.fields[fieldUnit] || b.common(fieldEntity) && b.tmpl.BillingEntity != marketplace ||
		b.common(fieldUnit) && b.tmpl.PricingUnit != "" {
		return nil
	}
	return b.second(fieldUnit, n, func(at []int32, dst []string) error {
		p := &b.product
		p.few, p.rows = p.few[:0], p.rows[:0]
		for _, i := range at {
			if b.value(fieldEntity, int(i)) == marketplace {
				p.few = append(p.few, i)
				row := i
				if b.sel != nil {
					row = b.sel[i]
				}
				p.rows = append(p.rows, row)
			}
		}
		if len(p.few) == 0 {
			return nil
		}
		if r.left.description < 0 {
			for _, i := range p.few {
				dst[i] = unitOf(b.value(fieldDescription, int(i)))
			}
			return nil
		}
		v, err := b.scan.Column(r.left.description)
		if err == nil {
			err = v.Load(b.ctx, b.from, p.rows, 0)
		}
		if err != nil {
			return err
		}
		if p.units == nil {
			p.units = make([]string, readerBlock)
		}
		err = colscan.Resolve(&v.Codes, nil, p.units[:len(p.few)], &p.unitMemo, func(v *colscan.Value) (string, error) {
			s, err := v.Text()
			return b.unit.of([]byte(unitOf(string(s)))), err
		})
		for j, i := range p.few {
			dst[i] = p.units[j]
		}
		return err
	})
}

// productMap reads the product map, as far as fields are blank without it.
type productMap struct {
	col    int
	keys   []int // of productKeys
	names  []string
	texts  []texts
	memos  []colscan.Memo[string]
	vector *colscan.MapVector // of the row group
	loaded bool               // for the block
	vals   []string
	cells  []map[string]string // of a map that is JSON text
	json   colscan.Memo[map[string]string]

	region    []string // of the column that has the region under another name
	regions   colscan.Memo[string]
	blank     []int32
	few, rows []int32
	every     []int32
	units     []string
	unitMemo  colscan.Memo[string]
}

// plan returns false for a column that has to be read row by row.
func (p *productMap) plan(b *blocks) bool {
	p.col = -1
	for i, k := range productKeys {
		if b.row.product >= 0 && !b.row.left.fields[k.field] {
			p.col = b.row.product
			p.keys, p.names = append(p.keys, i), append(p.names, k.key)
		}
	}
	p.texts, p.memos = make([]texts, len(p.keys)), make([]colscan.Memo[string], len(p.keys))
	if p.col < 0 {
		return true
	}
	switch b.dec.cols[p.col].Kind {
	case colscan.Map, colscan.DoubleMap:
		return b.dec.file.Keyed(p.col)
	case colscan.Other:
		return false
	}
	return true
}

func (p *productMap) begin() { p.vector = nil }

func (p *productMap) fill(b *blocks, n int) error {
	p.loaded = false
	for i, k := range p.keys {
		err := b.second(productKeys[k].field, n, func(at []int32, dst []string) error {
			if err := p.load(b, n); err != nil {
				return err
			}
			if p.vector == nil {
				for _, j := range at {
					dst[j] = p.cells[j][p.names[i]]
				}
				return nil
			}
			codes := p.vector.Key(i)
			if codes.Same() && codes.Null(0) {
				return nil
			}
			err := colscan.Resolve(codes, nil, p.vals[:n], &p.memos[i], p.texts[i].value)
			for _, j := range at {
				dst[j] = p.vals[j]
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// load reads the map of the rows decoded.
func (p *productMap) load(b *blocks, n int) (err error) {
	if p.loaded {
		return nil
	}
	p.loaded = true
	if b.dec.isMap(p.col) {
		if p.vector == nil {
			if p.vector, err = b.scan.Map(p.col, p.names, nil); err != nil {
				return err
			}
		}
		if p.vals == nil {
			p.vals = make([]string, readerBlock)
			for i := range int32(readerBlock) {
				p.every = append(p.every, i)
			}
		}
		sel := b.sel
		if sel == nil {
			sel = p.every[:n]
		}
		return p.vector.Load(b.ctx, b.from, sel)
	}
	_, err = blockValues(b, p.col, n, &p.cells, &p.json, func(v *colscan.Value) (map[string]string, error) {
		s, err := v.Text()
		if err != nil {
			return nil, err
		}
		return b.dec.maps.parse(s)
	})
	return err
}
