package estimate

import (
	"math/big"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/pricing"
)

// Sessions is compute as people know it: how often, how long, how large.
type Sessions struct {
	Group   pricing.Group // runtime, code_interpreter or browser
	PerDay  decimal.Decimal
	Minutes decimal.Decimal // of one session; a second is billed at the least
	VCPU    decimal.Decimal // in use on average: waiting for input costs no vCPU
	GB      decimal.Decimal // peak; 0.125 GB is billed at the least
	Days    int
}

// AWS bills AgentCore compute by the second, one second and 128 MB at the least.
var (
	leastMinutes = big.NewRat(1, 60)
	leastGB      = big.NewRat(1, 8)
)

// Volumes returns the vCPU-hours and GB-hours of the sessions, rounded to ten
// decimals as AWS prints them.
func (s Sessions) Volumes() ([]Volume, error) {
	var vcpu, memory pricing.Component
	switch s.Group {
	case pricing.GroupRuntime:
		vcpu, memory = pricing.RuntimeVCPU, pricing.RuntimeMemory
	case pricing.GroupCodeInterpreter:
		vcpu, memory = pricing.CodeInterpreterVCPU, pricing.CodeInterpreterMemory
	case pricing.GroupBrowser:
		vcpu, memory = pricing.BrowserVCPU, pricing.BrowserMemory
	default:
		return nil, &Error{Op: "sessions", Detail: "group " + quote(string(s.Group)) + " has none", Err: ErrMix}
	}
	if err := checkShape("sessions", vcpu, s.Days, s.PerDay, s.Minutes, s.VCPU, s.GB); err != nil {
		return nil, err
	}
	minutes, gb := s.Minutes.Rat(), s.GB.Rat()
	if minutes.Cmp(leastMinutes) < 0 {
		minutes = leastMinutes
	}
	if gb.Cmp(leastGB) < 0 {
		gb = leastGB
	}
	hours := new(big.Rat).Mul(s.PerDay.Rat(), minutes)
	hours.Mul(hours, big.NewRat(int64(s.Days), 60))
	of := func(size *big.Rat) decimal.Decimal {
		return round(new(big.Rat).Mul(hours, size), hoursScale, halfUp)
	}
	return []Volume{
		{Item{Meter: pricing.Meter{Component: vcpu}}, of(s.VCPU.Rat())},
		{Item{Meter: pricing.Meter{Component: memory}}, of(gb)},
	}, nil
}

// Interactions is memory as people know it: each interaction writes events to
// short-term memory and looks things up in long-term memory. Reading short-term
// memory has no meter, so it is not asked for.
type Interactions struct {
	PerDay decimal.Decimal
	Writes decimal.Decimal // events written by one interaction
	Reads  decimal.Decimal // long-term retrievals by one interaction
	Days   int
}

// Volumes returns the events and retrievals, rounded up to whole ones.
func (i Interactions) Volumes() ([]Volume, error) {
	if err := checkShape("interactions", pricing.MemoryShortTerm, i.Days, i.PerDay, i.Writes, i.Reads); err != nil {
		return nil, err
	}
	all := i.PerDay.Mul(decimal.NewFromInt(int64(i.Days)))
	return []Volume{
		{Item{Meter: pricing.Meter{Component: pricing.MemoryShortTerm}}, all.Mul(i.Writes).Ceil()},
		{Item{Meter: pricing.Meter{Component: pricing.MemoryLongTermRetrieval}}, all.Mul(i.Reads).Ceil()},
	}, nil
}

// Conversations is model use as people know it. Cached tokens are told apart,
// because their prices are: reading a cache costs about a tenth of the input
// price and writing it more than the input price, so an estimate that merges
// them is wrong in both directions.
type Conversations struct {
	Meter        pricing.Meter // model, tier and routing; its component is ignored
	PerDay       decimal.Decimal
	InputTokens  decimal.Decimal // of one conversation, cached ones included
	OutputTokens decimal.Decimal
	CacheRead    decimal.Decimal // percentage of input tokens read from the cache
	CacheWrite   decimal.Decimal // percentage of input tokens written to the cache
	OneHour      bool            // written for an hour instead of five minutes
	Days         int
}

// Volumes returns the tokens by kind, whole ones. The kinds of input sum to the
// input tokens: cache shares are rounded to whole tokens and plain input is the
// rest. A kind that no share is given for is left out, so that a model without a
// cache needs no rates for it.
func (c Conversations) Volumes() ([]Volume, error) {
	err := checkShape("conversations", pricing.ModelInput, c.Days,
		c.PerDay, c.InputTokens, c.OutputTokens, c.CacheRead, c.CacheWrite)
	if err != nil {
		return nil, err
	}
	if c.CacheRead.Add(c.CacheWrite).GreaterThan(hundred) {
		return nil, &Error{
			Op: "conversations", Component: pricing.ModelInput,
			Detail: "cache shares of " + c.CacheRead.String() + " and " + c.CacheWrite.String() + " per cent", Err: ErrMix,
		}
	}
	all := c.PerDay.Mul(decimal.NewFromInt(int64(c.Days)))
	input := all.Mul(c.InputTokens).Ceil()
	percent := func(share decimal.Decimal) decimal.Decimal {
		return round(input.Mul(share).Shift(-2).Rat(), 0, halfUp)
	}
	read := percent(c.CacheRead)
	write := decimal.Min(percent(c.CacheWrite), input.Sub(read)) // both may round up
	written := pricing.ModelCacheWrite5m
	if c.OneHour {
		written = pricing.ModelCacheWrite1h
	}
	var volumes []Volume
	for _, kind := range []struct {
		component pricing.Component
		tokens    decimal.Decimal
		used      bool
	}{
		{pricing.ModelInput, input.Sub(read).Sub(write), true},
		{pricing.ModelOutput, all.Mul(c.OutputTokens).Ceil(), true},
		{pricing.ModelCacheRead, read, c.CacheRead.IsPositive()},
		{written, write, c.CacheWrite.IsPositive()},
	} {
		if kind.used {
			m := c.Meter
			m.Component = kind.component
			volumes = append(volumes, Volume{Item{Meter: m}, kind.tokens})
		}
	}
	return volumes, nil
}

// maxDays is ten years, more than anybody plans for.
const maxDays = 3660

// checkShape refuses what cannot be multiplied out to a volume.
func checkShape(op string, c pricing.Component, days int, values ...decimal.Decimal) error {
	if days < 1 || days > maxDays {
		return &Error{Op: op, Component: c, Detail: "days", Err: ErrQuantity}
	}
	for _, v := range values {
		if !plausible(v) || v.IsNegative() {
			return &Error{Op: op, Component: c, Detail: printable(v), Err: ErrQuantity}
		}
	}
	return nil
}

// Merge adds volumes of the same item, in order of first appearance: a workload
// is the sum of several shapes. Items of one meter with different steps, and
// absurd quantities, stay apart and are refused when they are priced.
func Merge(lists ...[]Volume) []Volume {
	var merged []Volume
	for _, list := range lists {
	next:
		for _, v := range list {
			for i := range merged {
				m := &merged[i]
				if v.sane() && m.sane() && m.Meter == v.Meter && m.Step.Equal(v.Step) && m.Minimum.Equal(v.Minimum) {
					m.Quantity = m.Quantity.Add(v.Quantity)
					continue next
				}
			}
			merged = append(merged, v)
		}
	}
	return merged
}

// sane reports whether the numbers of a volume can be calculated with.
func (v Volume) sane() bool {
	return plausible(v.Quantity) && plausible(v.Step) && plausible(v.Minimum)
}
