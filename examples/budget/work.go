package main

import (
	"fmt"
	"os"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// result is what the program prints; its JSON form is stable.
type result struct {
	Schema   int    `json:"schema"`
	Workload string `json:"workload,omitempty"`
	Note     string `json:"note,omitempty"`
	Month    string `json:"month"`
	Region   string `json:"region"`
	Currency string `json:"currency"`
	Basis    string `json:"basis"`
	RatesOn  string `json:"rates_on"`

	Estimate *priced `json:"estimate,omitempty"` // volumes in, dollars out
	Budget   *solved `json:"budget,omitempty"`   // dollars in, volumes out
}

type priced struct {
	Lines []pricedLine    `json:"lines"`
	Total decimal.Decimal `json:"total"`
}

type solved struct {
	Amount   decimal.Decimal  `json:"amount"`
	Kind     string           `json:"kind"` // shares, ratio or free
	Multiple *decimal.Decimal `json:"multiple,omitempty"`
	priced
	Unspent     decimal.Decimal `json:"unspent"`
	PricedAgain decimal.Decimal `json:"priced_again"` // the volumes found, through the other direction
}

type pricedLine struct {
	Meter     string           `json:"meter"`
	Component string           `json:"component"`
	Unit      string           `json:"unit"`
	Quantity  decimal.Decimal  `json:"quantity"`
	Rate      decimal.Decimal  `json:"rate"` // of one per, past any free tier
	Per       string           `json:"per"`
	Cost      decimal.Decimal  `json:"cost"`
	Share     *decimal.Decimal `json:"share,omitempty"`
	Unspent   *decimal.Decimal `json:"unspent,omitempty"`
	Status    string           `json:"status"`
	Chosen    bool             `json:"chosen,omitempty"`
	Discount  decimal.Decimal  `json:"discount_percent"`
	Source    string           `json:"source"`
	Remarks   []string         `json:"remarks,omitempty"`
}

// work answers a request.
func work(o *options, now time.Time) (*result, error) {
	q, err := requested(o, now)
	if err != nil {
		return nil, err
	}
	start, err := time.Parse("2006-01", q.Month)
	if err != nil {
		return nil, fmt.Errorf("read plan: month %q: want one such as 2026-05", q.Month)
	}
	card, err := cardFor(o)
	if err != nil {
		return nil, err
	}
	p := &estimate.Pricer{
		Card: card, Region: q.Region, Currency: q.Currency, Period: estimate.Calendar{}.Month(start),
	}
	r := &result{
		Schema: 1, Workload: q.Workload, Note: q.Note, Month: q.Month, Region: q.Region, Currency: q.Currency,
		Basis: string(estimate.UsageUnblended), RatesOn: p.Period.From.Format(time.DateOnly),
	}
	volumes, err := q.volumes()
	if err != nil {
		return nil, err
	}
	if len(volumes) > 0 || q.Budget == nil {
		e, err := p.Price(volumes)
		if err != nil {
			return nil, err
		}
		r.Estimate = &priced{Lines: linesOf(*e), Total: e.Total}
	}
	if q.Budget != nil {
		if r.Budget, err = solve(p, q.Budget); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// cardFor lays private rates over the default card and applies choices.
func cardFor(o *options) (*pricing.RateCard, error) {
	card, err := pricing.DefaultCard()
	if err != nil {
		return nil, err
	}
	if o.rates != "" {
		f, err := os.Open(o.rates)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		rates, err := pricing.ReadRates(f, o.rates)
		if err != nil {
			return nil, err
		}
		if card, err = card.Overlay(pricing.Overlay{Rates: rates}); err != nil {
			return nil, err
		}
	}
	if len(o.choose) > 0 {
		return card.Choose(o.choose...)
	}
	return card, nil
}

// solve finds the volumes of a budget and prices them again.
func solve(p *estimate.Pricer, b *spending) (*solved, error) {
	var s *estimate.Solution
	var err error
	out := &solved{Amount: b.Amount}
	switch {
	case b.Free != nil:
		out.Kind = "free"
		s, err = p.ByFree(b.Amount, volumesOf(b.Fixed), b.Free.item())
	case len(b.Ratio) > 0:
		out.Kind = "ratio"
		var parts []estimate.Part
		for _, r := range b.Ratio {
			parts = append(parts, estimate.Part{Item: line{Meter: r.Meter, Step: r.Step}.item(), Per: r.Per})
		}
		if s, err = p.ByRatio(b.Amount, parts); err == nil {
			out.Multiple = &s.Multiple
		}
	default:
		out.Kind = "shares"
		var shares []estimate.Share
		for _, r := range b.Shares {
			shares = append(shares, estimate.Share{Item: line{Meter: r.Meter, Step: r.Step}.item(), Weight: r.Weight})
		}
		s, err = p.ByShares(b.Amount, shares)
	}
	if err != nil {
		return nil, err
	}
	var volumes []estimate.Volume
	for _, l := range s.Lines {
		volumes = append(volumes, l.Volume)
	}
	again, err := p.Price(volumes)
	if err != nil {
		return nil, err
	}
	out.Lines, out.Total, out.Unspent, out.PricedAgain = linesOf(s.Estimate), s.Total, s.Unspent, again.Total
	return out, nil
}

func linesOf(e estimate.Estimate) []pricedLine {
	var lines []pricedLine
	for _, l := range e.Lines {
		line := pricedLine{
			Meter: l.Meter.String(), Component: string(l.Meter.Component), Unit: string(l.Unit), Quantity: l.Quantity,
			Rate: l.Rate.Unit.Quantity(l.Rate.Price()), Per: l.Rate.Unit.String(), Cost: l.Cost,
			Status: string(l.Rate.Status), Chosen: l.Rate.Chosen, Discount: l.Rate.Discount, Source: l.Rate.Source,
			Remarks: remarks(l, e.Period),
		}
		if l.Share.Valid {
			unspent := l.Unspent().Decimal
			line.Share, line.Unspent = &l.Share.Decimal, &unspent
		}
		lines = append(lines, line)
	}
	return lines
}

// remarks says what one rate figure does not.
func remarks(l estimate.Line, period estimate.Interval) []string {
	var all []string
	if free := l.Rate.Free(); free.IsPositive() {
		all = append(all, "the first "+free.String()+" are free")
	}
	if len(l.Rate.Brackets) > 1 {
		all = append(all, "the price depends on the volume")
	}
	if l.Rate.Chosen {
		all = append(all, "used because it was chosen")
	}
	if to := l.Rate.To; !to.IsZero() && to.Before(period.To) {
		all = append(all, "the rate changes on "+to.Format(time.DateOnly)+"; this is the earlier one")
	}
	if l.Rate.Note != "" {
		all = append(all, l.Rate.Note)
	}
	return all
}
