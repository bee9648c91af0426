package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/shopspring/decimal"
)

// writeText prints the answer for people: amounts to the cent or finer, each line
// with its rate, status and source.
func writeText(w io.Writer, r *result) error {
	var b bytes.Buffer
	if r.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", clean(r.Note))
	}
	if r.Workload != "" {
		fmt.Fprintf(&b, "%s, ", clean(r.Workload))
	}
	fmt.Fprintf(&b, "%s, %s, %s; %s; rates of %s\n", r.Month, clean(r.Region), clean(r.Currency), r.Basis, r.RatesOn)
	if e := r.Estimate; e != nil {
		fmt.Fprintf(&b, "\nVolumes in, dollars out\n")
		table(&b, e.Lines, r.Currency)
		fmt.Fprintf(&b, "Total %s %s\n", money(e.Total), clean(r.Currency))
	}
	if s := r.Budget; s != nil {
		fmt.Fprintf(&b, "\nDollars in, volumes out: %s %s by %s\n", money(s.Amount), clean(r.Currency), s.Kind)
		if s.Multiple != nil {
			fmt.Fprintf(&b, "The ratio fits %s times.\n", thousands(*s.Multiple))
		}
		table(&b, s.Lines, r.Currency)
		fmt.Fprintf(&b, "Total %s, unspent %s %s; the volumes priced again cost %s\n",
			money(s.Total), money(s.Unspent), clean(r.Currency), money(s.PricedAgain))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// table prints lines, with shares where money was shared out.
func table(w io.Writer, lines []pricedLine, currency string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	shared := len(lines) > 0 && lines[0].Share != nil
	head := "  meter\tquantity\tunit\trate\tcost\t"
	if shared {
		head += "share\tunspent\t"
	}
	fmt.Fprintf(t, "%sstatus\tsource\n", head)
	for _, l := range lines {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s %s per %s\t%s\t",
			clean(l.Meter), thousands(l.Quantity), clean(l.Unit), l.Rate, clean(currency), clean(one(l.Per)), money(l.Cost))
		if shared {
			fmt.Fprintf(t, "%s\t%s\t", money(*l.Share), money(*l.Unspent))
		}
		source := clean(l.Source)
		if !l.Discount.IsZero() {
			source += fmt.Sprintf(" [less %s %%]", l.Discount)
		}
		if len(l.Remarks) > 0 {
			source += " (" + clean(strings.Join(l.Remarks, "; ")) + ")"
		}
		fmt.Fprintf(t, "%s\t%s\n", clean(l.Status), source)
	}
	t.Flush() // into a buffer: cannot fail
}

// one names a unit in the singular, unless it is counted in thousands or millions.
func one(unit string) string {
	switch {
	case unit == "" || unit[0] == '1':
		return unit
	case unit == "queries":
		return "query"
	}
	return strings.TrimSuffix(unit, "s")
}

// money prints at least cents, and all digits where there are more.
func money(d decimal.Decimal) string {
	number := d.String()
	if _, part, _ := strings.Cut(number, "."); len(part) < 2 {
		number = d.StringFixed(2)
	}
	return grouped(number)
}

// thousands prints a number with commas between groups of three digits.
func thousands(d decimal.Decimal) string { return grouped(d.String()) }

func grouped(number string) string {
	digits := strings.TrimPrefix(number, "-")
	sign := number[:len(number)-len(digits)]
	whole, part, fraction := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction {
		part = "." + part
	}
	return sign + whole + part
}

// clean keeps what files and flags say from moving the cursor of a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
