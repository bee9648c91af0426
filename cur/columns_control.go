package cur

import "github.com/spendclaim/spendclaim/internal/colscan"

// This file finds the control total, and with it the delivery, of every row.

// controlEntry is one control total.
type controlEntry struct {
	key     ControlKey
	part    partKey
	fee     bool  // of line item type Fee
	rows    int64 // all
	done    int64 // of which in row groups that were finished
	matched int64 // of which grouped
	m       Measures
}

// controlOf returns the control entries of a set.
func (w *columnWorker) controlOf(set *rowSet, dst []uint32) keyColumn {
	if w.ctlSame || set.full && !w.ctlNeed {
		return keyColumn{same: w.ctlSame, id: w.ctl[0], ids: w.ctl[:len(set.rows)]}
	}
	places := set.rows
	if w.ctlNeed {
		if places = set.places(); places == nil {
			return keyColumn{ids: w.ctl[:len(set.rows)]}
		}
	}
	dst = dst[:len(set.rows)]
	for i, at := range places {
		dst[i] = w.ctl[at]
	}
	return keyColumn{ids: dst}
}

// countRows counts the rows of the block for their control totals.
func (w *columnWorker) countRows() {
	if w.ctlNeed {
		for _, t := range w.tallied {
			w.control[t.id].rows += t.n
		}
	} else if w.ctlSame {
		w.control[w.ctl[0]].rows += int64(w.n)
	} else {
		// Most rows are of one kind.
		last, run := w.ctl[0], int64(0)
		for _, c := range w.ctl[:w.n] {
			if c != last {
				w.control[last].rows += run
				last, run = c, 0
			}
			run++
		}
		w.control[last].rows += run
	}
	if !w.run.spec.RestUnread || len(w.match.rows) == 0 {
		return
	}
	ctl := w.controlOf(&w.match, w.setCtl)
	if ctl.same {
		w.control[ctl.id].matched += int64(len(w.match.rows))
		return
	}
	for _, c := range ctl.ids {
		w.control[c].matched++
	}
}

// take returns the rows counted since the last call, by delivery.
func (w *columnWorker) take() map[partKey]int64 {
	rows := make(map[partKey]int64)
	for i := range w.control {
		if c := &w.control[i]; c.rows > c.done {
			rows[c.part] += c.rows - c.done
			c.done = c.rows
		}
	}
	return rows
}

// tallied says how many rows of a block have a control entry.
type tallied struct {
	id uint32
	n  int64
}

// controls finds the control entry, and with it the delivery, of every row.
func (w *columnWorker) controls() error {
	at, err := w.column(fieldPayer, &w.whole)
	if err != nil {
		return err
	}
	// Mostly there is one of each but line item types.
	ctl, firsts := w.ctl[:w.n], len(w.dicts[fieldPayer].vals)
	if !at.same {
		copy(ctl, at.ids)
		at.ids = ctl
	}
	currency, err := w.column(fieldCurrency, &w.whole)
	if err != nil {
		return err
	}
	at = w.byControl[0].all(ctl, at, currency, firsts, len(w.dicts[fieldCurrency].vals))
	month, err := w.monthsOf()
	if err != nil {
		return err
	}
	at = w.byControl[1].all(ctl, at, month, w.byControl[0].len(), len(w.months.vals))
	w.ctlNeed = false
	if at.same && w.plan.text[fieldType] >= 0 {
		at, err = w.typesOf(at.id)
	} else {
		var types keyColumn
		if col := w.plan.text[fieldType]; col >= 0 {
			w.loadWhole(col)
		}
		if types, err = w.column(fieldType, &w.whole); err == nil {
			at = w.byControl[2].all(ctl, at, types, w.byControl[1].len(), len(w.dicts[fieldType].vals))
		}
	}
	if err != nil {
		return err
	}
	if w.ctlSame = at.same; at.same {
		ctl[0] = at.id
	}
	for len(w.control) < w.byControl[2].len() {
		if err := w.newControl(); err != nil {
			return err
		}
	}
	return nil
}

// typesOf numbers the line item types with what rows have in common before: those of
// the needed rows where the others can be counted without them.
func (w *columnWorker) typesOf(first uint32) (c keyColumn, err error) {
	if w.typesFirst != first {
		w.typesFirst = first
		w.types.Reset()
	}
	pair := func(v *colscan.Value) (uint32, error) {
		b, err := v.Text()
		return w.byControl[2].one(first, w.dicts[fieldType].of(b)), err
	}
	col, set := w.plan.text[fieldType], &w.whole
	if w.plan.reach[col] == reachTest && w.entire[col] != w.serial {
		v, err := w.scan.Column(col)
		if err != nil {
			return c, err
		}
		w.tallied = w.tallied[:0]
		w.ctlNeed = colscan.Tally(v, w.base, w.n, &w.types, pair, func(id uint32, n int64) { w.tallied = append(w.tallied, tallied{id, n}) })
		if !w.ctlNeed {
			w.loadWhole(col)
		} else if set = &w.need; len(set.rows) == 0 {
			return keyColumn{same: true}, nil
		}
	}
	c.ids = w.ctl[:len(set.rows)]
	c.same, err = resolve(w, col, set, c.ids, &w.types, pair)
	c.id = c.ids[0]
	return c, err
}

// monthsOf returns the billing periods of the rows of the block.
func (w *columnWorker) monthsOf() (c keyColumn, err error) {
	if w.plan.period < 0 {
		return keyColumn{same: w.bucketSame, id: w.timeMonths[0], ids: w.timeMonths[:w.n]}, nil
	}
	codes, err := w.load(w.plan.period)
	if err != nil {
		return c, err
	}
	if c.ids = w.colIDs[:w.n]; codes.Same() {
		c.ids, c.same = c.ids[:1], true
	}
	err = colscan.Resolve(codes, nil, c.ids, &w.period, w.month)
	c.id = c.ids[0]
	return c, err
}

// newControl makes the control entry that the pairings have numbered next.
func (w *columnWorker) newControl() error {
	byType := w.byControl[2].pairs[len(w.control)]
	byMonth := w.byControl[1].pairs[byType.first]
	byPayer := w.byControl[0].pairs[byMonth.first]
	k := ControlKey{w.dicts[fieldPayer].vals[byPayer.first], w.months.vals[byMonth.second],
		w.dicts[fieldCurrency].vals[byPayer.second], w.dicts[fieldType].vals[byType.second]}
	key := partKey{k.Payer, k.BillingPeriod}
	if w.run.set.manifest != nil {
		key.period = Month{}
	}
	if !w.parts[key] {
		if len(w.parts) == maxParts {
			return errDecline
		}
		w.parts[key] = true
	}
	w.fees = w.fees || k.LineItemType == "Fee"
	w.control = append(w.control, controlEntry{key: k, part: key, fee: k.LineItemType == "Fee"})
	return nil
}

// month resolves a billing period.
func (w *columnWorker) month(v *colscan.Value) (uint32, error) {
	t, err := w.time(w.plan.period, v)
	if err == nil && t.IsZero() {
		err = errBlankPeriod
	}
	if err != nil {
		return 0, err
	}
	return w.months.id(MonthOf(t)), nil
}
