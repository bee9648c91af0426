package exact

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestSmallNumbersAreNums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.Int64().Draw(t, "i")
		n := FromSmall(i)
		want := new(big.Rat).SetFrac(big.NewInt(i), big.NewInt(1e10))
		if got := n.Decimal().Rat(); got.Cmp(want) != 0 {
			t.Fatalf("FromSmall(%d) = %v, want %v", i, got, want)
		}
		if back, ok := n.Small(); i != math.MinInt64 && (!ok || back != i) {
			t.Fatalf("%v as small = %d, %v, want %d", n, back, ok, i)
		}
		any := Num{hi: rapid.Int64().Draw(t, "hi") >> rapid.IntRange(0, 63).Draw(t, "shift"), lo: rapid.Uint64().Draw(t, "lo")}
		if back, ok := any.Small(); ok && !FromSmall(back).Equal(any) {
			t.Fatalf("%v as small = %d, that is %v", any, back, FromSmall(back))
		}
		j := rapid.Int64().Draw(t, "j")
		sum, ok := AddSmall(i, j)
		exactly := n.Add(FromSmall(j))
		if fits := exactly.Cmp(FromSmall(math.MaxInt64)) <= 0 && exactly.Cmp(FromSmall(math.MinInt64)) >= 0; ok != fits {
			t.Fatalf("AddSmall(%d, %d): %v, want %v", i, j, ok, fits)
		}
		if ok && !FromSmall(sum).Equal(exactly) {
			t.Fatalf("AddSmall(%d, %d) = %d, want %v", i, j, sum, exactly)
		}
	})
	wide, err := Parse([]byte("1e-20"))
	if _, ok := wide.Small(); ok || err != nil {
		t.Errorf("1e-20 as small: %v, %v, want it refused", ok, err)
	}
}

// What SmallFromFloat takes, it takes as FromFloat does.
func TestSmallFromFloatAgreesWithFromFloat(t *testing.T) {
	check := func(x float64) (taken bool) {
		t.Helper()
		i, ok := SmallFromFloat(x)
		if !ok {
			return false
		}
		want, err := FromFloat(x)
		if err != nil || !FromSmall(i).Equal(want) {
			t.Fatalf("%g = %v, want %v, %v", x, FromSmall(i), want, err)
		}
		return true
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 0.1, -0.1, 1e-10, -1e-10, 99999.9999999999, -99999.9999999999,
		0.0000018403, 3.25, -1} {
		if !check(x) {
			t.Errorf("%g was not taken", x)
		}
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e5, -1e5, 1e300, 1e-11, math.SmallestNonzeroFloat64, 1.0 / 3, 1e5 / 3} {
		if check(x) {
			t.Errorf("%g was taken", x)
		}
	}
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(-1e15, 1e15).Draw(rt, "n")
		for _, scale := range []float64{1e10, 1e6, 1e3, 1} {
			if check(float64(n) / scale) {
				taken++
			}
		}
		check(math.Float64frombits(rapid.Uint64().Draw(rt, "bits")))
	})
	if taken == 0 {
		t.Error("no drawn amount was taken")
	}
}

func TestSmallAllocatesNothing(t *testing.T) {
	sum := int64(0)
	if got := testing.AllocsPerRun(100, func() {
		i, _ := SmallFromFloat(0.0000018403)
		sum, _ = AddSmall(sum, i)
	}); got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

// What ParseSmall takes, it takes as Parse does; what bills print, it takes.
func TestParseSmallAgreesWithParse(t *testing.T) {
	check := func(tb rapid.TB, text string) (taken bool) {
		tb.Helper()
		i, ok := ParseSmall([]byte(text))
		if !ok {
			return false
		}
		want, err := Parse([]byte(text))
		if err != nil || !FromSmall(i).Equal(want) {
			tb.Fatalf("%q = %v, want %v, %v", text, FromSmall(i), want, err)
		}
		return true
	}
	for _, text := range []string{"0", "0.0", "-0.0", "0.0010632875", "-58.6", "17886.0", "99999999.9999999999", "-99999999.9999999999", "1.", "007.5"} {
		if !check(t, text) {
			t.Errorf("%q was not taken", text)
		}
	}
	for _, text := range []string{"", "-", ".", "-.5", "+1", "1e3", "3.6687E-4", "100000000", "0.00000000001", "1.2.3", "1,2", " 1", "1 ", "0x1", "1_0"} {
		if check(t, text) {
			t.Errorf("%q was taken", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.StringOfN(rapid.RuneFrom([]rune("0123456789.-+eE")), 0, 24, -1).Draw(t, "text"))
	})
}
