package cur

// absorber adds what one worker has to another. Each numbers texts and pairs on its
// own; the numbers of the one are worked out from those of the other level by level,
// so that no key is ever put together.
type absorber struct {
	w, o  *columnWorker
	texts [][]uint32 // by field: number of o's texts in w, + 1
}

// absorb adds what another worker has, which is of no use afterwards.
func (w *columnWorker) absorb(o *columnWorker) error {
	a := &absorber{w, o, make([][]uint32, len(o.dicts))}
	control := make([]uint32, len(o.control))
	for i := range o.control {
		c := &o.control[i]
		id, err := w.controlFor(&LineItem{Payer: c.key.Payer, BillingPeriod: c.key.BillingPeriod, Currency: c.key.Currency, LineItemType: c.key.LineItemType})
		if err != nil {
			return err
		}
		to := &w.control[id]
		to.rows += c.rows
		to.matched += c.matched
		to.m.Add(&c.m)
		control[i] = id
	}
	accounts := make([]uint32, len(o.dicts[fieldAccount].vals))
	for i := range accounts {
		accounts[i] = a.text(fieldAccount, uint32(i))
	}
	buckets := make([]uint32, len(o.bucketSlots.vals))
	for i, v := range o.bucketSlots.vals {
		buckets[i] = w.bucketSlots.id(v)
	}
	both := a.pairs(&w.both, &o.both, a.chain(&w.lines, &o.lines, control), a.chain(&w.anchors, &o.anchors, accounts))
	a.sums(&w.group, &o.group, both, buckets, &w.groupSums, &o.groupSums)
	for n, at := range a.chain(&w.rests, &o.rests, control) {
		w.restSums.extend(int(at) + 1)
		w.restSums.addFrom(int(at), &o.restSums, n)
	}
	return nil
}

// text returns the number of a text.
func (a *absorber) text(field int, id uint32) uint32 {
	if a.texts[field] == nil {
		a.texts[field] = make([]uint32, len(a.o.dicts[field].vals))
	}
	to := &a.texts[field][id]
	if *to == 0 {
		*to = a.w.dicts[field].id(a.o.dicts[field].vals[id]) + 1
	}
	return *to - 1
}

// chain returns the numbers of a chain that begins with starts.
func (a *absorber) chain(to, from *chain, starts []uint32) []uint32 {
	at := starts
	for i, f := range from.fields {
		next := make([]uint32, from.pairings[i].len())
		for n, p := range from.pairings[i].pairs {
			next[n] = to.pairings[i].one(at[p.first], a.text(f, p.second))
		}
		at = next
	}
	return at
}

// pairs returns the numbers of pairs.
func (a *absorber) pairs(to, from *pairing, firsts, seconds []uint32) []uint32 {
	out := make([]uint32, from.len())
	for n, p := range from.pairs {
		out[n] = to.one(firsts[p.first], seconds[p.second])
	}
	return out
}

// sums adds the sums of pairs, as many at once as a block has rows.
func (a *absorber) sums(to, from *pairing, firsts, seconds []uint32, sums, more *sumTable) {
	w := a.w
	for at := 0; at < len(from.pairs); at += blockRows {
		pairs := from.pairs[at:min(at+blockRows, len(from.pairs))]
		first, second, index := w.lineIDs[:len(pairs)], w.bucketIDs[:len(pairs)], w.index[:len(pairs)]
		for i, p := range pairs {
			first[i], second[i] = firsts[p.first], seconds[p.second]
		}
		index = to.all(index, keyColumn{ids: first}, keyColumn{ids: second}, w.both.len(), len(w.bucketSlots.vals)).fill(index)
		sums.extend(to.len())
		for i, g := range index {
			sums.addFrom(int(g), more, at+i)
		}
	}
}
