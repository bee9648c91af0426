package estimate

import (
	"math/big"

	"github.com/shopspring/decimal"
)

// rounding says what happens to what a scale cannot hold.
type rounding uint8

const (
	halfUp  rounding = iota // to the nearest; a half away from zero
	towards                 // cut off, towards zero
	away                    // to the next, away from zero
)

const (
	percentScale = 2  // decimals of every percentage
	valueScale   = 10 // decimals of run rates, projections and variance terms, unless more are needed
	hoursScale   = 10 // decimals of hours worked out from minutes, as AWS prints usage
)

var (
	bigOne  = big.NewInt(1)
	bigTen  = big.NewInt(10)
	hundred = decimal.NewFromInt(100)
)

// round turns an exact ratio into a decimal. It is the only place of the package
// where digits are lost, and its callers state how many are kept.
func round(r *big.Rat, scale int32, mode rounding) decimal.Decimal {
	num := new(big.Int).Exp(bigTen, big.NewInt(int64(scale)), nil)
	num.Mul(num, r.Num())
	q, rem := new(big.Int).QuoRem(num, r.Denom(), new(big.Int)) // cuts towards zero
	up := false
	switch mode {
	case halfUp:
		up = rem.CmpAbs(new(big.Int).Sub(r.Denom(), new(big.Int).Abs(rem))) >= 0
	case away:
		up = rem.Sign() != 0
	}
	if up && rem.Sign() < 0 {
		q.Sub(q, bigOne)
	} else if up {
		q.Add(q, bigOne)
	}
	return decimal.NewFromBigInt(q, -scale)
}

// ratio returns a/b exactly. b must not be zero.
func ratio(a, b decimal.Decimal) *big.Rat { return new(big.Rat).Quo(a.Rat(), b.Rat()) }

// decimals returns the number of decimals that d is written with.
func decimals(d decimal.Decimal) int32 { return max(0, -d.Exponent()) }

// The bounds of what counts as a quantity or an amount here. They are far beyond
// any bill and keep a hostile exponent from turning one addition into gigabytes.
const (
	maxExponent = 24
	maxDecimals = 36
	maxBits     = 200
)

// plausible reports whether d is small enough to calculate with.
func plausible(d decimal.Decimal) bool {
	return d.Exponent() <= maxExponent && d.Exponent() >= -maxDecimals && d.Coefficient().BitLen() <= maxBits
}
