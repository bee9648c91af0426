package pricing_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/spendclaim/spendclaim/pricing"
)

func TestParseUnit(t *testing.T) {
	tests := []struct {
		printed   string
		component pricing.Component
		want      pricing.PricingUnit
	}{
		{"1K tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3}},
		{"1k Tokens", pricing.ModelOutput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3}},
		{"1M tokens", pricing.ModelCacheRead, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"1000 tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3}},
		{"10K tokens", pricing.PolicyAuthoring, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 4}},
		{"1M Input Tokens", pricing.EvaluationBuiltinInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens}},
		{"Units", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"Units", pricing.ModelCacheWrite1h, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"Million Input Tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"Million Response Tokens Regional", pricing.ModelOutput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"Million 1 hour Cache Write Input Tokens Regional", pricing.ModelCacheWrite1h, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"Price per 1 million input tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}},
		{"thousand tokens", pricing.ModelInput, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3}},
		{"vCPU-Hrs", pricing.RuntimeVCPU, pricing.PricingUnit{Unit: pricing.VCPUHours}},
		{"Events", pricing.MemoryShortTerm, pricing.PricingUnit{Unit: pricing.Events}},
		{"Memory-Retrieved", pricing.MemoryLongTermRetrieval, pricing.PricingUnit{Unit: pricing.Retrievals}},
		{"vCPU-Hours", pricing.RuntimeVCPU, pricing.PricingUnit{Unit: pricing.VCPUHours}},
		{"vCPU-Hour", pricing.CodeInterpreterVCPU, pricing.PricingUnit{Unit: pricing.VCPUHours}},
		{"GB-Hours", pricing.RuntimeMemory, pricing.PricingUnit{Unit: pricing.GBHours}},
		{"Requests", pricing.GatewayInvocation, pricing.PricingUnit{Unit: pricing.Requests}},
		{"TextUnit", pricing.ModelOther, pricing.PricingUnit{Unit: pricing.TextUnits}},
		{"image", pricing.ModelOther, pricing.PricingUnit{Unit: pricing.Images}},
		{"Queries", pricing.Unknown, pricing.PricingUnit{Unit: pricing.Queries}},
		{"1M TPM Hour", pricing.ModelOther, pricing.PricingUnit{Unit: pricing.TPMHours, Exp: 6}},
	}
	for _, tt := range tests {
		t.Run(tt.printed+" of "+string(tt.component), func(t *testing.T) {
			got, err := pricing.ParseUnit(tt.printed, tt.component)
			if err != nil || got != tt.want {
				t.Errorf("ParseUnit(%q, %s) = %+v, %v; want %+v", tt.printed, tt.component, got, err, tt.want)
			}
		})
	}
}

func TestParseUnitFailsLoudly(t *testing.T) {
	tests := []struct {
		name, printed string
		component     pricing.Component
	}{
		{"unheard of", "parsecs", pricing.ModelOther},
		{"blank", "", pricing.ModelInput},
		{"throughput that is spelled out", "Per Hour per 1K Input TPM Reserved 1 Month Regional", pricing.ModelOther},
		{"a million of nothing", "Million", pricing.ModelInput},
		{"a million units", "Million Units", pricing.ModelInput},
		{"two scales", "1M million tokens", pricing.ModelInput},
		{"manner without tokens", "Million Input Regional", pricing.ModelInput},
		{"tokens twice", "1K tokens tokens", pricing.ModelInput},
		{"a word of later days", "1M quantum tokens", pricing.ModelInput},
		{"a scale without a unit", "1M", pricing.ModelInput},
		{"units of no tokens", "Units", pricing.RuntimeVCPU},
		{"units of capacity", "Units", pricing.ModelOther},
		{"units outside of models", "Units", pricing.PolicyAuthoring},
		{"scaled units", "1K Units", pricing.ModelInput},
		{"another component's", "GB-Hours", pricing.RuntimeVCPU},
		{"tokens of a runtime", "1K tokens", pricing.RuntimeVCPU},
		{"a scale that is no power of ten", "2K tokens", pricing.ModelInput},
		{"a scale of later days", "1B tokens", pricing.ModelInput},
		{"a scale twice", "1KK tokens", pricing.ModelInput},
		{"an absurd scale", "10000000000000 tokens", pricing.ModelInput},
		{"a negative scale", "-1K tokens", pricing.ModelInput},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := pricing.ParseUnit(tt.printed, tt.component)
			var e *pricing.RateError
			if !errors.Is(err, pricing.ErrUnit) || !errors.As(err, &e) || e.Component != tt.component {
				t.Errorf("ParseUnit(%q, %s) = %+v, %v; want ErrUnit naming the component", tt.printed, tt.component, got, err)
			}
		})
	}
}

func TestThousandsAndMillionsAreOnePrice(t *testing.T) {
	k, m := pricing.PricingUnit{Unit: pricing.Tokens, Exp: 3}, pricing.PricingUnit{Unit: pricing.Tokens, Exp: 6}
	if a, b := k.Price(dec("0.0033")), m.Price(dec("3.3")); !a.Equal(b) || !a.Equal(dec("0.0000033")) {
		t.Errorf("0.0033 per 1K is %s, 3.3 per 1M is %s; want both 0.0000033 a token", a, b)
	}
	if a, b := k.Quantity(dec("1500")), m.Quantity(dec("1.5")); !a.Equal(b) || !a.Equal(dec("1500000")) {
		t.Errorf("1500 x 1K is %s, 1.5 x 1M is %s; want both 1500000 tokens", a, b)
	}
}

func allUnits() []pricing.Unit {
	return []pricing.Unit{
		pricing.Tokens, pricing.Events, pricing.Retrievals, pricing.VCPUHours, pricing.GBHours, pricing.Requests,
		pricing.RecordMonths, pricing.ToolMonths, pricing.Evaluations, pricing.TextUnits, pricing.Queries,
		pricing.Images, pricing.Hours, pricing.Seconds, pricing.GB, pricing.TPMHours,
	}
}

func TestPricingUnitWritesItsScale(t *testing.T) {
	for exp, want := range map[int32]string{0: "tokens", 1: "10 tokens", 3: "1K tokens", 4: "10000 tokens", 6: "1M tokens", 9: "1000000000 tokens"} {
		if got := (pricing.PricingUnit{Unit: pricing.Tokens, Exp: exp}).String(); got != want {
			t.Errorf("10^%d tokens are written %q, want %q", exp, got, want)
		}
	}
}

func TestParseUnitReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := pricing.PricingUnit{Unit: rapid.SampledFrom(allUnits()).Draw(t, "unit"), Exp: rapid.Int32Range(0, 9).Draw(t, "exp")}
		got, err := pricing.ParseUnit(want.String(), pricing.ModelOther)
		if err != nil || got != want {
			t.Fatalf("ParseUnit(%q) = %+v, %v; want %+v", want, got, err, want)
		}
	})
}

func TestEveryUnitOfAComponentIsReadable(t *testing.T) {
	for _, c := range pricing.Components() {
		u := c.Unit()
		if u == "" {
			continue
		}
		if got, err := pricing.ParseUnit(string(u), c); err != nil || got.Unit != u {
			t.Errorf("ParseUnit(%q, %s) = %+v, %v", u, c, got, err)
		}
	}
	if pricing.VCPUHours.Whole() || !pricing.Events.Whole() {
		t.Error("hours divide and events do not")
	}
}
