package exact_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/spendclaim/spendclaim/internal/exact"
)

// checkFloat compares FromFloat with the text that strconv calls shortest.
func checkFloat(t testing.TB, x float64) {
	t.Helper()
	got, err := exact.FromFloat(x)
	want, wantErr := exact.ParseString(strconv.FormatFloat(x, 'e', -1, 64))
	if !errors.Is(err, wantErr) || !got.Equal(want) {
		t.Fatalf("FromFloat(%v) = %s, %v; the shortest text reads as %s, %v", x, got, err, want, wantErr)
	}
}

func TestFromFloatIsShortestText(t *testing.T) {
	n := 4_000_000
	if testing.Short() {
		n = 200_000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	scales := [...]float64{1, 1e2, 1e3, 1e6, 1e8, 1e9, 1e10, 1e11, 1e12, 1e14}
	for i := range n {
		var x float64
		switch i % 4 {
		case 0: // decimals as bills have them
			x = float64(rng.Int64N(1<<uint(1+rng.IntN(53)))) / scales[rng.IntN(len(scales))]
		case 1: // the same, one or two steps beside
			x = float64(rng.Int64N(1<<uint(1+rng.IntN(50)))) / scales[rng.IntN(len(scales))]
			for range 1 + rng.IntN(2) {
				x = math.Nextafter(x, math.Inf(1-2*rng.IntN(2)))
			}
		case 2: // any bits of a plausible size
			x = math.Ldexp(rng.Float64(), rng.IntN(140)-80)
		case 3: // sums, with the dust that binary addition leaves
			x = float64(rng.IntN(1e6))/1e4 + float64(rng.IntN(1e6))/1e10
		}
		if rng.IntN(2) == 0 {
			x = -x
		}
		checkFloat(t, x)
	}
}

func TestFromFloatEdges(t *testing.T) {
	for _, x := range []float64{0, math.Copysign(0, -1), 1e5, 1e9, 1e12, 1e15, 1e16, 1e22, 1e39, 9.999999999999999e39,
		1e-10, 5e-11, 1e-18, 1e-19, 1e-100, 0.1, 0.1 + 0.2, 99999.9999999999, 999999999.999999, 2 << 53, 26024.855} {
		for _, y := range []float64{x, -x, math.Nextafter(x, math.Inf(1)), math.Nextafter(x, 0)} {
			checkFloat(t, y)
		}
	}
	for _, tt := range []struct {
		x   float64
		err error
	}{
		{math.NaN(), exact.ErrNotFinite},
		{math.Inf(1), exact.ErrNotFinite},
		{math.Inf(-1), exact.ErrNotFinite},
		{1e40, exact.ErrRange},
		{-math.MaxFloat64, exact.ErrRange},
		{1e-101, exact.ErrRange},
		{math.SmallestNonzeroFloat64, exact.ErrRange},
	} {
		if n, err := exact.FromFloat(tt.x); !errors.Is(err, tt.err) {
			t.Errorf("FromFloat(%v) = %s, %v; want %v", tt.x, n, err, tt.err)
		}
	}
}
