package cur

import (
	"slices"

	"github.com/spendclaim/spendclaim/internal/colscan"
)

// This and the other columns files are the column path of Rollup.Run. It reads
// Parquet a block of rows at a time: the predicate is evaluated on dictionary
// entries, keys are gathered as integers for the rows that pass, amounts come
// last. It gives the body that the row path gives, byte for byte, or declines: a
// file whose shape it does not know is read row by row, and a run in which
// anything is wrong is begun again row by row, which then reports it.
//
// What no row of the result needs is not read (usage start and end where a predicate
// is given and the billing interval tells the bucket): a cell that is damaged, or makes
// no sense, in a row outside the predicate and in a column that the rest does
// not keep, goes unnoticed here, as it does in columns that nobody asks for.

// Places of textFields that the column path treats on their own.
const (
	fieldPayer = iota
	fieldInvoice
	fieldInvoicing
	fieldLegal
	fieldBillType
	fieldEntity
	fieldProduct
	fieldFamily
	fieldName
	fieldModel
	fieldUsageType
	fieldOperation
	fieldUnit
	fieldType
	fieldCurrency
	fieldAccount
	fieldRegion
	fieldPrincipal
	fieldResource
	fieldDescription
	fieldReservation
)

// slotFields gives the field of each slot of a key that is the text of one.
var slotFields = [fixedSlots]int{
	slotPayer: fieldPayer, slotPeriod: -1, slotInvoice: -1, slotEntity: fieldEntity, slotProduct: fieldProduct,
	slotFamily: fieldFamily, slotName: fieldName, slotModel: fieldModel, slotUsageType: fieldUsageType,
	slotOperation: fieldOperation, slotUnit: fieldUnit, slotType: fieldType, slotCurrency: fieldCurrency,
	slotAccount: fieldAccount, slotRegion: fieldRegion, slotPrincipal: fieldPrincipal,
	slotResource: fieldResource, slotBucket: -1,
}

// reach says for which rows of a block a column is loaded. A column is read
// forwards, so this is settled before the file is.
type reach uint8

const (
	reachNone reach = iota
	reachFew        // some of the needed: see describedUnits
	reachNeed       // rows that the predicate may pass
	reachTest       // the same, and all are looked at before: see selectRows
	reachAll
)

// columnPlan says how the column path reads a file.
type columnPlan struct {
	*row
	file          *colscan.File
	cols          []colscan.Column
	have          MeasureSet
	reach         []reach // by column
	maps          []mapPlan
	name          []mapKey // of the product name, the model and the region in the map
	model         []mapKey
	area          []mapKey
	declared      [][]columnWay
	conds         columnConds
	lineSources   []wordSource
	anchorSources []wordSource
	restSources   []wordSource
	timesAll      bool // the times of all rows are read
	// lazyTimes leaves usage start and end unread where there is an interval: in
	// buckets of a day or a month it tells alone.
	lazyTimes bool
}

// mapPlan is a map column and the keys asked of it.
type mapPlan struct {
	col      int
	keys     []string
	prefixes []string
}

// mapKey is a key of a map, by their places in the plan.
type mapKey struct{ m, key int }

// columnWay is a way whose map key, if any, is part of the plan.
type columnWay struct {
	col   int // -1: a map
	key   mapKey
	knows int // index of the prefix, or -1
}

