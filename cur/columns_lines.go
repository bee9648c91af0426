package cur

// This file finds what is billed in rows, and who for: by the words of the columns
// that tell, and by the chains for words not seen before.

// described marks a word of which the description has the last word: it has the
// pricing unit. What is left is a number.
const described = 1 << 31

// findLines numbers what is billed in the needed rows, and finds which of the late
// conditions on it they meet.
func (w *columnWorker) findLines() error {
	p := &w.linePack
	same, ok, err := w.pack(p, &w.need, w.lineIDs, w.controlOf(&w.need, w.setCtl), len(w.control))
	if err != nil {
		return err
	}
	if !ok {
		if err := w.findFew(&w.need); err != nil {
			return err
		}
		if err := w.describedUnits(); err != nil {
			return err
		}
		w.line, err = w.workOutLines(&w.need, w.lineIDs)
		return err
	}
	if len(p.fresh.rows) > 0 {
		if err := w.learnLines(p); err != nil {
			return err
		}
	}
	ids := w.lineIDs[:len(w.need.rows)]
	if same {
		ids = ids[:1]
	}
	p.settle(ids)
	if same && ids[0]&described != 0 {
		ids, same = w.lineIDs[:len(w.need.rows)], false
		for i := range ids {
			ids[i] = ids[0]
		}
	}
	if p.marked > 0 && !same {
		if err := w.describedLines(p, ids); err != nil {
			return err
		}
	}
	w.line = keyColumn{ids: ids, same: same, id: ids[0]}
	return nil
}

// learnLines works out what fresh words stand for. A row whose pricing unit is
// in its description has a word of which all rows are of that kind.
func (w *columnWorker) learnLines(p *packer) error {
	fresh := &p.fresh
	if err := w.findFew(fresh); err != nil {
		return err
	}
	marked, plain := w.fewAt, rowSet{}
	if len(marked) == 0 {
		plain = *fresh
	}
	for i, k := 0, 0; len(marked) > 0 && i < len(fresh.rows); i++ {
		if k < len(marked) && marked[k] == fresh.inNeed[i] {
			k++
			continue
		}
		plain.rows, plain.inNeed = append(plain.rows, fresh.rows[i]), append(plain.inNeed, fresh.inNeed[i])
	}
	var c keyColumn
	if len(plain.rows) > 0 {
		few, at := w.few, w.fewAt
		w.few = w.few[:0] // none of the plain
		var err error
		if c, err = w.workOutLines(&plain, p.ids); err != nil {
			return err
		}
		w.few, w.fewAt = few, at
	}
	for i, k, n := 0, 0, 0; i < len(fresh.rows); i++ {
		if k < len(marked) && marked[k] == fresh.inNeed[i] {
			p.known = append(p.known, described|uint32(p.marked))
			p.marked++
			k++
			continue
		}
		p.known = append(p.known, c.at(n))
		n++
	}
	return nil
}

// describedLines numbers the rows whose words are marked, by word and unit.
func (w *columnWorker) describedLines(p *packer, ids []uint32) error {
	w.few, w.fewAt = w.few[:0], w.fewAt[:0]
	for i, id := range ids {
		if id&described != 0 {
			w.few, w.fewAt = append(w.few, w.need.rows[i]), append(w.fewAt, int32(i))
		}
	}
	if len(w.few) == 0 {
		return nil
	}
	if err := w.describedUnits(); err != nil {
		return err
	}
	fresh := &p.fresh
	fresh.rows, fresh.inNeed = fresh.rows[:0], fresh.inNeed[:0]
	for k, at := range w.fewAt {
		had := p.units.len()
		n := p.units.one(ids[at]&^described, w.fewUnits[k])
		if ids[at] = n; int(n) == had {
			fresh.rows, fresh.inNeed = append(fresh.rows, w.few[k]), append(fresh.inNeed, at)
		}
	}
	if len(fresh.rows) > 0 {
		if cap(p.ids) < len(fresh.rows) {
			p.ids = make([]uint32, blockRows)
		}
		c, err := w.workOutLines(fresh, p.ids)
		if err != nil {
			return err
		}
		for i := range fresh.rows {
			p.lines = append(p.lines, c.at(i))
		}
	}
	for _, at := range w.fewAt {
		ids[at] = p.lines[ids[at]]
	}
	return nil
}

// workOutLines follows the chain of lines for needed rows.
func (w *columnWorker) workOutLines(set *rowSet, dst []uint32) (keyColumn, error) {
	if err := w.derive(set); err != nil {
		return keyColumn{}, err
	}
	line, err := w.follow(&w.lines, w.controlOf(set, w.setCtl), len(w.control), set, dst)
	if err != nil {
		return line, err
	}
	return line, w.judgeLines(line, set)
}

// judgeLines notes which late conditions on their fields lines meet.
func (w *columnWorker) judgeLines(line keyColumn, set *rowSet) error {
	for len(w.lineMet) < w.lines.len() {
		w.lineMet = append(w.lineMet, 0)
	}
	for k, f := range w.plan.conds.lateLines {
		c, err := w.column(f.field, set)
		if err != nil {
			return err
		}
		for i := range set.rows {
			id, text := line.id, c.id
			if !line.same {
				id = line.ids[i]
			}
			if !c.same {
				text = c.ids[i]
			}
			if k == 0 {
				w.lineMet[id] = 0
			}
			w.lineMet[id] |= w.textBits(f, text)
		}
	}
	return nil
}

// findAnchors numbers who the needed rows are billed for.
func (w *columnWorker) findAnchors() error {
	p := &w.anchorPack
	same, ok, err := w.pack(p, &w.need, w.anchorIDs, keyColumn{same: true}, 0)
	if err != nil {
		return err
	}
	var at keyColumn
	if ok {
		if len(p.fresh.rows) > 0 {
			fresh, err := w.workOutAnchors(&p.fresh, p.ids)
			if err != nil {
				return err
			}
			for i := range p.fresh.rows {
				p.known = append(p.known, fresh.at(i))
			}
		}
		ids := w.anchorIDs[:len(w.need.rows)]
		if same {
			ids = ids[:1]
		}
		p.settle(ids)
		at = keyColumn{ids: ids, same: same, id: ids[0]}
	} else if at, err = w.workOutAnchors(&w.need, w.anchorIDs); err != nil {
		return err
	}
	w.anchor, err = w.followFrom(&w.anchors, len(anchorFields), at, w.anchors.pairings[len(anchorFields)-1].len(), &w.need, w.anchorIDs)
	return err
}

// workOutAnchors follows the chain of anchors for needed rows, up to the columns
// that rollups declare.
func (w *columnWorker) workOutAnchors(set *rowSet, dst []uint32) (keyColumn, error) {
	account, err := w.column(fieldAccount, set)
	if err != nil {
		return account, err
	}
	if !account.same { // the next column goes to the same place
		copy(dst, account.ids)
		account.ids = dst[:len(set.rows)]
	}
	c := chain{w.anchors.fields[:len(anchorFields)], w.anchors.pairings[:len(anchorFields)]}
	return w.followFrom(&c, 0, account, len(w.dicts[fieldAccount].vals), set, dst)
}
