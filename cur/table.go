package cur

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// A key is held as one small integer per column: texts are interned in a
// dictionary per column, times are numbers already. The order of the slots is
// that of Key.Compare.
const (
	slotPayer = iota
	slotPeriod
	slotInvoice
	slotEntity
	slotProduct
	slotFamily
	slotName
	slotModel
	slotUsageType
	slotOperation
	slotUnit
	slotType
	slotCurrency
	slotAccount
	slotRegion
	slotPrincipal
	slotResource
	slotBucket
	fixedSlots // declared columns follow
)

// numeric reports whether a slot holds a number instead of a dictionary id.
func numeric(slot int) bool { return slot == slotPeriod || slot == slotBucket }

// restSlots are the slots of a key that a RestKey keeps, in its order.
var restSlots = [...]int{slotPayer, slotPeriod, slotInvoice, slotEntity, slotProduct, slotType, slotAccount, slotCurrency}

// slotColumns names the column of each slot, for messages.
var slotColumns = [fixedSlots]Column{
	ColPayer, ColBillingPeriod, ColInvoiceID, ColBillingEntity, ColProductCode, ColProductFamily,
	ColProductName, ColModel, ColUsageType, ColOperation, ColPricingUnit, ColLineItemType,
	ColCurrency, ColUsageAccount, ColRegion, ColPrincipal, ColResource, colInterval,
}

// dict interns the texts of one column.
type dict struct {
	ids    map[string]uint32
	vals   []string
	last   string // rows repeat: most look-ups end here
	lastID uint32
}

func (d *dict) id(s string) uint32 {
	if len(d.vals) > 0 && s == d.last {
		return d.lastID
	}
	id, ok := d.ids[s]
	if !ok {
		// The text may alias a reader's buffer.
		s = strings.Clone(s)
		if d.ids == nil {
			d.ids = make(map[string]uint32)
		}
		id = uint32(len(d.vals))
		d.ids[s] = id
		d.vals = append(d.vals, s)
	}
	d.last, d.lastID = d.vals[id], id
	return id
}

// sort puts the texts in order and returns each old id's new one.
func (d *dict) sort() []uint32 {
	rank := make([]uint32, len(d.vals))
	order := make([]uint32, len(d.vals))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(d.vals[a], d.vals[b]) })
	vals := make([]string, len(d.vals))
	for to, from := range order {
		rank[from], vals[to] = uint32(to), d.vals[from]
	}
	*d = dict{vals: vals}
	return rank
}

// invoiceText joins the fields of an invoice to one text that sorts as
// Invoice.Compare does; the separator sorts before everything a bill prints. A
// bill prints no zero byte; one that turns up all the same is replaced.
func invoiceText(v Invoice) string {
	const sep = "\x00"
	text := v.ID + sep + v.InvoicingEntity + sep + v.LegalEntity + sep + v.BillType
	if strings.Count(text, sep) == 3 {
		return text
	}
	clean := strings.NewReplacer(sep, "\uFFFD")
	return clean.Replace(v.ID) + sep + clean.Replace(v.InvoicingEntity) + sep +
		clean.Replace(v.LegalEntity) + sep + clean.Replace(v.BillType)
}

func invoiceOf(text string) Invoice {
	f := strings.SplitN(text, "\x00", 4)
	return Invoice{f[0], f[1], f[2], f[3]}
}

// groups is a hash table from fixed-length integer keys to measures.
type groups struct {
	stride int
	keys   []uint32 // stride per group
	sums   sumTable
	slots  []uint32 // open addressing: group + 1, 0 is free
}

func (g *groups) len() int { return g.sums.len() }

// key returns the key of a group.
func (g *groups) key(n int) []uint32 { return g.keys[n*g.stride : (n+1)*g.stride] }

// find returns the group of a key, making it if need be. Callers keep the index,
// never a pointer.
func (g *groups) find(key []uint32) int {
	if g.len()*2 >= len(g.slots) {
		g.index(2 * len(g.slots))
	}
	mask := uint32(len(g.slots) - 1)
	for s := hashKey(key) & mask; ; s = (s + 1) & mask {
		i := g.slots[s]
		if i == 0 {
			n := g.sums.grow()
			g.slots[s] = uint32(n) + 1
			g.keys = append(g.keys, key...)
			return n
		}
		if slices.Equal(g.key(int(i-1)), key) {
			return int(i - 1)
		}
	}
}

