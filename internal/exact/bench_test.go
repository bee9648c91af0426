package exact_test

import (
	"strconv"
	"testing"

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
