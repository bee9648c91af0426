package cur

import "io"

// skimmer rules out rows of CSV by a few of their cells, for a rollup that leaves
// rows outside its predicate unread. What it rules out does not pass; what it lets
// by may still not.
type skimmer struct {
	dec   *csvDecoder
	limit int // the first column that it does not look at
	s     sieve
	seen  []cellBits // by field of the sieve
}

// cellBits remembers which conditions the cells of a column meet.
type cellBits struct {
	last *cellBit
	seen map[string]*cellBit
	size int
}

type cellBit struct {
	text string
	bits uint64
}

// skims makes Reader.skim rule out rows, where it can tell that they do not pass
// where.
func (r *Reader) skims(where compiled) {
	if r.row == nil {
		return
	}
	d, ok := r.row.dec.(*csvDecoder)
	if !ok || r.row.period < 0 {
		return
	}
	k := &skimmer{dec: d}
	if k.s.plan(r.row, where); len(k.s.fields) > 0 {
		k.seen = make([]cellBits, len(k.s.fields))
		k.limit = r.row.period
		for _, f := range [...]int{fieldPayer, fieldCurrency, fieldType} {
			k.limit = max(k.limit, r.row.text[f])
		}
		for i := range k.s.fields {
			k.limit = max(k.limit, k.s.fields[i].col)
		}
		k.limit++
		r.skimmer = k
	}
}

// skim is Read, but of a row that it rules out it fills the key of the control
// totals alone, and counts the row there without its amounts.
func (r *Reader) skim(li *LineItem) (out bool, err error) {
	k := r.skimmer
	if k == nil || r.err != nil || r.row.err != nil {
		return false, r.Read(li)
	}
	if out, err = k.next(r, li); err != nil {
		if err != io.EOF {
			err = r.at(err)
		}
		r.err = err
		return false, err
	}
	if !out {
		return false, nil
	}
	r.n++
	r.totals(&ControlKey{li.Payer, li.BillingPeriod, li.Currency, li.LineItemType}).Rows++
	return true, nil
}

// next reads the next row, or passes one that it rules out.
func (k *skimmer) next(r *Reader, li *LineItem) (out bool, err error) {
	if r.n&0x3ff == 0 {
		if err := r.ctx.Err(); err != nil {
			return false, err
		}
	}
	r.row.n = r.n + 1
	whole, err := k.dec.begin(k.limit)
	switch {
	case err != nil:
		return false, err
	case k.mayPass():
		if !whole {
			err = k.dec.rest()
		}
		if err == nil {
			err = r.take(li)
		}
		return false, err
	case !whole:
		err = k.dec.drop()
	}
	if err == nil {
		err = r.row.outline(li)
	}
	return true, err
}

// mayPass reports whether the current row may pass the predicate.
func (k *skimmer) mayPass() bool {
	met, known := uint64(0), uint64(0)
	for i := range k.s.fields {
		f := &k.s.fields[i]
		if i > 0 && !k.s.open(met, known, f.bits) {
			continue
		}
		known |= f.bits
		if f.col < 0 {
			met |= k.s.test(f.bits, "")
		} else {
			met |= k.seen[i].of(k.dec.cell(f.col), &k.s, f)
		}
	}
	return k.s.passes(met)
}

// of returns the conditions on a field that a cell meets.
func (c *cellBits) of(cell []byte, s *sieve, f *sieveField) uint64 {
	if c.last != nil && string(cell) == c.last.text {
		return c.last.bits
	}
	m, ok := c.seen[string(cell)]
	if !ok {
		m = &cellBit{text: string(cell)}
		if f.field == fieldPrincipal {
			m.bits = s.test(f.bits, Role(m.text))
		} else {
			m.bits = s.test(f.bits, m.text)
		}
		if len(cell) > maxText {
			return m.bits
		}
		if c.seen == nil || len(c.seen) == maxTexts || c.size+len(cell) > maxTextBytes {
			c.seen, c.size = make(map[string]*cellBit), 0
		}
		c.seen[m.text] = m
		c.size += len(cell)
	}
	c.last = m
	return m.bits
}
