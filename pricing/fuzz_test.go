package pricing_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spendclaim/spendclaim/pricing"
)

// accepted checks what must hold for whatever a loader lets through: the rates make
// a card, say where they come from, survive their file and price without surprise.
func accepted(t *testing.T, rates []pricing.Rate) {
	t.Helper()
	c, err := pricing.NewRateCard(rates)
	if err != nil {
		t.Fatalf("a loader accepted what makes no card: %v", err)
	}
	if len(c.Rates()) != len(rates) {
		t.Fatalf("%d rates made a card of %d", len(rates), len(c.Rates()))
	}
	for _, r := range rates {
		one, err := r.Cost(dec("1"))
		if err != nil {
			t.Fatal(err)
		}
		many, err := r.Cost(dec("1000000"))
		if err != nil {
			t.Fatal(err)
		}
		if one.IsNegative() || many.LessThan(one) {
			t.Fatalf("%s costs %s for one and %s for a million", r.Meter, one, many)
		}
		got, err := c.Lookup(pricing.Query{Meter: r.Meter, Region: r.Region, Currency: r.Currency, At: r.From})
		if err != nil && !errors.Is(err, pricing.ErrUnvalidatedRate) {
			t.Fatalf("a rate of the card is not found: %v", err)
		}
		if err == nil && got.Source == "" {
			t.Fatalf("%s has no source", r.Meter)
		}
	}
}

// refused checks that an error can be branched on.
func refused(t *testing.T, err error) {
	t.Helper()
	for _, sentinel := range []error{
		pricing.ErrSyntax, pricing.ErrNoRate, pricing.ErrBrackets, pricing.ErrCurrency, pricing.ErrUnit, pricing.ErrRate,
	} {
		if errors.Is(err, sentinel) {
			return
		}
	}
	t.Fatalf("an error that nobody can branch on: %v", err)
}

// FuzzReadPriceList reads the text as it is, and a well-formed list around fields
// of it, which mutations of a text rarely reach.
func FuzzReadPriceList(f *testing.F) {
	f.Add(bulk("AmazonBedrock"), runtimeVCPU, "", "100", "vCPU-Hours", "0.0895", "per vCPU-hour")
	f.Add("{}", "USE1-MP:USE1_InputTokenCount-Units", "M (Amazon Bedrock Edition)", "1", "Units", "3.3", "")
	f.Add("[]", "USE1-MP:USE1_Reserved_1Month_InputTPM_Geo-Units", "M", "0.5", "1M TPM Hour", "0.198", "per 1K TPM")
	f.Fuzz(func(t *testing.T, body, usageType, name, edge, unit, price, description string) {
		for _, text := range []string{body, bulk("AmazonBedrockAgentCore",
			sku("A", usageType, name, dimension{"0", edge, unit, "USD", "0", description}, dimension{edge, "Inf", unit, "USD", price, description}),
			sku("B", usageType, name, flat(unit, price)),
		)} {
			list, err := pricing.ReadPriceList(strings.NewReader(text), nil)
			if err != nil {
				refused(t, err)
				continue
			}
			accepted(t, list.Rates)
		}
	})
}

func FuzzReadProducts(f *testing.F) {
	f.Add(document("S", "A", runtimeVCPU, flat("vCPU-Hours", "0.0895")), document("S", "A", runtimeVCPU, flat("vCPU-Hours", "0.1")))
	f.Add(document("S", "A", "USE1-NovaLite-input-tokens-batch", flat("1K tokens", "0.000036")), "{}")
	f.Fuzz(func(t *testing.T, first, second string) {
		source := pages{docs: [][]string{{first}, {second}}}
		list, err := pricing.ReadProducts(context.Background(), source, "S", "us-east-1", nil)
		if err != nil {
			refused(t, err)
			return
		}
		accepted(t, list.Rates)
	})
}

func FuzzReadOffers(f *testing.F) {
	f.Add(offers("m", offer("o1", "USE1_input_tokens_standard", "5"), offer("o2", "USE1_input_tokens_standard", "4")))
	f.Add(offers("m", offer("o1", "cached_input_tokens_long_ctx_batch", "0.55")))
	f.Fuzz(func(t *testing.T, body string) {
		list, err := pricing.ReadOffers(strings.NewReader(body), &pricing.OfferOptions{From: day("2026-01-01"), Region: "eu-west-1"})
		if err != nil {
			refused(t, err)
			return
		}
		accepted(t, list.Rates)
	})
}

func FuzzReadRates(f *testing.F) {
	f.Add(rateHeader + "a\truntime_vcpu\t\t\t\t\t\tus-east-1\tUSD\t2026-01-01\t\tvCPU-hours\t0=0 100=0.0895\tpublished\tpage\t\n")
	f.Add("# nothing\n" + rateHeader)
	f.Fuzz(func(t *testing.T, body string) {
		rates, err := pricing.ReadRates(strings.NewReader(body), "f")
		if err != nil {
			refused(t, err)
			return
		}
		var b bytes.Buffer
		if err := pricing.WriteRates(&b, rates); err != nil {
			if !errors.Is(err, pricing.ErrSyntax) {
				t.Fatalf("rates that were read cannot be written: %v", err)
			}
			return
		}
		again, err := pricing.ReadRates(&b, "f")
		if err != nil {
			t.Fatalf("rates that were written cannot be read: %v", err)
		}
		if diff := cmp.Diff(rates, again, sameDecimal()); diff != "" {
			t.Fatalf("read, write, read (-first +second):\n%s", diff)
		}
	})
}

func FuzzParseUnit(f *testing.F) {
	f.Add("1M Input Tokens", "model_input")
	f.Add("Units", "model_cache_read")
	f.Add("1000000000 TPM-Hours", "model_other")
	f.Fuzz(func(t *testing.T, printed, component string) {
		got, err := pricing.ParseUnit(printed, pricing.Component(component))
		if err != nil {
			if !errors.Is(err, pricing.ErrUnit) {
				t.Fatalf("ParseUnit(%q) error = %v, want ErrUnit", printed, err)
			}
			return
		}
		if again, err := pricing.ParseUnit(got.String(), pricing.Component(component)); err != nil || again != got {
			t.Fatalf("ParseUnit(%q) = %+v, but its text %q reads as %+v, %v", printed, got, got, again, err)
		}
	})
}
