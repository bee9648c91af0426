package pricing_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/pricing"
)

func TestGroupOfEveryComponent(t *testing.T) {
	want := map[pricing.Component]pricing.Group{
		pricing.RuntimeVCPU:             pricing.GroupRuntime,
		pricing.RuntimeMemory:           pricing.GroupRuntime,
		pricing.MemoryShortTerm:         pricing.GroupMemory,
		pricing.MemoryLongTermStorage:   pricing.GroupMemory,
		pricing.MemoryLongTermRetrieval: pricing.GroupMemory,
		pricing.CodeInterpreterVCPU:     pricing.GroupCodeInterpreter,
		pricing.CodeInterpreterMemory:   pricing.GroupCodeInterpreter,
		pricing.BrowserVCPU:             pricing.GroupBrowser,
		pricing.BrowserMemory:           pricing.GroupBrowser,
		pricing.GatewayInvocation:       pricing.GroupGateway,
		pricing.GatewaySearch:           pricing.GroupGateway,
		pricing.GatewayToolIndex:        pricing.GroupGateway,
		pricing.GatewayData:             pricing.GroupGateway,
		pricing.IdentityRequest:         pricing.GroupIdentity,
		pricing.PolicyAuthorization:     pricing.GroupPolicy,
		pricing.PolicyAuthoring:         pricing.GroupPolicy,
		pricing.PolicyOther:             pricing.GroupPolicy,
		pricing.EvaluationBuiltinInput:  pricing.GroupEvaluation,
		pricing.EvaluationBuiltinOutput: pricing.GroupEvaluation,
		pricing.EvaluationCustom:        pricing.GroupEvaluation,
		pricing.EvaluationOther:         pricing.GroupEvaluation,
		pricing.ModelInput:              pricing.GroupModel,
		pricing.ModelOutput:             pricing.GroupModel,
		pricing.ModelCacheRead:          pricing.GroupModel,
		pricing.ModelCacheWrite5m:       pricing.GroupModel,
		pricing.ModelCacheWrite1h:       pricing.GroupModel,
		pricing.ModelOther:              pricing.GroupModel,
		pricing.DataTransfer:            pricing.GroupOther,
		pricing.Unknown:                 pricing.GroupOther,
	}
	all := pricing.Components()
	if len(all) != len(want) {
		t.Errorf("Components() holds %d, want %d", len(all), len(want))
	}
	for _, c := range all {
		if got := c.Group(); got != want[c] {
			t.Errorf("%s.Group() = %q, want %q", c, got, want[c])
		}
	}
}

func TestGroupOfOtherSpellings(t *testing.T) {
	tests := []struct {
		name string
		c    pricing.Component
		want pricing.Group
	}{
		{"infrastructure", pricing.Infrastructure("AWSLambda"), pricing.GroupInfrastructure},
		{"infrastructure named like a group", pricing.Infrastructure("runtime_x"), pricing.GroupInfrastructure},
		{"component of a later version", "policy_simulation", pricing.GroupPolicy},
		{"group without a meter", "runtime", pricing.GroupOther},
		{"longer first word", "runtimes_vcpu", pricing.GroupOther},
		{"infrastructure is no meter prefix", "infrastructure_x", pricing.GroupOther},
		{"zero value", "", pricing.GroupOther},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.Group(); got != tt.want {
				t.Errorf("Component(%q).Group() = %q, want %q", tt.c, got, tt.want)
			}
		})
	}
}

func TestInfrastructureKeepsTheServiceAsBilled(t *testing.T) {
	if got, want := pricing.Infrastructure("AmazonEC2"), pricing.Component("infrastructure/AmazonEC2"); got != want {
		t.Errorf("Infrastructure(AmazonEC2) = %q, want %q", got, want)
	}
	if got := pricing.Infrastructure(""); got != pricing.Unknown {
		t.Errorf("Infrastructure of nothing = %q, want %q", got, pricing.Unknown)
	}
}
