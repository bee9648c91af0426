package cur

import (
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

// A group's key is held as three numbers: of the slots before the bucket, which are
// its stem; the bucket; and of the declared columns, its tail. A stem has a group for
// most days of its month, so that what stems cost is hardly anything per group. The
// order of the three is that of Key.Compare once stems and tails are sorted.
const (
	keyStem = iota
	keyBucket
	keyTail
	keyParts
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

// tupleSet numbers tuples of integers, all of one length, in the order they come in.
type tupleSet struct {
	stride int
	n      int
	vals   []uint32 // stride per tuple
	slots  []uint32 // open addressing: number + 1, 0 is free
}

// at returns the tuple of a number.
func (s *tupleSet) at(n int) []uint32 { return s.vals[n*s.stride : (n+1)*s.stride] }

// find returns the number of a tuple, giving it one if need be. Callers keep the
// number, never a pointer.
func (s *tupleSet) find(tuple []uint32) int {
	if s.n*2 >= len(s.slots) {
		s.index(2 * len(s.slots))
	}
	mask := uint32(len(s.slots) - 1)
	for at := hashTuple(tuple) & mask; ; at = (at + 1) & mask {
		i := s.slots[at]
		if i == 0 {
			s.slots[at] = uint32(s.n) + 1
			return s.append(tuple)
		}
		if slices.Equal(s.at(int(i-1)), tuple) {
			return int(i - 1)
		}
	}
}

// append numbers a tuple that is known to be new. Nothing may be looked for after
// that, unless find has found its place.
func (s *tupleSet) append(tuple []uint32) int {
	s.vals = append(s.vals, tuple...)
	s.n++
	return s.n - 1
}

// index makes the hash table anew, of at least the given size.
func (s *tupleSet) index(size int) {
	n := 1024
	for n < size || n < 2*s.n {
		n *= 2
	}
	s.slots = fresh[uint32](n)
	mask := uint32(n - 1)
	for i := range s.n {
		at := hashTuple(s.at(i)) & mask
		for s.slots[at] != 0 {
			at = (at + 1) & mask
		}
		s.slots[at] = uint32(i) + 1
	}
}

// reserve makes room for n more tuples.
func (s *tupleSet) reserve(n int) {
	s.vals = slices.Grow(s.vals, n*s.stride)
	s.index(2 * (s.n + n))
}

func hashTuple(tuple []uint32) uint32 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, k := range tuple {
		h = (h ^ uint64(k)) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	return uint32(h)
}

// sort renumbers the integers by rank (nil: kept as they are), puts the tuples in
// order and returns the number that each place's tuple had. The hash table is
// dropped: nothing is looked for after.
func (s *tupleSet) sort(rank [][]uint32) (order []uint32) {
	s.slots = nil
	least, most := make([]uint32, s.stride), make([]uint32, s.stride)
	for i := range s.n {
		for j, v := range s.at(i) {
			if r := rank[j]; r != nil {
				v = r[v]
				s.vals[i*s.stride+j] = v
			}
			if i == 0 || v < least[j] {
				least[j] = v
			}
			most[j] = max(most[j], v)
		}
	}
	order = s.sorted(least, most)
	vals := make([]uint32, len(s.vals))
	for to, from := range order {
		into := vals[to*s.stride:]
		for j, v := range s.at(int(from)) { // few: faster than copy
			into[j] = v
		}
	}
	s.vals = vals
	return order
}

// ranks turns an order around: the place of each number.
func ranks(order []uint32) []uint32 {
	rank := make([]uint32, len(order))
	for to, from := range order {
		rank[from] = uint32(to)
	}
	return rank
}

// groups are measures by key.
type groups struct {
	keys tupleSet
	sums sumTable
}

func (g *groups) len() int { return g.keys.n }

// find returns the group of a key, making it if need be.
func (g *groups) find(key []uint32) int {
	i := g.keys.find(key)
	g.sums.extend(g.len())
	return i
}

// add adds measures to group i.
func (g *groups) add(i int, m *Measures) { g.sums.addAll(i, m) }

// sum returns one measure of group i.
func (g *groups) sum(i int, m Measure) exact.Num { return g.sums.sum(i, m) }

// measures copies all of group i.
func (g *groups) measures(i int) Measures { return g.sums.measures(i) }

// sort puts the groups in order of their keys, renumbered by rank. Whoever reads one
// after the other finds them side by side.
func (g *groups) sort(rank [][]uint32) { g.sums.arrange(g.keys.sort(rank)) }

// table gathers the groups, the rest and the control totals of one payer's
// billing period; a finished table is the body of a Partial.
type table struct {
	spec     Spec
	measures MeasureSet
	columns  columnSet
	dicts    []dict    // by slot; numeric slots stay empty
	invoices []Invoice // by id, of a finished table
	stems    tupleSet
	tails    tupleSet // none where no column is declared
	groups   groups
	rest     groups
	control  map[ControlKey]*Measures
	unread   int64
	rejected map[RejectedKey]int64

	slots   []uint32 // scratch: a key, slot by slot
	key     [keyParts]uint32
	restKey [len(restSlots)]uint32
}

func newTable(spec Spec, measures MeasureSet, columns columnSet) *table {
	n := fixedSlots + len(spec.Columns)
	return &table{
		spec: spec, measures: measures, columns: columns,
		dicts: make([]dict, n), slots: make([]uint32, n),
		stems:   tupleSet{stride: slotBucket},
		tails:   tupleSet{stride: n - fixedSlots},
		groups:  groups{keys: tupleSet{stride: keyParts}},
		rest:    groups{keys: tupleSet{stride: len(restSlots)}},
		control: make(map[ControlKey]*Measures),
	}
}

// intern returns the three numbers of k, in memory that the next call uses too.
func (t *table) intern(k *Key) []uint32 {
	texts := [...]string{slotPayer: k.Payer, slotEntity: k.BillingEntity, slotProduct: k.ProductCode,
		slotFamily: k.ProductFamily, slotName: k.ProductName, slotModel: k.Model, slotUsageType: k.UsageType,
		slotOperation: k.Operation, slotUnit: k.PricingUnit, slotType: k.LineItemType,
		slotCurrency: k.Currency, slotAccount: k.UsageAccount, slotRegion: k.Region,
		slotPrincipal: k.Principal, slotResource: k.Resource}
	for s := range texts {
		if s != slotInvoice && !numeric(s) {
			t.slots[s] = t.dicts[s].id(texts[s])
		}
	}
	t.slots[slotInvoice] = t.invoice(k.Invoice)
	t.slots[slotPeriod] = uint32(k.BillingPeriod.n)
	t.slots[slotBucket] = uint32(k.Bucket.Start/3600)<<2 | uint32(k.Bucket.Span)
	for i, v := range k.values {
		t.slots[fixedSlots+i] = t.dicts[fixedSlots+i].id(v)
	}
	t.key = [...]uint32{keyStem: uint32(t.stems.find(t.slots[:slotBucket])), keyBucket: t.slots[slotBucket], keyTail: t.tail(t.slots)}
	return t.key[:]
}

// tail returns the number of the declared columns among the slots of a key.
func (t *table) tail(slots []uint32) uint32 {
	if len(slots) == fixedSlots {
		return 0
	}
	return uint32(t.tails.find(slots[fixedSlots:]))
}

// slotsOf sets slots to the key of group i.
func (t *table) slotsOf(i int, slots []uint32) {
	key := t.groups.keys.at(i)
	copy(slots, t.stems.at(int(key[keyStem])))
	slots[slotBucket] = key[keyBucket]
	if len(slots) > fixedSlots {
		copy(slots[fixedSlots:], t.tails.at(int(key[keyTail])))
	}
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
	key, d := t.groups.keys.at(i), t.dicts
	id := t.stems.at(int(key[keyStem]))
	k.Payer, k.BillingPeriod = d[slotPayer].vals[id[slotPayer]], Month{int32(id[slotPeriod])}
	k.Invoice = t.invoiceAt(id[slotInvoice])
	k.BillingEntity, k.ProductCode = d[slotEntity].vals[id[slotEntity]], d[slotProduct].vals[id[slotProduct]]
	k.ProductFamily, k.ProductName = d[slotFamily].vals[id[slotFamily]], d[slotName].vals[id[slotName]]
	k.Model, k.UsageType = d[slotModel].vals[id[slotModel]], d[slotUsageType].vals[id[slotUsageType]]
	k.Operation, k.PricingUnit = d[slotOperation].vals[id[slotOperation]], d[slotUnit].vals[id[slotUnit]]
	k.LineItemType, k.Currency = d[slotType].vals[id[slotType]], d[slotCurrency].vals[id[slotCurrency]]
	k.UsageAccount, k.Region = d[slotAccount].vals[id[slotAccount]], d[slotRegion].vals[id[slotRegion]]
	k.Principal, k.Resource = d[slotPrincipal].vals[id[slotPrincipal]], d[slotResource].vals[id[slotResource]]
	k.Bucket = Bucket{Start: int64(key[keyBucket]>>2) * 3600, Span: Span(key[keyBucket] & 3)}
	k.names = t.spec.Columns
	if len(k.names) > 0 {
		k.values = make([]string, len(k.names))
		for s, v := range t.tails.at(int(key[keyTail])) {
			k.values[s] = d[fixedSlots+s].vals[v]
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
	of := make([][]uint32, keyParts)
	of[keyStem] = ranks(t.stems.sort(rank[:slotBucket]))
	if len(t.spec.Columns) > 0 {
		of[keyTail] = ranks(t.tails.sort(rank[fixedSlots:]))
	}
	t.groups.sort(of)
	restRank := make([][]uint32, len(restSlots))
	for i, s := range restSlots {
		restRank[i] = rank[s]
	}
	t.rest.sort(restRank)
	t.splitInvoices()
}
