package main

import (
	"bytes"
	_ "embed" // for the sample plan
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/estimate"
	"github.com/spendclaim/spendclaim/pricing"
)

// sample is the estimate of the Customer Support Bot: 50,000 memory events a
// month, and 100 sandbox sessions a day of two minutes.
//
//go:embed sample.json
var sample []byte

// request is a plan file. Unknown fields are refused: a misspelt one would be a
// line that is missing from the total.
type request struct {
	Version  int    `json:"version"`
	Note     string `json:"note,omitempty"`
	Workload string `json:"workload,omitempty"`
	Region   string `json:"region,omitempty"`
	Currency string `json:"currency,omitempty"`
	Month    string `json:"month,omitempty"`

	Volumes       []volume       `json:"volumes,omitempty"`
	Sessions      []sessions     `json:"sessions,omitempty"`
	Interactions  []interactions `json:"interactions,omitempty"`
	Conversations []conversation `json:"conversations,omitempty"`
	Budget        *spending      `json:"budget,omitempty"`
}

// spending is a sum of money and one way to spend it.
type spending struct {
	Amount decimal.Decimal `json:"amount"`
	Shares []share         `json:"shares,omitempty"`
	Ratio  []part          `json:"ratio,omitempty"`
	Fixed  []volume        `json:"fixed,omitempty"`
	Free   *line           `json:"free,omitempty"`
}

// kinds counts the ways to spend that are given.
func (s *spending) kinds() (n int) {
	for _, given := range []bool{len(s.Shares) > 0, len(s.Ratio) > 0, s.Free != nil} {
		if given {
			n++
		}
	}
	return n
}

type meter struct {
	Component pricing.Component `json:"component"`
	Model     string            `json:"model,omitempty"`
	Tier      pricing.Tier      `json:"tier,omitempty"`
	Routing   pricing.Routing   `json:"routing,omitempty"`
	Variant   string            `json:"variant,omitempty"`
	Long      bool              `json:"long_context,omitempty"`
}

func (m meter) pricing() pricing.Meter {
	return pricing.Meter{
		Component: m.Component, Model: m.Model, Tier: m.Tier, Routing: m.Routing, Variant: m.Variant, LongContext: m.Long,
	}
}

// line is an item: a meter and how it is bought.
type line struct {
	Meter   meter           `json:"meter"`
	Step    decimal.Decimal `json:"step"`
	Minimum decimal.Decimal `json:"minimum"`
}

func (l line) item() estimate.Item {
	return estimate.Item{Meter: l.Meter.pricing(), Step: l.Step, Minimum: l.Minimum}
}

type volume struct {
	Meter    meter           `json:"meter"`
	Quantity decimal.Decimal `json:"quantity"`
}

func (v volume) volume() estimate.Volume {
	return estimate.Volume{Item: line{Meter: v.Meter}.item(), Quantity: v.Quantity}
}

type share struct {
	Meter  meter           `json:"meter"`
	Step   decimal.Decimal `json:"step"`
	Weight decimal.Decimal `json:"weight"`
}

type part struct {
	Meter meter           `json:"meter"`
	Step  decimal.Decimal `json:"step"`
	Per   decimal.Decimal `json:"per"`
}

type sessions struct {
	Group   pricing.Group   `json:"group"`
	PerDay  decimal.Decimal `json:"per_day"`
	Minutes decimal.Decimal `json:"minutes"`
	VCPU    decimal.Decimal `json:"vcpu"`
	GB      decimal.Decimal `json:"gb"`
	Days    int             `json:"days"`
}

type interactions struct {
	PerDay decimal.Decimal `json:"per_day"`
	Writes decimal.Decimal `json:"writes"`
	Reads  decimal.Decimal `json:"reads"`
	Days   int             `json:"days"`
}

type conversation struct {
	Model        string          `json:"model"`
	Tier         pricing.Tier    `json:"tier,omitempty"`
	Routing      pricing.Routing `json:"routing,omitempty"`
	PerDay       decimal.Decimal `json:"per_day"`
	InputTokens  decimal.Decimal `json:"input_tokens"`
	OutputTokens decimal.Decimal `json:"output_tokens"`
	CacheRead    decimal.Decimal `json:"cache_read_percent"`
	CacheWrite   decimal.Decimal `json:"cache_write_percent"`
	OneHour      bool            `json:"cache_one_hour,omitempty"`
	Days         int             `json:"days"`
}

