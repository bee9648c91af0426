package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// derive reads the fields of the needed rows that have a second home, and the
// declared columns.
func (w *columnWorker) derive() error {
	p, n := w.plan, len(w.need.rows)
	for i := range p.maps {
		m := &p.maps[i]
		if w.maps[i] == nil {
			var err error
			if w.maps[i], err = w.scan.Map(m.col, m.keys, m.prefixes); err != nil {
				return err
			}
		}
		if err := w.maps[i].Load(w.ctx, w.base, w.need.rows); err != nil {
			return err
		}
	}
	for _, f := range [...]struct {
		field int
		keys  []mapKey
	}{{fieldName, p.name}, {fieldModel, p.model}, {fieldRegion, p.area}} {
		ids := w.ids[f.field][:n]
		if _, err := w.texts(f.field, &w.need, ids); err != nil {
			return err
		}
		for _, k := range f.keys {
			if err := w.fillKey(ids, k, f.field); err != nil {
				return err
			}
		}
	}
	if ids := w.ids[fieldRegion][:n]; p.region >= 0 && slices.Contains(ids, 0) {
		other := w.spare[fieldRegion][:n]
		if _, err := resolve(w, p.region, &w.need, other, &w.region, w.number(fieldRegion)); err != nil {
			return err
		}
		fill(ids, other)
	}
	if err := w.pricingUnits(); err != nil {
		return err
	}
	for i := range p.declared {
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
func (w *columnWorker) fillKey(ids []uint32, k mapKey, field int) error {
	if !slices.Contains(ids, 0) {
		return nil
	}
	other := w.spare[field][:len(ids)]
	if err := colscan.Resolve(w.maps[k.m].Key(k.key), nil, other, w.keyMemo(k, field), w.number(field)); err != nil {
		return err
	}
	fill(ids, other)
	return nil
}

// keyMemo returns the memo of a map key that is numbered for a field.
func (w *columnWorker) keyMemo(k mapKey, field int) *colscan.Memo[uint32] {
	at := fieldKey{k, field}
	m := w.keys[at]
	if m == nil {
		m = new(colscan.Memo[uint32])
		w.keys[at] = m
	}
	return m
}

type fieldKey struct {
	mapKey
	field int
}

// pricingUnits reads the pricing unit of the needed rows; a row of the Marketplace that
// leaves it blank has it in the description.
func (w *columnWorker) pricingUnits() error {
	n := len(w.need.rows)
	ids := w.ids[fieldUnit][:n]
	if _, err := w.texts(fieldUnit, &w.need, ids); err != nil {
		return err
	}
	col := w.plan.text[fieldDescription]
	if col < 0 || !slices.Contains(ids, 0) {
		return nil
	}
	entities := w.spare[fieldUnit][:n]
	if _, err := w.texts(fieldEntity, &w.need, entities); err != nil {
		return err
	}
	d := &w.dicts[fieldEntity]
	w.few, w.fewAt = w.few[:0], w.fewAt[:0]
	for i, id := range ids {
		if id == 0 && d.vals[entities[i]] == marketplace {
			w.few, w.fewAt = append(w.few, w.need.rows[i]), append(w.fewAt, int32(i))
		}
	}
	if len(w.few) == 0 {
		return nil
	}
	var codes *colscan.Codes
	var at []int32
	if w.plan.reach[col] > reachFew {
		var err error
		if codes, err = w.load(col); err != nil {
			return err
		}
		if at = w.fewAt; w.plan.reach[col] == reachAll || w.need.full {
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
	units := w.spare[fieldUnit][:len(w.few)]
	err := colscan.Resolve(codes, at, units, &w.units, func(v *colscan.Value) (uint32, error) {
		b, err := v.Text()
		return w.dicts[fieldUnit].id(unitOf(string(b))), err
	})
	for i, at := range w.fewAt {
		ids[at] = units[i]
	}
	return err
}

// declare reads a declared column of the needed rows: the first of its ways
// that has a value.
func (w *columnWorker) declare(i int) error {
	field, n := numTextFields+i, len(w.need.rows)
	ids, other, done := w.ids[field][:n], w.spare[field][:n], w.flags[:n]
	clear(ids)
	clear(done)
	for _, way := range w.plan.declared[i] {
		if way.col >= 0 {
			m := w.ways[fieldKey{mapKey{-1, way.col}, field}]
			if m == nil {
				m = new(colscan.Memo[uint32])
				w.ways[fieldKey{mapKey{-1, way.col}, field}] = m
			}
			if _, err := resolve(w, way.col, &w.need, other, m, w.number(field)); err != nil {
				return err
			}
		} else if err := colscan.Resolve(w.maps[way.key.m].Key(way.key.key), nil, other, w.keyMemo(way.key, field), w.number(field)); err != nil {
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
