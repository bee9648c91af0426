package governance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spendclaim/spendclaim/pricing"
)

// A Scope is what a request asks for and an approval allows: every combination of
// its accounts, regions, components and models, until it expires.
type Scope struct {
	Accounts []string `json:"accounts"`
	// Regions; "*" allows any.
	Regions []string `json:"regions"`
	// Components are the features that may be used, as groups: runtime, memory,
	// code_interpreter, model, ...
	Components []pricing.Group `json:"components"`
	// Models are what pricing.ModelKey returns of their names; "*" allows any.
	Models  []string  `json:"models,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: does not
}

func (s Scope) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: scope: "+format, append([]any{ErrDetail}, args...)...)
	}
	switch {
	case len(s.Accounts) == 0:
		return fail("no account")
	case len(s.Regions) == 0:
		return fail("no region")
	case len(s.Components) == 0:
		return fail("no component")
	case slices.Contains(s.Components, pricing.GroupModel) != (len(s.Models) > 0):
		return fail("models and the component model go together")
	}
	for _, a := range s.Accounts {
		if !isAccount(a) {
			return fail("account %q has not twelve digits", a)
		}
	}
	for _, c := range s.Components {
		if !slices.Contains(pricing.Groups(), c) {
			return fail("component %q is none of %q", c, pricing.Groups())
		}
	}
	for _, text := range append(slices.Clone(s.Regions), s.Models...) {
		if err := checkID("region or model", text); err != nil {
			return fail("%w", err)
		}
	}
	return nil
}

// normal returns the scope sorted and without repetitions.
func (s Scope) normal() Scope {
	sorted := func(in []string) []string {
		out := slices.Clone(in)
		slices.Sort(out)
		return slices.Compact(out)
	}
	s.Accounts, s.Regions = sorted(s.Accounts), sorted(s.Regions)
	s.Models = sorted(s.Models)
	for i, m := range s.Models {
		s.Models[i] = modelKey(m)
	}
	s.Models = sorted(s.Models)
	s.Components = slices.Clone(s.Components)
	slices.Sort(s.Components)
	s.Components = slices.Compact(s.Components)
	s.Expires = s.Expires.UTC()
	return s
}

func modelKey(m string) string {
	if m == "*" {
		return m
	}
	return pricing.ModelKey(m)
}

// Allows reports whether use of a component in an account and region lies inside
// the scope at an instant, and otherwise what does not. Blank values are not
// looked at: what a handoff or a bill does not say cannot be outside. model is
// looked at for the component model alone.
func (s Scope) Allows(at time.Time, account, region string, component pricing.Group, model string) error {
	var outside []string
	if account != "" && !slices.Contains(s.Accounts, account) {
		outside = append(outside, "account "+account)
	}
	if region != "" && !slices.Contains(s.Regions, region) && !slices.Contains(s.Regions, "*") {
		outside = append(outside, "region "+region)
	}
	if component != "" && !slices.Contains(s.Components, component) {
		outside = append(outside, "component "+string(component))
	}
	if component == pricing.GroupModel && model != "" && !slices.Contains(s.Models, modelKey(model)) && !slices.Contains(s.Models, "*") {
		outside = append(outside, "model "+model)
	}
	if !s.Expires.IsZero() && !at.Before(s.Expires) {
		outside = append(outside, "expired "+date(s.Expires))
	}
	if len(outside) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrScope, strings.Join(outside, ", "))
}
