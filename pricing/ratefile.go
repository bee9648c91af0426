package pricing

import (
	"bufio"
	_ "embed" // for the default card
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// rateTable is the default card: only what public sources state, with the source
// of every line. It is a file so that it can be read, held against a price list
// and changed in a review.
//
//go:embed rates.tsv
var rateTable string

// DefaultCard returns the card that the package carries: the rates of Amazon
// Bedrock AgentCore and of some models in the regions for which public sources
// state them. It is a starting point and no price list: load one with
// [ReadPriceList] or [ReadProducts] and lay it over.
func DefaultCard() (*RateCard, error) {
	rates, err := ReadRates(strings.NewReader(rateTable), "rates.tsv")
	if err != nil {
		return nil, err
	}
	return NewRateCard(rates)
}

// rateColumns heads a rate file.
const rateColumns = "id\tcomponent\tmodel\ttier\trouting\tcontext\tvariant\tregion\tcurrency\t" +
	"from\tto\tunit\tprice\tstatus\tsource\tnote"

const (
	rateFields  = 16
	maxRateLine = 1 << 16
	longContext = "long"
)

// ReadRates reads a rate file: tab-separated, a header, one rate a line; lines
// that begin with # and blank lines are skipped. Prices are per the unit of the
// line as printed ("1K tokens"), either one figure or brackets as
// "0=0 100=0.0001", each from a volume in that unit on. Dates are days or RFC 3339
// instants. The name of the file goes into errors, which are [*RateError]s around
// [ErrSyntax] or [ErrUnit] with the line.
func ReadRates(r io.Reader, name string) ([]Rate, error) {
	var rates []Rate
	var faults []error
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxRateLine)
	header := false
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // as spreadsheets write it
		}
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := name + ":" + strconv.Itoa(n)
		if !header {
			if line != rateColumns {
				return nil, fmt.Errorf("pricing: read rates %s: %w: header must be %q", at, ErrSyntax, rateColumns)
			}
			header = true
			continue
		}
		rate, err := readRate(line, at)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		rates = append(rates, rate)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("pricing: read rates %s: %w: %w", name, ErrSyntax, err))
	}
	if !header && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("pricing: read rates %s: %w: no header", name, ErrSyntax))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return rates, nil
}

// readRate reads one line.
func readRate(line, at string) (Rate, error) {
	f := strings.Split(line, "\t")
	if len(f) != rateFields {
		return Rate{}, fmt.Errorf("pricing: read rates %s: %w: %d fields instead of %d", at, ErrSyntax, len(f), rateFields)
	}
	r := Rate{
		ID: f[0],
		Meter: Meter{
			Component: Component(f[1]), Model: f[2], Tier: Tier(f[3]), Routing: Routing(f[4]),
			LongContext: f[5] == longContext, Variant: f[6],
		},
		Region: f[7], Currency: f[8],
		Status: Status(f[13]), Source: f[14], Note: f[15],
	}
	fail := func(err error, detail string) (Rate, error) {
		e := about("read", &r, err, detail)
		e.Source = at
		return Rate{}, e
	}
	if f[5] != "" && f[5] != longContext {
		return fail(ErrSyntax, fmt.Sprintf("context %q", f[5]))
	}
	var err error
	if r.From, err = parseStamp(f[9]); err != nil {
		return fail(ErrSyntax, fmt.Sprintf("from %q", f[9]))
	}
	if f[10] != "" {
		if r.To, err = parseStamp(f[10]); err != nil {
			return fail(ErrSyntax, fmt.Sprintf("to %q", f[10]))
		}
	}
	if r.Unit, err = ParseUnit(f[11], r.Meter.Component); err != nil {
		return fail(ErrUnit, fmt.Sprintf("%q", f[11]))
	}
	if r.Brackets, err = parseBrackets(f[12], r.Unit); err != nil {
		return fail(ErrSyntax, err.Error())
	}
	if err := r.check("read"); err != nil {
		return Rate{}, err
	}
	return r, nil
}

// parseStamp reads a day or an instant.
func parseStamp(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// parseBrackets reads "0.0895" or "0=0 100=0.0001", both counted in the unit.
func parseBrackets(s string, unit PricingUnit) ([]Bracket, error) {
	var out []Bracket
	for _, part := range strings.Fields(s) {
		from, price, many := strings.Cut(part, "=")
		if !many {
			from, price = "0", part
		}
		volume, err := parseDecimal(from)
		if err != nil {
			return nil, err
		}
		p, err := parseDecimal(price)
		if err != nil {
			return nil, err
		}
		out = append(out, Bracket{From: unit.Quantity(volume), Price: unit.Price(p)})
	}
	return out, nil
}

// parseDecimal reads a plain decimal: no exponent, no sign, no blank, and no more
// digits than a price or a volume can have.
func parseDecimal(s string) (decimal.Decimal, error) {
	plain := s != "" && len(s) <= 48 && strings.Count(s, ".") <= 1
	for i := range len(s) {
		plain = plain && (kindOf(s[i]) == digit || s[i] == '.')
	}
	if !plain || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return decimal.Zero, fmt.Errorf("figure %q", s)
	}
	return decimal.NewFromString(s)
}

// WriteRates writes rates so that [ReadRates] reads the same back. What the format
// cannot hold (a tab or a line break in a source) is an error. Whether a rate was
// discounted or chosen is not written: a written rate is a rate.
func WriteRates(w io.Writer, rates []Rate) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, rateColumns)
	for i := range rates {
		r := &rates[i]
		if err := r.check("write"); err != nil {
			return err
		}
		context, to := "", ""
		if r.Meter.LongContext {
			context = longContext
		}
		if !r.To.IsZero() {
			to = stamp(r.To)
		}
		fields := []string{
			r.ID, string(r.Meter.Component), r.Meter.Model, string(r.Meter.Tier), string(r.Meter.Routing), context, r.Meter.Variant,
			r.Region, r.Currency, stamp(r.From), to, r.Unit.String(), formatBrackets(r), string(r.Status), r.Source, r.Note,
		}
		for _, f := range fields {
			if strings.ContainsAny(f, "\t\r\n") {
				return about("write", r, ErrSyntax, fmt.Sprintf("%q cannot stand in a line", f))
			}
		}
		if strings.HasPrefix(r.ID, "#") {
			return about("write", r, ErrSyntax, "its id would be a comment")
		}
		fmt.Fprintln(b, strings.Join(fields, "\t"))
	}
	return b.Flush()
}

// formatBrackets writes prices per pricing unit, as they are read.
func formatBrackets(r *Rate) string {
	if len(r.Brackets) == 1 {
		return r.Unit.Quantity(r.Brackets[0].Price).String()
	}
	var parts []string
	for _, b := range r.Brackets {
		parts = append(parts, r.Unit.Price(b.From).String()+"="+r.Unit.Quantity(b.Price).String())
	}
	return strings.Join(parts, " ")
}
