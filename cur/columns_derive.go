package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// derived reports whether the column path works the numbers of a field out for the
// needed rows: fields that have, or may have, a second home.
func derived(field int) bool {
	switch field {
	case fieldName, fieldModel, fieldRegion, fieldUnit:
		return true
	}
	return field >= numTextFields
}

// loadMaps reads the maps of the needed rows.
func (w *columnWorker) loadMaps() (err error) {
	for i := range w.plan.maps {
		m := &w.plan.maps[i]
		if w.maps[i] == nil {
			if w.maps[i], err = w.scan.Map(m.col, m.keys, m.prefixes); err != nil {
				return err
			}
		}
		if err := w.maps[i].Load(w.ctx, w.base, w.need.rows); err != nil {
			return err
		}
	}
	return nil
}

// derive works out the fields of needed rows that have a second home.
func (w *columnWorker) derive(set *rowSet) error {
	p, n := w.plan, len(set.rows)
	for _, f := range [...]struct {
		field int
		keys  []mapKey
	}{{fieldName, p.name}, {fieldModel, p.model}, {fieldRegion, p.area}} {
		ids := w.ids[f.field][:n]
		if _, err := w.texts(f.field, set, ids); err != nil {
			return err
		}
		for _, k := range f.keys {
			if err := w.fillKey(ids, k, f.field, set); err != nil {
				return err
			}
		}
	}
	if ids := w.ids[fieldRegion][:n]; p.region >= 0 && slices.Contains(ids, 0) {
		other := w.spare[:n]
		if _, err := w.numbers(p.region, set, other, &w.region, fieldRegion); err != nil {
			return err
		}
		fill(ids, other)
	}
	return w.pricingUnits(set)
}

// declared reads the declared columns of the needed rows.
func (w *columnWorker) declared() error {
	for i := range w.plan.declared {
		if err := w.declare(i); err != nil {
			return err
		}
	}
	return nil
}

// fill puts other where ids is blank.
func fill(ids, other []uint32) {
	for i, id := range ids {
		if id == 0 {
			ids[i] = other[i]
		}
	}
}

// fillKey puts the value of a map's key where ids is blank.
func (w *columnWorker) fillKey(ids []uint32, k mapKey, field int, set *rowSet) error {
	if !slices.Contains(ids, 0) {
		return nil
	}
	other := w.spare[:len(ids)]
	if err := colscan.Number(w.maps[k.m].Key(k.key), set.places(), other, w.keyMemo(k, field), w.number(field)); err != nil {
		return err
	}
	fill(ids, other)
	return nil
}

// keyMemo returns the memo of a map key that is numbered for a field.
func (w *columnWorker) keyMemo(k mapKey, field int) *colscan.NumberMemo {
	at := fieldKey{k, field}
	m := w.keys[at]
	if m == nil {
		m = new(colscan.NumberMemo)
		w.keys[at] = m
	}
	return m
}

type fieldKey struct {
	mapKey
	field int
}

// pricingUnits reads the pricing units of needed rows.
func (w *columnWorker) pricingUnits(set *rowSet) error {
	ids := w.ids[fieldUnit][:len(set.rows)]
	if _, err := w.texts(fieldUnit, set, ids); err != nil {
		return err
	}
	if len(w.few) == 0 {
		return nil
	}
	// The few ascend, and so does the set.
	at := 0
	for i := range ids {
		place := int32(i)
		if !set.isNeed {
			place = set.inNeed[i]
		}
		for at < len(w.few) && w.fewAt[at] < place {
			at++
		}
		if at < len(w.few) && w.fewAt[at] == place {
			ids[i] = w.fewUnits[at]
		}
	}
	return nil
}

// findFew finds the few rows of a set whose pricing unit is in their description: those
// of the Marketplace that leave it blank.
func (w *columnWorker) findFew(set *rowSet) error {
	w.few, w.fewAt = w.few[:0], w.fewAt[:0]
	if w.plan.text[fieldDescription] < 0 {
		return nil
	}
	ids := w.ids[fieldUnit][:len(set.rows)]
	if _, err := w.texts(fieldUnit, set, ids); err != nil {
		return err
	}
	for i, id := range ids {
		if id == 0 {
			at := int32(i)
			if !set.isNeed {
				at = set.inNeed[i]
			}
			w.few, w.fewAt = append(w.few, set.rows[i]), append(w.fewAt, at)
		}
	}
	if len(w.few) == 0 {
		return nil
	}
	entities := w.spare[:len(w.few)]
	if _, err := w.texts(fieldEntity, &rowSet{rows: w.few, inNeed: w.fewAt}, entities); err != nil {
		return err
	}
	market, n := w.dicts[fieldEntity].id(marketplace), 0
	for i, id := range entities {
		if id == market {
			w.few[n], w.fewAt[n] = w.few[i], w.fewAt[i]
			n++
		}
	}
	w.few, w.fewAt = w.few[:n], w.fewAt[:n]
	return nil
}

// describedUnits reads the pricing units of the few rows that have them in their
// descriptions.
func (w *columnWorker) describedUnits() error {
	w.fewUnits = w.fewUnits[:0]
	if len(w.few) == 0 {
		return nil
	}
	col := w.plan.text[fieldDescription]
	var codes *colscan.Codes
	var at []int32
	if w.plan.reach[col] > reachFew {
		var err error
		if codes, err = w.load(col); err != nil {
			return err
		}
		if at = w.fewAt; w.isWhole(col) {
			at = w.few
		}
	} else {
		v, err := w.scan.Column(col)
		if err == nil {
			err = v.Load(w.ctx, w.base, w.few, 0)
		}
		if err != nil {
			return err
		}
		codes = &v.Codes
	}
	w.fewUnits = append(w.fewUnits, w.spare[:len(w.few)]...)
	return colscan.Resolve(codes, at, w.fewUnits, &w.units, func(v *colscan.Value) (uint32, error) {
		b, err := v.Text()
		return w.dicts[fieldUnit].id(unitOf(string(b))), err
	})
}

// declare reads a declared column of the needed rows: the first of its ways
// that has a value.
func (w *columnWorker) declare(i int) error {
	field, n := numTextFields+i, len(w.need.rows)
	ids, other, done := w.ids[field][:n], w.spare[:n], w.flags[:n]
	clear(ids)
	clear(done)
	for _, way := range w.plan.declared[i] {
		if way.col >= 0 {
			m := w.ways[fieldKey{mapKey{-1, way.col}, field}]
			if m == nil {
				m = new(colscan.NumberMemo)
				w.ways[fieldKey{mapKey{-1, way.col}, field}] = m
			}
			if _, err := w.numbers(way.col, &w.need, other, m, field); err != nil {
				return err
			}
		} else if err := colscan.Number(w.maps[way.key.m].Key(way.key.key), nil, other, w.keyMemo(way.key, field), w.number(field)); err != nil {
			return err
		}
		for j := range ids {
			if done[j] {
				continue
			}
			ids[j] = other[j]
			done[j] = other[j] != 0 || way.knows >= 0 && w.maps[way.key.m].Holds(j, way.knows)
		}
	}
	return nil
}