// readPlan decodes a plan and refuses what it does not know.
func readPlan(r io.Reader, name string) (*request, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	q := &request{}
	if err := dec.Decode(q); err != nil {
		return nil, fmt.Errorf("read plan %s: at byte %d: %w", name, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read plan %s: at byte %d: more than one value", name, dec.InputOffset())
	}
	if wrong := q.wrong(); wrong != "" {
		return nil, fmt.Errorf("read plan %s: %s", name, wrong)
	}
	return q, nil
}

// wrong says what a plan lacks. A figure that was left out would count as zero
// and make the total too low, so zeros that mean nothing are refused.
func (q *request) wrong() string {
	if q.Version != 1 {
		return fmt.Sprintf("version %d: want 1", q.Version)
	}
	for i, v := range q.Volumes {
		if v.Quantity.IsZero() {
			return fmt.Sprintf("volumes[%d] (%s): want a quantity above 0", i, v.Meter.Component)
		}
	}
	for i, s := range q.Sessions {
		if s.PerDay.IsZero() || s.Minutes.IsZero() || s.VCPU.IsZero() || s.GB.IsZero() {
			return fmt.Sprintf("sessions[%d] (%s): want per_day, minutes, vcpu and gb above 0", i, s.Group)
		}
	}
	for i, v := range q.Interactions {
		if v.PerDay.IsZero() || v.Reads.IsZero() && v.Writes.IsZero() {
			return fmt.Sprintf("interactions[%d]: want per_day, and reads or writes, above 0", i)
		}
	}
	for i, c := range q.Conversations {
		if c.PerDay.IsZero() || c.InputTokens.IsZero() || c.Model == "" {
			return fmt.Sprintf("conversations[%d] (%s): want a model, per_day and input_tokens above 0", i, c.Model)
		}
	}
	if q.Budget == nil {
		return ""
	}
	for i, s := range q.Budget.Shares {
		if s.Weight.IsZero() {
			return fmt.Sprintf("budget.shares[%d] (%s): want a weight above 0", i, s.Meter.Component)
		}
	}
	switch {
	case q.Budget.Amount.IsZero():
		return "budget: want an amount above 0"
	case q.Budget.kinds() != 1:
		return "budget: want one of shares, ratio and free"
	case q.Budget.Free == nil && len(q.Budget.Fixed) > 0:
		return "budget: fixed lines go with a free one"
	}
	return ""
}

// requested returns what the flags or the plan ask for, with its defaults.
func requested(o *options, now time.Time) (*request, error) {
	q := o.request
	if o.plan != "" || len(q.Volumes) == 0 && q.Budget == nil {
		name, r := "embedded sample", io.Reader(bytes.NewReader(sample))
		if o.plan != "" {
			f, err := os.Open(o.plan)
			if err != nil {
				return nil, err
			}
			defer f.Close()
			name, r = o.plan, f
		}
		plan, err := readPlan(r, name)
		if err != nil {
			return nil, err
		}
		flags := q
		q = *plan
		q.Region, q.Currency, q.Month = first(flags.Region, q.Region), first(flags.Currency, q.Currency), first(flags.Month, q.Month)
	}
	q.Region, q.Currency = first(q.Region, "us-east-1"), first(q.Currency, "USD")
	q.Month = first(q.Month, now.UTC().Format("2006-01"))
	return &q, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// volumes gathers what is to be priced: volumes as such, and those behind traffic.
func (q *request) volumes() ([]estimate.Volume, error) {
	lists := [][]estimate.Volume{volumesOf(q.Volumes)}
	add := func(list []estimate.Volume, err error) error {
		lists = append(lists, list)
		return err
	}
	for _, s := range q.Sessions {
		if err := add(estimate.Sessions(s).Volumes()); err != nil {
			return nil, err
		}
	}
	for _, i := range q.Interactions {
		shape := estimate.Interactions{PerDay: i.PerDay, Writes: i.Writes, Reads: i.Reads, Days: i.Days}
		if err := add(shape.Volumes()); err != nil {
			return nil, err
		}
	}
	for _, c := range q.Conversations {
		shape := estimate.Conversations{
			Meter:  pricing.Meter{Model: c.Model, Tier: c.Tier, Routing: c.Routing},
			PerDay: c.PerDay, InputTokens: c.InputTokens, OutputTokens: c.OutputTokens,
			CacheRead: c.CacheRead, CacheWrite: c.CacheWrite, OneHour: c.OneHour, Days: c.Days,
		}
		if err := add(shape.Volumes()); err != nil {
			return nil, err
		}
	}
	return estimate.Merge(lists...), nil
}

func volumesOf(list []volume) []estimate.Volume {
	var all []estimate.Volume
	for _, v := range list {
		all = append(all, v.volume())
	}
	return all
}