// planColumns returns how to read a file by columns; nil when it has to be read
// by rows.
func planColumns(rd *Reader, spec *Spec, where Where) *columnPlan {
	if rd.row == nil {
		return nil
	}
	dec, ok := rd.row.dec.(*parquetDecoder)
	if !ok {
		return nil
	}
	p := &columnPlan{row: rd.row, file: dec.file, cols: dec.cols, have: rd.have, reach: make([]reach, len(dec.cols))}
	p.timesAll = p.period < 0 || !spec.RestUnread
	p.lazyTimes = p.interval >= 0 && spec.Bucket != Hour.String() && (spec.RestUnread || len(where.Any) > 0)
	amounts := reachAll
	if spec.RestUnread {
		amounts = reachNeed
	}
	for f := range numTextFields {
		r := reachNeed
		switch f {
		case fieldPayer, fieldCurrency:
			r = reachAll
		case fieldType:
			r = max(amounts, reachTest)
		case fieldInvoice, fieldInvoicing, fieldLegal, fieldBillType, fieldEntity, fieldProduct, fieldAccount, fieldReservation:
			r = amounts
		case fieldDescription:
			r = reachFew
		}
		if !p.wants(p.text[f], r) {
			return nil
		}
	}
	for _, c := range p.amount {
		if !p.wants(c, amounts) {
			return nil
		}
	}
	times := reachNeed
	if p.timesAll {
		times = reachAll
	}
	if !p.wants(p.interval, times) || !p.wants(p.start, times) || !p.wants(p.end, times) ||
		!p.wants(p.period, reachAll) || !p.wants(p.region, reachNeed) {
		return nil
	}
	if p.product >= 0 {
		if !p.file.Keyed(p.product) {
			return nil
		}
		p.name = []mapKey{p.key(p.product, "product_name")}
		p.model = []mapKey{p.key(p.product, "model")}
		p.area = []mapKey{p.key(p.product, "region_code"), p.key(p.product, "region")}
	}
	for _, c := range spec.Columns {
		ways, ok := p.ways(c)
		if !ok {
			return nil
		}
		p.declared = append(p.declared, ways)
	}
	if !p.planWhere(spec, where) {
		return nil
	}
	for _, f := range lineFields {
		p.lineSources = p.source(p.lineSources, p.text[f])
	}
	p.lineSources = p.source(p.lineSources, p.region)
	for _, keys := range [...][]mapKey{p.name, p.model, p.area} {
		for _, k := range keys {
			p.lineSources = append(p.lineSources, wordSource{-1, k})
		}
	}
	for _, f := range append([]int{fieldAccount}, anchorFields...) {
		p.anchorSources = p.source(p.anchorSources, p.text[f])
	}
	for _, f := range restFields {
		p.restSources = p.source(p.restSources, p.text[f])
	}
	return p
}

func (p *columnPlan) source(list []wordSource, col int) []wordSource {
	if col < 0 {
		return list
	}
	return append(list, wordSource{col: col})
}

// wants notes that a column is read for some rows; false when it has not one
// value to a row.
func (p *columnPlan) wants(col int, r reach) bool {
	if col < 0 {
		return true
	}
	p.reach[col] = max(p.reach[col], r)
	switch p.cols[col].Kind {
	case colscan.Map, colscan.DoubleMap, colscan.Other:
		return false
	}
	return true
}

// mapAt returns the plan of a map column.
func (p *columnPlan) mapAt(col int) int {
	i := slices.IndexFunc(p.maps, func(m mapPlan) bool { return m.col == col })
	if i < 0 {
		i = len(p.maps)
		p.maps = append(p.maps, mapPlan{col: col})
	}
	return i
}

func (p *columnPlan) key(col int, key string) mapKey {
	i := p.mapAt(col)
	m := &p.maps[i]
	k := slices.Index(m.keys, key)
	if k < 0 {
		k = len(m.keys)
		m.keys = append(m.keys, key)
	}
	return mapKey{i, k}
}

// ways returns how a declared column is reached.
func (p *columnPlan) ways(c Column) (out []columnWay, ok bool) {
	if f := fieldOf(c); f >= 0 {
		if p.text[f] < 0 {
			return nil, true
		}
		return []columnWay{{col: p.text[f], knows: -1}}, p.wants(p.text[f], reachNeed)
	}
	for _, w := range p.resolve(c) {
		if w.twin {
			return nil, false // values have to be compared
		}
		cw := columnWay{col: w.col, knows: -1}
		if w.key == "" {
			if !p.wants(w.col, reachNeed) {
				return nil, false
			}
			out = append(out, cw)
			continue
		}
		if !p.file.Keyed(w.col) {
			return nil, false
		}
		cw.col, cw.key = -1, p.key(w.col, w.key)
		if m := &p.maps[cw.key.m]; w.knows != "" {
			if cw.knows = slices.Index(m.prefixes, w.knows); cw.knows < 0 {
				cw.knows = len(m.prefixes)
				m.prefixes = append(m.prefixes, w.knows)
			}
		}
		out = append(out, cw)
	}
	return out, true
}
