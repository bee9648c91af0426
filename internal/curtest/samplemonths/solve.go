package main

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/spendclaim/spendclaim/internal/curtest"
)

// places is the scale in which the money of the sample is counted while it is planned.
const places = 10

// units returns an amount in 1e-10 dollars, and false where that is not whole.
func units(d decimal.Decimal) (int64, bool) {
	shifted := d.Shift(places)
	return shifted.IntPart(), shifted.IsInteger()
}

// part is a SKU's share of a target, in thousandths.
type part struct {
	sku   *curtest.SKU
	share int64
}

// solve returns the quantity of each part, in the smallest step the SKU counts, so that
// their prices add up to the target exactly. All but the last two follow their share;
// of the last two the pair nearest to the shares is taken.
func solve(target string, parts []part) ([]int64, error) {
	want, ok := units(decimal.RequireFromString(target))
	if !ok {
		return nil, fmt.Errorf("samplemonths: target %s: finer than %d places", target, places)
	}
	step := make([]int64, len(parts)) // price of the smallest quantity
	quantity := make([]int64, len(parts))
	left := want
	for i, p := range parts {
		if step[i], ok = units(p.sku.Rate.Shift(-p.sku.Places)); !ok || step[i] <= 0 {
			return nil, fmt.Errorf("samplemonths: %s: rate %s is no whole step", p.sku.UsageType, p.sku.Rate)
		}
		quantity[i] = want / 1000 * p.share / step[i]
		if i < len(parts)-2 {
			// A multiple of a number with many divisors leaves a rest that the common
			// divisor of the last two prices divides, although cards differ by factors of 11.
			quantity[i] -= quantity[i] % 240
			left -= quantity[i] * step[i]
		}
	}
	last := len(parts) - 1
	if last == 0 {
		quantity[0] = want / step[0]
		if quantity[0]*step[0] != want {
			return nil, fmt.Errorf("samplemonths: target %s: no whole number of %s", target, parts[0].sku.Unit)
		}
		return quantity, nil
	}
	first := quantity[last-1]
	for d := int64(0); d <= max(first, left/step[last-1]); d++ {
		for _, q := range [2]int64{first + d, first - d} {
			rest := left - q*step[last-1]
			if q >= 0 && rest >= 0 && rest%step[last] == 0 {
				quantity[last-1], quantity[last] = q, rest/step[last]
				return quantity, nil
			}
		}
	}
	return nil, fmt.Errorf("samplemonths: target %s: no whole quantities", target)
}

// spread splits a whole quantity over slots by weight: largest remainders win the rest,
// the earlier slot in a tie.
func spread(total int64, weights []int64) []int64 {
	sum := int64(0)
	for _, w := range weights {
		sum += w
	}
	got := make([]int64, len(weights))
	if sum == 0 {
		return got
	}
	left := total
	remainder := make([]int64, len(weights))
	for i, w := range weights {
		got[i] = total * w / sum
		remainder[i] = total * w % sum
		left -= got[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i, r := range remainder {
			if r > remainder[best] {
				best = i
			}
		}
		got[best]++
		remainder[best] = -1
	}
	return got
}
