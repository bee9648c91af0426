package cur

import (
	"errors"
	"testing"

	"github.com/shopspring/decimal"
)

func decimalOf(n int64) decimal.Decimal { return decimal.NewFromInt(n) }

// seedBodies are bodies small enough to serve as a fuzz corpus.
func seedBodies(tb testing.TB) [][]byte {
	row := aRow{payer: "111111111111", period: "2026-05", day: "2026-05-01", kind: "Usage", product: "AmazonBedrock", usageType: "USE1-a",
		principal: "arn:aws:sts::1:assumed-role/R/s1", usage: "3", cost: "1.81E-8", currency: "USD"}
	rest := row
	rest.product, rest.cost = "AmazonEC2", "99999999999999999999999999.5"
	var out [][]byte
	for _, r := range []Rollup{{}, {Where: aiOnly}, {Keys: []Column{"resourceTags/user:team"}}} {
		rolled, err := rollAll(filesOf([][]aRow{{row, rest}}), r)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, rolled[0].Partial.AppendBody(nil))
	}
	return out
}

func TestDecodePartialRefusesDamage(t *testing.T) {
	for _, body := range seedBodies(t) {
		if _, err := DecodePartial(body); err != nil {
			t.Fatal(err)
		}
		for n := range body {
			if _, err := DecodePartial(body[:n]); !errors.Is(err, ErrPartial) {
				t.Fatalf("cut to %d of %d bytes: %v, want ErrPartial", n, len(body), err)
			}
		}
		if _, err := DecodePartial(append(body[:len(body):len(body)], 0)); !errors.Is(err, ErrPartial) {
			t.Errorf("a byte too many: %v, want ErrPartial", err)
		}
	}
}

func FuzzDecodePartial(f *testing.F) {
	for _, b := range seedBodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePartial(b)
		if err != nil {
			if !errors.Is(err, ErrPartial) {
				t.Fatalf("error %v is no ErrPartial", err)
			}
			return
		}
		// What decodes is canonical, and usable.
		if string(p.AppendBody(nil)) != string(b) {
			t.Fatal("body changed on the way")
		}
		for i := range p.Len() {
			p.Key(i)
			p.Sums(i)
		}
		for range p.Rest() {
		}
		p.Control()
	})
}
