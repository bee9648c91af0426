package pricing

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// PriceList is what a loader made of a price list.
type PriceList struct {
	Offer     string    // service code, or model id of an agreement offer
	Version   string    // as printed
	Published time.Time // zero if the list does not say
	// Rates are ready for [NewRateCard] or an [Overlay]. Where two SKUs of one list
	// price the same meter differently, both are conflicting: the list tells them
	// apart by something that no bill shows.
	Rates []Rate
	// Skipped are the SKUs that became no rate because [ListOptions.Skip] said so.
	Skipped []*RateError
}

// ListOptions says how to read a price list. A nil pointer means the defaults.
type ListOptions struct {
	// Currency is the one to read; USD by default. A list that has no price in it
	// is refused, never converted.
	Currency string
	// Models names models by SKU or service name, for lists that leave them out.
	Models map[string]string
	// Skip decides whether a SKU with an unknown unit, no price or broken brackets
	// may be left out; it is then listed in PriceList.Skipped. Nil refuses the list.
	Skip func(*RateError) bool

	_ struct{}
}

func (o *ListOptions) currency() string {
	if o == nil {
		return "USD"
	}
	return cmp.Or(o.Currency, "USD")
}

// maxListBytes bounds a bulk file: several times the largest regional index of
// any service with model products.
const maxListBytes = 512 << 20

// The part of the price list's JSON that is read; the format has many more fields.
type (
	listTerm struct {
		EffectiveDate   string                   `json:"effectiveDate"`
		PriceDimensions map[string]listDimension `json:"priceDimensions"`
	}
	listDimension struct {
		RateCode     string            `json:"rateCode"`
		Description  string            `json:"description"`
		BeginRange   string            `json:"beginRange"`
		EndRange     string            `json:"endRange"`
		Unit         string            `json:"unit"`
		PricePerUnit map[string]string `json:"pricePerUnit"`
	}
	listProduct struct {
		SKU           string            `json:"sku"`
		ProductFamily string            `json:"productFamily"`
		Attributes    map[string]string `json:"attributes"`
	}
	bulkList struct {
		FormatVersion   string                 `json:"formatVersion"`
		OfferCode       string                 `json:"offerCode"`
		Version         string                 `json:"version"`
		PublicationDate string                 `json:"publicationDate"`
		Products        map[string]listProduct `json:"products"`
		Terms           struct {
			OnDemand map[string]map[string]listTerm
		} `json:"terms"`
	}
)

// ReadPriceList reads a file of the AWS Price List bulk API, one service in one
// region or all of them. Only on-demand terms are read. Errors are [*RateError]s
// around [ErrUnit], [ErrCurrency], [ErrBrackets] or [ErrNoRate] with component and
// SKU, or [ErrSyntax] for what is no price list; all of a file are returned at once.
func ReadPriceList(r io.Reader, o *ListOptions) (*PriceList, error) {
	var doc bulkList
	if err := decodeJSON(r, &doc); err != nil {
		return nil, fmt.Errorf("pricing: read price list: %w", err)
	}
	if doc.OfferCode == "" || doc.Products == nil {
		return nil, fmt.Errorf("pricing: read price list: %w: no offerCode or no products", ErrSyntax)
	}
	l := newLoader(o)
	l.list.Offer, l.list.Version = doc.OfferCode, doc.Version
	if err := l.publication(doc.PublicationDate); err != nil {
		return nil, fmt.Errorf("pricing: read price list %s: %w", doc.OfferCode, err)
	}
	skus := make([]string, 0, len(doc.Products))
	for sku := range doc.Products {
		skus = append(skus, sku)
	}
	slices.Sort(skus) // maps have no order, and results must
	for _, sku := range skus {
		p := doc.Products[sku]
		p.SKU = sku
		l.product(doc.OfferCode, "bulk offer "+doc.OfferCode+" "+doc.Version, p, doc.Terms.OnDemand[sku])
	}
	return l.done()
}

// decodeJSON reads one JSON value and nothing behind it.
func decodeJSON(r io.Reader, into any) error {
	limited := &io.LimitedReader{R: r, N: maxListBytes}
	d := json.NewDecoder(limited)
	if err := d.Decode(into); err != nil {
		if limited.N <= 0 {
			return fmt.Errorf("%w: more than %d bytes", ErrSyntax, maxListBytes)
		}
		return fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the list", ErrSyntax)
	}
	return nil
}

// loader gathers the rates and faults of one list.
type loader struct {
	options *ListOptions
	list    PriceList
	faults  []error
}

func newLoader(o *ListOptions) *loader { return &loader{options: o} }

// publication reads the date of a list; blank is allowed.
func (l *loader) publication(s string) error {
	if s == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("%w: publication date %q", ErrSyntax, s)
	}
	l.list.Published = t.UTC()
	return nil
}

// fault reports a SKU that cannot be a rate, or skips it if that is allowed.
func (l *loader) fault(r *Rate, err error, detail string) {
	e := about("load", r, err, detail)
	if l.options != nil && l.options.Skip != nil && l.options.Skip(e) {
		l.list.Skipped = append(l.list.Skipped, e)
		return
	}
	l.faults = append(l.faults, e)
}

