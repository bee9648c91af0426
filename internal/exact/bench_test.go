package exact_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spendclaim/spendclaim/internal/exact"
)

// costs returns amounts with ten decimals, as text and as the doubles that a
// Parquet export holds.
func costs() (texts []string, doubles []float64) {
	for i := range 4096 {
		s := strconv.Itoa(i%90) + "." + strconv.Itoa(1_000_000_000+i*i*7919%8_999_999_999)
		x, _ := strconv.ParseFloat(s, 64)
		texts, doubles = append(texts, s), append(doubles, x)
	}
	return texts, doubles
}

func BenchmarkSumOfDoubles(b *testing.B) {
	_, doubles := costs()
	b.Run("exact", func(b *testing.B) {
		b.ReportAllocs()
		var sum exact.Num
		for i := 0; b.Loop(); i++ {
			n, err := exact.FromFloat(doubles[i%4096])
			if err != nil {
				b.Fatal(err)
			}
			sum.Acc(n)
		}
	})
	b.Run("shopspring", func(b *testing.B) {
		b.ReportAllocs()
		var sum decimal.Decimal
		for i := 0; b.Loop(); i++ {
			sum = sum.Add(decimal.NewFromFloat(doubles[i%4096]))
		}
	})
}

// BenchmarkAgainstShopspring reports how much longer the other library takes to add a
// double that means a decimal.
func BenchmarkAgainstShopspring(b *testing.B) {
	_, doubles := costs()
	var ours, theirs time.Duration
	sum, small := decimal.Decimal{}, int64(0)
	for b.Loop() {
		at := time.Now()
		for range 16 {
			small = 0
			for _, x := range doubles {
				n, ok := exact.SmallFromFloat(x)
				if ok {
					small, ok = exact.AddSmall(small, n)
				}
				if !ok {
					b.Fatal("the sum is not small")
				}
			}
		}
		ours += time.Since(at) / 16
		at, sum = time.Now(), decimal.Decimal{}
		for _, x := range doubles {
			sum = sum.Add(decimal.NewFromFloat(x))
		}
		theirs += time.Since(at)
	}
	if got := exact.FromSmall(small).Decimal(); !got.Equal(sum) {
		b.Fatalf("sum = %v, want %v", got, sum)
	}
	b.ReportMetric(float64(theirs)/float64(ours), "shopspring/ours")
	b.ReportMetric(float64(ours)/float64(b.N)/float64(len(doubles)), "ns/double")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkSumOfTexts(b *testing.B) {
	texts, _ := costs()
	b.Run("exact", func(b *testing.B) {
		b.ReportAllocs()
		var sum exact.Num
		for i := 0; b.Loop(); i++ {
			n, err := exact.ParseString(texts[i%4096])
			if err != nil {
				b.Fatal(err)
			}
			sum.Acc(n)
		}
	})
	b.Run("shopspring", func(b *testing.B) {
		b.ReportAllocs()
		var sum decimal.Decimal
		for i := 0; b.Loop(); i++ {
			d, err := decimal.NewFromString(texts[i%4096])
			if err != nil {
				b.Fatal(err)
			}
			sum = sum.Add(d)
		}
	})
}

func BenchmarkAcc(b *testing.B) {
	n, _ := exact.ParseString("0.0000018403")
	var sum exact.Num
	for b.Loop() {
		sum.Acc(n)
	}
}