// index makes the hash table anew, of at least the given size.
func (g *groups) index(size int) {
	n := 1024
	for n < size || n < 2*g.len() {
		n *= 2
	}
	g.slots = make([]uint32, n)
	mask := uint32(n - 1)
	for i := range g.len() {
		s := hashKey(g.key(i)) & mask
		for g.slots[s] != 0 {
			s = (s + 1) & mask
		}
		g.slots[s] = uint32(i) + 1
	}
}

func hashKey(key []uint32) uint32 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, k := range key {
		h = (h ^ uint64(k)) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return uint32(h)
}

// add adds measures to group i.
func (g *groups) add(i int, m *Measures) { g.sums.addAll(i, m) }

// sum returns one measure of group i.
func (g *groups) sum(i int, m Measure) exact.Num { return g.sums.sum(i, m) }

// measures copies all of group i.
func (g *groups) measures(i int) Measures { return g.sums.measures(i) }

// sort renumbers the columns by rank (nil: a number, kept) and puts the groups in
// order of their keys. They change places in the memory they have, so that no second
// table is needed, and whoever reads one after the other finds them side by side.
// The hash table is dropped: nothing is added after.
func (g *groups) sort(rank [][]uint32) {
	g.slots = nil
	least, most := make([]uint32, g.stride), make([]uint32, g.stride)
	for i := range g.len() {
		for s, id := range g.key(i) {
			if r := rank[s]; r != nil {
				id = r[id]
				g.keys[i*g.stride+s] = id
			}
			if i == 0 || id < least[s] {
				least[s] = id
			}
			most[s] = max(most[s], id)
		}
	}
	g.arrange(g.sorted(least, most))
}

// arrange puts the group order[i] at place i, for all i.
func (g *groups) arrange(order []uint32) {
	g.sums.renumber(order)
	key := make([]uint32, g.stride)
	for first := range order {
		if int(order[first]) == first {
			continue
		}
		// Around a circle of places: into each goes what it is to have.
		copy(key, g.key(first))
		row := *g.sums.at(first)
		at := first
		for {
			from := int(order[at])
			order[at] = uint32(at)
			if from == first {
				break
			}
			copy(g.key(at), g.key(from))
			*g.sums.at(at) = *g.sums.at(from)
			at = from
		}
		copy(g.key(at), key)
		*g.sums.at(at) = row
	}
}

// table gathers the groups, the rest and the control totals of one payer's
// billing period; a finished table is the body of a Partial.
type table struct {
	spec     Spec
	measures MeasureSet
	columns  columnSet
	dicts    []dict    // by slot; numeric slots stay empty
	invoices []Invoice // by id, of a finished table
	groups   groups
	rest     groups
	control  map[ControlKey]*Measures
	unread   int64
	rejected map[RejectedKey]int64

	key     []uint32 // scratch
	restKey [len(restSlots)]uint32
}

func newTable(spec Spec, measures MeasureSet, columns columnSet) *table {
	n := fixedSlots + len(spec.Columns)
	return &table{
		spec: spec, measures: measures, columns: columns,
		dicts: make([]dict, n), key: make([]uint32, n),
		groups:  groups{stride: n},
		rest:    groups{stride: len(restSlots)},
		control: make(map[ControlKey]*Measures),
	}
}

// intern fills t.key from k.
func (t *table) intern(k *Key) []uint32 {
	texts := [...]string{slotPayer: k.Payer, slotEntity: k.BillingEntity, slotProduct: k.ProductCode,
		slotFamily: k.ProductFamily, slotName: k.ProductName, slotModel: k.Model, slotUsageType: k.UsageType,
		slotOperation: k.Operation, slotUnit: k.PricingUnit, slotType: k.LineItemType,
		slotCurrency: k.Currency, slotAccount: k.UsageAccount, slotRegion: k.Region,
		slotPrincipal: k.Principal, slotResource: k.Resource}
	for s := range texts {
		if s != slotInvoice && !numeric(s) {
			t.key[s] = t.dicts[s].id(texts[s])
		}
	}
	t.key[slotInvoice] = t.invoice(k.Invoice)
	t.key[slotPeriod] = uint32(k.BillingPeriod.n)
	t.key[slotBucket] = uint32(k.Bucket.Start/3600)<<2 | uint32(k.Bucket.Span)
	for i, v := range k.values {
		t.key[fixedSlots+i] = t.dicts[fixedSlots+i].id(v)
	}
	return t.key
}

// invoice interns an invoice slice. Rows of one invoice follow one another, so
// the joined text is built only when the slice changes.
func (t *table) invoice(v Invoice) uint32 {
	d := &t.dicts[slotInvoice]
	if len(d.vals) > 0 && invoiceIs(d.last, v) {
		return d.lastID
	}
	return d.id(invoiceText(v))
}