// product turns one SKU into rates: one for each on-demand term, in force until
// the next begins.
func (l *loader) product(code, list string, p listProduct, terms map[string]listTerm) {
	a := p.Attributes
	u := Usage{
		ProductCode: code, UsageType: a["usagetype"], Operation: a["operation"],
		ProductFamily: p.ProductFamily, ProductName: a["servicename"],
	}
	if l.options != nil {
		if u.Model = l.options.Models[p.SKU]; u.Model == "" {
			u.Model = l.options.Models[a["servicename"]]
		}
	}
	base := Rate{
		ID: p.SKU, Meter: Classify(u).Meter(), Region: a["regionCode"], Currency: l.options.currency(),
		Status: Published, Source: list + ", SKU " + p.SKU + ", " + a["usagetype"],
	}
	switch {
	case p.SKU == "":
		l.fault(&base, ErrSyntax, "no SKU")
		return
	case len(terms) == 0:
		l.fault(&base, ErrNoRate, "no on-demand term")
		return
	}
	var rates []Rate
	for _, code := range sortedKeys(terms) {
		if r, ok := l.term(base, terms[code]); ok {
			rates = append(rates, r)
		}
	}
	byStart(rates)
	for i := range rates {
		if i+1 < len(rates) {
			rates[i].To = rates[i+1].From
		}
		if i > 0 {
			rates[i].ID = base.ID + "@" + stamp(rates[i].From)
		}
		if err := rates[i].check("load"); err != nil {
			var e *RateError
			errors.As(err, &e)
			l.fault(&rates[i], e.Err, e.Detail)
			continue
		}
		l.list.Rates = append(l.list.Rates, rates[i])
	}
}

// term reads one on-demand term of a SKU.
func (l *loader) term(r Rate, t listTerm) (Rate, bool) {
	from, err := time.Parse(time.RFC3339, t.EffectiveDate)
	if err != nil {
		l.fault(&r, ErrSyntax, fmt.Sprintf("effective date %q", t.EffectiveDate))
		return r, false
	}
	r.From = from.UTC()
	if len(t.PriceDimensions) == 0 {
		l.fault(&r, ErrNoRate, "a term without prices")
		return r, false
	}
	var unit string
	var spans []span
	for i, code := range sortedKeys(t.PriceDimensions) {
		d := t.PriceDimensions[code]
		if i > 0 && d.Unit != unit {
			l.fault(&r, ErrUnit, fmt.Sprintf("%q and %q in one term", unit, d.Unit))
			return r, false
		}
		unit = d.Unit
		s, detail, fault := readSpan(d, r.Currency)
		if fault != nil {
			l.fault(&r, fault, detail)
			return r, false
		}
		spans = append(spans, s)
		if word := scaleClash(d.Description, d.Unit); word != "" {
			// Seen on reserved throughput: 1M TPM Hour, described as per 1K.
			r.Status = Conflicting
			r.Note = fmt.Sprintf("unit %q, but described as %q: %s", d.Unit, word, d.Description)
		}
	}
	if r.Unit, err = ParseUnit(unit, r.Meter.Component); err != nil {
		var e *RateError
		errors.As(err, &e)
		l.fault(&r, ErrUnit, e.Detail)
		return r, false
	}
	var wrong string
	if r.Brackets, wrong = bracketsOf(spans, r.Unit); wrong != "" {
		l.fault(&r, ErrBrackets, wrong)
		return r, false
	}
	return r, true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// scaleClash returns the scale that a description names if the unit has another,
// or "".
func scaleClash(description, unit string) string {
	of, ok := splitScale(unit)
	if !ok || of.exp == 0 {
		return ""
	}
	for _, word := range strings.Fields(description) {
		said, known := wordScale(word)
		if !known && kindOf(word[0]) == digit && strings.ContainsAny(word, "kKmM") {
			said, known = exponentOf(word)
		}
		if known && said != of.exp {
			return word
		}
	}
	return ""
}

// done marks what conflicts and returns the list, or all its faults.
func (l *loader) done() (*PriceList, error) {
	if len(l.faults) > 0 {
		return nil, errors.Join(l.faults...)
	}
	l.rivals()
	taken := map[string]int{}
	for i := range l.list.Rates {
		r := &l.list.Rates[i]
		if taken[r.ID]++; taken[r.ID] > 1 {
			r.ID = fmt.Sprintf("%s#%d", r.ID, taken[r.ID]) // a SKU listed twice, at two prices
		}
	}
	return &l.list, nil
}

// rivals marks rates of one meter and time as conflicting where their prices
// differ, and merges them where they do not.
func (l *loader) rivals() {
	groups := map[place][]int{}
	gone := map[int]bool{}
	for i := range l.list.Rates {
		r := &l.list.Rates[i]
		p := placeOf(r.Meter, r.Region, r.Currency)
		for _, j := range groups[p] {
			other := &l.list.Rates[j]
			switch {
			case gone[j] || !overlaps(r.From, r.To, other.From, other.To):
			case samePrice(r, other):
				gone[i] = true
				other.Source += "; and " + r.ID
			default:
				note := "priced apart from "
				r.Status, r.Note = Conflicting, joinNotes(r.Note, note+other.ID)
				other.Status, other.Note = Conflicting, joinNotes(other.Note, note+r.ID)
			}
		}
		groups[p] = append(groups[p], i)
	}
	var kept []Rate
	for i, r := range l.list.Rates {
		if !gone[i] {
			kept = append(kept, r)
		}
	}
	l.list.Rates = kept
}

func joinNotes(a, b string) string { return strings.TrimPrefix(a+"; "+b, "; ") }

// samePrice reports whether two rates charge alike for the same time.
func samePrice(a, b *Rate) bool {
	return a.From.Equal(b.From) && a.To.Equal(b.To) && a.Unit == b.Unit && a.Status == b.Status &&
		slices.EqualFunc(a.Brackets, b.Brackets, func(x, y Bracket) bool { return x.From.Equal(y.From) && x.Price.Equal(y.Price) })
}
