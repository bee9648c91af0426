package attribution

import (
	"encoding/json"
	"errors"

	"github.com/shopspring/decimal"
)

// share reads the share of a claim.
func (p *claimsParser) share(s *Share) error {
	return p.object("field \"share\"", func(name string) error {
		switch name {
		case "by":
			return p.text(name, (*string)(&s.By))
		case "table":
			return p.text(name, &s.Table)
		case "parts":
			return p.list("field \"parts\"", func() error { return p.part(s) })
		}
		return p.unknown(name)
	})
}

var errShareOfShare = errors.New("a share of a share: name workloads only")

func (p *claimsParser) part(s *Share) error {
	var out Part
	err := p.object("a part", func(name string) error {
		switch name {
		case "workload":
			return p.text(name, (*string)(&out.Workload))
		case "weight":
			return p.number(name, &out.Weight)
		case "match":
			return p.text(name, &out.Match)
		case "share", "claim":
			return p.fail("%w", errShareOfShare)
		}
		return p.unknown(name)
	})
	s.Parts = append(s.Parts, out)
	return err
}

// weight reads a row of a table.
func (p *claimsParser) weight() error {
	var w Weight
	var from, value bool
	err := p.object("a weight", func(name string) (err error) {
		switch name {
		case "table":
			return p.text(name, &w.Table)
		case "workload":
			return p.text(name, (*string)(&w.Workload))
		case "from":
			from, err = p.time(name, &w.From)
			return err
		case "to":
			_, err = p.time(name, &w.To)
			return err
		case "weight":
			value = true
			return p.number(name, &w.Value)
		}
		return p.unknown(name)
	})
	switch {
	case err != nil:
		return err
	case !from:
		return p.fail("field \"from\" is missing")
	case !value:
		return p.fail("field \"weight\" is missing")
	}
	p.out.Weights = append(p.out.Weights, w)
	return nil
}

// number reads a decimal, as a number or as the text of one.
func (p *claimsParser) number(name string, to *decimal.Decimal) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	s := ""
	switch t := t.(type) {
	case json.Number:
		s = t.String()
	case string:
		s = t
	}
	// Longer texts are beyond the bounds of weights whatever they say.
	if len(s) > 2*maxWeightDigits+10 {
		return p.fail("field %q has too many digits", name)
	}
	d, err := decimal.NewFromString(s)
	if err == nil {
		err = checkWeight(d)
	}
	if err != nil {
		return p.fail("field %q: %q: %w", name, s, err)
	}
	*to = d
	return nil
}
