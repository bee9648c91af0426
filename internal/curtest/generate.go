package curtest

import (
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// month is the state of one run through a generated month. It holds the world, the
// discounts not yet told and one pending negation: nothing that grows with rows.
type month struct {
	*world
	c     *Config
	clock *clock
	days  int

	item     Item
	models   int64             // model rows so far, also those of days that are left out
	owed     []decimal.Decimal // discount by account that no row has told yet
	negation *Item             // answer to the last covered row
	keep     decimal.Decimal   // 1 − EDP
	invoices [2]string
}

func newMonth(c *Config, clock *clock) *month {
	m := &month{world: newWorld(c), c: c, clock: clock, days: clock.hours() / 24}
	m.owed = make([]decimal.Decimal, len(m.accounts))
	m.keep = decimal.New(int64(100-c.EDP), -2)
	if c.Invoiced {
		m.invoices = [2]string{"SYN-" + c.Period + "-0001", "SYN-" + c.Period + "-0002"}
	}
	return m
}

// taxed are the products that tax rows are for.
var taxed = []string{"AmazonBedrock", "AmazonBedrockAgentCore", "AmazonEC2", "AmazonS3"}

// run yields Rows items: tax first, then the traffic, and with discounts as rows a last
// one per account, so that net and unblended come to the same over all rows.
func (m *month) run(yield func(*Item) bool) {
	var head, tail int64
	if !m.c.UsageOnly {
		head = min(int64(len(m.accounts)*len(taxed)), m.c.Rows/20)
		if m.c.EDP > 0 && m.c.ManualDiscounts {
			tail = min(int64(len(m.accounts)), m.c.Rows/20)
		}
	}
	body := m.c.Rows - head - tail
	for i := range m.c.Rows {
		h := at(m.c.Seed, 1, i)
		m.item = Item{ID: idOf(m.c.Seed, i)}
		var ok bool
		switch {
		case i < head:
			ok = m.tax(&h, int(i))
		case i >= head+body:
			ok = m.discount(int(i-head-body), 0)
		default:
			ok = m.traffic(&h, i, i-head, body)
		}
		if !ok {
			continue // of a day that is not there yet
		}
		m.item.Invoice = m.invoices[0]
		if m.item.SKU.Entity == awsMarketplace {
			m.item.Invoice = m.invoices[1]
		}
		if !yield(&m.item) {
			return
		}
	}
}

func idOf(seed uint64, i int64) string {
	h := at(seed, 2, i)
	return h.letters(lineSize, base32)
}

// place puts the item in an account and a day, and reports whether the day is there.
func (m *month) place(h *hash, account int) bool {
	day := h.below(m.days)
	hour := h.below(24)
	m.item.Account, m.item.Name = m.accounts[account], m.names[account]
	m.item.From = day*24 + hour
	m.item.To = m.item.From + 1
	if !m.c.Hourly {
		// A daily row shows the hours really used inside its day.
		m.item.To += h.below(24 - hour)
	}
	return day < m.c.LastDay
}

func (m *month) traffic(h *hash, i, place, body int64) bool {
	edge := body * int64(max(m.c.AIShare, 0)) / 100 // where AI ends in a clustered month
	if !m.c.UsageOnly && (!m.c.Clustered || place < edge) {
		// Most of them are about AI, and belong there.
		switch n := h.below(1000); {
		case n < 3:
			return m.credit(h, Credit)
		case n == 3:
			return m.credit(h, Refund)
		case n == 4:
			return m.fee(h)
		case n < 10 && m.c.EDP > 0 && m.c.ManualDiscounts:
			a := h.below(len(m.accounts))
			return m.place(h, a) && m.discount(a, m.item.From/24)
		}
	}
	ai := int64(max(m.c.AIShare, 0))
	if !m.c.Clustered {
		switch kind := int64(h.below(200)); {
		case kind < ai:
			return m.model(h, i, scattered)
		case kind < 2*ai:
			return m.agent(h, i, scattered)
		}
		return m.rest(h, i, scattered)
	}
	switch half := edge / 2; {
	case place < half:
		return m.model(h, i, part(place, half))
	case place < edge:
		return m.agent(h, i, part(place-half, edge-half))
	}
	return m.rest(h, i, part(place-edge, body-edge))
}

// A position says how far along its product a row of a clustered month is, in millionths.
const (
	scattered = -1
	whole     = 1_000_000
)

// part is below whole; rows beyond the last take the last position.
func part(at, of int64) int64 { return min(at*whole/max(of, 1), whole-1) }

// pick chooses one of n: at random, or the one whose turn it is.
func pick(h *hash, where int64, n int) int {
	k := h.below(n)
	if where != scattered {
		k = int(where * int64(n) / whole)
	}
	return k
}

func (m *month) model(h *hash, i, where int64) bool {
	block := int64(m.c.RowsPerSession)
	if block == 0 {
		block = 5
	}
	// Rows of one block share role and day, so that a session can be a block; it is the
	// same block whether or not sessions are.
	b := at(m.c.Seed, 3, m.models/block)
	session := m.models / block
	m.models++
	p := &m.principals[pick(&b, where, len(m.principals))]
	it := &m.item
	it.SKU = m.world.models[p.region][(p.first+h.below(skusPerAnchor))%len(modelPrices)]
	it.Resource, it.Tags = p.profile, p.tags
	few := p.sessions[b.below(len(p.sessions))]
	switch {
	case h.below(250) == 0: // some calls carry no caller
	case m.c.RowsPerSession > 0 && strings.HasSuffix(p.prefix, "/"):
		s := at(m.c.Seed, 4, session)
		it.Principal = p.prefix + "BedrockAgentCore-" + s.uuid()
	default:
		it.Principal = few
	}
	return m.usage(h, &b, i, p.account)
}

func (m *month) agent(h *hash, i, where int64) bool {
	r := &m.resources[pick(h, where, len(m.resources))]
	it := &m.item
	it.SKU = r.skus[h.below(len(r.skus))]
	if h.below(500) == 0 {
		it.SKU = m.unknown[r.region][h.below(len(unknownPrices))]
	}
	it.Resource, it.ResourceTags, it.Tags = r.id, r.tags, r.raw
	if h.below(500) == 0 {
		it.Resource = ""
	}
	return m.usage(h, h, i, r.account)
}

func (m *month) rest(h *hash, i, where int64) bool {
	it := &m.item
	if n := m.negation; n != nil {
		id := it.ID
		*it, m.negation = *n, nil
		it.ID = id
		return it.From/24 < m.c.LastDay
	}
	r := &m.other[pick(h, where, len(m.other))]
	it.SKU, it.Resource, it.ResourceTags, it.Tags = r.skus[0], r.id, r.tags, r.raw
	there := m.usage(h, h, i, r.account)
	if m.c.Commitments && it.SKU.UsageType == regions[r.region].prefix+"-BoxUsage:t3.medium" {
		it.LineType = CoveredUsage
		effective := it.Cost.Mul(decimal.New(72, -2)).Round(10)
		it.More = append(it.More, Pair{"savings_plan_savings_plan_effective_cost", javaText(effective)})
		m.negation = m.negate(it, r.account, there)
	}
	return there
}

// negate makes the row that takes a covered row's on-demand cost back, its discount too.
func (m *month) negate(covered *Item, account int, there bool) *Item {
	n := *covered
	n.LineType, n.Cost, n.More = Negation, covered.Cost.Neg(), nil
	if !covered.Net.Valid {
		return &n
	}
	off := covered.Cost.Sub(covered.Net.Decimal)
	n.Net = decimal.NewNullDecimal(covered.Net.Decimal.Neg())
	if there {
		m.owed[account] = m.owed[account].Sub(off)
	}
	m.tell(&n, off)
	return &n
}

// tell puts a discount into the item's own columns, unless rows tell it.
func (m *month) tell(it *Item, off decimal.Decimal) {
	if m.c.ManualDiscounts {
		return
	}
	it.Discount = NewDoubleMap(Pair{"EDP", javaText(off)})
	it.More = append(it.More, Pair{"discount_total_discount", javaText(off)})
}

// usage draws amount and day and prices the item. The day comes from its own stream.
func (m *month) usage(h, day *hash, i int64, account int) bool {
	it := &m.item
	n := int64(h.below(100_000) + 1)
	if it.SKU.Places > 6 {
		n *= int64(h.below(1_000_000) + 1)
	}
	if m.c.Restate > 0 {
		r := at(m.c.Seed, 5, i)
		if r.below(1000) < m.c.Restate {
			n += n/50 + 1
		}
	}
	there := m.place(day, account)
	it.Amount = decimal.New(n, -it.SKU.Places)
	it.Cost = it.SKU.Price(it.Amount)
	if !there || m.c.EDP == 0 || it.SKU.Entity != "AWS" {
		return there
	}
	net := it.Cost.Mul(m.keep).Round(10)
	off := it.Cost.Sub(net)
	it.Net = decimal.NewNullDecimal(net)
	m.owed[account] = m.owed[account].Add(off)
	m.tell(it, off.Neg())
	return true
}

func (m *month) tax(h *hash, i int) bool {
	account := i % len(m.accounts)
	code := taxed[i/len(m.accounts)%len(taxed)]
	it := &m.item
	it.SKU = m.named(code)
	it.Account, it.Name = m.accounts[account], m.names[account]
	it.LineType, it.TaxType, it.Text = Tax, "VAT", "Tax for product code "+code
	it.To = m.clock.hours()
	it.Amount, it.Cost = decimal.New(1, 0), decimal.New(int64(h.below(10_000)), -2)
	return true
}

// named returns some SKU of a product code: tax rows show no more of it.
func (m *month) named(code string) *SKU {
	for _, list := range [][]*SKU{m.world.models[0], m.agents[0]["runtime"], m.others[0]} {
		for _, s := range list {
			if s.Code == code {
				return s
			}
		}
	}
	return m.others[0][0]
}

// credit makes a negative row without resource, principal and amount of usage.
func (m *month) credit(h *hash, kind string) bool {
	lists := [][]*SKU{m.world.models[0], m.agents[0]["runtime"], m.others[0]}
	list := lists[h.below(len(lists))]
	it := &m.item
	it.SKU, it.LineType = list[h.below(len(list))], kind
	it.Text = "SYNTHETIC promotional credit " + strconv.Itoa(h.below(3)+1)
	it.Cost = decimal.New(-int64(h.below(1_000_000)+1), -10)
	if kind == Refund {
		it.BillType, it.Text = "Refund", "SYNTHETIC refund"
		it.Cost = decimal.New(-int64(h.below(1_000)+1), -2)
	}
	return m.place(h, h.below(len(m.accounts)))
}

func (m *month) fee(h *hash) bool {
	it := &m.item
	if m.c.Commitments && h.below(2) == 0 {
		it.SKU, it.LineType, it.Text = m.others[0][0], RecurringFee, "SYNTHETIC savings plan, 1 year, no upfront"
		it.Amount, it.Cost = decimal.New(1, 0), decimal.New(240, -2)
		it.More = []Pair{
			{"savings_plan_total_commitment_to_date", "2.4"}, {"savings_plan_used_commitment", "2.25"},
			{"savings_plan_recurring_commitment_for_billing_period", "72.0"},
		}
		return m.place(h, h.below(len(m.accounts)))
	}
	it.SKU, it.LineType, it.BillType = m.world.models[0][len(modelPrices)-1], Fee, "Purchase"
	it.Text = "AWS Marketplace subscription fee"
	it.Amount, it.Cost = decimal.New(1, 0), decimal.New(int64(h.below(10_000)+1), -2)
	return m.place(h, h.below(len(m.accounts)))
}

// discount tells what the account's usage rows took off since the last such row.
func (m *month) discount(account, day int) bool {
	it := &m.item
	it.SKU, it.LineType = m.named("AmazonBedrock"), EdpDiscount
	it.Text = "SYNTHETIC enterprise discount"
	it.Account, it.Name = m.accounts[account], m.names[account]
	it.From = day * 24
	it.To = it.From + 24
	it.Cost = m.owed[account].Neg()
	m.owed[account] = decimal.Decimal{}
	return true
}