// invoiceIs reports whether text is the joined form of v.
func invoiceIs(text string, v Invoice) bool {
	for _, f := range [...]string{v.ID, v.InvoicingEntity, v.LegalEntity} {
		if len(text) <= len(f) || text[:len(f)] != f || text[len(f)] != 0 {
			return false
		}
		text = text[len(f)+1:]
	}
	return text == v.BillType
}

// fill sets k to the key of group i.
func (t *table) fill(k *Key, i int) {
	id, d := t.groups.key(i), t.dicts
	k.Payer, k.BillingPeriod = d[slotPayer].vals[id[slotPayer]], Month{int32(id[slotPeriod])}
	k.Invoice = t.invoiceAt(id[slotInvoice])
	k.BillingEntity, k.ProductCode = d[slotEntity].vals[id[slotEntity]], d[slotProduct].vals[id[slotProduct]]
	k.ProductFamily, k.ProductName = d[slotFamily].vals[id[slotFamily]], d[slotName].vals[id[slotName]]
	k.Model, k.UsageType = d[slotModel].vals[id[slotModel]], d[slotUsageType].vals[id[slotUsageType]]
	k.Operation, k.PricingUnit = d[slotOperation].vals[id[slotOperation]], d[slotUnit].vals[id[slotUnit]]
	k.LineItemType, k.Currency = d[slotType].vals[id[slotType]], d[slotCurrency].vals[id[slotCurrency]]
	k.UsageAccount, k.Region = d[slotAccount].vals[id[slotAccount]], d[slotRegion].vals[id[slotRegion]]
	k.Principal, k.Resource = d[slotPrincipal].vals[id[slotPrincipal]], d[slotResource].vals[id[slotResource]]
	k.Bucket = Bucket{Start: int64(id[slotBucket]>>2) * 3600, Span: Span(id[slotBucket] & 3)}
	k.names = t.spec.Columns
	if len(id) > fixedSlots {
		k.values = make([]string, len(id)-fixedSlots)
		for s := range k.values {
			k.values[s] = d[fixedSlots+s].vals[id[fixedSlots+s]]
		}
	}
}

// invoiceAt returns the invoice of an id.
func (t *table) invoiceAt(id uint32) Invoice {
	if int(id) < len(t.invoices) {
		return t.invoices[id]
	}
	return invoiceOf(t.dicts[slotInvoice].vals[id]) // the table is not finished
}

// splitInvoices keeps the invoices apart from their texts, which are then final.
func (t *table) splitInvoices() {
	t.invoices = make([]Invoice, len(t.dicts[slotInvoice].vals))
	for i, v := range t.dicts[slotInvoice].vals {
		t.invoices[i] = invoiceOf(v)
	}
}

// internRest fills t.restKey from k.
func (t *table) internRest(k *RestKey) []uint32 {
	t.restKey = [...]uint32{t.dicts[slotPayer].id(k.Payer), uint32(k.BillingPeriod.n),
		t.invoice(k.Invoice), t.dicts[slotEntity].id(k.BillingEntity),
		t.dicts[slotProduct].id(k.ProductCode), t.dicts[slotType].id(k.LineItemType),
		t.dicts[slotAccount].id(k.UsageAccount), t.dicts[slotCurrency].id(k.Currency)}
	return t.restKey[:]
}

func (t *table) addControl(k ControlKey, m *Measures) {
	c := t.control[k]
	if c == nil {
		k.Payer, k.Currency, k.LineItemType = strings.Clone(k.Payer), strings.Clone(k.Currency), strings.Clone(k.LineItemType)
		c = new(Measures)
		t.control[k] = c
	}
	c.Add(m)
}

// widest names the column with most values, for ErrCardinality.
func (t *table) widest() (Column, int) {
	col, n := Column(""), 0
	for s := range t.dicts {
		if len(t.dicts[s].vals) > n {
			n = len(t.dicts[s].vals)
			if s < fixedSlots {
				col = slotColumns[s]
			} else {
				col = t.spec.Columns[s-fixedSlots]
			}
		}
	}
	return col, n
}

// finish puts everything in canonical order.
func (t *table) finish() {
	rank := make([][]uint32, len(t.dicts))
	for s := range t.dicts {
		if !numeric(s) {
			rank[s] = t.dicts[s].sort()
		}
	}
	t.groups.sort(rank)
	restRank := make([][]uint32, len(restSlots))
	for i, s := range restSlots {
		restRank[i] = rank[s]
	}
	t.rest.sort(restRank)
	t.splitInvoices()
}
