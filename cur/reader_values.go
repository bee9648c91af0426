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

// intervalOf reads an interval.
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
		if err := b.second(fieldRegion, n, func([]int32) (*column[string], error) {
			c := &b.product.region
			return c, c.load(b, r.region, n)
		}); err != nil {
			return err
		}
	}
	if r.untyped {
		b.texts[fieldType].one = "Usage"
	}
	return b.units(n)
}

// second fills the blank values of a field, the rows of which it hands to from,
// with those of another column; nil is one without any.
func (b *blocks) second(field, n int, from func(blank []int32) (*column[string], error)) error {
	c := &b.texts[field]
	if c.same {
		if c.one != "" {
			return nil
		}
		o, err := from(b.places.rows[:n])
		if err == nil && o != nil {
			c.same, c.one, c.table, c.refs, c.listed = o.same, o.one, o.table, o.refs, o.listed
		}
		return err
	}
	blank := b.blankOf(c)
	if len(blank) == 0 {
		return nil
	}
	o, err := from(blank)
	if err != nil || o == nil || !slices.ContainsFunc(blank, func(i int32) bool { return o.at(int(i)) != "" }) {
		return err
	}
	c.fillIn(b, n, blank, o)
	return nil
}

// fillIn sets the values of blank rows to those of o.
func (c *column[T]) fillIn(b *blocks, n int, blank []int32, o *column[T]) {
	table, refs := c.table, c.refs
	c.vals, c.spare = c.spare, c.vals // table may be the one
	if size := len(table); c.listed && size+len(blank) <= n {
		// The table is small: another one, which goes on with a value for each blank.
		c.room()
		c.table = c.vals[:size+len(blank)]
		copy(c.table, table)
		for k, i := range blank {
			refs[i] = uint32(size + k)
			c.table[size+k] = o.at(int(i))
		}
		c.listed = false
		return
	}
	c.own(b, n)
	for i := range c.table {
		c.table[i] = table[refs[i]]
	}
	for _, i := range blank {
		c.table[i] = o.at(int(i))
	}
}

// blankOf returns the rows whose value is blank.
func (b *blocks) blankOf(c *column[string]) []int32 {
	n := 0
	for i, ref := range c.refs {
		b.blank[n] = int32(i)
		// No branch: where blanks are follows no pattern.
		is := 0
		if len(c.table[ref]) == 0 {
			is = 1
		}
		n += is
	}
	return b.blank[:n]
}

// units finds the pricing unit of Marketplace rows that leave it blank.
func (b *blocks) units(n int) error {
	r := b.row
	if entity := &b.texts[fieldEntity]; r.left.fields[fieldUnit] || entity.same && entity.one != marketplace {
		return nil
	}
	return b.second(fieldUnit, n, func(blank []int32) (*column[string], error) {
		p := &b.product
		p.few, p.rows = p.few[:0], p.rows[:0]
		for _, i := range blank {
			if b.texts[fieldEntity].at(int(i)) == marketplace {
				row := i
				if b.sel != nil {
					row = b.sel[i]
				}
				p.few, p.rows = append(p.few, i), append(p.rows, row)
			}
		}
		if len(p.few) == 0 {
			return nil, nil
		}
		u := &p.units
		u.own(b, n)
		clear(u.table)
		if r.left.description < 0 {
			for _, i := range p.few {
				u.table[i] = unitOf(b.texts[fieldDescription].at(int(i)))
			}
			return u, nil
		}
		v, err := b.scan.Column(r.left.description)
		if err == nil {
			err = v.Load(b.ctx, b.from, p.rows, 0)
		}
		if err != nil {
			return nil, err
		}
		if p.fewUnits == nil {
			p.fewUnits = make([]string, readerBlock)
		}
		err = colscan.Resolve(&v.Codes, nil, p.fewUnits[:len(p.few)], &u.memo, func(v *colscan.Value) (string, error) {
			s, err := v.Text()
			return b.unit.of([]byte(unitOf(string(s)))), err
		})
		for j, i := range p.few {
			u.table[i] = p.fewUnits[j]
		}
		return u, err
	})
}

// productMap reads the product map, as far as fields are blank without it.
type productMap struct {
	col    int
	keys   []int // of productKeys
	names  []string
	texts  []texts
	values []column[string]          // by key
	vector *colscan.MapVector        // of the row group
	loaded bool                      // for the block
	cells  column[map[string]string] // of a map that is JSON text

	region    column[string] // that has the region under another name
	units     column[string]
	few, rows []int32
	fewUnits  []string
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
	p.texts, p.values = make([]texts, len(p.keys)), make([]column[string], len(p.keys))
	for i := range p.keys {
		p.values[i].resolve = p.texts[i].value
	}
	if c := b.row.region; c >= 0 {
		p.region.resolve = b.dec.texts[c].value
	}
	p.cells.resolve = func(v *colscan.Value) (map[string]string, error) {
		s, err := v.Text()
		if err != nil {
			return nil, err
		}
		return b.dec.maps.parse(s)
	}
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
		err := b.second(productKeys[k].field, n, func(blank []int32) (*column[string], error) {
			if err := p.load(b, n); err != nil {
				return nil, err
			}
			c := &p.values[i]
			if p.vector != nil {
				codes := p.vector.Key(i)
				if codes.Same() && codes.Null(0) {
					return nil, nil
				}
				return c, c.read(b, codes, nil, n, false)
			}
			c.own(b, n)
			for _, j := range blank {
				c.table[j] = p.cells.at(int(j))[p.names[i]]
			}
			return c, nil
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
	if !b.dec.isMap(p.col) {
		return p.cells.load(b, p.col, n)
	}
	if p.vector == nil {
		if p.vector, err = b.scan.Map(p.col, p.names, nil); err != nil {
			return err
		}
	}
	sel := b.sel
	if sel == nil {
		sel = b.places.rows[:n]
	}
	return p.vector.Load(b.ctx, b.from, sel)
}
