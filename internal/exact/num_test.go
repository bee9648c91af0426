package exact_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/internal/exact"
	"pgregory.net/rapid"
)

// failer is what testing.T, testing.F and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustParse(t failer, s string) exact.Num {
	t.Helper()
	n, err := exact.ParseString(s)
	if err != nil {
		t.Fatalf("ParseString(%q): %v", s, err)
	}
	return n
}

func ratOf(t failer, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("big.Rat does not read %q", s)
	}
	return r
}

// checkIs compares n with an oracle value through its text.
func checkIs(t failer, what string, n exact.Num, want *big.Rat) {
	t.Helper()
	if got := ratOf(t, n.String()); got.Cmp(want) != 0 {
		t.Fatalf("%s = %s, want %s", what, n, want.FloatString(110))
	}
}

// drawText draws the text of a number: mostly bill-like, often near the edges
// of the narrow form, sometimes far outside it.
func drawText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,6}\.[0-9]{1,10}`),
		rapid.StringMatching(`-?[0-9]\.[0-9]{1,15}E-[1-9]`),
		rapid.StringMatching(`-?1[0-9]{20}(\.[0-9]{1,18})?`),
		rapid.StringMatching(`-?[0-9]{1,12}\.[0-9]{17,40}`),
		rapid.StringMatching(`-?[0-9]{1,39}`),
		rapid.StringMatching(`-?[1-9]e-[1-9][0-9]`),
		rapid.SampledFrom([]string{
			"0", "-0", "1e-18", "1e-19", "1e-100", "-1e39",
			"170141183460469231731.687303715884105727",  // the greatest narrow number
			"170141183460469231731.687303715884105728",  // the first above it
			"-170141183460469231731.687303715884105728", // the least narrow number
			"-170141183460469231731.687303715884105729",
		}),
	)
}

func drawNum(t *rapid.T, label string) (exact.Num, *big.Rat) {
	s := drawText().Draw(t, label)
	return mustParse(t, s), ratOf(t, s)
}

func TestArithmeticAgainstRat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, ra := drawNum(t, "a")
		b, rb := drawNum(t, "b")
		c, rc := drawNum(t, "c")
		checkIs(t, "a", a, ra)
		checkIs(t, "a+b", a.Add(b), new(big.Rat).Add(ra, rb))
		checkIs(t, "a-b", a.Sub(b), new(big.Rat).Sub(ra, rb))
		checkIs(t, "-a", a.Neg(), new(big.Rat).Neg(ra))
		acc := a
		acc.Acc(b)
		acc.Acc(c)
		checkIs(t, "a+b+c", acc, new(big.Rat).Add(new(big.Rat).Add(ra, rb), rc))
		checkIs(t, "a after use", a, ra) // operands are not modified
		if got, want := a.Cmp(b), ra.Cmp(rb); got != want {
			t.Fatalf("Cmp(%s, %s) = %d, want %d", a, b, got, want)
		}
		if got, want := a.Equal(b), ra.Cmp(rb) == 0; got != want {
			t.Fatalf("Equal(%s, %s) = %v, want %v", a, b, got, want)
		}
		if got, want := a.Sign(), ra.Sign(); got != want {
			t.Fatalf("Sign(%s) = %d, want %d", a, got, want)
		}
		if got, want := a.IsZero(), ra.Sign() == 0; got != want {
			t.Fatalf("IsZero(%s) = %v, want %v", a, got, want)
		}
		// Leaving the narrow form and coming back is leaving no trace.
		if back := a.Add(b).Sub(b); !back.Equal(a) {
			t.Fatalf("%s + %s - itself = %s", a, b, back)
		}
	})
}

func TestSumIndependentOfOrderAndGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(drawText(), 1, 30).Draw(t, "texts")
		want := new(big.Rat)
		var forward exact.Num
		for _, s := range texts {
			forward.Acc(mustParse(t, s))
			want.Add(want, ratOf(t, s))
		}
		checkIs(t, "sum", forward, want)
		encoded := string(forward.AppendBinary(nil))
		// Any permutation, cut anywhere into two partial sums.
		shuffled := rapid.Permutation(texts).Draw(t, "order")
		cut := rapid.IntRange(0, len(texts)).Draw(t, "cut")
		var left, right exact.Num
		for i, s := range shuffled {
			if i < cut {
				left.Acc(mustParse(t, s))
			} else {
				right.Acc(mustParse(t, s))
			}
		}
		left, right = right.Add(left), left.Add(right)
		for _, n := range []exact.Num{left, right} {
			if got := string(n.AppendBinary(nil)); got != encoded || !n.Equal(forward) {
				t.Fatalf("reordered sum = %s (%x), want %s (%x)", n, got, forward, encoded)
			}
		}
	})
}

func TestDecimalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, r := drawNum(t, "n")
		m, rm := drawNum(t, "m")
		n, r = n.Add(m), r.Add(r, rm)
		d := n.Decimal()
		if got := d.Rat(); got.Cmp(r) != 0 {
			t.Fatalf("Decimal(%s) = %s", n, d)
		}
		// Trailing zeros in the decimal must not reach the canonical form.
		for _, d := range []decimal.Decimal{d, d.Add(decimal.New(0, -30))} {
			back, err := exact.FromDecimal(d)
			if err != nil || !back.Equal(n) {
				t.Fatalf("FromDecimal(%s) = %s, %v; want %s", d, back, err, n)
			}
		}
	})
}

func TestFromDecimalBounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		d    decimal.Decimal
		err  error
	}{
		{"zero value", decimal.Decimal{}, nil},
		{"zero with a great exponent", decimal.New(0, math.MaxInt32), nil},
		{"a hundred decimals", decimal.New(-7, -100), nil},
		{"a hundred and one decimals", decimal.New(7, -101), exact.ErrRange},
		{"spare zeros beyond a hundred decimals", decimal.New(700, -102), nil},
		{"greatest exponent", decimal.New(1, math.MaxInt32), exact.ErrRange},
		{"least exponent", decimal.New(1, math.MinInt32), exact.ErrRange},
		{"beyond what parsing accepts", decimal.New(1, 45), nil},
	} {
		n, err := exact.FromDecimal(tt.d)
		if err != tt.err {
			t.Errorf("%s: FromDecimal error = %v, want %v", tt.name, err, tt.err)
		}
		if err == nil && !n.Decimal().Equal(tt.d) {
			t.Errorf("%s: FromDecimal = %s", tt.name, n)
		}
	}
}

func TestFromInt(t *testing.T) {
	for _, i := range []int64{0, 1, -1, 42, math.MaxInt64, math.MinInt64} {
		checkIs(t, "FromInt", exact.FromInt(i), new(big.Rat).SetInt64(i))
	}
}

func TestString(t *testing.T) {
	for in, want := range map[string]string{
		"0":                          "0",
		"-0.000":                     "0",
		"1.50":                       "1.5",
		"-0.10":                      "-0.1",
		"1E7":                        "10000000",
		"1.81E-8":                    "0.0000000181",
		"1e-18":                      "0.000000000000000001",
		"-1e-19":                     "-0.0000000000000000001",
		"99999999999999999999":       "99999999999999999999",
		"100000000000000000000.5":    "100000000000000000000.5",
		"170141183460469231732":      "170141183460469231732",
		"-1234567890123456789012.25": "-1234567890123456789012.25",
		"1e39":                       "1000000000000000000000000000000000000000",
	} {
		if got := mustParse(t, in).String(); got != want {
			t.Errorf("String of %s = %s, want %s", in, got, want)
		}
	}
}

func TestNarrowDoesNotAllocate(t *testing.T) {
	text := []byte("-0.0000018403")
	n := mustParse(t, "12345678901234567890.000000000000000001")
	buf := n.AppendBinary(make([]byte, 0, 64))
	var sum exact.Num
	for name, f := range map[string]func(){
		"Parse":          func() { _, _ = exact.Parse(text) },
		"ParseString":    func() { _, _ = exact.ParseString("1.8100000000000000000000E-8") },
		"FromFloat":      func() { _, _ = exact.FromFloat(0.0000018403) },
		"FromFloat long": func() { _, _ = exact.FromFloat(0.12345678901234567) },
		"Acc":            func() { sum.Acc(n); sum.Acc(n.Neg()) },
		"Add":            func() { sum = sum.Add(n).Sub(n) },
		"Cmp":            func() { _ = sum.Cmp(n); _ = sum.Equal(n); _ = sum.Sign() },
		"AppendBinary":   func() { _ = n.AppendBinary(buf[:0]) },
		"DecodeBinary":   func() { _, _, _ = exact.DecodeBinary(buf) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s allocates %v times, want 0", name, got)
		}
	}
}
